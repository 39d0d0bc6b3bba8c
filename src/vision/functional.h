// torchvision.transforms.functional on tensors (..., C, H, W), or (H, W).
//
// A uint8 image behaves as torchvision's PIL images do, byte for byte (Pillow's own rounding);
// every other dtype as torchvision's tensors do. Leading dims are images of their own. Nothing here
// changes its input; what comes back may share its memory (crop of floats, or nothing to do).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/tensor.h"

namespace mt::vision {

// Pillow's numbers, which torchvision takes as well. Append only: the ABI's mt_interpolation.
enum class Interpolation : int32_t {
  kNearest = 0,
  kLanczos = 1,
  kBilinear = 2,
  kBicubic = 3,
  kBox = 4,
  kHamming = 5,
};
// The ABI's mt_padding_mode.
enum class PaddingMode : int32_t { kConstant = 0, kEdge = 1, kReflect = 2, kSymmetric = 3 };

// A colour: one number for all channels, or one for each. Empty: 0.
using Fill = std::span<const double>;
struct Point {
  double x, y;
};

// --- geometry ----------------------------------------------------------------------------------
// `size`: (h, w), or one number for the shorter edge; then max_size (0: none) bounds the longer
// one. uint8 is always antialiased, as Pillow does.
Tensor resize(const Tensor& img, IntSpan size, Interpolation mode = Interpolation::kBilinear,
              int64_t max_size = 0, bool antialias = false);
// Outside the image is 0.
Tensor crop(const Tensor& img, int64_t top, int64_t left, int64_t height, int64_t width);
Tensor center_crop(const Tensor& img, int64_t height, int64_t width);
Tensor resized_crop(const Tensor& img, int64_t top, int64_t left, int64_t height, int64_t width,
                    IntSpan size, Interpolation mode, bool antialias);
// 1, 2 (left/right, top/bottom) or 4 numbers (left, top, right, bottom); negative ones crop.
Tensor pad(const Tensor& img, IntSpan padding, Fill fill = {},
           PaddingMode mode = PaddingMode::kConstant);
Tensor hflip(const Tensor& img);
Tensor vflip(const Tensor& img);
// Corners and centre, and the same of the flipped image.
std::vector<Tensor> five_crop(const Tensor& img, int64_t height, int64_t width);
std::vector<Tensor> ten_crop(const Tensor& img, int64_t height, int64_t width, bool vertical_flip);

struct WarpOptions {
  Interpolation interpolation = Interpolation::kNearest;  // nearest, bilinear; uint8: or bicubic
  const Point* center = nullptr;                          // null: the middle
  Fill fill = {};
};
// Counter-clockwise by degrees. `expand`: the result holds the whole rotated image.
Tensor rotate(const Tensor& img, double angle, bool expand, const WarpOptions& options);
// Clockwise by degrees, with shear in degrees and translation in pixels.
Tensor affine(const Tensor& img, double angle, Point translate, double scale, Point shear,
              const WarpOptions& options);
// 4 corners and where they go.
Tensor perspective(const Tensor& img, std::span<const Point> startpoints,
                   std::span<const Point> endpoints, const WarpOptions& options);

// --- colour ------------------------------------------------------------------------------------
Tensor rgb_to_grayscale(const Tensor& img, int64_t num_output_channels = 1);
Tensor adjust_brightness(const Tensor& img, double factor);
Tensor adjust_contrast(const Tensor& img, double factor);
Tensor adjust_saturation(const Tensor& img, double factor);
Tensor adjust_hue(const Tensor& img, double factor);  // in [-0.5, 0.5]
Tensor adjust_gamma(const Tensor& img, double gamma, double gain = 1);
Tensor adjust_sharpness(const Tensor& img, double factor);
Tensor invert(const Tensor& img);
Tensor posterize(const Tensor& img, int64_t bits);
Tensor solarize(const Tensor& img, double threshold);
Tensor autocontrast(const Tensor& img);
Tensor equalize(const Tensor& img);
// Sizes odd; (x, y). Empty sigma: from the sizes, as torchvision does.
Tensor gaussian_blur(const Tensor& img, IntSpan kernel_size, std::span<const double> sigma = {});

// --- values ------------------------------------------------------------------------------------
Tensor convert_image_dtype(const Tensor& img, DType dtype);
Tensor to_tensor(const Tensor& img);  // uint8 to [0, 1] of the default dtype; others as they are
Tensor normalize(const Tensor& img, std::span<const double> mean, std::span<const double> std);
const Tensor& normalize_(const Tensor& img, std::span<const double> mean,
                         std::span<const double> std);
// Writes `value` (broadcast) into rows i.. and columns j...
Tensor erase(const Tensor& img, int64_t i, int64_t j, int64_t h, int64_t w, const Tensor& value);
const Tensor& erase_(const Tensor& img, int64_t i, int64_t j, int64_t h, int64_t w,
                     const Tensor& value);

// --- grids of images ---------------------------------------------------------------------------
struct GridOptions {
  int64_t nrow = 8;
  int64_t padding = 2;
  bool normalize = false;
  const Point* value_range = nullptr;  // (min, max); null: from the values
  bool scale_each = false;
  double pad_value = 0;
};
Tensor make_grid(const Tensor& images, const GridOptions& options = {});

}  // namespace mt::vision
