// quantile and nanquantile: sorted values taken at ranks, composed of recorded ops.
#include "ops/arithmetic.h"
#include "ops/clamp.h"
#include "ops/common.h"
#include "ops/compare.h"
#include "ops/index.h"
#include "ops/rules.h"
#include "ops/sort.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt {
namespace {

Tensor number(Scalar value) { return Tensor::from_scalar(value); }

void check_arguments(const char* op, const Tensor& self, const Tensor& q,
                     std::string_view interpolation) {
  check_defined(op, "input", self);
  check_defined(op, "q", q);
  check_devices(op, {&self, &q});
  if (self.dtype() != DType::kFloat32 && self.dtype() != DType::kFloat64) {
    fail(Status::kDType, op, ": dtype mismatch: input is ", dtype_name(self.dtype()),
         ": float32 or float64 is needed; convert with mt_tensor_to_dtype");
  }
  if (!q.impl()->is_number) check_same_dtype(op, "input", self, "q", q);
  if (q.dim() > 1) {
    fail(Status::kShape, op, ": shape mismatch: q ", shape_string(q.sizes()),
         ": must be a number or have one dim");
  }
  if (self.numel() == 0) {
    fail(Status::kIndex, op, ": no values: input ", shape_string(self.sizes()),
         ": the tensor must have values");
  }
  for (const std::string_view known : {"linear", "lower", "higher", "midpoint", "nearest"}) {
    if (interpolation == known) return;
  }
  fail(Status::kInvalidArgument, op, ": unknown interpolation: '", interpolation,
       "': must be linear, lower, higher, midpoint or nearest");
}

void check_probabilities(const char* op, const Tensor& q) {
  if (q.is_meta()) return;
  const Tensor values = contiguous_values(converted(q, DType::kFloat64));
  for (int64_t i = 0; i < values.numel(); ++i) {
    const double x = values.data_as<double>()[i];
    if (x >= 0 && x <= 1) continue;
    fail(Status::kInvalidArgument, op, ": q out of range: ", x, ": must be in [0, 1]");
  }
}

Tensor quantiles(const char* op, const Tensor& self, const Tensor& q_given,
                 std::optional<int64_t> dim, bool keepdim, std::string_view interpolation,
                 bool ignore_nan) {
  check_arguments(op, self, q_given, interpolation);
  check_probabilities(op, q_given);
  const int d = dim ? wrap_dim(op, *dim, self.dim()) : 0;
  Dims kept(self.dim(), 1);
  if (dim && self.dim() > 0) {
    kept = self.sizes();
    kept[d] = 1;
  }
  const bool whole = !dim || self.dim() == 0;
  const Tensor rows = whole ? reshape(self, {{-1}}) : transpose(self, d, -1);
  const Tensor values = sort(rows, -1, false, true).values;
  const int64_t n = values.sizes().back();

  // One rank for each row and q, NaN rows leading to their last value.
  Tensor q = q_given.impl()->is_number ? converted(q_given, self.dtype()) : q_given;
  q = reshape(self.is_meta() ? to_device(q, Device::kMeta) : q, {{-1}});
  Tensor ranks;
  const Tensor nan = unrecorded([&] { return isnan(values); });
  if (ignore_nan) {
    const Tensor last = sub(sum(logical_not(nan), {{-1}}, true), number(1));
    ranks = mul(q, to(last, self.dtype()));
    ranks = where(lt(ranks, number(0)), number(0.0), ranks);
  } else {
    Dims sizes = values.sizes();
    sizes[sizes.size() - 1] = q.numel();
    ranks = expand(mul(q, number(static_cast<double>(n - 1))), sizes);
    ranks = where(any(nan, -1, true), number(static_cast<double>(n - 1)), ranks);
  }
  if (interpolation == "lower") ranks = floor(ranks);
  if (interpolation == "higher") ranks = ceil(ranks);
  if (interpolation == "nearest") ranks = round(ranks);

  const Tensor below = unrecorded([&] { return to(ranks, DType::kInt64); });
  Tensor out = gather(values, -1, below);
  if (interpolation == "linear" || interpolation == "midpoint") {
    const Tensor above = unrecorded([&] { return to(ceil(ranks), DType::kInt64); });
    const Tensor weight =
        interpolation == "midpoint" ? number(0.5) : sub(ranks, to(below, self.dtype()));
    out = lerp(out, gather(values, -1, above), weight);
  }

  // [.., q], with self's last dim in the place of `dim`: q goes first (or away), dim back.
  if (!whole) {
    out = transpose(movedim(unsqueeze(out, -1), {{-2}}, {{0}}), 1 + d, -1);
    if (q_given.dim() == 0) out = select(out, 0, 0);
    return keepdim ? out : squeeze(out, q_given.dim() + d);
  }
  Dims sizes;
  if (q_given.dim() == 1) sizes.push_back(q.numel());
  if (keepdim) {
    for (const int64_t size : kept) sizes.push_back(size);
  }
  return reshape(out, sizes);
}

}  // namespace

Tensor quantile(const Tensor& self, const Tensor& q, std::optional<int64_t> dim, bool keepdim,
                std::string_view interpolation) {
  return quantiles("quantile", self, q, dim, keepdim, interpolation, false);
}

Tensor nanquantile(const Tensor& self, const Tensor& q, std::optional<int64_t> dim, bool keepdim,
                   std::string_view interpolation) {
  return quantiles("nanquantile", self, q, dim, keepdim, interpolation, true);
}

}  // namespace mt
