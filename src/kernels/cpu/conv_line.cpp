// One channel's convolution and its weights' gradient on contiguous lines, in registers: what there
// is to do for one output channel of a group is too little for a matrix product.
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

template <class T>
HWY_INLINE void line(const T* x, const int64_t* rows, const T* w, int64_t patch, T start, T* y,
                     int64_t n) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    auto a0 = hn::Set(d, start), a1 = a0, a2 = a0, a3 = a0;
    for (int64_t r = 0; r < patch; ++r) {
      const T* const from = x + rows[r] + i;
      const auto factor = hn::Set(d, w[r]);
      a0 = hn::MulAdd(factor, hn::LoadU(d, from), a0);
      a1 = hn::MulAdd(factor, hn::LoadU(d, from + lanes), a1);
      a2 = hn::MulAdd(factor, hn::LoadU(d, from + 2 * lanes), a2);
      a3 = hn::MulAdd(factor, hn::LoadU(d, from + 3 * lanes), a3);
    }
    hn::StoreU(a0, d, y + i);
    hn::StoreU(a1, d, y + i + lanes);
    hn::StoreU(a2, d, y + i + 2 * lanes);
    hn::StoreU(a3, d, y + i + 3 * lanes);
  }
  for (; i + lanes <= n; i += lanes) {
    auto a = hn::Set(d, start);
    for (int64_t r = 0; r < patch; ++r) {
      a = hn::MulAdd(hn::Set(d, w[r]), hn::LoadU(d, x + rows[r] + i), a);
    }
    hn::StoreU(a, d, y + i);
  }
  for (; i < n; ++i) {
    T a = start;
    for (int64_t r = 0; r < patch; ++r) a = std::fma(w[r], x[rows[r] + i], a);
    y[i] = a;
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

void line_float(const float* x, const int64_t* rows, const float* w, int64_t patch, float start,
                float* y, int64_t n) {
  line(x, rows, w, patch, start, y, n);
}
void line_double(const double* x, const int64_t* rows, const double* w, int64_t patch, double start,
                 double* y, int64_t n) {
  line(x, rows, w, patch, start, y, n);
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

HWY_EXPORT(line_float);
HWY_EXPORT(line_double);
HWY_EXPORT(dots_float);
HWY_EXPORT(dots_double);

void conv_line(const float* x, const int64_t* rows, const float* w, int64_t patch, float start,
               float* y, int64_t n) {
  HWY_DYNAMIC_DISPATCH(line_float)(x, rows, w, patch, start, y, n);
}
void conv_line(const double* x, const int64_t* rows, const double* w, int64_t patch, double start,
               double* y, int64_t n) {
  HWY_DYNAMIC_DISPATCH(line_double)(x, rows, w, patch, start, y, n);
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
