// Every scheduler in C: rates that move, state that another goes on from, functions of the host and
// their errors, schedulers of schedulers.
#include "check.h"

static mt_tensor *parameter(float x, float y) {
  const float values[] = {x, y};
  mt_tensor *t = vec(values, 2);
  OK(mt_tensor_set_requires_grad(t, true));
  return t;
}

static mt_tensors *list_of(mt_tensor *a) {
  mt_tensors *list = NULL;
  OK(mt_tensors_create(&list, (const mt_tensor *const *)&a, 1));
  return list;
}

static mt_optimizer *with_rate(mt_optimizer *o) {
  OK(mt_optimizer_set_option(o, -1, "lr", 0.1));
  return o;
}

static mt_optimizer *new_sgd(const mt_tensors *list) {
  mt_optimizer *o = NULL;
  OK(mt_sgd(&o, list, NULL));
  return with_rate(o);
}

static mt_optimizer *new_rmsprop(const mt_tensors *list) {
  mt_optimizer *o = NULL;
  OK(mt_rmsprop(&o, list, NULL));
  return with_rate(o);
}

static mt_optimizer *new_adagrad(const mt_tensors *list) {
  mt_optimizer *o = NULL;
  OK(mt_adagrad(&o, list, NULL));
  return with_rate(o);
}

static int destroyed;
static void destroy(void *user) {
  (void)user;
  ++destroyed;
}

static mt_status half_each(double *factor, int64_t epoch, size_t group, void *user) {
  (void)user;
  CHECK(group == 0);
  *factor = pow(0.5, (double)epoch);
  return epoch == 7 ? mt_callback_error("seven") : MT_OK;
}

static mt_status nine_tenths(double *factor, int64_t epoch, size_t group, void *user) {
  (void)epoch, (void)group, (void)user;
  *factor = 0.9;
  return MT_OK;
}

static mt_status by_epoch(double *lrs, size_t n, mt_scheduler *self, void *user) {
  int64_t epoch = -1;
  (void)user;
  mt_status s = mt_scheduler_last_epoch(&epoch, self);
  for (size_t i = 0; i < n; ++i) lrs[i] = 1.0 / (double)(epoch + 1);
  return s;
}

static mt_status constant_scale(double *scale, double x, void *user) {
  (void)x, (void)user;
  *scale = 0.5;
  return MT_OK;
}

static double lr_of(const mt_optimizer *o) {
  double lr = 0;
  OK(mt_optimizer_get_option(&lr, o, 0, "lr"));
  return lr;
}

// Makes scheduler k on an SGD of rate 0.1 with momentum.
enum { SCHEDULERS = 15 };
static mt_scheduler *schedule(int k, mt_optimizer *o) {
  static const double low = 0.01, high = 0.2;
  static const int64_t milestones[] = {2, 4};
  mt_scheduler *s = NULL;
  mt_cosine_warm_restarts_options restarts;
  mt_cyclic_lr_options cyclic;
  mt_one_cycle_lr_options one;
  mt_swa_lr_options swa;
  switch (k) {
    case 0:
      OK(mt_lambda_lr(&s, o, half_each, NULL, destroy, -1));
      break;
    case 1:
      OK(mt_multiplicative_lr(&s, o, nine_tenths, NULL, destroy, -1));
      break;
    case 2:
      OK(mt_custom_lr(&s, o, by_epoch, NULL, destroy, -1));
      break;
    case 3:
      OK(mt_step_lr(&s, o, 2, 0.1, -1));
      break;
    case 4:
      OK(mt_multi_step_lr(&s, o, milestones, 2, 0.1, -1));
      break;
    case 5:
      OK(mt_constant_lr(&s, o, 0.5, 3, -1));
      break;
    case 6:
      OK(mt_linear_lr(&s, o, NULL));
      break;
    case 7:
      OK(mt_exponential_lr(&s, o, 0.9, -1));
      break;
    case 8:
      OK(mt_polynomial_lr(&s, o, 8, 2, -1));
      break;
    case 9:
      OK(mt_cosine_annealing_lr(&s, o, 8, 0.001, -1));
      break;
    case 10:
      mt_cosine_warm_restarts_options_init(&restarts);
      restarts.t_0 = 3;
      restarts.t_mult = 2;
      OK(mt_cosine_annealing_warm_restarts(&s, o, &restarts));
      break;
    case 11:
      mt_cyclic_lr_options_init(&cyclic);
      cyclic.base_lr = &low;
      cyclic.max_lr = &high;
      cyclic.n_base_lr = cyclic.n_max_lr = 1;
      cyclic.step_size_up = 3;
      cyclic.scale_fn = constant_scale;
      cyclic.destroy = destroy;
      OK(mt_cyclic_lr(&s, o, &cyclic));
      break;
    case 12:
      mt_one_cycle_lr_options_init(&one);
      one.max_lr = &high;
      one.n_max_lr = 1;
      one.total_steps = 12;
      OK(mt_one_cycle_lr(&s, o, &one));
      break;
    case 13:
      mt_swa_lr_options_init(&swa);
      swa.swa_lr = &high;
      swa.n_swa_lr = 1;
      OK(mt_swa_lr(&s, o, &swa));
      break;
    default: {
      mt_scheduler *parts[2] = {schedule(6, o), schedule(7, o)};
      OK(mt_sequential_lr(&s, o, (const mt_scheduler *const *)parts, 2, milestones, 1, -1));
      OK(mt_scheduler_free(parts[0]));
      OK(mt_scheduler_free(parts[1]));
      break;
    }
  }
  return s;
}

static void schedulers(void) {
  static const char *const names[SCHEDULERS] = {"LambdaLR",
                                                "MultiplicativeLR",
                                                "CustomLR",
                                                "StepLR",
                                                "MultiStepLR",
                                                "ConstantLR",
                                                "LinearLR",
                                                "ExponentialLR",
                                                "PolynomialLR",
                                                "CosineAnnealingLR",
                                                "CosineAnnealingWarmRestarts",
                                                "CyclicLR",
                                                "OneCycleLR",
                                                "SWALR",
                                                "SequentialLR"};
  for (int k = 0; k < SCHEDULERS; ++k) {
    mt_tensor *x = parameter(1, 1);
    mt_tensors *list = list_of(x);
    mt_optimizer *o[2] = {new_sgd(list), new_sgd(list)};
    mt_scheduler *s[2];
    char *name = NULL;
    for (int i = 0; i < 2; ++i) {
      OK(mt_optimizer_set_option(o[i], -1, "momentum", 0.9));
      s[i] = schedule(k, o[i]);
    }
    OK(mt_scheduler_type_name(&name, s[0]));
    CHECK(strcmp(name, names[k]) == 0);
    OK(mt_string_free(name));
    double lowest = 1e9, highest = -1, last = 0;
    for (int i = 0; i < 5; ++i) {
      OK(mt_scheduler_step(s[0]));
      const double lr = lr_of(o[0]);
      OK(mt_scheduler_last_lr(&last, s[0], 0));
      CHECK(lr == last);
      lowest = lr < lowest ? lr : lowest;
      highest = lr > highest ? lr : highest;
    }
    CHECK(highest > lowest);
    FAILS(MT_ERR_INDEX, "index 1", mt_scheduler_last_lr(&last, s[0], 1));
    int64_t epoch = 0;
    OK(mt_scheduler_last_epoch(&epoch, s[0]));
    CHECK(epoch == 5);
    mt_named_tensors *state = NULL, *optimizer_state = NULL;
    OK(mt_scheduler_state_dict(&state, s[0]));
    OK(mt_optimizer_state_dict(&optimizer_state, o[0]));
    OK(mt_optimizer_load_state_dict(o[1], optimizer_state));
    OK(mt_scheduler_load_state_dict(s[1], state));
    OK(mt_scheduler_step(s[0]));
    OK(mt_scheduler_step(s[1]));
    CHECK(lr_of(o[0]) == lr_of(o[1]));
    OK(mt_named_tensors_set(state, "nonsense", x));
    FAILS(MT_ERR_KEY, "'nonsense'", mt_scheduler_load_state_dict(s[1], state));
    FAILS(MT_ERR_INVALID_ARGUMENT, "unexpected metric", mt_scheduler_step_metric(s[0], 1));
    if (k == 0) {  // an error of the factor leaves the epoch
      FAILS(MT_ERR_CALLBACK, "seven", mt_scheduler_step(s[0]));
      OK(mt_scheduler_last_epoch(&epoch, s[0]));
      CHECK(epoch == 6);
    }
    OK(mt_named_tensors_free(state));
    OK(mt_named_tensors_free(optimizer_state));
    for (int i = 0; i < 2; ++i) {
      OK(mt_scheduler_free(s[i]));
      OK(mt_optimizer_free(o[i]));
    }
    OK(mt_tensors_free(list));
    OK(mt_tensor_free(x));
  }
  CHECK(destroyed == 8);
}

static void plateau_and_errors(void) {
  mt_tensor *x = parameter(1, 1);
  mt_tensors *list = list_of(x);
  mt_optimizer *o = new_sgd(list), *other = new_rmsprop(list), *plain = new_adagrad(list);
  mt_plateau_options options;
  mt_plateau_options_init(&options);
  options.patience = 1;
  mt_scheduler *s = NULL, *first = schedule(7, o), *second = schedule(7, other), *bad = NULL;
  OK(mt_reduce_lr_on_plateau(&s, o, &options));
  for (int i = 0; i < 3; ++i) OK(mt_scheduler_step_metric(s, 1));
  CLOSE(lr_of(o), 0.01);
  FAILS(MT_ERR_INVALID_ARGUMENT, "no metric", mt_scheduler_step(s));
  options.factor = 2;
  FAILS(MT_ERR_INVALID_ARGUMENT, "invalid factor", mt_reduce_lr_on_plateau(&bad, o, &options));
  const mt_scheduler *mixed[] = {first, second}, *with_plateau[] = {first, s};
  FAILS(MT_ERR_INVALID_ARGUMENT, "different optimizers", mt_chained_scheduler(&bad, mixed, 2));
  FAILS(MT_ERR_INVALID_ARGUMENT, "no schedulers", mt_chained_scheduler(&bad, NULL, 0));
  const int64_t one = 1;
  FAILS(MT_ERR_INVALID_ARGUMENT, "another optimizer",
        mt_sequential_lr(&bad, o, mixed, 2, &one, 1, -1));
  FAILS(MT_ERR_INVALID_ARGUMENT, "ReduceLROnPlateau",
        mt_sequential_lr(&bad, o, with_plateau, 2, &one, 1, -1));
  FAILS(MT_ERR_INVALID_ARGUMENT, "one scheduler more",
        mt_sequential_lr(&bad, o, mixed, 2, &one, 0, -1));
  FAILS(MT_ERR_INVALID_ARGUMENT, "invalid step_size", mt_step_lr(&bad, o, 0, 0.1, -1));
  FAILS(MT_ERR_INVALID_ARGUMENT, "invalid T_max", mt_cosine_annealing_lr(&bad, o, 0, 0, -1));
  FAILS(MT_ERR_KEY, "no 'initial_lr'", mt_step_lr(&bad, plain, 2, 0.1, 3));
  mt_one_cycle_lr_options cycle;
  mt_one_cycle_lr_options_init(&cycle);
  const double high = 1;
  FAILS(MT_ERR_NULL_ARGUMENT, "max_lr", mt_one_cycle_lr(&bad, o, &cycle));
  cycle.max_lr = &high;
  cycle.n_max_lr = 1;
  FAILS(MT_ERR_INVALID_ARGUMENT, "invalid total_steps", mt_one_cycle_lr(&bad, o, &cycle));
  cycle.total_steps = 2;
  FAILS(MT_ERR_INVALID_ARGUMENT, "no momentum", mt_one_cycle_lr(&bad, plain, &cycle));
  OK(mt_one_cycle_lr(&bad, o, &cycle));
  OK(mt_scheduler_step(bad));
  OK(mt_scheduler_step(bad));
  FAILS(MT_ERR_INVALID_ARGUMENT, "total steps is 2", mt_scheduler_step(bad));
  OK(mt_scheduler_free(bad));
  destroyed = 0;
  FAILS(MT_ERR_NULL_ARGUMENT, "factor", mt_lambda_lr(&bad, o, NULL, NULL, destroy, -1));
  CHECK(destroyed == 1);
  mt_scheduler *chain = NULL, *pair[] = {first, schedule(3, o)};
  OK(mt_chained_scheduler(&chain, (const mt_scheduler *const *)pair, 2));
  OK(mt_scheduler_free(pair[1]));
  const double before = lr_of(o);
  OK(mt_scheduler_step(chain));
  OK(mt_scheduler_step(chain));
  CLOSE(lr_of(o), before * 0.9 * 0.9 * 0.1);
  OK(mt_scheduler_free(chain));
  OK(mt_scheduler_free(first));
  OK(mt_scheduler_free(second));
  OK(mt_scheduler_free(s));
  OK(mt_scheduler_free(NULL));
  OK(mt_optimizer_free(o));
  OK(mt_optimizer_free(other));
  OK(mt_optimizer_free(plain));
  OK(mt_tensors_free(list));
  OK(mt_tensor_free(x));
}

int main(void) {
  RUN(schedulers);
  RUN(plateau_and_errors);
  RUN(nothing_is_left);
  return check_result();
}
