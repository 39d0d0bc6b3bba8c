// The recorded graph as Graphviz text.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/tensor.h"

namespace mt {

// DOT text of what `root` was computed from: a box a recorded op, an ellipse a leaf tensor, and
// edges along which data flowed, with its shape. Leaves are labelled with their name in `names`, if
// any. Ops beyond `max_nodes` (0: no limit) are left out, nearest to the root kept. Never recurses.
std::string graph_dot(const Tensor& root, const std::vector<std::pair<std::string, Tensor>>& names,
                      size_t max_nodes);

}  // namespace mt
