// The error model: statuses, messages per thread, untouched outputs, out-of-range enums and counts.
#include "check.h"

static void statuses(void) {
  CHECK(strcmp(mt_status_name(MT_OK), "MT_OK") == 0);
  CHECK(strcmp(mt_status_name(MT_ERR_STALE_HANDLE), "MT_ERR_STALE_HANDLE") == 0);
  CHECK(mt_status_name(-1) == NULL && mt_status_name(1000) == NULL);
  CHECK(strcmp(mt_last_error(), "") == 0 && mt_last_status() == MT_OK);
  FAILS(MT_ERR_NULL_ARGUMENT, "mt_tensor_ndim: null argument: 'out'", mt_tensor_ndim(NULL, NULL));
  CHECK(mt_last_status() == MT_ERR_NULL_ARGUMENT);
  mt_tensor *t = NULL;
  OK(mt_ones(&t, NULL, 0));  // a success leaves the message
  CHECK(mt_last_status() == MT_ERR_NULL_ARGUMENT);
  mt_clear_error();
  CHECK(strcmp(mt_last_error(), "") == 0 && mt_last_status() == MT_OK);
  mt_tensor_free(t);
}

static void messages(void) {
  mt_tensor *a = NULL, *b = NULL, *meta = NULL, *out = NULL;
  OK(mt_ones(&a, (int64_t[]){64, 10}, 2));
  OK(mt_ones(&b, (int64_t[]){20, 5}, 2));
  FAILS(MT_ERR_SHAPE, "matmul: shape mismatch: lhs (64, 10), rhs (20, 5)", mt_matmul(&out, a, b));
  FAILS(MT_ERR_SHAPE, "(64, 10)", mt_add(&out, a, b));
  OK(mt_ones_with(&meta, (int64_t[]){64, 10}, 2, MT_FLOAT32, MT_META));
  FAILS(MT_ERR_DEVICE, "add: device mismatch", mt_add(&out, a, meta));
  FAILS(MT_ERR_INDEX, "2", mt_softmax(&out, a, 2));
  FAILS(MT_ERR_INVALID_ARGUMENT, "'reduction' is 3", mt_mse_loss_with(&out, a, a, 3));
  FAILS(MT_ERR_INVALID_ARGUMENT, "'dtype' is 77", mt_tensor_to_dtype(&out, a, 77));
  FAILS(MT_ERR_INVALID_ARGUMENT, "'dtype' is -1", mt_tensor_to_dtype(&out, a, MT_DTYPE_NONE));
  FAILS(MT_ERR_INVALID_ARGUMENT, "'device' is 5", mt_tensor_to_device(&out, a, 5));
  FAILS(MT_ERR_INVALID_ARGUMENT, "rounding_mode", mt_div_mode(&out, a, a, "up"));
  FAILS(MT_ERR_NULL_ARGUMENT, "'rounding_mode'", mt_div_mode(&out, a, a, NULL));
  FAILS(MT_ERR_NULL_ARGUMENT, "'dims'", mt_sum_dim(&out, a, NULL, 1, false, MT_DTYPE_NONE));
  FAILS(MT_ERR_NULL_ARGUMENT, "'tensors'", mt_cat(&out, NULL, 2, 0));
  const mt_tensor *list[] = {a, NULL};
  FAILS(MT_ERR_NULL_ARGUMENT, "'tensors[1]'", mt_cat(&out, list, 2, 0));
  CHECK(out == NULL);
  // Several results: none is written when one cannot be.
  mt_tensor *values = NULL;
  FAILS(MT_ERR_NULL_ARGUMENT, "'indices'", mt_max_dim(&values, NULL, a, 0, false));
  CHECK(values == NULL);
  mt_tensor_free(a);
  mt_tensor_free(b);
  mt_tensor_free(meta);
}

int main(void) {
  RUN(statuses);
  RUN(messages);
  RUN(nothing_is_left);
  return check_result();
}
