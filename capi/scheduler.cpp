// C functions of scheduler.h: stepping, state, the schedulers of a formula and combined ones.
#include "capi/scheduler.h"

#include "capi/lists.h"

using namespace mt::capi;  // NOLINT

namespace {

using mt::OptimizerRef;
using mt::Scheduler;
using mt::SchedulerRef;

// A factor of the host: `what` names it in errors.
mt::LrLambda lambda_of(const Call& c, mt_lr_lambda_fn factor, mt::Ref<UserData> user) {
  c.pointer("factor", factor);
  return [factor, user = std::move(user)](int64_t epoch, size_t group) {
    double value = 1;
    CallbackScope scope(this_abi_thread());
    scope.check(factor(&value, epoch, group, user->user()), "the factor of a learning rate");
    return value;
  };
}

std::vector<SchedulerRef> list_of(Call& c, const mt_scheduler* const* schedulers, size_t n) {
  if (n != 0) c.pointer("schedulers", schedulers);
  std::vector<SchedulerRef> list;
  for (size_t i = 0; i < n; ++i) {
    list.push_back(SchedulerRef::share(
        c.object<Scheduler>("schedulers", schedulers[i], static_cast<int64_t>(i))));
  }
  return list;
}

}  // namespace

namespace mt::capi {

OptimizerRef optimizer_of(Call& c, const mt_optimizer* optimizer) {
  return OptimizerRef::share(c.object<Optimizer>("optimizer", optimizer));
}

mt_scheduler* new_scheduler(const Call& c, SchedulerRef s) {
  return NewHandle<Scheduler>(c.thread(), std::move(s)).release();
}

}  // namespace mt::capi

extern "C" {

mt_status mt_lambda_lr(mt_scheduler** out, const mt_optimizer* optimizer, mt_lr_lambda_fn factor,
                       void* user, mt_destroy_fn destroy, int64_t last_epoch) {
  return guard("mt_lambda_lr", [&](Call& c) {
    auto data = UserData::make(user, destroy);
    c.pointer("out", out);
    auto o = optimizer_of(c, optimizer);
    *out = new_scheduler(
        c, mt::lambda_lr(std::move(o), lambda_of(c, factor, std::move(data)), last_epoch));
  });
}

mt_status mt_multiplicative_lr(mt_scheduler** out, const mt_optimizer* optimizer,
                               mt_lr_lambda_fn factor, void* user, mt_destroy_fn destroy,
                               int64_t last_epoch) {
  return guard("mt_multiplicative_lr", [&](Call& c) {
    auto data = UserData::make(user, destroy);
    c.pointer("out", out);
    auto o = optimizer_of(c, optimizer);
    *out = new_scheduler(
        c, mt::multiplicative_lr(std::move(o), lambda_of(c, factor, std::move(data)), last_epoch));
  });
}

mt_status mt_custom_lr(mt_scheduler** out, const mt_optimizer* optimizer, mt_lr_fn compute,
                       void* user, mt_destroy_fn destroy, int64_t last_epoch) {
  return guard("mt_custom_lr", [&](Call& c) {
    auto data = UserData::make(user, destroy);
    c.pointer("out", out);
    auto o = optimizer_of(c, optimizer);
    c.pointer("compute", compute);
    const auto fn = [compute, data](Scheduler& self, std::vector<double>& lrs) {
      AbiThread& t = this_abi_thread();
      const NewHandle<Scheduler> handle(t, SchedulerRef::share(&self), false);
      CallbackScope scope(t);
      scope.check(compute(lrs.data(), lrs.size(), handle.get(), data->user()),
                  "the function of a learning rate");
    };
    *out = new_scheduler(c, mt::custom_lr(std::move(o), fn, last_epoch));
  });
}

mt_status mt_step_lr(mt_scheduler** out, const mt_optimizer* optimizer, int64_t step_size,
                     double gamma, int64_t last_epoch) {
  return guard("mt_step_lr", [&](Call& c) {
    c.pointer("out", out);
    *out = new_scheduler(c, mt::step_lr(optimizer_of(c, optimizer), step_size, gamma, last_epoch));
  });
}

mt_status mt_multi_step_lr(mt_scheduler** out, const mt_optimizer* optimizer,
                           const int64_t* milestones, size_t n_milestones, double gamma,
                           int64_t last_epoch) {
  return guard("mt_multi_step_lr", [&](Call& c) {
    c.pointer("out", out);
    auto o = optimizer_of(c, optimizer);
    *out = new_scheduler(
        c, mt::multi_step_lr(std::move(o), c.ints("milestones", milestones, n_milestones), gamma,
                             last_epoch));
  });
}

mt_status mt_constant_lr(mt_scheduler** out, const mt_optimizer* optimizer, double factor,
                         int64_t total_iters, int64_t last_epoch) {
  return guard("mt_constant_lr", [&](Call& c) {
    c.pointer("out", out);
    *out = new_scheduler(
        c, mt::constant_lr(optimizer_of(c, optimizer), factor, total_iters, last_epoch));
  });
}

void mt_linear_lr_options_init(mt_linear_lr_options* options) {
  if (!options) return;
  const mt::LinearLrOptions d;
  *options = {sizeof *options, d.start_factor, d.end_factor, d.total_iters, d.last_epoch};
}

mt_status mt_linear_lr(mt_scheduler** out, const mt_optimizer* optimizer,
                       const mt_linear_lr_options* options) {
  return guard("mt_linear_lr", [&](Call& c) {
    c.pointer("out", out);
    auto optimizer_ref = optimizer_of(c, optimizer);
    mt_linear_lr_options o;
    mt_linear_lr_options_init(&o);
    if (options) c.read_options("options", options, o);
    *out = new_scheduler(c, mt::linear_lr(std::move(optimizer_ref), {o.start_factor, o.end_factor,
                                                                     o.total_iters, o.last_epoch}));
  });
}

mt_status mt_exponential_lr(mt_scheduler** out, const mt_optimizer* optimizer, double gamma,
                            int64_t last_epoch) {
  return guard("mt_exponential_lr", [&](Call& c) {
    c.pointer("out", out);
    *out = new_scheduler(c, mt::exponential_lr(optimizer_of(c, optimizer), gamma, last_epoch));
  });
}

mt_status mt_polynomial_lr(mt_scheduler** out, const mt_optimizer* optimizer, int64_t total_iters,
                           double power, int64_t last_epoch) {
  return guard("mt_polynomial_lr", [&](Call& c) {
    c.pointer("out", out);
    *out = new_scheduler(
        c, mt::polynomial_lr(optimizer_of(c, optimizer), total_iters, power, last_epoch));
  });
}

mt_status mt_cosine_annealing_lr(mt_scheduler** out, const mt_optimizer* optimizer, double t_max,
                                 double eta_min, int64_t last_epoch) {
  return guard("mt_cosine_annealing_lr", [&](Call& c) {
    c.pointer("out", out);
    *out = new_scheduler(
        c, mt::cosine_annealing_lr(optimizer_of(c, optimizer), t_max, eta_min, last_epoch));
  });
}

mt_status mt_sequential_lr(mt_scheduler** out, const mt_optimizer* optimizer,
                           const mt_scheduler* const* schedulers, size_t n_schedulers,
                           const int64_t* milestones, size_t n_milestones, int64_t last_epoch) {
  return guard("mt_sequential_lr", [&](Call& c) {
    c.pointer("out", out);
    auto o = optimizer_of(c, optimizer);
    auto list = list_of(c, schedulers, n_schedulers);
    *out = new_scheduler(
        c, mt::sequential_lr(std::move(o), std::move(list),
                             c.ints("milestones", milestones, n_milestones), last_epoch));
  });
}

mt_status mt_chained_scheduler(mt_scheduler** out, const mt_scheduler* const* schedulers,
                               size_t n_schedulers) {
  return guard("mt_chained_scheduler", [&](Call& c) {
    c.pointer("out", out);
    *out = new_scheduler(c, mt::chained_scheduler(list_of(c, schedulers, n_schedulers)));
  });
}

mt_status mt_scheduler_free(mt_scheduler* self) {
  return free_handle<Scheduler>("mt_scheduler_free", "self", self);
}

mt_status mt_scheduler_step(mt_scheduler* self) {
  return guard("mt_scheduler_step", [&](Call& c) { c.object<Scheduler>("self", self)->step(); });
}

mt_status mt_scheduler_step_metric(mt_scheduler* self, double metric) {
  return guard("mt_scheduler_step_metric",
               [&](Call& c) { c.object<Scheduler>("self", self)->step_metric(metric); });
}

mt_status mt_scheduler_step_to(mt_scheduler* self, double epoch) {
  return guard("mt_scheduler_step_to",
               [&](Call& c) { c.object<Scheduler>("self", self)->step_to(epoch); });
}

mt_status mt_scheduler_last_epoch(int64_t* out, const mt_scheduler* self) {
  return guard("mt_scheduler_last_epoch", [&](Call& c) {
    c.pointer("out", out);
    *out = c.object<Scheduler>("self", self)->last_epoch();
  });
}

mt_status mt_scheduler_last_lr(double* out, const mt_scheduler* self, size_t group) {
  return guard("mt_scheduler_last_lr", [&](Call& c) {
    c.pointer("out", out);
    const auto& lrs = c.object<Scheduler>("self", self)->last_lr();
    check_index(c, group, lrs.size());
    *out = lrs[group];
  });
}

mt_status mt_scheduler_state_dict(mt_named_tensors** out, const mt_scheduler* self) {
  return guard("mt_scheduler_state_dict", [&](Call& c) {
    c.pointer("out", out);
    *out = make_named(c, c.object<Scheduler>("self", self)->state_dict()).release();
  });
}

mt_status mt_scheduler_load_state_dict(mt_scheduler* self, const mt_named_tensors* state) {
  return guard("mt_scheduler_load_state_dict", [&](Call& c) {
    Scheduler* s = c.object<Scheduler>("self", self);
    s->load_state_dict(c.object<NamedTensorsObject>("state", state)->items());
  });
}

mt_status mt_scheduler_type_name(char** out, const mt_scheduler* self) {
  return guard("mt_scheduler_type_name", [&](Call& c) {
    c.pointer("out", out);
    *out = new_string(c.object<Scheduler>("self", self)->type_name());
  });
}

}  // extern "C"
