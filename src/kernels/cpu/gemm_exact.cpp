// Integer and 16-bit float matrix products: plain loops over rows for the one, blocks converted to
// float and given to the float kernels for the other.
#include "kernels/cpu/gemm_exact.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "core/parallel.h"
#include "kernels/cpu/scratch.h"

namespace mt::cpu {
namespace {

// Least sums of products worth a thread of their own.
constexpr int64_t kPartWork = 1 << 15;

template <class T>
void multiply_integers(const GemmBlock<T>& g, int64_t row_begin, int64_t row_end) {
  // Unsigned arithmetic wraps around by definition, and modulo 2^32 it holds the narrower types'
  // results too.
  using U = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
  constexpr int64_t kChunk = 256;
  U sums[kChunk];
  const U alpha = static_cast<U>(g.alpha), beta = static_cast<U>(g.beta);
  for (int64_t i = row_begin; i < row_end; ++i) {
    const T* a = g.a + i * g.a_row;
    for (int64_t n0 = 0; n0 < g.n; n0 += kChunk) {
      const int64_t width = std::min(kChunk, g.n - n0);
      std::memset(sums, 0, sizeof(sums));
      if (g.b_col == 1) {
        for (int64_t k = 0; k < g.k; ++k) {
          const U x = static_cast<U>(a[k * g.a_col]);
          const T* b = g.b + k * g.b_row + n0;
          for (int64_t j = 0; j < width; ++j) sums[j] += x * static_cast<U>(b[j]);
        }
      } else {
        for (int64_t j = 0; j < width; ++j) {
          const T* b = g.b + (n0 + j) * g.b_col;
          U sum = 0;
          for (int64_t k = 0; k < g.k; ++k) {
            sum += static_cast<U>(a[k * g.a_col]) * static_cast<U>(b[k * g.b_row]);
          }
          sums[j] = sum;
        }
      }
      T* c = g.c + i * g.c_row + n0;
      for (int64_t j = 0; j < width; ++j) {
        const U old = beta == 0 ? 0 : beta * static_cast<U>(c[j]);
        c[j] = static_cast<T>(alpha * sums[j] + old);
      }
    }
  }
}

// Copies rows x cols elements, spaced by the strides, to floats in the same storage order: the
// direction whose stride is 1 stays contiguous. Sets the strides of the copy.
template <class T>
void convert(const T* from, int64_t row, int64_t col, int64_t rows, int64_t cols, float* to,
             int64_t* to_row, int64_t* to_col) {
  const bool row_major = col == 1;
  const int64_t lines = row_major ? rows : cols, length = row_major ? cols : rows;
  const int64_t line_step = row_major ? row : col, step = row_major ? col : row;
  for (int64_t i = 0; i < lines; ++i) {
    const T* line = from + i * line_step;
    for (int64_t j = 0; j < length; ++j) to[i * length + j] = static_cast<float>(line[j * step]);
  }
  *to_row = row_major ? cols : 1;
  *to_col = row_major ? 1 : rows;
}

struct Blocking {
  int64_t m, n, k;
};

// The block of C with corner (m0, n0). Sums stay in float over all of k.
template <class T>
void multiply_halves(const GemmBlock<T>& g, const Blocking& most, int64_t m0, int64_t n0) {
  const int64_t m = std::min(most.m, g.m - m0), n = std::min(most.n, g.n - n0);
  const int64_t kc = std::min(most.k, g.k);
  float* const sums = static_cast<float*>(
      scratch(ScratchSlot::kConvert, static_cast<size_t>(m * n + m * kc + kc * n) * sizeof(float)));
  float* const a = sums + m * n;
  float* const b = a + m * kc;
  for (int64_t k0 = 0; k0 < g.k; k0 += kc) {
    GemmBlock<float> part;
    part.m = m;
    part.n = n;
    part.k = std::min(kc, g.k - k0);
    part.alpha = 1;
    part.beta = k0 == 0 ? 0.0f : 1.0f;
    convert(g.a + m0 * g.a_row + k0 * g.a_col, g.a_row, g.a_col, m, part.k, a, &part.a_row,
            &part.a_col);
    convert(g.b + k0 * g.b_row + n0 * g.b_col, g.b_row, g.b_col, part.k, n, b, &part.b_row,
            &part.b_col);
    part.a = a;
    part.b = b;
    part.c = sums;
    part.c_row = n;
    gemm_block(part);
  }
  for (int64_t i = 0; i < m; ++i) {
    T* c = g.c + (m0 + i) * g.c_row + n0;
    for (int64_t j = 0; j < n; ++j) {
      float x = g.alpha * sums[i * n + j];
      if (g.beta != 0) x += g.beta * static_cast<float>(c[j]);
      c[j] = T(x);
    }
  }
}

}  // namespace

template <class T>
void gemm_exact(const GemmBlock<T>& g) {
  if constexpr (std::is_integral_v<T>) {
    const int64_t row_work = std::max<int64_t>(1, g.n * g.k);
    parallel_for(0, g.m, std::max<int64_t>(1, kPartWork / row_work),
                 [&](int64_t begin, int64_t end) { multiply_integers(g, begin, end); });
  } else {
    Blocking most{256, 512, 512};
    const auto blocks = [&](int64_t size, int64_t block) { return (size + block - 1) / block; };
    const int64_t wanted = std::min<int64_t>(num_threads(), g.m * g.n * g.k / kPartWork);
    while (blocks(g.m, most.m) * blocks(g.n, most.n) < wanted && (most.m > 32 || most.n > 64)) {
      (most.n > most.m || most.m <= 32 ? most.n : most.m) /= 2;
    }
    const int64_t columns = blocks(g.n, most.n);
    parallel_for(0, blocks(g.m, most.m) * columns, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        multiply_halves(g, most, i / columns * most.m, i % columns * most.n);
      }
    });
  }
}

template void gemm_exact(const GemmBlock<int8_t>&);
template void gemm_exact(const GemmBlock<int16_t>&);
template void gemm_exact(const GemmBlock<int32_t>&);
template void gemm_exact(const GemmBlock<int64_t>&);
template void gemm_exact(const GemmBlock<uint8_t>&);
template void gemm_exact(const GemmBlock<Half>&);
template void gemm_exact(const GemmBlock<BFloat16>&);

}  // namespace mt::cpu
