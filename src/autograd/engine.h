// Reverse-mode differentiation: walks the graph from the outputs in order of decreasing sequence
// number, summing gradients on the way. Iterative; any graph depth.
#pragma once

#include <span>

#include "autograd/node.h"

namespace mt {

// torch.autograd.backward: adds gradients into .grad of the leaves (only of `inputs` when given).
// grad_outputs: empty, or one an output; undefined means ones for a one-element output.
void backward(std::span<const Tensor> outputs, std::span<const Tensor> grad_outputs = {},
              bool retain_graph = false, bool create_graph = false,
              std::span<const Tensor> inputs = {});

// torch.autograd.grad: gradients of the chosen inputs, .grad untouched. An unused input is an
// error unless allow_unused, when its gradient is undefined.
Grads grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
           std::span<const Tensor> grad_outputs = {}, bool retain_graph = false,
           bool create_graph = false, bool allow_unused = false);

// Where a tensor's elements lie in its storage; offset in elements.
struct Geometry {
  Dims sizes, strides;
  int64_t offset = 0;
};
inline Geometry geometry(const Tensor& t) { return {t.sizes(), t.strides(), t.offset()}; }

// The few tensor operations that the engine itself needs; ops/grad_math.cpp provides them.
struct GradMath {
  Tensor (*add)(const Tensor& a, const Tensor& b);
  void (*add_into)(const Tensor& into, const Tensor& t);  // no history
  Tensor (*sum_to)(const Tensor& t, IntSpan sizes);
  Tensor (*cast)(const Tensor& t, DType dtype);
  Tensor (*full)(IntSpan sizes, DType dtype, Device device, double value);
  bool (*has_nan)(const Tensor& t);
  Tensor (*clone)(const Tensor& t);                        // contiguous, recorded
  Tensor (*conj)(const Tensor& t);                         // recorded; t itself when it is real
  void (*copy_into)(const Tensor& into, const Tensor& t);  // no history
  Ref<Node> (*view_node)(const Tensor& base, const Tensor& view);
  // t has the sizes of `whole`. The elements that a view of geometry `part` would have if t lay in
  // memory as `whole` does; and t with these elements replaced (undefined values: by zeros).
  Tensor (*read_part)(const Tensor& t, const Geometry& whole, const Geometry& part);
  Tensor (*write_part)(const Tensor& t, const Geometry& whole, const Geometry& part,
                       const Tensor& values);
};
extern const GradMath kGradMath;

}  // namespace mt
