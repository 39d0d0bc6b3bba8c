// Batch, layer, group and instance normalisation: one forward and one backward for all of them.
// Sums go from short runs of vectors to double; mean and variance take two passes.
#include <algorithm>
#include <cmath>

#include "core/parallel.h"
#include "core/tensor.h"
#include "kernels/cpu/elements.h"
#include "kernels/window.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/norm.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace mt::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t kGrain = 1 << 14;  // least values worth a thread
constexpr int64_t kDepth = 64;       // vectors added before they go to double

template <class T>
int64_t lanes_of() {
  return static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>()));
}

// Adds up first(i) and second(i), which give a vector for i; n is a multiple of the lanes.
template <class T, class F>
HWY_INLINE void sum_two(int64_t n, double* first, double* second, const F& f) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = lanes_of<T>();
  for (int64_t begin = 0; begin < n; begin += kDepth * lanes) {
    const int64_t end = std::min(n, begin + kDepth * lanes);
    auto a0 = hn::Zero(d), a1 = a0, b0 = a0, b1 = a0;
    int64_t i = begin;
    for (; i + 2 * lanes <= end; i += 2 * lanes) {
      f(i, a0, b0);
      f(i + lanes, a1, b1);
    }
    if (i < end) f(i, a0, b0);
    *first += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(a0, a1))));
    *second += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(b0, b1))));
  }
}

template <class T>
double sum(const T* x, int64_t n) {
  const hn::ScalableTag<T> d;
  double total = 0, unused = 0;
  const int64_t whole = n / lanes_of<T>() * lanes_of<T>();
  using V = hn::Vec<decltype(d)>;
  sum_two<T>(whole, &total, &unused,
             [&](int64_t i, V& a, V&) HWY_ATTR { a = hn::Add(a, hn::LoadU(d, x + i)); });
  for (int64_t i = whole; i < n; ++i) total += static_cast<double>(x[i]);
  return total;
}

template <class T>
double squares(const T* x, int64_t n, T mean) {
  const hn::ScalableTag<T> d;
  double total = 0, unused = 0;
  const int64_t whole = n / lanes_of<T>() * lanes_of<T>();
  const auto m = hn::Set(d, mean);
  using V = hn::Vec<decltype(d)>;
  sum_two<T>(whole, &total, &unused, [&](int64_t i, V& a, V&) HWY_ATTR {
    const V v = hn::Sub(hn::LoadU(d, x + i), m);
    a = hn::MulAdd(v, v, a);
  });
  for (int64_t i = whole; i < n; ++i) total += static_cast<double>((x[i] - mean) * (x[i] - mean));
  return total;
}

// Sums of g and of g * (x - mean).
template <class T>
void slope_sums(const T* g, const T* x, int64_t n, T mean, double* sum_g, double* sum_gx) {
  const hn::ScalableTag<T> d;
  const int64_t whole = n / lanes_of<T>() * lanes_of<T>();
  const auto m = hn::Set(d, mean);
  using V = hn::Vec<decltype(d)>;
  sum_two<T>(whole, sum_g, sum_gx, [&](int64_t i, V& a, V& b) HWY_ATTR {
    const V v = hn::LoadU(d, g + i);
    a = hn::Add(a, v);
    b = hn::MulAdd(v, hn::Sub(hn::LoadU(d, x + i), m), b);
  });
  for (int64_t i = whole; i < n; ++i) {
    *sum_g += static_cast<double>(g[i]);
    *sum_gx += static_cast<double>(g[i] * (x[i] - mean));
  }
}

// The same of g * w, one w a value; adds g * (x - mean) * rstd to dw and g to db.
template <class T>
void slope_sums(const T* g, const T* x, const T* w, T* dw, T* db, int64_t n, T mean, T rstd,
                double* sum_g, double* sum_gx) {
  const hn::ScalableTag<T> d;
  const int64_t whole = n / lanes_of<T>() * lanes_of<T>();
  const auto m = hn::Set(d, mean), r = hn::Set(d, rstd);
  using V = hn::Vec<decltype(d)>;
  sum_two<T>(whole, sum_g, sum_gx, [&](int64_t i, V& a, V& b) HWY_ATTR {
    const V v = hn::LoadU(d, g + i), from_mean = hn::Sub(hn::LoadU(d, x + i), m);
    if (dw) hn::StoreU(hn::MulAdd(v, hn::Mul(from_mean, r), hn::LoadU(d, dw + i)), d, dw + i);
    if (db) hn::StoreU(hn::Add(v, hn::LoadU(d, db + i)), d, db + i);
    const V vw = w ? hn::Mul(v, hn::LoadU(d, w + i)) : v;
    a = hn::Add(a, vw);
    b = hn::MulAdd(vw, from_mean, b);
  });
  for (int64_t i = whole; i < n; ++i) {
    const T from_mean = x[i] - mean, gw = w ? g[i] * w[i] : g[i];
    if (dw) dw[i] += g[i] * from_mean * rstd;
    if (db) db[i] += g[i];
    *sum_g += static_cast<double>(gw);
    *sum_gx += static_cast<double>(gw * from_mean);
  }
}

// y = x * scale + shift
template <class T>
void affine(const T* x, T* y, int64_t n, T scale, T shift) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = lanes_of<T>();
  const auto a = hn::Set(d, scale), b = hn::Set(d, shift);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::MulAdd(hn::LoadU(d, x + i), a, b), d, y + i);
  for (; i < n; ++i) y[i] = std::fma(x[i], scale, shift);
}

// y = (x * scale + shift) * w + b, one w and b a value; either may be null
template <class T>
void affine(const T* x, const T* w, const T* b, T* y, int64_t n, T scale, T shift) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = lanes_of<T>();
  const auto s = hn::Set(d, scale), t = hn::Set(d, shift);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    auto v = hn::MulAdd(hn::LoadU(d, x + i), s, t);
    const auto vb = b ? hn::LoadU(d, b + i) : hn::Zero(d);
    v = w ? hn::MulAdd(v, hn::LoadU(d, w + i), vb) : hn::Add(v, vb);
    hn::StoreU(v, d, y + i);
  }
  for (; i < n; ++i) {
    const T v = std::fma(x[i], scale, shift);
    const T shift_i = b ? b[i] : T(0);
    y[i] = w ? std::fma(v, w[i], shift_i) : v + shift_i;
  }
}

// dx = g * a + (x - mean) * b + c; with w: g * w * a + ...
template <class T>
void slope(const T* g, const T* x, const T* w, T* dx, int64_t n, T mean, T a, T b, T c) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = lanes_of<T>();
  const auto m = hn::Set(d, mean), va = hn::Set(d, a), vb = hn::Set(d, b), vc = hn::Set(d, c);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    auto v = hn::LoadU(d, g + i);
    if (w) v = hn::Mul(v, hn::LoadU(d, w + i));
    const auto from_mean = hn::Sub(hn::LoadU(d, x + i), m);
    hn::StoreU(hn::MulAdd(v, va, hn::MulAdd(from_mean, vb, vc)), d, dx + i);
  }
  for (; i < n; ++i) dx[i] = (w ? g[i] * w[i] : g[i]) * a + ((x[i] - mean) * b + c);
}

template <class T>
void norm(const NormArgs& a) {
  const auto* const x = static_cast<const T*>(a.x);
  const auto* const weight = static_cast<const T*>(a.weight);
  const auto* const bias = static_cast<const T*>(a.bias);
  auto* const y = static_cast<T*>(a.y);
  const int64_t count = a.outer * a.inner, step = a.groups * a.inner;
  const bool each = a.channels == a.inner && a.outer == 1;  // one channel a value
  const int64_t run = a.channels ? a.inner / a.channels : 0;
  parallel_for(0, a.groups, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, count)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) {
                   const T* const from = x + i * a.inner;
                   T* const to = y + i * a.inner;
                   T* const mean = static_cast<T*>(a.mean) + i;
                   T* const rstd = static_cast<T*>(a.rstd) + i;
                   if (!a.given) {
                     double total = 0, deviation = 0;
                     for (int64_t n = 0; n < a.outer; ++n) total += sum(from + n * step, a.inner);
                     const double m = total / static_cast<double>(count);
                     *mean = static_cast<T>(m);
                     for (int64_t n = 0; n < a.outer; ++n) {
                       deviation += squares(from + n * step, a.inner, *mean);
                     }
                     const double var = deviation / static_cast<double>(count);
                     *rstd = T(1) / std::sqrt(static_cast<T>(var) + static_cast<T>(a.eps));
                     if (a.var) static_cast<T*>(a.var)[i] = static_cast<T>(var);
                   }
                   const int64_t first = i % a.channel_groups * a.channels;
                   for (int64_t n = 0; n < a.outer; ++n) {
                     const T* const xs = from + n * step;
                     T* const ys = to + n * step;
                     if (each || (!weight && !bias)) {
                       affine(xs, weight ? weight + first : nullptr, bias ? bias + first : nullptr,
                              ys, a.inner, *rstd, -*mean * *rstd);
                       continue;
                     }
                     for (int64_t c = 0; c < a.channels; ++c) {
                       const T scale = weight ? *rstd * weight[first + c] : *rstd;
                       const T shift = (bias ? bias[first + c] : T(0)) - *mean * scale;
                       affine(xs + c * run, ys + c * run, run, scale, shift);
                     }
                   }
                 }
               });
}

template <class T>
void norm_backward(const NormArgs& a) {
  const auto* const x = static_cast<const T*>(a.x);
  const auto* const g = static_cast<const T*>(a.grad);
  const auto* const weight = static_cast<const T*>(a.weight);
  auto* const dx = static_cast<T*>(a.y);
  auto* const dw = static_cast<T*>(a.weight_grad);
  auto* const db = static_cast<T*>(a.bias_grad);
  const int64_t count = a.outer * a.inner, step = a.groups * a.inner;
  const bool each = a.channels == a.inner && a.outer == 1;
  const int64_t run = a.channels ? a.inner / a.channels : 0;
  const int64_t channels = a.channels * a.channel_groups;
  // Groups that share channels are cut into parts with sums of their own, added in order.
  const int64_t most = std::max<int64_t>(1, a.groups * count / kGrain);
  const int64_t parts = std::max<int64_t>(1, std::min<int64_t>({num_threads(), most, a.groups}));
  const bool shared = a.channel_groups < a.groups && parts > 1;
  const Tensor rest = shared && (dw || db)
                          ? Tensor::empty({{parts - 1, 2, channels}},
                                          dtype_of(static_cast<const T*>(nullptr)), Device::kCPU)
                          : Tensor();
  parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      const int64_t i0 = a.groups * part / parts, i1 = a.groups * (part + 1) / parts;
      T *pw = dw, *pb = db;
      if (shared && part > 0) {
        if (dw) pw = rest.data_as<T>() + (part - 1) * 2 * channels;
        if (db) pb = rest.data_as<T>() + ((part - 1) * 2 + 1) * channels;
      }
      const int64_t c0 = a.channel_groups < a.groups ? 0 : i0 * a.channels;
      const int64_t c1 = a.channel_groups < a.groups ? channels : i1 * a.channels;
      if (pw) std::fill(pw + c0, pw + c1, T(0));
      if (pb) std::fill(pb + c0, pb + c1, T(0));
      for (int64_t i = i0; i < i1; ++i) {
        const T mean = static_cast<const T*>(a.mean)[i], rstd = static_cast<const T*>(a.rstd)[i];
        const int64_t first = i % a.channel_groups * a.channels, at = i * a.inner;
        double sum_g = 0, sum_gx = 0;
        for (int64_t n = 0; n < a.outer; ++n) {
          const T *gs = g + at + n * step, *xs = x + at + n * step;
          if (each) {
            slope_sums(gs, xs, weight ? weight + first : nullptr, pw ? pw + first : nullptr,
                       pb ? pb + first : nullptr, a.inner, mean, rstd, &sum_g, &sum_gx);
            continue;
          }
          for (int64_t c = 0; c < a.channels; ++c) {
            double run_g = 0, run_gx = 0;
            slope_sums(gs + c * run, xs + c * run, run, mean, &run_g, &run_gx);
            const double w = weight ? static_cast<double>(weight[first + c]) : 1;
            if (pw) pw[first + c] += static_cast<T>(run_gx * static_cast<double>(rstd));
            if (pb) pb[first + c] += static_cast<T>(run_g);
            sum_g += w * run_g;
            sum_gx += w * run_gx;
          }
        }
        if (!dx) continue;
        // With constant statistics only the first term.
        const double r = static_cast<double>(rstd), n_values = static_cast<double>(count);
        const double b = a.given ? 0 : -r * r * r * sum_gx / n_values;
        const double c = a.given ? 0 : -r * sum_g / n_values;
        for (int64_t n = 0; n < a.outer; ++n) {
          const T *gs = g + at + n * step, *xs = x + at + n * step;
          T* const to = dx + at + n * step;
          if (each) {
            slope(gs, xs, weight ? weight + first : nullptr, to, a.inner, mean, rstd,
                  static_cast<T>(b), static_cast<T>(c));
            continue;
          }
          for (int64_t k = 0; k < a.channels; ++k) {
            const T scale = weight ? rstd * weight[first + k] : rstd;
            slope<T>(gs + k * run, xs + k * run, nullptr, to + k * run, run, mean, scale,
                     static_cast<T>(b), static_cast<T>(c));
          }
        }
      }
    }
  });
  if (!rest.defined()) return;
  for (int64_t part = 1; part < parts; ++part) {
    const T* const sums = rest.data_as<T>() + (part - 1) * 2 * channels;
    for (int64_t c = 0; c < channels; ++c) {
      if (dw) dw[c] += sums[c];
      if (db) db[c] += sums[channels + c];
    }
  }
}

}  // namespace

void fill_norm_table(WindowKernels& w) {
  w.norm[kDTypeIndex<float>] = norm<float>;
  w.norm[kDTypeIndex<double>] = norm<double>;
  w.norm_backward[kDTypeIndex<float>] = norm_backward<float>;
  w.norm_backward[kDTypeIndex<double>] = norm_backward<double>;
}

}  // namespace mt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {

HWY_EXPORT(fill_norm_table);

void fill_norm(WindowKernels& w) { HWY_DYNAMIC_DISPATCH(fill_norm_table)(w); }

}  // namespace mt::cpu
#endif  // HWY_ONCE
