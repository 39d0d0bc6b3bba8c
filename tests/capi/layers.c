// Layers in C: options structs with lists, options by name, copies, printed forms, and running
// modules of several inputs and outputs.
#include "check.h"

static void expect_text(char *got, const char *want) {
  if (!got || strcmp(got, want) != 0) check_report(__FILE__, __LINE__, want, got ? got : "NULL");
  OK(mt_string_free(got));
}

static void expect_repr(const mt_module *m, const char *want) {
  char *text = NULL;
  OK(mt_module_to_string(&text, m));
  expect_text(text, want);
}

static mt_tensor *randn(const int64_t *shape, size_t n) {
  mt_tensor *t = NULL;
  OK(mt_randn(&t, shape, n));
  return t;
}

static void expect_shape(const mt_tensor *t, int n, const int64_t *want) {
  int64_t dims = 0, size = 0;
  OK(mt_tensor_ndim(&dims, t));
  CHECK(dims == n);
  for (int i = 0; i < n && i < dims; ++i) {
    OK(mt_tensor_size(&size, t, i));
    CHECK(size == want[i]);
  }
}

static void convolution(void) {
  const int64_t three = 3, stride[2] = {2, 1}, shape[4] = {1, 4, 7, 6}, out[4] = {1, 6, 3, 4};
  mt_conv2d_options o;
  mt_conv2d_options_init(&o);
  CHECK(o.bias && o.groups == 1 && strcmp(o.padding_mode, "zeros") == 0 && o.n_stride == 0);
  o.stride = stride;
  o.n_stride = 2;
  o.groups = 2;
  o.bias = false;
  mt_module *m = NULL;
  OK(mt_nn_conv2d(&m, 4, 6, &three, 1, &o));
  expect_repr(m, "Conv2d(4, 6, kernel_size=(3, 3), stride=(2, 1), groups=2, bias=False)");
  mt_tensor *x = randn(shape, 4), *y = NULL;
  OK(mt_module_forward(&y, m, x));
  expect_shape(y, 4, out);
  OK(mt_tensor_free(y));
  OK(mt_module_free(m));
  OK(mt_nn_conv2d(&m, 4, 1, &three, 1, NULL));
  OK(mt_module_set_option(m, "padding", "1"));
  expect_repr(m, "Conv2d(4, 1, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))");
  OK(mt_module_free(m));
  o.groups = 3;
  FAILS(MT_ERR_INVALID_ARGUMENT, "must be a multiple of groups",
        mt_nn_conv2d(&m, 4, 6, &three, 1, &o));
  FAILS(MT_ERR_INVALID_ARGUMENT, "kernel_size has 3 numbers",
        mt_nn_conv2d(&m, 4, 6, (const int64_t[]){3, 3, 3}, 3, NULL));
  FAILS(MT_ERR_NULL_ARGUMENT, "stride", (o.stride = NULL, mt_nn_conv2d(&m, 4, 6, &three, 1, &o)));
  OK(mt_tensor_free(x));
}

static void batch_norm(void) {
  const int64_t shape[2] = {8, 3};
  mt_batch_norm1d_options o;
  mt_batch_norm1d_options_init(&o);
  CHECK(o.momentum && *o.momentum == 0.1 && o.eps == 1e-5 && o.affine && o.track_running_stats);
  o.momentum = NULL;
  mt_module *m = NULL;
  OK(mt_nn_batch_norm1d(&m, 3, &o));
  expect_repr(m, "BatchNorm1d(3, eps=1e-05, momentum=None, affine=True, track_running_stats=True)");
  mt_tensor *x = randn(shape, 2), *y = NULL, *count = NULL;
  for (int i = 0; i < 2; ++i) {
    OK(mt_module_forward(&y, m, x));
    OK(mt_tensor_free(y));
  }
  OK(mt_module_get_buffer(&count, m, "num_batches_tracked"));
  CHECK(item(count) == 2);
  OK(mt_tensor_free(count));
  OK(mt_tensor_free(x));
  OK(mt_module_free(m));
}

static void options_by_name(void) {
  mt_module *m = NULL;
  char *text = NULL;
  mt_strings *names = NULL;
  size_t n = 0;
  OK(mt_nn_max_pool2d(&m, (const int64_t[]){3, 2}, 2, NULL));
  OK(mt_module_option_names(&names, m));
  OK(mt_strings_count(&n, names));
  CHECK(n == 6);
  OK(mt_strings_free(names));
  OK(mt_module_get_option(&text, m, "stride"));
  expect_text(text, "(3, 2)");
  OK(mt_module_set_option(m, "ceil_mode", "True"));
  OK(mt_module_set_option(m, "stride", "[1, 2]"));
  OK(mt_module_get_option(&text, m, "stride"));
  expect_text(text, "(1, 2)");
  expect_repr(m,
              "MaxPool2d(kernel_size=(3, 2), stride=(1, 2), padding=0, dilation=1, "
              "ceil_mode=True)");
  FAILS(MT_ERR_KEY, "MaxPool2d has the options kernel_size, stride",
        mt_module_get_option(&text, m, "size"));
  FAILS(MT_ERR_INVALID_ARGUMENT, "must be True or False",
        mt_module_set_option(m, "ceil_mode", "maybe"));
  FAILS(MT_ERR_INVALID_ARGUMENT, "must be integers", mt_module_set_option(m, "stride", "(1, x)"));
  OK(mt_module_get_option(&text, m, "stride"));
  expect_text(text, "(1, 2)");
  OK(mt_module_free(m));
  OK(mt_nn_sequential(&m, NULL, 0));
  FAILS(MT_ERR_KEY, "Sequential has no options", mt_module_set_option(m, "p", "1"));
  OK(mt_module_free(m));
}

static void several_outputs(void) {
  const int64_t two = 2, shape[4] = {1, 1, 4, 4}, half[4] = {1, 1, 2, 2};
  mt_max_pool2d_options o;
  mt_max_pool2d_options_init(&o);
  o.return_indices = true;
  mt_module *pool = NULL, *back = NULL;
  OK(mt_nn_max_pool2d(&pool, &two, 1, &o));
  OK(mt_nn_max_unpool2d(&back, &two, 1, NULL, 0, NULL, 0));
  mt_tensor *x = randn(shape, 4), *both[2] = {NULL, NULL}, *y = NULL;
  mt_tensors *results = NULL;
  size_t n = 0;
  OK(mt_module_call(&results, pool, (const mt_tensor *const *)&x, 1));
  OK(mt_tensors_count(&n, results));
  CHECK(n == 2);
  OK(mt_tensors_get(&both[0], results, 0));
  OK(mt_tensors_get(&both[1], results, 1));
  expect_shape(both[1], 4, half);
  OK(mt_module_forward2(&y, back, both[0], both[1]));
  expect_shape(y, 4, shape);
  FAILS(MT_ERR_INVALID_ARGUMENT, "2 outputs", mt_module_forward(&y, pool, x));
  OK(mt_tensor_free(y));
  for (int i = 0; i < 2; ++i) OK(mt_tensor_free(both[i]));
  OK(mt_tensors_free(results));
  OK(mt_tensor_free(x));
  OK(mt_module_free(pool));
  OK(mt_module_free(back));
}

static void copies(void) {
  mt_module *linear = NULL, *model = NULL, *deep = NULL, *shallow = NULL;
  mt_tensor *a = NULL, *b = NULL;
  bool same = true;
  OK(mt_nn_linear(&linear, 2, 2, NULL));
  const mt_module *twice[2] = {linear, linear};
  OK(mt_nn_sequential(&model, twice, 2));
  OK(mt_module_clone(&deep, model, true));
  OK(mt_module_clone(&shallow, model, false));
  expect_repr(deep,
              "Sequential(\n  (0): Linear(in_features=2, out_features=2, bias=True)\n  (1): "
              "Linear(in_features=2, out_features=2, bias=True)\n)");
  OK(mt_module_get_parameter(&a, deep, "0.weight"));
  OK(mt_nn_init_zeros_(a));
  OK(mt_module_get_parameter(&b, deep, "1.weight"));  // shared as in the original
  OK(mt_tensor_is(&same, a, b));
  CHECK(same);
  OK(mt_tensor_free(b));
  OK(mt_module_get_parameter(&b, model, "0.weight"));
  OK(mt_tensor_is(&same, a, b));
  CHECK(!same);
  OK(mt_tensor_free(a));
  OK(mt_module_get_parameter(&a, shallow, "0.weight"));
  OK(mt_tensor_is(&same, a, b));
  CHECK(same);
  OK(mt_tensor_free(a));
  OK(mt_tensor_free(b));
  for (int i = 0; i < 4; ++i) OK(mt_module_free((mt_module *[]){linear, model, deep, shallow}[i]));
}

static void initialisers(void) {
  const int64_t shape[3] = {2, 2, 3};
  mt_tensor *t = randn(shape, 3), *flat = NULL;
  OK(mt_nn_init_dirac_(t, 1));
  OK(mt_nn_init_ones_(t));
  OK(mt_nn_init_zeros_(t));
  OK(mt_nn_init_trunc_normal_(t, 0, 1, -2, 2));
  OK(mt_nn_init_orthogonal_(t, 1));
  FAILS(MT_ERR_SHAPE, "2-dim", mt_nn_init_sparse_(t, 0.5, 0.01));
  OK(mt_tensor_free(t));
  flat = randn(shape, 2);
  OK(mt_nn_init_sparse_(flat, 0.5, 0.01));
  OK(mt_tensor_free(flat));
}

int main(void) {
  RUN(convolution);
  RUN(batch_norm);
  RUN(options_by_name);
  RUN(several_outputs);
  RUN(copies);
  RUN(initialisers);
  RUN(nothing_is_left);
  return check_result();
}
