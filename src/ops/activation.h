// Activation functions, element by element, each one node with its own gradient. Floating dtypes
// only, except that relu keeps integers and that sigmoid and tanh compute them in the default
// dtype.
#pragma once

#include <string_view>

#include "core/tensor.h"

namespace mt {

Tensor relu(const Tensor& self);  // max(0, self); not for bool; gradient 0 at 0
const Tensor& relu_(const Tensor& self);
Tensor sigmoid(const Tensor& self);
const Tensor& sigmoid_(const Tensor& self);
Tensor tanh(const Tensor& self);
const Tensor& tanh_(const Tensor& self);
// self * Phi(self); approximate: "none" (erf) or "tanh"
Tensor gelu(const Tensor& self, std::string_view approximate = "none");
const Tensor& gelu_(const Tensor& self, std::string_view approximate = "none");
// self where self > 0, else self * negative_slope
Tensor leaky_relu(const Tensor& self, double negative_slope = 0.01);
const Tensor& leaky_relu_(const Tensor& self, double negative_slope = 0.01);
// scale * (self where self > 0, else alpha * (exp(input_scale * self) - 1))
Tensor elu(const Tensor& self, double alpha = 1, double scale = 1, double input_scale = 1);
const Tensor& elu_(const Tensor& self, double alpha = 1, double scale = 1, double input_scale = 1);
Tensor silu(const Tensor& self);  // self * sigmoid(self)
const Tensor& silu_(const Tensor& self);
// log(1 + exp(beta * self)) / beta, and self itself where beta * self > threshold
Tensor softplus(const Tensor& self, double beta = 1, double threshold = 20);

}  // namespace mt
