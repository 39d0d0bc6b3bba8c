// Counting values in bins. No gradients.
#pragma once

#include <span>

#include "ops/join.h"

namespace mt {

// How often each of 0, 1, ... occurs in 1-D non-negative integers (int64), or the sums of their
// weights (float32 stays, others become float64).
Tensor bincount(const Tensor& self, const Tensor& weights = {}, int64_t minlength = 0);
// `bins` equal bins from min to max (of the values when both are 0); values outside are left out.
Tensor histc(const Tensor& self, int64_t bins = 100, double min = 0, double max = 0);

// Of points, the last dim being the coordinates: the histogram, then the edges of each coordinate.
// bins: for each coordinate a 0-dim tensor with the number of bins, or 1-D edges in ascending
// order. range: two ends for each coordinate (from the values when undefined). weight: one for each
// point, or undefined. density: the integral is 1.
TensorList histogramdd(const Tensor& self, std::span<const Tensor> bins, const Tensor& range = {},
                       const Tensor& weight = {}, bool density = false);
// Of all values of self: the histogram and the edges.
TensorList histogram(const Tensor& self, const Tensor& bins, const Tensor& range = {},
                     const Tensor& weight = {}, bool density = false);

}  // namespace mt
