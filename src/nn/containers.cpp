// Modules that run their children: Sequential.
#include "nn/layers.h"

namespace mt::nn {

TensorList Sequential::forward(std::span<const Tensor> inputs) {
  TensorList values;
  for (const Tensor& t : inputs) values.push_back(t);
  for (size_t i = 0; i < children_.size(); ++i) {  // a child's hook may change this module
    const ModuleRef child = children_[i].second;
    if (!child) {
      fail(Status::kState, type_name_, ": no module: child '", children_[i].first,
           "' is None: every child must be a module");
    }
    values = child->call(values);
  }
  return values;
}

Ref<Sequential> sequential(std::span<const ModuleRef> modules) {
  auto s = Ref<Sequential>::adopt(new Sequential);
  for (const ModuleRef& m : modules) s->append(m);
  return s;
}

}  // namespace mt::nn
