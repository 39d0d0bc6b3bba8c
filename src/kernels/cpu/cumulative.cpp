// Running sums along n of [outer, n, inner], from either end. Floats are summed in double, as each
// result depends on all before it; integers wrap.
#include <algorithm>
#include <type_traits>

#include "core/parallel.h"
#include "kernels/backend.h"
#include "kernels/cpu/elements.h"

namespace mt::cpu {
namespace {

constexpr int64_t kGrain = 16384;
constexpr int64_t kColumns = 64;  // summed at a time
// Rows summed side by side where n is the last dim: the additions of one row wait for each other.
// Few, as rows of 4096 bytes all fall into one set of the cache.
constexpr int64_t kRows = 4;

template <class T>
using Sum = std::conditional_t<kIsFloat<T>, double, uint64_t>;

template <class T, bool kReverse, int64_t kCount>
void sum_rows(const T* in, T* to, int64_t n) {
  Sum<T> sums[kCount] = {};
  for (int64_t j = 0; j < n; ++j) {
    const int64_t at = kReverse ? n - 1 - j : j;
    for (int64_t r = 0; r < kCount; ++r) {
      sums[r] += convert<Sum<T>>(in[r * n + at]);
      to[r * n + at] = convert<T>(sums[r]);
    }
  }
}

template <class T, bool kReverse>
void running_sum(const void* a, const void*, void* out, int64_t outer, int64_t n, int64_t inner) {
  const auto* const in = static_cast<const T*>(a);
  auto* const to = static_cast<T*>(out);
  if (inner == 1) {
    parallel_for(0, (outer + kRows - 1) / kRows,
                 std::max<int64_t>(1, kGrain / std::max<int64_t>(1, n * kRows)),
                 [&](int64_t begin, int64_t end) {
                   int64_t row = begin * kRows;
                   const int64_t last = std::min(end * kRows, outer);
                   for (; row + kRows <= last; row += kRows) {
                     sum_rows<T, kReverse, kRows>(in + row * n, to + row * n, n);
                   }
                   for (; row < last; ++row)
                     sum_rows<T, kReverse, 1>(in + row * n, to + row * n, n);
                 });
    return;
  }
  const int64_t strips = (inner + kColumns - 1) / kColumns;
  const int64_t unit = std::max<int64_t>(1, n * std::min(inner, kColumns));
  parallel_for(0, outer * strips, std::max<int64_t>(1, kGrain / unit),
               [&](int64_t begin, int64_t end) {
                 for (int64_t k = begin; k < end; ++k) {
                   const int64_t i = k % strips * kColumns, count = std::min(kColumns, inner - i);
                   const int64_t base = k / strips * n * inner + i;
                   Sum<T> sums[kColumns] = {};
                   for (int64_t j = 0; j < n; ++j) {
                     const int64_t at = base + (kReverse ? n - 1 - j : j) * inner;
                     for (int64_t c = 0; c < count; ++c) {
                       sums[c] += convert<Sum<T>>(in[at + c]);
                       to[at + c] = convert<T>(sums[c]);
                     }
                   }
                 }
               });
}

}  // namespace

void fill_cumulative(Backend& b) {
  for_each_element([&]<class T>(T) {
    if constexpr (!std::is_same_v<T, Bool>) {
      b.scan[static_cast<int>(Scan::kCumsum)][kDTypeIndex<T>] = running_sum<T, false>;
      b.scan[static_cast<int>(Scan::kReverseCumsum)][kDTypeIndex<T>] = running_sum<T, true>;
    }
  });
}

}  // namespace mt::cpu
