// minitorch/random.h - random generators: the process's own, and others to draw from besides it.
// The same seed gives the same numbers as PyTorch on the CPU, bit for bit.
#ifndef MINITORCH_RANDOM_H
#define MINITORCH_RANDOM_H

#include "minitorch/types.h"

#ifdef __cplusplus
extern "C" {
#endif

// --- Seeds -----------------------------------------------------------------------------------
// One generator serves the process; draws from several threads each take an uninterrupted piece.

// torch.manual_seed.
MT_API mt_status mt_manual_seed(uint64_t seed);

// The seed last set.
MT_API mt_status mt_initial_seed(uint64_t *out);

// Seeds from the system's randomness and gives that seed.
MT_API mt_status mt_seed(uint64_t *out);

// --- Saved states ----------------------------------------------------------------------------

// The generator's whole state as a uint8 tensor, the same bytes as torch.get_rng_state().
MT_API mt_status mt_get_rng_state(mt_tensor **out);

// Continues from a saved state, also one that PyTorch saved.
MT_API mt_status mt_set_rng_state(const mt_tensor *state);

// --- Generators of your own ------------------------------------------------------------------
// Ops that draw take one as their last argument; NULL there is the process's. A new generator has
// PyTorch's start seed.

MT_API mt_status mt_generator_create(mt_generator **out);
MT_API mt_status mt_generator_free(mt_generator *MT_NULLABLE self);
MT_API mt_status mt_generator_manual_seed(mt_generator *self, uint64_t seed);
MT_API mt_status mt_generator_initial_seed(uint64_t *out, const mt_generator *self);
MT_API mt_status mt_generator_seed(uint64_t *out, mt_generator *self);
MT_API mt_status mt_generator_get_state(mt_tensor **out, const mt_generator *self);
MT_API mt_status mt_generator_set_state(mt_generator *self, const mt_tensor *state);

// From here on what this thread draws, seeds, saves and restores without naming a generator is of
// this one instead of the process's; NULL ends it. It stays alive until then, and other threads are
// not concerned. The workers of a data loader do so for each sample.
MT_API mt_status mt_set_thread_generator(mt_generator *MT_NULLABLE generator);

#ifdef __cplusplus
}
#endif

#endif  // MINITORCH_RANDOM_H
