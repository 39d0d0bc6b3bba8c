// SGD, Adam and AdamW: option checks of torch.optim 1.13 and calls of the fused kernels.
#include "ops/common.h"
#include "optim/optimizers.h"

namespace mt {

namespace {

constexpr OptionSpec kSgdSpecs[] = {{"lr", 1e-3},
                                    {"momentum", 0},
                                    {"dampening", 0},
                                    {"weight_decay", 0},
                                    {"nesterov", 0, OptionKind::kFlag},
                                    {"maximize", 0, OptionKind::kFlag}};
constexpr const char* kSgdState[] = {"momentum_buffer"};
constexpr const char* kSgdConstants[] = {"differentiable: False", "foreach: None"};

class Sgd final : public Optimizer {
 public:
  Sgd() : Optimizer("SGD", kSgdSpecs) {}

 protected:
  std::span<const char* const> state_names() const override { return kSgdState; }
  std::span<const char* const> printed_constants() const override { return kSgdConstants; }
  void check_options(std::span<const double> o) const override {
    check_not_negative("SGD", "lr", o[0]);
    check_not_negative("SGD", "momentum", o[1]);
    check_not_negative("SGD", "weight_decay", o[3]);
    if (o[4] != 0 && (o[1] <= 0 || o[2] != 0)) {
      fail(Status::kInvalidArgument, "SGD: invalid nesterov: momentum ", o[1], ", dampening ", o[2],
           ": Nesterov momentum requires a momentum and zero dampening");
    }
  }
  void update(const ParamGroup& g, ParamState& s, const Tensor& p, const Tensor& grad) override {
    SgdArgs a;
    a.param = p.data();
    a.grad = grad.data();
    a.n = p.numel();
    a.lr = value(g, 0);
    a.momentum = value(g, 1);
    a.dampening = value(g, 2);
    a.weight_decay = value(g, 3);
    a.nesterov = value(g, 4) != 0;
    a.maximize = value(g, 5) != 0;
    a.first_step = false;
    a.momentum_buffer = nullptr;
    if (a.momentum != 0) {
      Tensor& buffer = s.tensors[0];
      if (!buffer.defined()) {
        buffer = Tensor::empty(p.sizes(), p.dtype(), p.device());
        a.first_step = true;
      }
      a.momentum_buffer = buffer.data();
    }
    const auto kernel = backend(p.device()).sgd[static_cast<int>(p.dtype())];
    if (!kernel) fail_unsupported("SGD", p.device(), p.dtype());
    kernel(a);
  }
};

constexpr OptionSpec kAdamSpecs[] = {{"lr", 1e-3},
                                     {"beta1", 0.9, OptionKind::kReal, "betas"},
                                     {"beta2", 0.999, OptionKind::kReal, "betas"},
                                     {"eps", 1e-8},
                                     {"weight_decay", 0},
                                     {"amsgrad", 0, OptionKind::kFlag},
                                     {"maximize", 0, OptionKind::kFlag}};
constexpr const char* kAdamState[] = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"};
constexpr const char* kAdamConstants[] = {"capturable: False", "differentiable: False",
                                          "foreach: None", "fused: False"};
constexpr const char* kAdamWConstants[] = {"capturable: False", "foreach: None"};

class Adam final : public Optimizer {
 public:
  explicit Adam(bool decoupled)
      : Optimizer(decoupled ? "AdamW" : "Adam", kAdamSpecs), decoupled_(decoupled) {}

 protected:
  std::span<const char* const> state_names() const override { return kAdamState; }
  std::span<const char* const> printed_constants() const override {
    if (decoupled_) return kAdamWConstants;
    return kAdamConstants;
  }
  bool has_step() const override { return true; }
  void check_options(std::span<const double> o) const override {
    check_not_negative(type_name_, "lr", o[0]);
    check_below_one(type_name_, "beta1", o[1]);
    check_below_one(type_name_, "beta2", o[2]);
    check_not_negative(type_name_, "eps", o[3]);
    check_not_negative(type_name_, "weight_decay", o[4]);
  }
  void update(const ParamGroup& g, ParamState& s, const Tensor& p, const Tensor& grad) override {
    AdamArgs a;
    a.amsgrad = value(g, 5) != 0;
    if (!s.tensors[0].defined()) s.tensors[0] = filled_like(p, 0);
    if (!s.tensors[1].defined()) s.tensors[1] = filled_like(p, 0);
    if (a.amsgrad && !s.tensors[2].defined()) s.tensors[2] = filled_like(p, 0);
    const auto kernel = backend(p.device()).adam[static_cast<int>(p.dtype())];
    if (!kernel) fail_unsupported(type_name_, p.device(), p.dtype());
    a.param = p.data();
    a.grad = grad.data();
    a.exp_avg = s.tensors[0].data();
    a.exp_avg_sq = s.tensors[1].data();
    a.max_exp_avg_sq = a.amsgrad ? s.tensors[2].data() : nullptr;
    a.n = p.numel();
    a.step = ++s.step;
    a.lr = value(g, 0);
    a.beta1 = value(g, 1);
    a.beta2 = value(g, 2);
    a.eps = value(g, 3);
    a.weight_decay = value(g, 4);
    a.maximize = value(g, 6) != 0;
    a.decoupled = decoupled_;
    kernel(a);
  }

 private:
  bool decoupled_;
};

OptimizerRef make_adam(ParamList params, const AdamOptions& o, bool decoupled) {
  const double options[] = {o.lr,
                            o.beta1,
                            o.beta2,
                            o.eps,
                            o.weight_decay,
                            static_cast<double>(o.amsgrad),
                            static_cast<double>(o.maximize)};
  return finish(new Adam(decoupled), params, options);
}

}  // namespace

OptimizerRef sgd(ParamList params, const SgdOptions& o) {
  const double options[] = {o.lr,
                            o.momentum,
                            o.dampening,
                            o.weight_decay,
                            static_cast<double>(o.nesterov),
                            static_cast<double>(o.maximize)};
  return finish(new Sgd, params, options);
}

OptimizerRef adam(ParamList params, const AdamOptions& o) { return make_adam(params, o, false); }

OptimizerRef adamw(ParamList params, const AdamOptions& o) { return make_adam(params, o, true); }

}  // namespace mt
