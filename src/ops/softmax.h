// softmax and log_softmax along one dim, each one fused kernel forward and one backward. They need
// a floating dtype; `dtype` converts the input first (so integers become allowed).
#pragma once

#include <optional>

#include "core/tensor.h"

namespace mt {

// exp(self) / sum(exp(self), dim); the sum is 1 along dim. Shape of self.
Tensor softmax(const Tensor& self, int64_t dim, std::optional<DType> dtype = {});
// log(softmax(self, dim)), stable.
Tensor log_softmax(const Tensor& self, int64_t dim, std::optional<DType> dtype = {});
// softmax(-self, dim)
Tensor softmin(const Tensor& self, int64_t dim, std::optional<DType> dtype = {});

}  // namespace mt
