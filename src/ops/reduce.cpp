// sum, mean, prod, var, std, any, all and their gradients; extremes are in extreme.cpp, norm,
// logsumexp and cumsum in norm.cpp.
#include "ops/reduce.h"

#include <limits>

#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/complex.h"
#include "ops/power.h"
#include "ops/reduce_values.h"
#include "ops/rules.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// The dtype that sums and products are made in.
DType sum_dtype(const Tensor& self, std::optional<DType> dtype) {
  if (dtype) return *dtype;
  return is_integral(self.dtype(), true) ? DType::kInt64 : self.dtype();
}

// Sums and products in the wanted dtype: small integers are widened for the kernel.
Tensor reduce_in(std::string_view op, Reduce id, const Tensor& self, const Over& over, DType dtype,
                 int64_t identity) {
  const DType compute = is_integral(dtype, true) ? DType::kInt64 : dtype;
  // int32(float) sums of truncated values, as the conversion comes first
  const Tensor in = converted(dtype == compute ? self : converted(self, dtype), compute);
  return converted(reduce_values(op, id, in, over, compute, {}, identity), dtype);
}

bool is_full(const Tensor& self, IntSpan dims) { return dims.empty() || self.dim() == 0; }

// y moved by `by` places along dim, ones coming in.
Tensor shifted(const Tensor& y, int dim, int64_t by) {
  const int64_t n = y.size(dim), keep = n - (by < 0 ? -by : by);
  const Tensor moved =
      slice_backward(narrow(y, dim, by < 0 ? -by : 0, keep), y.sizes(), dim, by < 0 ? 0 : by, 1);
  Dims sizes(y.dim(), 1);
  sizes[dim] = n;
  const Tensor ones = Tensor::empty(sizes, y.dtype(), y.device());
  fill_values(ones, 0);
  fill_values(ones.alias({{n - keep}}, {{1}}, by < 0 ? keep : 0), 1);
  return add(moved, ones);
}

// The product of all elements before (sign 1) or behind (sign -1) each one, by doubling.
Tensor exclusive_product(const Tensor& x, int dim, int sign) {
  Tensor y = shifted(x, dim, sign);
  for (int64_t step = 1; step < x.size(dim); step *= 2) y = mul(y, shifted(y, dim, sign * step));
  return y;
}

// d prod / d x_i is the product of the others: result / x_i, but not where there are zeros.
Tensor prod_grad(const GradIn& g, const Tensor& x, const Tensor& result, const Over& over) {
  if (x.numel() == 0) return Tensor::empty_like(x);
  const bool zeros =
      !x.is_meta() && !reduce_values("prod", Reduce::kAll, x, Over("prod", x, IntSpan(), false),
                                     DType::kBool, {}, true)
                           .item()
                           .to_bool();
  if (!zeros) return div(spread(mul(g[0], result), x.sizes(), over), x);
  int dim = 0;
  Tensor line = x;
  if (x.dim() == 0 || over.count(x.sizes()) == x.numel()) {
    line = reshape(x, {{x.numel()}});
  } else {
    while (!over.has(dim)) ++dim;
  }
  const Tensor others = mul(exclusive_product(line, dim, 1), exclusive_product(line, dim, -1));
  return mul(spread(g[0], x.sizes(), over), reshape(others, x.sizes()));
}

// The variance's gradient: 2 (x - mean) / (n - correction), times `slope`, the gradient wanted for
// each result.
Tensor var_grad(const Tensor& slope, const Tensor& x, const Over& over, int64_t correction) {
  Dims dims;
  for (int d = 0; d < x.dim(); ++d) {
    if (over.has(d)) dims.push_back(d);
  }
  const Tensor deviation = sub(x, mean(x, dims, true));
  const double n = static_cast<double>(over.count(x.sizes()) - correction);
  return mul(spread(scaled(slope, 2 / n), x.sizes(), over), deviation);
}

Tensor var_values(std::string_view op, const Tensor& self, const Over& over, int64_t correction) {
  Params p;
  p.f[0] = static_cast<double>(correction);
  return reduce_values(op, Reduce::kVar, self, over, self.dtype(), p, kNaN);
}

Tensor logic(std::string_view op, Reduce id, const Tensor& self, std::optional<int64_t> dim,
             bool keepdim) {
  check_defined(op, "input", self);
  const Over over(op, self, dim, keepdim);
  Tensor out = reduce_values(op, id, self, over, DType::kBool, {}, id == Reduce::kAll);
  return self.dtype() == DType::kUInt8 ? converted(out, DType::kUInt8) : out;
}

}  // namespace

Tensor sum(const Tensor& self, IntSpan dims, bool keepdim, std::optional<DType> dtype) {
  check_defined("sum", "input", self);
  const Over over("sum", self, dims, keepdim);
  Tensor out = is_differentiable(self.dtype()) && (!dtype || *dtype == self.dtype())
                   ? sum_values(self, over)
                   : reduce_in("sum", Reduce::kSum, self, over, sum_dtype(self, dtype), 0);
  if (recording(self)) {
    record_light(is_full(self, dims) ? "SumBackward0" : "SumBackward1", out, {&self},
                 [over, sizes = self.sizes()](const GradIn& g) -> Grads {
                   return {spread(g[0], sizes, over)};
                 });
  }
  return out;
}

Tensor mean(const Tensor& self, IntSpan dims, bool keepdim, std::optional<DType> dtype) {
  check_defined("mean", "input", self);
  const DType result = dtype ? *dtype : self.dtype();
  if (!is_differentiable(result)) {
    fail(Status::kDType, "mean: dtype mismatch: ", dtype ? "dtype" : "input", " is ",
         dtype_name(result),
         ": a floating-point dtype is needed; give dtype, or convert with "
         "mt_tensor_to_dtype");
  }
  const Over over("mean", self, dims, keepdim);
  const double n = static_cast<double>(over.count(self.sizes()));
  // 16-bit sums would overflow long before their mean does.
  const DType compute = is_reduced_float(result) ? DType::kFloat32 : result;
  Tensor out = sum_values(converted(self, compute), over);
  divide_values(out, n);
  out = converted(out, result);
  if (recording(self)) {
    record_light(is_full(self, dims) ? "MeanBackward0" : "MeanBackward1", out, {&self},
                 [over, n, sizes = self.sizes()](const GradIn& g) -> Grads {
                   if (g.create_graph()) {
                     return {spread(div(g[0], Tensor::from_scalar(n)), sizes, over)};
                   }
                   Tensor each = Tensor::empty_like(g[0]);
                   copy_values(each, g[0]);
                   divide_values(each, n);
                   return {spread(each, sizes, over)};
                 });
  }
  return out;
}

Tensor prod(const Tensor& self, std::optional<int64_t> dim, bool keepdim,
            std::optional<DType> dtype) {
  check_defined("prod", "input", self);
  const Over over("prod", self, dim, keepdim);
  Tensor out = reduce_in("prod", Reduce::kProd, self, over, sum_dtype(self, dtype), 1);
  if (recording(self)) {
    record(dim ? "ProdBackward1" : "ProdBackward0", out, {&self},
           [over, x = save(self), r = save_output(out)](const GradIn& g) -> Grads {
             return {prod_grad(g, x.get(g), r.get(g), over)};
           });
  }
  return out;
}

Tensor var(const Tensor& self, IntSpan dims, int64_t correction, bool keepdim) {
  check_defined("var", "input", self);
  if (is_complex(self.dtype())) {  // of the distances from the mean in the plane
    return add(var(real(self), dims, correction, keepdim),
               var(imag(self), dims, correction, keepdim));
  }
  check_floating("var", self);
  const Over over("var", self, dims, keepdim);
  Tensor out = var_values("var", self, over, correction);
  if (recording(self)) {
    record("VarBackward0", out, {&self},
           [over, correction, x = save(self)](const GradIn& g) -> Grads {
             return {var_grad(g[0], x.get(g), over, correction)};
           });
  }
  return out;
}

Tensor std(const Tensor& self, IntSpan dims, int64_t correction, bool keepdim) {
  check_defined("std", "input", self);
  if (is_complex(self.dtype())) return sqrt(var(self, dims, correction, keepdim));
  check_floating("std", self);
  const Over over("std", self, dims, keepdim);
  const Tensor variance = var_values("std", self, over, correction);
  Tensor out = unary_forward(Elementwise::kSqrt, variance, self.dtype(), self.dtype());
  if (recording(self)) {
    record("StdBackward0", out, {&self},
           [over, correction, x = save(self), r = save_output(out)](const GradIn& g) -> Grads {
             const Tensor root = r.get(g);
             const Tensor zero = Tensor::from_scalar(0.0);
             const Tensor slope = where(eq(root, zero), zero, div(g[0], scaled(root, 2)));
             return {var_grad(slope, x.get(g), over, correction)};
           });
  }
  return out;
}

Tensor any(const Tensor& self, std::optional<int64_t> dim, bool keepdim) {
  return logic("any", Reduce::kAny, self, dim, keepdim);
}

Tensor all(const Tensor& self, std::optional<int64_t> dim, bool keepdim) {
  return logic("all", Reduce::kAll, self, dim, keepdim);
}

}  // namespace mt
