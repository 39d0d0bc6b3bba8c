// Every optimizer in C, closures, groups with options, averaged models, and checkpoints of a whole
// run.
#define _GNU_SOURCE
#include <stdlib.h>
#include <unistd.h>

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

// Makes optimizer `k` with its defaults and a fitting learning rate; NULL after the last.
enum { OPTIMIZERS = 12 };
static mt_optimizer *make(int k, const mt_tensors *list) {
  mt_optimizer *o = NULL;
  switch (k) {
    case 0:
      OK(mt_sgd(&o, list, NULL));
      break;
    case 1:
      OK(mt_adam(&o, list, NULL));
      break;
    case 2:
      OK(mt_adamw(&o, list, NULL));
      break;
    case 3:
      OK(mt_rmsprop(&o, list, NULL));
      break;
    case 4:
      OK(mt_adagrad(&o, list, NULL));
      break;
    case 5:
      OK(mt_adadelta(&o, list, NULL));
      break;
    case 6:
      OK(mt_adamax(&o, list, NULL));
      break;
    case 7:
      OK(mt_nadam(&o, list, NULL));
      break;
    case 8:
      OK(mt_radam(&o, list, NULL));
      break;
    case 9:
      OK(mt_asgd(&o, list, NULL));
      break;
    case 10:
      OK(mt_rprop(&o, list, NULL));
      break;
    default:
      OK(mt_lbfgs(&o, list, NULL));
      break;
  }
  OK(mt_optimizer_set_option(o, -1, "lr", k == 5 ? 10 : 0.1));
  return o;
}

// The sum of squares of `user`, a tensor, with gradients.
static int closure_calls;
static mt_status closure(mt_tensor **loss, void *user) {
  mt_tensor *x = user, *y = NULL;
  ++closure_calls;
  mt_status s = mt_tensor_set_grad(x, NULL);
  if (s == MT_OK) s = mt_mul(&y, x, x);
  if (s == MT_OK) s = mt_sum(loss, y);
  if (s == MT_OK) s = mt_tensor_backward(*loss, NULL, false, false);
  mt_tensor_free(y);
  return s;
}

static mt_status failing_closure(mt_tensor **loss, void *user) {
  (void)loss, (void)user;
  return mt_callback_error("no loss today");
}

static mt_status empty_closure(mt_tensor **loss, void *user) {
  (void)loss, (void)user;
  return MT_OK;
}

static double step(mt_optimizer *o, mt_tensor *x) {
  mt_tensor *loss = NULL;
  OK(mt_optimizer_step_closure(&loss, o, closure, x));
  const double v = item(loss);
  OK(mt_tensor_free(loss));
  return v;
}

static void optimizers(void) {
  static const char *const names[OPTIMIZERS] = {"SGD",     "Adam",     "AdamW",  "RMSprop",
                                                "Adagrad", "Adadelta", "Adamax", "NAdam",
                                                "RAdam",   "ASGD",     "Rprop",  "LBFGS"};
  for (int k = 0; k < OPTIMIZERS; ++k) {
    mt_tensor *x = parameter(1, -2), *y = parameter(1, -2);
    mt_tensors *lx = list_of(x), *ly = list_of(y);
    mt_optimizer *a = make(k, lx), *b = make(k, ly);
    char *name = NULL;
    OK(mt_optimizer_type_name(&name, a));
    CHECK(strcmp(name, names[k]) == 0);
    OK(mt_string_free(name));
    const double first = step(a, x);
    CLOSE(first, 5);
    for (int i = 0; i < 20; ++i) step(a, x);
    // Another goes on from its state to the same bits.
    mt_named_tensors *state = NULL;
    OK(mt_optimizer_state_dict(&state, a));
    OK(mt_optimizer_load_state_dict(b, state));
    OK(mt_named_tensors_free(state));
    OK(mt_grad_mode_push(false));
    OK(mt_copy_(y, x));
    OK(mt_grad_mode_pop());
    for (int i = 0; i < 20; ++i) CHECK(step(a, x) == step(b, y));
    CHECK(step(a, x) < first);
    OK(mt_optimizer_free(a));
    OK(mt_optimizer_free(b));
    OK(mt_tensors_free(lx));
    OK(mt_tensors_free(ly));
    OK(mt_tensor_free(x));
    OK(mt_tensor_free(y));
  }
}

static void closures(void) {
  mt_tensor *x = parameter(3, 4);
  mt_tensors *list = list_of(x);
  mt_lbfgs_options options;
  mt_lbfgs_options_init(&options);
  CHECK(options.max_iter == 20 && options.history_size == 100 && !options.strong_wolfe);
  options.strong_wolfe = true;
  mt_optimizer *o = NULL;
  OK(mt_lbfgs(&o, list, &options));
  closure_calls = 0;
  CLOSE(step(o, x), 25);
  CHECK(closure_calls > 1 && closure_calls < 26);
  CHECK(step(o, x) < 1e-10);
  FAILS(MT_ERR_INVALID_ARGUMENT, "no closure", mt_optimizer_step(o));
  mt_tensor *y = parameter(1, 1);
  mt_tensors *second = list_of(y);
  FAILS(MT_ERR_INVALID_ARGUMENT, "second group", mt_optimizer_add_param_group(o, second));
  OK(mt_tensors_free(second));
  OK(mt_tensor_free(y));
  mt_tensor *loss = NULL;
  FAILS(MT_ERR_CALLBACK, "no loss today", mt_optimizer_step_closure(&loss, o, failing_closure, x));
  FAILS(MT_ERR_CALLBACK, "left *loss NULL", mt_optimizer_step_closure(&loss, o, empty_closure, x));
  FAILS(MT_ERR_NULL_ARGUMENT, "closure", mt_optimizer_step_closure(&loss, o, NULL, x));
  CHECK(loss == NULL);
  OK(mt_optimizer_free(o));
  mt_rprop_options rprop;
  mt_rprop_options_init(&rprop);
  rprop.etaplus = 0.9;
  FAILS(MT_ERR_INVALID_ARGUMENT, "invalid etas", mt_rprop(&o, list, &rprop));
  mt_adadelta_options adadelta;
  mt_adadelta_options_init(&adadelta);
  adadelta.rho = 1.5;
  FAILS(MT_ERR_INVALID_ARGUMENT, "invalid rho", mt_adadelta(&o, list, &adadelta));
  OK(mt_tensors_free(list));
  OK(mt_tensor_free(x));
}

static void groups(void) {
  mt_tensor *x = parameter(3, 4), *y = parameter(1, 1);
  mt_tensors *lx = list_of(x), *ly = list_of(y);
  mt_optimizer *o = NULL;
  OK(mt_sgd(&o, lx, NULL));
  const char *const names[] = {"nesterov", "momentum"};
  const double values[] = {1, 0.9};
  mt_strings *keys = NULL;
  OK(mt_strings_create(&keys, names, 2));
  FAILS(MT_ERR_INVALID_ARGUMENT, "count mismatch",
        mt_optimizer_add_param_group_with(o, ly, keys, values, 1));
  OK(mt_optimizer_add_param_group_with(o, ly, keys, values, 2));
  double v = 0;
  OK(mt_optimizer_get_option(&v, o, 1, "momentum"));
  CHECK(v == 0.9);
  FAILS(MT_ERR_KEY, "unknown option: 'max_lr'", mt_optimizer_get_option(&v, o, 1, "max_lr"));
  OK(mt_optimizer_set_option(o, 1, "max_lr", 7));
  OK(mt_optimizer_get_option(&v, o, 1, "max_lr"));
  CHECK(v == 7);
  OK(mt_strings_free(keys));
  OK(mt_optimizer_free(o));
  OK(mt_tensors_free(lx));
  OK(mt_tensors_free(ly));
  OK(mt_tensor_free(x));
  OK(mt_tensor_free(y));
}

// --- averaged models -----------------------------------------------------------------------------
static mt_status keep_largest(mt_tensor **out, const mt_tensor *averaged, const mt_tensor *value,
                              int64_t n, void *user) {
  (void)n, (void)user;
  return mt_maximum(out, averaged, value);
}

static void set_weight(mt_module *m, double value) {
  mt_tensor *w = NULL;
  OK(mt_module_get_parameter(&w, m, "weight"));
  OK(mt_tensor_set_requires_grad(w, false));
  OK(mt_fill_scalar_(w, value));
  OK(mt_tensor_set_requires_grad(w, true));
  OK(mt_tensor_free(w));
}

static void averages(void) {
  const double expected[3] = {2, 0.9 * (0.9 * 1 + 0.1 * 2) + 0.1 * 3, 3};
  for (int k = 0; k < 3; ++k) {
    mt_module *model = NULL, *copy = NULL, *averaged = NULL;
    OK(mt_nn_linear(&model, 1, 1, NULL));
    OK(mt_nn_linear(&copy, 1, 1, NULL));
    mt_averaged_model_options options;
    mt_averaged_model_options_init(&options);
    if (k == 1) options.ema_decay = 0.9;
    if (k == 2) options.average = keep_largest;
    OK(mt_averaged_model(&averaged, copy, &options));
    for (int i = 1; i <= 3; ++i) {
      set_weight(model, i);
      OK(mt_averaged_model_update(averaged, model));
    }
    mt_tensor *t = NULL;
    OK(mt_module_get_parameter(&t, averaged, "module.weight"));
    CLOSE(item(t), expected[k]);
    OK(mt_tensor_free(t));
    OK(mt_module_get_buffer(&t, averaged, "n_averaged"));
    CHECK(item(t) == 3);
    OK(mt_tensor_free(t));
    const float one = 1;
    mt_tensor *x = vec(&one, 1), *y = NULL;
    OK(mt_module_forward(&y, averaged, x));
    OK(mt_tensor_free(y));
    OK(mt_tensor_free(x));
    FAILS(MT_ERR_INVALID_ARGUMENT, "not an averaged model", mt_averaged_model_update(copy, model));
    OK(mt_module_free(averaged));
    OK(mt_module_free(copy));
    OK(mt_nn_linear(&copy, 2, 1, NULL));
    OK(mt_averaged_model(&averaged, copy, NULL));
    FAILS(MT_ERR_SHAPE, "shape mismatch", mt_averaged_model_update(averaged, model));
    OK(mt_module_free(averaged));
    OK(mt_module_free(copy));
    OK(mt_module_free(model));
  }
}

// --- checkpoints ---------------------------------------------------------------------------------
struct run {
  mt_module *model;
  mt_optimizer *optimizer;
  mt_scheduler *scheduler;
};

static struct run new_run(void) {
  struct run r;
  mt_module *parts[2];
  mt_tensors *list = NULL;
  OK(mt_nn_linear(&parts[0], 4, 1, NULL));
  OK(mt_nn_dropout(&parts[1], 0.5, false));
  OK(mt_nn_sequential(&r.model, (const mt_module *const *)parts, 2));
  OK(mt_module_free(parts[0]));
  OK(mt_module_free(parts[1]));
  OK(mt_module_parameters(&list, r.model));
  OK(mt_adam(&r.optimizer, list, NULL));
  OK(mt_tensors_free(list));
  OK(mt_cosine_annealing_lr(&r.scheduler, r.optimizer, 10, 0, -1));
  return r;
}

static void free_run(struct run r) {
  OK(mt_module_free(r.model));
  OK(mt_optimizer_free(r.optimizer));
  OK(mt_scheduler_free(r.scheduler));
}

static double train(struct run r) {
  const int64_t shape[] = {8, 4};
  mt_tensor *x = NULL, *y = NULL, *loss = NULL, *sq = NULL;
  OK(mt_randn(&x, shape, 2));
  OK(mt_optimizer_zero_grad(r.optimizer, false));
  OK(mt_module_forward(&y, r.model, x));
  OK(mt_mul(&sq, y, y));
  OK(mt_mean(&loss, sq));
  OK(mt_tensor_backward(loss, NULL, false, false));
  OK(mt_optimizer_step(r.optimizer));
  OK(mt_scheduler_step(r.scheduler));
  const double v = item(loss);
  OK(mt_tensor_free(x));
  OK(mt_tensor_free(y));
  OK(mt_tensor_free(sq));
  OK(mt_tensor_free(loss));
  return v;
}

static mt_checkpoint parts_of(const struct run *r) {
  mt_checkpoint parts;
  mt_checkpoint_init(&parts);
  parts.model = r->model;
  parts.optimizers = (const mt_optimizer *const *)&r->optimizer;
  parts.n_optimizers = 1;
  parts.schedulers = (const mt_scheduler *const *)&r->scheduler;
  parts.n_schedulers = 1;
  return parts;
}

static void checkpoints(void) {
  char path[] = "/tmp/minitorch-checkpoint-XXXXXX";
  CHECK(close(mkstemp(path)) == 0);
  struct run a = new_run(), b = new_run();
  train(a);
  mt_generator *g = NULL;
  mt_named_tensors *tensors = NULL, *loaded = NULL;
  mt_strings *keys = NULL, *values = NULL;
  const float one = 1;
  const char *const key = "host", *const value = "a C program", *const reserved = "minitorch.x";
  mt_tensor *t = vec(&one, 1);
  OK(mt_generator_create(&g));
  OK(mt_named_tensors_create(&tensors));
  OK(mt_named_tensors_set(tensors, "best", t));
  OK(mt_strings_create(&keys, &key, 1));
  OK(mt_strings_create(&values, &value, 1));
  mt_checkpoint parts = parts_of(&a);
  parts.generators = (const mt_generator *const *)&g;
  parts.n_generators = 1;
  parts.epoch = 3;
  parts.step = 77;
  parts.tensors = tensors;
  parts.metadata_keys = keys;
  parts.metadata_values = values;
  OK(mt_checkpoint_save(path, &parts));
  const double first = train(a), second = train(a);
  parts = parts_of(&b);
  int64_t epoch = 0, at = 0;
  mt_strings *got_keys = NULL, *got_values = NULL;
  OK(mt_checkpoint_load(path, &parts, &epoch, &at, &loaded, &got_keys, &got_values));
  CHECK(epoch == 3 && at == 77);
  CHECK(train(b) == first && train(b) == second);
  char *text = NULL;
  OK(mt_strings_get(&text, got_values, 0));
  CHECK(strcmp(text, value) == 0);
  OK(mt_string_free(text));
  size_t n = 0;
  OK(mt_named_tensors_count(&n, loaded));
  CHECK(n == 1);
  OK(mt_strings_free(got_keys));
  OK(mt_strings_free(got_values));
  OK(mt_named_tensors_free(loaded));
  OK(mt_strings_free(keys));
  OK(mt_strings_create(&keys, &reserved, 1));
  parts.metadata_keys = keys;
  parts.metadata_values = values;
  FAILS(MT_ERR_INVALID_ARGUMENT, "reserved key", mt_checkpoint_save(path, &parts));
  parts = parts_of(&b);
  OK(mt_optimizer_free(a.optimizer));
  parts.optimizers = (const mt_optimizer *const *)&a.optimizer;
  FAILS(MT_ERR_STALE_HANDLE, "parts.optimizers", mt_checkpoint_save(path, &parts));
  FAILS(MT_ERR_NULL_ARGUMENT, "parts", mt_checkpoint_save(path, NULL));
  parts.n_optimizers = 0;
  OK(mt_checkpoint_load(path, &parts, NULL, NULL, NULL, NULL, NULL));
  FAILS(MT_ERR_IO, "no-such",
        mt_checkpoint_load("/tmp/no-such-dir/x", &parts, NULL, NULL, NULL, NULL, NULL));
  a.optimizer = NULL;
  free_run(a);
  free_run(b);
  OK(mt_generator_free(g));
  OK(mt_named_tensors_free(tensors));
  OK(mt_strings_free(keys));
  OK(mt_strings_free(values));
  OK(mt_tensor_free(t));
  unlink(path);
}

int main(void) {
  RUN(optimizers);
  RUN(closures);
  RUN(groups);
  RUN(averages);
  RUN(checkpoints);
  RUN(nothing_is_left);
  return check_result();
}
