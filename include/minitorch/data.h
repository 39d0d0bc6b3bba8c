// minitorch/data.h - data sets in files: IDX (MNIST and its kin) and CIFAR.
// Files are read whole. Nothing that they say is trusted: sizes are checked against the file before
// memory is taken, and one that is cut, damaged or of another kind is MT_ERR_FORMAT with a message
// that names it; one that cannot be read is MT_ERR_IO.
#ifndef MINITORCH_DATA_H
#define MINITORCH_DATA_H

#include "minitorch/types.h"

#ifdef __cplusplus
extern "C" {
#endif

// The array of an IDX file, plain or packed with gzip (which needs mt_has("zip")), whatever its
// name: uint8, int8, int16, int32, float32 or float64. MNIST's images are uint8 (n, 28, 28), its
// labels uint8 (n,).
MT_API mt_status mt_load_idx(mt_tensor **out, const char *path);

// The images, uint8 (n, 3, 32, 32), and labels, uint8 (n,), of a CIFAR-10 or CIFAR-100 file: the
// binary version's records or a batch that Python pickled (nothing of which is run). `classes` is
// 10 or 100, where the fine labels are given.
MT_API mt_status mt_load_cifar(mt_tensor **images, mt_tensor **labels, const char *path,
                               int64_t classes);

#ifdef __cplusplus
}
#endif

#endif  // MINITORCH_DATA_H
