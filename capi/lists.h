// Lists with names and of strings as objects of the ABI.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "capi/guard.h"
#include "io/safetensors.h"
#include "minitorch/minitorch.h"

namespace mt::capi {

// Tensors under unique names, in order.
class NamedTensorsObject : public RefCounted {
 public:
  static void destroy(NamedTensorsObject* o) { delete o; }
  explicit NamedTensorsObject(NamedTensors list = {});

  const NamedTensors& items() const { return items_; }
  const Tensor* find(const std::string& name) const;
  void set(std::string_view name, const Tensor& t);  // replaces in place or appends
  bool remove(const std::string& name);

 private:
  void index_from(size_t first);

  NamedTensors items_;
  std::unordered_map<std::string, size_t> index_;
};

class StringsObject : public RefCounted {
 public:
  static void destroy(StringsObject* o) { delete o; }
  std::vector<std::string> items;
};

// Two lists of one length as the pairs of a file's metadata; both or none.
StringMap metadata_of(Call& c, const mt_strings* keys, const mt_strings* values);

NewHandle<NamedTensorsObject> make_named(const Call& c, NamedTensors list);
NewHandle<StringsObject> make_strings(const Call& c, std::vector<std::string> items);

// Calls of modules and functions return handles to the objects that the host holds.
inline NewHandle<Module> make_module(const Call& c, ModuleRef m) {
  return {c.thread(), std::move(m)};
}

// Checks index < count for a list's getter.
void check_index(const Call& c, size_t index, size_t count);

}  // namespace mt::capi
