// The unpickler's machine, shared by its opcodes (pickle_read.cpp) and the objects that it can make
// (pickle_objects.cpp).
#pragma once

#include <span>
#include <unordered_map>

#include "core/error.h"
#include "io/file.h"
#include "io/pickle.h"

namespace mt::pickle {

// What a name of the table stands for.
enum class Callable : uint8_t {
  kOrderedDict,
  kDefaultDict,
  kCounter,
  kNamespace,
  kSet,
  kFrozenSet,
  kByteArray,
  kBytes,
  kComplex,
  kEncode,  // _codecs.encode: bytes in protocols before 3
  kSize,
  kDevice,
  kDType,    // a dtype itself: arg is its number
  kStorage,  // a storage class: arg is its dtype
  kRebuildTensor,
  kRebuildTensorV2,
  kRebuildTensorV3,
  kRebuildParameter,
  kRebuildFromType,
  kTensorClass,
  kNumpyReconstruct,
  kNumpyArray,
  kNumpyDType,
  kNumpyScalar,
  kType,  // a class that is only named: int, list, ...
};

struct Global {
  std::string_view module, name;
  Callable callable;
  int arg = 0;
};

class Machine {
 public:
  Machine(std::string_view op, ByteSource& source, uint64_t at, PickleHost* host)
      : op_(op), source_(source), at_(at), host_(host) {}
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  ValueRef run();
  uint64_t at() const { return at_; }

  // --- for the objects ------------------------------------------------------------------------
  [[noreturn]] void bad(std::string_view found, std::string_view rule) const;
  [[noreturn]] void unsupported(std::string_view found, std::string_view rule) const;
  ValueRef make(ValueKind kind, Value::Payload payload = {}, ValueType type = ValueType::kPlain);
  ValueRef container(ValueKind kind, ValueType type = ValueType::kPlain);
  const std::string& file() const { return source_.name(); }
  std::string_view op() const { return op_; }
  PickleHost* host() const { return host_; }

 private:
  void step(uint8_t opcode);
  bool constant(uint8_t opcode);
  bool structure(uint8_t opcode);
  bool object(uint8_t opcode);

  std::span<const uint8_t> take(uint64_t n);
  uint64_t number(int bytes);
  std::string text(uint64_t n);
  std::string line();
  void push(ValueRef v) { stack_.push_back(std::move(v)); }
  ValueRef pop();
  Value& top();
  size_t mark();  // takes the last mark away
  void check_above(size_t n) const;
  Value::Items cut(size_t from);
  void put(uint64_t index);
  void push_long(std::span<const uint8_t> bytes);
  void push_global(std::string_view module, std::string_view name);
  void push_tuple(size_t n);
  void append_all(size_t from, bool to_set);
  void set_all(size_t from);
  ValueRef finish(ValueRef root);
  void settle(Value& v);  // ends what is only of the machine

  std::string_view op_;
  ByteSource& source_;
  uint64_t at_;
  PickleHost* host_;
  std::string window_;  // bytes of the source from window_at_ on
  uint64_t window_at_ = 0;
  size_t made_ = 0;
  bool stopped_ = false;
  std::vector<ValueRef> stack_;
  std::vector<size_t> marks_;
  std::vector<ValueRef> memo_;
  std::vector<ValueRef> containers_;  // what could be part of a cycle
  ValueRef none_, true_, false_;
};

// The table's row for a name; a refusal that says what it is when there is none.
const Global& find_global(const Machine& m, std::string_view module, std::string_view name);
const Global& global_of(const Value& v);  // of a kGlobal value

// What REDUCE and NEWOBJ make of a name and its arguments.
ValueRef apply(Machine& m, const Global& g, const Value::Items& args);
// BUILD: gives an object its state.
void build(Machine& m, Value& object, ValueRef state);
ValueRef persistent(Machine& m, const Value& id);

}  // namespace mt::pickle
