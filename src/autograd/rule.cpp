// Conjugation around the rules of complex functions: see rule.h.
#include "autograd/rule.h"

#include "autograd/engine.h"
#include "core/error.h"

namespace mt {
namespace {

void conjugate(Grads& grads) {
  for (Tensor& g : grads) {
    if (g.defined()) g = kGradMath.conj(g);
  }
}

}  // namespace

void check_real_scalar(std::string_view op, const Tensor& out) {
  if (out.numel() != 1) {
    fail(Status::kAutograd, op, ": not a scalar: output of shape ", shape_string(out.sizes()),
         ": grad can be implicitly created only for scalar outputs; give a gradient, or reduce "
         "with sum or mean");
  }
  if (is_complex(out.dtype())) {
    fail(Status::kAutograd, op, ": not real: output of dtype ", dtype_name(out.dtype()),
         ": grad can be implicitly created only for real scalar outputs; give a gradient, or "
         "take abs or real");
  }
}

Grads rule_gradients(Node& node, Grads& upstream, bool create_graph) {
  bool complex = false;
  for (const OutputMeta& o : node.outputs) complex = complex || is_complex(o.dtype);
  if (!complex || node.conjugates()) return node.backward(GradIn(node, upstream, create_graph));
  conjugate(upstream);
  Grads grads = node.backward(GradIn(node, upstream, create_graph));
  conjugate(grads);
  return grads;
}

}  // namespace mt
