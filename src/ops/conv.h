// Convolution (cross-correlation) and transposed convolution of 1 to 3 spatial dims. Input
// (batch, channels, ...) or (channels, ...); weight (out_channels, in_channels / groups, ...), of
// the transposed form (in_channels, out_channels / groups, ...); bias (out_channels) or undefined.
// All of one dtype, not bool. Stride, padding and dilation: a number for each spatial dim,
// one for all, or none for the default. Differentiable to any order. kShape when sizes do not fit.
#pragma once

#include <string_view>

#include "core/tensor.h"

namespace mt {

// auto_padding: "" for `padding` on both sides; "valid" for none; "same" (stride 1) for what keeps
// the size, the odd one of it behind.
Tensor conv1d(const Tensor& input, const Tensor& weight, const Tensor& bias = {},
              IntSpan stride = {}, IntSpan padding = {}, IntSpan dilation = {}, int64_t groups = 1,
              std::string_view auto_padding = "");
Tensor conv2d(const Tensor& input, const Tensor& weight, const Tensor& bias = {},
              IntSpan stride = {}, IntSpan padding = {}, IntSpan dilation = {}, int64_t groups = 1,
              std::string_view auto_padding = "");
Tensor conv3d(const Tensor& input, const Tensor& weight, const Tensor& bias = {},
              IntSpan stride = {}, IntSpan padding = {}, IntSpan dilation = {}, int64_t groups = 1,
              std::string_view auto_padding = "");

// The gradient of a convolution's input. output_padding adds to the size at one side.
Tensor conv_transpose1d(const Tensor& input, const Tensor& weight, const Tensor& bias = {},
                        IntSpan stride = {}, IntSpan padding = {}, IntSpan output_padding = {},
                        int64_t groups = 1, IntSpan dilation = {});
Tensor conv_transpose2d(const Tensor& input, const Tensor& weight, const Tensor& bias = {},
                        IntSpan stride = {}, IntSpan padding = {}, IntSpan output_padding = {},
                        int64_t groups = 1, IntSpan dilation = {});
Tensor conv_transpose3d(const Tensor& input, const Tensor& weight, const Tensor& bias = {},
                        IntSpan stride = {}, IntSpan padding = {}, IntSpan output_padding = {},
                        int64_t groups = 1, IntSpan dilation = {});

}  // namespace mt
