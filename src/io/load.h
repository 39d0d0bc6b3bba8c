// Loading any of the formats by what the file begins with, whatever it is called: safetensors,
// PyTorch's zip and stream, npy, npz, and plain pickles. And saving values as PyTorch does.
#pragma once

#include <optional>
#include <string>

#include "io/value.h"
#include "nn/module.h"

namespace mt {

class ByteSource;

struct LoadOptions {
  // Of load_state_dict: where in the file's dicts the state dict is, "ema/model"; absent: by itself
  // (the root, or what "state_dict", "model_state_dict" or "model" lead to); "": the root.
  std::optional<std::string> key;
  std::string strip_prefix;  // of load_state_dict: taken off names that begin with it
  uint64_t max_bytes = 0;    // that an archive may unpack to; 0 for default_unpack_limit()
  bool map = false;          // safetensors: tensors on the mapped file instead of copies
};

// The file's content. safetensors and npz give dicts of tensors (the metadata of safetensors is the
// dict's attributes), npy a tensor.
ValueRef load_value(const std::string& path, const LoadOptions& options = {});
ValueRef load_value(std::string_view op, ByteSource& source, const LoadOptions& options = {});

// The tensors of a state dict. Names inside of nested containers are joined by '.'; entries that
// are no tensors are left out; a file of one tensor gives it under "".
NamedTensors load_state_dict_file(const std::string& path, const LoadOptions& options = {});
NamedTensors state_dict_of(std::string_view op, const Value& value, const LoadOptions& options);

// As torch.save does: in the zip form, in one step.
void save_value(const std::string& path, const Value& value);
std::string value_bytes(const Value& value);

}  // namespace mt
