// C functions of optim.h: optimizers, gradient clipping and averaged models.
#include "optim/optimizers.h"

#include "capi/hooks.h"
#include "capi/lists.h"
#include "optim/averaging.h"

using namespace mt::capi;  // NOLINT

namespace {

using mt::Optimizer;

const std::vector<mt::Tensor>& list_of(Call& c, const mt_tensors* parameters) {
  return c.object<TensorListObject>("parameters", parameters)->items;
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

mt_status mt_optimizer_free(mt_optimizer* self) {
  return free_handle<Optimizer>("mt_optimizer_free", "self", self);
}

mt_status mt_optimizer_step(mt_optimizer* self) {
  return guard("mt_optimizer_step", [&](Call& c) { c.object<Optimizer>("self", self)->step(); });
}

mt_status mt_optimizer_step_closure(mt_tensor** loss, mt_optimizer* self, mt_closure_fn closure,
                                    void* user) {
  return guard("mt_optimizer_step_closure", [&](Call& c) {
    Optimizer* o = c.object<Optimizer>("self", self);
    c.pointer("closure", closure);
    const mt::Tensor first = o->step([&] {
      mt_tensor* result = nullptr;
      CallbackScope scope(c.thread());
      const mt_status status = closure(&result, user);
      const mt::Tensor t = take_result(c.thread(), c.fn(), "loss", -1, result);
      scope.check(status, "closure");
      if (!t.defined()) {
        mt::fail(mt::Status::kCallback, c.fn(),
                 ": missing loss: the closure left *loss NULL: it must set it to a new tensor");
      }
      return t;
    });
    if (loss) c.put(loss, first);
  });
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

mt_status mt_optimizer_add_param_group_with(mt_optimizer* self, const mt_tensors* parameters,
                                            const mt_strings* names, const double* values,
                                            size_t n_values) {
  return guard("mt_optimizer_add_param_group_with", [&](Call& c) {
    Optimizer* o = c.object<Optimizer>("self", self);
    const auto& list = list_of(c, parameters);
    const auto& keys = c.object<StringsObject>("names", names)->items;
    const auto numbers = c.floats("values", values, n_values);
    if (keys.size() != numbers.size()) {
      mt::fail(mt::Status::kInvalidArgument, c.fn(), ": count mismatch: ", keys.size(), " names, ",
               numbers.size(), " values: both must be as many");
    }
    mt::NamedNumbers options;
    for (size_t i = 0; i < keys.size(); ++i) options.emplace_back(keys[i], numbers[i]);
    o->add_param_group(list, options);
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

void mt_averaged_model_options_init(mt_averaged_model_options* options) {
  if (!options) return;
  *options = {};
  options->struct_size = sizeof *options;
}

mt_status mt_averaged_model(mt_module** out, const mt_module* module,
                            const mt_averaged_model_options* options) {
  return guard("mt_averaged_model", [&](Call& c) {
    mt_averaged_model_options o;
    mt_averaged_model_options_init(&o);
    if (options) c.read_options("options", options, o);
    const auto data = UserData::make(o.user, o.destroy);
    c.pointer("out", out);
    auto child = mt::ModuleRef::share(c.object<mt::Module>("module", module));
    if (!(o.ema_decay >= 0 && o.ema_decay <= 1)) {
      mt::fail(mt::Status::kInvalidArgument, c.fn(), ": invalid ema_decay: ", o.ema_decay,
               ": must be in [0, 1]");
    }
    mt::AverageFn average;
    if (o.ema_decay != 0) average = mt::ema_average(o.ema_decay);
    if (o.average) {
      average = [fn = o.average, data](const mt::Tensor& averaged, const mt::Tensor& value,
                                       int64_t n) {
        AbiThread& t = this_abi_thread();
        CallbackTensors args(t);
        args.add(averaged);
        args.add(value);
        mt_tensor* result = nullptr;
        CallbackScope scope(t);
        const mt_status status = fn(&result, args[0], args[1], n, data->user());
        mt::Tensor mean = take_result(t, "average", "out", -1, result);
        scope.check(status, "average");
        return mean;
      };
    }
    *out = make_module(c, mt::ModuleRef::adopt(new mt::AveragedModel(
                              std::move(child), std::move(average), o.use_buffers)))
               .release();
  });
}

mt_status mt_averaged_model_update(mt_module* self, const mt_module* model) {
  return guard("mt_averaged_model_update", [&](Call& c) {
    auto* averaged = dynamic_cast<mt::AveragedModel*>(c.object<mt::Module>("self", self));
    const mt::Module* from = c.object<mt::Module>("model", model);
    if (!averaged) {
      mt::fail(mt::Status::kInvalidArgument, c.fn(),
               ": not an averaged model: self: must be made by mt_averaged_model");
    }
    averaged->update_parameters(*from);
  });
}

mt_status mt_update_bn(mt_module* model, mt_next_batch_fn next, void* user) {
  return guard("mt_update_bn", [&](Call& c) {
    mt::Module* m = c.object<mt::Module>("model", model);
    c.pointer("next", next);
    mt::update_bn(*m, [&] {
      mt_tensor* result = nullptr;
      CallbackScope scope(c.thread());
      const mt_status status = next(&result, user);
      mt::Tensor batch = take_result(c.thread(), c.fn(), "input", -1, result);
      scope.check(status, "next");
      return batch;
    });
  });
}

}  // extern "C"
