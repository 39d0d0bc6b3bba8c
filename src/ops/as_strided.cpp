// as_strided, and its gradient for any geometry: overlapping views, views of views.
#include "ops/as_strided.h"

#include <algorithm>

#include "ops/arithmetic.h"
#include "ops/common.h"
#include "ops/view.h"

namespace mt {
namespace {

// One past the last element that g reaches, 0 for none.
int64_t extent(const Geometry& g) {
  int64_t last = g.offset;
  for (int d = 0; d < g.sizes.size(); ++d) {
    if (g.sizes[d] == 0) return 0;
    last += (g.sizes[d] - 1) * g.strides[d];
  }
  return last + 1;
}

// Memory position of every element of g in row-major order.
Tensor positions(const Geometry& g) {
  Tensor out = Tensor::empty(g.sizes, DType::kInt64);
  int64_t* p = out.data_as<int64_t>();
  const int n = g.sizes.size();
  Dims at(n);
  int64_t position = g.offset;
  for (int64_t i = 0; i < out.numel(); ++i) {
    p[i] = position;
    for (int d = n - 1; d >= 0; --d) {
      position += g.strides[d];
      if (++at[d] < g.sizes[d]) break;
      position -= g.sizes[d] * g.strides[d];
      at[d] = 0;
    }
  }
  return out;
}

// A flat tensor of n elements: zeros, plus each element of t at its place in `where`.
Tensor scatter_to_flat(const Tensor& t, const Geometry& where, int64_t n) {
  Tensor flat = Tensor::empty(Dims{n}, t.dtype(), t.device());
  fill_values(flat, 0);
  if (!t.is_meta() && t.numel() > 0) {
    if (may_overlap(where)) {
      const IndexKernel kernel = backend(t.device()).index_add[static_cast<int>(t.dtype())];
      if (!kernel) fail_unsupported("as_strided", t.device(), t.dtype());
      const Tensor from = contiguous_values(t);
      const Tensor index = positions(where);
      kernel({from.data(), flat.data(), index.data_as<int64_t>(), 1, t.numel(), n, 1});
    } else {
      copy_values(flat.alias(where.sizes, where.strides, where.offset), t);
    }
  }
  if (recording(t)) {
    record_light("AsStridedBackwardBackward0", flat, {&t}, [where](const GradIn& g) -> Grads {
      const Tensor whole = contiguous(g[0]);
      return {as_strided(whole, where.sizes, where.strides, whole.offset() + where.offset)};
    });
  }
  return flat;
}

}  // namespace

bool may_overlap(const Geometry& g) {
  int order[kMaxDims];
  int n = 0;
  for (int d = 0; d < g.sizes.size(); ++d) {
    if (g.sizes[d] == 0) return false;
    if (g.sizes[d] > 1) order[n++] = d;
  }
  std::sort(order, order + n, [&g](int a, int b) { return g.strides[a] < g.strides[b]; });
  int64_t reach = 0;  // of the dims inside
  for (int i = 0; i < n; ++i) {
    const int d = order[i];
    if (g.strides[d] <= reach) return true;
    reach += (g.sizes[d] - 1) * g.strides[d];
  }
  return false;
}

Tensor as_strided_backward(const Tensor& g, const Geometry& in, const Geometry& out) {
  const int64_t base = std::min(in.offset, out.offset);
  Geometry source = in, target = out;
  source.offset -= base;
  target.offset -= base;
  const int64_t n = std::max(extent(source), extent(target));
  if (numel_of(in.sizes) == 0) return Tensor::empty(in.sizes, g.dtype(), g.device());
  Tensor result =
      as_strided(scatter_to_flat(g, target, n), source.sizes, source.strides, source.offset);
  if (!may_overlap(source)) return result;
  // Elements of the source that share a place share its gradient evenly.
  Tensor ones = Tensor::empty(in.sizes, g.dtype(), g.device());
  fill_values(ones, 1);
  const Tensor counts = scatter_to_flat(ones, source, n);
  return div(result, counts.alias(source.sizes, source.strides, source.offset));
}

Tensor strided_view(const char* name, const Tensor& self, const Geometry& out) {
  Tensor view = self.alias(out.sizes, out.strides, out.offset);
  mark_view(view, self);
  if (recording(self)) {
    record_light(name, view, {&self}, [in = geometry(self), out](const GradIn& g) -> Grads {
      return {as_strided_backward(g[0], in, out)};
    });
  }
  return view;
}

Tensor as_strided(const Tensor& self, IntSpan sizes, IntSpan strides,
                  std::optional<int64_t> offset) {
  check_defined("as_strided", "self", self);
  if (sizes.size() != strides.size()) {
    fail(Status::kShape, "as_strided: length mismatch: ", sizes.size(), " sizes, ", strides.size(),
         " strides: there must be one stride per size");
  }
  checked_numel("as_strided", sizes);
  const Geometry out{Dims(sizes), Dims(strides), offset.value_or(self.offset())};
  for (int64_t s : strides) {
    if (s < 0) {
      fail(Status::kInvalidArgument, "as_strided: negative stride: strides ", shape_string(strides),
           ": every stride must be >= 0");
    }
  }
  if (out.offset < 0) {
    fail(Status::kInvalidArgument, "as_strided: negative offset: ", out.offset,
         ": the offset must be >= 0");
  }
  const auto room = static_cast<int64_t>(self.storage()->bytes() / dtype_size(self.dtype()));
  int64_t last = out.offset;  // the furthest element, watching for overflow
  bool outside = false;
  for (size_t d = 0; d < sizes.size(); ++d) {
    int64_t reach = 0;
    outside = outside || __builtin_mul_overflow(sizes[d] - 1, strides[d], &reach) ||
              __builtin_add_overflow(last, reach, &last);
  }
  if (numel_of(sizes) > 0 && (outside || last >= room)) {
    fail(Status::kInvalidArgument, "as_strided: out of storage: sizes ", shape_string(sizes),
         ", strides ", shape_string(strides), ", offset ", out.offset, " on a storage of ", room,
         " elements: every element must lie inside the storage");
  }
  return strided_view("AsStridedBackward0", self, out);
}

Tensor unfold(const Tensor& self, int64_t dim, int64_t size, int64_t step) {
  check_defined("unfold", "self", self);
  const int d = wrap_dim("unfold", dim, self.dim());
  const int64_t length = self.dim() == 0 ? 1 : self.size(d);
  if (size < 0 || size > length) {
    fail(Status::kInvalidArgument, "unfold: size out of range: ", size, " at dim ", d, " of size ",
         length, ": must be in [0, ", length, "]");
  }
  if (step <= 0) {
    fail(Status::kInvalidArgument, "unfold: step out of range: ", step, ": must be > 0");
  }
  Geometry out = geometry(self);
  if (self.dim() > 0) {
    out.sizes[d] = (length - size) / step + 1;
    out.strides[d] = self.stride(d) * step;
  }
  out.sizes.push_back(size);
  out.strides.push_back(self.dim() == 0 ? 1 : self.stride(d));
  return strided_view("UnfoldBackward0", self, out);
}

Tensor diagonal(const Tensor& self, int64_t offset, int64_t dim1, int64_t dim2) {
  check_defined("diagonal", "self", self);
  const int a = wrap_dim("diagonal", dim1, self.dim());
  const int b = wrap_dim("diagonal", dim2, self.dim());
  if (a == b) {
    fail(Status::kInvalidArgument, "diagonal: repeated dim: dims ", dim1, " and ", dim2,
         ": the two dims must differ");
  }
  Geometry out = geometry(self);
  const int64_t rows = self.size(a), columns = self.size(b);
  const int64_t length = offset >= 0 ? (offset >= columns ? 0 : std::min(rows, columns - offset))
                                     : (offset <= -rows ? 0 : std::min(rows + offset, columns));
  if (length > 0) out.offset += offset >= 0 ? offset * self.stride(b) : -offset * self.stride(a);
  const int64_t stride = self.stride(a) + self.stride(b);
  out.sizes.erase(std::max(a, b));
  out.sizes.erase(std::min(a, b));
  out.strides.erase(std::max(a, b));
  out.strides.erase(std::min(a, b));
  out.sizes.push_back(length);
  out.strides.push_back(stride);
  return strided_view("DiagonalBackward0", self, out);
}

namespace {

// Both geometries from where the first of them starts, and the room they need.
int64_t rebase(Geometry& whole, Geometry& part) {
  const int64_t base = std::min(whole.offset, part.offset);
  whole.offset -= base;
  part.offset -= base;
  return std::max(extent(whole), extent(part));
}

// t lies in memory just as `whole` does, so that parts of it can be found without a copy.
bool lies_as(const Tensor& t, const Geometry& whole, const Geometry& part, int64_t room) {
  return t.is_contiguous() && is_contiguous(whole.sizes, whole.strides) && room == t.numel() &&
         whole.offset == 0 && part.offset >= 0;
}

}  // namespace

Tensor read_part(const Tensor& t, const Geometry& whole, const Geometry& part) {
  Geometry from = whole, to = part;
  const int64_t room = rebase(from, to);
  if (!recording(t) && lies_as(t, from, to, room)) {
    Tensor out = Tensor::empty(to.sizes, t.dtype(), t.device());
    copy_values(out, t.alias(to.sizes, to.strides, t.offset() + to.offset));
    return out;
  }
  return contiguous(as_strided(scatter_to_flat(t, from, room), to.sizes, to.strides, to.offset));
}

Tensor write_part(const Tensor& t, const Geometry& whole, const Geometry& part,
                  const Tensor& values) {
  Geometry from = whole, to = part;
  const int64_t room = rebase(from, to);
  if (recording(t, values)) {
    const Tensor flat = scatter_to_flat(t, from, room);
    const Tensor old = as_strided(flat, to.sizes, to.strides, to.offset);
    const Tensor change = values.defined() ? sub(values, old) : mul(old, Tensor::from_scalar(-1));
    const Tensor replaced = add(flat, scatter_to_flat(change, to, room));
    return as_strided(replaced, from.sizes, from.strides, from.offset);
  }
  Tensor flat;
  if (lies_as(t, from, to, room)) {
    flat = Tensor::empty(Dims{room}, t.dtype(), t.device());
    copy_values(flat.alias(t.sizes(), t.strides(), 0), t);
  } else {
    flat = scatter_to_flat(t, from, room);
  }
  const Tensor slice = flat.alias(to.sizes, to.strides, to.offset);
  if (values.defined()) {
    copy_values(slice, values);
  } else {
    fill_values(slice, 0);
  }
  return flat.alias(from.sizes, from.strides, from.offset);
}

Ref<Node> make_view_node(const Tensor& base, const Tensor& view) {
  const Tensor* const inputs[] = {&base};
  Ref<Node> node =
      make_rule<false>("AsStridedBackward0", inputs,
                       [in = geometry(base), out = geometry(view)](const GradIn& g) -> Grads {
                         return {as_strided_backward(g[0], in, out)};
                       });
  node->outputs.push_back({view.sizes(), view.dtype(), view.device()});
  return node;
}

}  // namespace mt
