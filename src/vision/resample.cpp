// Pillow's resampling: the filters' weights in fixed point, and the two passes.
#include "vision/resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

namespace mt::vision {
namespace {

constexpr double kPi = std::numbers::pi;

double sinc(double x) { return x == 0 ? 1 : std::sin(x * kPi) / (x * kPi); }

struct FilterInfo {
  double support;
  double (*weight)(double x);
};

FilterInfo filter_info(Interpolation mode) {
  switch (mode) {
    case Interpolation::kBox:
      return {0.5, [](double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }};
    case Interpolation::kHamming:
      return {
          1, [](double x) {
            x = std::fabs(x);
            if (x == 0) return 1.0;
            if (x >= 1) return 0.0;
            // Pillow's window constants are single precision.
            return std::sin(x * kPi) / (x * kPi) *
                   (static_cast<double>(0.54f) + static_cast<double>(0.46f) * std::cos(x * kPi));
          }};
    case Interpolation::kBicubic:  // Keys' kernel with a = -0.5
      return {2, [](double x) {
                constexpr double a = -0.5;
                x = std::fabs(x);
                if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
                if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
                return 0.0;
              }};
    case Interpolation::kLanczos:
      return {3, [](double x) { return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0.0; }};
    default:
      return {1, [](double x) {
                x = std::fabs(x);
                return x < 1 ? 1 - x : 0.0;
              }};
  }
}

// What each output along one axis is made of: `taps` inputs from `first` on, and their weights.
struct Axis {
  struct Window {
    int64_t first, taps;
  };
  std::vector<Window> windows;
  std::vector<int32_t> weights;  // `longest` for each output
  int64_t longest;

  Axis(int64_t n_in, int64_t n_out, Interpolation mode) {
    const FilterInfo filter = filter_info(mode);
    const double scale = static_cast<double>(n_in) / static_cast<double>(n_out);
    const double stretch = std::max(scale, 1.0);
    const double support = filter.support * stretch;
    longest = static_cast<int64_t>(std::ceil(support)) * 2 + 1;
    windows.resize(static_cast<size_t>(n_out));
    weights.assign(static_cast<size_t>(n_out * longest), 0);
    std::vector<double> w(static_cast<size_t>(longest));
    for (int64_t i = 0; i < n_out; ++i) {
      const double center = (static_cast<double>(i) + 0.5) * scale;
      const double inverse = 1.0 / stretch;
      const auto first = std::max<int64_t>(static_cast<int64_t>(center - support + 0.5), 0);
      const auto end = std::min(static_cast<int64_t>(center + support + 0.5), n_in);
      const int64_t taps = std::max<int64_t>(end - first, 0);
      double sum = 0;
      for (int64_t k = 0; k < taps; ++k) {
        w[static_cast<size_t>(k)] =
            filter.weight((static_cast<double>(k + first) - center + 0.5) * inverse);
        sum += w[static_cast<size_t>(k)];
      }
      int32_t* const row = weights.data() + i * longest;
      for (int64_t k = 0; k < taps; ++k) {
        double v = w[static_cast<size_t>(k)];
        if (sum != 0) v /= sum;
        v *= 1 << kWeightBits;
        row[k] = static_cast<int32_t>(v < 0 ? v - 0.5 : v + 0.5);
      }
      windows[static_cast<size_t>(i)] = {first, taps};
    }
  }
};

// Along rows: kPackedRows rows at a time stand side by side, so that the sum runs over vectors.
void resample_rows(const uint8_t* in, int64_t height, int64_t width, uint8_t* out,
                   int64_t out_width, const Axis& axis) {
  std::vector<uint8_t> packed(static_cast<size_t>(width * kPackedRows), 0);
  std::vector<uint8_t> column(static_cast<size_t>(out_width * kPackedRows));
  for (int64_t y = 0; y < height; y += kPackedRows) {
    const int64_t rows = std::min(kPackedRows, height - y);
    for (int64_t r = 0; r < rows; ++r) {
      const uint8_t* const from = in + (y + r) * width;
      uint8_t* const to = packed.data() + r;
      for (int64_t x = 0; x < width; ++x) to[x * kPackedRows] = from[x];
    }
    for (int64_t x = 0; x < out_width; ++x) {
      const Axis::Window w = axis.windows[static_cast<size_t>(x)];
      weighted_bytes(column.data() + x * kPackedRows, kPackedRows,
                     packed.data() + w.first * kPackedRows, kPackedRows,
                     axis.weights.data() + x * axis.longest, w.taps);
    }
    for (int64_t r = 0; r < rows; ++r) {
      const uint8_t* const from = column.data() + r;
      uint8_t* const to = out + (y + r) * out_width;
      for (int64_t x = 0; x < out_width; ++x) to[x] = from[x * kPackedRows];
    }
  }
}

void resample_columns(const uint8_t* in, int64_t width, uint8_t* out, int64_t out_height,
                      const Axis& axis) {
  for (int64_t y = 0; y < out_height; ++y) {
    const Axis::Window w = axis.windows[static_cast<size_t>(y)];
    weighted_bytes(out + y * width, width, in + w.first * width, width,
                   axis.weights.data() + y * axis.longest, w.taps);
  }
}

// Pillow steps its coordinate by addition, whose rounding is part of the result.
std::vector<int64_t> nearest_indices(int64_t n_in, int64_t n_out) {
  const double scale = static_cast<double>(n_in) / static_cast<double>(n_out);
  std::vector<int64_t> out(static_cast<size_t>(n_out));
  double at = scale * 0.5;
  for (int64_t& i : out) {
    i = std::min(static_cast<int64_t>(at), n_in - 1);
    at += scale;
  }
  return out;
}

void nearest_planes(const uint8_t* in, int64_t planes, int64_t height, int64_t width, uint8_t* out,
                    int64_t out_height, int64_t out_width) {
  const std::vector<int64_t> xs = nearest_indices(width, out_width);
  const std::vector<int64_t> ys = nearest_indices(height, out_height);
  for (int64_t p = 0; p < planes; ++p) {
    for (int64_t y : ys) {
      const uint8_t* const row = in + (p * height + y) * width;
      for (int64_t x : xs) *out++ = row[x];
    }
  }
}

}  // namespace

void resample_planes(const uint8_t* in, int64_t planes, int64_t height, int64_t width, uint8_t* out,
                     int64_t out_height, int64_t out_width, Interpolation mode) {
  if (height == out_height && width == out_width) {
    std::memcpy(out, in, static_cast<size_t>(planes * height * width));
    return;
  }
  if (mode == Interpolation::kNearest) {
    nearest_planes(in, planes, height, width, out, out_height, out_width);
    return;
  }
  const bool rows = width != out_width, columns = height != out_height;
  const Axis across(rows ? width : 1, rows ? out_width : 1, mode);
  const Axis down(columns ? height : 1, columns ? out_height : 1, mode);
  std::vector<uint8_t> between(rows && columns ? static_cast<size_t>(height * out_width)
                                               : size_t{0});
  for (int64_t p = 0; p < planes; ++p) {
    const uint8_t* from = in + p * height * width;
    uint8_t* const to = out + p * out_height * out_width;
    if (rows) {
      uint8_t* const wide = columns ? between.data() : to;
      resample_rows(from, height, width, wide, out_width, across);
      from = wide;
    }
    if (columns) resample_columns(from, out_width, to, out_height, down);
  }
}

}  // namespace mt::vision
