// Optimizers in C: a regression that reaches its optimum, groups and options, state, clipping.
#include "check.h"

static mt_tensors *list_of(mt_tensor *a, mt_tensor *b) {
  const mt_tensor *items[] = {a, b};
  mt_tensors *list = NULL;
  OK(mt_tensors_create(&list, items, b ? 2 : 1));
  return list;
}

static mt_tensor *parameter(float value) {
  mt_tensor *t = vec(&value, 1);
  OK(mt_tensor_set_requires_grad(t, true));
  return t;
}

// y = 2 x + 1, learnt with the calls that a program makes.
static void training(void) {
  mt_module *model = NULL, *loss_fn = NULL;
  mt_tensors *parameters = NULL;
  mt_optimizer *optimizer = NULL;
  OK(mt_nn_linear(&model, 1, 1, NULL));
  OK(mt_nn_mse_loss(&loss_fn, MT_REDUCTION_MEAN));
  OK(mt_module_parameters(&parameters, model));
  mt_sgd_options options;
  mt_sgd_options_init(&options);
  CHECK(options.lr == 1e-3 && options.momentum == 0);
  options.lr = 0.1;
  OK(mt_sgd(&optimizer, parameters, &options));
  OK(mt_tensors_free(parameters));
  const float xs[] = {-1, 0, 1, 2}, ys[] = {-1, 1, 3, 5};
  const int64_t shape[] = {4, 1};
  mt_tensor *x = NULL, *y = NULL;
  OK(mt_tensor_from_data(&x, xs, MT_FLOAT32, shape, 2));
  OK(mt_tensor_from_data(&y, ys, MT_FLOAT32, shape, 2));
  double last = 0;
  for (int epoch = 0; epoch < 300; ++epoch) {
    mt_tensor *out = NULL, *loss = NULL;
    OK(mt_optimizer_zero_grad(optimizer, false));
    OK(mt_module_forward(&out, model, x));
    OK(mt_module_forward2(&loss, loss_fn, out, y));
    OK(mt_tensor_backward(loss, NULL, false, false));
    OK(mt_optimizer_step(optimizer));
    last = item(loss);
    OK(mt_tensor_free(out));
    OK(mt_tensor_free(loss));
  }
  CHECK(last < 1e-8);
  mt_tensor *w = NULL;
  OK(mt_module_get_parameter(&w, model, "weight"));
  CHECK(fabs(item(w) - 2) < 1e-3);
  OK(mt_tensor_free(w));
  OK(mt_tensor_free(x));
  OK(mt_tensor_free(y));
  OK(mt_optimizer_free(optimizer));
  OK(mt_module_free(loss_fn));
  OK(mt_module_free(model));
}

static void groups(void) {
  mt_tensor *a = parameter(1), *b = parameter(2);
  mt_tensors *first = list_of(a, NULL), *second = list_of(b, NULL), *params = NULL;
  mt_optimizer *o = NULL;
  char *text = NULL;
  size_t n = 0;
  double v = 0;
  OK(mt_adamw(&o, first, NULL));
  OK(mt_optimizer_get_option(&v, o, 0, "weight_decay"));
  CHECK(v == 1e-2);
  OK(mt_optimizer_add_param_group(o, second));
  OK(mt_optimizer_group_count(&n, o));
  CHECK(n == 2);
  OK(mt_optimizer_group_params(&params, o, 1));
  OK(mt_tensors_count(&n, params));
  CHECK(n == 1);
  OK(mt_tensors_free(params));
  FAILS(MT_ERR_INDEX, "group 2 of 2", mt_optimizer_group_params(&params, o, 2));
  OK(mt_optimizer_set_option(o, 1, "lr", 0.5));
  OK(mt_optimizer_get_option(&v, o, 1, "lr"));
  CHECK(v == 0.5);
  OK(mt_optimizer_get_option(&v, o, 0, "lr"));
  CHECK(v == 1e-3);
  FAILS(MT_ERR_KEY, "unknown option: 'momentum'", mt_optimizer_set_option(o, 0, "momentum", 1));
  FAILS(MT_ERR_INVALID_ARGUMENT, "invalid lr", mt_optimizer_set_option(o, -1, "lr", -1));
  FAILS(MT_ERR_INVALID_ARGUMENT, "repeated parameter", mt_optimizer_add_param_group(o, first));
  OK(mt_optimizer_type_name(&text, o));
  CHECK(strcmp(text, "AdamW") == 0);
  OK(mt_string_free(text));
  OK(mt_optimizer_to_string(&text, o));
  CHECK(strstr(text, "AdamW (\nParameter Group 0\n    amsgrad: False\n    betas: (0.9, 0.999)\n"));
  OK(mt_string_free(text));
  mt_strings *names = NULL;
  OK(mt_optimizer_option_names(&names, o));
  OK(mt_strings_get(&text, names, 0));
  CHECK(strcmp(text, "lr") == 0);
  OK(mt_string_free(text));
  OK(mt_strings_free(names));
  OK(mt_optimizer_free(o));
  FAILS(MT_ERR_STALE_HANDLE, "self", mt_optimizer_step(o));
  FAILS(MT_ERR_DOUBLE_FREE, "self", mt_optimizer_free(o));
  mt_tensors *none = NULL;
  OK(mt_tensors_create(&none, NULL, 0));
  FAILS(MT_ERR_INVALID_ARGUMENT, "empty parameter list", mt_sgd(&o, none, NULL));
  mt_adam_options options;
  mt_adam_options_init(&options);
  CHECK(options.weight_decay == 0 && options.beta2 == 0.999);
  options.beta1 = 2;
  FAILS(MT_ERR_INVALID_ARGUMENT, "invalid beta1", mt_adam(&o, first, &options));
  OK(mt_tensors_free(none));
  OK(mt_tensors_free(first));
  OK(mt_tensors_free(second));
  OK(mt_tensor_free(a));
  OK(mt_tensor_free(b));
}

static void step_with(mt_optimizer *o, mt_tensor *p, float gradient) {
  mt_tensor *g = vec(&gradient, 1);
  OK(mt_tensor_set_grad(p, g));
  OK(mt_tensor_free(g));
  OK(mt_optimizer_step(o));
}

static void state(void) {
  mt_tensor *a = parameter(1), *b = parameter(1), *step = NULL;
  mt_tensors *la = list_of(a, NULL), *lb = list_of(b, NULL);
  mt_optimizer *oa = NULL, *ob = NULL;
  OK(mt_adam(&oa, la, NULL));
  OK(mt_adam(&ob, lb, NULL));
  step_with(oa, a, 0.5f);
  step_with(ob, b, 0.5f);
  step_with(oa, a, -2);
  mt_named_tensors *state = NULL;
  OK(mt_optimizer_state_dict(&state, oa));
  OK(mt_named_tensors_get(&step, state, "state.0.step"));
  CHECK(item(step) == 2);
  OK(mt_tensor_free(step));
  OK(mt_optimizer_load_state_dict(ob, state));
  const double before = item(a);
  OK(mt_named_tensors_set(state, "nonsense", a));
  FAILS(MT_ERR_KEY, "'nonsense'", mt_optimizer_load_state_dict(ob, state));
  OK(mt_named_tensors_free(state));
  step_with(ob, b, -2);
  CHECK(item(a) == before);
  OK(mt_optimizer_state_dict(&state, ob));
  OK(mt_named_tensors_get(&step, state, "state.0.step"));
  CHECK(item(step) == 3);
  OK(mt_tensor_free(step));
  OK(mt_named_tensors_free(state));
  OK(mt_optimizer_free(oa));
  OK(mt_optimizer_free(ob));
  OK(mt_tensors_free(la));
  OK(mt_tensors_free(lb));
  OK(mt_tensor_free(a));
  OK(mt_tensor_free(b));
}

static void clipping(void) {
  mt_tensor *a = parameter(1), *b = parameter(1), *grad = NULL;
  mt_tensors *list = list_of(a, b);
  const float three = 3, four = -4;
  mt_tensor *ga = vec(&three, 1), *gb = vec(&four, 1);
  OK(mt_tensor_set_grad(a, ga));
  OK(mt_tensor_set_grad(b, gb));
  double norm = 0;
  OK(mt_clip_grad_norm_(&norm, list, 10, 2, true));
  CLOSE(norm, 5);
  OK(mt_clip_grad_norm_(NULL, list, 1, 2, false));
  OK(mt_tensor_grad(&grad, b));
  CLOSE(item(grad), -0.8);
  OK(mt_tensor_free(grad));
  OK(mt_clip_grad_value_(list, 0.7));
  OK(mt_tensor_grad(&grad, b));
  CLOSE(item(grad), -0.7);
  OK(mt_tensor_free(grad));
  OK(mt_tensor_grad(&grad, a));
  CLOSE(item(grad), 0.6);
  OK(mt_tensor_free(grad));
  OK(mt_optimizer_free(NULL));
  OK(mt_tensor_free(ga));
  OK(mt_tensor_free(gb));
  OK(mt_tensors_free(list));
  OK(mt_tensor_free(a));
  OK(mt_tensor_free(b));
}

int main(void) {
  RUN(training);
  RUN(groups);
  RUN(state);
  RUN(clipping);
  RUN(nothing_is_left);
  return check_result();
}
