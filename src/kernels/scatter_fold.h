// Kernels that fold elements into the places an index names: see ops/scatter_reduce.cpp.
#pragma once

#include "kernels/backend.h"

namespace mt {

enum class Fold : uint8_t { kProd, kMax, kMin };

// out[index[j]] = fold(out[index[j]], in[j]) for j < n_in; outer and inner are 1. NaN wins in kMax
// and kMin. Null where the device has none.
IndexKernel scatter_fold(Device device, Fold fold, DType dtype);

}  // namespace mt
