// The front of matrix multiplication: the cases without a product, the split over threads and the
// batch. The split depends on the arguments and num_threads() alone.
#include "kernels/cpu/gemm.h"

#include <algorithm>
#include <type_traits>

#include "core/parallel.h"
#include "kernels/cpu/gemm_block.h"
#include "kernels/cpu/gemm_exact.h"
#include "kernels/cpu/scratch.h"

namespace mt::cpu {
namespace {

// Least multiply-adds worth a thread of their own: several times what handing over work costs.
constexpr double kPartWork = 1 << 17;

template <class T>
constexpr bool kHasSimd = std::is_floating_point_v<T>;

// The product is zero: C = beta * C.
template <class T>
void scale(const GemmBlock<T>& g) {
  if (g.beta == 1) return;
  for (int64_t i = 0; i < g.m; ++i) {
    T* c = g.c + i * g.c_row;
    if (g.beta == 0) {
      std::fill(c, c + g.n, T{});
    } else if constexpr (std::is_integral_v<T>) {
      const uint64_t beta = static_cast<uint64_t>(g.beta);  // unsigned: wraps around
      for (int64_t j = 0; j < g.n; ++j) {
        c[j] = static_cast<T>(beta * static_cast<uint64_t>(static_cast<int64_t>(c[j])));
      }
    } else {
      for (int64_t j = 0; j < g.n; ++j) {
        c[j] = static_cast<T>(g.beta * static_cast<GemmScalar<T>>(c[j]));
      }
    }
  }
}

// The part of a product with rows [m0, m1), columns [n0, n1) and sums over [k0, k1).
template <class T>
GemmBlock<T> part_of(const GemmBlock<T>& g, int64_t m0, int64_t m1, int64_t n0, int64_t n1,
                     int64_t k0, int64_t k1) {
  GemmBlock<T> part = g;
  part.m = m1 - m0;
  part.n = n1 - n0;
  part.k = k1 - k0;
  part.a += m0 * g.a_row + k0 * g.a_col;
  part.b += k0 * g.b_row + n0 * g.b_col;
  part.c += m0 * g.c_row + n0;
  return part;
}

struct Split {
  int64_t m = 1, n = 1, k = 1;  // parts in each direction; k > 1 only with m == n == 1
};

// Edges between parts lie on multiples of these, so that few tiles are cut.
constexpr int64_t kRowUnit = 12;
template <class T>
constexpr int64_t kColUnit = 128 / sizeof(T);

int64_t edge(int64_t size, int64_t parts, int64_t unit, int64_t i) {
  const int64_t units = (size + unit - 1) / unit;
  return std::min(size, units * i / parts * unit);
}

// The split whose largest part is the cheapest. Moving an element of A or B into place costs about
// as much as `kMove` multiply-adds, writing a partial sum as much again.
template <class T>
Split choose_split(const GemmBlock<T>& g, int64_t threads) {
  constexpr double kMove = 6;
  const double m = static_cast<double>(g.m), n = static_cast<double>(g.n),
               k = static_cast<double>(g.k);
  Split best;
  double best_cost = k * (m * n + kMove * (m + n));
  const auto largest = [](int64_t size, int64_t parts, int64_t unit) {
    const int64_t units = (size + unit - 1) / unit;
    return static_cast<double>(std::min(size, (units + parts - 1) / parts * unit));
  };
  const int64_t row_units = (g.m + kRowUnit - 1) / kRowUnit;
  const int64_t col_units = (g.n + kColUnit<T> - 1) / kColUnit<T>;
  for (int64_t pm = 1; pm <= std::min(threads, row_units); ++pm) {
    const int64_t pn = std::min(threads / pm, col_units);
    const double rows = largest(g.m, pm, kRowUnit), cols = largest(g.n, pn, kColUnit<T>);
    const double cost = k * (rows * cols + kMove * (rows + cols));
    if (cost < best_cost) {
      best_cost = cost;
      best = {pm, pn, 1};
    }
  }
  const int64_t pk = std::min(threads, g.k / 512);
  if (pk > 1) {
    const double cost = k / static_cast<double>(pk) * (m * n + kMove * (m + n)) +
                        2 * kMove * static_cast<double>(pk) * m * n;
    // Clearly better only: a split of k costs memory and changes how sums are rounded.
    if (cost < 0.8 * best_cost) best = {1, 1, pk};
  }
  return best;
}

// Every thread sums over its own range of k; the partial results are added in order.
template <class T>
void multiply_split_k(const GemmBlock<T>& g, int64_t parts) {
  const int64_t size = g.m * g.n;
  T* const sums = static_cast<T*>(
      scratch(ScratchSlot::kPartial, static_cast<size_t>(parts * size) * sizeof(T)));
  parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      GemmBlock<T> part =
          part_of(g, 0, g.m, 0, g.n, edge(g.k, parts, 64, i), edge(g.k, parts, 64, i + 1));
      part.alpha = 1;
      part.beta = 0;
      part.c = sums + i * size;
      part.c_row = g.n;
      gemm_block(part);
    }
  });
  for (int64_t i = 0; i < g.m; ++i) {
    T* c = g.c + i * g.c_row;
    for (int64_t j = 0; j < g.n; ++j) {
      T sum = sums[i * g.n + j];
      for (int64_t p = 1; p < parts; ++p) sum += sums[p * size + i * g.n + j];
      c[j] = g.beta == 0 ? g.alpha * sum : g.alpha * sum + g.beta * c[j];
    }
  }
}

template <class T>
void multiply(const GemmBlock<T>& g) {
  if constexpr (!kHasSimd<T>) {
    return gemm_exact(g);
  } else {
    const double work =
        static_cast<double>(g.m) * static_cast<double>(g.n) * static_cast<double>(g.k);
    if (work < 2 * kPartWork || in_parallel_region()) return gemm_block(g);
    const int64_t threads = static_cast<int64_t>(std::min<double>(num_threads(), work / kPartWork));
    if (threads == 1) return gemm_block(g);
    const Split split = choose_split(g, threads);
    if (split.k > 1) return multiply_split_k(g, split.k);
    parallel_for(0, split.m * split.n, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t pm = i / split.n, pn = i % split.n;
        gemm_block(part_of(
            g, edge(g.m, split.m, kRowUnit, pm), edge(g.m, split.m, kRowUnit, pm + 1),
            edge(g.n, split.n, kColUnit<T>, pn), edge(g.n, split.n, kColUnit<T>, pn + 1), 0, g.k));
      }
    });
  }
}

template <class T>
GemmBlock<T> block_of(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k,
                      GemmScalar<T> alpha, const T* a, int64_t lda, const T* b, int64_t ldb,
                      GemmScalar<T> beta, T* c, int64_t ldc) {
  return {m,
          n,
          k,
          alpha,
          a,
          trans_a ? 1 : lda,
          trans_a ? lda : 1,
          b,
          trans_b ? 1 : ldb,
          trans_b ? ldb : 1,
          beta,
          c,
          ldc};
}

}  // namespace

template <class T>
void gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, GemmScalar<T> alpha,
          const T* a, int64_t lda, const T* b, int64_t ldb, GemmScalar<T> beta, T* c, int64_t ldc) {
  if (m <= 0 || n <= 0) return;
  const GemmBlock<T> g =
      block_of<T>(trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  if (k <= 0 || alpha == GemmScalar<T>(0)) return scale(g);
  multiply(g);
}

template <class T>
void gemm_batched(int64_t batch, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k,
                  GemmScalar<T> alpha, const T* a, int64_t lda, int64_t stride_a, const T* b,
                  int64_t ldb, int64_t stride_b, GemmScalar<T> beta, T* c, int64_t ldc,
                  int64_t stride_c) {
  if (batch <= 0 || m <= 0 || n <= 0) return;
  // One B for all, and the A and C matrices stacked without gaps: one tall product.
  if (stride_b == 0 && !trans_a && stride_a == m * lda && stride_c == m * ldc) {
    return gemm(trans_a, trans_b, batch * m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  }
  const auto one = [&](int64_t i) {
    gemm(trans_a, trans_b, m, n, k, alpha, a + i * stride_a, lda, b + i * stride_b, ldb, beta,
         c + i * stride_c, ldc);
  };
  const double work = static_cast<double>(m) * static_cast<double>(n) *
                      static_cast<double>(std::max<int64_t>(k, 1));
  // A few large products are better split one by one: the threads end at the same time.
  if (work >= kPartWork * 8 && batch < 4 * int64_t{num_threads()}) {
    for (int64_t i = 0; i < batch; ++i) one(i);
    return;
  }
  const int64_t grain = static_cast<int64_t>(std::max(1.0, kPartWork / work));
  parallel_for(0, batch, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) one(i);
  });
}

#define MT_INSTANTIATE(T)                                                                     \
  template void gemm(bool, bool, int64_t, int64_t, int64_t, GemmScalar<T>, const T*, int64_t, \
                     const T*, int64_t, GemmScalar<T>, T*, int64_t);                          \
  template void gemm_batched(int64_t, bool, bool, int64_t, int64_t, int64_t, GemmScalar<T>,   \
                             const T*, int64_t, int64_t, const T*, int64_t, int64_t,          \
                             GemmScalar<T>, T*, int64_t, int64_t);
MT_INSTANTIATE(float)
MT_INSTANTIATE(double)
MT_INSTANTIATE(int8_t)
MT_INSTANTIATE(int16_t)
MT_INSTANTIATE(int32_t)
MT_INSTANTIATE(int64_t)
MT_INSTANTIATE(uint8_t)
MT_INSTANTIATE(Half)
MT_INSTANTIATE(BFloat16)
#undef MT_INSTANTIATE

}  // namespace mt::cpu
