// Losses and distances as modules: thin faces of the ops that hold their options. Weights become
// buffers, so that they move and save with the module.
#include "ops/loss.h"

#include "nn/layer_options.h"
#include "ops/arithmetic.h"
#include "ops/common.h"
#include "ops/margin_loss.h"
#include "ops/reduce.h"

namespace mt::nn {
namespace {

// f(const Options&, inputs) of n tensors.
template <class Options, class F>
ModuleRef loss(Options o, size_t n_inputs, F) {
  static_assert(std::is_empty_v<F>);
  return function_layer(std::move(o), n_inputs,
                        [](const FunctionLayer<Options>& self, std::span<const Tensor> in) {
                          return F{}(self.options(), in);
                        });
}

// f(const FunctionLayer<Options>&, inputs) with `weights` as buffers.
template <class Options, class F>
ModuleRef weighted_loss(Options o, std::initializer_list<std::pair<const char*, Tensor>> weights,
                        F f) {
  ModuleRef m = function_layer(std::move(o), 2, f);
  for (const auto& [name, t] : weights) m->register_buffer(name, t);
  return m;
}

using Inputs = std::span<const Tensor>;
template <class Options>
using Self = FunctionLayer<Options>;

}  // namespace

// A loss of (input, target) whose one option is the reduction.
#define MT_LOSS(name, function, Options)                \
  ModuleRef name(Options o) {                           \
    return loss(o, 2, [](const Options& l, Inputs in) { \
      return mt::function(in[0], in[1], l.reduction);   \
    });                                                 \
  }
MT_LOSS(mse_loss, mse_loss, MSELossOptions)
MT_LOSS(l1_loss, l1_loss, L1LossOptions)
MT_LOSS(soft_margin_loss, soft_margin_loss, SoftMarginLossOptions)
MT_LOSS(multilabel_margin_loss, multilabel_margin_loss, MultiLabelMarginLossOptions)
#undef MT_LOSS

ModuleRef smooth_l1_loss(SmoothL1LossOptions o) {
  return loss(o, 2, [](const SmoothL1LossOptions& l, Inputs in) {
    return mt::smooth_l1_loss(in[0], in[1], l.reduction, l.beta);
  });
}

ModuleRef huber_loss(HuberLossOptions o) {
  return loss(o, 2, [](const HuberLossOptions& l, Inputs in) {
    return mt::huber_loss(in[0], in[1], l.reduction, l.delta);
  });
}

ModuleRef bce_loss(BCELossOptions o) {
  const Tensor weight = std::exchange(o.weight, {});
  return weighted_loss(
      std::move(o), {{"weight", weight}}, [](const Self<BCELossOptions>& self, Inputs in) {
        return mt::binary_cross_entropy(in[0], in[1], self.buffer(0), self.options().reduction);
      });
}

ModuleRef bce_with_logits_loss(BCEWithLogitsLossOptions o) {
  const Tensor weight = std::exchange(o.weight, {}), pos_weight = std::exchange(o.pos_weight, {});
  return weighted_loss(std::move(o), {{"weight", weight}, {"pos_weight", pos_weight}},
                       [](const Self<BCEWithLogitsLossOptions>& self, Inputs in) {
                         return mt::binary_cross_entropy_with_logits(in[0], in[1], self.buffer(0),
                                                                     self.options().reduction,
                                                                     self.buffer(1));
                       });
}

ModuleRef nll_loss(NLLLossOptions o) {
  const Tensor weight = std::exchange(o.weight, {});
  return weighted_loss(
      std::move(o), {{"weight", weight}}, [](const Self<NLLLossOptions>& self, Inputs in) {
        const auto& l = self.options();
        return mt::nll_loss(in[0], in[1], self.buffer(0), l.reduction, l.ignore_index);
      });
}

ModuleRef cross_entropy_loss(CrossEntropyLossOptions o) {
  const Tensor weight = std::exchange(o.weight, {});
  return weighted_loss(std::move(o), {{"weight", weight}},
                       [](const Self<CrossEntropyLossOptions>& self, Inputs in) {
                         const auto& l = self.options();
                         return mt::cross_entropy(in[0], in[1], self.buffer(0), l.reduction,
                                                  l.ignore_index, l.label_smoothing);
                       });
}

ModuleRef multi_margin_loss(MultiMarginLossOptions o) {
  if (o.p != 1 && o.p != 2) {
    fail(Status::kInvalidArgument, "MultiMarginLoss: p out of range: p ", o.p, ": must be 1 or 2");
  }
  const Tensor weight = std::exchange(o.weight, {});
  return weighted_loss(
      std::move(o), {{"weight", weight}}, [](const Self<MultiMarginLossOptions>& self, Inputs in) {
        const auto& l = self.options();
        return mt::multi_margin_loss(in[0], in[1], l.p, l.margin, self.buffer(0), l.reduction);
      });
}

ModuleRef multilabel_soft_margin_loss(MultiLabelSoftMarginLossOptions o) {
  const Tensor weight = std::exchange(o.weight, {});
  return weighted_loss(std::move(o), {{"weight", weight}},
                       [](const Self<MultiLabelSoftMarginLossOptions>& self, Inputs in) {
                         return mt::multilabel_soft_margin_loss(in[0], in[1], self.buffer(0),
                                                                self.options().reduction);
                       });
}

ModuleRef kl_div_loss(KLDivLossOptions o) {
  const std::string_view r = o.reduction;
  if (r != "none" && r != "mean" && r != "sum" && r != "batchmean") {
    fail(Status::kInvalidArgument, "KLDivLoss: unknown reduction: '", r,
         "': must be none, mean, sum or batchmean");
  }
  return loss(std::move(o), 2, [](const KLDivLossOptions& l, Inputs in) {
    const Reduction r = l.reduction == "none"   ? Reduction::kNone
                        : l.reduction == "mean" ? Reduction::kMean
                                                : Reduction::kSum;
    const Tensor sum = mt::kl_div(in[0], in[1], r, l.log_target);
    if (l.reduction != "batchmean" || in[0].dim() == 0) return sum;
    return mt::div(sum, Tensor::from_scalar(Scalar(in[0].size(0))));
  });
}

ModuleRef poisson_nll_loss(PoissonNLLLossOptions o) {
  return loss(o, 2, [](const PoissonNLLLossOptions& l, Inputs in) {
    return mt::poisson_nll_loss(in[0], in[1], l.log_input, l.full, l.eps, l.reduction);
  });
}

ModuleRef gaussian_nll_loss(GaussianNLLLossOptions o) {
  return loss(o, 3, [](const GaussianNLLLossOptions& l, Inputs in) {
    return mt::gaussian_nll_loss(in[0], in[1], in[2], l.full, l.eps, l.reduction);
  });
}

ModuleRef hinge_embedding_loss(HingeEmbeddingLossOptions o) {
  return loss(o, 2, [](const HingeEmbeddingLossOptions& l, Inputs in) {
    return mt::hinge_embedding_loss(in[0], in[1], l.margin, l.reduction);
  });
}

ModuleRef margin_ranking_loss(MarginRankingLossOptions o) {
  return loss(o, 3, [](const MarginRankingLossOptions& l, Inputs in) {
    return mt::margin_ranking_loss(in[0], in[1], in[2], l.margin, l.reduction);
  });
}

ModuleRef cosine_embedding_loss(CosineEmbeddingLossOptions o) {
  return loss(o, 3, [](const CosineEmbeddingLossOptions& l, Inputs in) {
    return mt::cosine_embedding_loss(in[0], in[1], in[2], l.margin, l.reduction);
  });
}

ModuleRef triplet_margin_loss(TripletMarginLossOptions o) {
  return loss(o, 3, [](const TripletMarginLossOptions& l, Inputs in) {
    return mt::triplet_margin_loss(in[0], in[1], in[2], l.margin, l.p, l.eps, l.swap, l.reduction);
  });
}

ModuleRef ctc_loss(CTCLossOptions o) {
  return loss(o, 4, [](const CTCLossOptions& l, Inputs in) {
    return mt::ctc_loss(in[0], in[1], in[2], in[3], l.blank, l.reduction, l.zero_infinity);
  });
}

ModuleRef cosine_similarity(CosineSimilarityOptions o) {
  return loss(o, 2, [](const CosineSimilarityOptions& l, Inputs in) {
    return mt::cosine_similarity(in[0], in[1], l.dim, l.eps);
  });
}

ModuleRef pairwise_distance(PairwiseDistanceOptions o) {
  return loss(o, 2, [](const PairwiseDistanceOptions& l, Inputs in) {
    return mt::pairwise_distance(in[0], in[1], l.p, l.eps, l.keepdim);
  });
}

}  // namespace mt::nn
