// Checks how many tensors a module was called with.
#pragma once

#include <span>
#include <string_view>

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

}  // namespace mt::nn
