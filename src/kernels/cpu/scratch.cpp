// Per-thread working memory of kernels, freed when its thread ends.
// A buffer only grows, by at least a half, so that a run of rising sizes costs few allocations.
#include "kernels/cpu/scratch.h"

#include <cstdlib>

#include "core/error.h"
#include "core/memory.h"

namespace mt::cpu {
namespace {

constexpr size_t kAlignment = 64;

struct Buffers {
  void* data[static_cast<int>(ScratchSlot::kCount)] = {};
  size_t size[static_cast<int>(ScratchSlot::kCount)] = {};
  bool in_use = false;
};
thread_local Buffers t_buffers;

void free_buffers() {
  for (void* p : t_buffers.data) std::free(p);
  t_buffers = {};
}

}  // namespace

void* scratch(ScratchSlot slot, size_t bytes) {
  Buffers& buffers = t_buffers;
  const int i = static_cast<int>(slot);
  if (bytes <= buffers.size[i]) return buffers.data[i];
  const size_t grown = buffers.size[i] + buffers.size[i] / 2;
  const size_t wanted =
      ((bytes > grown ? bytes : grown) + kAlignment - 1) / kAlignment * kAlignment;
  if (!buffers.in_use) {
    at_thread_exit(free_buffers);
    buffers.in_use = true;
  }
  std::free(buffers.data[i]);
  buffers.size[i] = 0;
  buffers.data[i] = std::aligned_alloc(kAlignment, wanted);
  if (buffers.data[i] == nullptr) {
    fail(Status::kOutOfMemory, "scratch: out of memory: ", wanted,
         " bytes of working memory: the allocation failed");
  }
  buffers.size[i] = wanted;
  return buffers.data[i];
}

}  // namespace mt::cpu
