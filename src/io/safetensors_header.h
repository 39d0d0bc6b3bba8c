// The JSON header of a safetensors file: its checked parsing and its writing. For io/ only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/dtype.h"
#include "core/shape.h"
#include "io/safetensors.h"

namespace mt::safetensors {

inline constexpr uint64_t kMaxHeader = 100'000'000;  // the reference implementation's limit
inline constexpr std::string_view kMetadataKey = "__metadata__";

struct Entry {
  std::string name;
  DType dtype;
  Dims shape;
  uint64_t begin, end;  // bytes after the header
};

// The entries in the header's order. `data_bytes`: what follows the header, which the ranges must
// fill without holes or overlaps. Any broken rule is kFormat: "<op>: ...: '<file>': ...".
std::vector<Entry> parse_header(std::string_view op, const std::string& file,
                                const std::string& header, uint64_t data_bytes,
                                StringMap& metadata);

// The header of a source, whose tensors' bytes begin at `start`.
std::vector<Entry> read_header(std::string_view op, ByteSource& source, uint64_t& start,
                               StringMap& metadata);
// The bytes of a bool must be 0 or 1.
void check_values(std::string_view op, const std::string& file, const std::string& name,
                  const Tensor& t);

// The header, padded with spaces to a multiple of 8 bytes.
std::string format_header(const std::vector<Entry>& entries, const StringMap& metadata);

bool is_text(std::string_view s);       // valid UTF-8 without NUL
std::string shown(std::string_view s);  // for messages: short, without control characters

}  // namespace mt::safetensors
