// What the parts of vision/ share: the checks of image arguments, and 8-bit images as planes.
#pragma once

#include <string_view>

#include "core/error.h"
#include "core/tensor.h"
#include "vision/functional.h"

namespace mt::vision {

constexpr int64_t kMaxSide = int64_t{1} << 24;  // of an image that is made here

struct Extent {
  int64_t images, channels, height, width;
};

// Sizes of an image of at least 2 dims with values (kDevice for meta).
Extent extent_of(std::string_view op, const Tensor& img);
inline bool is_bytes(const Tensor& img) { return img.dtype() == DType::kUInt8; }
// 1 or 3 channels; with `three_dims`, also at least 3 dims.
void check_color(std::string_view op, const Tensor& img, const Extent& e, bool three_dims = false);
void check_side(std::string_view op, int64_t height, int64_t width);
void check_nonnegative(std::string_view op, std::string_view name, double v);

// An 8-bit image in contiguous memory, plane by plane.
struct Bytes : Extent {
  Tensor tensor;
  uint8_t* data;
  int64_t area() const { return height * width; }
  int64_t planes() const { return images * channels; }
  uint8_t* plane(int64_t i) const { return data + i * area(); }
};
Bytes bytes_of(std::string_view op, const Tensor& img);
// A new one with img's leading dims; its number of channels is img's unless given.
Bytes new_bytes(std::string_view op, const Tensor& img, int64_t height, int64_t width,
                int64_t channels = -1);
inline Bytes new_bytes(std::string_view op, const Bytes& like) {
  return new_bytes(op, like.tensor, like.height, like.width);
}

// A byte for each channel, as Pillow clips; kInvalidArgument unless there is one or one for each.
std::vector<uint8_t> fill_bytes(std::string_view op, Fill fill, int64_t channels);
// The same as doubles for the tensor path; empty stays empty.
void check_fill(std::string_view op, Fill fill, int64_t channels);

inline uint8_t clip8(int v) { return static_cast<uint8_t>(v < 0 ? 0 : v > 255 ? 255 : v); }
// Pillow's rounding of a computed value: towards zero after clipping.
template <class T>
inline uint8_t clip_real(T v) {
  return v <= T(0) ? uint8_t{0} : v >= T(255) ? uint8_t{255} : static_cast<uint8_t>(v);
}
// Pillow's luma of RGB.
inline uint8_t luma(int r, int g, int b) {
  return static_cast<uint8_t>((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16);
}

// The first three channels of n pixels of 3 or 4 interleaved bytes.
void split_pixels(const uint8_t* pixels, int channels, uint8_t* const planes[3], int64_t n);
// The convolution of a plane of rows `stride` apart with a kernel, without borders: (height, width)
// is the size of the result.
void filter_plane(const float* in, int64_t stride, float* out, int64_t height, int64_t width,
                  const float* kernel, int64_t rows, int64_t columns);

// The tensor path: torchvision's arithmetic in ops.
namespace tensors {
Tensor resize(const Tensor& img, int64_t height, int64_t width, Interpolation mode, bool antialias);
Tensor pad(const Tensor& img, const int64_t ltrb[4], Fill fill, PaddingMode mode);
// By the grid of an inverse affine matrix around the middle, or of perspective coefficients.
Tensor affine(std::string_view op, const Tensor& img, const double matrix[6], int64_t out_height,
              int64_t out_width, const WarpOptions& o);
Tensor perspective(const Tensor& img, const double coeffs[8], const WarpOptions& o);
void rotated_size(const double matrix[6], int64_t& height, int64_t& width);
Tensor grayscale(const Tensor& img, int64_t channels);
Tensor blend(const Tensor& a, const Tensor& b, double ratio);
Tensor contrast(const Tensor& img, double factor);
Tensor hue(const Tensor& img, double factor);
Tensor gamma(const Tensor& img, double gamma, double gain);
Tensor sharpness(const Tensor& img, double factor);
Tensor autocontrast(const Tensor& img);
Tensor gaussian_blur(const Tensor& img, const int64_t kernel[2], const double sigma[2]);
}  // namespace tensors

}  // namespace mt::vision
