// Shorthand for writing gradient rules and unary ops: tensor operators, zeros, masks and the
// definition of in-place forms. Included by .cpp files of ops only.
#pragma once

#include "ops/arithmetic.h"
#include "ops/common.h"

namespace mt {

// Operators on tensors, recorded like the functions they call. Numbers promote as Python's do.
namespace tensor_math {
inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
inline Tensor operator+(const Tensor& a, double b) { return add(a, Tensor::from_scalar(b)); }
inline Tensor operator-(const Tensor& a, double b) { return sub(a, Tensor::from_scalar(b)); }
inline Tensor operator-(double a, const Tensor& b) { return sub(Tensor::from_scalar(a), b); }
inline Tensor operator*(const Tensor& a, double b) { return mul(a, Tensor::from_scalar(b)); }
inline Tensor operator/(const Tensor& a, double b) { return div(a, Tensor::from_scalar(b)); }
inline Tensor operator/(double a, const Tensor& b) { return div(Tensor::from_scalar(a), b); }
}  // namespace tensor_math

// g * factor without a kernel when the factor is 1.
inline Tensor scaled(const Tensor& g, double factor) {
  return factor == 1 ? g : mul(g, Tensor::from_scalar(factor));
}
// g where `keep` (bool) is true, else 0, whatever g is there.
Tensor masked(const Tensor& keep, const Tensor& g);
// Contiguous zeros like t, without history: the gradient of step functions.
Tensor zeros_for(const Tensor& t);

// The dtype that a float function computes t in: t's own, or the default for integers and numbers.
inline DType float_dtype(const Tensor& t) {
  return t.impl()->is_number ? default_dtype() : floating_type(t.dtype());
}
// kDType for a bool input.
void check_not_bool(std::string_view op, const Tensor& t);
// Forward of a float function: exp, sin and so on.
inline Tensor float_forward(Elementwise id, const Tensor& a, const Tensor* out) {
  const DType t = float_dtype(a);
  return unary_forward(id, a, t, t, {}, out);
}

// The number as a value of integer (or bool) dtype t. kInvalidArgument when it does not fit;
// negative numbers wrap for uint8, fractions are cut off.
int64_t integer_value(std::string_view op, Scalar value, DType t);
// Writes value, which broadcasts to it, into `out` when given, after the in-place checks.
Tensor delivered(std::string_view op, Tensor value, const Tensor* out);

// Runs a forward that is composed of ops, without recording them.
template <class F>
Tensor unrecorded(F&& forward) {
  GradMode off(false);
  return forward();
}

// Defines op_(self) from op(self) and forward(self, const Tensor* out). saves_self: the rule of op
// needs the old value of self.
#define MT_UNARY_INPLACE(op, saves_self, forward)         \
  const Tensor& op##_(const Tensor& self) {               \
    return inplace(                                       \
        #op "_", self, recording(self), saves_self,       \
        [&](const Tensor& out) { forward(self, &out); },  \
        [](const Tensor& before) { return op(before); }); \
  }

}  // namespace mt
