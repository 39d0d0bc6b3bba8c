// Checks gradient rules against central differences in float64, as torch.autograd.gradcheck does:
// every entry of the Jacobian of a function, once from the graph and once from its values.
#pragma once

#include <concepts>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace mt {

// The function under test. It must be deterministic and record its ops on the tensors it is given.
using GradCheckFn = std::function<std::vector<Tensor>(std::span<const Tensor>)>;

struct GradCheckOptions {
  double eps = 1e-6;   // step of the differences
  double atol = 1e-5;  // |analytic - numeric| <= atol + rtol * |numeric|
  double rtol = 1e-3;
};

struct GradCheckResult {
  bool ok = true;
  std::string message;  // of the first disagreement: which entry, numeric and analytic
  explicit operator bool() const { return ok; }
};

// Compares the derivatives of all floating outputs with respect to all inputs that require grad.
// Also checks that a rule gives zero for a zero gradient and the same bits when run again.
// Errors: kDType when an input that requires grad is not float64; kInvalidArgument when no input
// requires grad or one overlaps itself; kDevice for inputs without data; and what `fn` throws.
// Inputs are changed element by element while the check runs and hold their old values afterwards.
GradCheckResult gradcheck(const GradCheckFn& fn, std::span<const Tensor> inputs,
                          const GradCheckOptions& options = {});

// The same for the gradients of `fn` as a function of its inputs and of the output gradients, so
// that second derivatives are checked. `grad_outputs`: one a floating output, float64; fixed
// arbitrary values when empty.
GradCheckResult gradgradcheck(const GradCheckFn& fn, std::span<const Tensor> inputs,
                              std::span<const Tensor> grad_outputs = {},
                              const GradCheckOptions& options = {});

// The usual case of one output.
template <class F>
concept SingleOutputFn = std::is_invocable_r_v<Tensor, F&, std::span<const Tensor>>;

template <SingleOutputFn F>
GradCheckResult gradcheck(F fn, std::span<const Tensor> inputs,
                          const GradCheckOptions& options = {}) {
  return gradcheck(
      GradCheckFn([&fn](std::span<const Tensor> in) { return std::vector<Tensor>{fn(in)}; }),
      inputs, options);
}
template <SingleOutputFn F>
GradCheckResult gradgradcheck(F fn, std::span<const Tensor> inputs,
                              std::span<const Tensor> grad_outputs = {},
                              const GradCheckOptions& options = {}) {
  return gradgradcheck(
      GradCheckFn([&fn](std::span<const Tensor> in) { return std::vector<Tensor>{fn(in)}; }),
      inputs, grad_outputs, options);
}

}  // namespace mt
