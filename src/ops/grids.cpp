// Parts written into copies, lists of tensors as grids and blocks, and uneven splits: see
// rearrange.h. All are made of recorded ops, which give their gradients.
#include <algorithm>

#include "ops/creation.h"
#include "ops/index.h"
#include "ops/rearrange.h"
#include "ops/rules.h"

namespace mt {
namespace {

// A copy of self in which the view that `part` takes is src.
template <class Part>
Tensor with_part(std::string_view op, const Tensor& self, const Tensor& src, Part&& part) {
  check_defined(op, "self", self);
  check_defined(op, "src", src);
  check_devices(op, {&self, &src});
  Tensor out = clone(self);
  const Tensor place = part(out);
  if (!(place.sizes() == src.sizes())) {
    fail(Status::kShape, op, ": shape mismatch: src ", shape_string(src.sizes()), ", part ",
         shape_string(place.sizes()), ": src must have the shape of the part it replaces");
  }
  copy_(place, src);
  return out;
}

void check_list(std::string_view op, Tensors tensors) {
  if (tensors.empty()) {
    fail(Status::kInvalidArgument, op, ": no tensors: 0 given: at least one is needed");
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!tensors[i].defined()) {
      fail(Status::kNullArgument, op, ": missing argument: tensor ", i,
           " is null: a tensor is required");
    }
  }
}

}  // namespace

Tensor select_scatter(const Tensor& self, const Tensor& src, int64_t dim, int64_t index) {
  return with_part("select_scatter", self, src,
                   [&](const Tensor& t) { return select(t, dim, index); });
}

Tensor slice_scatter(const Tensor& self, const Tensor& src, int64_t dim,
                     std::optional<int64_t> start, std::optional<int64_t> end, int64_t step) {
  return with_part("slice_scatter", self, src,
                   [&](const Tensor& t) { return slice(t, dim, start, end, step); });
}

Tensor diagonal_scatter(const Tensor& self, const Tensor& src, int64_t offset, int64_t dim1,
                        int64_t dim2) {
  return with_part("diagonal_scatter", self, src,
                   [&](const Tensor& t) { return diagonal(t, offset, dim1, dim2); });
}

Tensor as_strided_scatter(const Tensor& self, const Tensor& src, IntSpan sizes, IntSpan strides,
                          std::optional<int64_t> offset) {
  return with_part("as_strided_scatter", self, src,
                   [&](const Tensor& t) { return as_strided(t, sizes, strides, offset); });
}

Tensor narrow_copy(const Tensor& self, int64_t dim, int64_t start, int64_t length) {
  return clone(narrow(self, dim, start, length));
}

Tensor atleast_1d(const Tensor& self) {
  check_defined("atleast_1d", "self", self);
  return self.dim() == 0 ? reshape(self, Dims{1}) : self;
}

Tensor atleast_2d(const Tensor& self) {
  check_defined("atleast_2d", "self", self);
  if (self.dim() == 0) return reshape(self, Dims{1, 1});
  return self.dim() == 1 ? unsqueeze(self, 0) : self;
}

Tensor atleast_3d(const Tensor& self) {
  check_defined("atleast_3d", "self", self);
  if (self.dim() == 0) return reshape(self, Dims{1, 1, 1});
  if (self.dim() == 1) return unsqueeze(unsqueeze(self, 0), -1);
  return self.dim() == 2 ? unsqueeze(self, -1) : self;
}

TensorList broadcast_tensors(Tensors tensors) {
  TensorList out;
  if (tensors.empty()) return out;
  check_list("broadcast_tensors", tensors);
  Dims sizes;
  for (const Tensor& t : tensors) sizes = broadcast_shapes("broadcast_tensors", sizes, t.sizes());
  for (const Tensor& t : tensors) out.push_back(expand(t, sizes));
  return out;
}

TensorList meshgrid(Tensors tensors, std::string_view indexing) {
  check_list("meshgrid", tensors);
  if (indexing != "ij" && indexing != "xy") {
    fail(Status::kInvalidArgument, "meshgrid: unknown indexing: '", indexing,
         "': must be 'ij' or 'xy'");
  }
  const int n = static_cast<int>(tensors.size());
  if (n > kMaxDims) {
    fail(Status::kInvalidArgument, "meshgrid: too many tensors: ", n, ": at most ", kMaxDims);
  }
  Dims sizes;
  for (const Tensor& t : tensors) {
    if (t.dim() > 1) {
      fail(Status::kShape, "meshgrid: too many dims: tensor of shape ", shape_string(t.sizes()),
           ": every tensor must have 0 or 1 dims");
    }
    check_same_dtype("meshgrid", "the first tensor", tensors[0], "another", t);
    sizes.push_back(t.numel());
  }
  const bool swapped = indexing == "xy" && n >= 2;
  if (swapped) std::swap(sizes[0], sizes[1]);
  TensorList out;
  for (int i = 0; i < n; ++i) {
    Dims shape(n, 1);
    shape[swapped && i < 2 ? 1 - i : i] = -1;
    const Tensor& t = tensors[static_cast<size_t>(i)];
    if (t.numel() == 0) shape[swapped && i < 2 ? 1 - i : i] = 0;
    out.push_back(expand(reshape(t, shape), sizes));
  }
  return out;
}

Tensor cartesian_prod(Tensors tensors) {
  check_list("cartesian_prod", tensors);
  for (const Tensor& t : tensors) {
    if (t.dim() != 1) {
      fail(Status::kShape, "cartesian_prod: wrong number of dims: tensor of shape ",
           shape_string(t.sizes()), ": every tensor must have 1 dim");
    }
  }
  if (tensors.size() == 1) return tensors[0];
  TensorList columns;
  for (const Tensor& grid : meshgrid(tensors)) {
    columns.push_back(reshape(grid, Dims{grid.numel()}));
  }
  return stack(columns, 1);
}

Tensor combinations(const Tensor& self, int64_t r, bool with_replacement) {
  check_defined("combinations", "self", self);
  if (self.dim() != 1 || r < 0) {
    fail(Status::kInvalidArgument, "combinations: wrong input: shape ", shape_string(self.sizes()),
         ", r ", r, ": a 1-dim tensor and r >= 0 are needed");
  }
  if (r == 0) return Tensor::empty(Dims{0}, self.dtype(), self.device());
  if (r > INT32_MAX) checked_numel("combinations", Dims{INT64_MAX, r});
  const int64_t n = self.size(0), pool = with_replacement ? n + r - 1 : n;
  // Binomial coefficient (pool over r), stopping where it leaves int64.
  int64_t count = n > 0 && pool >= r ? 1 : 0;
  for (int64_t i = 1; i <= r && count > 0; ++i) {
    int64_t next = 0;
    if (__builtin_mul_overflow(count, pool - r + i, &next)) {
      count = INT64_MAX / 2;
      break;
    }
    count = next / i;
  }
  checked_numel("combinations", Dims{count, r});
  Tensor places = Tensor::empty(Dims{count * r}, DType::kInt64, Device::kCPU, "combinations");
  auto* to = places.data_as<int64_t>();
  // Every row is the one before with its last growable place moved on.
  const int64_t step = with_replacement ? 0 : 1;
  for (int64_t row = 0; row < count; ++row, to += r) {
    if (row == 0) {
      for (int64_t j = 0; j < r; ++j) to[j] = j * step;
      continue;
    }
    std::copy(to - r, to, to);
    int64_t j = r - 1;
    while (to[j] == n - 1 - (r - 1 - j) * step) --j;
    ++to[j];
    for (int64_t k = j + 1; k < r; ++k) to[k] = to[k - 1] + step;
  }
  return reshape(index_select(self, 0, to_device(places, self.device())), Dims{count, r});
}

Tensor block_diag(Tensors tensors) {
  if (tensors.empty()) return Tensor::empty(Dims{1, 0});
  check_list("block_diag", tensors);
  int64_t columns = 0, before = 0;
  TensorList blocks;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& t = tensors[i];
    if (t.dim() > 2) {
      fail(Status::kShape, "block_diag: too many dims: tensor ", i, " of shape ",
           shape_string(t.sizes()), ": every tensor must have at most 2 dims");
    }
    blocks.push_back(atleast_2d(t));
    columns += blocks.back().size(1);
  }
  TensorList rows;
  for (const Tensor& t : blocks) {
    rows.push_back(constant_pad_nd(t, Dims{before, columns - before - t.size(1)}, 0));
    before += t.size(1);
  }
  return cat(rows, 0);
}

Tensor dstack(Tensors tensors) {
  check_list("dstack", tensors);
  TensorList parts;
  for (const Tensor& t : tensors) parts.push_back(atleast_3d(t));
  return cat(parts, 2);
}

Tensor column_stack(Tensors tensors) {
  check_list("column_stack", tensors);
  TensorList parts;
  for (const Tensor& t : tensors) {
    parts.push_back(t.dim() <= 1 ? reshape(t, Dims{t.numel(), 1}) : t);
  }
  return cat(parts, 1);
}

namespace {

int split_dim(const Tensor& self, int64_t dim) {
  check_defined("tensor_split", "self", self);
  if (self.dim() == 0) {
    fail(Status::kIndex, "tensor_split: no dims: tensor of shape (): at least one is needed");
  }
  return wrap_dim("tensor_split", dim, self.dim());
}

}  // namespace

TensorList tensor_split(const Tensor& self, int64_t sections, int64_t dim) {
  const int d = split_dim(self, dim);
  if (sections <= 0 || sections > (int64_t{1} << 24)) {
    fail(Status::kInvalidArgument, "tensor_split: sections out of range: ", sections,
         ": must be in [1, 2^24]");
  }
  constexpr int64_t kMost = int64_t{1} << 24;  // handles; the sizes of a list, not of data
  if (sections > std::max(self.size(d), kMost)) {
    fail(Status::kInvalidArgument, "tensor_split: sections out of range: ", sections, " of ",
         self.size(d), " elements: must be <= ", kMost);
  }
  const int64_t n = self.size(d), least = n / sections, longer = n % sections;
  TensorList out;
  int64_t at = 0;
  for (int64_t i = 0; i < sections; ++i) {
    const int64_t length = least + (i < longer ? 1 : 0);
    out.push_back(narrow(self, d, at, length));
    at += length;
  }
  return out;
}

TensorList tensor_split(const Tensor& self, IntSpan indices, int64_t dim) {
  const int d = split_dim(self, dim);
  TensorList out;
  int64_t at = 0;
  for (int64_t end : indices) {
    out.push_back(slice(self, d, at, end));
    at = end;
  }
  out.push_back(slice(self, d, at, {}));
  return out;
}

}  // namespace mt
