/* Fine-tuning in C: a pretrained squeezenet1_1 learns the classes of a folder of photos. Its
 * features stay as they are; a new last convolution is trained. Usage: finetune WEIGHTS FOLDER
 * [EPOCHS [OUT.safetensors]]
 *
 * WEIGHTS is torchvision's squeezenet1_1 for ImageNet's 1000 classes (.pth, .safetensors). FOLDER
 * is what torchvision calls an ImageFolder: a folder for each class with its images (JPEG, PNG).
 * Where it has the subfolders train and val, these are two ImageFolders; otherwise one fifth of the
 * images is set aside for the accuracy. */
#include <minitorch/minitorch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kBatch = 32, kWorkers = 2 };

static void check(mt_status status) {
  if (status != MT_OK) {
    fprintf(stderr, "error: %s\n", mt_last_error());
    exit(1);
  }
}

/* --- data ------------------------------------------------------------------------------------ */

/* A random part of the image, maybe mirrored, for training; the middle for testing. */
static mt_transform* preparation(bool train) {
  const double mean[] = {0.485, 0.456, 0.406}, std[] = {0.229, 0.224, 0.225};
  const int64_t size = 256;
  mt_transform *steps[4], *all;
  if (train) {
    mt_random_resized_crop_options crop;
    mt_random_resized_crop_options_init(&crop);
    check(mt_transform_random_resized_crop(&steps[0], 224, 224, &crop));
    check(mt_transform_random_horizontal_flip(&steps[1], 0.5));
  } else {
    check(mt_transform_resize(&steps[0], &size, 1, MT_INTERPOLATION_BILINEAR, 0, true));
    check(mt_transform_center_crop(&steps[1], 224, 224));
  }
  check(mt_transform_to_tensor(&steps[2]));
  check(mt_transform_normalize(&steps[3], mean, 3, std, 3));
  check(mt_transform_compose(&all, (const mt_transform* const*)steps, 4));
  for (int i = 0; i < 4; i++) mt_transform_free(steps[i]);
  return all;
}

static mt_data_loader* loader(const mt_dataset* images, bool train) {
  mt_transform* prepare = preparation(train);
  mt_dataset* samples;
  mt_data_loader* out;
  mt_data_loader_options options;
  check(mt_dataset_transform(&samples, images, prepare, NULL));
  mt_data_loader_options_init(&options);
  options.batch_size = kBatch;
  options.shuffle = train;
  options.num_workers = kWorkers;
  check(mt_data_loader_create(&out, samples, NULL, NULL, &options));
  mt_dataset_free(samples);
  mt_transform_free(prepare);
  return out;
}

/* The images to train with and those to test with; returns the number of classes. */
static size_t read_folder(const char* folder, mt_dataset* parts[2]) {
  char path[4096];
  mt_strings* classes;
  size_t n;
  snprintf(path, sizeof path, "%s/train", folder);
  if (mt_dataset_image_folder(&parts[0], path, NULL) == MT_OK) {
    snprintf(path, sizeof path, "%s/val", folder);
    check(mt_dataset_image_folder(&parts[1], path, NULL));
    check(mt_dataset_classes(&classes, parts[0]));
  } else {
    const double shares[] = {0.8, 0.2};
    mt_dataset* all;
    check(mt_dataset_image_folder(&all, folder, NULL));
    check(mt_dataset_classes(&classes, all));
    check(mt_dataset_random_split(parts, all, shares, 2, NULL));
    mt_dataset_free(all);
  }
  check(mt_strings_count(&n, classes));
  mt_strings_free(classes);
  return n;
}

/* --- the model ------------------------------------------------------------------------------- */

static mt_module* pretrained(const char* weights, size_t n_classes, mt_tensors** trained) {
  const int64_t kernel = 1;
  mt_module *model, *features, *classifier, *last;
  mt_tensor* weight;
  mt_vision_model_options options;
  mt_vision_model_options_init(&options);
  options.weights = weights;
  check(mt_vision_squeezenet1_1(&model, &options));
  check(mt_module_get_submodule(&features, model, "features"));
  check(mt_module_requires_grad_(features, false));
  check(mt_module_get_submodule(&classifier, model, "classifier"));
  check(mt_nn_conv2d(&last, 512, (int64_t)n_classes, &kernel, 1, NULL));
  check(mt_module_get_parameter(&weight, last, "weight"));
  check(mt_nn_init_normal_(weight, 0, 0.01));
  check(mt_module_register_module(classifier, "1", last));
  check(mt_module_parameters(trained, last));
  mt_tensor_free(weight);
  mt_module_free(last);
  mt_module_free(classifier);
  mt_module_free(features);
  return model;
}

static int64_t count_right(const mt_tensor* logits, const mt_tensor* labels) {
  const int64_t dim = 1;
  mt_tensor *predicted, *same, *count;
  int64_t n;
  check(mt_argmax_dim(&predicted, logits, &dim, false));
  check(mt_eq(&same, predicted, labels));
  check(mt_sum(&count, same));
  check(mt_tensor_item_int64(&n, count));
  return n;
}

/* One pass over the data; trains when there is an optimizer. Returns the share of images whose
 * class was found. */
static double pass(mt_module* model, mt_data_loader* data, mt_optimizer* optimizer,
                   const char* title) {
  int64_t batches = 0, done = 0, images = 0, right = 0;
  check(mt_data_loader_size(&batches, data));
  check(mt_module_train(model, optimizer != NULL));
  check(mt_grad_mode_push(optimizer != NULL));
  for (;;) {
    mt_tensors* batch;
    mt_tensor *x, *labels, *logits, *loss;
    int64_t n;
    check(mt_scope_begin());
    check(mt_data_loader_next(&batch, data));
    if (!batch) break;
    check(mt_tensors_get(&x, batch, 0));
    check(mt_tensors_get(&labels, batch, 1));
    check(mt_module_forward(&logits, model, x));
    if (optimizer) {
      check(mt_optimizer_zero_grad(optimizer, true));
      check(mt_cross_entropy(&loss, logits, labels));
      check(mt_tensor_backward(loss, NULL, false, false));
      check(mt_optimizer_step(optimizer));
    }
    check(mt_tensor_numel(&n, labels));
    images += n;
    right += count_right(logits, labels);
    check(mt_scope_end());
    printf("\r%s  batch %lld/%lld  accuracy %.1f %% ", title, (long long)++done, (long long)batches,
           100 * (double)right / (double)images);
    fflush(stdout);
  }
  check(mt_scope_end());
  check(mt_grad_mode_pop());
  putchar('\n');
  return images ? (double)right / (double)images : 0;
}

int main(int argc, char** argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: %s WEIGHTS FOLDER [EPOCHS [OUT.safetensors]]\n", argv[0]);
    return 2;
  }
  const int epochs = argc > 3 ? atoi(argv[3]) : 5;
  const char* path = argc > 4 ? argv[4] : "finetuned.safetensors";
  char title[64];
  mt_dataset* parts[2];
  mt_tensors* trained;
  mt_optimizer* optimizer;
  mt_named_tensors* state;
  check(mt_manual_seed(0));
  const size_t n_classes = read_folder(argv[2], parts);
  mt_module* model = pretrained(argv[1], n_classes, &trained);
  mt_data_loader *train = loader(parts[0], true), *test = loader(parts[1], false);
  check(mt_adam(&optimizer, trained, NULL));
  printf("%zu classes\n", n_classes);
  for (int epoch = 1; epoch <= epochs; epoch++) {
    snprintf(title, sizeof title, "epoch %d/%d  training", epoch, epochs);
    pass(model, train, optimizer, title);
    snprintf(title, sizeof title, "epoch %d/%d  test    ", epoch, epochs);
    pass(model, test, NULL, title);
  }
  check(mt_module_state_dict(&state, model));
  check(mt_save_safetensors(path, state, NULL, NULL));
  printf("weights saved in %s\n", path);
  mt_named_tensors_free(state);
  mt_optimizer_free(optimizer);
  mt_tensors_free(trained);
  mt_module_free(model);
  mt_data_loader_free(train);
  mt_data_loader_free(test);
  mt_dataset_free(parts[0]);
  mt_dataset_free(parts[1]);
  return 0;
}
