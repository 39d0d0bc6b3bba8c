// Checked handles. What the C ABI calls `mt_tensor *` is a number: [0][class:7][generation:28]
// [slot:28]. It is never dereferenced: a look-up compares it with the number its slot holds now, so
// freed, foreign and invented values are told apart from live ones in a few instructions.
//
// The class is never zero, so bits 56 to 62 make the number a non-canonical address (no valid
// pointer equals a handle), and bit 63 is clear (safe as a signed integer and for tagged values).
// A slot whose generations are used up is retired, so a number is never given out twice.
//
// Thread rule: everything here may be called from any thread. A handle must not be freed while
// another thread is inside a call that was given it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "capi/public.h"
#include "core/error.h"

namespace mt::capi {

// The ABI's mt_handle_class; capi/classes.h ties each to its C++ class.
using HandleClass = mt_handle_class;
inline constexpr int kMaxClasses = 64;

using ReleaseFn = void (*)(void* object);  // drops one reference; must not throw

inline constexpr int kSlotBits = 28, kGenerationBits = 28, kClassShift = 56;
inline constexpr int kChunkBits = 12;
inline constexpr uint64_t kSlotMask = (uint64_t{1} << kSlotBits) - 1;
inline constexpr uint64_t kGenerationMask = (uint64_t{1} << kGenerationBits) - 1;
inline constexpr uint64_t kChunkMask = (uint64_t{1} << kChunkBits) - 1;
inline constexpr uint64_t kFreeBit = uint64_t{1} << 63;

// `tag` is the handle while live; 0 while never used; else kFreeBit and the next generation.
struct Slot {
  std::atomic<uint64_t> tag;
  union {
    void* object;   // one reference, while live
    uint64_t next;  // slot number + 1 of the next free slot, while free
  };
};
extern std::atomic<Slot*> g_chunks[size_t{1} << (kSlotBits - kChunkBits)];

// A stack of pointers that is cheap to push to and to cut back.
class PointerStack {
 public:
  PointerStack() = default;
  PointerStack(const PointerStack&) = delete;
  PointerStack& operator=(const PointerStack&) = delete;
  ~PointerStack() { delete[] data_; }
  size_t size() const { return size_; }
  void push(void* p) {
    if (size_ == capacity_) grow();
    data_[size_++] = p;
  }
  void cut(size_t size) { size_ = size; }
  bool contains(const void* p) const;

 private:
  void grow();
  void** data_ = nullptr;
  size_t size_ = 0, capacity_ = 0;
};

// What the ABI keeps per thread. Made at the first call and freed when the thread ends.
struct AbiThread {
  // The last error. `static_message`, when set, is shown instead (no memory for a copy).
  std::string message;
  const char* static_message = nullptr;
  Status status = Status::kOk;
  uint64_t errors = 0;  // counts failures: tells whether one happened inside a callback

  // What mt_callback_error left for the caller of the callback.
  std::string callback_message;
  bool has_callback_message = false;

  // Objects that the calls now running on this thread were given, outermost first. A handle freed
  // from inside a callback becomes invalid at once, but its object lives until the call is over.
  PointerStack borrowed;
  struct Deferred {
    void* object;
    ReleaseFn release;
  };
  std::vector<Deferred> deferred;

  // Free slots kept for this thread, and how many handles it made less those it freed.
  uint64_t free_head = 0;
  int free_count = 0;
  std::atomic<int64_t> live[kMaxClasses] = {};

  // Handles made in each open scope, and the size at which dead ones are swept out.
  struct Scope {
    std::vector<uint64_t> handles;
    size_t sweep_at = 1024;
  };
  std::vector<Scope> scopes;
  std::vector<bool> grad_modes;  // pushed by mt_grad_mode_push

  AbiThread* previous = nullptr;  // registry of all threads
  AbiThread* next = nullptr;
};

extern thread_local AbiThread* tls_abi __attribute__((tls_model("initial-exec")));
AbiThread* make_abi_thread() noexcept;  // null without memory
bool no_memory_for_thread();            // whether that is how the last try on this thread ended
inline AbiThread* abi_thread() noexcept {
  AbiThread* t = tls_abi;
  return t ? t : make_abi_thread();
}

inline bool is_live(uint64_t h) {
  const Slot* chunk = g_chunks[(h & kSlotMask) >> kChunkBits].load(std::memory_order_acquire);
  return chunk && chunk[h & kChunkMask].tag.load(std::memory_order_acquire) == h;
}

// The object of a live handle of this class, or null.
inline void* lookup(HandleClass c, uint64_t h) {
  const Slot* chunk = g_chunks[(h & kSlotMask) >> kChunkBits].load(std::memory_order_acquire);
  if (!chunk || h >> kClassShift != static_cast<uint64_t>(c)) return nullptr;
  const Slot& s = chunk[h & kChunkMask];
  return s.tag.load(std::memory_order_acquire) == h ? s.object : nullptr;
}

// Makes a handle that owns one reference of `object`; throws without taking it. `scoped`: freed by
// the innermost open scope of this thread (temporary handles of callbacks are not).
uint64_t make_handle(AbiThread& t, HandleClass c, void* object, bool scoped = true);

// Invalidates the handle and returns its object for release, or null when it was not live (of any
// class for MT_HANDLE_ANY). Of two threads that free one handle, exactly one gets the object.
void* take_handle(AbiThread& t, HandleClass c, uint64_t h) noexcept;

// Drops a reference taken from a handle, or postpones it while a running call uses the object.
void release_object(AbiThread& t, void* object, ReleaseFn release) noexcept;
void release_deferred(AbiThread& t) noexcept;

// Why `h` is not a live handle of class `wanted`; throws the matching error. `freeing`: a freed
// handle is a double free.
[[noreturn, gnu::cold]] void fail_handle(const char* fn, const char* arg, int64_t index,
                                         HandleClass wanted, uint64_t h, bool freeing);

int64_t live_handles(HandleClass c);  // MT_HANDLE_ANY: of all classes

// What scopes and messages need to know of each class; the table is in classes.cpp.
struct ClassInfo {
  const char* name;       // "tensor"; null for a number that is no class
  const char* free_name;  // "mt_tensor_free"
  ReleaseFn release;
};
const ClassInfo& class_info(uint64_t c);  // c < kMaxClasses

// Scopes of the calling thread.
void scope_begin(AbiThread& t);
bool scope_end(AbiThread& t) noexcept;      // false when none is open
bool scope_keep(AbiThread& t, uint64_t h);  // moves to the enclosing scope; false when not here

}  // namespace mt::capi
