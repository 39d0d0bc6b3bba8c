// Loading by content and finding state dicts: see load.h.
#include "io/load.h"

#include <cstring>
#include <unordered_set>

#include "core/error.h"
#include "io/file.h"
#include "io/npy.h"
#include "io/pickle.h"
#include "io/safetensors.h"
#include "io/safetensors_header.h"
#include "io/torch_file.h"

namespace mt {
namespace {

using safetensors::shown;

ValueRef dict_of(NamedTensors tensors, const StringMap& metadata = {}) {
  ValueRef v = Value::container(ValueKind::kDict, ValueType::kOrderedDict);
  v->items().reserve(2 * tensors.size());
  for (auto& [name, t] : tensors) {
    v->items().push_back(Value::string(name));
    v->items().push_back(Value::tensor(t));
  }
  if (!metadata.empty()) {
    ValueRef m = Value::container(ValueKind::kDict);
    for (const auto& [key, value] : metadata) {
      m->items().push_back(Value::string(key));
      m->items().push_back(Value::string(value));
    }
    v->set_attributes(std::move(m));
  }
  return v;
}

bool is_safetensors(ByteSource& source) {
  uint64_t header = 0;
  char brace = 0;
  if (source.size() < 9) return false;
  source.read(0, &header, 8);
  source.read(8, &brace, 1);
  return brace == '{' && header <= safetensors::kMaxHeader;
}

[[noreturn]] void fail_unknown(std::string_view op, ByteSource& source) {
  char b[512] = {};
  const size_t n = std::min<uint64_t>(source.size(), sizeof b);
  source.read(0, b, n);
  const std::string_view begin(b, n);
  std::string found = "begins with '" + shown(begin.substr(0, std::min<size_t>(n, 24))) + "'";
  std::string_view fix = "must be a safetensors, PyTorch, npy or npz file";
  if (n == 0) found = "is empty";
  if (begin.starts_with("version https://git-lfs")) {
    found = "is a Git LFS pointer, not the file itself";
    fix = "fetch it with git lfs pull";
  } else if (begin.starts_with("\x89HDF\r\n")) {
    found = "is an HDF5 file";
  } else if (begin.starts_with("\x1F\x8B")) {
    found = "is packed with gzip";
    fix = "unpack it first";
  } else if (begin.starts_with("<")) {
    found = "begins as a web page does";
    fix = "the download may have failed";
  }
  fail(Status::kFormat, op, ": not a checkpoint: '", source.name(), "' of ", source.size(),
       " bytes ", found, ": ", fix);
}

bool has_tensor(const Value& dict) {
  for (const ValueRef& item : dict.items()) {
    if (item->is(ValueKind::kTensor)) return true;
  }
  return false;
}

// The dict that holds the state: see LoadOptions::key.
const Value* find_state(std::string_view op, const Value& root, const LoadOptions& options) {
  const Value* at = &root;
  if (!options.key) {
    for (int hops = 0; hops < 4; ++hops) {
      if (!at->is(ValueKind::kDict) || has_tensor(*at)) break;
      const Value* next = nullptr;
      for (std::string_view name : {"state_dict", "model_state_dict", "model"}) {
        const Value* v = at->find(name);
        if (v && v->is(ValueKind::kDict)) {
          next = v;
          break;
        }
      }
      if (!next) break;
      at = next;
    }
    return at;
  }
  std::string_view rest = *options.key;
  while (!rest.empty()) {
    const size_t slash = rest.find('/');
    const std::string_view name = rest.substr(0, slash);
    const Value* next = at->find(name);
    if (!next) {
      std::string names;
      if (at->is(ValueKind::kDict)) {
        for (size_t i = 0; i < at->items().size() && i < 20; i += 2) {
          if (!at->items()[i]->is(ValueKind::kString)) continue;
          names += (names.empty() ? "'" : ", '") + shown(at->items()[i]->text()) + "'";
        }
      }
      fail(Status::kKey, op, ": not found: key '", shown(*options.key), "': no '", shown(name),
           "' in a ", value_kind_name(at->kind()), names.empty() ? "" : " of ", names,
           ": must lead to a dict of the file");
    }
    at = next;
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  }
  return at;
}

class Flattener {
 public:
  Flattener(std::string_view op, const std::string& prefix, NamedTensors& out)
      : op_(op), prefix_(prefix), out_(out) {}

  void walk(const Value& v, const std::string& name) {
    // Shared containers can be far more when written out than they are in the file.
    if (++visits_ > kMaxPickleValues) {
      fail(Status::kFormat, op_, ": too many tensors: more than ", kMaxPickleValues,
           " entries: that is the limit for one file");
    }
    if (v.is(ValueKind::kTensor)) {
      add(v, name);
    } else if (v.is(ValueKind::kDict)) {
      for (size_t i = 0; i < v.items().size(); i += 2) {
        const Value& key = *v.items()[i];
        if (key.is(ValueKind::kString)) {
          walk(*v.items()[i + 1], joined(name, key.text()));
        } else if (key.is(ValueKind::kInt) && !key.is_big()) {
          walk(*v.items()[i + 1], joined(name, std::to_string(key.integer())));
        }
      }
    } else if (v.is(ValueKind::kList) || v.is(ValueKind::kTuple)) {
      for (size_t i = 0; i < v.items().size(); ++i) {
        walk(*v.items()[i], joined(name, std::to_string(i)));
      }
    }
  }

 private:
  static std::string joined(const std::string& name, const std::string& key) {
    return name.empty() ? key : name + "." + key;
  }
  void add(const Value& v, std::string name) {
    if (!prefix_.empty() && name.starts_with(prefix_)) name.erase(0, prefix_.size());
    if (!names_.insert(name).second) {
      fail(Status::kFormat, op_, ": repeated name: two tensors are '", shown(name),
           "': every tensor needs a name of its own",
           prefix_.empty() ? "" : "; do not strip the prefix");
    }
    if (name.find('\0') != std::string::npos) {
      fail(Status::kFormat, op_, ": bad name: '", shown(name), "' has a NUL: names must not");
    }
    out_.emplace_back(std::move(name), v.tensor());
  }

  std::string_view op_;
  const std::string& prefix_;
  NamedTensors& out_;
  std::unordered_set<std::string> names_;
  size_t visits_ = 0;
};

}  // namespace

ValueRef load_value(std::string_view op, ByteSource& source, const LoadOptions& options) {
  if (is_npy(source)) return Value::tensor(read_npy(op, source));
  if (is_zip(source)) {
    ZipReader zip(op, source, options.max_bytes);
    if (is_torch_zip(zip)) return read_torch_zip(op, source, zip);
    return dict_of(read_npz(op, source, zip));
  }
  if (is_torch_stream(source)) return read_torch_stream(op, source);
  if (is_tar(source)) return read_torch_tar(op, source);
  uint8_t b[2] = {};
  if (source.size() >= 2) source.read(0, b, 2);
  if (b[0] == 0x80 && b[1] >= 2 && b[1] <= 5) {
    uint64_t at = 0;
    return read_pickle(op, source, at, nullptr);
  }
  if (is_safetensors(source)) {
    StringMap metadata;
    NamedTensors tensors = read_safetensors(source, &metadata);
    return dict_of(std::move(tensors), metadata);
  }
  fail_unknown(op, source);
}

ValueRef load_value(const std::string& path, const LoadOptions& options) {
  FileSource source("load", path);
  if (options.map && is_safetensors(source)) {
    StringMap metadata;
    NamedTensors tensors = map_safetensors(path, &metadata);
    return dict_of(std::move(tensors), metadata);
  }
  return load_value("load", source, options);
}

NamedTensors state_dict_of(std::string_view op, const Value& value, const LoadOptions& options) {
  NamedTensors out;
  Flattener(op, options.strip_prefix, out).walk(*find_state(op, value, options), "");
  return out;
}

NamedTensors load_state_dict_file(const std::string& path, const LoadOptions& options) {
  return state_dict_of("load_state_dict", *load_value(path, options), options);
}

void save_value(const std::string& path, const Value& value) {
  AtomicFile file("save", path);
  write_torch_zip("save", file, value);
  file.commit();
}

std::string value_bytes(const Value& value) {
  MemorySink sink;
  write_torch_zip("save", sink, value);
  return std::move(sink.bytes);
}

}  // namespace mt
