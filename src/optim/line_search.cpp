// Bracketing and zooming of the strong Wolfe line search; see line_search.h.
#include "optim/line_search.h"

#include <cmath>

#include "core/half.h"

namespace mt {
namespace {

double round_float(double v) { return static_cast<double>(static_cast<float>(v)); }
double round_double(double v) { return v; }

// Python's min and max, which keep their first argument unless the other is beyond it.
SearchNumber smaller(SearchNumber a, SearchNumber b) { return b < a ? b : a; }
SearchNumber larger(SearchNumber a, SearchNumber b) { return b > a ? b : a; }

// Where the cubic with these values and slopes at two steps is least, kept within the bounds.
SearchNumber cubic_minimum(const SearchPoint& p, const SearchPoint& q, SearchNumber low,
                           SearchNumber high) {
  const SearchNumber x1 = p.step, x2 = q.step, g1 = p.slope, g2 = q.slope;
  const SearchNumber d1 = g1 + g2 - SearchNumber(3) * (p.loss - q.loss) / (x1 - x2);
  const SearchNumber square = d1 * d1 - g1 * g2;
  if (!(square >= 0)) return (low + high) / 2;
  const SearchNumber d2 = square.sqrt();
  const SearchNumber least =
      x1 <= x2 ? x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + SearchNumber(2) * d2))
               : x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + SearchNumber(2) * d2));
  return smaller(larger(least, low), high);
}

}  // namespace

SearchNumber SearchNumber::of(const Tensor& t) {
  SearchNumber n(t.item("LBFGS").to_double());
  n.dtype_ = t.dtype() == DType::kFloat64 ? round_double : round_float;
  return n;
}

// The rounding of a result of both, after a number that meets a tensor took the tensor's dtype.
SearchNumber::Round SearchNumber::common(SearchNumber& a, SearchNumber& b) {
  const Round round = a.dtype_ ? a.dtype_ : b.dtype_;
  if (round) {
    a.value_ = round(a.value_);
    b.value_ = round(b.value_);
  }
  return round;
}

SearchNumber SearchNumber::sqrt() const {
  const double root = std::sqrt(value_);
  return with(dtype_ ? dtype_(root) : root);
}

SearchNumber operator+(SearchNumber a, SearchNumber b) {
  const auto round = SearchNumber::common(a, b);
  SearchNumber r(round ? round(a.value_ + b.value_) : a.value_ + b.value_);
  r.dtype_ = round;
  return r;
}

SearchNumber operator-(SearchNumber a, SearchNumber b) { return a + -b; }

SearchNumber operator*(SearchNumber a, SearchNumber b) {
  const auto round = SearchNumber::common(a, b);
  SearchNumber r(round ? round(a.value_ * b.value_) : a.value_ * b.value_);
  r.dtype_ = round;
  return r;
}

SearchNumber operator/(SearchNumber a, SearchNumber b) {
  // A number over a tensor is, in torch, the number times the reciprocal.
  const bool reciprocal = !a.is_tensor() && b.is_tensor();
  const auto round = SearchNumber::common(a, b);
  const double q = reciprocal ? round(1 / b.value_) * a.value_ : a.value_ / b.value_;
  SearchNumber r(round ? round(q) : q);
  r.dtype_ = round;
  return r;
}

bool operator<(SearchNumber a, SearchNumber b) {
  SearchNumber::common(a, b);
  return a.value_ < b.value_;
}

bool operator<=(SearchNumber a, SearchNumber b) {
  SearchNumber::common(a, b);
  return a.value_ <= b.value_;
}

SearchPoint strong_wolfe(const SearchFunction& f, const SearchPoint& start, SearchNumber first_step,
                         SearchNumber direction_norm, double tolerance_change,
                         int64_t& evaluations) {
  constexpr int kMostSteps = 25;
  const SearchNumber c1 = 1e-4, c2 = 0.9;
  const auto evaluate = [&](SearchNumber step) {
    SearchPoint p;
    p.step = step;
    f(p);
    ++evaluations;
    return p;
  };
  const auto too_high = [&](const SearchPoint& p) {
    return p.loss > start.loss + c1 * p.step * start.slope;
  };
  const auto flat_enough = [&](const SearchPoint& p) { return p.slope.abs() <= -c2 * start.slope; };

  SearchPoint previous = start, point = evaluate(first_step);
  SearchPoint ends[2];
  int steps = 0;
  for (; steps < kMostSteps; ++steps) {
    if (too_high(point) || (steps > 1 && point.loss >= previous.loss)) break;
    if (flat_enough(point)) return point;
    if (point.slope >= 0) break;
    const SearchNumber least = point.step + SearchNumber(0.01) * (point.step - previous.step);
    const SearchNumber next = cubic_minimum(previous, point, least, point.step * SearchNumber(10));
    previous = point;
    point = evaluate(next);
  }
  ends[0] = steps == kMostSteps ? start : previous;
  ends[1] = point;

  // The bracket holds a point that satisfies the conditions: narrow it down.
  int low = ends[0].loss <= ends[1].loss ? 0 : 1;
  bool slow = false;
  while (steps < kMostSteps) {
    SearchPoint &best = ends[low], &other = ends[1 - low];
    if ((ends[1].step - ends[0].step).abs() * direction_norm < tolerance_change) break;
    const SearchNumber left = smaller(ends[0].step, ends[1].step);
    const SearchNumber right = larger(ends[0].step, ends[1].step);
    SearchNumber step = cubic_minimum(ends[0], ends[1], left, right);
    // A step close to an end, twice in a row or at the end itself, moves a tenth inwards.
    const SearchNumber tenth = SearchNumber(0.1) * (right - left);
    if (smaller(right - step, step - left) < tenth) {
      if (slow || step >= right || step <= left) {
        step = (step - right).abs() < (step - left).abs() ? right - tenth : left + tenth;
        slow = false;
      } else {
        slow = true;
      }
    } else {
      slow = false;
    }
    point = evaluate(step);
    ++steps;
    if (too_high(point) || point.loss >= best.loss) {
      other = point;
      low = ends[0].loss <= ends[1].loss ? 0 : 1;
      continue;
    }
    const bool done = flat_enough(point);
    if (!done && point.slope * (other.step - best.step) >= 0) other = best;
    best = point;
    if (done) break;
  }
  return ends[low];
}

}  // namespace mt
