// In-place writes that erase the old values: their gradient with respect to the old values is zero.
// Not for users.
#pragma once

#include "ops/common.h"

namespace mt {

// Zeros of t's shape and dtype: what an erased input gets, so that its .grad exists as in PyTorch.
Tensor erased_gradient(const Tensor& g);

// The node of an in-place write that keeps nothing of self; null when nothing is recorded. Make it
// before the write, give it to inplace_done after.
inline Ref<Node> erasing_node(const char* name, const Tensor& self) {
  if (!recording(self)) return {};
  const Tensor* const inputs[] = {&self};
  return make_rule<false>(name, inputs,
                          [](const GradIn& g) -> Grads { return {erased_gradient(g[0])}; });
}

}  // namespace mt
