// Reductions. `dims` empty = over all dims; dims may be negative; keepdim leaves size-1 dims.
// Results are contiguous. Integer and bool tensors sum and multiply in int64, as in PyTorch;
// mean, var, std, norm and logsumexp need a floating dtype. Reducing nothing (a zero-size dim)
// gives the identity where there is one (sum 0, prod 1, any false, all true), NaN for mean and
// var, and kIndex for max, min and the like, which have none.
#pragma once

#include <limits>
#include <optional>

#include "core/tensor.h"

namespace mt {

struct ValuesIndices {
  Tensor values, indices;  // indices are int64
};

// `dtype`: converts self first, so that it is the result's dtype too.
Tensor sum(const Tensor& self, IntSpan dims = {}, bool keepdim = false,
           std::optional<DType> dtype = {});
Tensor mean(const Tensor& self, IntSpan dims = {}, bool keepdim = false,
            std::optional<DType> dtype = {});
Tensor prod(const Tensor& self, std::optional<int64_t> dim = {}, bool keepdim = false,
            std::optional<DType> dtype = {});

// Divisor: number of values - correction; NaN when that is not positive. Where std is 0 its
// gradient is 0, as in torch.
Tensor var(const Tensor& self, IntSpan dims = {}, int64_t correction = 1, bool keepdim = false);
Tensor std(const Tensor& self, IntSpan dims = {}, int64_t correction = 1, bool keepdim = false);

// Extremes; NaN wins. Ties share the gradient evenly, except in the forms with indices, where it
// goes to the index found (the first one).
Tensor amax(const Tensor& self, IntSpan dims = {}, bool keepdim = false);
Tensor amin(const Tensor& self, IntSpan dims = {}, bool keepdim = false);
Tensor max(const Tensor& self);
Tensor min(const Tensor& self);
ValuesIndices max(const Tensor& self, int64_t dim, bool keepdim = false);
ValuesIndices min(const Tensor& self, int64_t dim, bool keepdim = false);
// int64 index of the first extreme; without dim, into the flattened tensor.
Tensor argmax(const Tensor& self, std::optional<int64_t> dim = {}, bool keepdim = false);
Tensor argmin(const Tensor& self, std::optional<int64_t> dim = {}, bool keepdim = false);

// bool, but uint8 for uint8 tensors (PyTorch's rule). No gradient.
Tensor any(const Tensor& self, std::optional<int64_t> dim = {}, bool keepdim = false);
Tensor all(const Tensor& self, std::optional<int64_t> dim = {}, bool keepdim = false);

// (sum |x|^p)^(1/p) over dims; p may be 0 (count of non-zeros), inf and -inf.
Tensor norm(const Tensor& self, double p = 2, IntSpan dims = {}, bool keepdim = false);
// log(sum(exp(self))), stable.
Tensor logsumexp(const Tensor& self, IntSpan dims, bool keepdim = false);
// Running sum along dim; integers in int64.
Tensor cumsum(const Tensor& self, int64_t dim, std::optional<DType> dtype = {});

}  // namespace mt
