// Weight and spectral norm, functions in the place of a layer's forward, output sizes, the adaptive
// softmax, running statistics anew, copies of hooks, and a tensor's data replaced; in C alone.
#include <stdlib.h>

#include "check.h"

static mt_tensor *randn(int n, const int64_t *shape) {
  mt_tensor *t = NULL;
  OK(mt_randn(&t, shape, (size_t)n));
  return t;
}

static mt_tensor *forward(mt_module *m, const mt_tensor *x) {
  mt_tensor *y = NULL;
  OK(mt_module_forward(&y, m, x));
  return y;
}

static bool same_values(const mt_tensor *a, const mt_tensor *b) {
  bool same = false;
  OK(mt_allclose_within(&same, a, b, 1e-5, 1e-6, false));
  return same;
}

static int count_parameters(const mt_module *m) {
  mt_tensors *list = NULL;
  size_t n = 0;
  OK(mt_module_parameters(&list, m));
  OK(mt_tensors_count(&n, list));
  OK(mt_tensors_free(list));
  return (int)n;
}

static void weight_norm(void) {
  const int64_t shape[] = {4, 3};
  mt_module *m = NULL, *copy = NULL;
  OK(mt_scope_begin());
  mt_tensor *x = randn(2, shape);
  OK(mt_nn_linear(&m, 3, 2, NULL));
  mt_tensor *before = forward(m, x);
  OK(mt_weight_norm(m, "weight", 0));
  FAILS(MT_ERR_STATE, "already there", mt_weight_norm(m, "weight", 0));
  FAILS(MT_ERR_KEY, "wight", mt_weight_norm(m, "wight", 0));
  FAILS(MT_ERR_INDEX, "dim 2", mt_weight_norm(m, "bias", 2));
  CHECK(count_parameters(m) == 3);
  CHECK(same_values(before, forward(m, x)));
  // Twice the lengths: twice the products.
  mt_tensor *g = NULL, *bias = NULL, *now = NULL, *products = NULL, *zero = NULL;
  OK(mt_module_get_parameter(&bias, m, "bias"));
  OK(mt_zeros(&zero, (const int64_t[]){2}, 1));
  OK(mt_tensor_set_data(bias, zero));
  products = forward(m, x);
  OK(mt_module_get_parameter(&g, m, "weight_g"));
  OK(mt_mul_scalar(&now, g, 2));
  OK(mt_detach(&now, now));
  OK(mt_tensor_set_data(g, now));
  OK(mt_mul_scalar(&products, products, 2));
  CHECK(same_values(products, forward(m, x)));
  OK(mt_module_clone(&copy, m, true));
  CHECK(count_parameters(copy) == 3);
  CHECK(same_values(products, forward(copy, x)));
  // The gradient reaches both parts.
  mt_tensor *loss = NULL, *grad = NULL;
  OK(mt_sum(&loss, forward(m, x)));
  OK(mt_tensor_backward(loss, NULL, false, false));
  OK(mt_tensor_grad(&grad, g));
  CHECK(grad != NULL);
  OK(mt_remove_weight_norm(m, "weight"));
  CHECK(count_parameters(m) == 2);
  CHECK(same_values(products, forward(m, x)));
  FAILS(MT_ERR_KEY, "not normed", mt_remove_weight_norm(m, "weight"));
  OK(mt_module_free(copy));
  OK(mt_module_free(m));
  OK(mt_scope_end());
}

static void spectral_norm(void) {
  const int64_t shape[] = {4, 3};
  OK(mt_scope_begin());
  mt_module *m = NULL;
  OK(mt_nn_linear(&m, 3, 2, NULL));
  mt_spectral_norm_options o;
  mt_spectral_norm_options_init(&o);
  CHECK(o.n_power_iterations == 1 && o.eps == 1e-12 && !o.dim);
  o.n_power_iterations = 0;
  FAILS(MT_ERR_INVALID_ARGUMENT, "n_power_iterations 0", mt_spectral_norm(m, "weight", &o));
  o.n_power_iterations = 50;
  OK(mt_spectral_norm(m, "weight", &o));
  mt_tensor *x = randn(2, shape), *u = NULL;
  forward(m, x);
  OK(mt_module_get_buffer(&u, m, "weight_u"));
  OK(mt_remove_spectral_norm(m, "weight"));
  FAILS(MT_ERR_KEY, "weight_u", mt_module_get_buffer(&u, m, "weight_u"));
  // What is left has the largest singular value 1.
  mt_tensor *weight = NULL, *norm = NULL;
  OK(mt_module_get_parameter(&weight, m, "weight"));
  OK(mt_linalg_matrix_norm(&norm, weight, "2", NULL, 0, false));
  CHECK(fabs(item(norm) - 1) < 1e-5);
  OK(mt_module_free(m));
  OK(mt_scope_end());
}

static mt_status doubled(mt_tensor **outputs, size_t capacity, size_t *n_outputs, mt_module *self,
                         const mt_tensor *const *inputs, size_t n_inputs, void *user) {
  (void)capacity;
  (void)n_outputs;
  ++*(int *)user;
  mt_tensors *own = NULL;
  mt_tensor *y = NULL;
  mt_status s = mt_module_call_own(&own, self, inputs, n_inputs);
  if (s == MT_OK) s = mt_tensors_get(&y, own, 0);
  if (s == MT_OK) s = mt_mul_scalar(&outputs[0], y, 2);
  mt_tensor_free(y);
  mt_tensors_free(own);
  return s;
}

static mt_status note(mt_tensor **replacements, mt_module *module, const mt_tensor *const *inputs,
                      size_t n_inputs, const mt_tensor *const *outputs, size_t n_outputs,
                      void *user) {
  (void)replacements, (void)module, (void)inputs, (void)n_inputs, (void)outputs, (void)n_outputs;
  ++*(int *)user;
  return MT_OK;
}

static void add_one(void *user) { ++*(int *)user; }

static void own_forward(void) {
  int calls[2] = {0, 0}, seen = 0;
  const int64_t shape[] = {2, 3};
  OK(mt_scope_begin());
  mt_module *parts[2] = {NULL}, *model = NULL, *copy = NULL;
  OK(mt_nn_linear(&parts[0], 3, 3, NULL));
  OK(mt_nn_relu(&parts[1], false));
  OK(mt_nn_sequential(&model, (const mt_module *const *)parts, 2));
  mt_tensor *x = randn(2, shape), *plain = forward(model, x), *twice = NULL;
  OK(mt_mul_scalar(&twice, plain, 2));
  OK(mt_module_set_forward(parts[0], doubled, &calls[0], NULL));
  uint64_t id = 0;
  OK(mt_module_register_forward_hook(&id, parts[0], note, &seen, NULL));
  CHECK(same_values(twice, forward(model, x)) && calls[0] == 1 && seen == 1);
  // Copies have the function and the hook.
  OK(mt_module_clone(&copy, model, true));
  CHECK(same_values(twice, forward(copy, x)) && calls[0] == 2 && seen == 2);
  OK(mt_module_remove_hook(parts[0], id));
  forward(copy, x);
  CHECK(seen == 3);
  OK(mt_module_set_forward(parts[0], NULL, &calls[1], add_one));
  CHECK(calls[1] == 1);
  CHECK(same_values(plain, forward(model, x)) && calls[0] == 3);
  FAILS(MT_ERR_INVALID_HANDLE, "",
        mt_module_set_forward((mt_module *)(intptr_t)7, doubled, &calls[1], add_one));
  CHECK(calls[1] == 2);
  OK(mt_module_free(copy));
  OK(mt_module_free(model));
  for (int i = 0; i < 2; ++i) OK(mt_module_free(parts[i]));
  OK(mt_scope_end());
}

static void output_sizes(void) {
  const int64_t shape[] = {1, 2, 5, 5}, sizes[] = {10, 9}, too_far[] = {12, 9}, n[] = {2};
  OK(mt_scope_begin());
  mt_module *m = NULL;
  mt_conv_transpose2d_options o;
  mt_conv_transpose2d_options_init(&o);
  const int64_t two[] = {2, 2}, one[] = {1, 1}, three[] = {3, 3};
  o.stride = two;
  o.n_stride = 2;
  o.padding = one;
  o.n_padding = 2;
  OK(mt_nn_conv_transpose2d(&m, 2, 3, three, 2, &o));
  mt_tensor *x = randn(4, shape), *size = NULL, *far = NULL, *y = NULL;
  OK(mt_tensor_from_data(&size, sizes, MT_INT64, n, 1));
  OK(mt_tensor_from_data(&far, too_far, MT_INT64, n, 1));
  const mt_tensor *inputs[] = {x, size}, *wrong[] = {x, far}, *kind[] = {x, x};
  mt_tensors *out = NULL;
  int64_t got[2] = {0, 0};
  OK(mt_module_call(&out, m, inputs, 2));
  OK(mt_tensors_get(&y, out, 0));
  for (int i = 0; i < 2; ++i) OK(mt_tensor_size(&got[i], y, 2 + i));
  CHECK(got[0] == 10 && got[1] == 9);
  FAILS(MT_ERR_INVALID_ARGUMENT, "valid sizes range from (9, 9) to (10, 10)",
        mt_module_call(&out, m, wrong, 2));
  FAILS(MT_ERR_INVALID_ARGUMENT, "output_size", mt_module_call(&out, m, kind, 2));
  OK(mt_module_free(m));
  OK(mt_scope_end());
}

static void adaptive_softmax(void) {
  const int64_t cutoffs[] = {2, 5}, shape[] = {6, 8}, n[] = {6}, classes[] = {0, 1, 3, 4, 6, 9};
  OK(mt_scope_begin());
  mt_module *m = NULL, *linear = NULL;
  OK(mt_nn_adaptive_log_softmax_with_loss(&m, 8, 10, cutoffs, 2, NULL));
  mt_tensor *x = randn(2, shape), *target = NULL, *all = NULL, *own = NULL, *column = NULL;
  OK(mt_tensor_from_data(&target, classes, MT_INT64, n, 1));
  const mt_tensor *inputs[] = {x, target};
  mt_tensors *out = NULL;
  OK(mt_module_call(&out, m, inputs, 2));
  mt_tensor *output = NULL, *loss = NULL, *best = NULL, *likeliest = NULL, *mean = NULL;
  OK(mt_tensors_get(&output, out, 0));
  OK(mt_tensors_get(&loss, out, 1));
  OK(mt_adaptive_log_prob(&all, m, x));
  OK(mt_unsqueeze(&column, target, 1));
  OK(mt_gather(&own, all, 1, column));
  OK(mt_squeeze(&own, own));
  CHECK(same_values(own, output));
  OK(mt_mean(&mean, output));
  CLOSE(item(loss), -item(mean));
  OK(mt_adaptive_predict(&best, m, x));
  OK(mt_argmax_dim(&likeliest, all, (const int64_t[]){1}, false));
  CHECK(same_values(best, likeliest));
  OK(mt_nn_linear(&linear, 8, 2, NULL));
  FAILS(MT_ERR_INVALID_ARGUMENT, "must be an AdaptiveLogSoftmaxWithLoss",
        mt_adaptive_predict(&best, linear, x));
  mt_module *none = NULL;
  const int64_t bad[] = {5, 2};
  FAILS(MT_ERR_INVALID_ARGUMENT, "cutoffs",
        mt_nn_adaptive_log_softmax_with_loss(&none, 8, 10, bad, 2, NULL));
  OK(mt_module_free(linear));
  OK(mt_module_free(m));
  OK(mt_scope_end());
}

struct batches {
  int left, fail;
};

static mt_status next_batch(mt_tensor **input, void *user) {
  struct batches *b = user;
  if (b->fail) return mt_callback_error("no more data");
  if (b->left == 0) return MT_OK;
  const int64_t shape[] = {4, 1};
  return mt_full(input, shape, 2, b->left--);
}

static void running_statistics(void) {
  mt_module *m = NULL;
  mt_tensor *mean = NULL;
  char *momentum = NULL;
  bool training = true;
  OK(mt_nn_batch_norm1d(&m, 1, NULL));
  OK(mt_module_eval(m));
  struct batches b = {3, 0};
  OK(mt_update_bn(m, next_batch, &b));
  OK(mt_module_get_buffer(&mean, m, "running_mean"));
  CLOSE(item(mean), 2);  // of 3, 2 and 1
  b.fail = 1;
  FAILS(MT_ERR_CALLBACK, "no more data", mt_update_bn(m, next_batch, &b));
  OK(mt_module_get_option(&momentum, m, "momentum"));
  CHECK(strcmp(momentum, "0.1") == 0);
  OK(mt_module_is_training(&training, m));
  CHECK(!training);
  OK(mt_string_free(momentum));
  OK(mt_tensor_free(mean));
  OK(mt_module_free(m));
}

// A parameter that was unregistered leaves its place: forward does not take another for it.
static void places(void) {
  const int64_t shape[] = {2, 3};
  OK(mt_scope_begin());
  mt_module *m = NULL;
  mt_tensor *x = randn(2, shape), *weight = NULL, *y = NULL;
  OK(mt_nn_linear(&m, 3, 2, NULL));
  mt_tensor *before = forward(m, x);
  OK(mt_module_get_parameter(&weight, m, "weight"));
  OK(mt_module_unregister(m, "weight"));
  CHECK(count_parameters(m) == 1);
  FAILS(MT_ERR_NULL_ARGUMENT, "weight", mt_module_forward(&y, m, x));
  OK(mt_module_register_parameter(m, "weight", weight));
  CHECK(same_values(before, forward(m, x)));
  OK(mt_module_unregister(m, "bias"));
  OK(mt_module_register_buffer(m, "bias", weight, true));
  OK(mt_module_unregister(m, "weight"));
  FAILS(MT_ERR_NULL_ARGUMENT, "weight", mt_module_forward(&y, m, x));
  OK(mt_module_free(m));
  OK(mt_scope_end());
}

static void replaced_data(void) {
  const int64_t shape[] = {2, 3}, other[] = {4, 3};
  OK(mt_scope_begin());
  mt_module *m = NULL;
  OK(mt_nn_linear(&m, 3, 2, NULL));
  mt_tensor *x = randn(2, shape), *w = NULL, *y = forward(m, x), *loss = NULL, *ints = NULL;
  OK(mt_module_get_parameter(&w, m, "weight"));
  OK(mt_sum(&loss, y));
  // The graph saved the tensor in its old form.
  mt_tensor *wide = randn(2, other);
  OK(mt_tensor_set_requires_grad(x, true));
  y = forward(m, x);
  OK(mt_sum(&loss, y));
  OK(mt_tensor_set_data(w, wide));
  FAILS(MT_ERR_AUTOGRAD, "", mt_tensor_backward(loss, NULL, false, false));
  int64_t rows = 0;
  OK(mt_tensor_size(&rows, w, 0));
  CHECK(rows == 4);
  OK(mt_tensor_to_dtype(&ints, wide, MT_INT64));
  FAILS(MT_ERR_DTYPE, "int64", mt_tensor_set_data(w, ints));
  OK(mt_module_free(m));
  OK(mt_scope_end());
}

int main(void) {
  RUN(weight_norm);
  RUN(spectral_norm);
  RUN(own_forward);
  RUN(output_sizes);
  RUN(adaptive_softmax);
  RUN(running_statistics);
  RUN(places);
  RUN(replaced_data);
  CHECK(live(MT_HANDLE_TENSOR) == 0 && live(MT_HANDLE_MODULE) == 0);
  return check_result();
}
