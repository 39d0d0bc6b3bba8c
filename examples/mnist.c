/* LeNet on the MNIST digits in C: trains with a shuffling loader, shows its progress, reports the
 * accuracy on the 10000 test images after every epoch (99 % after two to four), saves the weights.
 * Usage: mnist FOLDER [EPOCHS [WEIGHTS.safetensors]]
 *
 * FOLDER holds the four files, packed or not, as they are or in MNIST/raw as torchvision keeps
 * them: train-images-idx3-ubyte.gz  train-labels-idx1-ubyte.gz t10k-images-idx3-ubyte.gz
 * t10k-labels-idx1-ubyte.gz They are at https://ossci-datasets.s3.amazonaws.com/mnist/; from
 * Python, minitorch.vision.datasets.MNIST(FOLDER, download=True) fetches them. */
#include <minitorch/minitorch.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { kBatch = 64, kTestBatch = 1000, kClasses = 10 };

static void check(mt_status status) {
  if (status != MT_OK) {
    fprintf(stderr, "error: %s\n", mt_last_error());
    exit(1);
  }
}

static double seconds(void) {
  struct timespec t;
  timespec_get(&t, TIME_UTC);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The digits as float images, normalised with the mean and deviation of MNIST. */
static mt_data_loader* loader(const char* folder, bool train) {
  const double mean = 0.1307, std = 0.3081;
  mt_transform *steps[2], *prepare;
  mt_dataset *files, *images;
  mt_data_loader* out;
  mt_data_loader_options options;
  if (mt_dataset_mnist(&files, folder, "MNIST", NULL, train) != MT_OK) {
    fprintf(stderr,
            "error: %s\nThe four files of MNIST are at "
            "https://ossci-datasets.s3.amazonaws.com/mnist/\n"
            "(train-images-idx3-ubyte.gz and so on): put them into one folder and name it.\n",
            mt_last_error());
    exit(1);
  }
  check(mt_transform_to_tensor(&steps[0]));
  check(mt_transform_normalize(&steps[1], &mean, 1, &std, 1));
  check(mt_transform_compose(&prepare, (const mt_transform* const*)steps, 2));
  check(mt_dataset_transform(&images, files, prepare, NULL));
  mt_data_loader_options_init(&options);
  options.batch_size = train ? kBatch : kTestBatch;
  options.shuffle = train;
  check(mt_data_loader_create(&out, images, NULL, NULL, &options));
  mt_transform_free(steps[0]);
  mt_transform_free(steps[1]);
  mt_transform_free(prepare);
  mt_dataset_free(files);
  mt_dataset_free(images);
  return out;
}

/* Two convolutions and two linear layers (LeCun et al., 1998, with ReLU and max pooling). */
static mt_module* lenet(void) {
  const int64_t five = 5, two = 2;
  mt_module *layers[10], *model;
  int n = 0;
  check(mt_nn_conv2d(&layers[n++], 1, 20, &five, 1, NULL));
  check(mt_nn_relu(&layers[n++], false));
  check(mt_nn_max_pool2d(&layers[n++], &two, 1, NULL));
  check(mt_nn_conv2d(&layers[n++], 20, 50, &five, 1, NULL));
  check(mt_nn_relu(&layers[n++], false));
  check(mt_nn_max_pool2d(&layers[n++], &two, 1, NULL));
  check(mt_nn_flatten(&layers[n++], 1, -1));
  check(mt_nn_linear(&layers[n++], 50 * 4 * 4, 500, NULL));
  check(mt_nn_relu(&layers[n++], false));
  check(mt_nn_linear(&layers[n++], 500, kClasses, NULL));
  check(mt_nn_sequential(&model, (const mt_module* const*)layers, (size_t)n));
  while (n > 0) mt_module_free(layers[--n]);
  return model;
}

/* Every step runs in a scope, which frees what was made in it. */
static double train_epoch(mt_module* model, mt_optimizer* optimizer, mt_data_loader* data,
                          int epoch) {
  int64_t total = 0, done = 0;
  double sum = 0;
  const double begun = seconds();
  check(mt_data_loader_size(&total, data));
  check(mt_module_train(model, true));
  for (;;) {
    mt_tensors* batch;
    mt_tensor *images, *labels, *logits, *loss;
    double value;
    check(mt_scope_begin());
    check(mt_data_loader_next(&batch, data));
    if (!batch) break;
    check(mt_tensors_get(&images, batch, 0));
    check(mt_tensors_get(&labels, batch, 1));
    check(mt_optimizer_zero_grad(optimizer, true));
    check(mt_module_forward(&logits, model, images));
    check(mt_cross_entropy(&loss, logits, labels));
    check(mt_tensor_backward(loss, NULL, false, false));
    check(mt_optimizer_step(optimizer));
    check(mt_tensor_item_double(&value, loss));
    check(mt_scope_end());
    sum += value;
    if (++done % 50 != 0 && done != total) continue;
    printf("\repoch %d  %lld/%lld  loss %.4f  %.0f images/s ", epoch, (long long)done,
           (long long)total, sum / (double)done, (double)(done * kBatch) / (seconds() - begun));
    fflush(stdout);
  }
  check(mt_scope_end());
  return seconds() - begun;
}

static double accuracy(mt_module* model, mt_data_loader* data) {
  const int64_t dim = 1;
  int64_t right = 0, all = 0;
  check(mt_module_eval(model));
  check(mt_grad_mode_push(false));
  for (;;) {
    mt_tensors* batch;
    mt_tensor *images, *labels, *logits, *predicted, *same, *count;
    int64_t n;
    check(mt_scope_begin());
    check(mt_data_loader_next(&batch, data));
    if (!batch) break;
    check(mt_tensors_get(&images, batch, 0));
    check(mt_tensors_get(&labels, batch, 1));
    check(mt_module_forward(&logits, model, images));
    check(mt_argmax_dim(&predicted, logits, &dim, false));
    check(mt_eq(&same, predicted, labels));
    check(mt_sum(&count, same));
    check(mt_tensor_item_int64(&n, count));
    right += n;
    check(mt_tensor_numel(&n, labels));
    all += n;
    check(mt_scope_end());
  }
  check(mt_scope_end());
  check(mt_grad_mode_pop());
  return (double)right / (double)all;
}

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: %s FOLDER [EPOCHS [WEIGHTS.safetensors]]\n", argv[0]);
    return 2;
  }
  const int epochs = argc > 2 ? atoi(argv[2]) : 4;
  const char* path = argc > 3 ? argv[3] : "mnist.safetensors";
  mt_tensors* parameters;
  mt_named_tensors* state;
  mt_optimizer* optimizer;
  mt_scheduler* scheduler;
  check(mt_manual_seed(0));
  mt_data_loader *train = loader(argv[1], true), *test = loader(argv[1], false);
  mt_module* model = lenet();
  check(mt_module_parameters(&parameters, model));
  check(mt_adam(&optimizer, parameters, NULL));
  check(mt_exponential_lr(&scheduler, optimizer, 0.5, -1));
  for (int epoch = 1; epoch <= epochs; epoch++) {
    const double time = train_epoch(model, optimizer, train, epoch);
    check(mt_scheduler_step(scheduler));
    printf(" test accuracy %.2f %%  (%.0f s)\n", 100 * accuracy(model, test), time);
  }
  check(mt_module_state_dict(&state, model));
  check(mt_save_safetensors(path, state, NULL, NULL));
  printf("weights saved in %s\n", path);
  mt_named_tensors_free(state);
  mt_scheduler_free(scheduler);
  mt_optimizer_free(optimizer);
  mt_tensors_free(parameters);
  mt_module_free(model);
  mt_data_loader_free(train);
  mt_data_loader_free(test);
  return 0;
}
