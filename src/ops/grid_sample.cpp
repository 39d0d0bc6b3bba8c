// Sampling at positions of a grid, composed of recorded ops: gathers at the corners around every
// position, times weights that are functions of it.
#include <cmath>

#include "ops/activation.h"
#include "ops/clamp.h"
#include "ops/compare.h"
#include "ops/creation.h"
#include "ops/images.h"
#include "ops/index.h"
#include "ops/join.h"
#include "ops/matmul.h"
#include "ops/power.h"
#include "ops/resample.h"
#include "ops/rules.h"
#include "ops/unary.h"

namespace mt {
namespace {

using namespace tensor_math;

enum class Padding { kZeros, kBorder, kReflection };

Tensor number(double x) { return Tensor::from_scalar(x); }

// Positions folded back at the image's edges: at the outer pixels' centres, or half a pixel
// outside.
Tensor reflected(const Tensor& x, int64_t size, bool align) {
  const double low = align ? 0 : -0.5, span = static_cast<double>(align ? size - 1 : size);
  if (span == 0) return x * 0;
  const Tensor distance = abs(x - low), turns = floor(distance / span);
  const Tensor rest = distance - turns * span;
  const Tensor odd = ne(turns - floor(turns / 2) * 2, number(0));
  return where(odd, span - rest, rest) + low;
}

Tensor padded(const Tensor& x, int64_t size, Padding padding, bool align) {
  if (padding == Padding::kZeros) return x;
  const Tensor inside = padding == Padding::kReflection ? reflected(x, size, align) : x;
  return clamp(inside, number(0), number(static_cast<double>(size - 1)));
}

// Whole positions along one dim, what each counts, and whether it is inside.
struct Tap {
  Tensor index, weight, inside;
};

Tap tap_at(const Tensor& whole, const Tensor& weight, int64_t size) {
  const double last = static_cast<double>(size - 1);
  Tap tap;
  tap.inside = logical_and(ge(whole, number(0)), le(whole, number(last)));
  // Where it is outside, NaN included, any index serves: the weight is set to zero there.
  tap.index = to(where(tap.inside, detach(whole), number(0)), DType::kInt64);
  tap.weight = weight;
  return tap;
}

SmallVector<Tap, 4> taps_of(const Tensor& coordinate, int64_t size, std::string_view mode,
                            Padding padding, bool align) {
  SmallVector<Tap, 4> taps;
  const double n = static_cast<double>(size);
  const Tensor x = align ? (coordinate + 1) * ((n - 1) / 2) : ((coordinate + 1) * n - 1) / 2;
  if (mode == "bicubic") {
    constexpr double kA = -0.75;
    const Tensor whole = floor(x), t = x - whole;
    for (int k = 0; k < 4; ++k) {
      const Tensor distance = k < 2 ? t + (1 - k) : (k - 1) - t;
      const Tensor weight =
          k == 1 || k == 2 ? ((distance * (kA + 2)) - (kA + 3)) * distance * distance + 1
                           : ((distance * kA - 5 * kA) * distance + 8 * kA) * distance - 4 * kA;
      taps.push_back(tap_at(padded(whole + (k - 1), size, padding, align), weight, size));
    }
    return taps;
  }
  const Tensor at = padded(x, size, padding, align);
  if (mode == "nearest") {
    const Tensor whole = round(at);
    // Positions get a gradient here too, of zeros: a weight of one that depends on them.
    const Tensor one = recording(whole) ? whole - detach(whole) + 1 : Tensor();
    taps.push_back(tap_at(whole, one, size));
    return taps;
  }
  const Tensor whole = floor(at), t = at - whole;
  taps.push_back(tap_at(whole, 1 - t, size));
  taps.push_back(tap_at(whole + 1, t, size));
  return taps;
}

Tensor times(const Tensor& a, const Tensor& b) { return a.defined() ? a * b : b; }

}  // namespace

Tensor grid_sample(const Tensor& input, const Tensor& grid, std::string_view mode,
                   std::string_view padding_mode, bool align_corners) {
  constexpr std::string_view kOp = "grid_sample";
  check_defined(kOp, "input", input);
  check_defined(kOp, "grid", grid);
  check_devices(kOp, {&input, &grid});
  check_floating(kOp, input);
  check_same_dtype(kOp, "input", input, "grid", grid);
  const int nd = input.dim() - 2;
  if ((nd != 2 && nd != 3) || grid.dim() != nd + 2 || grid.size(0) != input.size(0) ||
      grid.size(nd + 1) != nd) {
    fail(Status::kShape, kOp, ": shape mismatch: input ", shape_string(input.sizes()), ", grid ",
         shape_string(grid.sizes()),
         ": must be (n, c, h, w) and (n, h', w', 2), or (n, c, d, h, w) and (n, d', h', w', 3)");
  }
  for (int d = 1; d < nd + 2; ++d) {
    if (input.size(d) == 0) {
      fail(Status::kShape, kOp, ": empty input: input ", shape_string(input.sizes()),
           ": only the batch may have size 0");
    }
  }
  if (mode != "bilinear" && mode != "nearest" && (mode != "bicubic" || nd == 3)) {
    fail(Status::kInvalidArgument, kOp, ": unknown mode: '", mode, "' with ", nd,
         " spatial dims: must be bilinear, nearest, or bicubic with 2");
  }
  if (padding_mode != "zeros" && padding_mode != "border" && padding_mode != "reflection") {
    fail(Status::kInvalidArgument, kOp, ": unknown padding_mode: '", padding_mode,
         "': must be zeros, border or reflection");
  }
  if (computes_in_float(input)) {
    return to(grid_sample(to(input, DType::kFloat32), to(grid, DType::kFloat32), mode, padding_mode,
                          align_corners),
              input.dtype());
  }
  const Padding padding = padding_mode == "zeros"    ? Padding::kZeros
                          : padding_mode == "border" ? Padding::kBorder
                                                     : Padding::kReflection;
  const int64_t n = input.size(0), c = input.size(1);
  int64_t pixels = 1, points = 1;
  Dims out_sizes{n, c};
  for (int d = 0; d < nd; ++d) {
    pixels *= input.size(2 + d);
    points *= grid.size(1 + d);
    out_sizes.push_back(grid.size(1 + d));
  }
  const Tensor flat = reshape(input, {{n, c, pixels}}), places = reshape(grid, {{n, points, nd}});
  SmallVector<Tap, 4> taps[3];
  for (int d = 0; d < nd; ++d) {
    taps[d] =
        taps_of(select(places, 2, nd - 1 - d), input.size(2 + d), mode, padding, align_corners);
  }
  Tensor out;
  const int count = taps[0].size();
  int combinations = 1;
  for (int d = 0; d < nd; ++d) combinations *= count;
  for (int k = 0; k < combinations; ++k) {
    Tensor index, weight, inside;
    for (int d = 0, rest = k; d < nd; ++d, rest /= count) {
      const Tap& tap = taps[d][rest % count];
      index = index.defined() ? add(mul(index, Tensor::from_scalar(input.size(2 + d))), tap.index)
                              : tap.index;
      inside = inside.defined() ? logical_and(inside, tap.inside) : tap.inside;
      if (tap.weight.defined()) weight = times(weight, tap.weight);
    }
    const Tensor at = expand(unsqueeze(index, 1), {{n, c, points}});
    Tensor values = gather(flat, 2, at);
    if (weight.defined()) values = values * unsqueeze(weight, 1);
    values = where(unsqueeze(inside, 1), values, number(0));
    out = out.defined() ? out + values : values;
  }
  return reshape(out, out_sizes);
}

Tensor affine_grid(const Tensor& theta, IntSpan size, bool align_corners) {
  constexpr std::string_view kOp = "affine_grid";
  check_defined(kOp, "theta", theta);
  check_floating(kOp, theta);
  const int nd = static_cast<int>(size.size()) - 2;
  const bool fits = (nd == 2 || nd == 3) && theta.dim() == 3 && theta.size(1) == nd &&
                    theta.size(2) == nd + 1 && theta.size(0) == size[0];
  if (!fits) {
    fail(Status::kShape, kOp, ": shape mismatch: theta ", shape_string(theta.sizes()), ", size ",
         shape_string(size),
         ": must be (n, 2, 3) for (n, c, h, w) or (n, 3, 4) for (n, c, d, h, w)");
  }
  for (const int64_t s : size) {
    if (s < 1) {
      fail(Status::kInvalidArgument, kOp, ": value out of range: size ", shape_string(size),
           ": must be positive");
    }
  }
  // x, y[, z] of every pixel and a one, the last dim fastest.
  const IntSpan spatial_size = size.subspan(2);
  Tensor columns[4];
  int64_t pixels = 1;
  for (int d = 0; d < nd; ++d) {
    const int64_t n = spatial_size[static_cast<size_t>(d)];
    Tensor line = n == 1 ? zeros({{1}}, theta.dtype(), theta.device())
                         : linspace(-1, 1, n, theta.dtype(), theta.device());
    if (!align_corners) line = line * (static_cast<double>(n - 1) / static_cast<double>(n));
    Dims shape(nd, 1);
    shape[d] = n;
    columns[nd - 1 - d] = expand(reshape(line, shape), spatial_size);
    pixels *= n;
  }
  columns[nd] = expand(ones({{1}}, theta.dtype(), theta.device()), spatial_size);
  const Tensor base =
      reshape(stack({columns, static_cast<size_t>(nd + 1)}, nd), {{1, pixels, nd + 1}});
  const Tensor grid = bmm(expand(base, {{size[0], pixels, nd + 1}}), transpose(theta, 1, 2));
  Dims sizes{size[0]};
  for (const int64_t s : spatial_size) sizes.push_back(s);
  sizes.push_back(nd);
  return reshape(grid, sizes);
}

}  // namespace mt
