// One product of float or double matrices on one thread, for every SIMD target: chooses between the
// vector kernels and the register tile, and blocks the tile's work for the caches (after Goto and
// van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008).
#include "kernels/cpu/gemm_block.h"

#include "kernels/cpu/scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/gemm_simd.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "kernels/cpu/gemm_pack-inl.h"
#include "kernels/cpu/gemm_tile-inl.h"
#include "kernels/cpu/gemm_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mt::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

// Cuts `size` into equal blocks of at most `most`, a multiple of `unit` each but the last.
inline int64_t even_block(int64_t size, int64_t most, int64_t unit) {
  return round_up(ceil_div(size, ceil_div(size, most)), unit);
}

// Sizes found by measurement; a second set within a factor of 1.5 is as good. Of sums in a row:
constexpr int64_t kDepth = 384;
// Bytes of A's block (fits the smallest L2 caches, 256 KiB) and of B's panel groups.
constexpr int64_t kBlockBytesA = 144 * kDepth * 4;
constexpr int64_t kWideColumns = 4096, kGroupPanels = 16;
// Up to this many rows, or columns, one reuse of a packed operand does not pay for the packing; a
// larger B is packed in any case, because walking it by columns defeats the prefetchers.
constexpr int64_t kDirectRows = 24, kDirectColumns = 128, kDirectBytesB = 8 << 20;
constexpr int64_t kDirectSizeA = 4096;
// The stack holds the packed operands of small products.
constexpr size_t kStackBytes = 16384;

// How much of the operands one round works on.
struct Blocking {
  bool pack_a, pack_b;
  int64_t mc, nc, kc;
};

template <class T>
HWY_INLINE Blocking choose_blocking(const GemmBlock<T>& g, int64_t width) {
  constexpr int64_t kBytes = sizeof(T);
  Blocking block;
  block.kc = even_block(g.k, kDepth, 1);
  block.mc = even_block(g.m, kBlockBytesA / (kDepth * kBytes), MT_GEMM_ROWS);
  block.pack_a = g.n > kDirectColumns && g.m * g.k > kDirectSizeA;
  block.pack_b =
      g.b_rows || g.b_col != 1 || g.m > kDirectRows || g.k * g.n * kBytes > kDirectBytesB;
  // B is packed for all of A's blocks at once, or in groups of panels when A has one block.
  block.nc = even_block(g.n, g.m > block.mc ? kWideColumns : kGroupPanels * width, width);
  return block;
}

// k rows of op(B), packed panel by panel; `cols` columns.
template <class T>
HWY_INLINE void pack_b(const T* b, int64_t b_row, int64_t b_col, int64_t k, int64_t cols,
                       int64_t width, T* to) {
  const int64_t whole = b_col == 1 ? cols / width * width : 0;
  for (int64_t n = 0; n < whole; n += kGroupPanels * width) {
    pack_b_whole(b + n, b_row, k, HWY_MIN(kGroupPanels, (whole - n) / width), width, to + n * k);
  }
  for (int64_t n = whole; n < cols; n += width) {
    pack_b_panel(b + n * b_col, b_row, b_col, k, HWY_MIN(width, cols - n), width, to + n * k);
  }
}

template <class T>
HWY_NOINLINE void multiply_tiled(const GemmBlock<T>& g) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), width = 2 * lanes;
  const Blocking block = choose_blocking(g, width);
  const int64_t a_size = block.pack_a ? round_up(block.mc * block.kc, 16) : 0;
  // pack_b_places writes up to a panel's width behind the end.
  const int64_t b_size = block.kc * (block.pack_b ? block.nc : width) + (g.b_rows ? width : 0);
  const size_t bytes = static_cast<size_t>(a_size + b_size) * sizeof(T);
  HWY_ALIGN_MAX T small[kStackBytes / sizeof(T)];
  T* const a_packed =
      bytes <= sizeof(small) ? small : static_cast<T*>(scratch(ScratchSlot::kPack, bytes));
  T* const b_packed = a_packed + a_size;

  TileColumn<T> t;
  t.alpha = g.alpha;
  t.c_row = g.c_row;
  for (int64_t k0 = 0; k0 < g.k; k0 += block.kc) {
    t.k = HWY_MIN(block.kc, g.k - k0);
    t.beta = k0 == 0 ? g.beta : T(1);
    const T* b_block = g.b_rows ? g.b : g.b + k0 * g.b_row;
    for (int64_t n0 = 0; n0 < g.n; n0 += block.nc) {
      const int64_t n1 = HWY_MIN(n0 + block.nc, g.n);
      if (g.b_rows) {
        pack_b_places(g, k0, t.k, n0, n1, width, b_packed);
      } else if (block.pack_b) {
        pack_b(b_block + n0 * g.b_col, g.b_row, g.b_col, t.k, n1 - n0, width, b_packed);
      }
      for (int64_t m0 = 0; m0 < g.m; m0 += block.mc) {
        const int64_t m = HWY_MIN(block.mc, g.m - m0);
        // Tiles of nearly equal height: 8 rows are 4 and 4, not 6 and 2.
        const int64_t tiles = ceil_div(m, MT_GEMM_ROWS);
        const int64_t rows = m / tiles, higher = m % tiles;
        const T* a_block = g.a + m0 * g.a_row + k0 * g.a_col;
        if (block.pack_a && (n0 == 0 || g.m > block.mc)) {
          int64_t row = 0;
          for (int64_t i = 0; i < tiles; ++i) {
            const int64_t height = rows + (i < higher);
            pack_a_panel(a_block + row * g.a_row, g.a_row, g.a_col, height, t.k,
                         a_packed + i * MT_GEMM_ROWS * t.k);
            row += height;
          }
        }
        for (int64_t n = n0; n < n1; n += width) {
          t.cols = HWY_MIN(width, n1 - n);
          t.b_row = width;
          if (block.pack_b) {
            t.b = b_packed + (n - n0) * t.k;
          } else if (t.cols == width) {
            t.b = b_block + n;
            t.b_row = g.b_row;
          } else {  // the last columns are fewer than a tile reads
            pack_b_panel(b_block + n, g.b_row, 1, t.k, t.cols, width, b_packed);
            t.b = b_packed;
          }
          t.c = g.c + m0 * g.c_row + n;
          t.a = block.pack_a ? a_packed : a_block;
          t.a_row = block.pack_a ? 1 : g.a_row;
          t.a_col = block.pack_a ? MT_GEMM_ROWS : g.a_col;
          const auto run = [&](int64_t height, int64_t count) {
            if (count == 0) return;
            t.count = count;
            t.a_tile = block.pack_a ? MT_GEMM_ROWS * t.k : height * g.a_row;
            if (t.cols > lanes) {
              multiply_tiles_of<2>(static_cast<int>(height), block.pack_a, t);
            } else {
              multiply_tiles_of<1>(static_cast<int>(height), block.pack_a, t);
            }
            t.a += count * t.a_tile;
            t.c += count * height * g.c_row;
          };
          run(rows + 1, higher);
          run(rows, tiles - higher);
        }
      }
    }
  }
}

template <class T>
HWY_INLINE void multiply(const GemmBlock<T>& g) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>()));
  if (g.b_rows) return multiply_tiled(g);
  // With one column the roles are swapped: C^T = B^T A^T.
  if (g.n == 1) {
    if (g.a_row == 1 && (g.a_col != 1 || g.m >= g.k)) {
      return multiply_row(g.m, g.k, g.alpha, g.b, g.b_row, g.a, g.a_col, g.beta, g.c, g.c_row);
    }
    if (g.b_row == 1 || g.k == 1) {
      return multiply_dots<T>(1, g.m, g.k, g.alpha, g.b, 0, g.a, g.a_row, g.beta, g.c, 0, g.c_row);
    }
  }
  if (g.m == 1 && g.b_col == 1 && g.n >= lanes) {
    return multiply_row(g.n, g.k, g.alpha, g.a, g.a_col, g.b, g.b_row, g.beta, g.c, 1);
  }
  if (g.b_row == 1 && g.a_col == 1 && (g.m <= 2 || (g.m <= 8 && g.m * 8 <= g.k))) {
    return multiply_dots(g.m, g.n, g.k, g.alpha, g.a, g.a_row, g.b, g.b_col, g.beta, g.c, g.c_row,
                         1);
  }
  return multiply_tiled(g);
}

void multiply_float(const GemmBlock<float>& g) { multiply(g); }
void multiply_double(const GemmBlock<double>& g) { multiply(g); }

}  // namespace HWY_NAMESPACE
}  // namespace mt::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {

HWY_EXPORT(multiply_float);
HWY_EXPORT(multiply_double);

void gemm_block(const GemmBlock<float>& g) { HWY_DYNAMIC_DISPATCH(multiply_float)(g); }
void gemm_block(const GemmBlock<double>& g) { HWY_DYNAMIC_DISPATCH(multiply_double)(g); }

}  // namespace mt::cpu
#endif  // HWY_ONCE
