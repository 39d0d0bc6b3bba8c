// Losses that end in a sum: of pairs (mse and its kin), negative log likelihood and cross entropy.
// Sums go from short vector blocks to double, over parts that depend on the shape alone.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/parallel.h"
#include "kernels/cpu/elements.h"
#include "kernels/cpu/reduce_parts.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/loss_sums.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/cpu/element-inl.h"
#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mt::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using el::load;
using el::load_some;

constexpr int64_t kDepth = 32;     // vectors added in the element's type before they go to double
constexpr int64_t kMaxParts = 64;  // fold_parts() gives no more

// ---- Pairs -----------------------------------------------------------------------------------

template <class D, class V = hn::Vec<D>>
HWY_INLINE V mse(D, V difference, V, V) {
  return hn::Mul(difference, difference);
}
template <class D, class V = hn::Vec<D>>
HWY_INLINE V l1(D, V difference, V, V) {
  return hn::Abs(difference);
}
// limit: beta; factor: 1 / (2 beta)
template <class D, class V = hn::Vec<D>>
HWY_INLINE V smooth_l1(D d, V difference, V limit, V factor) {
  const V a = hn::Abs(difference);
  const V linear = hn::NegMulAdd(limit, constant(d, 0.5), a);
  return hn::IfThenElse(hn::Lt(a, limit), hn::Mul(hn::Mul(a, a), factor), linear);
}
template <class D, class V = hn::Vec<D>>
HWY_INLINE V huber(D d, V difference, V limit, V) {
  const V a = hn::Abs(difference), half = constant(d, 0.5);
  const V linear = hn::Mul(limit, hn::NegMulAdd(half, limit, a));
  return hn::IfThenElse(hn::Le(a, limit), hn::Mul(hn::Mul(half, a), a), linear);
}

template <PairLoss kLoss, class D, class V = hn::Vec<D>>
HWY_INLINE V pair_term(D d, V difference, V limit, V factor) {
  if constexpr (kLoss == PairLoss::kMse) return mse(d, difference, limit, factor);
  if constexpr (kLoss == PairLoss::kL1) return l1(d, difference, limit, factor);
  if constexpr (kLoss == PairLoss::kSmoothL1) return smooth_l1(d, difference, limit, factor);
  if constexpr (kLoss == PairLoss::kHuber) return huber(d, difference, limit, factor);
}

template <PairLoss kLoss, class T>
double pair_run(const T* x, const T* y, int64_t n, double param) {
  const hn::ScalableTag<el::Compute<T>> d;
  const int64_t lanes = el::lanes(d), block = 4 * kDepth * lanes;
  const auto limit = constant(d, param), factor = constant(d, param > 0 ? 0.5 / param : 0);
  const auto zero = hn::Zero(d);
  const auto term = [&](int64_t i) HWY_ATTR {
    return pair_term<kLoss>(d, hn::Sub(load(d, x + i), load(d, y + i)), limit, factor);
  };
  double sum = 0;
  for (int64_t begin = 0; begin < n; begin += block) {
    const int64_t end = std::min(n, begin + block);
    auto a0 = zero, a1 = zero, a2 = zero, a3 = zero;
    int64_t i = begin;
    for (; i + 4 * lanes <= end; i += 4 * lanes) {
      a0 = hn::Add(a0, term(i));
      a1 = hn::Add(a1, term(i + lanes));
      a2 = hn::Add(a2, term(i + 2 * lanes));
      a3 = hn::Add(a3, term(i + 3 * lanes));
    }
    for (; i + lanes <= end; i += lanes) a0 = hn::Add(a0, term(i));
    if (i < end) {  // equal fill on both sides: no loss behind the end
      const auto tx = load_some(d, x + i, end - i, zero), ty = load_some(d, y + i, end - i, zero);
      a1 = hn::Add(a1, pair_term<kLoss>(d, hn::Sub(tx, ty), limit, factor));
    }
    a0 = hn::Add(hn::Add(a0, a1), hn::Add(a2, a3));
    sum += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, a0)));
  }
  return sum;
}

template <PairLoss kLoss, class T>
void pair_loss(const void* x, const void* y, void* out, int64_t n, const Params& p) {
  const auto* const px = static_cast<const T*>(x);
  const auto* const py = static_cast<const T*>(y);
  const int64_t parts = fold_parts(n, 1);
  double sum = 0;
  if (parts == 1) {
    sum = pair_run<kLoss>(px, py, n, p.f[1]);
  } else {
    double sums[kMaxParts];
    parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const PartRange r = part_range(i, parts, n);
        sums[i] = pair_run<kLoss>(px + r.begin, py + r.begin, r.end - r.begin, p.f[1]);
      }
    });
    for (int64_t i = 0; i < parts; ++i) sum += sums[i];
  }
  *static_cast<T*>(out) = convert<T>(sum / p.f[0]);
}

// ---- Negative log likelihood -----------------------------------------------------------------

// Adds up f(row), a NllSums each, over n rows of `width` values.
template <class F>
NllSums sum_rows(int64_t n, int64_t width, const F& f) {
  const int64_t parts = fold_parts(n, std::max<int64_t>(1, width));
  NllSums sums[kMaxParts];
  parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      const PartRange r = part_range(part, parts, n);
      NllSums s{0, 0};
      for (int64_t i = r.begin; i < r.end; ++i) {
        const NllSums one = f(i);
        s.loss += one.loss;
        s.weight += one.weight;
      }
      sums[part] = s;
    }
  });
  for (int64_t part = 1; part < parts; ++part) {
    sums[0].loss += sums[part].loss;
    sums[0].weight += sums[part].weight;
  }
  return sums[0];
}

template <class T>
double weight_of(const NllArgs& a, int64_t target) {
  return a.weight ? convert<double>(static_cast<const T*>(a.weight)[target]) : 1;
}

// The loss of target number i, made by term(target); what is ignored counts nothing.
template <class T, class F>
NllSums one_loss(const NllArgs& a, int64_t i, const F& term) {
  const int64_t target = a.target[i];
  NllSums one{0, 0};
  if (target != a.ignore_index) {
    one.weight = weight_of<T>(a, target);
    one.loss = one.weight * term(target);
  }
  if (a.loss) static_cast<T*>(a.loss)[i] = convert<T>(one.loss);
  return one;
}

template <class T>
NllSums nll(const NllArgs& a) {
  const auto* const x = static_cast<const T*>(a.x);
  return sum_rows(a.n * a.s, 1, [&](int64_t i) {
    return one_loss<T>(a, i, [&](int64_t target) {
      return -convert<double>(x[(i / a.s * a.c + target) * a.s + i % a.s]);
    });
  });
}

// scale * gradient * weight of target i; 0 where ignored.
template <class T>
double slope_of(const NllArgs& a, int64_t i) {
  const int64_t target = a.target[i];
  if (target == a.ignore_index) return 0;
  return a.scale * convert<double>(static_cast<const T*>(a.grad)[i * a.grad_stride]) *
         weight_of<T>(a, target);
}

template <class T>
void nll_backward(const NllArgs& a) {
  auto* const out = static_cast<T*>(a.out);
  const int64_t image = a.c * a.s;
  parallel_for(0, a.n, 1 + 16384 / std::max<int64_t>(1, image), [&](int64_t begin, int64_t end) {
    std::fill(out + begin * image, out + end * image, T{});
    for (int64_t i = begin * a.s; i < end * a.s; ++i) {
      if (a.target[i] == a.ignore_index) continue;
      out[(i / a.s * a.c + a.target[i]) * a.s + i % a.s] = convert<T>(-slope_of<T>(a, i));
    }
  });
}

// ---- Cross entropy ---------------------------------------------------------------------------

// The largest element; NaN may be missed here, as it reaches the sum.
template <class T>
el::Compute<T> row_max(const T* in, int64_t n) {
  using C = el::Compute<T>;
  const hn::ScalableTag<C> d;
  const int64_t lanes = el::lanes(d);
  const auto lowest = hn::Set(d, -std::numeric_limits<C>::infinity());
  auto a0 = lowest, a1 = lowest;
  int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    a0 = hn::Max(load(d, in + i), a0);
    a1 = hn::Max(load(d, in + i + lanes), a1);
  }
  for (; i + lanes <= n; i += lanes) a0 = hn::Max(load(d, in + i), a0);
  if (i < n) a1 = hn::Max(load_some(d, in + i, n - i, lowest), a1);
  return el::extreme_of_lanes<true>(d, hn::Max(a0, a1));
}

// sum(exp(in - max))
template <class T>
double sum_exp(const T* in, int64_t n, el::Compute<T> max) {
  using C = el::Compute<T>;
  const hn::ScalableTag<C> d;
  const int64_t lanes = el::lanes(d), block = 2 * kDepth * lanes;
  const auto shift = hn::Set(d, max), lowest = hn::Set(d, -std::numeric_limits<C>::infinity());
  double sum = 0;
  for (int64_t begin = 0; begin < n; begin += block) {
    const int64_t end = std::min(n, begin + block);
    auto a0 = hn::Zero(d), a1 = hn::Zero(d);
    int64_t i = begin;
    for (; i + 2 * lanes <= end; i += 2 * lanes) {
      a0 = hn::Add(a0, exp(d, hn::Sub(load(d, in + i), shift)));
      a1 = hn::Add(a1, exp(d, hn::Sub(load(d, in + i + lanes), shift)));
    }
    for (; i + lanes <= end; i += lanes) {
      a0 = hn::Add(a0, exp(d, hn::Sub(load(d, in + i), shift)));
    }
    if (i < end) {
      const auto e = exp(d, hn::Sub(load_some(d, in + i, end - i, lowest), shift));
      const auto mask = hn::FirstN(d, static_cast<size_t>(end - i));
      a1 = hn::Add(a1, hn::IfThenElseZero(mask, e));
    }
    sum += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(a0, a1))));
  }
  return sum;
}

template <class T>
NllSums cross_entropy(const NllArgs& a) {
  const auto* const x = static_cast<const T*>(a.x);
  return sum_rows(a.n, a.c, [&](int64_t i) {
    const T* const row = x + i * a.c;
    return one_loss<T>(a, i, [&](int64_t target) {
      const auto max = row_max(row, a.c);
      const double log_sum = std::log(sum_exp(row, a.c, max));
      a.stats[2 * i] = static_cast<double>(max);
      a.stats[2 * i + 1] = log_sum;
      return log_sum - (convert<double>(row[target]) - static_cast<double>(max));
    });
  });
}

// (softmax(x) - 1 at the target) * slope
template <class T>
void cross_entropy_row(const T* row, T* out, int64_t n, int64_t target, const double* stats,
                       double slope) {
  using C = el::Compute<T>;
  const hn::ScalableTag<C> d;
  const int64_t lanes = el::lanes(d);
  const auto max = constant(d, stats[0]), log_sum = constant(d, stats[1]);
  const auto factor = constant(d, slope);
  const auto value = [&](auto v) HWY_ATTR {
    return hn::Mul(exp(d, hn::Sub(hn::Sub(v, max), log_sum)), factor);
  };
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) el::store(d, value(load(d, row + i)), out + i);
  if (i < n) el::store_some(d, value(load_some(d, row + i, n - i, max)), out + i, n - i);
  if constexpr (std::is_same_v<C, T>) {
    out[target] -= static_cast<C>(slope);
  } else {  // not from the rounded value
    const double p = std::exp(convert<double>(row[target]) - stats[0] - stats[1]);
    out[target] = convert<T>((p - 1) * slope);
  }
}

template <class T>
void cross_entropy_backward(const NllArgs& a) {
  const auto* const x = static_cast<const T*>(a.x);
  auto* const out = static_cast<T*>(a.out);
  parallel_for(0, a.n, 1 + 8192 / std::max<int64_t>(1, a.c), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T* const to = out + i * a.c;
      if (a.target[i] == a.ignore_index) {
        std::fill(to, to + a.c, T{});
        continue;
      }
      cross_entropy_row(x + i * a.c, to, a.c, a.target[i], a.stats + 2 * i, slope_of<T>(a, i));
    }
  });
}

template <PairLoss kLoss, class T>
void set_pair(Backend& b) {
  b.pair_loss[static_cast<int>(kLoss)][kDTypeIndex<T>] = pair_loss<kLoss, T>;
}

void fill_of_target(Backend& b) {
  for_each_element([&]<class T>(T) {
    if constexpr (cpu::kIsFloat<T>) {
      set_pair<PairLoss::kMse, T>(b);
      set_pair<PairLoss::kL1, T>(b);
      set_pair<PairLoss::kSmoothL1, T>(b);
      set_pair<PairLoss::kHuber, T>(b);
      b.nll[kDTypeIndex<T>] = nll<T>;
      b.nll_backward[kDTypeIndex<T>] = nll_backward<T>;
      b.cross_entropy[kDTypeIndex<T>] = cross_entropy<T>;
      b.cross_entropy_backward[kDTypeIndex<T>] = cross_entropy_backward<T>;
    }
  });
}

}  // namespace
}  // namespace mt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {
HWY_EXPORT(fill_of_target);
void fill_loss_sums(Backend& b) { HWY_DYNAMIC_DISPATCH(fill_of_target)(b); }
}  // namespace mt::cpu
#endif
