// The schedulers that watch a value, follow weight averaging, or combine others.
#include <algorithm>
#include <cmath>
#include <limits>

#include "optim/lr_scheduler.h"

namespace mt {
namespace {

constexpr double kPi = 3.14159265358979323846;

class ReduceLROnPlateau final : public Scheduler {
 public:
  explicit ReduceLROnPlateau(PlateauOptions o) : Scheduler("ReduceLROnPlateau"), o_(std::move(o)) {
    if (!(o_.factor < 1)) invalid("factor", o_.factor, "< 1.0");
    best_ = o_.max_mode ? -std::numeric_limits<double>::infinity()
                        : std::numeric_limits<double>::infinity();
  }

  SchedulerRef start(OptimizerRef o) {
    const auto self = SchedulerRef::adopt(this);
    optimizer_ = std::move(o);
    min_lrs_ = per_group("min_lr", o_.min_lr);
    last_lr_ = group_lrs();
    last_epoch_ = 0;
    return self;
  }

  void step() override {
    fail(Status::kInvalidArgument, type_name_,
         ": no metric: it lowers the rate when a value stops improving: give step that value");
  }
  void step_to(double) override { step(); }

  void step_metric(double metric) override {
    ++last_epoch_;
    if (is_better(metric)) {
      best_ = metric;
      bad_epochs_ = 0;
    } else {
      ++bad_epochs_;
    }
    if (cooldown_left_ > 0) {
      --cooldown_left_;
      bad_epochs_ = 0;
    }
    if (bad_epochs_ > o_.patience) {
      reduce();
      cooldown_left_ = o_.cooldown;
      bad_epochs_ = 0;
    }
    last_lr_ = group_lrs();
  }

 protected:
  void compute(std::vector<double>&) override {}
  void fields(std::vector<SchedulerField>& out) override {
    out.push_back({.name = "factor", .number = &o_.factor});
    out.push_back({.name = "min_lrs", .list = &min_lrs_});
    out.push_back({.name = "patience", .integer = &o_.patience});
    out.push_back({.name = "cooldown", .integer = &o_.cooldown});
    out.push_back({.name = "cooldown_counter", .integer = &cooldown_left_});
    out.push_back({.name = "max_mode", .flag = &o_.max_mode});
    out.push_back({.name = "threshold", .number = &o_.threshold});
    out.push_back({.name = "absolute_threshold", .flag = &o_.absolute});
    out.push_back({.name = "best", .number = &best_});
    out.push_back({.name = "num_bad_epochs", .integer = &bad_epochs_});
    out.push_back({.name = "eps", .number = &o_.eps});
    out.push_back({.name = "last_epoch", .integer = &last_epoch_});
    out.push_back({.name = "_last_lr", .list = &last_lr_, .any_length = true});
  }

 private:
  bool is_better(double metric) const {
    if (o_.max_mode) {
      return metric > (o_.absolute ? best_ + o_.threshold : best_ * (o_.threshold + 1));
    }
    return metric < (o_.absolute ? best_ - o_.threshold : best_ * (1 - o_.threshold));
  }
  void reduce() {
    auto& groups = optimizer_->groups();
    for (size_t i = 0; i < groups.size() && i < min_lrs_.size(); ++i) {
      double& lr = groups[i].options[0];
      const double lower = std::max(lr * o_.factor, min_lrs_[i]);
      if (lr - lower > o_.eps) lr = lower;
    }
  }

  PlateauOptions o_;
  std::vector<double> min_lrs_;
  double best_;
  int64_t bad_epochs_ = 0, cooldown_left_ = 0;
};

// Izmailov et al. 2018.
class SWALR final : public Scheduler {
 public:
  explicit SWALR(SwaLrOptions o) : Scheduler("SWALR"), o_(std::move(o)) {
    if (o_.anneal_epochs < 0) invalid("anneal_epochs", o_.anneal_epochs, ">= 0");
  }

  SchedulerRef start(OptimizerRef o) {
    const auto self = SchedulerRef::adopt(this);
    optimizer_ = std::move(o);
    const std::vector<double> rates = per_group("swa_lr", o_.swa_lr);
    for (size_t i = 0; i < rates.size(); ++i) optimizer_->set_schedule_value(i, "swa_lr", rates[i]);
    attach(optimizer_, o_.last_epoch);
    return self;
  }

 protected:
  void compute(std::vector<double>& lrs) override {
    int64_t step = step_count_ - 1;
    if (o_.anneal_epochs == 0) step = std::max<int64_t>(1, step);
    const double before = part(step - 1), now = part(step);
    for (size_t i = 0; i < lrs.size(); ++i) {
      const double goal = schedule_value(i, "swa_lr");
      // The rate that the annealing began at.
      const double first = before == 1 ? goal : (lrs[i] - before * goal) / (1 - before);
      lrs[i] = goal * now + first * (1 - now);
    }
  }
  void fields(std::vector<SchedulerField>& out) override {
    out.push_back({.name = "anneal_epochs", .integer = &o_.anneal_epochs});
    Scheduler::fields(out);
  }

 private:
  double part(int64_t step) const {
    const auto length = static_cast<double>(std::max<int64_t>(1, o_.anneal_epochs));
    const double t = std::clamp(static_cast<double>(step) / length, 0.0, 1.0);
    return o_.linear ? t : (1 - std::cos(kPi * t)) / 2;
  }

  SwaLrOptions o_;
};

}  // namespace

class SequentialLR final : public Scheduler {
 public:
  SequentialLR(std::vector<SchedulerRef> schedulers, IntSpan milestones)
      : Scheduler("SequentialLR"),
        schedulers_(std::move(schedulers)),
        milestones_(milestones.begin(), milestones.end()) {}

  SchedulerRef start(OptimizerRef o, int64_t last_epoch) {
    const auto self = SchedulerRef::adopt(this);
    optimizer_ = std::move(o);
    if (schedulers_.empty() || milestones_.size() != schedulers_.size() - 1) {
      fail(Status::kInvalidArgument, type_name_, ": count mismatch: ", schedulers_.size(),
           " schedulers, ", milestones_.size(),
           " milestones: there must be one scheduler more than milestones");
    }
    for (size_t i = 0; i < schedulers_.size(); ++i) {
      if (schedulers_[i]->optimizer() != optimizer_) {
        fail(Status::kInvalidArgument, type_name_, ": optimizer mismatch: scheduler ", i,
             " acts on another optimizer: Sequential Schedulers expects all schedulers to belong "
             "to the same optimizer");
      }
      if (schedulers_[i]->type_name() == "ReduceLROnPlateau") {
        fail(Status::kInvalidArgument, type_name_, ": not supported: scheduler ", i,
             " is a ReduceLROnPlateau: it needs a metric at every step; step it by itself");
      }
    }
    std::vector<double> lrs;
    for (size_t i = 0; i < optimizer_->groups().size(); ++i) {
      lrs.push_back(schedule_value(i, "initial_lr"));
    }
    last_epoch_ = last_epoch + 1;
    write_lrs(lrs);
    for (const SchedulerRef& s : schedulers_) --s->last_epoch_;  // takes back their first steps
    schedulers_[0]->initial_step();
    last_lr_ = schedulers_[0]->last_lr();
    return self;
  }

  void step() override {
    const int64_t epoch = last_epoch_ + 1;
    const size_t at = static_cast<size_t>(
        std::upper_bound(milestones_.begin(), milestones_.end(), static_cast<double>(epoch)) -
        milestones_.begin());
    if (at >= schedulers_.size()) {
      fail(Status::kState, type_name_, ": no scheduler: for epoch ", epoch,
           ": there must be one scheduler more than milestones");
    }
    Scheduler& s = *schedulers_[at];
    if (at > 0 && milestones_[at - 1] == static_cast<double>(epoch)) {
      s.step_to(0);
    } else {
      s.step();
    }
    last_epoch_ = epoch;
    last_lr_ = s.last_lr();
  }
  void step_to(double) override {
    fail(Status::kInvalidArgument, type_name_,
         ": no epoch: it has no closed form: call step without an epoch");
  }

 protected:
  void compute(std::vector<double>&) override {}
  void children(std::vector<Scheduler*>& out) override {
    for (const SchedulerRef& s : schedulers_) out.push_back(s.get());
  }
  void fields(std::vector<SchedulerField>& out) override {
    out.push_back({.name = "_milestones", .list = &milestones_});
    out.push_back({.name = "last_epoch", .integer = &last_epoch_});
    out.push_back({.name = "_last_lr", .list = &last_lr_, .any_length = true});
  }

 private:
  std::vector<SchedulerRef> schedulers_;
  std::vector<double> milestones_;
};

class ChainedScheduler final : public Scheduler {
 public:
  explicit ChainedScheduler(std::vector<SchedulerRef> schedulers)
      : Scheduler("ChainedScheduler"), schedulers_(std::move(schedulers)) {
    if (schedulers_.empty()) {
      fail(Status::kInvalidArgument, type_name_, ": no schedulers: at least one is needed");
    }
    for (size_t i = 0; i < schedulers_.size(); ++i) {
      if (schedulers_[i]->optimizer() == schedulers_[0]->optimizer()) continue;
      fail(Status::kInvalidArgument, type_name_, ": optimizer mismatch: schedulers 0 and ", i,
           " act on different optimizers: ChainedScheduler expects all schedulers to belong to "
           "the same optimizer");
    }
    optimizer_ = schedulers_[0]->optimizer();
    last_lr_ = group_lrs();
    last_epoch_ = 0;
  }

  void step() override {
    for (const SchedulerRef& s : schedulers_) s->step();
    ++last_epoch_;
    last_lr_ = group_lrs();
  }
  void step_to(double) override {
    fail(Status::kInvalidArgument, type_name_,
         ": no epoch: it has no closed form: call step without an epoch");
  }

 protected:
  void compute(std::vector<double>&) override {}
  void children(std::vector<Scheduler*>& out) override {
    for (const SchedulerRef& s : schedulers_) out.push_back(s.get());
  }
  void fields(std::vector<SchedulerField>& out) override {
    out.push_back({.name = "last_epoch", .integer = &last_epoch_});
    out.push_back({.name = "_last_lr", .list = &last_lr_, .any_length = true});
  }

 private:
  std::vector<SchedulerRef> schedulers_;
};

SchedulerRef reduce_lr_on_plateau(OptimizerRef o, PlateauOptions options) {
  return (new ReduceLROnPlateau(std::move(options)))->start(std::move(o));
}
SchedulerRef swa_lr(OptimizerRef o, SwaLrOptions options) {
  return (new SWALR(std::move(options)))->start(std::move(o));
}
SchedulerRef sequential_lr(OptimizerRef o, std::vector<SchedulerRef> schedulers, IntSpan milestones,
                           int64_t last_epoch) {
  return (new SequentialLR(std::move(schedulers), milestones))->start(std::move(o), last_epoch);
}
SchedulerRef chained_scheduler(std::vector<SchedulerRef> schedulers) {
  return SchedulerRef::adopt(new ChainedScheduler(std::move(schedulers)));
}

}  // namespace mt
