// C functions of optim.h that make optimizers.
#include "optim/optimizers.h"

#include "capi/lists.h"

using namespace mt::capi;  // NOLINT

namespace {

using mt::Optimizer;

// The body of every constructor: `make` gets the parameters and the host's options over the
// defaults.
template <class Options, class Make>
mt_status make_optimizer(const char* fn, mt_optimizer** out, const mt_tensors* parameters,
                         const Options* given, void (*init)(Options*), const Make& make) {
  return guard(fn, [&](Call& c) {
    c.pointer("out", out);
    const auto& list = c.object<TensorListObject>("parameters", parameters)->items;
    Options o;
    init(&o);
    if (given) c.read_options("options", given, o);
    *out = NewHandle<Optimizer>(c.thread(), make(list, o)).release();
  });
}

mt::AdamOptions adam_options(const mt_adam_options& o) {
  return {o.lr, o.beta1, o.beta2, o.eps, o.weight_decay, o.amsgrad, o.maximize};
}

}  // namespace

extern "C" {

void mt_sgd_options_init(mt_sgd_options* options) {
  if (!options) return;
  const mt::SgdOptions d;
  *options = {sizeof *options, d.lr,       d.momentum, d.dampening,
              d.weight_decay,  d.nesterov, d.maximize};
}

mt_status mt_sgd(mt_optimizer** out, const mt_tensors* parameters, const mt_sgd_options* options) {
  return make_optimizer(
      "mt_sgd", out, parameters, options, mt_sgd_options_init, [](const auto& list, const auto& o) {
        return mt::sgd(list,
                       {o.lr, o.momentum, o.dampening, o.weight_decay, o.nesterov, o.maximize});
      });
}

void mt_adam_options_init(mt_adam_options* options) {
  if (!options) return;
  const mt::AdamOptions d;
  *options = {sizeof *options, d.lr,           d.beta1,   d.beta2,
              d.eps,           d.weight_decay, d.amsgrad, d.maximize};
}

void mt_adamw_options_init(mt_adam_options* options) {
  mt_adam_options_init(options);
  if (options) options->weight_decay = 1e-2;
}

mt_status mt_adam(mt_optimizer** out, const mt_tensors* parameters,
                  const mt_adam_options* options) {
  return make_optimizer(
      "mt_adam", out, parameters, options, mt_adam_options_init,
      [](const auto& list, const auto& o) { return mt::adam(list, adam_options(o)); });
}

mt_status mt_adamw(mt_optimizer** out, const mt_tensors* parameters,
                   const mt_adam_options* options) {
  return make_optimizer(
      "mt_adamw", out, parameters, options, mt_adamw_options_init,
      [](const auto& list, const auto& o) { return mt::adamw(list, adam_options(o)); });
}

void mt_rmsprop_options_init(mt_rmsprop_options* options) {
  if (!options) return;
  const mt::RmspropOptions d;
  *options = {sizeof *options, d.lr,       d.alpha,    d.eps,
              d.weight_decay,  d.momentum, d.centered, d.maximize};
}

mt_status mt_rmsprop(mt_optimizer** out, const mt_tensors* parameters,
                     const mt_rmsprop_options* options) {
  return make_optimizer("mt_rmsprop", out, parameters, options, mt_rmsprop_options_init,
                        [](const auto& list, const auto& o) {
                          return mt::rmsprop(list, {o.lr, o.alpha, o.eps, o.weight_decay,
                                                    o.momentum, o.centered, o.maximize});
                        });
}

void mt_adagrad_options_init(mt_adagrad_options* options) {
  if (!options) return;
  const mt::AdagradOptions d;
  *options = {sizeof *options, d.lr,      d.lr_decay, d.weight_decay, d.initial_accumulator_value,
              d.eps,           d.maximize};
}

mt_status mt_adagrad(mt_optimizer** out, const mt_tensors* parameters,
                     const mt_adagrad_options* options) {
  return make_optimizer("mt_adagrad", out, parameters, options, mt_adagrad_options_init,
                        [](const auto& list, const auto& o) {
                          return mt::adagrad(
                              list, {o.lr, o.lr_decay, o.weight_decay, o.initial_accumulator_value,
                                     o.eps, o.maximize});
                        });
}

void mt_adadelta_options_init(mt_adadelta_options* options) {
  if (!options) return;
  const mt::AdadeltaOptions d;
  *options = {sizeof *options, d.lr, d.rho, d.eps, d.weight_decay, d.maximize};
}

mt_status mt_adadelta(mt_optimizer** out, const mt_tensors* parameters,
                      const mt_adadelta_options* options) {
  return make_optimizer(
      "mt_adadelta", out, parameters, options, mt_adadelta_options_init,
      [](const auto& list, const auto& o) {
        return mt::adadelta(list, {o.lr, o.rho, o.eps, o.weight_decay, o.maximize});
      });
}

void mt_adamax_options_init(mt_adamax_options* options) {
  if (!options) return;
  const mt::AdamaxOptions d;
  *options = {sizeof *options, d.lr, d.beta1, d.beta2, d.eps, d.weight_decay, d.maximize};
}

mt_status mt_adamax(mt_optimizer** out, const mt_tensors* parameters,
                    const mt_adamax_options* options) {
  return make_optimizer(
      "mt_adamax", out, parameters, options, mt_adamax_options_init,
      [](const auto& list, const auto& o) {
        return mt::adamax(list, {o.lr, o.beta1, o.beta2, o.eps, o.weight_decay, o.maximize});
      });
}

void mt_nadam_options_init(mt_nadam_options* options) {
  if (!options) return;
  const mt::NadamOptions d;
  *options = {sizeof *options, d.lr, d.beta1, d.beta2, d.eps, d.weight_decay, d.momentum_decay};
}

mt_status mt_nadam(mt_optimizer** out, const mt_tensors* parameters,
                   const mt_nadam_options* options) {
  return make_optimizer(
      "mt_nadam", out, parameters, options, mt_nadam_options_init,
      [](const auto& list, const auto& o) {
        return mt::nadam(list, {o.lr, o.beta1, o.beta2, o.eps, o.weight_decay, o.momentum_decay});
      });
}

void mt_radam_options_init(mt_radam_options* options) {
  if (!options) return;
  const mt::RadamOptions d;
  *options = {sizeof *options, d.lr, d.beta1, d.beta2, d.eps, d.weight_decay};
}

mt_status mt_radam(mt_optimizer** out, const mt_tensors* parameters,
                   const mt_radam_options* options) {
  return make_optimizer("mt_radam", out, parameters, options, mt_radam_options_init,
                        [](const auto& list, const auto& o) {
                          return mt::radam(list, {o.lr, o.beta1, o.beta2, o.eps, o.weight_decay});
                        });
}

void mt_asgd_options_init(mt_asgd_options* options) {
  if (!options) return;
  const mt::AsgdOptions d;
  *options = {sizeof *options, d.lr, d.lambd, d.alpha, d.t0, d.weight_decay, d.maximize};
}

mt_status mt_asgd(mt_optimizer** out, const mt_tensors* parameters,
                  const mt_asgd_options* options) {
  return make_optimizer(
      "mt_asgd", out, parameters, options, mt_asgd_options_init,
      [](const auto& list, const auto& o) {
        return mt::asgd(list, {o.lr, o.lambd, o.alpha, o.t0, o.weight_decay, o.maximize});
      });
}

void mt_rprop_options_init(mt_rprop_options* options) {
  if (!options) return;
  const mt::RpropOptions d;
  *options = {sizeof *options, d.lr,      d.etaminus, d.etaplus, d.step_size_min,
              d.step_size_max, d.maximize};
}

mt_status mt_rprop(mt_optimizer** out, const mt_tensors* parameters,
                   const mt_rprop_options* options) {
  return make_optimizer("mt_rprop", out, parameters, options, mt_rprop_options_init,
                        [](const auto& list, const auto& o) {
                          return mt::rprop(list, {o.lr, o.etaminus, o.etaplus, o.step_size_min,
                                                  o.step_size_max, o.maximize});
                        });
}

void mt_lbfgs_options_init(mt_lbfgs_options* options) {
  if (!options) return;
  const mt::LbfgsOptions d;
  *options = {sizeof *options,    d.lr,           d.max_iter,    d.max_eval, d.tolerance_grad,
              d.tolerance_change, d.history_size, d.strong_wolfe};
}

mt_status mt_lbfgs(mt_optimizer** out, const mt_tensors* parameters,
                   const mt_lbfgs_options* options) {
  return make_optimizer("mt_lbfgs", out, parameters, options, mt_lbfgs_options_init,
                        [](const auto& list, const auto& o) {
                          return mt::lbfgs(list,
                                           {o.lr, o.max_iter, o.max_eval, o.tolerance_grad,
                                            o.tolerance_change, o.history_size, o.strong_wolfe});
                        });
}

}  // extern "C"
