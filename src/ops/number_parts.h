// Functions of the parts of numbers, element by element: sign, fraction, exponent, neighbours,
// bits, divisors. dtypes are kept unless said otherwise.
#pragma once

#include <optional>

#include "core/tensor.h"

namespace mt {

Tensor signbit(const Tensor& self);   // bool: negative, -0 included
Tensor isposinf(const Tensor& self);  // bool
Tensor isneginf(const Tensor& self);  // bool
Tensor isreal(const Tensor& self);    // bool: without imaginary part
Tensor angle(const Tensor& self);     // of real numbers pi where negative, else 0; NaN stays
Tensor positive(const Tensor& self);  // self; not for bool
Tensor frac(const Tensor& self);      // self - trunc(self); floating dtypes only
const Tensor& frac_(const Tensor& self);

struct MantissaExponent {
  Tensor mantissa, exponent;
};
// self = mantissa * 2 ** exponent with 1/2 <= |mantissa| < 1; the exponent is int32.
MantissaExponent frexp(const Tensor& self);

// NaN, inf and -inf replaced; without values by 0 and the ends of the dtype. Copies integers.
Tensor nan_to_num(const Tensor& self, std::optional<double> nan = {},
                  std::optional<double> posinf = {}, std::optional<double> neginf = {});
const Tensor& nan_to_num_(const Tensor& self, std::optional<double> nan = {},
                          std::optional<double> posinf = {}, std::optional<double> neginf = {});

// |self| with other's sign; integers give the default floating dtype.
Tensor copysign(const Tensor& self, const Tensor& other);
const Tensor& copysign_(const Tensor& self, const Tensor& other);
Tensor nextafter(const Tensor& self, const Tensor& other);  // floating dtypes only; no gradient
const Tensor& nextafter_(const Tensor& self, const Tensor& other);
// 0, values or 1 where self is negative, 0 or positive. One dtype for both; no gradient.
Tensor heaviside(const Tensor& self, const Tensor& values);
const Tensor& heaviside_(const Tensor& self, const Tensor& values);
// C's remainder, with the sign of self. kInvalidArgument for an integer divisor 0.
Tensor fmod(const Tensor& self, const Tensor& other);
const Tensor& fmod_(const Tensor& self, const Tensor& other);
// As maximum and minimum, but a NaN loses against a number.
Tensor fmax(const Tensor& self, const Tensor& other);
Tensor fmin(const Tensor& self, const Tensor& other);

// Integers only.
Tensor gcd(const Tensor& self, const Tensor& other);
const Tensor& gcd_(const Tensor& self, const Tensor& other);
Tensor lcm(const Tensor& self, const Tensor& other);
const Tensor& lcm_(const Tensor& self, const Tensor& other);
// Shifting by less than 0 or by all bits and more leaves 0, or -1 of a negative number.
Tensor bitwise_left_shift(const Tensor& self, const Tensor& other);
const Tensor& bitwise_left_shift_(const Tensor& self, const Tensor& other);
Tensor bitwise_right_shift(const Tensor& self, const Tensor& other);
const Tensor& bitwise_right_shift_(const Tensor& self, const Tensor& other);

}  // namespace mt
