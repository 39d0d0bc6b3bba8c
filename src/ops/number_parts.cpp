// Sign, fraction, exponent, neighbours, bits and divisors of numbers, with gradients.
#include "ops/number_parts.h"

#include <limits>
#include <numbers>

#include "ops/compare.h"
#include "ops/complex.h"
#include "ops/creation.h"
#include "ops/elementary.h"
#include "ops/map.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt {
namespace {

using namespace tensor_math;  // NOLINT

constexpr double kInf = std::numeric_limits<double>::infinity();

double largest(DType t) {
  switch (t) {
    case DType::kFloat16:
      return 65504;
    case DType::kBFloat16:
      return 0x1.fep127;
    case DType::kFloat32:
      return std::numeric_limits<float>::max();
    default:
      return std::numeric_limits<double>::max();
  }
}

// Functions of integers alone; bits tells the kernels the width of an element.
Tensor integers_only(std::string_view op, Special id, const Tensor& a, const Tensor& b) {
  const DType t = result_type(a, b);
  if (!is_integral(t, false)) fail_unsupported(op, a.device(), t);
  Params p;
  p.i[0] = static_cast<int64_t>(dtype_size(t)) * 8;
  return map(op, id, a, b, t, p);
}

void record_undefined(const char* op, const Tensor& a, const Tensor& b, Tensor& out) {
  if (!recording(a, b)) return;
  record_light("NotImplemented", out, {&a, &b},
               [op](const GradIn&) -> Grads { fail_no_gradient(op, "an operand"); });
}

Tensor fmax_or_fmin(const char* name, Elementwise id, Elementwise integer_id, const Tensor& self,
                    const Tensor& other) {
  const DType t = result_type(self, other);
  Tensor out = binary_forward(is_floating(t) ? id : integer_id, self, other, {}, t);
  if (recording(self, other)) {
    record(name, out, {&self, &other},
           [is_max = id == Elementwise::kFmax, a = save(operand(self, out)),
            b = save(operand(other, out))](const GradIn& g) -> Grads {
             const Tensor x = a.get(g), y = b.get(g);
             const Tensor first = logical_or(is_max ? ge(x, y) : le(x, y), isnan(y));
             return {g.needs(0) ? masked(first, g[0]) : Tensor(),
                     g.needs(1) ? masked(logical_not(first), g[0]) : Tensor()};
           });
  }
  return out;
}

}  // namespace

Tensor signbit(const Tensor& self) {
  return unrecorded([&] {
    const Tensor zero = Tensor::from_scalar(0);
    if (!is_floating(self.dtype())) return lt(self, zero);
    return lt(copysign(ones_like(self), self), zero);
  });
}

Tensor isposinf(const Tensor& self) { return eq(self, Tensor::from_scalar(kInf)); }
Tensor isneginf(const Tensor& self) { return eq(self, Tensor::from_scalar(-kInf)); }

Tensor isreal(const Tensor& self) {
  check_defined("isreal", "input", self);
  if (!is_complex(self.dtype())) return ones_like(self, DType::kBool);
  return eq(unrecorded([&] { return imag(self); }), Tensor::from_scalar(0));
}

Tensor angle(const Tensor& self) {
  check_defined("angle", "input", self);
  if (is_complex(self.dtype())) return complex_angle(self);
  Tensor out = unrecorded([&] {
    const DType t = float_dtype(self);
    const Tensor turned = converted(lt(self, Tensor::from_scalar(0)), t) * std::numbers::pi;
    return is_floating(self.dtype()) ? where(isnan(self), converted(self, t), turned) : turned;
  });
  record_flat("AngleBackward0", self, out);
  return out;
}

Tensor positive(const Tensor& self) {
  check_not_bool("positive", self);
  return self;
}

Tensor frac(const Tensor& self) {
  check_floating("frac", self);
  Tensor out = float_forward(Elementwise::kFrac, self, nullptr);
  if (recording(self)) {
    record_light("FracBackward0", out, {&self}, [](const GradIn& g) -> Grads { return {g[0]}; });
  }
  return out;
}
MT_INPLACE_OF(frac, false)

MantissaExponent frexp(const Tensor& self) {
  check_floating("frexp", self);
  MantissaExponent r;
  r.mantissa = float_map("frexp", Special::kFrexpMantissa, self);
  // By way of float32, because bfloat16 has too few bits for all exponents.
  const DType wide = is_reduced_float(self.dtype()) ? DType::kFloat32 : float_dtype(self);
  r.exponent = converted(map("frexp", Special::kFrexpExponent, self, wide), DType::kInt32);
  if (recording(self)) {
    record("FrexpBackward0", r.mantissa, {&self},
           [e = save(r.exponent)](const GradIn& g) -> Grads { return {g[0] / exp2(e.get(g))}; });
  }
  return r;
}

Tensor nan_to_num(const Tensor& self, std::optional<double> nan, std::optional<double> posinf,
                  std::optional<double> neginf) {
  if (is_complex(self.dtype())) fail_unsupported("nan_to_num", self.device(), self.dtype());
  if (!is_floating(self.dtype())) return clone(self);
  const DType t = float_dtype(self);
  Params p;
  p.f[0] = nan.value_or(0);
  p.f[1] = posinf.value_or(largest(t));
  p.f[2] = neginf.value_or(-largest(t));
  Tensor out = map("nan_to_num", Special::kNanToNum, self, t, p);
  if (recording(self)) {
    record("NanToNumBackward0", out, {&self}, [x = save(self)](const GradIn& g) -> Grads {
      return {masked(isfinite(x.get(g)), g[0])};
    });
  }
  return out;
}
const Tensor& nan_to_num_(const Tensor& self, std::optional<double> nan,
                          std::optional<double> posinf, std::optional<double> neginf) {
  return inplace_of("nan_to_num_", self, recording(self), true,
                    [&](const Tensor& before) { return nan_to_num(before, nan, posinf, neginf); });
}

Tensor copysign(const Tensor& self, const Tensor& other) {
  Tensor out = binary_forward(Elementwise::kCopysign, self, other, {},
                              floating_type(result_type(self, other)));
  if (recording(self, other)) {
    record("CopysignBackward0", out, {&self, &other},
           [a = save(operand(self, out)), y = save_output(out)](const GradIn& g) -> Grads {
             const Tensor zeros = g.needs(1) ? zeros_for(g[0]) : Tensor();
             if (!g.needs(0)) return {Tensor(), zeros};
             const Tensor x = a.get(g);
             const Tensor turn = masked(ne(x, Tensor::from_scalar(0)), y.get(g) / x);
             return {g[0] * turn, zeros};
           });
  }
  return out;
}
MT_INPLACE_OF_TWO(copysign, true)

Tensor nextafter(const Tensor& self, const Tensor& other) {
  const DType t = result_type(self, other);
  if (!is_floating(t) || t == DType::kFloat16) fail_unsupported("nextafter", self.device(), t);
  const Special id = t == DType::kFloat64   ? Special::kNextafter
                     : t == DType::kFloat32 ? Special::kNextafterFloat
                                            : Special::kNextafterBFloat16;
  Tensor out = map("nextafter", id, self, other, t);
  record_undefined("nextafter", self, other, out);
  return out;
}
MT_INPLACE_OF_TWO(nextafter, false)

Tensor heaviside(const Tensor& self, const Tensor& values) {
  if (!values.impl()->is_number) check_same_dtype("heaviside", "input", self, "values", values);
  Tensor out = map("heaviside", Special::kHeaviside, self, values, result_type(self, values));
  record_undefined("heaviside", self, values, out);
  return out;
}
MT_INPLACE_OF_TWO(heaviside, false)

Tensor fmod(const Tensor& self, const Tensor& other) {
  const DType t = result_type(self, other);
  if (t == DType::kBool) fail_unsupported("fmod", self.device(), t);
  Tensor out = is_floating(t) ? binary_forward(Elementwise::kFmod, self, other, {}, t)
                              : map("fmod", Special::kFmod, self, other, t);
  if (recording(self, other)) {
    const bool to_other = other.requires_grad();
    record(other.impl()->is_number ? "FmodBackward0" : "FmodBackward1", out, {&self, &other},
           [a = save_if(to_other, operand(self, out)),
            b = save_if(to_other, other)](const GradIn& g) -> Grads {
             return {g[0], g.needs(1) ? neg(g[0]) * div(a.get(g), b.get(g), "trunc") : Tensor()};
           });
  }
  return out;
}
MT_INPLACE_OF_TWO(fmod, true)

Tensor fmax(const Tensor& self, const Tensor& other) {
  return fmax_or_fmin("FmaxBackward0", Elementwise::kFmax, Elementwise::kMaximum, self, other);
}
Tensor fmin(const Tensor& self, const Tensor& other) {
  return fmax_or_fmin("FminBackward0", Elementwise::kFmin, Elementwise::kMinimum, self, other);
}

Tensor gcd(const Tensor& self, const Tensor& other) {
  return integers_only("gcd", Special::kGcd, self, other);
}
MT_INPLACE_OF_TWO(gcd, false)
Tensor lcm(const Tensor& self, const Tensor& other) {
  return integers_only("lcm", Special::kLcm, self, other);
}
MT_INPLACE_OF_TWO(lcm, false)
Tensor bitwise_left_shift(const Tensor& self, const Tensor& other) {
  return integers_only("bitwise_left_shift", Special::kShiftLeft, self, other);
}
MT_INPLACE_OF_TWO(bitwise_left_shift, false)
Tensor bitwise_right_shift(const Tensor& self, const Tensor& other) {
  return integers_only("bitwise_right_shift", Special::kShiftRight, self, other);
}
MT_INPLACE_OF_TWO(bitwise_right_shift, false)

}  // namespace mt
