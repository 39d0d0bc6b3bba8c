// Writing zip archives: see zip.h. The layout follows PKWARE's APPNOTE: local headers with their
// data, the central directory, and 64-bit records where a number does not fit in 32 bits.
#include <zlib.h>

#include <algorithm>

#include "core/error.h"
#include "io/zip.h"

namespace mt {

uint64_t default_unpack_limit(uint64_t file_size) {
  return (uint64_t{256} << 20) + 16 * std::min<uint64_t>(file_size, UINT64_MAX / 64);
}

bool is_zip(ByteSource& source) {
  uint8_t b[4];
  if (source.size() < 4) return false;
  source.read(0, b, 4);
  return b[0] == 'P' && b[1] == 'K' && ((b[2] == 3 && b[3] == 4) || (b[2] == 5 && b[3] == 6));
}

namespace {

constexpr uint32_t kFull = 0xFFFFFFFF;               // "see the 64-bit record"
constexpr uint16_t kUtf8Name = 1 << 11;              // the flag for names in UTF-8
constexpr uint16_t kDate = (0 << 9) | (1 << 5) | 1;  // 1980-01-01: the same bytes every time

class Record {
 public:
  Record& u16(uint64_t v) { return put(v, 2); }
  Record& u32(uint64_t v) { return put(v, 4); }
  Record& u64(uint64_t v) { return put(v, 8); }
  Record& text(std::string_view s) {
    bytes_ += s;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  Record& put(uint64_t v, int n) {
    for (int i = 0; i < n; ++i) bytes_ += static_cast<char>(v >> (8 * i));
    return *this;
  }
  std::string bytes_;
};

uint64_t clipped(uint64_t v) { return std::min<uint64_t>(v, kFull); }

uint32_t crc_of(uint32_t crc, const void* data, uint64_t size) {
  static const Bytef kNothing = 0;  // zlib takes a null pointer for something else
  return static_cast<uint32_t>(
      crc32_z(crc, data ? static_cast<const Bytef*>(data) : &kNothing, size));
}

// One raw deflate stream of both pieces.
std::string deflated_bytes(std::string_view op, std::string_view head, const void* data,
                           uint64_t size) {
  z_stream z{};
  if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    fail(Status::kOutOfMemory, op, ": out of memory: packing ", size, " bytes: no memory is left");
  }
  struct End {
    z_stream& z;
    ~End() { deflateEnd(&z); }
  } end{z};
  std::string out;
  char buffer[1 << 14];
  const auto feed = [&](const void* from, uint64_t n, bool last) {
    const auto* p = static_cast<const Bytef*>(from);
    do {
      const auto part = static_cast<uInt>(std::min<uint64_t>(n, 1u << 30));
      z.next_in = const_cast<Bytef*>(p);
      z.avail_in = part;
      p += part;
      n -= part;
      do {
        z.next_out = reinterpret_cast<Bytef*>(buffer);
        z.avail_out = sizeof buffer;
        deflate(&z, last && n == 0 ? Z_FINISH : Z_NO_FLUSH);
        out.append(buffer, sizeof buffer - z.avail_out);
      } while (z.avail_out == 0);
    } while (n != 0);
  };
  feed(head.data(), head.size(), false);
  feed(data, size, true);
  return out;
}

}  // namespace

void ZipWriter::add(const std::string& name, std::string_view head, const void* data, uint64_t size,
                    bool deflated, uint64_t alignment) {
  if (name.size() > 0xFFFF) {
    fail(Status::kInvalidArgument, op_, ": name too long: ", name.size(),
         " bytes: names in a zip archive have at most 65535");
  }
  const uint64_t total = head.size() + size;
  uint32_t crc = crc_of(0, head.data(), head.size());
  if (size != 0) crc = crc_of(crc, data, size);
  Written w{name, crc, total, total, at_, deflated};
  std::string packed;
  if (deflated) {
    packed = deflated_bytes(op_, head, data, size);
    w.packed = packed.size();
  }
  const bool big = w.size >= kFull || w.packed >= kFull;
  Record extra;
  if (big) extra.u16(1).u16(16).u64(w.size).u64(w.packed);
  // A field of zeros moves the data to its boundary.
  const uint64_t start = at_ + 30 + name.size() + extra.bytes().size();
  if (start % alignment != 0) {
    const uint64_t pad = (alignment - (start + 4) % alignment) % alignment;
    extra.u16(0x4246).u16(pad).text(std::string(pad, 'Z'));
  }
  Record local;
  local.u32(0x04034B50).u16(big ? 45 : 20).u16(kUtf8Name).u16(deflated ? 8 : 0).u16(0).u16(kDate);
  local.u32(w.crc).u32(big ? kFull : w.packed).u32(big ? kFull : w.size);
  local.u16(name.size()).u16(extra.bytes().size()).text(name).text(extra.bytes());
  write(local.bytes().data(), local.bytes().size());
  if (deflated) {
    write(packed.data(), packed.size());
  } else {
    if (!head.empty()) write(head.data(), head.size());
    if (size != 0) write(data, size);
  }
  entries_.push_back(std::move(w));
}

void ZipWriter::finish() {
  const uint64_t start = at_;
  for (const Written& w : entries_) {
    Record extra;
    if (w.size >= kFull) extra.u64(w.size);
    if (w.packed >= kFull) extra.u64(w.packed);
    if (w.offset >= kFull) extra.u64(w.offset);
    const size_t n = extra.bytes().size();
    Record r;
    r.u32(0x02014B50).u16(45).u16(n != 0 ? 45 : 20).u16(kUtf8Name).u16(w.deflated ? 8 : 0);
    r.u16(0).u16(kDate).u32(w.crc).u32(clipped(w.packed)).u32(clipped(w.size));
    r.u16(w.name.size()).u16(n == 0 ? 0 : n + 4).u16(0).u16(0).u16(0).u32(0);
    r.u32(clipped(w.offset)).text(w.name);
    if (n != 0) r.u16(1).u16(n).text(extra.bytes());
    write(r.bytes().data(), r.bytes().size());
  }
  const uint64_t size = at_ - start, count = entries_.size();
  Record end;
  if (count >= 0xFFFF || size >= kFull || start >= kFull) {
    const uint64_t record = at_;
    end.u32(0x06064B50).u64(44).u16(45).u16(45).u32(0).u32(0).u64(count).u64(count);
    end.u64(size).u64(start);
    end.u32(0x07064B50).u32(0).u64(record).u32(1);
  }
  const uint64_t shown = std::min<uint64_t>(count, 0xFFFF);
  end.u32(0x06054B50).u16(0).u16(0).u16(shown).u16(shown).u32(clipped(size)).u32(clipped(start));
  end.u16(0);
  write(end.bytes().data(), end.bytes().size());
}

}  // namespace mt
