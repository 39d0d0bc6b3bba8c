// Reading gzip files front to back, with one or more members; the CRC of each is checked by zlib.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "io/file.h"

namespace mt {

bool is_gzip(ByteSource& source);

class GzipReader {
 public:
  GzipReader(std::string_view op, ByteSource& source);
  ~GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;
  // The next bytes: exactly n, or kFormat when the file ends before or is damaged.
  void read(void* to, size_t n);
  // Whether nothing is left, which must be asked to have the last checksum looked at.
  bool at_end();

 private:
  struct State;
  size_t some(void* to, size_t n);  // fewer than n only at the end

  std::string op_;
  ByteSource& source_;
  std::unique_ptr<State> state_;
};

}  // namespace mt
