// POSIX files: see file.h. Every call that a signal can interrupt is tried again.
#include "io/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "core/error.h"

namespace mt {
namespace {

constexpr size_t kGather = size_t{1} << 16;      // writes below this size are joined
constexpr size_t kMostAtOnce = size_t{1} << 30;  // one call moves at most 2 GiB on Linux

template <class Call>
auto retry(const Call& call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// The two forms of strerror_r: glibc's returns the text, POSIX's fills the buffer.
[[maybe_unused]] const char* chosen_text(const char* text, const char*) { return text; }
[[maybe_unused]] const char* chosen_text(int, const char* buffer) { return buffer; }

void check_path(std::string_view op, const std::string& path) {
  if (path.empty()) {
    fail(Status::kInvalidArgument, op, ": empty path: '' given: a file name is needed");
  }
  if (path.find('\0') != std::string::npos) {
    fail(Status::kInvalidArgument, op, ": bad path: '", path.c_str(),
         "' is followed by a NUL character: a path cannot contain one");
  }
}

[[noreturn]] void fail_path(std::string_view op, std::string_view what, const std::string& path,
                            const std::string& reason) {
  fail(Status::kIo, op, ": ", what, ": '", path, "': ", reason);
}

std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Where a write through symbolic links would land; the last link may lead to nothing yet.
std::string followed(std::string path) {
  for (int hops = 0; hops < 40; ++hops) {
    char link[4096];
    const ssize_t n = readlink(path.c_str(), link, sizeof link);
    if (n <= 0 || n == static_cast<ssize_t>(sizeof link)) break;
    const std::string to(link, static_cast<size_t>(n));
    path = to[0] == '/' ? to : directory_of(path) + "/" + to;
  }
  return path;
}

// Unique in the directory together with O_EXCL, and short whatever the target is called.
std::string temporary_name(const std::string& directory) {
  static std::atomic<uint64_t> counter{0};
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const uint64_t stamp = static_cast<uint64_t>(now.tv_sec) * 1000000000u +
                         static_cast<uint64_t>(now.tv_nsec) + (counter.fetch_add(1) << 50);
  char text[64];
  std::snprintf(text, sizeof text, "/.minitorch-%lx-%016llx.tmp", static_cast<long>(getpid()),
                static_cast<unsigned long long>(stamp));
  return directory + text;
}

}  // namespace

std::string system_error_text(int error) {
  char buffer[256] = "unknown error";
  return chosen_text(strerror_r(error, buffer, sizeof buffer), buffer);
}

void MemorySource::read(uint64_t offset, void* to, size_t n) {
  if (offset > bytes_.size() || n > bytes_.size() - offset) {
    fail(Status::kFormat, op_, ": truncated: '", name_, "' has ", bytes_.size(), " bytes: ", n,
         " bytes are needed at offset ", offset);
  }
  if (n != 0) std::memcpy(to, bytes_.data() + offset, n);
}

FileSource::FileSource(std::string_view op, const std::string& path) : op_(op), path_(path) {
  check_path(op, path);
  // Without O_NONBLOCK a pipe without a writer would wait here for ever.
  fd_ = retry([&] { return open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); });
  if (fd_ < 0) fail_path(op, "cannot open", path, system_error_text(errno));
  struct stat info {};
  if (fstat(fd_, &info) != 0) {
    const int error = errno;
    close(fd_);
    fail_path(op, "cannot open", path, system_error_text(error));
  }
  if (!S_ISREG(info.st_mode)) {
    close(fd_);
    fail_path(op, "cannot open", path,
              S_ISDIR(info.st_mode) ? "is a directory: must be a regular file"
                                    : "is a device or pipe: must be a regular file");
  }
  size_ = static_cast<uint64_t>(info.st_size);
}

FileSource::~FileSource() { close(fd_); }

void FileSource::read(uint64_t offset, void* to, size_t n) {
  if (offset > size_ || n > size_ - offset) {
    fail(Status::kFormat, op_, ": truncated: '", path_, "' has ", size_, " bytes: ", n,
         " bytes are needed at offset ", offset);
  }
  auto* out = static_cast<char*>(to);
  while (n != 0) {
    const size_t part = std::min(n, kMostAtOnce);
    const ssize_t got = retry([&] { return pread(fd_, out, part, static_cast<off_t>(offset)); });
    if (got < 0) fail_path(op_, "cannot read", path_, system_error_text(errno));
    if (got == 0) {
      fail_path(op_, "cannot read", path_,
                cat("ends at byte ", offset, " but had ", size_,
                    " bytes when it was opened: must not change while it is read"));
    }
    out += got;
    offset += static_cast<uint64_t>(got);
    n -= static_cast<size_t>(got);
  }
}

AtomicFile::AtomicFile(std::string_view op, const std::string& path) : op_(op), path_(path) {
  check_path(op, path);
  target_ = followed(path);
  directory_ = directory_of(target_);
  mode_t mode = 0;
  struct stat info {};
  if (stat(target_.c_str(), &info) == 0) {
    if (!S_ISREG(info.st_mode)) {
      fail_path(op, "cannot write", path,
                S_ISDIR(info.st_mode) ? "is a directory: must be a regular file"
                                      : "is a device or pipe: must be a regular file");
    }
    // A file that may not be written must not be replaced either.
    if (faccessat(AT_FDCWD, target_.c_str(), W_OK, AT_EACCESS) != 0) {
      fail_system("cannot write", errno);
    }
    mode = info.st_mode & 0777;
  } else if (errno != ENOENT || target_.back() == '/') {
    fail_system("cannot write", errno == ENOENT ? EISDIR : errno);
  }
  for (int tries = 0; fd_ < 0; ++tries) {
    temporary_ = temporary_name(directory_);
    fd_ = retry(
        [&] { return open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); });
    if (fd_ < 0 && (errno != EEXIST || tries == 100)) {
      temporary_.clear();
      fail_system("cannot write", errno);
    }
  }
  // Best effort: on file systems without permission bits there is nothing to keep.
  if (mode != 0 && fchmod(fd_, mode) != 0) errno = 0;
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) close(fd_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void AtomicFile::fail_system(const char* what, int error) const {
  fail_path(op_, what, path_, system_error_text(error));
}

void AtomicFile::write(const void* from, size_t n) {
  if (pending_.size() + n < kGather) {
    pending_.append(static_cast<const char*>(from), n);
    return;
  }
  flush();
  const auto* p = static_cast<const char*>(from);
  while (n != 0) {
    const size_t part = std::min(n, kMostAtOnce);
    const ssize_t done = retry([&] { return ::write(fd_, p, part); });
    if (done < 0) fail_system("cannot write", errno);
    if (done == 0) fail_system("cannot write", ENOSPC);
    p += done;
    n -= static_cast<size_t>(done);
  }
}

void AtomicFile::flush() {
  std::string rest;
  rest.swap(pending_);
  size_t at = 0;
  while (at < rest.size()) {
    const ssize_t done = retry([&] { return ::write(fd_, rest.data() + at, rest.size() - at); });
    if (done < 0) fail_system("cannot write", errno);
    if (done == 0) fail_system("cannot write", ENOSPC);
    at += static_cast<size_t>(done);
  }
}

void AtomicFile::commit() {
  flush();
  if (retry([&] { return fsync(fd_); }) != 0) fail_system("cannot flush", errno);
  const int fd = fd_;
  fd_ = -1;
  // After EINTR the descriptor is gone all the same, and fsync has already said that all is well.
  if (close(fd) != 0 && errno != EINTR) fail_system("cannot close", errno);
  if (rename(temporary_.c_str(), target_.c_str()) != 0) fail_system("cannot replace", errno);
  temporary_.clear();
  // The new name reaches the disk with its directory. A directory that cannot be opened for reading
  // or flushed is no reason to fail: the file itself is complete and in place.
  const int dir =
      retry([&] { return open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (dir < 0) return;
  const int flushed = retry([&] { return fsync(dir); });
  const int error = errno;
  close(dir);
  if (flushed != 0 && error == EIO) fail_system("cannot flush the directory of", error);
}

}  // namespace mt
