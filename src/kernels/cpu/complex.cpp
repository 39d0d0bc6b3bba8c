// Element by element work on complex numbers: plain loops over std::complex, one call of a function
// an element. Copies, sums and products are in complex_lines.cpp.
#include <cmath>
#include <complex>
#include <utility>

#include "kernels/backend.h"
#include "kernels/cpu/elements.h"

namespace mt::cpu {
namespace {

template <class T>
using C = std::complex<T>;

// --- loops ----------------------------------------------------------------------------------
// f is a function Out(In..., const Params&). The loop is made once for each signature.
template <class Out, class... In>
struct Map {
  using F = Out (*)(const In&..., const Params&);
  struct Context {
    F f;
    const Params* p;
  };

  template <size_t... i>
  static void run(char* const* data, const int64_t* strides, int64_t n, const Context& c,
                  std::index_sequence<i...>) {
    for (int64_t k = 0; k < n; ++k) {
      *reinterpret_cast<Out*>(data[0] + k * strides[0]) =
          c.f(*reinterpret_cast<const In*>(data[i + 1] + k * strides[i + 1])..., *c.p);
    }
  }
  static void inner(char* const* data, const int64_t* strides, int64_t n, const void* ctx) {
    run(data, strides, n, *static_cast<const Context*>(ctx), std::index_sequence_for<In...>());
  }
  // The kernel of a lambda that captures nothing.
  template <class L>
  static ElementwiseKernel kernel(L) {
    return [](const Iter& it, const Params& p) {
      const Context c{L{}, &p};
      run_iter(it, inner, &c, 1024);
    };
  }
};

// --- numbers --------------------------------------------------------------------------------
// The schoolbook product: what is infinite or NaN spreads as in PyTorch, not as C99 advises.
template <class T>
C<T> times(const C<T>& a, const C<T>& b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

// Scaled by the divisor's larger part, so that squares neither overflow nor vanish.
template <class T>
C<T> over(const C<T>& a, const C<T>& b) {
  const T scale = std::max(std::fabs(b.real()), std::fabs(b.imag()));
  const T c = b.real() / scale, d = b.imag() / scale, e = a.real() / scale, f = a.imag() / scale;
  const T norm = c * c + d * d;
  return {(e * c + f * d) / norm, (f * c - e * d) / norm};
}

template <class T>
C<T> power(const C<T>& a, const C<T>& b) {
  if (b == C<T>(0)) return C<T>(1);
  if (b == C<T>(2)) return times(a, a);
  if (b == C<T>(3)) return times(times(a, a), a);
  if (b == C<T>(T(0.5))) return std::sqrt(a);
  if (b == C<T>(-1)) return over(C<T>(1), a);
  if (b == C<T>(-2)) return over(C<T>(1), times(a, a));
  if (a == C<T>(0) && b.real() > 0) return C<T>(0);
  return std::pow(a, b);
}

template <class T>
C<T> unit(const C<T>& z) {
  const T r = std::abs(z);
  return r == 0 ? C<T>(0) : C<T>(z.real() / r, z.imag() / r);
}

template <class T>
bool is_nan(const C<T>& z) {
  return std::isnan(z.real()) || std::isnan(z.imag());
}

// --- the table ------------------------------------------------------------------------------
template <class T>
void fill_elementwise(Backend& b) {
  using Z = C<T>;
  constexpr int at = std::is_same_v<T, float> ? static_cast<int>(DType::kComplex64)
                                              : static_cast<int>(DType::kComplex128);
  const auto set = [&b](Elementwise id, ElementwiseKernel kernel) {
    b.elementwise[static_cast<int>(id)][at] = kernel;
  };
#define MT_1(id, expression) \
  set(Elementwise::id, Map<Z, Z>::kernel([](const Z& z, const Params&) -> Z { return expression; }))
  MT_1(kNeg, -z);
  MT_1(kSquare, times(z, z));
  MT_1(kSqrt, std::sqrt(z));
  MT_1(kRsqrt, over(Z(1), std::sqrt(z)));
  MT_1(kReciprocal, over(Z(1), z));
  MT_1(kExp, std::exp(z));
  MT_1(kLog, std::log(z));
  MT_1(kLog2, std::log(z) / std::log(T(2)));
  MT_1(kLog10, std::log10(z));
  MT_1(kSin, std::sin(z));
  MT_1(kCos, std::cos(z));
  MT_1(kTan, std::tan(z));
  MT_1(kAsin, std::asin(z));
  MT_1(kAcos, std::acos(z));
  MT_1(kAtan, std::atan(z));
  MT_1(kSinh, std::sinh(z));
  MT_1(kCosh, std::cosh(z));
  MT_1(kTanh, std::tanh(z));
  MT_1(kAsinh, std::asinh(z));
  MT_1(kAcosh, std::acosh(z));
  MT_1(kAtanh, std::atanh(z));
  MT_1(kSigmoid, over(Z(1), Z(1) + std::exp(-z)));
  MT_1(kSign, unit(z));
#undef MT_1
  set(Elementwise::kAbs,
      Map<T, Z>::kernel([](const Z& z, const Params&) -> T { return std::abs(z); }));
  set(Elementwise::kPowScalar, Map<Z, Z>::kernel([](const Z& z, const Params& p) -> Z {
        return power(z, Z(static_cast<T>(p.f[0]), static_cast<T>(p.f[1])));
      }));
#define MT_TEST(id, expression) \
  set(Elementwise::id,          \
      Map<bool, Z>::kernel([](const Z& z, const Params&) -> bool { return expression; }))
  MT_TEST(kIsNan, is_nan(z));
  MT_TEST(kIsInf, std::isinf(z.real()) || std::isinf(z.imag()));
  MT_TEST(kIsFinite, std::isfinite(z.real()) && std::isfinite(z.imag()));
  MT_TEST(kLogicalNot, z == Z(0));
#undef MT_TEST
#define MT_2(id, expression)                                                                   \
  set(Elementwise::id,                                                                         \
      Map<Z, Z, Z>::kernel([](const Z& x, const Z& y, [[maybe_unused]] const Params& p) -> Z { \
        return expression;                                                                     \
      }))
  MT_2(kAdd, x + static_cast<T>(p.f[0]) * y);
  MT_2(kSub, x - static_cast<T>(p.f[0]) * y);
  MT_2(kMul, times(x, y));
  MT_2(kDiv, over(x, y));
  MT_2(kPow, power(x, y));
  MT_2(kLerp, x + static_cast<T>(p.f[0]) * (y - x));
  MT_2(kTanhBackward, times(x, Z(1) - times(y, y)));
  MT_2(kSigmoidBackward, times(x, times(y, Z(1) - y)));
#undef MT_2
#define MT_COMPARE(id, expression)                                                                 \
  set(Elementwise::id, Map<bool, Z, Z>::kernel([](const Z& x, const Z& y, const Params&) -> bool { \
        return expression;                                                                         \
      }))
  MT_COMPARE(kEq, x == y);
  MT_COMPARE(kNe, x != y);
  MT_COMPARE(kLogicalAnd, x != Z(0) && y != Z(0));
  MT_COMPARE(kLogicalOr, x != Z(0) || y != Z(0));
  MT_COMPARE(kLogicalXor, (x != Z(0)) != (y != Z(0)));
#undef MT_COMPARE
  set(Elementwise::kWhere,
      Map<Z, uint8_t, Z, Z>::kernel(
          [](const uint8_t& c, const Z& x, const Z& y, const Params&) -> Z { return c ? x : y; }));
  set(Elementwise::kAddcmul,
      Map<Z, Z, Z, Z>::kernel([](const Z& x, const Z& y, const Z& z, const Params& p) -> Z {
        return x + static_cast<T>(p.f[0]) * times(y, z);
      }));
  set(Elementwise::kAddcdiv,
      Map<Z, Z, Z, Z>::kernel([](const Z& x, const Z& y, const Z& z, const Params& p) -> Z {
        return x + static_cast<T>(p.f[0]) * over(y, z);
      }));
  b.fill[at] = Map<Z>::kernel([](const Params& p) -> Z {
    return {static_cast<T>(p.f[0]), static_cast<T>(p.f[1])};
  });
}

// --- conversions ----------------------------------------------------------------------------
// To a real dtype the real part goes, also to bool.
template <class T>
void fill_casts(Backend& b, int at) {
  using Z = C<T>;
  for_each_element([&]<class R>(R) {
    b.cast[kDTypeIndex<R>][at] =
        Map<Z, R>::kernel([](const R& x, const Params&) -> Z { return Z(convert<T>(x)); });
    b.cast[at][kDTypeIndex<R>] =
        Map<R, Z>::kernel([](const Z& z, const Params&) -> R { return convert<R>(z.real()); });
  });
}

}  // namespace

void fill_complex(Backend& b) {
  constexpr int k64 = static_cast<int>(DType::kComplex64);
  constexpr int k128 = static_cast<int>(DType::kComplex128);
  using Z64 = C<float>;
  using Z128 = C<double>;
  fill_elementwise<float>(b);
  fill_elementwise<double>(b);
  fill_casts<float>(b, k64);
  fill_casts<double>(b, k128);
  b.cast[k64][k128] = Map<Z128, Z64>::kernel([](const Z64& z, const Params&) { return Z128(z); });
  b.cast[k128][k64] = Map<Z64, Z128>::kernel([](const Z128& z, const Params&) { return Z64(z); });
  b.cast[k128][k128] = Map<Z128, Z128>::kernel([](const Z128& z, const Params&) { return z; });
}

}  // namespace mt::cpu
