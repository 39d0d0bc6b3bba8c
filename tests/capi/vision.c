// Images in C: files in memory, operations, transforms, and their errors.
#include <stdlib.h>

#include "check.h"

static mt_tensor *image(int64_t channels, int64_t height, int64_t width) {
  mt_tensor *t = NULL;
  const int64_t shape[] = {channels, height, width};
  const int64_t n = channels * height * width;
  uint8_t *values = malloc((size_t)n);
  for (int64_t i = 0; i < n; ++i) values[i] = (uint8_t)(i * 7);
  OK(mt_tensor_from_data(&t, values, MT_UINT8, shape, 3));
  free(values);
  return t;
}

static void png_comes_back(void) {
  mt_tensor *img = image(3, 5, 7), *file = NULL, *back = NULL;
  mt_encode_options options;
  mt_decode_options decode;
  void *data = NULL;
  int64_t n = 0;
  bool same = false;
  if (!mt_has("png")) return;
  mt_encode_options_init(&options);
  options.format = MT_IMAGE_PNG;
  OK(mt_image_encode(&file, img, &options));
  OK(mt_tensor_data(&data, file));
  OK(mt_tensor_numel(&n, file));
  OK(mt_image_decode(&back, data, (size_t)n, NULL));
  OK(mt_equal(&same, img, back));
  CHECK(same);
  mt_tensor_free(back);
  back = NULL;
  FAILS(MT_ERR_FORMAT,
        "decode_image: damaged file: buffer: ", mt_image_decode(&back, data, (size_t)n / 2, NULL));
  mt_decode_options_init(&decode);
  decode.max_pixels = 34;
  FAILS(MT_ERR_FORMAT, "too large", mt_image_decode(&back, data, (size_t)n, &decode));
  FAILS(MT_ERR_FORMAT, "not an image", mt_image_decode(&back, NULL, 0, NULL));
  FAILS(MT_ERR_IO, "no-such-file", mt_image_read(&back, "no-such-file.png", NULL));
  CHECK(back == NULL);
  mt_tensor_free(file);
  mt_tensor_free(img);
}

static void operations(void) {
  mt_tensor *img = image(3, 20, 30), *out = NULL, *floats = NULL, *normal = NULL;
  const int64_t size[] = {10};
  const double mean[] = {0.5}, std[] = {0.25}, red[] = {255, 0, 0};
  mt_warp_options warp;
  int64_t shape[3];
  OK(mt_image_resize(&out, img, size, 1, MT_INTERPOLATION_BILINEAR, 0, false));
  OK(mt_tensor_shape(shape, 3, out));
  CHECK(shape[0] == 3 && shape[1] == 10 && shape[2] == 15);
  OK(mt_image_to_tensor(&floats, out));
  OK(mt_image_normalize(&normal, floats, mean, 1, std, 1));
  CLOSE(at(normal, 0), (at(floats, 0) - 0.5) / 0.25);
  mt_tensor_free(normal);
  mt_tensor_free(floats);
  mt_tensor_free(out);
  mt_warp_options_init(&warp);
  warp.expand = true;
  warp.fill = red;
  warp.n_fill = 3;
  OK(mt_image_rotate(&out, img, 45, &warp));
  CHECK(at(out, 0) == 255);
  mt_tensor_free(out);
  out = NULL;
  FAILS(MT_ERR_INVALID_ARGUMENT, "hue_factor 1", mt_image_adjust_hue(&out, img, 1));
  FAILS(MT_ERR_INVALID_ARGUMENT, "interpolation",
        mt_image_resize(&out, img, size, 1, (mt_interpolation)9, 0, false));
  CHECK(out == NULL);
  mt_tensor_free(img);
}

static int destroyed;
static void on_destroy(void *user) { destroyed += *(int *)user; }

static mt_status flip(mt_tensor **out, const mt_tensor *img, void *user) {
  (void)user;
  return mt_image_hflip(out, img);
}

static mt_status refuse(mt_tensor **out, const mt_tensor *img, void *user) {
  (void)out, (void)img, (void)user;
  return mt_callback_error("no image today");
}

static void transforms(void) {
  int one = 1;
  mt_tensor *img = image(3, 40, 50), *a = NULL, *b = NULL;
  mt_transform *list[4] = {NULL}, *all = NULL, *bad = NULL;
  mt_generator *generator = NULL;
  bool same = false;
  OK(mt_generator_create(&generator));
  OK(mt_transform_random_resized_crop(&list[0], 16, 16, NULL));
  OK(mt_transform_random_horizontal_flip(&list[1], 0.5));
  OK(mt_transform_lambda(&list[2], flip, &one, on_destroy));
  OK(mt_transform_to_tensor(&list[3]));
  OK(mt_transform_compose(&all, (const mt_transform *const *)list, 4));
  for (int i = 0; i < 4; ++i) mt_transform_free(list[i]);
  CHECK(destroyed == 0);
  OK(mt_generator_manual_seed(generator, 5));
  OK(mt_transform_apply(&a, all, img, generator));
  OK(mt_manual_seed(5));
  OK(mt_transform_apply(&b, all, img, NULL));
  OK(mt_equal(&same, a, b));
  CHECK(same);
  mt_tensor_free(a);
  mt_tensor_free(b);
  a = NULL;
  mt_transform_free(all);
  CHECK(destroyed == 1);
  OK(mt_transform_lambda(&bad, refuse, NULL, NULL));
  FAILS(MT_ERR_CALLBACK, "no image today", mt_transform_apply(&a, bad, img, NULL));
  CHECK(a == NULL);
  mt_transform_free(bad);
  bad = NULL;
  FAILS(MT_ERR_NULL_ARGUMENT, "function", mt_transform_lambda(&bad, NULL, &one, on_destroy));
  CHECK(destroyed == 2);
  FAILS(MT_ERR_INVALID_ARGUMENT, "p 2", mt_transform_random_horizontal_flip(&bad, 2));
  mt_generator_free(generator);
  mt_tensor_free(img);
}

int main(void) {
  const int64_t before = live(MT_HANDLE_ANY);
  RUN(png_comes_back);
  RUN(operations);
  RUN(transforms);
  CHECK(live(MT_HANDLE_ANY) == before);
  return check_result();
}
