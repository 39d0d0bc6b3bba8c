// Checks how many tensors a module was called with.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/tensor.h"

namespace mt::nn {

inline void check_inputs(std::string_view module, std::span<const Tensor> inputs, size_t wanted) {
  if (inputs.size() != wanted) {
    fail(Status::kInvalidArgument, module, ": count mismatch: called with ", inputs.size(),
         " tensors: ", wanted, wanted == 1 ? " is expected" : " are expected");
  }
  for (const Tensor& t : inputs) {
    if (!t.defined()) fail(Status::kNullArgument, module, ": missing argument: an input is null");
  }
}

inline const Tensor& one_input(std::string_view module, std::span<const Tensor> inputs) {
  check_inputs(module, inputs, 1);
  return inputs[0];
}

// More layers than anybody stacks; their loops would take the memory of a machine.
inline constexpr int64_t kMostLayers = 4096;

// For modules of which some inputs may be undefined or missing: the first `least` must be there.
inline void check_some_inputs(std::string_view module, std::span<const Tensor> inputs, size_t least,
                              size_t most) {
  if (inputs.size() < least || inputs.size() > most) {
    fail(Status::kInvalidArgument, module, ": count mismatch: called with ", inputs.size(),
         " tensors: ", least, " to ", most, " are expected");
  }
  for (size_t i = 0; i < least; ++i) {
    if (!inputs[i].defined())
      fail(Status::kNullArgument, module, ": missing argument: an input is null");
  }
}

// The elements of a 1-D int64 tensor on cpu; kInvalidArgument for another one.
std::vector<int64_t> integers(std::string_view op, std::string_view arg, const Tensor& t);

inline Tensor optional_input(std::span<const Tensor> inputs, size_t i) {
  return i < inputs.size() ? inputs[i] : Tensor();
}

}  // namespace mt::nn
