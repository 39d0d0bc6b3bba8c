// What ops on images (batch, channels, up to 3 spatial dims) share: numbers for every spatial dim,
// samples without a batch, half types, and the window kernels. Included by .cpp files of ops only.
#pragma once

#include "kernels/window.h"
#include "ops/common.h"
#include "ops/view.h"

namespace mt {

// One number for each of `nd` spatial dims, behind 3 - nd leading ones: from a list of nd numbers,
// of one for all, or of none, which gives `fallback`.
inline void spatial(std::string_view op, std::string_view name, IntSpan values, int nd,
                    int64_t fallback, int64_t lead, int64_t least, int64_t* out) {
  const auto n = static_cast<int>(values.size());
  if (n > 1 && n != nd) {
    fail(Status::kShape, op, ": wrong number of values: ", name, " ", shape_string(values),
         ": must be one number or ", nd, ", one for each spatial dim");
  }
  for (int d = 0; d < 3; ++d) {
    if (d < 3 - nd) {
      out[d] = lead;
      continue;
    }
    out[d] = n == 0 ? fallback : values[n == 1 ? 0 : static_cast<size_t>(d - (3 - nd))];
    if (out[d] < least || out[d] > (int64_t{1} << 31)) {
      fail(Status::kInvalidArgument, op, ": value out of range: ", name, " ", out[d],
           ": must be at least ", least, " and no more than 2^31");
    }
  }
}

// The spatial sizes of t behind leading ones.
inline void spatial_sizes(const Tensor& t, int nd, int64_t* out) {
  for (int d = 0; d < 3; ++d) out[d] = d < 3 - nd ? 1 : t.size(t.dim() - 3 + d);
}

// nd + 2 dims, or nd + 1 for a sample without a batch.
inline void check_image(std::string_view op, const Tensor& t, int nd) {
  check_defined(op, "input", t);
  if (t.dim() == nd + 1 || t.dim() == nd + 2) return;
  fail(Status::kShape, op, ": wrong number of dims: input ", shape_string(t.sizes()),
       ": must have ", nd + 2, " dims (batch, channels and ", nd, " spatial), or ", nd + 1,
       " without a batch");
}

// Leading dims of t with the last nd sizes replaced.
inline Dims with_spatial(const Tensor& t, int nd, const int64_t* sizes) {
  Dims out = t.sizes();
  for (int d = 0; d < nd; ++d) out[t.dim() - nd + d] = sizes[3 - nd + d];
  return out;
}

// Half types are computed in float32.
inline bool computes_in_float(const Tensor& t) { return is_reduced_float(t.dtype()); }

// A kernel of the window group, or the error that there is none.
template <class Kernel>
Kernel window_kernel(std::string_view op, Kernel (WindowKernels::*table)[kNumDTypes],
                     const Tensor& t) {
  const WindowKernels* const all = backend(t.device()).window;
  const Kernel kernel = all ? (all->*table)[static_cast<int>(t.dtype())] : nullptr;
  if (!kernel) fail_unsupported(op, t.device(), t.dtype());
  return kernel;
}

}  // namespace mt
