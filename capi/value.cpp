// C functions of io.h: values, the trees that checkpoints hold.
#include "io/value.h"

#include <algorithm>

#include "capi/lists.h"
#include "io/pickle.h"

using namespace mt::capi;  // NOLINT

namespace {

using mt::Status;
using mt::Value;
using mt::ValueKind;
using mt::ValueRef;

void put(const Call& c, mt_value** out, ValueRef v) {
  *out = NewHandle<Value>(c.thread(), std::move(v)).release();
}

// The body of a function that makes a value.
template <class Make>
mt_status make(const char* fn, mt_value** out, Make&& value) {
  return guard(fn, [&](Call& c) {
    c.pointer("out", out);
    put(c, out, value(c));
  });
}

[[noreturn]] void fail_kind(const Call& c, const Value& v, std::string_view wanted) {
  mt::fail(Status::kInvalidArgument, c.fn(), ": wrong kind: 'self' is a ",
           mt::value_kind_name(v.kind()), ": must be a ", wanted);
}

const Value& check_kind(const Call& c, const Value& v, ValueKind kind) {
  if (!v.is(kind)) fail_kind(c, v, mt::value_kind_name(kind));
  return v;
}

// Two's complement bytes without those that only repeat the sign.
ValueRef int_of(std::span<const uint8_t> b) {
  size_t n = b.size();
  const uint8_t sign = n != 0 && (b[n - 1] & 0x80) != 0 ? 0xFF : 0;
  while (n > 1 && b[n - 1] == sign && ((b[n - 2] ^ sign) & 0x80) == 0) --n;
  if (n > 8) return Value::make(ValueKind::kInt, std::string(b.begin(), b.begin() + n));
  uint64_t v = sign != 0 ? ~uint64_t{0} : 0;
  for (size_t i = 0; i < n; ++i) {
    v = (v & ~(uint64_t{0xFF} << (8 * i))) | (static_cast<uint64_t>(b[i]) << (8 * i));
  }
  return Value::make(ValueKind::kInt, static_cast<int64_t>(v));
}

ValueRef text_of(const Call& c, const char* arg, const char* text, size_t size) {
  if (size != 0) c.pointer(arg, text);
  const std::string_view s(size != 0 ? text : "", size);
  if (!mt::is_utf8(s)) {
    mt::fail(Status::kInvalidArgument, c.fn(), ": bad text: '", arg, "' of ", size,
             " bytes: must be UTF-8; mt_value_bytes takes anything");
  }
  return Value::string(s);
}

}  // namespace

extern "C" {

mt_status mt_value_free(mt_value* self) {
  return free_handle<Value>("mt_value_free", "self", self);
}

// --- new values --------------------------------------------------------------------------------

mt_status mt_value_none(mt_value** out) {
  return make("mt_value_none", out, [](Call&) { return Value::make(ValueKind::kNone); });
}

mt_status mt_value_bool(mt_value** out, bool value) {
  return make("mt_value_bool", out,
              [&](Call&) { return Value::make(ValueKind::kBool, int64_t{value}); });
}

mt_status mt_value_int(mt_value** out, int64_t value) {
  return make("mt_value_int", out, [&](Call&) { return Value::make(ValueKind::kInt, value); });
}

mt_status mt_value_float(mt_value** out, double value) {
  return make("mt_value_float", out, [&](Call&) { return Value::make(ValueKind::kFloat, value); });
}

mt_status mt_value_complex(mt_value** out, double real, double imag) {
  return make("mt_value_complex", out, [&](Call&) {
    return Value::make(ValueKind::kComplex, Value::Items{Value::make(ValueKind::kFloat, real),
                                                         Value::make(ValueKind::kFloat, imag)});
  });
}

mt_status mt_value_string(mt_value** out, const char* text, size_t size) {
  return make("mt_value_string", out, [&](Call& c) { return text_of(c, "text", text, size); });
}

mt_status mt_value_bytes(mt_value** out, const void* data, size_t size) {
  return make("mt_value_bytes", out, [&](Call& c) {
    if (size != 0) c.pointer("data", data);
    return Value::make(ValueKind::kBytes,
                       std::string(size != 0 ? static_cast<const char*>(data) : "", size));
  });
}

mt_status mt_value_tensor(mt_value** out, const mt_tensor* tensor) {
  return make("mt_value_tensor", out,
              [&](Call& c) { return Value::tensor(c.tensor("tensor", tensor)); });
}

mt_status mt_value_dtype(mt_value** out, mt_dtype dtype) {
  return make("mt_value_dtype", out, [&](Call& c) {
    return Value::make(ValueKind::kDType, static_cast<int64_t>(c.dtype("dtype", dtype)));
  });
}

mt_status mt_value_device(mt_value** out, const char* name) {
  return make("mt_value_device", out, [&](Call& c) {
    const std::string_view text = c.string("name", name);
    // A word, and perhaps a colon and a number.
    const size_t colon = text.find(':');
    const std::string_view kind = text.substr(0, colon);
    const auto all = [](std::string_view s, char low, char high) {
      return !s.empty() && s.size() < 10 &&
             std::all_of(s.begin(), s.end(), [&](char ch) { return ch >= low && ch <= high; });
    };
    if (!all(kind, 'a', 'z') || (colon != text.npos && !all(text.substr(colon + 1), '0', '9'))) {
      mt::fail(Status::kInvalidArgument, c.fn(), ": bad device: '", text,
               "': must be a name as \"cpu\" or \"cuda:0\"");
    }
    return Value::make(ValueKind::kDevice, std::string(text));
  });
}

mt_status mt_value_big_int(mt_value** out, const void* data, size_t size) {
  return make("mt_value_big_int", out, [&](Call& c) {
    return int_of({static_cast<const uint8_t*>(c.pointer("data", data)), size});
  });
}

mt_status mt_value_list(mt_value** out) {
  return make("mt_value_list", out, [](Call&) { return Value::container(ValueKind::kList); });
}

mt_status mt_value_tuple(mt_value** out) {
  return make("mt_value_tuple", out, [](Call&) { return Value::container(ValueKind::kTuple); });
}

mt_status mt_value_size(mt_value** out, const int64_t* sizes, size_t n) {
  return make("mt_value_size", out, [&](Call& c) {
    ValueRef v = Value::container(ValueKind::kTuple, mt::ValueType::kSize);
    for (int64_t s : c.ints("sizes", sizes, n)) {
      v->items().push_back(Value::make(ValueKind::kInt, s));
    }
    return v;
  });
}

mt_status mt_value_set_of(mt_value** out) {
  return make("mt_value_set_of", out, [](Call&) { return Value::container(ValueKind::kSet); });
}

mt_status mt_value_dict(mt_value** out, bool ordered) {
  return make("mt_value_dict", out, [&](Call&) {
    return Value::container(ValueKind::kDict,
                            ordered ? mt::ValueType::kOrderedDict : mt::ValueType::kPlain);
  });
}

mt_status mt_value_from_tensors(mt_value** out, const mt_named_tensors* tensors) {
  return make("mt_value_from_tensors", out, [&](Call& c) {
    const auto* list = c.object<NamedTensorsObject>("tensors", tensors);
    ValueRef v = Value::container(ValueKind::kDict, mt::ValueType::kOrderedDict);
    for (const auto& [name, t] : list->items()) {
      v->items().push_back(text_of(c, "tensors", name.data(), name.size()));
      v->items().push_back(Value::tensor(t));
    }
    return v;
  });
}

// --- containers --------------------------------------------------------------------------------

mt_status mt_value_append(mt_value* self, const mt_value* item) {
  return guard("mt_value_append", [&](Call& c) {
    Value* to = c.object<Value>("self", self);
    mt::value_append(c.fn(), *to, ValueRef::share(c.object<Value>("item", item)));
  });
}

mt_status mt_value_set(mt_value* self, const char* key, const mt_value* item) {
  return guard("mt_value_set", [&](Call& c) {
    Value* to = c.object<Value>("self", self);
    ValueRef value = ValueRef::share(c.object<Value>("item", item));
    const std::string_view text = c.string("key", key);
    mt::value_set(c.fn(), *to, text_of(c, "key", text.data(), text.size()), std::move(value));
  });
}

mt_status mt_value_set_item(mt_value* self, const mt_value* key, const mt_value* item) {
  return guard("mt_value_set_item", [&](Call& c) {
    Value* to = c.object<Value>("self", self);
    Value* k = c.object<Value>("key", key);
    mt::value_set(c.fn(), *to, ValueRef::share(k), ValueRef::share(c.object<Value>("item", item)));
  });
}

mt_status mt_value_set_attributes(mt_value* self, const mt_value* attributes) {
  return guard("mt_value_set_attributes", [&](Call& c) {
    Value* to = c.object<Value>("self", self);
    Value* dict = c.object<Value>("attributes", attributes);
    check_kind(c, *to, ValueKind::kDict);
    check_kind(c, *dict, ValueKind::kDict);
    mt::value_set_attributes(c.fn(), *to, ValueRef::share(dict));
  });
}

mt_status mt_value_count(size_t* out, const mt_value* self) {
  return guard("mt_value_count", [&](Call& c) {
    c.pointer("out", out);
    const Value* v = c.object<Value>("self", self);
    if (!v->is_container()) fail_kind(c, *v, "list, tuple, set or dict");
    *out = v->count();
  });
}

mt_status mt_value_at(mt_value** out, const mt_value* self, size_t index) {
  return make("mt_value_at", out, [&](Call& c) {
    const Value* v = c.object<Value>("self", self);
    if (!v->is_container()) fail_kind(c, *v, "list, tuple, set or dict");
    check_index(c, index, v->count());
    return v->items()[v->is(ValueKind::kDict) ? 2 * index + 1 : index];
  });
}

mt_status mt_value_key_at(mt_value** out, const mt_value* self, size_t index) {
  return make("mt_value_key_at", out, [&](Call& c) {
    const Value& v = check_kind(c, *c.object<Value>("self", self), ValueKind::kDict);
    check_index(c, index, v.count());
    return v.items()[2 * index];
  });
}

mt_status mt_value_get(mt_value** out, const mt_value* self, const char* key) {
  return make("mt_value_get", out, [&](Call& c) {
    const Value& v = check_kind(c, *c.object<Value>("self", self), ValueKind::kDict);
    const std::string_view name = c.string("key", key);
    const Value* item = v.find(name);
    if (!item) {
      mt::fail(Status::kKey, c.fn(), ": not found: no entry is named '", name, "' among ",
               v.count(), ": must be one of the dict's keys");
    }
    return ValueRef::share(const_cast<Value*>(item));
  });
}

mt_status mt_value_attributes(mt_value** out, const mt_value* self) {
  return make("mt_value_attributes", out,
              [&](Call& c) { return c.object<Value>("self", self)->attributes(); });
}

// --- content -----------------------------------------------------------------------------------

mt_status mt_value_kind_of(mt_value_kind* out, const mt_value* self) {
  return guard("mt_value_kind_of", [&](Call& c) {
    c.pointer("out", out);
    *out = static_cast<mt_value_kind>(c.object<Value>("self", self)->kind());
  });
}

mt_status mt_value_type_name(char** out, const mt_value* self) {
  return guard("mt_value_type_name", [&](Call& c) {
    c.pointer("out", out);
    *out = new_string(mt::value_type_name(*c.object<Value>("self", self)));
  });
}

mt_status mt_value_id(uint64_t* out, const mt_value* self) {
  return guard("mt_value_id", [&](Call& c) {
    c.pointer("out", out);
    *out = reinterpret_cast<uintptr_t>(c.object<Value>("self", self));
  });
}

mt_status mt_value_as_bool(bool* out, const mt_value* self) {
  return guard("mt_value_as_bool", [&](Call& c) {
    c.pointer("out", out);
    *out = check_kind(c, *c.object<Value>("self", self), ValueKind::kBool).integer() != 0;
  });
}

mt_status mt_value_as_int(int64_t* out, const mt_value* self) {
  return guard("mt_value_as_int", [&](Call& c) {
    c.pointer("out", out);
    const Value& v = check_kind(c, *c.object<Value>("self", self), ValueKind::kInt);
    if (v.is_big()) {
      mt::fail(Status::kInvalidArgument, c.fn(), ": too large: the int takes ", v.text().size(),
               " bytes: must fit in 64 bits; mt_value_as_bytes gives it");
    }
    *out = v.integer();
  });
}

mt_status mt_value_as_float(double* out, const mt_value* self) {
  return guard("mt_value_as_float", [&](Call& c) {
    c.pointer("out", out);
    const Value& v = *c.object<Value>("self", self);
    if ((v.is(ValueKind::kInt) && !v.is_big()) || v.is(ValueKind::kBool)) {
      *out = static_cast<double>(v.integer());
    } else {
      *out = check_kind(c, v, ValueKind::kFloat).real();
    }
  });
}

mt_status mt_value_as_complex(double* real, double* imag, const mt_value* self) {
  return guard("mt_value_as_complex", [&](Call& c) {
    c.pointer("real", real);
    c.pointer("imag", imag);
    const Value& v = check_kind(c, *c.object<Value>("self", self), ValueKind::kComplex);
    *real = v.items()[0]->real();
    *imag = v.items()[1]->real();
  });
}

mt_status mt_value_as_tensor(mt_tensor** out, const mt_value* self) {
  return guard("mt_value_as_tensor", [&](Call& c) {
    c.pointer("out", out);
    c.put(out, check_kind(c, *c.object<Value>("self", self), ValueKind::kTensor).tensor());
  });
}

mt_status mt_value_as_dtype(mt_dtype* out, const mt_value* self) {
  return guard("mt_value_as_dtype", [&](Call& c) {
    c.pointer("out", out);
    const Value& v = check_kind(c, *c.object<Value>("self", self), ValueKind::kDType);
    *out = static_cast<mt_dtype>(v.integer());
  });
}

mt_status mt_value_as_string(char** out, const mt_value* self) {
  return guard("mt_value_as_string", [&](Call& c) {
    c.pointer("out", out);
    const Value& v = *c.object<Value>("self", self);
    if (!v.is(ValueKind::kDevice)) check_kind(c, v, ValueKind::kString);
    if (v.text().find('\0') != std::string::npos) {
      mt::fail(Status::kInvalidArgument, c.fn(),
               ": NUL inside: the string has a NUL character: use mt_value_as_bytes");
    }
    *out = new_string(v.text());
  });
}

mt_status mt_value_as_bytes(void* data, size_t* size, const mt_value* self) {
  return guard("mt_value_as_bytes", [&](Call& c) {
    c.pointer("size", size);
    const Value& v = *c.object<Value>("self", self);
    char small[8];
    std::string_view bytes;
    if (v.is(ValueKind::kInt) && !v.is_big()) {
      const int64_t n = v.integer();
      std::memcpy(small, &n, 8);
      bytes = {small, 8};
    } else if (v.is(ValueKind::kInt) || v.is(ValueKind::kString)) {
      bytes = v.text();
    } else {
      bytes = check_kind(c, v, ValueKind::kBytes).text();
    }
    if (data && *size < bytes.size()) {
      mt::fail(Status::kInvalidArgument, c.fn(), ": no room: 'size' is ", *size,
               ": must be at least ", bytes.size());
    }
    if (data) std::memcpy(data, bytes.data(), bytes.size());
    *size = bytes.size();
  });
}

}  // extern "C"
