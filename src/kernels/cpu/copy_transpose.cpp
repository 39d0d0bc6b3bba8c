// Copies within one dtype: runs are moved as bytes, and where the input is contiguous along another
// dim than the output (a transpose), tiles are turned in registers so that both sides are walked
// along cache lines.
#include <algorithm>
#include <bit>
#include <cstring>

#include "core/parallel.h"
#include "kernels/cpu/copy_parts.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/copy_transpose.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/cpu/element-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mt::cpu {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// out[r * out_step + c] = in[c * in_step + r], steps in elements.
template <class U>
HWY_INLINE void transpose_plain(const U* in, int64_t in_step, U* out, int64_t out_step,
                                int64_t rows, int64_t cols) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < cols; ++c) out[r * out_step + c] = in[c * in_step + r];
  }
}

#if HWY_TARGET == HWY_SCALAR
template <class U>
inline constexpr int64_t kTile = 1;  // no shuffles, no tiles
template <class U>
HWY_INLINE void transpose_tile(const U*, int64_t, U*, int64_t) {}
#else

// Pairs lanes of a and b as one lane of twice the width: of the lower or upper half of each 128-bit
// block.
template <class D, class V>
HWY_INLINE hn::Vec<hn::RepartitionToWide<D> > zip_lower(D d, V a, V b) {
  return hn::BitCast(hn::RepartitionToWide<D>(), hn::InterleaveLower(d, a, b));
}
template <class D, class V>
HWY_INLINE hn::Vec<hn::RepartitionToWide<D> > zip_upper(D d, V a, V b) {
  return hn::BitCast(hn::RepartitionToWide<D>(), hn::InterleaveUpper(d, a, b));
}

// Tiles of one 128-bit vector a row, or two for 4- and 8-byte elements where vectors are longer.
template <class U>
using TileTag = hn::CappedTag<U, sizeof(U) == 2 ? 8 : 32 / sizeof(U)>;
template <class U>
inline constexpr int64_t kTile = sizeof(U) == 1 ? 1
                                                : static_cast<int64_t>(hn::MaxLanes(TileTag<U>()));

// One tile of kTile x kTile.
HWY_INLINE void transpose_tile(const uint8_t*, int64_t, uint8_t*, int64_t) {}

HWY_INLINE void transpose_tile(const uint16_t* in, int64_t s, uint16_t* out, int64_t t) {
  const TileTag<uint16_t> d;
  const hn::RepartitionToWide<decltype(d)> d32;
  const hn::RepartitionToWide<decltype(d32)> d64;
  const auto r0 = hn::LoadU(d, in), r1 = hn::LoadU(d, in + s);
  const auto r2 = hn::LoadU(d, in + 2 * s), r3 = hn::LoadU(d, in + 3 * s);
  const auto r4 = hn::LoadU(d, in + 4 * s), r5 = hn::LoadU(d, in + 5 * s);
  const auto r6 = hn::LoadU(d, in + 6 * s), r7 = hn::LoadU(d, in + 7 * s);
  const auto store4 = [=](auto a, auto b, auto c, auto e, uint16_t* to) MT_VECTOR_LAMBDA {
    const auto lower0 = zip_lower(d32, a, b), upper0 = zip_upper(d32, a, b);
    const auto lower1 = zip_lower(d32, c, e), upper1 = zip_upper(d32, c, e);
    hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d64, lower0, lower1)), d, to);
    hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d64, lower0, lower1)), d, to + t);
    hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d64, upper0, upper1)), d, to + 2 * t);
    hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d64, upper0, upper1)), d, to + 3 * t);
  };
  store4(zip_lower(d, r0, r1), zip_lower(d, r2, r3), zip_lower(d, r4, r5), zip_lower(d, r6, r7),
         out);
  store4(zip_upper(d, r0, r1), zip_upper(d, r2, r3), zip_upper(d, r4, r5), zip_upper(d, r6, r7),
         out + 4 * t);
}

HWY_INLINE void transpose_tile(const uint32_t* in, int64_t s, uint32_t* out, int64_t t) {
  const TileTag<uint32_t> d;
  const hn::RepartitionToWide<decltype(d)> d64;
  // Four rows as zipped pairs: .. of the columns 0 and 1, 2 and 3 of each 128-bit block.
  const auto a0 = hn::LoadU(d, in), a1 = hn::LoadU(d, in + s);
  const auto a2 = hn::LoadU(d, in + 2 * s), a3 = hn::LoadU(d, in + 3 * s);
  const auto p01 = zip_lower(d, a0, a1), p23 = zip_lower(d, a2, a3);
  const auto q01 = zip_upper(d, a0, a1), q23 = zip_upper(d, a2, a3);
  const auto x0 = hn::BitCast(d, hn::InterleaveLower(d64, p01, p23));
  const auto x1 = hn::BitCast(d, hn::InterleaveUpper(d64, p01, p23));
  const auto x2 = hn::BitCast(d, hn::InterleaveLower(d64, q01, q23));
  const auto x3 = hn::BitCast(d, hn::InterleaveUpper(d64, q01, q23));
  if constexpr (kTile<uint32_t> == 8) {
    const uint32_t* const next = in + 4 * s;
    const auto b0 = hn::LoadU(d, next), b1 = hn::LoadU(d, next + s);
    const auto b2 = hn::LoadU(d, next + 2 * s), b3 = hn::LoadU(d, next + 3 * s);
    const auto u01 = zip_lower(d, b0, b1), u23 = zip_lower(d, b2, b3);
    const auto w01 = zip_upper(d, b0, b1), w23 = zip_upper(d, b2, b3);
    const auto y0 = hn::BitCast(d, hn::InterleaveLower(d64, u01, u23));
    const auto y1 = hn::BitCast(d, hn::InterleaveUpper(d64, u01, u23));
    const auto y2 = hn::BitCast(d, hn::InterleaveLower(d64, w01, w23));
    const auto y3 = hn::BitCast(d, hn::InterleaveUpper(d64, w01, w23));
    hn::StoreU(hn::ConcatLowerLower(d, y0, x0), d, out);
    hn::StoreU(hn::ConcatLowerLower(d, y1, x1), d, out + t);
    hn::StoreU(hn::ConcatLowerLower(d, y2, x2), d, out + 2 * t);
    hn::StoreU(hn::ConcatLowerLower(d, y3, x3), d, out + 3 * t);
    hn::StoreU(hn::ConcatUpperUpper(d, y0, x0), d, out + 4 * t);
    hn::StoreU(hn::ConcatUpperUpper(d, y1, x1), d, out + 5 * t);
    hn::StoreU(hn::ConcatUpperUpper(d, y2, x2), d, out + 6 * t);
    hn::StoreU(hn::ConcatUpperUpper(d, y3, x3), d, out + 7 * t);
  } else {
    hn::StoreU(x0, d, out);
    hn::StoreU(x1, d, out + t);
    hn::StoreU(x2, d, out + 2 * t);
    hn::StoreU(x3, d, out + 3 * t);
  }
}

HWY_INLINE void transpose_tile(const uint64_t* in, int64_t s, uint64_t* out, int64_t t) {
  const TileTag<uint64_t> d;
  const auto a0 = hn::LoadU(d, in), a1 = hn::LoadU(d, in + s);
  const auto x0 = hn::InterleaveLower(d, a0, a1), x1 = hn::InterleaveUpper(d, a0, a1);
  if constexpr (kTile<uint64_t> == 4) {
    const auto a2 = hn::LoadU(d, in + 2 * s), a3 = hn::LoadU(d, in + 3 * s);
    const auto y0 = hn::InterleaveLower(d, a2, a3), y1 = hn::InterleaveUpper(d, a2, a3);
    hn::StoreU(hn::ConcatLowerLower(d, y0, x0), d, out);
    hn::StoreU(hn::ConcatLowerLower(d, y1, x1), d, out + t);
    hn::StoreU(hn::ConcatUpperUpper(d, y0, x0), d, out + 2 * t);
    hn::StoreU(hn::ConcatUpperUpper(d, y1, x1), d, out + 3 * t);
  } else {
    hn::StoreU(x0, d, out);
    hn::StoreU(x1, d, out + t);
  }
}
#endif

// Rows of a block: one cache line of the input's contiguous dim.
template <class U>
inline constexpr int64_t kBlock = 64 / static_cast<int64_t>(sizeof(U));

// `rows` is at most kBlock.
template <class U>
void transpose_block(const U* in, int64_t in_step, U* out, int64_t out_step, int64_t rows,
                     int64_t cols) {
  constexpr int64_t b = kBlock<U>, k = kTile<U>;
  int64_t c = 0;
  for (; c < cols; c += b) {
    const int64_t width = std::min(b, cols - c);
    if (k > 1 && rows == b && width == b) {
      for (int64_t r = 0; r < b; r += k) {
        for (int64_t x = c; x < c + b; x += k) {
          transpose_tile(in + x * in_step + r, in_step, out + r * out_step + x, out_step);
        }
      }
    } else {
      transpose_plain(in + c * in_step, in_step, out + c, out_step, rows, width);
    }
  }
}

// The dim along which the input is contiguous when it is not the innermost, or 0.
int transposed_dim(const Iter& it, int64_t size) {
  if (it.ndim < 2 || it.strides[0][0] != size || it.strides[1][0] == 0) return 0;
  for (int d = 1; d < it.ndim; ++d) {
    if (it.strides[1][d] == size && it.sizes[d] > 1) return d;
  }
  return 0;
}

// Blocks of rows of all planes (the dims other than 0 and `across`), in parallel.
template <class U>
void copy_transposed(const Iter& it, int across) {
  const int64_t rows = it.sizes[across], cols = it.sizes[0];
  const int64_t blocks = (rows + kBlock<U> - 1) / kBlock<U>;
  const int64_t planes = it.numel / (rows * cols);
  constexpr int64_t kSize = sizeof(U);
  const int64_t in_step = it.strides[1][0] / kSize, out_step = it.strides[0][across] / kSize;
  const int64_t block_size = std::min(rows, kBlock<U>) * cols;
  parallel_for(0, planes * blocks, std::max<int64_t>(1, 32768 / block_size),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) {
                   const int64_t r = i % blocks * kBlock<U>;
                   int64_t plane = i / blocks;
                   char* out = it.data[0] + r * it.strides[0][across];
                   const char* in = it.data[1] + r * it.strides[1][across];
                   for (int d = 1; d < it.ndim; ++d) {
                     if (d == across) continue;
                     out += plane % it.sizes[d] * it.strides[0][d];
                     in += plane % it.sizes[d] * it.strides[1][d];
                     plane /= it.sizes[d];
                   }
                   transpose_block(reinterpret_cast<const U*>(in), in_step,
                                   reinterpret_cast<U*>(out), out_step,
                                   std::min(kBlock<U>, rows - r), cols);
                 }
               });
}

template <class U>
void copy_run(char* const* data, const int64_t* strides, int64_t n, const void*) {
  constexpr int64_t kSize = sizeof(U);
  if (strides[0] == kSize && strides[1] == kSize) {
    std::memmove(data[0], data[1], static_cast<size_t>(n * kSize));
    return;
  }
  char* to = data[0];
  const char* from = data[1];
  if (strides[0] == kSize && strides[1] == 0) {
    std::fill_n(reinterpret_cast<U*>(to), n, *reinterpret_cast<const U*>(from));
    return;
  }
  for (; n > 0; --n, to += strides[0], from += strides[1]) {
    *reinterpret_cast<U*>(to) = *reinterpret_cast<const U*>(from);
  }
}

template <class U>
void copy(const Iter& it, const Params&) {
  const int across = transposed_dim(it, sizeof(U));
  if (across != 0) {
    copy_transposed<U>(it, across);
  } else {
    run_iter(it, copy_run<U>, nullptr);
  }
}

void fill_table(Backend& b) {
  constexpr ElementwiseKernel kCopies[] = {copy<uint8_t>, copy<uint16_t>, copy<uint32_t>,
                                           copy<uint64_t>};
  for (int t = 0; t < kNumDTypes; ++t) {  // complex128 is complex.cpp's
    const int size = std::countr_zero(dtype_size(static_cast<DType>(t)));
    if (size < 4) b.cast[t][t] = kCopies[size];
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace mt::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {
HWY_EXPORT(fill_table);
void fill_copy_transpose(Backend& b) { HWY_DYNAMIC_DISPATCH(fill_table)(b); }
}  // namespace mt::cpu
#endif
