// What the front of gemm (splitting over threads and batches) and its kernels share: one product as
// a struct of pointers and strides, computed by one thread.
#pragma once

#include <cstdint>

#include "kernels/cpu/gemm.h"

namespace mt::cpu {

// C = alpha * A B + beta * C. The transposes have become strides: of a_row and a_col one is 1, and
// so it is for b_row and b_col.
template <class T>
struct GemmBlock {
  int64_t m, n, k;
  GemmScalar<T> alpha;
  const T* a;
  int64_t a_row, a_col;
  const T* b;
  int64_t b_row, b_col;
  GemmScalar<T> beta;
  T* c;
  int64_t c_row;
  // When given, B's element (k, n) is b[b_rows[k] + b_cols[n]] and its strides mean nothing: the
  // patches of a convolution, never written out. Nothing at b_end or behind is read.
  const int64_t *b_rows = nullptr, *b_cols = nullptr;
  const T* b_end = nullptr;
};

// On the calling thread; m, n, k >= 1. The order in which one element of C is summed depends on
// (m, n, k and strides) only through choices made before: see gemm_simd.cpp.
void gemm_block(const GemmBlock<float>& g);
void gemm_block(const GemmBlock<double>& g);

}  // namespace mt::cpu
