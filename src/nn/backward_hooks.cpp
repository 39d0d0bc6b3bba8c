// The nodes behind full backward hooks. The outputs' node comes first in backward and keeps their
// gradients; the inputs' node then has both and runs the hooks. Without an input that wants a
// gradient the outputs' node runs them.
#include "nn/backward_hooks.h"

#include "autograd/meta.h"
#include "ops/common.h"

namespace mt {

struct WatchedCall : RefCounted {
  static void destroy(WatchedCall* c) { delete c; }

  ModuleRef module;
  std::vector<Ref<ModuleHook>> hooks;
  int n_inputs = 0;
  bool inputs_watched = false;
  bool outputs_seen = false;
  TensorList grad_outputs;

  void run(TensorList& grad_inputs) {
    TensorList outputs = std::move(grad_outputs);
    grad_outputs = {};
    outputs_seen = false;
    for (const Ref<ModuleHook>& hook : hooks) {
      TensorList before;
      for (const Tensor& g : grad_inputs) before.push_back(g);
      hook->call(*module, grad_inputs, &outputs);
      for (int i = 0; i < grad_inputs.size(); ++i) check(i, before[i], grad_inputs[i]);
    }
  }

 private:
  static void check(int i, const Tensor& before, const Tensor& after) {
    if (same(before, after)) return;
    if (!before.defined()) {
      fail(Status::kAutograd, "full backward hook: no gradient: input ", i,
           " gets none: its replacement must be left out");
    }
    if (!(before.sizes() == after.sizes())) {
      fail(Status::kShape, "full backward hook: shape mismatch: gradient ", i, " is ",
           shape_string(before.sizes()), ", replacement ", shape_string(after.sizes()),
           ": both must have one shape");
    }
  }
};

namespace {

class WatchNode final : public Node {
 public:
  WatchNode(Ref<WatchedCall> call, bool of_inputs)
      : Node("BackwardHookFunctionBackward"), call_(std::move(call)), of_inputs_(of_inputs) {}

  bool conjugates() const override { return true; }  // hooks see gradients as they are

  Grads backward(const GradIn& in) override {
    Grads grads;
    for (int i = 0; i < in.size(); ++i) grads.push_back(in[i]);
    if (of_inputs_) {
      if (!call_->outputs_seen) {
        fail(Status::kAutograd,
             "full backward hook: wrong order: the inputs' gradients came before the outputs': "
             "backward must go through the module's outputs");
      }
      call_->run(grads);
      return grads;
    }
    call_->grad_outputs = {};
    for (const Tensor& g : grads) call_->grad_outputs.push_back(g);
    call_->outputs_seen = true;
    if (!call_->inputs_watched) {
      TensorList none;
      for (int i = 0; i < call_->n_inputs; ++i) none.push_back(Tensor());
      call_->run(none);
    }
    return grads;
  }

 private:
  Ref<WatchedCall> call_;
  bool of_inputs_;
};

// Passes the tensors that want gradients through a node; false when there are none.
bool watch(const Ref<WatchedCall>& call, TensorList& list, bool of_inputs) {
  if (!recording(std::span<const Tensor>(list.data(), static_cast<size_t>(list.size())))) {
    return false;
  }
  const auto node = Ref<Node>::adopt(new WatchNode(call, of_inputs));
  SmallVector<const Tensor*, 8> pointers;
  for (const Tensor& t : list) pointers.push_back(&t);
  connect(*node, {pointers.data(), static_cast<size_t>(pointers.size())});
  for (Tensor& t : list) {
    if (t.defined() && t.requires_grad()) {
      Tensor out = t.alias();
      mark_view(out, t);
      attach(node, out);
      t = std::move(out);
    } else {
      node->outputs.push_back({t.sizes(), t.dtype(), t.device()});
    }
  }
  return true;
}

}  // namespace

BackwardWatch::BackwardWatch(Module& module, std::vector<Ref<ModuleHook>> hooks) {
  if (hooks.empty()) return;
  call_ = Ref<WatchedCall>::adopt(new WatchedCall);
  call_->module = ModuleRef::share(&module);
  call_->hooks = std::move(hooks);
}

BackwardWatch::~BackwardWatch() = default;

void BackwardWatch::enter(TensorList& inputs) {
  if (!call_) return;
  call_->n_inputs = inputs.size();
  call_->inputs_watched = watch(call_, inputs, true);
}

void BackwardWatch::leave(TensorList& outputs) {
  if (call_) watch(call_, outputs, false);
}

}  // namespace mt
