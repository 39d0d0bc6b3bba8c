// SIMD parts of the copy kernels: conversions between the floating dtypes and from and to the small
// integers where operands are contiguous, fill, and range.
#include <bit>

#include "kernels/cpu/copy_parts.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/copy_simd.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/cpu/element-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mt::cpu {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using el::load;
using el::store;

template <class T>
inline constexpr bool kIsNarrow = kIsHalf<T> || std::is_same_v<T, float>;

// Whether From -> To passes through float32 (exactly as convert() does) or to float64.
template <class From, class To>
constexpr bool is_vectorized() {
  if (std::is_same_v<From, To>) return false;
  if (kIsNarrow<To>) return sizeof(From) <= 4 || std::is_same_v<From, double>;
  if (std::is_same_v<To, double>) return kIsNarrow<From>;
  return kIsNarrow<From> && sizeof(To) <= 4;  // to bool and the integers up to 32 bits
}

// float32 to int32 with the lowest integer for what does not fit, as truncate().
template <class D>
HWY_INLINE hn::Vec<hn::RebindToSigned<D>> to_int32(D d, hn::Vec<D> v) {
  const hn::RebindToSigned<D> di;
  const auto fits = hn::And(hn::Ge(v, hn::Set(d, -0x1p31f)), hn::Lt(v, hn::Set(d, 0x1p31f)));
  const auto whole = hn::ConvertTo(di, hn::IfThenElse(fits, v, hn::Zero(d)));
  return hn::IfThenElse(hn::RebindMask(di, fits), whole, hn::Set(di, INT32_MIN));
}

// One vector of To from float32, the integers modulo 2^bits.
template <class To, class D>
HWY_INLINE void store_converted(D d, hn::Vec<D> v, To* to) {
  const hn::RebindToSigned<D> di;
  const hn::RebindToUnsigned<D> du;
  if constexpr (kIsNarrow<To>) {
    store(d, v, to);
  } else if constexpr (std::is_same_v<To, int32_t>) {
    hn::StoreU(to_int32(d, v), di, to);
  } else if constexpr (std::is_same_v<To, Bool>) {
    const auto zero = hn::RebindMask(du, hn::Eq(v, hn::Zero(d)));
    hn::StoreU(hn::TruncateTo(hn::Rebind<uint8_t, D>(), hn::IfThenZeroElse(zero, hn::Set(du, 1u))),
               hn::Rebind<uint8_t, D>(), &to->byte);
  } else {
    const hn::Rebind<std::make_unsigned_t<To>, D> dt;
    const auto whole = hn::BitCast(du, to_int32(d, v));
    hn::StoreU(hn::BitCast(hn::Rebind<To, D>(), hn::TruncateTo(dt, whole)), hn::Rebind<To, D>(),
               to);
  }
}

template <class From, class To>
void convert_contiguous(const From* from, To* to, int64_t n) {
  int64_t i = 0;
  if constexpr (std::is_same_v<From, double> || std::is_same_v<To, double>) {
    const hn::ScalableTag<double> d;
    for (; i + el::lanes(d) <= n; i += el::lanes(d)) store(d, load(d, from + i), to + i);
  } else {
    const hn::ScalableTag<float> d;
    for (; i + el::lanes(d) <= n; i += el::lanes(d)) store_converted(d, load(d, from + i), to + i);
  }
  for (; i < n; ++i) to[i] = convert<To>(from[i]);
}

template <class From, class To>
void convert_vector_run(char* const* data, const int64_t* strides, int64_t n, const void* ctx) {
  if (strides[0] == sizeof(To) && strides[1] == sizeof(From)) {
    convert_contiguous(reinterpret_cast<const From*>(data[1]), reinterpret_cast<To*>(data[0]), n);
  } else {
    convert_run<From, To>(data, strides, n, ctx);
  }
}

template <class From, class To>
void cast(const Iter& it, const Params&) {
  run_iter(it, convert_vector_run<From, To>, nullptr);
}

// Repeats the bits at ctx. U: the unsigned integer of the element's size.
template <class U>
void fill_run(char* const* data, const int64_t* strides, int64_t n, const void* ctx) {
  const U value = *static_cast<const U*>(ctx);
  char* to = data[0];
  if (strides[0] != sizeof(U)) {
    for (; n > 0; --n, to += strides[0]) *reinterpret_cast<U*>(to) = value;
    return;
  }
  auto* const out = reinterpret_cast<U*>(to);
  const hn::ScalableTag<U> d;
  const auto v = hn::Set(d, value);
  int64_t i = 0;
  for (; i + el::lanes(d) <= n; i += el::lanes(d)) hn::StoreU(v, d, out + i);
  for (; i < n; ++i) out[i] = value;
}

template <class T>
void fill(const Iter& it, const Params& p) {
  using U = std::conditional_t<
      sizeof(T) == 1, uint8_t,
      std::conditional_t<sizeof(T) == 2, uint16_t,
                         std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>>;
  T value;
  if constexpr (kIsFloat<T>) {
    value = convert<T>(p.f[0]);
  } else {
    value = convert<T>(p.i[0]);
  }
  const U bits = std::bit_cast<U>(value);
  run_iter(it, fill_run<U>, &bits);
}

// start + step * i, in PyTorch's order of roundings: vectors of 32 bytes count from a base that was
// rounded to T, and the rest of an incomplete pair of vectors counts from the start.
template <class T>
void range(const Iter& it, const Params& p) {
  const hn::CappedTag<double, 1> d;
  const auto at = [d](double start, double step, int64_t i) MT_VECTOR_LAMBDA {
    const auto index = hn::Set(d, static_cast<double>(i));
    return hn::GetLane(hn::MulAdd(index, hn::Set(d, step), hn::Set(d, start)));
  };
  constexpr int64_t kVector = 32 / sizeof(T);
  const int64_t whole = it.numel - it.numel % (2 * kVector);
  double base = 0;
  for (int64_t i = 0; i < it.numel; ++i) {
    T* const out = reinterpret_cast<T*>(it.data[0] + i * it.strides[0][0]);
    if constexpr (kIsFloat<T>) {
      if (i < whole && i % kVector == 0) {
        base = convert<double>(convert<T>(at(p.f[0], p.f[1], i)));
      }
      *out = convert<T>(i < whole ? at(base, p.f[1], i % kVector) : at(p.f[0], p.f[1], i));
    } else {
      const uint64_t value =
          static_cast<uint64_t>(p.i[0]) + static_cast<uint64_t>(p.i[1]) * static_cast<uint64_t>(i);
      *out = convert<T>(static_cast<int64_t>(value));
    }
  }
}

void fill_table(Backend& b) {
  for_each_element([&]<class From>(From) {
    b.fill[kDTypeIndex<From>] = fill<From>;
    b.range[kDTypeIndex<From>] = range<From>;
    for_each_element([&]<class To>(To) {
      if constexpr (is_vectorized<From, To>()) {
        b.cast[kDTypeIndex<From>][kDTypeIndex<To>] = cast<From, To>;
      }
    });
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace mt::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {
HWY_EXPORT(fill_table);
void fill_copy_simd(Backend& b) { HWY_DYNAMIC_DISPATCH(fill_table)(b); }
}  // namespace mt::cpu
#endif
