// Argument checks off the fast path, the translation of exceptions, strings and callbacks.
#include "capi/guard.h"
#include "minitorch/minitorch.h"

#include <cxxabi.h>

#include <cstring>
#include <mutex>
#include <new>
#include <unordered_set>

namespace mt::capi {
namespace {

// The addresses given out by new_string: freeing anything else is refused, not undefined.
struct Strings {
  std::mutex mutex;
  std::unordered_set<const void*> live;
};
Strings& strings() {
  static auto* s = new Strings;  // outlives every thread, so never destroyed
  return *s;
}

constexpr const char* kNoMemory = "out of memory: the system gave no memory for a small allocation";

// A message about a part of an op, "maximum: shape mismatch: ...", with the op's own name. What the
// checks of handles and of other arguments say already names the C function.
std::string named(const char* op, const std::string& message) {
  const size_t end = message.find(": ");
  if (!op || end == std::string::npos || message.compare(0, 3, "mt_") == 0) return message;
  return op + message.substr(end);
}

bool is_status(mt_status s) { return s > MT_OK && s <= MT_ERR_INTERNAL; }

}  // namespace

void set_error(AbiThread& t, Status status, std::string_view message) noexcept {
  t.status = status;
  ++t.errors;
  try {
    t.message.assign(message);
    t.static_message = nullptr;
  } catch (...) {
    t.static_message = "out of memory: no room for the error's message";
  }
}

mt_status report(const char* fn, const char* op, AbiThread& t) {
  try {
    throw;
  } catch (const Error& e) {
    try {
      set_error(t, e.status(), named(op, e.message()));
    } catch (...) {
      set_error(t, e.status(), e.message());
    }
    return static_cast<mt_status>(e.status());
  } catch (const std::bad_alloc&) {
    t.status = Status::kOutOfMemory;
    ++t.errors;
    t.static_message = kNoMemory;
    return MT_ERR_OUT_OF_MEMORY;
  } catch (const abi::__forced_unwind&) {
    throw;  // the thread is being ended: swallowing this would abort the process
  } catch (const std::exception& e) {
    try {
      set_error(t, Status::kInternal, cat(fn, ": internal error: ", e.what()));
    } catch (...) {
      t.static_message = "internal error";
    }
  } catch (...) {
    set_error(t, Status::kInternal, "internal error: an exception of a foreign kind was thrown");
  }
  return MT_ERR_INTERNAL;
}

TensorArgs Call::tensors(const char* arg, const mt_tensor* const* items, size_t n, bool nullable) {
  if (n != 0) pointer(arg, items);
  if (n > INT32_MAX) {
    fail(Status::kInvalidArgument, fn_, ": too many tensors: '", arg, "' has ", n,
         " entries: at most ", INT32_MAX, " are possible");
  }
  TensorArgs list;
  list.reserve(static_cast<int>(n));
  for (size_t i = 0; i < n; ++i) {
    if (nullable && !items[i]) {
      list.push_back({});
      continue;
    }
    TensorImpl* impl = object<TensorImpl>(arg, items[i], static_cast<int64_t>(i));
    list.push_back(Tensor(Ref<TensorImpl>::share(impl)));
  }
  return list;
}

DType Call::dtype(const char* arg, mt_dtype v) const {
  if (v >= 0 && v < mt::kNumDTypes) return static_cast<DType>(v);
  fail(Status::kInvalidArgument, fn_, ": unknown dtype: '", arg, "' is ", v,
       ": must be one of mt_dtype");
}

Device Call::device(const char* arg, mt_device v) const {
  if (v >= 0 && v < kNumDevices) return static_cast<Device>(v);
  fail(Status::kInvalidArgument, fn_, ": unknown device: '", arg, "' is ", v,
       ": must be one of mt_device");
}

void Call::read_struct(const char* arg, const void* from, void* into, size_t size) const {
  pointer(arg, from);
  size_t given = 0;
  std::memcpy(&given, from, sizeof given);
  const auto* bytes = static_cast<const unsigned char*>(from);
  constexpr size_t kMost = 4096;  // no options struct comes near: a larger size was never set
  bool fits = given > sizeof given && given <= kMost;
  for (size_t i = size; fits && i < given; ++i) fits = bytes[i] == 0;
  if (!fits) {
    fail(Status::kInvalidArgument, fn_, ": unknown options: '", arg, "' has struct_size ", given,
         ", this library knows ", size,
         " bytes: set the struct up with its _init function, and no members that are newer than "
         "the library");
  }
  std::memcpy(into, from, given < size ? given : size);
}

void Call::write_struct(const char* arg, void* to, const void* from, size_t size) const {
  size_t given = 0;
  std::memcpy(&given, to, sizeof given);
  if (given <= sizeof given) {
    fail(Status::kInvalidArgument, fn_, ": unknown size: '", arg, "' has struct_size ", given,
         ": set struct_size to the struct's size before the call");
  }
  std::memcpy(to, from, given < size ? given : size);
}

void Call::fail_null(const char* arg) const {
  fail(Status::kNullArgument, fn_, ": null argument: '", arg, "' is NULL: a pointer is required");
}

void Call::fail_enum(const char* arg, int32_t v, int32_t count) const {
  fail(Status::kInvalidArgument, fn_, ": unknown value: '", arg, "' is ", v, ": must be in [0, ",
       count - 1, "]");
}

char* new_string(std::string_view text) {
  char* s = static_cast<char*>(std::malloc(text.size() + 1));
  if (!s) throw std::bad_alloc();
  std::memcpy(s, text.data(), text.size());
  s[text.size()] = 0;
  try {
    std::lock_guard lock(strings().mutex);
    strings().live.insert(s);
  } catch (...) {
    std::free(s);
    throw;
  }
  return s;
}

Ref<UserData> UserData::make(void* user, DestroyFn destroy_fn) {
  UserData* u = new (std::nothrow) UserData(user, destroy_fn);
  if (u) return Ref<UserData>::adopt(u);
  if (destroy_fn) destroy_fn(user);
  throw std::bad_alloc();
}

AbiThread& this_abi_thread() {
  AbiThread* t = abi_thread();
  if (!t) throw std::bad_alloc();
  return *t;
}

CallbackScope::CallbackScope(AbiThread& t) : t_(t), errors_(t.errors) {
  // Room for what the callback frees of the objects in use: freeing must not need memory.
  constexpr size_t kRoom = 64;
  if (t.deferred.capacity() - t.deferred.size() < kRoom) {
    t.deferred.reserve(2 * t.deferred.size() + 2 * kRoom);
  }
  t.has_callback_message = false;
}

void CallbackScope::check(mt_status status, std::string_view what) {
  if (status == MT_OK) {
    t_.has_callback_message = false;
    return;
  }
  // The callback's own words first; else the library call that failed inside it.
  if (t_.has_callback_message) {
    t_.has_callback_message = false;
    fail(is_status(status) ? static_cast<Status>(status) : Status::kCallback, what,
         ": callback failed: ", t_.callback_message);
  }
  if (t_.errors != errors_ && static_cast<mt_status>(t_.status) == status) {
    fail(t_.status, what,
         ": callback failed: ", t_.static_message ? t_.static_message : t_.message.c_str());
  }
  fail(is_status(status) ? static_cast<Status>(status) : Status::kCallback, what,
       ": callback failed: it returned ", status,
       ": set a message with mt_callback_error before returning");
}

}  // namespace mt::capi

using namespace mt::capi;  // NOLINT: the C functions below

extern "C" {

mt_status mt_string_free(char* string) {
  if (!string) return MT_OK;
  return guard("mt_string_free", [&](Call&) {
    {
      std::lock_guard lock(strings().mutex);
      if (strings().live.erase(string) == 0) {
        mt::fail(mt::Status::kInvalidHandle,
                 "mt_string_free: unknown string: not a live string of this library: free each "
                 "string that a function gave once");
      }
    }
    std::free(string);
  });
}

const char* mt_last_error(void) {
  const AbiThread* t = tls_abi;
  if (!t) return no_memory_for_thread() ? kNoMemory : "";
  return t->static_message ? t->static_message : t->message.c_str();
}

mt_status mt_last_status(void) {
  const AbiThread* t = tls_abi;
  if (!t) return no_memory_for_thread() ? MT_ERR_OUT_OF_MEMORY : MT_OK;
  return static_cast<mt_status>(t->status);
}

void mt_clear_error(void) {
  AbiThread* t = tls_abi;
  if (!t) return;
  t->message.clear();
  t->static_message = nullptr;
  t->status = mt::Status::kOk;
}

mt_status mt_callback_error(const char* message) {
  AbiThread* t = abi_thread();
  if (!t) return MT_ERR_OUT_OF_MEMORY;
  try {
    t->callback_message = message ? message : "";
    t->has_callback_message = true;
  } catch (...) {
  }
  return MT_ERR_CALLBACK;
}

}  // extern "C"
