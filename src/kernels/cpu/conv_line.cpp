// Convolution of a few channels and its weights' gradient on contiguous lines, in registers: what
// there is to do for few output channels is too little for a matrix product.
#include <cmath>
#include <cstdint>

#include "kernels/cpu/conv_line.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/conv_line.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace mt::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// One output channel, or two over the same values of x: the second w_step behind the first in w and
// y_step in y.
template <bool kTwo, class T>
HWY_INLINE void line(const T* x, const int64_t* rows, const T* w, int64_t w_step, int64_t patch,
                     const T* start, T* y, int64_t y_step, int64_t n) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const T* const v = kTwo ? w + w_step : w;
  T* const z = kTwo ? y + y_step : y;
  const auto s = hn::Set(d, start[0]), t = hn::Set(d, start[kTwo]);
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    auto a0 = s, a1 = s, a2 = s, a3 = s, b0 = t, b1 = t, b2 = t, b3 = t;
    for (int64_t r = 0; r < patch; ++r) {
      const T* const from = x + rows[r] + i;
      const auto x0 = hn::LoadU(d, from), x1 = hn::LoadU(d, from + lanes);
      const auto x2 = hn::LoadU(d, from + 2 * lanes), x3 = hn::LoadU(d, from + 3 * lanes);
      const auto f = hn::Set(d, w[r]);
      a0 = hn::MulAdd(f, x0, a0);
      a1 = hn::MulAdd(f, x1, a1);
      a2 = hn::MulAdd(f, x2, a2);
      a3 = hn::MulAdd(f, x3, a3);
      if constexpr (kTwo) {
        const auto h = hn::Set(d, v[r]);
        b0 = hn::MulAdd(h, x0, b0);
        b1 = hn::MulAdd(h, x1, b1);
        b2 = hn::MulAdd(h, x2, b2);
        b3 = hn::MulAdd(h, x3, b3);
      }
    }
    const auto store = [&](T* to, auto c0, auto c1, auto c2, auto c3) HWY_ATTR {
      hn::StoreU(c0, d, to);
      hn::StoreU(c1, d, to + lanes);
      hn::StoreU(c2, d, to + 2 * lanes);
      hn::StoreU(c3, d, to + 3 * lanes);
    };
    store(y + i, a0, a1, a2, a3);
    if constexpr (kTwo) store(z + i, b0, b1, b2, b3);
  }
  for (; i + lanes <= n; i += lanes) {
    auto a = s, b = t;
    for (int64_t r = 0; r < patch; ++r) {
      const auto from = hn::LoadU(d, x + rows[r] + i);
      a = hn::MulAdd(hn::Set(d, w[r]), from, a);
      if constexpr (kTwo) b = hn::MulAdd(hn::Set(d, v[r]), from, b);
    }
    hn::StoreU(a, d, y + i);
    if constexpr (kTwo) hn::StoreU(b, d, z + i);
  }
  for (; i < n; ++i) {
    T a = start[0], b = start[kTwo];
    for (int64_t r = 0; r < patch; ++r) {
      a = std::fma(w[r], x[rows[r] + i], a);
      if constexpr (kTwo) b = std::fma(v[r], x[rows[r] + i], b);
    }
    y[i] = a;
    if constexpr (kTwo) z[i] = b;
  }
}

template <class T>
HWY_INLINE void lines(const T* x, const int64_t* rows, const T* w, int64_t patch, const T* start,
                      T* y, int64_t y_step, int64_t n, int64_t channels) {
  // Piece by piece, so that all channels find the piece of x in the first cache.
  const int64_t piece = 4 * static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>()));
  for (int64_t i = 0; i < n; i += piece, x += piece, y += piece) {
    const int64_t length = HWY_MIN(piece, n - i);
    int64_t c = 0;
    for (; c + 2 <= channels; c += 2) {
      line<true>(x, rows, w + c * patch, patch, patch, start + c, y + c * y_step, y_step, length);
    }
    if (c < channels) {
      line<false>(x, rows, w + c * patch, patch, patch, start + c, y + c * y_step, y_step, length);
    }
  }
}

template <class T>
HWY_INLINE T dots(const T* a, int64_t a_line, const T* b, int64_t b_line, int64_t lines,
                  int64_t n) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  auto s0 = hn::Zero(d), s1 = s0;
  T rest = 0;
  for (int64_t k = 0; k < lines; ++k, a += a_line, b += b_line) {
    int64_t i = 0;
    for (; i + 2 * lanes <= n; i += 2 * lanes) {
      s0 = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), s0);
      s1 = hn::MulAdd(hn::LoadU(d, a + i + lanes), hn::LoadU(d, b + i + lanes), s1);
    }
    for (; i + lanes <= n; i += lanes) {
      s0 = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), s0);
    }
    for (; i < n; ++i) rest = std::fma(a[i], b[i], rest);
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(s0, s1))) + rest;
}

void lines_float(const float* x, const int64_t* rows, const float* w, int64_t patch,
                 const float* start, float* y, int64_t y_step, int64_t n, int64_t channels) {
  lines(x, rows, w, patch, start, y, y_step, n, channels);
}
void lines_double(const double* x, const int64_t* rows, const double* w, int64_t patch,
                  const double* start, double* y, int64_t y_step, int64_t n, int64_t channels) {
  lines(x, rows, w, patch, start, y, y_step, n, channels);
}
float dots_float(const float* a, int64_t a_line, const float* b, int64_t b_line, int64_t lines,
                 int64_t n) {
  return dots(a, a_line, b, b_line, lines, n);
}
double dots_double(const double* a, int64_t a_line, const double* b, int64_t b_line, int64_t lines,
                   int64_t n) {
  return dots(a, a_line, b, b_line, lines, n);
}

}  // namespace
}  // namespace mt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {

HWY_EXPORT(lines_float);
HWY_EXPORT(lines_double);
HWY_EXPORT(dots_float);
HWY_EXPORT(dots_double);

void conv_lines(const float* x, const int64_t* rows, const float* w, int64_t patch,
                const float* start, float* y, int64_t y_step, int64_t n, int64_t channels) {
  HWY_DYNAMIC_DISPATCH(lines_float)(x, rows, w, patch, start, y, y_step, n, channels);
}
void conv_lines(const double* x, const int64_t* rows, const double* w, int64_t patch,
                const double* start, double* y, int64_t y_step, int64_t n, int64_t channels) {
  HWY_DYNAMIC_DISPATCH(lines_double)(x, rows, w, patch, start, y, y_step, n, channels);
}
float dot_lines(const float* a, int64_t a_line, const float* b, int64_t b_line, int64_t lines,
                int64_t n) {
  return HWY_DYNAMIC_DISPATCH(dots_float)(a, a_line, b, b_line, lines, n);
}
double dot_lines(const double* a, int64_t a_line, const double* b, int64_t b_line, int64_t lines,
                 int64_t n) {
  return HWY_DYNAMIC_DISPATCH(dots_double)(a, a_line, b, b_line, lines, n);
}

}  // namespace mt::cpu
#endif  // HWY_ONCE
