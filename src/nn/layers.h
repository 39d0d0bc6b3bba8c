// All modules of the library: the layers of layer_options.h, containers, and modules of the host.
#pragma once

#include <memory>

#include "nn/layer_options.h"
#include "nn/module.h"

namespace mt::nn {

// --- containers ----------------------------------------------------------------------------
// Runs its children in order, each output being the next input.
class Sequential final : public Module {
 public:
  // Subclasses of other libraries' that only have another name are this with that name.
  explicit Sequential(std::string type_name = "Sequential") : Module(std::move(type_name)) {}
  void append(ModuleRef m) { register_module(std::to_string(children_.size()), std::move(m)); }
  int64_t size() const { return static_cast<int64_t>(children_.size()); }
  TensorList forward(std::span<const Tensor> inputs) override;
  ModuleRef copy() const override { return ModuleRef::adopt(new Sequential(*this)); }
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
  // The copy calls the same functions.
  ModuleRef copy() const override { return ModuleRef::adopt(new CustomModule(*this)); }
  std::string extra_repr() const override {
    return extra_repr_ ? extra_repr_(const_cast<CustomModule&>(*this)) : std::string();
  }

 private:
  Forward forward_;
  Repr extra_repr_;
};

}  // namespace mt::nn
