// Trees of values: see value.h. Trees may be deep and wide: nothing here recurses.
#include "io/value.h"

#include <charconv>
#include <cmath>
#include <new>
#include <unordered_set>

#include "core/error.h"

namespace mt {

std::string_view value_kind_name(ValueKind kind) {
  constexpr std::string_view kNames[] = {"None",  "bool",        "int",          "float",  "str",
                                         "bytes", "tensor",      "list",         "tuple",  "set",
                                         "dict",  "torch.dtype", "torch.device", "complex"};
  const auto i = static_cast<size_t>(kind);
  return i < std::size(kNames) ? kNames[i] : "object";
}

std::string_view value_type_name(const Value& v) {
  switch (v.type()) {
    case ValueType::kOrderedDict:
      return "collections.OrderedDict";
    case ValueType::kDefaultDict:
      return "collections.defaultdict";
    case ValueType::kCounter:
      return "collections.Counter";
    case ValueType::kNamespace:
      return "argparse.Namespace";
    case ValueType::kSize:
      return "torch.Size";
    case ValueType::kParameter:
      return "torch.nn.Parameter";
    case ValueType::kNumpyArray:
      return "numpy.ndarray";
    case ValueType::kNumpyNumber:
      return "numpy.number";
    case ValueType::kFrozenSet:
      return "frozenset";
    case ValueType::kByteArray:
      return "bytearray";
    case ValueType::kPlain:
      break;
  }
  return v.is(ValueKind::kTensor) ? "torch.Tensor" : value_kind_name(v.kind());
}

// Children that only this value holds are taken down from a list instead of one inside the other,
// so that a nesting of any depth ends without a deep stack. Without memory for the list it
// recurses.
void Value::destroy(Value* v) noexcept {
  Items waiting;
  const auto strip = [&](Value& from) {
    if (auto* items = std::get_if<Items>(&from.payload_)) {
      if (waiting.empty()) {
        waiting.swap(*items);
      } else {
        try {
          waiting.reserve(waiting.size() + items->size() + 1);
          for (ValueRef& item : *items) waiting.push_back(std::move(item));
          items->clear();
        } catch (const std::bad_alloc&) {
          return;
        }
      }
    }
  };
  strip(*v);
  delete v;
  while (!waiting.empty()) {
    const ValueRef item = std::move(waiting.back());
    waiting.pop_back();
    if (item && item->use_count() == 1) strip(*item);
  }
}

ValueRef Value::tensor(const Tensor& t) {
  return make(ValueKind::kTensor, t,
              t.impl()->is_parameter ? ValueType::kParameter : ValueType::kPlain);
}

const Value* Value::find(std::string_view key) const {
  if (kind_ != ValueKind::kDict) return nullptr;
  const Items& list = items();
  for (size_t i = 0; i + 1 < list.size(); i += 2) {
    if (list[i]->is(ValueKind::kString) && list[i]->text() == key) return list[i + 1].get();
  }
  return nullptr;
}

bool is_hashable(const Value& v) {
  // Tuples that share parts can be far larger when written out: such are no keys.
  constexpr size_t kMostVisits = 1000;
  std::vector<const Value*> waiting{&v};
  for (size_t visits = 0; !waiting.empty(); ++visits) {
    const Value& at = *waiting.back();
    waiting.pop_back();
    switch (at.kind()) {
      case ValueKind::kTuple:
        if (visits + waiting.size() + at.items().size() > kMostVisits) return false;
        for (const ValueRef& item : at.items()) waiting.push_back(item.get());
        break;
      case ValueKind::kBytes:
        if (at.type() == ValueType::kByteArray) return false;
        break;
      case ValueKind::kNone:
      case ValueKind::kBool:
      case ValueKind::kInt:
      case ValueKind::kFloat:
      case ValueKind::kString:
      case ValueKind::kDType:
      case ValueKind::kDevice:
        break;
      default:
        return false;
    }
  }
  return true;
}

std::string key_text(const Value& v) {
  switch (v.kind()) {
    case ValueKind::kBool:
      return v.integer() != 0 ? "n1" : "n0";
    case ValueKind::kInt:
      return v.is_big() ? "I" + v.text() : "n" + std::to_string(v.integer());
    case ValueKind::kFloat: {
      const double d = v.real();
      if (d == std::floor(d) && std::fabs(d) < 9.2e18) {
        return "n" + std::to_string(static_cast<int64_t>(d));
      }
      char buffer[40];
      return "f" + std::string(buffer, std::to_chars(buffer, buffer + 40, d).ptr);
    }
    case ValueKind::kString:
      return "s" + v.text();
    case ValueKind::kBytes:
      return "b" + v.text();
    case ValueKind::kDType:
      return "t" + std::to_string(v.integer());
    case ValueKind::kDevice:
      return "d" + v.text();
    case ValueKind::kTuple: {
      // is_hashable() bounds the depth; the lengths keep neighbours apart.
      std::string out = "(";
      for (const ValueRef& item : v.items()) {
        const std::string part = key_text(*item);
        out += std::to_string(part.size()) + ":" + part;
      }
      return out;
    }
    default:
      return "N";
  }
}

namespace {

bool same_key(const Value& a, const Value& b) {
  if (a.is(ValueKind::kString) || b.is(ValueKind::kString)) {
    return a.kind() == b.kind() && a.text() == b.text();
  }
  return key_text(a) == key_text(b);
}

// Whether `target` is `from` or stands somewhere below it.
bool reaches(const Value& from, const Value& target) {
  if (&from == &target) return true;
  if (!from.is_container() && !from.attributes()) return false;
  std::unordered_set<const Value*> seen;
  std::vector<const Value*> waiting{&from};
  while (!waiting.empty()) {
    const Value* at = waiting.back();
    waiting.pop_back();
    if (at == &target) return true;
    if (!at->is_container() || !seen.insert(at).second) continue;
    for (const ValueRef& item : at->items()) {
      if (item->is_container()) waiting.push_back(item.get());
    }
    if (at->attributes()) waiting.push_back(at->attributes().get());
  }
  return false;
}

void check_no_cycle(std::string_view op, const Value& to, const Value& item) {
  if (!reaches(item, to)) return;
  fail(Status::kInvalidArgument, op, ": cycle: the ", value_kind_name(item.kind()),
       " given holds the ", value_kind_name(to.kind()),
       " that it is to be put into: values cannot hold themselves");
}

}  // namespace

void value_append(std::string_view op, Value& to, ValueRef item) {
  if (!to.is_container() || to.is(ValueKind::kDict)) {
    fail(Status::kInvalidArgument, op, ": wrong kind: a ", value_kind_name(to.kind()),
         " given: must be a list, tuple or set");
  }
  if (to.is(ValueKind::kSet) && !is_hashable(*item)) {
    fail(Status::kInvalidArgument, op, ": bad item: a ", value_kind_name(item->kind()),
         " given: items of a set are numbers, strings, bytes, None or tuples of them");
  }
  check_no_cycle(op, to, *item);
  to.items().push_back(std::move(item));
}

void value_set(std::string_view op, Value& dict, ValueRef key, ValueRef item) {
  if (!dict.is(ValueKind::kDict)) {
    fail(Status::kInvalidArgument, op, ": wrong kind: a ", value_kind_name(dict.kind()),
         " given: must be a dict");
  }
  if (!is_hashable(*key)) {
    fail(Status::kInvalidArgument, op, ": bad key: a ", value_kind_name(key->kind()),
         " given: keys are numbers, strings, bytes, None or tuples of them");
  }
  check_no_cycle(op, dict, *item);
  Value::Items& items = dict.items();
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    if (same_key(*items[i], *key)) {
      items[i + 1] = std::move(item);
      return;
    }
  }
  items.reserve(items.size() + 2);
  items.push_back(std::move(key));
  items.push_back(std::move(item));
}

void value_set_attributes(std::string_view op, Value& dict, ValueRef attributes) {
  check_no_cycle(op, dict, *attributes);
  dict.set_attributes(std::move(attributes));
}

}  // namespace mt
