// Checks of image arguments, and 8-bit images as planes.
#include "vision/image.h"

#include "ops/common.h"

namespace mt::vision {

Extent extent_of(std::string_view op, const Tensor& img) {
  check_defined(op, "img", img);
  if (img.dim() < 2) {
    fail(Status::kShape, op, ": not an image: img has shape ", shape_string(img.sizes()),
         ": must have at least 2 dims: (..., channels, height, width)");
  }
  if (img.is_meta()) {
    fail(Status::kDevice, op, ": no values: img is on meta: images must be on cpu");
  }
  Extent e{1, 1, img.size(img.dim() - 2), img.size(img.dim() - 1)};
  for (int d = 0; d < img.dim() - 2; ++d)
    (d == img.dim() - 3 ? e.channels : e.images) *= img.size(d);
  return e;
}

void check_color(std::string_view op, const Tensor& img, const Extent& e, bool three_dims) {
  if (three_dims && img.dim() < 3) {
    fail(Status::kShape, op, ": not a color image: img has shape ", shape_string(img.sizes()),
         ": must have at least 3 dims: (..., channels, height, width)");
  }
  if (e.channels != 1 && e.channels != 3) {
    fail(Status::kShape, op, ": wrong number of channels: img has shape ",
         shape_string(img.sizes()), ": must have 1 or 3 channels");
  }
}

void check_side(std::string_view op, int64_t height, int64_t width) {
  if (height >= 1 && width >= 1 && height <= kMaxSide && width <= kMaxSide) return;
  fail(Status::kInvalidArgument, op, ": size out of range: height ", height, ", width ", width,
       ": both must be at least 1 and at most ", kMaxSide);
}

void check_nonnegative(std::string_view op, std::string_view name, double v) {
  if (v >= 0) return;
  fail(Status::kInvalidArgument, op, ": value out of range: ", name, " ", v,
       ": must not be negative");
}

Bytes bytes_of(std::string_view op, const Tensor& img) {
  Bytes b;
  static_cast<Extent&>(b) = extent_of(op, img);
  if (!is_bytes(img)) {
    fail(Status::kDType, op, ": dtype mismatch: img is ", dtype_name(img.dtype()),
         ": must be uint8");
  }
  b.tensor = contiguous_values(img);
  b.data = b.tensor.data_as<uint8_t>();
  return b;
}

Bytes new_bytes(std::string_view op, const Tensor& img, int64_t height, int64_t width,
                int64_t channels) {
  Dims sizes = img.sizes();
  const int n = img.dim();
  sizes[n - 2] = height;
  sizes[n - 1] = width;
  if (channels >= 0 && n >= 3) sizes[n - 3] = channels;
  const Tensor t = Tensor::empty(sizes, DType::kUInt8, Device::kCPU, op);
  Bytes b;
  static_cast<Extent&>(b) = extent_of(op, t);
  b.tensor = t;
  b.data = t.data_as<uint8_t>();
  return b;
}

void check_fill(std::string_view op, Fill fill, int64_t channels) {
  if (fill.size() <= 1 || static_cast<int64_t>(fill.size()) == channels) return;
  fail(Status::kInvalidArgument, op, ": wrong number of values: fill has ", fill.size(),
       ", img has ", channels, " channels: must be one number, or one for each channel");
}

std::vector<uint8_t> fill_bytes(std::string_view op, Fill fill, int64_t channels) {
  check_fill(op, fill, channels);
  std::vector<uint8_t> out(static_cast<size_t>(channels), 0);
  for (size_t c = 0; c < out.size() && !fill.empty(); ++c) {
    out[c] = clip_real(fill[fill.size() == 1 ? 0 : c]);
  }
  return out;
}

}  // namespace mt::vision
