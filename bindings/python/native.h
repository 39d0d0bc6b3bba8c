// The hand-written part of the Python binding's C side: attributes that are read often, with
// handles as integers, so that an access costs one cheap call. Failure is -1 (all ones where an
// unsigned number is given), or a status.
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

// The number of dims in the upper 4 bits, the sizes in the lower 60, which they share evenly: a key
// under which Python keeps the shape as an object. All ones where they do not fit.
static uint64_t py_shape_key(uint64_t h) {
  int64_t sizes[6];
  int64_t n = py_ndim(h);
  if (n < 0 || n > 6 || mt_tensor_shape(sizes, (size_t)n, MT_PY_T(h))) return UINT64_MAX;
  const int bits = n ? (int)(60 / n) : 60;
  uint64_t key = 0;
  for (int64_t d = 0; d < n; ++d) {
    if ((uint64_t)sizes[d] >> bits) return UINT64_MAX;
    key = key << bits | (uint64_t)sizes[d];
  }
  return (uint64_t)n << 60 | key;
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

static int32_t py_device(uint64_t h) {
  mt_device d = MT_DEVICE_NONE;
  mt_tensor_device(&d, MT_PY_T(h));
  return d;
}

static int32_t py_is_leaf(uint64_t h) {
  bool v = false;
  return mt_tensor_is_leaf(&v, MT_PY_T(h)) ? -1 : v;
}

static int32_t py_is_contiguous(uint64_t h) {
  bool v = false;
  return mt_tensor_is_contiguous(&v, MT_PY_T(h)) ? -1 : v;
}

static uint64_t py_data(uint64_t h) {
  void* p = NULL;
  return mt_tensor_data(&p, MT_PY_T(h)) ? UINT64_MAX : (uint64_t)(uintptr_t)p;
}

// 0 for none.
static uint64_t py_grad(uint64_t h) {
  mt_tensor* g = NULL;
  return mt_tensor_grad(&g, MT_PY_T(h)) ? UINT64_MAX : (uint64_t)(uintptr_t)g;
}

static uint64_t py_grad_fn(uint64_t h) {
  mt_node* n = NULL;
  return mt_tensor_grad_fn(&n, MT_PY_T(h)) ? UINT64_MAX : (uint64_t)(uintptr_t)n;
}

static void py_node_free(uint64_t h) { mt_node_free((mt_node*)(uintptr_t)h); }

// 0 for failure.
static uint64_t py_from_data(const void* data, mt_dtype dtype, const int64_t* shape, size_t ndim) {
  mt_tensor* t = NULL;
  return mt_tensor_from_data(&t, data, dtype, shape, ndim) ? 0 : (uint64_t)(uintptr_t)t;
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
