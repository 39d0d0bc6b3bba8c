// Linear, Flatten, Dropout, activations and Sequential.
#include "nn/layers.h"

#include <cmath>

#include "core/format.h"
#include "nn/arity.h"
#include "nn/init.h"
#include "ops/activation.h"
#include "ops/common.h"
#include "ops/matmul.h"
#include "ops/random.h"
#include "ops/softmax.h"
#include "ops/view.h"

namespace mt::nn {
namespace {

class Linear final : public Module {
 public:
  Linear(int64_t in, int64_t out, bool bias, DType dtype, Device device)
      : Module("Linear"), in_(in), out_(out) {
    if (in < 0 || out < 0) {
      fail(Status::kInvalidArgument, "Linear: negative size: in_features ", in, ", out_features ",
           out, ": both must be >= 0");
    }
    weight_ = make_parameter(Tensor::empty({{out, in}}, dtype, device, "Linear"));
    if (bias) bias_ = make_parameter(Tensor::empty({{out}}, dtype, device, "Linear"));
    register_parameter("weight", weight_);
    register_parameter("bias", bias_);
    // torch's default: kaiming_uniform_(a = sqrt(5)), then the bias by the fan in.
    init::kaiming_uniform_(weight_, std::sqrt(5.0));
    if (bias) {
      const double bound = in > 0 ? 1 / std::sqrt(static_cast<double>(in)) : 0;
      init::uniform_(bias_, -bound, bound);
    }
  }
  TensorList forward(std::span<const Tensor> inputs) override {
    const Tensor& x = one_input("Linear", inputs);
    // The registered tensors are read, not copies: they may have been replaced by name.
    return {mt::linear(x, parameters_[0].second, parameters_[1].second)};
  }
  std::string extra_repr() const override {
    return cat("in_features=", in_, ", out_features=", out_,
               ", bias=", parameters_[1].second.defined() ? "True" : "False");
  }

 private:
  int64_t in_, out_;
  Tensor weight_, bias_;
};

class Flatten final : public Module {
 public:
  Flatten(int64_t start, int64_t end) : Module("Flatten"), start_(start), end_(end) {}
  TensorList forward(std::span<const Tensor> inputs) override {
    return {mt::flatten(one_input("Flatten", inputs), start_, end_)};
  }
  std::string extra_repr() const override { return cat("start_dim=", start_, ", end_dim=", end_); }

 private:
  int64_t start_, end_;
};

class Dropout final : public Module {
 public:
  Dropout(double p, bool inplace) : Module("Dropout"), p_(p), inplace_(inplace) {
    if (!(p >= 0 && p <= 1)) {
      fail(Status::kInvalidArgument, "Dropout: p out of range: p ", p, ": must be in [0, 1]");
    }
  }
  TensorList forward(std::span<const Tensor> inputs) override {
    const Tensor& x = one_input("Dropout", inputs);
    if (!inplace_) return {mt::dropout(x, p_, training_)};
    return {dropout_(x, p_, training_)};
  }
  std::string extra_repr() const override {
    return cat("p=", format_number(p_), ", inplace=", inplace_ ? "True" : "False");
  }

 private:
  double p_;
  bool inplace_;
};

// A module that is one function of one tensor and a fixed printed form.
class Activation final : public Module {
 public:
  using Function = std::function<Tensor(const Tensor&)>;
  Activation(std::string name, std::string extra, Function f)
      : Module(std::move(name)), extra_(std::move(extra)), f_(std::move(f)) {}
  TensorList forward(std::span<const Tensor> inputs) override {
    return {f_(one_input(type_name_, inputs))};
  }
  std::string extra_repr() const override { return extra_; }

 private:
  std::string extra_;
  Function f_;
};

ModuleRef activation(std::string name, std::string extra, Activation::Function f) {
  return ModuleRef::adopt(new Activation(std::move(name), std::move(extra), std::move(f)));
}

// torch's rule for a softmax module without a dim.
int64_t softmax_dim(std::optional<int64_t> dim, const Tensor& x) {
  if (dim) return *dim;
  return x.dim() == 0 || x.dim() == 1 || x.dim() == 3 ? 0 : 1;
}

std::string dim_repr(std::optional<int64_t> dim) {
  return dim ? cat("dim=", *dim) : std::string("dim=None");
}

}  // namespace

ModuleRef identity() {
  return activation("Identity", "", [](const Tensor& x) { return x; });
}

ModuleRef linear(int64_t in, int64_t out, bool bias, DType dtype, Device device) {
  return ModuleRef::adopt(new Linear(in, out, bias, dtype, device));
}

ModuleRef flatten(int64_t start_dim, int64_t end_dim) {
  return ModuleRef::adopt(new Flatten(start_dim, end_dim));
}

ModuleRef dropout(double p, bool inplace) { return ModuleRef::adopt(new Dropout(p, inplace)); }

ModuleRef relu(bool inplace) {
  return activation("ReLU", inplace ? "inplace=True" : "",
                    [inplace](const Tensor& x) { return inplace ? relu_(x) : mt::relu(x); });
}

ModuleRef sigmoid() {
  return activation("Sigmoid", "", [](const Tensor& x) { return mt::sigmoid(x); });
}

ModuleRef tanh() {
  return activation("Tanh", "", [](const Tensor& x) { return mt::tanh(x); });
}

ModuleRef gelu(std::string_view approximate) {
  if (approximate != "none" && approximate != "tanh") {
    fail(Status::kInvalidArgument, "GELU: unknown approximate: '", approximate,
         "': must be 'none' or 'tanh'");
  }
  return activation("GELU", cat("approximate='", approximate, "'"),
                    [approximate = std::string(approximate)](const Tensor& x) {
                      return mt::gelu(x, approximate);
                    });
}

ModuleRef softmax(std::optional<int64_t> dim) {
  return activation("Softmax", dim_repr(dim),
                    [dim](const Tensor& x) { return mt::softmax(x, softmax_dim(dim, x)); });
}

ModuleRef log_softmax(std::optional<int64_t> dim) {
  return activation("LogSoftmax", dim_repr(dim),
                    [dim](const Tensor& x) { return mt::log_softmax(x, softmax_dim(dim, x)); });
}

TensorList Sequential::forward(std::span<const Tensor> inputs) {
  TensorList values;
  for (const Tensor& t : inputs) values.push_back(t);
  for (size_t i = 0; i < children_.size(); ++i) {  // a child's hook may change this module
    const ModuleRef child = children_[i].second;
    if (!child) {
      fail(Status::kState, "Sequential: no module: child '", children_[i].first,
           "' is None: every child must be a module");
    }
    values = child->call(values);
  }
  return values;
}

Ref<Sequential> sequential(std::span<const ModuleRef> modules) {
  auto s = Ref<Sequential>::adopt(new Sequential);
  for (const ModuleRef& m : modules) s->append(m);
  return s;
}

}  // namespace mt::nn
