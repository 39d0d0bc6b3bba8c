// The recorded sparse linear map along one dim.
#include "ops/line_map.h"

#include "ops/images.h"

namespace mt {

Tensor line_map(const char* node, const Tensor& x, int dim, std::shared_ptr<const LineMap> map,
                bool transposed) {
  if (computes_in_float(x)) {
    return to(line_map(node, to(x, DType::kFloat32), dim, std::move(map), transposed), x.dtype());
  }
  Dims sizes = x.sizes();
  sizes[dim] = transposed ? map->n : map->m;
  Tensor out = Tensor::empty(sizes, x.dtype(), x.device(), node);
  if (!x.is_meta()) {
    const auto kernel = window_kernel(node, &WindowKernels::line, x);
    const Tensor from = contiguous_values(x);
    LineArgs a{};
    a.outer = a.inner = 1;
    for (int d = 0; d < x.dim(); ++d) {
      if (d != dim) (d < dim ? a.outer : a.inner) *= x.size(d);
    }
    a.n = map->n;
    a.m = map->m;
    a.taps = map->taps;
    a.index = map->index.data();
    a.weight = map->weight.data();
    a.transposed = transposed;
    a.from = from.data();
    a.to = out.data();
    if (out.numel() != 0) kernel(a);
  }
  if (recording(x)) {
    record_light(node, out, {&x},
                 [node, dim, map = std::move(map), transposed](const GradIn& g) -> Grads {
                   return {line_map(node, g[0], dim, map, !transposed)};
                 });
  }
  return out;
}

}  // namespace mt
