// cat and stack, split and unbind: each pair is the other's gradient.
#include "ops/join.h"

#include <algorithm>

#include "ops/common.h"
#include "ops/view.h"

namespace mt {
namespace {

using Pointers = SmallVector<const Tensor*, 8>;

// Device and dtype of the result of joining.
struct Joined {
  Device device;
  DType dtype;
};

Joined check_list(std::string_view op, Tensors tensors) {
  if (tensors.empty()) {
    fail(Status::kInvalidArgument, op,
         ": missing argument: no tensors given: at least one is needed");
  }
  ResultType type;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& t = tensors[i];
    if (!t.defined()) {
      fail(Status::kNullArgument, op, ": missing argument: tensor ", i,
           " is null: a tensor is required");
    }
    if (t.device() != tensors[0].device()) {
      fail(Status::kDevice, op, ": device mismatch: tensor 0 on ", device_name(tensors[0].device()),
           ", tensor ", i, " on ", device_name(t.device()),
           ": all must be on one device; move with mt_tensor_to_device");
    }
    type.add(t.dtype(), t.dim() == 0, t.impl()->is_number);
  }
  return {tensors[0].device(), type.get()};
}

bool is_skipped(const Tensor& t) { return t.dim() == 1 && t.size(0) == 0; }

// Copies every tensor to its place along dim of the contiguous out. `thickness` is its size there,
// 1 for stack, whose inputs lack the dim.
void place(Tensors tensors, const Tensor& out, int dim, bool stacked) {
  if (out.is_meta() || out.numel() == 0) return;
  int64_t at = 0;
  for (const Tensor& t : tensors) {
    if (!stacked && is_skipped(t)) continue;
    Dims sizes = t.sizes();
    if (stacked) sizes.insert(dim, 1);
    Tensor part = out.alias(sizes, out.strides(), at * out.stride(dim));
    at += sizes[dim];
    if (!stacked) {
      copy_values(part, t);
      continue;
    }
    Dims strides = out.strides();
    strides.erase(dim);
    copy_values(part.alias(t.sizes(), strides, part.offset()), t);
  }
}

void record_join(const char* name, Tensor& out, Tensors tensors, int dim, bool stacked) {
  Pointers inputs;
  inputs.reserve(static_cast<int>(tensors.size()));
  for (const Tensor& t : tensors) inputs.push_back(&t);
  SmallVector<int64_t, 8> lengths;  // -1: skipped
  lengths.reserve(inputs.size());
  for (const Tensor& t : tensors) {
    lengths.push_back(stacked ? 1 : is_skipped(t) ? -1 : t.size(dim));
  }
  attach(make_rule<false>(name, inputs,
                          [lengths, dim, stacked](const GradIn& g) -> Grads {
                            Grads grads;
                            grads.reserve(lengths.size());
                            int64_t at = 0;
                            for (int i = 0; i < lengths.size(); ++i) {
                              const int64_t n = lengths[i];
                              Tensor part;
                              if (g.needs(i)) {
                                part = n < 0 ? Tensor::empty(Dims{0}, g[0].dtype(), g[0].device())
                                       : stacked ? select(g[0], dim, at)
                                                 : narrow(g[0], dim, at, n);
                              }
                              at += std::max<int64_t>(n, 0);
                              grads.push_back(std::move(part));
                            }
                            return grads;
                          }),
         out);
}

// Views of self made by one node, whose gradient joins those of the views.
template <class MakeView>
TensorList cut(const char* name, const Tensor& self, int n, int dim, bool stacked,
               MakeView&& make_view) {
  TensorList views;
  views.reserve(n);
  Ref<Node> node;
  if (n > 0 && recording(self)) {
    const Tensor* const inputs[] = {&self};
    node = make_rule<false>(name, inputs, [dim, stacked](const GradIn& g) -> Grads {
      Grads parts;
      parts.reserve(g.size());
      for (int i = 0; i < g.size(); ++i) parts.push_back(g.or_zeros(i));
      if (stacked) return {stack(parts, dim)};
      // cat would take a part of shape (0,) for one to skip, which changes nothing here.
      return {cat(parts, dim)};
    });
  }
  for (int i = 0; i < n; ++i) {
    Tensor view = make_view(i);
    mark_view(view, self);
    if (node) attach(node, view);
    views.push_back(std::move(view));
  }
  return views;
}

int check_cut(std::string_view op, const Tensor& self, int64_t dim) {
  check_defined(op, "self", self);
  if (self.dim() == 0) {
    fail(Status::kIndex, op, ": no dims: tensor of shape (): at least one dim is needed");
  }
  return wrap_dim(op, dim, self.dim());
}

TensorList split_views(const char* name, const Tensor& self, IntSpan lengths, int dim) {
  int64_t at = 0;
  return cut(name, self, static_cast<int>(lengths.size()), dim, false, [&](int i) {
    Dims sizes = self.sizes();
    sizes[dim] = lengths[static_cast<size_t>(i)];
    Tensor view = self.alias(sizes, self.strides(), self.offset() + at * self.stride(dim));
    at += sizes[dim];
    return view;
  });
}

TensorList split_evenly(const Tensor& self, int64_t length, int dim, int64_t pieces) {
  SmallVector<int64_t, 16> lengths;
  int64_t left = self.size(dim);
  for (int64_t i = 0; i < pieces; ++i) {
    lengths.push_back(std::min(length, left));
    left -= lengths.back();
  }
  return split_views("SplitBackward0", self, lengths, dim);
}

}  // namespace

Tensor cat(Tensors tensors, int64_t dim) {
  const Joined joined = check_list("cat", tensors);
  const Tensor* first = nullptr;  // the one that gives the shape
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].dim() == 0) {
      fail(Status::kShape, "cat: no dims: tensor ", i, " of shape (): 0-dim tensors cannot be ",
           "concatenated; use stack");
    }
    if (!first && !is_skipped(tensors[i])) first = &tensors[i];
  }
  Dims sizes{0};
  int d = 0;
  if (first) {
    d = wrap_dim("cat", dim, first->dim());
    sizes = first->sizes();
    sizes[d] = 0;
    for (size_t i = 0; i < tensors.size(); ++i) {
      const Tensor& t = tensors[i];
      if (is_skipped(t)) continue;
      bool fits = t.dim() == first->dim();
      for (int k = 0; fits && k < t.dim(); ++k) fits = k == d || t.size(k) == first->size(k);
      if (!fits) {
        fail(Status::kShape, "cat: shape mismatch: tensor ", i, " of shape ",
             shape_string(t.sizes()), " beside ", shape_string(first->sizes()), " along dim ", d,
             ": all sizes but that of dim ", d, " must be equal");
      }
      sizes[d] += t.size(d);
    }
  }
  Tensor out = Tensor::empty(sizes, joined.dtype, joined.device, "cat");
  if (first) place(tensors, out, d, false);
  if (recording(tensors)) record_join("CatBackward0", out, tensors, d, false);
  return out;
}

Tensor stack(Tensors tensors, int64_t dim) {
  const Joined joined = check_list("stack", tensors);
  const Tensor& first = tensors[0];
  const int d = wrap_dim("stack", dim, first.dim() + 1);
  for (size_t i = 1; i < tensors.size(); ++i) {
    if (tensors[i].sizes() == first.sizes()) continue;
    fail(Status::kShape, "stack: shape mismatch: tensor 0 of shape ", shape_string(first.sizes()),
         ", tensor ", i, " of shape ", shape_string(tensors[i].sizes()),
         ": all shapes must be equal");
  }
  Dims sizes = first.sizes();
  sizes.insert(d, static_cast<int64_t>(tensors.size()));
  Tensor out = Tensor::empty(sizes, joined.dtype, joined.device, "stack");
  place(tensors, out, d, true);
  if (recording(tensors)) record_join("StackBackward0", out, tensors, d, true);
  return out;
}

Tensor hstack(Tensors tensors) {
  check_list("hstack", tensors);
  TensorList parts;
  for (const Tensor& t : tensors) parts.push_back(t.dim() == 0 ? reshape(t, Dims{1}) : t);
  return cat(parts, parts[0].dim() == 1 ? 0 : 1);
}

Tensor vstack(Tensors tensors) {
  check_list("vstack", tensors);
  TensorList parts;
  for (const Tensor& t : tensors) {
    parts.push_back(t.dim() == 0 ? reshape(t, Dims{1, 1}) : t.dim() == 1 ? unsqueeze(t, 0) : t);
  }
  return cat(parts, 0);
}

TensorList split(const Tensor& self, int64_t split_size, int64_t dim) {
  const int d = check_cut("split", self, dim);
  const int64_t n = self.size(d);
  if (split_size < 0 || (split_size == 0 && n != 0)) {
    fail(Status::kInvalidArgument, "split: split_size out of range: ", split_size, " for dim ", d,
         " of size ", n, ": must be > 0");
  }
  const int64_t pieces = n == 0 ? 1 : n / split_size + (n % split_size != 0);
  return split_evenly(self, split_size, d, pieces);
}

TensorList split_with_sizes(const Tensor& self, IntSpan sizes, int64_t dim) {
  const int d = check_cut("split", self, dim);
  int64_t left = self.size(d);
  bool fits = true;
  for (int64_t s : sizes) {
    if (s < 0) {
      fail(Status::kInvalidArgument, "split: negative size: sizes ", shape_string(sizes),
           ": every size must be >= 0");
    }
    fits = fits && s <= left;
    left -= fits ? s : 0;
  }
  if (!fits || left != 0) {
    fail(Status::kInvalidArgument, "split: sizes do not add up: ", shape_string(sizes), " of dim ",
         d, " of size ", self.size(d), ": their sum must be the dim's size");
  }
  return split_views("SplitWithSizesBackward0", self, sizes, d);
}

TensorList chunk(const Tensor& self, int64_t chunks, int64_t dim) {
  const int d = check_cut("chunk", self, dim);
  if (chunks <= 0) {
    fail(Status::kInvalidArgument, "chunk: chunks out of range: ", chunks, ": must be > 0");
  }
  const int64_t n = self.size(d);
  if (n == 0) return split_evenly(self, 0, d, chunks);  // as many empty ones as were asked for
  const int64_t length = n / chunks + (n % chunks != 0);
  return split_evenly(self, length, d, n / length + (n % length != 0));
}

TensorList unbind(const Tensor& self, int64_t dim) {
  const int d = check_cut("unbind", self, dim);
  Dims sizes = self.sizes(), strides = self.strides();
  sizes.erase(d);
  strides.erase(d);
  return cut("UnbindBackward0", self, static_cast<int>(self.size(d)), d, true,
             [&](int i) { return self.alias(sizes, strides, self.offset() + i * self.stride(d)); });
}

}  // namespace mt
