// Activation functions, the gradient beside each: a fused slope kernel for a plain backward, the
// differentiable formula when the backward itself is recorded.
#include "ops/activation.h"

#include <numbers>

#include "ops/compare.h"
#include "ops/power.h"
#include "ops/rules.h"
#include "ops/unary.h"

namespace mt {
namespace {

using namespace tensor_math;  // NOLINT
using std::numbers::inv_sqrtpi;
using std::numbers::sqrt2;

Tensor relu_forward(const Tensor& a, const Tensor* out) {
  check_not_bool("relu", a);
  const DType t = is_floating(a.dtype()) ? float_dtype(a) : a.dtype();
  return unary_forward(Elementwise::kRelu, a, t, t, {}, out);
}
Tensor sigmoid_forward(const Tensor& a, const Tensor* out) {
  return float_forward(Elementwise::kSigmoid, a, out);
}
Tensor tanh_forward(const Tensor& a, const Tensor* out) {
  return float_forward(Elementwise::kTanh, a, out);
}

bool is_tanh_form(std::string_view approximate) {
  if (approximate == "tanh") return true;
  if (approximate == "none") return false;
  fail(Status::kInvalidArgument, "gelu: unknown approximate: '", approximate,
       "': must be 'none' or 'tanh'");
}

// d(x * Phi(x))/dx = Phi(x) + x * phi(x)
Tensor gelu_slope(const Tensor& x) {
  const Tensor cdf = (erf(x * (1 / sqrt2)) + 1.0) * 0.5;
  const Tensor pdf = exp(square(x) * -0.5) * (inv_sqrtpi / sqrt2);
  return cdf + x * pdf;
}

// The same for x * (1 + tanh(u)) / 2, u = sqrt(2 / pi) * (x + c * x^3)
Tensor gelu_tanh_slope(const Tensor& x) {
  constexpr double kScale = sqrt2 * inv_sqrtpi, kCubic = 0.044715;
  const Tensor x2 = square(x);
  const Tensor t = tanh(x * (x2 * kCubic + 1.0) * kScale);
  const Tensor du = (x2 * (3 * kCubic) + 1.0) * kScale;
  return (t + 1.0) * 0.5 + x * 0.5 * (1.0 - square(t)) * du;
}

// Kernel parameters in the order that elementwise_ops.h gives.
Params params_of(double first, double second = 0, double third = 0) {
  Params p;
  p.f[0] = first;
  p.f[1] = second;
  p.f[2] = third;
  return p;
}

Tensor floats_only(Elementwise id, const Tensor& a, const Params& p, const Tensor* out) {
  check_floating(elementwise_name(id), a);
  const DType t = float_dtype(a);
  return unary_forward(id, a, t, t, p, out);
}
Tensor silu_forward(const Tensor& a, const Tensor* out) {
  return floats_only(Elementwise::kSilu, a, {}, out);
}

Tensor gelu_forward(const Tensor& a, bool tanh_form, const Tensor* out) {
  return floats_only(tanh_form ? Elementwise::kGeluTanh : Elementwise::kGelu, a, {}, out);
}

}  // namespace

Tensor relu(const Tensor& self) {
  Tensor out = relu_forward(self, nullptr);
  if (recording(self)) {
    record("ReluBackward0", out, {&self}, [y = save_output(out)](const GradIn& g) -> Grads {
      const Tensor result = y.get(g);
      if (!g.create_graph()) return {binary_forward(Elementwise::kReluBackward, g[0], result)};
      return {masked(logical_not(le(result, Tensor::from_scalar(0))), g[0])};
    });
  }
  return out;
}
MT_UNARY_INPLACE(relu, false, relu_forward)

Tensor sigmoid(const Tensor& self) {
  Tensor out = sigmoid_forward(self, nullptr);
  if (recording(self)) {
    record("SigmoidBackward0", out, {&self}, [y = save_output(out)](const GradIn& g) -> Grads {
      const Tensor result = y.get(g);
      if (!g.create_graph()) return {binary_forward(Elementwise::kSigmoidBackward, g[0], result)};
      return {g[0] * ((1.0 - result) * result)};
    });
  }
  return out;
}
MT_UNARY_INPLACE(sigmoid, false, sigmoid_forward)

Tensor tanh(const Tensor& self) {
  Tensor out = tanh_forward(self, nullptr);
  if (recording(self)) {
    record("TanhBackward0", out, {&self}, [y = save_output(out)](const GradIn& g) -> Grads {
      const Tensor result = y.get(g);
      if (!g.create_graph()) return {binary_forward(Elementwise::kTanhBackward, g[0], result)};
      return {g[0] * (1.0 - square(result))};
    });
  }
  return out;
}
MT_UNARY_INPLACE(tanh, false, tanh_forward)

Tensor gelu(const Tensor& self, std::string_view approximate) {
  const bool tanh_form = is_tanh_form(approximate);
  Tensor out = gelu_forward(self, tanh_form, nullptr);
  if (recording(self)) {
    record("GeluBackward0", out, {&self}, [x = save(self), tanh_form](const GradIn& g) -> Grads {
      const Tensor value = x.get(g);
      if (!g.create_graph()) {
        return {binary_forward(
            tanh_form ? Elementwise::kGeluTanhBackward : Elementwise::kGeluBackward, g[0], value)};
      }
      return {g[0] * (tanh_form ? gelu_tanh_slope(value) : gelu_slope(value))};
    });
  }
  return out;
}

const Tensor& gelu_(const Tensor& self, std::string_view approximate) {
  return inplace(
      "gelu_", self, recording(self), true,
      [&](const Tensor& out) { gelu_forward(self, is_tanh_form(approximate), &out); },
      [&](const Tensor& before) { return gelu(before, approximate); });
}

Tensor leaky_relu(const Tensor& self, double negative_slope) {
  const Params p = params_of(negative_slope);
  Tensor out = floats_only(Elementwise::kLeakyRelu, self, p, nullptr);
  if (recording(self)) {
    record("LeakyReluBackward0", out, {&self},
           [x = save(self), negative_slope](const GradIn& g) -> Grads {
             const Tensor value = x.get(g);
             if (!g.create_graph()) {
               return {binary_forward(Elementwise::kLeakyReluBackward, g[0], value,
                                      params_of(negative_slope))};
             }
             return {where(gt(value, Tensor::from_scalar(0)), g[0], g[0] * negative_slope)};
           });
  }
  return out;
}

const Tensor& leaky_relu_(const Tensor& self, double negative_slope) {
  return inplace(
      "leaky_relu_", self, recording(self), true,
      [&](const Tensor& out) {
        floats_only(Elementwise::kLeakyRelu, self, params_of(negative_slope), &out);
      },
      [&](const Tensor& before) { return leaky_relu(before, negative_slope); });
}

Tensor elu(const Tensor& self, double alpha, double scale, double input_scale) {
  const double negative = alpha * scale;
  Tensor out =
      floats_only(Elementwise::kElu, self, params_of(negative, scale, input_scale), nullptr);
  if (recording(self)) {
    record("EluBackward0", out, {&self},
           [x = save(self), negative, scale, input_scale](const GradIn& g) -> Grads {
             const Tensor value = x.get(g);
             if (!g.create_graph()) {
               return {binary_forward(Elementwise::kEluBackward, g[0], value,
                                      params_of(negative, scale, input_scale))};
             }
             const Tensor bent =
                 g[0] * (exp(scaled(value, input_scale)) * (input_scale * negative));
             return {where(gt(value, Tensor::from_scalar(0)), scaled(g[0], scale), bent)};
           });
  }
  return out;
}

const Tensor& elu_(const Tensor& self, double alpha, double scale, double input_scale) {
  return inplace(
      "elu_", self, recording(self), true,
      [&](const Tensor& out) {
        floats_only(Elementwise::kElu, self, params_of(alpha * scale, scale, input_scale), &out);
      },
      [&](const Tensor& before) { return elu(before, alpha, scale, input_scale); });
}

Tensor silu(const Tensor& self) {
  Tensor out = silu_forward(self, nullptr);
  if (recording(self)) {
    record("SiluBackward0", out, {&self}, [x = save(self)](const GradIn& g) -> Grads {
      const Tensor value = x.get(g);
      if (!g.create_graph()) return {binary_forward(Elementwise::kSiluBackward, g[0], value)};
      const Tensor s = sigmoid(value);
      return {g[0] * (s * (value * (1.0 - s) + 1.0))};
    });
  }
  return out;
}
MT_UNARY_INPLACE(silu, true, silu_forward)

Tensor softplus(const Tensor& self, double beta, double threshold) {
  const Params p = params_of(beta, threshold);
  Tensor out = floats_only(Elementwise::kSoftplus, self, p, nullptr);
  if (recording(self)) {
    record(
        "SoftplusBackward0", out, {&self},
        [x = save(self), beta, threshold](const GradIn& g) -> Grads {
          const Tensor value = x.get(g);
          if (!g.create_graph()) {
            return {binary_forward(Elementwise::kSoftplusBackward, g[0], value,
                                   params_of(beta, threshold))};
          }
          const Tensor x_beta = scaled(value, beta);
          return {where(gt(x_beta, Tensor::from_scalar(threshold)), g[0], g[0] * sigmoid(x_beta))};
        });
  }
  return out;
}

}  // namespace mt
