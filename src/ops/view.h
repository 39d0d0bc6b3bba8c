// Views (no copy) and the copies that go with them. Dims may be negative, as in PyTorch. A view
// shares its source's storage, and in-place writes to either reach the other, gradients included.
// Every function takes any dtype and device; a dim out of range is kIndex.
#pragma once

#include <optional>

#include "core/tensor.h"

namespace mt {

// --- views ----------------------------------------------------------------------------------
// A view of self's storage at the given geometry; offset in elements from the start of storage
// (default: self's). Elements may overlap. kInvalidArgument when it reaches outside the storage.
Tensor as_strided(const Tensor& self, IntSpan sizes, IntSpan strides,
                  std::optional<int64_t> offset = {});
Tensor view(const Tensor& self, IntSpan sizes);     // kShape when it would need a copy
Tensor reshape(const Tensor& self, IntSpan sizes);  // view if possible, else a copy
Tensor permute(const Tensor& self, IntSpan dims);
Tensor transpose(const Tensor& self, int64_t dim0, int64_t dim1);  // swapaxes, swapdims
Tensor movedim(const Tensor& self, IntSpan source, IntSpan destination);
Tensor t(const Tensor& self);  // ndim <= 2
Tensor squeeze(const Tensor& self);
Tensor squeeze(const Tensor& self, int64_t dim);
Tensor unsqueeze(const Tensor& self, int64_t dim);
Tensor expand(const Tensor& self, IntSpan sizes);  // -1 keeps a size; broadcast_to
Tensor flatten(const Tensor& self, int64_t start_dim = 0, int64_t end_dim = -1);
// Splits one dim into `sizes`, one of which may be -1.
Tensor unflatten(const Tensor& self, int64_t dim, IntSpan sizes);
Tensor select(const Tensor& self, int64_t dim, int64_t index);
// self[..., start:end:step, ...] with Python's clamping; step > 0.
Tensor slice(const Tensor& self, int64_t dim, std::optional<int64_t> start,
             std::optional<int64_t> end, int64_t step = 1);
Tensor narrow(const Tensor& self, int64_t dim, int64_t start, int64_t length);
// All windows of `size` along dim, `step` apart, as a new last dim.
Tensor unfold(const Tensor& self, int64_t dim, int64_t size, int64_t step);
// The diagonal of dims dim1 and dim2 as a new last dim; offset > 0 is above the main one.
Tensor diagonal(const Tensor& self, int64_t offset = 0, int64_t dim1 = 0, int64_t dim2 = 1);

// --- copies ---------------------------------------------------------------------------------
Tensor contiguous(const Tensor& self);  // self when it is
Tensor clone(const Tensor& self);       // keeps dense strides
// self itself when dtype or device are its own already, unless copy.
Tensor to(const Tensor& self, DType dtype, bool copy = false);
Tensor to_device(const Tensor& self, Device device, bool copy = false);
// Broadcasts and converts `from` into self. Its gradient goes to `from`.
const Tensor& copy_(const Tensor& self, const Tensor& from);
// kInvalidArgument when the value is out of the dtype's range.
const Tensor& fill_(const Tensor& self, Scalar value);
const Tensor& fill_(const Tensor& self, const Tensor& value);  // of a 0-dim tensor
const Tensor& zero_(const Tensor& self);
// Sums over what broadcasting expanded, so that the result has the given shape.
Tensor sum_to_size(const Tensor& self, IntSpan sizes);

// --- for other ops --------------------------------------------------------------------------
// Zeros of the given shape with g at positions start, start + step, ... of dim: the gradient of
// slice. Differentiable.
Tensor slice_backward(const Tensor& g, IntSpan sizes, int dim, int64_t start, int64_t step);
// Strides of a dense tensor of t's shape with its dims in t's memory order (torch.preserve_format).
Dims dense_strides(const Tensor& t);
// kInvalidArgument when a number does not fit into dtype; nan, inf and negatives of small unsigned
// integers follow torch.full.
void check_value_fits(std::string_view op, Scalar value, DType dtype);

}  // namespace mt
