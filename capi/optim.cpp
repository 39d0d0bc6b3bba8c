// C functions of optim.h: optimizers and gradient clipping.
#include "optim/optimizer.h"

#include "capi/lists.h"

using namespace mt::capi;  // NOLINT

namespace {

using mt::Optimizer;
using mt::OptimizerRef;

const std::vector<mt::Tensor>& list_of(Call& c, const mt_tensors* parameters) {
  return c.object<TensorListObject>("parameters", parameters)->items;
}

mt::AdamOptions adam_options(const Call& c, const mt_adam_options* given,
                             void (*init)(mt_adam_options*)) {
  mt_adam_options o;
  init(&o);
  if (given) c.read_options("options", given, o);
  return {o.lr, o.beta1, o.beta2, o.eps, o.weight_decay, o.amsgrad, o.maximize};
}

mt_optimizer* new_optimizer(const Call& c, OptimizerRef o) {
  return NewHandle<Optimizer>(c.thread(), std::move(o)).release();
}

const mt::ParamGroup& group_of(Call& c, const mt_optimizer* self, size_t group) {
  const auto& groups = c.object<Optimizer>("self", self)->groups();
  if (group >= groups.size()) {
    mt::fail(mt::Status::kIndex, c.fn(), ": group out of range: group ", group, " of ",
             groups.size(), ": must be less than mt_optimizer_group_count");
  }
  return groups[group];
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
  return guard("mt_sgd", [&](Call& c) {
    c.pointer("out", out);
    const auto& list = list_of(c, parameters);
    mt_sgd_options o;
    mt_sgd_options_init(&o);
    if (options) c.read_options("options", options, o);
    *out = new_optimizer(
        c, mt::sgd(list, {o.lr, o.momentum, o.dampening, o.weight_decay, o.nesterov, o.maximize}));
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
  return guard("mt_adam", [&](Call& c) {
    c.pointer("out", out);
    const auto& list = list_of(c, parameters);
    *out = new_optimizer(c, mt::adam(list, adam_options(c, options, mt_adam_options_init)));
  });
}

mt_status mt_adamw(mt_optimizer** out, const mt_tensors* parameters,
                   const mt_adam_options* options) {
  return guard("mt_adamw", [&](Call& c) {
    c.pointer("out", out);
    const auto& list = list_of(c, parameters);
    *out = new_optimizer(c, mt::adamw(list, adam_options(c, options, mt_adamw_options_init)));
  });
}

mt_status mt_optimizer_free(mt_optimizer* self) {
  return free_handle<Optimizer>("mt_optimizer_free", "self", self);
}

mt_status mt_optimizer_step(mt_optimizer* self) {
  return guard("mt_optimizer_step", [&](Call& c) { c.object<Optimizer>("self", self)->step(); });
}

mt_status mt_optimizer_zero_grad(mt_optimizer* self, bool set_to_none) {
  return guard("mt_optimizer_zero_grad",
               [&](Call& c) { c.object<Optimizer>("self", self)->zero_grad(set_to_none); });
}

mt_status mt_optimizer_add_param_group(mt_optimizer* self, const mt_tensors* parameters) {
  return guard("mt_optimizer_add_param_group", [&](Call& c) {
    Optimizer* o = c.object<Optimizer>("self", self);
    o->add_param_group(list_of(c, parameters));
  });
}

mt_status mt_optimizer_group_count(size_t* out, const mt_optimizer* self) {
  return guard("mt_optimizer_group_count", [&](Call& c) {
    c.pointer("out", out);
    *out = c.object<Optimizer>("self", self)->groups().size();
  });
}

mt_status mt_optimizer_group_params(mt_tensors** out, const mt_optimizer* self, size_t group) {
  return guard("mt_optimizer_group_params", [&](Call& c) {
    c.pointer("out", out);
    c.put_list(out, group_of(c, self, group).params);
  });
}

mt_status mt_optimizer_option_names(mt_strings** out, const mt_optimizer* self) {
  return guard("mt_optimizer_option_names", [&](Call& c) {
    c.pointer("out", out);
    std::vector<std::string> names;
    for (const mt::OptionSpec& s : c.object<Optimizer>("self", self)->specs()) {
      names.emplace_back(s.name);
    }
    *out = make_strings(c, std::move(names)).release();
  });
}

mt_status mt_optimizer_get_option(double* out, const mt_optimizer* self, size_t group,
                                  const char* name) {
  return guard("mt_optimizer_get_option", [&](Call& c) {
    c.pointer("out", out);
    const Optimizer* o = c.object<Optimizer>("self", self);
    *out = o->option(group, c.string("name", name));
  });
}

mt_status mt_optimizer_set_option(mt_optimizer* self, int64_t group, const char* name,
                                  double value) {
  return guard("mt_optimizer_set_option", [&](Call& c) {
    Optimizer* o = c.object<Optimizer>("self", self);
    o->set_option(group, c.string("name", name), value);
  });
}

mt_status mt_optimizer_state_dict(mt_named_tensors** out, const mt_optimizer* self) {
  return guard("mt_optimizer_state_dict", [&](Call& c) {
    c.pointer("out", out);
    *out = make_named(c, c.object<Optimizer>("self", self)->state_dict()).release();
  });
}

mt_status mt_optimizer_load_state_dict(mt_optimizer* self, const mt_named_tensors* state) {
  return guard("mt_optimizer_load_state_dict", [&](Call& c) {
    Optimizer* o = c.object<Optimizer>("self", self);
    o->load_state_dict(c.object<NamedTensorsObject>("state", state)->items());
  });
}

mt_status mt_optimizer_type_name(char** out, const mt_optimizer* self) {
  return guard("mt_optimizer_type_name", [&](Call& c) {
    c.pointer("out", out);
    *out = new_string(c.object<Optimizer>("self", self)->type_name());
  });
}

mt_status mt_optimizer_to_string(char** out, const mt_optimizer* self) {
  return guard("mt_optimizer_to_string", [&](Call& c) {
    c.pointer("out", out);
    *out = new_string(c.object<Optimizer>("self", self)->repr());
  });
}

mt_status mt_clip_grad_norm_(double* total_norm, const mt_tensors* parameters, double max_norm,
                             double norm_type, bool error_if_nonfinite) {
  return guard("mt_clip_grad_norm_", [&](Call& c) {
    const mt::Tensor norm =
        mt::clip_grad_norm_(list_of(c, parameters), max_norm, norm_type, error_if_nonfinite);
    if (total_norm) *total_norm = norm.item(c.fn()).to_double();
  });
}

mt_status mt_clip_grad_value_(const mt_tensors* parameters, double clip_value) {
  return guard("mt_clip_grad_value_",
               [&](Call& c) { mt::clip_grad_value_(list_of(c, parameters), clip_value); });
}

}  // extern "C"
