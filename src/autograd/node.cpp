// Creation order, iterative release and thread-safe use of graph nodes.
#include "autograd/node.h"

#include "autograd/anomaly.h"
#include "autograd/engine.h"

namespace mt {
namespace {

uint64_t next_sequence() {
  static uint64_t counter = 0;
  if (__gnu_cxx::__is_single_threaded()) return ++counter;
  return __atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED);
}

}  // namespace

Node::Node(const char* name) : name_(name), sequence_(next_sequence()) {
  if (anomaly_mode()) [[unlikely]]
    note_origin(*this);
}

void Node::destroy(Node* n) {
  // The nodes that n's edges keep alive are pushed by the same function while n is deleted, so
  // a loop takes the place of recursion.
  ThreadState& s = thread_state();
  n->next_release_ = static_cast<Node*>(s.release_stack);
  s.release_stack = n;
  if (s.releasing) return;
  s.releasing = true;
  while (auto* top = static_cast<Node*>(s.release_stack)) {
    s.release_stack = top->next_release_;
    if (g_known_origins.load(std::memory_order_relaxed) != 0) [[unlikely]]
      forget_origin(*top);
    delete top;
  }
  s.releasing = false;
}

Node::Use Node::begin_use(bool exclusive) {
  int32_t seen = users_.load(std::memory_order_acquire);
  if (exclusive && seen == 0 && users_.compare_exchange_strong(seen, -1)) return Use::kExclusive;
  while (seen >= 0) {
    if (users_.compare_exchange_weak(seen, seen + 1)) return Use::kShared;
  }
  return Use::kReleased;
}

void Node::end_use(Use use) {
  if (use == Use::kShared) users_.fetch_sub(1);
}

Tensor GradIn::or_zeros(int i) const {
  if (grads_[i].defined()) return grads_[i];
  const OutputMeta& m = node_.outputs[i];
  return kGradMath.full(m.sizes, m.dtype, m.device, 0);
}

bool GradIn::needs(int input) const { return static_cast<bool>(node_.edges[input]); }

}  // namespace mt
