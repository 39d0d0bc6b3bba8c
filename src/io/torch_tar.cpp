// PyTorch's first files, of before 0.1.10: a tar archive whose members are "storages" (pickled
// heads, each with its numbers behind it), "tensors" (pickled heads, sizes and strides) and
// "pickle", the objects, in which an id as text stands for one of the former. See torch_file.h.
#include <algorithm>
#include <cstring>
#include <map>
#include <unordered_map>

#include "core/error.h"
#include "io/pickle.h"
#include "io/safetensors_header.h"
#include "io/torch_file.h"

namespace mt {
namespace {

constexpr uint64_t kBlock = 512;

struct Member {
  uint64_t at, size;
};

[[noreturn]] void bad(std::string_view op, const ByteSource& source, std::string_view found,
                      std::string_view rule) {
  fail(Status::kFormat, op, ": damaged: '", source.name(), "': ", found, ": ", rule);
}

// A number of a tar header: octal digits, with spaces around them.
bool octal(const char* p, size_t n, uint64_t& out) {
  std::string_view text(p, n);
  text = text.substr(0, text.find('\0'));
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  out = 0;
  for (const char c : text) {
    if (c < '0' || c > '7') return false;
    out = 8 * out + static_cast<uint64_t>(c - '0');
  }
  return !text.empty();
}

// The regular files of a POSIX tar archive.
std::map<std::string, Member> read_members(std::string_view op, ByteSource& source) {
  std::map<std::string, Member> members;
  char head[kBlock];
  uint64_t at = 0;
  while (source.size() - at >= kBlock) {
    source.read(at, head, kBlock);
    if (std::all_of(head, head + kBlock, [](char c) { return c == 0; })) return members;
    uint64_t size = 0, check = 0, sum = 8 * ' ';
    for (size_t i = 0; i < kBlock; ++i) {
      if (i < 148 || i >= 156) sum += static_cast<unsigned char>(head[i]);
    }
    if (!octal(head + 148, 8, check) || check != sum || !octal(head + 124, 12, size)) {
      bad(op, source, cat("the header of a member at ", at, " is damaged"), "must be of POSIX tar");
    }
    at += kBlock;
    const uint64_t padded = size + (kBlock - size % kBlock) % kBlock;
    if (size > source.size() - at || padded > source.size() - at) break;
    const char type = head[156];
    if (type == 'x' || type == 'g') {  // more about the next member: times, mostly
      std::string more(std::min<uint64_t>(size, 1 << 16), '\0');
      source.read(at, more.data(), more.size());
      if (more.find(" size=") != more.npos || more.find(" path=") != more.npos) {
        bad(op, source, "it has extended names or sizes", "PyTorch writes none");
      }
    } else if (type == '0' || type == 0) {
      const std::string name(head, strnlen(head, 100));
      if (!members.emplace(name, Member{at, size}).second) {
        bad(op, source, cat("member '", safetensors::shown(name), "' stands twice"),
            "names must differ");
      }
    }
    at += padded;
  }
  bad(op, source, "its tar archive has no end", "the file may be cut");
}

// The bytes of one member.
class MemberSource final : public ByteSource {
 public:
  MemberSource(std::string_view op, ByteSource& source, const char* name, Member m)
      : op_(op), source_(source), member_(name), m_(m) {}
  uint64_t size() const override { return m_.size; }
  void read(uint64_t offset, void* to, size_t n) override {
    if (offset > m_.size || n > m_.size - offset) {
      bad(op_, source_, cat("member '", member_, "' of ", m_.size, " bytes ends too early"),
          "must have all that its heads say");
    }
    source_.read(m_.at + offset, to, n);
  }
  const std::string& name() const override { return source_.name(); }

 private:
  std::string_view op_;
  ByteSource& source_;
  const char* member_;
  Member m_;
};

class TarReader final : public PickleHost {
 public:
  TarReader(std::string_view op, ByteSource& source)
      : op_(op), source_(source), members_(read_members(op, source)) {}

  ValueRef read() {
    for (const char* name : {"storages", "tensors", "pickle"}) {
      if (members_.count(name) != 0) continue;
      fail(Status::kFormat, op_, ": not a checkpoint: '", source_.name(), "' of ", source_.size(),
           " bytes is a tar archive without a member '", name,
           "': must be a safetensors, PyTorch, npy or npz file");
    }
    uint64_t at = 0;
    if (members_.count("sys_info") != 0) {
      MemberSource info = member("sys_info");
      const ValueRef system = read_pickle(op_, info, at, nullptr);
      const Value* little = system->is(ValueKind::kDict) ? system->find("little_endian") : nullptr;
      if (little && little->is(ValueKind::kBool) && little->integer() == 0) {
        bad(op_, source_, "it was written on a big-endian machine", "must be little-endian");
      }
    }
    heads_ = true;
    read_storages();
    read_tensors();
    heads_ = false;
    MemberSource objects = member("pickle");
    at = 0;
    return read_pickle(op_, objects, at, this);
  }

  ValueRef object(const std::string& id) override {
    const auto it = objects_.find(id);
    return it == objects_.end() ? nullptr : it->second;
  }
  bool names_classes() const override { return heads_; }
  Tensor storage(DType, const Value::Items&) override {
    bad(op_, source_, "it has the id of a later form of PyTorch's files", "must be of this one");
  }

 private:
  MemberSource member(const char* name) { return {op_, source_, name, members_.at(name)}; }

  static int64_t number(ByteSource& from, uint64_t& at, size_t bytes = 8) {
    int64_t v = 0;
    from.read(at, &v, bytes);
    at += bytes;
    return v;
  }
  // How many heads follow: each takes a byte at least.
  int64_t count(ByteSource& from, uint64_t& at) {
    const int64_t n = integer(*read_pickle(op_, from, at, this));
    if (n < 0 || static_cast<uint64_t>(n) > from.size()) {
      bad(op_, source_, cat("it says that it has ", n, " parts"), "must fit the file");
    }
    return n;
  }
  int64_t integer(const Value& v) const {
    if (!v.is(ValueKind::kInt) || v.is_big()) {
      bad(op_, source_, cat("a head has a ", value_kind_name(v.kind())), "must be a number");
    }
    return v.integer();
  }
  const Value::Items& tuple(const Value& v, size_t n) const {
    if (!v.is(ValueKind::kTuple) || v.items().size() != n) {
      bad(op_, source_, cat("a head is a ", value_kind_name(v.kind())),
          cat("must be a tuple of ", n));
    }
    return v.items();
  }
  const Tensor& storage_of(const Value& id) const {
    const auto it = storages_.find(integer(id));
    if (it == storages_.end()) {
      bad(op_, source_, cat("there is no storage ", id.integer()), "must be there");
    }
    return it->second;
  }
  void keep(int64_t id, const Tensor& t, bool is_storage) {
    if (!objects_.emplace(std::to_string(id), Value::tensor(t)).second) {
      bad(op_, source_, cat("the id ", id, " stands twice"), "ids must differ");
    }
    if (is_storage) storages_.emplace(id, t);
  }

  void read_storages() {
    MemberSource from = member("storages");
    uint64_t at = 0;
    for (int64_t left = count(from, at); left > 0; --left) {
      const ValueRef head = read_pickle(op_, from, at, this);
      const Value::Items& items = tuple(*head, 3);  // id, location, class
      const std::string type = items[2]->is(ValueKind::kString) ? items[2]->text() : std::string();
      int dtype = 0;
      while (dtype < kNumDTypes && storage_class(static_cast<DType>(dtype)) != type) ++dtype;
      const int64_t numel = number(from, at);
      uint64_t bytes = 0;
      if (dtype == kNumDTypes || numel < 0 ||
          __builtin_mul_overflow(static_cast<uint64_t>(numel),
                                 dtype_size(static_cast<DType>(dtype)), &bytes) ||
          bytes > from.size() - at) {
        bad(op_, source_, cat("a storage of ", numel, " elements of '", safetensors::shown(type)),
            "' must have a known class and fit the file");
      }
      const Tensor t = Tensor::empty(Dims{numel}, static_cast<DType>(dtype));
      from.read(at, t.data(), bytes);
      at += bytes;
      safetensors::check_values(op_, source_.name(), "storages", t);
      keep(integer(*items[0]), t, true);
    }
    const ValueRef views = read_pickle(op_, from, at, this);
    if (!views->is(ValueKind::kList)) bad(op_, source_, "views are missing", "must be a list");
    for (const ValueRef& view : views->items()) {
      const Value::Items& items = tuple(*view, 4);  // id, storage, offset, size
      keep(integer(*items[0]),
           view_of(storage_of(*items[1]), integer(*items[2]), Dims{integer(*items[3])}, Dims{1}),
           true);
    }
  }

  void read_tensors() {
    MemberSource from = member("tensors");
    uint64_t at = 0;
    for (int64_t left = count(from, at); left > 0; --left) {
      const ValueRef head = read_pickle(op_, from, at, this);
      const Value::Items& items = tuple(*head, 3);  // id, storage, class
      const auto dims = static_cast<int32_t>(number(from, at, 4));
      at += 4;
      if (dims < 0 || dims > kMaxDims) {
        bad(op_, source_, cat("a tensor has ", dims, " dims"), cat("must be 0 to ", kMaxDims));
      }
      Dims sizes, strides;
      for (int d = 0; d < dims; ++d) sizes.push_back(number(from, at));
      for (int d = 0; d < dims; ++d) strides.push_back(number(from, at));
      const int64_t offset = number(from, at);
      keep(integer(*items[0]), view_of(storage_of(*items[1]), offset, sizes, strides), false);
    }
  }

  Tensor view_of(const Tensor& storage, int64_t offset, const Dims& sizes, const Dims& strides) {
    const auto refuse = [&](const std::string& what) {
      bad(op_, source_, cat("a tensor has ", what), "must lie inside its storage");
    };
    return view_of_storage(refuse, storage, storage.dtype(), offset, sizes, strides);
  }

  std::string_view op_;
  ByteSource& source_;
  std::map<std::string, Member> members_;
  std::unordered_map<int64_t, Tensor> storages_;       // and views of them: one-dim tensors
  std::unordered_map<std::string, ValueRef> objects_;  // all by their ids
  bool heads_ = false;
};

}  // namespace

bool is_tar(ByteSource& source) {
  char magic[5];
  if (source.size() < kBlock) return false;
  source.read(257, magic, sizeof magic);
  return std::memcmp(magic, "ustar", sizeof magic) == 0;
}

ValueRef read_torch_tar(std::string_view op, ByteSource& source) {
  return TarReader(op, source).read();
}

}  // namespace mt
