// What stands for zip archives in a build without zlib and libzip: a clear refusal. See zip.h.
#include "core/error.h"
#include "io/gzip.h"
#include "io/zip.h"

namespace mt {
namespace {

[[noreturn]] void fail_absent(std::string_view op) {
  fail(Status::kNotImplemented, op,
       ": not available: zip archives (.pth, .npz) and gzip: this library was built without "
       "zlib and libzip: build with -Dzip=enabled");
}

}  // namespace

bool has_zip() { return false; }

uint64_t default_unpack_limit(uint64_t) { return 0; }

bool is_zip(ByteSource& source) {
  char b[2] = {};
  if (source.size() >= 4) source.read(0, b, 2);
  return b[0] == 'P' && b[1] == 'K';
}

struct ZipReader::Archive {};

ZipReader::ZipReader(std::string_view op, ByteSource& source, uint64_t) : op_(op), source_(source) {
  fail_absent(op);
}
ZipReader::~ZipReader() = default;
void ZipReader::list(uint64_t) { fail_absent(op_); }
void ZipReader::fail_entry(const ZipEntry&, std::string_view, std::string_view) const {
  fail_absent(op_);
}
const ZipEntry* ZipReader::find(const std::string&) const { return nullptr; }
void ZipReader::read(const ZipEntry& entry, void*) { fail_entry(entry, source_.name(), {}); }
std::string ZipReader::read(const ZipEntry& entry) { fail_entry(entry, source_.name(), {}); }

void ZipWriter::add(const std::string&, std::string_view, const void*, uint64_t, bool, uint64_t) {
  fail_absent(op_);
}
void ZipWriter::finish() { fail_absent(op_); }

struct GzipReader::State {};

bool is_gzip(ByteSource& source) {
  unsigned char b[2] = {};
  if (source.size() >= 2) source.read(0, b, 2);
  return b[0] == 0x1F && b[1] == 0x8B;
}
GzipReader::GzipReader(std::string_view op, ByteSource& source) : op_(op), source_(source) {
  fail_absent(op_);
}
GzipReader::~GzipReader() = default;
void GzipReader::read(void*, size_t) { fail_absent(source_.name()); }
bool GzipReader::at_end() { return true; }
size_t GzipReader::some(void*, size_t) { return 0; }

}  // namespace mt
