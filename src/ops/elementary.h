// Inverse trigonometry, hyperbolic functions, exp2 and functions of two numbers, element by
// element. Integers are computed in the default floating dtype unless said otherwise. Gradients are
// torch's.
#pragma once

#include "core/tensor.h"

namespace mt {

Tensor acos(const Tensor& self);
const Tensor& acos_(const Tensor& self);
Tensor asin(const Tensor& self);
const Tensor& asin_(const Tensor& self);
Tensor atan(const Tensor& self);
const Tensor& atan_(const Tensor& self);
Tensor acosh(const Tensor& self);
const Tensor& acosh_(const Tensor& self);
Tensor asinh(const Tensor& self);
const Tensor& asinh_(const Tensor& self);
Tensor atanh(const Tensor& self);
const Tensor& atanh_(const Tensor& self);
Tensor cosh(const Tensor& self);
const Tensor& cosh_(const Tensor& self);
Tensor sinh(const Tensor& self);
const Tensor& sinh_(const Tensor& self);
Tensor exp2(const Tensor& self);
const Tensor& exp2_(const Tensor& self);
Tensor deg2rad(const Tensor& self);
const Tensor& deg2rad_(const Tensor& self);
Tensor rad2deg(const Tensor& self);
const Tensor& rad2deg_(const Tensor& self);
Tensor sinc(const Tensor& self);  // sin(pi self) / (pi self), 1 at 0
const Tensor& sinc_(const Tensor& self);

Tensor atan2(const Tensor& self, const Tensor& other);  // the angle of the point (other, self)
const Tensor& atan2_(const Tensor& self, const Tensor& other);
Tensor hypot(const Tensor& self, const Tensor& other);  // floating dtypes only
const Tensor& hypot_(const Tensor& self, const Tensor& other);
Tensor logaddexp(const Tensor& self, const Tensor& other);   // floating dtypes only
Tensor logaddexp2(const Tensor& self, const Tensor& other);  // floating dtypes only
// self * log(other), 0 where self is 0 and other is no NaN.
Tensor xlogy(const Tensor& self, const Tensor& other);
const Tensor& xlogy_(const Tensor& self, const Tensor& other);
Tensor special_xlog1py(const Tensor& self, const Tensor& other);  // self * log1p(other), likewise
// self * 2 ** other
Tensor ldexp(const Tensor& self, const Tensor& other);
const Tensor& ldexp_(const Tensor& self, const Tensor& other);
// pow in float64; the in-place form needs self to be float64.
Tensor float_power(const Tensor& self, const Tensor& exponent);
const Tensor& float_power_(const Tensor& self, const Tensor& exponent);

}  // namespace mt
