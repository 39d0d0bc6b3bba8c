// C functions of named tensors and string lists (module.h).
#include "capi/lists.h"

using namespace mt::capi;  // NOLINT

namespace mt::capi {

NamedTensorsObject::NamedTensorsObject(NamedTensors list) : items_(std::move(list)) {
  index_from(0);
}

void NamedTensorsObject::index_from(size_t first) {
  for (size_t i = first; i < items_.size(); ++i) index_[items_[i].first] = i;
}

const Tensor* NamedTensorsObject::find(const std::string& name) const {
  const auto it = index_.find(name);
  return it == index_.end() ? nullptr : &items_[it->second].second;
}

void NamedTensorsObject::set(std::string_view name, const Tensor& t) {
  const auto [it, fresh] = index_.try_emplace(std::string(name), items_.size());
  if (!fresh) {
    items_[it->second].second = t;
    return;
  }
  try {
    items_.emplace_back(name, t);
  } catch (...) {
    index_.erase(it);
    throw;
  }
}

bool NamedTensorsObject::remove(const std::string& name) {
  const auto it = index_.find(name);
  if (it == index_.end()) return false;
  const size_t at = it->second;
  index_.erase(it);
  items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(at));
  index_from(at);  // assigns to entries that are there: nothing is allocated
  return true;
}

StringMap metadata_of(Call& c, const mt_strings* keys, const mt_strings* values) {
  const auto* key_list = keys ? c.object<StringsObject>("metadata_keys", keys) : nullptr;
  const auto* value_list = values ? c.object<StringsObject>("metadata_values", values) : nullptr;
  if (!key_list && !value_list) return {};
  if (!key_list || !value_list) {
    fail(Status::kNullArgument, c.fn(),
         ": null argument: only one of 'metadata_keys' and 'metadata_values' is NULL: give "
         "both lists or none");
  }
  const auto &k = key_list->items, &v = value_list->items;
  if (k.size() != v.size()) {
    fail(Status::kInvalidArgument, c.fn(), ": count mismatch: ", k.size(), " metadata keys, ",
         v.size(), " values: both lists must have one length");
  }
  StringMap out;
  for (size_t i = 0; i < k.size(); ++i) out.emplace_back(k[i], v[i]);
  return out;
}

NewHandle<NamedTensorsObject> make_named(const Call& c, NamedTensors list) {
  using Object = NamedTensorsObject;
  return {c.thread(), Ref<Object>::adopt(new Object(std::move(list)))};
}

NewHandle<StringsObject> make_strings(const Call& c, std::vector<std::string> items) {
  auto object = Ref<StringsObject>::adopt(new StringsObject);
  object->items = std::move(items);
  return {c.thread(), std::move(object)};
}

void check_index(const Call& c, size_t index, size_t count) {
  if (index < count) return;
  fail(Status::kIndex, c.fn(), ": index out of range: index ", index, " in a list of ", count,
       ": must be less than its count");
}

namespace {

[[noreturn]] void fail_key(const Call& c, const char* name, size_t count) {
  fail(Status::kKey, c.fn(), ": not found: no tensor is named '", name, "' among ", count,
       ": must be one of the list's names");
}

}  // namespace
}  // namespace mt::capi

extern "C" {

// --- named tensors -----------------------------------------------------------------------------

mt_status mt_named_tensors_create(mt_named_tensors** out) {
  return guard("mt_named_tensors_create", [&](Call& c) {
    c.pointer("out", out);
    *out = make_named(c, {}).release();
  });
}

mt_status mt_named_tensors_free(mt_named_tensors* self) {
  return free_handle<NamedTensorsObject>("mt_named_tensors_free", "self", self);
}

mt_status mt_named_tensors_count(size_t* out, const mt_named_tensors* self) {
  return guard("mt_named_tensors_count", [&](Call& c) {
    c.pointer("out", out);
    *out = c.object<NamedTensorsObject>("self", self)->items().size();
  });
}

mt_status mt_named_tensors_name(char** out, const mt_named_tensors* self, size_t index) {
  return guard("mt_named_tensors_name", [&](Call& c) {
    c.pointer("out", out);
    const auto& items = c.object<NamedTensorsObject>("self", self)->items();
    check_index(c, index, items.size());
    *out = new_string(items[index].first);
  });
}

mt_status mt_named_tensors_at(mt_tensor** out, const mt_named_tensors* self, size_t index) {
  return guard("mt_named_tensors_at", [&](Call& c) {
    c.pointer("out", out);
    const auto& items = c.object<NamedTensorsObject>("self", self)->items();
    check_index(c, index, items.size());
    c.put(out, items[index].second);
  });
}

mt_status mt_named_tensors_get(mt_tensor** out, const mt_named_tensors* self, const char* name) {
  return guard("mt_named_tensors_get", [&](Call& c) {
    c.pointer("out", out);
    const auto* list = c.object<NamedTensorsObject>("self", self);
    const mt::Tensor* t = list->find(c.pointer("name", name));
    if (!t) fail_key(c, name, list->items().size());
    c.put(out, *t);
  });
}

mt_status mt_named_tensors_has(bool* out, const mt_named_tensors* self, const char* name) {
  return guard("mt_named_tensors_has", [&](Call& c) {
    c.pointer("out", out);
    const auto* list = c.object<NamedTensorsObject>("self", self);
    *out = list->find(c.pointer("name", name)) != nullptr;
  });
}

mt_status mt_named_tensors_set(mt_named_tensors* self, const char* name, const mt_tensor* tensor) {
  return guard("mt_named_tensors_set", [&](Call& c) {
    auto* list = c.object<NamedTensorsObject>("self", self);
    const auto key = c.string("name", name);
    list->set(key, c.tensor("tensor", tensor));
  });
}

mt_status mt_named_tensors_remove(mt_named_tensors* self, const char* name) {
  return guard("mt_named_tensors_remove", [&](Call& c) {
    auto* list = c.object<NamedTensorsObject>("self", self);
    if (!list->remove(c.pointer("name", name))) fail_key(c, name, list->items().size());
  });
}

// --- strings -----------------------------------------------------------------------------------

mt_status mt_strings_create(mt_strings** out, const char* const* items, size_t n) {
  return guard("mt_strings_create", [&](Call& c) {
    c.pointer("out", out);
    if (n != 0) c.pointer("items", items);
    std::vector<std::string> list;
    for (size_t i = 0; i < n; ++i) list.emplace_back(c.pointer("items", items[i]));
    *out = make_strings(c, std::move(list)).release();
  });
}

mt_status mt_strings_free(mt_strings* self) {
  return free_handle<StringsObject>("mt_strings_free", "self", self);
}

mt_status mt_strings_count(size_t* out, const mt_strings* self) {
  return guard("mt_strings_count", [&](Call& c) {
    c.pointer("out", out);
    *out = c.object<StringsObject>("self", self)->items.size();
  });
}

mt_status mt_strings_get(char** out, const mt_strings* self, size_t index) {
  return guard("mt_strings_get", [&](Call& c) {
    c.pointer("out", out);
    const auto& items = c.object<StringsObject>("self", self)->items;
    check_index(c, index, items.size());
    *out = new_string(items[index]);
  });
}

}  // extern "C"
