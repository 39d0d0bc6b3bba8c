// User-defined autograd functions: the context that a host's forward and backward share, and the
// node that runs backward.
#pragma once

#include <string>
#include <vector>

#include "autograd/saved_tensor.h"
#include "capi/guard.h"
#include "minitorch/minitorch.h"

namespace mt::capi {

// The host's description of a function, alive as long as a node may run it.
class FunctionDef : public RefCounted {
 public:
  FunctionDef(const mt_function& f, Ref<UserData> user)
      : name(f.name ? f.name : "Function"),
        node_name(name + "Backward"),
        forward(f.forward),
        backward(f.backward),
        user(std::move(user)) {}
  static void destroy(FunctionDef* d) { delete d; }

  const std::string name, node_name;
  const mt_function_forward_fn forward;
  const mt_function_backward_fn backward;
  const Ref<UserData> user;
};

// What one call of a function keeps from forward to backward.
class FunctionState : public RefCounted {
 public:
  static void destroy(FunctionState* s) { delete s; }

  std::vector<Tensor> to_save;                  // by forward, until the outputs are known
  std::vector<Tensor> dirty;                    // inputs that forward changed in place
  std::vector<const TensorImpl*> without_grad;  // compared with the outputs after forward
  std::vector<bool> needs_input_grad;
  bool materialize_grads = true;
  std::vector<SavedTensor> saved;
  Ref<UserData> data;
};

// The object behind an mt_function_ctx: one running callback. Its handle ends with the callback.
class FunctionCtx : public RefCounted {
 public:
  enum class Phase { kForward, kBackward, kOver };
  FunctionCtx(Ref<FunctionState> s, Phase p, const GradIn* g)
      : state(std::move(s)), phase(p), grads(g) {}
  static void destroy(FunctionCtx* c) { delete c; }

  const Ref<FunctionState> state;
  const Phase phase;
  const GradIn* const grads;  // during backward
};

}  // namespace mt::capi
