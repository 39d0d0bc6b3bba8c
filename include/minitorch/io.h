// minitorch/io.h - tensors in files: the safetensors format.
// Writing replaces a file in one step: after a failure or a crash the old file is still there.
#ifndef MINITORCH_IO_H
#define MINITORCH_IO_H

#include "minitorch/types.h"

#ifdef __cplusplus
extern "C" {
#endif

// A model's checkpoint:
//
//   mt_named_tensors *state;
//   mt_module_state_dict(&state, model);
//   mt_save_safetensors("model.safetensors", state, NULL, NULL);
//   ...
//   mt_load_safetensors(&state, "model.safetensors", NULL, NULL);
//   mt_module_load_state_dict(model, state, true, NULL, NULL);

// --- safetensors -----------------------------------------------------------------------------
// Tensors of all dtypes, by name, and optionally metadata: pairs of strings, as two lists of one
// length. Files are checked in full before anything is taken from them: one that breaks a rule of
// the format is MT_ERR_FORMAT with a message that names the tensor and the rule.

MT_API mt_status mt_save_safetensors(const char *path, const mt_named_tensors *tensors,
                                     const mt_strings *MT_NULLABLE metadata_keys,
                                     const mt_strings *MT_NULLABLE metadata_values);

// New CPU tensors in the file's order. The metadata goes to two new lists; both pointers may be
// NULL.
MT_API mt_status mt_load_safetensors(mt_named_tensors **out, const char *path,
                                     mt_strings **MT_NULLABLE metadata_keys,
                                     mt_strings **MT_NULLABLE metadata_values);

// The same in memory: a file's bytes as a new uint8 tensor of one dim, and back from `size` bytes
// at `data`.
MT_API mt_status mt_safetensors_encode(mt_tensor **out, const mt_named_tensors *tensors,
                                       const mt_strings *MT_NULLABLE metadata_keys,
                                       const mt_strings *MT_NULLABLE metadata_values);
MT_API mt_status mt_safetensors_decode(mt_named_tensors **out, const void *MT_NULLABLE data,
                                       size_t size, mt_strings **MT_NULLABLE metadata_keys,
                                       mt_strings **MT_NULLABLE metadata_values);

#ifdef __cplusplus
}
#endif

#endif  // MINITORCH_IO_H
