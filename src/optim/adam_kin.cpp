// Adamax, NAdam and RAdam: option checks of torch.optim 1.13, the numbers of a step, and calls of
// the fused kernels.
#include <algorithm>
#include <cmath>

#include "kernels/optim.h"
#include "ops/common.h"
#include "optim/fused_optimizer.h"

namespace mt {
namespace {

constexpr const char* kForeach[] = {"foreach: None"};

// What the three share: betas and a step count. Options start lr, beta1, beta2, eps, weight_decay.
class AdamKin : public FusedOptimizer {
 public:
  using FusedOptimizer::FusedOptimizer;

 protected:
  std::span<const char* const> printed_constants() const override { return kForeach; }
  bool has_step() const override { return true; }
  void check_options(std::span<const double> o) const override {
    check_not_negative(type_name_, "lr", o[0]);
    check_below_one(type_name_, "beta1", o[1]);
    check_below_one(type_name_, "beta2", o[2]);
    check_not_negative(type_name_, "eps", o[3]);
    check_not_negative(type_name_, "weight_decay", o[4]);
  }
};

#define MT_ADAM_SPECS(lr)                                            \
  {"lr", lr}, {"beta1", 0.9, OptionKind::kReal, "betas"},            \
      {"beta2", 0.999, OptionKind::kReal, "betas"}, {"eps", 1e-8}, { \
    "weight_decay", 0                                                \
  }

constexpr OptionSpec kAdamaxSpecs[] = {MT_ADAM_SPECS(2e-3), {"maximize", 0, OptionKind::kFlag}};
constexpr const char* kAdamaxState[] = {"exp_avg", "exp_inf"};

class Adamax final : public AdamKin {
 public:
  Adamax() : AdamKin("Adamax", kAdamaxSpecs, OptimStep::kAdamax) {}

 protected:
  std::span<const char* const> state_names() const override { return kAdamaxState; }
  void prepare(const ParamGroup& g, ParamState& s, const Tensor& p, OptimArgs& a) override {
    make_state(s, 0, p);
    make_state(s, 1, p);
    const double beta1 = value(g, 1);
    const double correction = 1 - std::pow(beta1, static_cast<double>(++s.step));
    a.maximize = value(g, 5) != 0;
    set(a, {value(g, 0) / correction, beta1, 1 - beta1, value(g, 2), value(g, 3)});
  }
};

constexpr OptionSpec kNadamSpecs[] = {MT_ADAM_SPECS(2e-3), {"momentum_decay", 4e-3}};
constexpr const char* kMomentsState[] = {"exp_avg", "exp_avg_sq"};
constexpr const char* kMuProduct[] = {"mu_product"};

class Nadam final : public AdamKin {
 public:
  Nadam() : AdamKin("NAdam", kNadamSpecs, OptimStep::kNadam) {}

 protected:
  std::span<const char* const> state_names() const override { return kMomentsState; }
  std::span<const char* const> number_names() const override { return kMuProduct; }
  void check_options(std::span<const double> o) const override {
    AdamKin::check_options(o);
    check_not_negative(type_name_, "momentum_decay", o[5]);
  }
  void prepare(const ParamGroup& g, ParamState& s, const Tensor& p, OptimArgs& a) override {
    if (make_state(s, 0, p)) s.numbers[0] = 1;
    make_state(s, 1, p);
    const double lr = value(g, 0), beta1 = value(g, 1), beta2 = value(g, 2);
    const auto step = static_cast<double>(++s.step);
    const auto mu_at = [&](double at) {
      return beta1 * (1 - 0.5 * std::pow(0.96, at * value(g, 5)));
    };
    const double mu = mu_at(step), mu_next = mu_at(step + 1);
    // torch keeps the product in a 0-dim tensor, and each factor is rounded as it is.
    const auto times = [](double x, double y) { return as_default_dtype(x * as_default_dtype(y)); };
    s.numbers[0] = times(s.numbers[0], mu);
    const double product_next = times(times(s.numbers[0], mu), mu_next);
    set(a, {beta1, 1 - beta1, beta2, 1 - beta2, value(g, 3), 1 - std::pow(beta2, step),
            -lr * (1 - mu) / (1 - s.numbers[0]), -lr * mu_next / (1 - product_next)});
  }
};

constexpr OptionSpec kRadamSpecs[] = {MT_ADAM_SPECS(1e-3)};
#undef MT_ADAM_SPECS

class Radam final : public AdamKin {
 public:
  Radam() : AdamKin("RAdam", kRadamSpecs, OptimStep::kRadam) {}

 protected:
  std::span<const char* const> state_names() const override { return kMomentsState; }
  void prepare(const ParamGroup& g, ParamState& s, const Tensor& p, OptimArgs& a) override {
    make_state(s, 0, p);
    make_state(s, 1, p);
    const double beta1 = value(g, 1), beta2 = value(g, 2);
    const auto step = static_cast<double>(++s.step);
    const double power2 = std::pow(beta2, step), correction2 = 1 - power2;
    // Length of the simple average that has the same centre of mass.
    const double longest = 2 / (1 - beta2) - 1;
    const double length = longest - 2 * step * power2 / correction2;
    double rectification = 0;
    if (length > 5) {
      rectification = std::sqrt((length - 4) * (length - 2) * longest /
                                ((longest - 4) * (longest - 2) * length));
    }
    set(a, {beta1, 1 - beta1, beta2, 1 - beta2, value(g, 3), 1 - std::pow(beta1, step), value(g, 0),
            std::sqrt(correction2), rectification});
  }
};

}  // namespace

OptimizerRef adamax(ParamList params, const AdamaxOptions& o) {
  const double options[] = {o.lr,  o.beta1,        o.beta2,
                            o.eps, o.weight_decay, static_cast<double>(o.maximize)};
  return finish(new Adamax, params, options);
}

OptimizerRef nadam(ParamList params, const NadamOptions& o) {
  const double options[] = {o.lr, o.beta1, o.beta2, o.eps, o.weight_decay, o.momentum_decay};
  return finish(new Nadam, params, options);
}

OptimizerRef radam(ParamList params, const RadamOptions& o) {
  const double options[] = {o.lr, o.beta1, o.beta2, o.eps, o.weight_decay};
  return finish(new Radam, params, options);
}

}  // namespace mt
