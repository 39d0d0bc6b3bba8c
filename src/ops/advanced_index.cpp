// NumPy's advanced indexing as one indexed copy: the indexed dims are brought together and their
// index tensors combined into one.
#include <algorithm>

#include "ops/arithmetic.h"
#include "ops/common.h"
#include "ops/index.h"
#include "ops/view.h"

namespace mt {
namespace {

// How self is seen: its dims in `order` are [outer dims, indexed dims, inner dims].
struct Plan {
  Dims sizes;  // of self
  Dims order;  // empty when they are in order already
  int outer = 0, indexed = 0;
  Dims index_shape;

  int dim_at(int i) const { return order.empty() ? i : static_cast<int>(order[i]); }
  int64_t product(int begin, int end) const {
    int64_t n = 1;
    for (int i = begin; i < end; ++i) n *= sizes[dim_at(i)];
    return n;
  }
  Dims ordered_sizes() const {
    Dims out;
    for (int i = 0; i < sizes.size(); ++i) out.push_back(sizes[dim_at(i)]);
    return out;
  }
  Dims result_sizes() const {
    Dims out;
    for (int i = 0; i < outer; ++i) out.push_back(sizes[dim_at(i)]);
    for (int64_t s : index_shape) out.push_back(s);
    for (int i = outer + indexed; i < sizes.size(); ++i) out.push_back(sizes[dim_at(i)]);
    return out;
  }
  // t, of self's shape, with its dims in order; without history.
  Tensor arranged(const Tensor& t) const {
    if (order.empty()) return t;
    Dims s, strides;
    for (int i = 0; i < t.dim(); ++i) {
      s.push_back(t.size(dim_at(i)));
      strides.push_back(t.stride(dim_at(i)));
    }
    return t.alias(s, strides, t.offset());
  }
};

using KernelTable = IndexKernel[kNumDTypes];

// `rows` has the result's shape, `whole` that of self in order; both contiguous.
void run(const Plan& plan, const KernelTable& table, const Tensor& in, const Tensor& out,
         const Tensor& linear, bool reads) {
  const IndexKernel kernel = table[static_cast<int>(in.dtype())];
  if (!kernel) fail_unsupported("index", in.device(), in.dtype());
  if (in.numel() == 0 || out.numel() == 0) return;
  const int split = plan.outer + plan.indexed;
  const int64_t n = plan.product(plan.outer, split), m = linear.numel();
  kernel({in.data(), out.data(), linear.data_as<int64_t>(), plan.product(0, plan.outer),
          reads ? n : m, reads ? m : n, plan.product(split, plan.sizes.size())});
}

// Writes values, of the result's shape, into self without recording.
void write(const Plan& plan, const Tensor& self, const Tensor& linear, const Tensor& values,
           bool accumulate) {
  if (self.is_meta()) return;
  const Backend& b = backend(self.device());
  const auto& table = accumulate ? b.index_add : b.index_copy;
  const bool shared = values.storage() == self.storage();
  Tensor in = contiguous_values(values);
  if (shared && in.storage() == self.storage()) {
    in = Tensor::empty_like(values);
    copy_values(in, values);
  }
  const Tensor target = plan.arranged(self);
  if (target.is_contiguous()) return run(plan, table, in, target, linear, false);
  const Tensor buffer = contiguous_values(target);
  run(plan, table, in, buffer, linear, false);
  copy_values(target, buffer);
}

// --- the recorded pair: take reads, sum_into_zeros is its gradient ---------------------------

Tensor sum_into_zeros(const Tensor& g, const Plan& plan, const Tensor& linear);

Tensor take(const Tensor& self, const Plan& plan, const Tensor& linear) {
  Tensor out = Tensor::empty(plan.result_sizes(), self.dtype(), self.device());
  if (!out.is_meta()) {
    run(plan, backend(self.device()).index_select, contiguous_values(plan.arranged(self)), out,
        linear, true);
  }
  if (recording(self)) {
    record("IndexBackward0", out, {&self}, [plan, saved = save(linear)](const GradIn& g) -> Grads {
      return {sum_into_zeros(g[0], plan, saved.get(g))};
    });
  }
  return out;
}

Tensor sum_into_zeros(const Tensor& g, const Plan& plan, const Tensor& linear) {
  Tensor out = Tensor::empty(plan.sizes, g.dtype(), g.device());
  fill_values(out, 0);
  write(plan, out, linear, g, true);
  if (recording(g)) {
    record("IndexPutBackward0", out, {&g}, [plan, saved = save(linear)](const GradIn& in) -> Grads {
      return {take(in[0], plan, saved.get(in))};
    });
  }
  return out;
}

// The gradient of the old values of an overwriting index_put_.
Tensor with_zeros(const Tensor& g, const Plan& plan, const Tensor& linear) {
  Tensor out = Tensor::empty_like(g);
  copy_values(out, g);
  Tensor zero = Tensor::empty(plan.result_sizes(), g.dtype(), g.device());
  fill_values(zero, 0);
  write(plan, out, linear, zero, false);
  if (recording(g)) {
    record("IndexPutBackward0", out, {&g}, [plan, saved = save(linear)](const GradIn& in) -> Grads {
      return {with_zeros(in[0], plan, saved.get(in))};
    });
  }
  return out;
}

// --- from index tensors to a plan ------------------------------------------------------------

// The index of dim dim, or the flat index of several dims from there on (a mask's).
struct DimIndex {
  int dim, dims;
  Tensor values;  // int64, in range
};
using DimIndices = SmallVector<DimIndex, 4>;

bool is_mask(const Tensor& t) { return t.dtype() == DType::kBool || t.dtype() == DType::kUInt8; }

void check_mask(std::string_view op, const Tensor& self, const Tensor& mask, size_t nr, int dim) {
  for (int k = 0; k < mask.dim(); ++k) {
    if (mask.size(k) == self.size(dim + k)) continue;
    fail(Status::kIndex, op, ": shape mismatch: mask ", nr, " of shape ",
         shape_string(mask.sizes()), " at dim ", dim, " of a tensor of shape ",
         shape_string(self.sizes()), ": the mask must have the shape of the dims it indexes");
  }
}

DimIndices dim_indices(std::string_view op, const Tensor& self, Tensors indices) {
  DimIndices out;
  int dim = 0;
  for (size_t i = 0; i < indices.size(); ++i) {
    const Tensor& t = indices[i];
    const int takes = t.defined() && is_mask(t) ? t.dim() : 1;
    if (dim + takes > self.dim()) {
      fail(Status::kIndex, op, ": too many indices: index ", i, " would be for dim ",
           dim + takes - 1, " of a tensor of shape ", shape_string(self.sizes()),
           ": there can be at most one index a dim");
    }
    if (t.defined()) {
      if (t.device() != self.device() && !(t.device() == Device::kCPU && !is_mask(t))) {
        check_devices(op, {&self, &t});
      }
      if (is_mask(t)) {
        check_mask(op, self, t, i, dim);
        out.push_back({dim, t.dim(), flat_nonzero(op, t)});
      } else if (t.dtype() == DType::kInt64) {
        out.push_back({dim, 1, checked_index(op, t, dim, self.size(dim), true)});
      } else {
        fail(Status::kDType, op, ": dtype mismatch: index ", i, " is ", dtype_name(t.dtype()),
             ": must be int64, bool or uint8; convert with mt_tensor_to_dtype");
      }
    }
    dim += takes;
  }
  return out;
}

bool are_broadcastable(const Dims& a, const Dims& b) {
  const int n = std::min(a.size(), b.size());
  for (int i = 1; i <= n; ++i) {
    const int64_t x = a[a.size() - i], y = b[b.size() - i];
    if (x != y && x != 1 && y != 1) return false;
  }
  return true;
}

// The plan and the combined index: for dims of sizes a, b, c: (i * b + j) * c + k.
Plan make_plan(std::string_view op, const Tensor& self, const DimIndices& indices, Tensor& linear) {
  Plan plan;
  plan.sizes = self.sizes();
  bool together = true;
  for (int i = 0; i < indices.size(); ++i) {
    const Dims& shape = indices[i].values.sizes();
    if (!is_broadcastable_to(shape, plan.index_shape)) {
      if (!are_broadcastable(plan.index_shape, shape)) {
        fail(Status::kIndex, op, ": shape mismatch: index ", i, " of shape ", shape_string(shape),
             " beside ", shape_string(plan.index_shape), ": index tensors must broadcast together");
      }
      plan.index_shape = broadcast_shapes(op, plan.index_shape, shape);
    }
    together = together && (i == 0 || indices[i].dim == indices[0].dim + plan.indexed);
    plan.indexed += indices[i].dims;
  }
  if (together) {
    plan.outer = indices[0].dim;
  } else {
    for (const DimIndex& k : indices) {
      for (int d = k.dim; d < k.dim + k.dims; ++d) plan.order.push_back(d);
    }
    for (int d = 0; d < self.dim(); ++d) {
      bool is_indexed = false;
      for (const DimIndex& k : indices) is_indexed |= k.dim <= d && d < k.dim + k.dims;
      if (!is_indexed) plan.order.push_back(d);
    }
  }
  checked_numel(op, plan.result_sizes());
  if (indices.size() == 1) {
    linear = indices[0].values;
    return plan;
  }
  linear = Tensor::empty(plan.index_shape, DType::kInt64, indices[0].values.device());
  fill_values(linear, 0);
  int64_t step = 1;
  for (int i = indices.size() - 1; i >= 0; --i) {
    Params p;
    p.i[0] = step;  // linear + step * values
    launch(Elementwise::kAdd, DType::kInt64, {&linear, &linear, &indices[i].values}, p);
    for (int d = 0; d < indices[i].dims; ++d) step *= self.size(indices[i].dim + d);
  }
  return plan;
}

// A 0-dim mask indexes a new dim of size 1.
Tensor with_mask_dims(const Tensor& self, Tensors indices, SmallVector<Tensor, 4>& out) {
  Tensor seen = self;
  int dim = 0;
  for (const Tensor& t : indices) {
    out.push_back(t);
    if (t.defined() && is_mask(t)) {
      if (t.dim() == 0) {
        out.back() = t.alias(Dims{1}, Dims{1}, t.offset());
        seen = unsqueeze(seen, std::min(dim, seen.dim()));
      }
      dim += out.back().dim();
    } else {
      ++dim;
    }
  }
  return seen;
}

const Tensor& put(std::string_view op, const Tensor& self, Tensors indices, const Tensor& values,
                  bool accumulate) {
  check_defined(op, "self", self);
  check_defined(op, "values", values);
  check_inplace(op, self);
  SmallVector<Tensor, 4> list;
  const Tensor seen = with_mask_dims(self, indices, list);
  if (!same(seen, self)) {  // an in-place write to a view of self
    put(op, seen, list, values, accumulate);
    return self;
  }
  Tensor given = values;
  if (values.dtype() != self.dtype()) {
    if (!values.impl()->is_number) check_same_dtype(op, "self", self, "values", values);
    given = to(values, self.dtype());
  }
  if (given.device() != self.device() && !(given.dim() == 0 && given.device() == Device::kCPU)) {
    check_devices(op, {&self, &given});
  }
  const DimIndices where = dim_indices(op, self, list);
  if (where.empty()) {
    if (accumulate) return add_(self, given);
    return copy_(self, given);
  }
  Tensor linear;
  const Plan plan = make_plan(op, self, where, linear);
  const Dims result = plan.result_sizes();
  if (!is_broadcastable_to(given.sizes(), result)) {
    fail(Status::kShape, op, ": shape mismatch: values ", shape_string(given.sizes()),
         ", indexed part ", shape_string(result), ": the values must broadcast to it");
  }
  if (linear.storage() == self.storage()) {  // self is not to change its own index
    Tensor apart = Tensor::empty_like(linear);
    copy_values(apart, linear);
    linear = apart;
  }
  Ref<Node> node;
  if (is_differentiable(self.dtype()) && recording(self, given)) {
    const Tensor* const inputs[] = {&self, &given};
    node = make_rule<true>("IndexPutBackward0", inputs,
                           [plan, accumulate, saved = save(linear)](const GradIn& g) -> Grads {
                             Grads grads(2);
                             if (g.needs(0))
                               grads[0] = accumulate ? g[0] : with_zeros(g[0], plan, saved.get(g));
                             if (g.needs(1)) grads[1] = take(g[0], plan, saved.get(g));
                             return grads;
                           });
  }
  {
    GradMode off(false);
    if (!self.is_meta()) write(plan, self, linear, expand(given, result), accumulate);
  }
  inplace_done(self, std::move(node));
  return self;
}

}  // namespace

Tensor index(const Tensor& self, Tensors indices) {
  check_defined("index", "self", self);
  SmallVector<Tensor, 4> list;
  const Tensor seen = with_mask_dims(self, indices, list);
  const DimIndices where = dim_indices("index", seen, list);
  if (where.empty()) return clone(seen);
  Tensor linear;
  const Plan plan = make_plan("index", seen, where, linear);
  return take(seen, plan, linear);
}

Tensor index_put(const Tensor& self, Tensors indices, const Tensor& values, bool accumulate) {
  check_defined("index_put", "self", self);
  Tensor out = clone(self);
  put("index_put", out, indices, values, accumulate);
  return out;
}

const Tensor& index_put_(const Tensor& self, Tensors indices, const Tensor& values,
                         bool accumulate) {
  return put("index_put_", self, indices, values, accumulate);
}

}  // namespace mt
