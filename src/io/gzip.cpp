// Reading gzip files with zlib: see gzip.h.
#include "io/gzip.h"

#include <zlib.h>

#include <algorithm>

#include "core/error.h"

namespace mt {

struct GzipReader::State {
  z_stream z{};
  uint64_t at = 0;
  bool ended = false;  // between members
  char in[1 << 14];
};

bool is_gzip(ByteSource& source) {
  unsigned char b[2] = {};
  if (source.size() < 2) return false;
  source.read(0, b, 2);
  return b[0] == 0x1F && b[1] == 0x8B;
}

GzipReader::GzipReader(std::string_view op, ByteSource& source)
    : op_(op), source_(source), state_(new State) {
  if (inflateInit2(&state_->z, MAX_WBITS + 16) != Z_OK) {
    fail(Status::kOutOfMemory, op_, ": out of memory: unpacking '", source_.name(),
         "': no memory is left");
  }
}

GzipReader::~GzipReader() { inflateEnd(&state_->z); }

size_t GzipReader::some(void* to, size_t n) {
  z_stream& z = state_->z;
  auto* out = static_cast<Bytef*>(to);
  size_t got = 0;
  while (got < n) {
    if (z.avail_in == 0) {
      const uint64_t part = std::min<uint64_t>(source_.size() - state_->at, sizeof state_->in);
      if (part == 0 && state_->ended) break;
      source_.read(state_->at, state_->in, part);
      state_->at += part;
      z.next_in = reinterpret_cast<Bytef*>(state_->in);
      z.avail_in = static_cast<uInt>(part);
    }
    if (state_->ended) {
      inflateReset(&z);
      state_->ended = false;
    }
    const auto room = static_cast<uInt>(std::min<size_t>(n - got, 1u << 30));
    z.next_out = out + got;
    z.avail_out = room;
    const bool last = z.avail_in == 0;
    const int status = inflate(&z, Z_NO_FLUSH);
    got += room - z.avail_out;
    state_->ended = status == Z_STREAM_END;
    if (status != Z_OK && status != Z_STREAM_END) {
      fail(Status::kFormat, op_, ": damaged: '", source_.name(), "' of ", source_.size(),
           last ? " bytes is cut: its gzip stream must have an end"
                : " bytes does not unpack: its gzip stream must be whole");
    }
  }
  return got;
}

void GzipReader::read(void* to, size_t n) {
  const size_t got = some(to, n);
  if (got == n) return;
  fail(Status::kFormat, op_, ": truncated: '", source_.name(), "' unpacks to ", n - got,
       " bytes less than it says that it has: must have all");
}

bool GzipReader::at_end() {
  char more = 0;
  return some(&more, 1) == 0;
}

}  // namespace mt
