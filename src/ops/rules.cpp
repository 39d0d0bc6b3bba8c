// Helpers of gradient rules and of unary ops: see rules.h.
#include "ops/rules.h"

#include "ops/compare.h"

namespace mt {

Tensor masked(const Tensor& keep, const Tensor& g) {
  return where(keep, g, Tensor::from_scalar(0));
}

Tensor zeros_for(const Tensor& t) {
  Tensor r = Tensor::empty_like(t);
  fill_values(r, 0);
  return r;
}

void check_not_bool(std::string_view op, const Tensor& t) {
  if (t.dtype() != DType::kBool) return;
  fail(Status::kDType, op,
       ": dtype mismatch: input is bool: an integer or floating-point dtype is needed; convert "
       "with mt_tensor_to_dtype");
}

int64_t integer_value(std::string_view op, Scalar value, DType t) {
  const int64_t v = value.to_int();
  if (t == DType::kBool) return v != 0;
  const int bits = static_cast<int>(dtype_size(t)) * 8;
  if (bits == 64 || is_differentiable(t)) return v;  // which the others do not read
  const bool no_sign = is_unsigned(t);
  const int64_t high = (int64_t{1} << (no_sign ? bits : bits - 1)) - 1;
  const int64_t low = no_sign ? -high : -high - 1;
  if (v < low || v > high) {
    fail(Status::kInvalidArgument, op, ": value out of range: ", value.to_double(), " for dtype ",
         dtype_name(t), ": must be within [", no_sign ? 0 : low, ", ", high, "]");
  }
  return no_sign ? v & high : v;
}

Tensor delivered(std::string_view op, Tensor value, const Tensor* out) {
  if (!out) return value;
  check_result_fits(op, value.sizes(), value.dtype(), *out);
  copy_values(*out, value);
  return *out;
}

}  // namespace mt
