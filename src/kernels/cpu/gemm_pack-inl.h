// Packing of gemm's operands into the order in which the register tile reads them, transposing in
// 16-byte squares where needed. Included once per SIMD target by gemm_simd.cpp.
#if defined(MT_GEMM_PACK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MT_GEMM_PACK_INL_H_
#undef MT_GEMM_PACK_INL_H_
#else
#define MT_GEMM_PACK_INL_H_
#endif

#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "kernels/cpu/gemm_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mt::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Lines of the square that transpose_square turns: four floats, two doubles.
template <class T>
constexpr int kSquare = 16 / sizeof(T);

#if HWY_TARGET == HWY_SCALAR
template <class T>
HWY_INLINE void transpose_square(const T* from, int64_t from_row, T* to, int64_t to_row) {
  for (int i = 0; i < kSquare<T>; ++i) {
    for (int j = 0; j < kSquare<T>; ++j) to[j * to_row + i] = from[i * from_row + j];
  }
}
#else
HWY_INLINE void transpose_square(const float* from, int64_t from_row, float* to, int64_t to_row) {
  const hn::FixedTag<float, 4> d;
  const hn::Repartition<double, decltype(d)> pairs;
  const auto v0 = hn::LoadU(d, from), v1 = hn::LoadU(d, from + from_row);
  const auto v2 = hn::LoadU(d, from + 2 * from_row), v3 = hn::LoadU(d, from + 3 * from_row);
  const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, v0, v1));
  const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, v2, v3));
  const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, v0, v1));
  const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, v2, v3));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23)), d, to);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23)), d, to + to_row);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23)), d, to + 2 * to_row);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23)), d, to + 3 * to_row);
}
HWY_INLINE void transpose_square(const double* from, int64_t from_row, double* to, int64_t to_row) {
  const hn::FixedTag<double, 2> d;
  const auto v0 = hn::LoadU(d, from), v1 = hn::LoadU(d, from + from_row);
  hn::StoreU(hn::InterleaveLower(d, v0, v1), d, to);
  hn::StoreU(hn::InterleaveUpper(d, v0, v1), d, to + to_row);
}
#endif

// to[x * width + line] = from[line * from_row + x] for line < lines, x < length. Lines beyond are
// left as they are.
template <class T>
HWY_INLINE void pack_transposed(const T* from, int64_t from_row, int64_t lines, int64_t length,
                                T* to, int64_t width) {
  constexpr int kS = kSquare<T>;
  if (lines < kS) {
    for (int64_t line = 0; line < lines; ++line) {
      for (int64_t x = 0; x < length; ++x) to[x * width + line] = from[line * from_row + x];
    }
    return;
  }
  for (int64_t line = 0;; line += kS) {
    // The last square may overlap the one before: the same values are written again.
    if (line + kS > lines) line = lines - kS;
    const T* source = from + line * from_row;
    int64_t x = 0;
    for (; x + kS <= length; x += kS) {
      transpose_square(source + x, from_row, to + x * width + line, width);
    }
    for (; x < length; ++x) {
      for (int i = 0; i < kS; ++i) to[x * width + line + i] = source[i * from_row + x];
    }
    if (line + kS == lines) return;
  }
}

// One panel of op(A): `rows` (at most MT_GEMM_ROWS) rows, k columns; MT_GEMM_ROWS elements for each
// k. Rows that are not there are left as they are: nobody reads them.
template <class T>
HWY_INLINE void pack_a_panel(const T* a, int64_t a_row, int64_t a_col, int64_t rows, int64_t k,
                             T* to) {
  if (a_col == 1) return pack_transposed(a, a_row, rows, k, to, MT_GEMM_ROWS);
  if (rows == MT_GEMM_ROWS && a_row == 1) {
    for (; k > 0; --k, a += a_col, to += MT_GEMM_ROWS) {
      std::memcpy(to, a, MT_GEMM_ROWS * sizeof(T));
    }
    return;
  }
  for (; k > 0; --k, a += a_col, to += MT_GEMM_ROWS) {
    for (int64_t i = 0; i < rows; ++i) to[i] = a[i * a_row];
  }
}

// One panel of op(B): k rows, `cols` columns; `width` elements for each k, zeros behind cols.
template <class T>
HWY_INLINE void pack_b_panel(const T* b, int64_t b_row, int64_t b_col, int64_t k, int64_t cols,
                             int64_t width, T* to) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  if (b_col != 1) {
    if (cols < width) {
      for (int64_t x = 0; x < k * width; x += lanes) hn::StoreU(hn::Zero(d), d, to + x);
    }
    return pack_transposed(b, b_col, cols, k, to, width);
  }
  for (; k > 0; --k, b += b_row, to += width) {
    for (int64_t j = 0; j < width; j += lanes) {
      const int64_t left = cols - j;
      hn::StoreU(left >= lanes ? hn::LoadU(d, b + j)
                 : left > 0    ? load_first(d, b + j, left)
                               : hn::Zero(d),
                 d, to + j);
    }
  }
}

// k rows of `panels` whole panels of a B whose rows are contiguous. Reads along the rows, which are
// too short for the hardware to notice, and so fetches some rows ahead.
template <class T>
HWY_INLINE void pack_b_whole(const T* b, int64_t b_row, int64_t k, int64_t panels, int64_t width,
                             T* to) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t i = 0; i < k; ++i) {
    const T* from = b + i * b_row;
    T* row = to + i * width;
    for (int64_t p = 0; p < panels; ++p, from += width, row += k * width) {
      hwy::Prefetch(from + 3 * b_row);
      hn::StoreU(hn::LoadU(d, from), d, row);
      hn::StoreU(hn::LoadU(d, from + lanes), d, row + lanes);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mt::cpu
HWY_AFTER_NAMESPACE();

#endif  // toggle
