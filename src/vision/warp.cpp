// Rotation, affine and perspective maps of images. On 8-bit ones Pillow's transforms: a colour
// around the source, and per output pixel the nearest, bilinear or bicubic value of the source.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>

#include "ops/creation.h"
#include "ops/linalg.h"
#include "ops/rearrange.h"
#include "ops/view.h"
#include "vision/image.h"

namespace mt::vision {
namespace {

constexpr double kRadians = std::numbers::pi / 180;

int64_t floor_int(double v) { return static_cast<int64_t>(std::floor(v)); }

void check_mode(std::string_view op, const Tensor& img, Interpolation mode) {
  if (mode == Interpolation::kNearest || mode == Interpolation::kBilinear) return;
  if (mode == Interpolation::kBicubic && is_bytes(img)) return;
  fail(Status::kInvalidArgument, op, ": interpolation not supported: number ",
       static_cast<int>(mode), " on ", dtype_name(img.dtype()),
       ": must be nearest or bilinear, or bicubic for uint8 images");
}

void check_finite(std::string_view op, std::initializer_list<double> values) {
  for (double v : values) {
    if (std::isfinite(v)) continue;
    fail(Status::kInvalidArgument, op, ": value out of range: ", v, ": must be finite");
  }
}

// An output whose every plane has its colour.
Bytes filled(std::string_view op, const Bytes& in, int64_t height, int64_t width, Fill fill) {
  const std::vector<uint8_t> colors = fill_bytes(op, fill, in.channels);
  const Bytes out = new_bytes(op, in.tensor, height, width);
  for (int64_t i = 0; i < out.planes(); ++i) {
    std::fill_n(out.plane(i), out.area(), colors[static_cast<size_t>(i % out.channels)]);
  }
  return out;
}

double cubic(double a, double b, double c, double d, double t) {
  const double p2 = -a + c, p3 = 2 * (a - b) + c - d, p4 = -a + b - c + d;
  return b + t * (p2 + t * (p3 + t * p4));
}

// Samples every plane of `in` at (x, y) and writes pixel `at` of `out`.
void sample(const Bytes& in, const Bytes& out, int64_t at, double x, double y, Interpolation mode) {
  const auto w = static_cast<double>(in.width), h = static_cast<double>(in.height);
  if (!(x >= 0 && x < w && y >= 0 && y < h)) return;
  if (mode == Interpolation::kNearest) {
    const int64_t from = static_cast<int64_t>(y) * in.width + static_cast<int64_t>(x);
    for (int64_t i = 0; i < in.planes(); ++i) out.plane(i)[at] = in.plane(i)[from];
    return;
  }
  x -= 0.5;
  y -= 0.5;
  const int64_t x0 = floor_int(x), y0 = floor_int(y);
  const double dx = x - static_cast<double>(x0), dy = y - static_cast<double>(y0);
  // Columns are clamped to the image, and so is the first row; a row below the image repeats the
  // one before it.
  const int taps = mode == Interpolation::kBilinear ? 2 : 4;
  const int64_t shift = taps == 2 ? 0 : 1;
  int64_t xs[4];
  for (int k = 0; k < taps; ++k) xs[k] = std::clamp<int64_t>(x0 - shift + k, 0, in.width - 1);
  for (int64_t i = 0; i < in.planes(); ++i) {
    const uint8_t* const plane = in.plane(i);
    double rows[4];
    for (int k = 0; k < taps; ++k) {
      const int64_t row = y0 - shift + k;
      if (k > 0 && (row < 0 || row >= in.height)) {
        rows[k] = rows[k - 1];
        continue;
      }
      const uint8_t* const p = plane + std::clamp<int64_t>(row, 0, in.height - 1) * in.width;
      rows[k] = taps == 2 ? p[xs[0]] + (p[xs[1]] - p[xs[0]]) * dx
                          : cubic(p[xs[0]], p[xs[1]], p[xs[2]], p[xs[3]], dx);
    }
    const double v = taps == 2 ? rows[0] + (rows[1] - rows[0]) * dy
                               : cubic(rows[0], rows[1], rows[2], rows[3], dy);
    out.plane(i)[at] = clip_real(v);
  }
}

// Nearest values under an affine map without shear, whose coordinates are stepped by addition.
void scale_nearest(const Bytes& in, const Bytes& out, const double a[6]) {
  std::vector<int64_t> xs(static_cast<size_t>(out.width), -1);
  double x = a[2] + a[0] * 0.5, y = a[5] + a[4] * 0.5;
  for (int64_t& i : xs) {
    if (x >= 0 && x < static_cast<double>(in.width)) i = static_cast<int64_t>(x);
    x += a[0];
  }
  for (int64_t oy = 0; oy < out.height; ++oy, y += a[4]) {
    if (!(y >= 0 && y < static_cast<double>(in.height))) continue;
    const auto iy = static_cast<int64_t>(y);
    for (int64_t i = 0; i < in.planes(); ++i) {
      for (int64_t ox = 0; ox < out.width; ++ox) {
        const int64_t ix = xs[static_cast<size_t>(ox)];
        if (ix >= 0) out.plane(i)[oy * out.width + ox] = in.plane(i)[iy * in.width + ix];
      }
    }
  }
}

bool fits_fixed_point(const double a[6], double x, double y) {
  return std::fabs(x * a[0] + y * a[1] + a[2]) < 32768.0 &&
         std::fabs(x * a[3] + y * a[4] + a[5]) < 32768.0;
}

// The same with shear: coordinates in 16.16 fixed point where they fit, else stepped doubles.
void affine_nearest(const Bytes& in, const Bytes& out, const double a[6]) {
  const auto w = static_cast<double>(out.width), h = static_cast<double>(out.height);
  const auto copy = [&](int64_t ox, int64_t oy, int64_t ix, int64_t iy) {
    if (ix < 0 || iy < 0 || ix >= in.width || iy >= in.height) return;
    for (int64_t i = 0; i < in.planes(); ++i) {
      out.plane(i)[oy * out.width + ox] = in.plane(i)[iy * in.width + ix];
    }
  };
  if (fits_fixed_point(a, 0, 0) && fits_fixed_point(a, w, h) && fits_fixed_point(a, 0, h) &&
      fits_fixed_point(a, w, 0)) {
    const auto fixed = [](double v) { return floor_int(v * 65536.0 + 0.5); };
    const int64_t a0 = fixed(a[0]), a1 = fixed(a[1]), a3 = fixed(a[3]), a4 = fixed(a[4]);
    int64_t row_x = fixed(a[2] + a[0] * 0.5 + a[1] * 0.5);
    int64_t row_y = fixed(a[5] + a[3] * 0.5 + a[4] * 0.5);
    for (int64_t oy = 0; oy < out.height; ++oy, row_x += a1, row_y += a4) {
      int64_t x = row_x, y = row_y;
      for (int64_t ox = 0; ox < out.width; ++ox, x += a0, y += a3) copy(ox, oy, x >> 16, y >> 16);
    }
    return;
  }
  double row_x = a[2] + a[1] * 0.5 + a[0] * 0.5, row_y = a[5] + a[4] * 0.5 + a[3] * 0.5;
  for (int64_t oy = 0; oy < out.height; ++oy, row_x += a[1], row_y += a[4]) {
    double x = row_x, y = row_y;
    for (int64_t ox = 0; ox < out.width; ++ox, x += a[0], y += a[3]) {
      if (x >= 0 && y >= 0 && x < static_cast<double>(in.width) &&
          y < static_cast<double>(in.height)) {
        copy(ox, oy, static_cast<int64_t>(x), static_cast<int64_t>(y));
      }
    }
  }
}

Tensor affine_bytes(std::string_view op, const Tensor& img, const double a[6], int64_t height,
                    int64_t width, const WarpOptions& o) {
  const Bytes in = bytes_of(op, img);
  const Bytes out = filled(op, in, height, width, o.fill);
  if (o.interpolation != Interpolation::kNearest) {
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        const double xin = static_cast<double>(x) + 0.5, yin = static_cast<double>(y) + 0.5;
        sample(in, out, y * width + x, a[0] * xin + a[1] * yin + a[2],
               a[3] * xin + a[4] * yin + a[5], o.interpolation);
      }
    }
  } else if (a[1] == 0 && a[3] == 0) {
    scale_nearest(in, out, a);
  } else {
    affine_nearest(in, out, a);
  }
  return out.tensor;
}

// To 15 decimals, as Pillow rounds the sines and cosines of a rotation.
double to_15_decimals(double v) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, v, std::chars_format::fixed, 15).ptr;
  std::from_chars(text, end, v);
  return v;
}

Tensor rotate_bytes(const Tensor& img, double angle, bool expand, const WarpOptions& o) {
  const Extent e = extent_of("rotate", img);
  fill_bytes("rotate", o.fill, e.channels);
  angle = std::fmod(angle, 360.0);
  if (angle < 0) angle += 360.0;
  if (!o.center) {
    if (angle == 0) return clone(img);
    if (angle == 180) return flip(img, {{-1, -2}});
    if ((angle == 90 || angle == 270) && (expand || e.width == e.height)) {
      return flip(transpose(img, -1, -2), {{angle == 90 ? -2 : -1}});
    }
  }
  const auto w = static_cast<double>(e.width), h = static_cast<double>(e.height);
  const Point c = o.center ? *o.center : Point{w / 2.0, h / 2.0};
  const double r = -(angle * kRadians);
  double m[6] = {to_15_decimals(std::cos(r)),  to_15_decimals(std::sin(r)), 0,
                 to_15_decimals(-std::sin(r)), to_15_decimals(std::cos(r)), 0};
  const auto map = [&m](double x, double y) {
    return Point{m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5]};
  };
  const Point moved = map(-c.x, -c.y);
  m[2] = moved.x + c.x;
  m[5] = moved.y + c.y;
  int64_t out_w = e.width, out_h = e.height;
  if (expand) {
    const Point corners[] = {map(0, 0), map(w, 0), map(w, h), map(0, h)};
    const auto [x0, x1] = std::minmax({corners[0].x, corners[1].x, corners[2].x, corners[3].x});
    const auto [y0, y1] = std::minmax({corners[0].y, corners[1].y, corners[2].y, corners[3].y});
    check_finite("rotate", {x0, x1, y0, y1});
    const double new_w = std::ceil(x1) - std::floor(x0), new_h = std::ceil(y1) - std::floor(y0);
    const Point shifted = map(-(new_w - w) / 2.0, -(new_h - h) / 2.0);
    m[2] = shifted.x;
    m[5] = shifted.y;
    out_w = static_cast<int64_t>(new_w);
    out_h = static_cast<int64_t>(new_h);
    check_side("rotate", out_h, out_w);
  }
  return affine_bytes("rotate", img, m, out_h, out_w, o);
}

// torchvision's inverse affine matrix: from the result's pixels to the image's.
void inverse_affine(Point c, double angle, Point t, double scale, Point shear, double m[6]) {
  const double rot = angle * kRadians, sx = shear.x * kRadians, sy = shear.y * kRadians;
  const double a = std::cos(rot - sy) / std::cos(sy);
  const double b = -std::cos(rot - sy) * std::tan(sx) / std::cos(sy) - std::sin(rot);
  const double g = std::sin(rot - sy) / std::cos(sy);
  const double d = -std::sin(rot - sy) * std::tan(sx) / std::cos(sy) + std::cos(rot);
  const double inverse[6] = {d, -b, 0, -g, a, 0};
  for (int i = 0; i < 6; ++i) m[i] = inverse[i] / scale;
  m[2] += m[0] * (-c.x - t.x) + m[1] * (-c.y - t.y);
  m[5] += m[3] * (-c.x - t.x) + m[4] * (-c.y - t.y);
  m[2] += c.x;
  m[5] += c.y;
}

// The centre as the tensor path counts it: from the image's middle.
Point from_middle(const WarpOptions& o, const Extent& e) {
  if (!o.center) return {0, 0};
  return {o.center->x - static_cast<double>(e.width) * 0.5,
          o.center->y - static_cast<double>(e.height) * 0.5};
}

Extent check_warp(std::string_view op, const Tensor& img, const WarpOptions& o) {
  const Extent e = extent_of(op, img);
  check_side(op, e.height, e.width);
  check_mode(op, img, o.interpolation);
  check_fill(op, o.fill, e.channels);
  if (o.center) check_finite(op, {o.center->x, o.center->y});
  return e;
}

}  // namespace

Tensor rotate(const Tensor& img, double angle, bool expand, const WarpOptions& o) {
  const Extent e = check_warp("rotate", img, o);
  check_finite("rotate", {angle});
  if (is_bytes(img)) return rotate_bytes(img, angle, expand, o);
  double m[6];
  inverse_affine(from_middle(o, e), -angle, {0, 0}, 1, {0, 0}, m);
  int64_t h = e.height, w = e.width;
  if (expand) tensors::rotated_size(m, h, w);
  return tensors::affine("rotate", img, m, h, w, o);
}

Tensor affine(const Tensor& img, double angle, Point translate, double scale, Point shear,
              const WarpOptions& o) {
  const Extent e = check_warp("affine", img, o);
  check_finite("affine", {angle, translate.x, translate.y, scale, shear.x, shear.y});
  if (!(scale > 0)) {
    fail(Status::kInvalidArgument, "affine: value out of range: scale ", scale,
         ": must be positive");
  }
  double m[6];
  if (!is_bytes(img)) {
    inverse_affine(from_middle(o, e), angle, translate, scale, shear, m);
    return tensors::affine("affine", img, m, e.height, e.width, o);
  }
  const Point middle{static_cast<double>(e.width) * 0.5, static_cast<double>(e.height) * 0.5};
  inverse_affine(o.center ? *o.center : middle, angle, translate, scale, shear, m);
  return affine_bytes("affine", img, m, e.height, e.width, o);
}

Tensor perspective(const Tensor& img, std::span<const Point> startpoints,
                   std::span<const Point> endpoints, const WarpOptions& o) {
  check_warp("perspective", img, o);
  if (startpoints.size() != 4 || endpoints.size() != 4) {
    fail(Status::kInvalidArgument, "perspective: wrong number of points: ", startpoints.size(),
         " startpoints, ", endpoints.size(), " endpoints: must be 4 corners each");
  }
  // The map that takes endpoints to startpoints, by least squares in single precision, as
  // torchvision finds it.
  const Tensor a = zeros({{8, 8}}, DType::kFloat32), b = zeros({{8}}, DType::kFloat32);
  for (size_t i = 0; i < 4; ++i) {
    const Point p = endpoints[i], q = startpoints[i];
    check_finite("perspective", {p.x, p.y, q.x, q.y});
    const double rows[2][8] = {{p.x, p.y, 1, 0, 0, 0, -q.x * p.x, -q.x * p.y},
                               {0, 0, 0, p.x, p.y, 1, -q.y * p.x, -q.y * p.y}};
    for (size_t r = 0; r < 2; ++r) {
      for (size_t k = 0; k < 8; ++k) {
        a.data_as<float>()[(2 * i + r) * 8 + k] = static_cast<float>(rows[r][k]);
      }
      b.data_as<float>()[2 * i + r] = static_cast<float>(r == 0 ? q.x : q.y);
    }
  }
  const Tensor solution = linalg_lstsq(a, b, {}, "gels").solution;
  double c[8];
  for (int k = 0; k < 8; ++k) {
    c[k] = load_scalar(DType::kFloat32, solution.data_as<float>() + k * solution.stride(0))
               .to_double();
  }
  if (!is_bytes(img)) return tensors::perspective(img, c, o);
  const Bytes in = bytes_of("perspective", img);
  const Bytes out = filled("perspective", in, in.height, in.width, o.fill);
  for (int64_t y = 0; y < in.height; ++y) {
    for (int64_t x = 0; x < in.width; ++x) {
      const double xin = static_cast<double>(x) + 0.5, yin = static_cast<double>(y) + 0.5;
      const double below = c[6] * xin + c[7] * yin + 1;
      sample(in, out, y * in.width + x, (c[0] * xin + c[1] * yin + c[2]) / below,
             (c[3] * xin + c[4] * yin + c[5]) / below, o.interpolation);
    }
  }
  return out.tensor;
}

}  // namespace mt::vision
