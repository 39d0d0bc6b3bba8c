// Limiting values to a range. Bounds are numbers (Tensor::from_scalar), tensors that broadcast, or
// undefined for none; all take part in type promotion.
#pragma once

#include "core/tensor.h"

namespace mt {

// min(max(self, min), max): `max` where min > max; NaN stays, and a NaN bound gives NaN. At least
// one bound is needed. The gradient goes to self inside [min, max], ends included, else to the
// bound.
Tensor clamp(const Tensor& self, const Tensor& min, const Tensor& max);
const Tensor& clamp_(const Tensor& self, const Tensor& min, const Tensor& max);
Tensor clamp_min(const Tensor& self, const Tensor& min);
const Tensor& clamp_min_(const Tensor& self, const Tensor& min);
Tensor clamp_max(const Tensor& self, const Tensor& max);
const Tensor& clamp_max_(const Tensor& self, const Tensor& max);

// As clamp with number bounds, but the dtype stays self's and the gradient is 0 at the ends.
Tensor hardtanh(const Tensor& self, Scalar min_val = -1.0, Scalar max_val = 1.0);
const Tensor& hardtanh_(const Tensor& self, Scalar min_val = -1.0, Scalar max_val = 1.0);
Tensor relu6(const Tensor& self);  // hardtanh(self, 0, 6)
const Tensor& relu6_(const Tensor& self);

}  // namespace mt
