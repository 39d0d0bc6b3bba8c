// Order, repetition, padding and diagonals: see rearrange.h.
#include "ops/rearrange.h"

#include <algorithm>

#include "ops/creation.h"
#include "ops/index.h"
#include "ops/rules.h"

namespace mt {
namespace {

// A copy for results that would share memory with self.
Tensor apart(const Tensor& self, const Tensor& result) {
  return result.storage() == self.storage() ? clone(result) : result;
}

}  // namespace

Tensor flip(const Tensor& self, IntSpan dims) {
  check_defined("flip", "self", self);
  const uint64_t mask = dims.empty() ? 0 : dim_mask("flip", dims, self.dim());
  Tensor out = unrecorded([&] {
    Tensor r = self;
    for (int d = 0; d < self.dim(); ++d) {
      const int64_t n = self.size(d);
      if (mask >> d & 1 && n > 1) {
        r = index_select(r, d, arange(n - 1, int64_t{-1}, int64_t{-1}, {}, self.device()));
      }
    }
    return apart(self, r);
  });
  if (recording(self)) {
    record_light("FlipBackward0", out, {&self},
                 [kept = Dims(dims)](const GradIn& g) -> Grads { return {flip(g[0], kept)}; });
  }
  return out;
}

Tensor fliplr(const Tensor& self) {
  check_defined("fliplr", "self", self);
  if (self.dim() < 2) {
    fail(Status::kShape, "fliplr: too few dims: tensor of shape ", shape_string(self.sizes()),
         ": at least 2 dims are needed");
  }
  return flip(self, Dims{1});
}

Tensor flipud(const Tensor& self) {
  check_defined("flipud", "self", self);
  if (self.dim() < 1) {
    fail(Status::kShape, "flipud: too few dims: tensor of shape (): at least 1 dim is needed");
  }
  return flip(self, Dims{0});
}

Tensor roll(const Tensor& self, IntSpan shifts, IntSpan dims) {
  check_defined("roll", "self", self);
  if (shifts.empty() || (!dims.empty() && dims.size() != shifts.size()) ||
      (dims.empty() && shifts.size() != 1)) {
    fail(Status::kInvalidArgument, "roll: length mismatch: ", shifts.size(), " shifts, ",
         dims.size(), " dims: there must be one shift per dim, or one shift and no dims");
  }
  if (dims.empty()) {
    return reshape(roll(reshape(self, Dims{self.numel()}), shifts, Dims{0}), self.sizes());
  }
  if (self.dim() == 0) {
    fail(Status::kIndex, "roll: no dims: tensor of shape (): at least one dim is needed");
  }
  Tensor out = unrecorded([&] {
    Tensor r = self;
    for (size_t i = 0; i < dims.size(); ++i) {
      const int d = wrap_dim("roll", dims[i], self.dim());
      const int64_t n = self.size(d);
      if (n == 0) continue;
      const int64_t s = (shifts[i] % n + n) % n;
      if (s == 0) continue;
      const Tensor parts[] = {narrow(r, d, n - s, s), narrow(r, d, 0, n - s)};
      r = cat(Tensors(parts), d);
    }
    return apart(self, r);
  });
  if (recording(self)) {
    Dims back(shifts);
    for (int64_t& s : back) s = s == INT64_MIN ? s : -s;
    record_light(
        "RollBackward0", out, {&self},
        [back, kept = Dims(dims)](const GradIn& g) -> Grads { return {roll(g[0], back, kept)}; });
  }
  return out;
}

Tensor rot90(const Tensor& self, int64_t k, IntSpan dims) {
  check_defined("rot90", "self", self);
  if (dims.size() != 2 || self.dim() < 2) {
    fail(Status::kInvalidArgument, "rot90: wrong number of dims: ", dims.size(), " for a ",
         self.dim(), "-dim tensor: two dims of a tensor with at least 2 are needed");
  }
  dim_mask("rot90", dims, self.dim());  // refuses equal ones
  switch ((k % 4 + 4) % 4) {
    case 1:
      return transpose(flip(self, Dims{dims[1]}), dims[0], dims[1]);
    case 2:
      return flip(self, dims);
    case 3:
      return transpose(flip(self, Dims{dims[0]}), dims[0], dims[1]);
    default:
      return clone(self);
  }
}

Tensor repeat(const Tensor& self, IntSpan repeats) {
  check_defined("repeat", "self", self);
  const int n = static_cast<int>(repeats.size()), lead = n - self.dim();
  if (lead < 0) {
    fail(Status::kShape, "repeat: too few repeats: ", n, " for a tensor of shape ",
         shape_string(self.sizes()), ": there must be one per dim; use tile");
  }
  Dims once, many, target;
  for (int i = 0; i < n; ++i) {
    const int64_t times = repeats[static_cast<size_t>(i)];
    const int64_t size = i < lead ? 1 : self.size(i - lead);
    if (times < 0) {
      fail(Status::kInvalidArgument, "repeat: negative repeat: ", times, " at dim ", i,
           ": every one must be >= 0");
    }
    int64_t total = 0;
    if (__builtin_mul_overflow(size, times, &total)) checked_numel("repeat", Dims{size, times});
    target.push_back(total);
    if (times != 1) {  // a dim of its own to be expanded
      once.push_back(1);
      many.push_back(times);
    }
    once.push_back(size);
    many.push_back(size);
  }
  checked_numel("repeat", target);
  if (once.size() > kMaxDims) {
    fail(Status::kShape, "repeat: too many dims: ", n, ": at most 32 can be repeated");
  }
  return reshape(apart(self, contiguous(expand(reshape(self, once), many))), target);
}

Tensor tile(const Tensor& self, IntSpan repeats) {
  check_defined("tile", "self", self);
  Dims all(repeats);
  while (all.size() < self.dim()) all.insert(0, 1);
  return repeat(self, all);
}

Tensor repeat_interleave_indices(const Tensor& repeats) {
  check_defined("repeat_interleave", "repeats", repeats);
  if (repeats.dim() != 1) {
    fail(Status::kShape, "repeat_interleave: wrong shape: repeats of shape ",
         shape_string(repeats.sizes()), ": must be 1-dim");
  }
  if (repeats.dtype() != DType::kInt64 && repeats.dtype() != DType::kInt32) {
    fail(Status::kDType, "repeat_interleave: dtype mismatch: repeats is ",
         dtype_name(repeats.dtype()), ": must be int64 or int32; convert with mt_tensor_to_dtype");
  }
  if (repeats.is_meta()) {
    fail(Status::kDevice, "repeat_interleave: no data: repeats on meta: a meta tensor has no ",
         "values to repeat by");
  }
  const Tensor counts = contiguous_values(converted(repeats, DType::kInt64));
  const auto* const count = counts.data_as<int64_t>();
  int64_t total = 0;
  for (int64_t i = 0; i < counts.numel(); ++i) {
    if (count[i] < 0) {
      fail(Status::kInvalidArgument, "repeat_interleave: negative repeat: ", count[i], " at ", i,
           ": every one must be >= 0");
    }
    if (__builtin_add_overflow(total, count[i], &total)) total = INT64_MAX;
  }
  Tensor out = Tensor::empty(Dims{total}, DType::kInt64, Device::kCPU, "repeat_interleave");
  auto* to = out.data_as<int64_t>();
  for (int64_t i = 0; i < counts.numel(); ++i) to = std::fill_n(to, count[i], i);
  return out;
}

Tensor repeat_interleave(const Tensor& self, const Tensor& repeats, std::optional<int64_t> dim) {
  check_defined("repeat_interleave", "self", self);
  check_defined("repeat_interleave", "repeats", repeats);
  if (!dim || self.dim() == 0) {
    if (dim) wrap_dim("repeat_interleave", *dim, 0);
    if (!dim || self.dim() != 1) {
      return repeat_interleave(reshape(self, Dims{self.numel()}), repeats, 0);
    }
  }
  const int d = wrap_dim("repeat_interleave", *dim, self.dim());
  Tensor counts = repeats;
  if (repeats.dim() == 0 || (repeats.dim() == 1 && repeats.size(0) == 1)) {
    counts = expand(reshape(repeats.alias(), Dims{1}), Dims{self.size(d)});
  } else if (repeats.dim() == 1 && repeats.size(0) != self.size(d)) {
    fail(Status::kShape, "repeat_interleave: length mismatch: ", repeats.size(0), " repeats, size ",
         self.size(d), " at dim ", d, ": there must be one per element");
  }
  return index_select(self, d, to_device(repeat_interleave_indices(counts), self.device()));
}

Tensor constant_pad_nd(const Tensor& self, IntSpan pad, Scalar value) {
  check_defined("constant_pad_nd", "self", self);
  const int n = self.dim(), pairs = static_cast<int>(pad.size() / 2);
  if (pad.size() % 2 != 0 || pairs > n) {
    fail(Status::kInvalidArgument, "constant_pad_nd: wrong number of pads: ", pad.size(), " for a ",
         n, "-dim tensor: a pair for each of the last dims is needed");
  }
  Dims sizes = self.sizes();
  for (int i = 0; i < pairs; ++i) {
    const int64_t before = pad[static_cast<size_t>(2 * i)];
    const int64_t after = pad[static_cast<size_t>(2 * i + 1)];
    const int d = n - 1 - i;
    if (__builtin_add_overflow(sizes[d], before, &sizes[d]) ||
        __builtin_add_overflow(sizes[d], after, &sizes[d]) || sizes[d] < 0) {
      fail(Status::kShape, "constant_pad_nd: size out of range: size ", self.size(d), " at dim ", d,
           " with pads ", before, " and ", after, ": the result's size must be >= 0");
    }
  }
  checked_numel("constant_pad_nd", sizes);
  Tensor out = Tensor::empty(sizes, self.dtype(), self.device(), "constant_pad_nd");
  unrecorded([&] {
    fill_values(out, value);
    Tensor from = self, part = out;
    for (int i = 0; i < pairs; ++i) {
      const int64_t before = pad[static_cast<size_t>(2 * i)];
      const int d = n - 1 - i;
      // Where the kept elements start, and how many there are.
      const int64_t n_in = self.size(d);
      const int64_t first = before >= 0 ? 0 : before <= -n_in ? n_in : -before;
      const int64_t kept =
          first == n_in ? 0 : std::max<int64_t>(0, std::min(n_in, sizes[d] - before) - first);
      from = narrow(from, d, first, kept);
      part = narrow(part, d, kept == 0 ? 0 : first + before, kept);
    }
    copy_values(part, from);
    return out;
  });
  if (recording(self)) {
    Dims back(pad);
    for (int64_t& p : back) p = -p;
    record_light("ConstantPadNdBackward0", out, {&self},
                 [back](const GradIn& g) -> Grads { return {constant_pad_nd(g[0], back, 0)}; });
  }
  return out;
}

Tensor diag_embed(const Tensor& self, int64_t offset, int64_t dim1, int64_t dim2) {
  check_defined("diag_embed", "self", self);
  if (self.dim() == 0) {
    fail(Status::kIndex, "diag_embed: no dims: tensor of shape (): at least one dim is needed");
  }
  const int n = self.dim() + 1;
  const int a = wrap_dim("diag_embed", dim1, n), b = wrap_dim("diag_embed", dim2, n);
  if (a == b) {
    fail(Status::kInvalidArgument, "diag_embed: repeated dim: dims ", dim1, " and ", dim2,
         ": the two dims must differ");
  }
  Dims sizes = self.sizes();
  int64_t side = sizes.back();
  const int64_t shift = offset < 0 ? (offset == INT64_MIN ? INT64_MAX : -offset) : offset;
  if (__builtin_add_overflow(side, shift, &side)) side = INT64_MAX;
  sizes.resize(n - 2);
  sizes.insert(std::min(a, b), side);
  sizes.insert(std::max(a, b), side);
  checked_numel("diag_embed", sizes);
  Tensor out = Tensor::empty(sizes, self.dtype(), self.device(), "diag_embed");
  fill_values(out, 0);
  unrecorded([&] {
    copy_values(diagonal(out, offset, a, b), self);
    return out;
  });
  if (recording(self)) {
    record_light("DiagEmbedBackward0", out, {&self}, [offset, a, b](const GradIn& g) -> Grads {
      return {diagonal(g[0], offset, a, b)};
    });
  }
  return out;
}

Tensor diag(const Tensor& self, int64_t diagonal_offset) {
  check_defined("diag", "self", self);
  if (self.dim() == 1) return diag_embed(self, diagonal_offset);
  if (self.dim() != 2) {
    fail(Status::kShape, "diag: wrong number of dims: tensor of shape ", shape_string(self.sizes()),
         ": 1 or 2 dims are needed; use diagonal or diag_embed");
  }
  return clone(diagonal(self, diagonal_offset));
}

Tensor diagflat(const Tensor& self, int64_t offset) {
  check_defined("diagflat", "self", self);
  return diag_embed(reshape(self, Dims{self.numel()}), offset);
}

namespace {

// Row by row, the columns [from(row), to(row)) as (2, n).
Tensor triangle(std::string_view op, int64_t row, int64_t col, int64_t offset, bool lower,
                DType dtype, Device device) {
  if (row < 0 || col < 0) {
    fail(Status::kInvalidArgument, op, ": negative size: ", row, " rows, ", col,
         " columns: both must be >= 0");
  }
  checked_numel(op, Dims{row, col});
  offset = std::clamp<int64_t>(offset, -row, col);
  const auto edge = [&](int64_t i) {  // the column behind the diagonal (lower) or on it (upper)
    return std::clamp<int64_t>(i + offset + (lower ? 1 : 0), 0, col);
  };
  // edge(i) is 0 before row `first`, col from row `last` on, and grows by one between them.
  const int64_t shift = offset + (lower ? 1 : 0);
  const int64_t first = std::clamp<int64_t>(-shift, 0, row);
  const int64_t last = std::clamp<int64_t>(col - shift, first, row);
  const int64_t count = last - first, ends = first + last - 1 + 2 * shift;
  const int64_t under = (count % 2 == 0 ? count / 2 * ends : ends / 2 * count) + (row - last) * col;
  const int64_t n = lower ? under : row * col - under;
  if (device == Device::kMeta) return Tensor::empty(Dims{2, n}, dtype, device, op);
  Tensor out = Tensor::empty(Dims{2, n}, DType::kInt64, device, op);
  auto* rows = out.data_as<int64_t>();
  auto* columns = rows + n;
  // Only the rows that have elements.
  const int64_t begin = lower ? first : 0, end = n == 0 ? begin : lower ? row : last;
  for (int64_t i = begin; i < end; ++i) {
    for (int64_t j = lower ? 0 : edge(i); j < (lower ? edge(i) : col); ++j) {
      *rows++ = i;
      *columns++ = j;
    }
  }
  return converted(out, dtype);
}

}  // namespace

Tensor tril_indices(int64_t row, int64_t col, int64_t offset, DType dtype, Device device) {
  return triangle("tril_indices", row, col, offset, true, dtype, device);
}

Tensor triu_indices(int64_t row, int64_t col, int64_t offset, DType dtype, Device device) {
  return triangle("triu_indices", row, col, offset, false, dtype, device);
}

Tensor empty_strided(IntSpan sizes, IntSpan strides, DType dtype, Device device) {
  if (sizes.size() != strides.size()) {
    fail(Status::kShape, "empty_strided: length mismatch: ", sizes.size(), " sizes, ",
         strides.size(), " strides: there must be one stride per size");
  }
  int64_t room = checked_numel("empty_strided", sizes) > 0 ? 1 : 0;
  for (size_t d = 0; d < sizes.size() && room > 0; ++d) {
    int64_t reach = 0;
    if (strides[d] < 0 || __builtin_mul_overflow(sizes[d] - 1, strides[d], &reach) ||
        __builtin_add_overflow(room, reach, &room)) {
      fail(Status::kInvalidArgument, "empty_strided: stride out of range: ", strides[d], " at dim ",
           d, ": must be >= 0, and the whole must fit in memory");
    }
  }
  const Tensor buffer = Tensor::empty(Dims{room}, dtype, device, "empty_strided");
  return buffer.alias(sizes, strides, 0);
}

const Tensor& resize_(const Tensor& self, IntSpan sizes) {
  check_defined("resize_", "self", self);
  if (self.requires_grad()) {
    fail(Status::kAutograd, "resize_: requires grad: a tensor with a gradient: its shape cannot ",
         "change in place; use detach first");
  }
  for (int64_t s : sizes) {
    if (s < 0) {
      fail(Status::kShape, "resize_: negative size: shape ", shape_string(sizes),
           ": every size must be >= 0");
    }
  }
  const int64_t n = checked_numel("resize_", sizes);
  TensorImpl& t = *self.impl();
  const size_t size = dtype_size(self.dtype());
  const auto offset = static_cast<size_t>(self.offset());
  const size_t bytes = (offset + static_cast<size_t>(n)) * size;
  if (bytes > self.storage()->bytes() && n > 0) {
    Tensor grown = Tensor::empty(Dims{static_cast<int64_t>(offset) + n}, self.dtype(),
                                 self.device(), "resize_");
    const auto old = static_cast<int64_t>(self.storage()->bytes() / size);
    if (old > 0 && !self.is_meta()) {
      copy_values(grown.alias(Dims{old}, Dims{1}, 0), self.alias(Dims{old}, Dims{1}, 0));
    }
    t.storage = grown.storage();
  }
  t.sizes = Dims(sizes);
  t.strides = contiguous_strides(sizes);
  t.numel = n;
  t.contiguous = true;
  mark_written(self);
  return self;
}

}  // namespace mt
