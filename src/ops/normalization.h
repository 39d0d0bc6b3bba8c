// Normalisation layers. Each is one recorded op with one fused backward; differentiable to any
// order. Inputs are floating; weight and bias may be undefined. Half types are computed in float32.
#pragma once

#include "core/tensor.h"

namespace mt {

struct Normalized {
  Tensor output, mean, rstd;
};

// Over all dims but the second, (batch, channels, ...). In training with the batch's own mean and
// biased variance; running_mean and running_var (float, may be undefined then) move towards them by
// momentum, the variance unbiased. Otherwise with the running ones.
Tensor batch_norm(const Tensor& input, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight = {}, const Tensor& bias = {}, bool training = false,
                  double momentum = 0.1, double eps = 1e-5);
// The same with the statistics used; they are empty unless training.
Normalized native_batch_norm(const Tensor& input, const Tensor& weight, const Tensor& bias,
                             const Tensor& running_mean, const Tensor& running_var, bool training,
                             double momentum, double eps);
// Over the pixels of every channel of every sample.
Tensor instance_norm(const Tensor& input, const Tensor& running_mean = {},
                     const Tensor& running_var = {}, const Tensor& weight = {},
                     const Tensor& bias = {}, bool use_input_stats = true, double momentum = 0.1,
                     double eps = 1e-5);
// Over the last dims, which are normalized_shape; weight and bias have that shape.
Tensor layer_norm(const Tensor& input, IntSpan normalized_shape, const Tensor& weight = {},
                  const Tensor& bias = {}, double eps = 1e-5);
Normalized native_layer_norm(const Tensor& input, IntSpan normalized_shape, const Tensor& weight,
                             const Tensor& bias, double eps);
// Over num_groups groups of channels of every sample; (batch, channels, ...).
Tensor group_norm(const Tensor& input, int64_t num_groups, const Tensor& weight = {},
                  const Tensor& bias = {}, double eps = 1e-5);
// input / (k + alpha * mean of squares over `size` neighbouring channels) ^ beta
Tensor local_response_norm(const Tensor& input, int64_t size, double alpha = 1e-4,
                           double beta = 0.75, double k = 1);

}  // namespace mt
