// Optimizers with torch.optim's options, defaults, parameter groups and state layout.
// Thread rule: one optimizer must not be used by two threads at once.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "nn/module.h"

namespace mt {

// One option of an optimizer: all are numbers; flags are 0 or 1.
struct OptionSpec {
  const char* name;
  double default_value;
  bool is_flag = false;
};

struct ParamGroup {
  std::vector<Tensor> params;
  std::vector<double> options;  // in the order of Optimizer::specs()
};

class Optimizer : public RefCounted {
 public:
  virtual ~Optimizer() = default;
  static void destroy(Optimizer* o) { delete o; }

  const std::string& type_name() const { return type_name_; }
  std::span<const OptionSpec> specs() const { return specs_; }
  std::vector<ParamGroup>& groups() { return groups_; }

  // Adds parameters as a group with the optimizer's default options. Each must be a leaf that no
  // group has yet.
  void add_param_group(std::span<const Tensor> params);
  double option(size_t group, std::string_view name) const;
  // Checks the value as the constructor does. Group -1: all groups and the defaults.
  void set_option(int64_t group, std::string_view name, double value);
  bool has_option(std::string_view name) const;

  // Updates every parameter that has a gradient.
  void step();
  void zero_grad(bool set_to_none = false);

  // torch's layout, flat: "state.<i>.<name>" for the i-th parameter over all groups and
  // "param_groups.<g>.<option>" (0-dim float64; flags bool) and "param_groups.<g>.params" (int64).
  // State tensors are shared, not copied.
  NamedTensors state_dict() const;
  // Takes copies. The groups must have the sizes they had when the dict was made; on an error
  // nothing is changed.
  void load_state_dict(const NamedTensors& state);

  // "SGD (\nParameter Group 0\n    dampening: 0\n ...)", as PyTorch 1.13 prints it.
  std::string repr() const;

 protected:
  // State of one parameter: tensors by the order of state_names(), undefined until made.
  struct ParamState {
    std::vector<Tensor> tensors;
    int64_t step = 0;
  };
  Optimizer(std::string type_name, std::span<const OptionSpec> specs)
      : type_name_(std::move(type_name)), specs_(specs) {}
  // Sets up the first group; called by the factories below, after which the object is complete.
  void init(std::span<const Tensor> params, std::span<const double> options);
  friend Ref<Optimizer> finish(Optimizer* o, std::span<const Tensor> params,
                               std::span<const double> options);

  virtual std::span<const char* const> state_names() const = 0;
  virtual bool has_step() const { return false; }  // a "step" entry in the state
  // Options of torch that are constants here, for the printed form.
  virtual std::span<const char* const> printed_constants() const = 0;  // "name: value"
  virtual void check_options(std::span<const double> options) const = 0;
  // `param` and `grad` are contiguous and of one dtype.
  virtual void update(const ParamGroup& group, ParamState& state, const Tensor& param,
                      const Tensor& grad) = 0;

  double value(const ParamGroup& g, int i) const { return g.options[static_cast<size_t>(i)]; }
  size_t option_index(std::string_view name) const;
  std::vector<double> checked_options(std::vector<double> options, size_t index, double v) const;
  void prepare_state(ParamState& s, const Tensor& p) const;

  std::string type_name_;
  std::span<const OptionSpec> specs_;
  std::vector<double> defaults_;
  std::vector<ParamGroup> groups_;
  std::vector<std::vector<ParamState>> state_;  // [group][parameter]
};

using OptimizerRef = Ref<Optimizer>;

// lr is required to be >= 0, as are the other options (torch's checks).
struct SgdOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;
  bool maximize = false;
};
OptimizerRef sgd(std::span<const Tensor> params, const SgdOptions& options);

struct AdamOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;  // 1e-2 is torch's default for AdamW
  bool amsgrad = false;
  bool maximize = false;
};
OptimizerRef adam(std::span<const Tensor> params, const AdamOptions& options);
OptimizerRef adamw(std::span<const Tensor> params, const AdamOptions& options);

// --- gradient clipping ------------------------------------------------------------------------
// Scales the gradients in place so that their total norm is at most max_norm; returns the norm
// before. norm_type: the p of the norm, infinity for the largest absolute value.
Tensor clip_grad_norm_(std::span<const Tensor> params, double max_norm, double norm_type = 2,
                       bool error_if_nonfinite = false);
void clip_grad_value_(std::span<const Tensor> params, double clip_value);

}  // namespace mt
