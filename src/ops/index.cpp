// Indexing along one dim: reads and their adding or overwriting counterparts, each pair being the
// other's gradient.
#include "ops/index.h"

#include "ops/arithmetic.h"
#include "ops/common.h"
#include "ops/view.h"

namespace mt {
namespace {

using Table = IndexKernel[kNumDTypes];

// The contiguous [outer, n, inner] shape that kernels see.
struct Split {
  int64_t outer = 1, inner = 1;
  Split(IntSpan sizes, int dim) {
    for (int i = 0; i < static_cast<int>(sizes.size()); ++i) {
      if (i < dim) outer *= sizes[static_cast<size_t>(i)];
      if (i > dim) inner *= sizes[static_cast<size_t>(i)];
    }
  }
};

void run(std::string_view op, const Table& table, const Tensor& in, const Tensor& out,
         const Tensor& index, const Split& s, int64_t n_in, int64_t n_out) {
  const IndexKernel kernel = table[static_cast<int>(in.dtype())];
  if (!kernel) fail_unsupported(op, in.device(), in.dtype());
  if (in.numel() == 0 || out.numel() == 0 || index.numel() == 0) return;
  kernel({in.data(), out.data(), index.data_as<int64_t>(), s.outer, n_in, n_out, s.inner});
}

Tensor zeros_of(IntSpan sizes, const Tensor& like) {
  Tensor out = Tensor::empty(sizes, like.dtype(), like.device());
  fill_values(out, 0);
  return out;
}

Tensor copy_of(const Tensor& t) {
  Tensor out = Tensor::empty_like(t);
  copy_values(out, t);
  return out;
}

// self restricted to the first sizes[i] places of every dim i but `dim`.
Tensor corner(const Tensor& self, IntSpan sizes, int dim) {
  Dims part(sizes);
  part[dim] = self.size(dim);
  return part == self.sizes() ? self : self.alias(part, self.strides(), self.offset());
}

// Runs a writing kernel on `out`, through a contiguous copy when it is not contiguous.
template <class F>
void on_contiguous(const Tensor& out, F&& write) {
  if (out.is_contiguous()) return write(out);
  const Tensor buffer = copy_of(out);
  write(buffer);
  copy_values(out, buffer);
}

// t, or a copy when it lives where `written` does: a kernel must not read what it overwrites.
Tensor apart_from(const Tensor& written, const Tensor& t) {
  return t.storage() == written.storage() ? copy_of(t) : t;
}

Tensor with_one_dim(const Tensor& t) { return t.dim() == 0 ? reshape(t, Dims{1}) : t; }

// --- index_select and index_add, unchecked --------------------------------------------------

Tensor sum_into_zeros(const Tensor& g, IntSpan sizes, int dim, const Tensor& index);

Tensor select_along(const Tensor& self, int dim, const Tensor& index) {
  Dims sizes = self.sizes();
  sizes[dim] = index.numel();
  Tensor out = Tensor::empty(sizes, self.dtype(), self.device());
  if (!out.is_meta()) {
    run("index_select", backend(self.device()).index_select, contiguous_values(self), out, index,
        Split(sizes, dim), self.size(dim), sizes[dim]);
  }
  if (recording(self)) {
    record("IndexSelectBackward0", out, {&self},
           [sizes = self.sizes(), dim, saved = save(index)](const GradIn& g) -> Grads {
             return {sum_into_zeros(g[0], sizes, dim, saved.get(g))};
           });
  }
  return out;
}

void add_along(const Tensor& out, int dim, const Tensor& index, const Tensor& source) {
  if (out.is_meta()) return;
  const Tensor in = contiguous_values(source);
  on_contiguous(out, [&](const Tensor& to) {
    run("index_add", backend(to.device()).index_add, in, to, index, Split(to.sizes(), dim),
        index.numel(), to.size(dim));
  });
}

Tensor sum_into_zeros(const Tensor& g, IntSpan sizes, int dim, const Tensor& index) {
  Tensor out = zeros_of(sizes, g);
  add_along(out, dim, index, g);
  if (recording(g)) {
    record("IndexAddBackward0", out, {&g}, [dim, saved = save(index)](const GradIn& in) -> Grads {
      return {select_along(in[0], dim, saved.get(in))};
    });
  }
  return out;
}

Tensor vector_index(std::string_view op, const Tensor& index, int dim, int64_t n) {
  if (index.dim() > 1) {
    fail(Status::kIndex, op, ": index has too many dims: shape ", shape_string(index.sizes()),
         ": must be 1-D");
  }
  if (index.dtype() != DType::kInt64 && index.dtype() != DType::kInt32) {
    fail(Status::kDType, op, ": dtype mismatch: index is ", dtype_name(index.dtype()),
         ": must be int64 or int32; convert with mt_tensor_to_dtype");
  }
  return checked_index(op, index, dim, n, false);
}

// --- gather and scatter, unchecked: self and index have one number of dims, at least 1 -------

Tensor scatter_sum(const Tensor& g, IntSpan sizes, int dim, const Tensor& index);

Tensor gather_along(const Tensor& self, int dim, const Tensor& index) {
  Tensor out = Tensor::empty(index.sizes(), self.dtype(), self.device());
  if (!out.is_meta() && out.numel() > 0) {
    run("gather", backend(self.device()).gather,
        contiguous_values(corner(self, index.sizes(), dim)), out, index, Split(index.sizes(), dim),
        self.size(dim), index.size(dim));
  }
  if (recording(self)) {
    record("GatherBackward0", out, {&self},
           [sizes = self.sizes(), dim, saved = save(index)](const GradIn& g) -> Grads {
             return {scatter_sum(g[0], sizes, dim, saved.get(g))};
           });
  }
  return out;
}

// Writes src, of index's shape, into out.
void scatter_along(const Table& table, const Tensor& out, int dim, const Tensor& index,
                   const Tensor& src) {
  if (out.is_meta() || index.numel() == 0) return;
  const Tensor in = contiguous_values(src);
  on_contiguous(corner(out, index.sizes(), dim), [&](const Tensor& to) {
    run("scatter", table, in, to, index, Split(index.sizes(), dim), index.size(dim), to.size(dim));
  });
}

Tensor scatter_sum(const Tensor& g, IntSpan sizes, int dim, const Tensor& index) {
  Tensor out = zeros_of(sizes, g);
  scatter_along(backend(g.device()).scatter_add, out, dim, index, g);
  if (recording(g)) {
    record("ScatterAddBackward0", out, {&g}, [dim, saved = save(index)](const GradIn& in) -> Grads {
      return {gather_along(in[0], dim, saved.get(in))};
    });
  }
  return out;
}

Tensor scatter_zeros(const Tensor& g, int dim, const Tensor& index) {
  Tensor out = copy_of(g);
  scatter_along(backend(g.device()).scatter, out, dim, index, zeros_of(index.sizes(), g));
  if (recording(g)) {
    record("ScatterBackward1", out, {&g}, [dim, saved = save(index)](const GradIn& in) -> Grads {
      return {scatter_zeros(in[0], dim, saved.get(in))};
    });
  }
  return out;
}

// Checks index against self (both with at least one dim) and returns its values.
Tensor grid_index(std::string_view op, const Tensor& self, int dim, const Tensor& index) {
  if (index.numel() == 0) return contiguous_values(converted(index, DType::kInt64));
  if (index.dtype() != DType::kInt64) {
    fail(Status::kDType, op, ": dtype mismatch: index is ", dtype_name(index.dtype()),
         ": must be int64; convert with mt_tensor_to_dtype");
  }
  if (index.dim() != self.dim()) {
    fail(Status::kShape, op, ": shape mismatch: self ", shape_string(self.sizes()), ", index ",
         shape_string(index.sizes()), ": both must have the same number of dims");
  }
  for (int d = 0; d < self.dim(); ++d) {
    if (d == dim || index.size(d) <= self.size(d)) continue;
    fail(Status::kShape, op, ": shape mismatch: self ", shape_string(self.sizes()), ", index ",
         shape_string(index.sizes()), ": index size ", index.size(d), " at dim ", d,
         " must not exceed self's ", self.size(d));
  }
  return checked_index(op, index, dim, self.size(dim), false);
}

// The part of src that index reaches; a view with history.
Tensor source_part(std::string_view op, const Tensor& src, const Tensor& index) {
  if (index.dim() != src.dim()) {
    fail(Status::kShape, op, ": shape mismatch: index ", shape_string(index.sizes()), ", src ",
         shape_string(src.sizes()), ": both must have the same number of dims");
  }
  Tensor part = src;
  for (int d = 0; d < index.dim(); ++d) {
    if (index.size(d) > src.size(d)) {
      fail(Status::kShape, op, ": shape mismatch: index ", shape_string(index.sizes()), ", src ",
           shape_string(src.sizes()), ": index size ", index.size(d), " at dim ", d,
           " must not exceed src's ", src.size(d));
    }
    if (index.size(d) < src.size(d)) part = narrow(part, d, 0, index.size(d));
  }
  return part;
}

// scatter (adds == false) or scatter_add. `write_to` is the destination of the in-place form,
// else the result is a new tensor, recorded.
Tensor scattered(std::string_view op, bool adds, const Tensor& self, int64_t dim,
                 const Tensor& index, const Tensor& src, const Tensor* write_to) {
  check_defined(op, "self", self);
  check_defined(op, "index", index);
  check_defined(op, "src", src);
  check_one_device(op, {&self, &index, &src});
  check_same_dtype(op, "self", self, "src", src);
  if (self.dim() == 0 && !write_to) {
    return reshape(scattered(op, adds, with_one_dim(self), dim, index, src, nullptr), Dims());
  }
  const int d = wrap_dim(op, dim, self.dim());
  const Tensor base = write_to ? with_one_dim(write_to->alias()) : self;
  const Tensor at = grid_index(op, base, d, with_one_dim(index));
  const Tensor part = at.numel() == 0 ? Tensor() : source_part(op, with_one_dim(src), at);
  const Tensor out = write_to ? base : copy_of(self);
  if (part.defined()) {
    const Backend& b = backend(self.device());
    scatter_along(adds ? b.scatter_add : b.scatter, out, d, apart_from(out, at),
                  apart_from(out, part));
  }
  if (write_to) return out;
  Tensor result = out;
  if (!part.defined()) {
    if (recording(self)) {
      record_light("CloneBackward0", result, {&self},
                   [](const GradIn& g) -> Grads { return {g[0]}; });
    }
  } else if (recording(self, part)) {
    record(adds ? "ScatterAddBackward0" : "ScatterBackward0", result, {&self, &part},
           [d, adds, saved = save(at)](const GradIn& g) -> Grads {
             Grads grads(2);
             if (g.needs(0)) grads[0] = adds ? g[0] : scatter_zeros(g[0], d, saved.get(g));
             if (g.needs(1)) grads[1] = gather_along(g[0], d, saved.get(g));
             return grads;
           });
  }
  return result;
}

const Tensor& scattered_into(std::string_view op, bool adds, const Tensor& self, int64_t dim,
                             const Tensor& index, const Tensor& src) {
  check_defined(op, "self", self);
  return inplace(
      op, self, recording(self, src), false,
      [&](const Tensor& out) { scattered(op, adds, self, dim, index, src, &out); },
      [&](const Tensor& before) { return scattered(op, adds, before, dim, index, src, nullptr); });
}

// A number as the src of scatter.
Tensor value_like(const Tensor& self, const Tensor& index, Scalar value) {
  check_defined("scatter", "self", self);
  check_defined("scatter", "index", index);
  check_value_fits("scatter", value, self.dtype());
  Tensor src = Tensor::empty(index.sizes(), self.dtype(), self.device());
  fill_values(src, value);
  return src;
}

Tensor added(std::string_view op, const Tensor& self, int64_t dim, const Tensor& index,
             const Tensor& source, Scalar alpha, const Tensor* write_to) {
  check_defined(op, "self", self);
  check_defined(op, "index", index);
  check_defined(op, "source", source);
  check_one_device(op, {&self, &index, &source});
  check_same_dtype(op, "self", self, "source", source);
  if (self.dim() == 0 && !write_to) {
    return reshape(added(op, with_one_dim(self), dim, index, source, alpha, nullptr), Dims());
  }
  const int d = wrap_dim(op, dim, self.dim());
  Tensor out = write_to ? with_one_dim(write_to->alias()) : copy_of(self);
  const Tensor from = with_one_dim(source);
  const Tensor at = vector_index(op, index, d, out.size(d));
  bool fits = from.dim() == out.dim() && from.size(d) == at.numel();
  for (int i = 0; fits && i < out.dim(); ++i) fits = i == d || from.size(i) == out.size(i);
  if (!fits) {
    fail(Status::kShape, op, ": shape mismatch: self ", shape_string(self.sizes()), ", source ",
         shape_string(source.sizes()), " and ", at.numel(), " indices for dim ", d,
         ": source must have self's shape, but one place per index along the dim");
  }
  const bool scaled = alpha.to_double() != 1;
  {
    GradMode off(false);
    add_along(
        out, d, apart_from(out, at),
        scaled ? to(mul(from, Tensor::from_scalar(alpha)), out.dtype()) : apart_from(out, from));
  }
  if (!write_to && recording(self, from)) {
    record("IndexAddBackward0", out, {&self, &from},
           [d, alpha, scaled, saved = save(at)](const GradIn& g) -> Grads {
             Grads grads{g[0], Tensor()};
             if (g.needs(1)) {
               grads[1] = select_along(g[0], d, saved.get(g));
               if (scaled) grads[1] = mul(grads[1], Tensor::from_scalar(alpha));
             }
             return grads;
           });
  }
  return out;
}

}  // namespace

Tensor checked_index(std::string_view op, const Tensor& index, int dim, int64_t n, bool wrap) {
  Tensor values = contiguous_values(converted(index, DType::kInt64));
  if (values.is_meta()) return values;
  const auto* p = values.data_as<int64_t>();
  const int64_t count = values.numel(), low = wrap ? -n : 0;
  bool bad = false, negative = false;
  for (int64_t i = 0; i < count; ++i) {
    bad |= p[i] < low || p[i] >= n;
    negative |= p[i] < 0;
  }
  if (bad) {
    int64_t i = 0;
    while (p[i] >= low && p[i] < n) ++i;
    if (n == 0) {
      fail(Status::kIndex, op, ": index out of range: index ", p[i], " at dim ", dim,
           " of size 0: there is nothing to index");
    }
    fail(Status::kIndex, op, ": index out of range: index ", p[i], " at dim ", dim, " of size ", n,
         ": must be in [", low, ", ", n - 1, "]");
  }
  if (!negative) return values;
  Tensor wrapped = Tensor::empty(values.sizes(), DType::kInt64);
  auto* to = wrapped.data_as<int64_t>();
  for (int64_t i = 0; i < count; ++i) to[i] = p[i] < 0 ? p[i] + n : p[i];
  return wrapped;
}

void check_one_device(std::string_view op, std::initializer_list<const Tensor*> tensors) {
  const Device device = check_devices(op, tensors);
  for (const Tensor* t : tensors) {
    if (!t->defined() || t->device() == device) continue;
    fail(Status::kDevice, op, ": device mismatch: one tensor on ", device_name(device),
         ", another on ", device_name(t->device()),
         ": all must be on one device; move with mt_tensor_to_device");
  }
}

Tensor index_select(const Tensor& self, int64_t dim, const Tensor& index) {
  check_defined("index_select", "self", self);
  check_defined("index_select", "index", index);
  check_one_device("index_select", {&self, &index});
  if (self.dim() == 0) {
    if (index.numel() != 1) {
      fail(Status::kIndex, "index_select: too many indices: ", index.numel(),
           " for a tensor of shape (): there must be one");
    }
    return reshape(index_select(with_one_dim(self), dim, index), Dims());
  }
  const int d = wrap_dim("index_select", dim, self.dim());
  return select_along(self, d, vector_index("index_select", index, d, self.size(d)));
}

Tensor index_add(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                 Scalar alpha) {
  return added("index_add", self, dim, index, source, alpha, nullptr);
}

const Tensor& index_add_(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                         Scalar alpha) {
  check_defined("index_add_", "self", self);
  return inplace(
      "index_add_", self, recording(self, source), false,
      [&](const Tensor& out) { added("index_add_", self, dim, index, source, alpha, &out); },
      [&](const Tensor& before) {
        return added("index_add_", before, dim, index, source, alpha, nullptr);
      });
}

Tensor gather(const Tensor& self, int64_t dim, const Tensor& index) {
  check_defined("gather", "self", self);
  check_defined("gather", "index", index);
  check_one_device("gather", {&self, &index});
  const int d = wrap_dim("gather", dim, self.dim());
  if (index.numel() == 0 && index.dim() != self.dim()) {
    grid_index("gather", self, d, index);
    return Tensor::empty(index.sizes(), self.dtype(), self.device());
  }
  const Tensor from = with_one_dim(self);
  const Tensor out = gather_along(from, d, grid_index("gather", from, d, with_one_dim(index)));
  return index.dim() == 0 ? reshape(out, Dims()) : out;
}

Tensor scatter(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src) {
  return scattered("scatter", false, self, dim, index, src, nullptr);
}

Tensor scatter(const Tensor& self, int64_t dim, const Tensor& index, Scalar value) {
  return scattered("scatter", false, self, dim, index, value_like(self, index, value), nullptr);
}

Tensor scatter_add(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src) {
  return scattered("scatter_add", true, self, dim, index, src, nullptr);
}

const Tensor& scatter_(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src) {
  return scattered_into("scatter_", false, self, dim, index, src);
}

const Tensor& scatter_(const Tensor& self, int64_t dim, const Tensor& index, Scalar value) {
  return scattered_into("scatter_", false, self, dim, index, value_like(self, index, value));
}

const Tensor& scatter_add_(const Tensor& self, int64_t dim, const Tensor& index,
                           const Tensor& src) {
  return scattered_into("scatter_add_", true, self, dim, index, src);
}

}  // namespace mt
