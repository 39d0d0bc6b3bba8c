// Pooling of 1 to 3 spatial dims: input (batch, channels, ...) or (channels, ...), floating
// (avg_pool also int64). kernel_size and the like: a number for each spatial dim, or one for all;
// an empty stride is the kernel size. Indices (int64) count within a channel's image.
// Differentiable to any order. kShape when a window does not fit, kInvalidArgument for values out
// of range.
#pragma once

#include <optional>

#include "core/random.h"
#include "ops/reduce.h"

namespace mt {

// ceil_mode: also windows that begin inside and reach over the end. Padding counts as -inf and is
// at most half of the kernel. NaN wins.
ValuesIndices max_pool(int spatial_dims, const Tensor& input, IntSpan kernel_size, IntSpan stride,
                       IntSpan padding, IntSpan dilation, bool ceil_mode);
// Divides by the window's size with (count_include_pad) or without its padding, or by
// divisor_override.
Tensor avg_pool(int spatial_dims, const Tensor& input, IntSpan kernel_size, IntSpan stride,
                IntSpan padding, bool ceil_mode, bool count_include_pad,
                std::optional<int64_t> divisor_override);
// (sum of x^norm_type over the window)^(1 / norm_type)
Tensor lp_pool(int spatial_dims, const Tensor& input, double norm_type, IntSpan kernel_size,
               IntSpan stride, bool ceil_mode);
// Windows of nearly equal size that cover the input; a size of -1 keeps the input's.
ValuesIndices adaptive_max_pool(int spatial_dims, const Tensor& input, IntSpan output_size);
Tensor adaptive_avg_pool(int spatial_dims, const Tensor& input, IntSpan output_size);
// Windows at pseudo-random places (Graham, "Fractional Max-Pooling", 2014), drawn for every channel
// from random_samples (batch, channels, spatial_dims) in [0, 1), or from the generator.
ValuesIndices fractional_max_pool(int spatial_dims, const Tensor& input, IntSpan kernel_size,
                                  IntSpan output_size, const Tensor& random_samples = {},
                                  Generator* generator = nullptr);
// Values back to where max_pool found them, in an image of output_size that is zero elsewhere.
Tensor max_unpool(int spatial_dims, const Tensor& input, const Tensor& indices,
                  IntSpan output_size);

// The functions of one number of dims.
#define MT_POOL(nd)                                                                             \
  inline ValuesIndices max_pool##nd##d_with_indices(                                            \
      const Tensor& input, IntSpan kernel_size, IntSpan stride = {}, IntSpan padding = {},      \
      IntSpan dilation = {}, bool ceil_mode = false) {                                          \
    return max_pool(nd, input, kernel_size, stride, padding, dilation, ceil_mode);              \
  }                                                                                             \
  inline Tensor max_pool##nd##d(const Tensor& input, IntSpan kernel_size, IntSpan stride = {},  \
                                IntSpan padding = {}, IntSpan dilation = {},                    \
                                bool ceil_mode = false) {                                       \
    return max_pool(nd, input, kernel_size, stride, padding, dilation, ceil_mode).values;       \
  }                                                                                             \
  inline Tensor avg_pool##nd##d(const Tensor& input, IntSpan kernel_size, IntSpan stride = {},  \
                                IntSpan padding = {}, bool ceil_mode = false,                   \
                                bool count_include_pad = true,                                  \
                                std::optional<int64_t> divisor_override = {}) {                 \
    return avg_pool(nd, input, kernel_size, stride, padding, ceil_mode, count_include_pad,      \
                    divisor_override);                                                          \
  }                                                                                             \
  inline Tensor lp_pool##nd##d(const Tensor& input, double norm_type, IntSpan kernel_size,      \
                               IntSpan stride = {}, bool ceil_mode = false) {                   \
    return lp_pool(nd, input, norm_type, kernel_size, stride, ceil_mode);                       \
  }                                                                                             \
  inline ValuesIndices adaptive_max_pool##nd##d(const Tensor& input, IntSpan output_size) {     \
    return adaptive_max_pool(nd, input, output_size);                                           \
  }                                                                                             \
  inline Tensor adaptive_avg_pool##nd##d(const Tensor& input, IntSpan output_size) {            \
    return adaptive_avg_pool(nd, input, output_size);                                           \
  }                                                                                             \
  inline ValuesIndices fractional_max_pool##nd##d(                                              \
      const Tensor& input, IntSpan kernel_size, IntSpan output_size,                            \
      const Tensor& random_samples = {}, Generator* generator = nullptr) {                      \
    return fractional_max_pool(nd, input, kernel_size, output_size, random_samples, generator); \
  }                                                                                             \
  inline Tensor max_unpool##nd##d(const Tensor& input, const Tensor& indices,                   \
                                  IntSpan output_size) {                                        \
    return max_unpool(nd, input, indices, output_size);                                         \
  }
MT_POOL(1)
MT_POOL(2)
MT_POOL(3)
#undef MT_POOL

}  // namespace mt
