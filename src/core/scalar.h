// A number that an op takes beside tensors: Python's bool, int or float.
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace mt {

class Scalar {
 public:
  Scalar(double v) : kind_(Kind::kFloat), f_(v) {}  // NOLINT: numbers are scalars
  Scalar(int64_t v) : kind_(Kind::kInt), i_(v) {}   // NOLINT
  Scalar(int v) : kind_(Kind::kInt), i_(v) {}       // NOLINT
  Scalar(bool v) : kind_(Kind::kBool), i_(v) {}     // NOLINT

  bool is_float() const { return kind_ == Kind::kFloat; }
  bool is_int() const { return kind_ == Kind::kInt; }
  bool is_bool() const { return kind_ == Kind::kBool; }
  double to_double() const { return is_float() ? f_ : static_cast<double>(i_); }
  // Truncates floats; values outside int64 saturate instead of being undefined.
  int64_t to_int() const {
    if (!is_float()) return i_;
    if (!(f_ > -9223372036854775808.0)) return f_ != f_ ? 0 : INT64_MIN;
    return f_ >= 9223372036854775808.0 ? INT64_MAX : static_cast<int64_t>(f_);
  }
  bool to_bool() const { return is_float() ? f_ != 0 : i_ != 0; }
  // The dtype it takes part in promotion with.
  DType dtype() const {
    return is_float() ? DType::kFloat64 : is_int() ? DType::kInt64 : DType::kBool;
  }

 private:
  enum class Kind : uint8_t { kFloat, kInt, kBool } kind_;
  union {
    double f_;
    int64_t i_;
  };
};

}  // namespace mt
