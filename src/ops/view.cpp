// Views whose geometry follows from the shape: see view.h.
#include "ops/view.h"

#include <algorithm>

#include "ops/common.h"

namespace mt {
namespace {

Tensor make_view(const Tensor& self, IntSpan sizes, IntSpan strides, int64_t offset) {
  Tensor out = self.alias(sizes, strides, offset);
  mark_view(out, self);
  return out;
}

Tensor reshaped_view(const char* node, const Tensor& self, IntSpan sizes, IntSpan strides) {
  Tensor out = make_view(self, sizes, strides, self.offset());
  if (recording(self)) {
    record_light(node, out, {&self}, [sizes = self.sizes()](const GradIn& g) -> Grads {
      return {reshape(g[0], sizes)};
    });
  }
  return out;
}

void check_has_dims(std::string_view op, const Tensor& self) {
  if (self.dim() > 0) return;
  fail(Status::kIndex, op, ": no dims: tensor of shape (): a tensor with at least one dim is ",
       "needed");
}

// self[start : start + n * step : step] along dim, all in range.
Tensor sliced(const Tensor& self, int dim, int64_t start, int64_t n, int64_t step) {
  Dims sizes = self.sizes(), strides = self.strides();
  sizes[dim] = n;
  if (int64_t wide; !__builtin_mul_overflow(strides[dim], step, &wide)) strides[dim] = wide;
  Tensor out = make_view(self, sizes, strides, self.offset() + start * self.stride(dim));
  if (recording(self)) {
    record_light("SliceBackward0", out, {&self},
                 [sizes = self.sizes(), dim, start, step](const GradIn& g) -> Grads {
                   return {slice_backward(g[0], sizes, dim, start, step)};
                 });
  }
  return out;
}

}  // namespace

Tensor view(const Tensor& self, IntSpan sizes) {
  check_defined("view", "self", self);
  const Dims target = infer_reshape("view", sizes, self.numel());
  checked_numel("view", target);
  Dims strides;
  if (!view_strides(self.sizes(), self.strides(), target, strides)) {
    fail(Status::kShape, "view: needs a copy: shape ", shape_string(self.sizes()), " with strides ",
         shape_string(self.strides()), " as ", shape_string(target),
         ": dims that are merged must be contiguous in memory; use reshape");
  }
  return reshaped_view("ViewBackward0", self, target, strides);
}

Tensor reshape(const Tensor& self, IntSpan sizes) {
  check_defined("reshape", "self", self);
  const Dims target = infer_reshape("reshape", sizes, self.numel());
  checked_numel("reshape", target);
  Dims strides;
  if (view_strides(self.sizes(), self.strides(), target, strides)) {
    return reshaped_view("ReshapeAliasBackward0", self, target, strides);
  }
  Tensor out = contiguous_values(self);
  out = out.alias(target, contiguous_strides(target), out.offset());
  if (recording(self)) {
    record_light(
        "UnsafeViewBackward0", out, {&self},
        [sizes = self.sizes()](const GradIn& g) -> Grads { return {reshape(g[0], sizes)}; });
  }
  return out;
}

Tensor permute(const Tensor& self, IntSpan dims) {
  check_defined("permute", "self", self);
  const int n = self.dim();
  if (static_cast<int>(dims.size()) != n) {
    fail(Status::kShape, "permute: wrong number of dims: ", dims.size(), " for a ", n,
         "-dim tensor: every dim must appear once");
  }
  if (n > 0) dim_mask("permute", dims, n);  // refuses repeats
  Dims sizes(n), strides(n), inverse(n);
  for (int i = 0; i < n; ++i) {
    const int d = wrap_dim("permute", dims[static_cast<size_t>(i)], n);
    sizes[i] = self.size(d);
    strides[i] = self.stride(d);
    inverse[d] = i;
  }
  Tensor out = make_view(self, sizes, strides, self.offset());
  if (recording(self)) {
    record_light("PermuteBackward0", out, {&self},
                 [inverse](const GradIn& g) -> Grads { return {permute(g[0], inverse)}; });
  }
  return out;
}

namespace {

Tensor transposed(const char* node, const Tensor& self, int a, int b) {
  Dims sizes = self.sizes(), strides = self.strides();
  if (self.dim() > 0) {
    std::swap(sizes[a], sizes[b]);
    std::swap(strides[a], strides[b]);
  }
  Tensor out = make_view(self, sizes, strides, self.offset());
  if (recording(self)) {
    record_light(node, out, {&self},
                 [a, b](const GradIn& g) -> Grads { return {transpose(g[0], a, b)}; });
  }
  return out;
}

}  // namespace

Tensor transpose(const Tensor& self, int64_t dim0, int64_t dim1) {
  check_defined("transpose", "self", self);
  return transposed("TransposeBackward0", self, wrap_dim("transpose", dim0, self.dim()),
                    wrap_dim("transpose", dim1, self.dim()));
}

Tensor t(const Tensor& self) {
  check_defined("t", "self", self);
  if (self.dim() > 2) {
    fail(Status::kShape, "t: too many dims: tensor of shape ", shape_string(self.sizes()),
         ": at most 2 dims; use transpose or permute");
  }
  return transposed("TBackward0", self, 0, self.dim() < 2 ? 0 : 1);
}

Tensor movedim(const Tensor& self, IntSpan source, IntSpan destination) {
  check_defined("movedim", "self", self);
  const int n = self.dim();
  if (source.size() != destination.size()) {
    fail(Status::kInvalidArgument, "movedim: length mismatch: source ", shape_string(source),
         ", destination ", shape_string(destination), ": both must have one length");
  }
  if (n == 0 || source.empty()) {
    for (int64_t d : source) wrap_dim("movedim", d, n);
    for (int64_t d : destination) wrap_dim("movedim", d, n);
    return self.dim() == 0 ? view(self, {}) : view(self, self.sizes());
  }
  uint64_t moved = dim_mask("movedim", source, n);
  dim_mask("movedim", destination, n);
  Dims order(n, -1);
  for (size_t i = 0; i < source.size(); ++i) {
    order[wrap_dim("movedim", destination[i], n)] = wrap_dim("movedim", source[i], n);
  }
  int next = 0;
  for (int i = 0; i < n; ++i) {
    if (order[i] >= 0) continue;
    while (moved >> next & 1) ++next;
    order[i] = next++;
  }
  return permute(self, order);
}

Tensor squeeze(const Tensor& self) {
  check_defined("squeeze", "self", self);
  Dims sizes, strides;
  for (int d = 0; d < self.dim(); ++d) {
    if (self.size(d) == 1) continue;
    sizes.push_back(self.size(d));
    strides.push_back(self.stride(d));
  }
  return reshaped_view("SqueezeBackward0", self, sizes, strides);
}

Tensor squeeze(const Tensor& self, int64_t dim) {
  check_defined("squeeze", "self", self);
  const int d = wrap_dim("squeeze", dim, self.dim());
  Dims sizes = self.sizes(), strides = self.strides();
  if (self.dim() > 0 && sizes[d] == 1) {
    sizes.erase(d);
    strides.erase(d);
  }
  return reshaped_view("SqueezeBackward1", self, sizes, strides);
}

Tensor unsqueeze(const Tensor& self, int64_t dim) {
  check_defined("unsqueeze", "self", self);
  const int d = wrap_dim("unsqueeze", dim, self.dim() + 1);
  Dims sizes = self.sizes(), strides = self.strides();
  const int64_t stride = d < self.dim() ? sizes[d] * strides[d] : 1;
  sizes.insert(d, 1);
  strides.insert(d, stride);
  checked_numel("unsqueeze", sizes);
  return reshaped_view("UnsqueezeBackward0", self, sizes, strides);
}

Tensor expand(const Tensor& self, IntSpan sizes) {
  check_defined("expand", "self", self);
  const int n = static_cast<int>(sizes.size()), lead = n - self.dim();
  if (lead < 0) {
    fail(Status::kShape, "expand: too few dims: shape ", shape_string(self.sizes()), " to ",
         shape_string(sizes), ": the target must have at least as many dims");
  }
  Dims out_sizes(sizes), strides(n);
  for (int i = 0; i < n; ++i) {
    const int d = i - lead;
    if (out_sizes[i] == -1) {
      if (d < 0) {
        fail(Status::kShape, "expand: size -1 at new dim ", i, ": shape ",
             shape_string(self.sizes()), " to ", shape_string(sizes),
             ": a dim that does not exist yet needs a size");
      }
      out_sizes[i] = self.size(d);
    }
    if (d >= 0 && self.size(d) == out_sizes[i]) {
      strides[i] = self.stride(d);
    } else if (d >= 0 && self.size(d) != 1) {
      fail(Status::kShape, "expand: shape mismatch: shape ", shape_string(self.sizes()), " to ",
           shape_string(sizes), ": size ", self.size(d), " at dim ", d, " cannot become ",
           out_sizes[i], ": only size 1 can be expanded");
    }
  }
  checked_numel("expand", out_sizes);
  Tensor out = make_view(self, out_sizes, strides, self.offset());
  if (recording(self)) {  // the engine sums the gradient back
    record_light("ExpandBackward0", out, {&self}, [](const GradIn& g) -> Grads { return {g[0]}; });
  }
  return out;
}

Tensor flatten(const Tensor& self, int64_t start_dim, int64_t end_dim) {
  check_defined("flatten", "self", self);
  const int start = wrap_dim("flatten", start_dim, self.dim());
  const int end = wrap_dim("flatten", end_dim, self.dim());
  if (start > end) {
    fail(Status::kInvalidArgument, "flatten: dims in the wrong order: start_dim ", start_dim,
         ", end_dim ", end_dim, ": start_dim cannot come after end_dim");
  }
  if (self.dim() == 0) return reshape(self, Dims{1});
  if (start == end) return self;
  Dims sizes;
  int64_t merged = 1;
  for (int d = 0; d < self.dim(); ++d) {
    if (d < start || d > end) {
      sizes.push_back(self.size(d));
      continue;
    }
    merged *= self.size(d);
    if (d == end) sizes.push_back(merged);
  }
  return reshape(self, sizes);
}

Tensor unflatten(const Tensor& self, int64_t dim, IntSpan sizes) {
  check_defined("unflatten", "self", self);
  check_has_dims("unflatten", self);
  const int d = wrap_dim("unflatten", dim, self.dim());
  if (sizes.empty()) {
    fail(Status::kInvalidArgument, "unflatten: no sizes given: at least one is needed");
  }
  const Dims parts = infer_reshape("unflatten", sizes, self.size(d));
  Dims target;
  for (int i = 0; i < self.dim(); ++i) {
    if (i != d) {
      target.push_back(self.size(i));
    } else {
      for (int64_t s : parts) target.push_back(s);
    }
  }
  return view(self, target);
}

Tensor select(const Tensor& self, int64_t dim, int64_t index) {
  check_defined("select", "self", self);
  check_has_dims("select", self);
  const int d = wrap_dim("select", dim, self.dim());
  const int64_t n = self.size(d);
  if (index < -n || index >= n) {
    if (n == 0) {
      fail(Status::kIndex, "select: index out of range: index ", index, " at dim ", d,
           " of size 0: there is nothing to select");
    }
    fail(Status::kIndex, "select: index out of range: index ", index, " at dim ", d, " of size ", n,
         ": must be in [", -n, ", ", n - 1, "]");
  }
  if (index < 0) index += n;
  Dims sizes = self.sizes(), strides = self.strides();
  sizes.erase(d);
  strides.erase(d);
  Tensor out = make_view(self, sizes, strides, self.offset() + index * self.stride(d));
  if (recording(self)) {
    record_light("SelectBackward0", out, {&self},
                 [sizes = self.sizes(), d, index](const GradIn& g) -> Grads {
                   return {slice_backward(unsqueeze(g[0], d), sizes, d, index, 1)};
                 });
  }
  return out;
}

Tensor slice(const Tensor& self, int64_t dim, std::optional<int64_t> start,
             std::optional<int64_t> end, int64_t step) {
  check_defined("slice", "self", self);
  check_has_dims("slice", self);
  const int d = wrap_dim("slice", dim, self.dim());
  if (step <= 0) {
    fail(Status::kInvalidArgument, "slice: step out of range: ", step,
         ": must be > 0; use flip to reverse");
  }
  const int64_t n = self.size(d);
  const auto clamped = [n](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + n : i, 0, n); };
  const int64_t from = clamped(start.value_or(0));
  const int64_t to = std::max(from, clamped(end.value_or(n)));
  const int64_t length = to - from;
  return sliced(self, d, from, length / step + (length % step != 0), step);
}

Tensor narrow(const Tensor& self, int64_t dim, int64_t start, int64_t length) {
  check_defined("narrow", "self", self);
  check_has_dims("narrow", self);
  const int d = wrap_dim("narrow", dim, self.dim());
  const int64_t n = self.size(d);
  if (start < -n || start > n) {
    fail(Status::kIndex, "narrow: start out of range: start ", start, " at dim ", d, " of size ", n,
         ": must be in [", -n, ", ", n, "]");
  }
  if (start < 0) start += n;
  if (length < 0 || length > n - start) {
    fail(Status::kInvalidArgument, "narrow: length out of range: start ", start, " and length ",
         length, " at dim ", d, " of size ", n, ": start + length must lie in [start, ", n, "]");
  }
  return sliced(self, d, start, length, 1);
}

Tensor slice_backward(const Tensor& g, IntSpan sizes, int dim, int64_t start, int64_t step) {
  const int64_t n = g.size(dim);
  if (n == sizes[static_cast<size_t>(dim)] && step == 1) return g;
  Tensor out = Tensor::empty(sizes, g.dtype(), g.device());
  fill_values(out, 0);
  if (n > 0) {
    Dims strides = out.strides();
    if (n > 1) strides[dim] *= step;
    copy_values(out.alias(g.sizes(), strides, start * out.stride(dim)), g);
  }
  if (recording(g)) {
    record_light("SliceBackwardBackward0", out, {&g},
                 [dim, start, n, step](const GradIn& in) -> Grads {
                   return {sliced(in[0], dim, start, n, step)};
                 });
  }
  return out;
}

}  // namespace mt
