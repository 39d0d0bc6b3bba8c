// SIMD folds of runs and columns: sum, product, maximum, minimum and squared deviations. A vector
// accumulates a short block, blocks are combined pairwise in a wider type.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/cpu/elements.h"
#include "kernels/cpu/reduce_parts.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/reduce_fold.cpp"
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

// An operation: the type C of the vector accumulators for elements T, the type W that blocks are
// combined in, and both steps.
template <class T>
struct Sum {
  using C = el::Compute<T>;
  using W = std::conditional_t<kIsFloat<T>, double, int64_t>;
  static constexpr C identity() { return C(0); }
  template <class D, class V>
  static HWY_INLINE V step(D, V acc, V x, V) {
    return hn::Add(acc, x);
  }
  static W join(W a, W b) {
    if constexpr (std::is_integral_v<W>) {
      return static_cast<W>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
    } else {
      return a + b;
    }
  }
};

template <class T>
struct Prod : Sum<T> {
  using C = double;  // a block of float32 factors overflows where the whole product does not
  using W = double;
  static constexpr C identity() { return 1; }
  template <class D, class V>
  static HWY_INLINE V step(D, V acc, V x, V) {
    return hn::Mul(acc, x);
  }
  static W join(W a, W b) { return a * b; }
};

// Sum of squared deviations from the mean.
template <class T>
struct Deviation {
  using C = double;
  using W = double;
  static constexpr C identity() { return 0; }
  template <class D, class V>
  static HWY_INLINE V step(D, V acc, V x, V mean) {
    const V deviation = hn::Sub(x, mean);
    return hn::MulAdd(deviation, deviation, acc);
  }
  static W join(W a, W b) { return a + b; }
};

template <class T, bool kMax>
struct Extreme {
  using C = el::Compute<T>;
  using W = C;
  static constexpr C identity() {
    using Limits = std::numeric_limits<C>;
    if constexpr (std::is_floating_point_v<C>) {
      return kMax ? -Limits::infinity() : Limits::infinity();
    } else {
      return kMax ? Limits::lowest() : Limits::max();
    }
  }
  template <class D, class V>
  static HWY_INLINE V step(D, V acc, V x, V) {
    if constexpr (std::is_floating_point_v<C>) {
      const auto keep = kMax ? hn::Ge(acc, x) : hn::Le(acc, x);
      return hn::IfThenElse(hn::Or(keep, hn::IsNaN(acc)), acc,
                            x);  // NaN x: not kept; NaN acc: kept
    } else {
      return kMax ? hn::Max(acc, x) : hn::Min(acc, x);
    }
  }
  static W join(W a, W b) {
    if constexpr (std::is_floating_point_v<C>) {
      if (std::isnan(a)) return a;
    }
    return (kMax ? a >= b : a <= b) ? a : b;
  }
};
template <class T>
using Amax = Extreme<T, true>;
template <class T>
using Amin = Extreme<T, false>;

// Terms accumulated by a lane before they go to W.
constexpr int64_t kDepth = 16;

// Adds the lanes of a vector of float to wide[0, lanes), or sets wide to them.
template <class D>
HWY_INLINE void widen_to([[maybe_unused]] D d, hn::Vec<D> v, double* wide, bool first) {
  const hn::ScalableTag<double> dd;
  const auto put = [=](auto x, double* to) MT_VECTOR_LAMBDA {
    hn::StoreU(first ? x : hn::Add(x, hn::LoadU(dd, to)), dd, to);
  };
#if HWY_TARGET == HWY_SCALAR
  (void)d;
  put(hn::PromoteTo(dd, v), wide);
#else
  const hn::Half<D> half;
  put(hn::PromoteTo(dd, hn::LowerHalf(half, v)), wide);
  put(hn::PromoteTo(dd, hn::UpperHalf(half, v)), wide + el::lanes(dd));
#endif
}

template <class Op, class D, class V>
HWY_INLINE typename Op::W join_lanes(D d, V v) {
  using W = typename Op::W;
  HWY_ALIGN typename Op::C lanes[hn::MaxLanes(D())];
  hn::Store(v, d, lanes);
  W w = static_cast<W>(lanes[0]);
  for (int64_t i = 1; i < el::lanes(d); ++i) w = Op::join(w, static_cast<W>(lanes[i]));
  return w;
}

// The extreme of floats. The hardware's maximum drops NaN, which is looked for apart.
template <bool kMax, class C, class T>
C extreme_of_floats(const T* in, int64_t n) {
  const hn::ScalableTag<C> d;
  const int64_t lanes = el::lanes(d);
  const auto identity = hn::Set(d, Extreme<T, kMax>::identity());
  auto a0 = identity, a1 = identity, a2 = identity, a3 = identity;
  auto nan0 = hn::Zero(d), nan1 = nan0;
  const auto see = [&](auto& acc, auto& nan, auto x) MT_VECTOR_LAMBDA {
    acc = kMax ? hn::Max(x, acc) : hn::Min(x, acc);
    nan = hn::Or(nan, hn::VecFromMask(d, hn::IsNaN(x)));
  };
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    see(a0, nan0, load(d, in + i));
    see(a1, nan1, load(d, in + i + lanes));
    see(a2, nan0, load(d, in + i + 2 * lanes));
    see(a3, nan1, load(d, in + i + 3 * lanes));
  }
  el::each_vector(i, n, lanes, [&](int64_t at, int64_t count) MT_VECTOR_LAMBDA {
    see(a0, nan0, el::load_up_to(d, in + at, count, identity));
  });
  if (!hn::AllFalse(d, hn::MaskFromVec(hn::Or(nan0, nan1)))) {
    return std::numeric_limits<C>::quiet_NaN();
  }
  if constexpr (kMax) {
    return el::extreme_of_lanes<true>(d, hn::Max(hn::Max(a0, a1), hn::Max(a2, a3)));
  } else {
    return el::extreme_of_lanes<false>(d, hn::Min(hn::Min(a0, a1), hn::Min(a2, a3)));
  }
}

template <class Op, class T>
typename Op::W fold_block(const T* in, int64_t n, double mean) {
  using C = typename Op::C;
  const hn::ScalableTag<C> d;
  const int64_t lanes = el::lanes(d);
  // Means are of floats only; integers have no variance.
  const auto center = hn::Set(d, std::is_floating_point_v<C> ? static_cast<C>(mean) : C{});
  const auto identity = hn::Set(d, Op::identity());
  auto a0 = identity, a1 = identity, a2 = identity, a3 = identity;
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    a0 = Op::step(d, a0, load(d, in + i), center);
    a1 = Op::step(d, a1, load(d, in + i + lanes), center);
    a2 = Op::step(d, a2, load(d, in + i + 2 * lanes), center);
    a3 = Op::step(d, a3, load(d, in + i + 3 * lanes), center);
  }
  for (; i + lanes <= n; i += lanes) a0 = Op::step(d, a0, load(d, in + i), center);
  typename Op::W w;
  if constexpr (std::is_same_v<Op, Deviation<T>>) {
    w = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a0, a1), hn::Add(a2, a3))));
    for (; i < n; ++i) {
      const double deviation = convert<double>(in[i]) - mean;
      w += deviation * deviation;
    }
  } else {
    if (i < n) a1 = Op::step(d, a1, load_some(d, in + i, n - i, identity), center);
    a0 = Op::step(d, Op::step(d, a0, a1, center), Op::step(d, a2, a3, center), center);
    if constexpr (std::is_same_v<Op, Sum<T>>) {
      w = hn::GetLane(hn::SumOfLanes(d, a0));
    } else {
      w = join_lanes<Op>(d, a0);
    }
  }
  return w;
}

// The sum of floats, whose lanes go to double after every kDepth terms.
template <class T>
double sum_floats(const T* in, int64_t n) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = el::lanes(d);
  HWY_ALIGN double wide[hn::MaxLanes(d)];
  int64_t i = 0;
  bool first = true;
  while (i < n || first) {
    auto a0 = hn::Zero(d), a1 = a0, a2 = a0, a3 = a0;
    const int64_t end = std::min(n, i + 4 * kDepth * lanes);
    for (; i + 4 * lanes <= end; i += 4 * lanes) {
      a0 = hn::Add(a0, load(d, in + i));
      a1 = hn::Add(a1, load(d, in + i + lanes));
      a2 = hn::Add(a2, load(d, in + i + 2 * lanes));
      a3 = hn::Add(a3, load(d, in + i + 3 * lanes));
    }
    for (; i + lanes <= end; i += lanes) a0 = hn::Add(a0, load(d, in + i));
    if (i < end) a1 = hn::Add(a1, load_some(d, in + i, end - i, hn::Zero(d)));
    i = end;
    const auto sum = hn::Add(hn::Add(a0, a1), hn::Add(a2, a3));
    if (first && i == n) return static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sum)));
    widen_to(d, sum, wide, first);
    first = false;
  }
  double sum = 0;
  for (int64_t k = 0; k < lanes; ++k) sum += wide[k];
  return sum;
}

template <class Op, class T>
typename Op::W fold_pairwise(const T* in, int64_t n, double mean) {
  if constexpr (std::is_same_v<Op, Sum<T>> && std::is_same_v<typename Op::C, float>) {
    return sum_floats(in, n);
  }
  if constexpr (kIsFloat<T> && (std::is_same_v<Op, Amax<T>> || std::is_same_v<Op, Amin<T>>)) {
    return extreme_of_floats<std::is_same_v<Op, Amax<T>>, typename Op::C>(in, n);
  }
  const int64_t block = 8 * kDepth * el::lanes(hn::ScalableTag<typename Op::C>());
  if (n <= block) return fold_block<Op>(in, n, mean);
  const int64_t half = (n / block + 1) / 2 * block;
  const auto first = fold_pairwise<Op>(in, half, mean);
  return Op::join(first, fold_pairwise<Op>(in + half, n - half, mean));
}

template <class Op, class T>
void fold_row(const void* in, int64_t n, const double* means, void* wide) {
  using W = typename Op::W;
  *static_cast<W*>(wide) = fold_pairwise<Op>(static_cast<const T*>(in), n, means ? *means : 0);
}

// Joins a vector of accumulators to wide[0, count).
template <class Op, class D>
HWY_INLINE void flush(D d, hn::Vec<D> v, typename Op::W* wide, int64_t count, bool first) {
  using W = typename Op::W;
  if constexpr (std::is_same_v<typename Op::C, float> && std::is_same_v<W, double>) {
    if (count == el::lanes(d)) return widen_to(d, v, wide, first);
  }
  HWY_ALIGN typename Op::C lanes[hn::MaxLanes(D())];
  hn::Store(v, d, lanes);
  if (first) {
    for (int64_t i = 0; i < count; ++i) wide[i] = static_cast<W>(lanes[i]);
  } else {
    for (int64_t i = 0; i < count; ++i) wide[i] = Op::join(wide[i], static_cast<W>(lanes[i]));
  }
}

template <class D>
HWY_INLINE hn::Vec<D> load_means(D d, const double* means, int64_t i, int64_t count) {
  if constexpr (std::is_same_v<hn::TFromD<D>, double>) {
    if (means == nullptr) return hn::Zero(d);
    return el::load_up_to(d, means + i, count, hn::Zero(d));
  } else {
    return hn::Zero(d);
  }
}

// Rows are taken kDepth at a time, across all columns, so that memory is read in long runs.
template <class Op, class T>
void fold_cols(const T* in, int64_t n, int64_t stride, int64_t count, const double* means,
               typename Op::W* wide) {
  const hn::ScalableTag<typename Op::C> d;
  const int64_t lanes = el::lanes(d);
  const auto identity = hn::Set(d, Op::identity());
  for (int64_t j = 0; j < n || j == 0; j += kDepth) {
    const int64_t rows = std::min(n - j, kDepth);
    const T* const block = in + j * stride;
    int64_t i = 0;
    for (; i + 4 * lanes <= count; i += 4 * lanes) {
      auto a0 = identity, a1 = identity, a2 = identity, a3 = identity;
      const auto m0 = load_means(d, means, i, lanes), m1 = load_means(d, means, i + lanes, lanes);
      const auto m2 = load_means(d, means, i + 2 * lanes, lanes);
      const auto m3 = load_means(d, means, i + 3 * lanes, lanes);
      const T* row = block + i;
      for (int64_t k = 0; k < rows; ++k, row += stride) {
        a0 = Op::step(d, a0, load(d, row), m0);
        a1 = Op::step(d, a1, load(d, row + lanes), m1);
        a2 = Op::step(d, a2, load(d, row + 2 * lanes), m2);
        a3 = Op::step(d, a3, load(d, row + 3 * lanes), m3);
      }
      flush<Op>(d, a0, wide + i, lanes, j == 0);
      flush<Op>(d, a1, wide + i + lanes, lanes, j == 0);
      flush<Op>(d, a2, wide + i + 2 * lanes, lanes, j == 0);
      flush<Op>(d, a3, wide + i + 3 * lanes, lanes, j == 0);
    }
    el::each_vector(i, count, lanes, [&](int64_t at, int64_t width) MT_VECTOR_LAMBDA {
      auto acc = identity;
      const auto mean = load_means(d, means, at, width);
      for (int64_t k = 0; k < rows; ++k) {
        acc = Op::step(d, acc, el::load_up_to(d, block + k * stride + at, width, identity), mean);
      }
      flush<Op>(d, acc, wide + at, width, j == 0);
    });
  }
}

// Few columns would leave most lanes idle: kGroup rows are taken as one row of kGroup times the
// columns, whose results are then joined.
constexpr int64_t kGroup = 16;
constexpr int64_t kFewColumns = 16;

template <class Op, class T>
void fold_cols_entry(const void* in, int64_t n, int64_t stride, int64_t count, const double* means,
                     void* out) {
  using W = typename Op::W;
  auto* const wide = static_cast<W*>(out);
  const auto* from = static_cast<const T*>(in);
  if (stride >= kFewColumns || stride != count || n < 4 * kGroup) {
    return fold_cols<Op>(from, n, stride, count, means, wide);
  }
  const int64_t grouped = kGroup * count;
  W parts[kGroup * kFewColumns];
  double repeated[kGroup * kFewColumns];
  if (means != nullptr) {
    for (int64_t i = 0; i < grouped; ++i) repeated[i] = means[i % count];
  }
  fold_cols<Op>(from, n / kGroup, grouped, grouped, means ? repeated : nullptr, parts);
  fold_cols<Op>(from + n / kGroup * grouped, n % kGroup, stride, count, means, wide);
  for (int64_t step = 1; step < kGroup; step *= 2) {
    for (int64_t g = 0; g + step < kGroup; g += 2 * step) {
      for (int64_t i = 0; i < count; ++i) {
        W& w = parts[g * count + i];
        w = Op::join(w, parts[(g + step) * count + i]);
      }
    }
  }
  for (int64_t i = 0; i < count; ++i) wide[i] = Op::join(parts[i], wide[i]);
}

template <class Op>
void combine(void* into, const void* from, int64_t count) {
  using W = typename Op::W;
  for (int64_t i = 0; i < count; ++i) {
    W& w = static_cast<W*>(into)[i];
    w = Op::join(w, static_cast<const W*>(from)[i]);
  }
}

template <class Op, class T>
constexpr Fold kFold{sizeof(T), sizeof(typename Op::W), fold_row<Op, T>, fold_cols_entry<Op, T>,
                     combine<Op>};

template <class W, class T>
void finish(const void* wide, void* out, int64_t count, int64_t, const Params&) {
  for (int64_t i = 0; i < count; ++i) {
    static_cast<T*>(out)[i] = convert<T>(static_cast<const W*>(wide)[i]);
  }
}

template <class T>
void finish_var(const void* wide, void* out, int64_t count, int64_t n, const Params& p) {
  const double divisor = std::max(0.0, static_cast<double>(n) - p.f[0]);
  for (int64_t i = 0; i < count; ++i) {
    static_cast<T*>(out)[i] = convert<T>(static_cast<const double*>(wide)[i] / divisor);
  }
}

template <class Op, class T>
void reduce(const void* in, void* out, int64_t outer, int64_t n, int64_t inner, const Params& p) {
  run_fold(kFold<Op, T>, nullptr, finish<typename Op::W, T>, sizeof(T), in, out, outer, n, inner,
           p);
}

template <class T>
void var(const void* in, void* out, int64_t outer, int64_t n, int64_t inner, const Params& p) {
  run_fold(kFold<Deviation<T>, T>, &kFold<Sum<T>, T>, finish_var<T>, sizeof(T), in, out, outer, n,
           inner, p);
}

// Products of integers wrap; there is no vector multiplication of 64-bit lanes worth having.
void prod_int64(const void* in, void* out, int64_t outer, int64_t n, int64_t inner, const Params&) {
  const auto* from = static_cast<const uint64_t*>(in);
  auto* to = static_cast<uint64_t*>(out);
  for (int64_t o = 0; o < outer; ++o, to += inner) {
    std::fill_n(to, inner, uint64_t{1});
    for (int64_t j = 0; j < n; ++j, from += inner) {
      for (int64_t i = 0; i < inner; ++i) to[i] *= from[i];
    }
  }
}

template <class T>
void set(Backend& b, Reduce op, ReduceKernel kernel) {
  b.reduce[static_cast<int>(op)][kDTypeIndex<T>] = kernel;
}

void fill_table(Backend& b) {
  for_each_element([&]<class T>(T) {
    set<T>(b, Reduce::kAmax, reduce<Amax<T>, T>);
    set<T>(b, Reduce::kAmin, reduce<Amin<T>, T>);
    if constexpr (kIsFloat<T>) {
      set<T>(b, Reduce::kSum, reduce<Sum<T>, T>);
      set<T>(b, Reduce::kProd, reduce<Prod<T>, T>);
      set<T>(b, Reduce::kVar, var<T>);
    }
  });
  set<int64_t>(b, Reduce::kSum, reduce<Sum<int64_t>, int64_t>);
  set<int64_t>(b, Reduce::kProd, prod_int64);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace mt::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {
HWY_EXPORT(fill_table);
void fill_reduce_fold(Backend& b) { HWY_DYNAMIC_DISPATCH(fill_table)(b); }
}  // namespace mt::cpu
#endif
