// Interpolation is one sparse map after the other along the spatial dims.
#include "ops/resample.h"

#include <algorithm>
#include <cmath>

#include "ops/images.h"
#include "ops/index.h"
#include "ops/line_map.h"
#include "ops/pool.h"

namespace mt {
namespace {

enum class Mode { kNearest, kNearestExact, kLinear, kCubic, kArea };

// Cubic convolution (Keys, 1981): weights of the points at distance |x| < 1 and 1 <= |x| < 2.
double cubic_near(double x, double a) { return ((a + 2) * x - (a + 3)) * x * x + 1; }
double cubic_far(double x, double a) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; }

struct Dim {
  int64_t in, out;
  double scale;  // input pixels for one of output
  bool align;
  bool single;  // float32: positions are rounded to it, so that ties fall as in PyTorch

  double rounded(double x) const { return single ? static_cast<double>(static_cast<float>(x)) : x; }
  double source(int64_t o) const {
    const auto x = static_cast<double>(o);
    return align ? rounded(scale * x) : rounded(rounded(scale * (x + 0.5)) - 0.5);
  }
};

int64_t clipped(int64_t i, int64_t n) { return std::clamp<int64_t>(i, 0, n - 1); }

int64_t nearest_index(const Dim& d, int64_t o, bool exact) {
  const double x = static_cast<double>(o) + (exact ? 0.5 : 0);
  return clipped(static_cast<int64_t>(std::floor(d.rounded(x * d.scale))), d.in);
}

std::shared_ptr<LineMap> empty_map(const Dim& d, int64_t taps) {
  auto map = std::make_shared<LineMap>(LineMap{d.in, d.out, taps, {}, {}});
  map->index.assign(static_cast<size_t>(d.out * taps), 0);
  map->weight.assign(static_cast<size_t>(d.out * taps), 0);
  return map;
}

// Every input pixel within reach, weighed by the filter stretched over it.
std::shared_ptr<LineMap> antialias_map(const Dim& d, bool cubic) {
  const double stretch = std::max(d.scale, 1.0), support = (cubic ? 2 : 1) * stretch;
  const auto taps = std::min(d.in, static_cast<int64_t>(std::ceil(support)) * 2 + 1);
  auto map = empty_map(d, taps);
  for (int64_t o = 0; o < d.out; ++o) {
    const double centre = d.scale * (static_cast<double>(o) + 0.5);
    const auto first = std::max<int64_t>(static_cast<int64_t>(centre - support + 0.5), 0);
    const int64_t end = std::min(static_cast<int64_t>(centre + support + 0.5), d.in);
    double total = 0;
    for (int64_t t = 0; t < std::min(end - first, taps); ++t) {
      const double x = std::fabs((static_cast<double>(t + first) - centre + 0.5) / stretch);
      double w = x < 1 ? 1 - x : 0;
      if (cubic) w = x < 1 ? cubic_near(x, -0.5) : x < 2 ? cubic_far(x, -0.5) : 0;
      const auto at = static_cast<size_t>(o * taps + t);
      map->index[at] = first + t;
      map->weight[at] = w;
      total += w;
    }
    for (int64_t t = 0; t < taps && total != 0; ++t) {
      map->weight[static_cast<size_t>(o * taps + t)] /= total;
    }
  }
  return map;
}

std::shared_ptr<LineMap> point_map(const Dim& d, Mode mode) {
  auto map = empty_map(d, mode == Mode::kLinear ? 2 : mode == Mode::kCubic ? 4 : 1);
  for (int64_t o = 0; o < d.out; ++o) {
    int64_t* index = map->index.data() + o * map->taps;
    double* weight = map->weight.data() + o * map->taps;
    if (mode == Mode::kLinear) {
      const double x = std::max(d.source(o), 0.0);
      const int64_t i = clipped(static_cast<int64_t>(x), d.in);
      index[0] = i;
      index[1] = std::min(i + 1, d.in - 1);
      weight[1] = std::clamp(x - static_cast<double>(i), 0.0, 1.0);
      weight[0] = 1 - weight[1];
    } else if (mode == Mode::kCubic) {
      constexpr double kA = -0.75;
      const double x = d.source(o), whole = std::floor(x), t = x - whole;
      for (int64_t k = 0; k < 4; ++k) {
        index[k] = clipped(static_cast<int64_t>(whole) - 1 + k, d.in);
      }
      weight[0] = cubic_far(t + 1, kA);
      weight[1] = cubic_near(t, kA);
      weight[2] = cubic_near(1 - t, kA);
      weight[3] = cubic_far(2 - t, kA);
    } else {
      index[0] = nearest_index(d, o, mode == Mode::kNearestExact);
      weight[0] = 1;
    }
  }
  return map;
}

Mode parse_mode(std::string_view mode, int nd) {
  const struct {
    std::string_view name;
    Mode mode;
    int nd;  // 0: any
  } kModes[] = {{"nearest", Mode::kNearest, 0}, {"nearest-exact", Mode::kNearestExact, 0},
                {"area", Mode::kArea, 0},       {"linear", Mode::kLinear, 1},
                {"bilinear", Mode::kLinear, 2}, {"trilinear", Mode::kLinear, 3},
                {"bicubic", Mode::kCubic, 2}};
  for (const auto& m : kModes) {
    if (m.name != mode) continue;
    if (m.nd == 0 || m.nd == nd) return m.mode;
    fail(Status::kInvalidArgument, "interpolate: wrong mode: '", mode, "' with ", nd,
         " spatial dims: it is for ", m.nd);
  }
  fail(Status::kInvalidArgument, "interpolate: unknown mode: '", mode,
       "': must be nearest, nearest-exact, linear, bilinear, bicubic, trilinear or area");
}

const char* node_name(Mode mode, int nd, bool antialias) {
  static constexpr const char* kNearest[] = {
      "UpsampleNearest1DBackward0", "UpsampleNearest2DBackward0", "UpsampleNearest3DBackward0"};
  static constexpr const char* kLinear[] = {
      "UpsampleLinear1DBackward0", "UpsampleBilinear2DBackward0", "UpsampleTrilinear3DBackward0"};
  if (mode == Mode::kCubic) {
    return antialias ? "UpsampleBicubic2DAaBackward0" : "UpsampleBicubic2DBackward0";
  }
  if (mode == Mode::kLinear) return antialias ? "UpsampleBilinear2DAaBackward0" : kLinear[nd - 1];
  return kNearest[nd - 1];
}

}  // namespace

Tensor interpolate(const Tensor& input, IntSpan size, std::span<const double> scale_factors,
                   std::string_view mode_name, bool align_corners, bool recompute_scale_factor,
                   bool antialias) {
  constexpr std::string_view kOp = "interpolate";
  check_defined(kOp, "input", input);
  const int nd = input.dim() - 2;
  if (nd < 1 || nd > 3) {
    fail(Status::kShape, kOp, ": wrong number of dims: input ", shape_string(input.sizes()),
         ": 3, 4 or 5 dims are needed (batch, channels and 1 to 3 spatial)");
  }
  const Mode mode = parse_mode(mode_name, nd);
  if (size.empty() == scale_factors.empty()) {
    fail(Status::kInvalidArgument, kOp,
         ": wrong arguments: size and scale_factor: exactly one of them must be given");
  }
  if (align_corners && mode != Mode::kLinear && mode != Mode::kCubic) {
    fail(Status::kInvalidArgument, kOp, ": wrong mode: align_corners with mode '", mode_name,
         "': it is for linear, bilinear, bicubic and trilinear");
  }
  if (antialias && (nd != 2 || (mode != Mode::kLinear && mode != Mode::kCubic))) {
    fail(Status::kInvalidArgument, kOp, ": wrong mode: antialias with mode '", mode_name,
         "': it is for bilinear and bicubic");
  }
  Extent in, out;
  spatial_sizes(input, nd, in);
  if (!size.empty()) {
    spatial(kOp, "size", size, nd, 1, 1, 1, out);
  } else {
    if (scale_factors.size() != 1 && scale_factors.size() != static_cast<size_t>(nd)) {
      fail(Status::kShape, kOp, ": wrong number of values: ", scale_factors.size(),
           " scale_factors: must be one or ", nd, ", one for each spatial dim");
    }
    for (int d = 0; d < 3; ++d) {
      if (d < 3 - nd) {
        out[d] = 1;
        continue;
      }
      const double f =
          scale_factors[scale_factors.size() == 1 ? 0 : static_cast<size_t>(d - (3 - nd))];
      const double wanted = std::floor(static_cast<double>(in[d]) * f);
      if (!(wanted >= 1 && wanted <= 1e9)) {
        fail(Status::kInvalidArgument, kOp, ": value out of range: scale_factor ", f, " for size ",
             in[d], ": the output must have at least 1 pixel and no more than 10^9");
      }
      out[d] = static_cast<int64_t>(wanted);
    }
  }
  for (int d = 1; d < nd + 2; ++d) {
    if (input.size(d) == 0) {
      fail(Status::kShape, kOp, ": empty input: input ", shape_string(input.sizes()),
           ": only the batch may have size 0");
    }
  }
  if (mode == Mode::kArea) {
    return adaptive_avg_pool(nd, input, IntSpan(out + 3 - nd, static_cast<size_t>(nd)));
  }
  const bool by_index = !is_floating(input.dtype());
  if (by_index && mode != Mode::kNearest && mode != Mode::kNearestExact) {
    check_floating(kOp, input);
  }
  Tensor x = computes_in_float(input) ? to(input, DType::kFloat32) : input;
  for (int d = 3 - nd; d < 3; ++d) {
    Dim dim{in[d], out[d], 0, align_corners, x.dtype() == DType::kFloat32};
    if (align_corners) {
      dim.scale = out[d] > 1 ? static_cast<double>(in[d] - 1) / static_cast<double>(out[d] - 1) : 0;
    } else if (!scale_factors.empty() && !recompute_scale_factor) {
      dim.scale =
          1 / scale_factors[scale_factors.size() == 1 ? 0 : static_cast<size_t>(d - (3 - nd))];
    } else {
      dim.scale = static_cast<double>(in[d]) / static_cast<double>(out[d]);
    }
    dim.scale = dim.rounded(dim.scale);
    auto map = antialias ? antialias_map(dim, mode == Mode::kCubic) : point_map(dim, mode);
    const int at = d - (3 - nd) + 2;
    if (by_index) {
      const Tensor index = Tensor::empty({{dim.out}}, DType::kInt64, Device::kCPU);
      std::copy(map->index.begin(), map->index.end(), index.data_as<int64_t>());
      x = index_select(x, at, to_device(index, x.device()));
    } else {
      x = line_map(node_name(mode, nd, antialias), x, at, std::move(map));
    }
  }
  return x.dtype() == input.dtype() ? x : to(x, input.dtype());
}

}  // namespace mt
