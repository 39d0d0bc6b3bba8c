// Recursive listings over a module and its descendants, and the limit on how deep they nest.
#pragma once

#include <algorithm>
#include <string>
#include <unordered_set>

#include "core/error.h"
#include "nn/module.h"

namespace mt {

// Held at every level of a recursion over modules. Without a limit, a chain of modules (or one
// whose forward calls itself) would run out of stack.
class Nesting {
 public:
  static constexpr int kMost = 500;

  explicit Nesting(const char* op) {
    if (depth_ == kMost) {
      fail(Status::kState, op, ": nested too deep: more than ", kMost,
           " modules inside each other: models must be flatter than that");
    }
    ++depth_;
  }
  ~Nesting() { --depth_; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;

 private:
  static thread_local int depth_ __attribute__((tls_model("initial-exec")));
};

class ModuleWalk {
 public:
  static std::string joined(const std::string& prefix, const std::string& name) {
    return prefix.empty() ? name : prefix + "." + name;
  }

  static bool is_computed(const Module& m, const std::string& name) {
    return std::find(m.computed_.begin(), m.computed_.end(), name) != m.computed_.end();
  }

  static void tensors(const Module& m, const std::string& prefix, NamedTensors Module::*list,
                      std::unordered_set<const void*>& seen, NamedTensors& out) {
    const Nesting level("named_parameters");
    for (const auto& [name, t] : m.*list) {
      if (t.defined() && !is_computed(m, name) && seen.insert(t.impl()).second)
        out.emplace_back(joined(prefix, name), t);
    }
    for (const auto& [name, child] : m.children_) {
      if (child) tensors(*child, joined(prefix, name), list, seen, out);
    }
  }

  static void modules(const ModuleRef& m, const std::string& prefix,
                      std::unordered_set<const void*>& seen,
                      std::vector<std::pair<std::string, ModuleRef>>& out) {
    const Nesting level("named_modules");
    if (!seen.insert(m.get()).second) return;
    out.emplace_back(prefix, m);
    for (const auto& [name, child] : m->children_) {
      if (child) modules(child, joined(prefix, name), seen, out);
    }
  }

  // Whether `wanted` is `m` or inside it.
  static bool contains(const Module& m, const Module* wanted,
                       std::unordered_set<const void*>& seen) {
    const Nesting level("register_module");
    if (&m == wanted) return true;
    if (!seen.insert(&m).second) return false;
    return std::any_of(m.children_.begin(), m.children_.end(), [&](const auto& child) {
      return child.second && contains(*child.second, wanted, seen);
    });
  }

  static void state(const Module& m, const std::string& prefix, NamedTensors& out) {
    const Nesting level("state_dict");
    for (const auto& [name, t] : m.parameters_) {
      if (t.defined() && !is_computed(m, name)) out.emplace_back(joined(prefix, name), t);
    }
    for (const auto& [name, t] : m.buffers_) {
      const bool transient =
          std::find(m.transient_.begin(), m.transient_.end(), name) != m.transient_.end();
      if (t.defined() && !transient && !is_computed(m, name))
        out.emplace_back(joined(prefix, name), t);
    }
    for (const auto& [name, child] : m.children_) {
      if (child) state(*child, joined(prefix, name), out);
    }
  }

  // With f(tensor, whether a parameter).
  template <class F>
  static void replace_tensors(Module& m, const F& f) {
    for (auto& [name, t] : m.parameters_) t = f(t, true);
    for (auto& [name, t] : m.buffers_) t = f(t, false);
  }

  static auto parameters() { return &Module::parameters_; }
  static auto buffers() { return &Module::buffers_; }
};

}  // namespace mt
