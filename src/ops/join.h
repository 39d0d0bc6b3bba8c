// Joining tensors and cutting them into views. Dims may be negative.
#pragma once

#include <span>

#include "core/small_vector.h"
#include "core/tensor.h"

namespace mt {

using TensorList = SmallVector<Tensor, 4>;

// Along an existing dim; the other sizes must be equal. dtypes are promoted. 1-D tensors without
// elements are skipped whatever the other shapes (PyTorch's legacy rule).
Tensor cat(std::span<const Tensor> tensors, int64_t dim = 0);
// Along a new dim; all shapes must be equal.
Tensor stack(std::span<const Tensor> tensors, int64_t dim = 0);
Tensor hstack(std::span<const Tensor> tensors);  // along dim 1, or 0 of 1-D tensors
Tensor vstack(std::span<const Tensor> tensors);  // along dim 0 of tensors made at least 2-D

// Views of self. split: pieces of split_size, the last may be smaller. chunk: at most `chunks`
// pieces of equal size, the last may be smaller. unbind: every select(dim, i).
TensorList split(const Tensor& self, int64_t split_size, int64_t dim = 0);
TensorList split_with_sizes(const Tensor& self, IntSpan sizes, int64_t dim = 0);
TensorList chunk(const Tensor& self, int64_t chunks, int64_t dim = 0);
TensorList unbind(const Tensor& self, int64_t dim = 0);

}  // namespace mt
