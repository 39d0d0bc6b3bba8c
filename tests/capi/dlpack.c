// DLPack both ways: shared memory, lifetimes, strides, refusals.
#include "check.h"

static int deleted;
static void delete_legacy(mt_dl_managed_tensor *self) {
  (void)self;
  ++deleted;
}
static void delete_versioned(mt_dl_managed_tensor_versioned *self) {
  (void)self;
  ++deleted;
}

static void export_import(void) {
  mt_tensor *t = NULL, *u = NULL, *back = NULL;
  mt_dl_managed_tensor_versioned *m = NULL;
  bool flag = false;
  OK(mt_arange(&t, 0, 6, 1));
  OK(mt_reshape(&u, t, (int64_t[]){2, 3}, 2));
  mt_tensor_free(t);
  OK(mt_transpose(&t, u, 0, 1));
  OK(mt_tensor_to_dlpack(&m, t));
  CHECK(m->version.major == 1 && m->flags == 0);
  CHECK(m->dl_tensor.ndim == 2 && m->dl_tensor.shape[0] == 3 && m->dl_tensor.strides[0] == 1);
  CHECK(m->dl_tensor.dtype.code == MT_DL_INT && m->dl_tensor.dtype.bits == 64);
  CHECK(m->dl_tensor.device.device_type == MT_DL_CPU);
  OK(mt_tensor_from_dlpack(&back, m));
  OK(mt_equal(&flag, back, t));
  CHECK(flag);
  OK(mt_fill_scalar_(t, 9));  // one memory
  CHECK(at(back, 3) == 9);
  mt_tensor_free(t);
  mt_tensor_free(u);
  CHECK(at(back, 5) == 9);
  mt_tensor_free(back);

  mt_dl_managed_tensor *old = NULL;
  OK(mt_zeros_with(&t, (int64_t[]){2}, 1, MT_BFLOAT16, MT_CPU));
  OK(mt_tensor_to_dlpack_legacy(&old, t));
  mt_tensor_free(t);
  CHECK(old->dl_tensor.dtype.code == MT_DL_BFLOAT && old->dl_tensor.dtype.bits == 16);
  old->deleter(old);
  CHECK(bytes_in_use() == 0);
}

static void import_of_others(void) {
  float data[6] = {0, 1, 2, 3, 4, 5};
  int64_t shape[] = {2, 2}, strides[] = {3, 2};
  mt_dl_managed_tensor m = {
      {data, {MT_DL_CPU, 0}, 2, {MT_DL_FLOAT, 32, 1}, shape, strides, 0}, NULL, delete_legacy};
  mt_tensor *t = NULL;
  OK(mt_tensor_from_dlpack_legacy(&t, &m));
  CHECK(at(t, 0) == 0 && at(t, 1) == 2 && at(t, 2) == 3 && at(t, 3) == 5);
  CHECK(deleted == 0);
  mt_tensor_free(t);
  CHECK(deleted == 1);

  // Without strides, at an offset.
  m.dl_tensor.strides = NULL;
  m.dl_tensor.byte_offset = 8;
  OK(mt_tensor_from_dlpack_legacy(&t, &m));
  CHECK(at(t, 0) == 2 && at(t, 3) == 5);
  mt_tensor_free(t);
  CHECK(deleted == 2);

  // Read-only memory is copied.
  mt_dl_managed_tensor_versioned v = {
      {1, 3}, NULL, delete_versioned, MT_DL_FLAG_READ_ONLY, m.dl_tensor};
  OK(mt_tensor_from_dlpack(&t, &v));
  CHECK(deleted == 3);
  OK(mt_zero_(t));
  CHECK(data[2] == 2);
  mt_tensor_free(t);

  // What is refused stays the caller's.
  t = NULL;
  v.version.major = 2;
  FAILS(MT_ERR_FORMAT, "2.3", mt_tensor_from_dlpack(&t, &v));
  v.version.major = 1;
  v.dl_tensor.device.device_type = 2;
  FAILS(MT_ERR_DEVICE, "device type 2", mt_tensor_from_dlpack(&t, &v));
  v.dl_tensor.device.device_type = MT_DL_CPU;
  v.dl_tensor.dtype.lanes = 4;
  FAILS(MT_ERR_DTYPE, "4 lanes", mt_tensor_from_dlpack(&t, &v));
  v.dl_tensor.dtype.lanes = 1;
  v.dl_tensor.byte_offset = 2;
  FAILS(MT_ERR_INVALID_ARGUMENT, "misaligned", mt_tensor_from_dlpack(&t, &v));
  v.dl_tensor.byte_offset = 0;
  v.dl_tensor.ndim = -1;
  FAILS(MT_ERR_SHAPE, "ndim -1", mt_tensor_from_dlpack(&t, &v));
  v.dl_tensor.ndim = 2;
  v.dl_tensor.data = NULL;
  FAILS(MT_ERR_NULL_ARGUMENT, "data", mt_tensor_from_dlpack(&t, &v));
  FAILS(MT_ERR_NULL_ARGUMENT, "'managed'", mt_tensor_from_dlpack(&t, NULL));
  FAILS(MT_ERR_NULL_ARGUMENT, "'out'", mt_tensor_from_dlpack(NULL, &v));
  CHECK(deleted == 3 && t == NULL);

  mt_dl_managed_tensor_versioned *out = NULL;
  OK(mt_ones(&t, (int64_t[]){1}, 1));
  OK(mt_tensor_set_requires_grad(t, true));
  FAILS(MT_ERR_AUTOGRAD, "requires grad", mt_tensor_to_dlpack(&out, t));
  mt_tensor_free(t);
  OK(mt_ones_with(&t, (int64_t[]){1}, 1, MT_FLOAT32, MT_META));
  FAILS(MT_ERR_DEVICE, "meta", mt_tensor_to_dlpack(&out, t));
  mt_tensor_free(t);
  CHECK(out == NULL);
}

int main(void) {
  RUN(export_import);
  RUN(import_of_others);
  RUN(nothing_is_left);
  return check_result();
}
