// Lane arithmetic that several families need: sign, wrapping products of any lane type, fmod.
// Included once for every SIMD target.
#if defined(MT_KERNELS_CPU_ARITHMETIC_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MT_KERNELS_CPU_ARITHMETIC_INL_H_
#undef MT_KERNELS_CPU_ARITHMETIC_INL_H_
#else
#define MT_KERNELS_CPU_ARITHMETIC_INL_H_
#endif

#include <type_traits>

#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mt::cpu::HWY_NAMESPACE {
namespace {

// a != b, and true for NaN as in C. (Highway 1.0's Ne is false for NaN on AVX2.)
template <class V>
HWY_INLINE auto not_equal(V a, V b) {
  return hn::Not(hn::Eq(a, b));
}

// -1, 0 or 1; 0 for NaN, as PyTorch has it.
template <class D, class V>
HWY_INLINE V sign(D d, V x) {
  using T = hn::TFromD<D>;
  const V zero = hn::Zero(d), one = hn::Set(d, T{1});
  if constexpr (std::is_unsigned_v<T>) {
    return hn::Min(x, one);
  } else {
    return hn::IfThenElseZero(hn::Gt(x, zero), one) - hn::IfThenElseZero(hn::Lt(x, zero), one);
  }
}

// a * b; unsigned lanes wrap around, and stand for signed ones too.
template <class D, class V>
HWY_INLINE V multiply(D d, V a, V b) {
  using T = hn::TFromD<D>;
#if HWY_TARGET == HWY_SCALAR
  if constexpr (std::is_floating_point_v<T>) return a * b;
  const auto product =
      static_cast<uint64_t>(hn::GetLane(a)) * static_cast<uint64_t>(hn::GetLane(b));
  return hn::Set(d, static_cast<T>(product));
#else
  if constexpr (std::is_same_v<T, uint8_t>) {
    const hn::Repartition<uint16_t, D> d16;
    const auto a16 = hn::BitCast(d16, a), b16 = hn::BitCast(d16, b);
    const auto even = (a16 * b16) & hn::Set(d16, 0xFF);
    const auto odd = hn::ShiftLeft<8>(hn::ShiftRight<8>(a16) * hn::ShiftRight<8>(b16));
    return hn::BitCast(d, even | odd);
  } else if constexpr (std::is_same_v<T, uint64_t>) {
    const hn::Repartition<uint32_t, D> d32;
    const auto a32 = hn::BitCast(d32, a), b32 = hn::BitCast(d32, b);
    const auto a_high = hn::BitCast(d32, hn::ShiftRight<32>(a));
    const auto b_high = hn::BitCast(d32, hn::ShiftRight<32>(b));
    const auto cross = hn::MulEven(a_high, b32) + hn::MulEven(a32, b_high);
    return hn::MulEven(a32, b32) + hn::ShiftLeft<32>(cross);
  } else {
    return a * b;
  }
#endif
}

// C's fmod: exact, with the sign of a.
template <class D, class V>
HWY_INLINE V fmod(D d, V a, V b) {
  using T = hn::TFromD<D>;
#if HWY_NATIVE_FMA
  // With few enough bits in the quotient one fused step has the exact remainder, or, when the
  // quotient was rounded up to a whole number, the remainder less b.
  const V quotient = a / b;
  const auto finite = hn::Lt(hn::Abs(b), constant(d, std::numeric_limits<T>::infinity()));
  const auto few = hn::Or(hn::Lt(hn::Abs(quotient), constant(d, 0x1p22)),
                          hn::Eq(b, hn::Zero(d)));  // a divisor 0 gives NaN by itself
  if (HWY_LIKELY(hn::AllTrue(d, hn::And(finite, few)))) {
    const V r = hn::NegMulAdd(hn::Trunc(quotient), b, a);
    const auto over = hn::Lt(hn::CopySign(constant(d, 1), hn::Xor(r, a)), hn::Zero(d));
    const V missing = hn::IfThenElseZero(hn::AndNot(hn::Eq(r, hn::Zero(d)), over), b);
    return hn::CopySign(r + hn::CopySign(missing, a), a);
  }
#endif
  return map_lanes(d, a, b, static_cast<T (*)(T, T)>(std::fmod));
}

}  // namespace
}  // namespace mt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
