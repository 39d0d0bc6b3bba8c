// Learning rate schedulers with torch.optim.lr_scheduler's formulas, evaluated in its order so that
// the rates agree to the last bit: most go from the last rate to the next ("chainable" forms), so
// several may act on one optimizer.
// Thread rule: that of the optimizer, which a scheduler keeps alive and writes to.
#pragma once

#include <functional>
#include <optional>

#include "core/error.h"
#include "optim/optimizer.h"

namespace mt {

// One variable of a scheduler's state, by torch's name.
struct SchedulerField {
  const char* name;
  double* number = nullptr;
  int64_t* integer = nullptr;
  bool* flag = nullptr;
  std::vector<double>* list = nullptr;
  bool any_length = false;  // of a list
};

class Scheduler : public RefCounted {
 public:
  virtual ~Scheduler() = default;
  static void destroy(Scheduler* s) { delete s; }

  const std::string& type_name() const { return type_name_; }
  const OptimizerRef& optimizer() const { return optimizer_; }
  int64_t last_epoch() const { return last_epoch_; }
  const std::vector<double>& last_lr() const { return last_lr_; }  // of each group

  // To the next epoch. When it fails, as by a callback, the epoch stays.
  virtual void step();
  // To a given epoch, by the closed form where there is one.
  virtual void step_to(double epoch);
  // With the value that is watched: of ReduceLROnPlateau.
  virtual void step_metric(double metric);

  // Variables as 0-dim or 1-dim tensors: float64, int64 or bool.
  NamedTensors state_dict() const;
  // Takes what is given, other variables keep their values. On an error nothing is changed.
  void load_state_dict(const NamedTensors& state) { adopt(parse_state(state)); }

  // Variables and what a state dict makes of them; taking it over cannot fail.
  struct State {
    std::vector<SchedulerField> fields;
    std::vector<std::vector<double>> values;
  };
  State parse_state(const NamedTensors& dict) const;
  static void adopt(State&& state) noexcept;

  // Sets up base_lrs and takes the step to the first epoch. Called once, by the factories.
  void attach(OptimizerRef optimizer, int64_t last_epoch);

 protected:
  friend class SequentialLR;
  friend class ChainedScheduler;
  explicit Scheduler(std::string type_name) : type_name_(std::move(type_name)) {}

  // The rates of the epoch last_epoch_, from those of the groups now.
  virtual void compute(std::vector<double>& lrs) = 0;
  // The same from base_lrs_; false when there is no such form.
  virtual bool closed_form(std::vector<double>&) { return false; }
  virtual void fields(std::vector<SchedulerField>& out);
  virtual void children(std::vector<Scheduler*>&) {}
  void initial_step();
  void all_fields(const std::string& prefix,
                  std::vector<std::pair<std::string, SchedulerField>>& out);

  [[noreturn]] void invalid(const TextPart& name, const TextPart& value, const char* rule) const;
  std::vector<double> group_lrs() const;
  void write_lrs(const std::vector<double>& lrs);
  void advance(int64_t epoch, bool closed);
  // A value for each group: given for each, or one for all.
  std::vector<double> per_group(const char* name, std::vector<double> given) const;
  double schedule_value(size_t group, const char* name) const;
  void set_momentum(size_t group, double value);
  bool has_momentum() const;

  std::string type_name_;
  OptimizerRef optimizer_;
  int64_t last_epoch_ = -1, step_count_ = 0;
  std::vector<double> base_lrs_, last_lr_;
};

using SchedulerRef = Ref<Scheduler>;

// Python's operator /.
double quotient(const std::string& op, double a, double b);

// The factor of a group at an epoch.
using LrLambda = std::function<double(int64_t epoch, size_t group)>;
SchedulerRef lambda_lr(OptimizerRef o, LrLambda factor, int64_t last_epoch = -1);
SchedulerRef multiplicative_lr(OptimizerRef o, LrLambda factor, int64_t last_epoch = -1);
// A user's own: changes the rates of the groups to those of scheduler.last_epoch().
using LrFunction = std::function<void(Scheduler& scheduler, std::vector<double>& lrs)>;
SchedulerRef custom_lr(OptimizerRef o, LrFunction compute, int64_t last_epoch = -1);

SchedulerRef step_lr(OptimizerRef o, int64_t step_size, double gamma = 0.1,
                     int64_t last_epoch = -1);
SchedulerRef multi_step_lr(OptimizerRef o, IntSpan milestones, double gamma = 0.1,
                           int64_t last_epoch = -1);
SchedulerRef constant_lr(OptimizerRef o, double factor = 1.0 / 3, int64_t total_iters = 5,
                         int64_t last_epoch = -1);
struct LinearLrOptions {
  double start_factor = 1.0 / 3;
  double end_factor = 1;
  int64_t total_iters = 5;
  int64_t last_epoch = -1;
};
SchedulerRef linear_lr(OptimizerRef o, const LinearLrOptions& options);
SchedulerRef exponential_lr(OptimizerRef o, double gamma, int64_t last_epoch = -1);
SchedulerRef polynomial_lr(OptimizerRef o, int64_t total_iters = 5, double power = 1,
                           int64_t last_epoch = -1);
SchedulerRef cosine_annealing_lr(OptimizerRef o, double t_max, double eta_min = 0,
                                 int64_t last_epoch = -1);

struct CosineWarmRestartsOptions {
  int64_t t_0 = 0;  // must be given
  int64_t t_mult = 1;
  double eta_min = 0;
  int64_t last_epoch = -1;
};
SchedulerRef cosine_annealing_warm_restarts(OptimizerRef o, const CosineWarmRestartsOptions& x);

// Lists have a value for each group, or one for all.
enum class CyclicMode : int32_t { kTriangular, kTriangular2, kExpRange };
struct CyclicLrOptions {
  std::vector<double> base_lr, max_lr;  // must be given
  double step_size_up = 2000;
  std::optional<double> step_size_down = {};  // absent: step_size_up
  CyclicMode mode = CyclicMode::kTriangular;
  double gamma = 1;
  std::function<double(double)> scale_fn = {};  // in place of the mode's
  bool scale_by_iterations = false;  // of scale_fn: its argument counts steps, not cycles
  bool cycle_momentum = true;
  std::vector<double> base_momentum = {0.8}, max_momentum = {0.9};
  int64_t last_epoch = -1;
};
SchedulerRef cyclic_lr(OptimizerRef o, CyclicLrOptions options);

struct OneCycleLrOptions {
  std::vector<double> max_lr;  // must be given
  int64_t total_steps = 0;     // must be given
  double pct_start = 0.3;
  bool linear = false;  // annealing: linear, else cosine
  bool cycle_momentum = true;
  std::vector<double> base_momentum = {0.85}, max_momentum = {0.95};
  double div_factor = 25;
  double final_div_factor = 1e4;
  bool three_phase = false;
  int64_t last_epoch = -1;
};
SchedulerRef one_cycle_lr(OptimizerRef o, OneCycleLrOptions options);

struct PlateauOptions {
  bool max_mode = false;
  double factor = 0.1;
  int64_t patience = 10;
  double threshold = 1e-4;
  bool absolute = false;  // threshold_mode: "abs", else "rel"
  int64_t cooldown = 0;
  std::vector<double> min_lr = {0};
  double eps = 1e-8;
};
SchedulerRef reduce_lr_on_plateau(OptimizerRef o, PlateauOptions options);

// To swa_lr over anneal_epochs epochs, then constant.
struct SwaLrOptions {
  std::vector<double> swa_lr;  // must be given
  int64_t anneal_epochs = 10;
  bool linear = false;
  int64_t last_epoch = -1;
};
SchedulerRef swa_lr(OptimizerRef o, SwaLrOptions options);

// One after another, each from its milestone on.
SchedulerRef sequential_lr(OptimizerRef o, std::vector<SchedulerRef> schedulers, IntSpan milestones,
                           int64_t last_epoch = -1);
// All at every step.
SchedulerRef chained_scheduler(std::vector<SchedulerRef> schedulers);

}  // namespace mt
