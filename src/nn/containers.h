// Containers that hold modules or parameters and compute nothing.
#pragma once

#include "nn/module.h"

namespace mt::nn {

// ModuleList: children "0", "1", ...; ModuleDict: children by name.
class List final : public Module {
 public:
  explicit List(std::string type_name) : Module(std::move(type_name)) {}
  int64_t size() const { return static_cast<int64_t>(children_.size()); }
  void append(ModuleRef m) { register_module(std::to_string(children_.size()), std::move(m)); }
  // Before the child at `index`, which may be the size or, from the end, negative.
  void insert(int64_t index, ModuleRef m);
  TensorList forward(std::span<const Tensor> inputs) override;
  ModuleRef copy() const override { return ModuleRef::adopt(new List(*this)); }
};
Ref<List> module_list(std::span<const ModuleRef> modules = {});
Ref<List> module_dict();

// ParameterList: parameters "0", "1", ...; ParameterDict: parameters by name. Printed one a line.
class Parameters final : public Module {
 public:
  explicit Parameters(std::string type_name) : Module(std::move(type_name)) {}
  // Makes a parameter of a tensor that is none.
  void append(const Tensor& t) { set(std::to_string(parameters_.size()), t); }
  void set(std::string_view name, const Tensor& t);
  TensorList forward(std::span<const Tensor> inputs) override;
  std::string extra_repr() const override;
  ModuleRef copy() const override { return ModuleRef::adopt(new Parameters(*this)); }
};
Ref<Parameters> parameter_list(std::span<const Tensor> parameters = {});
Ref<Parameters> parameter_dict();

// All elements, one tensor after the other; and back, written in place without recording.
Tensor parameters_to_vector(std::span<const Tensor> parameters);
void vector_to_parameters(const Tensor& vector, std::span<const Tensor> parameters);

}  // namespace mt::nn
