// The kernels of the optimizers beside SGD and Adam: one step over flat, contiguous buffers of n
// elements of one dtype, in one pass. What a step computes once, before it looks at elements (bias
// corrections, learning rates), comes in f.
#pragma once

#include "kernels/backend.h"

namespace mt {

// state[] and f[] of each; the gradient has been negated and weight decay added before.
enum class OptimStep : uint8_t {
  kRmsprop,   // square_avg, momentum or null, grad_avg or null; lr, alpha, 1 - alpha, eps, momentum
  kAdagrad,   // sum; lr of this step, eps
  kAdadelta,  // square_avg, acc_delta; lr, rho, 1 - rho, eps
  kAdamax,    // exp_avg, exp_inf; lr of this step, beta1, 1 - beta1, beta2, eps
  kNadam,     // exp_avg, exp_avg_sq; beta1, 1 - beta1, beta2, 1 - beta2, eps, bias correction 2,
              // factor of the gradient, factor of exp_avg
  kRadam,  // exp_avg, exp_avg_sq; beta1, 1 - beta1, beta2, 1 - beta2, eps, bias correction 1, lr,
           // root of bias correction 2, rectification or 0
  kAsgd,   // average; decay of the parameter, eta, mu
  kRprop,  // previous gradient, step sizes; eta minus, eta plus, smallest and largest step
  kCount
};

struct OptimArgs {
  void* param;
  const void* grad;
  void* state[3];
  int64_t n;
  double f[9];
  double weight_decay;
  bool maximize;
};
using OptimKernel = void (*)(const OptimArgs& args);

// Null when the device has no such kernel.
OptimKernel optim_kernel(OptimStep step, Device device, DType dtype);

namespace cpu {
void fill_optim_more();  // called by fill_optim
}

}  // namespace mt
