// Functions of one tensor, element by element: sign and rounding, trigonometry, tests of values.
// Activations are in activation.h, clamp in clamp.h, exp and log and the roots in power.h.
#pragma once

#include "core/tensor.h"

namespace mt {

Tensor neg(const Tensor& self);  // not for bool
const Tensor& neg_(const Tensor& self);
Tensor abs(const Tensor& self);  // not for bool; gradient 0 at 0
const Tensor& abs_(const Tensor& self);
Tensor sign(const Tensor& self);  // -1, 0 or 1; 0 for NaN. Gradient 0.
const Tensor& sign_(const Tensor& self);

// Rounding keeps the dtype, copies integers, refuses bool. Gradient 0.
Tensor floor(const Tensor& self);
const Tensor& floor_(const Tensor& self);
Tensor ceil(const Tensor& self);
const Tensor& ceil_(const Tensor& self);
Tensor trunc(const Tensor& self);
const Tensor& trunc_(const Tensor& self);
// Halves go to the even neighbour. `decimals` places after the point (before it when negative);
// other than 0 for floating dtypes only.
Tensor round(const Tensor& self, int64_t decimals = 0);
const Tensor& round_(const Tensor& self, int64_t decimals = 0);

// Integers are computed in the default floating dtype.
Tensor sin(const Tensor& self);
const Tensor& sin_(const Tensor& self);
Tensor cos(const Tensor& self);
const Tensor& cos_(const Tensor& self);
Tensor tan(const Tensor& self);
const Tensor& tan_(const Tensor& self);
Tensor erf(const Tensor& self);
const Tensor& erf_(const Tensor& self);

// bool results, no gradient
Tensor isnan(const Tensor& self);
Tensor isinf(const Tensor& self);
Tensor isfinite(const Tensor& self);

}  // namespace mt
