// C functions of io.h: loading files of any format, saving as PyTorch does, and NumPy's files.
#include "capi/lists.h"
#include "io/file.h"
#include "io/load.h"
#include "io/npy.h"
#include "io/safetensors.h"

using namespace mt::capi;  // NOLINT

namespace {

mt_load_options default_options() {
  mt_load_options o{};
  o.struct_size = sizeof o;
  return o;
}

mt::LoadOptions options_of(const Call& c, const mt_load_options* options) {
  mt_load_options o = default_options();
  if (options) c.read_options("options", options, o);
  mt::LoadOptions out;
  if (o.key) out.key = o.key;
  if (o.strip_prefix) out.strip_prefix = o.strip_prefix;
  out.max_bytes = o.max_bytes;
  out.map = o.map;
  return out;
}

NewHandle<mt::Value> make_value(const Call& c, mt::ValueRef v) {
  return {c.thread(), std::move(v)};
}

}  // namespace

extern "C" {

void mt_load_options_init(mt_load_options* options) {
  if (options) *options = default_options();
}

mt_status mt_load(mt_value** out, const char* path, const mt_load_options* options) {
  return guard("mt_load", [&](Call& c) {
    c.pointer("out", out);
    const std::string file(c.string("path", path));
    *out = make_value(c, mt::load_value(file, options_of(c, options))).release();
  });
}

mt_status mt_load_memory(mt_value** out, const void* data, size_t size,
                         const mt_load_options* options) {
  return guard("mt_load_memory", [&](Call& c) {
    c.pointer("out", out);
    if (size != 0) c.pointer("data", data);
    mt::MemorySource source("load", {static_cast<const uint8_t*>(data), size});
    *out = make_value(c, mt::load_value("load", source, options_of(c, options))).release();
  });
}

mt_status mt_load_state_dict(mt_named_tensors** out, const char* path,
                             const mt_load_options* options) {
  return guard("mt_load_state_dict", [&](Call& c) {
    c.pointer("out", out);
    const std::string file(c.string("path", path));
    *out = make_named(c, mt::load_state_dict_file(file, options_of(c, options))).release();
  });
}

mt_status mt_value_state_dict(mt_named_tensors** out, const mt_value* value,
                              const mt_load_options* options) {
  return guard("mt_value_state_dict", [&](Call& c) {
    c.pointer("out", out);
    const mt::Value* v = c.object<mt::Value>("value", value);
    *out = make_named(c, mt::state_dict_of(c.fn(), *v, options_of(c, options))).release();
  });
}

mt_status mt_save(const char* path, const mt_value* value) {
  return guard("mt_save", [&](Call& c) {
    const mt::Value* v = c.object<mt::Value>("value", value);
    mt::save_value(std::string(c.string("path", path)), *v);
  });
}

mt_status mt_save_memory(mt_tensor** out, const mt_value* value) {
  return guard("mt_save_memory", [&](Call& c) {
    c.pointer("out", out);
    const std::string bytes = mt::value_bytes(*c.object<mt::Value>("value", value));
    const mt::Tensor t =
        mt::Tensor::empty({{static_cast<int64_t>(bytes.size())}}, mt::DType::kUInt8);
    std::copy(bytes.begin(), bytes.end(), t.data_as<char>());
    c.put(out, t);
  });
}

mt_status mt_load_npy(mt_tensor** out, const char* path) {
  return guard("mt_load_npy", [&](Call& c) {
    c.pointer("out", out);
    c.put(out, mt::load_npy(std::string(c.string("path", path))));
  });
}

mt_status mt_save_npy(const char* path, const mt_tensor* tensor) {
  return guard("mt_save_npy", [&](Call& c) {
    const TensorArg t = c.tensor("tensor", tensor);
    mt::save_npy(std::string(c.string("path", path)), t);
  });
}

mt_status mt_load_npz(mt_named_tensors** out, const char* path, const mt_load_options* options) {
  return guard("mt_load_npz", [&](Call& c) {
    c.pointer("out", out);
    const std::string file(c.string("path", path));
    *out = make_named(c, mt::load_npz(file, options_of(c, options).max_bytes)).release();
  });
}

mt_status mt_save_npz(const char* path, const mt_named_tensors* tensors, bool compressed) {
  return guard("mt_save_npz", [&](Call& c) {
    const auto* list = c.object<NamedTensorsObject>("tensors", tensors);
    mt::save_npz(std::string(c.string("path", path)), list->items(), compressed);
  });
}

}  // extern "C"
