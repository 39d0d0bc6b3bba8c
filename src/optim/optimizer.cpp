// What all optimizers share: groups, options, stepping, state dicts, printing.
#include "optim/optimizer.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_set>

#include "core/format.h"
#include "ops/common.h"
#include "ops/view.h"

namespace mt {

OptimizerRef finish(Optimizer* o, std::span<const Tensor> params, std::span<const double> options) {
  auto ref = OptimizerRef::adopt(o);
  ref->init(params, options);
  return ref;
}

void check_not_negative(std::string_view op, std::string_view name, double v) {
  if (!(v >= 0)) {
    fail(Status::kInvalidArgument, op, ": invalid ", name, ": ", v, ": must be >= 0");
  }
}

void check_below_one(std::string_view op, std::string_view name, double v) {
  if (!(v >= 0 && v < 1)) {
    fail(Status::kInvalidArgument, op, ": invalid ", name, ": ", v, ": must be in [0, 1)");
  }
}

Tensor filled_like(const Tensor& p, double value) {
  Tensor t = Tensor::empty(p.sizes(), p.dtype(), p.device());
  fill_values(t, value);
  return t;
}

double as_default_dtype(double v) {
  return default_dtype() == DType::kFloat64 ? v : static_cast<double>(static_cast<float>(v));
}

void Optimizer::init(std::span<const Tensor> params, std::span<const double> options) {
  defaults_.assign(options.begin(), options.end());
  check_options(defaults_);
  if (params.empty()) {
    fail(Status::kInvalidArgument, type_name_,
         ": empty parameter list: no parameters given: at least one is needed");
  }
  add_param_group(params);
}

std::vector<double> Optimizer::group_options(const NamedNumbers& given) const {
  std::vector<double> options = defaults_;
  for (const auto& [name, value] : given) options[option_index(name)] = value;
  check_options(options);
  return options;
}

void Optimizer::add_param_group(std::span<const Tensor> params, const NamedNumbers& options) {
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
  ParamGroup group{{params.begin(), params.end()}, group_options(options), {}};
  std::vector<ParamState> state(params.size());
  for (size_t i = 0; i < params.size(); ++i) start_state(group, state[i], params[i]);
  groups_.reserve(groups_.size() + 1);
  state_.push_back(std::move(state));
  groups_.push_back(std::move(group));
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

void Optimizer::check_group(int64_t group, const char* hint) const {
  if (group >= 0 && group < static_cast<int64_t>(groups_.size())) return;
  fail(Status::kIndex, type_name_, ": group out of range: group ", group, " of ", groups_.size(),
       ": must be an existing group", hint);
}

double Optimizer::option(size_t group, std::string_view name) const {
  check_group(static_cast<int64_t>(group), "");
  if (const double* v = schedule_value(group, name)) return *v;
  return groups_[group].options[option_index(name)];
}

const double* Optimizer::schedule_value(size_t group, std::string_view name) const {
  for (const auto& [key, value] : groups_[group].schedule) {
    if (key == name) return &value;
  }
  return nullptr;
}

void Optimizer::set_schedule_value(size_t group, std::string_view name, double value) {
  for (auto& [key, v] : groups_[group].schedule) {
    if (key == name) {
      v = value;
      return;
    }
  }
  groups_[group].schedule.emplace_back(name, value);
}

std::vector<double> Optimizer::checked_options(std::vector<double> options, size_t index,
                                               double v) const {
  options[index] = v;
  check_kept(options, index);
  return options;
}

// Schedulers may leave a rate a little below zero: only a new one is checked.
void Optimizer::check_kept(std::vector<double> options, size_t changed) const {
  if (changed != 0 && options[0] < 0) options[0] = 0;
  check_options(options);
}

void Optimizer::set_option(int64_t group, std::string_view name, double v) {
  if (group != -1) check_group(group, ", or -1 for all");
  if (std::find(std::begin(kScheduleNames), std::end(kScheduleNames), name) !=
      std::end(kScheduleNames)) {
    for (size_t i = 0; i < groups_.size(); ++i) {
      if (group == -1 || static_cast<size_t>(group) == i) set_schedule_value(i, name, v);
    }
    return;
  }
  const size_t index = option_index(name);
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

Tensor Optimizer::step(const Closure& closure) {
  Tensor loss;
  {
    GradMode on(true);
    loss = closure();
  }
  step();
  return loss;
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

namespace {

std::string option_text(OptionKind kind, double v) {
  if (kind == OptionKind::kFlag) return v != 0 ? "True" : "False";
  // Whole numbers as the ints that torch's defaults are.
  if (kind == OptionKind::kNumber && v == std::floor(v) && std::fabs(v) < 1e15) {
    return cat(static_cast<int64_t>(v));
  }
  return format_number(v);
}

}  // namespace

std::string Optimizer::option_value_text(const ParamGroup& g, size_t k) const {
  return option_text(specs_[k].kind, g.options[k]);
}

std::string Optimizer::repr() const {
  std::string out = type_name_ + " (";
  for (size_t gi = 0; gi < groups_.size(); ++gi) {
    out += cat("\nParameter Group ", gi, "\n");
    std::map<std::string, std::string> lines;  // torch sorts the names
    for (const std::string_view line : printed_constants()) {
      const size_t mark = line.find(": ");
      lines.emplace(line.substr(0, mark), line.substr(mark + 2));
    }
    const ParamGroup& g = groups_[gi];
    for (size_t k = 0; k < specs_.size(); ++k) {
      if (const char* pair = specs_[k].pair) {
        lines[pair] = cat("(", option_value_text(g, k), ", ", option_value_text(g, k + 1), ")");
        ++k;
      } else {
        lines[specs_[k].name] = option_value_text(g, k);
      }
    }
    for (const auto& [name, value] : g.schedule) {
      lines[name] = option_text(OptionKind::kReal, value);
    }
    for (const auto& [name, value] : lines) out += cat("    ", name, ": ", value, "\n");
  }
  return out + ")";
}

}  // namespace mt
