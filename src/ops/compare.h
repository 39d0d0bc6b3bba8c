// Comparison, logic on truth values, bitwise logic, and selection by a condition.
// Operands broadcast and promote; comparisons and logic give bool and have no gradient.
#pragma once

#include "core/tensor.h"

namespace mt {

Tensor eq(const Tensor& self, const Tensor& other);
Tensor ne(const Tensor& self, const Tensor& other);
Tensor lt(const Tensor& self, const Tensor& other);
Tensor le(const Tensor& self, const Tensor& other);
Tensor gt(const Tensor& self, const Tensor& other);
Tensor ge(const Tensor& self, const Tensor& other);
// 0 or 1 in self's dtype; the gradient of what was there is 0.
const Tensor& eq_(const Tensor& self, const Tensor& other);
const Tensor& ne_(const Tensor& self, const Tensor& other);
const Tensor& lt_(const Tensor& self, const Tensor& other);
const Tensor& le_(const Tensor& self, const Tensor& other);
const Tensor& gt_(const Tensor& self, const Tensor& other);
const Tensor& ge_(const Tensor& self, const Tensor& other);

// Any dtype; non-zero (NaN too) is true. The in-place forms write 0 or 1 in self's dtype.
Tensor logical_not(const Tensor& self);
Tensor logical_and(const Tensor& self, const Tensor& other);
Tensor logical_or(const Tensor& self, const Tensor& other);
Tensor logical_xor(const Tensor& self, const Tensor& other);
const Tensor& logical_not_(const Tensor& self);
const Tensor& logical_and_(const Tensor& self, const Tensor& other);
const Tensor& logical_or_(const Tensor& self, const Tensor& other);
const Tensor& logical_xor_(const Tensor& self, const Tensor& other);

// Integers and bool; kDType for floats.
Tensor bitwise_not(const Tensor& self);
Tensor bitwise_and(const Tensor& self, const Tensor& other);
Tensor bitwise_or(const Tensor& self, const Tensor& other);
Tensor bitwise_xor(const Tensor& self, const Tensor& other);
const Tensor& bitwise_not_(const Tensor& self);
const Tensor& bitwise_and_(const Tensor& self, const Tensor& other);
const Tensor& bitwise_or_(const Tensor& self, const Tensor& other);
const Tensor& bitwise_xor_(const Tensor& self, const Tensor& other);

// self where condition, else other; all three broadcast. condition: bool, or uint8 as bool.
// The gradient goes to the operand that was taken.
Tensor where(const Tensor& condition, const Tensor& self, const Tensor& other);

// Same shape and equal elements (NaN equals nothing); dtypes may differ. kDevice for meta tensors.
bool equal(const Tensor& self, const Tensor& other);
// |self - other| <= atol + rtol * |other|, or self == other; equal_nan: NaN is close to NaN.
// One dtype for both; kInvalidArgument for a negative tolerance.
Tensor isclose(const Tensor& self, const Tensor& other, double rtol = 1e-5, double atol = 1e-8,
               bool equal_nan = false);
bool allclose(const Tensor& self, const Tensor& other, double rtol = 1e-5, double atol = 1e-8,
              bool equal_nan = false);

}  // namespace mt
