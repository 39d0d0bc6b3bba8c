// Forwards by the table of special functions, and shorthand for elementwise ops: a gradient that is
// a slope at the input, in-place forms made of the op itself. Included by .cpp files of ops only.
#pragma once

#include "kernels/special.h"
#include "ops/rules.h"

namespace mt {

// The function of a, or of a and b (which broadcast), computed in dtype t; not recorded.
Tensor map(std::string_view op, Special id, const Tensor& a, DType t, const Params& p = {});
Tensor map(std::string_view op, Special id, const Tensor& a, const Tensor& b, DType t,
           const Params& p = {});
inline Tensor float_map(std::string_view op, Special id, const Tensor& a) {
  return map(op, id, a, float_dtype(a));
}
inline Tensor float_map(std::string_view op, Special id, const Tensor& a, const Tensor& b) {
  return map(op, id, a, b, floating_type(result_type(a, b)));
}

// An operand as a rule saves it: a number in the result's dtype instead of the default one.
inline Tensor operand(const Tensor& t, const Tensor& out) {
  return t.impl()->is_number ? Tensor::from_scalar(t.item(), out.dtype()) : t;
}

// Records out = f(x) for f'(x) = slope(x), written in differentiable ops.
template <class Slope>
void record_slope(const char* name, const Tensor& x, Tensor& out, Slope slope) {
  if (!recording(x)) return;
  record(name, out, {&x},
         [v = save(x), slope](const GradIn& g) -> Grads { return {mul(g[0], slope(v.get(g)))}; });
}
// Records that out is constant wherever its gradient is asked for.
inline void record_flat(const char* name, const Tensor& x, Tensor& out) {
  if (!recording(x)) return;
  record_light(name, out, {&x}, [](const GradIn& g) -> Grads { return {zeros_for(g[0])}; });
}
// A rule's answer to a gradient for which there is no formula.
[[noreturn]] void fail_no_gradient(std::string_view op, std::string_view input);

// The in-place form of op(before): computed aside, then written into self.
template <class Op>
const Tensor& inplace_of(std::string_view name, const Tensor& self, bool records, bool saves_self,
                         Op&& op) {
  return inplace(
      name, self, records, saves_self,
      [&](const Tensor& out) {
        GradMode off(false);
        delivered(name, op(self), &out);
      },
      [&](const Tensor& before) { return op(before); });
}

#define MT_INPLACE_OF(op, saves_self)                                   \
  const Tensor& op##_(const Tensor& self) {                             \
    return inplace_of(#op "_", self, recording(self), saves_self,       \
                      [](const Tensor& before) { return op(before); }); \
  }
#define MT_INPLACE_OF_TWO(op, saves_self)                                       \
  const Tensor& op##_(const Tensor& self, const Tensor& other) {                \
    return inplace_of(#op "_", self, recording(self, other), saves_self,        \
                      [&](const Tensor& before) { return op(before, other); }); \
  }

}  // namespace mt
