// Options structs of ops: defaults by _init, NULL for all of them, members that are lists and
// strings, structs of other versions, and what is wrong in them.
#include "check.h"

static mt_tensor *shaped(int64_t a, int64_t b, int64_t c, int64_t d) {
  mt_tensor *t = NULL;
  OK(mt_ones(&t, (const int64_t[]){a, b, c, d}, 4));
  return t;
}

static void convolution(void) {
  mt_tensor *x = shaped(1, 1, 4, 4), *w = shaped(1, 1, 3, 3), *y = NULL;
  OK(mt_conv2d(&y, x, w, NULL));
  CHECK(at(y, 0) == 9);
  mt_tensor_free(y);
  OK(mt_conv2d_with(&y, x, w, NULL, NULL));
  CHECK(at(y, 3) == 9);
  mt_tensor_free(y);

  mt_conv_options options;
  mt_conv_options_init(&options);
  CHECK(options.struct_size == sizeof options && options.groups == 1 && options.n_stride == 0);
  const int64_t padding[] = {1, 0};
  options.padding = padding;
  options.n_padding = 2;
  OK(mt_conv2d_with(&y, x, w, NULL, &options));
  int64_t sizes[4] = {0};
  OK(mt_tensor_shape(sizes, 4, y));
  CHECK(sizes[2] == 4 && sizes[3] == 2);
  CHECK(at(y, 0) == 6 && at(y, 2) == 9);
  mt_tensor_free(y);

  options.n_padding = 0;
  options.auto_padding = "same";
  OK(mt_conv2d_with(&y, x, w, NULL, &options));
  CHECK(at(y, 0) == 4 && at(y, 5) == 9);
  mt_tensor_free(y);

  y = NULL;
  options.auto_padding = "middle";
  FAILS(MT_ERR_INVALID_ARGUMENT, "'middle'", mt_conv2d_with(&y, x, w, NULL, &options));
  options.auto_padding = NULL;
  FAILS(MT_ERR_NULL_ARGUMENT, "auto_padding", mt_conv2d_with(&y, x, w, NULL, &options));
  options.auto_padding = "";
  options.stride = NULL;
  options.n_stride = 2;
  FAILS(MT_ERR_NULL_ARGUMENT, "stride", mt_conv2d_with(&y, x, w, NULL, &options));
  mt_conv_options_init(&options);
  options.struct_size = 0;
  FAILS(MT_ERR_INVALID_ARGUMENT, "struct_size", mt_conv2d_with(&y, x, w, NULL, &options));
  // Of an older header, which ended behind the padding: the rest is as by default.
  mt_conv_options_init(&options);
  options.struct_size = offsetof(mt_conv_options, dilation);
  options.groups = -5;
  OK(mt_conv2d_with(&y, x, w, NULL, &options));
  mt_tensor_free(y);
  mt_tensor_free(x);
  mt_tensor_free(w);
  mt_conv_options_init(NULL);
}

static void pooling(void) {
  const float values[] = {1, 5, 2, 8, 3, 7};
  mt_tensor *flat = vec(values, 6), *x = NULL, *best = NULL, *where = NULL;
  OK(mt_reshape(&x, flat, (const int64_t[]){1, 1, 6}, 3));
  const int64_t two[] = {2};
  OK(mt_max_pool1d_with_indices(&best, &where, x, two, 1));
  CHECK(at(best, 0) == 5 && at(best, 1) == 8 && at(best, 2) == 7);
  mt_tensor_free(best);
  mt_tensor_free(where);
  mt_max_pool_options options;
  mt_max_pool_options_init(&options);
  const int64_t one[] = {1};
  options.stride = one;
  options.n_stride = 1;
  OK(mt_max_pool1d_with(&best, x, two, 1, &options));
  CHECK(at(best, 4) == 7 && at(best, 2) == 8);
  mt_tensor_free(best);
  mt_avg_pool_options means;
  mt_avg_pool_options_init(&means);
  CHECK(means.count_include_pad && means.divisor_override == NULL);
  const int64_t four = 4;
  means.divisor_override = &four;
  OK(mt_avg_pool1d_with(&best, x, two, 1, &means));
  CHECK(at(best, 0) == 1.5);
  mt_tensor_free(best);
  mt_tensor_free(x);
  mt_tensor_free(flat);
}

int main(void) {
  RUN(convolution);
  RUN(pooling);
  nothing_is_left();
  return check_result();
}
