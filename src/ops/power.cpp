// Powers, roots, exponentials and logarithms with their gradients.
#include "ops/power.h"

#include <cmath>
#include <numbers>

#include "ops/compare.h"
#include "ops/complex.h"
#include "ops/rules.h"
#include "ops/unary.h"

namespace mt {
namespace {

using namespace tensor_math;  // NOLINT

// x ** e for a number e.
Tensor pow_number_forward(const Tensor& x, Scalar e, DType t, const Tensor* out) {
  Params p;
  p.f[0] = e.to_double();
  p.f[1] = e.imag();
  if (!is_differentiable(t)) {
    if (e.to_int() < 0) {
      fail(Status::kInvalidArgument, "pow: exponent out of range: ", e.to_int(), " for ",
           dtype_name(t),
           ": Integers to negative integer powers are not allowed; use a floating-point tensor");
    }
    p.i[0] = integer_value("pow", e, t);
  }
  return unary_forward(Elementwise::kPowScalar, x, t, t, p, out);
}

Tensor pow_forward(const Tensor& self, const Tensor& exponent, const Tensor* out) {
  const DType t = result_type(self, exponent);
  if (t == DType::kBool) fail_unsupported("pow", self.device(), t);
  if (exponent.impl()->is_number) return pow_number_forward(self, exponent.item("pow"), t, out);
  return binary_forward(Elementwise::kPow, self, exponent, {}, t, {}, out);
}

// e * x ** (e - 1), and 0 for e = 0 also where x is 0 or inf.
Tensor pow_gradient_self(const Tensor& g, const Tensor& x, double e) {
  if (e == 0) return zeros_for(g);
  if (e == 1) return g;
  if (e == 2) return g * (x * 2.0);
  return g * (pow(x, Tensor::from_scalar(e - 1)) * e);
}

Tensor pow_gradient_self(const Tensor& g, const Tensor& x, const Tensor& e) {
  const Tensor slope = e * pow(x, e + -1.0);  // a sum, because bool has no difference
  return masked(ne(e, Tensor::from_scalar(0)), g * slope);
}

Tensor number_log(Scalar x, DType dtype) {
  if (is_complex(dtype)) return Tensor::from_scalar(std::log(x.to_complex()));
  return Tensor::from_scalar(std::log(x.to_double()));
}

// x ** e * log(x), and its limit 0 for x = 0, e >= 0.
Tensor pow_gradient_exponent(const Tensor& g, const Tensor& x, const Tensor& e,
                             const Tensor& result) {
  const Tensor zero = Tensor::from_scalar(0);
  const Tensor at_limit = logical_and(eq(x, zero), ge(unrecorded([&] { return real(e); }), zero));
  // The log of a number in full precision, whatever the default dtype.
  const Tensor log_x = x.impl()->is_number ? number_log(x.item("pow"), result.dtype()) : log(x);
  return masked(logical_not(at_limit), g * (result * log_x));
}

Tensor square_forward(const Tensor& self, const Tensor* out) {
  DType t = self.dtype();
  if (t == DType::kBool) t = DType::kInt64;
  if (is_differentiable(t)) t = float_dtype(self);
  return unary_forward(Elementwise::kSquare, self, t, t, {}, out);
}

Tensor sqrt_forward(const Tensor& a, const Tensor* out) {
  return float_forward(Elementwise::kSqrt, a, out);
}
Tensor rsqrt_forward(const Tensor& a, const Tensor* out) {
  return float_forward(Elementwise::kRsqrt, a, out);
}
Tensor reciprocal_forward(const Tensor& a, const Tensor* out) {
  return float_forward(Elementwise::kReciprocal, a, out);
}
Tensor exp_forward(const Tensor& a, const Tensor* out) {
  return float_forward(Elementwise::kExp, a, out);
}
Tensor expm1_forward(const Tensor& a, const Tensor* out) {
  return float_forward(Elementwise::kExpm1, a, out);
}
Tensor log_forward(const Tensor& a, const Tensor* out) {
  return float_forward(Elementwise::kLog, a, out);
}
Tensor log1p_forward(const Tensor& a, const Tensor* out) {
  return float_forward(Elementwise::kLog1p, a, out);
}

Tensor log2_forward(const Tensor& a, const Tensor* out) {
  return float_forward(Elementwise::kLog2, a, out);
}
Tensor log10_forward(const Tensor& a, const Tensor* out) {
  return float_forward(Elementwise::kLog10, a, out);
}

}  // namespace

Tensor pow(const Tensor& self, const Tensor& exponent) {
  Tensor out = pow_forward(self, exponent, nullptr);
  if (!recording(self, exponent)) return out;
  if (exponent.impl()->is_number && !is_complex(exponent.dtype())) {
    const double e = exponent.item("pow").to_double();
    record("PowBackward0", out, {&self}, [x = save(self), e](const GradIn& g) -> Grads {
      return {pow_gradient_self(g[0], x.get(g), e)};
    });
    return out;
  }
  record(
      "PowBackward1", out, {&self, &exponent},
      [x = save(self), e = save(exponent),
       y = exponent.requires_grad() ? save_output(out) : SavedTensor()](const GradIn& g) -> Grads {
        const Tensor base = x.get(g), power = e.get(g);
        return {g.needs(0) ? pow_gradient_self(g[0], base, power) : Tensor(),
                g.needs(1) ? pow_gradient_exponent(g[0], base, power, y.get(g)) : Tensor()};
      });
  return out;
}

const Tensor& pow_(const Tensor& self, const Tensor& exponent) {
  return inplace(
      "pow_", self, recording(self, exponent), true,
      [&](const Tensor& out) { pow_forward(self, exponent, &out); },
      [&](const Tensor& before) { return pow(before, exponent); });
}

Tensor square(const Tensor& self) {
  Tensor out = square_forward(self, nullptr);
  if (recording(self)) {
    record("PowBackward0", out, {&self}, [x = save(self)](const GradIn& g) -> Grads {
      return {pow_gradient_self(g[0], x.get(g), 2)};
    });
  }
  return out;
}
MT_UNARY_INPLACE(square, true, square_forward)

Tensor sqrt(const Tensor& self) {
  Tensor out = sqrt_forward(self, nullptr);
  if (recording(self)) {
    record("SqrtBackward0", out, {&self},
           [y = save_output(out)](const GradIn& g) -> Grads { return {g[0] / (y.get(g) * 2.0)}; });
  }
  return out;
}
MT_UNARY_INPLACE(sqrt, false, sqrt_forward)

Tensor rsqrt(const Tensor& self) {
  Tensor out = rsqrt_forward(self, nullptr);
  if (recording(self)) {
    record("RsqrtBackward0", out, {&self}, [y = save_output(out)](const GradIn& g) -> Grads {
      return {g[0] * -0.5 * pow(y.get(g), Tensor::from_scalar(3))};
    });
  }
  return out;
}
MT_UNARY_INPLACE(rsqrt, false, rsqrt_forward)

Tensor reciprocal(const Tensor& self) {
  Tensor out = reciprocal_forward(self, nullptr);
  if (recording(self)) {
    record("ReciprocalBackward0", out, {&self}, [y = save_output(out)](const GradIn& g) -> Grads {
      return {neg(g[0]) * square(y.get(g))};
    });
  }
  return out;
}
MT_UNARY_INPLACE(reciprocal, false, reciprocal_forward)

Tensor exp(const Tensor& self) {
  Tensor out = exp_forward(self, nullptr);
  if (recording(self)) {
    record("ExpBackward0", out, {&self},
           [y = save_output(out)](const GradIn& g) -> Grads { return {g[0] * y.get(g)}; });
  }
  return out;
}
MT_UNARY_INPLACE(exp, false, exp_forward)

Tensor expm1(const Tensor& self) {
  Tensor out = expm1_forward(self, nullptr);
  if (recording(self)) {
    record("Expm1Backward0", out, {&self},
           [y = save_output(out)](const GradIn& g) -> Grads { return {g[0] * (y.get(g) + 1.0)}; });
  }
  return out;
}
MT_UNARY_INPLACE(expm1, false, expm1_forward)

Tensor log(const Tensor& self) {
  Tensor out = log_forward(self, nullptr);
  if (recording(self)) {
    record("LogBackward0", out, {&self},
           [x = save(self)](const GradIn& g) -> Grads { return {g[0] / x.get(g)}; });
  }
  return out;
}
MT_UNARY_INPLACE(log, true, log_forward)

Tensor log1p(const Tensor& self) {
  Tensor out = log1p_forward(self, nullptr);
  if (recording(self)) {
    record("Log1PBackward0", out, {&self},
           [x = save(self)](const GradIn& g) -> Grads { return {g[0] / (x.get(g) + 1.0)}; });
  }
  return out;
}
MT_UNARY_INPLACE(log1p, true, log1p_forward)

Tensor log2(const Tensor& self) {
  Tensor out = log2_forward(self, nullptr);
  if (recording(self)) {
    record("Log2Backward0", out, {&self}, [x = save(self)](const GradIn& g) -> Grads {
      return {g[0] / (x.get(g) * std::numbers::ln2)};
    });
  }
  return out;
}
MT_UNARY_INPLACE(log2, true, log2_forward)

Tensor log10(const Tensor& self) {
  Tensor out = log10_forward(self, nullptr);
  if (recording(self)) {
    record("Log10Backward0", out, {&self}, [x = save(self)](const GradIn& g) -> Grads {
      return {g[0] / (x.get(g) * std::numbers::ln10)};
    });
  }
  return out;
}
MT_UNARY_INPLACE(log10, true, log10_forward)

}  // namespace mt
