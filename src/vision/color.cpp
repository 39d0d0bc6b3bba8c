// Colours of images. On 8-bit ones Pillow's arithmetic: its luma, blending in single precision,
// HSV in bytes, and tables over the 256 values.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "core/half.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/creation.h"
#include "ops/view.h"
#include "vision/image.h"

namespace mt::vision {
namespace {

using Table = std::array<uint8_t, 256>;

Tensor number(Scalar v) { return Tensor::from_scalar(v); }

// in mixed with `other(plane, pixel)`: other + factor * (in - other), as Image.blend does.
template <class Other>
Tensor blend_bytes(std::string_view op, const Bytes& in, double factor, Other other) {
  const Bytes out = new_bytes(op, in);
  const auto alpha = static_cast<float>(factor);
  if (alpha == 1.0f) {
    std::memcpy(out.data, in.data, static_cast<size_t>(in.planes() * in.area()));
    return out.tensor;
  }
  // Between the two images Pillow does not clip; the value cannot leave the bytes.
  for (int64_t p = 0; p < in.planes(); ++p) {
    const uint8_t* const from = in.plane(p);
    uint8_t* const to = out.plane(p);
    for (int64_t i = 0; i < in.area(); ++i) {
      const int a = other(p, i);
      to[i] = clip_real(static_cast<float>(a) + alpha * static_cast<float>(from[i] - a));
    }
  }
  return out.tensor;
}

// The luma of image n.
void luma_of(const Bytes& in, int64_t n, uint8_t* out) {
  const uint8_t* const r = in.plane(n * in.channels);
  if (in.channels == 1) {
    std::memcpy(out, r, static_cast<size_t>(in.area()));
    return;
  }
  const uint8_t *const g = r + in.area(), *const b = g + in.area();
  for (int64_t i = 0; i < in.area(); ++i) out[i] = luma(r[i], g[i], b[i]);
}

Tensor map_bytes(std::string_view op, const Tensor& img, const Table& table) {
  const Bytes in = bytes_of(op, img);
  const Bytes out = new_bytes(op, in);
  for (int64_t i = 0; i < in.planes() * in.area(); ++i) out.data[i] = table[in.data[i]];
  return out.tensor;
}

// A table for each plane from its histogram.
template <class Make>
Tensor map_planes(std::string_view op, const Bytes& in, Make make) {
  const Bytes out = new_bytes(op, in);
  for (int64_t p = 0; p < in.planes(); ++p) {
    std::array<int64_t, 256> histogram{};
    for (int64_t i = 0; i < in.area(); ++i) ++histogram[in.plane(p)[i]];
    const Table table = make(histogram);
    for (int64_t i = 0; i < in.area(); ++i) out.plane(p)[i] = table[in.plane(p)[i]];
  }
  return out.tensor;
}

Table identity_table() {
  Table t;
  for (size_t v = 0; v < 256; ++v) t[v] = static_cast<uint8_t>(v);
  return t;
}

struct Hsv {
  uint8_t h, s, v;
};

Hsv to_hsv(uint8_t r, uint8_t g, uint8_t b) {
  const uint8_t high = std::max({r, g, b}), low = std::min({r, g, b});
  if (high == low) return {0, 0, high};
  const auto range = static_cast<float>(high - low);
  const float s = range / static_cast<float>(high);
  const float rc = static_cast<float>(high - r) / range, gc = static_cast<float>(high - g) / range;
  const float bc = static_cast<float>(high - b) / range;
  float h;
  if (r == high) {
    h = bc - gc;
  } else if (g == high) {
    h = static_cast<float>(2.0 + static_cast<double>(rc) - static_cast<double>(bc));
  } else {
    h = static_cast<float>(4.0 + static_cast<double>(gc) - static_cast<double>(rc));
  }
  h = static_cast<float>(std::fmod(static_cast<double>(h) / 6.0 + 1.0, 1.0));
  return {clip8(static_cast<int>(static_cast<double>(h) * 255.0)),
          clip8(static_cast<int>(static_cast<double>(s) * 255.0)), high};
}

void from_hsv(Hsv c, uint8_t rgb[3]) {
  if (c.s == 0) {
    rgb[0] = rgb[1] = rgb[2] = c.v;
    return;
  }
  const double h = static_cast<double>(static_cast<float>(c.h)) * 6.0 / 255.0;
  const auto sector = static_cast<int>(std::floor(h));
  const double f = static_cast<float>(h - sector);
  const double s = static_cast<float>(static_cast<double>(c.s) / 255.0), v = c.v;
  const auto byte = [](double x) { return clip8(static_cast<int>(std::round(x))); };
  const uint8_t p = byte(static_cast<float>(v * (1.0 - s)));
  const uint8_t q = byte(static_cast<float>(v * (1.0 - s * f)));
  const uint8_t t = byte(static_cast<float>(v * (1.0 - s * (1.0 - f))));
  const uint8_t colors[6][3] = {{c.v, t, p}, {q, c.v, p}, {p, c.v, t},
                                {p, q, c.v}, {t, p, c.v}, {c.v, p, q}};
  std::memcpy(rgb, colors[sector % 6], 3);
}

}  // namespace

Tensor rgb_to_grayscale(const Tensor& img, int64_t channels) {
  const Extent e = extent_of("rgb_to_grayscale", img);
  check_color("rgb_to_grayscale", img, e, true);
  if (channels != 1 && channels != 3) {
    fail(Status::kInvalidArgument, "rgb_to_grayscale: value out of range: num_output_channels ",
         channels, ": must be 1 or 3");
  }
  if (!is_bytes(img)) return tensors::grayscale(img, channels);
  const Bytes in = bytes_of("rgb_to_grayscale", img);
  const Bytes out = new_bytes("rgb_to_grayscale", img, in.height, in.width, channels);
  for (int64_t n = 0; n < in.images; ++n) {
    uint8_t* const first = out.plane(n * channels);
    luma_of(in, n, first);
    for (int64_t c = 1; c < channels; ++c) {
      std::memcpy(first + c * in.area(), first, static_cast<size_t>(in.area()));
    }
  }
  return out.tensor;
}

Tensor adjust_brightness(const Tensor& img, double factor) {
  const Extent e = extent_of("adjust_brightness", img);
  check_color("adjust_brightness", img, e);
  check_nonnegative("adjust_brightness", "brightness_factor", factor);
  if (!is_bytes(img)) return tensors::blend(img, zeros_like(img), factor);
  return blend_bytes("adjust_brightness", bytes_of("adjust_brightness", img), factor,
                     [](int64_t, int64_t) { return 0; });
}

Tensor adjust_contrast(const Tensor& img, double factor) {
  const Extent e = extent_of("adjust_contrast", img);
  check_color("adjust_contrast", img, e);
  check_nonnegative("adjust_contrast", "contrast_factor", factor);
  if (!is_bytes(img)) return tensors::contrast(img, factor);
  const Bytes in = bytes_of("adjust_contrast", img);
  std::vector<int> means(static_cast<size_t>(in.images), 0);
  std::vector<uint8_t> gray(static_cast<size_t>(in.area()));
  for (int64_t n = 0; n < in.images && in.area() > 0; ++n) {
    luma_of(in, n, gray.data());
    int64_t sum = 0;
    for (uint8_t v : gray) sum += v;
    means[static_cast<size_t>(n)] =
        static_cast<int>(static_cast<double>(sum) / static_cast<double>(in.area()) + 0.5);
  }
  return blend_bytes("adjust_contrast", in, factor, [&](int64_t p, int64_t) {
    return means[static_cast<size_t>(p / in.channels)];
  });
}

Tensor adjust_saturation(const Tensor& img, double factor) {
  const Extent e = extent_of("adjust_saturation", img);
  check_color("adjust_saturation", img, e);
  check_nonnegative("adjust_saturation", "saturation_factor", factor);
  if (!is_bytes(img)) {
    return e.channels == 1 ? img : tensors::blend(img, tensors::grayscale(img, 1), factor);
  }
  const Bytes in = bytes_of("adjust_saturation", img);
  std::vector<uint8_t> gray(static_cast<size_t>(in.images * in.area()));
  for (int64_t n = 0; n < in.images; ++n) luma_of(in, n, gray.data() + n * in.area());
  return blend_bytes("adjust_saturation", in, factor, [&](int64_t p, int64_t i) {
    return gray[static_cast<size_t>(p / in.channels * in.area() + i)];
  });
}

Tensor adjust_hue(const Tensor& img, double factor) {
  const Extent e = extent_of("adjust_hue", img);
  check_color("adjust_hue", img, e);
  if (!(factor >= -0.5 && factor <= 0.5)) {
    fail(Status::kInvalidArgument, "adjust_hue: value out of range: hue_factor ", factor,
         ": must be in [-0.5, 0.5]");
  }
  if (e.channels == 1) return img;
  if (!is_bytes(img)) return tensors::hue(img, factor);
  const Bytes in = bytes_of("adjust_hue", img);
  const Bytes out = new_bytes("adjust_hue", in);
  const auto turn = static_cast<uint8_t>(static_cast<int>(factor * 255));
  const int64_t n = in.area();
  for (int64_t i = 0; i < in.images; ++i) {
    const uint8_t* const from = in.plane(i * 3);
    uint8_t* const to = out.plane(i * 3);
    for (int64_t k = 0; k < n; ++k) {
      Hsv c = to_hsv(from[k], from[n + k], from[2 * n + k]);
      c.h = static_cast<uint8_t>(c.h + turn);  // around the circle
      uint8_t rgb[3];
      from_hsv(c, rgb);
      to[k] = rgb[0];
      to[n + k] = rgb[1];
      to[2 * n + k] = rgb[2];
    }
  }
  return out.tensor;
}

Tensor adjust_gamma(const Tensor& img, double gamma, double gain) {
  const Extent e = extent_of("adjust_gamma", img);
  check_color("adjust_gamma", img, e);
  check_nonnegative("adjust_gamma", "gamma", gamma);
  if (!is_bytes(img)) return tensors::gamma(img, gamma, gain);
  Table table;
  for (size_t v = 0; v < 256; ++v) {
    const double mapped = (255 + 1 - 1e-3) * gain * std::pow(static_cast<double>(v) / 255.0, gamma);
    table[v] = std::isnan(mapped) ? uint8_t{0} : clip_real(mapped);
  }
  return map_bytes("adjust_gamma", img, table);
}

Tensor adjust_sharpness(const Tensor& img, double factor) {
  const Extent e = extent_of("adjust_sharpness", img);
  check_color("adjust_sharpness", img, e);
  check_nonnegative("adjust_sharpness", "sharpness_factor", factor);
  if (!is_bytes(img)) return e.width <= 2 || e.height <= 2 ? img : tensors::sharpness(img, factor);
  const Bytes in = bytes_of("adjust_sharpness", img);
  // Pillow's SMOOTH filter; the border stays.
  const Bytes smooth = new_bytes("adjust_sharpness", in);
  std::memcpy(smooth.data, in.data, static_cast<size_t>(in.planes() * in.area()));
  const float side = 1.0f / 13.0f, middle = 5.0f / 13.0f;
  for (int64_t p = 0; p < in.planes() && in.width >= 3; ++p) {
    for (int64_t y = 1; y + 1 < in.height; ++y) {
      const uint8_t* const row = in.plane(p) + y * in.width;
      uint8_t* const to = smooth.plane(p) + y * in.width;
      for (int64_t x = 1; x + 1 < in.width; ++x) {
        const auto three = [&](const uint8_t* at, float weight) {
          return static_cast<float>(at[x - 1]) * side + static_cast<float>(at[x]) * weight +
                 static_cast<float>(at[x + 1]) * side;
        };
        float sum = 0.5f;
        sum += three(row + in.width, side);
        sum += three(row, middle);
        sum += three(row - in.width, side);
        to[x] = clip_real(sum);
      }
    }
  }
  return blend_bytes("adjust_sharpness", in, factor,
                     [&](int64_t p, int64_t i) { return smooth.plane(p)[i]; });
}

Tensor invert(const Tensor& img) {
  const Extent e = extent_of("invert", img);
  check_color("invert", img, e, true);
  if (!is_bytes(img)) {
    return sub(Tensor::from_scalar(is_floating(img.dtype()) ? 1 : 255, img.dtype()), img);
  }
  Table table;
  for (size_t v = 0; v < 256; ++v) table[v] = static_cast<uint8_t>(255 - v);
  return map_bytes("invert", img, table);
}

Tensor posterize(const Tensor& img, int64_t bits) {
  const Extent e = extent_of("posterize", img);
  check_color("posterize", img, e, true);
  if (bits < 0 || bits > 8) {
    fail(Status::kInvalidArgument, "posterize: value out of range: bits ", bits,
         ": must be in [0, 8]");
  }
  Table table;
  for (size_t v = 0; v < 256; ++v) table[v] = static_cast<uint8_t>(v & (0xFF00u >> bits));
  return map_bytes("posterize", img, table);
}

Tensor solarize(const Tensor& img, double threshold) {
  const Extent e = extent_of("solarize", img);
  check_color("solarize", img, e, true);
  if (!is_bytes(img)) {
    if (threshold > (is_floating(img.dtype()) ? 1 : 255)) {
      fail(Status::kInvalidArgument, "solarize: value out of range: threshold ", threshold,
           ": must not be above the largest value of the image's dtype");
    }
    return where(ge(img, number(threshold)), invert(img), img);
  }
  Table table;
  for (size_t v = 0; v < 256; ++v) {
    table[v] = static_cast<uint8_t>(static_cast<double>(v) < threshold ? v : 255 - v);
  }
  return map_bytes("solarize", img, table);
}

Tensor autocontrast(const Tensor& img) {
  const Extent e = extent_of("autocontrast", img);
  check_color("autocontrast", img, e, true);
  if (!is_bytes(img)) return tensors::autocontrast(img);
  return map_planes("autocontrast", bytes_of("autocontrast", img), [](const auto& histogram) {
    int low = 0, high = 255;
    while (low < 255 && histogram[static_cast<size_t>(low)] == 0) ++low;
    while (high > 0 && histogram[static_cast<size_t>(high)] == 0) --high;
    Table table = identity_table();
    if (high <= low) return table;
    const double scale = 255.0 / (high - low), offset = -low * scale;
    for (size_t v = 0; v < 256; ++v) {
      table[v] = clip_real(static_cast<double>(v) * scale + offset);
    }
    return table;
  });
}

Tensor equalize(const Tensor& img) {
  const Extent e = extent_of("equalize", img);
  check_color("equalize", img, e, true);
  return map_planes("equalize", bytes_of("equalize", img), [](const auto& histogram) {
    int64_t sum = 0, last = 0, kinds = 0;
    for (int64_t n : histogram) {
      sum += n;
      kinds += n != 0;
      if (n != 0) last = n;
    }
    Table table = identity_table();
    const int64_t step = (sum - last) / 255;
    if (kinds <= 1 || step == 0) return table;
    int64_t n = step / 2;
    for (size_t v = 0; v < 256; ++v) {
      table[v] = static_cast<uint8_t>(std::min<int64_t>(n / step, 255));
      n += histogram[v];
    }
    return table;
  });
}

}  // namespace mt::vision
