// unique and unique_consecutive: equal neighbours of sorted (or given) values become one.
#include <unordered_set>

#include "ops/along.h"
#include "ops/compare.h"
#include "ops/creation.h"
#include "ops/index.h"
#include "ops/join.h"
#include "ops/reduce.h"
#include "ops/search.h"
#include "ops/sort.h"
#include "ops/view.h"

namespace mt {
namespace {

// Runs of equal slices of `values` along dim 0. `order` (may be undefined) is where each of them
// comes from; inverse and counts are made when wanted.
UniqueResult runs(const Tensor& values, const Tensor& order, bool want_inverse, bool want_counts) {
  const int64_t n = values.size(0);
  const Tensor starts = Tensor::empty({{n}}, DType::kBool);
  fill_values(starts, 1);
  if (n > 1) {
    Tensor differ = ne(narrow(values, 0, 1, n - 1), narrow(values, 0, 0, n - 1));
    if (values.dim() > 1) differ = any(reshape(differ, {{n - 1, -1}}), 1);
    copy_values(narrow(starts, 0, 1, n - 1), differ);
  }
  const Tensor first = flat_nonzero("unique", starts);
  UniqueResult r{index_select(values, 0, first), Tensor::empty({{0}}, DType::kInt64),
                 Tensor::empty({{0}}, DType::kInt64)};
  const int64_t count = first.numel();
  if (want_inverse) {
    r.inverse = Tensor::empty({{n}}, DType::kInt64);
    auto* const to = r.inverse.data_as<int64_t>();
    const auto* const from = order.defined() ? order.data_as<int64_t>() : nullptr;
    const auto* const start = starts.data_as<uint8_t>();
    int64_t run = -1;
    for (int64_t i = 0; i < n; ++i) {
      run += start[i] != 0;
      to[from ? from[i] : i] = run;
    }
  }
  if (want_counts) {
    r.counts = Tensor::empty({{count}}, DType::kInt64);
    auto* const to = r.counts.data_as<int64_t>();
    const auto* const at = first.data_as<int64_t>();
    for (int64_t i = 0; i < count; ++i) to[i] = (i + 1 < count ? at[i + 1] : n) - at[i];
  }
  return r;
}

// The distinct values in the order in which the standard library's hash set lists them, which is
// what PyTorch gives when no order is asked for.
template <class T>
Tensor hash_order(const Tensor& flat) {
  const auto* const p = flat.data_as<T>();
  const std::unordered_set<T> set(p, p + flat.numel());
  const Tensor out = Tensor::empty({{static_cast<int64_t>(set.size())}}, flat.dtype());
  auto* to = out.data_as<T>();
  for (const T x : set) *to++ = x;
  return out;
}

// Sorted results in the hash set's order.
void unsort(UniqueResult& r, const Tensor& flat) {
  const Tensor in = contiguous_values(converted(flat, kernel_dtype(flat.dtype())));
  const Tensor listed = in.dtype() == DType::kFloat32   ? hash_order<float>(in)
                        : in.dtype() == DType::kFloat64 ? hash_order<double>(in)
                                                        : hash_order<int64_t>(in);
  const Tensor order = argsort(listed, 0, false, true);  // place in the list of each sorted value
  r.output = converted(listed, flat.dtype());
  if (r.inverse.numel() != 0) r.inverse = index_select(order, 0, r.inverse);
  if (r.counts.numel() != 0) r.counts = index_select(r.counts, 0, argsort(order, 0, false, true));
}

// The order of the rows of [n, m]: sorted by each column, the last one first.
Tensor row_order(const Tensor& rows) {
  const Tensor columns = contiguous_values(transpose(rows, 0, 1));
  Tensor order = arange(rows.size(0), DType::kInt64);
  for (int64_t c = columns.size(0) - 1; c >= 0; --c) {
    order = index_select(order, 0,
                         argsort(index_select(select(columns, 0, c), 0, order), 0, false, true));
  }
  return order;
}

UniqueResult along_dim(const char* op, const Tensor& self, int64_t dim, bool sorted,
                       bool want_inverse, bool want_counts) {
  const int d = wrap_dim(op, dim, self.dim());
  if (self.dim() == 0) {
    fail(Status::kIndex, op, ": dim out of range: input is 0-dim: give no dim");
  }
  const int64_t n = self.size(d);
  if (n > 0 && self.numel() == 0) {
    fail(Status::kShape, op, ": no values: input ", shape_string(self.sizes()), ": only dim ", d,
         " may have size 0");
  }
  const Tensor values = contiguous_values(transpose(self, d, 0));
  if (n == 0) {
    return {clone(self), Tensor::empty({{0}}, DType::kInt64), Tensor::empty({{0}}, DType::kInt64)};
  }
  Tensor order;
  if (sorted) order = row_order(reshape(values, {{n, -1}}));
  UniqueResult r =
      runs(sorted ? index_select(values, 0, order) : values, order, want_inverse, want_counts);
  r.output = contiguous_values(transpose(r.output, 0, d));
  return r;
}

}  // namespace

UniqueResult unique(const Tensor& self, bool sorted, bool return_inverse, bool return_counts) {
  check_defined("unique", "input", self);
  check_has_values("unique", self);
  if (is_barebones(self.dtype())) fail_unsupported("unique", self.device(), self.dtype());
  GradMode off(false);
  const Tensor flat = reshape(self, {{-1}});
  const ValuesIndices ordered = sort(flat, 0, false, true);
  UniqueResult r = runs(ordered.values, ordered.indices, return_inverse, return_counts);
  if (!sorted && flat.dtype() != DType::kBool) unsort(r, flat);
  if (return_inverse) r.inverse = reshape(r.inverse, self.sizes());
  return r;
}

UniqueResult unique_dim(const Tensor& self, int64_t dim, bool return_inverse, bool return_counts) {
  check_defined("unique_dim", "input", self);
  check_has_values("unique_dim", self);
  GradMode off(false);
  return along_dim("unique_dim", self, dim, true, return_inverse, return_counts);
}

UniqueResult unique_consecutive(const Tensor& self, bool return_inverse, bool return_counts,
                                std::optional<int64_t> dim) {
  check_defined("unique_consecutive", "input", self);
  check_has_values("unique_consecutive", self);
  GradMode off(false);
  if (dim) {
    return along_dim("unique_consecutive", self, *dim, false, return_inverse, return_counts);
  }
  UniqueResult r = runs(reshape(self, {{-1}}), {}, return_inverse, return_counts);
  if (return_inverse) r.inverse = reshape(r.inverse, self.sizes());
  return r;
}

}  // namespace mt
