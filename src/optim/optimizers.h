// The optimizers with torch.optim's options and defaults. Options out of torch's domain are
// kInvalidArgument. A parameter's betas are in [0, 1); lr, eps and weight_decay are >= 0.
#pragma once

#include "optim/optimizer.h"

namespace mt {

using ParamList = std::span<const Tensor>;

struct SgdOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;
  bool maximize = false;
};
OptimizerRef sgd(ParamList params, const SgdOptions& options);

struct AdamOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;  // 1e-2 is torch's default for AdamW
  bool amsgrad = false;
  bool maximize = false;
};
OptimizerRef adam(ParamList params, const AdamOptions& options);
OptimizerRef adamw(ParamList params, const AdamOptions& options);

// Kingma and Ba 2014, section 7.1: the infinity norm in place of the second moment.
struct AdamaxOptions {
  double lr = 2e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;
  bool maximize = false;
};
OptimizerRef adamax(ParamList params, const AdamaxOptions& options);

// Dozat 2016: Adam with Nesterov's momentum.
struct NadamOptions {
  double lr = 2e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;
  double momentum_decay = 4e-3;
};
OptimizerRef nadam(ParamList params, const NadamOptions& options);

// Liu et al. 2019: Adam whose variance is rectified while few steps are averaged.
struct RadamOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;
};
OptimizerRef radam(ParamList params, const RadamOptions& options);

// Hinton's lectures, 6e; centered as in Graves 2013.
struct RmspropOptions {
  double lr = 1e-2;
  double alpha = 0.99;
  double eps = 1e-8;
  double weight_decay = 0;
  double momentum = 0;
  bool centered = false;
  bool maximize = false;
};
OptimizerRef rmsprop(ParamList params, const RmspropOptions& options);

// Duchi et al. 2011.
struct AdagradOptions {
  double lr = 1e-2;
  double lr_decay = 0;
  double weight_decay = 0;
  double initial_accumulator_value = 0;
  double eps = 1e-10;
  bool maximize = false;
};
OptimizerRef adagrad(ParamList params, const AdagradOptions& options);

// Zeiler 2012.
struct AdadeltaOptions {
  double lr = 1;
  double rho = 0.9;  // in [0, 1]
  double eps = 1e-6;
  double weight_decay = 0;
  bool maximize = false;
};
OptimizerRef adadelta(ParamList params, const AdadeltaOptions& options);

// Polyak and Juditsky 1992: SGD whose iterates are averaged from step t0 on, in state "ax".
struct AsgdOptions {
  double lr = 1e-2;
  double lambd = 1e-4;
  double alpha = 0.75;
  double t0 = 1e6;
  double weight_decay = 0;
  bool maximize = false;
};
OptimizerRef asgd(ParamList params, const AsgdOptions& options);

// Riedmiller and Braun 1993: only the signs of the gradients count.
struct RpropOptions {
  double lr = 1e-2;       // the first step size
  double etaminus = 0.5;  // in (0, 1)
  double etaplus = 1.2;   // above 1
  double step_size_min = 1e-6;
  double step_size_max = 50;
  bool maximize = false;
};
OptimizerRef rprop(ParamList params, const RpropOptions& options);

// Nocedal and Wright, Numerical Optimization, algorithms 7.4 and 3.5: one group; steps with a
// closure only.
struct LbfgsOptions {
  double lr = 1;
  int64_t max_iter = 20;
  int64_t max_eval = 0;  // 0: max_iter * 5 / 4
  double tolerance_grad = 1e-7;
  double tolerance_change = 1e-9;
  int64_t history_size = 100;
  bool strong_wolfe = false;
};
OptimizerRef lbfgs(ParamList params, const LbfgsOptions& options);

}  // namespace mt
