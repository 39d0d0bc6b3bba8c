// Activation functions beside activation.cpp's. Those of everyday use are one node with a fused
// slope kernel; the others are compositions.
#include "ops/activation_more.h"

#include "kernels/random.h"
#include "ops/activation.h"
#include "ops/clamp.h"
#include "ops/compare.h"
#include "ops/index.h"
#include "ops/map.h"
#include "ops/power.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt {
namespace {

using namespace tensor_math;  // NOLINT

Tensor floats_only(Elementwise id, const Tensor& a) {
  check_floating(elementwise_name(id), a);
  return float_forward(id, a, nullptr);
}

// Records an activation by its slope kernel, or its slope as a formula for double backward.
template <class Slope>
void record_activation(const char* name, const Tensor& self, Tensor& out, Elementwise backward,
                       Slope slope) {
  if (!recording(self)) return;
  record(name, out, {&self}, [x = save(self), backward, slope](const GradIn& g) -> Grads {
    const Tensor value = x.get(g);
    if (!g.create_graph()) return {binary_forward(backward, g[0], value)};
    return {slope(g[0], value)};
  });
}

// torch's 1/6, a float32 for float64 as well.
constexpr double kSixth = static_cast<double>(1.0f / 6.0f);

// g where |x| < 3
Tensor inside_three(const Tensor& x, const Tensor& g) {
  return masked(lt(abs(x), Tensor::from_scalar(3)), g);
}

// A number in the dtype that it is compared or merged with: integers cut off its fraction.
Tensor number_of(Scalar value, DType t) {
  return is_floating(t) ? Tensor::from_scalar(value) : Tensor::from_scalar(value.to_int());
}

void check_bounds(double lower, double upper) {
  if (lower <= upper) return;
  fail(Status::kInvalidArgument, "rrelu: bounds out of order: lower ", lower, ", upper ", upper,
       ": the lower bound should be less than or equal to the upper bound");
}

// An activation that is 0 within [-lambd, lambd] and has slope 1 outside; NaN has none, as in
// torch.
Tensor shrunk(const char* op, const char* node, Special id, const Tensor& self, double lambd) {
  check_floating(op, self);
  Params p;
  p.f[0] = lambd;
  Tensor out = map(op, id, self, float_dtype(self), p);
  if (recording(self)) {
    record(node, out, {&self}, [x = save(self), lambd](const GradIn& g) -> Grads {
      return {masked(gt(abs(x.get(g)), Tensor::from_scalar(lambd)), g[0])};
    });
  }
  return out;
}

// 1 where x is positive, else a slope drawn in float64, in row-major order.
Tensor rrelu_noise(const Tensor& x, double lower, double upper, Generator* generator) {
  Tensor noise = Tensor::empty(x.sizes(), x.dtype(), x.device());
  fill_values(noise, 1);
  if (x.is_meta()) return noise;
  const Tensor at = flat_nonzero("rrelu", le(x, Tensor::from_scalar(0)));
  const Tensor drawn = Tensor::empty(at.sizes(), DType::kFloat64);
  fill_uniform(DType::kFloat64, drawn.data(), drawn.numel(), lower, upper,
               generator ? *generator : default_generator());
  const Tensor flat = noise.alias(Dims{x.numel()}, Dims{1}, 0);
  scatter_(flat, 0, at, converted(drawn, x.dtype()));
  return noise;
}

}  // namespace

Tensor hardsigmoid(const Tensor& self) {
  Tensor out = floats_only(Elementwise::kHardsigmoid, self);
  record_activation("HardsigmoidBackward0", self, out, Elementwise::kHardsigmoidBackward,
                    [](const Tensor& g, const Tensor& x) { return inside_three(x, g * kSixth); });
  return out;
}
MT_INPLACE_OF(hardsigmoid, true)

Tensor hardswish(const Tensor& self) {
  Tensor out = floats_only(Elementwise::kHardswish, self);
  record_activation("HardswishBackward0", self, out, Elementwise::kHardswishBackward,
                    [](const Tensor& g, const Tensor& x) {
                      const Tensor bent = inside_three(x, g * (x * (1.0 / 3) + 0.5));
                      return where(ge(x, Tensor::from_scalar(3)), g, bent);
                    });
  return out;
}
MT_INPLACE_OF(hardswish, true)

Tensor mish(const Tensor& self) {
  Tensor out = floats_only(Elementwise::kMish, self);
  record_activation("MishBackward0", self, out, Elementwise::kMishBackward,
                    [](const Tensor& g, const Tensor& x) {
                      const Tensor t = tanh(softplus(x));
                      return g * (t + x * sigmoid(x) * (1.0 - square(t)));
                    });
  return out;
}
MT_INPLACE_OF(mish, true)

Tensor log_sigmoid(const Tensor& self) {
  check_floating("log_sigmoid", self);
  Tensor out = unrecorded(
      [&] { return clamp_max(self, Tensor::from_scalar(0)) - log1p(exp(neg(abs(self)))); });
  record_slope("LogSigmoidBackward0", self, out, [](const Tensor& x) { return sigmoid(neg(x)); });
  return out;
}

namespace {
double celu_alpha(double alpha) {
  if (alpha == 0) {
    fail(Status::kInvalidArgument, "celu: alpha out of range: 0: alpha cannot be 0 for celu");
  }
  return alpha;
}
constexpr double kSeluAlpha = 1.6732632423543772848, kSeluScale = 1.0507009873554804934;
}  // namespace

Tensor celu(const Tensor& self, double alpha) { return elu(self, celu_alpha(alpha), 1, 1 / alpha); }
const Tensor& celu_(const Tensor& self, double alpha) {
  return elu_(self, celu_alpha(alpha), 1, 1 / alpha);
}
Tensor selu(const Tensor& self) { return elu(self, kSeluAlpha, kSeluScale); }
const Tensor& selu_(const Tensor& self) { return elu_(self, kSeluAlpha, kSeluScale); }

Tensor hardshrink(const Tensor& self, double lambd) {
  return shrunk("hardshrink", "HardshrinkBackward0", Special::kHardshrink, self, lambd);
}
Tensor softshrink(const Tensor& self, double lambd) {
  if (!(lambd >= 0)) {
    fail(Status::kInvalidArgument, "softshrink: lambd out of range: ", lambd,
         ": lambda must be greater or equal to 0");
  }
  return shrunk("softshrink", "SoftshrinkBackward0", Special::kSoftshrink, self, lambd);
}

Tensor threshold(const Tensor& self, Scalar threshold, Scalar value) {
  check_not_bool("threshold", self);
  const DType t = self.dtype();
  return where(le(self, number_of(threshold, t)), number_of(value, t), self);
}
const Tensor& threshold_(const Tensor& self, Scalar limit, Scalar value) {
  return inplace_of("threshold_", self, recording(self), true,
                    [&](const Tensor& before) { return threshold(before, limit, value); });
}

Tensor softsign(const Tensor& self) { return self / add(abs(self), Tensor::from_scalar(1)); }
Tensor tanhshrink(const Tensor& self) { return self - tanh(self); }

Tensor prelu(const Tensor& self, const Tensor& weight) {
  check_defined("prelu", "input", self);
  check_defined("prelu", "weight", weight);
  check_floating("prelu", self);
  // As in torch, float32 parameters go with bfloat16 values.
  const bool mixed = self.dtype() == DType::kBFloat16 && weight.dtype() == DType::kFloat32;
  if (!mixed) check_same_dtype("prelu", "input", self, "weight", weight);
  check_devices("prelu", {&self, &weight});
  const int64_t channels = self.dim() > 1 ? self.size(1) : 1;
  if (weight.numel() != 1 && (weight.dim() != 1 || weight.numel() != channels)) {
    fail(Status::kShape, "prelu: shape mismatch: input ", shape_string(self.sizes()), ", weight ",
         shape_string(weight.sizes()), ": there must be one weight, or one for each of the ",
         channels, " channels");
  }
  Dims sizes;
  if (weight.numel() != 1) {
    sizes = Dims(self.dim(), 1);
    sizes[1] = channels;
  }
  const Tensor slope = to(reshape(weight, sizes), self.dtype());
  Tensor out =
      unrecorded([&] { return where(gt(self, Tensor::from_scalar(0)), self, slope * self); });
  if (recording(self, slope)) {
    record("PreluBackward0", out, {&self, &slope},
           [x = save(self), w = save(slope)](const GradIn& g) -> Grads {
             const Tensor v = x.get(g);
             const Tensor is_positive = gt(v, Tensor::from_scalar(0));
             return {g.needs(0) ? where(is_positive, g[0], g[0] * w.get(g)) : Tensor(),
                     g.needs(1) ? where(is_positive, Tensor::from_scalar(0), g[0] * v) : Tensor()};
           });
  }
  return out;
}

Tensor rrelu(const Tensor& self, double lower, double upper, bool training, Generator* generator) {
  check_defined("rrelu", "input", self);
  check_floating("rrelu", self);
  check_bounds(lower, upper);
  if (!training) return leaky_relu(self, (lower + upper) / 2);
  const Tensor noise = rrelu_noise(self, lower, upper, generator);
  Tensor out = unrecorded([&] { return self * noise; });
  if (recording(self)) {
    record("RreluWithNoiseBackward0", out, {&self},
           [n = save(noise)](const GradIn& g) -> Grads { return {g[0] * n.get(g)}; });
  }
  return out;
}
const Tensor& rrelu_(const Tensor& self, double lower, double upper, bool training,
                     Generator* generator) {
  return inplace_of("rrelu_", self, recording(self), true, [&](const Tensor& before) {
    return rrelu(before, lower, upper, training, generator);
  });
}

Tensor glu(const Tensor& self, int64_t dim) {
  check_defined("glu", "input", self);
  check_floating("glu", self);
  if (self.dim() == 0) {
    fail(Status::kShape, "glu: shape mismatch: input (): glu does not support 0-dim tensors");
  }
  const int d = wrap_dim("glu", dim, self.dim());
  const int64_t n = self.size(d);
  if (n % 2 != 0) {
    fail(Status::kShape, "glu: shape mismatch: input ", shape_string(self.sizes()), ", dim ", d,
         ": halving dimension must be even");
  }
  return narrow(self, d, 0, n / 2) * sigmoid(narrow(self, d, n / 2, n / 2));
}

}  // namespace mt
