// Modules in C: layers, losses, containers, listings, state dicts, initial values, and exact handle
// counts. Modules of the host and hooks are in module_custom.c.
#include "check.h"

static mt_module *mlp(void) {
  mt_module *layers[3] = {NULL, NULL, NULL}, *model = NULL;
  OK(mt_nn_linear(&layers[0], 2, 3, NULL));
  OK(mt_nn_relu(&layers[1], false));
  OK(mt_nn_linear(&layers[2], 3, 1, NULL));
  OK(mt_nn_sequential(&model, (const mt_module *const *)layers, 3));
  for (int i = 0; i < 3; ++i) OK(mt_module_free(layers[i]));
  return model;
}

static void expect_string(char *got, const char *want) {
  if (!got || strcmp(got, want) != 0) check_report(__FILE__, __LINE__, want, got ? got : "NULL");
  OK(mt_string_free(got));
}

static void expect_repr(const mt_module *m, const char *want) {
  char *text = NULL;
  OK(mt_module_to_string(&text, m));
  expect_string(text, want);
}

static void layers(void) {
  mt_module *m = NULL;
  mt_linear_options linear;
  mt_linear_options_init(&linear);
  CHECK(linear.struct_size == sizeof linear && linear.bias && linear.dtype == MT_DTYPE_NONE);
  linear.bias = false;
  linear.dtype = MT_FLOAT64;
  OK(mt_nn_linear(&m, 4, 2, &linear));
  expect_repr(m, "Linear(in_features=4, out_features=2, bias=False)");
  mt_tensor *w = NULL;
  mt_dtype dtype = MT_DTYPE_NONE;
  OK(mt_module_get_parameter(&w, m, "weight"));
  OK(mt_tensor_dtype(&dtype, w));
  CHECK(dtype == MT_FLOAT64);
  OK(mt_tensor_free(w));
  FAILS(MT_ERR_KEY, "no parameter 'bias'", mt_module_get_parameter(&w, m, "bias"));
  OK(mt_module_free(m));

  const int64_t dim = 1;
  OK(mt_nn_identity(&m));
  expect_repr(m, "Identity()");
  OK(mt_module_free(m));
  OK(mt_nn_flatten(&m, 1, -1));
  expect_repr(m, "Flatten(start_dim=1, end_dim=-1)");
  OK(mt_module_free(m));
  OK(mt_nn_dropout(&m, 0.5, false));
  expect_repr(m, "Dropout(p=0.5, inplace=False)");
  OK(mt_module_free(m));
  OK(mt_nn_sigmoid(&m));
  OK(mt_module_free(m));
  OK(mt_nn_tanh(&m));
  OK(mt_module_free(m));
  OK(mt_nn_gelu(&m, NULL));
  expect_repr(m, "GELU(approximate='none')");
  OK(mt_module_free(m));
  OK(mt_nn_softmax(&m, &dim));
  expect_repr(m, "Softmax(dim=1)");
  OK(mt_module_free(m));
  OK(mt_nn_log_softmax(&m, NULL));
  expect_repr(m, "LogSoftmax(dim=None)");
  OK(mt_module_free(m));

  mt_module *untouched = m;
  FAILS(MT_ERR_INVALID_ARGUMENT, "p out of range", mt_nn_dropout(&m, 2, false));
  FAILS(MT_ERR_INVALID_ARGUMENT, "unknown approximate", mt_nn_gelu(&m, "erf"));
  FAILS(MT_ERR_INVALID_ARGUMENT, "negative size", mt_nn_linear(&m, -1, 1, NULL));
  FAILS(MT_ERR_NULL_ARGUMENT, "'out' is NULL", mt_nn_linear(NULL, 1, 1, NULL));
  linear.struct_size = 3;
  FAILS(MT_ERR_INVALID_ARGUMENT, "struct_size", mt_nn_linear(&m, 1, 1, &linear));
  FAILS(MT_ERR_INVALID_ARGUMENT, "'reduction' is 3", mt_nn_mse_loss(&m, 3));
  CHECK(m == untouched);
}

static void losses(void) {
  const float xs[] = {1, 3}, ys[] = {2, 5};
  mt_tensor *x = vec(xs, 2), *y = vec(ys, 2), *loss = NULL;
  mt_module *m = NULL;
  OK(mt_nn_mse_loss(&m, MT_REDUCTION_MEAN));
  OK(mt_module_forward2(&loss, m, x, y));
  CLOSE(item(loss), 2.5);
  OK(mt_tensor_free(loss));
  FAILS(MT_ERR_INVALID_ARGUMENT, "2 are expected", mt_module_forward(&loss, m, x));
  OK(mt_module_free(m));
  OK(mt_nn_l1_loss(&m, MT_REDUCTION_SUM));
  OK(mt_module_forward2(&loss, m, x, y));
  CLOSE(item(loss), 3);
  OK(mt_tensor_free(loss));
  OK(mt_module_free(m));
  OK(mt_nn_bce_loss(&m, NULL, MT_REDUCTION_MEAN));
  OK(mt_module_free(m));
  OK(mt_nn_bce_with_logits_loss(&m, NULL, MT_REDUCTION_MEAN, y));
  OK(mt_module_free(m));
  OK(mt_nn_nll_loss(&m, x, -100, MT_REDUCTION_MEAN));
  OK(mt_module_free(m));

  mt_cross_entropy_options options;
  mt_cross_entropy_options_init(&options);
  options.weight = x;
  options.reduction = MT_REDUCTION_SUM;
  OK(mt_nn_cross_entropy_loss(&m, &options));
  const int64_t label = 1, rows[] = {1, 2}, one = 1;
  const float logits_values[] = {0, 0};
  mt_tensor *logits = NULL, *labels = NULL;
  OK(mt_tensor_from_data(&logits, logits_values, MT_FLOAT32, rows, 2));
  OK(mt_tensor_from_data(&labels, &label, MT_INT64, &one, 1));
  OK(mt_module_forward2(&loss, m, logits, labels));
  CLOSE(item(loss), 3 * 0.69314718);
  OK(mt_tensor_free(loss));
  OK(mt_module_free(m));
  options.weight = (const mt_tensor *)m;
  FAILS(MT_ERR_STALE_HANDLE, "options.weight", mt_nn_cross_entropy_loss(&m, &options));
  OK(mt_tensor_free(logits));
  OK(mt_tensor_free(labels));
  OK(mt_tensor_free(x));
  OK(mt_tensor_free(y));
}

static void contents(void) {
  mt_module *m = mlp(), *child = NULL, *same = NULL;
  char *text = NULL;
  size_t n = 0;
  bool is = false;
  expect_repr(
      m,
      "Sequential(\n  (0): Linear(in_features=2, out_features=3, bias=True)\n  (1): ReLU()\n"
      "  (2): Linear(in_features=3, out_features=1, bias=True)\n)");
  OK(mt_module_type_name(&text, m));
  expect_string(text, "Sequential");
  OK(mt_sequential_size(&n, m));
  CHECK(n == 3);
  OK(mt_module_child_count(&n, m));
  CHECK(n == 3);
  OK(mt_module_child(&child, m, 2));
  OK(mt_module_get_submodule(&same, m, "2"));
  OK(mt_module_is(&is, child, same));
  CHECK(is);
  OK(mt_module_child_name(&text, m, 2));
  expect_string(text, "2");
  FAILS(MT_ERR_INDEX, "index 3 in a list of 3", mt_module_child_name(&text, m, 3));
  FAILS(MT_ERR_INVALID_ARGUMENT, "must be a Sequential", mt_sequential_append(child, m));
  FAILS(MT_ERR_INVALID_ARGUMENT, "cycle", mt_sequential_append(m, m));
  OK(mt_sequential_append(m, child));
  OK(mt_sequential_size(&n, m));
  CHECK(n == 4);
  OK(mt_module_register_module(m, "3", NULL));
  OK(mt_module_free(child));
  OK(mt_module_child(&child, m, 3));
  CHECK(child == NULL);
  OK(mt_module_free(same));

  mt_tensors *parameters = NULL;
  OK(mt_module_parameters(&parameters, m));
  OK(mt_tensors_count(&n, parameters));
  CHECK(n == 4);
  OK(mt_tensors_free(parameters));
  mt_named_tensors *named = NULL;
  OK(mt_module_named_parameters(&named, m));
  OK(mt_named_tensors_name(&text, named, 3));
  expect_string(text, "2.bias");
  OK(mt_named_tensors_free(named));
  mt_strings *paths = NULL;
  OK(mt_module_named_modules(&paths, m));
  OK(mt_strings_count(&n, paths));
  CHECK(n == 4);
  OK(mt_strings_get(&text, paths, 0));
  expect_string(text, "");
  FAILS(MT_ERR_INDEX, "index out of range", mt_strings_get(&text, paths, 4));
  OK(mt_strings_free(paths));

  int64_t count = 0;
  OK(mt_module_num_parameters(&count, m, false));
  CHECK(count == 2 * 3 + 3 + 3 + 1);
  OK(mt_module_requires_grad_(m, false));
  OK(mt_module_num_parameters(&count, m, true));
  CHECK(count == 0);

  const float values[] = {7};
  mt_tensor *t = vec(values, 1), *found = NULL;
  OK(mt_module_register_buffer(m, "steps", t, true));
  OK(mt_module_get_buffer(&found, m, "steps"));
  OK(mt_tensor_is(&is, found, t));
  CHECK(is);
  OK(mt_tensor_free(found));
  FAILS(MT_ERR_KEY, "name taken", mt_module_register_parameter(m, "steps", t));
  FAILS(MT_ERR_KEY, "bad name", mt_module_register_parameter(m, "a.b", t));
  FAILS(MT_ERR_NULL_ARGUMENT, "'name'", mt_module_register_parameter(m, NULL, t));
  OK(mt_module_named_buffers(&named, m));
  OK(mt_named_tensors_count(&n, named));
  CHECK(n == 1);
  OK(mt_named_tensors_free(named));
  OK(mt_tensor_free(t));
  OK(mt_module_free(m));
}

static void training_state(void) {
  mt_module *m = mlp();
  bool training = false;
  OK(mt_module_is_training(&training, m));
  CHECK(training);
  OK(mt_module_eval(m));
  OK(mt_module_is_training(&training, m));
  CHECK(!training);
  OK(mt_module_train(m, true));
  const float values[] = {1, 2};
  mt_tensor *x = vec(values, 2), *y = NULL, *w = NULL, *grad = NULL;
  OK(mt_module_forward(&y, m, x));
  OK(mt_tensor_backward(y, NULL, false, false));
  OK(mt_module_get_parameter(&w, m, "2.bias"));
  OK(mt_tensor_grad(&grad, w));
  CLOSE(item(grad), 1);
  OK(mt_tensor_free(grad));
  OK(mt_module_zero_grad(m, false));
  OK(mt_tensor_grad(&grad, w));
  CLOSE(item(grad), 0);
  OK(mt_tensor_free(grad));
  OK(mt_module_zero_grad(m, true));
  OK(mt_tensor_grad(&grad, w));
  CHECK(grad == NULL);
  OK(mt_module_to_dtype(m, MT_FLOAT64));
  mt_dtype dtype = MT_DTYPE_NONE;
  OK(mt_tensor_dtype(&dtype, w));
  CHECK(dtype == MT_FLOAT64);
  FAILS(MT_ERR_DTYPE, "floating-point", mt_module_to_dtype(m, MT_INT32));
  FAILS(MT_ERR_INVALID_ARGUMENT, "unknown dtype", mt_module_to_dtype(m, 99));
  OK(mt_module_to_device(m, MT_META));
  FAILS(MT_ERR_INVALID_ARGUMENT, "unknown device", mt_module_to_device(m, 9));
  OK(mt_tensor_free(w));
  OK(mt_tensor_free(y));
  OK(mt_tensor_free(x));
  OK(mt_module_free(m));
}

static void state_dict(void) {
  mt_module *a = mlp(), *b = mlp();
  mt_named_tensors *state = NULL;
  mt_strings *missing = NULL, *unexpected = NULL;
  size_t n = 0;
  char *text = NULL;
  bool has = true;
  OK(mt_module_state_dict(&state, a));
  OK(mt_module_load_state_dict(b, state, true, NULL, NULL));
  mt_tensor *wa = NULL, *wb = NULL;
  OK(mt_module_get_parameter(&wa, a, "0.weight"));
  OK(mt_module_get_parameter(&wb, b, "0.weight"));
  for (int i = 0; i < 6; ++i) CHECK(at(wa, i) == at(wb, i));
  OK(mt_named_tensors_set(state, "extra", wa));
  OK(mt_named_tensors_remove(state, "2.bias"));
  OK(mt_named_tensors_has(&has, state, "2.bias"));
  CHECK(!has);
  OK(mt_named_tensors_has(&has, state, "extra"));
  CHECK(has);
  FAILS(MT_ERR_KEY, "Missing key(s) in state_dict: \"2.bias\"",
        mt_module_load_state_dict(b, state, true, &missing, &unexpected));
  CHECK(missing == NULL && unexpected == NULL);
  OK(mt_module_load_state_dict(b, state, false, &missing, &unexpected));
  OK(mt_strings_count(&n, missing));
  CHECK(n == 1);
  OK(mt_strings_get(&text, missing, 0));
  expect_string(text, "2.bias");
  OK(mt_strings_get(&text, unexpected, 0));
  expect_string(text, "extra");
  OK(mt_named_tensors_set(state, "0.weight", wb));  // replaces in place
  OK(mt_named_tensors_name(&text, state, 0));
  expect_string(text, "0.weight");
  FAILS(MT_ERR_KEY, "'2.bias'", mt_named_tensors_remove(state, "2.bias"));
  mt_tensor *found = NULL;
  FAILS(MT_ERR_KEY, "no tensor is named", mt_named_tensors_get(&found, state, "none"));
  FAILS(MT_ERR_INDEX, "must be less", mt_named_tensors_at(&found, state, 99));
  OK(mt_named_tensors_get(&found, state, "extra"));
  OK(mt_tensor_free(found));
  OK(mt_named_tensors_at(&found, state, 0));
  OK(mt_tensor_free(found));
  OK(mt_named_tensors_free(state));
  OK(mt_strings_free(missing));
  OK(mt_strings_free(unexpected));
  OK(mt_tensor_free(wa));
  OK(mt_tensor_free(wb));
  OK(mt_module_free(a));
  OK(mt_module_free(b));
}

static void init(void) {
  const int64_t shape[] = {2, 2};
  const float zeros[] = {0, 0, 0, 0};
  mt_tensor *t = NULL, *p = NULL;
  bool is = false;
  OK(mt_tensor_from_data(&t, zeros, MT_FLOAT32, shape, 2));
  OK(mt_make_parameter(&p, t, true));
  OK(mt_tensor_is_parameter(&is, p));
  CHECK(is);
  OK(mt_tensor_is_parameter(&is, t));
  CHECK(!is);
  OK(mt_nn_init_constant_(p, 3));
  CHECK(at(t, 3) == 3);
  OK(mt_nn_init_eye_(p));
  CHECK(at(t, 0) == 1 && at(t, 1) == 0);
  OK(mt_nn_init_uniform_(p, -1, 1));
  OK(mt_nn_init_normal_(p, 0, 1));
  OK(mt_nn_init_xavier_uniform_(p, 1));
  OK(mt_nn_init_xavier_normal_(p, 1));
  OK(mt_nn_init_kaiming_uniform_(p, 0, NULL, NULL));
  OK(mt_nn_init_kaiming_normal_(p, 0, "fan_out", "relu"));
  FAILS(MT_ERR_INVALID_ARGUMENT, "unknown mode", mt_nn_init_kaiming_normal_(p, 0, "fan", NULL));
  FAILS(MT_ERR_INVALID_ARGUMENT, "swish", mt_nn_init_kaiming_normal_(p, 0, NULL, "swish"));
  double gain = 0;
  const double slope = 1;
  OK(mt_nn_init_calculate_gain(&gain, "leaky_relu", &slope));
  CLOSE(gain, 1);
  OK(mt_nn_init_calculate_gain(&gain, "tanh", NULL));
  CLOSE(gain, 5.0 / 3);
  OK(mt_tensor_free(p));
  OK(mt_tensor_free(t));
}

int main(void) {
  RUN(layers);
  RUN(losses);
  RUN(contents);
  RUN(training_state);
  RUN(state_dict);
  RUN(init);
  RUN(nothing_is_left);
  return check_result();
}
