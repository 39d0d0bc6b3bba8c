// C functions of memory.h: scopes, live handles, statistics, the pressure callback, threads.
#include "core/memory.h"

#include <mutex>

#include "capi/guard.h"
#include "core/parallel.h"
#include "minitorch/minitorch.h"

using namespace mt::capi;  // NOLINT

namespace {

using mt::Ref;
using mt::Status;

// The host's pressure callback; a running one keeps it alive while another thread replaces it.
struct Pressure : mt::RefCounted {
  static void destroy(Pressure* p) { delete p; }
  mt_pressure_fn callback = nullptr;
  Ref<UserData> user;
};
std::mutex g_mutex;
Ref<Pressure>& current_pressure() {
  static auto* p = new Ref<Pressure>;
  return *p;
}

bool on_pressure(void*, size_t bytes) {
  Ref<Pressure> p;
  {
    std::lock_guard lock(g_mutex);
    p = current_pressure();
  }
  return p && p->callback(p->user->user(), bytes);
}

}  // namespace

extern "C" {

mt_status mt_scope_begin(void) {
  return guard("mt_scope_begin", [&](Call& c) { scope_begin(c.thread()); });
}

mt_status mt_scope_end(void) {
  return guard("mt_scope_end", [&](Call& c) {
    if (scope_end(c.thread())) return;
    mt::fail(Status::kState, c.fn(),
             ": no open scope: this thread has none: call mt_scope_end once for each "
             "mt_scope_begin");
  });
}

mt_status mt_scope_keep(const void* handle) {
  return guard("mt_scope_keep", [&](Call& c) {
    const uint64_t h = handle_value(handle);
    if (h == 0 || !is_live(h)) fail_handle(c.fn(), "handle", -1, MT_HANDLE_ANY, h, false);
    scope_keep(c.thread(), h);
  });
}

size_t mt_scope_depth(void) {
  const AbiThread* t = tls_abi;
  return t ? t->scopes.size() : 0;
}

mt_status mt_live_handles(int64_t* out, mt_handle_class handle_class) {
  return guard("mt_live_handles", [&](Call& c) {
    c.pointer("out", out);
    if (handle_class != MT_HANDLE_ANY && (handle_class < 0 || handle_class >= kMaxClasses ||
                                          !class_info(static_cast<uint64_t>(handle_class)).name)) {
      mt::fail(Status::kInvalidArgument, c.fn(), ": unknown class: 'handle_class' is ",
               handle_class, ": must be one of mt_handle_class");
    }
    *out = live_handles(handle_class);
  });
}

mt_status mt_handle_get_class(mt_handle_class* out, const void* handle) {
  return guard("mt_handle_get_class", [&](Call& c) {
    c.pointer("out", out);
    const uint64_t h = handle_value(handle);
    if (h == 0 || !is_live(h)) fail_handle(c.fn(), "handle", -1, MT_HANDLE_ANY, h, false);
    *out = static_cast<mt_handle_class>(h >> kClassShift);
  });
}

mt_status mt_memory_get_stats(mt_memory_stats* stats) {
  return guard("mt_memory_get_stats", [&](Call& c) {
    c.pointer("stats", stats);
    const mt::MemoryStats s = mt::memory_stats();
    const mt_memory_stats full = {sizeof full, s.current_bytes, s.peak_bytes, s.cached_bytes,
                                  s.system_allocations};
    c.write_struct("stats", stats, full);
  });
}

mt_status mt_memory_reset_peak(void) {
  return guard("mt_memory_reset_peak", [&](Call&) { mt::reset_peak_memory(); });
}

mt_status mt_memory_empty_cache(void) {
  return guard("mt_memory_empty_cache", [&](Call&) { mt::empty_cache(); });
}

mt_status mt_set_pressure_callback(mt_pressure_fn callback, void* user, mt_destroy_fn destroy) {
  if (!abi_thread()) return refuse(user, destroy);
  return guard("mt_set_pressure_callback", [&](Call&) {
    Ref<UserData> owner = UserData::make(user, destroy);
    Ref<Pressure> p;
    if (callback) {
      p = Ref<Pressure>::adopt(new Pressure);
      p->callback = callback;
      p->user = std::move(owner);
    }
    {
      std::lock_guard lock(g_mutex);
      current_pressure().swap(p);
    }
    mt::set_pressure_callback(callback ? on_pressure : nullptr, nullptr);
  });
}

mt_status mt_set_num_threads(int32_t n) {
  return guard("mt_set_num_threads", [&](Call&) { mt::set_num_threads(n); });
}

mt_status mt_get_num_threads(int32_t* out) {
  return guard("mt_get_num_threads", [&](Call& c) {
    c.pointer("out", out);
    *out = mt::num_threads();
  });
}

}  // extern "C"
