// A sparse linear map along one dim: each output is a weighted sum of a few inputs. Resampling and
// means over channels are made of it. Recorded; its gradient is the transposed map.
#pragma once

#include <memory>
#include <vector>

#include "core/tensor.h"

namespace mt {

// Output o of m is the sum over t < taps of weight[o * taps + t] * input[index[o * taps + t]], the
// indices lying in [0, n).
struct LineMap {
  int64_t n, m, taps;
  std::vector<int64_t> index;
  std::vector<double> weight;
};

// x has n at `dim` (m when transposed); floating. `node` names the graph's node.
Tensor line_map(const char* node, const Tensor& x, int dim, std::shared_ptr<const LineMap> map,
                bool transposed = false);

}  // namespace mt
