// minitorch/io.h - tensors in files: PyTorch's .pth, safetensors, NumPy's .npy and .npz.
// Writing replaces a file in one step: after a failure or a crash the old file is still there.
//
// Reading trusts nothing that a file says: sizes are checked against the file before memory is
// taken, nothing of it is ever run, and whatever breaks a rule of its format is MT_ERR_FORMAT with
// a message that names the file and the rule. A file that cannot be opened, read or written is
// MT_ERR_IO.
#ifndef MINITORCH_IO_H
#define MINITORCH_IO_H

#include "minitorch/types.h"

#ifdef __cplusplus
extern "C" {
#endif

// Weights from any file, into a model:
//
//   mt_named_tensors *state;
//   mt_load_state_dict(&state, "resnet18.pth", NULL);
//   mt_module_load_state_dict(model, state, true, NULL, NULL);
//
// A model's checkpoint in safetensors:
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

// The same on the mapped file: the tensors are not copied into memory, so that a large file is
// there at once and its pages are read when they are needed. Writing to such a tensor does not
// change the file. The mapping lives as long as a tensor on it. Meanwhile the file may be replaced,
// as mt_save_safetensors does, but must not be cut short: the system ends a process that reads
// pages which are gone.
MT_API mt_status mt_map_safetensors(mt_named_tensors **out, const char *path,
                                    mt_strings **MT_NULLABLE metadata_keys,
                                    mt_strings **MT_NULLABLE metadata_values);

// --- Any format ------------------------------------------------------------------------------
// What a file is, its first bytes tell, never its name. Known are PyTorch's files (the zip archives
// of torch.save, the stream of before version 1.6, the tar archive of before 0.1.10), safetensors,
// .npy, .npz, and plain pickles of numbers, strings and containers. Zip archives need
// mt_has("zip").
//
// Of PyTorch's files everything loads that is data: tensors of all dtypes (those that shared memory
// share it again; all come to the CPU), parameters, dicts, lists, tuples, sets, numbers, strings,
// bytes, None, sizes, dtypes, devices, NumPy arrays and numbers. Anything that would need Python's
// classes or code is refused with its name: whole pickled models (save model.state_dict() instead),
// TorchScript programs, quantized and sparse tensors.

typedef struct mt_load_options {
  size_t struct_size;
  // Of mt_load_state_dict: where in the file's dicts the state dict is, as "ema/model". NULL: it is
  // the file's own dict, or what its entries "state_dict", "model_state_dict" or "model" lead to
  // when that dict holds no tensor itself. "": the file's own dict.
  const char *key;
  // Of mt_load_state_dict: taken off the names that begin with it; NULL takes nothing off.
  // "module." is what DataParallel puts in front.
  const char *strip_prefix;
  // The most bytes that an archive may unpack to; 0 is 256 MiB and 16 times the file's size.
  uint64_t max_bytes;
  bool map;  // as mt_map_safetensors, for files of that format
} mt_load_options;

MT_API void mt_load_options_init(mt_load_options *options);

// The tensors of a state dict by name, in the file's order. Those inside of further containers have
// names joined by '.'; entries that are no tensors (numbers, strings, None) are left out. The
// tensor of an .npy file has the name "".
MT_API mt_status mt_load_state_dict(mt_named_tensors **out, const char *path,
                                    const mt_load_options *MT_NULLABLE options);

// Everything in a file; see Values below. safetensors and .npz files are dicts, and the metadata of
// a safetensors file is that dict's attributes.
MT_API mt_status mt_load(mt_value **out, const char *path,
                         const mt_load_options *MT_NULLABLE options);

// Writes a value as torch.save does, in the zip form: torch.load gives the same objects, also with
// weights_only for tensors, ints, strings and None in dicts, lists and tuples. (That mode of
// PyTorch 1.13 refuses every file with a float, its own too.)
MT_API mt_status mt_save(const char *path, const mt_value *value);

// The same in memory: from `size` bytes at `data`, and as a new uint8 tensor of one dim.
MT_API mt_status mt_load_memory(mt_value **out, const void *MT_NULLABLE data, size_t size,
                                const mt_load_options *MT_NULLABLE options);
MT_API mt_status mt_save_memory(mt_tensor **out, const mt_value *value);

// The state dict inside of a value, as mt_load_state_dict finds it.
MT_API mt_status mt_value_state_dict(mt_named_tensors **out, const mt_value *value,
                                     const mt_load_options *MT_NULLABLE options);

// --- NumPy -----------------------------------------------------------------------------------
// Read: any byte order, C and Fortran order, versions 1 to 3. Objects, structures, text and dates
// are refused. Written: C order; bfloat16, which NumPy has not, is MT_ERR_DTYPE.
MT_API mt_status mt_load_npy(mt_tensor **out, const char *path);
MT_API mt_status mt_save_npy(const char *path, const mt_tensor *tensor);
// `options` may be NULL; its max_bytes counts.
MT_API mt_status mt_load_npz(mt_named_tensors **out, const char *path,
                             const mt_load_options *MT_NULLABLE options);
MT_API mt_status mt_save_npz(const char *path, const mt_named_tensors *tensors, bool compressed);

// --- Values ----------------------------------------------------------------------------------
// What a checkpoint holds beside bare tensors: numbers, strings, tensors, and containers of values.
// A value that was put into a container is shared with it, not copied; a container cannot hold
// itself. Containers change through mt_value_append and mt_value_set only; they must not be changed
// by one thread while another uses them.

MT_API mt_status mt_value_free(mt_value *MT_NULLABLE self);

// New values. A dict keeps the order of its entries. `ordered` makes Python's OrderedDict of it.
MT_API mt_status mt_value_none(mt_value **out);
MT_API mt_status mt_value_bool(mt_value **out, bool value);
MT_API mt_status mt_value_int(mt_value **out, int64_t value);
MT_API mt_status mt_value_float(mt_value **out, double value);
MT_API mt_status mt_value_complex(mt_value **out, double real, double imag);
MT_API mt_status mt_value_string(mt_value **out, const char *text, size_t size);  // UTF-8
MT_API mt_status mt_value_bytes(mt_value **out, const void *MT_NULLABLE data, size_t size);
MT_API mt_status mt_value_tensor(mt_value **out, const mt_tensor *tensor);
MT_API mt_status mt_value_dtype(mt_value **out, mt_dtype dtype);
MT_API mt_status mt_value_device(mt_value **out, const char *name);  // "cuda:0" is fine
// An int of any size: two's complement, little-endian.
MT_API mt_status mt_value_big_int(mt_value **out, const void *data, size_t size);
MT_API mt_status mt_value_list(mt_value **out);
MT_API mt_status mt_value_tuple(mt_value **out);
MT_API mt_status mt_value_size(mt_value **out, const int64_t *sizes, size_t n);  // torch.Size
MT_API mt_status mt_value_set_of(mt_value **out);
MT_API mt_status mt_value_dict(mt_value **out, bool ordered);
// A dict of the tensors.
MT_API mt_status mt_value_from_tensors(mt_value **out, const mt_named_tensors *tensors);

// Adds to a list, tuple or set.
MT_API mt_status mt_value_append(mt_value *self, const mt_value *item);
// Sets an entry of a dict, whose key is a string or, in the second form, a value: a number, string,
// bytes, None, or tuple of such.
MT_API mt_status mt_value_set(mt_value *self, const char *key, const mt_value *item);
MT_API mt_status mt_value_set_item(mt_value *self, const mt_value *key, const mt_value *item);
// Attributes of the object itself, as a dict: "_metadata" of a module's state dict. On dicts only.
MT_API mt_status mt_value_set_attributes(mt_value *self, const mt_value *attributes);

// What it is. The type's name is Python's, freed by the caller: "dict", "collections.OrderedDict",
// "torch.nn.Parameter", "torch.Size", "numpy.ndarray", ....
MT_API mt_status mt_value_kind_of(mt_value_kind *out, const mt_value *self);
MT_API mt_status mt_value_type_name(char **out, const mt_value *self);
// The same number for values that are one object: two entries of a file that share it.
MT_API mt_status mt_value_id(uint64_t *out, const mt_value *self);

// The content; MT_ERR_INVALID_ARGUMENT for another kind. mt_value_as_float takes ints and bools
// too. An int that does not fit in 64 bits is MT_ERR_INVALID_ARGUMENT too: mt_value_as_bytes gives
// the bytes of every int.
MT_API mt_status mt_value_as_bool(bool *out, const mt_value *self);
MT_API mt_status mt_value_as_int(int64_t *out, const mt_value *self);
MT_API mt_status mt_value_as_float(double *out, const mt_value *self);
MT_API mt_status mt_value_as_complex(double *real, double *imag, const mt_value *self);
MT_API mt_status mt_value_as_tensor(mt_tensor **out, const mt_value *self);
MT_API mt_status mt_value_as_dtype(mt_dtype *out, const mt_value *self);
// A string's or device's text, freed by the caller with mt_string_free.
MT_API mt_status mt_value_as_string(char **out, const mt_value *self);
// The bytes of a string, bytes or int: `data` is NULL or has room for *size bytes; *size becomes
// their number. MT_ERR_INVALID_ARGUMENT when there is less room.
MT_API mt_status mt_value_as_bytes(void *MT_NULLABLE data, size_t *size, const mt_value *self);

// Entries of a container. A dict's have keys.
MT_API mt_status mt_value_count(size_t *out, const mt_value *self);
MT_API mt_status mt_value_at(mt_value **out, const mt_value *self, size_t index);
MT_API mt_status mt_value_key_at(mt_value **out, const mt_value *self, size_t index);
// The entry of a dict under a string; MT_ERR_KEY when there is none.
MT_API mt_status mt_value_get(mt_value **out, const mt_value *self, const char *key);
// NULL when nothing was set.
MT_API mt_status mt_value_attributes(mt_value **out, const mt_value *self);

#ifdef __cplusplus
}
#endif

#endif  // MINITORCH_IO_H
