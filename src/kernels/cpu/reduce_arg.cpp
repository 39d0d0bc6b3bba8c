// argmax and argmin: the first of equal extremes, or the first NaN. Along a run, blocks are
// searched for their extreme value alone, which is fast, and only the winning block for its
// position.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/parallel.h"
#include "kernels/cpu/elements.h"
#include "kernels/cpu/reduce_parts.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/reduce_arg.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/cpu/element-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mt::cpu {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using el::load;
using el::load_some;

constexpr int64_t kGrain = 32768;
constexpr int64_t kBlock = 512;
constexpr int64_t kMaxParts = 64;

template <class C>
bool is_nan(C x) {
  if constexpr (std::is_floating_point_v<C>) return std::isnan(x);
  return false;
}

template <class C, bool kMax>
constexpr C identity() {
  using Limits = std::numeric_limits<C>;
  if constexpr (std::is_floating_point_v<C>) {
    return kMax ? -Limits::infinity() : Limits::infinity();
  } else {
    return kMax ? Limits::lowest() : Limits::max();
  }
}

template <bool kMax, class V>
HWY_INLINE auto beats(V a, V b) {
  if constexpr (kMax) {
    return hn::Gt(a, b);
  } else {
    return hn::Lt(a, b);
  }
}

template <class C>
struct Best {
  C value;
  int64_t index;
};

// Whether a candidate that comes later takes the place of `best`.
template <bool kMax, class C>
bool replaces(C candidate, C best) {
  if (is_nan(best)) return false;
  return is_nan(candidate) || (kMax ? candidate > best : candidate < best);
}

// The extreme of 0 < n elements; NaN if there is one.
template <bool kMax, class C, class T>
C block_extreme(const T* in, int64_t n) {
  const hn::ScalableTag<C> d;
  const int64_t lanes = el::lanes(d);
  const auto start = hn::Set(d, identity<C, kMax>());
  auto a0 = start, a1 = start;
  // The hardware's maximum drops NaN, which is looked for apart.
  auto nan = hn::Zero(d);
  const auto see = [&](auto& acc, auto x) MT_VECTOR_LAMBDA {
    acc = kMax ? hn::Max(x, acc) : hn::Min(x, acc);
    if constexpr (std::is_floating_point_v<C>) nan = hn::Or(nan, hn::VecFromMask(d, hn::IsNaN(x)));
  };
  int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    see(a0, load(d, in + i));
    see(a1, load(d, in + i + lanes));
  }
  for (; i + lanes <= n; i += lanes) see(a0, load(d, in + i));
  if (i < n) see(a1, load_some(d, in + i, n - i, start));
  if constexpr (std::is_floating_point_v<C>) {
    if (!hn::AllFalse(d, hn::MaskFromVec(nan))) return std::numeric_limits<C>::quiet_NaN();
  }
  see(a0, a1);
  return el::extreme_of_lanes<kMax>(d, a0);
}

// The place of the first element that is `value`, which is there; NaN is NaN.
template <class C, class T>
int64_t find_first(const T* in, int64_t n, C value) {
  const hn::ScalableTag<C> d;
  const auto wanted = hn::Set(d, value);
  int64_t i = 0;
  for (; i + el::lanes(d) <= n; i += el::lanes(d)) {
    const auto x = load(d, in + i);
    auto found = hn::Eq(x, wanted);
    if constexpr (std::is_floating_point_v<C>) {
      if (is_nan(value)) found = hn::IsNaN(x);
    }
    const auto lane = hn::FindFirstTrue(d, found);
    if (lane >= 0) return i + static_cast<int64_t>(lane);
  }
  while (i + 1 < n &&
         !(convert<C>(in[i]) == value || (is_nan(value) && is_nan(convert<C>(in[i]))))) {
    ++i;
  }
  return i;
}

template <bool kMax, class T>
Best<el::Compute<T>> arg_run(const T* in, int64_t n) {
  using C = el::Compute<T>;
  Best<C> best{identity<C, kMax>(), 0};
  for (int64_t i = 0; i < n && !is_nan(best.value); i += kBlock) {
    const C extreme = block_extreme<kMax, C>(in + i, std::min(kBlock, n - i));
    if (replaces<kMax>(extreme, best.value)) best = {extreme, i};
  }
  best.index += find_first<C>(in + best.index, n - best.index, best.value);
  return best;
}

template <bool kMax, class T>
int64_t arg_row(const T* in, int64_t n) {
  const int64_t parts = fold_parts(n, 1);
  if (parts == 1) return arg_run<kMax>(in, n).index;
  Best<el::Compute<T>> found[kMaxParts];
  parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const PartRange r = part_range(i, parts, n);
      found[i] = arg_run<kMax>(in + r.begin, r.end - r.begin);
      found[i].index += r.begin;
    }
  });
  Best<el::Compute<T>> best = found[0];
  for (int64_t i = 1; i < parts; ++i) {
    if (replaces<kMax>(found[i].value, best.value)) best = found[i];
  }
  return best.index;
}

// At most one vector of columns. Positions are counted in the width of the values, in chunks that
// fit any width.
template <bool kMax, class T>
void arg_cols(const T* in, int64_t n, int64_t stride, int64_t count, int64_t* out) {
  using C = el::Compute<T>;
  using I = std::conditional_t<sizeof(C) == 8, int64_t, int32_t>;
  constexpr int64_t kChunk = int64_t{1} << 30;
  const hn::ScalableTag<C> d;
  const hn::Rebind<I, decltype(d)> di;
  const auto rest = hn::Zero(d);
  const bool whole = count == el::lanes(d);
  auto best = whole ? load(d, in) : load_some(d, in, count, rest);
  std::fill_n(out, count, 0);
  for (int64_t start = 0; start < n; start += kChunk) {
    auto index = hn::Set(di, I(-1));
    const int64_t end = std::min(n, start + kChunk);
    for (int64_t j = start; j < end; ++j) {
      const T* const row = in + j * stride;
      const auto x = whole ? load(d, row) : load_some(d, row, count, rest);
      auto better = beats<kMax>(x, best);
      if constexpr (std::is_floating_point_v<C>) {
        better = hn::Or(better, hn::And(hn::IsNaN(x), hn::Not(hn::IsNaN(best))));
      }
      best = hn::IfThenElse(better, x, best);
      index =
          hn::IfThenElse(hn::RebindMask(di, better), hn::Set(di, static_cast<I>(j - start)), index);
    }
    HWY_ALIGN I found[hn::MaxLanes(di)];
    hn::Store(index, di, found);
    for (int64_t i = 0; i < count; ++i) {
      if (found[i] >= 0) out[i] = start + found[i];
    }
  }
}

template <bool kMax, class T>
void arg(const void* in, void* out, int64_t outer, int64_t n, int64_t inner, const Params&) {
  const auto* const from = static_cast<const T*>(in);
  auto* const to = static_cast<int64_t*>(out);
  if (inner == 1) {
    const auto rows = [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) to[o] = arg_row<kMax>(from + o * n, n);
    };
    if (fold_parts(n, 1) > 1) {
      rows(0, outer);
    } else {
      parallel_for(0, outer, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, n)), rows);
    }
    return;
  }
  const int64_t width = el::lanes(hn::ScalableTag<el::Compute<T>>());
  const int64_t strips = (inner + width - 1) / width;
  parallel_for(0, outer * strips, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, n * width)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t unit = begin; unit < end; ++unit) {
                   const int64_t o = unit / strips, i = unit % strips * width;
                   arg_cols<kMax>(from + o * n * inner + i, n, inner, std::min(width, inner - i),
                                  to + o * inner + i);
                 }
               });
}

void fill_table(Backend& b) {
  for_each_element([&]<class T>(T) {
    b.reduce[static_cast<int>(Reduce::kArgmax)][kDTypeIndex<T>] = arg<true, T>;
    b.reduce[static_cast<int>(Reduce::kArgmin)][kDTypeIndex<T>] = arg<false, T>;
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace mt::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {
HWY_EXPORT(fill_table);
void fill_reduce_arg(Backend& b) { HWY_DYNAMIC_DISPATCH(fill_table)(b); }
}  // namespace mt::cpu
#endif
