// Reading zip archives with libzip: see zip.h. It is opened at the first archive, since linking it
// would load libcrypto into every program. It reads the directory and the entries; the limits that
// a hostile archive must not pass are set here.
#include <zip.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>

#include "core/error.h"
#include "core/library.h"
#include "io/safetensors_header.h"
#include "io/zip.h"

namespace mt {

using safetensors::shown;

namespace {

// clang-format off
#define MT_EACH_FUNCTION(M)                                                            \
  M(discard) M(error_fini) M(error_init) M(error_set) M(error_strerror)                \
  M(error_to_data) M(fclose) M(file_get_error) M(fopen_index) M(fread) M(get_error)    \
  M(get_num_entries) M(open_from_source) M(source_free) M(source_function_create)      \
  M(source_seek_compute_offset) M(stat_index)
// clang-format on

// libzip's functions without their "zip_". Those used here are the same in all its versions, from
// the first with this kind of source (1.0) on: both names of the library stand for that interface.
struct Libzip {
#define MT_POINTER(f) decltype(&zip_##f) f = nullptr;
  MT_EACH_FUNCTION(MT_POINTER)
#undef MT_POINTER

  // Null when the library is not there.
  static const Libzip* get() {
    static const Libzip kFunctions = load();
    return kFunctions.discard ? &kFunctions : nullptr;
  }

 private:
  static Libzip load() {
    const Library library{"libzip.so.5", "libzip.so.4"};
    Libzip f;
    bool complete = true;
#define MT_FIND(name) complete = library.find("zip_" #name, f.name) && complete;
    MT_EACH_FUNCTION(MT_FIND)
#undef MT_FIND
    return complete ? f : Libzip();
  }
};
#undef MT_EACH_FUNCTION

// libzip's table of names takes time that goes with the square of their number when they are chosen
// for it, and a file with many ends of a directory makes it read the directory as many times. Each
// entry takes two reads in the directory and up to three around its bytes, which are counted.
constexpr uint64_t kMostEntries = uint64_t{1} << 16;
constexpr uint64_t kLocal = 30;  // the header in front of an entry's data, without its name
constexpr uint64_t kPart = uint64_t{1} << 20;  // read at once: its checksum finds it in the cache

}  // namespace

bool has_zip() { return Libzip::get() != nullptr; }

// An open archive and what libzip reads it from. libzip owns neither the source nor this.
struct ZipReader::Archive {
  Archive(const Libzip& functions, const std::string& caller, ByteSource& bytes)
      : f(functions), op(caller), source(bytes) {
    f.error_init(&error);
    f.error_init(&source_error);
  }
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;
  ~Archive() {
    if (zip) f.discard(zip);
    f.error_fini(&source_error);
    f.error_fini(&error);
  }

  // Whether it could be opened; `error` says why not.
  bool open(int flags) {
    reads_left = 64 + kMostEntries * ((flags & ZIP_CHECKCONS) != 0 ? 5 : 2);
    opening = true;
    errno = 0;
    zip_source_t* const from = f.source_function_create(answer, this, &error);
    if (!from) return false;
    zip = f.open_from_source(from, flags | ZIP_RDONLY, &error);
    if (!zip) f.source_free(from);
    reads_left = UINT64_MAX;
    opening = false;
    return zip != nullptr;
  }

  // What the byte source threw comes before what libzip made of it, and so does a lack of memory,
  // of which libzip does not always tell: whoever calls it sets errno to 0 before.
  void rethrow(const zip_error_t& e) {
    if (problem) std::rethrow_exception(std::exchange(problem, nullptr));
    if (e.zip_err != ZIP_ER_MEMORY && errno != ENOMEM) return;
    fail(Status::kOutOfMemory, op, ": out of memory: unpacking '", source.name(),
         "': no memory is left");
  }

  // Where sizes and checksum stand behind the data, those of the header in front are to be zero,
  // but libarchive and macOS give some: older libzips take that for damage, newer ones read it.
  static void hide_sizes(char* header) {
    if (std::memcmp(header, "PK\3\4", 4) == 0 && (header[6] & 8) != 0) {
      std::memset(header + 14, 0, 12);
    }
  }

  // libzip's side of the byte source; no exception may pass through it.
  static zip_int64_t answer(void* user, void* data, zip_uint64_t n, zip_source_cmd_t command) {
    Archive& a = *static_cast<Archive*>(user);
    const uint64_t size = a.source.size();
    switch (command) {
      case ZIP_SOURCE_SUPPORTS:
        return ZIP_SOURCE_SUPPORTS_SEEKABLE;
      case ZIP_SOURCE_OPEN:
        a.at = 0;
        return 0;
      case ZIP_SOURCE_CLOSE:
      case ZIP_SOURCE_FREE:
        return 0;
      case ZIP_SOURCE_STAT: {
        auto& st = *static_cast<zip_stat_t*>(data);
        st.size = size;
        st.valid |= ZIP_STAT_SIZE;
        return sizeof st;
      }
      case ZIP_SOURCE_TELL:
        return static_cast<zip_int64_t>(a.at);
      case ZIP_SOURCE_SEEK: {
        const zip_int64_t to = a.f.source_seek_compute_offset(a.at, size, data, n, &a.source_error);
        if (to < 0) return -1;
        a.at = static_cast<uint64_t>(to);
        return 0;
      }
      case ZIP_SOURCE_READ:
        n = std::min(n, size - a.at);
        try {
          if (a.reads_left == 0) {
            fail(Status::kFormat, a.op, ": bad archive: '", a.source.name(), "': more than ",
                 kMostEntries, " entries: that is the limit for one file");
          }
          --a.reads_left;
          a.source.read(a.at, data, n);
        } catch (...) {
          a.problem = std::current_exception();
          a.f.error_set(&a.source_error, ZIP_ER_READ, EIO);
          return -1;
        }
        if (a.opening && n == kLocal) hide_sizes(static_cast<char*>(data));
        a.at += n;
        return static_cast<zip_int64_t>(n);
      case ZIP_SOURCE_ERROR:
        return a.f.error_to_data(&a.source_error, data, n);
      default:
        a.f.error_set(&a.source_error, ZIP_ER_OPNOTSUPP, 0);
        return -1;
    }
  }

  const Libzip& f;
  const std::string& op;
  ByteSource& source;
  zip_t* zip = nullptr;
  uint64_t at = 0, reads_left = 0;
  bool opening = false;
  zip_error_t error, source_error;
  std::exception_ptr problem;
};

ZipReader::ZipReader(std::string_view op, ByteSource& source, uint64_t limit)
    : op_(op), source_(source) {
  const Libzip* const f = Libzip::get();
  if (!f) {
    fail(Status::kNotImplemented, op_, ": not available: '", source_.name(),
         "' is a zip archive: the libzip library (libzip.so.5 or libzip.so.4) could not be used: "
         "install it (Debian: libzip4); it is opened at the first archive");
  }
  if (limit == 0) limit = default_unpack_limit(source.size());
  archive_ = std::make_unique<Archive>(*f, op_, source);
  if (archive_->open(ZIP_CHECKCONS)) {
    list(limit);
    return;
  }
  archive_->rethrow(archive_->error);
  const std::string found = f->error_strerror(&archive_->error);
  // Without that check it may open, and then what is wrong with its entries can be told better.
  archive_ = std::make_unique<Archive>(*f, op_, source);
  if (archive_->open(0)) list(limit);
  fail(Status::kFormat, op_, ": bad archive: '", source_.name(), "' of ", source_.size(),
       " bytes: ", found,
       ": must end with a directory that agrees with its entries; the file may be cut");
}

ZipReader::~ZipReader() = default;

void ZipReader::list(uint64_t limit) {
  const Archive& a = *archive_;
  const auto count = static_cast<uint64_t>(std::max<zip_int64_t>(a.f.get_num_entries(a.zip, 0), 0));
  const uint64_t room = source_.size();
  uint64_t packed = 0, unpacked = 0;
  for (uint64_t i = 0; i < count; ++i) {
    zip_stat_t st{};
    errno = 0;
    if (a.f.stat_index(a.zip, i, ZIP_FL_ENC_RAW, &st) != 0 || !st.name) {
      archive_->rethrow(*a.f.get_error(a.zip));
      fail(Status::kFormat, op_, ": bad archive: '", source_.name(), "': entry ", i,
           " of its directory is damaged: must have all of them");
    }
    ZipEntry entry{st.name,
                   st.size,
                   st.comp_size,
                   i,
                   st.crc,
                   st.comp_method,
                   st.encryption_method != ZIP_EM_NONE};
    // Each byte of the file belongs to one entry, and a byte of deflate gives at most 1032.
    if (entry.packed > room || (packed += entry.packed) > room) {
      fail_entry(entry, cat("says that it takes ", entry.packed, " bytes of ", room),
                 "all entries together must fit the file");
    }
    if (entry.method == ZIP_CM_STORE && !entry.encrypted ? entry.size != entry.packed
                                                         : entry.size / 1032 > entry.packed + 1) {
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

void ZipReader::read(const ZipEntry& entry, void* to) {
  if (entry.encrypted) fail_entry(entry, "is encrypted", "must not be");
  if (entry.method != ZIP_CM_STORE && entry.method != ZIP_CM_DEFLATE) {
    fail_entry(entry, cat("is packed by method ", entry.method), "must be stored or deflated");
  }
  const Libzip& f = archive_->f;
  const auto damaged = [&](zip_error_t* e) {
    archive_->rethrow(*e);
    if (e->zip_err == ZIP_ER_CRC) fail_entry(entry, "has a wrong checksum", "it is damaged");
    fail_entry(entry, cat("does not unpack (", f.error_strerror(e), ")"), "it is damaged");
  };
  errno = 0;
  zip_file_t* const file = f.fopen_index(archive_->zip, entry.index, 0);
  if (!file) damaged(f.get_error(archive_->zip));
  struct Close {
    decltype(Libzip::fclose) close;
    zip_file_t* file;
    ~Close() { close(file); }
  } close{f.fclose, file};
  uint64_t got = 0;
  char more = 0;
  zip_int64_t n = 0;
  // At the end a byte more is asked for: that none follows, and the checksum, are seen then.
  do {
    const bool all = got == entry.size;
    char* const out = all ? &more : static_cast<char*>(to) + got;
    n = f.fread(file, out, all ? 1 : std::min(entry.size - got, kPart));
    if (n < 0) damaged(f.file_get_error(file));
    if (n > 0 && all) fail_entry(entry, "is longer than the directory says", "it is damaged");
    got += static_cast<uint64_t>(n);
  } while (n > 0);
  if (got != entry.size) {
    fail_entry(entry, cat("ends ", entry.size - got, " bytes too early"), "it is damaged");
  }
  // What takes no bytes libzip does not look at.
  if (entry.packed == 0 && entry.crc != 0) {
    fail_entry(entry, "has a wrong checksum", "it is damaged");
  }
}

std::string ZipReader::read(const ZipEntry& entry) {
  std::string bytes(entry.size, '\0');
  read(entry, bytes.data());
  return bytes;
}

}  // namespace mt
