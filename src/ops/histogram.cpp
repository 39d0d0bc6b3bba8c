// bincount, histc, histogram and histogramdd.
#include "ops/histogram.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/along.h"
#include "ops/arithmetic.h"
#include "ops/creation.h"
#include "ops/reduce.h"
#include "ops/view.h"

namespace mt {
namespace {

void check_bins(const char* op, int64_t bins) {
  if (bins > 0) return;
  fail(Status::kInvalidArgument, op, ": bins out of range: ", bins, ": must be positive");
}

void check_range(const char* op, double low, double high) {
  if (!std::isfinite(low) || !std::isfinite(high)) {
    fail(Status::kInvalidArgument, op, ": range not finite: [", low, ", ", high,
         "]: both ends must be finite");
  }
  if (low <= high) return;
  fail(Status::kInvalidArgument, op, ": range out of order: [", low, ", ", high,
       "]: the first must not be larger than the second");
}

// Counts into bins of one width, computed in T as PyTorch does.
template <class T>
void count_even(const Tensor& values, double low, double high, const Tensor& out) {
  const auto* const p = values.data_as<T>();
  auto* const counts = out.data_as<T>();
  const auto from = static_cast<T>(low), until = static_cast<T>(high);
  const int64_t bins = out.numel();
  for (int64_t i = 0; i < values.numel(); ++i) {
    const T x = p[i];
    if (!(x >= from && x <= until)) continue;
    const T place = (x - from) * static_cast<T>(bins) / (until - from);
    counts[std::min(static_cast<int64_t>(place), bins - 1)] += 1;
  }
}

std::vector<double> doubles_of(const Tensor& t) {
  check_has_values("histogram", t);
  const Tensor values = contiguous_values(converted(t, DType::kFloat64));
  const auto* const p = values.data_as<double>();
  return {p, p + values.numel()};
}

// The edges of coordinate c of points [m, n].
Tensor edges_of(const Tensor& points, int64_t c, const Tensor& bins, const double* range) {
  if (bins.dim() == 1 && !bins.impl()->is_number) {
    check_same_dtype("histogram", "input", points, "bins", bins);
    if (bins.numel() == 0) {
      fail(Status::kInvalidArgument, "histogram: no edges: bins (0,): at least one is needed");
    }
    return contiguous_values(bins);
  }
  if (bins.dim() != 0) {
    fail(Status::kShape, "histogram: shape mismatch: bins ", shape_string(bins.sizes()),
         ": must be a number or 1-D edges");
  }
  const int64_t count = bins.item("histogram").to_int();
  check_bins("histogram", count);
  double low = 0, high = 0;
  if (range) {
    low = range[0];
    high = range[1];
  } else if (points.size(0) > 0) {
    low = amin(select(points, 1, c)).item().to_double();
    high = amax(select(points, 1, c)).item().to_double();
  } else {
    high = 1;
  }
  check_range("histogram", low, high);
  if (low == high) {
    low -= 0.5;
    high += 0.5;
  }
  return linspace(low, high, count + 1, points.dtype());
}

// The bin of x between ascending edges, or -1: the last edge belongs to the last bin.
int64_t bin_of(double x, const std::vector<double>& edges) {
  if (!(x >= edges.front() && x <= edges.back())) return -1;
  const auto bins = static_cast<int64_t>(edges.size()) - 1;
  const int64_t place = std::upper_bound(edges.begin(), edges.end(), x) - edges.begin() - 1;
  return std::min(place, bins - 1);
}

}  // namespace

Tensor bincount(const Tensor& self, const Tensor& weights, int64_t minlength) {
  check_defined("bincount", "input", self);
  check_has_values("bincount", self);
  if (!is_integral(self.dtype(), false) || self.dim() != 1) {
    fail(Status::kInvalidArgument, "bincount: wrong input: ", dtype_name(self.dtype()), " ",
         shape_string(self.sizes()), ": must be 1-D and of an integer dtype");
  }
  if (minlength < 0) {
    fail(Status::kInvalidArgument, "bincount: minlength out of range: ", minlength,
         ": must be >= 0");
  }
  const int64_t n = self.numel();
  if (weights.defined()) check_has_values("bincount", weights);
  if (weights.defined() && !(weights.dim() == 1 && weights.size(0) == n)) {
    fail(Status::kShape, "bincount: shape mismatch: input ", shape_string(self.sizes()),
         ", weights ", shape_string(weights.sizes()), ": both must have one shape");
  }
  if (n == 0) return zeros(Dims{minlength}, DType::kInt64);
  const Tensor in = contiguous_values(converted(self, DType::kInt64));
  const auto* const p = in.data_as<int64_t>();
  const auto [low, high] = std::minmax_element(p, p + n);
  if (*low < 0) {
    fail(Status::kInvalidArgument, "bincount: value out of range: ", *low, ": must be >= 0");
  }
  if (*high == INT64_MAX) {
    fail(Status::kInvalidArgument, "bincount: value out of range: ", *high, ": too many bins");
  }
  const int64_t bins = std::max(*high + 1, minlength);
  if (!weights.defined()) {
    const Tensor out = zeros(Dims{bins}, DType::kInt64);
    for (int64_t i = 0; i < n; ++i) ++out.data_as<int64_t>()[p[i]];
    return out;
  }
  const Tensor w = contiguous_values(converted(weights, DType::kFloat64));
  const Tensor out = zeros(Dims{bins}, DType::kFloat64);
  for (int64_t i = 0; i < n; ++i) out.data_as<double>()[p[i]] += w.data_as<double>()[i];
  return converted(out, weights.dtype() == DType::kFloat32 ? DType::kFloat32 : DType::kFloat64);
}

Tensor histc(const Tensor& self, int64_t bins, double min, double max) {
  check_defined("histc", "input", self);
  check_has_values("histc", self);
  check_floating("histc", self);
  check_bins("histc", bins);
  const Tensor values = contiguous_values(converted(self, kernel_dtype(self.dtype())));
  if (min == max && self.numel() > 0) {
    min = amin(values).item().to_double();
    max = amax(values).item().to_double();
  }
  check_range("histc", min, max);
  if (min == max) {
    min -= 1;
    max += 1;
  }
  const Tensor out = zeros(Dims{bins}, values.dtype());
  if (values.dtype() == DType::kFloat32) {
    count_even<float>(values, min, max, out);
  } else {
    count_even<double>(values, min, max, out);
  }
  return converted(out, self.dtype());
}

TensorList histogramdd(const Tensor& self, std::span<const Tensor> bins, const Tensor& range,
                       const Tensor& weight, bool density) {
  check_defined("histogram", "input", self);
  check_has_values("histogram", self);
  check_floating("histogram", self);
  GradMode off(false);
  if (self.dim() < 2) {
    fail(Status::kShape, "histogramdd: shape mismatch: input ", shape_string(self.sizes()),
         ": at least two dims are needed, the last one for the coordinates");
  }
  const int64_t n = self.sizes().back();
  const auto count = static_cast<int64_t>(bins.size());
  if (count != n || n == 0) {
    fail(Status::kInvalidArgument, "histogramdd: wrong count: ", count, " bins for ", n,
         " coordinates: one for each is needed");
  }
  const std::vector<double> ends = range.defined() ? doubles_of(range) : std::vector<double>();
  if (!ends.empty() && static_cast<int64_t>(ends.size()) != 2 * n) {
    fail(Status::kInvalidArgument, "histogramdd: wrong count: ", ends.size(),
         " ends of ranges for ", n, " coordinates: two for each are needed");
  }
  Dims point_sizes = self.sizes();
  point_sizes.resize(self.dim() - 1);
  if (weight.defined()) {
    check_same_dtype("histogram", "input", self, "weight", weight);
    if (!(weight.sizes() == point_sizes)) {
      fail(Status::kShape, "histogram: shape mismatch: weight ", shape_string(weight.sizes()),
           ": must be ", shape_string(point_sizes), ", one for each point");
    }
  }
  const int64_t m = numel_of(point_sizes);
  const Tensor points = contiguous_values(reshape(self, {{m, n}}));
  TensorList out(1);
  Dims sizes;
  std::vector<std::vector<double>> edges;
  for (int64_t c = 0; c < n; ++c) {
    const auto at = static_cast<size_t>(c);
    check_defined("histogram", "bins", bins[at]);
    out.push_back(edges_of(points, c, bins[at], ends.empty() ? nullptr : &ends[2 * at]));
    edges.push_back(doubles_of(out.back()));
    sizes.push_back(out.back().numel() - 1);
  }
  const Tensor sums = zeros(sizes, DType::kFloat64);
  const std::vector<double> x = doubles_of(points);
  const std::vector<double> w = weight.defined() ? doubles_of(weight) : std::vector<double>();
  for (int64_t i = 0; i < m && sums.numel() > 0; ++i) {
    int64_t place = 0;
    for (int64_t c = 0; c < n && place >= 0; ++c) {
      const int64_t bin = bin_of(x[static_cast<size_t>(i * n + c)], edges[static_cast<size_t>(c)]);
      place = bin < 0 ? -1 : place * sizes[static_cast<int>(c)] + bin;
    }
    if (place >= 0) sums.data_as<double>()[place] += w.empty() ? 1 : w[static_cast<size_t>(i)];
  }
  Tensor& hist = out[0];
  hist = converted(sums, self.dtype());
  if (!density) return out;
  hist = div(hist, sum(hist));
  for (int c = 0; c < sizes.size(); ++c) {
    const Tensor& e = out[c + 1];
    const Tensor widths = sub(narrow(e, 0, 1, e.numel() - 1), narrow(e, 0, 0, e.numel() - 1));
    Dims along(sizes.size(), 1);
    along[c] = widths.numel();
    hist = div(hist, reshape(widths, along));
  }
  return out;
}

TensorList histogram(const Tensor& self, const Tensor& bins, const Tensor& range,
                     const Tensor& weight, bool density) {
  check_defined("histogram", "input", self);
  check_has_values("histogram", self);
  if (weight.defined() && !(weight.sizes() == self.sizes())) {
    fail(Status::kShape, "histogram: shape mismatch: input ", shape_string(self.sizes()),
         ", weight ", shape_string(weight.sizes()), ": both must have one shape");
  }
  const Tensor list[] = {bins};
  return histogramdd(reshape(self, {{self.numel(), 1}}), list, range,
                     weight.defined() ? reshape(weight, {{weight.numel()}}) : Tensor(), density);
}

}  // namespace mt
