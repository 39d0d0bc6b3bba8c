// Kernels that work on lines along one dim: bringing tensors to them and results back. Values only;
// not for users.
#pragma once

#include "kernels/sort.h"
#include "ops/common.h"

namespace mt {

// t seen as contiguous [outer, n, inner] around a dim.
struct Around {
  Around(const Dims& sizes, int dim);
  int64_t outer = 1, n = 1, inner = 1;
};

// t with `dim` last, in contiguous memory; a 0-dim tensor as one element.
Tensor dim_last(const Tensor& t, int dim);
// A contiguous tensor with `dim` last, brought back to its place, contiguous.
Tensor dim_back(const Tensor& t, int dim);

// The dtype whose kernel serves t: float32 for the 16-bit floats, int64 for integers and bool. The
// barebones dtypes have none.
inline DType kernel_dtype(DType t) {
  return is_reduced_float(t) ? DType::kFloat32 : is_integral(t, true) ? DType::kInt64 : t;
}

// The entry of a group of kernels, or the generic error.
template <class Kernel, class Group>
Kernel find_kernel(std::string_view op, const Group* group, Kernel (Group::*entry)[kNumDTypes],
                   const Tensor& t, DType dtype) {
  const Kernel kernel = group ? (group->*entry)[static_cast<int>(dtype)] : nullptr;
  if (!kernel) fail_unsupported(op, t.device(), dtype);
  return kernel;
}

// kDevice for a meta tensor, where the result's shape depends on values.
void check_has_values(std::string_view op, const Tensor& t);

}  // namespace mt
