// New tensors from sizes and numbers. dtype defaults to default_dtype() unless said otherwise; the
// *_like forms take self's shape, memory order, dtype and device unless given others. Values equal
// PyTorch's to the last bit.
#pragma once

#include <optional>

#include "core/tensor.h"

namespace mt {

Tensor empty(IntSpan sizes, DType dtype = default_dtype(), Device device = Device::kCPU);
Tensor zeros(IntSpan sizes, DType dtype = default_dtype(), Device device = Device::kCPU);
Tensor ones(IntSpan sizes, DType dtype = default_dtype(), Device device = Device::kCPU);
// dtype defaults to the number's: bool, int64 or the default dtype.
Tensor full(IntSpan sizes, Scalar value, std::optional<DType> dtype = {},
            Device device = Device::kCPU);

Tensor empty_like(const Tensor& self, std::optional<DType> dtype = {},
                  std::optional<Device> device = {});
Tensor zeros_like(const Tensor& self, std::optional<DType> dtype = {},
                  std::optional<Device> device = {});
Tensor ones_like(const Tensor& self, std::optional<DType> dtype = {},
                 std::optional<Device> device = {});
Tensor full_like(const Tensor& self, Scalar value, std::optional<DType> dtype = {},
                 std::optional<Device> device = {});

// start, start + step, ... while before end; dtype defaults to int64 when all are integers, else to
// the default dtype. kInvalidArgument when step is 0 or leads away from end.
Tensor arange(Scalar start, Scalar end, Scalar step = 1, std::optional<DType> dtype = {},
              Device device = Device::kCPU);
inline Tensor arange(Scalar end, std::optional<DType> dtype = {}, Device device = Device::kCPU) {
  return arange(0, end, 1, dtype, device);
}
// `steps` values from start to end, both included; the second half counts back from end.
Tensor linspace(Scalar start, Scalar end, int64_t steps, DType dtype = default_dtype(),
                Device device = Device::kCPU);
// base ** linspace(start, end, steps)
Tensor logspace(Scalar start, Scalar end, int64_t steps, double base = 10,
                DType dtype = default_dtype(), Device device = Device::kCPU);
// (n, m) with ones on the diagonal; m defaults to n.
Tensor eye(int64_t n, std::optional<int64_t> m = {}, DType dtype = default_dtype(),
           Device device = Device::kCPU);

// self with zeros above (tril) or below (triu) the given diagonal of the last two dims.
Tensor tril(const Tensor& self, int64_t diagonal = 0);
Tensor triu(const Tensor& self, int64_t diagonal = 0);
const Tensor& tril_(const Tensor& self, int64_t diagonal = 0);
const Tensor& triu_(const Tensor& self, int64_t diagonal = 0);
// Writes `value`, 0-dim, where all indices are equal. wrap: the diagonal of a tall matrix begins
// anew after each square and a row between.
const Tensor& fill_diagonal_(const Tensor& self, const Tensor& value, bool wrap = false);

}  // namespace mt
