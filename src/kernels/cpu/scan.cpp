// The softmax family along n of [outer, n, inner]: vectors run along n where inner is 1, and over
// neighbouring columns otherwise. Sums of a few dozen terms are made in the element's compute type
// and these are added in double along rows, or as a second level in columns.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/parallel.h"
#include "kernels/backend.h"
#include "kernels/cpu/elements.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/scan.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "hwy/contrib/math/math-inl.h"
#include "kernels/cpu/element-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mt::cpu {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using el::load;
using el::load_some;
using el::store;
using el::store_some;

constexpr int64_t kGrain = 8192;
constexpr int64_t kDepth = 32;  // terms of a sum before it goes to the next level

template <class D, class V>
HWY_INLINE V exp(D d, V x) {
  // Highway's Exp makes 0 of NaN; its range ends a little above the last finite result.
  const V top = hn::Set(d, static_cast<hn::TFromD<D>>(sizeof(hn::TFromD<D>) == 4 ? 88.8 : 709.9));
  return hn::IfThenElse(hn::IsNaN(x), x, hn::Exp(d, hn::Min(x, top)));
}

// Calls f(i, count) for the vectors of [0, n); count is below `lanes` for the last alone.
template <class F>
HWY_INLINE void each_vector(int64_t begin, int64_t end, int64_t lanes, const F& f) {
  int64_t i = begin;
  for (; i + lanes <= end; i += lanes) f(i, lanes);
  if (i < end) f(i, end - i);
}

// The largest element; NaN may be ignored, as it reaches every result through the sum.
template <class C, class T>
C row_max(const T* in, int64_t n) {
  const hn::ScalableTag<C> d;
  const int64_t lanes = el::lanes(d);
  const auto lowest = hn::Set(d, -std::numeric_limits<C>::infinity());
  auto a0 = lowest, a1 = lowest, a2 = lowest, a3 = lowest;
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    a0 = hn::Max(load(d, in + i), a0);
    a1 = hn::Max(load(d, in + i + lanes), a1);
    a2 = hn::Max(load(d, in + i + 2 * lanes), a2);
    a3 = hn::Max(load(d, in + i + 3 * lanes), a3);
  }
  for (; i + lanes <= n; i += lanes) a0 = hn::Max(load(d, in + i), a0);
  if (i < n) a1 = hn::Max(load_some(d, in + i, n - i, lowest), a1);
  return el::extreme_of_lanes<true>(d, hn::Max(hn::Max(a0, a1), hn::Max(a2, a3)));
}

// Sum over [0, n) of term(i, count), a vector with zeros behind `count`, in blocks added in double.
template <class D, class F>
HWY_INLINE double row_sum(D d, int64_t n, const F& term) {
  const int64_t lanes = el::lanes(d), block = 2 * kDepth * lanes;
  double sum = 0;
  for (int64_t begin = 0; begin < n; begin += block) {
    const int64_t end = std::min(n, begin + block);
    auto a0 = hn::Zero(d), a1 = a0;
    int64_t i = begin;
    for (; i + 2 * lanes <= end; i += 2 * lanes) {
      a0 = hn::Add(a0, term(i, lanes));
      a1 = hn::Add(a1, term(i + lanes, lanes));
    }
    for (; i < end; i += lanes) a0 = hn::Add(a0, term(i, std::min(lanes, end - i)));
    sum += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(a0, a1))));
  }
  return sum;
}

template <class D, class T>
HWY_INLINE hn::Vec<D> load_up_to(D d, const T* p, int64_t count, hn::Vec<D> rest) {
  return count == el::lanes(d) ? load(d, p) : load_some(d, p, count, rest);
}
template <class D, class T>
HWY_INLINE void store_up_to(D d, hn::Vec<D> v, T* p, int64_t count) {
  if (count == el::lanes(d)) {
    store(d, v, p);
  } else {
    store_some(d, v, p, count);
  }
}

// ---- Along rows. Half types are not kept as exponentials, which would round twice: they are
// computed again.
template <class T, bool kLog>
void softmax_row(const T* in, const T*, T* out, int64_t n) {
  using C = el::Compute<T>;
  const hn::ScalableTag<C> d;
  const auto lowest = hn::Set(d, -std::numeric_limits<C>::infinity());
  const auto max = hn::Set(d, row_max<C>(in, n));
  constexpr bool kKeep = !kLog && std::is_same_v<C, T>;
  const double sum = row_sum(d, n, [&](int64_t i, int64_t count) HWY_ATTR {
    // Behind the end -inf gives the zero that a sum wants.
    auto e = exp(d, hn::Sub(load_up_to(d, in + i, count, lowest), max));
    if (count < el::lanes(d)) e = hn::IfThenElseZero(hn::FirstN(d, static_cast<size_t>(count)), e);
    if constexpr (kKeep) store_up_to(d, e, out + i, count);
    return e;
  });
  if constexpr (kLog) {
    const auto log_sum = hn::Set(d, static_cast<C>(std::log(sum)));
    each_vector(0, n, el::lanes(d), [&](int64_t i, int64_t count) HWY_ATTR {
      const auto x = load_up_to(d, in + i, count, lowest);
      store_up_to(d, hn::Sub(hn::Sub(x, max), log_sum), out + i, count);
    });
  } else {
    const auto divisor = hn::Set(d, static_cast<C>(sum));
    each_vector(0, n, el::lanes(d), [&](int64_t i, int64_t count) HWY_ATTR {
      auto e = load_up_to(d, (kKeep ? out : in) + i, count, lowest);
      if constexpr (!kKeep) e = exp(d, hn::Sub(e, max));
      store_up_to(d, hn::Div(e, divisor), out + i, count);
    });
  }
}

// The slope: (g - sum(g y)) y, or g - exp(y) sum(g) where y is the log.
template <bool kLog, class D, class V>
HWY_INLINE V slope(D d, V g, V y, V sum) {
  if constexpr (kLog) {
    return hn::Sub(g, hn::Mul(exp(d, y), sum));
  } else {
    return hn::Mul(hn::Sub(g, sum), y);
  }
}

template <class T, bool kLog>
void backward_row(const T* grad, const T* y, T* out, int64_t n) {
  using C = el::Compute<T>;
  const hn::ScalableTag<C> d;
  const auto zero = hn::Zero(d);
  const auto sum = hn::Set(d, static_cast<C>(row_sum(d, n, [&](int64_t i, int64_t count) HWY_ATTR {
                             const auto g = load_up_to(d, grad + i, count, zero);
                             if constexpr (kLog) return g;
                             return hn::Mul(g, load_up_to(d, y + i, count, zero));
                           })));
  each_vector(0, n, el::lanes(d), [&](int64_t i, int64_t count) HWY_ATTR {
    const auto g = load_up_to(d, grad + i, count, zero);
    const auto v = load_up_to(d, y + i, count, zero);
    store_up_to(d, slope<kLog>(d, g, v, sum), out + i, count);
  });
}

// ---- Over columns: `count` of them, at most a vector. `inner` leads from one element of a column
// to the next.
template <class D, class F>
HWY_INLINE hn::Vec<D> column_sum(D d, int64_t n, const F& term) {
  auto sum = hn::Zero(d);
  for (int64_t begin = 0; begin < n; begin += kDepth) {
    const int64_t end = std::min(n, begin + kDepth);
    auto block = hn::Zero(d);
    for (int64_t j = begin; j < end; ++j) block = hn::Add(block, term(j));
    sum = hn::Add(sum, block);
  }
  return sum;
}

template <class D>
HWY_INLINE hn::Vec<D> log_of(D d, hn::Vec<D> v) {
  HWY_ALIGN hn::TFromD<D> lanes[hn::MaxLanes(D())];
  hn::Store(v, d, lanes);
  for (int64_t i = 0; i < el::lanes(d); ++i) lanes[i] = std::log(lanes[i]);
  return hn::Load(d, lanes);
}

template <class T, bool kLog>
void softmax_cols(const T* in, const T*, T* out, int64_t n, int64_t inner, int64_t count) {
  using C = el::Compute<T>;
  const hn::ScalableTag<C> d;
  const auto zero = hn::Zero(d);
  auto max = hn::Set(d, -std::numeric_limits<C>::infinity());
  for (int64_t j = 0; j < n; ++j) max = hn::Max(load_up_to(d, in + j * inner, count, zero), max);
  constexpr bool kKeep = !kLog && std::is_same_v<C, T>;
  const auto sum = column_sum(d, n, [&](int64_t j) HWY_ATTR {
    const auto e = exp(d, hn::Sub(load_up_to(d, in + j * inner, count, zero), max));
    if constexpr (kKeep) store_up_to(d, e, out + j * inner, count);
    return e;
  });
  const auto last = kLog ? log_of(d, sum) : sum;
  for (int64_t j = 0; j < n; ++j) {
    auto x = load_up_to(d, (kKeep ? out : in) + j * inner, count, zero);
    if constexpr (!kKeep) x = hn::Sub(x, max);
    if constexpr (kLog) {
      x = hn::Sub(x, last);
    } else {
      x = hn::Div(kKeep ? x : exp(d, x), last);
    }
    store_up_to(d, x, out + j * inner, count);
  }
}

template <class T, bool kLog>
void backward_cols(const T* grad, const T* y, T* out, int64_t n, int64_t inner, int64_t count) {
  const hn::ScalableTag<el::Compute<T>> d;
  const auto zero = hn::Zero(d);
  const auto sum = column_sum(d, n, [&](int64_t j) HWY_ATTR {
    const auto g = load_up_to(d, grad + j * inner, count, zero);
    if constexpr (kLog) return g;
    return hn::Mul(g, load_up_to(d, y + j * inner, count, zero));
  });
  for (int64_t j = 0; j < n; ++j) {
    const auto g = load_up_to(d, grad + j * inner, count, zero);
    const auto v = load_up_to(d, y + j * inner, count, zero);
    store_up_to(d, slope<kLog>(d, g, v, sum), out + j * inner, count);
  }
}

template <class T, bool kBackward, bool kLog>
void scan(const void* a, const void* b, void* out, int64_t outer, int64_t n, int64_t inner) {
  const auto* const pa = static_cast<const T*>(a);
  const auto* const pb = static_cast<const T*>(b);
  auto* const to = static_cast<T*>(out);
  if (n == 0 || inner == 0) return;
  if (inner == 1) {
    parallel_for(0, outer, std::max<int64_t>(1, kGrain / n), [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) {
        const auto row = kBackward ? backward_row<T, kLog> : softmax_row<T, kLog>;
        row(pa + o * n, pb + o * n, to + o * n, n);
      }
    });
    return;
  }
  const int64_t width = el::lanes(hn::ScalableTag<el::Compute<T>>());
  const int64_t strips = (inner + width - 1) / width;
  parallel_for(0, outer * strips, std::max<int64_t>(1, kGrain / (n * std::min(width, inner))),
               [&](int64_t begin, int64_t end) {
                 for (int64_t unit = begin; unit < end; ++unit) {
                   const int64_t i = unit % strips * width;
                   const int64_t at = unit / strips * n * inner + i;
                   const auto cols = kBackward ? backward_cols<T, kLog> : softmax_cols<T, kLog>;
                   cols(pa + at, pb + at, to + at, n, inner, std::min(width, inner - i));
                 }
               });
}

void fill_table(Backend& b) {
  for_each_element([&]<class T>(T) {
    if constexpr (kIsFloat<T>) {
      const auto set = [&](Scan op, ScanKernel kernel) {
        b.scan[static_cast<int>(op)][kDTypeIndex<T>] = kernel;
      };
      set(Scan::kSoftmax, scan<T, false, false>);
      set(Scan::kLogSoftmax, scan<T, false, true>);
      set(Scan::kSoftmaxBackward, scan<T, true, false>);
      set(Scan::kLogSoftmaxBackward, scan<T, true, true>);
    }
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace mt::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {
HWY_EXPORT(fill_table);
void fill_scan(Backend& b) { HWY_DYNAMIC_DISPATCH(fill_table)(b); }
}  // namespace mt::cpu
#endif
