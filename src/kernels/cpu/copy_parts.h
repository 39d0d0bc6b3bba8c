// Between the parts of the copy kernels: copy.cpp (any strides), copy_simd.cpp (runs of contiguous
// elements, fill, range) and copy_transpose.cpp (copies within one dtype).
#pragma once

#include <cstring>

#include "kernels/backend.h"
#include "kernels/cpu/elements.h"

namespace mt::cpu {

void fill_copy_simd(Backend& b);
void fill_copy_transpose(Backend& b);

// One run of elements, whatever the strides. An InnerLoop.
template <class From, class To>
void convert_run(char* const* data, const int64_t* strides, int64_t n, const void*) {
  char* to = data[0];
  const char* from = data[1];
  const int64_t to_step = strides[0], from_step = strides[1];
  if (to_step == sizeof(To) && from_step == sizeof(From)) {
    auto* const out = reinterpret_cast<To*>(to);
    const auto* const in = reinterpret_cast<const From*>(from);
    for (int64_t i = 0; i < n; ++i) out[i] = convert<To>(in[i]);
    return;
  }
  for (; n > 0; --n, to += to_step, from += from_step) {
    *reinterpret_cast<To*>(to) = convert<To>(*reinterpret_cast<const From*>(from));
  }
}

}  // namespace mt::cpu
