// Binary search in sorted rows, and running extremes, products and log-sums along a dim. For
// float32, float64 and int64: ops convert the other dtypes.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "core/parallel.h"
#include "kernels/cpu/elements.h"
#include "kernels/sort.h"

namespace mt::cpu {
namespace {

constexpr int64_t kGrain = 4096;

template <class T>
bool is_nan(T x) {
  return x != x;
}

template <class T>
void search(const SearchArgs& a) {
  const auto* const values = static_cast<const T*>(a.values);
  parallel_for(0, a.rows * a.m, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t base = a.one_sequence ? 0 : i / a.m * a.n;
      const T* const row = static_cast<const T*>(a.sequence) + base;
      const int64_t* const sorter = a.sorter ? a.sorter + base : nullptr;
      const T x = values[i];
      int64_t low = 0, high = a.n;
      while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        const T y = row[sorter ? sorter[middle] : middle];
        const bool behind = a.right ? !(y > x) : !(y >= x);  // NaN lies behind all
        (behind ? low : high) = behind ? middle + 1 : middle;
      }
      a.out[i] = low;
    }
  });
}

// Calls line(first element, offset) for every line along n.
template <class Line>
void each_line(const RunningArgs& a, const Line& line) {
  if (a.n == 0) return;
  parallel_for(0, a.outer * a.inner, std::max<int64_t>(1, kGrain / a.n),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) {
                   line(i / a.inner * a.n * a.inner + i % a.inner);
                 }
               });
}

template <class T, bool kMax>
void running_extreme(const RunningArgs& a) {
  const auto* const in = static_cast<const T*>(a.in);
  auto* const out = static_cast<T*>(a.out);
  each_line(a, [&](int64_t base) {
    T best = in[base];
    int64_t at = 0;
    for (int64_t j = 0; j < a.n; ++j) {
      const T x = in[base + j * a.inner];
      if (is_nan(x) || (!is_nan(best) && (kMax ? x >= best : x <= best))) {
        best = x;
        at = j;
      }
      out[base + j * a.inner] = best;
      a.indices[base + j * a.inner] = at;
    }
  });
}

template <class T>
void running_product(const RunningArgs& a) {
  using Product = std::conditional_t<std::is_floating_point_v<T>, double, uint64_t>;
  const auto* const in = static_cast<const T*>(a.in);
  auto* const out = static_cast<T*>(a.out);
  each_line(a, [&](int64_t base) {
    Product product = 1;
    for (int64_t j = 0; j < a.n; ++j) {
      const int64_t at = base + (a.reverse ? a.n - 1 - j : j) * a.inner;
      product *= static_cast<Product>(in[at]);
      out[at] = static_cast<T>(product);
    }
  });
}

template <class T>
void running_log_sum(const RunningArgs& a) {
  const auto* const in = static_cast<const T*>(a.in);
  auto* const out = static_cast<T*>(a.out);
  each_line(a, [&](int64_t base) {
    double sum = -std::numeric_limits<double>::infinity();
    for (int64_t j = 0; j < a.n; ++j) {
      const int64_t at = base + (a.reverse ? a.n - 1 - j : j) * a.inner;
      const auto x = static_cast<double>(in[at]);
      if (is_nan(x) || is_nan(sum)) {
        sum = std::numeric_limits<double>::quiet_NaN();
      } else {
        const double low = std::min(x, sum), high = std::max(x, sum);
        // Equal infinities have no difference.
        sum = low == high && std::isinf(low) ? low : high + std::log1p(std::exp(low - high));
      }
      out[at] = static_cast<T>(sum);
    }
  });
}

template <class T>
void fill(SortKernels& k) {
  constexpr int i = kDTypeIndex<T>;
  k.search[i] = search<T>;
  k.cummax[i] = running_extreme<T, true>;
  k.cummin[i] = running_extreme<T, false>;
  k.cumprod[i] = running_product<T>;
  if constexpr (std::is_floating_point_v<T>) k.logcumsumexp[i] = running_log_sum<T>;
}

}  // namespace

void fill_search(SortKernels& k) {
  fill<float>(k);
  fill<double>(k);
  fill<int64_t>(k);
}

}  // namespace mt::cpu
