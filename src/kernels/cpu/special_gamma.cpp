// The gamma function's relatives: its logarithm and the derivatives of that, Hurwitz's zeta
// function, the incomplete gamma functions. Expansions as in NIST's Digital Library of Mathematical
// Functions (DLMF), chapters 5, 8 and 25.
#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/cpu/special_math.h"

namespace mt::cpu::special {
namespace {

using std::numbers::pi;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kEpsilon = std::numeric_limits<double>::epsilon() / 2;

// B_2k, k = 1, 2, ...
constexpr double kBernoulli[] = {1.0 / 6,       -1.0 / 30,      1.0 / 42, -1.0 / 30,
                                 5.0 / 66,      -691.0 / 2730,  7.0 / 6,  -3617.0 / 510,
                                 43867.0 / 798, -174611.0 / 330};

// zeta(s, q) for s > 1, q > 0: the first terms, then Euler and Maclaurin's formula (DLMF 25.11.5).
double zeta_positive(double s, double q) {
  double sum = 0, a = q;
  for (int i = 0; i < 10; ++i, a += 1) {
    const double term = std::pow(a, -s);
    sum += term;
    if (term < kEpsilon * sum) return sum;
  }
  const double last = std::pow(a, -s);
  sum += a * last / (s - 1) + 0.5 * last;
  double factor = s / 2 * last / a;  // s (s + 1) .. (s + 2k - 2) / (2k)! * a^(1 - s - 2k)
  for (int k = 1; k <= 10; ++k) {
    const double term = kBernoulli[k - 1] * factor;
    sum += term;
    if (std::fabs(term) < kEpsilon * sum) break;
    factor *= (s + 2 * k - 1) * (s + 2 * k) / ((2 * k + 1) * (2 * k + 2) * a * a);
  }
  return sum;
}

// log(1 + u) - u without cancellation near 0.
double log1p_minus(double u) {
  if (std::fabs(u) > 0.5) return std::log1p(u) - u;
  const double s = u / (2 + u), square = s * s;  // log(1 + u) = 2 artanh(s)
  double sum = 0, power = 2 * s * square;
  for (int k = 3;; k += 2, power *= square) {
    const double term = power / k;
    sum += term;
    if (std::fabs(term) <= kEpsilon * std::fabs(sum)) break;
  }
  return sum - u * s;
}

// x^a exp(-x) / Gamma(a + 1)
double gamma_weight(double a, double x) {
  if (a < 20) return std::exp(a * std::log(x) - x - lgamma(a + 1));
  const double r = 1 / (a * a);
  const double stirling = (1.0 / 12 - r * (1.0 / 360 - r * (1.0 / 1260 - r / 1680))) / a;
  return std::exp(a * log1p_minus((x - a) / a) - stirling) / std::sqrt(2 * pi * a);
}

double lower_series(double a, double x) {  // DLMF 8.11.4
  double sum = 1, term = 1;
  for (double n = a + 1; term > kEpsilon * sum; n += 1) {
    term *= x / n;
    sum += term;
  }
  return gamma_weight(a, x) * sum;
}

double upper_fraction(double a, double x) {  // DLMF 8.9.2 by Lentz's method
  constexpr double kTiny = 1e-300;
  double b = x + 1 - a, c = 1 / kTiny, d = 1 / b, h = d;
  for (double i = 1; i < 1e5; i += 1) {
    const double n = -i * (i - a);
    b += 2;
    d = n * d + b;
    if (std::fabs(d) < kTiny) d = kTiny;
    c = b + n / c;
    if (std::fabs(c) < kTiny) c = kTiny;
    d = 1 / d;
    const double ratio = c * d;
    h *= ratio;
    if (!(std::fabs(ratio - 1) > 2 * kEpsilon)) break;
  }
  return a * gamma_weight(a, x) * h;
}

// Q(a, x) for x about 1 and less, where P may be near 1 (DLMF 8.7.3).
double upper_series(double a, double x) {
  const double log_power = a * std::log(x) - lgamma(a + 1);
  double sum = 0, term = 1;
  for (double k = 1; k < 60; k += 1) {
    term *= -x / k;
    sum += term / (a + k);
    if (std::fabs(term) < kEpsilon * std::fabs(sum)) break;
  }
  return -std::expm1(log_power) - a * std::exp(log_power) * sum;
}

// Q(a, x), or P for sign -1, for a large a: Temme's uniform expansion (DLMF 8.12.3, 8.12.10).
double uniform(double a, double x, double sign) {
  const double u = (x - a) / a;
  const double half_square = -log1p_minus(u);
  const double eta = std::copysign(std::sqrt(2 * half_square), u);
  double c0, c1;
  if (std::fabs(eta) < 0.15) {
    c0 = -1.0 / 3 + eta * (1.0 / 12 + eta * (-2.0 / 135 + eta * (1.0 / 864 + eta / 2835)));
    c1 = -1.0 / 540 - eta / 288;
  } else {
    c0 = 1 / u - 1 / eta;
    c1 = 1 / (eta * eta * eta) - 1 / (u * u * u) - 1 / (u * u) - 1 / (12 * u);
  }
  const double rest = std::exp(-a * half_square) / std::sqrt(2 * pi * a) * (c0 + c1 / a);
  return 0.5 * std::erfc(sign * eta * std::sqrt(a / 2)) + sign * rest;
}
constexpr double kLargeA = 1e5;

}  // namespace

double lgamma(double x) {
  int sign;  // std::lgamma would write a global
  return ::lgamma_r(x, &sign);
}

double digamma(double x) {
  if (x == 0) return std::copysign(kInf, -x);
  double result = 0;
  if (x < 0) {
    if (x == std::floor(x)) return kNan;
    result = -pi / std::tan(pi * (x - std::trunc(x)));
    x = 1 - x;
  }
  for (; x < 10; x += 1) result -= 1 / x;
  if (x > 1e17) return result + std::log(x);
  const double r = 1 / (x * x);
  double sum = 0, power = r;
  for (int k = 1; k <= 7; ++k, power *= r) sum += kBernoulli[k - 1] / (2 * k) * power;
  return result + std::log(x) - 0.5 / x - sum;
}

double zeta(double s, double q) {
  if (s == 1) return kInf;
  if (s < 1) return kNan;
  if (q <= 0) {
    if (q == std::floor(q)) return kInf;
    if (std::isinf(s)) return kInf;
    if (s != std::floor(s)) return kNan;
    // The terms left of zero as a difference of two tails, those right of it as a third one.
    const double part = -q - std::floor(-q);
    const double left = zeta_positive(s, part) - zeta_positive(s, 1 - q);
    return (std::fmod(s, 2) == 0 ? left : -left) + zeta_positive(s, 1 - part);
  }
  return zeta_positive(s, q);
}

double polygamma(int64_t n, double x, bool narrow) {
  if (n == 1 && std::isinf(x) && x > 0) return 0;
  if (n == 1 && x < 0.5) {  // mirrored at 1/2
    // At the poles torch shows what its sine of a rounded multiple of pi leaves; so do we.
    const double s =
        narrow ? std::sin(static_cast<float>(pi) * static_cast<float>(x)) : std::sin(pi * x);
    return pi * pi / (s * s) - zeta_positive(2, 1 - x);
  }
  const double order = static_cast<double>(n + 1);
  const double value = std::exp(lgamma(order)) * zeta(order, x);
  return n % 2 == 0 ? -value : value;
}

double igamma(double a, double x) {
  if (x < 0 || a < 0) return kNan;
  if (a == 0) return x > 0 ? 1 : kNan;
  if (x == 0) return 0;
  if (std::isinf(a)) return std::isinf(x) ? kNan : 0;
  if (std::isinf(x)) return 1;
  if (std::isnan(a) || std::isnan(x)) return kNan;
  if (a > kLargeA) return uniform(a, x, -1);
  if (x <= 1.1 || x < a + 1) return lower_series(a, x);
  return 1 - upper_fraction(a, x);
}

double igammac(double a, double x) {
  if (x < 0 || a < 0) return kNan;
  if (a == 0) return x > 0 ? 0 : kNan;
  if (x == 0) return 1;
  if (std::isinf(a)) return std::isinf(x) ? kNan : 1;
  if (std::isinf(x)) return 0;
  if (std::isnan(a) || std::isnan(x)) return kNan;
  if (a > kLargeA) return uniform(a, x, 1);
  if (x <= 1.1) return a > 4 ? 1 - lower_series(a, x) : upper_series(a, x);
  if (x < a + 1) return 1 - lower_series(a, x);
  return upper_fraction(a, x);
}

}  // namespace mt::cpu::special
