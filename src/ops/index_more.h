// More reading and writing by index: along one dim, by flat position, by mask, with a reduction.
// The rules of index.h hold: int64 indices, bounds checked, kIndex when out of range. In-place
// forms end in an underscore.
#pragma once

#include <optional>
#include <string_view>

#include "core/tensor.h"

namespace mt {

// self[.., index[j], ..] = source[.., j, ..]
Tensor index_copy(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source);
const Tensor& index_copy_(const Tensor& self, int64_t dim, const Tensor& index,
                          const Tensor& source);
// self[.., index[j], ..] = value, a number or 0-dim tensor. Negative indices count from the end.
Tensor index_fill(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& value);
const Tensor& index_fill_(const Tensor& self, int64_t dim, const Tensor& index,
                          const Tensor& value);
// Elements of the flattened tensor; index of any shape, negative ones count from the end.
Tensor take(const Tensor& self, const Tensor& index);
// The reverse: writes (or adds) source, which has index's number of elements.
Tensor put(const Tensor& self, const Tensor& index, const Tensor& source, bool accumulate = false);
const Tensor& put_(const Tensor& self, const Tensor& index, const Tensor& source,
                   bool accumulate = false);
// gather with the other dims broadcast; without dim, of the flattened tensor.
Tensor take_along_dim(const Tensor& self, const Tensor& indices, std::optional<int64_t> dim = {});
// Source's elements in order at the places where the mask is true.
Tensor masked_scatter(const Tensor& self, const Tensor& mask, const Tensor& source);
const Tensor& masked_scatter_(const Tensor& self, const Tensor& mask, const Tensor& source);

// self with src's elements folded in at the places of scatter. reduce: "sum", "prod", "mean",
// "amax" or "amin"; without include_self the old value does not count where something arrives.
Tensor scatter_reduce(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src,
                      std::string_view reduce, bool include_self = true);
const Tensor& scatter_reduce_(const Tensor& self, int64_t dim, const Tensor& index,
                              const Tensor& src, std::string_view reduce, bool include_self = true);
// The same at the slices that a 1-D index names; reduce: "prod", "mean", "amax" or "amin".
Tensor index_reduce(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                    std::string_view reduce, bool include_self = true);
const Tensor& index_reduce_(const Tensor& self, int64_t dim, const Tensor& index,
                            const Tensor& source, std::string_view reduce,
                            bool include_self = true);

}  // namespace mt
