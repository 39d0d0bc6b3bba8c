// Limiting values to a range, and the gradients of values and bounds.
#include "ops/clamp.h"

#include <limits>

#include "ops/compare.h"
#include "ops/rules.h"

namespace mt {
namespace {

bool is_number(const Tensor& t) { return t.impl()->is_number; }
bool number_or_none(const Tensor& bound) { return !bound.defined() || is_number(bound); }

DType common_type(const Tensor& self, const Tensor& min, const Tensor& max) {
  ResultType r;
  for (const Tensor* t : {&self, &min, &max}) {
    if (t->defined()) r.add(t->dtype(), t->dim() == 0, is_number(*t));
  }
  return r.get();
}

// Number bounds as the parameters of the clamp kernels of dtype t.
Params bounds(std::string_view op, const Tensor& min, const Tensor& max, DType t) {
  Params p;
  constexpr double kInf = std::numeric_limits<double>::infinity();
  if (is_floating(t)) {
    p.f[0] = min.defined() ? min.item(op).to_double() : -kInf;
    p.f[1] = max.defined() ? max.item(op).to_double() : kInf;
    return p;
  }
  if (t == DType::kBool) {
    fail(Status::kDType, op,
         ": dtype mismatch: input and bounds are bool: an integer or floating-point dtype is "
         "needed; convert with mt_tensor_to_dtype");
  }
  // The kernel brings the ends of int64 to those of t.
  p.i[0] = min.defined() ? integer_value(op, min.item(op), t) : INT64_MIN;
  p.i[1] = max.defined() ? integer_value(op, max.item(op), t) : INT64_MAX;
  return p;
}

Tensor clamp_forward(std::string_view op, const Tensor& self, const Tensor& min, const Tensor& max,
                     const Tensor* out) {
  if (!min.defined() && !max.defined()) {
    fail(Status::kInvalidArgument, op,
         ": no bounds: min and max are both null: at least one of them must be given");
  }
  const DType t = common_type(self, min, max);
  if (number_or_none(min) && number_or_none(max)) {
    return unary_forward(Elementwise::kClamp, self, t, t, bounds(op, min, max, t), out);
  }
  if (!max.defined()) return binary_forward(Elementwise::kMaximum, self, min, {}, t, {}, out);
  const Tensor raised =
      min.defined() ? binary_forward(Elementwise::kMaximum, self, min, {}, t) : self;
  return binary_forward(Elementwise::kMinimum, raised, max, {}, t, {}, out);
}

// Where self is within the bounds, ends included; NaN is not.
Tensor inside(const Tensor& x, const Tensor& min, const Tensor& max) {
  if (!max.defined()) return ge(x, min);
  if (!min.defined()) return le(x, max);
  return logical_and(ge(x, min), le(x, max));
}

Tensor below(const Tensor& x, const Tensor& min, const Tensor& max) {
  const Tensor low = lt(x, min);
  return max.defined() ? logical_and(low, lt(min, max)) : low;
}

Tensor above(const Tensor& x, const Tensor& min, const Tensor& max) {
  const Tensor high = gt(x, max);
  return min.defined() ? logical_or(high, lt(max, min)) : high;
}

void record_clamp(const char* number_name, const char* tensor_name, const Tensor& self,
                  const Tensor& min, const Tensor& max, Tensor& out) {
  if (!recording(self, min, max)) return;
  if (number_or_none(min) && number_or_none(max)) {
    const Params p = bounds("clamp", min, max, out.dtype());
    record(
        number_name, out, {&self},
        [x = save(self), low = p.f[0], high = p.f[1]](const GradIn& g) -> Grads {
          const Tensor value = x.get(g);
          if (!g.create_graph()) {
            Params q;
            q.f[0] = low;
            q.f[1] = high;
            return {binary_forward(Elementwise::kClampBackward, g[0], value, q)};
          }
          return {masked(inside(value, Tensor::from_scalar(low), Tensor::from_scalar(high)), g[0])};
        });
    return;
  }
  record(tensor_name, out, {&self, &min, &max},
         [x = save(self), low = save_if(min.defined(), min),
          high = save_if(max.defined(), max)](const GradIn& g) -> Grads {
           const Tensor value = x.get(g);
           const Tensor a = low.defined() ? low.get(g) : Tensor();
           const Tensor b = high.defined() ? high.get(g) : Tensor();
           return {g.needs(0) ? masked(inside(value, a, b), g[0]) : Tensor(),
                   g.needs(1) ? masked(below(value, a, b), g[0]) : Tensor(),
                   g.needs(2) ? masked(above(value, a, b), g[0]) : Tensor()};
         });
}

Tensor hardtanh_forward(const Tensor& self, Scalar min_val, Scalar max_val, const Tensor* out) {
  check_not_bool("hardtanh", self);
  const DType t = is_floating(self.dtype()) ? float_dtype(self) : self.dtype();
  if (t == DType::kUInt8 && (min_val.to_double() < 0 || max_val.to_double() < 0)) {
    fail(Status::kInvalidArgument, "hardtanh: limits out of range: [", min_val.to_double(), ", ",
         max_val.to_double(), "] for dtype uint8: must not be negative");
  }
  const Params p =
      bounds("hardtanh", Tensor::from_scalar(min_val), Tensor::from_scalar(max_val), t);
  return unary_forward(Elementwise::kClamp, self, t, t, p, out);
}

}  // namespace

Tensor clamp(const Tensor& self, const Tensor& min, const Tensor& max) {
  Tensor out = clamp_forward("clamp", self, min, max, nullptr);
  record_clamp("ClampBackward1", "ClampBackward0", self, min, max, out);
  return out;
}

const Tensor& clamp_(const Tensor& self, const Tensor& min, const Tensor& max) {
  return inplace(
      "clamp_", self, recording(self, min, max), true,
      [&](const Tensor& out) { clamp_forward("clamp", self, min, max, &out); },
      [&](const Tensor& before) { return clamp(before, min, max); });
}

Tensor clamp_min(const Tensor& self, const Tensor& min) {
  Tensor out = clamp_forward("clamp_min", self, min, Tensor(), nullptr);
  record_clamp("ClampMinBackward0", "ClampMinBackward1", self, min, Tensor(), out);
  return out;
}

const Tensor& clamp_min_(const Tensor& self, const Tensor& min) {
  return inplace(
      "clamp_min_", self, recording(self, min), true,
      [&](const Tensor& out) { clamp_forward("clamp_min", self, min, Tensor(), &out); },
      [&](const Tensor& before) { return clamp_min(before, min); });
}

Tensor clamp_max(const Tensor& self, const Tensor& max) {
  Tensor out = clamp_forward("clamp_max", self, Tensor(), max, nullptr);
  record_clamp("ClampMaxBackward0", "ClampMaxBackward1", self, Tensor(), max, out);
  return out;
}

const Tensor& clamp_max_(const Tensor& self, const Tensor& max) {
  return inplace(
      "clamp_max_", self, recording(self, max), true,
      [&](const Tensor& out) { clamp_forward("clamp_max", self, Tensor(), max, &out); },
      [&](const Tensor& before) { return clamp_max(before, max); });
}

Tensor hardtanh(const Tensor& self, Scalar min_val, Scalar max_val) {
  Tensor out = hardtanh_forward(self, min_val, max_val, nullptr);
  if (recording(self)) {
    record("HardtanhBackward0", out, {&self},
           [x = save(self), low = min_val.to_double(),
            high = max_val.to_double()](const GradIn& g) -> Grads {
             const Tensor value = x.get(g);
             if (!g.create_graph()) {
               Params p;
               p.f[0] = low;
               p.f[1] = high;
               return {binary_forward(Elementwise::kHardtanhBackward, g[0], value, p)};
             }
             return {masked(logical_and(gt(value, Tensor::from_scalar(low)),
                                        lt(value, Tensor::from_scalar(high))),
                            g[0])};
           });
  }
  return out;
}

const Tensor& hardtanh_(const Tensor& self, Scalar min_val, Scalar max_val) {
  return inplace(
      "hardtanh_", self, recording(self), true,
      [&](const Tensor& out) { hardtanh_forward(self, min_val, max_val, &out); },
      [&](const Tensor& before) { return hardtanh(before, min_val, max_val); });
}

Tensor relu6(const Tensor& self) { return hardtanh(self, 0, 6); }
const Tensor& relu6_(const Tensor& self) { return hardtanh_(self, 0, 6); }

}  // namespace mt
