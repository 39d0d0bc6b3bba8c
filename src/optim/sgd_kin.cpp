// RMSprop, Adagrad, Adadelta, ASGD and Rprop: option checks of torch.optim 1.13, the numbers of a
// step, and calls of the fused kernels. Option 4 is always weight_decay, but for Rprop.
#include <algorithm>
#include <cmath>

#include "optim/fused_optimizer.h"

namespace mt {
namespace {

constexpr const char* kForeach[] = {"foreach: None"};
constexpr auto kFlag = OptionKind::kFlag;
constexpr auto kReal = OptionKind::kReal;

// All count their steps; only Adagrad and ASGD compute with the count.
class SgdKin : public FusedOptimizer {
 public:
  using FusedOptimizer::FusedOptimizer;

 protected:
  std::span<const char* const> printed_constants() const override { return kForeach; }
  bool has_step() const override { return true; }
};

constexpr OptionSpec kRmspropSpecs[] = {
    {"lr", 1e-2},        {"alpha", 0.99},        {"eps", 1e-8},         {"momentum", 0},
    {"weight_decay", 0}, {"centered", 0, kFlag}, {"maximize", 0, kFlag}};
constexpr const char* kRmspropState[] = {"square_avg", "momentum_buffer", "grad_avg"};
constexpr const char* kRmspropConstants[] = {"differentiable: False", "foreach: None"};

class Rmsprop final : public SgdKin {
 public:
  Rmsprop() : SgdKin("RMSprop", kRmspropSpecs, OptimStep::kRmsprop) {}

 protected:
  std::span<const char* const> state_names() const override { return kRmspropState; }
  std::span<const char* const> printed_constants() const override { return kRmspropConstants; }
  void check_options(std::span<const double> o) const override {
    for (size_t i = 0; i < 5; ++i) check_not_negative(type_name_, specs_[i].name, o[i]);
  }
  bool uses_state(const ParamGroup& g, size_t k) const override {
    return k == 0 || (k == 1 ? value(g, 3) > 0 : value(g, 5) != 0);
  }
  void prepare(const ParamGroup& g, ParamState& s, const Tensor& p, OptimArgs& a) override {
    for (size_t k = 0; k < 3; ++k) {
      if (uses_state(g, k)) make_state(s, k, p);
    }
    ++s.step;
    a.maximize = value(g, 6) != 0;
    set(a, {value(g, 0), value(g, 1), 1 - value(g, 1), value(g, 2), value(g, 3)});
  }
};

constexpr OptionSpec kAdagradSpecs[] = {{"lr", 1e-2},        {"lr_decay", 0},
                                        {"eps", 1e-10},      {"initial_accumulator_value", 0},
                                        {"weight_decay", 0}, {"maximize", 0, kFlag}};
constexpr const char* kAdagradState[] = {"sum"};

class Adagrad final : public SgdKin {
 public:
  Adagrad() : SgdKin("Adagrad", kAdagradSpecs, OptimStep::kAdagrad) {}

 protected:
  std::span<const char* const> state_names() const override { return kAdagradState; }
  void check_options(std::span<const double> o) const override {
    for (size_t i = 0; i < 5; ++i) check_not_negative(type_name_, specs_[i].name, o[i]);
  }
  void start_state(const ParamGroup& g, ParamState& s, const Tensor& p) const override {
    s.tensors.resize(1);
    make_state(s, 0, p, value(g, 3));
  }
  void prepare(const ParamGroup& g, ParamState& s, const Tensor& p, OptimArgs& a) override {
    make_state(s, 0, p, value(g, 3));
    const auto step = static_cast<double>(++s.step);
    a.maximize = value(g, 5) != 0;
    set(a, {value(g, 0) / (1 + (step - 1) * value(g, 1)), value(g, 2)});
  }
};

constexpr OptionSpec kAdadeltaSpecs[] = {
    {"lr", 1, kReal}, {"rho", 0.9}, {"eps", 1e-6}, {"maximize", 0, kFlag}, {"weight_decay", 0}};
constexpr const char* kAdadeltaState[] = {"square_avg", "acc_delta"};

class Adadelta final : public SgdKin {
 public:
  Adadelta() : SgdKin("Adadelta", kAdadeltaSpecs, OptimStep::kAdadelta) {}

 protected:
  std::span<const char* const> state_names() const override { return kAdadeltaState; }
  void check_options(std::span<const double> o) const override {
    check_not_negative(type_name_, "lr", o[0]);
    if (!(o[1] >= 0 && o[1] <= 1)) {
      fail(Status::kInvalidArgument, type_name_, ": invalid rho: ", o[1], ": must be in [0, 1]");
    }
    check_not_negative(type_name_, "eps", o[2]);
    check_not_negative(type_name_, "weight_decay", o[4]);
  }
  void prepare(const ParamGroup& g, ParamState& s, const Tensor& p, OptimArgs& a) override {
    make_state(s, 0, p);
    make_state(s, 1, p);
    ++s.step;
    a.maximize = value(g, 3) != 0;
    set(a, {value(g, 0), value(g, 1), 1 - value(g, 1), value(g, 2)});
  }
};

constexpr OptionSpec kAsgdSpecs[] = {{"lr", 1e-2},        {"lambd", 1e-4},
                                     {"alpha", 0.75},     {"t0", 1e6, kReal},
                                     {"weight_decay", 0}, {"maximize", 0, kFlag}};
constexpr const char* kAsgdState[] = {"ax"};
constexpr const char* kAsgdNumbers[] = {"eta", "mu"};

class Asgd final : public SgdKin {
 public:
  Asgd() : SgdKin("ASGD", kAsgdSpecs, OptimStep::kAsgd) {}

 protected:
  std::span<const char* const> state_names() const override { return kAsgdState; }
  std::span<const char* const> number_names() const override { return kAsgdNumbers; }
  void check_options(std::span<const double> o) const override {
    check_not_negative(type_name_, "lr", o[0]);
    check_not_negative(type_name_, "weight_decay", o[4]);
  }
  void prepare(const ParamGroup& g, ParamState& s, const Tensor& p, OptimArgs& a) override {
    const double lr = value(g, 0), lambd = value(g, 1);
    if (make_state(s, 0, p)) {
      s.numbers[0] = as_default_dtype(lr);
      s.numbers[1] = 1;
    }
    a.maximize = value(g, 5) != 0;
    set(a, {1 - lambd * s.numbers[0], s.numbers[0], s.numbers[1]});
    const auto step = static_cast<double>(++s.step);
    s.numbers[0] = as_default_dtype(lr / std::pow(1 + lambd * lr * step, value(g, 2)));
    s.numbers[1] = as_default_dtype(1 / std::max(1.0, step - value(g, 3)));
  }
};

constexpr OptionSpec kRpropSpecs[] = {{"lr", 1e-2},
                                      {"etaminus", 0.5, kReal, "etas"},
                                      {"etaplus", 1.2, kReal, "etas"},
                                      {"step_size_min", 1e-6, OptionKind::kNumber, "step_sizes"},
                                      {"step_size_max", 50, OptionKind::kNumber, "step_sizes"},
                                      {"maximize", 0, kFlag}};
constexpr const char* kRpropState[] = {"prev", "step_size"};

class Rprop final : public SgdKin {
 public:
  Rprop() : SgdKin("Rprop", kRpropSpecs, OptimStep::kRprop) {}

 protected:
  std::span<const char* const> state_names() const override { return kRpropState; }
  void check_options(std::span<const double> o) const override {
    check_not_negative(type_name_, "lr", o[0]);
    if (!(0 < o[1] && o[1] < 1 && 1 < o[2])) {
      fail(Status::kInvalidArgument, type_name_, ": invalid etas: ", o[1], ", ", o[2],
           ": must be 0 < etaminus < 1 < etaplus");
    }
  }
  void prepare(const ParamGroup& g, ParamState& s, const Tensor& p, OptimArgs& a) override {
    make_state(s, 0, p);
    make_state(s, 1, p, value(g, 0));
    ++s.step;
    a.weight_decay = 0;
    a.maximize = value(g, 5) != 0;
    set(a, {value(g, 1), value(g, 2), value(g, 3), value(g, 4)});
  }
};

}  // namespace

OptimizerRef rmsprop(ParamList params, const RmspropOptions& o) {
  const double options[] = {o.lr,
                            o.alpha,
                            o.eps,
                            o.momentum,
                            o.weight_decay,
                            static_cast<double>(o.centered),
                            static_cast<double>(o.maximize)};
  return finish(new Rmsprop, params, options);
}

OptimizerRef adagrad(ParamList params, const AdagradOptions& o) {
  const double options[] = {o.lr,           o.lr_decay,
                            o.eps,          o.initial_accumulator_value,
                            o.weight_decay, static_cast<double>(o.maximize)};
  return finish(new Adagrad, params, options);
}

OptimizerRef adadelta(ParamList params, const AdadeltaOptions& o) {
  const double options[] = {o.lr, o.rho, o.eps, static_cast<double>(o.maximize), o.weight_decay};
  return finish(new Adadelta, params, options);
}

OptimizerRef asgd(ParamList params, const AsgdOptions& o) {
  const double options[] = {o.lr, o.lambd,        o.alpha,
                            o.t0, o.weight_decay, static_cast<double>(o.maximize)};
  return finish(new Asgd, params, options);
}

OptimizerRef rprop(ParamList params, const RpropOptions& o) {
  const double options[] = {o.lr,
                            o.etaminus,
                            o.etaplus,
                            o.step_size_min,
                            o.step_size_max,
                            static_cast<double>(o.maximize)};
  return finish(new Rprop, params, options);
}

}  // namespace mt
