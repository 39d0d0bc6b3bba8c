// Applies special functions element by element: one strided loop a dtype, the function by a pointer
// from the table below.
#include "kernels/special.h"

#include <utility>
#include <bit>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "kernels/cpu/elements.h"
#include "kernels/cpu/special_math.h"

namespace mt::cpu {
namespace {

using namespace special;  // NOLINT

using Function = double (*)(double x, double y, const Params& p);
using IntFunction = int64_t (*)(int64_t x, int64_t y, const Params& p);

constexpr int64_t kGrain = 1024;  // elements that are worth another thread

double frexp_mantissa(double x) {
  int e;
  return std::frexp(x, &e);
}
double frexp_exponent(double x) {
  int e = 0;
  std::frexp(x, &e);
  return std::isfinite(x) ? e : 0;
}
double spherical_j0(double x) {
  if (x == 0) return 1;
  return std::isinf(x) ? 0 : std::sin(x) / x;
}
double next_bfloat16(float x, float y) {
  if (std::isnan(x) || std::isnan(y)) return std::numeric_limits<double>::quiet_NaN();
  if (x == y) return y;
  const auto bits = static_cast<uint16_t>(std::bit_cast<uint32_t>(x) >> 16);
  if (x == 0) return std::copysign(bfloat16_to_float(1), y);
  return bfloat16_to_float(static_cast<uint16_t>((x < y) == (x > 0) ? bits + 1 : bits - 1));
}

Function function_of(Special id) {
#define MT_X(id, value) \
  case Special::id:     \
    return [](double x, double, const Params&) -> double { return value; };
#define MT_XP(id, value) \
  case Special::id:      \
    return [](double x, double, const Params& p) -> double { return value; };
#define MT_XY(id, value) \
  case Special::id:      \
    return [](double x, double y, const Params&) -> double { return value; };
  switch (id) {
    MT_X(kFrexpMantissa, frexp_mantissa(x))
    MT_X(kFrexpExponent, frexp_exponent(x))
    MT_X(kLogNdtr, log_ndtr(x))
    MT_X(kLgamma, special::lgamma(x))
    MT_X(kDigamma, digamma(x))
    MT_XP(kPolygamma, polygamma(p.i[0], x, p.i[1] != 0))
    MT_X(kI0, i0(x))
    MT_X(kI0e, i0e(x))
    MT_X(kI1, i1(x))
    MT_X(kI1e, i1e(x))
    MT_X(kK0, k0(x))
    MT_X(kK0e, k0e(x))
    MT_X(kK1, k1(x))
    MT_X(kK1e, k1e(x))
    MT_X(kBesselJ0, bessel_j0(x))
    MT_X(kBesselJ1, bessel_j1(x))
    MT_X(kBesselY0, bessel_y0(x))
    MT_X(kBesselY1, bessel_y1(x))
    MT_X(kSphericalJ0, spherical_j0(x))
    MT_X(kAiryAi, airy_ai(x))
    MT_XY(kNextafter, std::nextafter(x, y))
    MT_XY(kNextafterFloat, std::nextafter(static_cast<float>(x), static_cast<float>(y)))
    MT_XY(kNextafterBFloat16, next_bfloat16(static_cast<float>(x), static_cast<float>(y)))
    MT_XY(kHeaviside, x == 0 ? y : x > 0)
    MT_XY(kZeta, zeta(x, y))
    MT_XY(kIgamma, igamma(x, y))
    MT_XY(kIgammac, igammac(x, y))
    MT_XY(kChebyshevT, chebyshev_t(x, y))
    MT_XY(kChebyshevU, chebyshev_u(x, y))
    MT_XY(kChebyshevV, chebyshev_v(x, y))
    MT_XY(kChebyshevW, chebyshev_w(x, y))
    MT_XY(kShiftedChebyshevT, chebyshev_t(2 * x - 1, y))
    MT_XY(kShiftedChebyshevU, chebyshev_u(2 * x - 1, y))
    MT_XY(kShiftedChebyshevV, chebyshev_v(2 * x - 1, y))
    MT_XY(kShiftedChebyshevW, chebyshev_w(2 * x - 1, y))
    MT_XY(kHermiteH, hermite_h(x, y))
    MT_XY(kHermiteHe, hermite_he(x, y))
    MT_XY(kLaguerreL, laguerre_l(x, y))
    MT_XY(kLegendreP, legendre_p(x, y))
    default:
      fail(Status::kInternal, "special: no function of floating dtypes has this id");
  }
#undef MT_X
#undef MT_XP
#undef MT_XY
}

uint64_t magnitude(int64_t x) {
  return x < 0 ? 0 - static_cast<uint64_t>(x) : static_cast<uint64_t>(x);
}
uint64_t divisor(int64_t x, int64_t y) {
  uint64_t a = magnitude(x), b = magnitude(y);
  while (b != 0) {
    a %= b;
    std::swap(a, b);
  }
  return a;
}
int64_t multiple(int64_t x, int64_t y) {
  const uint64_t g = divisor(x, y);
  return g == 0 ? 0 : static_cast<int64_t>(magnitude(x) / g * magnitude(y));
}
int64_t modulo(int64_t x, int64_t y) {
  if (y == 0) {
    fail(Status::kInvalidArgument,
         "fmod: division by zero: an integer was divided by 0: integer divisors must not be zero; "
         "convert to a floating dtype for nan");
  }
  return y == -1 ? 0 : x % y;
}

IntFunction int_function_of(Special id) {
  switch (id) {
    case Special::kHeaviside:
      return [](int64_t x, int64_t y, const Params&) -> int64_t { return x == 0 ? y : x > 0; };
    case Special::kGcd:
      return [](int64_t x, int64_t y, const Params&) -> int64_t {
        return static_cast<int64_t>(divisor(x, y));
      };
    case Special::kLcm:
      return [](int64_t x, int64_t y, const Params&) -> int64_t { return multiple(x, y); };
    case Special::kFmod:
      return [](int64_t x, int64_t y, const Params&) -> int64_t { return modulo(x, y); };
    case Special::kShiftLeft:
      return [](int64_t x, int64_t n, const Params& p) -> int64_t {
        return n < 0 || n >= p.i[0] ? 0 : static_cast<int64_t>(static_cast<uint64_t>(x) << n);
      };
    case Special::kShiftRight:
      return [](int64_t x, int64_t n, const Params& p) -> int64_t {
        return x >> (n < 0 || n >= p.i[0] ? 63 : n);
      };
    default:
      fail(Status::kInternal, "special: no function of integers has this id");
  }
}

template <class F>
struct Job {
  F function;
  const Params* params;
  bool two;
};

// T: the elements; C: the type they are computed in.
template <class T, class C, class F>
void loop(char* const* data, const int64_t* strides, int64_t n, const void* context) {
  const auto& job = *static_cast<const Job<F>*>(context);
  char* out = data[0];
  const char *x = data[1], *y = data[job.two ? 2 : 1];
  const int64_t step_y = strides[job.two ? 2 : 1];
  for (int64_t i = 0; i < n; ++i) {
    const C a = convert<C>(*reinterpret_cast<const T*>(x));
    const C b = convert<C>(*reinterpret_cast<const T*>(y));
    *reinterpret_cast<T*>(out) = convert<T>(job.function(a, b, *job.params));
    out += strides[0];
    x += strides[1];
    y += step_y;
  }
}

template <class T>
void map_floating(Special id, const Iter& it, const Params& p) {
  const Job<Function> job{function_of(id), &p, it.operands == 3};
  run_iter(it, loop<T, double, Function>, &job, kGrain);
}
template <class T>
void map_integers(Special id, const Iter& it, const Params& p) {
  const Job<IntFunction> job{int_function_of(id), &p, it.operands == 3};
  run_iter(it, loop<T, int64_t, IntFunction>, &job, kGrain);
}

}  // namespace

void fill_special(Backend& b) {
  static SpecialKernels kernels;
  for_each_element([](auto element) {
    using T = decltype(element);
    if constexpr (kIsFloat<T>) {
      kernels.map[kDTypeIndex<T>] = map_floating<T>;
    } else {
      kernels.map[kDTypeIndex<T>] = map_integers<T>;
    }
  });
  fill_special_vectors(kernels);
  b.special = &kernels;
}

}  // namespace mt::cpu
