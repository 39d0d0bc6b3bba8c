// minitorch/optim.h - optimizers and gradient clipping, with torch.optim's options, defaults,
// formulas and state. One optimizer must not be used by two threads at once.
#ifndef MINITORCH_OPTIM_H
#define MINITORCH_OPTIM_H

#include "minitorch/types.h"

#ifdef __cplusplus
extern "C" {
#endif

//   mt_tensors *parameters;
//   mt_optimizer *optimizer;
//   mt_sgd_options options;
//   mt_sgd_options_init(&options);
//   options.lr = 0.01;
//   mt_module_parameters(&parameters, model);
//   mt_sgd(&optimizer, parameters, &options);
//   mt_tensors_free(parameters);
//
// and at every step: mt_optimizer_zero_grad, forward, backward, mt_optimizer_step.

// --- Making optimizers -----------------------------------------------------------------------
// Parameters are leaf tensors, each at most once; mt_tensors_create lists single ones. The
// optimizer keeps them alive.

typedef struct mt_sgd_options {
  size_t struct_size;
  double lr;            // 1e-3
  double momentum;      // 0
  double dampening;     // 0
  double weight_decay;  // 0
  bool nesterov;
  bool maximize;
} mt_sgd_options;

MT_API void mt_sgd_options_init(mt_sgd_options *options);

// Stochastic gradient descent. `options` may be NULL.
MT_API mt_status mt_sgd(mt_optimizer **out, const mt_tensors *parameters,
                        const mt_sgd_options *MT_NULLABLE options);

// Of Adam and AdamW.
typedef struct mt_adam_options {
  size_t struct_size;
  double lr;            // 1e-3
  double beta1;         // 0.9
  double beta2;         // 0.999
  double eps;           // 1e-8
  double weight_decay;  // 0 for Adam, 1e-2 for AdamW
  bool amsgrad;
  bool maximize;
} mt_adam_options;

MT_API void mt_adam_options_init(mt_adam_options *options);
MT_API void mt_adamw_options_init(mt_adam_options *options);

// Adam; weight decay is added to the gradient. `options` may be NULL.
MT_API mt_status mt_adam(mt_optimizer **out, const mt_tensors *parameters,
                         const mt_adam_options *MT_NULLABLE options);

// Adam with decoupled weight decay. `options` may be NULL; set up with mt_adamw_options_init.
MT_API mt_status mt_adamw(mt_optimizer **out, const mt_tensors *parameters,
                          const mt_adam_options *MT_NULLABLE options);

MT_API mt_status mt_optimizer_free(mt_optimizer *MT_NULLABLE self);

// --- Training --------------------------------------------------------------------------------

// Updates every parameter that has a gradient.
MT_API mt_status mt_optimizer_step(mt_optimizer *self);

// Sets all gradients to zero, or to none.
MT_API mt_status mt_optimizer_zero_grad(mt_optimizer *self, bool set_to_none);

// --- Groups and options ----------------------------------------------------------------------
// Parameters are in groups, each with options of its own. Options are numbers; flags are 0 and 1.

// Adds a group with the options that the optimizer was made with.
MT_API mt_status mt_optimizer_add_param_group(mt_optimizer *self, const mt_tensors *parameters);
MT_API mt_status mt_optimizer_group_count(size_t *out, const mt_optimizer *self);
MT_API mt_status mt_optimizer_group_params(mt_tensors **out, const mt_optimizer *self,
                                           size_t group);

// The names of its options: "lr", "momentum", ...
MT_API mt_status mt_optimizer_option_names(mt_strings **out, const mt_optimizer *self);
MT_API mt_status mt_optimizer_get_option(double *out, const mt_optimizer *self, size_t group,
                                         const char *name);

// Sets an option of a group; of all groups, present and to come, for group -1.
MT_API mt_status mt_optimizer_set_option(mt_optimizer *self, int64_t group, const char *name,
                                         double value);

// --- State -----------------------------------------------------------------------------------

// PyTorch's layout, flat: "state.<i>.<name>" for the i-th parameter over all groups,
// "param_groups.<g>.<option>" (0-dim) and "param_groups.<g>.params" (indices). The state tensors
// share memory with the optimizer.
MT_API mt_status mt_optimizer_state_dict(mt_named_tensors **out, const mt_optimizer *self);

// Copies the state in. The optimizer must be of the same kind and have groups of the same sizes;
// after an error nothing is changed.
MT_API mt_status mt_optimizer_load_state_dict(mt_optimizer *self, const mt_named_tensors *state);

// "SGD". Free it with mt_string_free.
MT_API mt_status mt_optimizer_type_name(char **out, const mt_optimizer *self);

// The printed form. Free it with mt_string_free.
MT_API mt_status mt_optimizer_to_string(char **out, const mt_optimizer *self);

// --- Gradient clipping -----------------------------------------------------------------------

// Scales the gradients in place so that their norm, taken over all of them together, is at most
// max_norm; gives the norm before. norm_type is the p of the norm (2 is PyTorch's default) or
// infinity. A norm that is not finite is an error if `error_if_nonfinite`.
MT_API mt_status mt_clip_grad_norm_(double *MT_NULLABLE total_norm, const mt_tensors *parameters,
                                    double max_norm, double norm_type, bool error_if_nonfinite);

// Limits every element of the gradients to [-clip_value, clip_value], in place.
MT_API mt_status mt_clip_grad_value_(const mt_tensors *parameters, double clip_value);

#ifdef __cplusplus
}
#endif

#endif  // MINITORCH_OPTIM_H
