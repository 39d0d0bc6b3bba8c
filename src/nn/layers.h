// The built-in layers and losses as modules, with torch.nn's names, defaults and printed forms.
#pragma once

#include <memory>

#include "nn/module.h"
#include "ops/loss.h"

namespace mt::nn {

ModuleRef identity();

// y = x W^T + b: input (*, in_features) to (*, out_features). weight (out, in), bias (out,).
// Initialised U(-1/sqrt(in), 1/sqrt(in)) as torch does, weight first.
ModuleRef linear(int64_t in_features, int64_t out_features, bool bias = true,
                 DType dtype = default_dtype(), Device device = Device::kCPU);

ModuleRef flatten(int64_t start_dim = 1, int64_t end_dim = -1);
// Zeroes elements with probability p in training and scales the rest by 1 / (1 - p).
ModuleRef dropout(double p = 0.5, bool inplace = false);

// Elementwise activations of one input.
ModuleRef relu(bool inplace = false);
ModuleRef sigmoid();
ModuleRef tanh();
ModuleRef gelu(std::string_view approximate = "none");  // "none" or "tanh"
ModuleRef softmax(std::optional<int64_t> dim);
ModuleRef log_softmax(std::optional<int64_t> dim);

// Losses of (input, target).
ModuleRef mse_loss(Reduction reduction = Reduction::kMean);
ModuleRef l1_loss(Reduction reduction = Reduction::kMean);
ModuleRef bce_loss(const Tensor& weight = {}, Reduction reduction = Reduction::kMean);
ModuleRef bce_with_logits_loss(const Tensor& weight = {}, Reduction reduction = Reduction::kMean,
                               const Tensor& pos_weight = {});
ModuleRef nll_loss(const Tensor& weight = {}, int64_t ignore_index = -100,
                   Reduction reduction = Reduction::kMean);
ModuleRef cross_entropy_loss(const Tensor& weight = {}, int64_t ignore_index = -100,
                             Reduction reduction = Reduction::kMean, double label_smoothing = 0);

// --- containers ----------------------------------------------------------------------------
// Runs its children in order, each output being the next input.
class Sequential final : public Module {
 public:
  Sequential() : Module("Sequential") {}
  void append(ModuleRef m) { register_module(std::to_string(children_.size()), std::move(m)); }
  int64_t size() const { return static_cast<int64_t>(children_.size()); }
  TensorList forward(std::span<const Tensor> inputs) override;
};
Ref<Sequential> sequential(std::span<const ModuleRef> modules = {});

// A module whose forward and destroy are functions of the host program.
class CustomModule final : public Module {
 public:
  using Forward = std::function<TensorList(CustomModule&, std::span<const Tensor>)>;
  using Repr = std::function<std::string(CustomModule&)>;
  CustomModule(std::string type_name, Forward forward, Repr extra_repr = {})
      : Module(std::move(type_name)),
        forward_(std::move(forward)),
        extra_repr_(std::move(extra_repr)) {}
  TensorList forward(std::span<const Tensor> inputs) override { return forward_(*this, inputs); }
  std::string extra_repr() const override {
    return extra_repr_ ? extra_repr_(const_cast<CustomModule&>(*this)) : std::string();
  }

 private:
  Forward forward_;
  Repr extra_repr_;
};

}  // namespace mt::nn
