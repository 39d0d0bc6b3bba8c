// Zip archives for .npz and .pth files. Reading is done by libzip, which is opened at run time, and
// trusts no size: what the directory declares must fit the file and the caller's limit before
// memory is taken. Writing makes entries that are stored or deflated, with 64-bit sizes where
// needed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "io/file.h"

namespace mt {

bool has_zip();  // whether archives can be read: built in, and libzip is there

// The most that the entries of an archive may unpack to when the caller sets no limit: generous for
// real files (deflate shrinks weights by a tenth or so), far below what a bomb wants.
uint64_t default_unpack_limit(uint64_t file_size);

struct ZipEntry {
  std::string name;
  uint64_t size, packed, index;  // bytes unpacked, bytes in the file, place in the directory
  uint32_t crc;
  int method;
  bool encrypted;
};

class ZipReader {
 public:
  // Reads the directory. kFormat when it is damaged, differs from the entries' headers or lies
  // about sizes, kNotImplemented without libzip; `limit` 0 is the default.
  ZipReader(std::string_view op, ByteSource& source, uint64_t limit = 0);
  ~ZipReader();
  ZipReader(const ZipReader&) = delete;
  ZipReader& operator=(const ZipReader&) = delete;

  const std::vector<ZipEntry>& entries() const { return entries_; }
  const ZipEntry* find(const std::string& name) const;  // null when there is none
  // All entry.size bytes, whose CRC must be right. Encrypted entries are refused.
  void read(const ZipEntry& entry, void* to);
  std::string read(const ZipEntry& entry);

 private:
  struct Archive;  // libzip's
  void list(uint64_t limit);
  [[noreturn]] void fail_entry(const ZipEntry& entry, std::string_view found,
                               std::string_view rule) const;

  std::string op_;
  ByteSource& source_;
  std::unique_ptr<Archive> archive_;
  std::vector<ZipEntry> entries_;
  std::unordered_map<std::string, size_t> index_;
};

// Whether a file begins as a zip archive does.
bool is_zip(ByteSource& source);

// Appends entries to a sink; finish() writes the directory.
class ZipWriter {
 public:
  ZipWriter(std::string_view op, ByteSink& sink) : op_(op), sink_(sink) {}
  // An entry of `head` and then `size` bytes at `data`. `alignment` (a power of two): where in the
  // file they begin; 1 for anywhere.
  void add(const std::string& name, std::string_view head, const void* data, uint64_t size,
           bool deflated = false, uint64_t alignment = 1);
  void finish();

 private:
  struct Written {
    std::string name;
    uint32_t crc;
    uint64_t size, packed, offset;
    bool deflated;
  };
  void write(const void* from, size_t n) {
    sink_.write(from, n);
    at_ += n;
  }

  std::string op_;
  ByteSink& sink_;
  uint64_t at_ = 0;
  std::vector<Written> entries_;
};

}  // namespace mt
