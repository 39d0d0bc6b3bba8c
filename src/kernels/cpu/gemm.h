// Matrix multiplication on raw pointers: C = alpha * op(A) op(B) + beta * C, row-major, for every
// numeric dtype; one matrix (gemm) or equally spaced many (gemm_batched). Works on the pool of
// core/parallel.h; results depend on the arguments and num_threads() alone.
#pragma once

#include <cstdint>

#include "core/half.h"

namespace mt::cpu {

// alpha and beta have the type the sums are made in.
template <class T>
struct GemmScalarOf {
  using Type = T;
};
template <>
struct GemmScalarOf<Half> {
  using Type = float;
};
template <>
struct GemmScalarOf<BFloat16> {
  using Type = float;
};
template <class T>
using GemmScalar = typename GemmScalarOf<T>::Type;

// op(A) is m x k, op(B) is k x n, C is m x n. A row of a matrix as stored (before op) is
// contiguous; lda, ldb and ldc are the elements from one stored row to the next. With beta == 0 C
// is not read; with alpha == 0 or k == 0 A and B are not read. C must not overlap A or B. T: float,
// double, int8_t, int16_t, int32_t, int64_t, uint8_t (these wrap around), Half, BFloat16 (sums in
// float, rounded once). Throws kOutOfMemory when working memory cannot be had.
template <class T>
void gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, GemmScalar<T> alpha,
          const T* a, int64_t lda, const T* b, int64_t ldb, GemmScalar<T> beta, T* c, int64_t ldc);

// The same for `batch` matrices; stride_a, stride_b and stride_c lead from one matrix to the next
// (stride_a or stride_b may be 0: one matrix for all). The C matrices must not overlap each other.
template <class T>
void gemm_batched(int64_t batch, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k,
                  GemmScalar<T> alpha, const T* a, int64_t lda, int64_t stride_a, const T* b,
                  int64_t ldb, int64_t stride_b, GemmScalar<T> beta, T* c, int64_t ldc,
                  int64_t stride_c);

}  // namespace mt::cpu
