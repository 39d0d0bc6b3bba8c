// minitorch/scheduler.h - learning rate schedulers, with torch.optim.lr_scheduler's formulas.
// A scheduler keeps its optimizer alive and writes "lr" (some also the momentum) of its groups; the
// two must not be used by two threads at once.
#ifndef MINITORCH_SCHEDULER_H
#define MINITORCH_SCHEDULER_H

#include "minitorch/types.h"

#ifdef __cplusplus
extern "C" {
#endif

//   mt_scheduler *scheduler;
//   mt_cosine_annealing_lr(&scheduler, optimizer, 100, 0, -1);
//   for (int epoch = 0; epoch < 100; ++epoch) {
//     ...
//     mt_scheduler_step(scheduler);
//   }
//
// Making one takes the step to epoch 0, and so sets the first rate. Schedulers go from the groups'
// present rate to the next, so several may act on one optimizer, as mt_chained_scheduler does.
//
// `last_epoch` is -1 to start. Any other value goes on after that epoch with the groups' rates as
// they are, which must have "initial_lr"; a saved state is the simpler way to go on.

// --- Making schedulers -----------------------------------------------------------------------

// The factor of a group at an epoch.
typedef mt_status (*mt_lr_lambda_fn)(double *factor, int64_t epoch, size_t group, void *user);

// The initial rate times the factor.
MT_API mt_status mt_lambda_lr(mt_scheduler **out, const mt_optimizer *optimizer,
                              mt_lr_lambda_fn factor, void *MT_NULLABLE user,
                              mt_destroy_fn MT_NULLABLE destroy, int64_t last_epoch);

// The present rate times the factor, from epoch 1 on.
MT_API mt_status mt_multiplicative_lr(mt_scheduler **out, const mt_optimizer *optimizer,
                                      mt_lr_lambda_fn factor, void *MT_NULLABLE user,
                                      mt_destroy_fn MT_NULLABLE destroy, int64_t last_epoch);

// Changes the groups' present rates to those of the epoch, mt_scheduler_last_epoch(self). `self` is
// borrowed.
typedef mt_status (*mt_lr_fn)(double *lrs, size_t n_groups, mt_scheduler *self, void *user);

// A schedule of your own.
MT_API mt_status mt_custom_lr(mt_scheduler **out, const mt_optimizer *optimizer, mt_lr_fn compute,
                              void *MT_NULLABLE user, mt_destroy_fn MT_NULLABLE destroy,
                              int64_t last_epoch);

// Times gamma every step_size epochs. PyTorch's gamma is 0.1.
MT_API mt_status mt_step_lr(mt_scheduler **out, const mt_optimizer *optimizer, int64_t step_size,
                            double gamma, int64_t last_epoch);

// Times gamma at each milestone. PyTorch's gamma is 0.1.
MT_API mt_status mt_multi_step_lr(mt_scheduler **out, const mt_optimizer *optimizer,
                                  const int64_t *MT_NULLABLE milestones, size_t n_milestones,
                                  double gamma, int64_t last_epoch);

// Times factor until epoch total_iters. PyTorch's values are 1.0 / 3 and 5.
MT_API mt_status mt_constant_lr(mt_scheduler **out, const mt_optimizer *optimizer, double factor,
                                int64_t total_iters, int64_t last_epoch);

typedef struct mt_linear_lr_options {
  size_t struct_size;
  double start_factor;  // 1.0 / 3; in [0, 1], as the other
  double end_factor;    // 1
  int64_t total_iters;  // 5
  int64_t last_epoch;   // -1
} mt_linear_lr_options;

MT_API void mt_linear_lr_options_init(mt_linear_lr_options *options);

// Times a factor that goes linearly from start_factor to end_factor in total_iters epochs.
// `options` may be NULL.
MT_API mt_status mt_linear_lr(mt_scheduler **out, const mt_optimizer *optimizer,
                              const mt_linear_lr_options *MT_NULLABLE options);

// Times gamma every epoch.
MT_API mt_status mt_exponential_lr(mt_scheduler **out, const mt_optimizer *optimizer, double gamma,
                                   int64_t last_epoch);

// Times (1 - epoch / total_iters) ** power. PyTorch's values are 5 and 1.
MT_API mt_status mt_polynomial_lr(mt_scheduler **out, const mt_optimizer *optimizer,
                                  int64_t total_iters, double power, int64_t last_epoch);

// Along half a cosine down to eta_min (PyTorch's is 0) at epoch t_max, then up again.
MT_API mt_status mt_cosine_annealing_lr(mt_scheduler **out, const mt_optimizer *optimizer,
                                        double t_max, double eta_min, int64_t last_epoch);

typedef struct mt_cosine_warm_restarts_options {
  size_t struct_size;
  int64_t t_0;         // epochs to the first restart; must be given
  int64_t t_mult;      // 1: each period is that many times as long as the one before
  double eta_min;      // 0
  int64_t last_epoch;  // -1
} mt_cosine_warm_restarts_options;

MT_API void mt_cosine_warm_restarts_options_init(mt_cosine_warm_restarts_options *options);

// The cosine, starting anew after each period. mt_scheduler_step_to takes fractions of an epoch.
MT_API mt_status mt_cosine_annealing_warm_restarts(mt_scheduler **out,
                                                   const mt_optimizer *optimizer,
                                                   const mt_cosine_warm_restarts_options *options);

// The schedulers below take a value for each group, or one for all: pointer and count.

// The scale of a cycle: of the cycle's number from 1, or of the step's from 0.
typedef mt_status (*mt_lr_scale_fn)(double *scale, double x, void *user);

typedef struct mt_cyclic_lr_options {
  size_t struct_size;
  const double *base_lr;  // must be given, as max_lr
  size_t n_base_lr;
  const double *max_lr;
  size_t n_max_lr;
  double step_size_up;          // 2000
  double step_size_down;        // below 0: as step_size_up
  mt_cyclic_mode mode;          // MT_CYCLIC_TRIANGULAR
  double gamma;                 // 1: of MT_CYCLIC_EXP_RANGE
  mt_lr_scale_fn scale_fn;      // in place of the mode's, or NULL
  bool scale_by_iterations;     // scale_fn counts steps, not cycles
  bool cycle_momentum;          // true
  const double *base_momentum;  // NULL: 0.8
  size_t n_base_momentum;
  const double *max_momentum;  // NULL: 0.9
  size_t n_max_momentum;
  int64_t last_epoch;     // -1
  void *user;             // of scale_fn
  mt_destroy_fn destroy;  // of `user`; or NULL
} mt_cyclic_lr_options;

MT_API void mt_cyclic_lr_options_init(mt_cyclic_lr_options *options);

// Up and down between base_lr and max_lr, to be stepped after every batch; the momentum, down and
// up.
MT_API mt_status mt_cyclic_lr(mt_scheduler **out, const mt_optimizer *optimizer,
                              const mt_cyclic_lr_options *options);

typedef struct mt_one_cycle_lr_options {
  size_t struct_size;
  const double *max_lr;  // must be given
  size_t n_max_lr;
  int64_t total_steps;          // must be given: epochs times steps an epoch
  double pct_start;             // 0.3: the part of the steps in which the rate grows
  bool linear;                  // annealing: false for the cosine
  bool cycle_momentum;          // true
  const double *base_momentum;  // NULL: 0.85
  size_t n_base_momentum;
  const double *max_momentum;  // NULL: 0.95
  size_t n_max_momentum;
  double div_factor;        // 25: max_lr over the first rate
  double final_div_factor;  // 1e4: the first rate over the last
  bool three_phase;
  int64_t last_epoch;  // -1
} mt_one_cycle_lr_options;

MT_API void mt_one_cycle_lr_options_init(mt_one_cycle_lr_options *options);

// Up to max_lr and down again, once, to be stepped after every batch; momentum (or beta1) the other
// way.
MT_API mt_status mt_one_cycle_lr(mt_scheduler **out, const mt_optimizer *optimizer,
                                 const mt_one_cycle_lr_options *options);

typedef struct mt_plateau_options {
  size_t struct_size;
  bool max_mode;            // the value is to grow
  double factor;            // 0.1; below 1
  int64_t patience;         // 10: epochs without improvement that are borne
  double threshold;         // 1e-4: the least improvement that counts
  bool absolute_threshold;  // it is a difference, not a ratio
  int64_t cooldown;         // 0: epochs after a reduction in which none are counted
  const double *min_lr;     // NULL: 0
  size_t n_min_lr;
  double eps;  // 1e-8: smaller changes are not made
} mt_plateau_options;

MT_API void mt_plateau_options_init(mt_plateau_options *options);

// Times factor when a value stops improving. Stepped with mt_scheduler_step_metric. `options` may
// be NULL.
MT_API mt_status mt_reduce_lr_on_plateau(mt_scheduler **out, const mt_optimizer *optimizer,
                                         const mt_plateau_options *MT_NULLABLE options);

typedef struct mt_swa_lr_options {
  size_t struct_size;
  const double *swa_lr;  // must be given
  size_t n_swa_lr;
  int64_t anneal_epochs;  // 10
  bool linear;            // annealing: false for the cosine
  int64_t last_epoch;     // -1
} mt_swa_lr_options;

MT_API void mt_swa_lr_options_init(mt_swa_lr_options *options);

// To swa_lr in anneal_epochs epochs, then constant: for stochastic weight averaging.
MT_API mt_status mt_swa_lr(mt_scheduler **out, const mt_optimizer *optimizer,
                           const mt_swa_lr_options *options);

// The schedulers one after another: the first until milestones[0], and so on. They must have been
// made for `optimizer`, and are stepped by this one from now on.
MT_API mt_status mt_sequential_lr(mt_scheduler **out, const mt_optimizer *optimizer,
                                  const mt_scheduler *const *schedulers, size_t n_schedulers,
                                  const int64_t *MT_NULLABLE milestones, size_t n_milestones,
                                  int64_t last_epoch);

// Steps all the schedulers, which must be of one optimizer.
MT_API mt_status mt_chained_scheduler(mt_scheduler **out, const mt_scheduler *const *schedulers,
                                      size_t n_schedulers);

MT_API mt_status mt_scheduler_free(mt_scheduler *MT_NULLABLE self);

// --- Stepping --------------------------------------------------------------------------------

// To the next epoch. Call it after mt_optimizer_step. After an error the epoch is what it was.
MT_API mt_status mt_scheduler_step(mt_scheduler *self);

// With the value that mt_reduce_lr_on_plateau watches.
MT_API mt_status mt_scheduler_step_metric(mt_scheduler *self, double metric);

// To a given epoch, by the closed form of the schedule where it has one.
MT_API mt_status mt_scheduler_step_to(mt_scheduler *self, double epoch);

MT_API mt_status mt_scheduler_last_epoch(int64_t *out, const mt_scheduler *self);

// The rate that it last set for a group.
MT_API mt_status mt_scheduler_last_lr(double *out, const mt_scheduler *self, size_t group);

// --- State -----------------------------------------------------------------------------------

// Its variables under PyTorch's names: "last_epoch", "base_lrs", "gamma", ... as float64, int64 and
// bool tensors; those of combined schedulers as "_schedulers.<i>.<name>".
MT_API mt_status mt_scheduler_state_dict(mt_named_tensors **out, const mt_scheduler *self);

// Takes the variables that are given; after an error nothing is changed.
MT_API mt_status mt_scheduler_load_state_dict(mt_scheduler *self, const mt_named_tensors *state);

// "StepLR". Free it with mt_string_free.
MT_API mt_status mt_scheduler_type_name(char **out, const mt_scheduler *self);

#ifdef __cplusplus
}
#endif

#endif  // MINITORCH_SCHEDULER_H
