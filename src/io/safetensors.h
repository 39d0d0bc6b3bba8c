// The safetensors format: an 8-byte little-endian header length, a JSON header that gives each
// tensor's dtype, shape and byte range, then the bytes. Loading trusts nothing: every rule of the
// format is checked before memory for a tensor is taken, and messages name the file and the tensor.
//
// dtypes: F32 F64 F16 BF16 I8 I16 I32 I64 U8 BOOL. Names and metadata are UTF-8 without NUL.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "nn/module.h"

namespace mt {

class ByteSource;

// The "__metadata__" of a file, in order.
using StringMap = std::vector<std::pair<std::string, std::string>>;

// Writes the tensors' values; the header keeps their order. Byte ranges are laid out from the
// largest element size to the smallest, so that each tensor is aligned in the file. The file is
// replaced in one step (io/file.h). Meta tensors and repeated names are refused.
void save_safetensors(const std::string& path, const NamedTensors& tensors,
                      const StringMap& metadata = {});
std::string safetensors_bytes(const NamedTensors& tensors, const StringMap& metadata = {});

// New CPU tensors in the header's order. kIo when the file cannot be read, kFormat when a rule of
// the format is broken.
NamedTensors load_safetensors(const std::string& path, StringMap* metadata = nullptr);
// The same on the mapped file: tensors take no memory of their own until they are written to, and
// the file never changes through them. The mapping lives as long as the tensors do. The file may be
// replaced meanwhile (as saving does); cutting it short or writing into it would show in the
// tensors, and reading beyond its new end is a SIGBUS, which no library can make an error of.
NamedTensors map_safetensors(const std::string& path, StringMap* metadata = nullptr);
NamedTensors read_safetensors(ByteSource& source, StringMap* metadata);
NamedTensors load_safetensors_bytes(std::span<const uint8_t> bytes, StringMap* metadata = nullptr);

}  // namespace mt
