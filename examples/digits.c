/* Handwritten digits in C: a two-layer network on the 1797 real 8x8 digits of the UCI set.
 * Trains on four fifths, shows a progress bar, and reports the accuracy on the last fifth.
 * Usage: digits [digits.csv.gz] */
#include <minitorch/minitorch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { kPixels = 64, kMax = 2000, kBatch = 32, kEpochs = 40, kHidden = 256, kClasses = 10 };

static void check(mt_status status) {
  if (status != MT_OK) {
    fprintf(stderr, "error: %s\n", mt_last_error());
    exit(1);
  }
}

/* Rows of 64 pixels (0 to 16) and the label. Returns the number of rows. */
static int read_digits(const char* path, float* pixels, int64_t* labels) {
  gzFile file = gzopen(path, "rb");
  if (!file) return 0;
  char line[1024];
  int n = 0;
  while (n < kMax && gzgets(file, line, sizeof line)) {
    char* field = strtok(line, ",");
    for (int i = 0; field && i < kPixels; i++, field = strtok(NULL, ",")) {
      pixels[n * kPixels + i] = (float)atof(field) / 16;
    }
    if (!field) break;
    labels[n++] = (int64_t)atof(field);
  }
  gzclose(file);
  return n;
}

static void progress(int done, int total, double loss) {
  const int width = 30, filled = done * width / total;
  printf("\r[");
  for (int i = 0; i < width; i++) putchar(i < filled ? '#' : '.');
  printf("] epoch %d/%d  loss %.4f", done, total, loss);
  fflush(stdout);
}

/* Rows of `source` named by an index tensor of n entries. */
static mt_tensor* rows(const mt_tensor* source, const mt_tensor* index) {
  mt_tensor* out = NULL;
  check(mt_index_select(&out, source, 0, index));
  return out;
}

static double accuracy(mt_module* model, const mt_tensor* x, const mt_tensor* y) {
  mt_tensor *logits = NULL, *predicted = NULL, *same = NULL, *count = NULL;
  const int64_t dim = 1;
  int64_t right = 0, total = 0;
  check(mt_module_eval(model));
  check(mt_grad_mode_push(false));
  check(mt_module_forward(&logits, model, x));
  check(mt_argmax_dim(&predicted, logits, &dim, false));
  check(mt_eq(&same, predicted, y));
  check(mt_sum(&count, same));
  check(mt_tensor_item_int64(&right, count));
  check(mt_tensor_numel(&total, y));
  check(mt_grad_mode_pop());
  check(mt_module_train(model, true));
  mt_tensor_free(logits);
  mt_tensor_free(predicted);
  mt_tensor_free(same);
  mt_tensor_free(count);
  return (double)right / (double)total;
}

int main(int argc, char** argv) {
  static float pixels[kMax * kPixels];
  static int64_t labels[kMax];
  const char* path = argc > 1 ? argv[1] : "examples/data/digits.csv.gz";
  const int n = read_digits(path, pixels, labels);
  if (n < 10) {
    fprintf(stderr, "error: no digits in %s\n", path);
    return 1;
  }
  check(mt_manual_seed(0));

  /* Shuffle once, then split: four fifths to train, one fifth held out. */
  const int64_t shape[2] = {n, kPixels}, count = n, train = n * 4 / 5;
  mt_tensor *all_x = NULL, *all_y = NULL, *order = NULL, *first = NULL, *last = NULL;
  check(mt_tensor_from_blob(&all_x, pixels, MT_FLOAT32, shape, 2, NULL, NULL, NULL));
  check(mt_tensor_from_blob(&all_y, labels, MT_INT64, &count, 1, NULL, NULL, NULL));
  check(mt_randperm(&order, n));
  check(mt_narrow(&first, order, 0, 0, train));
  check(mt_narrow(&last, order, 0, train, n - train));
  mt_tensor *x = rows(all_x, first), *y = rows(all_y, first);
  mt_tensor *test_x = rows(all_x, last), *test_y = rows(all_y, last);

  mt_module *layers[4] = {NULL}, *model = NULL, *loss_fn = NULL;
  check(mt_nn_linear(&layers[0], kPixels, kHidden, NULL));
  check(mt_nn_relu(&layers[1], false));
  check(mt_nn_dropout(&layers[2], 0.1, false));
  check(mt_nn_linear(&layers[3], kHidden, kClasses, NULL));
  check(mt_nn_sequential(&model, (const mt_module* const*)layers, 4));
  check(mt_nn_cross_entropy_loss(&loss_fn, NULL));
  char* text = NULL;
  check(mt_module_to_string(&text, model));
  puts(text);
  mt_string_free(text);

  mt_tensors* parameters = NULL;
  mt_optimizer* optimizer = NULL;
  mt_adam_options options;
  mt_adam_options_init(&options);
  options.lr = 2e-3;
  check(mt_module_parameters(&parameters, model));
  check(mt_adam(&optimizer, parameters, &options));
  mt_tensors_free(parameters);

  for (int epoch = 1; epoch <= kEpochs; epoch++) {
    double sum = 0;
    int batches = 0;
    /* What is made inside a scope is freed at its end. */
    check(mt_scope_begin());
    mt_tensor* shuffled = NULL;
    check(mt_randperm(&shuffled, train));
    for (int64_t at = 0; at < train; at += kBatch) {
      const int64_t size = train - at < kBatch ? train - at : kBatch;
      mt_tensor *index = NULL, *outputs = NULL, *loss = NULL;
      double value = 0;
      check(mt_narrow(&index, shuffled, 0, at, size));
      check(mt_optimizer_zero_grad(optimizer, false));
      check(mt_module_forward(&outputs, model, rows(x, index)));
      check(mt_module_forward2(&loss, loss_fn, outputs, rows(y, index)));
      check(mt_tensor_backward(loss, NULL, false, false));
      check(mt_optimizer_step(optimizer));
      check(mt_tensor_item_double(&value, loss));
      sum += value;
      batches++;
    }
    check(mt_scope_end());
    progress(epoch, kEpochs, sum / batches);
  }
  const double result = accuracy(model, test_x, test_y);
  printf("\naccuracy on %lld held-out digits: %.2f %%\n", (long long)(n - train), 100 * result);

  mt_tensor* tensors[] = {all_x, all_y, order, first, last, x, y, test_x, test_y};
  for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) mt_tensor_free(tensors[i]);
  for (int i = 0; i < 4; i++) mt_module_free(layers[i]);
  mt_optimizer_free(optimizer);
  mt_module_free(model);
  mt_module_free(loss_fn);
  return result >= 0.97 ? 0 : 1;
}
