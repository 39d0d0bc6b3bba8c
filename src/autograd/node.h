// The graph: a Node per recorded op, edges to the nodes (or leaf tensors) its inputs came from.
// Edges always lead to nodes of lower sequence number; engine and release rely on it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/small_vector.h"
#include "core/tensor.h"

namespace mt {

class Node;
class AutogradMeta;
using Grads = SmallVector<Tensor, 4>;

// Where the gradient of one input goes: output `nr` of a node, a leaf tensor, or nowhere.
struct Edge {
  Ref<Node> node;
  Ref<TensorImpl> leaf;
  uint32_t nr = 0;
  explicit operator bool() const { return node || leaf; }
};

struct OutputMeta {
  Dims sizes;
  DType dtype;
  Device device;
};

// What a gradient rule sees: the gradients of the op's outputs and which inputs want one.
class GradIn {
 public:
  GradIn(const Node& node, Grads& grads, bool create_graph)
      : node_(node), grads_(grads), create_graph_(create_graph) {}
  // May be undefined for an op with several outputs, meaning zero.
  const Tensor& operator[](int i) const { return grads_[i]; }
  Tensor or_zeros(int i) const;
  int size() const { return grads_.size(); }
  bool needs(int input) const;
  bool create_graph() const { return create_graph_; }
  const Node& node() const { return node_; }

 private:
  const Node& node_;
  Grads& grads_;
  bool create_graph_;
};

// A tensor hook: may return a replacement for the gradient it sees, or an undefined tensor.
class TensorHook : public RefCounted {
 public:
  virtual ~TensorHook() = default;
  static void destroy(TensorHook* h) { delete h; }
  virtual Tensor call(const Tensor& grad) = 0;
};

struct HookEntry {
  uint64_t id;
  uint32_t output_nr;
  Ref<TensorHook> hook;
};

class Node : public RefCounted {
 public:
  explicit Node(const char* name);
  virtual ~Node() = default;
  // Iterative: releasing a chain of any length neither recurses nor overflows.
  static void destroy(Node* n);

  // Gradients of the inputs, one an edge; undefined where not needed or zero.
  virtual Grads backward(const GradIn& grads) = 0;
  // Drops saved tensors after a backward without retain_graph. Rules that saved none keep working.
  virtual void release_saved() {}
  virtual bool saves() const { return false; }
  // Whether the rule is that of the real function, as all rules of ops are, which the engine
  // conjugates for complex outputs; or already the conjugated one that users write for PyTorch.
  virtual bool conjugates() const { return false; }
  virtual std::string display_name() const { return name_; }

  const char* name() const { return name_; }
  uint64_t sequence() const { return sequence_; }

  SmallVector<Edge, 3> edges;
  SmallVector<OutputMeta, 1> outputs;
  std::unique_ptr<std::vector<HookEntry>> hooks;
  // Tensors whose .grad is to be filled though they are no leaves (retain_grad).
  std::unique_ptr<std::vector<std::pair<uint32_t, AutogradMeta*>>> retained;

  // Guards saved tensors between threads: begin_use says how the rule may run.
  enum class Use { kExclusive, kShared, kReleased };
  Use begin_use(bool exclusive);
  void end_use(Use use);

 private:
  friend struct NodeRelease;
  const char* name_;
  uint64_t sequence_;
  Node* next_release_ = nullptr;
  std::atomic<int32_t> users_{0};  // -1: released
};

// Node made of a lambda `Grads rule(const GradIn&)`.
template <class F, bool kSaves>
class RuleNode final : public Node, public Pooled<RuleNode<F, kSaves>> {
 public:
  RuleNode(const char* name, F&& rule) : Node(name), rule_(std::move(rule)) {}
  Grads backward(const GradIn& grads) override {
    if constexpr (kSaves) {
      return (*rule_)(grads);
    } else {
      return rule_(grads);
    }
  }
  void release_saved() override {
    if constexpr (kSaves) rule_.reset();
  }
  bool saves() const override { return kSaves; }

 private:
  std::conditional_t<kSaves, std::optional<F>, F> rule_;
};

}  // namespace mt
