// Inverse trigonometry, hyperbolic functions, exp2 and functions of two numbers, with gradients.
#include "ops/elementary.h"

#include <numbers>

#include "ops/compare.h"
#include "ops/map.h"
#include "ops/power.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt {
namespace {

using namespace tensor_math;  // NOLINT
using std::numbers::ln2;
using std::numbers::pi;

Tensor zero() { return Tensor::from_scalar(0); }

Tensor float_binary(Elementwise id, const Tensor& a, const Tensor& b) {
  return binary_forward(id, a, b, {}, floating_type(result_type(a, b)));
}

// For ops that take floating dtypes only, as in torch.
void check_floating_result(std::string_view op, const Tensor& a, const Tensor& b) {
  const DType t = result_type(a, b);
  if (!is_floating(t)) fail_unsupported(op, a.device(), t);
}

// The slope of x log(y) in x: log(y), but 0 where both factors have no limit.
Tensor xlogy_slope(const Tensor& x, const Tensor& y, const Tensor& log_y, double lowest) {
  const Tensor flat = logical_and(eq(x, zero()), le(y, Tensor::from_scalar(lowest)));
  return masked(logical_not(flat), log_y);
}

}  // namespace

Tensor acos(const Tensor& self) {
  Tensor out = float_forward(Elementwise::kAcos, self, nullptr);
  record_slope("AcosBackward0", self, out,
               [](const Tensor& x) { return neg(rsqrt(1.0 - square(x))); });
  return out;
}
MT_INPLACE_OF(acos, true)

Tensor asin(const Tensor& self) {
  Tensor out = float_forward(Elementwise::kAsin, self, nullptr);
  record_slope("AsinBackward0", self, out, [](const Tensor& x) { return rsqrt(1.0 - square(x)); });
  return out;
}
MT_INPLACE_OF(asin, true)

Tensor atan(const Tensor& self) {
  Tensor out = float_forward(Elementwise::kAtan, self, nullptr);
  record_slope("AtanBackward0", self, out,
               [](const Tensor& x) { return reciprocal(square(x) + 1.0); });
  return out;
}
MT_INPLACE_OF(atan, true)

Tensor acosh(const Tensor& self) {
  Tensor out = float_forward(Elementwise::kAcosh, self, nullptr);
  record_slope("AcoshBackward0", self, out, [](const Tensor& x) {
    // In two factors the branch is right on the left half of the plane too, where PyTorch's is not.
    return is_complex(x.dtype()) ? rsqrt(x + -1.0) * rsqrt(x + 1.0) : rsqrt(square(x) + -1.0);
  });
  return out;
}
MT_INPLACE_OF(acosh, true)

Tensor asinh(const Tensor& self) {
  Tensor out = float_forward(Elementwise::kAsinh, self, nullptr);
  record_slope("AsinhBackward0", self, out, [](const Tensor& x) { return rsqrt(square(x) + 1.0); });
  return out;
}
MT_INPLACE_OF(asinh, true)

Tensor atanh(const Tensor& self) {
  Tensor out = float_forward(Elementwise::kAtanh, self, nullptr);
  record_slope("AtanhBackward0", self, out,
               [](const Tensor& x) { return reciprocal(1.0 - square(x)); });
  return out;
}
MT_INPLACE_OF(atanh, true)

Tensor cosh(const Tensor& self) {
  Tensor out = float_forward(Elementwise::kCosh, self, nullptr);
  record_slope("CoshBackward0", self, out, [](const Tensor& x) { return sinh(x); });
  return out;
}
MT_INPLACE_OF(cosh, true)

Tensor sinh(const Tensor& self) {
  Tensor out = float_forward(Elementwise::kSinh, self, nullptr);
  record_slope("SinhBackward0", self, out, [](const Tensor& x) { return cosh(x); });
  return out;
}
MT_INPLACE_OF(sinh, true)

Tensor exp2(const Tensor& self) {
  Tensor out = float_forward(Elementwise::kExp2, self, nullptr);
  if (recording(self)) {
    record("Exp2Backward0", out, {&self},
           [y = save_output(out)](const GradIn& g) -> Grads { return {g[0] * (y.get(g) * ln2)}; });
  }
  return out;
}
MT_INPLACE_OF(exp2, false)

Tensor deg2rad(const Tensor& self) { return self * (pi / 180); }
MT_INPLACE_OF(deg2rad, false)
Tensor rad2deg(const Tensor& self) { return self * (180 / pi); }
MT_INPLACE_OF(rad2deg, false)

Tensor sinc(const Tensor& self) {
  Tensor out = float_map("sinc", Special::kSinc, self);
  record_slope("SincBackward0", self, out, [](const Tensor& x) {
    const Tensor z = x * pi;
    const Tensor slope = (cos(z) * z - sin(z)) / (x * z);
    return masked(ne(x, zero()), slope);
  });
  return out;
}
MT_INPLACE_OF(sinc, true)

Tensor atan2(const Tensor& self, const Tensor& other) {
  Tensor out = float_binary(Elementwise::kAtan2, self, other);
  if (recording(self, other)) {
    record("Atan2Backward0", out, {&self, &other},
           [a = save(operand(self, out)), b = save(operand(other, out))](const GradIn& g) -> Grads {
             const Tensor y = a.get(g), x = b.get(g);
             const Tensor scale = g[0] / (square(y) + square(x));
             return {g.needs(0) ? scale * x : Tensor(), g.needs(1) ? neg(scale * y) : Tensor()};
           });
  }
  return out;
}
MT_INPLACE_OF_TWO(atan2, true)

Tensor hypot(const Tensor& self, const Tensor& other) {
  check_floating_result("hypot", self, other);
  Tensor out = float_binary(Elementwise::kHypot, self, other);
  if (recording(self, other)) {
    record("HypotBackward0", out, {&self, &other},
           [a = save(operand(self, out)), b = save(operand(other, out)),
            y = save_output(out)](const GradIn& g) -> Grads {
             const Tensor result = y.get(g);
             return {g.needs(0) ? g[0] * (a.get(g) / result) : Tensor(),
                     g.needs(1) ? g[0] * (b.get(g) / result) : Tensor()};
           });
  }
  return out;
}
MT_INPLACE_OF_TWO(hypot, true)

Tensor logaddexp(const Tensor& self, const Tensor& other) {
  check_floating_result("logaddexp", self, other);
  Tensor out = float_binary(Elementwise::kLogaddexp, self, other);
  if (recording(self, other)) {
    record("LogaddexpBackward0", out, {&self, &other},
           [a = save(operand(self, out)), b = save(operand(other, out))](const GradIn& g) -> Grads {
             const Tensor d = b.get(g) - a.get(g);
             return {g.needs(0) ? g[0] / (exp(d) + 1.0) : Tensor(),
                     g.needs(1) ? g[0] / (exp(neg(d)) + 1.0) : Tensor()};
           });
  }
  return out;
}

Tensor logaddexp2(const Tensor& self, const Tensor& other) {
  check_floating_result("logaddexp2", self, other);
  Tensor out = float_map("logaddexp2", Special::kLogaddexp2, self, other);
  if (recording(self, other)) {
    record("Logaddexp2Backward0", out, {&self, &other},
           [a = save(operand(self, out)), b = save(operand(other, out))](const GradIn& g) -> Grads {
             const Tensor d = b.get(g) - a.get(g);
             return {g.needs(0) ? g[0] / (exp2(d) + 1.0) : Tensor(),
                     g.needs(1) ? g[0] / (exp2(neg(d)) + 1.0) : Tensor()};
           });
  }
  return out;
}

Tensor xlogy(const Tensor& self, const Tensor& other) {
  Tensor out = float_binary(Elementwise::kXlogy, self, other);
  if (recording(self, other)) {
    record("XlogyBackward0", out, {&self, &other},
           [a = save(operand(self, out)), b = save(operand(other, out))](const GradIn& g) -> Grads {
             const Tensor x = a.get(g), y = b.get(g);
             return {g.needs(0) ? g[0] * xlogy_slope(x, y, log(y), 0) : Tensor(),
                     g.needs(1) ? g[0] * (x / y) : Tensor()};
           });
  }
  return out;
}
MT_INPLACE_OF_TWO(xlogy, true)

Tensor special_xlog1py(const Tensor& self, const Tensor& other) {
  Tensor out = float_map("special_xlog1py", Special::kXlog1py, self, other);
  if (recording(self, other)) {
    record("SpecialXlog1PyBackward0", out, {&self, &other},
           [a = save(operand(self, out)), b = save(operand(other, out))](const GradIn& g) -> Grads {
             const Tensor x = a.get(g), y = b.get(g);
             return {g.needs(0) ? g[0] * xlogy_slope(x, y, log1p(y), -1) : Tensor(),
                     g.needs(1) ? g[0] * (x / (y + 1.0)) : Tensor()};
           });
  }
  return out;
}

Tensor ldexp(const Tensor& self, const Tensor& other) {
  return self * pow(Tensor::from_scalar(2.0), other);
}
MT_INPLACE_OF_TWO(ldexp, true)

Tensor float_power(const Tensor& self, const Tensor& exponent) {
  const DType dtype = is_complex(self.dtype()) || is_complex(exponent.dtype()) ? DType::kComplex128
                                                                               : DType::kFloat64;
  const auto wide = [dtype](const Tensor& t) {
    if (!t.impl()->is_number) return to(t, dtype);
    return is_complex(t.dtype()) ? t : Tensor::from_scalar(t.item("float_power").to_double());
  };
  if (self.impl()->is_number && exponent.impl()->is_number) {
    return pow(Tensor::from_scalar(self.item("float_power"), dtype), exponent);
  }
  return pow(wide(self), wide(exponent));
}
const Tensor& float_power_(const Tensor& self, const Tensor& exponent) {
  const DType dtype = is_complex(self.dtype()) || is_complex(exponent.dtype()) ? DType::kComplex128
                                                                               : DType::kFloat64;
  if (self.dtype() != dtype) {
    fail(Status::kDType, "float_power_: dtype mismatch: base is ", dtype_name(self.dtype()),
         ": the result is ", dtype_name(dtype),
         " and so must be the base; use the out-of-place op");
  }
  return pow_(self, exponent.impl()->is_number ? exponent : to(exponent, dtype));
}

}  // namespace mt
