// Sums, products, quotients, extremes and their gradients.
#include "ops/arithmetic.h"

#include "ops/compare.h"
#include "ops/rules.h"
#include "ops/unary.h"

namespace mt {
namespace {

using namespace tensor_math;  // NOLINT

// alpha as a kernel parameter; a fractional alpha cannot multiply integers.
Params alpha_params(std::string_view op, Scalar alpha, DType dtype) {
  Params p;
  p.f[0] = alpha.to_double();
  p.i[0] = alpha.to_int();
  if (!is_differentiable(dtype) && alpha.is_float() && static_cast<double>(p.i[0]) != p.f[0]) {
    fail(Status::kInvalidArgument, op, ": alpha must be an integer: alpha ", p.f[0],
         " for a result of ", dtype_name(dtype), ": use a floating-point tensor");
  }
  return p;
}

Tensor add_forward(const Tensor& a, const Tensor& b, Scalar alpha, const Tensor* out) {
  const DType t = result_type(a, b);
  return binary_forward(Elementwise::kAdd, a, b, alpha_params("add", alpha, t), t, {}, out);
}

Tensor sub_forward(const Tensor& a, const Tensor& b, Scalar alpha, const Tensor* out) {
  if (a.dtype() == DType::kBool || b.dtype() == DType::kBool) {
    fail(Status::kDType, "sub: dtype mismatch: lhs is ", dtype_name(a.dtype()), ", rhs is ",
         dtype_name(b.dtype()),
         ": subtraction is not supported for bool; use logical_xor or logical_not");
  }
  const DType t = result_type(a, b);
  return binary_forward(Elementwise::kSub, a, b, alpha_params("sub", alpha, t), t, {}, out);
}

// Integers have no inf or nan to give for a zero divisor.
void check_divisor(std::string_view op, DType compute, const Tensor& divisor) {
  if (is_differentiable(compute) || divisor.is_meta() || divisor.numel() == 0) return;
  if (compute == DType::kBool) fail_unsupported(op, divisor.device(), compute);
  uint8_t all_nonzero = 1;
  if (divisor.numel() == 1) {
    all_nonzero = load_scalar(divisor.dtype(), divisor.data()).to_bool();
  } else {
    const Tensor values = contiguous_values(divisor);
    const ReduceKernel all =
        backend(values.device())
            .reduce[static_cast<int>(Reduce::kAll)][static_cast<int>(values.dtype())];
    if (!all) fail_unsupported(op, values.device(), values.dtype());
    all(values.data(), &all_nonzero, 1, values.numel(), 1, {});
  }
  if (!all_nonzero) {
    fail(Status::kInvalidArgument, op, ": division by zero: the divisor of ", dtype_name(compute),
         " has a zero: integers cannot be divided by zero; convert to a floating-point dtype");
  }
}

Tensor div_forward(std::string_view op, const Tensor& a, const Tensor& b, std::string_view mode,
                   const Tensor* out) {
  const DType t = result_type(a, b);
  if (mode.empty()) {
    return binary_forward(Elementwise::kDiv, a, b, {}, floating_type(t), {}, out);
  }
  if (mode != "floor" && mode != "trunc") {
    fail(Status::kInvalidArgument, op, ": unknown rounding_mode: '", mode,
         "': must be empty, 'floor' or 'trunc'");
  }
  check_divisor(op, t, b);
  const Elementwise id = mode == "floor" ? Elementwise::kDivFloor : Elementwise::kDivTrunc;
  return binary_forward(id, a, b, {}, t, {}, out);
}

Tensor remainder_forward(const Tensor& a, const Tensor& b, const Tensor* out) {
  const DType t = result_type(a, b);
  check_divisor("remainder", t, b);
  return binary_forward(Elementwise::kRemainder, a, b, {}, t, {}, out);
}

DType common_type(const Tensor& a, const Tensor& b, const Tensor& c) {
  ResultType r;
  for (const Tensor* t : {&a, &b, &c}) r.add(t->dtype(), t->dim() == 0, t->impl()->is_number);
  return r.get();
}

// a, b and c converted to `t` and broadcast; value as the kernel's factor.
Tensor ternary_forward(Elementwise id, const Tensor& a, const Tensor& b, const Tensor& c,
                       Scalar value, DType t, const Tensor* out) {
  const std::string_view op = elementwise_name(id);
  const Device device = check_devices(op, {&a, &b, &c});
  if (t == DType::kBool) fail_unsupported(op, device, t);
  Params p;
  p.f[0] = value.to_double();
  if (!is_differentiable(t)) p.i[0] = integer_value(op, value, t);
  Dims sizes = a.sizes();
  for (const Tensor* o : {&b, &c}) {
    if (!(sizes == o->sizes())) sizes = broadcast_shapes(op, sizes, o->sizes());
  }
  if (out) check_result_fits(op, sizes, t, *out);
  Tensor x = converted(a, t), y = converted(b, t), z = converted(c, t);
  const bool direct = out && out->dtype() == t;
  if (direct) {
    for (Tensor* o : {&x, &y, &z}) *o = apart_from(op, *out, *o);
  }
  Tensor r = direct ? *out : empty_output(x, sizes, t, device);
  launch(op, id, t, {&r, &x, &y, &z}, p);
  if (!out || direct) return r;
  copy_values(*out, r);
  return *out;
}

Tensor addcmul_forward(const Tensor& self, const Tensor& t1, const Tensor& t2, Scalar value,
                       const Tensor* out) {
  return ternary_forward(Elementwise::kAddcmul, self, t1, t2, value, common_type(self, t1, t2),
                         out);
}

Tensor addcdiv_forward(const Tensor& self, const Tensor& t1, const Tensor& t2, Scalar value,
                       const Tensor* out) {
  if (!is_differentiable(t1.dtype()) && !is_differentiable(t2.dtype())) {
    fail(Status::kDType, "addcdiv: dtype mismatch: tensor1 is ", dtype_name(t1.dtype()),
         ", tensor2 is ", dtype_name(t2.dtype()),
         ": integers are not divided; convert one with mt_tensor_to_dtype");
  }
  return ternary_forward(Elementwise::kAddcdiv, self, t1, t2, value, common_type(self, t1, t2),
                         out);
}

// A complex number as the tensor of self's dtype that it then must have.
Tensor complex_weight(const Tensor& self, const Tensor& weight) {
  return Tensor::from_scalar(weight.item("lerp"),
                             is_complex(self.dtype()) ? self.dtype() : weight.dtype());
}

Tensor lerp_forward(const Tensor& self, const Tensor& end, const Tensor& weight,
                    const Tensor* out) {
  if (!is_complex(self.dtype())) check_floating("lerp", self);
  check_same_dtype("lerp", "input", self, "end", end);
  if (weight.impl()->is_number && !is_complex(weight.dtype())) {
    Params p;
    p.f[0] = weight.item("lerp").to_double();
    return binary_forward(Elementwise::kLerp, self, end, p, {}, {}, out);
  }
  check_same_dtype("lerp", "input", self, "weight", weight);
  check_devices("lerp", {&self, &end, &weight});
  // From the nearer end, so that both ends are met exactly.
  Tensor r = unrecorded([&] {
    const Tensor span = end - self;
    return where(lt(abs(weight), Tensor::from_scalar(0.5)), self + weight * span,
                 end - span * (1.0 - weight));
  });
  return delivered("lerp", std::move(r), out);
}

// The gradient of maximum or minimum for one operand: all of it where that won, half in a tie.
Tensor winner_gradient(const Tensor& g, const Tensor& lost, const Tensor& tie) {
  return where(lost, Tensor::from_scalar(0), where(tie, g * 0.5, g));
}

Tensor extreme(const char* name, Elementwise id, const Tensor& self, const Tensor& other) {
  Tensor out = binary_forward(id, self, other);
  if (recording(self, other)) {
    const bool is_max = id == Elementwise::kMaximum;
    record(name, out, {&self, &other},
           [is_max, a = save(self), b = save(other)](const GradIn& g) -> Grads {
             const Tensor x = a.get(g), y = b.get(g);
             const Tensor tie = eq(x, y);
             return {
                 g.needs(0) ? winner_gradient(g[0], is_max ? lt(x, y) : gt(x, y), tie) : Tensor(),
                 g.needs(1) ? winner_gradient(g[0], is_max ? gt(x, y) : lt(x, y), tie) : Tensor()};
           });
  }
  return out;
}

}  // namespace

Tensor add(const Tensor& self, const Tensor& other, Scalar alpha) {
  Tensor out = add_forward(self, other, alpha, nullptr);
  if (recording(self, other)) {
    record_light("AddBackward0", out, {&self, &other},
                 [alpha = alpha.to_double()](const GradIn& g) -> Grads {
                   return {g[0], g.needs(1) ? scaled(g[0], alpha) : Tensor()};
                 });
  }
  return out;
}

const Tensor& add_(const Tensor& self, const Tensor& other, Scalar alpha) {
  return inplace(
      "add_", self, recording(self, other), false,
      [&](const Tensor& out) { add_forward(self, other, alpha, &out); },
      [&](const Tensor& before) { return add(before, other, alpha); });
}

Tensor sub(const Tensor& self, const Tensor& other, Scalar alpha) {
  Tensor out = sub_forward(self, other, alpha, nullptr);
  if (recording(self, other)) {
    record_light("SubBackward0", out, {&self, &other},
                 [alpha = alpha.to_double()](const GradIn& g) -> Grads {
                   return {g[0], g.needs(1) ? scaled(g[0], -alpha) : Tensor()};
                 });
  }
  return out;
}

const Tensor& sub_(const Tensor& self, const Tensor& other, Scalar alpha) {
  return inplace(
      "sub_", self, recording(self, other), false,
      [&](const Tensor& out) { sub_forward(self, other, alpha, &out); },
      [&](const Tensor& before) { return sub(before, other, alpha); });
}

Tensor rsub(const Tensor& self, const Tensor& other, Scalar alpha) {
  Tensor out = sub_forward(other, self, alpha, nullptr);
  if (recording(self, other)) {
    record_light(other.impl()->is_number ? "RsubBackward1" : "RsubBackward0", out, {&self, &other},
                 [alpha = alpha.to_double()](const GradIn& g) -> Grads {
                   return {g.needs(0) ? scaled(g[0], -alpha) : Tensor(), g[0]};
                 });
  }
  return out;
}

Tensor mul(const Tensor& self, const Tensor& other) {
  Tensor out = binary_forward(Elementwise::kMul, self, other);
  if (recording(self, other)) {
    record("MulBackward0", out, {&self, &other},
           [a = save_if(other.requires_grad(), self),
            b = save_if(self.requires_grad(), other)](const GradIn& g) -> Grads {
             return {g.needs(0) ? mul(g[0], b.get(g)) : Tensor(),
                     g.needs(1) ? mul(g[0], a.get(g)) : Tensor()};
           });
  }
  return out;
}

const Tensor& mul_(const Tensor& self, const Tensor& other) {
  return inplace(
      "mul_", self, recording(self, other), other.requires_grad(),
      [&](const Tensor& out) { binary_forward(Elementwise::kMul, self, other, {}, {}, {}, &out); },
      [&](const Tensor& before) { return mul(before, other); });
}

Tensor div(const Tensor& self, const Tensor& other, std::string_view rounding_mode) {
  Tensor out = div_forward("div", self, other, rounding_mode, nullptr);
  if (recording(self, other)) {
    if (!rounding_mode.empty()) {
      record_light("DivBackward2", out, {&self, &other}, [](const GradIn& g) -> Grads {
        return {g.needs(0) ? zeros_for(g[0]) : Tensor(), g.needs(1) ? zeros_for(g[0]) : Tensor()};
      });
      return out;
    }
    record("DivBackward0", out, {&self, &other},
           [a = save_if(other.requires_grad(), self), b = save(other)](const GradIn& g) -> Grads {
             const Tensor divisor = b.get(g);
             const Tensor to_self = div(g[0], divisor);
             if (!g.needs(1)) return {to_self, Tensor()};
             // d(a / b)/db = -(a / b) / b
             return {to_self, neg(to_self) * (a.get(g) / divisor)};
           });
  }
  return out;
}

const Tensor& div_(const Tensor& self, const Tensor& other, std::string_view rounding_mode) {
  return inplace(
      "div_", self, recording(self, other), other.requires_grad(),
      [&](const Tensor& out) { div_forward("div", self, other, rounding_mode, &out); },
      [&](const Tensor& before) { return div(before, other, rounding_mode); });
}

Tensor floor_divide(const Tensor& self, const Tensor& other) {
  Tensor out = div_forward("floor_divide", self, other, "floor", nullptr);
  if (recording(self, other)) {
    record_light("NotImplemented", out, {&self, &other}, [](const GradIn&) -> Grads {
      fail(Status::kAutograd,
           "floor_divide: not differentiable: a gradient was asked for: there is no rule for it; "
           "use div with rounding_mode 'floor' for zero gradients");
    });
  }
  return out;
}

const Tensor& floor_divide_(const Tensor& self, const Tensor& other) {
  return inplace(
      "floor_divide_", self, recording(self, other), false,
      [&](const Tensor& out) { div_forward("floor_divide", self, other, "floor", &out); },
      [&](const Tensor& before) { return floor_divide(before, other); });
}

Tensor remainder(const Tensor& self, const Tensor& other) {
  Tensor out = remainder_forward(self, other, nullptr);
  if (recording(self, other)) {
    const bool by_number = other.impl()->is_number;
    const bool to_other = other.requires_grad();
    record(by_number ? "RemainderBackward0" : "RemainderBackward1", out, {&self, &other},
           [a = save_if(to_other, self), b = save_if(to_other, other)](const GradIn& g) -> Grads {
             return {g[0], g.needs(1) ? neg(g[0]) * div(a.get(g), b.get(g), "floor") : Tensor()};
           });
  }
  return out;
}

const Tensor& remainder_(const Tensor& self, const Tensor& other) {
  return inplace(
      "remainder_", self, recording(self, other), other.requires_grad(),
      [&](const Tensor& out) { remainder_forward(self, other, &out); },
      [&](const Tensor& before) { return remainder(before, other); });
}

Tensor addcmul(const Tensor& self, const Tensor& tensor1, const Tensor& tensor2, Scalar value) {
  Tensor out = addcmul_forward(self, tensor1, tensor2, value, nullptr);
  if (recording(self, tensor1, tensor2)) {
    record("AddcmulBackward0", out, {&self, &tensor1, &tensor2},
           [a = save_if(tensor2.requires_grad(), tensor1),
            b = save_if(tensor1.requires_grad(), tensor2),
            value = value.to_double()](const GradIn& g) -> Grads {
             return {g[0], g.needs(1) ? g[0] * scaled(b.get(g), value) : Tensor(),
                     g.needs(2) ? g[0] * scaled(a.get(g), value) : Tensor()};
           });
  }
  return out;
}

const Tensor& addcmul_(const Tensor& self, const Tensor& tensor1, const Tensor& tensor2,
                       Scalar value) {
  return inplace(
      "addcmul_", self, recording(self, tensor1, tensor2), false,
      [&](const Tensor& out) { addcmul_forward(self, tensor1, tensor2, value, &out); },
      [&](const Tensor& before) { return addcmul(before, tensor1, tensor2, value); });
}

Tensor addcdiv(const Tensor& self, const Tensor& tensor1, const Tensor& tensor2, Scalar value) {
  Tensor out = addcdiv_forward(self, tensor1, tensor2, value, nullptr);
  if (recording(self, tensor1, tensor2)) {
    record("AddcdivBackward0", out, {&self, &tensor1, &tensor2},
           [a = save_if(tensor2.requires_grad(), tensor1), b = save(tensor2),
            value = value.to_double()](const GradIn& g) -> Grads {
             if (!g.needs(1) && !g.needs(2)) return {g[0], Tensor(), Tensor()};
             const Tensor divisor = b.get(g);
             const Tensor to_first = g[0] * (value / divisor);
             if (!g.needs(2)) return {g[0], to_first, Tensor()};
             return {g[0], to_first, neg(to_first) * (a.get(g) / divisor)};
           });
  }
  return out;
}

const Tensor& addcdiv_(const Tensor& self, const Tensor& tensor1, const Tensor& tensor2,
                       Scalar value) {
  return inplace(
      "addcdiv_", self, recording(self, tensor1, tensor2), false,
      [&](const Tensor& out) { addcdiv_forward(self, tensor1, tensor2, value, &out); },
      [&](const Tensor& before) { return addcdiv(before, tensor1, tensor2, value); });
}

Tensor lerp(const Tensor& self, const Tensor& end, const Tensor& weight) {
  if (weight.impl()->is_number && is_complex(weight.dtype())) {
    return lerp(self, end, complex_weight(self, weight));
  }
  Tensor out = lerp_forward(self, end, weight, nullptr);
  if (!recording(self, end, weight)) return out;
  if (weight.impl()->is_number) {
    record_light("LerpBackward0", out, {&self, &end},
                 [w = weight.item("lerp").to_double()](const GradIn& g) -> Grads {
                   return {g.needs(0) ? scaled(g[0], 1 - w) : Tensor(),
                           g.needs(1) ? scaled(g[0], w) : Tensor()};
                 });
    return out;
  }
  record("LerpBackward1", out, {&self, &end, &weight},
         [a = save_if(weight.requires_grad(), self), b = save_if(weight.requires_grad(), end),
          w = save(weight)](const GradIn& g) -> Grads {
           return {g.needs(0) ? g[0] * (1.0 - w.get(g)) : Tensor(),
                   g.needs(1) ? g[0] * w.get(g) : Tensor(),
                   g.needs(2) ? g[0] * (b.get(g) - a.get(g)) : Tensor()};
         });
  return out;
}

const Tensor& lerp_(const Tensor& self, const Tensor& end, const Tensor& weight) {
  if (weight.impl()->is_number && is_complex(weight.dtype())) {
    return lerp_(self, end, complex_weight(self, weight));
  }
  return inplace(
      "lerp_", self, recording(self, end, weight), weight.requires_grad(),
      [&](const Tensor& out) { lerp_forward(self, end, weight, &out); },
      [&](const Tensor& before) { return lerp(before, end, weight); });
}

Tensor maximum(const Tensor& self, const Tensor& other) {
  return extreme("MaximumBackward0", Elementwise::kMaximum, self, other);
}

Tensor minimum(const Tensor& self, const Tensor& other) {
  return extreme("MinimumBackward0", Elementwise::kMinimum, self, other);
}

}  // namespace mt
