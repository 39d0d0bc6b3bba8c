// The hand-written part of the Python binding's C side: attributes that are read often, with
// handles as integers, so that an access costs one cheap call. Failure is -1, or a status.
#include "minitorch/minitorch.h"

#define MT_PY_T(h) ((mt_tensor*)(uintptr_t)(h))

static void py_tensor_free(uint64_t h) { mt_tensor_free(MT_PY_T(h)); }

static int64_t py_ndim(uint64_t h) {
  int64_t n = 0;
  return mt_tensor_ndim(&n, MT_PY_T(h)) ? -1 : n;
}

static mt_status py_shape(int64_t* out, uint64_t h) {
  int64_t n = py_ndim(h);
  return n < 0 ? mt_last_status() : mt_tensor_shape(out, (size_t)n, MT_PY_T(h));
}

static int64_t py_numel(uint64_t h) {
  int64_t n = 0;
  return mt_tensor_numel(&n, MT_PY_T(h)) ? -1 : n;
}

static int32_t py_dtype(uint64_t h) {
  mt_dtype t = MT_DTYPE_NONE;
  mt_tensor_dtype(&t, MT_PY_T(h));
  return t;
}

static int32_t py_requires_grad(uint64_t h) {
  bool v = false;
  return mt_tensor_requires_grad(&v, MT_PY_T(h)) ? -1 : v;
}

static bool py_same(uint64_t a, uint64_t b) {
  bool v = false;
  return mt_tensor_is(&v, MT_PY_T(a), MT_PY_T(b)) == MT_OK && v;
}

static mt_status py_backward(uint64_t h, uint64_t gradient, bool retain, bool create) {
  return mt_tensor_backward(MT_PY_T(h), MT_PY_T(gradient), retain, create);
}

static mt_status py_item_double(double* out, uint64_t h) {
  return mt_tensor_item_double(out, MT_PY_T(h));
}

static mt_status py_item_int64(int64_t* out, uint64_t h) {
  return mt_tensor_item_int64(out, MT_PY_T(h));
}
