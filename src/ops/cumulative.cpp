// cumprod, cummax, cummin and logcumsumexp with their gradients.
#include "ops/cumulative.h"

#include <limits>

#include "ops/along.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/creation.h"
#include "ops/index.h"
#include "ops/power.h"
#include "ops/reduce_values.h"
#include "ops/rules.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt {
namespace {

Tensor number(double value) { return Tensor::from_scalar(value); }

using Entry = RunningKernel (SortKernels::*)[kNumDTypes];

// Runs a kernel along dim; the result has dtype `dtype`. `indices` is filled when given.
Tensor run(const char* op, Entry entry, const Tensor& self, int dim, DType dtype, bool reverse,
           Tensor* indices = nullptr) {
  if (indices) *indices = Tensor::empty(self.sizes(), DType::kInt64, self.device(), op);
  const DType compute = kernel_dtype(dtype);
  const Tensor in = contiguous_values(converted(converted(self, dtype), compute));
  const Tensor out = Tensor::empty(self.sizes(), compute, self.device(), op);
  if (!out.is_meta() && out.numel() != 0) {
    const RunningKernel kernel = find_kernel(op, backend(out.device()).sort, entry, self, compute);
    const Around a(self.sizes(), dim);
    kernel({in.data(), out.data(), indices ? indices->data_as<int64_t>() : nullptr, a.outer, a.n,
            a.inner, reverse});
  }
  return converted(out, dtype);
}

// Sums of t from each place to the end.
Tensor sum_behind(const Tensor& t, int dim) {
  return sub(add(sum(t, {{dim}}, true), t), cumsum(t, dim));
}

// Without zeros d y_k / d x_i = y_k / x_i for i <= k. Behind a line's first zero only its own slope
// is not zero, which is that of the line with a one in its place.
Tensor cumprod_grad(const GradIn& g, const Tensor& x, const Tensor& y, int dim) {
  if (x.numel() == 0) return zeros_for(x);
  if (x.dim() == 0) return g[0];
  const Tensor is_zero = unrecorded([&] { return eq(x, number(0)); });
  const bool has_zeros = !x.is_meta() && any(is_zero).item().to_bool();
  if (!has_zeros) return div(sum_behind(mul(g[0], y), dim), x);
  if (g.create_graph()) {  // each slope from the products without its factor
    SmallVector<Tensor, 4> slopes;
    const int64_t n = x.size(dim);
    for (int64_t i = 0; i < n; ++i) {
      const Tensor one = ones_like(narrow(x, dim, i, 1));
      Tensor others = narrow(x, dim, i, n - i);
      const Tensor line[] = {one, narrow(others, dim, 1, n - i - 1)};
      others = cumprod(cat(Tensors(line), int64_t{dim}), dim);
      if (i > 0) others = mul(others, prod(narrow(x, dim, 0, i), dim, true));
      slopes.push_back(sum(mul(narrow(g[0], dim, i, n - i), others), {{dim}}, true));
    }
    return cat(Tensors(slopes), int64_t{dim});
  }
  const Tensor seen = cumsum(is_zero, dim);
  const Tensor first = logical_and(is_zero, eq(seen, number(1)));
  const Tensor filled = masked_fill(x, first, 1);
  const Tensor before = div(sum_behind(mul(g[0], y), dim), masked_fill(x, is_zero, 1));
  const Tensor at = sum_behind(masked(gt(seen, number(0)), mul(g[0], cumprod(filled, dim))), dim);
  return add(masked(eq(seen, number(0)), before), masked(first, at));
}

Tensor running_log_sum(const Tensor& self, int dim, bool reverse);

// The slope of y_k by x_i is exp(x_i - y_k). The sums over k are made in logs, of the positive and
// of the negative gradients.
Tensor log_sum_grad(const Tensor& g, const Tensor& x, const Tensor& y, int dim, bool reverse) {
  const Tensor lowest = number(-std::numeric_limits<double>::infinity());
  const Tensor zero = number(0);
  const auto part = [&](const Tensor& positive, const Tensor& magnitude) {
    // log of 1 where there is nothing, so that no NaN comes out of its slope
    const Tensor logs = log(where(positive, magnitude, number(1.0)));
    const Tensor all = where(positive, sub(logs, y), lowest);
    return exp(add(running_log_sum(all, dim, !reverse), x));
  };
  return sub(part(gt(g, zero), g), part(lt(g, zero), neg(g)));
}

Tensor running_log_sum(const Tensor& self, int dim, bool reverse) {
  Tensor out = run("logcumsumexp", &SortKernels::logcumsumexp, self, dim, self.dtype(), reverse);
  if (recording(self)) {
    record("LogcumsumexpBackward0", out, {&self},
           [dim, reverse, x = save(self), y = save_output(out)](const GradIn& g) -> Grads {
             return {log_sum_grad(g[0], x.get(g), y.get(g), dim, reverse)};
           });
  }
  return out;
}

ValuesIndices running_extreme(const char* op, const char* node, Entry entry, const Tensor& self,
                              int64_t dim) {
  check_defined(op, "input", self);
  const int d = wrap_dim(op, dim, self.dim());
  ValuesIndices r;
  r.values = run(op, entry, self, d, self.dtype(), false, &r.indices);
  if (recording(self)) {
    record(node, r.values, {&self}, [d, i = save(r.indices)](const GradIn& g) -> Grads {
      if (g[0].dim() == 0) return {g[0]};
      return {scatter_add(zeros_for(g[0]), d, i.get(g), g[0])};
    });
  }
  return r;
}

template <class Op>
const Tensor& running_inplace(const char* name, const Tensor& self, std::optional<DType> dtype,
                              Op op) {
  check_defined(name, "self", self);
  if (dtype && *dtype != self.dtype()) {
    fail(Status::kDType, name, ": dtype mismatch: self is ", dtype_name(self.dtype()), ", dtype ",
         dtype_name(*dtype), ": both must be equal; use the out-of-place op");
  }
  return inplace(
      name, self, recording(self), true, [&](const Tensor& out) { copy_values(out, op(out)); }, op);
}

}  // namespace

Tensor cumprod(const Tensor& self, int64_t dim, std::optional<DType> dtype) {
  check_defined("cumprod", "input", self);
  const int d = wrap_dim("cumprod", dim, self.dim());
  const DType result = dtype                             ? *dtype
                       : is_integral(self.dtype(), true) ? DType::kInt64
                                                         : self.dtype();
  Tensor out = run("cumprod", &SortKernels::cumprod, self, d, result, false);
  if (recording(self)) {
    record("CumprodBackward0", out, {&self},
           [d, x = save(self), y = save_output(out)](const GradIn& g) -> Grads {
             return {cumprod_grad(g, x.get(g), y.get(g), d)};
           });
  }
  return out;
}

const Tensor& cumprod_(const Tensor& self, int64_t dim, std::optional<DType> dtype) {
  return running_inplace("cumprod_", self, dtype,
                         [dim, t = self.defined() ? self.dtype() : DType()](const Tensor& x) {
                           return cumprod(x, dim, t);
                         });
}

const Tensor& cumsum_(const Tensor& self, int64_t dim, std::optional<DType> dtype) {
  return running_inplace("cumsum_", self, dtype,
                         [dim, t = self.defined() ? self.dtype() : DType()](const Tensor& x) {
                           return cumsum(x, dim, t);
                         });
}

ValuesIndices cummax(const Tensor& self, int64_t dim) {
  return running_extreme("cummax", "CummaxBackward0", &SortKernels::cummax, self, dim);
}

ValuesIndices cummin(const Tensor& self, int64_t dim) {
  return running_extreme("cummin", "CumminBackward0", &SortKernels::cummin, self, dim);
}

Tensor logcumsumexp(const Tensor& self, int64_t dim) {
  check_defined("logcumsumexp", "input", self);
  check_floating("logcumsumexp", self);
  return running_log_sum(self, wrap_dim("logcumsumexp", dim, self.dim()), false);
}

}  // namespace mt
