// Values: what a checkpoint holds beside bare tensors, as a tree of numbers, strings, tensors and
// containers. Reading a PyTorch file gives one; writing takes one. Subtrees may be shared (an
// object that stands twice in a file is one value), cycles cannot be made.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/ref.h"
#include "core/tensor.h"

namespace mt {

class Value;
using ValueRef = Ref<Value>;

// The ABI's mt_value_kind values (capi/api.toml); append only.
enum class ValueKind : uint8_t {
  kNone = 0,
  kBool = 1,
  kInt = 2,
  kFloat = 3,
  kString = 4,
  kBytes = 5,
  kTensor = 6,
  kList = 7,
  kTuple = 8,
  kSet = 9,
  kDict = 10,
  kDType = 11,
  kDevice = 12,
  kComplex = 13,
  // Of the unpickler alone, never in a finished tree.
  kGlobal = 32,
  kStorage = 33,
  kNumpyDType = 34,
  kNumpyArray = 35,
};
inline constexpr int kNumValueKinds = 14;
std::string_view value_kind_name(ValueKind kind);

// The Python type of a value where its kind does not tell.
enum class ValueType : uint8_t {
  kPlain = 0,    // the kind's own type
  kOrderedDict,  // dict
  kDefaultDict,  // dict; what it makes for a missing key is not kept
  kCounter,      // dict
  kNamespace,    // dict: the attributes of an argparse.Namespace
  kSize,         // tuple of ints: torch.Size
  kParameter,    // tensor
  kNumpyArray,   // tensor
  kNumpyNumber,  // bool, int or float: a scalar of NumPy
  kFrozenSet,    // set
  kByteArray,    // bytes
};
std::string_view value_type_name(const Value& v);  // "dict", "collections.OrderedDict", ...

class Value : public RefCounted, public Pooled<Value> {
 public:
  static void destroy(Value* v) noexcept;  // does not recurse

  using Items = std::vector<ValueRef>;
  using Payload = std::variant<std::monostate, int64_t, double, std::string, Tensor, Items>;

  Value(ValueKind kind, Payload payload, ValueType type = ValueType::kPlain)
      : kind_(kind), type_(type), payload_(std::move(payload)) {}
  static ValueRef make(ValueKind kind, Payload payload = {}, ValueType type = ValueType::kPlain) {
    return ValueRef::adopt(new Value(kind, std::move(payload), type));
  }
  static ValueRef string(std::string_view text) {
    return make(ValueKind::kString, std::string(text));
  }
  static ValueRef tensor(const Tensor& t);  // a Parameter is marked as one
  static ValueRef container(ValueKind kind, ValueType type = ValueType::kPlain) {
    return make(kind, Items(), type);
  }

  ValueKind kind() const { return kind_; }
  ValueType type() const { return type_; }
  bool is(ValueKind kind) const { return kind_ == kind; }
  bool is_container() const { return kind_ >= ValueKind::kList && kind_ <= ValueKind::kDict; }

  // For values of the kind that has it. An int beyond 64 bits has its bytes instead: two's
  // complement, little-endian.
  int64_t integer() const { return std::get<int64_t>(payload_); }
  bool is_big() const { return kind_ == ValueKind::kInt && payload_.index() == 3; }
  double real() const { return std::get<double>(payload_); }
  const std::string& text() const { return std::get<std::string>(payload_); }
  const Tensor& tensor() const { return std::get<Tensor>(payload_); }
  // The items of a list, tuple or set; a dict's keys and values in turn; a complex number's parts.
  const Items& items() const { return std::get<Items>(payload_); }
  Items& items() { return std::get<Items>(payload_); }
  // Turns it into another value; whoever shares it sees the change.
  void become(ValueKind kind, Payload payload, ValueType type = ValueType::kPlain) {
    kind_ = kind;
    type_ = type;
    payload_ = std::move(payload);
  }
  // A container's number of entries.
  size_t count() const { return kind_ == ValueKind::kDict ? items().size() / 2 : items().size(); }

  // What was set on the object itself, as a dict; null for none. A state dict's "_metadata".
  const ValueRef& attributes() const { return attributes_; }
  void set_attributes(ValueRef dict) { attributes_ = std::move(dict); }

  // The entry of a dict under a string key; null when there is none.
  const Value* find(std::string_view key) const;

 private:
  ValueKind kind_;
  ValueType type_;
  ValueRef attributes_;
  Payload payload_;
};

// Whether a value can be a key: a number, a string, bytes, None, or a tuple of such.
bool is_hashable(const Value& v);
// A text that two values share when Python takes them for one key (1, 1.0 and True are one).
std::string key_text(const Value& v);

// Adds to a container made by the host; `op` names the caller. A cycle and an unhashable key are
// kInvalidArgument; a key that is there has its value replaced.
void value_append(std::string_view op, Value& to, ValueRef item);
void value_set(std::string_view op, Value& dict, ValueRef key, ValueRef item);
void value_set_attributes(std::string_view op, Value& dict, ValueRef attributes);

}  // namespace mt
