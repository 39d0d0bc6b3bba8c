// scatter and index_add with another reduction than a sum: see index_more.h. Everything happens on
// flat positions, so that one kernel serves every shape.
#include <limits>

#include "kernels/scatter_fold.h"
#include "ops/compare.h"
#include "ops/index.h"
#include "ops/index_more.h"
#include "ops/rules.h"
#include "ops/view.h"

namespace mt {
namespace {

using namespace tensor_math;

enum class Kind { kSum, kProd, kMean, kMax, kMin };

Kind kind_of(std::string_view op, std::string_view name) {
  if (name == "sum" && op != "index_reduce") return Kind::kSum;
  if (name == "prod") return Kind::kProd;
  if (name == "mean") return Kind::kMean;
  if (name == "amax") return Kind::kMax;
  if (name == "amin") return Kind::kMin;
  fail(Status::kInvalidArgument, op, ": unknown reduction: '", name, "': must be ",
       op == "index_reduce" ? "" : "'sum', ", "'prod', 'mean', 'amax' or 'amin'");
}

Tensor filled_like(const Tensor& t, Scalar value) {
  Tensor out = Tensor::empty_like(t);
  fill_values(out, value);
  return out;
}

// What a fold starts from, so that only the arriving elements count.
Scalar identity(Kind kind, DType t) {
  if (kind == Kind::kSum || kind == Kind::kMean) return 0;
  if (kind == Kind::kProd) return 1;
  const bool high = kind == Kind::kMin;
  if (is_floating(t)) {
    const double inf = std::numeric_limits<double>::infinity();
    return high ? inf : -inf;
  }
  if (t == DType::kBool) return high;
  if (t == DType::kUInt8) return high ? 255 : 0;
  const int64_t top = INT64_MAX >> (64 - 8 * static_cast<int>(dtype_size(t)));
  return high ? top : -top - 1;
}

// Row-major position in a tensor of the given sizes of each place that index names along dim.
Tensor positions(const Tensor& index, const Dims& sizes, int dim) {
  const Tensor at = contiguous_values(index);
  Tensor out = Tensor::empty(index.sizes(), DType::kInt64, index.device());
  if (out.is_meta()) return out;
  const Dims strides = contiguous_strides(sizes);
  const auto* const p = at.data_as<int64_t>();
  auto* const to = out.data_as<int64_t>();
  const int n = index.dim();
  Dims where(n);
  int64_t base = 0;  // position but for dim
  for (int64_t i = 0; i < out.numel(); ++i) {
    to[i] = base + p[i] * strides[dim];
    for (int d = n - 1; d >= 0; --d) {
      const int64_t step = d == dim ? 0 : strides[d];
      base += step;
      if (++where[d] < index.size(d)) break;
      base -= index.size(d) * step;
      where[d] = 0;
    }
  }
  return out;
}

// out[at] = fold(out[at], src), values only; out contiguous.
void fold_into(std::string_view op, Kind kind, const Tensor& out, const Tensor& at,
               const Tensor& src) {
  if (out.is_meta() || at.numel() == 0) return;
  const Tensor in = contiguous_values(src);
  const IndexKernel kernel = kind == Kind::kSum || kind == Kind::kMean
                                 ? backend(out.device()).index_add[static_cast<int>(out.dtype())]
                                 : scatter_fold(out.device(),
                                                kind == Kind::kProd  ? Fold::kProd
                                                : kind == Kind::kMax ? Fold::kMax
                                                                     : Fold::kMin,
                                                out.dtype());
  if (!kernel) fail_unsupported(op, out.device(), out.dtype());
  kernel({in.data(), out.data(), at.data_as<int64_t>(), 1, at.numel(), out.numel(), 1});
}

Tensor forward(std::string_view op, Kind kind, const Tensor& self, int dim, const Tensor& index,
               const Tensor& src, bool include_self) {
  return unrecorded([&] {
    Tensor out = include_self ? Tensor::empty_like(self)
                              : scatter(self, dim, index, identity(kind, self.dtype()));
    if (include_self) copy_values(out, self);
    out = contiguous_values(out);
    const Tensor at = positions(index, self.sizes(), dim);
    fold_into(op, kind, out, at, src);
    if (kind != Kind::kMean) return out;
    Tensor count = filled_like(out, 1);
    if (!include_self) count = scatter(count, dim, index, 0);
    fold_into(op, Kind::kSum, count, at, filled_like(src, 1));
    count = masked_fill(count, eq(count, Tensor::from_scalar(0)), 1);
    return to(div(out, count, is_floating(out.dtype()) ? "" : "floor"), out.dtype());
  });
}

// The gradients of self and src, made of recorded ops.
Grads gradients(Kind kind, const GradIn& in, const Tensor& self, int dim, const Tensor& index,
                const Tensor& src, const Tensor& result, bool include_self) {
  const Tensor& g = in[0];
  const auto to_src = [&](const Tensor& t) { return gather(t, dim, index); };
  // What self gets: nothing where its old value did not count.
  const auto to_self = [&](const Tensor& t) {
    return include_self ? t : scatter(t, dim, index, Scalar(0));
  };
  const Tensor zero = Tensor::from_scalar(0);
  Grads r(2);
  switch (kind) {
    case Kind::kSum:
      if (in.needs(0)) r[0] = to_self(g);
      if (in.needs(1)) r[1] = to_src(g);
      break;
    case Kind::kMean: {
      Tensor count = filled_like(result, 1);
      if (!include_self) count = scatter(count, dim, index, Scalar(0));
      count = scatter_add(count, dim, index, filled_like(src, 1));
      count = masked_fill(count, eq(count, zero), 1);
      const Tensor share = g / count;
      if (in.needs(0)) r[0] = to_self(share);
      if (in.needs(1)) r[1] = to_src(share);
      break;
    }
    case Kind::kProd: {
      // The product of all others: of the non-zero ones, unless a zero is among them.
      const Tensor self_zero = eq(self, zero), src_zero = eq(src, zero);
      const Tensor self_safe = masked_fill(self, self_zero, 1);
      const Tensor src_safe = masked_fill(src, src_zero, 1);
      const Tensor product = scatter_reduce(self_safe, dim, index, src_safe, "prod", include_self);
      Tensor zeros = to(self_zero, g.dtype());
      if (!include_self) zeros = scatter(zeros, dim, index, Scalar(0));
      zeros = scatter_add(zeros, dim, index, to(src_zero, g.dtype()));
      const auto others = [&](const Tensor& p, const Tensor& n, const Tensor& is_zero,
                              const Tensor& safe) {
        return where(eq(n, to(is_zero, n.dtype())), p / safe, zero);
      };
      if (in.needs(0)) r[0] = to_self(g * others(product, zeros, self_zero, self_safe));
      if (in.needs(1)) {
        r[1] = to_src(g) * others(to_src(product), to_src(zeros), src_zero, src_safe);
      }
      break;
    }
    default: {  // extremes: equal ones share evenly
      Tensor of_self = to_self(to(eq(self, result), g.dtype()));
      const Tensor of_src = to(eq(src, to_src(result)), g.dtype());
      const Tensor share = g / scatter_add(of_self, dim, index, of_src);
      if (in.needs(0)) r[0] = masked(ne(of_self, zero), share);
      if (in.needs(1)) r[1] = masked(ne(of_src, zero), to_src(share));
    }
  }
  return r;
}

// index and src as parts of equal shape with as many dims as self; checks are those of scatter.
Tensor reduced(std::string_view op, Kind kind, const Tensor& self, int64_t dim, const Tensor& index,
               const Tensor& src, bool include_self) {
  check_defined(op, "self", self);
  check_defined(op, "index", index);
  check_defined(op, "src", src);
  check_one_device(op, {&self, &index, &src});
  check_same_dtype(op, "self", self, "src", src);
  const auto with_one_dim = [](const Tensor& t) { return t.dim() ? t : reshape(t, Dims{1}); };
  if (self.dim() == 0) {
    return reshape(
        reduced(op, kind, with_one_dim(self), dim, with_one_dim(index), src, include_self), Dims());
  }
  const int d = wrap_dim(op, dim, self.dim());
  const Tensor at = with_one_dim(index);
  if (at.numel() == 0) return clone(self);
  Tensor part = with_one_dim(src);
  // scatter_add on a stand-in makes the checks of shapes, dtype and bounds.
  unrecorded([&] { return scatter_add(self, d, at, part); });
  for (int i = 0; i < at.dim(); ++i) {
    if (at.size(i) < part.size(i)) part = narrow(part, i, 0, at.size(i));
  }
  Tensor out = forward(op, kind, self, d, at, part, include_self);
  if (recording(self, part)) {
    record(op == "index_reduce" ? "IndexReduceBackward0" : "ScatterReduceBackward0", out,
           {&self, &part},
           [kind, d, include_self, s_self = save(self), s_index = save(at), s_src = save(part),
            s_out = save_output(out)](const GradIn& g) -> Grads {
             return gradients(kind, g, s_self.get(g), d, s_index.get(g), s_src.get(g), s_out.get(g),
                              include_self);
           });
  }
  return out;
}

Tensor reduced_slices(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                      std::string_view reduce, bool include_self) {
  check_defined("index_reduce", "self", self);
  check_defined("index_reduce", "index", index);
  check_defined("index_reduce", "source", source);
  const Kind kind = kind_of("index_reduce", reduce);
  const int d = wrap_dim("index_reduce", dim, self.dim());
  if (index.dim() > 1) {
    fail(Status::kIndex, "index_reduce: index has too many dims: shape ",
         shape_string(index.sizes()), ": must be 1-D");
  }
  bool fits = source.dim() == self.dim();
  for (int i = 0; fits && i < self.dim(); ++i) {
    fits = source.size(i) == (i == d ? index.numel() : self.size(i));
  }
  if (!fits) {
    fail(Status::kShape, "index_reduce: shape mismatch: self ", shape_string(self.sizes()),
         ", source ", shape_string(source.sizes()), " and ", index.numel(), " indices for dim ", d,
         ": source must have self's shape, but one place per index along the dim");
  }
  Tensor at = to(index, DType::kInt64);
  if (self.dim() > 0) {
    Dims line(self.dim(), 1);
    line[d] = index.numel();
    at = expand(reshape(at, line), source.sizes());
  }
  return reduced("index_reduce", kind, self, dim, at, source, include_self);
}

template <class Op>
const Tensor& in_place(std::string_view name, const Tensor& self, bool records, Op&& op) {
  return inplace(
      name, self, records, true,
      [&](const Tensor& out) { delivered(name, unrecorded([&] { return op(out); }), &out); },
      [&](const Tensor& before) { return op(before); });
}

}  // namespace

Tensor scatter_reduce(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src,
                      std::string_view reduce, bool include_self) {
  return reduced("scatter_reduce", kind_of("scatter_reduce", reduce), self, dim, index, src,
                 include_self);
}

const Tensor& scatter_reduce_(const Tensor& self, int64_t dim, const Tensor& index,
                              const Tensor& src, std::string_view reduce, bool include_self) {
  check_defined("scatter_reduce_", "self", self);
  return in_place("scatter_reduce_", self, recording(self, src), [&](const Tensor& t) {
    return scatter_reduce(t, dim, index, src, reduce, include_self);
  });
}

Tensor index_reduce(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                    std::string_view reduce, bool include_self) {
  return reduced_slices(self, dim, index, source, reduce, include_self);
}

const Tensor& index_reduce_(const Tensor& self, int64_t dim, const Tensor& index,
                            const Tensor& source, std::string_view reduce, bool include_self) {
  check_defined("index_reduce_", "self", self);
  return in_place("index_reduce_", self, recording(self, source), [&](const Tensor& t) {
    return reduced_slices(t, dim, index, source, reduce, include_self);
  });
}

}  // namespace mt
