// Ops that rearrange, repeat or lay out elements: flips and rolls, repetition, diagonals, grids and
// writes into a part of a copy. Any dtype and device; dims may be negative. Results are new tensors
// unless said to be views; gradients go back to where the elements came from.
#pragma once

#include <optional>

#include "ops/join.h"
#include "ops/view.h"

namespace mt {

// --- order ----------------------------------------------------------------------------------
Tensor flip(const Tensor& self, IntSpan dims);  // reversed along every listed dim
Tensor fliplr(const Tensor& self);              // along dim 1
Tensor flipud(const Tensor& self);              // along dim 0
// Elements moved by shifts[i] along dims[i], those pushed over the end coming back at the start;
// without dims one shift of the flattened tensor.
Tensor roll(const Tensor& self, IntSpan shifts, IntSpan dims = {});
// k quarter turns from the first of two dims towards the second.
Tensor rot90(const Tensor& self, int64_t k, IntSpan dims);

// --- repetition -----------------------------------------------------------------------------
// The whole tensor repeats[i] times along each dim; missing leading dims are added to self (tile:
// to repeats as well).
Tensor repeat(const Tensor& self, IntSpan repeats);
Tensor tile(const Tensor& self, IntSpan repeats);
// Every element along dim repeats[i] times (int64 or int32; one number for all). Without a dim, of
// the flattened tensor.
Tensor repeat_interleave(const Tensor& self, const Tensor& repeats,
                         std::optional<int64_t> dim = {});
// 0 repeats[0] times, 1 repeats[1] times, ...
Tensor repeat_interleave_indices(const Tensor& repeats);

// --- padding and diagonals ------------------------------------------------------------------
// Pairs of (before, after) from the last dim backwards; negative ones cut off.
Tensor constant_pad_nd(const Tensor& self, IntSpan pad, Scalar value = 0);
// Self as the diagonal of dims dim1 and dim2 of a tensor of zeros.
Tensor diag_embed(const Tensor& self, int64_t offset = 0, int64_t dim1 = -2, int64_t dim2 = -1);
Tensor diag(const Tensor& self, int64_t diagonal = 0);  // of a matrix, or a matrix of a vector
Tensor diagflat(const Tensor& self, int64_t offset = 0);
// int64 (2, n): rows and columns of the places on and below (above) a diagonal, in row-major order.
Tensor tril_indices(int64_t row, int64_t col, int64_t offset = 0, DType dtype = DType::kInt64,
                    Device device = Device::kCPU);
Tensor triu_indices(int64_t row, int64_t col, int64_t offset = 0, DType dtype = DType::kInt64,
                    Device device = Device::kCPU);

// --- copies with a part replaced ------------------------------------------------------------
// Self with src in the place of the view of the same name; src has exactly that view's shape.
Tensor select_scatter(const Tensor& self, const Tensor& src, int64_t dim, int64_t index);
Tensor slice_scatter(const Tensor& self, const Tensor& src, int64_t dim = 0,
                     std::optional<int64_t> start = {}, std::optional<int64_t> end = {},
                     int64_t step = 1);
Tensor diagonal_scatter(const Tensor& self, const Tensor& src, int64_t offset = 0, int64_t dim1 = 0,
                        int64_t dim2 = 1);
Tensor as_strided_scatter(const Tensor& self, const Tensor& src, IntSpan sizes, IntSpan strides,
                          std::optional<int64_t> offset = {});
Tensor narrow_copy(const Tensor& self, int64_t dim, int64_t start, int64_t length);

// --- lists ----------------------------------------------------------------------------------
Tensor atleast_1d(const Tensor& self);  // views
Tensor atleast_2d(const Tensor& self);
Tensor atleast_3d(const Tensor& self);
TensorList broadcast_tensors(std::span<const Tensor> tensors);  // views
// Views of 0- and 1-dim tensors as coordinates of a grid; indexing "ij", or "xy" for the first two
// dims swapped.
TensorList meshgrid(std::span<const Tensor> tensors, std::string_view indexing = "ij");
Tensor cartesian_prod(std::span<const Tensor> tensors);
// All sets of r elements of a 1-dim tensor, in the order of their places.
Tensor combinations(const Tensor& self, int64_t r = 2, bool with_replacement = false);
Tensor block_diag(std::span<const Tensor> tensors);  // matrices along the diagonal
Tensor dstack(std::span<const Tensor> tensors);
Tensor column_stack(std::span<const Tensor> tensors);
// Views: `sections` pieces as equal as possible, the first ones longer; or cut before each index.
TensorList tensor_split(const Tensor& self, int64_t sections, int64_t dim = 0);
TensorList tensor_split(const Tensor& self, IntSpan indices, int64_t dim = 0);

// Uninitialised, with any strides >= 0; elements may overlap.
Tensor empty_strided(IntSpan sizes, IntSpan strides, DType dtype = default_dtype(),
                     Device device = Device::kCPU);

// --- in place -------------------------------------------------------------------------------
// Another shape, contiguous; old elements stay in storage order, new ones are uninitialised. Not
// for tensors that require a gradient.
const Tensor& resize_(const Tensor& self, IntSpan sizes);
// Self becomes the view of the same name (view.h); other tensors on its storage are not touched.
const Tensor& squeeze_(const Tensor& self);
const Tensor& squeeze_(const Tensor& self, int64_t dim);
const Tensor& unsqueeze_(const Tensor& self, int64_t dim);
const Tensor& transpose_(const Tensor& self, int64_t dim0, int64_t dim1);
const Tensor& t_(const Tensor& self);
const Tensor& as_strided_(const Tensor& self, IntSpan sizes, IntSpan strides,
                          std::optional<int64_t> offset = {});

}  // namespace mt
