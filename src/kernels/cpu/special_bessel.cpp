// Bessel functions of order 0 and 1 and Airy's function. J and Y are the C library's; the modified
// functions and Airy's come from their power series, Hankel's expansions for large arguments
// (NIST DLMF, chapters 9 and 10) and, for K, Temme's continued fraction.
#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/cpu/special_math.h"

namespace mt::cpu::special {
namespace {

using std::numbers::egamma;
using std::numbers::inv_sqrtpi;
using std::numbers::pi;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kEpsilon = std::numeric_limits<double>::epsilon() / 2;

// Sum of (x^2 / 4)^k / (k! (k + order)!), DLMF 10.25.2; all terms are positive.
double i_series(double x, int order) {
  const double q = x * x / 4;
  double sum = 1, term = 1;
  for (int k = 1; term > kEpsilon * sum; ++k) {
    term *= q / (k * static_cast<double>(k + order));
    sum += term;
  }
  return sum;
}

// exp(-x) I(x) for large x, DLMF 10.40.1.
double i_asymptotic(double x, int order) {
  const double mu = 4.0 * order * order;
  double sum = 1, term = 1;
  for (int k = 1; k < 60; ++k) {
    const double odd = 2 * k - 1;
    term *= -(mu - odd * odd) / (8 * k * x);
    sum += term;
    if (std::fabs(term) < kEpsilon) break;
  }
  return sum / std::sqrt(2 * pi * x);
}
constexpr double kLargeI = 20;

struct ScaledK {
  double order, next;  // exp(x) K of the order and of the one above
};

// For x >= 2: N. M. Temme, "On the numerical evaluation of the modified Bessel function of the
// third kind", J. Comput. Phys. 19 (1975); the sum beside the fraction as in Steed's method.
ScaledK k_fraction(double x, double order) {
  const double a1 = 0.25 - order * order;
  double b = 2 * (1 + x), d = 1 / b, h = d, delta = d;
  double q_before = 0, q = 1, c = a1, a = -a1, weight = a1, sum = 1 + weight * delta;
  for (int i = 2; i < 10000; ++i) {
    a -= 2 * (i - 1);
    c = -a * c / i;
    const double q_next = (q_before - b * q) / a;
    q_before = q;
    q = q_next;
    weight += c * q;
    b += 2;
    d = 1 / (b + a * d);
    delta = (b * d - 1) * delta;
    h += delta;
    const double term = weight * delta;
    sum += term;
    if (std::fabs(term) < kEpsilon * std::fabs(sum)) break;
  }
  h = a1 * h;
  const double k = std::sqrt(pi / (2 * x)) / sum;
  return {k, k * (order + x + 0.5 - h) / x};
}

double k0_series(double x) {  // DLMF 10.31.2
  const double q = x * x / 4;
  double sum = 0, term = 1, harmonic = 0;
  for (int k = 1; k < 40; ++k) {
    term *= q / (static_cast<double>(k) * k);
    harmonic += 1.0 / k;
    sum += term * harmonic;
    if (term < kEpsilon) break;
  }
  return sum - (std::log(x / 2) + egamma) * i_series(x, 0);
}

double k1_series(double x) {  // DLMF 10.31.1
  const double q = x * x / 4;
  double term = 1, low = -egamma, high = 1 - egamma;  // psi(k + 1), psi(k + 2)
  double sum = low + high;
  for (int k = 1; k < 40; ++k) {
    term *= q / (k * (k + 1.0));
    low += 1.0 / k;
    high += 1.0 / (k + 1);
    sum += term * (low + high);
    if (term < kEpsilon) break;
  }
  return 1 / x + std::log(x / 2) * (x / 2) * i_series(x, 1) - x / 4 * sum;
}

// The two power series of DLMF 9.4.1; long double, because they cancel for larger arguments.
double airy_series(double x) {
  const long double cube = static_cast<long double>(x) * x * x;
  long double f = 1, g = x, term_f = 1, term_g = x;
  for (int k = 1; k < 200; ++k) {
    term_f *= cube / ((3.0L * k - 1) * (3.0L * k));
    term_g *= cube / ((3.0L * k) * (3.0L * k + 1));
    f += term_f;
    g += term_g;
    if (std::fabs(term_f) < 1e-25L && std::fabs(term_g) < 1e-25L) break;
  }
  return static_cast<double>(0.355028053887817239260063186004L * f -
                             0.258819403792806798405183560189L * g);
}

double airy_oscillating(double z) {  // Ai(-z), DLMF 9.7.9
  const double zeta = 2.0 / 3 * z * std::sqrt(z);
  double even = 0, odd = 0, term = 1;  // term: u_k / zeta^k with its sign
  for (int k = 0; k < 40; ++k) {
    (k % 2 == 0 ? even : odd) += k % 4 < 2 ? term : -term;
    const double n = k + 1;
    const double next =
        term * (6 * n - 5) * (6 * n - 3) * (6 * n - 1) / ((2 * n - 1) * 216 * n * zeta);
    if (next < kEpsilon || next > term) break;
    term = next;
  }
  const double phase = zeta - pi / 4;
  return inv_sqrtpi / std::sqrt(std::sqrt(z)) * (std::cos(phase) * even + std::sin(phase) * odd);
}

}  // namespace

double bessel_j0(double x) { return std::isinf(x) ? kNan : ::j0(x); }
double bessel_j1(double x) { return std::isinf(x) ? kNan : ::j1(x); }
double bessel_y0(double x) {
  if (x == 0) return -kInf;
  return x > 0 && !std::isinf(x) ? ::y0(x) : kNan;
}
double bessel_y1(double x) {
  if (x == 0) return -kInf;
  return x > 0 && !std::isinf(x) ? ::y1(x) : kNan;
}

double i0e(double x) {
  x = std::fabs(x);
  if (std::isinf(x)) return 0;
  return x <= kLargeI ? std::exp(-x) * i_series(x, 0) : i_asymptotic(x, 0);
}
double i1e(double x) {
  const double a = std::fabs(x);
  if (std::isinf(a)) return std::copysign(0, x);
  const double r = a <= kLargeI ? std::exp(-a) * i_series(a, 1) * (a / 2) : i_asymptotic(a, 1);
  return x < 0 ? -r : r;
}
double i0(double x) {
  x = std::fabs(x);
  if (std::isinf(x)) return kNan;
  return x <= kLargeI ? i_series(x, 0) : std::exp(x) * i_asymptotic(x, 0);
}
double i1(double x) {
  const double a = std::fabs(x);
  if (std::isinf(a)) return kNan;
  const double r = a <= kLargeI ? i_series(a, 1) * (a / 2) : std::exp(a) * i_asymptotic(a, 1);
  return x < 0 ? -r : r;
}

double k0e(double x) {
  if (x == 0) return kInf;
  if (!(x > 0)) return kNan;
  if (std::isinf(x)) return 0;
  return x <= 2 ? std::exp(x) * k0_series(x) : k_fraction(x, 0).order;
}
double k1e(double x) {
  if (x == 0) return kInf;
  if (!(x > 0)) return kNan;
  if (std::isinf(x)) return 0;
  return x <= 2 ? std::exp(x) * k1_series(x) : k_fraction(x, 0).next;
}
double k0(double x) { return x > 2 ? std::exp(-x) * k0e(x) : x > 0 ? k0_series(x) : k0e(x); }
double k1(double x) { return x > 2 ? std::exp(-x) * k1e(x) : x > 0 ? k1_series(x) : k1e(x); }

double airy_ai(double x) {
  if (std::isinf(x)) return kNan;
  if (x < -8) return airy_oscillating(-x);
  if (x > 110) return 0;
  if (!(x > 2.1)) return airy_series(x);
  const double zeta = 2.0 / 3 * x * std::sqrt(x);  // DLMF 9.6.2
  return std::sqrt(x / 3) / pi * std::exp(-zeta) * k_fraction(zeta, 1.0 / 3).order;
}

}  // namespace mt::cpu::special
