// Kernels of layers that look at windows of their input (convolution, pooling, unfold, resampling)
// and of normalisation. Images have three dims; those of fewer have leading dims of size 1.
// Everything is contiguous and of one dtype; ops have checked shapes and indices.
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace mt {

using Extent = int64_t[3];  // depth, height, width

// y[n, g, o] = sum over c and the kernel of w[g, o, c] * x[n, g, c], a cross-correlation.
struct ConvArgs {
  int64_t batch, groups, channels_in, channels_out;  // channels of one group
  Extent in, out, kernel, stride, padding, dilation;
  const void* x;     // [batch, groups * channels_in, in]
  const void* w;     // [groups * channels_out, channels_in, kernel]
  const void* y;     // [batch, groups * channels_out, out]; of the gradients
  const void* bias;  // [groups * channels_out] or null
  void* result;      // forward: y; input: x; weight: w
};
using ConvKernel = void (*)(const ConvArgs& a);

// The windows of a pooling: along each dim, output i looks at begin[i], begin[i] + step, ... below
// end[i], all inside of the input.
struct PoolArgs {
  int64_t planes;
  Extent in, out;
  const int64_t *begin[3], *end[3];
  Extent step;
  const double* divisor[3];  // average: the window's divisor is the product of three
  const void* from;
  void* to;
  int64_t* index;  // max: the place within the plane
};
using PoolKernel = void (*)(const PoolArgs& a);

// Patches as columns: cols [batch, channels, kernel, out]; image [batch, channels, in].
// unfold writes cols, fold adds them up into an image that it sets to zero first.
struct FoldArgs {
  int64_t planes;  // batch * channels
  Extent in, out, kernel, stride, padding, dilation;
  const void* from;
  void* to;
};
using FoldKernel = void (*)(const FoldArgs& a);

// A sparse linear map along one dim: output o is the sum over t < taps of weight[o, t] times input
// index[o, t]. [outer, n, inner] to [outer, m, inner]; the transposed map adds the other way.
struct LineArgs {
  int64_t outer, n, m, inner, taps;
  const int64_t* index;
  const double* weight;
  bool transposed;  // from [outer, m, inner] to [outer, n, inner]
  const void* from;
  void* to;
};
using LineKernel = void (*)(const LineArgs& a);

// Normalisation of groups of values that share mean and variance. x is [outer, groups, inner]; a
// group is all outer and inner values of it. The affine parameters belong to channels, of which
// group i has `channels` from (i % channel_groups) * channels on, each for inner / channels values
// in a row. Batch norm: outer = batch, groups = channels of x, inner = pixels, channels = 1. Layer
// norm: outer = 1, groups = rows, channels = inner = columns, channel_groups = 1.
struct NormArgs {
  int64_t outer, groups, inner, channels, channel_groups;
  const void* x;
  const void *weight, *bias;  // of all channels, or null
  double eps;
  void *mean, *rstd;              // [groups]; results of the forward, unless given
  void* var;                      // [groups], biased; null when not wanted
  bool given;                     // mean and rstd are inputs, and constants for the gradient
  const void* grad;               // backward: of y
  void* y;                        // forward: result; backward: gradient of x, or null
  void *weight_grad, *bias_grad;  // or null
};
using NormKernel = void (*)(const NormArgs& a);

struct WindowKernels {
  ConvKernel conv[kNumDTypes], conv_input[kNumDTypes], conv_weight[kNumDTypes];
  PoolKernel max_pool[kNumDTypes];  // values and indices
  PoolKernel avg_pool[kNumDTypes], avg_pool_backward[kNumDTypes];
  PoolKernel place[kNumDTypes];  // to[index[i]] += from[i], to being zero at first
  FoldKernel unfold[kNumDTypes], fold[kNumDTypes];
  LineKernel line[kNumDTypes];
  NormKernel norm[kNumDTypes], norm_backward[kNumDTypes];
};

namespace cpu {
const WindowKernels* window_kernels();
void fill_conv(WindowKernels& w);
void fill_pool(WindowKernels& w);
void fill_norm(WindowKernels& w);
}  // namespace cpu

}  // namespace mt
