// amax, amin, max, min, argmax, argmin and their gradients: even shares among ties, or all to the
// index found.
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/index.h"
#include "ops/reduce.h"
#include "ops/reduce_values.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt {

Tensor shared_grad(const Tensor& g, const Tensor& x, const Tensor& result, const Over& over,
                   bool nan_too) {
  const Over kept = [&over] {
    Over o = over;
    o.keepdim = true;
    return o;
  }();
  Tensor weights;
  {
    GradMode off(false);
    const Tensor wide = spread(result, x.sizes(), over);
    Tensor ties = eq(x, wide);
    if (nan_too) ties = logical_or(ties, logical_and(isnan(x), isnan(wide)));
    const Tensor ones = converted(ties, x.dtype());
    weights = div(ones, sum_values(ones, kept));
  }
  return mul(spread(g, x.sizes(), over), weights);
}

namespace {

Tensor extreme(const char* op, const char* node, Reduce id, const Tensor& self, const Over& over,
               bool nan_too) {
  check_not_empty(op, self, over);
  Tensor out = reduce_values(op, id, self, over, self.dtype());
  if (recording(self)) {
    record(node, out, {&self},
           [over, nan_too, x = save(self), r = save_output(out)](const GradIn& g) -> Grads {
             return {shared_grad(g[0], x.get(g), r.get(g), over, nan_too)};
           });
  }
  return out;
}

// Index of the extreme along one dim or, over all dims, into the flattened tensor.
Tensor arg_values(const char* op, Reduce id, const Tensor& self, const Over& over, bool whole) {
  check_not_empty(op, self, over);
  Tensor in = self.dtype() == DType::kBool ? converted(self, DType::kUInt8) : self;
  if (whole) in = contiguous_values(in);
  return reduce_values(op, id, in, over, DType::kInt64);
}

Tensor arg_extreme(const char* op, Reduce id, const Tensor& self, std::optional<int64_t> dim,
                   bool keepdim) {
  check_defined(op, "input", self);
  return arg_values(op, id, self, Over(op, self, dim, keepdim), !dim);
}

// Zeros of the input's sizes with g at the indices found.
Tensor place(const Tensor& g, const Tensor& index, const Dims& sizes, int dim, bool keepdim) {
  if (sizes.empty()) return g;
  const Tensor zeros = Tensor::empty(sizes, g.dtype(), g.device());
  fill_values(zeros, 0);
  if (keepdim) return scatter(zeros, dim, index, g);
  return scatter(zeros, dim, unsqueeze(index, dim), unsqueeze(g, dim));
}

ValuesIndices extreme_at(const char* op, const char* node, Reduce id, const Tensor& self,
                         int64_t dim, bool keepdim) {
  check_defined(op, "input", self);
  const int d = wrap_dim(op, dim, self.dim());
  const Over over(op, self, std::optional<int64_t>(dim), keepdim);
  ValuesIndices r;
  r.indices = arg_values(op, id, self, over, false);
  {
    GradMode off(false);
    if (keepdim || self.dim() == 0) {
      r.values = gather(self, d, r.indices);
    } else {
      r.values = gather(self, d, unsqueeze(r.indices, d));
      const Dims sizes = r.indices.sizes();
      r.values = r.values.alias(sizes, contiguous_strides(sizes), 0);
    }
  }
  if (recording(self)) {
    record(node, r.values, {&self},
           [d, keepdim, sizes = self.sizes(), i = save(r.indices)](const GradIn& g) -> Grads {
             return {place(g[0], i.get(g), sizes, d, keepdim)};
           });
  }
  return r;
}

}  // namespace

Tensor amax(const Tensor& self, IntSpan dims, bool keepdim) {
  check_defined("amax", "input", self);
  return extreme("amax", "AmaxBackward0", Reduce::kAmax, self, Over("amax", self, dims, keepdim),
                 false);
}

Tensor amin(const Tensor& self, IntSpan dims, bool keepdim) {
  check_defined("amin", "input", self);
  return extreme("amin", "AminBackward0", Reduce::kAmin, self, Over("amin", self, dims, keepdim),
                 false);
}

Tensor max(const Tensor& self) {
  check_defined("max", "input", self);
  return extreme("max", "MaxBackward1", Reduce::kAmax, self, Over("max", self, IntSpan(), false),
                 true);
}

Tensor min(const Tensor& self) {
  check_defined("min", "input", self);
  return extreme("min", "MinBackward1", Reduce::kAmin, self, Over("min", self, IntSpan(), false),
                 true);
}

ValuesIndices max(const Tensor& self, int64_t dim, bool keepdim) {
  return extreme_at("max", "MaxBackward0", Reduce::kArgmax, self, dim, keepdim);
}

ValuesIndices min(const Tensor& self, int64_t dim, bool keepdim) {
  return extreme_at("min", "MinBackward0", Reduce::kArgmin, self, dim, keepdim);
}

Tensor argmax(const Tensor& self, std::optional<int64_t> dim, bool keepdim) {
  return arg_extreme("argmax", Reduce::kArgmax, self, dim, keepdim);
}

Tensor argmin(const Tensor& self, std::optional<int64_t> dim, bool keepdim) {
  return arg_extreme("argmin", Reduce::kArgmin, self, dim, keepdim);
}

}  // namespace mt
