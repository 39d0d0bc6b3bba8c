// Filled tensors, eye, tril and triu: see creation.h. Number ranges are in range.cpp.
#include "ops/creation.h"

#include <algorithm>
#include <cstring>

#include "ops/common.h"
#include "ops/view.h"

namespace mt {
namespace {

Tensor filled(std::string_view op, IntSpan sizes, Scalar value, DType dtype, Device device) {
  Tensor out = Tensor::empty(sizes, dtype, device, op);
  fill_values(out, value);
  return out;
}

// self with zeros outside of the triangle. Row i keeps columns [0, i + diagonal] for tril and
// [i + diagonal, columns) for triu.
Tensor triangle(std::string_view op, const Tensor& self, int64_t diagonal, bool lower) {
  check_defined(op, "self", self);
  if (self.dim() < 2) {
    fail(Status::kShape, op, ": too few dims: tensor of shape ", shape_string(self.sizes()),
         ": at least 2 dims are needed");
  }
  Tensor out = Tensor::empty_like(self);
  if (out.is_meta() || out.numel() == 0) return out;
  const Tensor in = contiguous_values(self);
  const int64_t rows = self.size(self.dim() - 2), columns = self.size(self.dim() - 1);
  const auto bytes = dtype_size(self.dtype());
  const int64_t limit = std::clamp(diagonal, -rows - 1, columns + 1);
  const auto* from = static_cast<const char*>(in.data());
  auto* to = static_cast<char*>(out.data());
  for (int64_t row = 0; row < self.numel() / columns; ++row) {
    const int64_t i = row % rows;
    const int64_t edge = std::clamp<int64_t>(i + limit + lower, 0, columns);
    const auto head = static_cast<size_t>(edge) * bytes;
    const auto all = static_cast<size_t>(columns) * bytes;
    if (lower) {
      std::memcpy(to, from, head);
      std::memset(to + head, 0, all - head);
    } else {
      std::memset(to, 0, head);
      std::memcpy(to + head, from + head, all - head);
    }
    from += all;
    to += all;
  }
  return out;
}

}  // namespace

Tensor empty(IntSpan sizes, DType dtype, Device device) {
  return Tensor::empty(sizes, dtype, device);
}

Tensor zeros(IntSpan sizes, DType dtype, Device device) {
  Tensor out = Tensor::empty(sizes, dtype, device, "zeros");
  if (void* data = out.data(); data && out.numel() > 0) std::memset(data, 0, out.bytes());
  return out;
}

Tensor ones(IntSpan sizes, DType dtype, Device device) {
  return filled("ones", sizes, 1, dtype, device);
}

Tensor full(IntSpan sizes, Scalar value, std::optional<DType> dtype, Device device) {
  const DType t = dtype ? *dtype : value.is_float() ? default_dtype() : value.dtype();
  check_value_fits("full", value, t);
  Tensor out = Tensor::empty(sizes, t, device, "full");
  fill_(out, value);
  return out;
}

Tensor empty_like(const Tensor& self, std::optional<DType> dtype, std::optional<Device> device) {
  check_defined("empty_like", "self", self);
  const DType t = dtype.value_or(self.dtype());
  const Device d = device.value_or(self.device());
  if (self.is_contiguous()) return Tensor::empty(self.sizes(), t, d);
  return Tensor::empty_strided(self.sizes(), dense_strides(self), t, d);
}

Tensor zeros_like(const Tensor& self, std::optional<DType> dtype, std::optional<Device> device) {
  return full_like(self, 0, dtype, device);
}

Tensor ones_like(const Tensor& self, std::optional<DType> dtype, std::optional<Device> device) {
  return full_like(self, 1, dtype, device);
}

Tensor full_like(const Tensor& self, Scalar value, std::optional<DType> dtype,
                 std::optional<Device> device) {
  Tensor out = empty_like(self, dtype, device);
  fill_(out, value);
  return out;
}

Tensor eye(int64_t n, std::optional<int64_t> m, DType dtype, Device device) {
  const int64_t columns = m.value_or(n);
  if (n < 0 || columns < 0) {
    fail(Status::kInvalidArgument, "eye: negative size: n ", n, ", m ", columns,
         ": both must be >= 0");
  }
  Tensor out = zeros(Dims{n, columns}, dtype, device);
  const Tensor diagonal = out.alias(Dims{std::min(n, columns)}, Dims{columns + 1}, 0);
  fill_values(diagonal, 1);
  return out;
}

Tensor tril(const Tensor& self, int64_t diagonal) {
  Tensor out = triangle("tril", self, diagonal, true);
  if (recording(self)) {
    record_light("TrilBackward0", out, {&self},
                 [diagonal](const GradIn& g) -> Grads { return {tril(g[0], diagonal)}; });
  }
  return out;
}

Tensor triu(const Tensor& self, int64_t diagonal) {
  Tensor out = triangle("triu", self, diagonal, false);
  if (recording(self)) {
    record_light("TriuBackward0", out, {&self},
                 [diagonal](const GradIn& g) -> Grads { return {triu(g[0], diagonal)}; });
  }
  return out;
}

const Tensor& tril_(const Tensor& self, int64_t diagonal) {
  return inplace(
      "tril_", self, recording(self), false,
      [&](const Tensor& out) { copy_values(out, triangle("tril_", self, diagonal, true)); },
      [&](const Tensor& before) { return tril(before, diagonal); });
}

const Tensor& triu_(const Tensor& self, int64_t diagonal) {
  return inplace(
      "triu_", self, recording(self), false,
      [&](const Tensor& out) { copy_values(out, triangle("triu_", self, diagonal, false)); },
      [&](const Tensor& before) { return triu(before, diagonal); });
}

const Tensor& fill_diagonal_(const Tensor& self, const Tensor& value, bool wrap) {
  check_defined("fill_diagonal_", "self", self);
  check_defined("fill_diagonal_", "value", value);
  bool equal = true;
  for (const int64_t n : self.sizes()) equal = equal && n == self.size(0);
  if (self.dim() < 2 || (self.dim() > 2 && !equal)) {
    fail(Status::kShape, "fill_diagonal_: shape mismatch: self ", shape_string(self.sizes()),
         ": must have two dims, or more of one size");
  }
  if (self.numel() == 0) return self;
  const int64_t rows = self.size(0), columns = self.size(1);
  int64_t step = 0;
  for (const int64_t s : self.strides()) step += s;
  fill_(as_strided(self, Dims{std::min(rows, columns)}, Dims{step}, self.offset()), value);
  if (wrap && self.dim() == 2) {
    const int64_t down = self.strides()[0];
    for (int64_t row = columns + 1; row < rows; row += columns + 1) {
      fill_(as_strided(self, Dims{std::min(columns, rows - row)}, Dims{step},
                       self.offset() + row * down),
            value);
    }
  }
  return self;
}

}  // namespace mt
