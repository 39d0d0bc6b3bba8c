// Full backward hooks: the inputs and outputs of a module's call pass through nodes of their own,
// which see the gradients go by.
#pragma once

#include <vector>

#include "nn/module.h"

namespace mt {

struct WatchedCall;

// One call of a module; does nothing without hooks or where nothing is recorded.
class BackwardWatch {
 public:
  BackwardWatch(Module& module, std::vector<Ref<ModuleHook>> hooks);
  ~BackwardWatch();
  BackwardWatch(const BackwardWatch&) = delete;
  BackwardWatch& operator=(const BackwardWatch&) = delete;
  void enter(TensorList& inputs);
  void leave(TensorList& outputs);

 private:
  Ref<WatchedCall> call_;
};

}  // namespace mt
