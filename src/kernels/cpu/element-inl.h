// Vector loads and stores of tensor elements in the type that is computed with: half types and
// small integers widen on the way in and are rounded on the way out. Included once per SIMD target.
#if defined(MT_ELEMENT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MT_ELEMENT_INL_H_
#undef MT_ELEMENT_INL_H_
#else
#define MT_ELEMENT_INL_H_
#endif

#include <cstdint>
#include <type_traits>

#include "hwy/highway.h"
#include "kernels/cpu/elements.h"

// Whether the target converts binary16 itself. (Highway's own emulation truncates and knows no
// inf.)
#undef MT_NATIVE_HALF
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SSSE3 || \
    HWY_TARGET == HWY_SSE4 || defined(HWY_DISABLE_F16C)
#define MT_NATIVE_HALF 0
#else
#define MT_NATIVE_HALF 1
#endif

// Whether masked accesses of 4- and 8-byte lanes leave the memory of cleared lanes alone.
#undef MT_MASKED_ACCESS
#if HWY_TARGET == HWY_AVX2 || !HWY_MEM_OPS_MIGHT_FAULT
#define MT_MASKED_ACCESS 1
#else
#define MT_MASKED_ACCESS 0
#endif

// Behind the parameters of a lambda that handles vectors. Compilers leave a lambda that is called
// twice out of line, and what it captures in memory, unless told otherwise.
#undef MT_VECTOR_LAMBDA
#define MT_VECTOR_LAMBDA HWY_ATTR __attribute__((always_inline))

HWY_BEFORE_NAMESPACE();
namespace mt::cpu {
namespace HWY_NAMESPACE {
namespace el {
namespace hn = hwy::HWY_NAMESPACE;

// The type that an element type is computed in.
template <class T>
using Compute = std::conditional_t<
    kIsHalf<T>, float,
    std::conditional_t<std::is_same_v<T, Bool> || (std::is_integral_v<T> && sizeof(T) < 4), int32_t,
                       T>>;

template <class D>
HWY_INLINE int64_t lanes(D d) {
  return static_cast<int64_t>(hn::Lanes(d));
}

template <class D>  // of float
HWY_INLINE hn::Vec<D> widen_half(D d, hn::Vec<hn::Rebind<uint16_t, D>> bits) {
#if MT_NATIVE_HALF
  return hn::PromoteTo(d, hn::BitCast(hn::Rebind<hwy::float16_t, D>(), bits));
#else
  const hn::RebindToUnsigned<D> du;
  const auto wide = hn::PromoteTo(du, bits);
  const auto sign = hn::ShiftLeft<16>(hn::And(wide, hn::Set(du, 0x8000u)));
  const auto magnitude = hn::ShiftLeft<13>(hn::And(wide, hn::Set(du, 0x7FFFu)));
  // Rebiasing by a product is exact and right for subnormals; inf and NaN need their exponent back.
  const auto finite = hn::BitCast(du, hn::Mul(hn::BitCast(d, magnitude), hn::Set(d, 0x1p112f)));
  const auto quiet = hn::VecFromMask(du, hn::Gt(magnitude, hn::Set(du, 0x0F800000u)));
  const auto special =
      hn::Or(hn::Or(magnitude, hn::Set(du, 0x7F800000u)), hn::And(quiet, hn::Set(du, 0x00400000u)));
  const auto is_special = hn::Gt(magnitude, hn::Set(du, 0x0F7FFFFFu));
  return hn::BitCast(d, hn::Or(sign, hn::IfThenElse(is_special, special, finite)));
#endif
}

template <class D>  // of float
HWY_INLINE hn::Vec<hn::Rebind<uint16_t, D>> narrow_half(D d, hn::Vec<D> v) {
  const hn::Rebind<uint16_t, D> d16;
#if MT_NATIVE_HALF
  const hn::RebindToUnsigned<D> du;
  // One NaN, as float_to_half() makes it.
  const auto quiet =
      hn::Or(hn::And(hn::BitCast(du, v), hn::Set(du, 0x80000000u)), hn::Set(du, 0x7FC00000u));
  v = hn::IfThenElse(hn::IsNaN(v), hn::BitCast(d, quiet), v);
  return hn::BitCast(d16, hn::DemoteTo(hn::Rebind<hwy::float16_t, D>(), v));
#else
  HWY_ALIGN float in[hn::MaxLanes(D())];
  HWY_ALIGN uint16_t out[hn::MaxLanes(D())];
  hn::Store(v, d, in);
  for (size_t i = 0; i < hn::Lanes(d); ++i) out[i] = float_to_half(in[i]);
  return hn::Load(d16, out);
#endif
}

template <class D>  // of float
HWY_INLINE hn::Vec<D> widen_bfloat16(D d, hn::Vec<hn::Rebind<uint16_t, D>> bits) {
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(hn::RebindToUnsigned<D>(), bits)));
}

// The bits of float v rounded to bfloat16, in the upper half of each lane; the lower half is noise.
template <class D>
HWY_INLINE hn::Vec<hn::RebindToUnsigned<D>> rounded_bfloat16(D, hn::Vec<D> v) {
  const hn::RebindToUnsigned<D> du;
  const auto bits = hn::BitCast(du, v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1u));
  const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7FFFu)));
  return hn::IfThenElse(hn::RebindMask(du, hn::IsNaN(v)), hn::Set(du, 0x7FC00000u), rounded);
}

template <class D>
HWY_INLINE hn::Vec<hn::Rebind<uint16_t, D>> narrow_bfloat16(D d, hn::Vec<D> v) {
  const auto upper = hn::ShiftRight<16>(rounded_bfloat16(d, v));
  return hn::DemoteTo(hn::Rebind<uint16_t, D>(), hn::BitCast(hn::RebindToSigned<D>(), upper));
}

// Overflow gives inf. (Highway's one-lane and emulated targets clamp to the largest finite value.)
template <class D>  // of double
HWY_INLINE hn::Vec<hn::Rebind<float, D>> narrow_double(D d, hn::Vec<D> v) {
  const hn::Rebind<float, D> df;
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
  HWY_ALIGN double in[hn::MaxLanes(D())];
  HWY_ALIGN float out[hn::MaxLanes(D())];
  hn::Store(v, d, in);
  for (size_t i = 0; i < hn::Lanes(d); ++i) out[i] = static_cast<float>(in[i]);
  return hn::Load(df, out);
#else
  (void)d;
  return hn::DemoteTo(df, v);
#endif
}

// A vector of elements at p.
template <class D, class T>
HWY_INLINE hn::Vec<D> load(D d, const T* p) {
  using C = hn::TFromD<D>;
  if constexpr (std::is_same_v<C, T>) {
    return hn::LoadU(d, p);
  } else if constexpr (std::is_same_v<C, double> && !std::is_same_v<T, int32_t>) {
    const hn::Rebind<float, D> df;
    return hn::PromoteTo(d, load(df, p));
  } else if constexpr (std::is_same_v<T, Half>) {
    return widen_half(d, hn::LoadU(hn::Rebind<uint16_t, D>(), &p->bits));
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    return widen_bfloat16(d, hn::LoadU(hn::Rebind<uint16_t, D>(), &p->bits));
  } else if constexpr (std::is_same_v<C, float>) {
    return hn::ConvertTo(d, load(hn::RebindToSigned<D>(), p));
  } else if constexpr (std::is_same_v<T, Bool>) {
    return hn::Min(load(d, &p->byte), hn::Set(d, 1));
  } else {
    return hn::PromoteTo(d, hn::LoadU(hn::Rebind<T, D>(), p));
  }
}

// Writes a vector of elements, rounding to T.
template <class D, class T>
HWY_INLINE void store(D d, hn::Vec<D> v, T* p) {
  using C = hn::TFromD<D>;
  if constexpr (std::is_same_v<C, T>) {
    hn::StoreU(v, d, p);
  } else if constexpr (std::is_same_v<C, double>) {
    store(hn::Rebind<float, D>(), narrow_double(d, v), p);
  } else if constexpr (std::is_same_v<T, Half>) {
    hn::StoreU(narrow_half(d, v), hn::Rebind<uint16_t, D>(), &p->bits);
  } else {
    static_assert(std::is_same_v<T, BFloat16>);
    hn::StoreU(narrow_bfloat16(d, v), hn::Rebind<uint16_t, D>(), &p->bits);
  }
}

// The first n (0 < n < lanes) elements at p, `rest` behind them; reads nothing else.
template <class D, class T>
HWY_INLINE hn::Vec<D> load_some(D d, const T* p, int64_t n, hn::Vec<D> rest) {
  const auto mask = hn::FirstN(d, static_cast<size_t>(n));
  if constexpr (MT_MASKED_ACCESS && std::is_same_v<T, hn::TFromD<D>>) {
    return hn::IfThenElse(mask, hn::MaskedLoad(mask, d, p), rest);
  } else {
    constexpr int64_t kMost = static_cast<int64_t>(hn::MaxLanes(D()));
    HWY_ALIGN T buffer[kMost] = {};
    for (int64_t i = 0; i < n && i < kMost; ++i) buffer[i] = p[i];
    return hn::IfThenElse(mask, load(d, buffer), rest);
  }
}

// Writes the first n (0 < n < lanes) elements of v and nothing else.
template <class D, class T>
HWY_INLINE void store_some(D d, hn::Vec<D> v, T* p, int64_t n) {
  if constexpr (MT_MASKED_ACCESS && std::is_same_v<T, hn::TFromD<D>>) {
    hn::BlendedStore(v, hn::FirstN(d, static_cast<size_t>(n)), d, p);
  } else {
    constexpr int64_t kMost = static_cast<int64_t>(hn::MaxLanes(D()));
    HWY_ALIGN T buffer[kMost];
    store(d, v, buffer);
    for (int64_t i = 0; i < n && i < kMost; ++i) p[i] = buffer[i];
  }
}

// Loads and stores of `count` elements, all lanes or fewer.
template <class D, class T>
HWY_INLINE hn::Vec<D> load_up_to(D d, const T* p, int64_t count, hn::Vec<D> rest) {
  return count == lanes(d) ? load(d, p) : load_some(d, p, count, rest);
}
template <class D, class T>
HWY_INLINE void store_up_to(D d, hn::Vec<D> v, T* p, int64_t count) {
  if (count == lanes(d)) {
    store(d, v, p);
  } else {
    store_some(d, v, p, count);
  }
}

// The largest or smallest lane of a vector without NaN. Highway 1.0's portable MaxOfLanes starts
// from the least finite number, and so loses a vector of infinities.
template <bool kMax, class D>
HWY_INLINE hn::TFromD<D> extreme_of_lanes(D d, hn::Vec<D> v) {
  HWY_ALIGN hn::TFromD<D> lane[hn::MaxLanes(D())];
  hn::Store(v, d, lane);
  auto best = lane[0];
  for (size_t i = 1; i < hn::Lanes(d); ++i) {
    if (kMax ? lane[i] > best : lane[i] < best) best = lane[i];
  }
  return best;
}

// Calls f(i, count) for the vectors of [begin, end): whole ones, then what is left.
template <class F>
HWY_INLINE void each_vector(int64_t begin, int64_t end, int64_t lanes, const F& f) {
  int64_t i = begin;
  for (; i + lanes <= end; i += lanes) f(i, lanes);
  if (i < end) f(i, end - i);
}

// v as it would be after a store to T and a load from it.
template <class T, class D>
HWY_INLINE hn::Vec<D> round_to(D d, hn::Vec<D> v) {
  if constexpr (std::is_same_v<T, Half>) {
    return widen_half(d, narrow_half(d, v));
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    const hn::RebindToUnsigned<D> du;
    return hn::BitCast(d, hn::And(rounded_bfloat16(d, v), hn::Set(du, 0xFFFF0000u)));
  } else {
    return v;
  }
}

}  // namespace el
}  // namespace HWY_NAMESPACE
}  // namespace mt::cpu
HWY_AFTER_NAMESPACE();

#endif  // MT_ELEMENT_INL_H_
