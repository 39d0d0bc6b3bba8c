// State dicts of optimizers in torch's layout, written flat, and taking them back in one step.
#include <algorithm>
#include <map>

#include "ops/common.h"
#include "ops/view.h"
#include "optim/optimizer.h"

namespace mt {
namespace {

// The entries of a dict, and which of them were asked for.
class Entries {
 public:
  explicit Entries(const NamedTensors& dict) {
    for (const auto& [key, t] : dict) {
      check_defined("load_state_dict", key, t);
      given_[key] = t;
    }
  }
  Tensor take(const std::string& key) {
    const auto it = given_.find(key);
    if (it == given_.end()) return {};
    Tensor t = std::move(it->second);
    given_.erase(it);
    return t;
  }
  bool take_number(const std::string& key, double& into) {
    const Tensor t = take(key);
    if (t.defined()) into = t.item("load_state_dict").to_double();
    return t.defined();
  }
  // What is left under a prefix: name behind it -> tensor.
  NamedTensors under(const std::string& prefix) {
    NamedTensors found;
    auto it = given_.lower_bound(prefix);
    while (it != given_.end() && it->first.starts_with(prefix)) {
      found.emplace_back(it->first.substr(prefix.size()), it->second);
      it = given_.erase(it);
    }
    return found;
  }
  const std::map<std::string, Tensor>& left() const { return given_; }

 private:
  std::map<std::string, Tensor> given_;
};

// A copy of v in the form of p.
Tensor state_like(const Tensor& p, const Tensor& v, const std::string& name) {
  if (!(v.sizes() == p.sizes())) {
    fail(Status::kShape, "load_state_dict: shape mismatch: ", name, " is ", shape_string(v.sizes()),
         ", its parameter ", shape_string(p.sizes()), ": both must have one shape");
  }
  if (v.is_meta() && !p.is_meta()) {
    fail(Status::kDevice, "load_state_dict: no data: ", name,
         " is on meta: only tensors with values can be loaded");
  }
  const Tensor copy = Tensor::empty(p.sizes(), p.dtype(), p.device());
  copy_values(copy, v);
  return copy;
}

}  // namespace

NamedTensors Optimizer::state_dict() const {
  NamedTensors out;
  const auto names = state_names();
  const auto numbers = number_names();
  int64_t index = 0;
  for (const auto& group : state_) {
    for (const ParamState& s : group) {
      const std::string prefix = cat("state.", index++, ".");
      for (const auto& [name, t] : s.named) out.emplace_back(prefix + name, t);
      if (s.tensors.empty()) continue;
      if (has_step()) {
        out.emplace_back(prefix + "step",
                         Tensor::from_scalar(static_cast<double>(s.step), DType::kFloat32));
      }
      for (size_t k = 0; k < numbers.size(); ++k) {
        out.emplace_back(prefix + numbers[k], Tensor::from_scalar(s.numbers[k], default_dtype()));
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
      const bool flag = specs_[k].kind == OptionKind::kFlag;
      const Scalar v = flag ? Scalar(g.options[k] != 0) : Scalar(g.options[k]);
      out.emplace_back(prefix + specs_[k].name,
                       Tensor::from_scalar(v, flag ? DType::kBool : DType::kFloat64));
    }
    for (const auto& [name, value] : g.schedule) {
      out.emplace_back(prefix + name, Tensor::from_scalar(value, DType::kFloat64));
    }
    Tensor params = Tensor::empty({{static_cast<int64_t>(g.params.size())}}, DType::kInt64);
    for (size_t i = 0; i < g.params.size(); ++i) params.data_as<int64_t>()[i] = index++;
    out.emplace_back(prefix + "params", params);
  }
  return out;
}

Optimizer::State Optimizer::parse_state(const NamedTensors& dict) const {
  GradMode off(false);
  Entries entries(dict);
  State result{groups_, std::vector<std::vector<ParamState>>(state_.size())};
  const auto names = state_names();
  const auto numbers = number_names();
  int64_t index = 0;
  for (size_t gi = 0; gi < result.groups.size(); ++gi) {
    ParamGroup& group = result.groups[gi];
    const std::string prefix = cat("param_groups.", gi, ".");
    const Tensor params = entries.take(prefix + "params");
    const auto want = static_cast<int64_t>(group.params.size());
    if (!params.defined() || params.numel() != want) {
      fail(Status::kState, "load_state_dict: group mismatch: group ", gi, " has ", want,
           " parameters, the dict ", params.defined() ? params.numel() : 0,
           ": the dict must come from an optimizer with the same groups");
    }
    for (size_t k = 0; k < specs_.size(); ++k) {
      entries.take_number(prefix + specs_[k].name, group.options[k]);
    }
    check_kept(group.options, specs_.size());
    group.schedule.clear();
    for (const char* name : kScheduleNames) {
      double v = 0;
      if (entries.take_number(prefix + name, v)) group.schedule.emplace_back(name, v);
    }
    result.state[gi].resize(group.params.size());
    for (size_t i = 0; i < group.params.size(); ++i) {
      const Tensor& p = group.params[i];
      ParamState& s = result.state[gi][i];
      const std::string head = cat("state.", index++, ".");
      double step = 0;
      bool any = has_step() && entries.take_number(head + "step", step);
      if (!(step >= 0 && step < 9e15)) {
        fail(Status::kInvalidArgument, "load_state_dict: bad step: ", head, "step is ", step,
             ": must be a count of steps");
      }
      s.step = static_cast<int64_t>(step);
      for (size_t k = 0; k < numbers.size(); ++k) {
        any = entries.take_number(head + numbers[k], s.numbers[k]) || any;
      }
      std::vector<Tensor> tensors(names.size());
      for (size_t k = 0; k < names.size(); ++k) {
        const Tensor v = entries.take(head + names[k]);
        if (!v.defined()) continue;
        tensors[k] = state_like(p, v, head + names[k]);
        any = true;
      }
      if (any) s.tensors = std::move(tensors);
      for (const auto& [name, v] : entries.under(head)) {
        if (!accepts_named(name, v)) {
          fail(Status::kState, "load_state_dict: key mismatch: '", head, name, "' is not state of ",
               type_name_, ": the dict must come from an optimizer of the same kind");
        }
        const bool cast = is_floating(v.dtype()) && v.dim() != 0;
        s.named.emplace_back(name, clone(cast ? converted(v, p.dtype()) : v));
      }
    }
  }
  for (const auto& [key, t] : entries.left()) {
    if (key.starts_with("state.") || key.starts_with("param_groups.")) continue;
    fail(Status::kKey, "load_state_dict: unexpected key: '", key,
         "': not part of an optimizer's state");
  }
  if (!entries.left().empty()) {
    fail(Status::kState, "load_state_dict: key mismatch: '", entries.left().begin()->first,
         "' fits no parameter or option of this ", type_name_,
         ": the dict must come from an optimizer of the same kind and groups");
  }
  return result;
}

void Optimizer::adopt(State&& s) noexcept {
  groups_ = std::move(s.groups);
  state_ = std::move(s.state);
}

}  // namespace mt
