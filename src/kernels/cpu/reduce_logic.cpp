// any and all of every dtype: elements are looked at as bits, the sign of floats left out, so that
// -0.0 is false and NaN is true. A run is left as soon as its answer is known.
#include <algorithm>

#include "core/parallel.h"
#include "kernels/cpu/elements.h"
#include "kernels/cpu/reduce_parts.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/reduce_logic.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/cpu/element-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mt::cpu {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t kGrain = 65536;

// The bits of a U that make it true.
template <class U, bool kFloat>
inline constexpr U kBits = kFloat ? static_cast<U>(U(~U{0}) >> 1) : static_cast<U>(~U{0});

// Whether the answer of any (kAny) or all (!kAny) is settled by 0 < n elements: a true or a false
// one among them.
template <bool kAny, bool kFloat, class U>
bool settles(const U* in, int64_t n) {
  constexpr U kMask = kBits<U, kFloat>;
  const hn::ScalableTag<U> d;
  const auto bits = hn::Set(d, kMask), zero = hn::Zero(d);
  int64_t i = 0;
  for (; i + el::lanes(d) <= n; i += el::lanes(d)) {
    const auto is_false = hn::Eq(hn::And(hn::LoadU(d, in + i), bits), zero);
    if (kAny ? !hn::AllTrue(d, is_false) : !hn::AllFalse(d, is_false)) return true;
  }
  for (; i < n; ++i) {
    if (((in[i] & kMask) != 0) == kAny) return true;
  }
  return false;
}

// out[i] of columns [0, count), all rows of which are walked together.
template <bool kAny, bool kFloat, class U>
void logic_cols(const U* in, int64_t n, int64_t stride, int64_t count, uint8_t* out) {
  constexpr U kMask = kBits<U, kFloat>;
  const hn::ScalableTag<U> d;
  const auto bits = hn::Set(d, kMask), zero = hn::Zero(d);
  int64_t i = 0;
  for (; i + el::lanes(d) <= count; i += el::lanes(d)) {
    auto settled = zero;
    for (int64_t j = 0; j < n; ++j) {
      const auto x = hn::And(hn::LoadU(d, in + j * stride + i), bits);
      settled = hn::Or(settled, kAny ? x : hn::VecFromMask(d, hn::Eq(x, zero)));
    }
    HWY_ALIGN U lanes[hn::MaxLanes(d)];
    hn::Store(settled, d, lanes);
    for (int64_t k = 0; k < el::lanes(d); ++k) out[i + k] = (lanes[k] != 0) == kAny;
  }
  for (; i < count; ++i) {
    bool settled = false;
    for (int64_t j = 0; j < n && !settled; ++j) {
      settled = ((in[j * stride + i] & kMask) != 0) == kAny;
    }
    out[i] = settled == kAny;
  }
}

template <bool kAny, bool kFloat, class U>
void logic(const void* in, void* out, int64_t outer, int64_t n, int64_t inner, const Params&) {
  const auto* const from = static_cast<const U*>(in);
  auto* const to = static_cast<uint8_t*>(out);
  if (inner == 1) {
    parallel_for(0, outer, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, n)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t o = begin; o < end; ++o) {
                     to[o] = settles<kAny, kFloat>(from + o * n, n) == kAny;
                   }
                 });
    return;
  }
  constexpr int64_t kWidth = 256;
  const int64_t strips = (inner + kWidth - 1) / kWidth;
  const int64_t unit = std::max<int64_t>(1, n * std::min(inner, kWidth));
  parallel_for(0, outer * strips, std::max<int64_t>(1, kGrain / unit),
               [&](int64_t begin, int64_t end) {
                 for (int64_t k = begin; k < end; ++k) {
                   const int64_t o = k / strips, i = k % strips * kWidth;
                   logic_cols<kAny, kFloat>(from + o * n * inner + i, n, inner,
                                            std::min(kWidth, inner - i), to + o * inner + i);
                 }
               });
}

template <bool kAny>
void fill_one(Backend& b, Reduce op) {
  for_each_element([&]<class T>(T) {
    using U = std::conditional_t<
        sizeof(T) == 1, uint8_t,
        std::conditional_t<sizeof(T) == 2, uint16_t,
                           std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>>;
    b.reduce[static_cast<int>(op)][kDTypeIndex<T>] = logic<kAny, kIsFloat<T>, U>;
  });
}

void fill_table(Backend& b) {
  fill_one<true>(b, Reduce::kAny);
  fill_one<false>(b, Reduce::kAll);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace mt::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {
HWY_EXPORT(fill_table);
void fill_reduce_logic(Backend& b) { HWY_DYNAMIC_DISPATCH(fill_table)(b); }
}  // namespace mt::cpu
#endif
