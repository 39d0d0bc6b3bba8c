// What AdaptiveLogSoftmaxWithLoss gives besides its forward. kInvalidArgument for other modules.
#pragma once

#include "nn/module.h"

namespace mt::nn {

// (n, in_features) -> (n, n_classes): the log-probabilities of all classes.
Tensor adaptive_log_prob(Module& m, const Tensor& input);
// (n, in_features) -> (n), int64: the most probable class.
Tensor adaptive_predict(Module& m, const Tensor& input);

}  // namespace mt::nn
