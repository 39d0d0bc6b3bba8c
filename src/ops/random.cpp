// Random tensors and in-place fills: see random.h. What is drawn, and in what order, is documented
// in kernels/random.h.
#include "ops/random.h"

#include <algorithm>
#include <numbers>

#include "kernels/random.h"
#include "ops/arithmetic.h"
#include "ops/complex.h"
#include "ops/creation.h"
#include "ops/overwrite.h"
#include "ops/view.h"

namespace mt {
namespace {

Generator& chosen(Generator* generator) { return generator ? *generator : default_generator(); }

// t with its dims from the largest stride to the smallest: row-major order is memory order then.
Dims memory_order(const Tensor& t) {
  const Dims strides = dense_strides(t);
  Dims order(t.dim());
  for (int i = 0; i < t.dim(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return strides[static_cast<int>(a)] > strides[static_cast<int>(b)];
  });
  return order;
}

Tensor permuted(const Tensor& t, const Dims& order) {
  Dims sizes(t.dim()), strides(t.dim());
  for (int i = 0; i < t.dim(); ++i) {
    sizes[i] = t.size(static_cast<int>(order[i]));
    strides[i] = t.stride(static_cast<int>(order[i]));
  }
  return t.alias(sizes, strides, t.offset());
}

// Calls draw(dtype, address, count, contiguous) to fill t in memory order. Meta tensors only have
// the arguments checked, by an empty draw.
template <class Draw>
void fill(const Tensor& t, const Draw& draw) {
  if (t.is_meta() || t.numel() == 0) return draw(t.dtype(), nullptr, int64_t{0}, true);
  if (t.is_contiguous()) return draw(t.dtype(), t.data(), t.numel(), true);
  const Tensor sorted = permuted(t, memory_order(t));
  if (sorted.is_contiguous()) return draw(t.dtype(), sorted.data(), t.numel(), false);
  const Tensor buffer = Tensor::empty_like(sorted);
  draw(t.dtype(), buffer.data(), buffer.numel(), false);
  copy_values(sorted, buffer);
}

// An in-place fill. `op` is its name, `node` that of its history.
template <class Draw>
const Tensor& fill_self(const char* op, const char* node, const Tensor& self, const Draw& draw) {
  check_defined(op, "self", self);
  check_inplace(op, self);
  Ref<Node> history = erasing_node(node, self);
  fill(self, draw);
  inplace_done(self, std::move(history));
  return self;
}

// The in-place fill of a complex tensor: draw(view_as_real(self)).
template <class Draw>
const Tensor& fill_parts(const char* op, const char* node, const Tensor& self, const Draw& draw) {
  check_inplace(op, self);
  Ref<Node> history = erasing_node(node, self);
  {
    GradMode off(false);
    draw(view_as_real(self));
  }
  inplace_done(self, std::move(history));
  return self;
}

}  // namespace

const Tensor& uniform_(const Tensor& self, double from, double to, Generator* generator) {
  if (self.defined() && is_complex(self.dtype())) {
    return fill_parts("uniform_", "UniformBackward0", self,
                      [&](const Tensor& parts) { uniform_(parts, from, to, generator); });
  }
  return fill_self("uniform_", "UniformBackward0", self,
                   [&](DType dtype, void* out, int64_t n, bool) {
                     fill_uniform(dtype, out, n, from, to, chosen(generator));
                   });
}

const Tensor& normal_(const Tensor& self, double mean, double std, Generator* generator) {
  if (self.defined() && is_complex(self.dtype())) {  // the parts share the variance
    return fill_parts("normal_", "NormalBackward0", self, [&](const Tensor& parts) {
      normal_(parts, 0, std / std::numbers::sqrt2, generator);
      if (mean != 0) add_(select(parts, -1, 0), Tensor::from_scalar(mean));
    });
  }
  return fill_self("normal_", "NormalBackward0", self,
                   [&](DType dtype, void* out, int64_t n, bool contiguous) {
                     fill_normal(dtype, out, n, mean, std, chosen(generator), contiguous);
                   });
}

const Tensor& log_normal_(const Tensor& self, double mean, double std, Generator* generator) {
  return fill_self("log_normal_", "LogNormalBackward0", self,
                   [&](DType dtype, void* out, int64_t n, bool) {
                     fill_log_normal(dtype, out, n, mean, std, chosen(generator));
                   });
}

const Tensor& cauchy_(const Tensor& self, double median, double sigma, Generator* generator) {
  return fill_self("cauchy_", "CauchyBackward0", self,
                   [&](DType dtype, void* out, int64_t n, bool) {
                     fill_cauchy(dtype, out, n, median, sigma, chosen(generator));
                   });
}

const Tensor& exponential_(const Tensor& self, double lambda, Generator* generator) {
  return fill_self("exponential_", "ExponentialBackward0", self,
                   [&](DType dtype, void* out, int64_t n, bool) {
                     fill_exponential(dtype, out, n, lambda, chosen(generator));
                   });
}

const Tensor& geometric_(const Tensor& self, double p, Generator* generator) {
  return fill_self("geometric_", "GeometricBackward0", self,
                   [&](DType dtype, void* out, int64_t n, bool) {
                     fill_geometric(dtype, out, n, p, chosen(generator));
                   });
}

const Tensor& bernoulli_(const Tensor& self, double p, Generator* generator) {
  return fill_self("bernoulli_", "BernoulliBackward2", self,
                   [&](DType dtype, void* out, int64_t n, bool) {
                     fill_bernoulli(dtype, out, n, p, chosen(generator));
                   });
}

const Tensor& bernoulli_(const Tensor& self, const Tensor& p, Generator* generator) {
  check_defined("bernoulli_", "self", self);
  check_defined("bernoulli_", "p", p);
  check_floating("bernoulli_", p);
  if (check_devices("bernoulli_", {&self, &p}) != self.device()) {  // a 0-dim self
    fail(Status::kDevice, "bernoulli_: device mismatch: self on ", device_name(self.device()),
         ", p on ", device_name(p.device()), ": an in-place op cannot change the device");
  }
  if (!is_broadcastable_to(p.sizes(), self.sizes())) {
    fail(Status::kShape, "bernoulli_: shape mismatch: self ", shape_string(self.sizes()), ", p ",
         shape_string(p.sizes()), ": p must broadcast to self's shape");
  }
  // The probabilities in the order in which self is filled.
  Tensor sorted;
  if (!self.is_meta() && self.numel() > 0) {
    GradMode off(false);
    const Tensor whole = expand(p, self.sizes());
    sorted = contiguous_values(self.is_contiguous() ? whole : permuted(whole, memory_order(self)));
  }
  return fill_self(
      "bernoulli_", "BernoulliBackward1", self, [&](DType dtype, void* out, int64_t n, bool) {
        if (!sorted.defined()) return;
        fill_bernoulli(dtype, out, n, sorted.dtype(), sorted.data(), chosen(generator));
      });
}

const Tensor& random_(const Tensor& self, Generator* generator) {
  return fill_self("random_", "RandomBackward2", self,
                   [&](DType dtype, void* out, int64_t n, bool) {
                     fill_random(dtype, out, n, chosen(generator));
                   });
}

const Tensor& random_(const Tensor& self, int64_t from, std::optional<int64_t> to,
                      Generator* generator) {
  return fill_self("random_", "RandomBackward0", self,
                   [&](DType dtype, void* out, int64_t n, bool) {
                     fill_random(dtype, out, n, from, to, chosen(generator));
                   });
}

Tensor rand(IntSpan sizes, DType dtype, Device device, Generator* generator) {
  Tensor out = Tensor::empty(sizes, dtype, device, "rand");
  uniform_(out, 0, 1, generator);
  return out;
}

Tensor randn(IntSpan sizes, DType dtype, Device device, Generator* generator) {
  Tensor out = Tensor::empty(sizes, dtype, device, "randn");
  normal_(out, 0, 1, generator);
  return out;
}

Tensor randint(int64_t low, int64_t high, IntSpan sizes, DType dtype, Device device,
               Generator* generator) {
  Tensor out = Tensor::empty(sizes, dtype, device, "randint");
  random_(out, low, high, generator);
  return out;
}

Tensor randperm(int64_t n, DType dtype, Device device, Generator* generator) {
  if (n < 0) {
    fail(Status::kInvalidArgument, "randperm: negative size: ", n, ": must be >= 0");
  }
  Tensor out = Tensor::empty(Dims{n}, dtype, device, "randperm");
  fill_randperm(dtype, out.data(), out.is_meta() ? 0 : n, chosen(generator));
  return out;
}

Tensor rand_like(const Tensor& self, std::optional<DType> dtype, std::optional<Device> device,
                 Generator* generator) {
  Tensor out = empty_like(self, dtype, device);
  uniform_(out, 0, 1, generator);
  return out;
}

Tensor randn_like(const Tensor& self, std::optional<DType> dtype, std::optional<Device> device,
                  Generator* generator) {
  Tensor out = empty_like(self, dtype, device);
  normal_(out, 0, 1, generator);
  return out;
}

Tensor randint_like(const Tensor& self, int64_t low, int64_t high, std::optional<DType> dtype,
                    std::optional<Device> device, Generator* generator) {
  Tensor out = empty_like(self, dtype, device);
  random_(out, low, high, generator);
  return out;
}

namespace {

// The smallest element of a standard deviation must not be negative.
void check_std(const Tensor& std) {
  if (std.is_meta()) return;
  const Tensor values = contiguous_values(converted(std, DType::kFloat64));
  const auto* p = values.data_as<double>();
  for (int64_t i = 0; i < values.numel(); ++i) {
    if (p[i] >= 0 || p[i] != p[i]) continue;
    fail(Status::kInvalidArgument, "normal: std out of range: ", p[i], ": must be >= 0");
  }
}

}  // namespace

Tensor normal(const Tensor& mean, const Tensor& std, Generator* generator) {
  check_defined("normal", "mean", mean);
  check_defined("normal", "std", std);
  const Device device = check_devices("normal", {&mean, &std});
  const bool one_mean = mean.impl()->is_number, one_std = std.impl()->is_number;
  if (!one_mean) check_floating("normal", mean);
  if (!one_std) check_floating("normal", std);
  check_std(std);
  const Dims sizes = broadcast_shapes("normal", mean.sizes(), std.sizes());
  const DType dtype = !one_mean ? mean.dtype() : !one_std ? std.dtype() : default_dtype();
  Tensor out = Tensor::empty(sizes, dtype, device, "normal");
  {
    // One deviation for all goes into the draw, others are multiplied in after it.
    GradMode off(false);
    normal_(out, 0, one_std ? std.item().to_double() : 1, generator);
    if (!one_std) mul_(out, std);
    add_(out, mean);
  }
  if (recording(mean, std)) {
    record_light(one_std    ? "NormalBackward1"
                 : one_mean ? "NormalBackward2"
                            : "NormalBackward3",
                 out, {&mean, &std}, [](const GradIn& g) -> Grads {
                   return {g.needs(0) ? erased_gradient(g[0]) : Tensor(),
                           g.needs(1) ? erased_gradient(g[0]) : Tensor()};
                 });
  }
  return out;
}

Tensor normal(double mean, double std, IntSpan sizes, DType dtype, Device device,
              Generator* generator) {
  Tensor out = Tensor::empty(sizes, dtype, device, "normal");
  normal_(out, mean, std, generator);
  return out;
}

namespace {

template <class P>
Tensor bernoulli_like(const Tensor& self, const P& p, Generator* generator) {
  Tensor out = Tensor::empty_like(self);
  bernoulli_(out, p, generator);
  if (recording(self)) {
    record_light("BernoulliBackward0", out, {&self},
                 [](const GradIn& g) -> Grads { return {erased_gradient(g[0])}; });
  }
  return out;
}

}  // namespace

Tensor bernoulli(const Tensor& self, Generator* generator) {
  check_defined("bernoulli", "self", self);
  return bernoulli_like(self, self, generator);
}

Tensor bernoulli(const Tensor& self, double p, Generator* generator) {
  check_defined("bernoulli", "self", self);
  return bernoulli_like(self, p, generator);
}

}  // namespace mt
