// Sign, rounding, trigonometry and value tests with their gradients.
#include "ops/unary.h"

#include <cmath>
#include <numbers>

#include "ops/compare.h"
#include "ops/complex.h"
#include "ops/power.h"
#include "ops/rules.h"

namespace mt {
namespace {

using namespace tensor_math;  // NOLINT

// The dtype of ops that keep their input's; a plain number counts as the default dtype.
DType kept_dtype(const Tensor& t) { return is_floating(t.dtype()) ? float_dtype(t) : t.dtype(); }

Tensor kept_forward(Elementwise id, const Tensor& a, const Tensor* out) {
  const DType t = kept_dtype(a);
  return unary_forward(id, a, t, t, {}, out);
}

Tensor neg_forward(const Tensor& a, const Tensor* out) {
  if (a.dtype() == DType::kBool) {
    fail(Status::kDType,
         "neg: dtype mismatch: input is bool: negation is not supported for bool; use "
         "logical_not or bitwise_not");
  }
  return kept_forward(Elementwise::kNeg, a, out);
}

Tensor abs_forward(const Tensor& a, const Tensor* out) {
  check_not_bool("abs", a);
  if (is_complex(a.dtype())) {
    fail(Status::kDType, "abs_: dtype mismatch: input is ", dtype_name(a.dtype()),
         ": the in-place form is for real dtypes, as the result is real; use abs");
  }
  return kept_forward(Elementwise::kAbs, a, out);
}

Tensor sign_forward(const Tensor& a, const Tensor* out) {
  if (is_complex(a.dtype())) {
    fail(Status::kDType, "sign: dtype mismatch: input is ", dtype_name(a.dtype()),
         ": a real dtype is needed; use sgn");
  }
  return kept_forward(Elementwise::kSign, a, out);
}

Tensor rounded(Elementwise id, const Tensor& a, const Tensor* out) {
  check_not_bool(elementwise_name(id), a);
  return kept_forward(id, a, out);
}
Tensor floor_forward(const Tensor& a, const Tensor* out) {
  return rounded(Elementwise::kFloor, a, out);
}
Tensor ceil_forward(const Tensor& a, const Tensor* out) {
  return rounded(Elementwise::kCeil, a, out);
}
Tensor trunc_forward(const Tensor& a, const Tensor* out) {
  return rounded(Elementwise::kTrunc, a, out);
}
Tensor round_forward(const Tensor& a, int64_t decimals, const Tensor* out) {
  if (decimals == 0) return rounded(Elementwise::kRound, a, out);
  check_floating("round", a);
  const double unit = std::pow(10.0, std::fabs(static_cast<double>(decimals)));
  Tensor r = unrecorded([&] {
    return decimals < 0 ? rounded(Elementwise::kRound, a / unit, nullptr) * unit
                        : rounded(Elementwise::kRound, a * unit, nullptr) / unit;
  });
  return delivered("round", std::move(r), out);
}

Tensor sin_forward(const Tensor& a, const Tensor* out) {
  return float_forward(Elementwise::kSin, a, out);
}
Tensor cos_forward(const Tensor& a, const Tensor* out) {
  return float_forward(Elementwise::kCos, a, out);
}
Tensor tan_forward(const Tensor& a, const Tensor* out) {
  return float_forward(Elementwise::kTan, a, out);
}
Tensor erf_forward(const Tensor& a, const Tensor* out) {
  return float_forward(Elementwise::kErf, a, out);
}

// Step functions: their gradient is zero everywhere.
void record_step(const char* name, const Tensor& self, Tensor& out) {
  if (!recording(self)) return;
  record_light(name, out, {&self}, [](const GradIn& g) -> Grads { return {zeros_for(g[0])}; });
}

Tensor test_values(Elementwise id, const Tensor& a) {
  return unary_forward(id, a, a.dtype(), DType::kBool);
}

}  // namespace

Tensor neg(const Tensor& self) {
  Tensor out = neg_forward(self, nullptr);
  if (recording(self)) {
    record_light("NegBackward0", out, {&self},
                 [](const GradIn& g) -> Grads { return {neg(g[0])}; });
  }
  return out;
}
MT_UNARY_INPLACE(neg, false, neg_forward)

Tensor abs(const Tensor& self) {
  if (is_complex(self.dtype())) return complex_abs(self);
  Tensor out = abs_forward(self, nullptr);
  if (recording(self)) {
    record("AbsBackward0", out, {&self}, [x = save(self)](const GradIn& g) -> Grads {
      if (!g.create_graph()) return {binary_forward(Elementwise::kAbsBackward, g[0], x.get(g))};
      return {g[0] * sign(x.get(g))};
    });
  }
  return out;
}
MT_UNARY_INPLACE(abs, true, abs_forward)

Tensor sign(const Tensor& self) {
  Tensor out = sign_forward(self, nullptr);
  record_step("SignBackward0", self, out);
  return out;
}
MT_UNARY_INPLACE(sign, false, sign_forward)

Tensor floor(const Tensor& self) {
  Tensor out = floor_forward(self, nullptr);
  record_step("FloorBackward0", self, out);
  return out;
}
MT_UNARY_INPLACE(floor, false, floor_forward)

Tensor ceil(const Tensor& self) {
  Tensor out = ceil_forward(self, nullptr);
  record_step("CeilBackward0", self, out);
  return out;
}
MT_UNARY_INPLACE(ceil, false, ceil_forward)

Tensor trunc(const Tensor& self) {
  Tensor out = trunc_forward(self, nullptr);
  record_step("TruncBackward0", self, out);
  return out;
}
MT_UNARY_INPLACE(trunc, false, trunc_forward)

Tensor round(const Tensor& self, int64_t decimals) {
  Tensor out = round_forward(self, decimals, nullptr);
  record_step(decimals == 0 ? "RoundBackward0" : "RoundBackward1", self, out);
  return out;
}

const Tensor& round_(const Tensor& self, int64_t decimals) {
  return inplace(
      "round_", self, recording(self), false,
      [&](const Tensor& out) { round_forward(self, decimals, &out); },
      [&](const Tensor& before) { return round(before, decimals); });
}

Tensor sin(const Tensor& self) {
  Tensor out = sin_forward(self, nullptr);
  if (recording(self)) {
    record("SinBackward0", out, {&self},
           [x = save(self)](const GradIn& g) -> Grads { return {g[0] * cos(x.get(g))}; });
  }
  return out;
}
MT_UNARY_INPLACE(sin, true, sin_forward)

Tensor cos(const Tensor& self) {
  Tensor out = cos_forward(self, nullptr);
  if (recording(self)) {
    record("CosBackward0", out, {&self},
           [x = save(self)](const GradIn& g) -> Grads { return {g[0] * neg(sin(x.get(g)))}; });
  }
  return out;
}
MT_UNARY_INPLACE(cos, true, cos_forward)

Tensor tan(const Tensor& self) {
  Tensor out = tan_forward(self, nullptr);
  if (recording(self)) {
    record("TanBackward0", out, {&self}, [y = save_output(out)](const GradIn& g) -> Grads {
      return {g[0] * (square(y.get(g)) + 1.0)};
    });
  }
  return out;
}
MT_UNARY_INPLACE(tan, false, tan_forward)

Tensor erf(const Tensor& self) {
  Tensor out = erf_forward(self, nullptr);
  if (recording(self)) {
    record("ErfBackward0", out, {&self}, [x = save(self)](const GradIn& g) -> Grads {
      return {g[0] * (exp(neg(square(x.get(g)))) * (2 * std::numbers::inv_sqrtpi))};
    });
  }
  return out;
}
MT_UNARY_INPLACE(erf, true, erf_forward)

Tensor isnan(const Tensor& self) { return test_values(Elementwise::kIsNan, self); }
Tensor isinf(const Tensor& self) { return test_values(Elementwise::kIsInf, self); }
Tensor isfinite(const Tensor& self) { return test_values(Elementwise::kIsFinite, self); }

}  // namespace mt
