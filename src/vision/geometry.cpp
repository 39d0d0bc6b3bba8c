// Sizes, crops, flips and padding of images.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/common.h"
#include "ops/rearrange.h"
#include "ops/view.h"
#include "vision/image.h"
#include "vision/resample.h"

namespace mt::vision {
namespace {

// torchvision's rule for one number: that becomes the shorter edge.
void resized_size(std::string_view op, IntSpan size, int64_t max_size, const Extent& e, int64_t& h,
                  int64_t& w) {
  if (size.size() != 1 && size.size() != 2) {
    fail(Status::kInvalidArgument, op, ": wrong number of values: size has ", size.size(),
         ": must have 1 (the shorter edge) or 2 (height, width)");
  }
  if (size.size() == 2) {
    if (max_size != 0) {
      fail(Status::kInvalidArgument, op,
           ": max_size given: size has 2 values: max_size goes with "
           "one number, the shorter edge");
    }
    h = size[0];
    w = size[1];
  } else {
    check_side(op, size[0], size[0]);
    const int64_t shorter = std::min(e.height, e.width), longer = std::max(e.height, e.width);
    int64_t new_short = size[0];
    auto new_long = static_cast<int64_t>(static_cast<double>(new_short * longer) /
                                         static_cast<double>(shorter));
    if (max_size != 0) {
      if (max_size <= new_short) {
        fail(Status::kInvalidArgument, op, ": value out of range: max_size ", max_size,
             ": must be greater than the shorter edge's size ", new_short);
      }
      if (new_long > max_size) {
        new_short = static_cast<int64_t>(static_cast<double>(max_size * new_short) /
                                         static_cast<double>(new_long));
        new_long = max_size;
      }
    }
    h = e.width <= e.height ? new_long : new_short;
    w = e.width <= e.height ? new_short : new_long;
  }
  check_side(op, h, w);
}

// padding as (left, top, right, bottom).
void parse_padding(std::string_view op, IntSpan padding, int64_t ltrb[4]) {
  const size_t n = padding.size();
  if (n != 1 && n != 2 && n != 4) {
    fail(Status::kInvalidArgument, op, ": wrong number of values: padding has ", n,
         ": must have 1, 2 (left/right, top/bottom) or 4 (left, top, right, bottom)");
  }
  for (size_t i = 0; i < 4; ++i) {
    ltrb[i] = padding[n == 4 ? i : n == 2 ? i % 2 : 0];
    if (ltrb[i] < -kMaxSide || ltrb[i] > kMaxSide) {
      fail(Status::kInvalidArgument, op, ": value out of range: padding ", ltrb[i],
           ": must be at most ", kMaxSide, " on either side of 0");
    }
  }
}

// Which input (or -1) each output along one axis takes; both paddings may crop.
std::vector<int64_t> padded_indices(int64_t n, int64_t before, int64_t after, PaddingMode mode) {
  // Cropping comes first: what it cuts off is not mirrored.
  const int64_t low = std::max<int64_t>(-before, 0), high = n - std::max<int64_t>(-after, 0);
  const int64_t kept = high - low;
  std::vector<int64_t> out(static_cast<size_t>(n + before + after));
  for (size_t i = 0; i < out.size(); ++i) {
    int64_t at = static_cast<int64_t>(i) - std::max<int64_t>(before, 0);  // counted from low
    if (at < 0 || at >= kept) {
      if (mode == PaddingMode::kConstant) {
        at = -1 - low;
      } else if (mode == PaddingMode::kEdge || kept == 1) {
        at = at < 0 ? 0 : kept - 1;
      } else {
        const int64_t period = mode == PaddingMode::kReflect ? 2 * (kept - 1) : 2 * kept;
        at = ((at % period) + period) % period;
        if (at >= kept) at = mode == PaddingMode::kReflect ? period - at : period - 1 - at;
      }
    }
    out[i] = at + low;
  }
  return out;
}

Tensor pad_bytes(const Tensor& img, const int64_t p[4], Fill fill, PaddingMode mode) {
  const Bytes in = bytes_of("pad", img);
  const std::vector<uint8_t> colors = fill_bytes("pad", fill, in.channels);
  const Bytes out = new_bytes("pad", img, in.height + p[1] + p[3], in.width + p[0] + p[2]);
  const std::vector<int64_t> xs = padded_indices(in.width, p[0], p[2], mode);
  const std::vector<int64_t> ys = padded_indices(in.height, p[1], p[3], mode);
  const int64_t left = std::max<int64_t>(p[0], 0), skip = std::max<int64_t>(-p[0], 0);
  const int64_t inner = in.width - skip - std::max<int64_t>(-p[2], 0);
  for (int64_t i = 0; i < in.planes(); ++i) {
    const uint8_t color = colors[static_cast<size_t>(i % in.channels)];
    for (int64_t y = 0; y < out.height; ++y) {
      uint8_t* const to = out.plane(i) + y * out.width;
      const int64_t from_y = ys[static_cast<size_t>(y)];
      if (from_y < 0) {
        std::memset(to, color, static_cast<size_t>(out.width));
        continue;
      }
      const uint8_t* const from = in.plane(i) + from_y * in.width;
      const auto one = [&](int64_t x) {
        const int64_t from_x = xs[static_cast<size_t>(x)];
        to[x] = from_x < 0 ? color : from[from_x];
      };
      for (int64_t x = 0; x < left; ++x) one(x);
      std::memcpy(to + left, from + skip, static_cast<size_t>(inner));
      for (int64_t x = left + inner; x < out.width; ++x) one(x);
    }
  }
  return out.tensor;
}

int64_t half_even(double v) { return static_cast<int64_t>(std::nearbyint(v)); }

}  // namespace

Tensor resize(const Tensor& img, IntSpan size, Interpolation mode, int64_t max_size,
              bool antialias) {
  const Extent e = extent_of("resize", img);
  check_side("resize", e.height, e.width);
  int64_t h, w;
  resized_size("resize", size, max_size, e, h, w);
  if (h == e.height && w == e.width) return img;
  if (!is_bytes(img)) return tensors::resize(img, h, w, mode, antialias);
  const Bytes in = bytes_of("resize", img);
  const Bytes out = new_bytes("resize", img, h, w);
  resample_planes(in.data, in.planes(), in.height, in.width, out.data, h, w, mode);
  return out.tensor;
}

Tensor crop(const Tensor& img, int64_t top, int64_t left, int64_t height, int64_t width) {
  const Extent e = extent_of("crop", img);
  check_side("crop", height, width);
  if (std::max(std::abs(top), std::abs(left)) > kMaxSide || top == INT64_MIN || left == INT64_MIN) {
    fail(Status::kInvalidArgument, "crop: value out of range: top ", top, ", left ", left,
         ": must be at most ", kMaxSide, " on either side of 0");
  }
  const int64_t bottom = top + height, right = left + width;
  if (top >= 0 && left >= 0 && bottom <= e.height && right <= e.width) {
    const Tensor part = narrow(narrow(img, img.dim() - 2, top, height), img.dim() - 1, left, width);
    return is_bytes(img) ? contiguous_values(part) : part;
  }
  // What lies outside is 0, also when nothing lies inside.
  const int64_t y0 = std::clamp<int64_t>(top, 0, e.height),
                y1 = std::clamp<int64_t>(bottom, y0, e.height);
  const int64_t x0 = std::clamp<int64_t>(left, 0, e.width),
                x1 = std::clamp<int64_t>(right, x0, e.width);
  const Tensor inside = narrow(narrow(img, img.dim() - 2, y0, y1 - y0), img.dim() - 1, x0, x1 - x0);
  const int64_t before_x = std::clamp<int64_t>(-left, 0, width);
  const int64_t before_y = std::clamp<int64_t>(-top, 0, height);
  const int64_t pads[] = {before_x, width - before_x - (x1 - x0), before_y,
                          height - before_y - (y1 - y0)};
  return constant_pad_nd(inside, pads, 0);
}

Tensor center_crop(const Tensor& img, int64_t height, int64_t width) {
  const Extent e = extent_of("center_crop", img);
  check_side("center_crop", height, width);
  const int64_t more_h = std::max<int64_t>(height - e.height, 0);
  const int64_t more_w = std::max<int64_t>(width - e.width, 0);
  Tensor padded = img;
  if (more_h > 0 || more_w > 0) {
    const int64_t p[] = {more_w / 2, more_h / 2, (more_w + 1) / 2, (more_h + 1) / 2};
    padded = pad(img, p);
    if (more_h == height - e.height && more_w == width - e.width) return padded;
  }
  const auto top = half_even(static_cast<double>(e.height + more_h - height) / 2);
  const auto left = half_even(static_cast<double>(e.width + more_w - width) / 2);
  return crop(padded, top, left, height, width);
}

Tensor resized_crop(const Tensor& img, int64_t top, int64_t left, int64_t height, int64_t width,
                    IntSpan size, Interpolation mode, bool antialias) {
  return resize(crop(img, top, left, height, width), size, mode, 0, antialias);
}

Tensor pad(const Tensor& img, IntSpan padding, Fill fill, PaddingMode mode) {
  const Extent e = extent_of("pad", img);
  int64_t p[4];
  parse_padding("pad", padding, p);
  const int64_t h = e.height + p[1] + p[3], w = e.width + p[0] + p[2];
  const int64_t kept_h = e.height + std::min<int64_t>(p[1], 0) + std::min<int64_t>(p[3], 0);
  const int64_t kept_w = e.width + std::min<int64_t>(p[0], 0) + std::min<int64_t>(p[2], 0);
  if (h < 1 || w < 1 || kept_h < 1 || kept_w < 1) {
    fail(Status::kInvalidArgument, "pad: nothing left: an image of ", e.height, " by ", e.width,
         " padded by (", p[0], ", ", p[1], ", ", p[2], ", ", p[3],
         "): negative padding must leave a row and a column");
  }
  if (is_bytes(img)) return pad_bytes(img, p, fill, mode);
  return tensors::pad(img, p, fill, mode);
}

Tensor hflip(const Tensor& img) {
  extent_of("hflip", img);
  return flip(img, {{-1}});
}

Tensor vflip(const Tensor& img) {
  extent_of("vflip", img);
  return flip(img, {{-2}});
}

std::vector<Tensor> five_crop(const Tensor& img, int64_t height, int64_t width) {
  const Extent e = extent_of("five_crop", img);
  if (height > e.height || width > e.width) {
    fail(Status::kInvalidArgument, "five_crop: too large: crop ", height, " by ", width,
         " of an image of ", e.height, " by ", e.width, ": the crop must fit into the image");
  }
  const int64_t bottom = e.height - height, right = e.width - width;
  return {crop(img, 0, 0, height, width), crop(img, 0, right, height, width),
          crop(img, bottom, 0, height, width), crop(img, bottom, right, height, width),
          center_crop(img, height, width)};
}

std::vector<Tensor> ten_crop(const Tensor& img, int64_t height, int64_t width, bool vertical_flip) {
  std::vector<Tensor> out = five_crop(img, height, width);
  for (Tensor& t : five_crop(vertical_flip ? vflip(img) : hflip(img), height, width)) {
    out.push_back(std::move(t));
  }
  return out;
}

}  // namespace mt::vision
