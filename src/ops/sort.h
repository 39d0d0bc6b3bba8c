// Sorting and order statistics. NaN counts as the largest value. All take any dtype and negative
// dims; a 0-dim tensor is a row of one. Indices are int64. The gradient of a value goes to the
// element that it was taken from.
#pragma once

#include <optional>
#include <string_view>

#include "ops/reduce.h"

namespace mt {

// `stable` keeps equal elements in order, and is the faster. Else their indices are PyTorch's,
// which are those of the C++ standard library's sort.
ValuesIndices sort(const Tensor& self, int64_t dim = -1, bool descending = false,
                   bool stable = false);
Tensor argsort(const Tensor& self, int64_t dim = -1, bool descending = false, bool stable = false);
Tensor msort(const Tensor& self);  // along dim 0

// The k largest (smallest), in order when `sorted`. kInvalidArgument unless 0 <= k <= size of dim.
ValuesIndices topk(const Tensor& self, int64_t k, int64_t dim = -1, bool largest = true,
                   bool sorted = true);
// The k-th smallest, k from 1.
ValuesIndices kthvalue(const Tensor& self, int64_t k, int64_t dim = -1, bool keepdim = false);

// The middle value, the lower of two; NaN when there is one, unless it is a nan* form. Without a
// dim over all elements: NaN for none, and equal elements share the gradient.
Tensor median(const Tensor& self);
Tensor nanmedian(const Tensor& self);
ValuesIndices median(const Tensor& self, int64_t dim, bool keepdim = false);
ValuesIndices nanmedian(const Tensor& self, int64_t dim, bool keepdim = false);
// The most frequent value, the smallest of several.
ValuesIndices mode(const Tensor& self, int64_t dim = -1, bool keepdim = false);

// The q-quantiles of float32 or float64 values; q is 0-dim, or 1-D and then the result's first dim,
// of self's dtype, in [0, 1]. interpolation: "linear", "lower", "higher", "midpoint" or "nearest".
// nanquantile leaves NaN out. Without a dim over all elements.
Tensor quantile(const Tensor& self, const Tensor& q, std::optional<int64_t> dim = {},
                bool keepdim = false, std::string_view interpolation = "linear");
Tensor nanquantile(const Tensor& self, const Tensor& q, std::optional<int64_t> dim = {},
                   bool keepdim = false, std::string_view interpolation = "linear");

}  // namespace mt
