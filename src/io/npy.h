// NumPy's files: .npy (one array) and .npz (a zip archive of them), versions 1 to 3 of the format.
//
// Read: little- and big-endian, C and Fortran order, 0-dim arrays, bool, int8 to int64, uint8 to
// uint64, float16 to float64, complex. Objects, structures, text and dates are refused: nothing of
// a pickle is ever run. Written: version 1.0 (2.0 for a long header) in C order; bfloat16 has no
// NumPy type and is refused.
#pragma once

#include <span>
#include <string>

#include "nn/module.h"

namespace mt {

class ByteSink;
class ByteSource;
class ZipReader;

bool is_npy(ByteSource& source);
Tensor read_npy(std::string_view op, ByteSource& source);
// Entries without the ".npy" of their names.
NamedTensors read_npz(std::string_view op, ByteSource& source, ZipReader& zip);

Tensor load_npy(const std::string& path);
// `limit`: bytes the entries may unpack to, 0 for the default (zip.h).
NamedTensors load_npz(const std::string& path, uint64_t limit = 0);
void save_npy(const std::string& path, const Tensor& t);
void save_npz(const std::string& path, const NamedTensors& tensors, bool compressed = false);

// The dtype of a NumPy type string, "<f4"; for io/pickle. `swap`: bytes are in big-endian order.
struct NumpyType {
  DType dtype;
  size_t size;  // of an element in the file
  bool swap;
};
NumpyType numpy_type(std::string_view op, const std::string& file, std::string_view descr);
// A tensor of raw elements; their number must fit `bytes` exactly.
Tensor numpy_tensor(std::string_view op, const std::string& file, const NumpyType& type,
                    IntSpan sizes, bool fortran, ByteSource& source, uint64_t offset);

}  // namespace mt
