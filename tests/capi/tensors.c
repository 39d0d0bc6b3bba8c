// Tensors through the C API: making, shape and kind, values, text, sharing, lists, dtypes.
#include "check.h"

static int destroyed;
static void count_destroy(void *user) {
  ++destroyed;
  if (user) ++*(int *)user;
}

static void making(void) {
  const int64_t shape[] = {2, 3};
  const int32_t values[] = {1, 2, 3, 4, 5, 6};
  mt_tensor *t = NULL, *u = NULL;
  int64_t n = 0, sizes[2] = {0, 0};
  mt_dtype dtype = MT_DTYPE_NONE;
  mt_device device = MT_META;
  bool flag = false;
  OK(mt_tensor_from_data(&t, values, MT_INT32, shape, 2));
  OK(mt_tensor_ndim(&n, t));
  CHECK(n == 2);
  OK(mt_tensor_numel(&n, t));
  CHECK(n == 6);
  OK(mt_tensor_shape(sizes, 2, t));
  CHECK(sizes[0] == 2 && sizes[1] == 3);
  OK(mt_tensor_strides(sizes, 2, t));
  CHECK(sizes[0] == 3 && sizes[1] == 1);
  OK(mt_tensor_size(&n, t, -1));
  CHECK(n == 3);
  OK(mt_tensor_stride(&n, t, 0));
  CHECK(n == 3);
  OK(mt_tensor_dtype(&dtype, t));
  CHECK(dtype == MT_INT32);
  OK(mt_tensor_device(&device, t));
  CHECK(device == MT_CPU);
  OK(mt_tensor_is_contiguous(&flag, t));
  CHECK(flag);
  FAILS(MT_ERR_INVALID_ARGUMENT, "capacity 1", mt_tensor_shape(sizes, 1, t));
  FAILS(MT_ERR_INDEX, "[-2, 1]", mt_tensor_size(&n, t, 2));

  OK(mt_transpose(&u, t, 0, 1));
  OK(mt_tensor_is_contiguous(&flag, u));
  CHECK(!flag);
  OK(mt_tensor_shares_data(&flag, t, u));
  CHECK(flag);
  int32_t out[6] = {0};
  OK(mt_tensor_copy_to_host(u, out, sizeof out));
  CHECK(out[0] == 1 && out[1] == 4 && out[2] == 2 && out[5] == 6);
  FAILS(MT_ERR_INVALID_ARGUMENT, "exactly 24 bytes", mt_tensor_copy_to_host(u, out, 20));
  const int32_t other[] = {10, 20, 30, 40, 50, 60};
  OK(mt_tensor_copy_from_host(u, other, sizeof other));  // u is (3, 2) over t's memory
  CHECK(at(t, 0) == 10 && at(t, 1) == 30 && at(t, 3) == 20);
  mt_tensor_free(u);
  mt_tensor_free(t);

  const uint8_t truth[] = {0, 1, 7};
  const int64_t three = 3;
  OK(mt_tensor_from_data(&t, truth, MT_BOOL, &three, 1));
  char *text = NULL;
  OK(mt_tensor_to_string(&text, t));
  CHECK(strcmp(text, "tensor([False,  True,  True])") == 0);
  OK(mt_string_free(text));
  mt_tensor_free(t);

  OK(mt_tensor_from_data(&t, NULL, MT_FLOAT32, (int64_t[]){0, 4}, 2));
  OK(mt_tensor_numel(&n, t));
  CHECK(n == 0);
  OK(mt_tensor_copy_to_host(t, NULL, 0));
  mt_tensor_free(t);

  t = NULL;
  FAILS(MT_ERR_NULL_ARGUMENT, "'data'", mt_tensor_from_data(&t, NULL, MT_FLOAT32, shape, 2));
  FAILS(MT_ERR_NULL_ARGUMENT, "'shape'", mt_tensor_from_data(&t, values, MT_FLOAT32, NULL, 2));
  FAILS(MT_ERR_NULL_ARGUMENT, "'out'", mt_tensor_from_data(NULL, values, MT_FLOAT32, shape, 2));
  FAILS(MT_ERR_INVALID_ARGUMENT, "is 99", mt_tensor_from_data(&t, values, 99, shape, 2));
  FAILS(MT_ERR_SHAPE, "-1", mt_tensor_from_data(&t, values, MT_INT32, (int64_t[]){-1}, 1));
  FAILS(MT_ERR_SHAPE, "ndim is 65", mt_tensor_from_data(&t, values, MT_INT32, shape, 65));
  CHECK(t == NULL);
}

static void blobs(void) {
  float data[12];
  for (int i = 0; i < 12; ++i) data[i] = (float)i;
  mt_tensor *t = NULL, *view = NULL;
  int gone = 0;
  // Columns 0 and 2 of a (3, 4) matrix, in place.
  const int64_t shape[] = {3, 2}, strides[] = {4, 2};
  const int64_t before = bytes_in_use();
  OK(mt_tensor_from_blob(&t, data, MT_FLOAT32, shape, 2, strides, count_destroy, &gone));
  CHECK(bytes_in_use() - before == 11 * 4);
  CHECK(at(t, 1) == 2 && at(t, 4) == 8);
  data[2] = 20;
  CHECK(at(t, 1) == 20);
  OK(mt_mul_scalar_(t, 2));
  CHECK(data[0] == 0 && data[2] == 40 && data[1] == 1 && data[10] == 20);
  OK(mt_select(&view, t, 0, 2));
  OK(mt_tensor_free(t));
  CHECK(gone == 0);  // the view still uses the memory
  OK(mt_tensor_free(view));
  CHECK(gone == 1);
  CHECK(bytes_in_use() == before);

  // On failure destroy runs all the same, once.
  t = NULL;
  destroyed = 0;
  FAILS(
      MT_ERR_INVALID_ARGUMENT, "negative stride",
      mt_tensor_from_blob(&t, data, MT_FLOAT32, shape, 2, (int64_t[]){4, -1}, count_destroy, NULL));
  FAILS(MT_ERR_NULL_ARGUMENT, "'data'",
        mt_tensor_from_blob(&t, NULL, MT_FLOAT32, shape, 2, NULL, count_destroy, NULL));
  FAILS(MT_ERR_NULL_ARGUMENT, "'out'",
        mt_tensor_from_blob(NULL, data, MT_FLOAT32, shape, 2, NULL, count_destroy, NULL));
  FAILS(MT_ERR_INVALID_ARGUMENT, "misaligned",
        mt_tensor_from_blob(&t, (char *)data + 1, MT_FLOAT32, shape, 2, NULL, count_destroy, NULL));
  FAILS(MT_ERR_SHAPE, "too large",
        mt_tensor_from_blob(&t, data, MT_FLOAT32, (int64_t[]){2, 3}, 2,
                            (int64_t[]){INT64_MAX, INT64_MAX}, count_destroy, NULL));
  CHECK(destroyed == 5 && t == NULL);
  OK(mt_tensor_from_blob(&t, NULL, MT_FLOAT32, (int64_t[]){0}, 1, NULL, NULL, NULL));
  void *p = data;
  OK(mt_tensor_data(&p, t));
  CHECK(p == NULL);
  mt_tensor_free(t);
}

static void numbers(void) {
  mt_tensor *i32 = NULL, *n = NULL, *out = NULL;
  mt_dtype dtype = MT_DTYPE_NONE;
  const int32_t one = 1;
  OK(mt_tensor_from_data(&i32, &one, MT_INT32, (int64_t[]){1}, 1));
  OK(mt_number_int(&n, 2));
  OK(mt_add(&out, i32, n));
  OK(mt_tensor_dtype(&dtype, out));
  CHECK(dtype == MT_INT32 && item(out) == 3);
  mt_tensor_free(out);
  mt_tensor_free(n);
  OK(mt_number_float(&n, 2));
  OK(mt_add(&out, i32, n));
  OK(mt_tensor_dtype(&dtype, out));
  CHECK(dtype == MT_FLOAT32);
  OK(mt_result_type(&dtype, i32, n));
  CHECK(dtype == MT_FLOAT32);
  bool is = false;
  OK(mt_tensor_is_number(&is, n));
  CHECK(is);
  mt_tensor_free(out);
  mt_tensor_free(n);
  // Integral doubles are integers, others floats.
  OK(mt_add_scalar(&out, i32, 2));
  OK(mt_tensor_dtype(&dtype, out));
  CHECK(dtype == MT_INT32);
  mt_tensor_free(out);
  OK(mt_add_scalar(&out, i32, 2.5));
  OK(mt_tensor_dtype(&dtype, out));
  CHECK(dtype == MT_FLOAT32);
  CLOSE(item(out), 3.5);
  int64_t v = 0;
  bool b = false;
  OK(mt_tensor_item_int64(&v, out));
  CHECK(v == 3);
  OK(mt_tensor_item_bool(&b, out));
  CHECK(b);
  mt_tensor_free(out);
  OK(mt_number_float(&out, NAN));
  FAILS(MT_ERR_INVALID_ARGUMENT, "nan", mt_tensor_item_int64(&v, out));
  mt_tensor_free(out);
  mt_tensor_free(i32);
  OK(mt_zeros(&out, (int64_t[]){2}, 1));
  double d = 7;
  FAILS(MT_ERR_INVALID_ARGUMENT, "(2,)", mt_tensor_item_double(&d, out));
  CHECK(d == 7);
  mt_tensor_free(out);
}

static void text(void) {
  const float values[] = {1, 2.5f};
  mt_tensor *t = vec(values, 2);
  char small[8], big[64];
  size_t length = 0;
  OK(mt_tensor_format(NULL, 0, &length, t));
  CHECK(length == strlen("tensor([1.0000, 2.5000])"));
  OK(mt_tensor_format(big, sizeof big, &length, t));
  CHECK(strcmp(big, "tensor([1.0000, 2.5000])") == 0);
  OK(mt_tensor_format(small, sizeof small, &length, t));
  CHECK(strcmp(small, "tensor(") == 0 && length == 24);
  mt_print_options options;
  mt_print_options_init(&options);
  options.precision = 1;
  OK(mt_set_print_options(&options));
  OK(mt_tensor_format(big, sizeof big, &length, t));
  CHECK(strcmp(big, "tensor([1.0, 2.5])") == 0);
  options.precision = -1;
  CHECK(mt_set_print_options(&options) == MT_ERR_INVALID_ARGUMENT);
  mt_print_options_init(&options);
  OK(mt_set_print_options(&options));
  options.struct_size = 0;
  FAILS(MT_ERR_INVALID_ARGUMENT, "struct_size 0", mt_set_print_options(&options));
  mt_tensor_free(t);
  FAILS(MT_ERR_INVALID_HANDLE, "unknown string", mt_string_free(big));
  OK(mt_string_free(NULL));
}

static void lists(void) {
  mt_tensor *t = NULL, *piece = NULL;
  mt_tensors *list = NULL;
  size_t n = 0;
  OK(mt_arange(&t, 0, 10, 1));
  OK(mt_split(&list, t, 4, 0));
  OK(mt_tensors_count(&n, list));
  CHECK(n == 3);
  OK(mt_tensors_get(&piece, list, 2));
  CHECK(at(piece, 1) == 9);
  mt_tensor_free(piece);
  FAILS(MT_ERR_INDEX, "list of 3", mt_tensors_get(&piece, list, 3));
  OK(mt_tensors_free(list));
  const mt_tensor *items[] = {t, NULL, t};
  OK(mt_tensors_create(&list, items, 3));
  OK(mt_tensors_get(&piece, list, 1));
  CHECK(piece == NULL);
  OK(mt_tensors_free(list));
  mt_tensor *values = NULL, *indices = NULL;
  OK(mt_max_dim(&values, &indices, t, 0, false));
  CHECK(item(values) == 9 && item(indices) == 9);
  mt_tensor_free(values);
  mt_tensor_free(indices);
  mt_tensor_free(t);
}

static void identity_and_dtypes(void) {
  mt_tensor *t = NULL, *again = NULL, *meta = NULL;
  bool is = false;
  OK(mt_zeros(&t, (int64_t[]){4}, 1));
  OK(mt_tensor_ref(&again, t));
  OK(mt_tensor_is(&is, t, again));
  CHECK(is && t != again);
  int64_t bytes = 0;
  OK(mt_tensor_bytes_held(&bytes, t));
  CHECK(bytes == 16);
  OK(mt_tensor_free(t));
  CHECK(at(again, 0) == 0);
  OK(mt_tensor_to_device(&meta, again, MT_META));
  double v = 0;
  OK(mt_sum(&t, meta));
  FAILS(MT_ERR_DEVICE, "meta", mt_tensor_item_double(&v, t));
  mt_tensor_free(t);
  mt_tensor_free(meta);
  mt_tensor_free(again);

  CHECK(strcmp(mt_dtype_name(MT_BFLOAT16), "bfloat16") == 0 && mt_dtype_size(MT_BFLOAT16) == 2);
  CHECK(mt_dtype_name(-1) == NULL && mt_dtype_name(50) == NULL && mt_dtype_size(-3) == 0);
  CHECK(strcmp(mt_device_name(MT_META), "meta") == 0 && mt_device_name(9) == NULL);
  mt_dtype dtype = MT_DTYPE_NONE;
  OK(mt_promote_types(&dtype, MT_FLOAT16, MT_BFLOAT16));
  CHECK(dtype == MT_FLOAT32);
  OK(mt_set_default_dtype(MT_FLOAT64));
  OK(mt_ones(&t, NULL, 0));
  OK(mt_tensor_dtype(&dtype, t));
  CHECK(dtype == MT_FLOAT64 && mt_get_default_dtype() == MT_FLOAT64);
  mt_tensor_free(t);
  OK(mt_set_default_dtype(MT_FLOAT32));
  CHECK(mt_set_default_dtype(MT_INT8) == MT_ERR_DTYPE);
}

static void random_states(void) {
  mt_tensor *state = NULL, *a = NULL, *b = NULL;
  mt_generator *g = NULL;
  uint64_t seed = 0;
  bool same = false;
  OK(mt_manual_seed(7));
  OK(mt_initial_seed(&seed));
  CHECK(seed == 7);
  OK(mt_get_rng_state(&state));
  OK(mt_rand(&a, (int64_t[]){5}, 1));
  OK(mt_set_rng_state(state));
  OK(mt_rand(&b, (int64_t[]){5}, 1));
  OK(mt_equal(&same, a, b));
  CHECK(same);
  mt_tensor_free(b);
  OK(mt_generator_create(&g));
  OK(mt_generator_manual_seed(g, 7));
  OK(mt_rand_with(&b, (int64_t[]){5}, 1, MT_DTYPE_NONE, MT_CPU, g));
  OK(mt_equal(&same, a, b));
  CHECK(same);
  FAILS(MT_ERR_DTYPE, "uint8", mt_set_rng_state(a));
  OK(mt_generator_free(g));
  mt_tensor_free(a);
  mt_tensor_free(b);
  mt_tensor_free(state);
}

static void versions(void) {
  CHECK(mt_has("cpu") && !mt_has("no such thing") && !mt_has(NULL));
  CHECK(strcmp(mt_version(), "") != 0 && mt_abi_version() >= 0);
}

int main(void) {
  RUN(making);
  RUN(blobs);
  RUN(numbers);
  RUN(text);
  RUN(lists);
  RUN(identity_and_dtypes);
  RUN(random_states);
  RUN(versions);
  RUN(nothing_is_left);
  return check_result();
}
