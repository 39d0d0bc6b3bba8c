// torch.nn.init: fills a tensor in place, without recording, drawing PyTorch's random numbers.
#pragma once

#include <string_view>
#include <utility>

#include "core/tensor.h"

namespace mt::init {

enum class FanMode { kFanIn, kFanOut };

// (fan_in, fan_out) of a weight with at least 2 dims; kShape otherwise.
std::pair<int64_t, int64_t> calculate_fan(std::string_view op, const Tensor& t);
// Gain of a nonlinearity by torch's name ("relu", "leaky_relu" with slope `param`, "tanh", ...).
double calculate_gain(std::string_view nonlinearity, double param = 0.01);

void uniform_(const Tensor& t, double a = 0, double b = 1);
void normal_(const Tensor& t, double mean = 0, double std = 1);
void constant_(const Tensor& t, double value);
void eye_(const Tensor& t);  // 2-D
void xavier_uniform_(const Tensor& t, double gain = 1);
void xavier_normal_(const Tensor& t, double gain = 1);
void kaiming_uniform_(const Tensor& t, double a = 0, FanMode mode = FanMode::kFanIn,
                      std::string_view nonlinearity = "leaky_relu");
void kaiming_normal_(const Tensor& t, double a = 0, FanMode mode = FanMode::kFanIn,
                     std::string_view nonlinearity = "leaky_relu");

// Normal, within [a, b].
void trunc_normal_(const Tensor& t, double mean = 0, double std = 1, double a = -2, double b = 2);
// (Semi-)orthogonal rows or columns of the tensor as a matrix (Saxe et al., 2013); float dtypes.
void orthogonal_(const Tensor& t, double gain = 1);
// Normal, with a fraction `sparsity` of every column zero; 2-D.
void sparse_(const Tensor& t, double sparsity, double std = 0.01);
// The identity of as many channels as there are, for convolutions: 3-D to 5-D.
void dirac_(const Tensor& t, int64_t groups = 1);

}  // namespace mt::init
