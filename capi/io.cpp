// C functions of io.h: safetensors files and buffers.
#include "capi/lists.h"
#include "io/safetensors.h"

using namespace mt::capi;  // NOLINT

namespace {

// Gives a loaded file to the host: all three results or none.
void put_loaded(const Call& c, mt_named_tensors** out, mt::NamedTensors tensors,
                const mt::StringMap& metadata, mt_strings** keys, mt_strings** values) {
  std::vector<std::string> k, v;
  for (const auto& [key, value] : metadata) {
    k.push_back(key);
    v.push_back(value);
  }
  auto tensors_handle = make_named(c, std::move(tensors));
  auto keys_handle = make_strings(c, std::move(k));
  auto values_handle = make_strings(c, std::move(v));
  *out = tensors_handle.release();
  if (keys) *keys = keys_handle.release();
  if (values) *values = values_handle.release();
}

}  // namespace

extern "C" {

mt_status mt_save_safetensors(const char* path, const mt_named_tensors* tensors,
                              const mt_strings* metadata_keys, const mt_strings* metadata_values) {
  return guard("mt_save_safetensors", [&](Call& c) {
    const std::string file(c.string("path", path));
    const auto* list = c.object<NamedTensorsObject>("tensors", tensors);
    mt::save_safetensors(file, list->items(), metadata_of(c, metadata_keys, metadata_values));
  });
}

mt_status mt_load_safetensors(mt_named_tensors** out, const char* path, mt_strings** metadata_keys,
                              mt_strings** metadata_values) {
  return guard("mt_load_safetensors", [&](Call& c) {
    c.pointer("out", out);
    mt::StringMap metadata;
    mt::NamedTensors tensors = mt::load_safetensors(std::string(c.string("path", path)), &metadata);
    put_loaded(c, out, std::move(tensors), metadata, metadata_keys, metadata_values);
  });
}

mt_status mt_map_safetensors(mt_named_tensors** out, const char* path, mt_strings** metadata_keys,
                             mt_strings** metadata_values) {
  return guard("mt_map_safetensors", [&](Call& c) {
    c.pointer("out", out);
    mt::StringMap metadata;
    mt::NamedTensors tensors = mt::map_safetensors(std::string(c.string("path", path)), &metadata);
    put_loaded(c, out, std::move(tensors), metadata, metadata_keys, metadata_values);
  });
}

mt_status mt_safetensors_encode(mt_tensor** out, const mt_named_tensors* tensors,
                                const mt_strings* metadata_keys,
                                const mt_strings* metadata_values) {
  return guard("mt_safetensors_encode", [&](Call& c) {
    c.pointer("out", out);
    const auto* list = c.object<NamedTensorsObject>("tensors", tensors);
    const std::string bytes =
        mt::safetensors_bytes(list->items(), metadata_of(c, metadata_keys, metadata_values));
    const auto size = static_cast<int64_t>(bytes.size());
    const mt::Tensor t = mt::Tensor::empty({{size}}, mt::DType::kUInt8);
    std::copy(bytes.begin(), bytes.end(), t.data_as<char>());
    c.put(out, t);
  });
}

mt_status mt_safetensors_decode(mt_named_tensors** out, const void* data, size_t size,
                                mt_strings** metadata_keys, mt_strings** metadata_values) {
  return guard("mt_safetensors_decode", [&](Call& c) {
    c.pointer("out", out);
    if (size != 0) c.pointer("data", data);
    mt::StringMap metadata;
    mt::NamedTensors tensors =
        mt::load_safetensors_bytes({static_cast<const uint8_t*>(data), size}, &metadata);
    put_loaded(c, out, std::move(tensors), metadata, metadata_keys, metadata_values);
  });
}

}  // extern "C"
