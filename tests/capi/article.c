// The article's rows in C, a case each: tensors and their shapes, modules of one's own, printing,
// the optimizer and loss, memory shared with the host, the training loop, gradients, the graph,
// detach, and the three common mistakes. (Rows 10 and 11 are the vision part.)
#include <stdlib.h>

#include "check.h"

static void expect_text(char *got, const char *want) {
  if (!got || strcmp(got, want) != 0) check_report(__FILE__, __LINE__, want, got ? got : "NULL");
  OK(mt_string_free(got));
}

static void expect_print(const mt_tensor *t, const char *want) {
  char *text = NULL;
  OK(mt_tensor_to_string(&text, t));
  expect_text(text, want);
}

static void row_1_dimensions_count_the_brackets(void) {
  const int64_t values[] = {10, 7, 10, 7};
  const struct {
    const int64_t *data;
    size_t ndim;
    int64_t shape[2];
    const char *print;
  } cases[] = {
      {&values[1], 0, {0, 0}, "tensor(7)"},
      {values, 1, {2, 0}, "tensor([10,  7])"},
      {values, 2, {2, 2}, "tensor([[10,  7],\n        [10,  7]])"},
      {values, 2, {1, 2}, "tensor([[10,  7]])"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
    mt_tensor *t = NULL;
    int64_t ndim = -1, shape[2] = {-1, -1};
    OK(mt_tensor_from_data(&t, cases[i].data, MT_INT64, cases[i].shape, cases[i].ndim));
    OK(mt_tensor_ndim(&ndim, t));
    CHECK((size_t)ndim == cases[i].ndim);
    OK(mt_tensor_shape(shape, cases[i].ndim, t));
    for (size_t d = 0; d < cases[i].ndim; ++d) CHECK(shape[d] == cases[i].shape[d]);
    expect_print(t, cases[i].print);
    mt_tensor_free(t);
  }
}

// class LinearRegressionModel(nn.Module)
static mt_status forward(mt_tensor **outputs, size_t capacity, size_t *n_outputs, mt_module *self,
                         const mt_tensor *const *inputs, size_t n_inputs, void *user) {
  mt_module *linear = NULL;
  (void)capacity, (void)n_outputs, (void)n_inputs, (void)user;
  mt_status s = mt_module_get_submodule(&linear, self, "linear");
  if (s == MT_OK) s = mt_module_forward(&outputs[0], linear, inputs[0]);
  mt_module_free(linear);
  return s;
}

static mt_module *linear_regression_model(int64_t input_dim, int64_t output_dim) {
  mt_module *model = NULL, *linear = NULL;
  mt_module_def def;
  mt_module_def_init(&def);
  def.type_name = "LinearRegressionModel";
  def.forward = forward;
  OK(mt_nn_custom(&model, &def));
  OK(mt_nn_linear(&linear, input_dim, output_dim, NULL));
  OK(mt_module_register_module(model, "linear", linear));
  mt_module_free(linear);
  return model;
}

static void rows_2_and_3_a_module_of_ones_own_prints(void) {
  mt_module *model = linear_regression_model(1, 1);
  char *text = NULL;
  OK(mt_module_to_string(&text, model));
  expect_text(text,
              "LinearRegressionModel(\n  (linear): Linear(in_features=1, out_features=1, "
              "bias=True)\n)");
  mt_module_free(model);
}

static void row_4_optimizer_and_loss(void) {
  mt_module *model = linear_regression_model(1, 1), *loss_fn = NULL;
  mt_tensors *parameters = NULL;
  mt_optimizer *optimizer = NULL;
  mt_sgd_options options;
  size_t n = 0;
  OK(mt_nn_mse_loss(&loss_fn, MT_REDUCTION_MEAN));
  OK(mt_module_parameters(&parameters, model));
  OK(mt_tensors_count(&n, parameters));
  CHECK(n == 2);
  mt_sgd_options_init(&options);
  options.lr = 0.01;
  OK(mt_sgd(&optimizer, parameters, &options));
  mt_optimizer_free(optimizer);
  mt_tensors_free(parameters);
  mt_module_free(loss_fn);
  mt_module_free(model);
}

static void row_5_memory_is_shared(void) {
  double values[] = {1, 2, 3};
  const int64_t shape[] = {3, 1};
  mt_tensor *t = NULL, *one = NULL;
  mt_dtype dtype = MT_DTYPE_NONE;
  OK(mt_tensor_from_blob(&t, values, MT_FLOAT64, shape, 2, NULL, NULL, NULL));
  OK(mt_tensor_dtype(&dtype, t));
  CHECK(dtype == MT_FLOAT64);
  values[0] = 5;
  CHECK(at(t, 0) == 5);
  OK(mt_select(&one, t, 0, 1));
  OK(mt_zero_(one));
  CHECK(values[1] == 0);
  mt_tensor_free(one);
  mt_tensor_free(t);
}

// cars.csv: speed and distance; gives the number of rows.
static int read_cars(float *speed, float *distance, int capacity) {
  char path[1024], line[256];
  const char *folder = getenv("MT_GOLDEN_DIR");
  int n = 0;
  snprintf(path, sizeof path, "%s/../../examples/data/cars.csv", folder ? folder : "tests/golden");
  FILE *file = fopen(path, "r");
  if (!file) return 0;
  while (n < capacity && fgets(line, sizeof line, file)) {
    n += sscanf(line, "%f,%f", &speed[n], &distance[n]) == 2;
  }
  fclose(file);
  return n;
}

static void row_6_the_loop_reaches_least_squares(void) {
  float speed[100], distance[100];
  const int n = read_cars(speed, distance, 100);
  CHECK(n == 50);
  if (n != 50) return;
  double mean = 0, variance = 0, sum_xy = 0, sum_y = 0;
  for (int i = 0; i < n; ++i) mean += speed[i] / (double)n;
  for (int i = 0; i < n; ++i) variance += (speed[i] - mean) * (speed[i] - mean) / n;
  for (int i = 0; i < n; ++i) {
    sum_xy += (speed[i] - mean) * distance[i];
    sum_y += distance[i];
    speed[i] = (float)((speed[i] - mean) / sqrt(variance));
  }
  const double slope = sum_xy / (variance * n), intercept = sum_y / n - slope * mean;
  CLOSE(slope, 3.932409);

  OK(mt_manual_seed(0));
  mt_module *model = linear_regression_model(1, 1), *loss_fn = NULL;
  mt_tensors *parameters = NULL;
  mt_optimizer *optimizer = NULL;
  mt_sgd_options options;
  mt_tensor *inputs = NULL, *labels = NULL, *outputs = NULL, *loss = NULL;
  const int64_t shape[] = {n, 1};
  mt_sgd_options_init(&options);
  options.lr = 0.01;
  OK(mt_nn_mse_loss(&loss_fn, MT_REDUCTION_MEAN));
  OK(mt_module_parameters(&parameters, model));
  OK(mt_sgd(&optimizer, parameters, &options));
  OK(mt_tensor_from_blob(&inputs, speed, MT_FLOAT32, shape, 2, NULL, NULL, NULL));
  OK(mt_tensor_from_blob(&labels, distance, MT_FLOAT32, shape, 2, NULL, NULL, NULL));
  for (int epoch = 1; epoch <= 1000; ++epoch) {
    OK(mt_optimizer_zero_grad(optimizer, false));
    OK(mt_module_forward(&outputs, model, inputs));
    OK(mt_module_forward2(&loss, loss_fn, outputs, labels));
    OK(mt_tensor_backward(loss, NULL, false, false));
    OK(mt_optimizer_step(optimizer));
    if (epoch == 1000) CHECK(fabs(item(loss) - 227.070) < 0.01);
    mt_tensor_free(outputs);
    mt_tensor_free(loss);
  }
  mt_tensor *w = NULL, *b = NULL;
  OK(mt_module_get_parameter(&w, model, "linear.weight"));
  OK(mt_module_get_parameter(&b, model, "linear.bias"));
  const double found = item(w) / sqrt(variance);
  CHECK(fabs(found - slope) < 1e-3);
  CHECK(fabs(item(b) - found * mean - intercept) < 1e-3);
  mt_tensor_free(w);
  mt_tensor_free(b);
  mt_tensor_free(inputs);
  mt_tensor_free(labels);
  mt_optimizer_free(optimizer);
  mt_tensors_free(parameters);
  mt_module_free(loss_fn);
  mt_module_free(model);
}

static void row_7_gradient(void) {
  const float values[] = {1, 2, 3};
  mt_tensor *x = vec(values, 3), *y = NULL, *z = NULL, *grad = NULL;
  OK(mt_tensor_set_requires_grad(x, true));
  OK(mt_pow_scalar(&y, x, 2));
  OK(mt_sum(&z, y));
  OK(mt_tensor_backward(z, NULL, false, false));
  OK(mt_tensor_grad(&grad, x));
  expect_print(grad, "tensor([2., 4., 6.])");
  mt_tensor_free(grad);
  mt_tensor_free(z);
  mt_tensor_free(y);
  mt_tensor_free(x);
}

static void row_8_the_graph_can_be_looked_at(void) {
  const float values[] = {1, 2};
  mt_tensor *x = vec(values, 2), *y = NULL, *z = NULL, *leaf = NULL;
  mt_node *sum = NULL, *mul = NULL;
  char *text = NULL;
  OK(mt_tensor_set_requires_grad(x, true));
  OK(mt_mul_scalar(&y, x, 2));
  OK(mt_sum(&z, y));
  OK(mt_tensor_grad_fn(&sum, z));
  OK(mt_node_name(&text, sum));
  expect_text(text, "SumBackward0");
  OK(mt_node_input_node(&mul, sum, 0));
  OK(mt_node_name(&text, mul));
  expect_text(text, "MulBackward0");
  OK(mt_node_input_leaf(&leaf, mul, 0));
  bool same = false;
  OK(mt_tensor_is(&same, leaf, x));
  CHECK(same);
  OK(mt_graph_dot(&text, z, NULL, 0));
  CHECK(strstr(text, "SumBackward0") && strstr(text, "n1 -> n0"));
  OK(mt_string_free(text));
  mt_tensor_free(leaf);
  mt_node_free(mul);
  mt_node_free(sum);
  mt_tensor_free(z);
  mt_tensor_free(y);
  mt_tensor_free(x);
}

// exp saves its result for backward, so that the memory tells what was recorded.
static void row_9_nothing_is_recorded_without_need(void) {
  const int64_t n = 1000;
  mt_tensor *x = NULL, *detached = NULL, *y = NULL, *z = NULL;
  mt_node *node = NULL;
  bool requires_grad = true;
  OK(mt_ones(&x, &n, 1));
  for (int recorded = 0; recorded < 2; ++recorded) {
    OK(mt_tensor_set_requires_grad(x, recorded));
    OK(mt_exp(&y, x));
    OK(mt_neg(&z, y));
    mt_tensor_free(y);
    CHECK(bytes_in_use() == (2 + recorded) * n * 4);
    mt_tensor_free(z);
  }
  OK(mt_detach(&detached, x));
  OK(mt_exp(&y, detached));
  OK(mt_tensor_requires_grad(&requires_grad, y));
  OK(mt_tensor_grad_fn(&node, y));
  CHECK(!requires_grad && !node);
  mt_tensor_free(y);
  mt_tensor_free(detached);
  mt_tensor_free(x);
}

static void row_12_the_three_mistakes(void) {
  mt_module *linear = NULL;
  mt_tensor *x = NULL, *y = NULL, *out = NULL;
  const int64_t shape[] = {2, 3}, wrong[] = {2, 4};
  OK(mt_nn_linear(&linear, 3, 2, NULL));

  OK(mt_ones_with(&x, shape, 2, MT_FLOAT64, MT_CPU));  // 1. the dtype
  FAILS(MT_ERR_DTYPE,
        "linear: dtype mismatch: input is float64, weight is float32: both must have one dtype; "
        "convert with mt_tensor_to_dtype",
        mt_module_forward(&out, linear, x));
  mt_tensor_free(x);

  OK(mt_ones(&x, wrong, 2));  // 2. the shapes
  FAILS(MT_ERR_SHAPE, "linear: shape mismatch: input (2, 4), weight (2, 3): ",
        mt_module_forward(&out, linear, x));
  OK(mt_ones(&y, wrong, 2));
  FAILS(MT_ERR_SHAPE,
        "matmul: shape mismatch: lhs (2, 4), rhs (2, 4): lhs dim 1 (4) must equal rhs dim 0 (2)",
        mt_matmul(&out, x, y));
  mt_tensor_free(y);

  OK(mt_ones_with(&y, wrong, 2, MT_FLOAT32, MT_META));  // 3. the device
  FAILS(MT_ERR_DEVICE,
        "add: device mismatch: lhs on cpu, rhs on meta: both must be on one device; move with "
        "mt_tensor_to_device",
        mt_add(&out, x, y));
  CHECK(!out);
  mt_tensor_free(y);
  mt_tensor_free(x);
  mt_module_free(linear);
}

int main(void) {
  RUN(row_1_dimensions_count_the_brackets);
  RUN(rows_2_and_3_a_module_of_ones_own_prints);
  RUN(row_4_optimizer_and_loss);
  RUN(row_5_memory_is_shared);
  RUN(row_6_the_loop_reaches_least_squares);
  RUN(row_7_gradient);
  RUN(row_8_the_graph_can_be_looked_at);
  RUN(row_9_nothing_is_recorded_without_need);
  RUN(row_12_the_three_mistakes);
  RUN(nothing_is_left);
  return check_result();
}
