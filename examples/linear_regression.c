/* The article's program in C: a line through the stopping distances of cars.
 * Trains on cars.csv (speed standardised) and ends at the least-squares solution.
 * Usage: linear_regression [cars.csv [curve.csv]]; the second file receives epoch,loss lines. */
#include <math.h>
#include <minitorch/minitorch.h>
#include <stdio.h>
#include <stdlib.h>

enum { kMaxRows = 1000, kEpochs = 1000 };

/* Ends the program with the library's message when a call fails. */
static void check(mt_status status) {
  if (status != MT_OK) {
    fprintf(stderr, "error: %s\n", mt_last_error());
    exit(1);
  }
}

static int read_cars(const char* path, float* speed, float* distance) {
  FILE* file = fopen(path, "r");
  if (!file) return 0;
  char line[256];
  int n = 0;
  if (!fgets(line, sizeof line, file)) n = 0; /* the header */
  while (n < kMaxRows && fgets(line, sizeof line, file)) {
    if (sscanf(line, "%f,%f", &speed[n], &distance[n]) == 2) n++;
  }
  fclose(file);
  return n;
}

/* In place: (x - mean) / standard deviation. */
static void standardize(float* x, int n) {
  double mean = 0, square = 0;
  for (int i = 0; i < n; i++) mean += x[i] / (double)n;
  for (int i = 0; i < n; i++) square += (x[i] - mean) * (x[i] - mean) / n;
  for (int i = 0; i < n; i++) x[i] = (float)((x[i] - mean) / sqrt(square));
}

/* class LinearRegressionModel(nn.Module): forward(x) = self.linear(x) */
static mt_status model_forward(mt_tensor** outputs, size_t capacity, size_t* n_outputs,
                               mt_module* self, const mt_tensor* const* inputs, size_t n_inputs,
                               void* user) {
  (void)capacity, (void)n_outputs, (void)self;
  if (n_inputs != 1) return mt_callback_error("LinearRegressionModel takes one input");
  mt_module* linear = user;
  return mt_module_forward(&outputs[0], linear, inputs[0]);
}

static mt_module* make_model(mt_module* linear) {
  mt_module* model = NULL;
  mt_module_def def;
  mt_module_def_init(&def);
  def.type_name = "LinearRegressionModel";
  def.forward = model_forward;
  def.user = linear;
  check(mt_nn_custom(&model, &def));
  check(mt_module_register_module(model, "linear", linear));
  return model;
}

int main(int argc, char** argv) {
  static float x[kMaxRows], y[kMaxRows];
  const char* path = argc > 1 ? argv[1] : "examples/data/cars.csv";
  const int n = read_cars(path, x, y);
  if (n == 0) {
    fprintf(stderr, "error: no rows in %s\n", path);
    return 1;
  }
  standardize(x, n);
  FILE* curve = argc > 2 ? fopen(argv[2], "w") : NULL;
  if (curve) fprintf(curve, "epoch,loss\n");

  check(mt_manual_seed(0));
  mt_module *linear = NULL, *loss_fn = NULL;
  check(mt_nn_linear(&linear, 1, 1, NULL));
  check(mt_nn_mse_loss(&loss_fn, MT_REDUCTION_MEAN));
  mt_module* model = make_model(linear);

  char* text = NULL;
  check(mt_module_to_string(&text, model));
  puts(text);
  mt_string_free(text);

  mt_tensors* parameters = NULL;
  mt_optimizer* optimizer = NULL;
  mt_sgd_options options;
  mt_sgd_options_init(&options);
  options.lr = 0.01;
  check(mt_module_parameters(&parameters, model));
  check(mt_sgd(&optimizer, parameters, &options));
  mt_tensors_free(parameters);

  /* The tensors lie on x and y themselves: nothing is copied. */
  const int64_t shape[2] = {n, 1};
  mt_tensor *inputs = NULL, *labels = NULL;
  check(mt_tensor_from_blob(&inputs, x, MT_FLOAT32, shape, 2, NULL, NULL, NULL));
  check(mt_tensor_from_blob(&labels, y, MT_FLOAT32, shape, 2, NULL, NULL, NULL));

  for (int epoch = 1; epoch <= kEpochs; epoch++) {
    mt_tensor *outputs = NULL, *loss = NULL;
    double value = 0;
    check(mt_optimizer_zero_grad(optimizer, false));
    check(mt_module_forward(&outputs, model, inputs));
    check(mt_module_forward2(&loss, loss_fn, outputs, labels));
    check(mt_tensor_backward(loss, NULL, false, false));
    check(mt_optimizer_step(optimizer));
    check(mt_tensor_item_double(&value, loss));
    if (epoch % 50 == 0) printf("Epoch: %d, Loss: %.6f\n", epoch, value);
    if (curve) fprintf(curve, "%d,%.9g\n", epoch, value);
    mt_tensor_free(loss);
    mt_tensor_free(outputs);
  }
  if (curve) fclose(curve);

  mt_tensor *weight = NULL, *bias = NULL;
  double slope = 0, intercept = 0;
  check(mt_module_get_parameter(&weight, linear, "weight"));
  check(mt_module_get_parameter(&bias, linear, "bias"));
  check(mt_tensor_item_double(&slope, weight));
  check(mt_tensor_item_double(&intercept, bias));

  /* Back to the units of the data: y = slope / std * speed + (intercept - slope * mean / std). */
  static float raw[kMaxRows];
  const int rows = read_cars(path, raw, y);
  double mean = 0, square = 0;
  for (int i = 0; i < rows; i++) mean += raw[i] / (double)rows;
  for (int i = 0; i < rows; i++) square += (raw[i] - mean) * (raw[i] - mean) / rows;
  const double std = sqrt(square);
  printf("distance = %.6f * speed %+.6f (least squares: 3.932409 * speed -17.579095)\n",
         slope / std, intercept - slope * mean / std);

  mt_tensor_free(weight);
  mt_tensor_free(bias);
  mt_tensor_free(inputs);
  mt_tensor_free(labels);
  mt_optimizer_free(optimizer);
  mt_module_free(model);
  mt_module_free(linear);
  mt_module_free(loss_fn);
  return 0;
}
