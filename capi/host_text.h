// Text that a function of the host program writes into a buffer of the library's.
#pragma once

#include <functional>

#include "capi/guard.h"
#include "minitorch/minitorch.h"

namespace mt::capi {

// The text that a host's function writes into a buffer of `capacity` bytes with a closing NUL,
// asked again with more room when it did not fit. `what` names the callback.
using TextFn = std::function<mt_status(char* text, size_t capacity, size_t* length)>;
std::string host_text(std::string_view what, const TextFn& write);

}  // namespace mt::capi
