// Losses of torch.nn.functional that are composed of other ops: of labels and margins, distances
// and likelihoods. As in ops/loss.h the reduction is none, mean or sum; optional tensors may be
// undefined. Distances between vectors are here too.
#pragma once

#include "ops/loss.h"

namespace mt {

// max(0, -target (input1 - input2) + margin)
Tensor margin_ranking_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                           double margin = 0, Reduction reduction = Reduction::kMean);
// input for target 1, max(0, margin - input) for target -1
Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target, double margin = 1,
                            Reduction reduction = Reduction::kMean);
// 1 - cos for target 1, max(0, cos - margin) for target -1; inputs (n, d) or (d).
Tensor cosine_embedding_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                             double margin = 0, Reduction reduction = Reduction::kMean);
// log(1 + exp(-target input))
Tensor soft_margin_loss(const Tensor& input, const Tensor& target,
                        Reduction reduction = Reduction::kMean);
// Sum over the classes j that are not the target y of max(0, margin - x[y] + x[j])^p / classes.
Tensor multi_margin_loss(const Tensor& input, const Tensor& target, int64_t p = 1,
                         double margin = 1, const Tensor& weight = {},
                         Reduction reduction = Reduction::kMean);
// Target rows list classes up to a -1; sum over these t and all others j of
// max(0, 1 - x[t] + x[j]) / classes.
Tensor multilabel_margin_loss(const Tensor& input, const Tensor& target,
                              Reduction reduction = Reduction::kMean);
Tensor multilabel_soft_margin_loss(const Tensor& input, const Tensor& target,
                                   const Tensor& weight = {},
                                   Reduction reduction = Reduction::kMean);
// Negative log likelihood of Poisson and normal distributions. full: with the constant terms.
Tensor poisson_nll_loss(const Tensor& input, const Tensor& target, bool log_input = true,
                        bool full = false, double eps = 1e-8,
                        Reduction reduction = Reduction::kMean);
Tensor gaussian_nll_loss(const Tensor& input, const Tensor& target, const Tensor& var,
                         bool full = false, double eps = 1e-6,
                         Reduction reduction = Reduction::kMean);
// max(0, margin + |anchor - positive| - |anchor - negative|) of p-norms; swap: the negative's
// distance from the positive where that is smaller.
Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           double margin = 1, double p = 2, double eps = 1e-6, bool swap = false,
                           Reduction reduction = Reduction::kMean);
// Connectionist temporal classification (Graves et al., 2006). log_probs (time, n, classes) or
// (time, classes); targets (n, s), or all of them in a row; lengths int64 (n). kMean divides by the
// targets' lengths first. zero_infinity: 0 where the target is longer than the input allows.
Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                const Tensor& target_lengths, int64_t blank = 0,
                Reduction reduction = Reduction::kMean, bool zero_infinity = false);

// sum(x1 x2) / (max(|x1|, eps) max(|x2|, eps)) along dim
Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, int64_t dim = 1, double eps = 1e-8);
// The p-norm of x1 - x2 + eps over the last dim.
Tensor pairwise_distance(const Tensor& x1, const Tensor& x2, double p = 2, double eps = 1e-6,
                         bool keepdim = false);
// The p-norms between all pairs of different rows, (0, 1), (0, 2), ...
Tensor pdist(const Tensor& self, double p = 2);

}  // namespace mt
