// Memory: a free-list pool for small objects (tensors, nodes) and a caching allocator of 64-byte
// aligned buffers with statistics. Both keep what is freed, so that the steady state of a training
// loop makes no system allocation. Under AddressSanitizer every block goes straight to the system.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mt {

inline constexpr size_t kBufferAlignment = 64;

// Small objects: sizes up to 1024 bytes are pooled per thread. Throw kOutOfMemory, never null.
void* pool_alloc(size_t bytes);
void pool_free(void* p, size_t bytes) noexcept;

// Buffers of tensor data. `bytes` of the free must be those of the alloc. Zero bytes give null.
void* buffer_alloc(size_t bytes);
void buffer_free(void* p, size_t bytes) noexcept;

struct MemoryStats {
  int64_t current_bytes;       // in live buffers
  int64_t peak_bytes;          // highest current_bytes since the start or reset_peak_memory()
  int64_t cached_bytes;        // kept for reuse
  int64_t system_allocations;  // calls to the system allocator since the start (buffers and pools)
};
MemoryStats memory_stats();
void reset_peak_memory();
void empty_cache();  // gives the cached blocks of this thread and of the shared cache back

// Blocks owned by the caller but made elsewhere (from_blob, DLPack) count as current bytes too.
void account_external(int64_t bytes) noexcept;

// Asked once before kOutOfMemory is thrown: free what you can, return true to try again.
using PressureCallback = bool (*)(void* user, size_t bytes_needed);
void set_pressure_callback(PressureCallback callback, void* user);

// Per-thread state that hot paths touch; one pointer of thread-local storage for the library.
struct ThreadState {
  bool grad_enabled = true;
  bool releasing = false;         // inside the iterative release of a graph (autograd/node.cpp)
  void* release_stack = nullptr;  // nodes waiting for release
  struct Block {
    Block* next;
  };
  Block* pool[16] = {};                      // size classes of 64 bytes
  static constexpr int kBufferClasses = 61;  // per-thread classes: up to 2 MiB
  Block* buffers[kBufferClasses] = {};
  uint32_t buffer_counts[kBufferClasses] = {};
  static constexpr int kMaxExits = 4;
  void (*exits[kMaxExits])() = {};  // of at_thread_exit
  int n_exits = 0;
};

ThreadState* make_thread_state();  // throws std::bad_alloc
extern thread_local ThreadState* tls_state __attribute__((tls_model("initial-exec")));
inline ThreadState& thread_state() {
  ThreadState* s = tls_state;
  return s ? *s : *make_thread_state();
}

// Calls `fn` when the calling thread ends (the main thread's end with the process and call
// nothing), the last one given first, before the thread's state goes. For what threads keep, one
// call a kind: C++'s own thread_local destructors abort the process when there is no memory to
// register them.
void at_thread_exit(void (*fn)());

// Gives a class pooled operator new and delete.
template <class T>
struct Pooled {
  static void* operator new(size_t bytes) { return pool_alloc(bytes); }
  static void operator delete(void* p, size_t bytes) noexcept { pool_free(p, bytes); }
};

}  // namespace mt
