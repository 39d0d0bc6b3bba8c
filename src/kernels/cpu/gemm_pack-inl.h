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
#include "kernels/cpu/gemm_block.h"
#include "kernels/cpu/gemm_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mt::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Lines of the square that transpose_square turns: four floats, two doubles.
template <class T>
constexpr int kSquare = 16 / sizeof(T);

// to[i * to_row + j] = p[j][i] for a square.
template <class T>
using SquareLines = const T* const (&)[kSquare<T>];
#if HWY_TARGET == HWY_SCALAR
template <class T>
HWY_INLINE void transpose_lines(SquareLines<T> p, T* to, int64_t to_row) {
  for (int i = 0; i < kSquare<T>; ++i) {
    for (int j = 0; j < kSquare<T>; ++j) to[j * to_row + i] = p[i][j];
  }
}
#else
HWY_INLINE void transpose_lines(SquareLines<float> p, float* to, int64_t to_row) {
  const hn::FixedTag<float, 4> d;
  const hn::Repartition<double, decltype(d)> pairs;
  const auto v0 = hn::LoadU(d, p[0]), v1 = hn::LoadU(d, p[1]);
  const auto v2 = hn::LoadU(d, p[2]), v3 = hn::LoadU(d, p[3]);
  const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, v0, v1));
  const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, v2, v3));
  const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, v0, v1));
  const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, v2, v3));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23)), d, to);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23)), d, to + to_row);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23)), d, to + 2 * to_row);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23)), d, to + 3 * to_row);
}
HWY_INLINE void transpose_lines(SquareLines<double> p, double* to, int64_t to_row) {
  const hn::FixedTag<double, 2> d;
  const auto v0 = hn::LoadU(d, p[0]), v1 = hn::LoadU(d, p[1]);
  hn::StoreU(hn::InterleaveLower(d, v0, v1), d, to);
  hn::StoreU(hn::InterleaveUpper(d, v0, v1), d, to + to_row);
}
#endif
template <class T>
HWY_INLINE void transpose_square(const T* from, int64_t from_row, T* to, int64_t to_row) {
  if constexpr (kSquare<T> == 4) {
    const T* const p[4] = {from, from + from_row, from + 2 * from_row, from + 3 * from_row};
    transpose_lines(p, to, to_row);
  } else {
    const T* const p[2] = {from, from + from_row};
    transpose_lines(p, to, to_row);
  }
}

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

// to[x * width + line] = from[places[line] + x] for line < lines, x < length.
template <class T>
HWY_INLINE void pack_turned(const T* from, const int64_t* places, int64_t lines, int64_t length,
                            T* to, int64_t width) {
  constexpr int kS = kSquare<T>;
  int64_t line = 0;
  for (; length >= kS && line + kS <= lines; line += kS) {
    const T* p[kS];
    for (int i = 0; i < kS; ++i) p[i] = from + places[line + i];
    int64_t x = 0;
    for (; x + kS <= length; x += kS) {
      transpose_lines(p, to + x * width + line, width);
      for (int i = 0; i < kS; ++i) p[i] += kS;
    }
    for (; x < length; ++x) {
      for (int i = 0; i < kS; ++i) to[x * width + line + i] = *p[i]++;
    }
  }
  for (; line < lines; ++line) {
    for (int64_t x = 0; x < length; ++x) to[x * width + line] = from[places[line] + x];
  }
}

// Rows [k0, k0 + k) and columns [n0, n1) of a B that is given by places (GemmBlock::b_rows).
// Columns whose places follow each other are copied as vectors, which overlap: the next run, or the
// next row, writes over what was too much.
template <class T>
HWY_INLINE void pack_b_places(const GemmBlock<T>& g, int64_t k0, int64_t k, int64_t n0, int64_t n1,
                              int64_t width, T* to) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  constexpr int kMaxRuns = 4;
  const int64_t* rows = g.b_rows + k0;
  for (int64_t n = n0; n < n1; n += width, to += k * width) {
    const int64_t* places = g.b_cols + n;
    const int64_t cols = HWY_MIN(width, n1 - n);
    int64_t first[kMaxRuns + 1];
    int runs = 0;
    for (int64_t j = 0; j < cols && runs <= kMaxRuns; ++j) {
      if (j == 0 || places[j] != places[j - 1] + 1) first[runs++] = j;
    }
    if (runs <= kMaxRuns) {
      for (int64_t x = 0; x < k; ++x) {
        T* row = to + x * width;
        for (int r = 0; r < runs; ++r) {
          const T* from = g.b + rows[x] + places[first[r]];
          T* const at = row + first[r];
          if (from + width <= g.b_end) {
            hn::StoreU(hn::LoadU(d, from), d, at);
            hn::StoreU(hn::LoadU(d, from + lanes), d, at + lanes);
          } else {
            const int64_t end = r + 1 < runs ? first[r + 1] : cols;
            for (int64_t j = 0; j < end - first[r]; ++j) at[j] = from[j];
          }
        }
      }
      continue;
    }
    // Rows whose places follow each other: lines of the image, turned.
    for (int64_t x0 = 0, x1 = 0; x0 < k; x0 = x1) {
      for (x1 = x0 + 1; x1 < k && rows[x1] == rows[x1 - 1] + 1;) ++x1;
      pack_turned(g.b + rows[x0], places, cols, x1 - x0, to + x0 * width, width);
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
