// minitorch/checkpoint.h - whole training runs in one file, to go on as if nothing had happened.
// A run that is killed at any moment, also while it saves, and goes on from its last checkpoint
// computes the same bits as one that ran through.
#ifndef MINITORCH_CHECKPOINT_H
#define MINITORCH_CHECKPOINT_H

#include "minitorch/types.h"

#ifdef __cplusplus
extern "C" {
#endif

//   mt_checkpoint parts;
//   mt_checkpoint_init(&parts);
//   parts.model = model;
//   parts.optimizers = (const mt_optimizer *const[]){optimizer};
//   parts.n_optimizers = 1;
//   parts.epoch = epoch;
//   mt_checkpoint_save("run.safetensors", &parts);
//   ...
//   mt_checkpoint_load("run.safetensors", &parts, &epoch, NULL, NULL, NULL, NULL);

// --- Checkpoints -----------------------------------------------------------------------------

// What a checkpoint holds. Parts may be missing: NULL, or a count of 0.
typedef struct mt_checkpoint {
  size_t struct_size;
  const mt_module *model;
  const mt_optimizer *const *optimizers;
  size_t n_optimizers;
  const mt_scheduler *const *schedulers;
  size_t n_schedulers;
  const mt_generator *const *generators;  // besides the process's
  size_t n_generators;
  bool rng_state;  // true: the state of the process's generator
  int64_t epoch;   // epoch, step, tensors and metadata are for saving
  int64_t step;
  const mt_named_tensors *tensors;  // your own: an order of samples, losses so far
  const mt_strings *metadata_keys;  // and texts; both lists, of one length, or none
  const mt_strings *metadata_values;
} mt_checkpoint;

MT_API void mt_checkpoint_init(mt_checkpoint *parts);

// Writes the parts to one safetensors file, which replaces an older one in one step.
MT_API mt_status mt_checkpoint_save(const char *path, const mt_checkpoint *parts);

// Puts the file's content into the parts that are given, which must fit; the others are passed
// over. All that is wrong is found before anything is changed. The remaining arguments get what was
// saved besides; each may be NULL.
MT_API mt_status mt_checkpoint_load(const char *path, const mt_checkpoint *parts,
                                    int64_t *MT_NULLABLE epoch, int64_t *MT_NULLABLE step,
                                    mt_named_tensors **MT_NULLABLE tensors,
                                    mt_strings **MT_NULLABLE metadata_keys,
                                    mt_strings **MT_NULLABLE metadata_values);

#ifdef __cplusplus
}
#endif

#endif  // MINITORCH_CHECKPOINT_H
