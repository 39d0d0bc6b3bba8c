// Values of images: conversion between dtypes, normalisation, erasing, blurring, and grids.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "ops/arithmetic.h"
#include "ops/clamp.h"
#include "ops/common.h"
#include "ops/creation.h"
#include "ops/join.h"
#include "ops/reduce.h"
#include "ops/view.h"
#include "vision/image.h"

namespace mt::vision {
namespace {

Tensor number(Scalar v) { return Tensor::from_scalar(v); }

// The largest value of the dtype, 1 for floating ones (and bool, as torchvision has it).
double max_value(DType t) {
  switch (t) {
    case DType::kUInt8:
      return 255;
    case DType::kInt8:
      return 127;
    case DType::kInt16:
      return 32767;
    case DType::kInt32:
      return 2147483647.0;
    case DType::kInt64:
      return 9223372036854775807.0;
    default:
      return 1;
  }
}

// One value for each channel, shaped to broadcast over an image.
Tensor per_channel(std::string_view name, std::span<const double> values, const Tensor& img) {
  const auto n = static_cast<int64_t>(values.size());
  const int64_t channels = img.size(img.dim() - 3);
  if (n != 1 && n != channels) {
    fail(Status::kShape, "normalize: wrong number of values: ", name, " has ", n,
         ", the image has ", channels, " channels: must be one, or one for each channel");
  }
  const Tensor t = Tensor::empty({{n, 1, 1}}, DType::kFloat64);
  std::copy(values.begin(), values.end(), t.data_as<double>());
  return converted(t, img.dtype());
}

void check_normalize(const Tensor& img, std::span<const double> std) {
  extent_of("normalize", img);
  check_floating("normalize", img);
  if (img.dim() < 3) {
    fail(Status::kShape, "normalize: not an image with channels: shape ", shape_string(img.sizes()),
         ": must have at least 3 dims: (..., channels, height, width)");
  }
  for (double v : std) {
    if (v != 0) continue;
    fail(Status::kInvalidArgument,
         "normalize: value out of range: std 0: must not be 0, values are divided by it");
  }
}

// (x - mean) / std on contiguous float32, in one pass; the same roundings as the two ops.
Tensor normalize_floats(const Tensor& img, const Tensor& mean, const Tensor& std) {
  const Tensor in = contiguous_values(img);
  const Tensor out = Tensor::empty_like(in);
  const int64_t channels = img.size(img.dim() - 3);
  const int64_t area = img.size(img.dim() - 2) * img.size(img.dim() - 1);
  if (img.numel() == 0) return out;
  const float* from = in.data_as<float>();
  float* to = out.data_as<float>();
  for (int64_t p = 0; p < img.numel() / area; ++p, from += area, to += area) {
    const float m = mean.data_as<float>()[mean.numel() == 1 ? 0 : p % channels];
    const float s = std.data_as<float>()[std.numel() == 1 ? 0 : p % channels];
    for (int64_t i = 0; i < area; ++i) to[i] = (from[i] - m) / s;
  }
  return out;
}

Tensor check_erase(const Tensor& img, int64_t i, int64_t j, int64_t h, int64_t w) {
  const Extent e = extent_of("erase", img);
  if (i < 0 || j < 0 || h < 0 || w < 0 || h > e.height - i || w > e.width - j) {
    fail(Status::kIndex, "erase: out of range: rows ", i, " to ", i + h, ", columns ", j, " to ",
         j + w, " of an image of ", e.height, " by ", e.width, ": must lie inside the image");
  }
  return narrow(narrow(img, img.dim() - 2, i, h), img.dim() - 1, j, w);
}

void normalize_range(const Tensor& t, const GridOptions& o) {
  const Point range =
      o.value_range ? *o.value_range : Point{min(t).item().to_double(), max(t).item().to_double()};
  clamp_(t, number(range.x), number(range.y));
  sub_(t, number(range.x));
  div_(t, number(std::max(range.y - range.x, 1e-5)));
}

}  // namespace

Tensor convert_image_dtype(const Tensor& img, DType dtype) {
  check_defined("convert_image_dtype", "img", img);
  const DType from = img.dtype();
  if (from == dtype) return img;
  for (const DType t : {from, dtype}) {
    if (is_barebones(t)) fail_unsupported("convert_image_dtype", img.device(), t);
  }
  if (is_floating(from)) {
    if (is_floating(dtype)) return to(img, dtype);
    if ((from == DType::kFloat32 && (dtype == DType::kInt32 || dtype == DType::kInt64)) ||
        (from == DType::kFloat64 && dtype == DType::kInt64)) {
      fail(Status::kDType, "convert_image_dtype: cannot be done safely: ", dtype_name(from), " to ",
           dtype_name(dtype), ": the integers must have fewer digits than the floating dtype");
    }
    // A little less than the number of values: each integer gets an equal share of [0, 1].
    return to(mul(img, number(max_value(dtype) + 1.0 - 1e-3)), dtype);
  }
  if (is_floating(dtype)) {
    return div(to(img, dtype), number(max_value(from)));
  }
  const double in_max = max_value(from), out_max = max_value(dtype);
  if (in_max > out_max) {
    const auto factor = static_cast<int64_t>(std::floor((in_max + 1) / (out_max + 1)));
    return to(div(img, number(factor), "floor"), dtype);
  }
  const auto factor = static_cast<int64_t>(std::floor((out_max + 1) / (in_max + 1)));
  return mul(to(img, dtype), number(factor));
}

Tensor to_tensor(const Tensor& img) {
  extent_of("to_tensor", img);
  if (!is_bytes(img)) return img;
  const DType dtype = default_dtype();
  if (dtype != DType::kFloat32) return div(to(img, dtype), number(255));
  const Bytes in = bytes_of("to_tensor", img);
  const Tensor out = Tensor::empty(img.sizes(), dtype);
  std::array<float, 256> table;
  for (size_t v = 0; v < 256; ++v) table[v] = static_cast<float>(v) / 255.0f;
  float* const p = out.data_as<float>();
  for (int64_t i = 0; i < out.numel(); ++i) p[i] = table[in.data[i]];
  return out;
}

Tensor normalize(const Tensor& img, std::span<const double> mean, std::span<const double> std) {
  check_normalize(img, std);
  const Tensor m = per_channel("mean", mean, img), s = per_channel("std", std, img);
  if (img.dtype() == DType::kFloat32 && !img.requires_grad()) return normalize_floats(img, m, s);
  return div(sub(img, m), s);
}

const Tensor& normalize_(const Tensor& img, std::span<const double> mean,
                         std::span<const double> std) {
  check_normalize(img, std);
  const Tensor m = per_channel("mean", mean, img), s = per_channel("std", std, img);
  sub_(img, m);
  return div_(img, s);
}

Tensor erase(const Tensor& img, int64_t i, int64_t j, int64_t h, int64_t w, const Tensor& value) {
  check_erase(img, i, j, h, w);
  const Tensor out = clone(img);
  erase_(out, i, j, h, w, value);
  return out;
}

const Tensor& erase_(const Tensor& img, int64_t i, int64_t j, int64_t h, int64_t w,
                     const Tensor& value) {
  check_defined("erase", "value", value);
  copy_(check_erase(img, i, j, h, w), value);
  return img;
}

Tensor gaussian_blur(const Tensor& img, IntSpan kernel_size, std::span<const double> sigma) {
  const Extent e = extent_of("gaussian_blur", img);
  if (kernel_size.empty() || kernel_size.size() > 2 || sigma.size() > 2) {
    fail(Status::kInvalidArgument, "gaussian_blur: wrong number of values: kernel_size has ",
         kernel_size.size(), ", sigma ", sigma.size(), ": must be one or two numbers (x, y)");
  }
  int64_t k[2];
  double s[2];
  for (size_t i = 0; i < 2; ++i) {
    k[i] = kernel_size[kernel_size.size() == 1 ? 0 : i];
    if (k[i] < 1 || k[i] % 2 == 0 || k[i] > 511 || k[i] / 2 >= (i == 0 ? e.width : e.height)) {
      fail(Status::kInvalidArgument, "gaussian_blur: value out of range: kernel_size ", k[i],
           " for an image of ", e.height, " by ", e.width,
           ": must be odd, at most 511, and its half less than the image's side");
    }
    s[i] =
        sigma.empty() ? static_cast<double>(k[i]) * 0.15 + 0.35 : sigma[sigma.size() == 1 ? 0 : i];
    if (!(s[i] > 0)) {
      fail(Status::kInvalidArgument, "gaussian_blur: value out of range: sigma ", s[i],
           ": must be positive");
    }
  }
  return tensors::gaussian_blur(img, k, s);
}

Tensor make_grid(const Tensor& images, const GridOptions& o) {
  check_defined("make_grid", "images", images);
  if (images.dim() < 2 || images.dim() > 4) {
    fail(Status::kShape, "make_grid: not images: shape ", shape_string(images.sizes()),
         ": must be (batch, channels, height, width), one image, or (height, width)");
  }
  if (o.nrow < 1 || o.padding < 0 || o.padding > kMaxSide) {
    fail(Status::kInvalidArgument, "make_grid: value out of range: nrow ", o.nrow, ", padding ",
         o.padding, ": nrow must be at least 1 and padding not negative");
  }
  Tensor t = images;
  while (t.dim() < 4) t = unsqueeze(t, 0);
  if (t.size(1) == 1) t = expand(t, {{t.size(0), 3, t.size(2), t.size(3)}});
  if (t.size(0) == 0) {
    fail(Status::kShape, "make_grid: no images: shape ", shape_string(images.sizes()),
         ": the batch must not be empty");
  }
  if (o.normalize) {
    t = contiguous(clone(t));
    for (int64_t i = 0; o.scale_each && i < t.size(0); ++i) normalize_range(select(t, 0, i), o);
    if (!o.scale_each) normalize_range(t, o);
  }
  const int64_t n = t.size(0);
  if (n == 1) return squeeze(t, 0);
  const int64_t columns = std::min(o.nrow, n), rows = (n + columns - 1) / columns;
  const int64_t height = t.size(2) + o.padding, width = t.size(3) + o.padding;
  const Tensor grid = full({{t.size(1), height * rows + o.padding, width * columns + o.padding}},
                           o.pad_value, t.dtype());
  for (int64_t i = 0; i < n; ++i) {
    copy_(narrow(narrow(grid, 1, i / columns * height + o.padding, height - o.padding), 2,
                 i % columns * width + o.padding, width - o.padding),
          select(t, 0, i));
  }
  return grid;
}

}  // namespace mt::vision
