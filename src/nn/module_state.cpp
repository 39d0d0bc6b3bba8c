// A module's state as a whole: state dicts, mode, gradients and conversion; see module.h.
#include <unordered_map>
#include <unordered_set>

#include "nn/module_walk.h"
#include "ops/common.h"
#include "ops/view.h"

namespace mt {
namespace {

std::string quoted_list(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& n : names) {
    if (!out.empty()) out += ", ";
    out += "\"" + n + "\"";
  }
  return out;
}

std::string torch_size(IntSpan sizes) {
  std::string out = "torch.Size([";
  for (size_t i = 0; i < sizes.size(); ++i) out += cat(i == 0 ? "" : ", ", sizes[i]);
  return out + "])";
}

}  // namespace

NamedTensors Module::state_dict() const {
  NamedTensors out;
  ModuleWalk::state(*this, "", out);
  for (auto& [key, t] : out) t = detach(t);
  return out;
}

namespace {

bool has_shared_elements(const Tensor& t) {
  for (int d = 0; d < t.dim(); ++d) {
    if (t.stride(d) == 0 && t.size(d) > 1) return true;
  }
  return false;
}

}  // namespace

LoadReport Module::load_state_dict(const NamedTensors& state, bool strict) {
  NamedTensors own;
  ModuleWalk::state(*this, "", own);
  std::unordered_map<std::string_view, const Tensor*> given;
  for (const auto& [key, t] : state) given[key] = &t;
  LoadReport report;
  GradMode off(false);
  std::vector<std::pair<Tensor, Tensor>> copies;
  std::unordered_set<std::string_view> known;
  std::unordered_set<const Storage*> storages;
  for (const auto& [key, t] : own) storages.insert(t.storage().get());
  for (const auto& [key, t] : own) {
    known.insert(key);
    const auto it = given.find(key);
    if (it == given.end()) {
      report.missing.push_back(key);
    } else if (!it->second->defined() || !(it->second->sizes() == t.sizes())) {
      report.mismatched.push_back(
          cat(key, ": copying a param with shape ",
              it->second->defined() ? torch_size(it->second->sizes()) : "nothing",
              " from checkpoint, the shape in current model is ", torch_size(t.sizes())));
    } else if (it->second->is_meta() && !t.is_meta()) {
      report.mismatched.push_back(cat(key, ": module on cpu, dict on meta"));
    } else if (has_shared_elements(t)) {
      report.mismatched.push_back(cat(key, ": the module's tensor is expanded: its elements share ",
                                      "memory and cannot be written"));
    } else {
      // What lies on the module's own memory is read before anything is written.
      const bool own_memory = storages.contains(it->second->storage().get());
      copies.emplace_back(t, own_memory ? mt::clone(*it->second) : *it->second);
    }
  }
  for (const auto& [key, t] : state) {
    if (!known.contains(key)) report.unexpected.push_back(key);
  }
  if (!report.mismatched.empty() ||
      (strict && (!report.missing.empty() || !report.unexpected.empty()))) {
    std::string text = cat(
        "load_state_dict: keys do not match: Error(s) in loading state_dict for ", type_name_, ":");
    if (strict && !report.missing.empty()) {
      text += "\n\tMissing key(s) in state_dict: " + quoted_list(report.missing) + ". ";
    }
    if (strict && !report.unexpected.empty()) {
      text += "\n\tUnexpected key(s) in state_dict: " + quoted_list(report.unexpected) + ". ";
    }
    for (const std::string& m : report.mismatched) text += "\n\tsize mismatch for " + m + ".";
    throw Error(report.mismatched.empty() ? Status::kKey : Status::kShape, std::move(text));
  }
  for (auto& [to, from] : copies) copy_(to, from);
  return report;
}

void Module::train(bool mode) {
  const Nesting level("train");
  training_ = mode;
  for (auto& [name, child] : children_) {
    if (child) child->train(mode);
  }
}

void Module::requires_grad_(bool value) {
  for (auto& [name, t] : named_parameters()) set_requires_grad(t, value);
}

void Module::zero_grad(bool set_to_none) {
  const Nesting level("zero_grad");
  for (auto& [name, t] : parameters_) {
    if (!t.defined()) continue;
    AutogradMeta* m = autograd_meta_or_null(t);
    if (!m || !m->grad.defined()) continue;
    if (set_to_none) {
      m->grad.reset();
    } else {
      if (m->grad.requires_grad()) m->grad = detach(m->grad);
      fill_values(m->grad, 0);
      mark_written(m->grad);
    }
  }
  for (auto& [name, child] : children_) {
    if (child) child->zero_grad(set_to_none);
  }
}

namespace {

template <class Convert>
void convert_all(Module& m, const Convert& convert) {
  GradMode off(false);
  for (const auto& list : {m.named_parameters(), m.named_buffers()}) {
    for (const auto& [name, t] : list) {
      const Tensor moved = convert(t);
      if (!same(moved, t)) set_data(t, moved);
      const Tensor grad = grad_of(t);
      if (grad.defined()) set_grad(t, convert(grad));
    }
  }
}

}  // namespace

void Module::to(DType dtype) {
  if (!is_floating(dtype)) {
    fail(Status::kDType, "to: dtype mismatch: given ", dtype_name(dtype),
         ": a module's parameters can only have floating-point dtypes");
  }
  convert_all(*this,
              [&](const Tensor& t) { return is_floating(t.dtype()) ? converted(t, dtype) : t; });
}

void Module::to(Device device) {
  convert_all(*this, [&](const Tensor& t) { return to_device(t, device); });
}

}  // namespace mt
