// segment_reduce: values by one pass over the segments, the gradient by the index of each element's
// segment.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/parallel.h"
#include "ops/along.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/creation.h"
#include "ops/index.h"
#include "ops/join.h"
#include "ops/power.h"
#include "ops/reduce.h"
#include "ops/rules.h"
#include "ops/statistics.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt {
namespace {

enum class Kind { kSum, kMean, kMax, kMin, kProd };

Kind kind_of(std::string_view reduce) {
  if (reduce == "sum") return Kind::kSum;
  if (reduce == "mean") return Kind::kMean;
  if (reduce == "max") return Kind::kMax;
  if (reduce == "min") return Kind::kMin;
  if (reduce == "prod") return Kind::kProd;
  fail(Status::kInvalidArgument, "segment_reduce: unknown reduction: '", reduce,
       "': must be sum, mean, max, min or prod");
}

double identity(Kind kind) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  return kind == Kind::kProd ? 1 : kind == Kind::kMax ? -kInf : kind == Kind::kMin ? kInf : 0;
}

// Where the segments lie: [outer, count] starts and lengths along n.
struct Segments {
  int64_t outer = 1, count = 0, n = 0, inner = 1;
  Tensor starts, lengths;  // int64
};

Segments find_segments(const Tensor& data, const Tensor& given, bool offsets, int axis) {
  Segments s;
  const char* const name = offsets ? "offsets" : "lengths";
  bool fits = given.dim() == axis + 1 && is_integral(given.dtype(), false);
  for (int d = 0; d < axis && fits; ++d) fits = given.size(d) == data.size(d);
  if (!fits || (offsets && given.sizes().back() == 0)) {
    fail(Status::kShape, "segment_reduce: shape mismatch: data ", shape_string(data.sizes()), ", ",
         name, " ", dtype_name(given.dtype()), " ", shape_string(given.sizes()),
         ": they must be integers with data's dims before the axis and one more");
  }
  const Around a(data.sizes(), axis);
  s.outer = a.outer;
  s.n = a.n;
  s.inner = a.inner;
  const int64_t width = given.sizes().back();
  s.count = width - offsets;
  const Tensor in = contiguous_values(converted(given, DType::kInt64));
  s.starts = Tensor::empty({{s.outer, s.count}}, DType::kInt64);
  s.lengths = Tensor::empty({{s.outer, s.count}}, DType::kInt64);
  const auto* const p = in.data_as<int64_t>();
  for (int64_t o = 0; o < s.outer; ++o) {
    int64_t start = offsets ? p[o * width] : 0;
    for (int64_t j = 0; j < s.count; ++j) {
      const int64_t v = p[o * width + j + offsets];
      const bool inside = start >= 0 && start <= s.n && v >= 0 && v <= s.n;
      const int64_t length = offsets && inside ? v - start : v;
      if (!inside || length < 0 || length > s.n - start) {
        fail(Status::kInvalidArgument, "segment_reduce: ", name, " out of range: segment ", j,
             " starts at ", start, " with length ", length, ": must lie in an axis of size ", s.n);
      }
      s.starts.data_as<int64_t>()[o * s.count + j] = start;
      s.lengths.data_as<int64_t>()[o * s.count + j] = length;
      start += length;
    }
    if (!offsets && start != s.n) {
      fail(Status::kInvalidArgument, "segment_reduce: lengths mismatch: their sum is ", start,
           ": must be the size of the axis, ", s.n);
    }
  }
  return s;
}

Tensor reduced(const Tensor& data, const Segments& s, Kind kind, std::optional<double> initial,
               const Dims& sizes) {
  const Tensor in = contiguous_values(converted(data, DType::kFloat64));
  const Tensor out = Tensor::empty(sizes, DType::kFloat64);
  const auto* const p = in.data_as<double>();
  auto* const to = out.data_as<double>();
  const auto* const starts = s.starts.data_as<int64_t>();
  const auto* const lengths = s.lengths.data_as<int64_t>();
  parallel_for(0, s.outer * s.count * s.inner, 1024, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      const int64_t segment = k / s.inner, length = lengths[segment];
      const double* x = p + (segment / s.count * s.n + starts[segment]) * s.inner + k % s.inner;
      double value = initial.value_or(identity(kind));
      for (int64_t j = 0; j < length; ++j, x += s.inner) {
        if (kind == Kind::kSum || kind == Kind::kMean) {
          value += *x;
        } else if (kind == Kind::kProd) {
          value *= *x;
        } else if (std::isnan(*x) || (kind == Kind::kMax ? *x > value : *x < value)) {
          value = *x;
        }
      }
      if (kind == Kind::kMean) {
        if (length == 0 && !initial) value = std::numeric_limits<double>::quiet_NaN();
        if (length > 0) value /= static_cast<double>(length);
      }
      to[k] = value;
    }
  });
  return converted(out, data.dtype());
}

// The segment of each of the outer * n places, and `outer * count` for those in none.
Tensor segment_index(const Segments& s) {
  const Tensor out = Tensor::empty({{s.outer * s.n}}, DType::kInt64);
  fill_values(out, s.outer * s.count);
  for (int64_t k = 0; k < s.outer * s.count; ++k) {
    const int64_t start = s.starts.data_as<int64_t>()[k];
    auto* const row = out.data_as<int64_t>() + k / s.count * s.n;
    std::fill_n(row + start, s.lengths.data_as<int64_t>()[k], k);
  }
  return out;
}

// [outer * count, inner] values at the place of each element; zeros where there is no segment.
Tensor at_elements(const Tensor& t, const Tensor& index, int64_t inner) {
  const Tensor rows = reshape(t, {{-1, inner}});
  const Tensor parts[] = {rows, zeros({{1, inner}}, t.dtype())};
  return index_select(cat(Tensors(parts), int64_t{0}), 0, index);
}

Tensor segment_grad(const Tensor& g, const Tensor& data, const Tensor& out, const Tensor& index,
                    const Segments& s, Kind kind, std::optional<double> initial) {
  const int64_t inner = s.inner;
  const Tensor x = reshape(data, {{-1, inner}});
  const Tensor wide = at_elements(g, index, inner);
  Tensor result = wide;
  if (kind == Kind::kMean) {
    const Tensor divisor =
        converted(where(eq(s.lengths, Tensor::from_scalar(0)), Tensor::from_scalar(1), s.lengths),
                  data.dtype());
    result = at_elements(div(reshape(g, {{-1, inner}}), reshape(divisor, {{-1, 1}})), index, inner);
  } else if (kind == Kind::kMax || kind == Kind::kMin) {
    const Tensor shares = unrecorded([&] {
      const Tensor value = at_elements(out, index, inner);
      const Tensor ties =
          converted(logical_or(eq(x, value), logical_and(isnan(x), isnan(value))), x.dtype());
      const Tensor none = zeros({{s.outer * s.count + 1, inner}}, x.dtype());
      return masked(converted(ties, DType::kBool),
                    reciprocal(index_select(index_add(none, 0, index, ties), 0, index)));
    });
    result = mul(wide, shares);
  } else if (kind == Kind::kProd) {
    const Tensor is_zero = unrecorded([&] { return eq(x, Tensor::from_scalar(0)); });
    const Tensor safe = masked_fill(x, is_zero, 1);
    result = div(mul(wide, at_elements(out, index, inner)), safe);
    if (any(is_zero).item().to_bool()) {
      // The only zero of a segment has the product of the others as its slope.
      const Tensor only = unrecorded([&] {
        const Tensor ones = converted(is_zero, x.dtype());
        const Tensor none = zeros({{s.outer * s.count + 1, inner}}, x.dtype());
        const Tensor count = index_select(index_add(none, 0, index, ones), 0, index);
        return logical_and(is_zero, eq(count, Tensor::from_scalar(1)));
      });
      const Tensor others = unrecorded(
          [&] { return reduced(reshape(safe, data.sizes()), s, kind, initial, out.sizes()); });
      const Tensor slope = mul(wide, at_elements(others, index, inner));
      result = where(only, slope, masked(logical_not(is_zero), result));
    }
  }
  return reshape(result, data.sizes());
}

}  // namespace

Tensor segment_reduce(const Tensor& data, std::string_view reduce, const Tensor& lengths,
                      const Tensor& offsets, int64_t axis, std::optional<Scalar> initial) {
  check_defined("segment_reduce", "data", data);
  check_has_values("segment_reduce", data);
  check_floating("segment_reduce", data);
  const Kind kind = kind_of(reduce);
  if (lengths.defined() == offsets.defined()) {
    fail(Status::kInvalidArgument, "segment_reduce: segments: ",
         lengths.defined() ? "lengths and offsets are given" : "neither lengths nor offsets",
         ": exactly one of them is needed");
  }
  const int d = wrap_dim("segment_reduce", axis, data.dim());
  const Tensor& given = lengths.defined() ? lengths : offsets;
  check_has_values("segment_reduce", given);
  if (data.dim() == 0) {
    fail(Status::kShape,
         "segment_reduce: shape mismatch: data is 0-dim: at least one dim is needed");
  }
  const Segments s = find_segments(data, given, offsets.defined(), d);
  Dims sizes = data.sizes();
  sizes[d] = s.count;
  const std::optional<double> start =
      initial ? std::optional<double>(initial->to_double()) : std::nullopt;
  Tensor out = reduced(data, s, kind, start, sizes);
  if (recording(data)) {
    record("SegmentReduceBackward0", out, {&data},
           [kind, start, index = save(segment_index(s)), counts = save(s.lengths),
            starts = save(s.starts), outer = s.outer, count = s.count, n = s.n, inner = s.inner,
            x = save(data), r = save_output(out)](const GradIn& g) -> Grads {
             const Segments again{outer, count, n, inner, starts.get(g), counts.get(g)};
             return {segment_grad(g[0], x.get(g), r.get(g), index.get(g), again, kind, start)};
           });
  }
  return out;
}

}  // namespace mt
