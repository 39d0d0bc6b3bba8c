// Comparison, logic and selection.
#include "ops/compare.h"

#include "ops/overwrite.h"
#include "ops/rules.h"
#include "ops/unary.h"

namespace mt {
namespace {

using namespace tensor_math;  // NOLINT

// A single integer is converted to the tensor's dtype. Where one of the two is barebones and it
// does not fit, it would wrap around and be equal to what it is not.
void check_comparable(std::string_view op, const Tensor& t, const Tensor& single) {
  if (!is_barebones(t.dtype()) && !is_barebones(single.dtype())) return;
  if (single.dim() != 0 || single.is_meta() || single.dtype() == t.dtype()) return;
  for (const Tensor* x : {&t, &single}) {
    if (is_differentiable(x->dtype()) || x->dtype() == DType::kBool) return;
  }
  const Scalar v = load_scalar(single.dtype(), single.data());
  const bool no_sign = is_unsigned(t.dtype());
  const uint64_t high = UINT64_MAX >> (64 + !no_sign - 8 * static_cast<int>(dtype_size(t.dtype())));
  const bool negative = !v.is_big() && v.to_int() < 0;
  if (negative ? !no_sign : v.to_uint() <= high) return;
  fail(Status::kInvalidArgument, op,
       ": value out of range: ", v.is_big() ? cat(v.to_uint()) : cat(v.to_int()), " for dtype ",
       dtype_name(t.dtype()), ": must be within [",
       no_sign ? "0" : cat(-static_cast<int64_t>(high) - 1), ", ", high, "]");
}

Tensor compared(Elementwise id, const Tensor& a, const Tensor& b) {
  check_comparable(elementwise_name(id), a, b);
  check_comparable(elementwise_name(id), b, a);
  return binary_forward(id, a, b, {}, {}, DType::kBool);
}

Tensor logical(Elementwise id, const Tensor& a, const Tensor& b, const Tensor* out) {
  return binary_forward(id, a, b, {}, {}, DType::kBool, out);
}

Tensor logical_not_forward(const Tensor& a, const Tensor* out) {
  return unary_forward(Elementwise::kLogicalNot, a, a.dtype(), DType::kBool, {}, out);
}

void check_bits(std::string_view op, DType t) {
  if (is_integral(t, true)) return;
  fail(Status::kDType, op, ": dtype mismatch: operands are of type ", dtype_name(t),
       ": an integer dtype or bool is needed; convert with mt_tensor_to_dtype");
}

Tensor bitwise(Elementwise id, const Tensor& a, const Tensor& b, const Tensor* out) {
  const DType t = result_type(a, b);
  check_bits(elementwise_name(id), t);
  return binary_forward(id, a, b, {}, t, {}, out);
}

Tensor bitwise_not_forward(const Tensor& a, const Tensor* out) {
  check_bits("bitwise_not", a.dtype());
  if (a.dtype() == DType::kBool) return logical_not_forward(a, out);
  return bitwise(Elementwise::kBitwiseXor, a, Tensor::from_scalar(-1), out);
}

template <class Forward>
const Tensor& write(const char* name, const Tensor& self, Forward&& forward) {
  // Not differentiable and not recorded: self keeps the history it has, as in torch.
  return inplace(
      name, self, false, false, [&](const Tensor& out) { forward(self, &out); },
      [](const Tensor& before) { return before; });
}

// Writes the result over self, whose history it ends.
template <class Op>
const Tensor& overwritten(const char* name, const char* node, const Tensor& self, Op&& op) {
  check_inplace(name, self);
  Ref<Node> history = erasing_node(node, self);
  delivered(name, op(), &self);
  inplace_done(self, std::move(history));
  return self;
}

// A number among the operands must fit the integer dtype that it is converted to.
void check_number(const Tensor& t, DType dtype) {
  if (t.impl()->is_number && !is_differentiable(dtype))
    integer_value("where", t.item("where"), dtype);
}

Tensor where_forward(const Tensor& condition, const Tensor& a, const Tensor& b) {
  if (condition.dtype() != DType::kBool && condition.dtype() != DType::kUInt8) {
    fail(Status::kDType, "where: dtype mismatch: condition is ", dtype_name(condition.dtype()),
         ": it must be bool; compare with 0, or convert with mt_tensor_to_dtype");
  }
  const Device device = check_devices("where", {&condition, &a, &b});
  const DType t = result_type(a, b);
  check_number(a, t);
  check_number(b, t);
  const Tensor c = converted(condition, DType::kBool), x = converted(a, t), y = converted(b, t);
  Dims sizes = condition.sizes();
  for (const Tensor* o : {&a, &b}) {
    if (!(sizes == o->sizes())) sizes = broadcast_shapes("where", sizes, o->sizes());
  }
  const Tensor& like = x.sizes() == sizes ? x : y.sizes() == sizes ? y : c;
  Tensor out = empty_output(like, sizes, t, device);
  launch(Elementwise::kWhere, t, {&out, &c, &x, &y});
  return out;
}

// Whether every element of a bool tensor is true.
bool all_true(std::string_view op, const Tensor& t) {
  if (t.is_meta()) {
    fail(Status::kDevice, op, ": no data: tensor on meta: a meta tensor has no values to compare");
  }
  if (t.numel() == 0) return true;
  const ReduceKernel all =
      backend(t.device()).reduce[static_cast<int>(Reduce::kAll)][static_cast<int>(DType::kBool)];
  if (!all) fail_unsupported(op, t.device(), t.dtype());
  const Tensor values = contiguous_values(t);
  uint8_t result = 0;
  all(values.data(), &result, 1, values.numel(), 1, {});
  return result != 0;
}

void check_tolerance(std::string_view op, std::string_view name, double value) {
  if (value >= 0) return;
  fail(Status::kInvalidArgument, op, ": ", name, " out of range: ", value,
       ": it must be greater than or equal to zero");
}

Tensor close_forward(std::string_view op, const Tensor& a, const Tensor& b, double rtol,
                     double atol, bool equal_nan) {
  check_same_dtype(op, "input", a, "other", b);
  check_tolerance(op, "rtol", rtol);
  check_tolerance(op, "atol", atol);
  Tensor close = eq(a, b);
  if (is_differentiable(a.dtype()) && equal_nan) {
    close = logical_or(close, logical_and(isnan(a), isnan(b)));
  }
  if (rtol == 0 && atol == 0) return close;
  // Integers: the tolerance in floating point, the difference exact except for bool.
  const Tensor other = converted(b, float_dtype(b));
  const Tensor self = a.dtype() == DType::kBool ? converted(a, default_dtype()) : a;
  const Tensor allowed = abs(other * rtol) + atol;
  const Tensor error = abs(self - other);
  return logical_or(close, logical_and(isfinite(error), le(error, allowed)));
}

}  // namespace

Tensor eq(const Tensor& self, const Tensor& other) {
  return compared(Elementwise::kEq, self, other);
}
Tensor ne(const Tensor& self, const Tensor& other) {
  return compared(Elementwise::kNe, self, other);
}
Tensor lt(const Tensor& self, const Tensor& other) {
  return compared(Elementwise::kLt, self, other);
}
Tensor le(const Tensor& self, const Tensor& other) {
  return compared(Elementwise::kLe, self, other);
}
Tensor gt(const Tensor& self, const Tensor& other) {
  return compared(Elementwise::kGt, self, other);
}
Tensor ge(const Tensor& self, const Tensor& other) {
  return compared(Elementwise::kGe, self, other);
}

#define MT_COMPARE_INPLACE(op, name)                                          \
  const Tensor& op##_(const Tensor& self, const Tensor& other) {              \
    return overwritten(#op "_", name, self, [&] { return op(self, other); }); \
  }
MT_COMPARE_INPLACE(eq, "EqBackward0")
MT_COMPARE_INPLACE(ne, "NeBackward0")
MT_COMPARE_INPLACE(lt, "LtBackward0")
MT_COMPARE_INPLACE(le, "LeBackward0")
MT_COMPARE_INPLACE(gt, "GtBackward0")
MT_COMPARE_INPLACE(ge, "GeBackward0")
#undef MT_COMPARE_INPLACE

Tensor logical_not(const Tensor& self) { return logical_not_forward(self, nullptr); }
const Tensor& logical_not_(const Tensor& self) {
  return write("logical_not_", self, logical_not_forward);
}
Tensor bitwise_not(const Tensor& self) { return bitwise_not_forward(self, nullptr); }
const Tensor& bitwise_not_(const Tensor& self) {
  return write("bitwise_not_", self, bitwise_not_forward);
}

#define MT_LOGIC(op, forward, id)                                         \
  Tensor op(const Tensor& self, const Tensor& other) {                    \
    return forward(Elementwise::id, self, other, nullptr);                \
  }                                                                       \
  const Tensor& op##_(const Tensor& self, const Tensor& other) {          \
    return write(#op "_", self, [&](const Tensor& a, const Tensor* out) { \
      return forward(Elementwise::id, a, other, out);                     \
    });                                                                   \
  }
MT_LOGIC(logical_and, logical, kLogicalAnd)
MT_LOGIC(logical_or, logical, kLogicalOr)
MT_LOGIC(logical_xor, logical, kLogicalXor)
MT_LOGIC(bitwise_and, bitwise, kBitwiseAnd)
MT_LOGIC(bitwise_or, bitwise, kBitwiseOr)
MT_LOGIC(bitwise_xor, bitwise, kBitwiseXor)
#undef MT_LOGIC

Tensor where(const Tensor& condition, const Tensor& self, const Tensor& other) {
  Tensor out = where_forward(condition, self, other);
  if (recording(self, other)) {
    record("WhereBackward0", out, {&self, &other}, [c = save(condition)](const GradIn& g) -> Grads {
      const Tensor zero = Tensor::from_scalar(0);
      return {g.needs(0) ? where(c.get(g), g[0], zero) : Tensor(),
              g.needs(1) ? where(c.get(g), zero, g[0]) : Tensor()};
    });
  }
  return out;
}

bool equal(const Tensor& self, const Tensor& other) {
  check_devices("equal", {&self, &other});
  if (!(self.sizes() == other.sizes())) return false;
  return all_true("equal", eq(self, other));
}

Tensor isclose(const Tensor& self, const Tensor& other, double rtol, double atol, bool equal_nan) {
  return unrecorded([&] { return close_forward("isclose", self, other, rtol, atol, equal_nan); });
}

bool allclose(const Tensor& self, const Tensor& other, double rtol, double atol, bool equal_nan) {
  return all_true("allclose", unrecorded([&] {
                    return close_forward("allclose", self, other, rtol, atol, equal_nan);
                  }));
}

}  // namespace mt
