// Powers, roots, exponentials and logarithms. Integers are computed in the default floating dtype
// except by pow and square, which keep them. Gradients are torch's, also at 0 and outside the
// domain.
#pragma once

#include "core/tensor.h"

namespace mt {

// self ** exponent; either may be a number, both broadcast and promote. Integers stay integers: a
// negative number as their exponent is an error, a negative element gives 0 (1 or -1 for those).
// The gradient of self is 0 where the exponent is 0; that of the exponent where self is 0.
Tensor pow(const Tensor& self, const Tensor& exponent);
const Tensor& pow_(const Tensor& self, const Tensor& exponent);
Tensor square(const Tensor& self);
const Tensor& square_(const Tensor& self);
Tensor sqrt(const Tensor& self);
const Tensor& sqrt_(const Tensor& self);
Tensor rsqrt(const Tensor& self);  // 1 / sqrt(self)
const Tensor& rsqrt_(const Tensor& self);
Tensor reciprocal(const Tensor& self);
const Tensor& reciprocal_(const Tensor& self);

Tensor exp(const Tensor& self);
const Tensor& exp_(const Tensor& self);
Tensor expm1(const Tensor& self);  // exp(self) - 1, accurate near 0
const Tensor& expm1_(const Tensor& self);
Tensor log(const Tensor& self);
const Tensor& log_(const Tensor& self);
Tensor log1p(const Tensor& self);  // log(1 + self), accurate near 0
const Tensor& log1p_(const Tensor& self);
Tensor log2(const Tensor& self);
const Tensor& log2_(const Tensor& self);
Tensor log10(const Tensor& self);
const Tensor& log10_(const Tensor& self);

}  // namespace mt
