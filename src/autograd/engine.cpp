// The gradient engine: a max-heap of pending nodes ordered by sequence number. Because every edge
// leads to a lower number, the top of the heap has received all its gradients, so no dependency
// counting is needed and memory is proportional to the pending nodes only.
#include "autograd/engine.h"

#include <algorithm>
#include <mutex>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "autograd/anomaly.h"
#include "autograd/meta.h"
#include "autograd/rule.h"
#include "core/error.h"

namespace mt {
namespace {

struct Pending {
  Ref<Node> node;
  SmallVector<Tensor, 1> grads;
};

struct LeafGrad {
  Ref<TensorImpl> leaf;
  Tensor grad;
};

// Where to put a gradient that grad(inputs) asks for.
struct Capture {
  const void* target;  // Node or leaf TensorImpl
  uint32_t nr;
  Tensor grad;
  bool seen = false;
};

bool owned(const Tensor& t) {
  return t.ref()->use_count() == 1 && t.storage()->use_count() == 1 && t.is_contiguous() &&
         !t.storage()->is_external();
}

// Open addressing from node to slot; nodes leave when they run, so it stays small.
class PendingSet {
 public:
  // Slot of a node; a new one when `fresh` comes back true.
  Pending& slot(const Ref<Node>& node, bool& fresh) {
    const auto key = reinterpret_cast<uintptr_t>(node.get());
    for (size_t i = hash(key);; i = (i + 1) & mask_) {
      if (keys_[i] == key) {
        fresh = false;
        return slots_[index_[i]];
      }
      if (keys_[i] == 0) {
        fresh = true;
        break;
      }
    }
    if ((count_ + 1) * 2 > keys_.size()) grow();
    uint32_t at;
    if (free_.empty()) {
      at = static_cast<uint32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      at = free_.back();
      free_.pop_back();
    }
    insert(key, at);
    ++count_;
    slots_[at].node = node;
    slots_[at].grads.resize(node->outputs.size());
    heap_.push_back({node->sequence(), at});
    std::push_heap(heap_.begin(), heap_.end());
    return slots_[at];
  }
  bool empty() const { return heap_.empty(); }
  // Removes the node with the highest sequence number.
  Pending pop() {
    std::pop_heap(heap_.begin(), heap_.end());
    const uint32_t at = heap_.back().at;
    heap_.pop_back();
    Pending p = std::move(slots_[at]);
    slots_[at] = Pending();
    free_.push_back(at);
    erase(reinterpret_cast<uintptr_t>(p.node.get()));
    --count_;
    return p;
  }
  void clear() {
    slots_.clear();
    free_.clear();
    heap_.clear();
    std::fill(keys_.begin(), keys_.end(), 0);
    count_ = 0;
  }

 private:
  struct HeapItem {
    uint64_t sequence;
    uint32_t at;
    bool operator<(const HeapItem& o) const { return sequence < o.sequence; }
  };
  size_t hash(uintptr_t key) const { return (key >> 6) * 0x9E3779B97F4A7C15u >> 32 & mask_; }
  void insert(uintptr_t key, uint32_t at) {
    size_t i = hash(key);
    while (keys_[i] != 0) i = (i + 1) & mask_;
    keys_[i] = key;
    index_[i] = at;
  }
  void grow() {
    std::vector<uintptr_t> keys(keys_.size() * 2);
    std::vector<uint32_t> index(keys.size());
    keys.swap(keys_);
    index.swap(index_);
    mask_ = keys_.size() - 1;
    for (size_t i = 0; i < keys.size(); ++i) {
      if (keys[i]) insert(keys[i], index[i]);
    }
  }
  void erase(uintptr_t key) {
    size_t i = hash(key);
    while (keys_[i] != key) i = (i + 1) & mask_;
    // Shift later members of the probe run back so that no tombstones are needed.
    for (size_t j = i;;) {
      j = (j + 1) & mask_;
      if (keys_[j] == 0) break;
      const size_t home = hash(keys_[j]);
      if (((j - home) & mask_) >= ((j - i) & mask_)) {
        keys_[i] = keys_[j];
        index_[i] = index_[j];
        i = j;
      }
    }
    keys_[i] = 0;
  }

  std::vector<uintptr_t> keys_ = std::vector<uintptr_t>(64);
  std::vector<uint32_t> index_ = std::vector<uint32_t>(64);
  size_t mask_ = 63, count_ = 0;
  std::vector<Pending> slots_;
  std::vector<uint32_t> free_;
  std::vector<HeapItem> heap_;
};

class Engine {
 public:
  void run(std::span<const Tensor> outputs, std::span<const Tensor> grad_outputs, const char* op,
           bool retain, bool create, std::span<Capture> captures, bool restrict) {
    GradMode mode(create);
    retain_ = retain;
    create_ = create;
    captures_ = captures;
    restrict_ = restrict;
    if (restrict) find_needed(outputs);
    for (size_t i = 0; i < outputs.size(); ++i) {
      Tensor g = i < grad_outputs.size() ? grad_outputs[i] : Tensor();
      seed(op, outputs[i], std::move(g));
    }
    while (!pending_.empty()) step(pending_.pop());
    for (LeafGrad& l : leaves_) finish_leaf(l);
  }
  void clear() {
    pending_.clear();
    leaves_.clear();
    leaf_index_.clear();
    needed_.clear();
    captures_ = {};
    accumulate_captured_ = false;
  }

 private:
  void seed(const char* op, const Tensor& out, Tensor g) {
    if (!out.requires_grad()) {
      fail(Status::kAutograd, op,
           ": no graph: the tensor does not require grad and does not have a grad_fn: call "
           "requires_grad_ on the inputs before the computation");
    }
    if (!g.defined()) {
      check_real_scalar(op, out);
      g = kGradMath.full(out.sizes(), out.dtype(), out.device(), 1);
    } else if (!(g.sizes() == out.sizes())) {
      fail(Status::kShape, op, ": shape mismatch: output ", shape_string(out.sizes()),
           ", its gradient ", shape_string(g.sizes()), ": both must have one shape");
    }
    send(gradient_edge(out), std::move(g), nullptr);
  }

  // Adds a gradient to the pending sum of an edge's target.
  void send(const Edge& edge, Tensor g, const Node* from) {
    if (!g.defined() || !edge) return;
    if (edge.leaf) {
      if (restrict_ && !needed_.contains(edge.leaf.get())) return;
      const Tensor leaf(edge.leaf);
      fit(g, leaf.sizes(), leaf.dtype(), from);
      accumulate(leaf_slot(edge.leaf), std::move(g));
      return;
    }
    if (restrict_ && !needed_.contains(edge.node.get())) return;
    const OutputMeta& meta = edge.node->outputs[static_cast<int>(edge.nr)];
    fit(g, meta.sizes, meta.dtype, from);
    bool fresh = false;
    Pending& p = pending_.slot(edge.node, fresh);
    accumulate(p.grads[static_cast<int>(edge.nr)], std::move(g));
  }

  // Un-broadcasts and converts a gradient to what its target expects.
  void fit(Tensor& g, const Dims& sizes, DType dtype, const Node* from) {
    if (!(g.sizes() == sizes)) {
      if (!is_broadcastable_to(sizes, g.sizes())) {
        fail(Status::kShape, from ? from->display_name() : "backward",
             ": shape mismatch: gradient of shape ", shape_string(g.sizes()), " for an input of ",
             shape_string(sizes), ": the gradient must have the input's shape");
      }
      g = kGradMath.sum_to(g, sizes);
    }
    if (g.dtype() != dtype) g = kGradMath.cast(g, dtype);
  }

  // The pending gradient of a leaf: a short scan, an index once there are many.
  Tensor& leaf_slot(const Ref<TensorImpl>& leaf) {
    constexpr size_t kScan = 16;
    if (leaves_.size() <= kScan) {
      for (LeafGrad& l : leaves_) {
        if (l.leaf == leaf) return l.grad;
      }
    } else {
      for (size_t i = leaf_index_.size(); i < leaves_.size(); ++i) {
        leaf_index_[leaves_[i].leaf.get()] = i;
      }
      if (auto it = leaf_index_.find(leaf.get()); it != leaf_index_.end()) {
        return leaves_[it->second].grad;
      }
    }
    leaves_.push_back({leaf, Tensor()});
    return leaves_.back().grad;
  }

  void accumulate(Tensor& sum, Tensor g) {
    if (!sum.defined()) {
      sum = std::move(g);
    } else if (!create_ && owned(sum)) {
      kGradMath.add_into(sum, g);
    } else {
      sum = kGradMath.add(sum, g);
    }
  }

  void run_hooks(std::vector<HookEntry>* hooks, uint32_t nr, Tensor& g) {
    if (!hooks) return;
    const std::vector<HookEntry> list = *hooks;  // a hook may add or remove hooks
    for (const HookEntry& h : list) {
      if (h.output_nr != nr || !g.defined()) continue;
      Tensor replaced = h.hook->call(g);
      if (!replaced.defined()) continue;
      if (!(replaced.sizes() == g.sizes())) {
        fail(Status::kShape, "hook: shape mismatch: gradient ", shape_string(g.sizes()),
             ", hook's result ", shape_string(replaced.sizes()), ": both must have one shape");
      }
      g = std::move(replaced);
    }
  }

  // The node's rule, as often as its saved values last.
  Grads run_rule(Node& node, Grads& upstream) {
    const Node::Use use = node.begin_use(!retain_);
    if (use == Node::Use::kReleased) {
      // Rules that saved nothing still work; those that did are empty now.
      if (node.saves()) {
        fail(Status::kAutograd,
             "backward: graph freed: trying to backward through the graph a second time: its "
             "saved values are gone; give retain_graph=True to the first backward");
      }
      return rule_gradients(node, upstream, create_);
    }
    Grads grads;
    try {
      grads = rule_gradients(node, upstream, create_);
    } catch (...) {
      node.end_use(use);
      throw;
    }
    if (use == Node::Use::kExclusive) node.release_saved();
    node.end_use(use);
    return grads;
  }

  void step(Pending p) {
    Node& node = *p.node;
    Grads upstream;
    upstream.reserve(p.grads.size());
    for (Tensor& g : p.grads) upstream.push_back(std::move(g));
    if (node.hooks) {
      for (int i = 0; i < upstream.size(); ++i) {
        run_hooks(node.hooks.get(), static_cast<uint32_t>(i), upstream[i]);
      }
    }
    if (node.retained) {
      for (auto& [nr, meta] : *node.retained) {
        const Tensor& g = upstream[static_cast<int>(nr)];
        if (g.defined()) meta->grad = meta->grad.defined() ? kGradMath.add(meta->grad, g) : g;
      }
    }
    bool wanted = !restrict_;
    for (Capture& c : captures_) {
      if (c.target != &node) continue;
      c.seen = true;
      if (upstream[static_cast<int>(c.nr)].defined()) c.grad = upstream[static_cast<int>(c.nr)];
    }
    if (restrict_) {
      for (const Edge& e : node.edges) {
        wanted = wanted || (e && needed_.contains(target(e)));
      }
    }
    if (!wanted) return;
    Grads grads;
    if (anomaly_mode()) [[unlikely]] {
      run_watched(node, grads, [&] { grads = run_rule(node, upstream); });
    } else {
      grads = run_rule(node, upstream);
    }
    for (int i = 0; i < node.edges.size() && i < grads.size(); ++i) {
      send(node.edges[i], std::move(grads[i]), &node);
    }
  }

  void finish_leaf(LeafGrad& l) {
    Tensor leaf(l.leaf);
    // Two backwards may reach one leaf, and both find that it has no meta yet.
    static std::mutex mutex;
    std::unique_lock lock(mutex);
    AutogradMeta& meta = autograd_meta(leaf);
    if (meta.hooks) {
      lock.unlock();
      run_hooks(meta.hooks.get(), 0, l.grad);
      lock.lock();
    }
    bool captured = false;
    for (Capture& c : captures_) {
      if (c.target != l.leaf.get()) continue;
      c.grad = l.grad;
      c.seen = captured = true;
    }
    if (captured && !accumulate_captured_) return;
    if (!meta.grad.defined()) {
      // Keep the gradient itself when nobody else can see it.
      meta.grad = owned(l.grad) ? std::move(l.grad) : kGradMath.clone(l.grad);
      if (!create_) meta.grad = drop_history(meta.grad);
    } else if (create_) {
      meta.grad = kGradMath.add(meta.grad, l.grad);
    } else {
      kGradMath.add_into(meta.grad, l.grad);
      mark_written(meta.grad);
    }
  }

  static Tensor drop_history(const Tensor& t) { return t.requires_grad() ? detach(t) : t; }

  static const void* target(const Edge& e) {
    return e.leaf ? static_cast<const void*>(e.leaf.get()) : e.node.get();
  }

  // Marks what lies between the outputs and the captured inputs: only that is run.
  void find_needed(std::span<const Tensor> outputs) {
    std::unordered_set<const Node*> seen;
    std::vector<Ref<Node>> order;
    for (const Capture& c : captures_) needed_.insert(c.target);
    for (const Tensor& t : outputs) {
      const Edge e = gradient_edge(t);
      if (e.node && seen.insert(e.node.get()).second) order.push_back(e.node);
    }
    for (size_t i = 0; i < order.size(); ++i) {
      const Ref<Node> node = order[i];
      for (const Edge& e : node->edges) {
        if (e.node && seen.insert(e.node.get()).second) order.push_back(e.node);
      }
    }
    std::sort(order.begin(), order.end(),
              [](const auto& a, const auto& b) { return a->sequence() < b->sequence(); });
    for (const auto& node : order) {
      for (const Edge& e : node->edges) {
        if (e && needed_.contains(target(e))) {
          needed_.insert(node.get());
          break;
        }
      }
    }
  }

  PendingSet pending_;
  std::vector<LeafGrad> leaves_;
  std::unordered_map<const TensorImpl*, size_t> leaf_index_;
  std::unordered_set<const void*> needed_;
  std::span<Capture> captures_;
  bool retain_ = false, create_ = false, restrict_ = false;

 public:
  bool accumulate_captured_ = false;
};

// Engines are kept per thread so that a training step allocates nothing. A backward inside a
// backward (from a hook or a rule) takes another one.
class EngineLease {
 public:
  EngineLease() {
    auto& idle = idle_engines();
    if (idle.empty()) {
      engine_ = std::make_unique<Engine>();
    } else {
      engine_ = std::move(idle.back());
      idle.pop_back();
    }
  }
  ~EngineLease() {
    engine_->clear();
    auto& idle = idle_engines();
    if (idle.size() < idle.capacity()) idle.push_back(std::move(engine_));
  }
  Engine* operator->() { return engine_.get(); }

 private:
  using Idle = std::vector<std::unique_ptr<Engine>>;
  static thread_local Idle* t_idle;

  static Idle& idle_engines() {
    if (!t_idle) {
      auto made = std::make_unique<Idle>();
      made->reserve(64);
      at_thread_exit([] { delete std::exchange(t_idle, nullptr); });
      t_idle = made.release();
    }
    return *t_idle;
  }
  std::unique_ptr<Engine> engine_;
};
thread_local EngineLease::Idle* EngineLease::t_idle = nullptr;

void check_counts(const char* op, size_t outputs, size_t grads) {
  if (outputs == 0)
    fail(Status::kInvalidArgument, op, ": no outputs given: at least one is needed");
  if (grads != 0 && grads != outputs) {
    fail(Status::kInvalidArgument, op, ": count mismatch: ", outputs, " outputs, ", grads,
         " gradients: give one gradient an output, or none");
  }
}

std::vector<Capture> captures_of(const char* op, std::span<const Tensor> inputs) {
  std::vector<Capture> captures;
  for (const Tensor& t : inputs) {
    if (!t.requires_grad()) {
      fail(Status::kAutograd, op, ": an input of shape ", shape_string(t.sizes()),
           " does not require grad: call requires_grad_ before the computation");
    }
    const Edge e = gradient_edge(t);
    captures.push_back(
        {e.leaf ? static_cast<const void*>(e.leaf.get()) : e.node.get(), e.nr, Tensor()});
  }
  return captures;
}

}  // namespace

void backward(std::span<const Tensor> outputs, std::span<const Tensor> grad_outputs,
              bool retain_graph, bool create_graph, std::span<const Tensor> inputs) {
  check_counts("backward", outputs.size(), grad_outputs.size());
  EngineLease engine;
  std::vector<Capture> captures = captures_of("backward", inputs);
  engine->accumulate_captured_ = !inputs.empty();
  engine->run(outputs, grad_outputs, "backward", retain_graph || create_graph, create_graph,
              captures, !inputs.empty());
  for (size_t i = 0; i < inputs.size(); ++i) {  // inputs that are no leaves
    if (is_leaf(inputs[i]) || !captures[i].grad.defined()) continue;
    AutogradMeta& m = autograd_meta(inputs[i]);
    m.grad = m.grad.defined() ? kGradMath.add(m.grad, captures[i].grad) : captures[i].grad;
  }
}

Grads grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
           std::span<const Tensor> grad_outputs, bool retain_graph, bool create_graph,
           bool allow_unused) {
  check_counts("grad", outputs.size(), grad_outputs.size());
  std::vector<Capture> captures = captures_of("grad", inputs);
  EngineLease engine;
  engine->run(outputs, grad_outputs, "grad", retain_graph || create_graph, create_graph, captures,
              true);
  Grads result;
  for (size_t i = 0; i < captures.size(); ++i) {
    if (!captures[i].grad.defined() && !allow_unused) {
      fail(Status::kAutograd, "grad: input ", i, " of shape ", shape_string(inputs[i].sizes()),
           " was not used in the graph: set allow_unused=True if this is intended");
    }
    const Tensor& g = captures[i].grad;
    result.push_back(!create_graph && g.defined() && g.requires_grad() ? detach(g) : g);
  }
  return result;
}

}  // namespace mt
