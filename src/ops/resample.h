// Resampling of images (batch, channels, ...) of floating dtype (nearest: any). Differentiable to
// any order. Unknown modes and sizes that do not fit are kInvalidArgument or kShape.
#pragma once

#include <span>
#include <string_view>

#include "core/tensor.h"

namespace mt {

// To `size` (spatial sizes) or by scale_factors; exactly one is given, with a number for each
// spatial dim or one for all. Modes: nearest, nearest-exact, linear (1 spatial dim), bilinear,
// bicubic (2), trilinear (3), area. align_corners: the corner pixels' centres stay in place (linear
// modes and bicubic). antialias: shrinking looks at all pixels (bilinear and bicubic).
// recompute_scale_factor: positions follow from the sizes, not from scale_factors.
Tensor interpolate(const Tensor& input, IntSpan size, std::span<const double> scale_factors = {},
                   std::string_view mode = "nearest", bool align_corners = false,
                   bool recompute_scale_factor = false, bool antialias = false);

// Values of input (n, c, [d,] h, w) at the positions of grid (n, ..., 2 or 3): x, y[, z] from -1
// to 1. mode: bilinear, nearest, bicubic (2 spatial dims); padding_mode: zeros, border, reflection.
Tensor grid_sample(const Tensor& input, const Tensor& grid, std::string_view mode = "bilinear",
                   std::string_view padding_mode = "zeros", bool align_corners = false);
// The grid of the affine maps theta (n, 2, 3) or (n, 3, 4) for images of the given size.
Tensor affine_grid(const Tensor& theta, IntSpan size, bool align_corners = false);

}  // namespace mt
