// The transforms that draw their parameters: crops, colors, maps, blur and erasing.
#include <algorithm>
#include <cmath>

#include "kernels/random.h"
#include "ops/view.h"
#include "vision/image.h"
#include "vision/transform.h"

namespace mt::vision::transforms {
namespace {

int64_t half_even(double v) { return static_cast<int64_t>(std::nearbyint(v)); }
double draw(Generator& g, Range r) { return draw_uniform(g, r.low, r.high); }

void check_range(std::string_view op, std::string_view name, Range r, double low, double high) {
  if (std::isfinite(r.low) && std::isfinite(r.high) && r.low <= r.high && r.low >= low &&
      r.high <= high) {
    return;
  }
  fail(Status::kInvalidArgument, op, ": value out of range: ", name, " from ", r.low, " to ",
       r.high, ": must be in order and in [", low, ", ", high, "]");
}

// A width and height of a drawn share of the area and a drawn aspect ratio (width / height).
struct Box {
  double area;
  float aspect;
};
Box draw_box(Generator& g, double area, Range scale, Range ratio) {
  const double share = draw(g, scale);
  const float log_low = std::log(static_cast<float>(ratio.low));
  const float log_high = std::log(static_cast<float>(ratio.high));
  const float aspect = std::exp(draw_uniform(g, log_low, log_high));
  return {area * share, aspect};
}

}  // namespace

TransformRef random_crop(RandomCrop o) {
  check_side("random_crop", o.height, o.width);
  return function([o = std::move(o)](const Tensor& img, Generator& g) {
    Tensor t = img;
    if (!o.padding.empty()) t = vision::pad(t, o.padding, o.fill, o.mode);
    Extent e = extent_of("random_crop", t);
    if (o.pad_if_needed && e.width < o.width) {
      t = vision::pad(t, {{o.width - e.width, 0}}, o.fill, o.mode);
    }
    if (o.pad_if_needed && e.height < o.height) {
      t = vision::pad(t, {{0, o.height - e.height}}, o.fill, o.mode);
    }
    e = extent_of("random_crop", t);
    if (e.height < o.height || e.width < o.width) {
      fail(Status::kInvalidArgument, "random_crop: too large: crop ", o.height, " by ", o.width,
           " of an image of ", e.height, " by ", e.width,
           ": the crop must fit into the image; set pad_if_needed");
    }
    if (e.height == o.height && e.width == o.width) return t;
    const int64_t top = draw_int(g, 0, e.height - o.height + 1);
    const int64_t left = draw_int(g, 0, e.width - o.width + 1);
    return crop(t, top, left, o.height, o.width);
  });
}

TransformRef random_resized_crop(const RandomResizedCrop& o) {
  check_side("random_resized_crop", o.height, o.width);
  check_range("random_resized_crop", "scale", o.scale, 0, 1e6);
  check_range("random_resized_crop", "ratio", o.ratio, 1e-6, 1e6);
  return function([o](const Tensor& img, Generator& g) {
    const Extent e = extent_of("random_resized_crop", img);
    const int64_t size[] = {o.height, o.width};
    for (int tries = 0; tries < 10; ++tries) {
      const Box box = draw_box(g, static_cast<double>(e.height * e.width), o.scale, o.ratio);
      const int64_t w = half_even(std::sqrt(box.area * static_cast<double>(box.aspect)));
      const int64_t h = half_even(std::sqrt(box.area / static_cast<double>(box.aspect)));
      if (w < 1 || w > e.width || h < 1 || h > e.height) continue;
      const int64_t top = draw_int(g, 0, e.height - h + 1);
      const int64_t left = draw_int(g, 0, e.width - w + 1);
      return resized_crop(img, top, left, h, w, size, o.interpolation, o.antialias);
    }
    // The middle, as much of it as the ratios allow.
    const double ratio = static_cast<double>(e.width) / static_cast<double>(e.height);
    int64_t w = e.width, h = e.height;
    if (ratio < o.ratio.low) {
      h = half_even(static_cast<double>(w) / o.ratio.low);
    } else if (ratio > o.ratio.high) {
      w = half_even(static_cast<double>(h) * o.ratio.high);
    }
    return resized_crop(img, (e.height - h) / 2, (e.width - w) / 2, h, w, size, o.interpolation,
                        o.antialias);
  });
}

TransformRef color_jitter(ColorJitter o) {
  constexpr double kMost = 1e30;
  const auto check = [](std::string_view name, std::optional<Range>& r, double low, double high,
                        double none) {
    if (!r) return;
    check_range("color_jitter", name, *r, low, high);
    if (r->low == none && r->high == none) r.reset();  // draws nothing
  };
  check("brightness", o.brightness, 0, kMost, 1);
  check("contrast", o.contrast, 0, kMost, 1);
  check("saturation", o.saturation, 0, kMost, 1);
  check("hue", o.hue, -0.5, 0.5, 0);
  return function([o](const Tensor& img, Generator& g) {
    int64_t order[4];
    fill_randperm(DType::kInt64, order, 4, g);
    const std::optional<Range>* const ranges[] = {&o.brightness, &o.contrast, &o.saturation,
                                                  &o.hue};
    Tensor (*const ops[])(const Tensor&, double) = {adjust_brightness, adjust_contrast,
                                                    adjust_saturation, adjust_hue};
    double factors[4] = {};
    for (int i = 0; i < 4; ++i) {
      if (*ranges[i]) factors[i] = draw(g, **ranges[i]);
    }
    Tensor t = img;
    for (int64_t i : order) {
      if (*ranges[i]) t = ops[i](t, factors[i]);
    }
    return t;
  });
}

TransformRef random_rotation(Range degrees, bool expand, WarpSettings warp) {
  check_range("random_rotation", "degrees", degrees, -1e6, 1e6);
  return function([=](const Tensor& img, Generator& g) {
    return rotate(img, draw(g, degrees), expand, warp.options());
  });
}

TransformRef random_affine(RandomAffine o) {
  check_range("random_affine", "degrees", o.degrees, -1e6, 1e6);
  if (o.translate) {
    check_probability("random_affine: translate", o.translate->x);
    check_probability("random_affine: translate", o.translate->y);
  }
  if (o.scale) check_range("random_affine", "scale", *o.scale, 1e-30, 1e30);
  if (o.shear_x) check_range("random_affine", "shear", *o.shear_x, -1e6, 1e6);
  if (o.shear_y) check_range("random_affine", "shear", *o.shear_y, -1e6, 1e6);
  return function([o = std::move(o)](const Tensor& img, Generator& g) {
    const Extent e = extent_of("random_affine", img);
    const double angle = draw(g, o.degrees);
    Point translate{0, 0}, shear{0, 0};
    if (o.translate) {
      const double dx = o.translate->x * static_cast<double>(e.width);
      const double dy = o.translate->y * static_cast<double>(e.height);
      translate.x = std::nearbyint(draw(g, {-dx, dx}));
      translate.y = std::nearbyint(draw(g, {-dy, dy}));
    }
    const double scale = o.scale ? draw(g, *o.scale) : 1;
    if (o.shear_x) shear.x = draw(g, *o.shear_x);
    if (o.shear_y) shear.y = draw(g, *o.shear_y);
    return affine(img, angle, translate, scale, shear, o.warp.options());
  });
}

TransformRef random_perspective(double distortion_scale, double p, WarpSettings warp) {
  check_probability("random_perspective", p);
  check_probability("random_perspective: distortion_scale", distortion_scale);
  return function([=](const Tensor& img, Generator& g) {
    const Extent e = extent_of("random_perspective", img);
    if (!(draw_uniform(g) < static_cast<float>(p))) return img;
    const auto reach = [&](int64_t side) {
      return static_cast<int64_t>(distortion_scale * static_cast<double>(side / 2));
    };
    const int64_t rx = reach(e.width), ry = reach(e.height);
    const auto near = [&](int64_t r) { return static_cast<double>(draw_int(g, 0, r + 1)); };
    const auto far = [&](int64_t r, int64_t side) {
      return static_cast<double>(draw_int(g, side - r - 1, side));
    };
    Point to[4];
    to[0].x = near(rx);
    to[0].y = near(ry);
    to[1].x = far(rx, e.width);
    to[1].y = near(ry);
    to[2].x = far(rx, e.width);
    to[2].y = far(ry, e.height);
    to[3].x = near(rx);
    to[3].y = far(ry, e.height);
    const auto right = static_cast<double>(e.width - 1), bottom = static_cast<double>(e.height - 1);
    const Point from[4] = {{0, 0}, {right, 0}, {right, bottom}, {0, bottom}};
    return perspective(img, from, to, warp.options());
  });
}

TransformRef gaussian_blur(int64_t kernel_x, int64_t kernel_y, Range sigma) {
  check_range("gaussian_blur", "sigma", sigma, 1e-30, 1e30);
  return function([=](const Tensor& img, Generator& g) {
    const double s = draw(g, sigma);
    return vision::gaussian_blur(img, {{kernel_x, kernel_y}}, {{s, s}});
  });
}

TransformRef random_erasing(RandomErasing o) {
  check_probability("random_erasing", o.p);
  check_range("random_erasing", "scale", o.scale, 0, 1);
  check_range("random_erasing", "ratio", o.ratio, 1e-6, 1e6);
  return function([o = std::move(o)](const Tensor& img, Generator& g) {
    const Extent e = extent_of("random_erasing", img);
    if (!(draw_uniform(g) < static_cast<float>(o.p))) return img;
    const auto n = static_cast<int64_t>(o.value.size());
    if (n > 1 && n != e.channels) {
      fail(Status::kInvalidArgument, "random_erasing: wrong number of values: ", n,
           " for an image of ", e.channels, " channels: must be one, or one for each channel");
    }
    for (int tries = 0; tries < 10; ++tries) {
      const Box box = draw_box(g, static_cast<double>(e.height * e.width), o.scale, o.ratio);
      const int64_t h = half_even(std::sqrt(box.area * static_cast<double>(box.aspect)));
      const int64_t w = half_even(std::sqrt(box.area / static_cast<double>(box.aspect)));
      if (h >= e.height || w >= e.width) continue;
      const Dims sizes = n == 0 ? Dims({e.channels, h, w}) : Dims({n, 1, 1});
      const Tensor value = Tensor::empty(sizes, DType::kFloat32);
      if (n == 0) {
        fill_normal(DType::kFloat32, value.data(), value.numel(), 0, 1, g);
      } else {
        for (int64_t i = 0; i < n; ++i) {
          value.data_as<float>()[i] = static_cast<float>(o.value[static_cast<size_t>(i)]);
        }
      }
      const int64_t top = draw_int(g, 0, e.height - h + 1);
      const int64_t left = draw_int(g, 0, e.width - w + 1);
      return o.inplace ? erase_(img, top, left, h, w, value) : erase(img, top, left, h, w, value);
    }
    return o.inplace ? img : clone(img);
  });
}

}  // namespace mt::vision::transforms
