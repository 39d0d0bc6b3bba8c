// The slot table behind checked handles, per-thread state of the ABI, and scopes: see handles.h.
#include "capi/handles.h"

#include <pthread.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>

#include "core/memory.h"
#include "minitorch/minitorch.h"

namespace mt::capi {

std::atomic<Slot*> g_chunks[size_t{1} << (kSlotBits - kChunkBits)];
thread_local AbiThread* tls_abi __attribute__((tls_model("initial-exec"))) = nullptr;

namespace {

constexpr uint64_t kSlotsPerChunk = uint64_t{1} << kChunkBits;
constexpr int kBatch = 64;  // slots moved between a thread and the shared list at once
constexpr int kThreadKeeps = 4 * kBatch;

// Everything shared, under one lock that is held for a few instructions. It is taken around fork(),
// so that a child never finds it locked. Trivially destroyed: it outlives every thread.
struct Shared {
  std::mutex mutex;
  uint64_t free_head = 0;
  uint64_t unused = 0;  // slots from here on were never handed out
  uint64_t slots = 0;   // slots in chunks
  AbiThread* threads = nullptr;
  int64_t live[kMaxClasses] = {};  // of threads that ended
  bool fork_safe = false;
};
constinit Shared g_shared;
thread_local bool tls_no_memory = false;  // the last try to make this thread's state failed

Slot& slot_at(uint64_t index) {
  return g_chunks[index >> kChunkBits].load(std::memory_order_relaxed)[index & kChunkMask];
}

void add_live(AbiThread& t, HandleClass c, int64_t n) {
  auto& count = t.live[c];  // written by this thread only, read by live_handles()
  count.store(count.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

// Gives the thread a batch of free slots: returned ones first, then new ones.
void refill(AbiThread& t) {
  Shared& s = g_shared;
  std::lock_guard lock(s.mutex);
  while (s.free_head && t.free_count < kBatch) {
    Slot& slot = slot_at(s.free_head - 1);
    const uint64_t next = slot.next;
    slot.next = t.free_head;
    t.free_head = s.free_head;
    s.free_head = next;
    ++t.free_count;
  }
  if (t.free_count) return;
  if (s.unused == s.slots) {
    if (s.slots > kSlotMask) {
      fail(Status::kOutOfMemory, "handles: out of handles: ", s.slots, " live handles: free some");
    }
    void* chunk = std::calloc(kSlotsPerChunk, sizeof(Slot));
    if (!chunk) throw std::bad_alloc();
    g_chunks[s.slots >> kChunkBits].store(static_cast<Slot*>(chunk), std::memory_order_release);
    s.slots += kSlotsPerChunk;
  }
  // In reverse, so that the lowest numbers are used first.
  for (int i = kBatch - 1; i >= 0; --i) {
    const uint64_t index = s.unused + static_cast<uint64_t>(i);
    slot_at(index).next = t.free_head;
    t.free_head = index + 1;
  }
  s.unused += kBatch;
  t.free_count = kBatch;
}

void give_back(AbiThread& t, int keep) {
  Shared& s = g_shared;
  std::lock_guard lock(s.mutex);
  while (t.free_count > keep) {
    const uint64_t index = t.free_head - 1;
    Slot& slot = slot_at(index);
    t.free_head = slot.next;
    slot.next = s.free_head;
    s.free_head = index + 1;
    --t.free_count;
  }
}

// Ends a thread's state. Calls that come later (other thread ends) make a fresh one.
void end_abi_thread() {
  AbiThread* t = tls_abi;
  if (!t) return;
  while (scope_end(*t)) {
  }
  release_deferred(*t);
  give_back(*t, 0);
  {
    std::lock_guard lock(g_shared.mutex);
    for (int c = 0; c < kMaxClasses; ++c) g_shared.live[c] += t->live[c].load();
    (t->previous ? t->previous->next : g_shared.threads) = t->next;
    if (t->next) t->next->previous = t->previous;
  }
  tls_abi = nullptr;
  delete t;
}

}  // namespace

bool PointerStack::contains(const void* p) const {
  return std::find(data_, data_ + size_, p) != data_ + size_;
}

void PointerStack::grow() {
  const size_t capacity = std::max<size_t>(64, 2 * capacity_);
  void** data = new void*[capacity];
  std::copy(data_, data_ + size_, data);
  delete[] data_;
  data_ = data;
  capacity_ = capacity;
}

AbiThread* make_abi_thread() noexcept {
  tls_no_memory = true;
  try {
    auto t = std::make_unique<AbiThread>();
    at_thread_exit(end_abi_thread);  // the last thing that may fail
    std::lock_guard lock(g_shared.mutex);
    if (!g_shared.fork_safe) {
      g_shared.fork_safe = true;
      pthread_atfork([] { g_shared.mutex.lock(); }, [] { g_shared.mutex.unlock(); },
                     [] { g_shared.mutex.unlock(); });
    }
    t->next = g_shared.threads;
    if (t->next) t->next->previous = t.get();
    g_shared.threads = t.get();
    tls_no_memory = false;
    return tls_abi = t.release();
  } catch (...) {
    return nullptr;
  }
}

bool no_memory_for_thread() { return tls_no_memory; }

uint64_t make_handle(AbiThread& t, HandleClass c, void* object, bool scoped) {
  if (!t.free_head) refill(t);
  if (scoped && !t.scopes.empty()) {
    // Room first: from here on nothing throws.
    AbiThread::Scope& scope = t.scopes.back();
    if (scope.handles.size() >= scope.sweep_at) {
      std::erase_if(scope.handles, [](uint64_t h) { return !is_live(h); });
      scope.sweep_at = std::max<size_t>(1024, 2 * scope.handles.size());
    }
    scope.handles.push_back(0);
  }
  const uint64_t index = t.free_head - 1;
  Slot& slot = slot_at(index);
  t.free_head = slot.next;
  --t.free_count;
  const uint64_t generation = slot.tag.load(std::memory_order_relaxed) & ~kFreeBit;
  const uint64_t h = static_cast<uint64_t>(c) << kClassShift | generation << kSlotBits | index;
  slot.object = object;
  slot.tag.store(h, std::memory_order_release);
  add_live(t, c, 1);
  if (scoped && !t.scopes.empty()) t.scopes.back().handles.back() = h;
  return h;
}

void* take_handle(AbiThread& t, HandleClass c, uint64_t h) noexcept {
  if (h == 0 || !is_live(h)) return nullptr;
  if (c != MT_HANDLE_ANY && h >> kClassShift != static_cast<uint64_t>(c)) return nullptr;
  const uint64_t index = h & kSlotMask;
  Slot& slot = slot_at(index);
  const uint64_t next_generation = ((h >> kSlotBits) & kGenerationMask) + 1;
  uint64_t expected = h;
  if (!slot.tag.compare_exchange_strong(expected, kFreeBit | next_generation,
                                        std::memory_order_acq_rel)) {
    return nullptr;
  }
  void* object = slot.object;
  add_live(t, static_cast<HandleClass>(h >> kClassShift), -1);
  if (next_generation < kGenerationMask) {  // else retired: its numbers are used up
    slot.next = t.free_head;
    t.free_head = index + 1;
    if (++t.free_count > kThreadKeeps) give_back(t, kThreadKeeps / 2);
  }
  return object;
}

void release_object(AbiThread& t, void* object, ReleaseFn release) noexcept {
  if (t.borrowed.size() != 0 && t.borrowed.contains(object)) {
    try {
      t.deferred.push_back({object, release});
      return;
    } catch (...) {
      // No memory to remember it: keep the object alive rather than pull it from under the call.
      return;
    }
  }
  release(object);
}

void release_deferred(AbiThread& t) noexcept {
  while (!t.deferred.empty()) {
    const AbiThread::Deferred d = t.deferred.back();
    t.deferred.pop_back();
    d.release(d.object);
  }
}

int64_t live_handles(HandleClass c) {
  Shared& s = g_shared;
  std::lock_guard lock(s.mutex);
  int64_t n = 0;
  for (int i = 1; i < kMaxClasses; ++i) {
    if (c != MT_HANDLE_ANY && c != i) continue;
    n += s.live[i];
    for (const AbiThread* t = s.threads; t; t = t->next) n += t->live[i].load();
  }
  return n;
}

void fail_handle(const char* fn, const char* arg, int64_t index, HandleClass wanted, uint64_t h,
                 bool freeing) {
  const std::string name = index < 0 ? arg : cat(arg, "[", index, "]");
  const ClassInfo& want = class_info(static_cast<uint64_t>(wanted));
  const char* want_name = want.name ? want.name : "handle";
  if (h == 0) {
    fail(Status::kNullArgument, fn, ": null argument: '", name, "' is NULL: a ", want_name,
         " is required");
  }
  const std::string given = cat(
      "argument '", name, "' (0x",
      [h] {
        char text[20];
        std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(h));
        return std::string(text);
      }(),
      ")");
  const uint64_t c = h >> kClassShift;
  const Slot* chunk = g_chunks[(h & kSlotMask) >> kChunkBits].load(std::memory_order_acquire);
  const uint64_t tag = chunk ? chunk[h & kChunkMask].tag.load(std::memory_order_acquire) : 0;
  if (c > 0 && c < kMaxClasses && class_info(c).name && tag != 0) {
    const ClassInfo& is = class_info(c);
    const uint64_t generation = (h >> kSlotBits) & kGenerationMask;
    if (tag == h) {
      fail(Status::kWrongHandle, fn, ": wrong handle: ", given, " is a ", is.name, ": a ",
           want_name, " is required");
    }
    const uint64_t next = tag & kFreeBit ? tag & ~kFreeBit : (tag >> kSlotBits) & kGenerationMask;
    if (generation < next) {
      if (freeing) {
        fail(Status::kDoubleFree, fn, ": double free: ", given, ": the ", is.name,
             " was freed before: free each handle once");
      }
      fail(Status::kStaleHandle, fn, ": stale handle: ", given, ": the ", is.name,
           " was freed: use a handle only before its ", is.free_name, " or its scope's end");
    }
  }
  fail(Status::kInvalidHandle, fn, ": invalid handle: ", given, " never was a handle: pass a ",
       want_name, " that a function of this library gave");
}

void scope_begin(AbiThread& t) { t.scopes.emplace_back(); }

bool scope_end(AbiThread& t) noexcept {
  if (t.scopes.empty()) return false;
  // Off the stack first: releasing may run the host's callbacks, which may make handles.
  const std::vector<uint64_t> handles = std::move(t.scopes.back().handles);
  t.scopes.pop_back();
  for (auto h = handles.rbegin(); h != handles.rend(); ++h) {
    if (void* object = take_handle(t, MT_HANDLE_ANY, *h)) {
      release_object(t, object, class_info(*h >> kClassShift).release);
    }
  }
  return true;
}

bool scope_keep(AbiThread& t, uint64_t h) {
  if (t.scopes.empty()) return false;
  auto& handles = t.scopes.back().handles;
  const auto at = std::find(handles.rbegin(), handles.rend(), h);
  if (at == handles.rend()) return false;
  if (t.scopes.size() > 1) t.scopes[t.scopes.size() - 2].handles.push_back(h);
  handles.erase(std::next(at).base());
  return true;
}

}  // namespace mt::capi
