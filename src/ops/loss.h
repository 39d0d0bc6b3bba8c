// Losses, as in torch.nn.functional. With Reduction::kNone the result has one value an element (or
// a sample); kMean and kSum give a 0-dim tensor, and the mean of nothing is NaN. Input and target
// broadcast where PyTorch lets them. Optional tensors may be undefined.
#pragma once

#include "core/tensor.h"

namespace mt {

enum class Reduction : int32_t { kNone = 0, kMean = 1, kSum = 2 };  // the ABI's mt_reduction

// (input - target)^2
Tensor mse_loss(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::kMean);
// |input - target|
Tensor l1_loss(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::kMean);
// With d = |input - target|: d^2 / (2 beta) below beta, d - beta / 2 above.
Tensor smooth_l1_loss(const Tensor& input, const Tensor& target,
                      Reduction reduction = Reduction::kMean, double beta = 1);
// With d = |input - target|: d^2 / 2 up to delta, delta (d - delta / 2) above.
Tensor huber_loss(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::kMean,
                  double delta = 1);

// input: log-probabilities (C), (N, C) or (N, C, d1, ...); target: int64 class indices of shape
// (), (N) or (N, d1, ...), in [0, C) or ignore_index. `weight`: (C). The mean is weighted:
// sum of losses / sum of the weights of the targets that are not ignored.
Tensor nll_loss(const Tensor& input, const Tensor& target, const Tensor& weight = {},
                Reduction reduction = Reduction::kMean, int64_t ignore_index = -100);
// input: logits, shapes as nll_loss; target: class indices, or class probabilities of input's
// shape and floating dtype.
Tensor cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight = {},
                     Reduction reduction = Reduction::kMean, int64_t ignore_index = -100,
                     double label_smoothing = 0);

// input in [0, 1], target of the same shape; `weight` broadcasts to target. Logs stop at -100.
Tensor binary_cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight = {},
                            Reduction reduction = Reduction::kMean);
// The same on logits, stable; pos_weight broadcasts and weighs the positive term.
Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target,
                                        const Tensor& weight = {},
                                        Reduction reduction = Reduction::kMean,
                                        const Tensor& pos_weight = {});
// target * (log(target) - input), input being log-probabilities; log_target: target is a log too.
// kMean divides by the number of elements.
Tensor kl_div(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::kMean,
              bool log_target = false);

}  // namespace mt
