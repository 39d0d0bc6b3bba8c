// Reading zip archives: see zip.h. The directory is read here, by PKWARE's APPNOTE, because the
// libraries at hand are loose about what it says (minizip misreads 64-bit entries and takes a cut
// end record for a whole one); unpacking is zlib's.
#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "io/safetensors_header.h"
#include "io/zip.h"

namespace mt {

using safetensors::shown;

bool has_zip() { return true; }

namespace {

constexpr uint64_t kEnd = 22, kEnd64 = 56, kLocator = 20, kEntry = 46, kLocal = 30;
constexpr uint64_t kFull = 0xFFFFFFFF;  // "see the 64-bit record"

uint64_t number(const char* p, int bytes) {
  uint64_t v = 0;
  for (int i = 0; i < bytes; ++i) {
    v |= static_cast<uint64_t>(static_cast<unsigned char>(p[i])) << (8 * i);
  }
  return v;
}

bool begins(std::string_view s, uint64_t at, const char (&mark)[5]) {
  return at + 4 <= s.size() && s.substr(at, 4) == std::string_view(mark, 4);
}

// Where the directory is and what it says of itself.
struct Directory {
  uint64_t count, size, offset;  // as written
  uint64_t end;                  // where it ends in the file
  bool valid;
};

Directory find_directory(ByteSource& source) {
  Directory d{};
  const uint64_t size = source.size();
  std::string tail(std::min<uint64_t>(size, kEnd + 0xFFFF), '\0');
  source.read(size - tail.size(), tail.data(), tail.size());
  const size_t at = tail.rfind("PK\5\6");
  if (at == std::string::npos || tail.size() - at < kEnd) return d;
  const char* p = tail.data() + at;
  if (at + kEnd + number(p + 20, 2) != tail.size()) return d;
  d = {number(p + 10, 2), number(p + 12, 4), number(p + 16, 4), size - tail.size() + at, true};
  char locator[kLocator], record[kEnd64];
  if (d.end < kLocator + kEnd64) return d;
  source.read(d.end - kLocator, locator, kLocator);
  if (std::memcmp(locator, "PK\6\7", 4) != 0) return d;
  // The 64-bit record lies right before the locator, whatever stands before the archive.
  const uint64_t where = d.end - kLocator - kEnd64;
  source.read(where, record, kEnd64);
  d.valid = std::memcmp(record, "PK\6\6", 4) == 0 && number(locator + 8, 8) <= where;
  d.count = number(record + 32, 8);
  d.size = number(record + 40, 8);
  d.offset = number(record + 48, 8);
  d.end = where;
  return d;
}

// The sizes that stand in the 64-bit field, in its fixed order.
bool read_wide(std::string_view extra, uint64_t& size, uint64_t& packed, uint64_t& offset) {
  while (extra.size() >= 4) {
    const uint64_t id = number(extra.data(), 2), n = number(extra.data() + 2, 2);
    if (n > extra.size() - 4) break;
    std::string_view field = extra.substr(4, n);
    extra.remove_prefix(4 + n);
    if (id != 1) continue;
    for (uint64_t* v : {&size, &packed, &offset}) {
      if (*v != kFull) continue;
      if (field.size() < 8) return false;
      *v = number(field.data(), 8);
      field.remove_prefix(8);
    }
    return true;
  }
  return size != kFull && packed != kFull && offset != kFull;
}

}  // namespace

ZipReader::ZipReader(std::string_view op, ByteSource& source, uint64_t limit)
    : op_(op), source_(source) {
  const auto bad = [&](std::string_view found, std::string_view rule) {
    fail(Status::kFormat, op_, ": bad archive: '", source_.name(), "' of ", source_.size(),
         " bytes: ", found, ": ", rule);
  };
  const Directory d = find_directory(source);
  if (!d.valid) {
    bad("no directory is found at its end", "a zip archive ends with one; the file may be cut");
  }
  if (d.size > d.end || d.offset > d.end - d.size || d.count > d.size / kEntry) {
    bad(cat("its directory of ", d.count, " entries says that it has ", d.size, " bytes at ",
            d.offset),
        "must fit the file");
  }
  if (limit == 0) limit = default_unpack_limit(source.size());
  const uint64_t before = d.end - d.size - d.offset;  // bytes that are no part of the archive
  std::string text(d.size, '\0');
  source.read(d.end - d.size, text.data(), text.size());
  uint64_t at = 0, packed = 0, unpacked = 0;
  for (uint64_t i = 0; i < d.count; ++i) {
    const char* p = text.data() + at;
    const bool whole = begins(text, at, "PK\1\2") && text.size() - at >= kEntry;
    const uint64_t name = whole ? number(p + 28, 2) : 0, extra = whole ? number(p + 30, 2) : 0;
    const uint64_t length = kEntry + name + extra + (whole ? number(p + 32, 2) : 0);
    if (!whole || length > text.size() - at) {
      bad(cat("entry ", i, " of its directory is damaged"), "must have all of them");
    }
    ZipEntry entry{std::string(p + kEntry, name),
                   number(p + 24, 4),
                   number(p + 20, 4),
                   number(p + 42, 4),
                   static_cast<uint32_t>(number(p + 16, 4)),
                   static_cast<int>(number(p + 10, 2)),
                   static_cast<int>(number(p + 8, 2))};
    if (!read_wide({p + kEntry + name, extra}, entry.size, entry.packed, entry.offset)) {
      fail_entry(entry, "has no 64-bit sizes", "must have those that do not fit in 32 bits");
    }
    at += length;
    if (entry.name.find('\0') != std::string::npos) {
      fail_entry(entry, "has a NUL character in its name", "names are text");
    }
    // Each byte of the file belongs to one entry, and a byte of deflate gives at most 1032.
    const uint64_t room = d.end - d.size;
    if (entry.packed > room || (packed += entry.packed) > room || entry.offset > room - before) {
      fail_entry(entry,
                 cat("says that it takes ", entry.packed, " bytes of ", room, " at ", entry.offset),
                 "all entries together must fit the file");
    }
    entry.offset += before;
    if (entry.method == 0 ? entry.size != entry.packed : entry.size / 1032 > entry.packed + 1) {
      fail_entry(entry, cat("says that its ", entry.packed, " bytes unpack to ", entry.size),
                 "cannot be true");
    }
    if (entry.size > limit || (unpacked += entry.size) > limit) {
      fail_entry(entry, cat("makes the archive unpack to more than ", limit, " bytes"),
                 "that is the limit for this file; give a larger one as max_bytes");
    }
    if (!index_.emplace(entry.name, entries_.size()).second) {
      fail_entry(entry, "stands twice", "names must differ");
    }
    entries_.push_back(std::move(entry));
  }
}

void ZipReader::fail_entry(const ZipEntry& entry, std::string_view found,
                           std::string_view rule) const {
  fail(Status::kFormat, op_, ": bad archive: '", source_.name(), "': entry '", shown(entry.name),
       "' ", found, ": ", rule);
}

const ZipEntry* ZipReader::find(const std::string& name) const {
  const auto it = index_.find(name);
  return it == index_.end() ? nullptr : &entries_[it->second];
}

void ZipReader::unpack(const ZipEntry& entry, uint64_t at, char* out) {
  z_stream z{};
  if (inflateInit2(&z, -MAX_WBITS) != Z_OK) {
    fail(Status::kOutOfMemory, op_, ": out of memory: unpacking '", source_.name(),
         "': no memory is left");
  }
  struct End {
    z_stream& z;
    ~End() { inflateEnd(&z); }
  } end{z};
  std::string in(std::min<uint64_t>(entry.packed, 1 << 16), '\0');
  uint64_t left = entry.packed, room = entry.size;
  char none = 0;  // zlib wants a place also when nothing may come any more
  int status = Z_OK;
  while (status != Z_STREAM_END) {
    if (z.avail_in == 0 && left != 0) {
      const uint64_t part = std::min<uint64_t>(left, in.size());
      source_.read(at, in.data(), part);
      at += part;
      left -= part;
      z.next_in = reinterpret_cast<Bytef*>(in.data());
      z.avail_in = static_cast<uInt>(part);
    }
    const auto most = static_cast<uInt>(std::min<uint64_t>(room, 1u << 30));
    z.next_out = reinterpret_cast<Bytef*>(most != 0 ? out : &none);
    z.avail_out = most != 0 ? most : 1;
    const uInt offered = z.avail_out;
    status = inflate(&z, Z_NO_FLUSH);
    const uInt got = offered - z.avail_out;
    if ((status != Z_OK && status != Z_STREAM_END) || got > most) {
      fail_entry(entry, got > most ? "is longer than the directory says" : "does not unpack",
                 "it is damaged");
    }
    out += got;
    room -= got;
  }
  if (room != 0) fail_entry(entry, cat("ends ", room, " bytes too early"), "it is damaged");
}

void ZipReader::read(const ZipEntry& entry, void* to) {
  if ((entry.flags & 1) != 0) fail_entry(entry, "is encrypted", "must not be");
  if (entry.method != 0 && entry.method != Z_DEFLATED) {
    fail_entry(entry, cat("is packed by method ", entry.method), "must be stored or deflated");
  }
  char head[kLocal];
  source_.read(entry.offset, head, kLocal);
  const uint64_t name = number(head + 26, 2);
  std::string text(name, '\0');
  source_.read(entry.offset + kLocal, text.data(), name);
  if (std::memcmp(head, "PK\3\4", 4) != 0 || text != entry.name ||
      static_cast<int>(number(head + 8, 2)) != entry.method) {
    fail_entry(entry, "has a header that differs from the directory", "it is damaged");
  }
  const uint64_t at = entry.offset + kLocal + name + number(head + 28, 2);
  if (at > source_.size() || entry.packed > source_.size() - at) {
    fail_entry(entry, cat("has ", entry.packed, " bytes at ", at), "must lie in the file");
  }
  auto* out = static_cast<char*>(to);
  if (entry.method == 0) {
    source_.read(at, out, entry.size);
  } else {
    unpack(entry, at, out);
  }
  static const Bytef kNothing = 0;  // zlib takes a null pointer for something else
  const auto* bytes = out ? static_cast<const Bytef*>(to) : &kNothing;
  if (crc32_z(0, bytes, entry.size) != entry.crc) {
    fail_entry(entry, "has a wrong checksum", "it is damaged");
  }
}

std::string ZipReader::read(const ZipEntry& entry) {
  std::string bytes(entry.size, '\0');
  read(entry, bytes.data());
  return bytes;
}

}  // namespace mt
