// Asks a host's function for its text until it fits.
#include "capi/host_text.h"

namespace mt::capi {

std::string host_text(std::string_view what, const TextFn& write) {
  AbiThread& t = this_abi_thread();
  std::string text(255, '\0');
  for (int tries = 0; tries < 3; ++tries) {
    size_t length = 0;
    const size_t capacity = text.size() + 1;  // a string's own NUL is room as well
    CallbackScope scope(t);
    const mt_status status = write(text.data(), capacity, &length);
    scope.check(status, what);
    constexpr size_t kLongest = size_t{1} << 26;
    if (length > kLongest) break;
    const bool fits = length < capacity;
    text.resize(length);
    if (fits) return text;
  }
  fail(Status::kCallback, what,
       ": text does not fit: it grew from call to call, or is over 64 MiB: *length must be the "
       "whole text's length");
}

}  // namespace mt::capi
