// Working memory of kernels: a few buffers per thread that grow to what was needed and stay, so
// that a steady state allocates nothing.
#pragma once

#include <cstddef>

namespace mt::cpu {

// Two users that are active on one thread at the same time need two slots.
enum class ScratchSlot { kPack, kConvert, kPartial, kPlaces, kImage, kCount };

// At least `bytes` bytes, 64-byte aligned, contents undefined; valid until the thread asks for the
// same slot again. Throws kOutOfMemory.
void* scratch(ScratchSlot slot, size_t bytes);

}  // namespace mt::cpu
