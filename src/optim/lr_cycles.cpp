// The schedulers that come back: warm restarts, cycles, and the one cycle.
#include <algorithm>
#include <cmath>

#include "optim/lr_scheduler.h"

namespace mt {
namespace {

constexpr double kPi = 3.14159265358979323846;

// Loshchilov and Hutter 2017: the cosine starts anew after T_i epochs, which grow by T_mult.
class CosineAnnealingWarmRestarts final : public Scheduler {
 public:
  explicit CosineAnnealingWarmRestarts(const CosineWarmRestartsOptions& o)
      : Scheduler("CosineAnnealingWarmRestarts"),
        t_0_(o.t_0),
        t_mult_(o.t_mult),
        eta_min_(o.eta_min),
        t_i_(static_cast<double>(o.t_0)),
        t_cur_(static_cast<double>(o.last_epoch)) {
    if (o.t_0 <= 0) invalid("T_0", o.t_0, "a positive integer");
    if (o.t_mult < 1) invalid("T_mult", o.t_mult, "an integer >= 1");
  }

  void step() override {
    if (last_epoch_ < 0) return step_to(0);
    t_cur_ = t_cur_ + 1;
    if (t_cur_ >= t_i_) {
      t_cur_ = t_cur_ - t_i_;
      t_i_ = t_i_ * static_cast<double>(t_mult_);
    }
    set_epoch(static_cast<double>(last_epoch_) + 1);
  }

  // Fractions of an epoch are fine.
  void step_to(double epoch) override {
    if (!(epoch >= 0 && epoch < 9e15)) invalid("epoch", epoch, ">= 0");
    const auto first = static_cast<double>(t_0_), mult = static_cast<double>(t_mult_);
    t_i_ = first;
    t_cur_ = epoch;
    if (epoch >= first && t_mult_ == 1) t_cur_ = std::fmod(epoch, first);
    if (epoch >= first && t_mult_ != 1) {
      const double restarts = std::trunc(std::log(epoch / first * (mult - 1) + 1) / std::log(mult));
      const double grown = std::pow(mult, restarts);
      t_cur_ = epoch - first * (grown - 1) / (mult - 1);
      t_i_ = first * grown;
    }
    set_epoch(epoch);
  }

 protected:
  void compute(std::vector<double>& lrs) override {
    lrs.resize(std::min(lrs.size(), base_lrs_.size()));
    const double height = 1 + std::cos(kPi * t_cur_ / t_i_);
    for (size_t i = 0; i < lrs.size(); ++i) {
      lrs[i] = eta_min_ + (base_lrs_[i] - eta_min_) * height / 2;
    }
  }
  void fields(std::vector<SchedulerField>& out) override {
    out.push_back({.name = "T_0", .integer = &t_0_});
    out.push_back({.name = "T_i", .number = &t_i_});
    out.push_back({.name = "T_mult", .integer = &t_mult_});
    out.push_back({.name = "eta_min", .number = &eta_min_});
    out.push_back({.name = "T_cur", .number = &t_cur_});
    Scheduler::fields(out);
  }

 private:
  void set_epoch(double epoch) {
    last_epoch_ = static_cast<int64_t>(std::floor(epoch));
    std::vector<double> lrs = group_lrs();
    compute(lrs);
    write_lrs(lrs);
  }

  int64_t t_0_, t_mult_;
  double eta_min_, t_i_, t_cur_;
};

// Smith 2017. Momentum goes against the rate.
class CyclicLR final : public Scheduler {
 public:
  explicit CyclicLR(CyclicLrOptions o) : Scheduler("CyclicLR"), o_(std::move(o)) {
    const double down = o_.step_size_down.value_or(o_.step_size_up);
    total_size_ = o_.step_size_up + down;
    if (!(total_size_ > 0)) invalid("step_size_up", o_.step_size_up, "positive");
    step_ratio_ = o_.step_size_up / total_size_;
    if (!o_.scale_fn) o_.scale_by_iterations = o_.mode == CyclicMode::kExpRange;
  }

  SchedulerRef start(OptimizerRef o) {
    const auto self = SchedulerRef::adopt(this);
    optimizer_ = std::move(o);
    const size_t n = optimizer_->groups().size();
    const std::vector<double> base_lrs = per_group("base_lr", o_.base_lr);
    max_lrs_ = per_group("max_lr", o_.max_lr);
    if (o_.cycle_momentum) {
      if (!optimizer_->has_option("momentum")) {
        fail(Status::kInvalidArgument, type_name_, ": no momentum: ", optimizer_->type_name(),
             " has none to cycle: optimizer must support momentum with `cycle_momentum` option "
             "enabled");
      }
      base_momentums_ = per_group("base_momentum", o_.base_momentum);
      max_momentums_ = per_group("max_momentum", o_.max_momentum);
    }
    if (o_.last_epoch == -1) {
      write_lrs(base_lrs);
      for (size_t i = 0; i < base_momentums_.size(); ++i) set_momentum(i, base_momentums_[i]);
    }
    for (size_t i = 0; i < base_momentums_.size(); ++i) {
      base_momentums_[i] = optimizer_->option(i, "momentum");
    }
    // The first step is taken with initial_lr as the base, later ones with base_lr: torch's order.
    attach(optimizer_, o_.last_epoch);
    base_lrs_ = base_lrs;
    (void)n;
    return self;
  }

 protected:
  void compute(std::vector<double>& lrs) override {
    const auto at = static_cast<double>(last_epoch_);
    const double cycle = std::floor(1 + at / total_size_);
    const double x = 1.0 + at / total_size_ - cycle;
    const double height = x <= step_ratio_ ? quotient(type_name_, x, step_ratio_)
                                           : quotient(type_name_, x - 1, step_ratio_ - 1);
    const double by = scale(o_.scale_by_iterations ? at : cycle);
    lrs.resize(std::min({lrs.size(), base_lrs_.size(), max_lrs_.size()}));
    for (size_t i = 0; i < lrs.size(); ++i) {
      lrs[i] = base_lrs_[i] + (max_lrs_[i] - base_lrs_[i]) * height * by;
    }
    if (!o_.cycle_momentum) return;
    for (size_t i = 0; i < base_momentums_.size(); ++i) {
      const double most = max_momentums_[i];
      set_momentum(i, most - (most - base_momentums_[i]) * height * by);
    }
  }
  void fields(std::vector<SchedulerField>& out) override {
    out.push_back({.name = "max_lrs", .list = &max_lrs_});
    out.push_back({.name = "total_size", .number = &total_size_});
    out.push_back({.name = "step_ratio", .number = &step_ratio_});
    out.push_back({.name = "gamma", .number = &o_.gamma});
    out.push_back({.name = "cycle_momentum", .flag = &o_.cycle_momentum});
    if (o_.cycle_momentum) {
      out.push_back({.name = "base_momentums", .list = &base_momentums_});
      out.push_back({.name = "max_momentums", .list = &max_momentums_});
    }
    Scheduler::fields(out);
  }

 private:
  double scale(double x) const {
    if (o_.scale_fn) return o_.scale_fn(x);
    if (o_.mode == CyclicMode::kTriangular2) return 1 / std::pow(2.0, x - 1);
    return o_.mode == CyclicMode::kExpRange ? std::pow(o_.gamma, x) : 1.0;
  }

  CyclicLrOptions o_;
  double total_size_ = 0, step_ratio_ = 0;
  std::vector<double> max_lrs_, base_momentums_, max_momentums_;
};

// Smith and Topin 2018: up to max_lr and down far below the start, once.
class OneCycleLR final : public Scheduler {
 public:
  explicit OneCycleLR(OneCycleLrOptions o) : Scheduler("OneCycleLR"), o_(std::move(o)) {
    if (o_.total_steps <= 0) invalid("total_steps", o_.total_steps, "a positive integer");
    if (!(o_.pct_start >= 0 && o_.pct_start <= 1)) {
      invalid("pct_start", o_.pct_start, "between 0 and 1");
    }
  }

  SchedulerRef start(OptimizerRef o) {
    const auto self = SchedulerRef::adopt(this);
    optimizer_ = std::move(o);
    const size_t n = optimizer_->groups().size();
    const std::vector<double> highest = per_group("max_lr", o_.max_lr);
    const std::vector<double> most = per_group("max_momentum", o_.max_momentum);
    const std::vector<double> least = per_group("base_momentum", o_.base_momentum);
    if (o_.cycle_momentum && !has_momentum()) {
      fail(Status::kInvalidArgument, type_name_, ": no momentum: ", optimizer_->type_name(),
           " has none to cycle: optimizer must support momentum with `cycle_momentum` option "
           "enabled");
    }
    for (size_t i = 0; o_.last_epoch == -1 && i < n; ++i) {
      const double first = quotient(type_name_, highest[i], o_.div_factor);
      optimizer_->set_schedule_value(i, "initial_lr", first);
      optimizer_->set_schedule_value(i, "max_lr", highest[i]);
      optimizer_->set_schedule_value(i, "min_lr", quotient(type_name_, first, o_.final_div_factor));
      if (!o_.cycle_momentum) continue;
      set_momentum(i, most[i]);
      optimizer_->set_schedule_value(i, "max_momentum", most[i]);
      optimizer_->set_schedule_value(i, "base_momentum", least[i]);
    }
    attach(optimizer_, o_.last_epoch);
    return self;
  }

 protected:
  void compute(std::vector<double>& lrs) override {
    if (last_epoch_ > o_.total_steps) {
      fail(Status::kInvalidArgument, type_name_, ": past the end: Tried to step ", last_epoch_ + 1,
           " times. The specified number of total steps is ", o_.total_steps,
           ": the cycle is over");
    }
    struct Phase {
      double end;
      const char *from_lr, *to_lr;
      bool falling;  // of the momentum; a rising one, or the last phase's constant
      bool constant = false;
    };
    const auto total = static_cast<double>(o_.total_steps);
    std::vector<Phase> phases = {{o_.pct_start * total - 1, "initial_lr", "max_lr", true}};
    if (o_.three_phase) {
      phases.push_back({2 * o_.pct_start * total - 2, "max_lr", "initial_lr", false});
      phases.push_back({total - 1, "initial_lr", "min_lr", false, true});
    } else {
      phases.push_back({total - 1, "max_lr", "min_lr", false});
    }
    const auto at = static_cast<double>(last_epoch_);
    double begin = 0;
    size_t k = 0;
    for (; k + 1 < phases.size() && at > phases[k].end; ++k) begin = phases[k].end;
    const Phase& phase = phases[k];
    const double part = quotient(type_name_, at - begin, phase.end - begin);
    for (size_t i = 0; i < lrs.size(); ++i) {
      lrs[i] = anneal(schedule_value(i, phase.from_lr), schedule_value(i, phase.to_lr), part);
      if (!o_.cycle_momentum) continue;
      const double most = schedule_value(i, "max_momentum");
      const double least = schedule_value(i, "base_momentum");
      const double from = phase.falling || phase.constant ? most : least;
      set_momentum(i, anneal(from, phase.falling ? least : most, part));
    }
  }
  void fields(std::vector<SchedulerField>& out) override {
    out.push_back({.name = "total_steps", .integer = &o_.total_steps});
    out.push_back({.name = "cycle_momentum", .flag = &o_.cycle_momentum});
    Scheduler::fields(out);
  }

 private:
  double anneal(double from, double to, double part) const {
    if (o_.linear) return (to - from) * part + from;
    return to + (from - to) / 2.0 * (std::cos(kPi * part) + 1);
  }

  OneCycleLrOptions o_;
};

}  // namespace

SchedulerRef cosine_annealing_warm_restarts(OptimizerRef o, const CosineWarmRestartsOptions& x) {
  auto ref = SchedulerRef::adopt(new CosineAnnealingWarmRestarts(x));
  ref->attach(std::move(o), x.last_epoch);
  return ref;
}
SchedulerRef cyclic_lr(OptimizerRef o, CyclicLrOptions options) {
  return (new CyclicLR(std::move(options)))->start(std::move(o));
}
SchedulerRef one_cycle_lr(OptimizerRef o, OneCycleLrOptions options) {
  return (new OneCycleLR(std::move(options)))->start(std::move(o));
}

}  // namespace mt
