// Reading and writing PyTorch's files: see torch_file.h. Storages are checked against the bytes
// that the file has before memory is taken for them.
#include "io/torch_file.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "io/pickle.h"
#include "io/safetensors_header.h"

namespace mt {
namespace {

using safetensors::shown;

// The number that a stream begins with, as a pickle: protocol 2, LONG1 of 10 bytes, the end.
constexpr uint8_t kMagic[] = {0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46,
                              0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, '.'};

// A one-dim tensor over a storage of `bytes` bytes.
Tensor over_storage(Ref<Storage> storage, DType dtype, int64_t offset, int64_t numel) {
  Tensor t = Tensor::empty({{0}}, dtype);
  t.impl()->storage = std::move(storage);
  return t.alias(Dims{numel}, Dims{1}, offset);
}

struct HeldStorage {
  Ref<Storage> storage;
  DType dtype;
  int64_t numel;
  bool filled = false;
};

// What both forms share: storages by key, and what an id says of them.
class Storages : public PickleHost {
 public:
  Storages(std::string_view op, ByteSource& source) : op_(op), source_(source) {}

  Tensor storage(DType dtype, const Value::Items& id) override {
    const std::string& key = id[2]->text();
    const int64_t numel = id[4]->integer();
    uint64_t bytes = 0;
    if (numel < 0 ||
        __builtin_mul_overflow(static_cast<uint64_t>(numel), dtype_size(dtype), &bytes)) {
      bad(key, cat("has ", numel, " elements"),
          "a storage has 0 or more, and they must fit the file");
    }
    auto it = held_.find(key);
    if (it == held_.end()) {
      it = held_.emplace(key, HeldStorage{make(key, dtype, bytes), dtype, numel}).first;
    }
    HeldStorage& held = it->second;
    if (bytes > held.storage->bytes()) {
      bad(key, cat("is said to have ", bytes, " bytes and ", held.storage->bytes()),
          "must be one size");
    }
    return over_storage(held.storage, dtype, 0, numel);
  }

 protected:
  virtual Ref<Storage> make(const std::string& key, DType dtype, uint64_t bytes) = 0;
  [[noreturn]] void bad(const std::string& key, std::string_view found,
                        std::string_view rule) const {
    fail(Status::kFormat, op_, ": damaged: '", source_.name(), "': storage '", shown(key), "' ",
         found, ": ", rule);
  }
  void check_values(const std::string& key, const Storage& s, DType dtype) const {
    if (dtype != DType::kBool) return;
    const auto* p = static_cast<const uint8_t*>(s.data());
    const auto* wrong = std::find_if(p, p + s.bytes(), [](uint8_t b) { return b > 1; });
    if (wrong == p + s.bytes()) return;
    bad(key, cat("has byte ", static_cast<int>(*wrong), " as a bool"), "must be 0 or 1");
  }

  std::string_view op_;
  ByteSource& source_;
  std::unordered_map<std::string, HeldStorage> held_;
};

class ZipStorages final : public Storages {
 public:
  ZipStorages(std::string_view op, ByteSource& source, ZipReader& zip, std::string root)
      : Storages(op, source), zip_(zip), root_(std::move(root)) {}

 private:
  Ref<Storage> make(const std::string& key, DType dtype, uint64_t bytes) override {
    const ZipEntry* entry = zip_.find(root_ + "data/" + key);
    if (!entry) bad(key, "has no entry in the archive", "its data must be there");
    if (entry->size < bytes) {
      bad(key, cat("has ", entry->size, " bytes"), cat("its tensors need ", bytes));
    }
    Ref<Storage> s = Storage::allocate(entry->size, Device::kCPU);
    if (entry->size != 0) zip_.read(*entry, s->data());
    check_values(key, *s, dtype);
    return s;
  }
  ZipReader& zip_;
  std::string root_;
};

// The stream has the bytes behind the objects: storages are filled when those are known.
class StreamStorages final : public Storages {
 public:
  using Storages::Storages;

  Tensor storage(DType dtype, const Value::Items& id) override {
    const Tensor whole = Storages::storage(dtype, id);
    if (id.size() < 6 || id[5]->is(ValueKind::kNone)) return whole;
    // A part of it, in files of before 0.4: (key of the part, offset, size).
    const ValueRef& part = id[5];
    const std::string& key = id[2]->text();
    if (!part->is(ValueKind::kTuple) || part->items().size() != 3 ||
        !part->items()[1]->is(ValueKind::kInt) || !part->items()[2]->is(ValueKind::kInt) ||
        part->items()[1]->is_big() || part->items()[2]->is_big()) {
      bad(key, "is seen through an unknown view", "must be (key, offset, size)");
    }
    const int64_t offset = part->items()[1]->integer(), size = part->items()[2]->integer();
    if (offset < 0 || size < 0 || offset > whole.numel() || size > whole.numel() - offset) {
      bad(key, cat("is seen through a view at ", offset, " of ", size), "must lie inside");
    }
    return whole.alias(Dims{size}, Dims{1}, offset);
  }

  void fill(uint64_t at) {
    const ValueRef keys = read_pickle(op_, source_, at, nullptr);
    if (!keys->is(ValueKind::kList)) {
      fail(Status::kFormat, op_, ": damaged: '", source_.name(),
           "': a list of its storages is missing: must follow the objects");
    }
    for (const ValueRef& item : keys->items()) {
      const std::string key = item->is(ValueKind::kString) ? item->text() : std::string();
      const auto it = held_.find(key);
      if (it == held_.end() || it->second.filled) {
        bad(key, it == held_.end() ? "belongs to no tensor" : "stands twice", "must be used once");
      }
      HeldStorage& held = it->second;
      int64_t numel = 0;
      source_.read(at, &numel, 8);
      if (numel != held.numel) {
        bad(key, cat("says that ", numel, " elements follow"), cat("must be ", held.numel));
      }
      source_.read(at + 8, held.storage->data(), held.storage->bytes());
      at += 8 + held.storage->bytes();
      held.filled = true;
      check_values(key, *held.storage, held.dtype);
    }
    for (const auto& [key, held] : held_) {
      if (!held.filled) bad(key, "has no data", "its data must be there");
    }
  }

 private:
  Ref<Storage> make(const std::string& key, DType, uint64_t bytes) override {
    total_ += bytes;
    if (bytes > source_.size() || total_ > source_.size()) {
      bad(key, cat("needs ", bytes, " bytes"), cat("the file has ", source_.size()));
    }
    return Storage::allocate(bytes, Device::kCPU);
  }
  uint64_t total_ = 0;
};

// "archive/" of the entry "archive/data.pkl", or null.
const ZipEntry* main_entry(const ZipReader& zip) {
  for (const ZipEntry& e : zip.entries()) {
    if (e.name == "data.pkl" || e.name.ends_with("/data.pkl")) return &e;
  }
  return nullptr;
}

}  // namespace

bool is_torch_zip(const ZipReader& zip) { return main_entry(zip) != nullptr; }

ValueRef read_torch_zip(std::string_view op, ByteSource& source, ZipReader& zip) {
  const ZipEntry* main = main_entry(zip);
  if (!main) {
    fail(Status::kFormat, op, ": damaged: '", source.name(),
         "' has no entry data.pkl: a PyTorch file has one");
  }
  const std::string root = main->name.substr(0, main->name.size() - 8);
  for (const ZipEntry& e : zip.entries()) {
    if (e.name == root + "constants.pkl" || e.name.starts_with(root + "code/")) {
      fail(Status::kFormat, op, ": unsupported content: '", source.name(),
           "' is a TorchScript program: only tensors can be loaded; in Python, load it with "
           "torch.jit.load and save its state_dict() with torch.save");
    }
  }
  if (const ZipEntry* order = zip.find(root + "byteorder"); order && order->size < 16) {
    if (const std::string text = zip.read(*order); text != "little") {
      fail(Status::kFormat, op, ": unsupported content: '", source.name(), "' has byte order '",
           shown(text), "': must be little-endian");
    }
  }
  const std::string pickle = zip.read(*main);
  ZipStorages storages(op, source, zip, root);
  MemorySource bytes(op, {reinterpret_cast<const uint8_t*>(pickle.data()), pickle.size()},
                     source.name());
  uint64_t at = 0;
  return read_pickle(op, bytes, at, &storages);
}

bool is_torch_stream(ByteSource& source) {
  uint8_t b[sizeof kMagic];
  if (source.size() < sizeof b) return false;
  source.read(0, b, sizeof b);
  return std::memcmp(b, kMagic, sizeof b) == 0;
}

ValueRef read_torch_stream(std::string_view op, ByteSource& source) {
  uint64_t at = sizeof kMagic;
  const auto bad = [&](std::string_view found, std::string_view rule) {
    fail(Status::kFormat, op, ": damaged: '", source.name(), "': ", found, ": ", rule);
  };
  const ValueRef version = read_pickle(op, source, at, nullptr);
  if (!version->is(ValueKind::kInt) || version->is_big() || version->integer() != 1001) {
    bad("its protocol version is unknown", "must be 1001");
  }
  const ValueRef system = read_pickle(op, source, at, nullptr);
  const Value* little = system->find("little_endian");
  if (!little || !little->is(ValueKind::kBool) || little->integer() == 0) {
    bad("it was not written on a little-endian machine", "must be little-endian");
  }
  StreamStorages storages(op, source);
  ValueRef v = read_pickle(op, source, at, &storages);
  storages.fill(at);
  return v;
}

void write_torch_zip(std::string_view op, ByteSink& sink, const Value& value) {
  constexpr uint64_t kAlignment = 64;  // PyTorch's own
  std::vector<PickledStorage> storages;
  const std::string pickle = write_pickle(op, value, storages);
  ZipWriter zip(op, sink);
  zip.add("archive/data.pkl", pickle, nullptr, 0, false, kAlignment);
  for (size_t i = 0; i < storages.size(); ++i) {
    const PickledStorage& s = storages[i];
    const size_t element = dtype_size(s.dtype);
    zip.add("archive/data/" + std::to_string(i), {}, s.storage->data(),
            s.storage->bytes() / element * element, false, kAlignment);
  }
  zip.add("archive/version", "3\n", nullptr, 0, false, kAlignment);
  zip.finish();
}

}  // namespace mt
