// The one exception type of the library and the builder of its messages. Every message follows
// `<op>: <kind>: <what was given>: <what must hold>[; <the usual fix>]`. Thrown anywhere inside,
// caught in one place (capi/guard.h), where it becomes an mt_status and the thread's last error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace mt {

// Values are the ABI's mt_status values (capi/api.toml); a test keeps the two equal. Append only.
enum class Status : int32_t {
  kOk = 0,
  kInvalidArgument = 1,  // a value outside the documented domain
  kShape = 2,            // shapes that do not fit together
  kDType = 3,            // dtypes that do not fit together or are not supported by the op
  kDevice = 4,           // tensors on different devices, or no data on this device
  kIndex = 5,            // an index or dim out of range
  kKey = 6,              // a name that does not exist (state_dict, parameter, feature)
  kNullArgument = 7,     // NULL where a handle or pointer is required
  kStaleHandle = 8,      // a handle that was freed
  kDoubleFree = 9,       // freeing a handle that was freed
  kWrongHandle = 10,     // a live handle of another class
  kInvalidHandle = 11,   // a value that never was a handle
  kOutOfMemory = 12,     // an allocation failed, also after the pressure callback
  kIo = 13,              // the operating system refused (open, read, write, rename)
  kFormat = 14,          // a file's content is damaged or not of the format
  kNotImplemented = 15,  // no kernel for this device and dtype
  kAutograd = 16,        // a rule of the gradient engine was broken
  kCallback = 17,        // a user callback reported failure
  kState = 18,           // the object is not in a state that allows the call
  kInternal = 19,        // a defect of the library itself
};

class Error : public std::exception {
 public:
  Error(Status status, std::string message) : status_(status), message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }
  Status status() const noexcept { return status_; }
  const std::string& message() const noexcept { return message_; }

 private:
  Status status_;
  std::string message_;
};

// A piece of a message: text or a number. Keeps the many callers of cat() small.
class TextPart {
 public:
  TextPart(std::string_view text) : text_(text), kind_(Kind::kText) {}     // NOLINT: pieces convert
  TextPart(const char* text) : TextPart(std::string_view(text)) {}         // NOLINT
  TextPart(const std::string& text) : TextPart(std::string_view(text)) {}  // NOLINT
  TextPart(char c) : char_(c), kind_(Kind::kChar) {}                       // NOLINT
  TextPart(bool v) : signed_(v), kind_(Kind::kSigned) {}                   // NOLINT
  template <class T>
  requires std::is_arithmetic_v<T> TextPart(T v) {  // NOLINT
    if constexpr (std::is_floating_point_v<T>) {
      double_ = static_cast<double>(v);
      kind_ = Kind::kDouble;
    } else if constexpr (std::is_signed_v<T>) {
      signed_ = v;
      kind_ = Kind::kSigned;
    } else {
      unsigned_ = v;
      kind_ = Kind::kUnsigned;
    }
  }
  void append_to(std::string& out) const;

 private:
  enum class Kind : uint8_t { kText, kChar, kSigned, kUnsigned, kDouble };
  union {
    std::string_view text_;
    char char_;
    int64_t signed_;
    uint64_t unsigned_;
    double double_;
  };
  Kind kind_;
};

std::string join_parts(const TextPart* parts, size_t n);

// Concatenates its arguments as text: cat("dim ", 3, " is out of range").
// (Only for such pieces: joining tensors has the same name in PyTorch.)
template <class... Parts>
requires(std::is_constructible_v<TextPart, const Parts&>&&...) std::string
    cat(const Parts&... parts) {
  const TextPart list[] = {TextPart(parts)...};
  return join_parts(list, sizeof...(parts));
}

[[noreturn]] void fail_with(Status status, const TextPart* parts, size_t n);

template <class... Parts>
[[noreturn, gnu::cold]] void fail(Status status, const Parts&... parts) {
  const TextPart list[] = {TextPart(parts)...};
  fail_with(status, list, sizeof...(parts));
}

}  // namespace mt
