// The register tile of gemm: a few rows of C by two vectors, its sums held in registers while k
// runs. Included once per SIMD target by gemm_simd.cpp.
#if defined(MT_GEMM_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MT_GEMM_TILE_INL_H_
#undef MT_GEMM_TILE_INL_H_
#else
#define MT_GEMM_TILE_INL_H_
#endif

#include <cstdint>
#include <cstring>

#include "hwy/cache_control.h"
#include "hwy/highway.h"

// Rows of the widest tile. Two sums per row, the two vectors of B and one of A must fit into the
// register file: 16 registers, or 32.
#undef MT_GEMM_ROWS
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_EMU128
#define MT_GEMM_ROWS 6
#else
#define MT_GEMM_ROWS 12
#endif

// Vectors of sizeless types (SVE) cannot be array elements, and compilers keep plain variables in
// registers most reliably: the rows of a tile are spelled out through this list.
#undef MT_GEMM_EACH_ROW
#if MT_GEMM_ROWS == 6
#define MT_GEMM_EACH_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5)
#else
#define MT_GEMM_EACH_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#endif

// Whether a masked access leaves the memory behind cleared lanes alone. Highway's own macro speaks
// for the narrow types too; for 4- and 8-byte lanes AVX2 has such instructions.
#undef MT_GEMM_MASKED_ACCESS
#if HWY_TARGET == HWY_AVX2 || !HWY_MEM_OPS_MIGHT_FAULT
#define MT_GEMM_MASKED_ACCESS 1
#else
#define MT_GEMM_MASKED_ACCESS 0
#endif

HWY_BEFORE_NAMESPACE();
namespace mt::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The first n (0 < n < lanes) elements at p, zeros behind them; reads nothing else.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_first(D d, const T* p, int64_t n) {
#if MT_GEMM_MASKED_ACCESS
  return hn::MaskedLoad(hn::FirstN(d, static_cast<size_t>(n)), d, p);
#else
  HWY_ALIGN T lanes[HWY_MAX_BYTES / sizeof(T)] = {};
  std::memcpy(lanes, p, static_cast<size_t>(n) * sizeof(T));
  return hn::Load(d, lanes);
#endif
}

// Writes the first n (0 < n < lanes) elements of v and nothing else.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void store_first(D d, hn::Vec<D> v, T* p, int64_t n) {
#if MT_GEMM_MASKED_ACCESS
  hn::BlendedStore(v, hn::FirstN(d, static_cast<size_t>(n)), d, p);
#else
  HWY_ALIGN T lanes[HWY_MAX_BYTES / sizeof(T)];
  hn::Store(v, d, lanes);
  std::memcpy(p, lanes, static_cast<size_t>(n) * sizeof(T));
#endif
}

// c[0, n) = alpha * sum + beta * c[0, n) for one vector of sums, n possibly beyond the vector.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void update(D d, hn::Vec<D> sum, T alpha, T beta, T* c, int64_t n) {
  const hn::Vec<D> scaled = hn::Mul(hn::Set(d, alpha), sum);
  if (n >= static_cast<int64_t>(hn::Lanes(d))) {
    hn::StoreU(beta == T(0) ? scaled : hn::MulAdd(hn::Set(d, beta), hn::LoadU(d, c), scaled), d, c);
  } else if (n > 0) {
    store_first(
        d, beta == T(0) ? scaled : hn::MulAdd(hn::Set(d, beta), load_first(d, c, n), scaled), c, n);
  }
}

// A column of tiles: `count` of them below each other, over the same panel of B.
template <class T>
struct TileColumn {
  int64_t count;
  int64_t k;
  const T* a;
  int64_t a_row, a_col;  // between elements of A
  int64_t a_tile;        // from one tile's A to the next one's
  const T* b;
  int64_t b_row;
  T alpha, beta;
  T* c;
  int64_t c_row;
  int64_t cols;  // of C; at most the tiles' width. B has the full width.
};

#if !MT_GEMM_MASKED_ACCESS
// c[0, cols) = alpha * sums + beta * c for the rows of a tile that is narrower than its vectors.
template <class T>
HWY_NOINLINE void update_narrow(const T* sums, int64_t width, int rows, const TileColumn<T>& t,
                                T* c) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int i = 0; i < rows; ++i, sums += width, c += t.c_row) {
    for (int64_t j = 0; j < t.cols; j += lanes) {
      update(d, hn::Load(d, sums + j), t.alpha, t.beta, c + j, t.cols - j);
    }
  }
}
#endif

// kPacked: A lies as MT_GEMM_ROWS consecutive elements for each k.
template <int kRows, int kVecs, bool kPacked, class T>
HWY_NOINLINE void multiply_tiles(const TileColumn<T>& t) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t a_row = t.a_row, a_step = kPacked ? MT_GEMM_ROWS : t.a_col, b_row = t.b_row;
  const int64_t c_row = t.c_row;
  const T alpha = t.alpha, beta = t.beta;
  const bool whole = t.cols == kVecs * lanes;
#if MT_GEMM_MASKED_ACCESS
  // Lanes of the two vectors that lie within cols; the first is full where there is a second.
  const auto first = hn::FirstN(d, static_cast<size_t>(HWY_MIN(t.cols, lanes)));
  const auto second = hn::FirstN(d, static_cast<size_t>(HWY_MAX(t.cols - lanes, 0)));
#endif
  const T* a_tile = t.a;
  T* c = t.c;
  for (int64_t left = t.count; left > 0; --left, a_tile += t.a_tile, c += kRows * c_row) {
    const T* a = a_tile;
    const T* b = t.b;
#define MT_ZERO(i)                          \
  V s##i = hn::Zero(d), r##i = hn::Zero(d); \
  if constexpr (kRows > i) hwy::Prefetch(c + i * c_row);
    MT_GEMM_EACH_ROW(MT_ZERO)
#undef MT_ZERO
    for (int64_t k = t.k; k > 0; --k) {
      const V b0 = hn::LoadU(d, b);
      const V b1 = kVecs > 1 ? hn::LoadU(d, b + lanes) : b0;
#define MT_STEP(i)                                           \
  if constexpr (kRows > i) {                                 \
    const V x = hn::Set(d, kPacked ? a[i] : a[i * a_row]);   \
    s##i = hn::MulAdd(x, b0, s##i);                          \
    if constexpr (kVecs > 1) r##i = hn::MulAdd(x, b1, r##i); \
  }
      MT_GEMM_EACH_ROW(MT_STEP)
#undef MT_STEP
      a += a_step;
      b += b_row;
    }
    const V scale = hn::Set(d, alpha);
    if (!whole) {
#if MT_GEMM_MASKED_ACCESS
      const V keep = hn::Set(d, beta);
      const bool read = beta != T(0);
#define MT_MASKED(i)                                                           \
  if constexpr (kRows > i) {                                                   \
    T* p = c + i * c_row;                                                      \
    V x = hn::Mul(scale, s##i);                                                \
    if (read) x = hn::MulAdd(keep, hn::MaskedLoad(first, d, p), x);            \
    hn::BlendedStore(x, first, d, p);                                          \
    if constexpr (kVecs > 1) {                                                 \
      x = hn::Mul(scale, r##i);                                                \
      if (read) x = hn::MulAdd(keep, hn::MaskedLoad(second, d, p + lanes), x); \
      hn::BlendedStore(x, second, d, p + lanes);                               \
    }                                                                          \
  }
      MT_GEMM_EACH_ROW(MT_MASKED)
#undef MT_MASKED
#else
      HWY_ALIGN T sums[kRows * kVecs * HWY_MAX_BYTES / sizeof(T)];
#define MT_KEEP(i)                                                                 \
  if constexpr (kRows > i) {                                                       \
    hn::Store(s##i, d, sums + i * kVecs * lanes);                                  \
    if constexpr (kVecs > 1) hn::Store(r##i, d, sums + i * kVecs * lanes + lanes); \
  }
      MT_GEMM_EACH_ROW(MT_KEEP)
#undef MT_KEEP
      update_narrow(sums, kVecs * lanes, kRows, t, c);
#endif
    } else if (beta == T(0)) {
#define MT_WRITE(i)                                                                      \
  if constexpr (kRows > i) {                                                             \
    hn::StoreU(hn::Mul(scale, s##i), d, c + i * c_row);                                  \
    if constexpr (kVecs > 1) hn::StoreU(hn::Mul(scale, r##i), d, c + i * c_row + lanes); \
  }
      MT_GEMM_EACH_ROW(MT_WRITE)
#undef MT_WRITE
    } else {
      const V keep = hn::Set(d, beta);
#define MT_ADD(i)                                                                \
  if constexpr (kRows > i) {                                                     \
    T* p = c + i * c_row;                                                        \
    hn::StoreU(hn::MulAdd(keep, hn::LoadU(d, p), hn::Mul(scale, s##i)), d, p);   \
    if constexpr (kVecs > 1) {                                                   \
      p += lanes;                                                                \
      hn::StoreU(hn::MulAdd(keep, hn::LoadU(d, p), hn::Mul(scale, r##i)), d, p); \
    }                                                                            \
  }
      MT_GEMM_EACH_ROW(MT_ADD)
#undef MT_ADD
    }
  }
}

// Calls the instance for tiles of `rows` (1 to MT_GEMM_ROWS) rows and of the panel's width.
template <int kVecs, class T>
HWY_INLINE void multiply_tiles_of(int rows, bool packed, const TileColumn<T>& t) {
  // Only whole tiles have a kernel for packed A; the others read it by stride.
  if (packed && rows == MT_GEMM_ROWS) return multiply_tiles<MT_GEMM_ROWS, kVecs, true>(t);
  switch (rows) {
#define MT_CASE(i) \
  case i + 1:      \
    return multiply_tiles<i + 1, kVecs, false>(t);
    MT_GEMM_EACH_ROW(MT_CASE)
#undef MT_CASE
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mt::cpu
HWY_AFTER_NAMESPACE();

#endif  // toggle
