// The line search of LBFGS: a step length that satisfies the strong Wolfe conditions (Nocedal and
// Wright, Numerical Optimization, algorithms 3.5 and 3.6), with cubic interpolation.
#pragma once

#include <functional>

#include "core/tensor.h"

namespace mt {

// A number of the search. torch keeps what comes from tensors in 0-dim tensors, so that arithmetic
// with it is rounded to the parameters' dtype, and the rest in Python's floats; a number knows
// which it is, and rounds as torch does.
class SearchNumber {
 public:
  SearchNumber(double v = 0) : value_(v) {}  // NOLINT: a Python float
  static SearchNumber of(const Tensor& t);   // a 0-dim tensor

  double value() const { return value_; }
  bool is_tensor() const { return dtype_ != nullptr; }
  SearchNumber sqrt() const;
  SearchNumber abs() const { return with(value_ < 0 ? -value_ : value_); }
  SearchNumber operator-() const { return with(-value_); }

  friend SearchNumber operator+(SearchNumber a, SearchNumber b);
  friend SearchNumber operator-(SearchNumber a, SearchNumber b);
  friend SearchNumber operator*(SearchNumber a, SearchNumber b);
  friend SearchNumber operator/(SearchNumber a, SearchNumber b);
  friend bool operator<(SearchNumber a, SearchNumber b);
  friend bool operator<=(SearchNumber a, SearchNumber b);
  friend bool operator>(SearchNumber a, SearchNumber b) { return b < a; }
  friend bool operator>=(SearchNumber a, SearchNumber b) { return b <= a; }

 private:
  using Round = double (*)(double);
  SearchNumber with(double v) const {
    SearchNumber n(v);
    n.dtype_ = dtype_;
    return n;
  }
  static Round common(SearchNumber& a, SearchNumber& b);

  double value_;
  Round dtype_ = nullptr;  // rounds to the tensor's dtype; null for a Python float
};

struct SearchPoint {
  SearchNumber step, loss;
  Tensor grad;         // flat
  SearchNumber slope;  // grad . direction
};

// The loss and the flat gradient at x + step * direction.
using SearchFunction = std::function<void(SearchPoint& point)>;

// From `start`, at step 0, trying `first_step` first. `evaluations`: how often f was called.
SearchPoint strong_wolfe(const SearchFunction& f, const SearchPoint& start, SearchNumber first_step,
                         SearchNumber direction_norm, double tolerance_change,
                         int64_t& evaluations);

}  // namespace mt
