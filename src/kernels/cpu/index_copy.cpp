// Indexed writes that overwrite: scatter and index_copy. Of several writes to one place the last in
// row-major order wins, whatever the number of threads.
#include <algorithm>
#include <cstring>

#include "core/parallel.h"
#include "kernels/backend.h"
#include "kernels/cpu/elements.h"

namespace mt::cpu {
namespace {

constexpr int64_t kGrain = 16384;

// Elements are moved, not computed with: their size is all that matters.
template <class Bits>
void scatter(const IndexArgs& a) {
  const auto* const in = static_cast<const Bits*>(a.in);
  auto* const out = static_cast<Bits*>(a.out);
  const int64_t size = std::max<int64_t>(1, a.n_in * a.inner);
  parallel_for(0, a.outer, std::max<int64_t>(1, kGrain / size), [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      Bits* const to = out + o * a.n_out * a.inner;
      int64_t at = o * a.n_in * a.inner;
      for (int64_t j = 0; j < a.n_in; ++j) {
        for (int64_t i = 0; i < a.inner; ++i, ++at) to[a.index[at] * a.inner + i] = in[at];
      }
    }
  });
}

template <class Bits>
void index_copy(const IndexArgs& a) {
  const auto* const in = static_cast<const Bits*>(a.in);
  auto* const out = static_cast<Bits*>(a.out);
  const int64_t size = std::max<int64_t>(1, a.n_in * a.inner);
  parallel_for(0, a.outer, std::max<int64_t>(1, kGrain / size), [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      const Bits* from = in + o * a.n_in * a.inner;
      Bits* const to = out + o * a.n_out * a.inner;
      for (int64_t j = 0; j < a.n_in; ++j, from += a.inner) {
        if (a.inner == 1) {
          to[a.index[j]] = *from;
        } else {
          std::memcpy(to + a.index[j] * a.inner, from, static_cast<size_t>(a.inner) * sizeof(Bits));
        }
      }
    }
  });
}

template <class Bits>
void fill_size(Backend& b, int dtype) {
  b.scatter[dtype] = scatter<Bits>;
  b.index_copy[dtype] = index_copy<Bits>;
}

}  // namespace

void fill_index_copy(Backend& b) {
  for (int i = 0; i < kNumDTypes; ++i) {
    switch (dtype_size(static_cast<DType>(i))) {
      case 1:
        fill_size<uint8_t>(b, i);
        break;
      case 2:
        fill_size<uint16_t>(b, i);
        break;
      case 4:
        fill_size<uint32_t>(b, i);
        break;
      case 8:
        fill_size<uint64_t>(b, i);
        break;
      default:
        fill_size<Bits128>(b, i);
    }
  }
}

}  // namespace mt::cpu
