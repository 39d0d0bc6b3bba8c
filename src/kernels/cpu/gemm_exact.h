// Matrix products of the types without a SIMD kernel of their own: integers, which wrap around, and
// the 16-bit floats, summed in float and rounded once.
#pragma once

#include "kernels/cpu/gemm_block.h"

namespace mt::cpu {

// Any T but float and double; m, n >= 1. Uses the pool.
template <class T>
void gemm_exact(const GemmBlock<T>& g);

}  // namespace mt::cpu
