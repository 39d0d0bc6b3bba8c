// Reductions that are composed of others: NaN-aware sums, pairs of results, covariance, norms of
// differences and parts. dims empty = over all dims.
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "ops/reduce.h"

namespace mt {

// NaN counts as 0; nanmean divides by the number of other values.
Tensor nansum(const Tensor& self, IntSpan dims = {}, bool keepdim = false,
              std::optional<DType> dtype = {});
Tensor nanmean(const Tensor& self, IntSpan dims = {}, bool keepdim = false,
               std::optional<DType> dtype = {});
// {amin, amax}
std::pair<Tensor, Tensor> aminmax(const Tensor& self, std::optional<int64_t> dim = {},
                                  bool keepdim = false);
Tensor count_nonzero(const Tensor& self, IntSpan dims = {});  // int64
// {std or var, mean}
std::pair<Tensor, Tensor> std_mean(const Tensor& self, IntSpan dims = {}, int64_t correction = 1,
                                   bool keepdim = false);
std::pair<Tensor, Tensor> var_mean(const Tensor& self, IntSpan dims = {}, int64_t correction = 1,
                                   bool keepdim = false);
// The sum of a matrix's diagonal.
Tensor trace(const Tensor& self);

// The covariances of variables (rows) over observations (columns); a 1-D tensor is one variable.
// fweights: how often each observation counts (integers); aweights: its weight. Either undefined.
Tensor cov(const Tensor& self, int64_t correction = 1, const Tensor& fweights = {},
           const Tensor& aweights = {});
Tensor corrcoef(const Tensor& self);

// norm(self - other, p) over all elements.
Tensor dist(const Tensor& self, const Tensor& other, double p = 2);
// The slices along dim, those with a p-norm above maxnorm scaled down to it.
Tensor renorm(const Tensor& self, double p, int64_t dim, double maxnorm);
const Tensor& renorm_(const Tensor& self, double p, int64_t dim, double maxnorm);
// self / max(norm(self, p, dim), eps)
Tensor normalize(const Tensor& self, double p, IntSpan dims, double eps = 1e-12);

// Reduces each segment along axis: "sum", "mean", "max", "min" or "prod". The segments are given by
// their lengths (.., s) or offsets (.., s + 1), whose other dims are those of data before axis.
// `initial` starts each reduction, and is the result of an empty segment. Lengths must add up to
// the size of axis; offsets need not cover it.
Tensor segment_reduce(const Tensor& data, std::string_view reduce, const Tensor& lengths,
                      const Tensor& offsets = {}, int64_t axis = 0,
                      std::optional<Scalar> initial = {});

}  // namespace mt
