// Orthogonal polynomials of a real argument: by their closed form inside [-1, 1] where they have
// one, else by their three-term recurrences; Hilb's asymptotics above a million terms.
#include <cmath>

#include "kernels/cpu/special_math.h"

namespace mt::cpu::special {
namespace {

constexpr double kMaxSteps = 1e6;
bool is_odd(double n) { return std::fmod(n, 2) != 0; }
// Cuts n to an integer; false unless it is one that int64 holds and not below 0.
bool is_degree(double& n) {
  n = std::trunc(n);
  return n >= 0 && n < 0x1p63;
}

// p_n for p_0 = 1, p_1 = first, p_(k+1) = step(k, p_k, p_(k-1)). Values beyond the range soon are
// NaN, which ends it.
template <class Step>
double recurrence(double n, double first, Step&& step) {
  if (n == 0) return 1;
  double before = 1, now = first;
  for (double k = 1; k < n; k += 1) {
    const double next = step(k, now, before);
    before = now;
    now = next;
    if (std::isnan(now)) break;
  }
  return now;
}

double chebyshev_recurrence(double x, double n, double first) {
  return recurrence(n, first, [x](double, double p, double q) { return 2 * x * p - q; });
}

// Beyond [-1, 1] the same with hyperbolic functions, for degrees that take too many steps.
bool is_hyperbolic(double x, double n) { return n > kMaxSteps && std::fabs(x) > 1; }
double with_parity(double x, double n, double value) { return x < 0 && is_odd(n) ? -value : value; }

double half_angle(double x, double n, bool cosine) {
  const double angle = std::acosh(std::fabs(x));
  const double whole = (n + 0.5) * angle, half = angle / 2;
  return with_parity(
      x, n, cosine ? std::cosh(whole) / std::cosh(half) : std::sinh(whole) / std::sinh(half));
}

// Degrees from which the trigonometric form is used: below, the recurrence is exact enough.
constexpr double kTrigonometric = 8;

}  // namespace

double chebyshev_t(double x, double n) {
  if (!is_degree(n)) return 0;
  if (std::fabs(x) == 1) return x > 0 || !is_odd(n) ? 1 : -1;
  if (n > kTrigonometric && std::fabs(x) < 1) return std::cos(n * std::acos(x));
  if (is_hyperbolic(x, n)) return with_parity(x, n, std::cosh(n * std::acosh(std::fabs(x))));
  return chebyshev_recurrence(x, n, x);
}

double chebyshev_u(double x, double n) {
  if (!is_degree(n)) return 0;
  if (std::fabs(x) == 1) return x > 0 || !is_odd(n) ? n + 1 : -(n + 1);
  if (n > kTrigonometric && std::fabs(x) < 1) {
    const double angle = std::acos(x);
    return std::sin((n + 1) * angle) / std::sin(angle);
  }
  if (is_hyperbolic(x, n)) {
    const double angle = std::acosh(std::fabs(x));
    return with_parity(x, n, std::sinh((n + 1) * angle) / std::sinh(angle));
  }
  return chebyshev_recurrence(x, n, 2 * x);
}

double chebyshev_v(double x, double n) {
  if (!is_degree(n)) return 0;
  if (std::fabs(x) == 1) return x > 0 ? 1 : is_odd(n) ? -(2 * n + 1) : 2 * n + 1;
  if (n > kTrigonometric && std::fabs(x) < 1) {
    const double angle = std::acos(x);
    return std::cos((n + 0.5) * angle) / std::cos(angle / 2);
  }
  if (is_hyperbolic(x, n)) return half_angle(x, n, x > 0);
  return chebyshev_recurrence(x, n, 2 * x - 1);
}

double chebyshev_w(double x, double n) {
  if (!is_degree(n)) return 0;
  if (std::fabs(x) == 1) return x > 0 ? 2 * n + 1 : is_odd(n) ? -1 : 1;
  if (n > kTrigonometric && std::fabs(x) < 1) {
    const double angle = std::acos(x);
    return std::sin((n + 0.5) * angle) / std::sin(angle / 2);
  }
  if (is_hyperbolic(x, n)) return half_angle(x, n, x < 0);
  return chebyshev_recurrence(x, n, 2 * x + 1);
}

double hermite_h(double x, double n) {
  if (!is_degree(n)) return 0;
  return recurrence(n, 2 * x, [x](double k, double p, double q) { return 2 * (x * p - k * q); });
}

double hermite_he(double x, double n) {
  if (!is_degree(n)) return 0;
  return recurrence(n, x, [x](double k, double p, double q) { return x * p - k * q; });
}

double laguerre_l(double x, double n) {
  if (!is_degree(n)) return 0;
  if (x == 0) return 1;
  if (n > kMaxSteps) {
    const double z = 2 * std::sqrt((n + 0.5) * std::fabs(x));
    return std::exp(x / 2) * (x > 0 ? bessel_j0(z) : i0(z));
  }
  return recurrence(n, 1 - x, [x](double k, double p, double q) {
    return ((2 * k + 1 - x) * p - k * q) / (k + 1);
  });
}

double legendre_p(double x, double n) {
  if (!is_degree(n)) return 0;
  if (std::fabs(x) == 1) return x > 0 || !is_odd(n) ? 1 : -1;
  if (n > kMaxSteps && std::fabs(x) < 1) {
    const double angle = std::acos(std::fabs(x));
    return with_parity(x, n, std::sqrt(angle / std::sin(angle)) * bessel_j0((n + 0.5) * angle));
  }
  if (is_hyperbolic(x, n)) {
    const double angle = std::acosh(std::fabs(x));
    return with_parity(x, n, std::sqrt(angle / std::sinh(angle)) * i0((n + 0.5) * angle));
  }
  return recurrence(
      n, x, [x](double k, double p, double q) { return ((2 * k + 1) * x * p - k * q) / (k + 1); });
}

}  // namespace mt::cpu::special
