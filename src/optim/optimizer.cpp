// What all optimizers share: groups, options, stepping, state dicts, printing.
#include "optim/optimizer.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_set>

#include "core/format.h"
#include "ops/common.h"
#include "ops/view.h"

namespace mt {

void Optimizer::init(std::span<const Tensor> params, std::span<const double> options) {
  defaults_.assign(options.begin(), options.end());
  check_options(defaults_);
  if (params.empty()) {
    fail(Status::kInvalidArgument, type_name_,
         ": empty parameter list: no parameters given: at least one is needed");
  }
  add_param_group(params);
}

void Optimizer::add_param_group(std::span<const Tensor> params) {
  std::unordered_set<const void*> seen;
  for (const ParamGroup& g : groups_) {
    for (const Tensor& p : g.params) seen.insert(p.impl());
  }
  size_t index = 0;
  for (const Tensor& p : params) {
    check_defined(type_name_, cat("parameter ", index), p);
    if (!is_leaf(p)) {
      fail(Status::kAutograd, type_name_, ": not a leaf: parameter ", index,
           " is the result of an op: only leaf tensors can be optimized");
    }
    if (!seen.insert(p.impl()).second) {
      fail(Status::kInvalidArgument, type_name_, ": repeated parameter: parameter ", index,
           " is already in a group: every parameter may appear once");
    }
    ++index;
  }
  groups_.push_back({{params.begin(), params.end()}, defaults_});
  state_.emplace_back(params.size());
}

size_t Optimizer::option_index(std::string_view name) const {
  for (size_t i = 0; i < specs_.size(); ++i) {
    if (specs_[i].name == name) return i;
  }
  std::string known;
  for (const OptionSpec& s : specs_) known += cat(known.empty() ? "" : ", ", s.name);
  fail(Status::kKey, type_name_, ": unknown option: '", name, "': must be one of ", known);
}

bool Optimizer::has_option(std::string_view name) const {
  return std::any_of(specs_.begin(), specs_.end(),
                     [&](const OptionSpec& s) { return s.name == name; });
}

double Optimizer::option(size_t group, std::string_view name) const {
  if (group >= groups_.size()) {
    fail(Status::kIndex, type_name_, ": group out of range: group ", group, " of ", groups_.size());
  }
  return groups_[group].options[option_index(name)];
}

std::vector<double> Optimizer::checked_options(std::vector<double> options, size_t index,
                                               double v) const {
  options[index] = v;
  check_options(options);
  return options;
}

void Optimizer::set_option(int64_t group, std::string_view name, double v) {
  const size_t index = option_index(name);
  if (group < -1 || group >= static_cast<int64_t>(groups_.size())) {
    fail(Status::kIndex, type_name_, ": group out of range: group ", group, " of ", groups_.size(),
         ": must be an existing group, or -1 for all");
  }
  if (group >= 0) {
    auto& g = groups_[static_cast<size_t>(group)];
    g.options = checked_options(g.options, index, v);
    return;
  }
  std::vector<double> defaults = checked_options(defaults_, index, v);
  std::vector<std::vector<double>> options;  // of every group, before any is changed
  for (const ParamGroup& g : groups_) options.push_back(checked_options(g.options, index, v));
  defaults_ = std::move(defaults);
  for (size_t i = 0; i < options.size(); ++i) groups_[i].options = std::move(options[i]);
}

// Makes room for the state; keeps it in the parameter's dtype, which Module::to may have changed.
void Optimizer::prepare_state(ParamState& s, const Tensor& p) const {
  if (s.tensors.empty()) s.tensors.resize(state_names().size());
  for (Tensor& t : s.tensors) {
    if (!t.defined()) continue;
    if (!(t.sizes() == p.sizes())) {
      fail(Status::kState, type_name_, ": state mismatch: parameter ", shape_string(p.sizes()),
           ", its state ", shape_string(t.sizes()), ": a parameter must keep its shape");
    }
    t = contiguous_values(converted(t, p.dtype()));
  }
}

void Optimizer::step() {
  GradMode off(false);
  for (size_t gi = 0; gi < groups_.size(); ++gi) {
    ParamGroup& g = groups_[gi];
    for (size_t i = 0; i < g.params.size(); ++i) {
      const Tensor& p = g.params[i];
      const AutogradMeta* meta = autograd_meta_or_null(p);
      if (!meta || !meta->grad.defined() || p.is_meta() || p.numel() == 0) continue;
      check_floating(type_name_, p);
      ParamState& s = state_[gi][i];
      prepare_state(s, p);
      // The update works on flat memory: other layouts go through a contiguous copy.
      if (p.is_contiguous() && meta->grad.is_contiguous()) {
        update(g, s, p, meta->grad);
      } else {
        const Tensor flat = contiguous_values(p);
        update(g, s, flat, contiguous_values(meta->grad));
        if (!same(flat, p)) copy_values(p, flat);
      }
      mark_written(p);
    }
  }
}

void Optimizer::zero_grad(bool set_to_none) {
  for (const ParamGroup& g : groups_) {
    for (const Tensor& p : g.params) {
      AutogradMeta* m = autograd_meta_or_null(p);
      if (!m || !m->grad.defined()) continue;
      if (set_to_none) {
        m->grad.reset();
        continue;
      }
      if (m->grad.requires_grad()) m->grad = detach(m->grad);
      fill_values(m->grad, 0);
      mark_written(m->grad);
    }
  }
}

NamedTensors Optimizer::state_dict() const {
  NamedTensors out;
  const auto names = state_names();
  int64_t index = 0;
  for (const auto& group : state_) {
    for (const ParamState& s : group) {
      const std::string prefix = cat("state.", index++, ".");
      if (s.tensors.empty()) continue;
      if (has_step()) {
        out.emplace_back(prefix + "step",
                         Tensor::from_scalar(static_cast<double>(s.step), DType::kFloat32));
      }
      for (size_t k = 0; k < names.size(); ++k) {
        if (s.tensors[k].defined()) out.emplace_back(prefix + names[k], s.tensors[k]);
      }
    }
  }
  index = 0;
  for (size_t gi = 0; gi < groups_.size(); ++gi) {
    const ParamGroup& g = groups_[gi];
    const std::string prefix = cat("param_groups.", gi, ".");
    for (size_t k = 0; k < specs_.size(); ++k) {
      const Scalar v = specs_[k].is_flag ? Scalar(g.options[k] != 0) : Scalar(g.options[k]);
      out.emplace_back(prefix + specs_[k].name,
                       Tensor::from_scalar(v, specs_[k].is_flag ? DType::kBool : DType::kFloat64));
    }
    Tensor params = Tensor::empty({{static_cast<int64_t>(g.params.size())}}, DType::kInt64);
    for (size_t i = 0; i < g.params.size(); ++i) params.data_as<int64_t>()[i] = index++;
    out.emplace_back(prefix + "params", params);
  }
  return out;
}

void Optimizer::load_state_dict(const NamedTensors& dict) {
  std::map<std::string_view, Tensor> given;
  for (const auto& [key, t] : dict) {
    check_defined("load_state_dict", key, t);
    given[key] = t;
  }
  size_t used = 0;
  const auto find = [&](const std::string& key) {
    const auto it = given.find(key);
    if (it == given.end()) return Tensor();
    ++used;
    return it->second;
  };
  std::vector<ParamGroup> groups = groups_;
  std::vector<std::vector<ParamState>> state(state_.size());
  const auto names = state_names();
  int64_t index = 0;
  for (size_t gi = 0; gi < groups.size(); ++gi) {
    const std::string prefix = cat("param_groups.", gi, ".");
    const Tensor params = find(prefix + "params");
    const auto want = static_cast<int64_t>(groups[gi].params.size());
    if (!params.defined() || params.numel() != want) {
      fail(Status::kState, "load_state_dict: group mismatch: group ", gi, " has ", want,
           " parameters, the dict ", params.defined() ? params.numel() : 0,
           ": the dict must come from an optimizer with the same groups");
    }
    for (size_t k = 0; k < specs_.size(); ++k) {
      const Tensor v = find(prefix + specs_[k].name);
      if (v.defined()) groups[gi].options[k] = v.item("load_state_dict").to_double();
    }
    check_options(groups[gi].options);
    state[gi].resize(groups[gi].params.size());
    for (size_t i = 0; i < groups[gi].params.size(); ++i) {
      const Tensor& p = groups[gi].params[i];
      ParamState& s = state[gi][i];
      const std::string head = cat("state.", index++, ".");
      const Tensor step = find(head + "step");
      if (step.defined()) s.step = step.item("load_state_dict").to_int();
      if (s.step < 0) {
        fail(Status::kInvalidArgument, "load_state_dict: negative step: ", head, "step is ", s.step,
             ": must be >= 0");
      }
      bool any = step.defined();
      std::vector<Tensor> tensors(names.size());
      for (size_t k = 0; k < names.size(); ++k) {
        const Tensor v = find(head + names[k]);
        if (!v.defined()) continue;
        if (!(v.sizes() == p.sizes())) {
          fail(Status::kShape, "load_state_dict: shape mismatch: ", head, names[k], " is ",
               shape_string(v.sizes()), ", its parameter ", shape_string(p.sizes()),
               ": both must have one shape");
        }
        if (v.is_meta() && !p.is_meta()) {
          fail(Status::kDevice, "load_state_dict: no data: ", head, names[k],
               " is on meta: only tensors with values can be loaded");
        }
        tensors[k] = Tensor::empty(p.sizes(), p.dtype(), p.device());
        copy_values(tensors[k], v);
        any = true;
      }
      if (any) s.tensors = std::move(tensors);
    }
  }
  if (used != given.size()) {
    for (const auto& [key, t] : given) {
      if (key.starts_with("state.") || key.starts_with("param_groups.")) continue;
      fail(Status::kKey, "load_state_dict: unexpected key: '", key,
           "': not part of an optimizer's state");
    }
    fail(Status::kState, "load_state_dict: key mismatch: ", given.size() - used,
         " entries fit no parameter or option of this ", type_name_,
         ": the dict must come from an optimizer of the same kind and groups");
  }
  groups_ = std::move(groups);
  state_ = std::move(state);
}

namespace {

// Whole numbers as the ints that torch's defaults are.
std::string option_text(const OptionSpec& spec, double v) {
  if (spec.is_flag) return v != 0 ? "True" : "False";
  if (v == std::floor(v) && std::fabs(v) < 1e15) return cat(static_cast<int64_t>(v));
  return format_number(v);
}

}  // namespace

std::string Optimizer::repr() const {
  std::string out = type_name_ + " (";
  for (size_t gi = 0; gi < groups_.size(); ++gi) {
    out += cat("\nParameter Group ", gi, "\n");
    std::set<std::string> lines;  // torch sorts the names
    for (const char* line : printed_constants()) lines.insert(line);
    const auto& options = groups_[gi].options;
    for (size_t k = 0; k < specs_.size(); ++k) {
      const std::string name = specs_[k].name;
      if (name == "beta1") {  // torch keeps the two as one option
        lines.insert(
            cat("betas: (", format_number(options[k]), ", ", format_number(options[k + 1]), ")"));
      } else if (name != "beta2") {
        lines.insert(name + ": " + option_text(specs_[k], options[k]));
      }
    }
    for (const std::string& line : lines) out += "    " + line + "\n";
  }
  return out + ")";
}

}  // namespace mt
