// safetensors without copying: tensors that lie on a private mapping of the file. See
// safetensors.h.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "io/file.h"
#include "io/safetensors.h"
#include "io/safetensors_header.h"

namespace mt {
namespace {

constexpr const char* kOp = "load_safetensors";

// The pages of a file, until the last tensor on them goes.
class Mapping : public RefCounted {
 public:
  static void destroy(Mapping* m) { delete m; }
  explicit Mapping(const std::string& path) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info {};
    if (fd < 0 || fstat(fd, &info) != 0) refuse(fd, path, errno);
    if (!S_ISREG(info.st_mode)) refuse(fd, path, EINVAL);
    size_ = static_cast<size_t>(info.st_size);
    if (size_ != 0) {
      data_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
      if (data_ == MAP_FAILED) {
        data_ = nullptr;
        refuse(fd, path, errno);
      }
    }
    close(fd);
  }
  ~Mapping() {
    if (data_) munmap(data_, size_);
  }
  uint8_t* data() const { return static_cast<uint8_t*>(data_); }
  size_t size() const { return size_; }

 private:
  [[noreturn]] static void refuse(int fd, const std::string& path, int error) {
    if (fd >= 0) close(fd);
    fail(Status::kIo, kOp, ": cannot map: '", path, "': ", system_error_text(error));
  }
  void* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace

NamedTensors map_safetensors(const std::string& path, StringMap* metadata) {
  FileSource check(kOp, path);  // the messages for whatever is no regular file
  const auto mapping = Ref<Mapping>::adopt(new Mapping(path));
  MemorySource source(kOp, {mapping->data(), mapping->size()}, path);
  StringMap found;
  uint64_t start = 0;
  std::vector<safetensors::Entry> entries = safetensors::read_header(kOp, source, start, found);
  NamedTensors out;
  for (safetensors::Entry& e : entries) {
    uint8_t* data = mapping->data() + start + e.begin;
    const size_t bytes = e.end - e.begin;
    Tensor t;
    if (reinterpret_cast<uintptr_t>(data) % dtype_size(e.dtype) != 0 || bytes == 0) {
      t = Tensor::empty(e.shape, e.dtype, Device::kCPU, kOp);
      if (bytes != 0) std::memcpy(t.data(), data, bytes);
    } else {
      t = Tensor::empty({{0}}, e.dtype, Device::kCPU, kOp);
      mapping->retain();
      try {
        t.impl()->storage = Storage::wrap(
            data, bytes, [](void* m) { Ref<Mapping>::adopt(static_cast<Mapping*>(m)); },
            mapping.get());
      } catch (...) {
        mapping->drop();
        throw;
      }
      t = t.alias(e.shape, contiguous_strides(e.shape), 0);
    }
    safetensors::check_values(kOp, path, e.name, t);
    out.emplace_back(std::move(e.name), std::move(t));
  }
  if (metadata) *metadata = std::move(found);
  return out;
}

}  // namespace mt
