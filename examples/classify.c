/* What is in an image, in C: the five likeliest classes that a pretrained model sees.
 * Usage: classify IMAGE WEIGHTS LABELS [MODEL]
 *
 * IMAGE is a JPEG or PNG file; WEIGHTS a file of torchvision's weights (.pth, .safetensors); LABELS
 * has a line for each class in order ("n02123159 tiger cat" or "tiger cat"); MODEL is torchvision's
 * name, squeezenet1_1 if none is given. The image is prepared as torchvision's models were trained:
 * the short side to 256 pixels, the middle 224 x 224, normalised with ImageNet's statistics. */
#include <ctype.h>
#include <minitorch/minitorch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kTop = 5 };

static void check(mt_status status) {
  if (status != MT_OK) {
    fprintf(stderr, "error: %s\n", mt_last_error());
    exit(1);
  }
}

static mt_tensor* prepared(const char* path) {
  const double mean[] = {0.485, 0.456, 0.406}, std[] = {0.229, 0.224, 0.225};
  const int64_t size = 256;
  mt_transform *steps[4], *all;
  mt_tensor *image, *input, *batch;
  check(mt_image_read(&image, path, NULL));
  check(mt_transform_resize(&steps[0], &size, 1, MT_INTERPOLATION_BILINEAR, 0, true));
  check(mt_transform_center_crop(&steps[1], 224, 224));
  check(mt_transform_to_tensor(&steps[2]));
  check(mt_transform_normalize(&steps[3], mean, 3, std, 3));
  check(mt_transform_compose(&all, (const mt_transform* const*)steps, 4));
  check(mt_transform_apply(&input, all, image, NULL));
  check(mt_unsqueeze(&batch, input, 0));
  for (int i = 0; i < 4; i++) mt_transform_free(steps[i]);
  mt_transform_free(all);
  mt_tensor_free(image);
  mt_tensor_free(input);
  return batch;
}

/* The label in line `wanted`, without WordNet's number in front. */
static const char* label(const char* path, int64_t wanted) {
  static char line[512];
  FILE* file = fopen(path, "r");
  int64_t i = -1;
  if (!file) {
    fprintf(stderr, "error: cannot open %s\n", path);
    exit(1);
  }
  while (i < wanted && fgets(line, sizeof line, file)) i++;
  fclose(file);
  if (i < wanted) return "(no label)";
  line[strcspn(line, "\r\n")] = '\0';
  return line[0] == 'n' && isdigit((unsigned char)line[1]) && strlen(line) > 10 ? line + 10 : line;
}

/* The number of lines. */
static int64_t count_lines(const char* path) {
  FILE* file = fopen(path, "r");
  int64_t n = 0;
  int last = '\n';
  if (!file) {
    fprintf(stderr, "error: cannot open %s\n", path);
    exit(1);
  }
  for (int c; (c = fgetc(file)) != EOF; last = c) n += c == '\n';
  fclose(file);
  return n + (last != '\n');
}

int main(int argc, char** argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: %s IMAGE WEIGHTS LABELS [MODEL]\n", argv[0]);
    return 2;
  }
  mt_module* model;
  mt_tensor *x, *logits, *probabilities, *values, *indices;
  mt_vision_model_options options;
  int64_t classes[kTop];
  float scores[kTop];
  mt_vision_model_options_init(&options);
  options.num_classes = count_lines(argv[3]);
  const int64_t top = options.num_classes < kTop ? options.num_classes : kTop;
  options.weights = argv[2];
  check(mt_vision_model(&model, argc > 4 ? argv[4] : "squeezenet1_1", &options));
  check(mt_module_eval(model));
  check(mt_grad_mode_push(false));
  x = prepared(argv[1]);
  check(mt_module_forward(&logits, model, x));
  check(mt_softmax(&probabilities, logits, 1));
  check(mt_topk(&values, &indices, probabilities, top));
  check(mt_tensor_copy_to_host(indices, classes, sizeof classes[0] * (size_t)top));
  check(mt_tensor_copy_to_host(values, scores, sizeof scores[0] * (size_t)top));
  for (int64_t i = 0; i < top; i++) {
    printf("%5.1f %%  %s\n", 100 * (double)scores[i], label(argv[3], classes[i]));
  }
  check(mt_grad_mode_pop());
  mt_tensor_free(values);
  mt_tensor_free(indices);
  mt_tensor_free(probabilities);
  mt_tensor_free(logits);
  mt_tensor_free(x);
  mt_module_free(model);
  return 0;
}
