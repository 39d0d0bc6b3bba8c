// norm, logsumexp and cumsum with their gradients.
#include <cmath>
#include <limits>

#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/complex.h"
#include "ops/power.h"
#include "ops/reduce.h"
#include "ops/reduce_values.h"
#include "ops/rules.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

Tensor number(double value) { return Tensor::from_scalar(value); }
// t, but 0 where `at` is 0.
Tensor zero_where_zero(const Tensor& at, const Tensor& t) {
  return where(eq(at, number(0)), number(0), t);
}

Tensor unary(Elementwise id, const Tensor& t, const Params& p = {}) {
  return unary_forward(id, t, t.dtype(), t.dtype(), p);
}
Tensor powered(const Tensor& t, double exponent) {
  Params p;
  p.f[0] = exponent;
  return unary(Elementwise::kPowScalar, t, p);
}

Tensor norm_values(const Tensor& x, double p, const Over& over) {
  if (p == 2) return unary(Elementwise::kSqrt, sum_values(unary(Elementwise::kSquare, x), over));
  if (p == 0) return sum_values(converted(ne(x, number(0)), x.dtype()), over);
  const Tensor a = unary(Elementwise::kAbs, x);
  if (p == 1) return sum_values(a, over);
  if (p == kInf) return reduce_values("norm", Reduce::kAmax, a, over, x.dtype());
  if (p == -kInf) {
    check_not_empty("norm", x, over);
    return reduce_values("norm", Reduce::kAmin, a, over, x.dtype());
  }
  return powered(sum_values(powered(a, p), over), 1 / p);
}

// d norm / d x = sign(x) |x|^(p-1) / norm^(p-1), with 0 where torch has 0 in place of 0/0.
Tensor norm_grad(const GradIn& g, const Tensor& x, const Tensor& result, double p,
                 const Over& over) {
  const Dims& sizes = x.sizes();
  if (p == 1) return mul(spread(g[0], sizes, over), sign(x));
  if (p == 2) return mul(x, spread(zero_where_zero(result, div(g[0], result)), sizes, over));
  if (std::isinf(p)) {
    const Tensor wide = spread(result, sizes, over), a = abs(x);
    const Tensor ties = logical_or(eq(a, wide), logical_and(isnan(a), isnan(wide)));
    Over kept = over;
    kept.keepdim = true;
    const Tensor ones = converted(ties, x.dtype());
    const Tensor shares = div(ones, sum_values(ones, kept));
    return mul(mul(sign(x), shares), spread(g[0], sizes, over));
  }
  if (p < 1) {
    const Tensor slope = zero_where_zero(x, mul(sign(x), pow(abs(x), number(p - 1))));
    return mul(slope, spread(mul(g[0], pow(result, number(1 - p))), sizes, over));
  }
  const Tensor slope =
      p < 2 ? mul(sign(x), pow(abs(x), number(p - 1))) : mul(x, pow(abs(x), number(p - 2)));
  const Tensor each = zero_where_zero(result, div(g[0], pow(result, number(p - 1))));
  return mul(slope, spread(each, sizes, over));
}

Tensor logsumexp_values(const Tensor& x, const Over& over) {
  Over kept = over;
  kept.keepdim = true;
  // Infinite maxima are not subtracted: inf - inf is NaN.
  Tensor top = reduce_values("logsumexp", Reduce::kAmax, x, kept, x.dtype(), {}, -kInf);
  top = where(isinf(top), number(0), top);
  const Tensor e = unary(Elementwise::kExp, sub(x, top));
  Tensor out = unary(Elementwise::kLog, sum_values(e, over));
  const Tensor shift = top.alias(out.sizes(), out.strides(), top.offset());
  return add(out, shift);
}

Tensor running_sum(const Tensor& self, int dim, DType dtype, bool reverse) {
  const Tensor in = contiguous_values(converted(self, dtype));
  Tensor out = Tensor::empty(self.sizes(), dtype, self.device());
  if (!out.is_meta() && out.numel() != 0) {
    const Scan id = reverse ? Scan::kReverseCumsum : Scan::kCumsum;
    const ScanKernel kernel =
        backend(out.device()).scan[static_cast<int>(id)][static_cast<int>(dtype)];
    if (!kernel) fail_unsupported("cumsum", out.device(), dtype);
    int64_t outer = 1, n = 1, inner = 1;
    for (int d = 0; d < self.dim(); ++d) {
      (d < dim ? outer : d == dim ? n : inner) *= self.size(d);
    }
    kernel(in.data(), nullptr, out.data(), outer, n, inner);
  }
  if (recording(self)) {
    record_light("CumsumBackward0", out, {&self}, [dim, reverse](const GradIn& g) -> Grads {
      return {running_sum(g[0], dim, g[0].dtype(), !reverse)};
    });
  }
  return out;
}

}  // namespace

Tensor norm(const Tensor& self, double p, IntSpan dims, bool keepdim) {
  check_defined("norm", "input", self);
  if (is_complex(self.dtype())) return norm(complex_abs(self), p, dims, keepdim);
  check_floating("norm", self);
  const Over over("norm", self, dims, keepdim);
  Tensor out;
  {
    GradMode off(false);
    // 16-bit squares overflow long before the norm does.
    const bool widen = is_reduced_float(self.dtype());
    out = norm_values(widen ? converted(self, DType::kFloat32) : self, p, over);
    out = converted(out, self.dtype());
  }
  if (recording(self)) {
    if (p == 0) {  // a count: no slope
      record_light("NormBackward1", out, {&self},
                   [](const GradIn&) -> Grads { return {Tensor()}; });
      return out;
    }
    record("NormBackward1", out, {&self},
           [over, p, x = save(self), r = save_output(out)](const GradIn& g) -> Grads {
             return {norm_grad(g, x.get(g), r.get(g), p, over)};
           });
  }
  return out;
}

Tensor logsumexp(const Tensor& self, IntSpan dims, bool keepdim) {
  check_defined("logsumexp", "input", self);
  const Over over("logsumexp", self, dims, keepdim);
  const DType result = floating_type(self.dtype());
  Tensor out;
  {
    GradMode off(false);
    const DType compute = is_reduced_float(result) ? DType::kFloat32 : result;
    out = converted(logsumexp_values(converted(self, compute), over), result);
  }
  if (recording(self)) {
    record("LogsumexpBackward0", out, {&self},
           [over, x = save(self), r = save_output(out)](const GradIn& g) -> Grads {
             const Tensor tx = x.get(g);
             const Tensor p = exp(sub(tx, spread(r.get(g), tx.sizes(), over)));
             return {mul(spread(g[0], tx.sizes(), over), p)};
           });
  }
  return out;
}

Tensor cumsum(const Tensor& self, int64_t dim, std::optional<DType> dtype) {
  check_defined("cumsum", "input", self);
  const int d = wrap_dim("cumsum", dim, self.dim());
  DType result = self.dtype();
  if (dtype) {
    result = *dtype;
  } else if (is_integral(result, true)) {
    result = DType::kInt64;
  }
  return running_sum(self, d, result, false);
}

}  // namespace mt
