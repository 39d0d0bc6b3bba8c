// The loop of an elementwise kernel over strided operands: outputs first, then inputs broadcast to
// the first output. Dims are sorted and merged so that contiguous tensors become one flat loop.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "core/tensor.h"

namespace mt {

struct Iter {
  static constexpr int kMaxOperands = 6;

  int ndim = 0;  // after merging; 0 only for no elements
  int operands = 0;
  int64_t numel = 0;
  char* data[kMaxOperands];
  int64_t sizes[kMaxDims];                  // sizes[0] is the innermost dim
  int64_t strides[kMaxOperands][kMaxDims];  // bytes; 0 where broadcast

  // Every operand is a defined CPU tensor whose shape broadcasts to operand 0's.
  explicit Iter(std::initializer_list<const Tensor*> tensors);
};

// Calls `inner(data, strides, n)` for every innermost run, in parallel when there is enough work.
// data: operand addresses; strides: one byte stride an operand. `grain` is in elements.
using InnerLoop = void (*)(char* const* data, const int64_t* strides, int64_t n, const void* ctx);
void run_iter(const Iter& it, InnerLoop inner, const void* ctx, int64_t grain = 16384);

}  // namespace mt
