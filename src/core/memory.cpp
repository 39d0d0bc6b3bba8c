// The pools behind memory.h. Buffer sizes are rounded to four classes per power of two; small
// classes are cached per thread without locks, larger ones in one shared cache.
#include "core/memory.h"

#include <pthread.h>

#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>

#include "core/error.h"

namespace mt {

thread_local ThreadState* tls_state __attribute__((tls_model("initial-exec"))) = nullptr;

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kCaching = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool kCaching = false;
#else
constexpr bool kCaching = true;
#endif
#else
constexpr bool kCaching = true;
#endif

using Block = ThreadState::Block;

std::atomic<int64_t> g_current{0}, g_peak{0}, g_cached{0}, g_system{0};
std::atomic<bool> g_in_pressure{false};
std::mutex g_pressure_mutex;
PressureCallback g_pressure = nullptr;
void* g_pressure_user = nullptr;

constexpr int kSharedClasses = 192;
// The most a thread keeps per class; beyond it blocks go to the shared cache.
constexpr size_t kThreadClassBytes = size_t{4} << 20;

struct SharedCache {
  std::mutex mutex;
  Block* lists[kSharedClasses] = {};
};
constinit SharedCache g_shared;  // trivially destroyed: it outlives every thread

// Class 0 is 64 bytes; then four steps per power of two.
int class_of(size_t bytes) {
  if (bytes <= 64) return 0;
  const int log = std::bit_width(bytes - 1) - 1;  // 2^log < bytes <= 2^(log+1)
  const size_t quarter = size_t{1} << (log - 2);
  const int step = static_cast<int>((bytes - (size_t{1} << log) + quarter - 1) / quarter);
  return (log - 6) * 4 + step;
}

size_t class_bytes(int c) {
  if (c == 0) return 64;
  const int log = (c - 1) / 4 + 6, step = (c - 1) % 4 + 1;
  const size_t bytes = (size_t{1} << log) + (size_t{1} << (log - 2)) * static_cast<size_t>(step);
  return (bytes + 63) & ~size_t{63};
}

void* system_alloc(size_t bytes) {
  g_system.fetch_add(1, std::memory_order_relaxed);
  void* p = nullptr;
  return posix_memalign(&p, kBufferAlignment, bytes) == 0 ? p : nullptr;
}

void release_list(Block*& head, size_t bytes) {
  while (head) {
    Block* next = head->next;
    std::free(head);
    head = next;
    g_cached.fetch_sub(static_cast<int64_t>(bytes), std::memory_order_relaxed);
  }
}

void release_shared_cache() {
  auto& cache = g_shared;
  std::lock_guard lock(cache.mutex);
  for (int c = 0; c < kSharedClasses; ++c) release_list(cache.lists[c], class_bytes(c));
}

bool ask_for_memory(size_t bytes) {
  // One thread at a time, and not again from inside the callback.
  if (g_in_pressure.exchange(true)) return false;
  PressureCallback callback;
  void* user;
  {
    std::lock_guard lock(g_pressure_mutex);
    callback = g_pressure;
    user = g_pressure_user;
  }
  bool again = false;
  if (callback) again = callback(user, bytes);
  g_in_pressure.store(false);
  return again;
}

// Tries the system, then without our caches, then after the host freed something.
void* alloc_or_throw(size_t bytes, const char* what) {
  if (void* p = system_alloc(bytes)) return p;
  empty_cache();
  if (void* p = system_alloc(bytes)) return p;
  if (ask_for_memory(bytes)) {
    empty_cache();
    if (void* p = system_alloc(bytes)) return p;
  }
  fail(Status::kOutOfMemory, what, ": out of memory: ", bytes, " bytes needed, ", g_current.load(),
       " in use: free tensors or use smaller batches");
}

void release_thread_lists(ThreadState& s) {
  for (int c = 0; c < 16; ++c) {
    while (s.pool[c]) {
      Block* next = s.pool[c]->next;
      std::free(s.pool[c]);
      s.pool[c] = next;
    }
  }
  for (int c = 0; c < ThreadState::kBufferClasses; ++c) {
    release_list(s.buffers[c], class_bytes(c));
    s.buffer_counts[c] = 0;
  }
}

// Ends a thread's state. Calls that come later (other libraries' thread ends) make a fresh one,
// whose end the system then asks for again.
void end_thread_state(void* state) {
  auto* s = static_cast<ThreadState*>(state);
  tls_state = s;
  while (s->n_exits > 0) s->exits[--s->n_exits]();
  release_thread_lists(*s);
  tls_state = nullptr;
  delete s;
}

// Made when the library is loaded, so that it is there before any pool of threads and goes after
// it.
struct ThreadEnd {
  pthread_key_t key;
  bool made;
  ThreadEnd() : made(pthread_key_create(&key, end_thread_state) == 0) {}
  ~ThreadEnd() {
    if (made) pthread_key_delete(key);  // the library may be unloaded: nothing of it may run then
    made = false;
  }
};
ThreadEnd g_thread_end;

void add_current(int64_t bytes) {
  const int64_t now = g_current.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  int64_t peak = g_peak.load(std::memory_order_relaxed);
  while (now > peak && !g_peak.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
}

}  // namespace

ThreadState* make_thread_state() {
  auto state = std::make_unique<ThreadState>();
  // Without the key (the process is ending, or has too many keys) the state is never freed.
  if (g_thread_end.made && pthread_setspecific(g_thread_end.key, state.get()) == ENOMEM) {
    throw std::bad_alloc();
  }
  return tls_state = state.release();
}

void at_thread_exit(void (*fn)()) {
  ThreadState& s = thread_state();
  if (s.n_exits == ThreadState::kMaxExits) fail(Status::kInternal, "at_thread_exit: no room left");
  s.exits[s.n_exits++] = fn;
}

void* pool_alloc(size_t bytes) {
  if (kCaching && bytes <= 1024) {
    const size_t c = (bytes - 1) / 64;
    Block*& head = thread_state().pool[c];
    if (Block* b = head) {
      head = b->next;
      return b;
    }
    return alloc_or_throw((c + 1) * 64, "allocator");
  }
  return alloc_or_throw(bytes, "allocator");
}

void pool_free(void* p, size_t bytes) noexcept {
  if (kCaching && bytes <= 1024) {
    ThreadState* s = tls_state;
    if (!s) return std::free(p);  // a thread without a state gets none for this
    auto* b = static_cast<Block*>(p);
    Block*& head = s->pool[(bytes - 1) / 64];
    b->next = head;
    head = b;
    return;
  }
  std::free(p);
}

void* buffer_alloc(size_t bytes) {
  if (bytes == 0) return nullptr;
  void* p = nullptr;
  if (kCaching) {
    const int c = class_of(bytes);
    const size_t rounded = class_bytes(c);
    if (c < ThreadState::kBufferClasses) {
      ThreadState& s = thread_state();
      if (Block* b = s.buffers[c]) {
        s.buffers[c] = b->next;
        --s.buffer_counts[c];
        p = b;
      }
    }
    if (!p && c < kSharedClasses) {
      auto& cache = g_shared;
      std::lock_guard lock(cache.mutex);
      if (Block* b = cache.lists[c]) {
        cache.lists[c] = b->next;
        p = b;
      }
    }
    if (p) {
      g_cached.fetch_sub(static_cast<int64_t>(rounded), std::memory_order_relaxed);
    } else {
      p = alloc_or_throw(rounded, "allocator");
    }
  } else {
    p = alloc_or_throw(bytes, "allocator");
  }
  add_current(static_cast<int64_t>(bytes));
  return p;
}

void buffer_free(void* p, size_t bytes) noexcept {
  if (!p) return;
  g_current.fetch_sub(static_cast<int64_t>(bytes), std::memory_order_relaxed);
  if (!kCaching) return std::free(p);
  const int c = class_of(bytes);
  const size_t rounded = class_bytes(c);
  auto* b = static_cast<Block*>(p);
  ThreadState* s = tls_state;
  if (s && c < ThreadState::kBufferClasses) {
    if (s->buffer_counts[c] * rounded < kThreadClassBytes) {
      b->next = s->buffers[c];
      s->buffers[c] = b;
      ++s->buffer_counts[c];
      g_cached.fetch_add(static_cast<int64_t>(rounded), std::memory_order_relaxed);
      return;
    }
  }
  // The shared cache holds no more than was ever in use: sizes that come once do not pile up.
  const int64_t cached = g_cached.load(std::memory_order_relaxed);
  if (c >= kSharedClasses || cached + static_cast<int64_t>(rounded) > g_peak.load() + (64 << 20)) {
    return std::free(p);
  }
  auto& cache = g_shared;
  std::lock_guard lock(cache.mutex);
  b->next = cache.lists[c];
  cache.lists[c] = b;
  g_cached.fetch_add(static_cast<int64_t>(rounded), std::memory_order_relaxed);
}

MemoryStats memory_stats() {
  return {g_current.load(), g_peak.load(), g_cached.load(), g_system.load()};
}

void reset_peak_memory() { g_peak.store(g_current.load()); }

void empty_cache() {
  if (ThreadState* s = tls_state) release_thread_lists(*s);
  release_shared_cache();
}

void account_external(int64_t bytes) noexcept {
  if (bytes > 0) {
    add_current(bytes);
  } else {
    g_current.fetch_add(bytes, std::memory_order_relaxed);
  }
}

void set_pressure_callback(PressureCallback callback, void* user) {
  std::lock_guard lock(g_pressure_mutex);
  g_pressure = callback;
  g_pressure_user = user;
}

}  // namespace mt
