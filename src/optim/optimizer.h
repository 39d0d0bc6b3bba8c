// Optimizers with torch.optim's options, defaults, parameter groups and state layout.
// Thread rule: one optimizer must not be used by two threads at once.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "nn/module.h"

namespace mt {

// One option of an optimizer: all are numbers; flags are 0 or 1. A real prints as Python's float
// also when it is whole. Two options that torch keeps as one tuple name that.
enum class OptionKind : uint8_t { kNumber, kFlag, kReal };
struct OptionSpec {
  const char* name;
  double default_value;
  OptionKind kind = OptionKind::kNumber;
  const char* pair = nullptr;
};

using NamedNumbers = std::vector<std::pair<std::string, double>>;

struct ParamGroup {
  std::vector<Tensor> params;
  std::vector<double> options;  // in the order of Optimizer::specs()
  NamedNumbers schedule;        // what schedulers keep here: see kScheduleNames
};

// What torch's schedulers write into the groups.
inline constexpr const char* kScheduleNames[] = {"initial_lr", "max_lr",       "min_lr",
                                                 "swa_lr",     "max_momentum", "base_momentum"};

// Computes the loss and its gradients anew.
using Closure = std::function<Tensor()>;

class Optimizer : public RefCounted {
 public:
  virtual ~Optimizer() = default;
  static void destroy(Optimizer* o) { delete o; }

  const std::string& type_name() const { return type_name_; }
  std::span<const OptionSpec> specs() const { return specs_; }
  std::vector<ParamGroup>& groups() { return groups_; }

  // Adds parameters as a group with the optimizer's default options but for those given. Each must
  // be a leaf that no group has yet.
  void add_param_group(std::span<const Tensor> params, const NamedNumbers& options = {});
  // Options, and what schedulers keep in the group.
  double option(size_t group, std::string_view name) const;
  // Checks the value as the constructor does. Group -1: all groups and the defaults.
  void set_option(int64_t group, std::string_view name, double value);
  bool has_option(std::string_view name) const;
  // The values of a scheduler in a group: null when it has none of that name.
  const double* schedule_value(size_t group, std::string_view name) const;
  void set_schedule_value(size_t group, std::string_view name, double value);

  // Updates every parameter that has a gradient.
  virtual void step();
  // Runs the closure with gradients on, then steps; gives its loss. LBFGS runs it several times.
  virtual Tensor step(const Closure& closure);
  void zero_grad(bool set_to_none = false);

  // torch's layout, flat: "state.<i>.<name>" for the i-th parameter over all groups and
  // "param_groups.<g>.<option>" (0-dim float64; flags bool) and "param_groups.<g>.params" (int64).
  // State tensors are shared, not copied.
  NamedTensors state_dict() const;
  // Takes copies. The groups must have the sizes they had when the dict was made; on an error
  // nothing is changed.
  void load_state_dict(const NamedTensors& state) { adopt(parse_state(state)); }

  // "SGD (\nParameter Group 0\n    dampening: 0\n ...)", as PyTorch 1.13 prints it.
  std::string repr() const;

  // State of one parameter: tensors by the order of state_names(), undefined until made.
  struct ParamState {
    std::vector<Tensor> tensors;
    int64_t step = 0;
    double numbers[2] = {0, 0};  // by the order of number_names()
    NamedTensors named;          // of optimizers whose state has another form
  };
  // A state dict that fits this optimizer, and taking it over, which cannot fail.
  struct State {
    std::vector<ParamGroup> groups;
    std::vector<std::vector<ParamState>> state;
  };
  State parse_state(const NamedTensors& dict) const;
  void adopt(State&& s) noexcept;

 protected:
  Optimizer(std::string type_name, std::span<const OptionSpec> specs)
      : type_name_(std::move(type_name)), specs_(specs) {}
  // Sets up the first group; called by the factories below, after which the object is complete.
  void init(std::span<const Tensor> params, std::span<const double> options);
  friend Ref<Optimizer> finish(Optimizer* o, std::span<const Tensor> params,
                               std::span<const double> options);

  virtual std::span<const char* const> state_names() const = 0;
  virtual bool has_step() const { return false; }  // a "step" entry in the state
  virtual std::span<const char* const> number_names() const { return {}; }  // 0-dim entries
  // Checks an entry of ParamState::named; false when there is none of that name.
  virtual bool accepts_named(std::string_view, const Tensor&) const { return false; }
  // Options of torch that are constants here, for the printed form.
  virtual std::span<const char* const> printed_constants() const = 0;  // "name: value"
  virtual void check_options(std::span<const double> options) const = 0;
  // An option's printed form.
  virtual std::string option_value_text(const ParamGroup& g, size_t index) const;
  // State that is there before the first step.
  virtual void start_state(const ParamGroup&, ParamState&, const Tensor&) const {}
  // `param` and `grad` are contiguous and of one dtype.
  virtual void update(const ParamGroup& group, ParamState& state, const Tensor& param,
                      const Tensor& grad) = 0;

  double value(const ParamGroup& g, int i) const { return g.options[static_cast<size_t>(i)]; }
  size_t option_index(std::string_view name) const;
  std::vector<double> checked_options(std::vector<double> options, size_t index, double v) const;
  std::vector<double> group_options(const NamedNumbers& given) const;
  void check_group(int64_t group, const char* hint) const;
  void check_kept(std::vector<double> options, size_t changed) const;
  void prepare_state(ParamState& s, const Tensor& p) const;

  std::string type_name_;
  std::span<const OptionSpec> specs_;
  std::vector<double> defaults_;
  std::vector<ParamGroup> groups_;
  std::vector<std::vector<ParamState>> state_;  // [group][parameter]
};

using OptimizerRef = Ref<Optimizer>;

// Completes an optimizer that its class made.
OptimizerRef finish(Optimizer* o, std::span<const Tensor> params, std::span<const double> options);

// For the classes: torch's checks, and state of a parameter's shape.
void check_not_negative(std::string_view op, std::string_view name, double v);
void check_below_one(std::string_view op, std::string_view name, double v);
Tensor filled_like(const Tensor& p, double value);
// A Python float as torch keeps it in a 0-dim tensor of the default dtype.
double as_default_dtype(double v);

// --- gradient clipping ------------------------------------------------------------------------
// Scales the gradients in place so that their total norm is at most max_norm; returns the norm
// before. norm_type: the p of the norm, infinity for the largest absolute value.
Tensor clip_grad_norm_(std::span<const Tensor> params, double max_norm, double norm_type = 2,
                       bool error_if_nonfinite = false);
void clip_grad_value_(std::span<const Tensor> params, double clip_value);

}  // namespace mt
