// Module machinery: see module.h. Order and texts follow torch.nn.Module of PyTorch 1.13. Hooks and
// functions of the host may change a module while it is walked: such loops hold what they use.
#include "nn/module.h"

#include <algorithm>
#include <atomic>
#include <unordered_set>

#include "nn/backward_hooks.h"
#include "nn/module_walk.h"
#include "ops/common.h"

namespace mt {
namespace {

std::atomic<uint64_t> g_next_hook{1};

template <class List>
auto find_name(List& list, std::string_view name) {
  return std::find_if(list.begin(), list.end(), [&](const auto& e) { return e.first == name; });
}

// The name of a place that an unregistered tensor left.
std::string left_place(std::string_view name) { return std::string(1, '\0').append(name); }

// Gives the place of this name another tensor, or makes one.
void put(NamedTensors& list, std::string_view name, const Tensor& t) {
  auto it = find_name(list, name);
  if (it == list.end()) it = find_name(list, left_place(name));
  if (it == list.end()) {
    list.emplace_back(name, t);
  } else {
    *it = {std::string(name), t};
  }
}

// Indents all lines but the first by two spaces, as torch's _addindent.
std::string indented(const std::string& text) {
  std::string out;
  for (char c : text) {
    out += c;
    if (c == '\n') out += "  ";
  }
  return out;
}

// Modules waiting for the release of this thread that is under way.
struct Releasing {
  Module* waiting = nullptr;
  bool running = false;
};
thread_local Releasing t_releasing;

}  // namespace

thread_local int Nesting::depth_ = 0;

void Module::destroy(Module* m) {
  // A module's end drops its children's: one after the other, not inside each other, so that a long
  // chain cannot run out of stack.
  Releasing& r = t_releasing;
  m->next_released_ = r.waiting;
  r.waiting = m;
  if (r.running) return;
  r.running = true;
  while (r.waiting) {
    Module* now = r.waiting;
    r.waiting = now->next_released_;
    delete now;
  }
  r.running = false;
}

Module::~Module() = default;

Module::Module(const Module& other)
    : RefCounted(),
      type_name_(other.type_name_),
      parameters_(other.parameters_),
      buffers_(other.buffers_),
      transient_(other.transient_),
      computed_(other.computed_),
      children_(other.children_),
      training_(other.training_),
      hooks_(other.hooks_),
      host_forward_(other.host_forward_) {}

void Module::set_forward(HostForward f) {
  host_forward_ = f ? std::make_shared<const HostForward>(std::move(f)) : nullptr;
}

TensorList Module::call_own(std::span<const Tensor> inputs) {
  const Nesting level("forward");
  return forward(inputs);
}

TensorList Module::call(std::span<const Tensor> inputs) {
  const Nesting level("forward");
  const auto host = host_forward_;  // stays while it runs
  if (hooks_.empty()) return host ? (*host)(*this, inputs) : forward(inputs);
  TensorList in;
  for (const Tensor& t : inputs) in.push_back(t);
  const std::vector<Hook> hooks = hooks_;  // a hook may add or remove hooks
  std::vector<Ref<ModuleHook>> backward;
  for (const Hook& h : hooks) {
    if (h.kind == HookKind::kForwardPre) h.hook->call(*this, in, nullptr);
    if (h.kind == HookKind::kBackward) backward.push_back(h.hook);
  }
  BackwardWatch watch(*this, std::move(backward));
  watch.enter(in);
  TensorList out = host ? (*host)(*this, in) : forward(in);
  for (const Hook& h : hooks) {
    if (h.kind == HookKind::kForward) h.hook->call(*this, in, &out);
  }
  watch.leave(out);
  return out;
}

Tensor Module::call(const Tensor& input) {
  TensorList out = call(std::span<const Tensor>(&input, 1));
  if (out.size() != 1) {
    fail(Status::kInvalidArgument, "forward: count mismatch: ", type_name_, " returned ",
         out.size(), " outputs: one is expected; use the form with lists");
  }
  return std::move(out[0]);
}

std::string Module::repr() const {
  const Nesting level("repr");
  const std::string extra = extra_repr();
  // One line stands between the parentheses; more, or children, get lines of their own.
  if (children_.empty() && extra.find('\n') == std::string::npos) {
    return type_name_ + "(" + extra + ")";
  }
  std::string out = type_name_ + "(";
  if (!extra.empty()) out += "\n  " + indented(extra);
  for (size_t i = 0; i < children_.size(); ++i) {
    const auto [name, child] = children_[i];
    out += "\n  (" + name + "): " + (child ? indented(child->repr()) : "None");
  }
  return out + "\n)";
}

void Module::check_name(std::string_view what, std::string_view name) const {
  if (name.empty() || name.find('.') != std::string_view::npos) {
    fail(Status::kKey, what, ": bad name: '", name, "': must not be empty or contain '.'");
  }
  const bool p = find_name(parameters_, name) != parameters_.end();
  const bool b = find_name(buffers_, name) != buffers_.end();
  const bool c = find_name(children_, name) != children_.end();
  if ((p && what != "register_parameter") || (b && what != "register_buffer") ||
      (c && what != "register_module")) {
    fail(Status::kKey, what, ": name taken: '", name, "' in ", type_name_,
         ": a name is a parameter, a buffer or a child");
  }
}

void Module::register_parameter(std::string_view name, const Tensor& t) {
  check_name("register_parameter", name);
  if (t.defined() && !is_leaf(t)) {
    fail(Status::kAutograd, "register_parameter: not a leaf: '", name,
         "' is the result of an op: a parameter must be a leaf; use detach");
  }
  std::erase(computed_, name);
  put(parameters_, name, t);
}

void Module::set_computed(std::string_view name, const Tensor& t) {
  for (NamedTensors* list : {&parameters_, &buffers_}) {
    const auto it = find_name(*list, name);
    if (it == list->end()) continue;
    it->second = t;
    std::erase(computed_, name);
    computed_.emplace_back(name);
    return;
  }
  fail(Status::kKey, "set_computed: not found: '", name, "': ", type_name_,
       " has no parameter or buffer of this name");
}

void Module::register_buffer(std::string_view name, const Tensor& t, bool persistent) {
  check_name("register_buffer", name);
  put(buffers_, name, t);
  std::erase(computed_, name);
  std::erase(transient_, name);
  if (!persistent) transient_.emplace_back(name);
}

void Module::register_module(std::string_view name, ModuleRef child) {
  check_name("register_module", name);
  std::unordered_set<const void*> seen;
  // A cycle would never be released and would recurse without end.
  if (child && ModuleWalk::contains(*child, this, seen)) {
    fail(Status::kInvalidArgument, "register_module: cycle: '", name, "' contains the ", type_name_,
         " it would be put in: a module cannot be its own descendant");
  }
  const auto it = find_name(children_, name);
  if (it != children_.end()) {
    it->second = std::move(child);
  } else {
    children_.emplace_back(name, std::move(child));
  }
}

void Module::unregister(std::string_view name) {
  const std::string own(name);  // the caller's may be the one that goes
  size_t found = std::erase_if(children_, [&](const auto& e) { return e.first == own; });
  for (NamedTensors* list : {&parameters_, &buffers_}) {
    const auto it = find_name(*list, own);
    if (it == list->end()) continue;
    ++found;
    if (keeps_places()) {
      *it = {left_place(own), Tensor()};
    } else {
      list->erase(it);
    }
  }
  if (found == 0) {
    fail(Status::kKey, "unregister: not found: '", own, "': ", type_name_,
         " has no parameter, buffer or child of this name");
  }
  std::erase(transient_, own);
  std::erase(computed_, own);
}

namespace {

// Splits "a.b.c" into the module path "a.b" and the last name "c".
std::pair<std::string_view, std::string_view> split_path(std::string_view path) {
  const size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return {std::string_view(), path};
  return {path.substr(0, dot), path.substr(dot + 1)};
}

const Module& walk(const Module& root, std::string_view op, std::string_view path,
                   std::string_view whole) {
  const Module* m = &root;
  while (!path.empty()) {
    const size_t dot = path.find('.');
    const std::string_view name = path.substr(0, dot);
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
    const auto it = find_name(m->children(), name);
    if (it == m->children().end() || !it->second) {
      fail(Status::kKey, op, ": not found: '", whole, "': ", m->type_name(), " has no child '",
           name, "'");
    }
    m = it->second.get();
  }
  return *m;
}

Tensor find_tensor(const Module& root, std::string_view op, std::string_view path, bool buffer) {
  const auto [modules, name] = split_path(path);
  const Module& m = walk(root, op, modules, path);
  const NamedTensors& list = buffer ? m.own_buffers() : m.own_parameters();
  const auto it = find_name(list, name);
  if (it == list.end() || !it->second.defined()) {
    fail(Status::kKey, op, ": not found: '", path, "': ", m.type_name(), " has no ",
         buffer ? "buffer" : "parameter", " '", name, "'");
  }
  return it->second;
}

}  // namespace

Tensor Module::get_parameter(std::string_view path) const {
  return find_tensor(*this, "get_parameter", path, false);
}

Tensor Module::get_buffer(std::string_view path) const {
  return find_tensor(*this, "get_buffer", path, true);
}

ModuleRef Module::get_submodule(std::string_view path) {
  return ModuleRef::share(const_cast<Module*>(&walk(*this, "get_submodule", path, path)));
}

NamedTensors Module::named_parameters() const {
  NamedTensors out;
  std::unordered_set<const void*> seen;
  ModuleWalk::tensors(*this, "", ModuleWalk::parameters(), seen, out);
  return out;
}

NamedTensors Module::named_buffers() const {
  NamedTensors out;
  std::unordered_set<const void*> seen;
  ModuleWalk::tensors(*this, "", ModuleWalk::buffers(), seen, out);
  return out;
}

std::vector<std::pair<std::string, ModuleRef>> Module::named_modules() {
  std::vector<std::pair<std::string, ModuleRef>> out;
  std::unordered_set<const void*> seen;
  ModuleWalk::modules(ModuleRef::share(this), "", seen, out);
  return out;
}

void Module::apply(const std::function<void(Module&)>& fn) {
  const Nesting level("apply");
  for (size_t i = 0; i < children_.size(); ++i) {
    const ModuleRef child = children_[i].second;
    if (child) child->apply(fn);
  }
  fn(*this);
}

uint64_t Module::add_hook(HookKind kind, Ref<ModuleHook> hook) {
  hooks_.push_back({g_next_hook.fetch_add(1), kind, std::move(hook)});
  return hooks_.back().id;
}

uint64_t Module::register_forward_pre_hook(Ref<ModuleHook> hook) {
  return add_hook(HookKind::kForwardPre, std::move(hook));
}

uint64_t Module::register_forward_hook(Ref<ModuleHook> hook) {
  return add_hook(HookKind::kForward, std::move(hook));
}

uint64_t Module::register_full_backward_hook(Ref<ModuleHook> hook) {
  return add_hook(HookKind::kBackward, std::move(hook));
}

uint64_t Module::find_hook(const std::function<bool(const ModuleHook&)>& is) const {
  for (const Hook& h : hooks_) {
    if (is(*h.hook)) return h.id;
  }
  return 0;
}

bool Module::remove_hook(uint64_t id) {
  return std::erase_if(hooks_, [id](const Hook& h) { return h.id == id; }) != 0;
}

Tensor make_parameter(const Tensor& t, bool requires_grad) {
  Tensor p = t.alias();
  p.impl()->is_parameter = true;
  if (requires_grad) set_requires_grad(p, true);
  return p;
}

void set_data(const Tensor& t, const Tensor& from) {
  TensorImpl& to = *t.impl();
  const TensorImpl& f = *from.impl();
  to.sizes = f.sizes;
  to.strides = f.strides;
  to.offset = f.offset;
  to.numel = f.numel;
  to.dtype = f.dtype;
  to.device = f.device;
  to.contiguous = f.contiguous;
  to.storage = f.storage;
  if (AutogradMeta* m = autograd_meta_or_null(t)) {
    if (m->grad.defined() && (m->grad.dtype() != to.dtype || m->grad.device() != to.device)) {
      m->grad = m->grad.device() == to.device ? converted(m->grad, to.dtype) : Tensor();
    }
  }
}

}  // namespace mt
