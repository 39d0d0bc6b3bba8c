// Leaf rules, history of views and in-place writes, hooks: PyTorch's semantics.
#include "autograd/meta.h"

#include <algorithm>
#include <mutex>

#include "autograd/engine.h"
#include "core/error.h"

namespace mt {
namespace {

std::atomic<uint64_t> g_next_hook{1};

// History of a base tensor after an in-place write to one of its views: the slice's gradient goes
// through the write's rule, the rest passes unchanged.
class CopySlices final : public Node, public Pooled<CopySlices> {
 public:
  CopySlices(const Tensor& base, const Tensor& view, Ref<Node> rule)
      : Node("CopySlices"), base_(geometry(base)), view_(geometry(view)), rule_(std::move(rule)) {
    edges.push_back(gradient_edge(base));
    for (int i = 1; i < rule_->edges.size(); ++i) edges.push_back(rule_->edges[i]);
  }

  Grads backward(const GradIn& in) override {
    Grads upstream;
    upstream.push_back(kGradMath.read_part(in[0], base_, view_));
    GradIn rule_in(*rule_, upstream, in.create_graph());
    Grads inner = rule_->backward(rule_in);
    Grads result(edges.size());
    result[0] = kGradMath.write_part(in[0], base_, view_, inner[0]);
    for (int i = 1; i < result.size() && i < inner.size(); ++i) result[i] = std::move(inner[i]);
    return result;
  }
  void release_saved() override { rule_->release_saved(); }
  bool saves() const override { return rule_->saves(); }

 private:
  Geometry base_, view_;
  Ref<Node> rule_;
};

void drop_retained(AutogradMeta& m) {
  if (!m.grad_fn || !m.grad_fn->retained) return;
  std::erase_if(*m.grad_fn->retained, [&m](const auto& e) { return e.second == &m; });
}

void add_retained(AutogradMeta& m) {
  auto& list = m.grad_fn->retained;
  if (!list) list = std::make_unique<std::vector<std::pair<uint32_t, AutogradMeta*>>>();
  list->emplace_back(m.output_nr, &m);
}

}  // namespace

AutogradMeta::~AutogradMeta() {
  if (retains_grad) drop_retained(*this);
}

AutogradMeta& autograd_meta(const Tensor& t) {
  auto& slot = t.impl()->autograd;
  if (!slot) slot = std::make_unique<AutogradMeta>();
  return static_cast<AutogradMeta&>(*slot);
}

bool is_leaf(const Tensor& t) {
  const AutogradMeta* m = autograd_meta_or_null(t);
  return !m || !m->grad_fn;
}

Ref<Node> grad_fn(const Tensor& t) {
  AutogradMeta* m = autograd_meta_or_null(t);
  if (!m) return {};
  if (m->base.defined() && m->base.requires_grad() && m->view_version != t.version() &&
      (m->grad_fn || !t.requires_grad())) {
    m->grad_fn = kGradMath.view_node(m->base, t);
    m->output_nr = 0;
    m->view_version = t.version();
    t.impl()->requires_grad = true;
  }
  return m->grad_fn;
}

Edge gradient_edge(const Tensor& t) {
  Edge e;
  if (!t.defined() || !t.requires_grad()) return e;
  e.node = grad_fn(t);
  if (e.node) {
    e.nr = autograd_meta(t).output_nr;
  } else {
    e.leaf = t.ref();
  }
  return e;
}

Tensor grad_of(const Tensor& t) {
  const AutogradMeta* m = autograd_meta_or_null(t);
  return m ? m->grad : Tensor();
}

void set_grad(const Tensor& t, const Tensor& grad) {
  if (!grad.defined()) {
    if (AutogradMeta* m = autograd_meta_or_null(t)) m->grad.reset();
    return;
  }
  if (same(t, grad)) {
    fail(Status::kInvalidArgument, "set_grad: a tensor cannot be its own gradient");
  }
  if (!(grad.sizes() == t.sizes())) {
    fail(Status::kShape, "set_grad: shape mismatch: tensor ", shape_string(t.sizes()), ", grad ",
         shape_string(grad.sizes()), ": both must have one shape");
  }
  if (grad.dtype() != t.dtype()) {
    fail(Status::kDType, "set_grad: dtype mismatch: tensor is ", dtype_name(t.dtype()),
         ", grad is ", dtype_name(grad.dtype()), ": both must have one dtype");
  }
  if (grad.device() != t.device()) {
    fail(Status::kDevice, "set_grad: device mismatch: tensor on ", device_name(t.device()),
         ", grad on ", device_name(grad.device()), ": both must be on one device");
  }
  autograd_meta(t).grad = grad;
}

void set_requires_grad(const Tensor& t, bool value) {
  if (t.requires_grad() == value) return;
  if (value && !is_differentiable(t.dtype())) {
    fail(Status::kDType, "requires_grad_: dtype mismatch: tensor is ", dtype_name(t.dtype()),
         ": only floating-point and complex tensors can require gradients; convert with "
         "mt_tensor_to_dtype");
  }
  if (!value && !is_leaf(t)) {
    fail(Status::kAutograd,
         "requires_grad_: not a leaf: the tensor is the result of an op: only leaf tensors can "
         "stop requiring gradients; use detach");
  }
  t.impl()->requires_grad = value;
}

Tensor detach(const Tensor& t) { return t.alias(); }

void detach_(const Tensor& t) {
  AutogradMeta* m = autograd_meta_or_null(t);
  if (m && m->base.defined()) {
    fail(Status::kAutograd,
         "detach_: the tensor is a view: views cannot be detached in place; use detach");
  }
  if (m) {
    drop_retained(*m);
    m->grad_fn.reset();
    m->output_nr = 0;
    m->retains_grad = false;
  }
  t.impl()->requires_grad = false;
}

void retain_grad(const Tensor& t) {
  if (!t.requires_grad()) {
    fail(Status::kAutograd,
         "retain_grad: the tensor does not require gradients: call requires_grad_ first");
  }
  const Ref<Node> node = grad_fn(t);
  AutogradMeta& m = autograd_meta(t);
  if (!node || m.retains_grad) return;  // leaves keep their gradient anyway
  m.retains_grad = true;
  add_retained(m);
}

uint64_t register_hook(const Tensor& t, Ref<TensorHook> hook) {
  if (!t.requires_grad()) {
    fail(Status::kAutograd,
         "register_hook: the tensor does not require gradients: call requires_grad_ first");
  }
  const uint64_t id = g_next_hook.fetch_add(1);
  const Ref<Node> node = grad_fn(t);
  auto& list = node ? node->hooks : autograd_meta(t).hooks;
  if (!list) list = std::make_unique<std::vector<HookEntry>>();
  list->push_back({id, node ? autograd_meta(t).output_nr : 0, std::move(hook)});
  return id;
}

bool remove_hook(const Tensor& t, uint64_t id) {
  AutogradMeta* m = autograd_meta_or_null(t);
  if (!m) return false;
  for (auto* list : {m->hooks.get(), m->grad_fn ? m->grad_fn->hooks.get() : nullptr}) {
    if (list && std::erase_if(*list, [id](const HookEntry& e) { return e.id == id; })) return true;
  }
  return false;
}

bool recording(std::span<const Tensor> list) {
  if (!grad_enabled()) return false;
  return std::any_of(list.begin(), list.end(),
                     [](const Tensor& t) { return t.defined() && t.requires_grad(); });
}

void connect(Node& node, std::span<const Tensor* const> inputs) {
  node.edges.reserve(static_cast<int>(inputs.size()));
  for (const Tensor* t : inputs) node.edges.push_back(gradient_edge(*t));
}

void attach(const Ref<Node>& node, Tensor& out) {
  if (!is_differentiable(out.dtype())) {  // integer and bool outputs carry no gradient
    node->outputs.push_back({out.sizes(), out.dtype(), out.device()});
    return;
  }
  AutogradMeta& m = autograd_meta(out);
  m.grad_fn = node;
  m.output_nr = static_cast<uint32_t>(node->outputs.size());
  node->outputs.push_back({out.sizes(), out.dtype(), out.device()});
  out.impl()->requires_grad = true;
}

void mark_view(Tensor& view, const Tensor& of) {
  if (!grad_enabled()) return;
  const AutogradMeta* m = autograd_meta_or_null(of);
  AutogradMeta& v = autograd_meta(view);
  v.base = m && m->base.defined() ? m->base : of;
  v.view_version = view.version();
}

void check_inplace(std::string_view op, const Tensor& t) {
  for (int d = 0; d < t.dim() && t.numel() > 0; ++d) {
    if (t.stride(d) == 0 && t.size(d) > 1) {
      fail(Status::kInvalidArgument, op, ": overlapping memory: tensor of shape ",
           shape_string(t.sizes()), " and strides ", shape_string(t.strides()),
           ": an in-place write needs one place per element; use clone first");
    }
  }
  if (!grad_enabled()) return;
  const AutogradMeta* m = autograd_meta_or_null(t);
  if (t.requires_grad() && is_leaf(t) && !(m && m->base.defined())) {
    fail(Status::kAutograd, op,
         ": leaf changed in place: a leaf tensor that requires grad is being used in an in-place "
         "operation: its gradient would be lost; do it inside no_grad or on a clone");
  }
  if (m && m->base.defined() && m->base.requires_grad() && m->base.dtype() != t.dtype()) {
    fail(Status::kAutograd, op, ": recorded tensor overwritten: the ", dtype_name(t.dtype()),
         " tensor is a view of a ", dtype_name(m->base.dtype()),
         " tensor that requires grad: a write through such a view cannot be recorded; make the new "
         "value with mt_complex or mt_view_as_complex");
  }
  if (m && m->base.defined() && m->base.requires_grad() && is_leaf(m->base)) {
    fail(Status::kAutograd, op,
         ": leaf changed in place: a view of a leaf tensor that requires grad is being used in an "
         "in-place operation: its gradient would be lost; do it inside no_grad or on a clone");
  }
}

void rebase_history(const Tensor& t, Ref<Node> node) {
  AutogradMeta& m = autograd_meta(t);
  drop_retained(m);
  m.output_nr = static_cast<uint32_t>(node->outputs.size());
  node->outputs.push_back({t.sizes(), t.dtype(), t.device()});
  m.grad_fn = std::move(node);
  if (m.retains_grad) add_retained(m);
  m.view_version = t.version();
  t.impl()->requires_grad = true;
}

void inplace_done(const Tensor& t, Ref<Node> node) {
  if (!node) {
    mark_written(t);
    return;
  }
  AutogradMeta& m = autograd_meta(t);
  if (m.base.defined() && m.base.dtype() != t.dtype()) {
    fail(Status::kAutograd, node->display_name(), ": not recorded: the ", dtype_name(t.dtype()),
         " tensor is a view of a ", dtype_name(m.base.dtype()),
         " one: values with a gradient cannot be written through it; make the new value with "
         "mt_complex or mt_view_as_complex");
  }
  node->outputs.clear();
  if (m.base.defined()) {
    node->outputs.push_back({t.sizes(), t.dtype(), t.device()});
    Tensor& base = m.base;
    AutogradMeta& b = autograd_meta(base);
    auto slices = Ref<Node>::adopt(new CopySlices(base, t, std::move(node)));
    slices->outputs.push_back({base.sizes(), base.dtype(), base.device()});
    mark_written(t);
    b.grad_fn = std::move(slices);
    b.output_nr = 0;
    base.impl()->requires_grad = true;
    if (b.base.defined()) b.view_version = t.version();
    m.grad_fn = kGradMath.view_node(base, t);
    m.output_nr = 0;
    m.view_version = t.version();
    t.impl()->requires_grad = true;
  } else {
    mark_written(t);
    rebase_history(t, std::move(node));
  }
}

}  // namespace mt
