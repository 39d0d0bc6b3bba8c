// The vector loop of an elementwise op and its registration in the table; included once for every
// SIMD target. An op is a struct template on the lane type: `Op(const Params&)` and a call operator
// (d, vectors...) that returns a vector, or a mask for ops that write bool.
#if defined(MT_KERNELS_CPU_ELEMENTWISE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MT_KERNELS_CPU_ELEMENTWISE_INL_H_
#undef MT_KERNELS_CPU_ELEMENTWISE_INL_H_
#else
#define MT_KERNELS_CPU_ELEMENTWISE_INL_H_
#endif

#include <cstring>
#include <type_traits>

#include "hwy/highway.h"
#include "kernels/cpu/elementwise.h"

HWY_BEFORE_NAMESPACE();
namespace mt::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

inline constexpr size_t kMaxVector = 64;  // bytes, also where registers are longer
template <class T>
using Tag = hn::CappedTag<T, kMaxVector / sizeof(T)>;

// Bases of the ops. kGrain: elements that are worth another thread.
struct UnaryOp {
  static constexpr int kInputs = 1;
  static constexpr bool kToBool = false;     // the op returns a mask, the output is bool
  static constexpr bool kCondition = false;  // the first input is bool and arrives as a mask
  static constexpr bool kRoundParams = false;
  static constexpr uint32_t kGrain = 32768;
  UnaryOp() = default;
  explicit UnaryOp(const Params&) {}
};
struct BinaryOp : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr int kInputs = 2;
};
struct TernaryOp : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr int kInputs = 3;
};
inline constexpr uint32_t kCostlyGrain = 8192;  // for exp and the like

#define MT_HAVE_MASKED_TAIL (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2)

// The last elements of an input in a full-size buffer.
HWY_NOINLINE void load_tail(void* buffer, const void* from, size_t bytes) {
#if MT_HAVE_MASKED_TAIL
  if (bytes % 4 == 0) {  // one full-width store, which the following load can take over at once
    const Tag<int32_t> d;
    const auto mask = hn::FirstN(d, bytes / 4);
    hn::Store(hn::MaskedLoad(mask, d, static_cast<const int32_t*>(from)), d,
              static_cast<int32_t*>(buffer));
    return;
  }
#endif
  std::memset(buffer, 0, kMaxVector);  // the unused lanes are computed too
  copy_bytes(buffer, from, bytes);
}

template <class D, class V>
HWY_INLINE void store_result(D d, V v, char* out, std::false_type) {
  hn::StoreU(v, d, reinterpret_cast<hn::TFromD<D>*>(out));
}
template <class D, class M>
HWY_INLINE void store_result(D d, M mask, char* out, std::true_type) {
  const hn::RebindToUnsigned<D> du;
  const auto ones = hn::And(hn::BitCast(du, hn::VecFromMask(d, mask)), hn::Set(du, 1));
  if constexpr (sizeof(hn::TFromD<D>) == 1) {
    hn::StoreU(ones, du, reinterpret_cast<uint8_t*>(out));
  } else {
    const hn::Rebind<uint8_t, D> d8;
    hn::StoreU(hn::TruncateTo(d8, ones), d8, reinterpret_cast<uint8_t*>(out));
  }
}

// The first input of an op with a condition: a mask from bytes.
template <class D>
HWY_INLINE auto load_condition(D d, const char* in) {
  const hn::RebindToUnsigned<D> du;
  const auto* bytes = reinterpret_cast<const uint8_t*>(in);
  if constexpr (sizeof(hn::TFromD<D>) == 1) {
    return hn::RebindMask(d, hn::Ne(hn::LoadU(du, bytes), hn::Zero(du)));
  } else {
    const auto narrow = hn::LoadU(hn::Rebind<uint8_t, D>(), bytes);
    if constexpr (sizeof(hn::TFromD<D>) == 8) {
      const auto wide = hn::PromoteTo(du, hn::PromoteTo(hn::Rebind<uint32_t, D>(), narrow));
      return hn::RebindMask(d, hn::Ne(wide, hn::Zero(du)));
    } else {
      return hn::RebindMask(d, hn::Ne(hn::PromoteTo(du, narrow), hn::Zero(du)));
    }
  }
}

template <class D>
HWY_INLINE auto load_lanes(D d, const char* in) {
  return hn::LoadU(d, reinterpret_cast<const hn::TFromD<D>*>(in));
}

// One vector of results from the inputs' addresses.
template <class Op, class D>
HWY_INLINE auto apply(const Op& op, D d, const char* in0, const char* in1, const char* in2) {
  if constexpr (Op::kInputs == 1) {
    return op(d, load_lanes(d, in0));
  } else if constexpr (Op::kInputs == 2) {
    return op(d, load_lanes(d, in0), load_lanes(d, in1));
  } else if constexpr (Op::kCondition) {
    return op(d, load_condition(d, in0), load_lanes(d, in1), load_lanes(d, in2));
  } else {
    return op(d, load_lanes(d, in0), load_lanes(d, in1), load_lanes(d, in2));
  }
}

// Fills a buffer of one vector with a broadcast operand; the loop then reads it with step 0.
template <class D>
HWY_INLINE void splat_input(D d, bool splat, const char*& in, size_t& step, char* buffer) {
  if (!splat) return;
  using T = hn::TFromD<D>;
  T value;
  std::memcpy(&value, in, sizeof(T));
  hn::StoreU(hn::Set(d, value), d, reinterpret_cast<T*>(buffer));
  in = buffer;
  step = 0;
}

HWY_INLINE void stage_tail(bool splat, const char*& in, char* buffer, size_t bytes) {
  if (splat) return;  // in the buffer already
  load_tail(buffer, in, bytes);
  in = buffer;
}

template <class Op, class T>
void flat_loop(const Flat& flat, const Params& p) {
  const Tag<T> d;
  const size_t lanes = hn::Lanes(d);
  const Op op(p);
  constexpr std::bool_constant<Op::kToBool> to_bool;
  constexpr size_t kOutSize = Op::kToBool ? 1 : sizeof(T);
  constexpr size_t kFirstSize = Op::kCondition ? 1 : sizeof(T);
  alignas(kMaxVector) char buffer[4][kMaxVector];
  const char *in0 = flat.in[0], *in1 = flat.in[1], *in2 = flat.in[2];
  char* out = flat.out;
  size_t step0 = lanes * kFirstSize, step1 = lanes * sizeof(T), step2 = step1;
  const unsigned splat = flat.splat;
  if (splat) {
    if constexpr (Op::kCondition) {
      splat_input(hn::Rebind<uint8_t, decltype(d)>(), splat & 1, in0, step0, buffer[0]);
    } else {
      splat_input(d, splat & 1, in0, step0, buffer[0]);
    }
    if constexpr (Op::kInputs > 1) splat_input(d, splat & 2, in1, step1, buffer[1]);
    if constexpr (Op::kInputs > 2) splat_input(d, splat & 4, in2, step2, buffer[2]);
  }
  size_t vectors = flat.n / lanes, rest = flat.n % lanes;
  char* tail = nullptr;  // where the results of the last, partial vector go
  for (;;) {
    if (vectors == 0) {
      if (rest == 0) return;
      stage_tail(splat & 1, in0, buffer[0], rest * kFirstSize);
      if constexpr (Op::kInputs > 1) stage_tail(splat & 2, in1, buffer[1], rest * sizeof(T));
      if constexpr (Op::kInputs > 2) stage_tail(splat & 4, in2, buffer[2], rest * sizeof(T));
      tail = out;
      out = buffer[3];
      vectors = 1;
    }
    do {
      store_result(d, apply(op, d, in0, in1, in2), out, to_bool);
      in0 += step0;
      if constexpr (Op::kInputs > 1) in1 += step1;
      if constexpr (Op::kInputs > 2) in2 += step2;
      out += lanes * kOutSize;
    } while (--vectors != 0);
    if (tail) return copy_bytes(tail, buffer[3], rest * kOutSize);
  }
}

// Conversions of 16-bit floats, with core/half.h's results (but a NaN may keep payload bits).
inline void widen_half(const void* in, float* out, size_t n) {
  const auto* from = static_cast<const uint16_t*>(in);
  size_t i = 0;
#if MT_HAVE_MASKED_TAIL  // the targets with conversion instructions
  const Tag<float> d;
  const hn::Rebind<hwy::float16_t, Tag<float>> d16;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    const auto* p = reinterpret_cast<const hwy::float16_t*>(from + i);
    hn::StoreU(hn::PromoteTo(d, hn::LoadU(d16, p)), d, out + i);
  }
#endif
  for (; i < n; ++i) out[i] = half_to_float(from[i]);
}
inline void narrow_half(const float* in, void* out, size_t n) {
  auto* to = static_cast<uint16_t*>(out);
  size_t i = 0;
#if MT_HAVE_MASKED_TAIL
  const Tag<float> d;
  const hn::Rebind<hwy::float16_t, Tag<float>> d16;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    auto* p = reinterpret_cast<hwy::float16_t*>(to + i);
    hn::StoreU(hn::DemoteTo(d16, hn::LoadU(d, in + i)), d16, p);
  }
#endif
  for (; i < n; ++i) to[i] = float_to_half(in[i]);
}
inline void widen_bfloat16(const void* in, float* out, size_t n) {
  const auto* from = static_cast<const uint16_t*>(in);
  const Tag<uint32_t> d;
  const hn::Rebind<uint16_t, Tag<uint32_t>> d16;
  auto* to = reinterpret_cast<uint32_t*>(out);
  size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    const auto wide = hn::PromoteTo(d, hn::LoadU(d16, from + i));
    hn::StoreU(hn::ShiftLeft<16>(wide), d, to + i);
  }
  for (; i < n; ++i) out[i] = bfloat16_to_float(from[i]);
}
inline void narrow_bfloat16(const float* in, void* out, size_t n) {
  auto* to = static_cast<uint16_t*>(out);
  const Tag<float> df;
  const Tag<uint32_t> d;
  const hn::Rebind<uint16_t, Tag<uint32_t>> d16;
  size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    const auto value = hn::LoadU(df, in + i);
    const auto bits = hn::BitCast(d, value);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d, 1));
    const auto rounded = hn::ShiftRight<16>(bits + hn::Set(d, 0x7FFF) + odd);
    const auto nan = hn::RebindMask(d, hn::IsNaN(value));
    hn::StoreU(hn::TruncateTo(d16, hn::IfThenElse(nan, hn::Set(d, 0x7FC0), rounded)), d16, to + i);
  }
  for (; i < n; ++i) to[i] = float_to_bfloat16(in[i]);
}
inline float round_half(float value) { return half_to_float(float_to_half(value)); }
inline float round_bfloat16(float value) { return bfloat16_to_float(float_to_bfloat16(value)); }

template <class Op, class T>
constexpr Spec make_spec(FlatLoop loop) {
  constexpr uint8_t size = sizeof(T);
  return {loop,
          Op::kInputs,
          {Op::kCondition ? uint8_t{1} : size, size, size},
          Op::kToBool ? uint8_t{1} : size,
          Op::kGrain,
          nullptr,
          nullptr,
          nullptr};
}

// The table's entries.
template <class Op, class T>
void kernel(const Iter& it, const Params& p) {
  static constexpr Spec kSpec = make_spec<Op, T>(flat_loop<Op, T>);
  drive(it, p, kSpec);
}
template <class Op>
void kernel_half(const Iter& it, const Params& p) {
  static constexpr Spec kSpec = [] {
    Spec s = make_spec<Op, uint16_t>(flat_loop<Op, float>);
    s.widen = widen_half;
    s.narrow = Op::kToBool ? nullptr : narrow_half;
    s.round = Op::kRoundParams ? round_half : nullptr;
    return s;
  }();
  drive(it, p, kSpec);
}
template <class Op>
void kernel_bfloat16(const Iter& it, const Params& p) {
  static constexpr Spec kSpec = [] {
    Spec s = make_spec<Op, uint16_t>(flat_loop<Op, float>);
    s.widen = widen_bfloat16;
    s.narrow = Op::kToBool ? nullptr : narrow_bfloat16;
    s.round = Op::kRoundParams ? round_bfloat16 : nullptr;
    return s;
  }();
  drive(it, p, kSpec);
}

template <template <class> class Op>
void set_floating(Backend& b, Elementwise id) {
  set(b, id, DType::kFloat32, kernel<Op<float>, float>);
  set(b, id, DType::kFloat64, kernel<Op<double>, double>);
  set(b, id, DType::kFloat16, kernel_half<Op<float>>);
  set(b, id, DType::kBFloat16, kernel_bfloat16<Op<float>>);
}
template <template <class> class Op>
void set_signed(Backend& b, Elementwise id) {
  set(b, id, DType::kInt8, kernel<Op<int8_t>, int8_t>);
  set(b, id, DType::kInt16, kernel<Op<int16_t>, int16_t>);
  set(b, id, DType::kInt32, kernel<Op<int32_t>, int32_t>);
  set(b, id, DType::kInt64, kernel<Op<int64_t>, int64_t>);
}
template <template <class> class Op>
void set_integers(Backend& b, Elementwise id) {
  set_signed<Op>(b, id);
  set(b, id, DType::kUInt8, kernel<Op<uint8_t>, uint8_t>);
}
// For ops with the same bits for signed and unsigned lanes (sums, products, bits): shares code.
template <template <class> class Op>
void set_integers_by_size(Backend& b, Elementwise id) {
  set(b, id, DType::kInt8, kernel<Op<uint8_t>, uint8_t>);
  set(b, id, DType::kInt16, kernel<Op<uint16_t>, uint16_t>);
  set(b, id, DType::kInt32, kernel<Op<uint32_t>, uint32_t>);
  set(b, id, DType::kInt64, kernel<Op<uint64_t>, uint64_t>);
  set(b, id, DType::kUInt8, kernel<Op<uint8_t>, uint8_t>);
}
template <template <class> class Op>
void set_bool(Backend& b, Elementwise id) {
  set(b, id, DType::kBool, kernel<Op<uint8_t>, uint8_t>);
}

}  // namespace
}  // namespace mt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
