// Products with a vector, or a few rows, where packing a matrix that is read once would cost more
// than the sums. Included once per SIMD target by gemm_simd.cpp.
#if defined(MT_GEMM_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MT_GEMM_VECTOR_INL_H_
#undef MT_GEMM_VECTOR_INL_H_
#else
#define MT_GEMM_VECTOR_INL_H_
#endif

#include <cstdint>

#include "hwy/highway.h"
#include "kernels/cpu/gemm_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mt::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class T>
HWY_INLINE void update_one(T sum, T alpha, T beta, T* c) {
  *c = beta == T(0) ? alpha * sum : alpha * sum + beta * *c;
}

// kRows x 4 (or kRows x 1) dot products of contiguous lines: c[i][j] from a line i and b line j.
template <int kRows, int kCols, class T>
HWY_INLINE void dots(int64_t k, const T* a, int64_t a_row, const T* b, int64_t b_line, T alpha,
                     T beta, T* c, int64_t c_row, int64_t c_col) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const T *a0 = a, *a1 = a + (kRows - 1) * a_row;
  const T *b0 = b, *b1 = b + (kCols > 1) * b_line, *b2 = b + (kCols > 2) * 2 * b_line,
          *b3 = b + (kCols > 3) * 3 * b_line;
  V s00 = hn::Zero(d), s01 = s00, s02 = s00, s03 = s00;
  V s10 = s00, s11 = s00, s12 = s00, s13 = s00;
  int64_t x = 0;
  if constexpr (kRows == 1) {
    // The second row of sums takes every other vector of the one line.
    for (; x + 2 * lanes <= k; x += 2 * lanes) {
      const V u = hn::LoadU(d, a0 + x), v = hn::LoadU(d, a0 + x + lanes);
      s00 = hn::MulAdd(u, hn::LoadU(d, b0 + x), s00);
      s10 = hn::MulAdd(v, hn::LoadU(d, b0 + x + lanes), s10);
      if constexpr (kCols > 1) {
        s01 = hn::MulAdd(u, hn::LoadU(d, b1 + x), s01);
        s11 = hn::MulAdd(v, hn::LoadU(d, b1 + x + lanes), s11);
        s02 = hn::MulAdd(u, hn::LoadU(d, b2 + x), s02);
        s12 = hn::MulAdd(v, hn::LoadU(d, b2 + x + lanes), s12);
        s03 = hn::MulAdd(u, hn::LoadU(d, b3 + x), s03);
        s13 = hn::MulAdd(v, hn::LoadU(d, b3 + x + lanes), s13);
      }
    }
  }
  while (x < k) {
    const int64_t left = k - x;
    const bool whole = left >= lanes;
    const V u = whole ? hn::LoadU(d, a0 + x) : load_first(d, a0 + x, left);
    const V w0 = whole ? hn::LoadU(d, b0 + x) : load_first(d, b0 + x, left);
    s00 = hn::MulAdd(u, w0, s00);
    if constexpr (kCols > 1) {
      const V w1 = whole ? hn::LoadU(d, b1 + x) : load_first(d, b1 + x, left);
      const V w2 = whole ? hn::LoadU(d, b2 + x) : load_first(d, b2 + x, left);
      const V w3 = whole ? hn::LoadU(d, b3 + x) : load_first(d, b3 + x, left);
      s01 = hn::MulAdd(u, w1, s01);
      s02 = hn::MulAdd(u, w2, s02);
      s03 = hn::MulAdd(u, w3, s03);
      if constexpr (kRows > 1) {
        const V v = whole ? hn::LoadU(d, a1 + x) : load_first(d, a1 + x, left);
        s10 = hn::MulAdd(v, w0, s10);
        s11 = hn::MulAdd(v, w1, s11);
        s12 = hn::MulAdd(v, w2, s12);
        s13 = hn::MulAdd(v, w3, s13);
      }
    }
    x += lanes;
  }
  if constexpr (kRows == 1) {
    s00 = hn::Add(s00, s10);
    s01 = hn::Add(s01, s11);
    s02 = hn::Add(s02, s12);
    s03 = hn::Add(s03, s13);
  }
  update_one(hn::GetLane(hn::SumOfLanes(d, s00)), alpha, beta, c);
  if constexpr (kCols > 1) {
    update_one(hn::GetLane(hn::SumOfLanes(d, s01)), alpha, beta, c + c_col);
    update_one(hn::GetLane(hn::SumOfLanes(d, s02)), alpha, beta, c + 2 * c_col);
    update_one(hn::GetLane(hn::SumOfLanes(d, s03)), alpha, beta, c + 3 * c_col);
  }
  if constexpr (kRows > 1) {
    c += c_row;
    update_one(hn::GetLane(hn::SumOfLanes(d, s10)), alpha, beta, c);
    update_one(hn::GetLane(hn::SumOfLanes(d, s11)), alpha, beta, c + c_col);
    update_one(hn::GetLane(hn::SumOfLanes(d, s12)), alpha, beta, c + 2 * c_col);
    update_one(hn::GetLane(hn::SumOfLanes(d, s13)), alpha, beta, c + 3 * c_col);
  }
}

// c[i * c_row + j * c_col] = alpha * (line i of a) . (line j of b) + beta * c; lines contiguous.
template <class T>
HWY_NOINLINE void multiply_dots(int64_t m, int64_t n, int64_t k, T alpha, const T* a, int64_t a_row,
                                const T* b, int64_t b_line, T beta, T* c, int64_t c_row,
                                int64_t c_col) {
  // b's lines outermost: each is read from memory once.
  int64_t j = 0;
  for (; j + 4 <= n; j += 4) {
    const T* lines = b + j * b_line;
    T* to = c + j * c_col;
    int64_t i = 0;
    for (; i + 2 <= m; i += 2) {
      dots<2, 4>(k, a + i * a_row, a_row, lines, b_line, alpha, beta, to + i * c_row, c_row, c_col);
    }
    if (i < m) {
      dots<1, 4>(k, a + i * a_row, a_row, lines, b_line, alpha, beta, to + i * c_row, c_row, c_col);
    }
  }
  for (; j < n; ++j) {
    for (int64_t i = 0; i < m; ++i) {
      dots<1, 1>(k, a + i * a_row, a_row, b + j * b_line, b_line, alpha, beta,
                 c + i * c_row + j * c_col, c_row, c_col);
    }
  }
}

// sums[0, n) += x[0] * b[0, n) + ... + x[(kRows - 1) * x_step] * b[(kRows - 1) * b_row + 0, n).
// Reads and writes sums in whole vectors.
template <int kRows, class T>
HWY_INLINE void add_rows(int64_t n, const T* x, int64_t x_step, const T* b, int64_t b_row,
                         T* HWY_RESTRICT sums) {
  static_assert(kRows == 1 || kRows == 8);
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const V x0 = hn::Set(d, x[0]);
  if constexpr (kRows == 1) {
    for (int64_t j = 0; j < n; j += lanes) {
      const V b0 = n - j >= lanes ? hn::LoadU(d, b + j) : load_first(d, b + j, n - j);
      hn::Store(hn::MulAdd(x0, b0, hn::Load(d, sums + j)), d, sums + j);
    }
  } else {
    const V x1 = hn::Set(d, x[x_step]), x2 = hn::Set(d, x[2 * x_step]);
    const V x3 = hn::Set(d, x[3 * x_step]), x4 = hn::Set(d, x[4 * x_step]);
    const V x5 = hn::Set(d, x[5 * x_step]), x6 = hn::Set(d, x[6 * x_step]);
    const V x7 = hn::Set(d, x[7 * x_step]);
    const T *p0 = b, *p1 = p0 + b_row, *p2 = p1 + b_row, *p3 = p2 + b_row;
    const T *p4 = p3 + b_row, *p5 = p4 + b_row, *p6 = p5 + b_row, *p7 = p6 + b_row;
    int64_t j = 0;
    for (; j + lanes <= n; j += lanes) {
      V even = hn::MulAdd(x0, hn::LoadU(d, p0 + j), hn::Load(d, sums + j));
      V odd = hn::Mul(x1, hn::LoadU(d, p1 + j));
      even = hn::MulAdd(x2, hn::LoadU(d, p2 + j), even);
      odd = hn::MulAdd(x3, hn::LoadU(d, p3 + j), odd);
      even = hn::MulAdd(x4, hn::LoadU(d, p4 + j), even);
      odd = hn::MulAdd(x5, hn::LoadU(d, p5 + j), odd);
      even = hn::MulAdd(x6, hn::LoadU(d, p6 + j), even);
      odd = hn::MulAdd(x7, hn::LoadU(d, p7 + j), odd);
      hn::Store(hn::Add(even, odd), d, sums + j);
    }
    if (j < n) {
      V even = hn::MulAdd(x0, load_first(d, p0 + j, n - j), hn::Load(d, sums + j));
      V odd = hn::Mul(x1, load_first(d, p1 + j, n - j));
      even = hn::MulAdd(x2, load_first(d, p2 + j, n - j), even);
      odd = hn::MulAdd(x3, load_first(d, p3 + j, n - j), odd);
      even = hn::MulAdd(x4, load_first(d, p4 + j, n - j), even);
      odd = hn::MulAdd(x5, load_first(d, p5 + j, n - j), odd);
      even = hn::MulAdd(x6, load_first(d, p6 + j, n - j), even);
      odd = hn::MulAdd(x7, load_first(d, p7 + j, n - j), odd);
      hn::Store(hn::Add(even, odd), d, sums + j);
    }
  }
}

// c[j * c_col] = alpha * (x B)[j] + beta * c[j * c_col]; B's rows contiguous, read in order.
template <class T>
HWY_NOINLINE void multiply_row(int64_t n, int64_t k, T alpha, const T* x, int64_t x_step,
                               const T* b, int64_t b_row, T beta, T* c, int64_t c_col) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  constexpr int64_t kChunk = 4096 / sizeof(T);  // of columns; their sums stay in the L1 cache
  HWY_ALIGN T sums[kChunk];
  for (int64_t begin = 0; begin < n; begin += kChunk) {
    const int64_t width = HWY_MIN(kChunk, n - begin);
    for (int64_t j = 0; j < width; j += lanes) hn::Store(hn::Zero(d), d, sums + j);
    int64_t i = 0;
    for (; i + 8 <= k; i += 8) {
      add_rows<8>(width, x + i * x_step, x_step, b + i * b_row + begin, b_row, sums);
    }
    for (; i < k; ++i) {
      add_rows<1>(width, x + i * x_step, x_step, b + i * b_row + begin, b_row, sums);
    }
    T* to = c + begin * c_col;
    if (c_col == 1) {
      for (int64_t j = 0; j < width; j += lanes) {
        update(d, hn::Load(d, sums + j), alpha, beta, to + j, width - j);
      }
    } else {
      for (int64_t j = 0; j < width; ++j) update_one(sums[j], alpha, beta, to + j * c_col);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mt::cpu
HWY_AFTER_NAMESPACE();

#endif  // toggle
