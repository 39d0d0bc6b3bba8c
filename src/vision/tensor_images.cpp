// The tensor path: torchvision's arithmetic on images of other dtypes than uint8, in ops (so that
// gradients come for free where PyTorch has them).
#include <algorithm>
#include <cmath>

#include "ops/arithmetic.h"
#include "ops/clamp.h"
#include "ops/common.h"
#include "ops/compare.h"
#include "ops/contract.h"
#include "ops/conv.h"
#include "ops/creation.h"
#include "ops/index.h"
#include "ops/join.h"
#include "ops/linalg.h"
#include "ops/matmul.h"
#include "ops/number_parts.h"
#include "ops/patch.h"
#include "ops/power.h"
#include "ops/rearrange.h"
#include "ops/reduce.h"
#include "ops/resample.h"
#include "ops/unary.h"
#include "ops/view.h"
#include "vision/image.h"

namespace mt::vision::tensors {
namespace {

Tensor number(Scalar v) { return Tensor::from_scalar(v); }
double upper_bound(const Tensor& img) { return is_floating(img.dtype()) ? 1 : 255; }
DType float_of(const Tensor& img) {
  return is_floating(img.dtype()) ? img.dtype() : DType::kFloat32;
}

// A tensor of numbers.
Tensor tensor_of(std::span<const double> values, IntSpan sizes, DType dtype) {
  const Tensor t = Tensor::empty(sizes, DType::kFloat64);
  std::copy(values.begin(), values.end(), t.data_as<double>());
  return to(t, dtype);
}

// The image as a batch of a floating dtype, and back (rounded when it was of integers).
struct Batch {
  Tensor values;
  Tensor original;
};
Batch batch_of(const Tensor& img, DType dtype) {
  Tensor t = img;
  if (t.dim() == 2) t = unsqueeze(t, 0);
  if (t.dim() == 3) t = unsqueeze(t, 0);
  if (t.dim() > 4) {
    t = reshape(t, {{-1, t.size(t.dim() - 3), t.size(t.dim() - 2), t.size(t.dim() - 1)}});
  }
  return {to(t, dtype), img};
}
Tensor unbatched(const Batch& b, Tensor result, bool rounded = true) {
  const DType dtype = b.original.dtype();
  if (!is_floating(dtype) && rounded) result = round(result);
  Dims sizes = b.original.sizes();
  const int n = sizes.size();
  sizes[n - 2] = result.size(2);
  sizes[n - 1] = result.size(3);
  return to(reshape(result, sizes), dtype);
}

// Samples at the points of `grid`, (1, h, w, 2); outside is the fill.
Tensor sampled(const Tensor& img, const Tensor& grid, const WarpOptions& o) {
  const Batch b = batch_of(img, grid.dtype());
  const Tensor& x = b.values;
  const bool nearest = o.interpolation == Interpolation::kNearest;
  const Tensor points = expand(grid, {{x.size(0), grid.size(1), grid.size(2), grid.size(3)}});
  const Tensor mask = ones({{x.size(0), 1, x.size(2), x.size(3)}}, x.dtype());
  const Tensor both[] = {x, mask};
  const Tensor out = grid_sample(mt::cat(std::span<const Tensor>(both), 1), points,
                                 nearest ? "nearest" : "bilinear", "zeros");
  const int64_t channels = x.size(1);
  const Tensor inside = narrow(out, 1, channels, 1);
  Tensor values = narrow(out, 1, 0, channels);
  const double zero[] = {0};
  const Fill fill = o.fill.empty() ? Fill(zero) : o.fill;
  const Tensor colors = tensor_of(fill, {{1, static_cast<int64_t>(fill.size()), 1, 1}}, x.dtype());
  if (nearest) {
    values = where(lt(inside, number(0.5)), colors, values);
  } else {
    values = add(mul(values, inside), mul(sub(number(1.0), inside), colors));
  }
  return unbatched(b, values);
}

// (x, y, 1) for each pixel of an image, (1, h * w, 3), x from `left` and y from `top` on.
Tensor pixel_centers(int64_t height, int64_t width, double left, double top, DType dtype) {
  const Tensor t = Tensor::empty({{1, height * width, 3}}, DType::kFloat64);
  double* p = t.data_as<double>();
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      *p++ = left + static_cast<double>(x);
      *p++ = top + static_cast<double>(y);
      *p++ = 1;
    }
  }
  return to(t, dtype);
}

// A convolution of every channel with one kernel, borders left out.
Tensor filtered(const Tensor& batch, const Tensor& kernel) {
  const int64_t c = batch.size(1), rows = kernel.size(0), columns = kernel.size(1);
  if (batch.dtype() != DType::kFloat32 || batch.requires_grad()) {
    return conv2d(batch, expand(kernel, {{c, 1, rows, columns}}), {}, {}, {}, {}, c);
  }
  const Tensor in = contiguous_values(batch), weights = contiguous_values(kernel);
  const int64_t height = in.size(2), width = in.size(3);
  const Tensor out =
      Tensor::empty({{in.size(0), c, height - rows + 1, width - columns + 1}}, DType::kFloat32);
  for (int64_t p = 0; p < in.size(0) * c; ++p) {
    filter_plane(in.data_as<float>() + p * height * width, width,
                 out.data_as<float>() + p * out.size(2) * out.size(3), out.size(2), out.size(3),
                 weights.data_as<float>(), rows, columns);
  }
  return out;
}

// The sum of n < 512 floats in the order of PyTorch's reduction: 8 lanes (one for less than 8
// values) of 4 sums each.
float sum_in_order(const float* x, int64_t n) {
  const int64_t lanes = n >= 8 ? 8 : 1, count = n / lanes;
  float sums[4][8] = {};
  for (int64_t i = 0; i < count; ++i) {
    float* const to = sums[i < count / 4 * 4 ? i % 4 : 0];
    for (int64_t k = 0; k < lanes; ++k) to[k] += x[i * lanes + k];
  }
  float total = 0;
  for (int64_t i = count * lanes; i < n; ++i) total += x[i];
  for (int64_t k = 0; k < lanes; ++k) {
    total += ((sums[0][k] + sums[1][k]) + sums[2][k]) + sums[3][k];
  }
  return total;
}

Tensor gaussian_kernel(int64_t size, double sigma) {
  const double half = static_cast<double>(size - 1) * 0.5;
  const Tensor x = linspace(-half, half, size, DType::kFloat32);
  const Tensor pdf = exp(mul(number(-0.5), mt::pow(div(x, number(sigma)), number(2))));
  const float total = sum_in_order(pdf.data_as<float>(), size);
  return div(pdf, Tensor::from_scalar(static_cast<double>(total), DType::kFloat32));
}

}  // namespace

Tensor resize(const Tensor& img, int64_t height, int64_t width, Interpolation mode,
              bool antialias) {
  const std::string_view name = mode == Interpolation::kNearest    ? "nearest"
                                : mode == Interpolation::kBilinear ? "bilinear"
                                                                   : "bicubic";
  if (mode != Interpolation::kNearest && mode != Interpolation::kBilinear &&
      mode != Interpolation::kBicubic) {
    fail(Status::kInvalidArgument, "resize: interpolation not supported: number ",
         static_cast<int>(mode), " on ", dtype_name(img.dtype()),
         ": must be nearest, bilinear or bicubic; uint8 images have all");
  }
  if (antialias && mode == Interpolation::kNearest) {
    fail(Status::kInvalidArgument,
         "resize: antialias given: interpolation is nearest: must be bilinear or bicubic");
  }
  const bool compute_in_own = img.dtype() == DType::kFloat32 || img.dtype() == DType::kFloat64;
  const Batch b = batch_of(img, compute_in_own ? img.dtype() : DType::kFloat32);
  return unbatched(b, interpolate(b.values, {{height, width}}, {}, name, false, false, antialias));
}

Tensor pad(const Tensor& img, const int64_t p[4], Fill fill, PaddingMode mode) {
  const int64_t lrtb[] = {p[0], p[2], p[1], p[3]};
  if (mode == PaddingMode::kConstant) {
    if (fill.size() > 1) {
      fail(Status::kInvalidArgument, "pad: wrong number of values: fill has ", fill.size(), " on ",
           dtype_name(img.dtype()), ": must be one number; uint8 images take a color");
    }
    return constant_pad_nd(img, lrtb, fill.empty() ? 0.0 : fill[0]);
  }
  if (mode == PaddingMode::kSymmetric) {
    Tensor out = img;
    for (int axis = 0; axis < 2; ++axis) {
      const int dim = img.dim() - 1 - axis;
      const int64_t n = img.size(dim), before = lrtb[2 * axis], after = lrtb[2 * axis + 1];
      const int64_t low = std::max<int64_t>(-before, 0);
      const int64_t kept = n - low - std::max<int64_t>(-after, 0);
      const Tensor index = Tensor::empty({{n + before + after}}, DType::kInt64);
      for (int64_t i = 0; i < index.numel(); ++i) {
        int64_t at = i - std::max<int64_t>(before, 0);
        at = ((at % (2 * kept)) + 2 * kept) % (2 * kept);
        index.data_as<int64_t>()[i] = low + (at < kept ? at : 2 * kept - 1 - at);
      }
      out = index_select(out, dim, index);
    }
    return out;
  }
  const bool compute_in_own = img.dtype() == DType::kFloat32 || img.dtype() == DType::kFloat64;
  const Batch b = batch_of(img, compute_in_own ? img.dtype() : DType::kFloat32);
  return unbatched(
      b, mt::pad(b.values, lrtb, mode == PaddingMode::kReflect ? "reflect" : "replicate"));
}

Tensor affine(std::string_view, const Tensor& img, const double m[6], int64_t out_height,
              int64_t out_width, const WarpOptions& o) {
  const DType dtype = float_of(img);
  const auto w = static_cast<double>(img.size(img.dim() - 1));
  const auto h = static_cast<double>(img.size(img.dim() - 2));
  const Tensor theta = tensor_of({m, 6}, {{1, 2, 3}}, dtype);
  const double half[] = {0.5 * w, 0.5 * h};
  const Tensor scaled = div(transpose(theta, 1, 2), tensor_of(half, {{2}}, dtype));
  const Tensor base =
      pixel_centers(out_height, out_width, -static_cast<double>(out_width) * 0.5 + 0.5,
                    -static_cast<double>(out_height) * 0.5 + 0.5, dtype);
  return sampled(img, view(bmm(base, scaled), {{1, out_height, out_width, 2}}), o);
}

void rotated_size(const double m[6], int64_t& height, int64_t& width) {
  const auto h = static_cast<float>(height), w = static_cast<float>(width);
  float low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
  for (const float sx : {-0.5f, 0.5f}) {
    for (const float sy : {-0.5f, 0.5f}) {
      for (int i = 0; i < 2; ++i) {
        const float v = sx * w * static_cast<float>(m[3 * i]) +
                        sy * h * static_cast<float>(m[3 * i + 1]) +
                        static_cast<float>(m[3 * i + 2]);
        low[i] = std::min(low[i], v);
        high[i] = std::max(high[i], v);
      }
    }
  }
  int64_t out[2];
  const float half[2] = {w * 0.5f, h * 0.5f};
  for (int i = 0; i < 2; ++i) {  // to 4 decimals, so that no rounding error adds a pixel
    const auto cut = [](float v) { return std::trunc(v / 1e-4f) * 1e-4f; };
    out[i] =
        static_cast<int64_t>(std::ceil(cut(high[i] + half[i])) - std::floor(cut(low[i] + half[i])));
  }
  width = out[0];
  height = out[1];
  check_side("rotate", height, width);
}

Tensor perspective(const Tensor& img, const double c[8], const WarpOptions& o) {
  const DType dtype = float_of(img);
  const int64_t w = img.size(img.dim() - 1), h = img.size(img.dim() - 2);
  const double above[] = {c[0], c[1], c[2], c[3], c[4], c[5]};
  const double below[] = {c[6], c[7], 1, c[6], c[7], 1};
  const double half[] = {0.5 * static_cast<double>(w), 0.5 * static_cast<double>(h)};
  const Tensor base = pixel_centers(h, w, 0.5, 0.5, dtype);
  const Tensor t1 =
      div(transpose(tensor_of(above, {{1, 2, 3}}, dtype), 1, 2), tensor_of(half, {{2}}, dtype));
  const Tensor t2 = transpose(tensor_of(below, {{1, 2, 3}}, dtype), 1, 2);
  const Tensor grid = sub(div(bmm(base, t1), bmm(base, t2)), number(1.0));
  return sampled(img, view(grid, {{1, h, w, 2}}), o);
}

Tensor grayscale(const Tensor& img, int64_t channels) {
  const int dim = img.dim() - 3;
  Tensor luma = img;
  if (img.dim() < 3) return img;
  if (img.size(dim) == 3) {
    const auto part = [&](int64_t c, double weight) {
      return mul(number(weight), select(img, dim, c));
    };
    luma =
        unsqueeze(to(add(add(part(0, 0.2989), part(1, 0.587)), part(2, 0.114)), img.dtype()), dim);
  }
  if (channels == 1) return luma;
  Dims sizes = img.sizes();
  sizes[dim] = channels;
  return expand(luma, sizes);
}

Tensor blend(const Tensor& a, const Tensor& b, double ratio) {
  return to(clamp(add(mul(number(ratio), a), mul(number(1.0 - ratio), b)), number(0.0),
                  number(upper_bound(a))),
            a.dtype());
}

Tensor contrast(const Tensor& img, double factor) {
  const Tensor gray = to(grayscale(img, 1), float_of(img));
  const int64_t dims[] = {-3, -2, -1};
  const IntSpan over = img.dim() < 3 ? IntSpan(dims).subspan(1) : IntSpan(dims);
  return blend(img, mean(gray, over, true), factor);
}

Tensor hue(const Tensor& img, double factor) {
  const Tensor x = is_floating(img.dtype()) ? img : to(img, DType::kFloat32);
  const int dim = x.dim() - 3;
  const Tensor r = select(x, dim, 0), g = select(x, dim, 1), b = select(x, dim, 2);
  const Tensor high = maximum(maximum(r, g), b), low = minimum(minimum(r, g), b);
  const Tensor gray = eq(high, low), range = sub(high, low), one = ones_like(high);
  const Tensor s = div(range, where(gray, one, high)), divisor = where(gray, one, range);
  const Tensor rc = div(sub(high, r), divisor), gc = div(sub(high, g), divisor);
  const Tensor bc = div(sub(high, b), divisor), zero = zeros_like(high);
  const Tensor at_r = eq(high, r), at_g = eq(high, g);
  const Tensor from_b = sub(add(number(4.0), gc), rc), from_g = sub(add(number(2.0), rc), bc);
  Tensor h = where(at_r, sub(bc, gc), where(at_g, from_g, from_b));
  h = fmod(add(div(h, number(6.0)), number(1.0)), number(1.0));
  h = remainder(add(h, number(factor)), number(1.0));
  // Back: six sectors of the hue.
  const Tensor six = mul(h, number(6.0)), i = floor(six), f = sub(six, i);
  const auto mixed = [&](const Tensor& part) {
    return clamp(mul(high, sub(number(1.0), part)), number(0.0), number(1.0));
  };
  const Tensor p = mixed(s), q = mixed(mul(s, f)), t = mixed(mul(s, sub(number(1.0), f)));
  const Tensor& v = high;
  const Tensor sector = remainder(i, number(6.0));
  const auto choose = [&](const Tensor& s0, const Tensor& s1, const Tensor& s2, const Tensor& s3,
                          const Tensor& s4, const Tensor& s5) {
    const Tensor* list[] = {&s0, &s1, &s2, &s3, &s4};
    Tensor out = s5;
    for (int k = 4; k >= 0; --k) out = where(eq(sector, number(k)), *list[k], out);
    return out;
  };
  const Tensor rgb[] = {choose(v, q, p, p, t, v), choose(t, v, v, q, p, p),
                        choose(p, p, t, v, v, q)};
  return to(stack(rgb, dim), img.dtype());
}

Tensor gamma(const Tensor& img, double gamma, double gain) {
  const Tensor x = convert_image_dtype(img, float_of(img));
  return convert_image_dtype(
      clamp(mul(number(gain), mt::pow(x, number(gamma))), number(0.0), number(1.0)), img.dtype());
}

Tensor sharpness(const Tensor& img, double factor) {
  const DType dtype = float_of(img);
  const double weights[] = {1, 1, 1, 1, 5, 1, 1, 1, 1};
  const Tensor kernel = div(tensor_of(weights, {{3, 3}}, dtype), number(13.0));
  const Batch b = batch_of(img, dtype);
  const Tensor inner = filtered(b.values, kernel);
  const Tensor smooth = clone(img);
  const int n = img.dim();
  copy_(narrow(narrow(smooth, n - 2, 1, img.size(n - 2) - 2), n - 1, 1, img.size(n - 1) - 2),
        unbatched(b, inner));
  return blend(img, smooth, factor);
}

Tensor autocontrast(const Tensor& img) {
  const double bound = upper_bound(img);
  const int64_t dims[] = {-2, -1};
  const Tensor low = to(amin(img, dims, true), float_of(img));
  const Tensor high = to(amax(img, dims, true), float_of(img));
  const Tensor flat = eq(low, high);
  const Tensor scale = where(flat, ones_like(low), div(number(bound), sub(high, low)));
  const Tensor base = where(flat, zeros_like(low), low);
  return to(clamp(mul(sub(img, base), scale), number(0.0), number(bound)), img.dtype());
}

Tensor gaussian_blur(const Tensor& img, const int64_t kernel[2], const double sigma[2]) {
  const DType dtype = float_of(img);
  const Tensor x = to(gaussian_kernel(kernel[0], sigma[0]), dtype);
  const Tensor y = to(gaussian_kernel(kernel[1], sigma[1]), dtype);
  const Tensor weights = mm(unsqueeze(y, 1), unsqueeze(x, 0));
  const Batch b = batch_of(img, dtype);
  const int64_t pads[] = {kernel[0] / 2, kernel[0] / 2, kernel[1] / 2, kernel[1] / 2};
  return unbatched(b, filtered(mt::pad(b.values, pads, "reflect"), weights));
}

}  // namespace mt::vision::tensors
