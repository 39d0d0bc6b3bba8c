// Saving and unpacking of values for gradient rules: see saved_tensor.h.
#include "autograd/saved_tensor.h"

#include <cctype>

#include "core/error.h"

namespace mt {
namespace {

// "MulBackward0" -> "mul", "LogSoftmaxBackward0" -> "log_softmax".
std::string op_of(const Node& node) {
  std::string name = node.display_name();
  if (const size_t at = name.find("Backward"); at != std::string::npos) name.resize(at);
  std::string out;
  for (char c : name) {
    if (std::isupper(static_cast<unsigned char>(c)) && !out.empty()) out += '_';
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

}  // namespace

SavedTensor::SavedTensor(const Tensor& t, bool is_output)
    : version_(t.version()), is_output_(is_output) {
  // A leaf cannot gain a history that leads back here, so it is held itself; everything else
  // through an alias, or node -> tensor -> node would be a cycle.
  is_leaf_ = !is_output && t.requires_grad() && is_leaf(t);
  if (is_leaf_) {
    tensor_ = t;
    return;
  }
  tensor_ = t.alias();
  tensor_.impl()->is_number = t.impl()->is_number;
  if (!is_output && t.requires_grad()) {
    const Edge e = gradient_edge(t);
    grad_fn_ = e.node;
    output_nr_ = e.nr;
  }
}

Tensor SavedTensor::get(const GradIn& in) const {
  if (!tensor_.defined()) {
    fail(Status::kInternal, in.node().display_name(), ": a saved value is missing");
  }
  if (tensor_.version() != version_) {
    fail(Status::kAutograd, "backward: changed in place: a value needed for the gradient of ",
         op_of(in.node()), " was changed in place: tensor ", dtype_name(tensor_.dtype()), " ",
         shape_string(tensor_.sizes()), " is at version ", tensor_.version(), ", expected version ",
         version_, ": use the out-of-place op, or clone before the change");
  }
  if (is_leaf_ || !in.create_graph()) return tensor_;
  Tensor t = tensor_.alias();
  t.impl()->is_number = tensor_.impl()->is_number;
  if (is_output_) {
    AutogradMeta& m = autograd_meta(t);
    m.grad_fn = Ref<Node>::share(const_cast<Node*>(&in.node()));
    m.output_nr = output_nr_;
    t.impl()->requires_grad = true;
  } else if (grad_fn_) {
    AutogradMeta& m = autograd_meta(t);
    m.grad_fn = grad_fn_;
    m.output_nr = output_nr_;
    t.impl()->requires_grad = true;
  }
  return t;
}

}  // namespace mt
