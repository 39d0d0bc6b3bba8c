// Inner loops over bytes for every SIMD target: the weighted sum of rows, which resampling is made
// of, and pixels taken apart into planes.
#include "vision/image.h"
#include "vision/resample.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "vision/resample_simd.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace mt::vision {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Two vectors of sums at a time: their multiplications overlap.
void weighted(uint8_t* out, int64_t n, const uint8_t* in, int64_t stride, const int32_t* weights,
              int64_t taps) {
  const hn::ScalableTag<int32_t> d;
  const hn::Rebind<uint8_t, decltype(d)> bytes;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto half = hn::Set(d, 1 << (kWeightBits - 1));
  int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    auto a = half, b = half;
    const uint8_t* at = in + i;
    for (int64_t k = 0; k < taps; ++k, at += stride) {
      const auto w = hn::Set(d, weights[k]);
      a = hn::Add(a, hn::Mul(w, hn::PromoteTo(d, hn::LoadU(bytes, at))));
      b = hn::Add(b, hn::Mul(w, hn::PromoteTo(d, hn::LoadU(bytes, at + lanes))));
    }
    hn::StoreU(hn::DemoteTo(bytes, hn::ShiftRight<kWeightBits>(a)), bytes, out + i);
    hn::StoreU(hn::DemoteTo(bytes, hn::ShiftRight<kWeightBits>(b)), bytes, out + i + lanes);
  }
  for (; i < n; ++i) {
    int32_t sum = 1 << (kWeightBits - 1);
    const uint8_t* at = in + i;
    for (int64_t k = 0; k < taps; ++k, at += stride) sum += weights[k] * *at;
    sum >>= kWeightBits;
    out[i] = static_cast<uint8_t>(sum < 0 ? 0 : sum > 255 ? 255 : sum);
  }
}

void split(const uint8_t* pixels, int channels, uint8_t* const planes[3], int64_t n) {
  const hn::ScalableTag<uint8_t> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    hn::Vec<decltype(d)> r, g, b, a;
    if (channels == 3) {
      hn::LoadInterleaved3(d, pixels + 3 * i, r, g, b);
    } else {
      hn::LoadInterleaved4(d, pixels + 4 * i, r, g, b, a);
    }
    hn::StoreU(r, d, planes[0] + i);
    hn::StoreU(g, d, planes[1] + i);
    hn::StoreU(b, d, planes[2] + i);
  }
  for (; i < n; ++i) {
    for (int c = 0; c < 3; ++c) planes[c][i] = pixels[channels * i + c];
  }
}

// Fused multiply-adds in the kernel's order, as PyTorch's convolution of single channels has them.
void filter(const float* in, int64_t stride, float* out, int64_t height, int64_t width,
            const float* kernel, int64_t rows, int64_t columns) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t y = 0; y < height; ++y, in += stride, out += width) {
    int64_t x = 0;
    for (; lanes > 1 && x + lanes <= width; x += lanes) {
      auto sum = hn::Zero(d);
      for (int64_t i = 0; i < rows; ++i) {
        for (int64_t j = 0; j < columns; ++j) {
          sum = hn::MulAdd(hn::LoadU(d, in + i * stride + x + j),
                           hn::Set(d, kernel[i * columns + j]), sum);
        }
      }
      hn::StoreU(sum, d, out + x);
    }
    for (; x < width; ++x) {
      float sum = 0;
      for (int64_t i = 0; i < rows; ++i) {
        for (int64_t j = 0; j < columns; ++j) {
          sum = std::fma(in[i * stride + x + j], kernel[i * columns + j], sum);
        }
      }
      out[x] = sum;
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace mt::vision
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::vision {
namespace {
HWY_EXPORT(weighted);
HWY_EXPORT(split);
HWY_EXPORT(filter);
}  // namespace

void filter_plane(const float* in, int64_t stride, float* out, int64_t height, int64_t width,
                  const float* kernel, int64_t rows, int64_t columns) {
  HWY_DYNAMIC_DISPATCH(filter)(in, stride, out, height, width, kernel, rows, columns);
}

void split_pixels(const uint8_t* pixels, int channels, uint8_t* const planes[3], int64_t n) {
  HWY_DYNAMIC_DISPATCH(split)(pixels, channels, planes, n);
}

void weighted_bytes(uint8_t* out, int64_t n, const uint8_t* in, int64_t stride,
                    const int32_t* weights, int64_t taps) {
  HWY_DYNAMIC_DISPATCH(weighted)(out, n, in, stride, weights, taps);
}

}  // namespace mt::vision
#endif
