// Averages of a model's parameters over training, as torch.optim.swa_utils: stochastic weight
// averaging (Izmailov et al. 2018) and exponential moving averages.
#pragma once

#include <functional>

#include "nn/module.h"

namespace mt {

// The new average from the old one, the model's value, and how often was averaged before.
using AverageFn =
    std::function<Tensor(const Tensor& averaged, const Tensor& value, int64_t n_averaged)>;

// A module "AveragedModel" with the child "module", whose parameters become the averages, and the
// buffer "n_averaged". `module` has the model's structure; its values are replaced by the first
// update.
class AveragedModel final : public Module {
 public:
  // No function: equal averages. `use_buffers`: buffers are averaged too.
  AveragedModel(ModuleRef module, AverageFn average, bool use_buffers);
  TensorList forward(std::span<const Tensor> inputs) override;
  void update_parameters(const Module& model);

 private:
  AverageFn average_;
  bool use_buffers_;
};

// Computes the running statistics of the model's BatchNorm layers anew, as averages over batches:
// runs it in training mode, without recording, on what next() gives until that is undefined.
void update_bn(Module& model, const std::function<Tensor()>& next);

// decay * averaged + (1 - decay) * value
AverageFn ema_average(double decay);

}  // namespace mt
