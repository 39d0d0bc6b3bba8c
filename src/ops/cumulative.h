// Running products, extremes and log-sums, differences, and integrals by the trapezoidal rule.
// Dims may be negative.
#pragma once

#include <optional>
#include <span>

#include "ops/join.h"
#include "ops/reduce.h"

namespace mt {

// Running product along dim; integers in int64. The in-place forms keep self's dtype.
Tensor cumprod(const Tensor& self, int64_t dim, std::optional<DType> dtype = {});
const Tensor& cumprod_(const Tensor& self, int64_t dim, std::optional<DType> dtype = {});
const Tensor& cumsum_(const Tensor& self, int64_t dim, std::optional<DType> dtype = {});
// Running extreme and where it is (the last of equals); NaN stays. The gradient goes to the index.
ValuesIndices cummax(const Tensor& self, int64_t dim);
ValuesIndices cummin(const Tensor& self, int64_t dim);
// Running log(sum(exp(self))), stable; floating dtypes.
Tensor logcumsumexp(const Tensor& self, int64_t dim);

// The n-th difference of neighbours along dim (xor for bool), of prepend, self and append joined,
// either of which may be undefined.
Tensor diff(const Tensor& self, int64_t n = 1, int64_t dim = -1, const Tensor& prepend = {},
            const Tensor& append = {});
// The estimated derivative along each of dims (all when empty): central differences inside, one-
// sided ones of edge_order 1 or 2 at the edges. spacing: nothing for 1; a 0-dim tensor for all
// dims; or for each dim a 0-dim distance or the 1-D coordinates.
TensorList gradient(const Tensor& self, std::span<const Tensor> spacing = {}, IntSpan dims = {},
                    int64_t edge_order = 1);
// The integral of y along dim, over points x (y's shape, or 1-D; or dx apart).
Tensor trapezoid(const Tensor& y, const Tensor& x, int64_t dim = -1);
Tensor trapezoid(const Tensor& y, Scalar dx = 1, int64_t dim = -1);
Tensor cumulative_trapezoid(const Tensor& y, const Tensor& x, int64_t dim = -1);
Tensor cumulative_trapezoid(const Tensor& y, Scalar dx = 1, int64_t dim = -1);

}  // namespace mt
