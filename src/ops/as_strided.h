// The gradient of as_strided, which all views with a free geometry share.
// Not for users: see view.h.
#pragma once

#include "autograd/engine.h"

namespace mt {

// True unless every element surely has a place of its own.
bool may_overlap(const Geometry& g);

// The gradient of a tensor of geometry `in` from that of a view of geometry `out` on the same
// storage: contributions to one place add up. Differentiable.
Tensor as_strided_backward(const Tensor& g, const Geometry& in, const Geometry& out);

// Makes and records a view at `out`, unchecked; `name` is the node's.
Tensor strided_view(const char* name, const Tensor& self, const Geometry& out);

// See GradMath in autograd/engine.h. Both are differentiable.
Tensor read_part(const Tensor& t, const Geometry& whole, const Geometry& part);
Tensor write_part(const Tensor& t, const Geometry& whole, const Geometry& part,
                  const Tensor& values);

// The node AsStridedBackward0 from base to view, which lies in base's storage.
Ref<Node> make_view_node(const Tensor& base, const Tensor& view);

}  // namespace mt
