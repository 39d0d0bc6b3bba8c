// minitorch/optim.h - optimizers, gradient clipping and averaged models, with torch.optim's
// options, defaults, formulas and state. One optimizer must not be used by two threads at once.
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

// The optimizers below also take NULL for `options`, and their options structs an _init function.

typedef struct mt_rmsprop_options {
  size_t struct_size;
  double lr;            // 1e-2
  double alpha;         // 0.99: of the running average of squares
  double eps;           // 1e-8
  double weight_decay;  // 0
  double momentum;      // 0
  bool centered;        // divides by the estimated variance
  bool maximize;
} mt_rmsprop_options;

MT_API void mt_rmsprop_options_init(mt_rmsprop_options *options);
MT_API mt_status mt_rmsprop(mt_optimizer **out, const mt_tensors *parameters,
                            const mt_rmsprop_options *MT_NULLABLE options);

typedef struct mt_adagrad_options {
  size_t struct_size;
  double lr;                         // 1e-2
  double lr_decay;                   // 0
  double weight_decay;               // 0
  double initial_accumulator_value;  // 0
  double eps;                        // 1e-10
  bool maximize;
} mt_adagrad_options;

MT_API void mt_adagrad_options_init(mt_adagrad_options *options);
MT_API mt_status mt_adagrad(mt_optimizer **out, const mt_tensors *parameters,
                            const mt_adagrad_options *MT_NULLABLE options);

typedef struct mt_adadelta_options {
  size_t struct_size;
  double lr;            // 1
  double rho;           // 0.9: of the running averages; in [0, 1]
  double eps;           // 1e-6
  double weight_decay;  // 0
  bool maximize;
} mt_adadelta_options;

MT_API void mt_adadelta_options_init(mt_adadelta_options *options);
MT_API mt_status mt_adadelta(mt_optimizer **out, const mt_tensors *parameters,
                             const mt_adadelta_options *MT_NULLABLE options);

typedef struct mt_adamax_options {
  size_t struct_size;
  double lr;            // 2e-3
  double beta1;         // 0.9
  double beta2;         // 0.999
  double eps;           // 1e-8
  double weight_decay;  // 0
  bool maximize;
} mt_adamax_options;

MT_API void mt_adamax_options_init(mt_adamax_options *options);
MT_API mt_status mt_adamax(mt_optimizer **out, const mt_tensors *parameters,
                           const mt_adamax_options *MT_NULLABLE options);

typedef struct mt_nadam_options {
  size_t struct_size;
  double lr;              // 2e-3
  double beta1;           // 0.9
  double beta2;           // 0.999
  double eps;             // 1e-8
  double weight_decay;    // 0
  double momentum_decay;  // 4e-3
} mt_nadam_options;

MT_API void mt_nadam_options_init(mt_nadam_options *options);
MT_API mt_status mt_nadam(mt_optimizer **out, const mt_tensors *parameters,
                          const mt_nadam_options *MT_NULLABLE options);

typedef struct mt_radam_options {
  size_t struct_size;
  double lr;            // 1e-3
  double beta1;         // 0.9
  double beta2;         // 0.999
  double eps;           // 1e-8
  double weight_decay;  // 0
} mt_radam_options;

MT_API void mt_radam_options_init(mt_radam_options *options);
MT_API mt_status mt_radam(mt_optimizer **out, const mt_tensors *parameters,
                          const mt_radam_options *MT_NULLABLE options);

typedef struct mt_asgd_options {
  size_t struct_size;
  double lr;            // 1e-2
  double lambd;         // 1e-4: decay of the parameters and the rate
  double alpha;         // 0.75: power of the rate's decay
  double t0;            // 1e6: the step at which averaging begins
  double weight_decay;  // 0
  bool maximize;
} mt_asgd_options;

// Averaged SGD; the average of each parameter is its state "ax".
MT_API void mt_asgd_options_init(mt_asgd_options *options);
MT_API mt_status mt_asgd(mt_optimizer **out, const mt_tensors *parameters,
                         const mt_asgd_options *MT_NULLABLE options);

typedef struct mt_rprop_options {
  size_t struct_size;
  double lr;             // 1e-2: the first step size
  double etaminus;       // 0.5: a step's factor when the gradient's sign turned; in (0, 1)
  double etaplus;        // 1.2: when it stayed; above 1
  double step_size_min;  // 1e-6
  double step_size_max;  // 50
  bool maximize;
} mt_rprop_options;

MT_API void mt_rprop_options_init(mt_rprop_options *options);
MT_API mt_status mt_rprop(mt_optimizer **out, const mt_tensors *parameters,
                          const mt_rprop_options *MT_NULLABLE options);

typedef struct mt_lbfgs_options {
  size_t struct_size;
  double lr;                // 1
  int64_t max_iter;         // 20: iterations a step
  int64_t max_eval;         // calls of the closure a step; 0: max_iter * 5 / 4
  double tolerance_grad;    // 1e-7: on the largest gradient
  double tolerance_change;  // 1e-9: on the loss and the parameters
  int64_t history_size;     // 100
  bool strong_wolfe;        // a line search with the strong Wolfe conditions
} mt_lbfgs_options;

// Steps only with mt_optimizer_step_closure, and has one group. The option strong_wolfe is named
// "line_search_fn" in option lists and state: 0 for none, 1 for it.
MT_API void mt_lbfgs_options_init(mt_lbfgs_options *options);
MT_API mt_status mt_lbfgs(mt_optimizer **out, const mt_tensors *parameters,
                          const mt_lbfgs_options *MT_NULLABLE options);

MT_API mt_status mt_optimizer_free(mt_optimizer *MT_NULLABLE self);

// --- Training --------------------------------------------------------------------------------

// Updates every parameter that has a gradient.
MT_API mt_status mt_optimizer_step(mt_optimizer *self);

// Computes the loss and its gradients anew: zeroes the gradients, runs forward and backward, and
// sets `*loss` to a new tensor of one element, whose handle then belongs to the library.
typedef mt_status (*mt_closure_fn)(mt_tensor **loss, void *user);

// Runs the closure with gradients on, then updates as mt_optimizer_step; LBFGS runs it several
// times. `loss`, which may be NULL, gets what the closure gave first. An error of the closure ends
// the step.
MT_API mt_status mt_optimizer_step_closure(mt_tensor **MT_NULLABLE loss, mt_optimizer *self,
                                           mt_closure_fn closure, void *MT_NULLABLE user);

// Sets all gradients to zero, or to none.
MT_API mt_status mt_optimizer_zero_grad(mt_optimizer *self, bool set_to_none);

// --- Groups and options ----------------------------------------------------------------------
// Parameters are in groups, each with options of its own. Options are numbers; flags are 0 and 1.

// Adds a group with the options that the optimizer was made with.
MT_API mt_status mt_optimizer_add_param_group(mt_optimizer *self, const mt_tensors *parameters);

// The same with options of its own: values[i] is that of option names[i].
MT_API mt_status mt_optimizer_add_param_group_with(mt_optimizer *self, const mt_tensors *parameters,
                                                   const mt_strings *names, const double *values,
                                                   size_t n_values);
MT_API mt_status mt_optimizer_group_count(size_t *out, const mt_optimizer *self);
MT_API mt_status mt_optimizer_group_params(mt_tensors **out, const mt_optimizer *self,
                                           size_t group);

// The names of its options: "lr", "momentum", ...
MT_API mt_status mt_optimizer_option_names(mt_strings **out, const mt_optimizer *self);
MT_API mt_status mt_optimizer_get_option(double *out, const mt_optimizer *self, size_t group,
                                         const char *name);

// Sets an option of a group; of all groups, present and to come, for group -1. "initial_lr",
// "max_lr", "min_lr", "swa_lr", "max_momentum" and "base_momentum", which schedulers keep in the
// groups, can be set too, and read once they are there.
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

// --- Averaged models -------------------------------------------------------------------------
// Averages of a model's parameters over training, as torch.optim.swa_utils: stochastic weight
// averaging, exponential moving averages, or an average of your own.

// A new tensor for a parameter's average from the average so far, the model's value, and how many
// values it is of. The tensors are borrowed.
typedef mt_status (*mt_average_fn)(mt_tensor **out, const mt_tensor *averaged,
                                   const mt_tensor *value, int64_t n_averaged, void *user);

typedef struct mt_averaged_model_options {
  size_t struct_size;
  double ema_decay;       // 0: equal averages; else decay * averaged + (1 - decay) * value
  bool use_buffers;       // averages the buffers too
  mt_average_fn average;  // in place of both, or NULL
  void *user;
  mt_destroy_fn destroy;  // of `user`; or NULL
} mt_averaged_model_options;

MT_API void mt_averaged_model_options_init(mt_averaged_model_options *options);

// A module that runs as `module` does, its child "module", and counts averages in the buffer
// "n_averaged". `module` is another model of the same structure as the one that is trained; the
// first update replaces its values.
MT_API mt_status mt_averaged_model(mt_module **out, const mt_module *module,
                                   const mt_averaged_model_options *MT_NULLABLE options);

// Takes the model's values into the averages.
MT_API mt_status mt_averaged_model_update(mt_module *self, const mt_module *model);

// Sets *input to a new tensor, the inputs of the next batch, whose handle then belongs to the
// library; or leaves it NULL after the last one.
typedef mt_status (*mt_next_batch_fn)(mt_tensor **input, void *user);

// Computes the running statistics of a model's BatchNorm layers anew, as averages over all batches:
// what an averaged model needs before it is used. Runs the model in training mode without
// recording; modes and momenta are what they were afterwards.
MT_API mt_status mt_update_bn(mt_module *model, mt_next_batch_fn next, void *MT_NULLABLE user);

#ifdef __cplusplus
}
#endif

#endif  // MINITORCH_OPTIM_H
