// What all schedulers share: stepping, the groups' values, state dicts.
#include "optim/lr_scheduler.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "ops/common.h"

namespace mt {

double quotient(const std::string& op, double a, double b) {
  if (b == 0) {
    fail(Status::kInvalidArgument, op, ": division by zero: ", a,
         " / 0 in the schedule: ", "its options make the rate undefined at this epoch");
  }
  return a / b;
}

void Scheduler::invalid(const TextPart& name, const TextPart& value, const char* rule) const {
  fail(Status::kInvalidArgument, type_name_, ": invalid ", name, ": ", value, ": must be ", rule);
}

std::vector<double> Scheduler::group_lrs() const {
  std::vector<double> lrs;
  for (const ParamGroup& g : optimizer_->groups()) lrs.push_back(g.options[0]);
  return lrs;
}

// Written as they come, as torch does: a recursive form may end a little below zero.
void Scheduler::write_lrs(const std::vector<double>& lrs) {
  auto& groups = optimizer_->groups();
  for (size_t i = 0; i < groups.size() && i < lrs.size(); ++i) groups[i].options[0] = lrs[i];
  last_lr_ = group_lrs();
}

std::vector<double> Scheduler::per_group(const char* name, std::vector<double> given) const {
  const size_t n = optimizer_->groups().size();
  if (given.size() == n) return given;
  if (given.size() != 1) {
    fail(Status::kInvalidArgument, type_name_, ": count mismatch: ", given.size(), " values of ",
         name, ", ", n, " parameter groups: give one for each group, or one for all");
  }
  return std::vector<double>(n, given[0]);
}

double Scheduler::schedule_value(size_t group, const char* name) const {
  const double* v = optimizer_->schedule_value(group, name);
  if (!v) {
    fail(Status::kKey, type_name_, ": no '", name, "': it is not specified in group ", group,
         ": it must be there when a run is resumed");
  }
  return *v;
}

bool Scheduler::has_momentum() const {
  return optimizer_->has_option("momentum") || optimizer_->has_option("beta1");
}

void Scheduler::set_momentum(size_t group, double value) {
  const bool beta = optimizer_->has_option("beta1");
  optimizer_->set_option(static_cast<int64_t>(group), beta ? "beta1" : "momentum", value);
}

void Scheduler::attach(OptimizerRef optimizer, int64_t last_epoch) {
  optimizer_ = std::move(optimizer);
  const size_t n = optimizer_->groups().size();
  const std::vector<double> now = group_lrs();
  base_lrs_.clear();
  for (size_t i = 0; i < n; ++i) {
    if (last_epoch == -1 && !optimizer_->schedule_value(i, "initial_lr")) {
      optimizer_->set_schedule_value(i, "initial_lr", now[i]);
    }
    base_lrs_.push_back(schedule_value(i, "initial_lr"));
  }
  last_epoch_ = last_epoch;
  initial_step();
}

void Scheduler::initial_step() {
  step_count_ = 0;
  step();
}

void Scheduler::advance(int64_t epoch, bool closed) {
  const int64_t before = last_epoch_;
  ++step_count_;
  last_epoch_ = epoch;
  std::vector<double> lrs = group_lrs();
  try {
    if (!closed || !closed_form(lrs)) compute(lrs);
  } catch (...) {
    last_epoch_ = before;
    --step_count_;
    throw;
  }
  write_lrs(lrs);
}

void Scheduler::step() { advance(last_epoch_ + 1, false); }

void Scheduler::step_to(double epoch) {
  if (!(std::fabs(epoch) < 9e15)) invalid("epoch", epoch, "a number of epochs");
  advance(static_cast<int64_t>(epoch), true);
}

void Scheduler::step_metric(double) {
  fail(Status::kInvalidArgument, type_name_,
       ": unexpected metric: it does not watch one: call step without");
}

void Scheduler::fields(std::vector<SchedulerField>& out) {
  out.push_back({.name = "base_lrs", .list = &base_lrs_});
  out.push_back({.name = "last_epoch", .integer = &last_epoch_});
  out.push_back({.name = "_step_count", .integer = &step_count_});
  out.push_back({.name = "_last_lr", .list = &last_lr_, .any_length = true});
}

void Scheduler::all_fields(const std::string& prefix,
                           std::vector<std::pair<std::string, SchedulerField>>& out) {
  std::vector<SchedulerField> own;
  fields(own);
  for (const SchedulerField& f : own) out.emplace_back(prefix + f.name, f);
  std::vector<Scheduler*> list;
  children(list);
  for (size_t i = 0; i < list.size(); ++i) {
    list[i]->all_fields(cat(prefix, "_schedulers.", i, "."), out);
  }
}

NamedTensors Scheduler::state_dict() const {
  std::vector<std::pair<std::string, SchedulerField>> list;
  const_cast<Scheduler*>(this)->all_fields("", list);  // NOLINT: only read here
  NamedTensors out;
  for (const auto& [name, f] : list) {
    if (f.list) {
      Tensor t = Tensor::empty({{static_cast<int64_t>(f.list->size())}}, DType::kFloat64);
      std::copy(f.list->begin(), f.list->end(), t.data_as<double>());
      out.emplace_back(name, t);
    } else if (f.number) {
      out.emplace_back(name, Tensor::from_scalar(*f.number, DType::kFloat64));
    } else if (f.integer) {
      out.emplace_back(name, Tensor::from_scalar(*f.integer, DType::kInt64));
    } else {
      out.emplace_back(name, Tensor::from_scalar(*f.flag, DType::kBool));
    }
  }
  return out;
}

Scheduler::State Scheduler::parse_state(const NamedTensors& dict) const {
  std::vector<std::pair<std::string, SchedulerField>> list;
  const_cast<Scheduler*>(this)->all_fields("", list);  // NOLINT: only read here
  std::map<std::string_view, size_t> places;
  for (size_t i = 0; i < list.size(); ++i) places[list[i].first] = i;
  State state{{}, std::vector<std::vector<double>>(list.size())};
  auto& values = state.values;
  for (size_t i = 0; i < list.size(); ++i) {
    const SchedulerField& f = list[i].second;
    state.fields.push_back(f);
    if (f.list) values[i] = *f.list;
    if (!f.list) {
      values[i] = {f.number    ? *f.number
                   : f.integer ? static_cast<double>(*f.integer)
                               : static_cast<double>(*f.flag)};
    }
  }
  for (const auto& [key, t] : dict) {
    check_defined("load_state_dict", key, t);
    const auto at = places.find(key);
    if (at == places.end()) {
      fail(Status::kKey, "load_state_dict: unexpected key: '", key, "': not a variable of ",
           type_name_);
    }
    const SchedulerField& f = list[at->second].second;
    const bool fits =
        f.list ? f.any_length || static_cast<size_t>(t.numel()) == f.list->size() : t.numel() == 1;
    if (!fits || t.is_meta()) {
      fail(Status::kShape, "load_state_dict: shape mismatch: '", key, "' has ", t.numel(),
           " values, ", type_name_, " ", f.list ? f.list->size() : 1,
           ": the dict must come from a scheduler of the same kind and groups");
    }
    const Tensor flat = contiguous_values(converted(t, DType::kFloat64));
    const double* data = flat.data_as<double>();
    values[at->second].assign(data, data + flat.numel());
    if (f.integer && !(std::fabs(data[0]) < 9e15)) {
      fail(Status::kInvalidArgument, "load_state_dict: bad value: '", key, "' is ", data[0],
           ": must be a whole number");
    }
  }
  return state;
}

void Scheduler::adopt(State&& state) noexcept {
  for (size_t i = 0; i < state.fields.size(); ++i) {
    const SchedulerField& f = state.fields[i];
    if (f.number) *f.number = state.values[i][0];
    if (f.integer) *f.integer = static_cast<int64_t>(state.values[i][0]);
    if (f.flag) *f.flag = state.values[i][0] != 0;
    if (f.list) *f.list = std::move(state.values[i]);
  }
}

}  // namespace mt
