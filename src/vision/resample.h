// Resizing of 8-bit planes with Pillow's filters and its fixed-point rounding: first along rows,
// then along columns, each sum rounded to a byte. Reducing widens the filter (antialias).
#pragma once

#include "vision/functional.h"

namespace mt::vision {

// Every plane of (planes, height, width) into (planes, out_height, out_width).
void resample_planes(const uint8_t* in, int64_t planes, int64_t height, int64_t width, uint8_t* out,
                     int64_t out_height, int64_t out_width, Interpolation mode);

// Rows of bytes that the weighted sum over rows works on side by side.
inline constexpr int64_t kPackedRows = 16;
inline constexpr int kWeightBits = 32 - 8 - 2;

// out[i] = the sum over k < taps of weights[k] * in[k * stride + i], rounded and clipped to a byte.
void weighted_bytes(uint8_t* out, int64_t n, const uint8_t* in, int64_t stride,
                    const int32_t* weights, int64_t taps);

}  // namespace mt::vision
