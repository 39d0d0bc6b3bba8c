// What complex numbers mean for backward: which outputs start one, and how a node's rule is run.
#pragma once

#include "autograd/node.h"

namespace mt {

// kAutograd for an output that no gradient of 1 is made for: only real scalars have one.
void check_real_scalar(std::string_view op, const Tensor& out);

// The gradients of node's inputs from those of its outputs, which it may overwrite.
//
// PyTorch's gradient of a complex function is the conjugate of what the rule for real numbers
// gives: for y = f(x) analytic, g * conj(f'(x)) = conj(conj(g) * f'(x)). So rules know nothing of
// complex numbers; only what is not analytic (abs, real, conj, ...) has rules made with this in
// mind. A function with real outputs is left as it is.
Grads rule_gradients(Node& node, Grads& upstream, bool create_graph);

}  // namespace mt
