// Activation functions beside activation.h's, element by element but for glu. Floating dtypes only
// unless said otherwise.
#pragma once

#include "core/random.h"
#include "core/tensor.h"

namespace mt {

Tensor hardsigmoid(const Tensor& self);  // min(max(self + 3, 0), 6) / 6
const Tensor& hardsigmoid_(const Tensor& self);
Tensor hardswish(const Tensor& self);  // self * hardsigmoid(self)
const Tensor& hardswish_(const Tensor& self);
Tensor mish(const Tensor& self);  // self * tanh(softplus(self))
const Tensor& mish_(const Tensor& self);
Tensor log_sigmoid(const Tensor& self);
// max(0, self) + min(0, alpha * (exp(self / alpha) - 1)); alpha is not 0.
Tensor celu(const Tensor& self, double alpha = 1);
const Tensor& celu_(const Tensor& self, double alpha = 1);
Tensor selu(const Tensor& self);  // elu with the constants of self-normalising networks
const Tensor& selu_(const Tensor& self);

// self, but 0 within [-lambd, lambd].
Tensor hardshrink(const Tensor& self, double lambd = 0.5);
// self moved towards 0 by lambd >= 0; 0 within [-lambd, lambd].
Tensor softshrink(const Tensor& self, double lambd = 0.5);
// self where it is above the threshold, else value. Integers too.
Tensor threshold(const Tensor& self, Scalar threshold, Scalar value);
const Tensor& threshold_(const Tensor& self, Scalar threshold, Scalar value);
Tensor softsign(const Tensor& self);    // self / (1 + |self|); integers too
Tensor tanhshrink(const Tensor& self);  // self - tanh(self); integers too

// self where positive, else weight * self; one weight, or one for each channel (dim 1).
Tensor prelu(const Tensor& self, const Tensor& weight);
// leaky_relu with a slope drawn for each negative value from [lower, upper) in training, with their
// mean otherwise.
Tensor rrelu(const Tensor& self, double lower = 1.0 / 8, double upper = 1.0 / 3,
             bool training = false, Generator* generator = nullptr);
const Tensor& rrelu_(const Tensor& self, double lower = 1.0 / 8, double upper = 1.0 / 3,
                     bool training = false, Generator* generator = nullptr);
// The first half along dim times the sigmoid of the second.
Tensor glu(const Tensor& self, int64_t dim = -1);

}  // namespace mt
