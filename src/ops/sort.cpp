// sort, topk, kthvalue, median and mode: a kernel finds the indices, the values are gathered.
#include "ops/sort.h"

#include <limits>

#include "ops/along.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/creation.h"
#include "ops/index.h"
#include "ops/reduce_values.h"
#include "ops/rules.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt {

Around::Around(const Dims& sizes, int dim) {
  for (int d = 0; d < sizes.size(); ++d) (d < dim ? outer : d == dim ? n : inner) *= sizes[d];
}

Tensor dim_last(const Tensor& t, int dim) {
  if (t.dim() == 0) return t.alias(Dims{1}, Dims{1}, t.offset());
  Dims sizes = t.sizes(), strides = t.strides();
  sizes.erase(dim);
  strides.erase(dim);
  sizes.push_back(t.size(dim));
  strides.push_back(t.stride(dim));
  return contiguous_values(t.alias(sizes, strides, t.offset()));
}

Tensor dim_back(const Tensor& t, int dim) {
  const int last = t.dim() - 1;
  Dims sizes = t.sizes(), strides = t.strides();
  sizes.resize(last);
  strides.resize(last);
  sizes.insert(dim, t.size(last));
  strides.insert(dim, t.stride(last));
  return contiguous_values(t.alias(sizes, strides, t.offset()));
}

void check_has_values(std::string_view op, const Tensor& t) {
  if (!t.is_meta()) return;
  fail(Status::kDevice, op, ": no data: tensor on meta: the result depends on values");
}

namespace {

using Entry = SortKernel (SortKernels::*)[kNumDTypes];

// The indices found along dim, `count` of them, in self's shape (a 0-dim tensor's are 0-dim).
Tensor find(const char* op, Entry entry, const Tensor& self, int dim, int64_t count,
            SortArgs args = {}) {
  Dims sizes = self.sizes();
  if (!sizes.empty()) sizes[dim] = count;
  if (self.is_meta()) return Tensor::empty(sizes, DType::kInt64, self.device());
  const SortKernel kernel = find_kernel(op, backend(self.device()).sort, entry, self, self.dtype());
  const Tensor in = dim_last(self, dim);
  Dims out_sizes = in.sizes();
  out_sizes[in.dim() - 1] = count;
  const Tensor out = Tensor::empty(out_sizes, DType::kInt64, self.device(), op);
  if (out.numel() != 0) {
    args.in = in.data();
    args.n = in.sizes().back();
    args.rows = in.numel() / args.n;
    args.indices = out.data_as<int64_t>();
    kernel(args);
  }
  if (self.dim() == 0) return out.alias({}, {}, out.offset());
  return dim_back(out, dim);
}

// The values at the indices, with the rule that leads their gradient back. Without keepdim the dim,
// which has size 1, goes.
ValuesIndices picked(const char* node, const Tensor& self, int dim, Tensor indices, bool keepdim) {
  ValuesIndices r{unrecorded([&] { return gather(self, dim, indices); }), indices};
  if (!keepdim && self.dim() > 0) {
    Dims sizes = self.sizes();
    sizes.erase(dim);
    const Dims strides = contiguous_strides(sizes);
    r.values = r.values.alias(sizes, strides, r.values.offset());
    r.indices = indices.alias(sizes, strides, indices.offset());
  }
  if (recording(self)) {
    record(node, r.values, {&self},
           [dim, keepdim, sizes = self.sizes(), i = save(indices)](const GradIn& g) -> Grads {
             const Tensor grad = keepdim || sizes.empty() ? g[0] : unsqueeze(g[0], dim);
             return {scatter(zeros(sizes, grad.dtype(), grad.device()), dim, i.get(g), grad)};
           });
  }
  return r;
}

int checked_dim(const char* op, const Tensor& self, int64_t dim) {
  check_defined(op, "input", self);
  return wrap_dim(op, dim, self.dim());
}

int64_t size_along(const Tensor& self, int dim) { return self.dim() == 0 ? 1 : self.size(dim); }

ValuesIndices one_of_each(const char* op, const char* node, Entry entry, const Tensor& self,
                          int64_t dim, bool keepdim, const SortArgs& args) {
  const int d = checked_dim(op, self, dim);
  check_not_empty(op, self, Over(op, self, std::optional<int64_t>(d), keepdim));
  return picked(node, self, d, find(op, entry, self, d, 1, args), keepdim);
}

Tensor whole_median(const char* op, const char* node, const Tensor& self, bool ignore_nan) {
  check_defined(op, "input", self);
  Tensor out;
  if (self.numel() == 0) {
    out = Tensor::empty({}, self.dtype(), self.device());
    fill_values(out, is_floating(self.dtype()) ? Scalar(std::numeric_limits<double>::quiet_NaN())
                                               : Scalar(std::numeric_limits<int64_t>::min()));
  } else {
    GradMode off(false);
    SortArgs args{};
    args.ignore_nan = ignore_nan;
    const Tensor flat = reshape(self, {{-1}});
    out = reshape(gather(flat, 0, find(op, &SortKernels::median, flat, 0, 1, args)), {});
  }
  if (recording(self)) {
    record(node, out, {&self}, [x = save(self), r = save_output(out)](const GradIn& g) -> Grads {
      const Tensor tx = x.get(g);
      const Over all("median", tx, IntSpan(), false);
      return {shared_grad(g[0], tx, r.get(g), all, true)};
    });
  }
  return out;
}

}  // namespace

ValuesIndices sort(const Tensor& self, int64_t dim, bool descending, bool stable) {
  const int d = checked_dim("sort", self, dim);
  SortArgs args{};
  args.descending = descending;
  args.stable = stable;
  const int64_t n = size_along(self, d);
  return picked("SortBackward0", self, d, find("sort", &SortKernels::sort, self, d, n, args), true);
}

Tensor argsort(const Tensor& self, int64_t dim, bool descending, bool stable) {
  const int d = checked_dim("argsort", self, dim);
  SortArgs args{};
  args.descending = descending;
  args.stable = stable;
  return find("argsort", &SortKernels::sort, self, d, size_along(self, d), args);
}

Tensor msort(const Tensor& self) { return sort(self, 0).values; }

ValuesIndices topk(const Tensor& self, int64_t k, int64_t dim, bool largest, bool sorted) {
  const int d = checked_dim("topk", self, dim);
  const int64_t n = size_along(self, d);
  if (k < 0 || k > n) {
    fail(Status::kInvalidArgument, "topk: k out of range: k ", k, ", dim ", d, " of size ", n,
         ": k must be in [0, ", n, "]");
  }
  SortArgs args{};
  args.k = k;
  args.descending = largest;
  args.sorted = sorted;
  if (self.dim() == 0 && k == 0) {
    return {Tensor::empty({{0}}, self.dtype(), self.device()),
            Tensor::empty({{0}}, DType::kInt64, self.device())};
  }
  return picked("TopkBackward0", self, d, find("topk", &SortKernels::topk, self, d, k, args), true);
}

ValuesIndices kthvalue(const Tensor& self, int64_t k, int64_t dim, bool keepdim) {
  const int d = checked_dim("kthvalue", self, dim);
  const int64_t n = size_along(self, d);
  if (k < 1 || k > n) {
    fail(n == 0 ? Status::kIndex : Status::kInvalidArgument, "kthvalue: k out of range: k ", k,
         ", dim ", d, " of size ", n, ": k must be in [1, ", n, "]");
  }
  SortArgs args{};
  args.k = k - 1;
  return one_of_each("kthvalue", "KthvalueBackward0", &SortKernels::kth, self, d, keepdim, args);
}

Tensor median(const Tensor& self) { return whole_median("median", "MedianBackward0", self, false); }

Tensor nanmedian(const Tensor& self) {
  return whole_median("nanmedian", "NanmedianBackward0", self, true);
}

ValuesIndices median(const Tensor& self, int64_t dim, bool keepdim) {
  return one_of_each("median", "MedianBackward1", &SortKernels::median, self, dim, keepdim, {});
}

ValuesIndices nanmedian(const Tensor& self, int64_t dim, bool keepdim) {
  SortArgs args{};
  args.ignore_nan = true;
  return one_of_each("nanmedian", "NanmedianBackward1", &SortKernels::median, self, dim, keepdim,
                     args);
}

ValuesIndices mode(const Tensor& self, int64_t dim, bool keepdim) {
  return one_of_each("mode", "ModeBackward0", &SortKernels::mode, self, dim, keepdim, {});
}

}  // namespace mt
