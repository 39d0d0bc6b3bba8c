// What autograd keeps beside a tensor, and how ops record themselves in the graph.
#pragma once

#include "autograd/grad_mode.h"
#include "autograd/node.h"

namespace mt {

class AutogradMeta final : public AutogradMetaBase, public Pooled<AutogradMeta> {
 public:
  AutogradMeta() = default;
  ~AutogradMeta() override;

  Tensor grad;
  Ref<Node> grad_fn;
  uint32_t output_nr = 0;
  bool retains_grad = false;
  // A view made by a differentiable op: the tensor whose storage it is part of. In-place writes
  // to either are recorded in the base; the view's own grad_fn is then rebuilt from it.
  Tensor base;
  uint32_t view_version = 0;
  std::unique_ptr<std::vector<HookEntry>> hooks;  // of a leaf
};

AutogradMeta& autograd_meta(const Tensor& t);  // made on demand
inline AutogradMeta* autograd_meta_or_null(const Tensor& t) {
  return static_cast<AutogradMeta*>(t.impl()->autograd.get());
}

// --- questions -----------------------------------------------------------------------------
bool is_leaf(const Tensor& t);
Ref<Node> grad_fn(const Tensor& t);                   // null for a leaf; rebuilds a stale view's
Edge gradient_edge(const Tensor& t);                  // empty when t does not require grad
Tensor grad_of(const Tensor& t);                      // undefined when there is none
void set_grad(const Tensor& t, const Tensor& grad);   // undefined clears; checks shape and dtype
void set_requires_grad(const Tensor& t, bool value);  // leaf and floating dtype rules
Tensor detach(const Tensor& t);                       // shares storage and version
void detach_(const Tensor& t);
void retain_grad(const Tensor& t);
uint64_t register_hook(const Tensor& t, Ref<TensorHook> hook);  // id for remove_hook
bool remove_hook(const Tensor& t, uint64_t id);

// --- recording -----------------------------------------------------------------------------
// True when the op must be recorded: grad mode is on and one of the inputs wants a gradient.
inline bool recording(const Tensor& a) {
  return a.defined() && a.requires_grad() && grad_enabled();
}
template <class... Rest>
bool recording(const Tensor& a, const Rest&... rest) {
  return recording(a) || recording(rest...);
}
bool recording(std::span<const Tensor> list);

void connect(Node& node, std::span<const Tensor* const> inputs);
void attach(const Ref<Node>& node, Tensor& out);  // next output of the node

// Records `out = op(inputs...)`: the rule returns one gradient an input. `record` is for rules
// that save tensors (freed after backward), `record_light` for rules that captured no tensor.
template <bool kSaves, class F>
Ref<Node> make_rule(const char* name, std::span<const Tensor* const> inputs, F&& rule) {
  using R = std::remove_cvref_t<F>;
  auto node = Ref<Node>::adopt(new RuleNode<R, kSaves>(name, R(std::forward<F>(rule))));
  connect(*node, inputs);
  return node;
}
template <class F>
void record(const char* name, Tensor& out, std::initializer_list<const Tensor*> inputs, F&& rule) {
  attach(make_rule<true>(name, {inputs.begin(), inputs.size()}, std::forward<F>(rule)), out);
}
template <class F>
void record_light(const char* name, Tensor& out, std::initializer_list<const Tensor*> inputs,
                  F&& rule) {
  attach(make_rule<false>(name, {inputs.begin(), inputs.size()}, std::forward<F>(rule)), out);
}

// --- views and in-place writes --------------------------------------------------------------
// Marks `view` (an alias made of `of`) as a differentiable view, so that later in-place writes
// find their base.
void mark_view(Tensor& view, const Tensor& of);
// Call before an in-place write: refuses leaves that want gradients and self-overlapping memory.
void check_inplace(std::string_view op, const Tensor& t);
// Makes `node`, whose next output it becomes, the history of a tensor that is no view.
void rebase_history(const Tensor& t, Ref<Node> node);
// Call after the write: bumps the version and, when `node` is given, makes it t's history. Edge 0
// of the node must be t's old history.
void inplace_done(const Tensor& t, Ref<Node> node);

}  // namespace mt
