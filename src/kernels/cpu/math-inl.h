// Vector exp, log, their neighbours and pow for float32 and float64 lanes, included once for every
// SIMD target. Within about 2 units in the last place (see tests/kernels), with IEEE special values
// and gradual underflow. The methods are the textbook ones (W. J. Cody and W. Waite, "Software
// Manual for the Elementary Functions", 1980; log's s = f/(2+f) form as in FDLIBM); the polynomial
// coefficients were computed for this file by Remez exchange at 50 digits.
#if defined(MT_KERNELS_CPU_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MT_KERNELS_CPU_MATH_INL_H_
#undef MT_KERNELS_CPU_MATH_INL_H_
#else
#define MT_KERNELS_CPU_MATH_INL_H_
#endif

#include <cmath>
#include <limits>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace mt::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

template <class D>
inline constexpr bool kIsFloat = sizeof(hn::TFromD<D>) == 4;

// A constant in every lane.
template <class D>
HWY_INLINE hn::Vec<D> constant(D d, double value) {
  return hn::Set(d, static_cast<hn::TFromD<D>>(value));
}

// max(x, low) and min(x, high) that hand NaN on: x86's instructions return their second operand
// when there is a NaN.
#undef MT_X86_MINMAX
#define MT_X86_MINMAX (HWY_ARCH_X86 && HWY_TARGET < HWY_EMU128)
template <class D, class V = hn::Vec<D>>
HWY_INLINE V at_least(D, V x, V low) {
#if MT_X86_MINMAX
  return hn::Max(low, x);
#else
  return hn::IfThenElse(hn::Lt(x, low), low, x);
#endif
}
template <class D, class V = hn::Vec<D>>
HWY_INLINE V at_most(D, V x, V high) {
#if MT_X86_MINMAX
  return hn::Min(high, x);
#else
  return hn::IfThenElse(hn::Gt(x, high), high, x);
#endif
}

// c0 + c1 x + c2 x^2 + ...
template <class D, class V = hn::Vec<D>>
HWY_INLINE V poly(D d, V, double c0) {
  return constant(d, c0);
}
template <class D, class V = hn::Vec<D>, class... Rest>
HWY_INLINE V poly(D d, V x, double c0, Rest... rest) {
  return hn::MulAdd(poly(d, x, rest...), x, constant(d, c0));
}

// Applies a scalar function to the lanes that `mask` names; the others keep `result`.
template <class D, class V = hn::Vec<D>>
HWY_NOINLINE V patch_lanes(D d, V x, V result, hn::Mask<D> mask,
                           hn::TFromD<D> (*f)(hn::TFromD<D>)) {
  constexpr size_t kMax = 64 / sizeof(hn::TFromD<D>);
  alignas(64) hn::TFromD<D> in[kMax], out[kMax], chosen[kMax];
  hn::Store(x, d, in);
  hn::Store(result, d, out);
  hn::Store(hn::IfThenElseZero(mask, constant(d, 1)), d, chosen);
  for (size_t i = 0; i < hn::Lanes(d); ++i) {
    if (chosen[i] != 0) out[i] = f(in[i]);
  }
  return hn::Load(d, out);
}
// f(a, b) lane by lane.
template <class D, class V = hn::Vec<D>>
HWY_NOINLINE V map_lanes(D d, V a, V b, hn::TFromD<D> (*f)(hn::TFromD<D>, hn::TFromD<D>)) {
  constexpr size_t kMax = 64 / sizeof(hn::TFromD<D>);
  alignas(64) hn::TFromD<D> x[kMax], y[kMax];
  hn::Store(a, d, x);
  hn::Store(b, d, y);
  for (size_t i = 0; i < hn::Lanes(d); ++i) x[i] = f(x[i], y[i]);
  return hn::Load(d, x);
}

// The floating format: widths, and the number whose addition leaves a rounded integer in the low
// mantissa bits (1.5 * 2^mantissa).
template <class T>
struct Format;
template <>
struct Format<float> {
  static constexpr int kMantissa = 23;
  static constexpr int32_t kOne = 0x3F800000;
  static constexpr int32_t kRootHalf = 0x3F3504F3;  // sqrt(1/2)
  static constexpr int32_t kTwoPow = 0x4B000000;    // 2^23
  static constexpr double kBias = 127, kTwoPowValue = 0x1p23, kShifter = 0x1.8p23;
  static constexpr double kLn2High = 0x1.63p-1, kLn2Low = -0.00021219444005469057;
};
template <>
struct Format<double> {
  static constexpr int kMantissa = 52;
  static constexpr int64_t kOne = 0x3FF0000000000000;
  static constexpr int64_t kRootHalf = 0x3FE6A09E667F3BCD;
  static constexpr int64_t kTwoPow = 0x4330000000000000;
  static constexpr double kBias = 1023, kTwoPowValue = 0x1p52, kShifter = 0x1.8p52;
  static constexpr double kLn2High = 0x1.62e42feep-1, kLn2Low = 0x1.a39ef35793c76p-33;
};
template <class D>
using FormatOf = Format<hn::TFromD<D>>;
template <class D>
using Bits = hn::Vec<hn::RebindToSigned<D>>;

inline constexpr double kLog2E = 0x1.71547652b82fep0;

// 2^n for the integer n in the low bits.
template <class D>
HWY_INLINE hn::Vec<D> pow2(D d, Bits<D> n) {
  const hn::RebindToSigned<D> di;
  return hn::BitCast(d, hn::ShiftLeft<FormatOf<D>::kMantissa>(n) + hn::Set(di, FormatOf<D>::kOne));
}

// x = n ln 2 + r with |r| <= ln 2 / 2; returns r. The low bits of `shifted` hold n.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V reduce_exp(D d, V x, V& shifted) {
  using F = FormatOf<D>;
  const V shifter = constant(d, F::kShifter);
  shifted = hn::MulAdd(x, constant(d, kLog2E), shifter);
  const V n = shifted - shifter;
  const V r = hn::NegMulAdd(n, constant(d, F::kLn2High), x);
  return hn::NegMulAdd(n, constant(d, F::kLn2Low), r);
}

// exp(r) - 1 for a reduced r, relative error 2^-26 and 2^-55 before rounding.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V expm1_reduced(D d, V r) {
  V q;
  if constexpr (kIsFloat<D>) {
    q = poly(d, r, 0.49999997, 0.16666543, 0.041667204, 0.008366578, 0.0013882357);
  } else {
    q = poly(d, r, 0x1.0000000000005p-1, 0x1.5555555555539p-3, 0x1.555555555225bp-5,
             0x1.1111111119093p-7, 0x1.6c16c17ef58e0p-10, 0x1.a01a0174d9decp-13,
             0x1.a019a71c4f138p-16, 0x1.71de884d0236ap-19, 0x1.28a236df9981bp-22,
             0x1.ae6badb10e5afp-26);
  }
  return hn::MulAdd(r * r, q, r);
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp(D d, V x) {
  const hn::RebindToSigned<D> di;
  x = at_least(d, x, constant(d, kIsFloat<D> ? -104 : -746));
  x = at_most(d, x, constant(d, kIsFloat<D> ? 89 : 710));
  V shifted;
  const V p = expm1_reduced(d, reduce_exp(d, x, shifted));
  // 2^n in two factors: n leaves the exponent's range where the result is subnormal or near inf.
  const V shifter = constant(d, FormatOf<D>::kShifter);
  const V half = hn::MulAdd(shifted - shifter, constant(d, 0.5), shifter);
  const Bits<D> half_bits = hn::BitCast(di, half);
  const Bits<D> other_bits = hn::BitCast(di, shifted) - half_bits;
  return (p + constant(d, 1)) * pow2(d, half_bits) * pow2(d, other_bits);
}

// exp for arguments whose result is a normal number for sure.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp_bounded(D d, V x) {
  const hn::RebindToSigned<D> di;
  V shifted;
  const V p = expm1_reduced(d, reduce_exp(d, x, shifted));
  const V scale = pow2(d, hn::BitCast(di, shifted));
  return hn::MulAdd(p, scale, scale);
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V expm1(D d, V x) {
  const hn::RebindToSigned<D> di;
  const V y = at_most(d, at_least(d, x, constant(d, kIsFloat<D> ? -17.5 : -38)),
                      constant(d, kIsFloat<D> ? 89 : 710));
  V shifted;
  const V p = expm1_reduced(d, reduce_exp(d, y, shifted));
  // 2 (2^(n-1) p + (2^(n-1) - 1/2)): 2^n itself may be beyond the range.
  const V scale = pow2(d, hn::BitCast(di, shifted) - hn::Set(di, 1));
  const V half = hn::MulAdd(scale, p, scale - constant(d, 0.5));
  const auto tiny = hn::Lt(hn::Abs(x), constant(d, kIsFloat<D> ? 0x1p-26 : 0x1p-55));
  return hn::IfThenElse(tiny, x, half + half);  // halving would round a subnormal and lose -0
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V tanh(D d, V x) {
  const hn::RebindToSigned<D> di;
  const V a = at_most(d, hn::Abs(x), constant(d, kIsFloat<D> ? 10 : 20));  // 1 from there on
  V shifted;
  const V p = expm1_reduced(d, reduce_exp(d, a + a, shifted));
  const V one = constant(d, 1);
  const V scale = pow2(d, hn::BitCast(di, shifted));
  const V e = hn::MulAdd(scale, p, scale - one);  // exp(2a) - 1
  return hn::CopySign(e / (e + constant(d, 2)), x);
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V sigmoid(D d, V x) {
  const V one = constant(d, 1);
  const V e = exp(d, hn::Neg(hn::Abs(x)));
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one) / (one + e);
}

// Positive normal x = 2^k (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2); returns f.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V split_log(D d, V x, V& k) {
  using F = FormatOf<D>;
  const hn::RebindToUnsigned<D> du;
  using TU = hn::TFromD<decltype(du)>;
  const auto offset = hn::Set(du, static_cast<TU>(F::kOne - F::kRootHalf));
  const auto bits = hn::BitCast(du, x) + offset;
  const auto biased = hn::ShiftRight<F::kMantissa>(bits);
  k = hn::BitCast(d, biased | hn::Set(du, static_cast<TU>(F::kTwoPow))) -
      constant(d, F::kTwoPowValue + F::kBias);
  const auto fraction = bits & hn::Set(du, (TU{1} << F::kMantissa) - 1);
  const V m = hn::BitCast(d, fraction + hn::Set(du, static_cast<TU>(F::kRootHalf)));
  return m - constant(d, 1);
}

// log(x) + correction for positive normal x; `exponent` is added to x's own.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V log_core(D d, V x, V exponent, V correction) {
  using F = FormatOf<D>;
  V k;
  const V f = split_log(d, x, k);
  k = k + exponent;
  const V half_square = constant(d, 0.5) * f * f;
  V t;  // log(1 + f) = f - half_square + t
  if constexpr (kIsFloat<D>) {
    t = f * f * f *
        poly(d, f, 0.33333331, -0.2500082, 0.20001227, -0.16623358, 0.14201747, -0.13160165,
             0.12761642, -0.076346137);
  } else {
    const V s = f / (f + constant(d, 2));
    const V z = s * s;
    const V r = z * poly(d, z, 0x1.5555555555592p-1, 0x1.999999997fd4dp-2, 0x1.24924941f959cp-2,
                         0x1.c71c5200a8536p-3, 0x1.7466411d67157p-3, 0x1.39a17752bbc4ap-3,
                         0x1.2f086dad0e45ep-3);
    t = s * (half_square + r);
  }
  const V low = hn::MulAdd(k, constant(d, F::kLn2Low), correction);
  return hn::MulAdd(k, constant(d, F::kLn2High), f - (half_square - (t + low)));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V log(D d, V x) {
  const V zero = hn::Zero(d);
  const V inf = constant(d, std::numeric_limits<double>::infinity());
  const V smallest = constant(d, kIsFloat<D> ? 0x1p-126 : 0x1p-1022);
  V scaled = x, exponent = zero;
  const bool ordinary = hn::AllTrue(d, hn::And(hn::Ge(x, smallest), hn::Lt(x, inf)));
  if (HWY_UNLIKELY(!ordinary)) {
    const auto small = hn::Lt(x, smallest);
    scaled = hn::IfThenElse(small, x * constant(d, 0x1p54), x);
    exponent = hn::IfThenElseZero(small, constant(d, -54));
  }
  const V result = log_core(d, scaled, exponent, zero);
  if (HWY_LIKELY(ordinary)) return result;
  const V nan = constant(d, std::numeric_limits<double>::quiet_NaN());
  const auto defined = hn::And(hn::Gt(x, zero), hn::Lt(x, inf));
  const V special =
      hn::IfThenElse(hn::Eq(x, zero), hn::Neg(inf), hn::IfThenElse(hn::Lt(x, zero), nan, x));
  return hn::IfThenElse(defined, result, special);
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V log1p(D d, V x) {
  const V one = constant(d, 1);
  const V inf = constant(d, std::numeric_limits<double>::infinity());
  const V u = x + one;
  // What rounding took from u, as a part of u.
  const V lost = hn::IfThenElse(hn::Ge(x, one), one - (u - x), x - (u - one));
  const V result = hn::CopySign(log_core(d, u, hn::Zero(d), lost / u), x);
  const auto defined = hn::And(hn::Gt(x, hn::Neg(one)), hn::Lt(x, inf));
  if (HWY_LIKELY(hn::AllTrue(d, defined))) return result;
  const V nan = constant(d, std::numeric_limits<double>::quiet_NaN());
  const V special =
      hn::IfThenElse(hn::Eq(x, hn::Neg(one)), hn::Neg(inf), hn::IfThenElse(hn::Lt(x, one), nan, x));
  return hn::IfThenElse(defined, result, special);
}

#if HWY_TARGET != HWY_SCALAR
// a^y in float64 lanes, to 2^-31, for a float32's positive finite a and any y.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V pow_of_normal(D d, V a, V y) {
  const hn::RebindToSigned<D> di;
  V k;
  const V f = split_log(d, a, k);
  const V s = f / (f + constant(d, 2));
  const V z = s * s;
  const V series = poly(d, z, 2, 0x1.555554fd7c10fp-1, 0x1.999a7ad58a791p-2, 0x1.2438c1b568beap-2,
                        0x1.e2fa067c4ea06p-3);
  const V ln2 = constant(d, 0x1.62e42fefa39efp-1);
  V power = y * hn::MulAdd(k, ln2, s * series);
  power = at_most(d, at_least(d, power, constant(d, -104)), constant(d, 89));  // float32's range
  const V shifter = constant(d, FormatOf<D>::kShifter);
  const V shifted = hn::MulAdd(power, constant(d, kLog2E), shifter);
  const V r = hn::NegMulAdd(shifted - shifter, ln2, power);
  const V q = poly(d, r, 0x1.0000002618282p-1, 0x1.555554ed7dcd4p-3, 0x1.5554b09d55e1ep-5,
                   0x1.11118ba682262p-7, 0x1.6d729919b871dp-10, 0x1.a030acb732747p-13);
  const V scale = pow2(d, hn::BitCast(di, shifted));
  return hn::MulAdd(hn::MulAdd(r * r, q, r), scale, scale);
}

// pow of float32 lanes, exact but for the last rounding.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V pow_by_halves(D d, V x, V y) {
  const hn::Half<D> dh;
  const hn::Repartition<double, D> dd;
  const V zero = hn::Zero(d), one = constant(d, 1);
  const V inf = constant(d, std::numeric_limits<double>::infinity());
  const V a = hn::Abs(x);
  const auto low = pow_of_normal(dd, hn::PromoteTo(dd, hn::LowerHalf(dh, a)),
                                 hn::PromoteTo(dd, hn::LowerHalf(dh, y)));
  const auto high = pow_of_normal(dd, hn::PromoteTo(dd, hn::UpperHalf(dh, a)),
                                  hn::PromoteTo(dd, hn::UpperHalf(dh, y)));
  V r = hn::Combine(d, hn::DemoteTo(dh, high), hn::DemoteTo(dh, low));
  // Bases 0 and inf, then what has no value, then what is 1 whatever the other operand.
  const V inverse = hn::IfThenElse(hn::Eq(a, zero), inf, zero);
  const auto end = hn::Or(hn::Eq(a, zero), hn::Eq(a, inf));
  r = hn::IfThenElse(end, hn::IfThenElse(hn::Lt(y, zero), inverse, a), r);
  const auto whole = hn::Eq(hn::Round(y), y);
  const auto nan = hn::Or(hn::IsNaN(x), hn::IsNaN(y));
  const auto root = hn::AndNot(whole, hn::And(hn::Lt(x, zero), hn::Lt(a, inf)));
  r = hn::IfThenElse(hn::Or(nan, root), constant(d, std::numeric_limits<double>::quiet_NaN()), r);
  const auto unit = hn::Or(hn::Eq(x, one), hn::And(hn::Eq(a, one), hn::Eq(hn::Abs(y), inf)));
  r = hn::IfThenElse(hn::Or(hn::Eq(y, zero), unit), one, r);
  const V half = y * constant(d, 0.5);
  const auto odd = hn::AndNot(hn::Eq(hn::Round(half), half), whole);
  return hn::IfThenElse(odd, hn::Xor(r, hn::And(hn::SignBit(d), x)), r);
}
#endif

// x^y with C's special cases. float64 needs more bits of the logarithm than a vector has, so libm
// computes each lane.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V pow(D d, V x, V y) {
  using T = hn::TFromD<D>;
#if HWY_TARGET == HWY_SCALAR  // no vectors to halve
  constexpr bool kByLane = true;
#else
  constexpr bool kByLane = !kIsFloat<D>;
#endif
  if constexpr (kByLane) {
    return map_lanes(d, x, y, static_cast<T (*)(T, T)>(std::pow));
  } else {
    return pow_by_halves(d, x, y);
  }
}

}  // namespace
}  // namespace mt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
