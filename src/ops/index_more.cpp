// Indexed ops made of index, index_put and gather, whose gradients they share: see index_more.h.
#include "ops/index_more.h"

#include "ops/index.h"
#include "ops/rules.h"
#include "ops/view.h"

namespace mt {
namespace {

Tensor flat(const Tensor& t) { return reshape(t, Dims{t.numel()}); }
Tensor with_one_dim(const Tensor& t) { return t.dim() == 0 ? reshape(t, Dims{1}) : t; }

// The in-place form of an op that has none of its own: its result is copied into self.
template <class Op>
const Tensor& in_place(std::string_view name, const Tensor& self, bool records, Op&& op) {
  return inplace(
      name, self, records, false,
      [&](const Tensor& out) { delivered(name, unrecorded([&] { return op(out); }), &out); },
      [&](const Tensor& before) { return op(before); });
}

// The index list of one index along dim.
SmallVector<Tensor, 4> along(int dim, const Tensor& index) {
  SmallVector<Tensor, 4> list(dim);
  list.push_back(index);
  return list;
}

Tensor checked_vector(std::string_view op, const Tensor& index, int dim, int64_t n, bool wrap) {
  if (index.dim() > 1) {
    fail(Status::kIndex, op, ": index has too many dims: shape ", shape_string(index.sizes()),
         ": must be 1-D");
  }
  if (index.dtype() != DType::kInt64) {
    fail(Status::kDType, op, ": dtype mismatch: index is ", dtype_name(index.dtype()),
         ": must be int64; convert with mt_tensor_to_dtype");
  }
  return with_one_dim(checked_index(op, index, dim, n, wrap));
}

}  // namespace

Tensor index_copy(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source) {
  check_defined("index_copy", "self", self);
  check_defined("index_copy", "index", index);
  check_defined("index_copy", "source", source);
  check_one_device("index_copy", {&self, &index, &source});
  check_same_dtype("index_copy", "self", self, "source", source);
  const int d = wrap_dim("index_copy", dim, self.dim());
  const Tensor base = with_one_dim(self), from = with_one_dim(source);
  const Tensor at = checked_vector("index_copy", index, d, base.size(d), false);
  bool fits = from.dim() == base.dim() && from.size(d) == at.numel();
  for (int i = 0; fits && i < base.dim(); ++i) fits = i == d || from.size(i) == base.size(i);
  if (!fits) {
    fail(Status::kShape, "index_copy: shape mismatch: self ", shape_string(self.sizes()),
         ", source ", shape_string(source.sizes()), " and ", at.numel(), " indices for dim ", d,
         ": source must have self's shape, but one place per index along the dim");
  }
  const Tensor out = index_put(base, along(d, at), from);
  return self.dim() == 0 ? reshape(out, Dims()) : out;
}

const Tensor& index_copy_(const Tensor& self, int64_t dim, const Tensor& index,
                          const Tensor& source) {
  check_defined("index_copy_", "self", self);
  return in_place("index_copy_", self, recording(self, source),
                  [&](const Tensor& t) { return index_copy(t, dim, index, source); });
}

Tensor index_fill(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& value) {
  check_defined("index_fill", "self", self);
  check_defined("index_fill", "index", index);
  check_defined("index_fill", "value", value);
  if (value.dim() != 0) {
    fail(Status::kShape, "index_fill: not a single value: value of shape ",
         shape_string(value.sizes()), ": a 0-dim tensor is needed; use index_copy");
  }
  const int d = wrap_dim("index_fill", dim, self.dim());
  const Tensor base = with_one_dim(self);
  const Tensor at = checked_vector("index_fill", index, d, base.size(d), true);
  const Tensor out = index_put(base, along(d, at), to(value, self.dtype()));
  return self.dim() == 0 ? reshape(out, Dims()) : out;
}

const Tensor& index_fill_(const Tensor& self, int64_t dim, const Tensor& index,
                          const Tensor& value) {
  check_defined("index_fill_", "self", self);
  return in_place("index_fill_", self, recording(self, value),
                  [&](const Tensor& t) { return index_fill(t, dim, index, value); });
}

namespace {

void check_flat_index(std::string_view op, const Tensor& index) {
  check_defined(op, "index", index);
  if (index.dtype() == DType::kInt64) return;
  fail(Status::kDType, op, ": dtype mismatch: index is ", dtype_name(index.dtype()),
       ": must be int64; convert with mt_tensor_to_dtype");
}

}  // namespace

Tensor take(const Tensor& self, const Tensor& indices) {
  check_defined("take", "self", self);
  check_flat_index("take", indices);
  check_one_device("take", {&self, &indices});
  return index(flat(self), along(0, indices));
}

Tensor put(const Tensor& self, const Tensor& indices, const Tensor& source, bool accumulate) {
  check_defined("put", "self", self);
  check_flat_index("put", indices);
  check_defined("put", "source", source);
  check_one_device("put", {&self, &indices, &source});
  check_same_dtype("put", "self", self, "source", source);
  if (source.numel() != indices.numel()) {
    fail(Status::kShape, "put: length mismatch: ", indices.numel(), " indices, ", source.numel(),
         " elements in source: there must be one per index");
  }
  return reshape(
      index_put(flat(self), along(0, indices), reshape(source, indices.sizes()), accumulate),
      self.sizes());
}

const Tensor& put_(const Tensor& self, const Tensor& indices, const Tensor& source,
                   bool accumulate) {
  check_defined("put_", "self", self);
  return in_place("put_", self, recording(self, source),
                  [&](const Tensor& t) { return put(t, indices, source, accumulate); });
}

Tensor take_along_dim(const Tensor& self, const Tensor& indices, std::optional<int64_t> dim) {
  check_defined("take_along_dim", "self", self);
  check_defined("take_along_dim", "indices", indices);
  if (!dim) return gather(flat(self), 0, flat(indices));
  if (self.dim() != indices.dim()) {
    fail(Status::kShape, "take_along_dim: shape mismatch: self ", shape_string(self.sizes()),
         ", indices ", shape_string(indices.sizes()), ": both must have the same number of dims");
  }
  const int d = wrap_dim("take_along_dim", *dim, self.dim());
  if (self.dim() == 0) return gather(self, 0, indices);
  Dims a = self.sizes(), b = indices.sizes();
  a[d] = b[d] = 1;
  a = b = broadcast_shapes("take_along_dim", a, b);
  a[d] = self.size(d);
  b[d] = indices.size(d);
  return gather(expand(self, a), d, expand(indices, b));
}

namespace {

Tensor scattered_mask(const Tensor& self, const Tensor& mask, const Tensor& source) {
  check_defined("masked_scatter", "self", self);
  check_defined("masked_scatter", "mask", mask);
  check_defined("masked_scatter", "source", source);
  check_one_device("masked_scatter", {&self, &mask, &source});
  check_same_dtype("masked_scatter", "self", self, "source", source);
  if (mask.dtype() != DType::kBool && mask.dtype() != DType::kUInt8) {
    fail(Status::kDType, "masked_scatter: dtype mismatch: mask is ", dtype_name(mask.dtype()),
         ": must be bool; compare, or convert with mt_tensor_to_dtype");
  }
  const Dims sizes = broadcast_shapes("masked_scatter", self.sizes(), mask.sizes());
  const Tensor base = expand(self, sizes);
  if (base.is_meta()) return clone(base);
  const Tensor places = flat_nonzero("masked_scatter", expand(mask, sizes));
  if (source.numel() < places.numel()) {
    fail(Status::kShape, "masked_scatter: too few elements: ", source.numel(), " in source, ",
         places.numel(), " true in the mask: source must have at least as many");
  }
  return reshape(
      index_put(flat(base), along(0, places), narrow(flat(source), 0, 0, places.numel())), sizes);
}

}  // namespace

Tensor masked_scatter(const Tensor& self, const Tensor& mask, const Tensor& source) {
  return scattered_mask(self, mask, source);
}

const Tensor& masked_scatter_(const Tensor& self, const Tensor& mask, const Tensor& source) {
  check_defined("masked_scatter_", "self", self);
  return in_place("masked_scatter_", self, recording(self, source),
                  [&](const Tensor& t) { return scattered_mask(t, mask, source); });
}

}  // namespace mt
