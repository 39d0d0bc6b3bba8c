// The opcodes of the unpickler: see pickle.h. The meaning of each is that of Python's pickletools.
#include <algorithm>
#include <cstring>

#include "io/pickle_machine.h"

namespace mt {
namespace pickle {

namespace {

constexpr uint64_t kWindow = 1 << 16;

constexpr const char* kHint =
    "only tensors, numbers, strings and containers of them are loaded; in Python, save "
    "model.state_dict() instead of the object";

}  // namespace

void Machine::bad(std::string_view found, std::string_view rule) const {
  fail(Status::kFormat, op_, ": damaged: '", source_.name(), "': byte ", at_,
       " of its pickle: ", found, ": ", rule);
}

void Machine::unsupported(std::string_view found, std::string_view rule) const {
  fail(Status::kFormat, op_, ": unsupported content: '", source_.name(), "' holds ", found, ": ",
       rule.empty() ? std::string_view(kHint) : rule);
}

// Values in a cycle would keep each other: whatever is not part of the result is emptied.
Machine::~Machine() {
  for (const ValueRef& c : containers_) {
    if (c->is_container()) c->items().clear();
    c->set_attributes({});
  }
}

ValueRef Machine::make(ValueKind kind, Value::Payload payload, ValueType type) {
  if (++made_ > kMaxPickleValues) {
    bad(cat("more than ", kMaxPickleValues, " objects"), "that is the limit for one file");
  }
  return Value::make(kind, std::move(payload), type);
}

ValueRef Machine::container(ValueKind kind, ValueType type) {
  ValueRef v = make(kind, Value::Items(), type);
  containers_.push_back(v);
  return v;
}

// Valid until the next call: the source is read through a window.
std::span<const uint8_t> Machine::take(uint64_t n) {
  const uint64_t left = source_.size() - at_;
  if (n > left) bad(cat(n, " bytes are needed"), cat("only ", left, " are left"));
  if (at_ < window_at_ || at_ - window_at_ > window_.size() ||
      n > window_.size() - (at_ - window_at_)) {
    const uint64_t size = std::min(left, std::max<uint64_t>(n, kWindow));
    window_.resize(size);
    source_.read(at_, window_.data(), size);
    window_at_ = at_;
  }
  const auto* from = reinterpret_cast<const uint8_t*>(window_.data()) + (at_ - window_at_);
  at_ += n;
  return {from, n};
}

uint64_t Machine::number(int n) {
  const auto b = take(static_cast<uint64_t>(n));
  uint64_t v = 0;
  for (int i = 0; i < n; ++i) v |= static_cast<uint64_t>(b[static_cast<size_t>(i)]) << (8 * i);
  return v;
}

std::string Machine::text(uint64_t n) {
  const auto b = take(n);
  return {reinterpret_cast<const char*>(b.data()), b.size()};
}

std::string Machine::line() {
  std::string out;
  for (char c = text(1)[0]; c != '\n'; c = text(1)[0]) {
    if (out.size() == 1000) bad("a line of more than 1000 bytes", "names are shorter");
    out += c;
  }
  return out;
}

// Nothing below the last mark may be taken by an opcode.
void Machine::check_above(size_t n) const {
  const size_t floor = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() - floor < n) bad("its stack is empty", cat("this opcode needs ", n, " values"));
}

ValueRef Machine::pop() {
  check_above(1);
  ValueRef v = std::move(stack_.back());
  stack_.pop_back();
  return v;
}

Value& Machine::top() {
  check_above(1);
  return *stack_.back();
}

size_t Machine::mark() {
  if (marks_.empty()) bad("no mark is on its stack", "this opcode needs one");
  const size_t at = marks_.back();
  marks_.pop_back();
  return at;
}

Value::Items Machine::cut(size_t from) {
  const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(from);
  Value::Items items(std::make_move_iterator(first), std::make_move_iterator(stack_.end()));
  stack_.resize(from);
  return items;
}

void Machine::put(uint64_t index) {
  // Python numbers its entries one after the other, each with bytes of its own.
  if (index > std::min<uint64_t>(source_.size(), kMaxPickleValues)) {
    bad(cat("memo entry ", index), "must be less than the stream's size");
  }
  check_above(1);
  if (index >= memo_.size()) memo_.resize(index + 1);
  memo_[index] = stack_.back();
}

void Machine::push_long(std::span<const uint8_t> b) {
  size_t n = b.size();
  const uint8_t sign = n != 0 && (b[n - 1] & 0x80) != 0 ? 0xFF : 0;
  while (n > 8 && b[n - 1] == sign && ((b[n - 2] ^ sign) & 0x80) == 0) --n;
  if (n > 8) {
    push(make(ValueKind::kInt, std::string(reinterpret_cast<const char*>(b.data()), n)));
    return;
  }
  uint64_t v = sign ? ~uint64_t{0} : 0;
  for (size_t i = 0; i < n; ++i) {
    v = (v & ~(uint64_t{0xFF} << (8 * i))) | (static_cast<uint64_t>(b[i]) << (8 * i));
  }
  push(make(ValueKind::kInt, static_cast<int64_t>(v)));
}

void Machine::push_global(std::string_view module, std::string_view name) {
  const Global& g = find_global(*this, module, name);
  if (g.callable == Callable::kDType) {
    push(make(ValueKind::kDType, int64_t{g.arg}));
  } else {
    push(make(ValueKind::kGlobal, static_cast<int64_t>(reinterpret_cast<intptr_t>(&g))));
  }
}

void Machine::push_tuple(size_t n) {
  check_above(n);
  Value::Items items = cut(stack_.size() - n);
  push(make(ValueKind::kTuple, std::move(items)));
}

void Machine::append_all(size_t from, bool to_set) {
  Value::Items items = cut(from);
  Value& to = top();
  if (!to.is(to_set ? ValueKind::kSet : ValueKind::kList)) {
    bad(cat("items for a ", value_kind_name(to.kind())), "must be for a list or set");
  }
  for (ValueRef& item : items) to.items().push_back(std::move(item));
}

void Machine::set_all(size_t from) {
  Value::Items items = cut(from);
  Value& to = top();
  if (!to.is(ValueKind::kDict) || to.type() == ValueType::kNamespace || items.size() % 2 != 0) {
    bad(cat(items.size(), " keys and values for a ", value_kind_name(to.kind())),
        "must be pairs for a dict");
  }
  for (ValueRef& item : items) to.items().push_back(std::move(item));
}

bool Machine::constant(uint8_t opcode) {
  switch (opcode) {
    case 'N':
      push(none_);
      return true;
    case 0x88:
      push(true_);
      return true;
    case 0x89:
      push(false_);
      return true;
    case 'J':
      push(make(ValueKind::kInt, int64_t{static_cast<int32_t>(number(4))}));
      return true;
    case 'K':
      push(make(ValueKind::kInt, static_cast<int64_t>(number(1))));
      return true;
    case 'M':
      push(make(ValueKind::kInt, static_cast<int64_t>(number(2))));
      return true;
    case 0x8A:
      push_long(take(number(1)));
      return true;
    case 0x8B:
      push_long(take(number(4)));
      return true;
    case 'G': {
      uint64_t bits = 0;
      for (uint8_t b : take(8)) bits = (bits << 8) | b;
      double v = 0;
      std::memcpy(&v, &bits, 8);
      push(make(ValueKind::kFloat, v));
      return true;
    }
    case 'X':
    case 0x8C:
    case 0x8D: {
      std::string s = text(number(opcode == 'X' ? 4 : opcode == 0x8C ? 1 : 8));
      if (!is_utf8(s)) bad("a string that is not UTF-8", "strings must be");
      push(make(ValueKind::kString, std::move(s)));
      return true;
    }
    case 'T':
    case 'U': {  // Python 2's str: text or bytes
      std::string s = text(number(opcode == 'T' ? 4 : 1));
      const bool is_text = is_utf8(s);
      push(make(is_text ? ValueKind::kString : ValueKind::kBytes, std::move(s)));
      return true;
    }
    case 'B':
    case 'C':
    case 0x8E:
      push(make(ValueKind::kBytes, text(number(opcode == 'B' ? 4 : opcode == 'C' ? 1 : 8))));
      return true;
    case 0x96:
      push(make(ValueKind::kBytes, text(number(8)), ValueType::kByteArray));
      return true;
    default:
      return false;
  }
}

bool Machine::structure(uint8_t opcode) {
  switch (opcode) {
    case '(':
      marks_.push_back(stack_.size());
      return true;
    case '0':
      pop();
      return true;
    case '1':
      stack_.resize(mark());
      return true;
    case '2':
      top();
      push(stack_.back());
      return true;
    case ']':
      push(container(ValueKind::kList));
      return true;
    case '}':
      push(container(ValueKind::kDict));
      return true;
    case 0x8F:
      push(container(ValueKind::kSet));
      return true;
    case ')':
      push(make(ValueKind::kTuple, Value::Items()));
      return true;
    case 't':
      push_tuple(stack_.size() - mark());
      return true;
    case 0x85:
    case 0x86:
    case 0x87:
      push_tuple(opcode - 0x84u);
      return true;
    case 'l':
    case 'd': {
      Value::Items items = cut(mark());
      if (opcode == 'd' && items.size() % 2 != 0) bad("a key without a value", "must be pairs");
      ValueRef v = container(opcode == 'l' ? ValueKind::kList : ValueKind::kDict);
      v->items() = std::move(items);
      push(std::move(v));
      return true;
    }
    case 'a':
      check_above(2);
      append_all(stack_.size() - 1, false);
      return true;
    case 'e':
      append_all(mark(), false);
      return true;
    case 0x90:
      append_all(mark(), true);
      return true;
    case 0x91: {
      ValueRef v = make(ValueKind::kSet, cut(mark()), ValueType::kFrozenSet);
      push(std::move(v));
      return true;
    }
    case 's':
      check_above(3);
      set_all(stack_.size() - 2);
      return true;
    case 'u':
      set_all(mark());
      return true;
    default:
      return false;
  }
}

bool Machine::object(uint8_t opcode) {
  switch (opcode) {
    case 'q':
      put(number(1));
      return true;
    case 'r':
      put(number(4));
      return true;
    case 0x94:
      put(memo_.size());
      return true;
    case 'h':
    case 'j': {
      const uint64_t i = number(opcode == 'h' ? 1 : 4);
      if (i >= memo_.size() || !memo_[i]) bad(cat("memo entry ", i), "was never set");
      push(memo_[i]);
      return true;
    }
    case 'c': {
      const std::string module = line(), name = line();
      push_global(module, name);
      return true;
    }
    case 0x93: {
      const ValueRef name = pop(), module = pop();
      if (!name->is(ValueKind::kString) || !module->is(ValueKind::kString)) {
        bad("a name that is no text", "must be two strings");
      }
      push_global(module->text(), name->text());
      return true;
    }
    case 'R':
    case 0x81: {
      const ValueRef args = pop(), callable = pop();
      if (!callable->is(ValueKind::kGlobal) || !args->is(ValueKind::kTuple)) {
        bad(cat("a call of a ", value_kind_name(callable->kind())),
            "must be a known name with a tuple");
      }
      push(apply(*this, global_of(*callable), args->items()));
      return true;
    }
    case 'b': {
      ValueRef state = pop();
      build(*this, top(), std::move(state));
      return true;
    }
    case 'Q': {
      const ValueRef id = pop();
      push(persistent(*this, *id));
      return true;
    }
    default:
      return false;
  }
}

void Machine::step(uint8_t opcode) {
  if (constant(opcode) || structure(opcode) || object(opcode)) return;
  switch (opcode) {
    case 0x80:
      if (const uint64_t v = number(1); v > 5) {
        bad(cat("protocol ", v), "protocols up to 5 exist");
      }
      return;
    case 0x95:  // a frame: its length says nothing that the opcodes do not
      if (number(8) > source_.size() - at_) bad("a frame beyond the end", "must fit the file");
      return;
    case '.':
      stopped_ = true;
      return;
    default:
      bad(cat("opcode ", static_cast<int>(opcode)),
          "is none of protocols 2 to 5 for plain data; the file may be damaged");
  }
}

ValueRef Machine::run() {
  none_ = make(ValueKind::kNone);
  true_ = make(ValueKind::kBool, int64_t{1});
  false_ = make(ValueKind::kBool, int64_t{0});
  while (!stopped_) {
    if (at_ >= source_.size()) bad("it ends", "a pickle ends with its stop opcode");
    step(static_cast<uint8_t>(number(1)));
    if (stack_.size() > kMaxPickleValues || marks_.size() > kMaxPickleValues) {
      bad(cat("more than ", kMaxPickleValues, " values on its stack"), "that is the limit");
    }
  }
  if (!marks_.empty() || stack_.size() != 1) {
    bad(cat(stack_.size(), " values are left at its end"), "must be one");
  }
  return finish(pop());
}

}  // namespace pickle

ValueRef read_pickle(std::string_view op, ByteSource& source, uint64_t& at, PickleHost* host) {
  pickle::Machine machine(op, source, at, host);
  ValueRef v = machine.run();
  at = machine.at();
  return v;
}

}  // namespace mt
