// Gradient clipping with the formulas of torch.nn.utils.
#include <cmath>

#include "ops/arithmetic.h"
#include "ops/clamp.h"
#include "ops/common.h"
#include "ops/join.h"
#include "ops/power.h"
#include "ops/reduce.h"
#include "ops/view.h"
#include "optim/optimizer.h"

namespace mt {
namespace {

std::vector<Tensor> gradients(std::string_view op, std::span<const Tensor> params) {
  std::vector<Tensor> grads;
  size_t index = 0;
  for (const Tensor& p : params) {
    check_defined(op, cat("parameter ", index++), p);
    Tensor g = grad_of(p);
    if (g.defined()) grads.push_back(std::move(g));
  }
  return grads;
}

}  // namespace

Tensor clip_grad_norm_(std::span<const Tensor> params, double max_norm, double norm_type,
                       bool error_if_nonfinite) {
  GradMode off(false);
  const std::vector<Tensor> grads = gradients("clip_grad_norm_", params);
  if (grads.empty()) return Tensor::from_scalar(0.0, DType::kFloat32);
  std::vector<Tensor> norms;
  for (const Tensor& g : grads) norms.push_back(norm(g, norm_type));
  const Tensor total = norm(stack(norms, 0), norm_type);
  if (error_if_nonfinite && !std::isfinite(total.item("clip_grad_norm_").to_double())) {
    fail(Status::kInvalidArgument, "clip_grad_norm_: non-finite norm: the total norm of order ",
         norm_type, " of the gradients is ", total.item().to_double(),
         ": it cannot be clipped; pass error_if_nonfinite=False to go on");
  }
  // A number divided by a tensor is, in torch, the number times the reciprocal.
  const Tensor ratio =
      mul(reciprocal(add(total, Tensor::from_scalar(1e-6))), Tensor::from_scalar(max_norm));
  const Tensor coefficient = clamp(ratio, Tensor(), Tensor::from_scalar(1.0));
  for (const Tensor& g : grads) mul_(g, coefficient);
  return total;
}

void clip_grad_value_(std::span<const Tensor> params, double clip_value) {
  GradMode off(false);
  for (const Tensor& g : gradients("clip_grad_value_", params)) {
    clamp_(g, Tensor::from_scalar(-clip_value), Tensor::from_scalar(clip_value));
  }
}

}  // namespace mt
