// Weight and spectral normalisation; see normed_weights.h. The hooks hold no tensors: what they
// compute from is in the module, so that they serve its copies too.
#include "nn/normed_weights.h"

#include "nn/init.h"
#include "ops/arithmetic.h"
#include "ops/common.h"
#include "ops/matmul.h"
#include "ops/reduce.h"
#include "ops/statistics.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt::nn {
namespace {

class NormHook : public ModuleHook {
 public:
  NormHook(const char* kind, std::string name) : kind_(kind), name_(std::move(name)) {}
  bool is(std::string_view kind, std::string_view name) const {
    return kind_ == kind && name_ == name;
  }
  void call(Module& m, TensorList&, TensorList*) override {
    m.set_computed(name_, compute(m, m.training()));
  }
  virtual Tensor compute(const Module& m, bool training) const = 0;
  virtual std::vector<std::string> parts() const = 0;  // what the module got

 protected:
  std::string_view kind_;
  std::string name_;
};

uint64_t find(const Module& m, const char* kind, std::string_view name, const NormHook** out) {
  return m.find_hook([&](const ModuleHook& h) {
    const auto* norm = dynamic_cast<const NormHook*>(&h);
    if (!norm || !norm->is(kind, name)) return false;
    if (out) *out = norm;
    return true;
  });
}

// The parameter to be replaced.
Tensor start(const Module& m, const char* kind, std::string_view name) {
  if (find(m, kind, name, nullptr) != 0) {
    fail(Status::kState, kind, ": already there: '", name, "' of ", m.type_name(),
         ": a parameter can be normed once; remove it first");
  }
  const Tensor weight = m.get_parameter(name);
  if (!is_floating(weight.dtype())) {
    fail(Status::kDType, kind, ": not floating: '", name, "' is ", dtype_name(weight.dtype()),
         ": must have a floating dtype");
  }
  return weight;
}

void remove(Module& m, const char* kind, std::string_view name) {
  const NormHook* norm = nullptr;
  const uint64_t id = find(m, kind, name, &norm);
  if (id == 0) {
    fail(Status::kKey, kind, ": not found: '", name, "' of ", m.type_name(), " is not normed");
  }
  GradMode off(false);
  const Tensor value = make_parameter(mt::clone(detach(norm->compute(m, false))));
  for (const std::string& part : norm->parts()) m.unregister(part);
  m.register_parameter(name, value);
  m.remove_hook(id);
}

int64_t checked_dim(const char* kind, int64_t dim, const Tensor& t) {
  const int64_t n = t.dim(), at = dim < 0 ? dim + n : dim;
  if (at >= 0 && at < n) return at;
  fail(Status::kIndex, kind, ": dim out of range: dim ", dim, ", weight ", shape_string(t.sizes()),
       ": must be in [", -n, ", ", n - 1, "]");
}

// --- weight_norm -------------------------------------------------------------------------------

constexpr const char* kWeightNorm = "weight_norm";

// The 2-norms over all dims but one, or over all, of a shape that broadcasts to v.
Tensor lengths(const Tensor& v, int64_t dim) {
  if (dim == -1) return norm(v, 2);
  std::vector<int64_t> dims;
  for (int64_t d = 0; d < v.dim(); ++d) {
    if (d != dim) dims.push_back(d);
  }
  return dims.empty() ? mt::abs(v) : norm(v, 2, dims, true);
}

class WeightNorm final : public NormHook {
 public:
  WeightNorm(std::string name, int64_t dim) : NormHook(kWeightNorm, std::move(name)), dim_(dim) {}
  Tensor compute(const Module& m, bool) const override {
    const Tensor v = m.get_parameter(name_ + "_v");
    return mul(v, div(m.get_parameter(name_ + "_g"), lengths(v, dim_)));
  }
  std::vector<std::string> parts() const override { return {name_ + "_g", name_ + "_v"}; }

 private:
  int64_t dim_;
};

// --- spectral_norm -----------------------------------------------------------------------------

constexpr const char* kSpectralNorm = "spectral_norm";

Tensor unit(const Tensor& t, double eps) {
  const int64_t dim[] = {0};
  return normalize(t, 2, dim, eps);
}

// The outputs as rows.
Tensor as_matrix(const Tensor& weight, int64_t dim) {
  Tensor w = weight;
  if (dim != 0) w = movedim(w, {{dim}}, {{0}});
  return reshape(w, {{w.size(0), -1}});
}

class SpectralNorm final : public NormHook {
 public:
  SpectralNorm(std::string name, int64_t n, double eps, int64_t dim)
      : NormHook(kSpectralNorm, std::move(name)), n_(n), eps_(eps), dim_(dim) {}
  Tensor compute(const Module& m, bool training) const override {
    const Tensor weight = m.get_parameter(name_ + "_orig");
    Tensor u = m.get_buffer(name_ + "_u"), v = m.get_buffer(name_ + "_v");
    const Tensor matrix = as_matrix(weight, dim_);
    if (training) {
      GradMode off(false);
      for (int64_t i = 0; i < n_; ++i) {
        copy_(v, unit(mv(t(matrix), u), eps_));
        copy_(u, unit(mv(matrix, v), eps_));
      }
      u = mt::clone(u);  // the next forward overwrites them
      v = mt::clone(v);
    }
    return div(weight, dot(u, mv(matrix, v)));
  }
  std::vector<std::string> parts() const override {
    return {name_ + "_u", name_ + "_v", name_ + "_orig"};
  }

 private:
  int64_t n_;
  double eps_;
  int64_t dim_;
};

}  // namespace

void weight_norm(Module& m, std::string_view name, int64_t dim) {
  const Tensor weight = start(m, kWeightNorm, name);
  if (dim != -1) dim = checked_dim(kWeightNorm, dim, weight);
  const Tensor value = detach(weight);
  const Tensor g = make_parameter(mt::clone(lengths(value, dim)));
  const std::string own(name);
  m.set_computed(name, value);
  m.register_parameter(own + "_g", g);
  m.register_parameter(own + "_v", make_parameter(value));
  const Ref<WeightNorm> hook = Ref<WeightNorm>::adopt(new WeightNorm(std::string(name), dim));
  m.set_computed(name, hook->compute(m, false));
  m.register_forward_pre_hook(Ref<ModuleHook>::share(hook.get()));
}

void remove_weight_norm(Module& m, std::string_view name) { remove(m, kWeightNorm, name); }

void spectral_norm(Module& m, std::string_view name, const SpectralNormOptions& o) {
  if (o.n_power_iterations <= 0) {
    fail(Status::kInvalidArgument, kSpectralNorm, ": value out of range: n_power_iterations ",
         o.n_power_iterations, ": must be positive");
  }
  const Tensor weight = start(m, kSpectralNorm, name);
  const bool transposed = m.type_name().starts_with("ConvTranspose");
  const int64_t dim = checked_dim(kSpectralNorm, o.dim.value_or(transposed ? 1 : 0), weight);
  GradMode off(false);
  const Tensor matrix = as_matrix(detach(weight), dim);
  Tensor start_values[2];
  for (const int d : {0, 1}) {
    const int64_t size[] = {matrix.size(d)};
    start_values[d] = Tensor::empty(size, weight.dtype(), weight.device(), kSpectralNorm);
    init::normal_(start_values[d], 0, 1);
    start_values[d] = unit(start_values[d], o.eps);
  }
  const std::string own(name);
  m.set_computed(name, detach(weight));
  m.register_parameter(own + "_orig", weight);
  m.register_buffer(own + "_u", start_values[0]);
  m.register_buffer(own + "_v", start_values[1]);
  m.register_forward_pre_hook(Ref<ModuleHook>::adopt(
      new SpectralNorm(std::string(name), o.n_power_iterations, o.eps, dim)));
}

void remove_spectral_norm(Module& m, std::string_view name) { remove(m, kSpectralNorm, name); }

}  // namespace mt::nn
