// The files of small image data sets: IDX (MNIST and its kin, plain or packed with gzip) and CIFAR
// (the binary records and the batches that Python pickled, which are read without Python). Sizes
// are checked against the file before memory is taken.
#pragma once

#include <string>
#include <utility>

#include "core/tensor.h"

namespace mt {

// The array of an IDX file: uint8, int8, int16, int32, float32 or float64, in the machine's order.
Tensor load_idx(const std::string& path);

struct Labelled {
  Tensor images;  // uint8 (n, 3, 32, 32)
  Tensor labels;  // uint8 (n,): for 100 classes the fine ones
};

// `classes`: 10 or 100. Labels must be below it.
Labelled load_cifar(const std::string& path, int64_t classes);

}  // namespace mt
