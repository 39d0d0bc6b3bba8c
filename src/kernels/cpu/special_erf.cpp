// Scaled erfc on the C library's exp and erfc, and the logarithm of the normal distribution
// function that is made of it. (The inverses are in special_simd.cpp.)
#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/cpu/special_math.h"

namespace mt::cpu::special {
namespace {

using std::numbers::inv_sqrtpi;
using std::numbers::sqrt2;
constexpr double kInf = std::numeric_limits<double>::infinity();

}  // namespace

double erfcx(double x) {
  if (x < 0) {
    if (x < -27) return kInf;
    const double square = x * x, lost = std::fma(x, x, -square);
    return 2 * std::exp(square) * (1 + lost) - erfcx(-x);
  }
  if (x < 10) {
    const double square = x * x, lost = std::fma(x, x, -square);
    return std::exp(square) * (1 + lost) * std::erfc(x);
  }
  // The asymptotic series (DLMF 7.12.1).
  const double r = 0.5 / (x * x);
  double sum = 1, term = 1;
  for (int k = 1; k < 40; k += 2) {
    term *= -k * r;
    sum += term;
    if (std::fabs(term) < 1e-17) break;
  }
  return sum * inv_sqrtpi / x;
}

double log_ndtr(double x) {
  if (x < -1) return std::log(erfcx(-x / sqrt2) / 2) - x * x / 2;
  return std::log1p(-std::erfc(x / sqrt2) / 2);
}

}  // namespace mt::cpu::special
