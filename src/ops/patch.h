// Padding, patches as columns, and pixels to channels and back. Differentiable to any order.
#pragma once

#include <string_view>

#include "core/tensor.h"

namespace mt {

// `pads`: before and after the last dim, then the one before it, and so on; negative ones cut.
// mode: constant (with value), reflect, replicate or circular. Any dtype.
Tensor pad(const Tensor& self, IntSpan pads, std::string_view mode = "constant", Scalar value = 0);

// Patches of (n, c, h, w) as columns (n, c * kernel, patches), and columns added up to images of
// output_size; without the batch too. Sizes: a number for each dim or one for both. Floating.
Tensor im2col(const Tensor& input, IntSpan kernel_size, IntSpan dilation = {}, IntSpan padding = {},
              IntSpan stride = {});
Tensor col2im(const Tensor& input, IntSpan output_size, IntSpan kernel_size, IntSpan dilation = {},
              IntSpan padding = {}, IntSpan stride = {});

// (..., c * r * r, h, w) <-> (..., c, h * r, w * r)
Tensor pixel_shuffle(const Tensor& self, int64_t upscale_factor);
Tensor pixel_unshuffle(const Tensor& self, int64_t downscale_factor);
// Channels (dim 1) as groups by channels, turned.
Tensor channel_shuffle(const Tensor& self, int64_t groups);

}  // namespace mt
