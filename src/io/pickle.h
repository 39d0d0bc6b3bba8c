// Python's pickle streams as values, both ways. The reader is a machine of its own: it looks names
// up in a fixed table and never calls, imports or evaluates anything of the file. Every opcode
// checks the types it works on; lengths are checked against the bytes that are there; the number of
// values, the depth of nesting and the memo are bounded.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "io/value.h"

namespace mt {

class ByteSource;

inline constexpr size_t kMaxPickleValues = 4'000'000;  // objects that one stream may make
inline constexpr int kMaxValueDepth = 256;             // containers inside containers

// Where a stream's persistent ids lead: PyTorch keeps storages outside of the stream.
class PickleHost {
 public:
  virtual ~PickleHost() = default;
  // The storage under an id ('storage', <type>, key, location, numel, ...), whose type's dtype is
  // given, as a one-dim tensor over all of it.
  virtual Tensor storage(DType dtype, const Value::Items& id) = 0;
  // What an id that is text stands for, in the files of before PyTorch 0.1.10; null for none.
  virtual ValueRef object(const std::string&) { return nullptr; }
  // Whether classes of tensors and storages may stand as values, which are then their names.
  virtual bool names_classes() const { return false; }
};

// Reads one object from `source` at `at`, which is moved behind it. `host` null: ids are refused.
// kFormat for anything else than plain data, with a message that names the source and what is
// wrong.
ValueRef read_pickle(std::string_view op, ByteSource& source, uint64_t& at, PickleHost* host);

// The class of a storage by its dtype, "FloatStorage".
std::string_view storage_class(DType dtype);

// A view of a storage, which must hold all of it; `bad` throws what is wrong with it otherwise.
Tensor view_of_storage(const std::function<void(const std::string&)>& bad, const Tensor& storage,
                       DType dtype, int64_t offset, const Dims& sizes, const Dims& strides);

// A value as a stream of protocol 2, in the form in which torch.save writes it. Tensors become
// persistent ids; their storages are listed in the order of their keys "0", "1", ....
struct PickledStorage {
  Ref<Storage> storage;
  DType dtype;
};
std::string write_pickle(std::string_view op, const Value& value,
                         std::vector<PickledStorage>& storages);

bool is_utf8(std::string_view s);

}  // namespace mt
