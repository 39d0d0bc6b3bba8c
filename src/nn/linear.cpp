// Linear, Bilinear, and the layers that only change the shape.
#include <cmath>

#include "nn/init.h"
#include "nn/layer_options.h"
#include "ops/common.h"
#include "ops/embedding.h"
#include "ops/matmul.h"
#include "ops/view.h"

namespace mt::nn {
namespace {

class Linear final : public Layer<Linear, LinearOptions> {
 public:
  explicit Linear(LinearOptions given) : Layer(std::move(given)) {
    const auto& o = options_;
    if (o.in_features < 0 || o.out_features < 0) {
      fail(Status::kInvalidArgument, "Linear: negative size: in_features ", o.in_features,
           ", out_features ", o.out_features, ": both must be >= 0");
    }
    const Tensor weight = make_parameter(
        Tensor::empty({{o.out_features, o.in_features}}, o.dtype, o.device, "Linear"));
    const Tensor bias =
        o.bias ? make_parameter(Tensor::empty({{o.out_features}}, o.dtype, o.device, "Linear"))
               : Tensor();
    register_parameter("weight", weight);
    register_parameter("bias", bias);
    // torch's default: kaiming_uniform_(a = sqrt(5)), then the bias by the fan in.
    init::kaiming_uniform_(weight, std::sqrt(5.0));
    if (o.bias) {
      const double bound =
          o.in_features > 0 ? 1 / std::sqrt(static_cast<double>(o.in_features)) : 0;
      init::uniform_(bias, -bound, bound);
    }
  }
  TensorList forward(std::span<const Tensor> inputs) override {
    return {mt::linear(one_input("Linear", inputs), parameter(0), parameter(1))};
  }
};

class Bilinear final : public Layer<Bilinear, BilinearOptions> {
 public:
  explicit Bilinear(BilinearOptions given) : Layer(std::move(given)) {
    const auto& o = options_;
    if (o.in1_features <= 0 || o.in2_features < 0 || o.out_features < 0) {
      fail(Status::kInvalidArgument, "Bilinear: size out of range: in1_features ", o.in1_features,
           ", in2_features ", o.in2_features, ", out_features ", o.out_features,
           ": the first must be > 0, the others >= 0");
    }
    const int64_t sizes[] = {o.out_features, o.in1_features, o.in2_features};
    const Tensor weight = make_parameter(Tensor::empty(sizes, o.dtype, o.device, "Bilinear"));
    const Tensor bias =
        o.bias ? make_parameter(Tensor::empty({{o.out_features}}, o.dtype, o.device, "Bilinear"))
               : Tensor();
    register_parameter("weight", weight);
    register_parameter("bias", bias);
    const double bound = 1 / std::sqrt(static_cast<double>(o.in1_features));
    init::uniform_(weight, -bound, bound);
    if (o.bias) init::uniform_(bias, -bound, bound);
  }
  TensorList forward(std::span<const Tensor> inputs) override {
    check_inputs("Bilinear", inputs, 2);
    return {mt::bilinear(inputs[0], inputs[1], parameter(0), parameter(1))};
  }
};

}  // namespace

ModuleRef linear(LinearOptions o) { return ModuleRef::adopt(new Linear(std::move(o))); }

ModuleRef bilinear(BilinearOptions o) { return ModuleRef::adopt(new Bilinear(std::move(o))); }

ModuleRef identity(IdentityOptions o) {
  return unary_layer(o, [](const IdentityOptions&, const Tensor& x) { return x; });
}

ModuleRef flatten(FlattenOptions o) {
  return unary_layer(o, [](const FlattenOptions& f, const Tensor& x) {
    return mt::flatten(x, f.start_dim, f.end_dim);
  });
}

ModuleRef unflatten(UnflattenOptions o) {
  return unary_layer(std::move(o), [](const UnflattenOptions& u, const Tensor& x) {
    return mt::unflatten(x, u.dim, u.unflattened_size);
  });
}

}  // namespace mt::nn
