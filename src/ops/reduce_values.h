// What reductions share: which dims go, the result's shape, the kernel on any strides, and the
// gradient's way back to the input's shape. Values only; reduce*.cpp records.
#pragma once

#include <optional>

#include "ops/common.h"

namespace mt {

// The dims that a reduction removes.
struct Over {
  Over(std::string_view op, const Tensor& t, IntSpan dims, bool keepdim_)
      : mask(dim_mask(op, dims, t.dim())), keepdim(keepdim_) {}
  Over(std::string_view op, const Tensor& t, std::optional<int64_t> dim, bool keepdim_)
      : mask(dim ? uint64_t{1} << wrap_dim(op, *dim, t.dim()) : dim_mask(op, {}, t.dim())),
        keepdim(keepdim_) {}

  bool has(int d) const { return mask >> d & 1; }
  Dims result_sizes(const Dims& sizes) const;
  Dims kept_sizes(const Dims& sizes) const;  // with keepdim, whatever keepdim is
  int64_t count(const Dims& sizes) const;    // values that go into one result

  uint64_t mask;
  bool keepdim;
};

// `in` reduced into a new tensor of out_dtype, which is the kernel's. Reducing no values gives
// `identity`.
Tensor reduce_values(std::string_view op, Reduce id, const Tensor& in, const Over& over,
                     DType out_dtype, const Params& params = {}, Scalar identity = 0);
// Sum over dims in in's own dtype, which must not be bool or a small integer.
inline Tensor sum_values(const Tensor& in, const Over& over) {
  return reduce_values("sum", Reduce::kSum, in, over, in.dtype());
}
// kIndex when an extreme of no values would be asked for.
void check_not_empty(std::string_view op, const Tensor& t, const Over& over);
// t /= divisor, in place, for a fresh floating tensor.
void divide_values(const Tensor& t, double divisor);

// A reduction's result (or its gradient) expanded to the input's sizes: a view, recorded when t
// has a history.
Tensor spread(const Tensor& t, const Dims& sizes, const Over& over);

// The gradient of an extreme: every position that holds its result's value gets an equal share of
// g. With `nan_too` NaN counts as equal to NaN.
Tensor shared_grad(const Tensor& g, const Tensor& x, const Tensor& result, const Over& over,
                   bool nan_too);

}  // namespace mt
