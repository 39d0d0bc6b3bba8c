// The one exception type of the library and the builder of its messages. Every message follows
// `<op>: <kind>: <what was given>: <what must hold>[; <the usual fix>]`. Thrown anywhere inside,
// caught in one place (capi/guard.h), where it becomes an mt_status and the thread's last error.
#pragma once

#include <cstdint>
#include <exception>
#include <locale>
#include <sstream>
#include <string>
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

template <class T>
concept Printable = requires(std::ostream& out, const T& part) { out << part; };

// Concatenates its arguments as text: cat("dim ", 3, " is out of range").
template <Printable... Parts>
std::string cat(const Parts&... parts) {
  std::ostringstream out;
  out.imbue(std::locale::classic());  // a host's locale must not group digits
  (out << ... << parts);
  return std::move(out).str();
}

template <class... Parts>
[[noreturn, gnu::cold, gnu::noinline]] void fail(Status status, const Parts&... parts) {
  throw Error(status, cat(parts...));
}

}  // namespace mt
