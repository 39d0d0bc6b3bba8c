// The schedulers of a formula: functions of the user, steps, factors, powers and the cosine.
#include <algorithm>
#include <cmath>

#include "optim/lr_scheduler.h"

namespace mt {
namespace {

constexpr double kPi = 3.14159265358979323846;

class LambdaLR final : public Scheduler {
 public:
  LambdaLR(LrLambda f, bool multiplies)
      : Scheduler(multiplies ? "MultiplicativeLR" : "LambdaLR"),
        factor_(std::move(f)),
        multiplies_(multiplies) {}

 protected:
  void compute(std::vector<double>& lrs) override {
    if (multiplies_ && last_epoch_ <= 0) return;
    lrs.resize(std::min(lrs.size(), base_lrs_.size()));
    for (size_t i = 0; i < lrs.size(); ++i) {
      lrs[i] = (multiplies_ ? lrs[i] : base_lrs_[i]) * factor_(last_epoch_, i);
    }
  }

 private:
  LrLambda factor_;
  bool multiplies_;
};

class CustomLR final : public Scheduler {
 public:
  explicit CustomLR(LrFunction f) : Scheduler("CustomLR"), function_(std::move(f)) {}

 protected:
  void compute(std::vector<double>& lrs) override { function_(*this, lrs); }

 private:
  LrFunction function_;
};

template <class F>
bool from_base(const std::vector<double>& base, std::vector<double>& lrs, const F& f) {
  lrs.resize(std::min(lrs.size(), base.size()));
  for (size_t i = 0; i < lrs.size(); ++i) lrs[i] = f(base[i]);
  return true;
}

void scale(std::vector<double>& lrs, double by) {
  for (double& lr : lrs) lr = lr * by;
}

// Python's floor division and modulo of integers, for a positive divisor.
int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

class StepLR final : public Scheduler {
 public:
  StepLR(int64_t step_size, double gamma)
      : Scheduler("StepLR"), step_size_(step_size), gamma_(gamma) {
    if (step_size <= 0) invalid("step_size", step_size, "positive");
  }

 protected:
  void compute(std::vector<double>& lrs) override {
    if (last_epoch_ != 0 && last_epoch_ % std::max<int64_t>(step_size_, 1) == 0) {
      scale(lrs, gamma_);
    }
  }
  bool closed_form(std::vector<double>& lrs) override {
    const int64_t times = floor_div(last_epoch_, std::max<int64_t>(step_size_, 1));
    const double by = std::pow(gamma_, static_cast<double>(times));
    return from_base(base_lrs_, lrs, [&](double base) { return base * by; });
  }
  void fields(std::vector<SchedulerField>& out) override {
    out.push_back({.name = "step_size", .integer = &step_size_});
    out.push_back({.name = "gamma", .number = &gamma_});
    Scheduler::fields(out);
  }

 private:
  int64_t step_size_;
  double gamma_;
};

class MultiStepLR final : public Scheduler {
 public:
  MultiStepLR(IntSpan milestones, double gamma) : Scheduler("MultiStepLR"), gamma_(gamma) {
    for (const int64_t m : milestones) milestones_.push_back(static_cast<double>(m));
    std::sort(milestones_.begin(), milestones_.end());
  }

 protected:
  void compute(std::vector<double>& lrs) override {
    const auto times =
        std::count(milestones_.begin(), milestones_.end(), static_cast<double>(last_epoch_));
    if (times != 0) scale(lrs, std::pow(gamma_, static_cast<double>(times)));
  }
  bool closed_form(std::vector<double>& lrs) override {
    const auto past =
        std::upper_bound(milestones_.begin(), milestones_.end(), static_cast<double>(last_epoch_)) -
        milestones_.begin();
    const double by = std::pow(gamma_, static_cast<double>(past));
    return from_base(base_lrs_, lrs, [&](double base) { return base * by; });
  }
  void fields(std::vector<SchedulerField>& out) override {
    out.push_back({.name = "milestones", .list = &milestones_, .any_length = true});
    out.push_back({.name = "gamma", .number = &gamma_});
    Scheduler::fields(out);
  }

 private:
  std::vector<double> milestones_;
  double gamma_;
};

class ConstantLR final : public Scheduler {
 public:
  ConstantLR(double factor, int64_t total_iters)
      : Scheduler("ConstantLR"), factor_(factor), total_iters_(total_iters) {
    if (!(factor >= 0 && factor <= 1)) invalid("factor", factor, "between 0 and 1");
  }

 protected:
  void compute(std::vector<double>& lrs) override {
    if (last_epoch_ == 0) {
      scale(lrs, factor_);
    } else if (last_epoch_ == total_iters_) {
      scale(lrs, quotient(type_name_, 1, factor_));
    }
  }
  bool closed_form(std::vector<double>& lrs) override {
    const double by = factor_ + (last_epoch_ >= total_iters_ ? 1 - factor_ : 0);
    return from_base(base_lrs_, lrs, [&](double base) { return base * by; });
  }
  void fields(std::vector<SchedulerField>& out) override {
    out.push_back({.name = "factor", .number = &factor_});
    out.push_back({.name = "total_iters", .integer = &total_iters_});
    Scheduler::fields(out);
  }

 private:
  double factor_;
  int64_t total_iters_;
};

class LinearLR final : public Scheduler {
 public:
  explicit LinearLR(const LinearLrOptions& o)
      : Scheduler("LinearLR"),
        start_(o.start_factor),
        end_(o.end_factor),
        total_iters_(o.total_iters) {
    if (!(start_ >= 0 && start_ <= 1)) invalid("start_factor", start_, "between 0 and 1");
    if (!(end_ >= 0 && end_ <= 1)) invalid("end_factor", end_, "between 0 and 1");
  }

 protected:
  void compute(std::vector<double>& lrs) override {
    if (last_epoch_ == 0) return scale(lrs, start_);
    if (last_epoch_ > total_iters_) return;
    const auto total = static_cast<double>(total_iters_);
    const double before = total * start_ + static_cast<double>(last_epoch_ - 1) * (end_ - start_);
    scale(lrs, 1 + quotient(type_name_, end_ - start_, before));
  }
  bool closed_form(std::vector<double>& lrs) override {
    const auto at = static_cast<double>(std::min(total_iters_, last_epoch_));
    const double by =
        start_ + quotient(type_name_, (end_ - start_) * at, static_cast<double>(total_iters_));
    return from_base(base_lrs_, lrs, [&](double base) { return base * by; });
  }
  void fields(std::vector<SchedulerField>& out) override {
    out.push_back({.name = "start_factor", .number = &start_});
    out.push_back({.name = "end_factor", .number = &end_});
    out.push_back({.name = "total_iters", .integer = &total_iters_});
    Scheduler::fields(out);
  }

 private:
  double start_, end_;
  int64_t total_iters_;
};

class ExponentialLR final : public Scheduler {
 public:
  explicit ExponentialLR(double gamma) : Scheduler("ExponentialLR"), gamma_(gamma) {}

 protected:
  void compute(std::vector<double>& lrs) override {
    if (last_epoch_ != 0) scale(lrs, gamma_);
  }
  bool closed_form(std::vector<double>& lrs) override {
    const double by = std::pow(gamma_, static_cast<double>(last_epoch_));
    return from_base(base_lrs_, lrs, [&](double base) { return base * by; });
  }
  void fields(std::vector<SchedulerField>& out) override {
    out.push_back({.name = "gamma", .number = &gamma_});
    Scheduler::fields(out);
  }

 private:
  double gamma_;
};

class PolynomialLR final : public Scheduler {
 public:
  PolynomialLR(int64_t total_iters, double power)
      : Scheduler("PolynomialLR"), total_iters_(total_iters), power_(power) {}

 protected:
  void compute(std::vector<double>& lrs) override {
    if (last_epoch_ == 0 || last_epoch_ > total_iters_) return;
    const auto total = static_cast<double>(total_iters_), at = static_cast<double>(last_epoch_);
    const double ratio = quotient(type_name_, 1 - at / total, 1 - (at - 1) / total);
    scale(lrs, std::pow(ratio, power_));
  }
  bool closed_form(std::vector<double>& lrs) override {
    const auto at = static_cast<double>(std::min(total_iters_, last_epoch_));
    const double left = 1 - quotient(type_name_, at, static_cast<double>(total_iters_));
    const double by = std::pow(left, power_);
    return from_base(base_lrs_, lrs, [&](double base) { return base * by; });
  }
  void fields(std::vector<SchedulerField>& out) override {
    out.push_back({.name = "total_iters", .integer = &total_iters_});
    out.push_back({.name = "power", .number = &power_});
    Scheduler::fields(out);
  }

 private:
  int64_t total_iters_;
  double power_;
};

// Loshchilov and Hutter 2017, without restarts.
class CosineAnnealingLR final : public Scheduler {
 public:
  CosineAnnealingLR(double t_max, double eta_min)
      : Scheduler("CosineAnnealingLR"), t_max_(t_max), eta_min_(eta_min) {
    if (!(t_max != 0)) invalid("T_max", t_max, "other than 0");
  }

 protected:
  void compute(std::vector<double>& lrs) override {
    if (last_epoch_ == 0) return;
    const auto at = static_cast<double>(last_epoch_);
    if (step_count_ == 1 && last_epoch_ > 0) {
      const double height = 1 + std::cos(at * kPi / t_max_);
      from_base(base_lrs_, lrs,
                [&](double base) { return eta_min_ + (base - eta_min_) * height / 2; });
    } else if (std::fmod(at - 1 - t_max_, 2 * t_max_) == 0) {  // up again from the bottom
      const double rise = 1 - std::cos(kPi / t_max_);
      lrs.resize(std::min(lrs.size(), base_lrs_.size()));
      for (size_t i = 0; i < lrs.size(); ++i) {
        lrs[i] = lrs[i] + (base_lrs_[i] - eta_min_) * rise / 2;
      }
    } else {
      const double by = quotient(type_name_, 1 + std::cos(kPi * at / t_max_),
                                 1 + std::cos(kPi * (at - 1) / t_max_));
      for (double& lr : lrs) lr = by * (lr - eta_min_) + eta_min_;
    }
  }
  bool closed_form(std::vector<double>& lrs) override {
    const double height = 1 + std::cos(kPi * static_cast<double>(last_epoch_) / t_max_);
    return from_base(base_lrs_, lrs,
                     [&](double base) { return eta_min_ + (base - eta_min_) * height / 2; });
  }
  void fields(std::vector<SchedulerField>& out) override {
    out.push_back({.name = "T_max", .number = &t_max_});
    out.push_back({.name = "eta_min", .number = &eta_min_});
    Scheduler::fields(out);
  }

 private:
  double t_max_, eta_min_;
};

template <class S>
SchedulerRef made(S* scheduler, OptimizerRef o, int64_t last_epoch) {
  auto ref = SchedulerRef::adopt(scheduler);
  ref->attach(std::move(o), last_epoch);
  return ref;
}

}  // namespace

SchedulerRef lambda_lr(OptimizerRef o, LrLambda factor, int64_t last_epoch) {
  return made(new LambdaLR(std::move(factor), false), std::move(o), last_epoch);
}
SchedulerRef multiplicative_lr(OptimizerRef o, LrLambda factor, int64_t last_epoch) {
  return made(new LambdaLR(std::move(factor), true), std::move(o), last_epoch);
}
SchedulerRef custom_lr(OptimizerRef o, LrFunction compute, int64_t last_epoch) {
  return made(new CustomLR(std::move(compute)), std::move(o), last_epoch);
}
SchedulerRef step_lr(OptimizerRef o, int64_t step_size, double gamma, int64_t last_epoch) {
  return made(new StepLR(step_size, gamma), std::move(o), last_epoch);
}
SchedulerRef multi_step_lr(OptimizerRef o, IntSpan milestones, double gamma, int64_t last_epoch) {
  return made(new MultiStepLR(milestones, gamma), std::move(o), last_epoch);
}
SchedulerRef constant_lr(OptimizerRef o, double factor, int64_t total_iters, int64_t last_epoch) {
  return made(new ConstantLR(factor, total_iters), std::move(o), last_epoch);
}
SchedulerRef linear_lr(OptimizerRef o, const LinearLrOptions& options) {
  return made(new LinearLR(options), std::move(o), options.last_epoch);
}
SchedulerRef exponential_lr(OptimizerRef o, double gamma, int64_t last_epoch) {
  return made(new ExponentialLR(gamma), std::move(o), last_epoch);
}
SchedulerRef polynomial_lr(OptimizerRef o, int64_t total_iters, double power, int64_t last_epoch) {
  return made(new PolynomialLR(total_iters, power), std::move(o), last_epoch);
}
SchedulerRef cosine_annealing_lr(OptimizerRef o, double t_max, double eta_min, int64_t last_epoch) {
  return made(new CosineAnnealingLR(t_max, eta_min), std::move(o), last_epoch);
}

}  // namespace mt
