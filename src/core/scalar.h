// A number that an op takes beside tensors: Python's bool, int, float or complex.
#pragma once

#include <complex>
#include <cstdint>

#include "core/dtype.h"

namespace mt {

class Scalar {
 public:
  Scalar(double v) : kind_(Kind::kFloat), f_(v) {}  // NOLINT: numbers are scalars
  Scalar(int64_t v) : kind_(Kind::kInt), i_(v) {}   // NOLINT
  Scalar(int v) : kind_(Kind::kInt), i_(v) {}       // NOLINT
  // Beyond int64 it keeps its bits and is_big().
  Scalar(uint64_t v)  // NOLINT
      : kind_(v > INT64_MAX ? Kind::kBig : Kind::kInt), i_(static_cast<int64_t>(v)) {}
  Scalar(bool v) : kind_(Kind::kBool), i_(v) {}  // NOLINT
  Scalar(std::complex<double> v)                 // NOLINT
      : kind_(Kind::kComplex), f_(v.real()), imag_(v.imag()) {}

  bool is_float() const { return kind_ == Kind::kFloat; }
  bool is_int() const { return kind_ == Kind::kInt || is_big(); }
  bool is_big() const { return kind_ == Kind::kBig; }  // from 2^63 to 2^64 - 1
  bool is_bool() const { return kind_ == Kind::kBool; }
  bool is_complex() const { return kind_ == Kind::kComplex; }
  double imag() const { return imag_; }
  // The real part of a complex number, whose imaginary part is lost: callers that mind ask imag().
  double to_double() const {
    if (is_float() || is_complex()) return f_;
    return is_big() ? static_cast<double>(static_cast<uint64_t>(i_)) : static_cast<double>(i_);
  }
  std::complex<double> to_complex() const { return {to_double(), imag_}; }
  // Truncates floats; values outside int64 saturate instead of being undefined. A big integer wraps
  // around, as conversion does: callers that mind ask is_big().
  int64_t to_int() const {
    if (!is_float() && !is_complex()) return i_;
    if (!(f_ > -9223372036854775808.0)) return f_ != f_ ? 0 : INT64_MIN;
    return f_ >= 9223372036854775808.0 ? INT64_MAX : static_cast<int64_t>(f_);
  }
  // The same for uint64: negative integers wrap around.
  uint64_t to_uint() const {
    if ((!is_float() && !is_complex()) || !(f_ >= 9223372036854775808.0)) {
      return static_cast<uint64_t>(to_int());
    }
    return f_ >= 18446744073709551616.0 ? UINT64_MAX : static_cast<uint64_t>(f_);
  }
  bool to_bool() const { return is_float() || is_complex() ? f_ != 0 || imag_ != 0 : i_ != 0; }
  // The dtype it takes part in promotion with.
  DType dtype() const {
    return is_complex() ? DType::kComplex128
           : is_float() ? DType::kFloat64
           : is_big()   ? DType::kUInt64
           : is_int()   ? DType::kInt64
                        : DType::kBool;
  }

 private:
  enum class Kind : uint8_t { kFloat, kInt, kBool, kComplex, kBig } kind_;
  union {
    double f_;
    int64_t i_;
  };
  double imag_ = 0;
};

}  // namespace mt
