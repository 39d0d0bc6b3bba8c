// Files for the formats of io/: reading at offsets with size checks, and writing that replaces the
// target in one step or leaves it as it was. Every refusal of the system is kIo with its reason,
// the path and the caller's name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mt {

// Bytes to decode, in memory or in a file.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual uint64_t size() const = 0;
  // Exactly n bytes from `offset`; kFormat when they are not there.
  virtual void read(uint64_t offset, void* to, size_t n) = 0;
  virtual const std::string& name() const = 0;  // for messages: the path, or "buffer"
};

// Bytes being encoded, in order.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual void write(const void* from, size_t n) = 0;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string_view op, std::span<const uint8_t> bytes,
                        std::string name = "buffer")
      : op_(op), name_(std::move(name)), bytes_(bytes) {}
  uint64_t size() const override { return bytes_.size(); }
  void read(uint64_t offset, void* to, size_t n) override;
  const std::string& name() const override { return name_; }

 private:
  std::string op_, name_;
  std::span<const uint8_t> bytes_;
};

class MemorySink final : public ByteSink {
 public:
  void write(const void* from, size_t n) override {
    bytes.append(static_cast<const char*>(from), n);
  }
  std::string bytes;
};

// A regular file that is open for reading; its size is fixed when it is opened. Nothing is mapped:
// a file cut short by another process is an error, not a signal.
class FileSource final : public ByteSource {
 public:
  FileSource(std::string_view op, const std::string& path);
  ~FileSource() override;
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;
  uint64_t size() const override { return size_; }
  void read(uint64_t offset, void* to, size_t n) override;
  const std::string& name() const override { return path_; }

 private:
  std::string op_, path_;
  int fd_ = -1;
  uint64_t size_ = 0;
};

// Writes to a temporary file beside the target. commit() flushes it to the disk and renames it over
// the target; without commit() it is removed and the target stays as it was. A symbolic link is
// followed. An existing target must be a regular file; its permission bits are kept.
class AtomicFile final : public ByteSink {
 public:
  AtomicFile(std::string_view op, const std::string& path);
  ~AtomicFile() override;
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  void write(const void* from, size_t n) override;
  void commit();

 private:
  [[noreturn]] void fail_system(const char* what, int error) const;
  void flush();

  std::string op_, path_, target_, directory_, temporary_;
  std::string pending_;  // small writes are gathered
  int fd_ = -1;
};

// The system's text for an errno value, whatever the locale.
std::string system_error_text(int error);

}  // namespace mt
