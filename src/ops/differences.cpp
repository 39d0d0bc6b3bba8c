// diff, gradient, trapezoid and cumulative_trapezoid, composed of recorded ops.
#include "ops/arithmetic.h"
#include "ops/common.h"
#include "ops/compare.h"
#include "ops/creation.h"
#include "ops/cumulative.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt {
namespace {

Tensor number(Scalar value) { return Tensor::from_scalar(value); }

Tensor joined(const char* op, const Tensor& self, int dim, const Tensor& prepend,
              const Tensor& append) {
  SmallVector<Tensor, 4> parts;
  for (const Tensor* t : {&prepend, &self, &append}) {
    if (!t->defined()) continue;
    if (t->dim() != self.dim()) {
      fail(Status::kShape, op, ": shape mismatch: input ", shape_string(self.sizes()),
           ", prepend or append ", shape_string(t->sizes()),
           ": they must have the input's number of dims");
    }
    parts.push_back(*t);
  }
  return parts.size() == 1 ? self : cat(Tensors(parts), int64_t{dim});
}

// x[from + k] for the n - 2 or n - 1 places k of an inner difference.
Tensor piece(const Tensor& t, int dim, int64_t from, int64_t count) {
  return narrow(t, dim, from, count);
}

// A 1-D tensor as one that broadcasts along dim.
Tensor along(const Tensor& t, int dim, int ndim) {
  Dims sizes(ndim, 1);
  sizes[dim] = t.numel();
  return reshape(t, sizes);
}

// The derivative along dim of f at points h apart (a number).
Tensor uniform_gradient(const Tensor& f, int dim, double h, int64_t edge_order) {
  const int64_t n = f.size(dim);
  const auto at = [&](int64_t i) { return narrow(f, dim, i, 1); };
  const auto times = [&](const Tensor& t, double by) { return mul(t, number(by)); };
  Tensor first, last;
  if (edge_order == 1) {
    first = div(sub(at(1), at(0)), number(h));
    last = div(sub(at(n - 1), at(n - 2)), number(h));
  } else {
    first = div(sub(add(times(at(0), -1.5), times(at(1), 2)), times(at(2), 0.5)), number(h));
    last =
        div(add(sub(times(at(n - 1), 1.5), times(at(n - 2), 2)), times(at(n - 3), 0.5)), number(h));
  }
  const Tensor inner = div(sub(piece(f, dim, 2, n - 2), piece(f, dim, 0, n - 2)), number(2 * h));
  const Tensor parts[] = {first, inner, last};
  return cat(Tensors(parts), int64_t{dim});
}

// The same at the coordinates x: the slope of the parabola through three neighbours.
Tensor uneven_gradient(const Tensor& f, int dim, const Tensor& x, int64_t edge_order) {
  const int64_t n = f.size(dim);
  const auto at = [&](int64_t i) { return narrow(f, dim, i, 1); };
  const Tensor d = sub(narrow(x, 0, 1, n - 1), narrow(x, 0, 0, n - 1));
  const auto step = [&](int64_t i) { return along(narrow(d, 0, i, 1), dim, f.dim()); };
  const Tensor left = along(narrow(d, 0, 0, n - 2), dim, f.dim());
  const Tensor right = along(narrow(d, 0, 1, n - 2), dim, f.dim());
  // Weights of the values before, at and behind a point between steps a and b.
  const Tensor both = add(left, right);
  Tensor inner = mul(piece(f, dim, 0, n - 2), neg(div(right, mul(left, both))));
  inner = add(inner, mul(piece(f, dim, 1, n - 2), div(sub(right, left), mul(left, right))));
  inner = add(inner, mul(piece(f, dim, 2, n - 2), div(left, mul(right, both))));
  // At the first (last) of three values with steps a (next to it) and b.
  const auto edge = [&](const Tensor& f0, const Tensor& f1, const Tensor& f2, const Tensor& a,
                        const Tensor& b) {
    const Tensor sum = add(a, b);
    const Tensor w0 = neg(div(add(add(a, a), b), mul(a, sum)));
    const Tensor w1 = div(sum, mul(a, b)), w2 = neg(div(a, mul(b, sum)));
    return add(add(mul(f0, w0), mul(f1, w1)), mul(f2, w2));
  };
  Tensor first, last;
  if (edge_order == 1) {
    first = div(sub(at(1), at(0)), step(0));
    last = div(sub(at(n - 1), at(n - 2)), step(n - 2));
  } else {
    first = edge(at(0), at(1), at(2), step(0), step(1));
    last = neg(edge(at(n - 1), at(n - 2), at(n - 3), step(n - 2), step(n - 3)));
  }
  const Tensor parts[] = {first, inner, last};
  return cat(Tensors(parts), int64_t{dim});
}

// x of y's points: 1-D along dim, or with dims put in front.
Tensor distances(const char* op, const Tensor& y, const Tensor& x, int dim) {
  Tensor points = x;
  if (x.dim() == 1) {
    if (x.size(0) != y.size(dim)) {
      fail(Status::kShape, op, ": shape mismatch: y ", shape_string(y.sizes()), ", x ",
           shape_string(x.sizes()), ": there must be one x value for each of dim ", dim);
    }
    points = along(x, dim, y.dim());
  } else if (x.dim() < y.dim()) {
    Dims sizes(y.dim() - x.dim(), 1);
    for (const int64_t s : x.sizes()) sizes.push_back(s);
    points = reshape(x, sizes);
  }
  const int d = dim - y.dim() + points.dim();
  return sub(slice(points, d, 1, std::nullopt), slice(points, d, 0, -1));
}

int integral_dim(const char* op, const Tensor& y, const Tensor* x, int64_t dim) {
  check_defined(op, "y", y);
  if (x) check_defined(op, "x", *x);
  for (const Tensor* t : {&y, x}) {
    if (!t || t->dtype() != DType::kBool) continue;
    fail(Status::kDType, op, ": dtype mismatch: ", t == &y ? "y" : "x",
         " is bool: a number dtype is needed; convert with mt_tensor_to_dtype");
  }
  const int d = wrap_dim(op, dim, y.dim());
  if (y.dim() == 0) {
    fail(Status::kIndex, op, ": dim out of range: y is 0-dim: at least one dim is needed");
  }
  return d;
}

// The sums of neighbours along dim.
Tensor pairs(const Tensor& y, int dim) {
  return add(slice(y, dim, 0, -1), slice(y, dim, 1, std::nullopt));
}

Tensor no_area(const Tensor& y, int dim) {
  Dims sizes = y.sizes();
  sizes.erase(dim);
  return zeros(sizes, y.dtype(), y.device());
}

}  // namespace

Tensor diff(const Tensor& self, int64_t n, int64_t dim, const Tensor& prepend,
            const Tensor& append) {
  check_defined("diff", "input", self);
  if (self.dim() == 0) {
    fail(Status::kShape, "diff: shape mismatch: input is 0-dim: at least one dim is needed");
  }
  const int d = wrap_dim("diff", dim, self.dim());
  if (n < 0) fail(Status::kInvalidArgument, "diff: n out of range: ", n, ": must be >= 0");
  if (n == 0) return clone(self);
  Tensor t = joined("diff", self, d, prepend, append);
  for (n = n < t.size(d) ? n : t.size(d); n > 0; --n) {
    const int64_t count = t.size(d) - 1;
    const Tensor upper = narrow(t, d, 1, count), lower = narrow(t, d, 0, count);
    t = t.dtype() == DType::kBool ? logical_xor(upper, lower) : sub(upper, lower);
  }
  return t;
}

TensorList gradient(const Tensor& self, std::span<const Tensor> spacing, IntSpan dims,
                    int64_t edge_order) {
  check_defined("gradient", "input", self);
  if (edge_order != 1 && edge_order != 2) {
    fail(Status::kInvalidArgument, "gradient: edge_order out of range: ", edge_order,
         ": must be 1 or 2");
  }
  Dims over;
  for (const int64_t d : dims) over.push_back(wrap_dim("gradient", d, self.dim()));
  for (int d = 0; d < self.dim() && dims.empty(); ++d) over.push_back(d);
  dim_mask("gradient", over, self.dim());
  const auto count = static_cast<int>(spacing.size());
  const bool shared = count == 1 && spacing[0].defined() && spacing[0].dim() == 0;
  if (count != 0 && !shared && count != over.size()) {
    fail(Status::kInvalidArgument, "gradient: wrong count: ", count, " spacings for ", over.size(),
         " dims: one for all, or one for each dim is needed");
  }
  // 16-bit differences would lose what is left of them.
  const DType dtype = self.dtype();
  const Tensor f = is_reduced_float(dtype) ? to(self, DType::kFloat32) : self;
  TensorList out;
  for (int i = 0; i < over.size(); ++i) {
    const auto d = static_cast<int>(over[i]);
    if (self.size(d) < edge_order + 1) {
      fail(Status::kShape, "gradient: too few values: dim ", d, " of size ", self.size(d),
           ": at least edge_order + 1 = ", edge_order + 1, " are needed");
    }
    const Tensor h = count == 0 ? number(1) : spacing[static_cast<size_t>(shared ? 0 : i)];
    check_defined("gradient", "spacing", h);
    if (h.dim() == 0) {
      out.push_back(uniform_gradient(f, d, h.item("gradient").to_double(), edge_order));
      if (is_reduced_float(dtype)) out.back() = to(out.back(), dtype);
      continue;
    }
    if (h.dim() != 1 || h.size(0) != self.size(d)) {
      fail(Status::kShape, "gradient: shape mismatch: input ", shape_string(self.sizes()),
           ", coordinates of dim ", d, " ", shape_string(h.sizes()),
           ": there must be one for each value of the dim");
    }
    const DType result = floating_type(result_type(self, h));
    out.push_back(uneven_gradient(f, d, is_reduced_float(h.dtype()) ? to(h, DType::kFloat32) : h,
                                  edge_order));
    if (is_reduced_float(result)) out.back() = to(out.back(), result);
  }
  return out;
}

Tensor trapezoid(const Tensor& y, const Tensor& x, int64_t dim) {
  const int d = integral_dim("trapezoid", y, &x, dim);
  if (y.size(d) == 0) return no_area(y, d);
  const Tensor area = mul(pairs(y, d), distances("trapezoid", y, x, d));
  return div(sum(area, {{d - y.dim()}}), number(2.0));
}

Tensor trapezoid(const Tensor& y, Scalar dx, int64_t dim) {
  const int d = integral_dim("trapezoid", y, nullptr, dim);
  const int64_t n = y.size(d);
  if (n == 0) return no_area(y, d);
  const Tensor ends = mul(add(select(y, d, 0), select(y, d, n - 1)), number(0.5));
  return mul(sub(sum(y, {{d}}), ends), number(dx));
}

Tensor cumulative_trapezoid(const Tensor& y, const Tensor& x, int64_t dim) {
  const int d = integral_dim("cumulative_trapezoid", y, &x, dim);
  const Tensor area = mul(pairs(y, d), distances("cumulative_trapezoid", y, x, d));
  return div(cumsum(area, d - y.dim()), number(2.0));
}

Tensor cumulative_trapezoid(const Tensor& y, Scalar dx, int64_t dim) {
  const int d = integral_dim("cumulative_trapezoid", y, nullptr, dim);
  return cumsum(mul(pairs(y, d), number(dx.to_double() / 2)), d);
}

}  // namespace mt
