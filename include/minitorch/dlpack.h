// minitorch/dlpack.h - zero-copy exchange of tensors with NumPy, PyTorch, JAX and others by DLPack.
// The structures have the memory layout of DLPack 1.x (dlpack.h) under names of our own, so that
// a program may include both headers; cast pointers between the two.
#ifndef MINITORCH_DLPACK_H
#define MINITORCH_DLPACK_H

#include "minitorch/types.h"

#ifdef __cplusplus
extern "C" {
#endif

// --- Layout ----------------------------------------------------------------------------------

typedef struct mt_dl_version {
  uint32_t major;  // a reader must refuse a major version that it does not know
  uint32_t minor;
} mt_dl_version;

typedef struct mt_dl_device {
  int32_t device_type;  // MT_DL_CPU, ...
  int32_t device_id;
} mt_dl_device;

typedef struct mt_dl_data_type {
  uint8_t code;    // MT_DL_FLOAT, ...
  uint8_t bits;    // of one element
  uint16_t lanes;  // 1
} mt_dl_data_type;

typedef struct mt_dl_tensor {
  void *data;
  mt_dl_device device;
  int32_t ndim;
  mt_dl_data_type dtype;
  int64_t *shape;
  int64_t *strides;  // in elements; NULL means row-major
  uint64_t byte_offset;
} mt_dl_tensor;

// DLManagedTensor, the form before DLPack 1.0. `deleter` ends its life, exactly once.
typedef struct mt_dl_managed_tensor {
  mt_dl_tensor dl_tensor;
  void *manager_ctx;
  void (*deleter)(struct mt_dl_managed_tensor *self);
} mt_dl_managed_tensor;

// DLManagedTensorVersioned.
typedef struct mt_dl_managed_tensor_versioned {
  mt_dl_version version;
  void *manager_ctx;
  void (*deleter)(struct mt_dl_managed_tensor_versioned *self);
  uint64_t flags;  // MT_DL_FLAG_READ_ONLY, MT_DL_FLAG_IS_COPIED
  mt_dl_tensor dl_tensor;
} mt_dl_managed_tensor_versioned;

enum {
  MT_DL_CPU = 1,
  MT_DL_CUDA_HOST = 3,
  MT_DL_INT = 0,
  MT_DL_UINT = 1,
  MT_DL_FLOAT = 2,
  MT_DL_BFLOAT = 4,
  MT_DL_COMPLEX = 5,
  MT_DL_BOOL = 6,
  MT_DL_FLAG_READ_ONLY = 1,
  MT_DL_FLAG_IS_COPIED = 2
};

// --- Exchange --------------------------------------------------------------------------------

// Shares the tensor's memory: call `(*out)->deleter(*out)` when done. A tensor that requires
// gradients must be detached first.
MT_API mt_status mt_tensor_to_dlpack(mt_dl_managed_tensor_versioned **out, const mt_tensor *self);
MT_API mt_status mt_tensor_to_dlpack_legacy(mt_dl_managed_tensor **out, const mt_tensor *self);

// A tensor on the other library's memory. On success `managed` belongs to the tensor, which calls
// its deleter; on failure it stays the caller's. Read-only memory is copied, so that writing to the
// tensor is always safe.
MT_API mt_status mt_tensor_from_dlpack(mt_tensor **out, mt_dl_managed_tensor_versioned *managed);
MT_API mt_status mt_tensor_from_dlpack_legacy(mt_tensor **out, mt_dl_managed_tensor *managed);

#ifdef __cplusplus
}
#endif

#endif  // MINITORCH_DLPACK_H
