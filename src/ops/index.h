// Reading and writing by index tensors and masks. Index tensors are int64 (int32 too where said);
// masks are bool (uint8 too). An index out of range is kIndex and names index, dim and size;
// index() and index_put_() accept negative indices, the others do not (as in PyTorch). Of several
// writes to one place the last wins, or all add up where the op adds.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>

#include "core/tensor.h"

namespace mt {

// The kernels behind all of these read every tensor: unlike elsewhere, a 0-dim tensor of the host
// may not stand beside tensors of another device. kDevice otherwise.
void check_one_device(std::string_view op, std::initializer_list<const Tensor*> tensors);

// --- along one dim --------------------------------------------------------------------------
// out[.., j, ..] = self[.., index[j], ..]; index is 1-D (or 0-dim), int64 or int32.
Tensor index_select(const Tensor& self, int64_t dim, const Tensor& index);
// self[.., index[j], ..] += alpha * source[.., j, ..]; source has self's shape but along dim, and
// self's dtype.
Tensor index_add(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                 Scalar alpha = 1);
const Tensor& index_add_(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                         Scalar alpha = 1);
// out[i][j][k] = self[i][index[i][j][k]][k] for dim 1; index has as many dims as self and is no
// larger but along dim.
Tensor gather(const Tensor& self, int64_t dim, const Tensor& index);
// self[i][index[i][j][k]][k] = src[i][j][k], or += in scatter_add; src is at least as large as
// index and of self's dtype.
Tensor scatter(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src);
Tensor scatter(const Tensor& self, int64_t dim, const Tensor& index, Scalar value);
Tensor scatter_add(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src);
const Tensor& scatter_(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src);
const Tensor& scatter_(const Tensor& self, int64_t dim, const Tensor& index, Scalar value);
const Tensor& scatter_add_(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src);

// --- masks ----------------------------------------------------------------------------------
// self where the mask is false, value where it is true; self and mask broadcast (in place: the mask
// to self). The result has self's dtype. A tensor value must be 0-dim.
Tensor masked_fill(const Tensor& self, const Tensor& mask, Scalar value);
Tensor masked_fill(const Tensor& self, const Tensor& mask, const Tensor& value);
const Tensor& masked_fill_(const Tensor& self, const Tensor& mask, Scalar value);
const Tensor& masked_fill_(const Tensor& self, const Tensor& mask, const Tensor& value);
// 1-D: the values where the mask is true; both broadcast.
Tensor masked_select(const Tensor& self, const Tensor& mask);
// int64 (number of non-zeros, ndim): the indices of the elements that are not zero.
Tensor nonzero(const Tensor& self);

// --- NumPy's advanced indexing --------------------------------------------------------------
// self[indices[0], indices[1], ...]: an undefined tensor stands for `:`, a mask of k dims for its k
// index tensors. The index tensors broadcast; their shape takes the place of the indexed dims, or
// comes first when these are not neighbours.
Tensor index(const Tensor& self, std::span<const Tensor> indices);
// self[indices] = values, or += with accumulate. Values broadcast and have self's dtype.
Tensor index_put(const Tensor& self, std::span<const Tensor> indices, const Tensor& values,
                 bool accumulate = false);
const Tensor& index_put_(const Tensor& self, std::span<const Tensor> indices, const Tensor& values,
                         bool accumulate = false);

// --- for other ops --------------------------------------------------------------------------
// The values of an index tensor as contiguous int64, each checked to be in [0, n) of dim `dim`, or
// in [-n, n) and wrapped. On meta nothing is checked.
Tensor checked_index(std::string_view op, const Tensor& index, int dim, int64_t n, bool wrap);
// Row-major positions of the elements of self that are not zero: 1-D, int64.
Tensor flat_nonzero(std::string_view op, const Tensor& self);

}  // namespace mt
