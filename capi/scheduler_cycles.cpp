// C functions of scheduler.h: the schedulers with options structs and values for each group.
#include "capi/scheduler.h"
#include "minitorch/minitorch.h"

using namespace mt::capi;  // NOLINT

namespace {

// A host's list: as many values as it says; nothing given is the default, or an error without one.
std::vector<double> values_of(const Call& c, const char* name, const double* values, size_t n,
                              std::vector<double> fallback = {}) {
  if (!values && n == 0 && !fallback.empty()) return fallback;
  c.pointer(name, values);
  const auto span = c.floats(name, values, n);
  return {span.begin(), span.end()};
}

}  // namespace

extern "C" {

void mt_cosine_warm_restarts_options_init(mt_cosine_warm_restarts_options* options) {
  if (!options) return;
  const mt::CosineWarmRestartsOptions d;
  *options = {sizeof *options, d.t_0, d.t_mult, d.eta_min, d.last_epoch};
}

mt_status mt_cosine_annealing_warm_restarts(mt_scheduler** out, const mt_optimizer* optimizer,
                                            const mt_cosine_warm_restarts_options* options) {
  return guard("mt_cosine_annealing_warm_restarts", [&](Call& c) {
    c.pointer("out", out);
    auto target = optimizer_of(c, optimizer);
    mt_cosine_warm_restarts_options o;
    mt_cosine_warm_restarts_options_init(&o);
    c.read_options("options", c.pointer("options", options), o);
    *out = new_scheduler(c, mt::cosine_annealing_warm_restarts(
                                std::move(target), {o.t_0, o.t_mult, o.eta_min, o.last_epoch}));
  });
}

void mt_cyclic_lr_options_init(mt_cyclic_lr_options* options) {
  if (!options) return;
  const mt::CyclicLrOptions d;
  *options = {};
  options->struct_size = sizeof *options;
  options->step_size_up = d.step_size_up;
  options->step_size_down = -1;
  options->gamma = d.gamma;
  options->cycle_momentum = d.cycle_momentum;
  options->last_epoch = d.last_epoch;
}

mt_status mt_cyclic_lr(mt_scheduler** out, const mt_optimizer* optimizer,
                       const mt_cyclic_lr_options* options) {
  return guard("mt_cyclic_lr", [&](Call& c) {
    mt_cyclic_lr_options o;
    mt_cyclic_lr_options_init(&o);
    if (options) c.read_options("options", options, o);
    auto data = UserData::make(o.user, o.destroy);
    c.pointer("out", out);
    auto target = optimizer_of(c, optimizer);
    c.pointer("options", options);
    mt::CyclicLrOptions x;
    x.base_lr = values_of(c, "base_lr", o.base_lr, o.n_base_lr);
    x.max_lr = values_of(c, "max_lr", o.max_lr, o.n_max_lr);
    x.step_size_up = o.step_size_up;
    if (!(o.step_size_down < 0)) x.step_size_down = o.step_size_down;
    x.mode = c.enumeration<mt::CyclicMode>("mode", o.mode, 3);
    x.gamma = o.gamma;
    if (o.scale_fn) {
      x.scale_fn = [fn = o.scale_fn, data](double at) {
        double scale = 1;
        CallbackScope scope(this_abi_thread());
        scope.check(fn(&scale, at, data->user()), "scale_fn");
        return scale;
      };
    }
    x.scale_by_iterations = o.scale_by_iterations;
    x.cycle_momentum = o.cycle_momentum;
    x.base_momentum =
        values_of(c, "base_momentum", o.base_momentum, o.n_base_momentum, x.base_momentum);
    x.max_momentum = values_of(c, "max_momentum", o.max_momentum, o.n_max_momentum, x.max_momentum);
    x.last_epoch = o.last_epoch;
    *out = new_scheduler(c, mt::cyclic_lr(std::move(target), std::move(x)));
  });
}

void mt_one_cycle_lr_options_init(mt_one_cycle_lr_options* options) {
  if (!options) return;
  const mt::OneCycleLrOptions d;
  *options = {};
  options->struct_size = sizeof *options;
  options->pct_start = d.pct_start;
  options->cycle_momentum = d.cycle_momentum;
  options->div_factor = d.div_factor;
  options->final_div_factor = d.final_div_factor;
  options->last_epoch = d.last_epoch;
}

mt_status mt_one_cycle_lr(mt_scheduler** out, const mt_optimizer* optimizer,
                          const mt_one_cycle_lr_options* options) {
  return guard("mt_one_cycle_lr", [&](Call& c) {
    c.pointer("out", out);
    auto target = optimizer_of(c, optimizer);
    mt_one_cycle_lr_options o;
    mt_one_cycle_lr_options_init(&o);
    c.read_options("options", c.pointer("options", options), o);
    mt::OneCycleLrOptions x;
    x.max_lr = values_of(c, "max_lr", o.max_lr, o.n_max_lr);
    x.total_steps = o.total_steps;
    x.pct_start = o.pct_start;
    x.linear = o.linear;
    x.cycle_momentum = o.cycle_momentum;
    x.base_momentum =
        values_of(c, "base_momentum", o.base_momentum, o.n_base_momentum, x.base_momentum);
    x.max_momentum = values_of(c, "max_momentum", o.max_momentum, o.n_max_momentum, x.max_momentum);
    x.div_factor = o.div_factor;
    x.final_div_factor = o.final_div_factor;
    x.three_phase = o.three_phase;
    x.last_epoch = o.last_epoch;
    *out = new_scheduler(c, mt::one_cycle_lr(std::move(target), std::move(x)));
  });
}

void mt_plateau_options_init(mt_plateau_options* options) {
  if (!options) return;
  const mt::PlateauOptions d;
  *options = {};
  options->struct_size = sizeof *options;
  options->factor = d.factor;
  options->patience = d.patience;
  options->threshold = d.threshold;
  options->eps = d.eps;
}

mt_status mt_reduce_lr_on_plateau(mt_scheduler** out, const mt_optimizer* optimizer,
                                  const mt_plateau_options* options) {
  return guard("mt_reduce_lr_on_plateau", [&](Call& c) {
    c.pointer("out", out);
    auto target = optimizer_of(c, optimizer);
    mt_plateau_options o;
    mt_plateau_options_init(&o);
    if (options) c.read_options("options", options, o);
    mt::PlateauOptions x;
    x.max_mode = o.max_mode;
    x.factor = o.factor;
    x.patience = o.patience;
    x.threshold = o.threshold;
    x.absolute = o.absolute_threshold;
    x.cooldown = o.cooldown;
    x.min_lr = values_of(c, "min_lr", o.min_lr, o.n_min_lr, x.min_lr);
    x.eps = o.eps;
    *out = new_scheduler(c, mt::reduce_lr_on_plateau(std::move(target), std::move(x)));
  });
}

void mt_swa_lr_options_init(mt_swa_lr_options* options) {
  if (!options) return;
  const mt::SwaLrOptions d;
  *options = {sizeof *options, nullptr, 0, d.anneal_epochs, d.linear, d.last_epoch};
}

mt_status mt_swa_lr(mt_scheduler** out, const mt_optimizer* optimizer,
                    const mt_swa_lr_options* options) {
  return guard("mt_swa_lr", [&](Call& c) {
    c.pointer("out", out);
    auto target = optimizer_of(c, optimizer);
    mt_swa_lr_options o;
    mt_swa_lr_options_init(&o);
    c.read_options("options", c.pointer("options", options), o);
    *out = new_scheduler(
        c, mt::swa_lr(std::move(target), {values_of(c, "swa_lr", o.swa_lr, o.n_swa_lr),
                                          o.anneal_epochs, o.linear, o.last_epoch}));
  });
}

}  // extern "C"
