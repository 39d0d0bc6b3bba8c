// Values as a pickle of protocol 2, in the forms that torch.save uses and that torch.load takes,
// also with weights_only: see pickle.h.
#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "core/error.h"
#include "io/pickle.h"

namespace mt {
namespace {

class Writer {
 public:
  Writer(std::string_view op, std::vector<PickledStorage>& storages)
      : op_(op), storages_(storages) {}

  std::string run(const Value& v) {
    out_ = "\x80\x02";
    write(v, 0);
    out_ += '.';
    return std::move(out_);
  }

 private:
  void bytes(uint64_t v, int n) {
    for (int i = 0; i < n; ++i) out_ += static_cast<char>(v >> (8 * i));
  }
  // Remembers the value on top of the stack; get() brings it back.
  size_t put() {
    const size_t i = memo_++;
    out_ += i < 256 ? 'q' : 'r';
    bytes(i, i < 256 ? 1 : 4);
    return i;
  }
  void get(size_t i) {
    out_ += i < 256 ? 'h' : 'j';
    bytes(i, i < 256 ? 1 : 4);
  }
  template <class Map, class Key>
  bool known(const Map& map, const Key& key) {
    const auto it = map.find(key);
    if (it == map.end()) return false;
    get(it->second);
    return true;
  }

  void global(const std::string& module, const std::string& name) {
    const std::string text = "c" + module + "\n" + name + "\n";
    if (known(globals_, text)) return;
    out_ += text;
    globals_[text] = put();
  }
  void string(const std::string& s) {
    if (known(strings_, s)) return;
    if (!is_utf8(s)) {
      fail(Status::kInvalidArgument, op_, ": bad text: a string of ", s.size(),
           " bytes: must be UTF-8; use bytes for anything else");
    }
    if (s.size() > 0xFFFFFFFF) {
      fail(Status::kInvalidArgument, op_, ": too long: a string of ", s.size(),
           " bytes: at most 2^32 - 1 fit the format");
    }
    out_ += 'X';
    bytes(s.size(), 4);
    out_ += s;
    strings_[s] = put();
  }
  void integer(int64_t v) {
    if (v >= 0 && v < 256) {
      out_ += 'K';
      bytes(static_cast<uint64_t>(v), 1);
    } else if (v >= 0 && v < 65536) {
      out_ += 'M';
      bytes(static_cast<uint64_t>(v), 2);
    } else if (v >= INT32_MIN && v <= INT32_MAX) {
      out_ += 'J';
      bytes(static_cast<uint64_t>(v), 4);
    } else {
      // The shortest two's complement form.
      int n = 8;
      while (n > 1 && (v >> (8 * (n - 1) - 1) == 0 || v >> (8 * (n - 1) - 1) == -1)) --n;
      out_ += "\x8A";
      bytes(static_cast<uint64_t>(n), 1);
      bytes(static_cast<uint64_t>(v), n);
    }
  }
  void big(const std::string& digits) {
    if (digits.size() < 256) {
      out_ += "\x8A";
      bytes(digits.size(), 1);
    } else {
      out_ += "\x8B";
      bytes(digits.size(), 4);
    }
    out_ += digits;
  }
  void real(double v) {
    uint64_t bits = 0;
    std::memcpy(&bits, &v, 8);
    out_ += 'G';
    for (int i = 7; i >= 0; --i) out_ += static_cast<char>(bits >> (8 * i));
  }
  // Closes a tuple of n items that the stack holds above a mark if n > 3.
  void tuple(const Dims& values) {
    if (values.empty()) {
      out_ += ')';
      return;
    }
    if (values.size() > 3) out_ += '(';
    for (int64_t v : values) integer(v);
    out_ += values.size() > 3 ? 't' : static_cast<char>(0x84 + values.size());
  }
  // Bytes as the text of the same character numbers, which protocol 2 has instead.
  void raw(const std::string& s) {
    if (s.empty()) {
      global("__builtin__", "bytes");
      out_ += ")R";
      return;
    }
    std::string text;
    for (char c : s) {
      const auto b = static_cast<unsigned char>(c);
      if (b >= 0x80) text += static_cast<char>(0xC0 | (b >> 6));
      text += b >= 0x80 ? static_cast<char>(0x80 | (b & 0x3F)) : c;
    }
    global("_codecs", "encode");
    string(text);
    string("latin1");
    out_ += "\x86R";
  }
  void items(const Value& v, int depth) {
    if (v.items().empty()) return;
    out_ += '(';
    for (const ValueRef& item : v.items()) write(*item, depth + 1);
    out_ += v.is(ValueKind::kDict) ? 'u' : 'e';
  }

  void storage(const Tensor& t) {
    const void* key = t.storage().get();
    auto& index = storage_index_[key][t.dtype()];
    if (index == 0) {
      storages_.push_back({t.storage(), t.dtype()});
      index = storages_.size();
    }
    out_ += '(';
    string("storage");
    global("torch", std::string(storage_class(t.dtype())));
    string(std::to_string(index - 1));
    string("cpu");
    integer(static_cast<int64_t>(t.storage()->bytes() / dtype_size(t.dtype())));
    out_ += "tQ";
  }
  void hooks() {
    global("collections", "OrderedDict");
    out_ += ")R";
  }
  // PyTorch before 2.3 must load what is written here.
  void check_dtype(DType dtype, std::string_view what) const {
    if (!is_barebones(dtype)) return;
    fail(Status::kDType, op_, ": dtype not supported: ", what, " ", dtype_name(dtype),
         ", which PyTorch before 2.3 cannot load: must be one of its dtypes; convert with "
         ".to(int64) "
         "or mt_tensor_to_dtype, or save as safetensors or npz");
  }
  void tensor(const Tensor& t) {
    if (t.is_meta()) {
      fail(Status::kDevice, op_, ": no data: a tensor of shape ", shape_string(t.sizes()),
           " is on meta: only tensors with values can be saved");
    }
    check_dtype(t.dtype(), "a tensor of");
    const bool parameter = t.impl()->is_parameter;
    if (parameter) {
      global("torch._utils", "_rebuild_parameter");
      out_ += '(';
    }
    global("torch._utils", "_rebuild_tensor_v2");
    out_ += '(';
    storage(t);
    integer(t.offset());
    tuple(t.sizes());
    tuple(t.strides());
    out_ += t.requires_grad() && !parameter ? "\x88" : "\x89";
    hooks();
    out_ += "tR";
    if (parameter) {
      out_ += t.requires_grad() ? "\x88" : "\x89";
      hooks();
      out_ += "tR";
    }
    tensors_[t.impl()] = put();
  }

  void dict(const Value& v, int depth) {
    switch (v.type()) {
      case ValueType::kOrderedDict:
        hooks();
        values_[&v] = put();
        items(v, depth);
        if (v.attributes()) {
          write(*v.attributes(), depth + 1);
          out_ += 'b';
        }
        return;
      case ValueType::kNamespace:
        global("argparse", "Namespace");
        out_ += ")\x81";
        values_[&v] = put();
        out_ += '}';
        items(v, depth);
        out_ += 'b';
        return;
      case ValueType::kCounter:
        global("collections", "Counter");
        out_ += '}';
        items(v, depth);
        out_ += "\x85R";
        values_[&v] = put();
        return;
      default:  // what a defaultdict makes is not known any more
        out_ += '}';
        values_[&v] = put();
        items(v, depth);
    }
  }
  void sequence(const Value& v, int depth) {
    if (v.is(ValueKind::kList)) {
      out_ += ']';
      values_[&v] = put();
      items(v, depth);
      return;
    }
    const bool set = v.is(ValueKind::kSet);
    if (set) {
      global("__builtin__", v.type() == ValueType::kFrozenSet ? "frozenset" : "set");
      out_ += ']';
      items(v, depth);
    } else {
      if (v.type() == ValueType::kSize) global("torch", "Size");
      if (v.items().empty()) {
        out_ += ')';
      } else {
        out_ += '(';
        for (const ValueRef& item : v.items()) write(*item, depth + 1);
        out_ += 't';
      }
    }
    if (set || v.type() == ValueType::kSize) out_ += "\x85R";
    values_[&v] = put();
  }

  void write(const Value& v, int depth) {
    if (depth > kMaxValueDepth) {
      fail(Status::kInvalidArgument, op_, ": too deep: containers nested deeper than ",
           kMaxValueDepth, ": must be less deep");
    }
    switch (v.kind()) {
      case ValueKind::kNone:
        out_ += 'N';
        return;
      case ValueKind::kBool:
        out_ += v.integer() != 0 ? '\x88' : '\x89';
        return;
      case ValueKind::kInt:
        return v.is_big() ? big(v.text()) : integer(v.integer());
      case ValueKind::kFloat:
        return real(v.real());
      case ValueKind::kComplex:
        global("__builtin__", "complex");
        real(v.items()[0]->real());
        real(v.items()[1]->real());
        out_ += "\x86R";
        return;
      case ValueKind::kString:
        return string(v.text());
      case ValueKind::kBytes:
        if (v.type() != ValueType::kByteArray) return raw(v.text());
        global("__builtin__", "bytearray");
        raw(v.text());
        out_ += "\x85R";
        return;
      case ValueKind::kDType:
        check_dtype(static_cast<DType>(v.integer()), "the dtype");
        return global("torch", std::string(dtype_name(static_cast<DType>(v.integer()))));
      case ValueKind::kDevice: {
        const size_t colon = v.text().find(':');
        global("torch", "device");
        string(v.text().substr(0, colon));
        if (colon != std::string::npos) integer(std::atoi(v.text().c_str() + colon + 1));
        out_ += colon != std::string::npos ? "\x86R" : "\x85R";
        return;
      }
      case ValueKind::kTensor:
        if (!known(tensors_, v.tensor().impl())) tensor(v.tensor());
        return;
      case ValueKind::kList:
      case ValueKind::kTuple:
      case ValueKind::kSet:
        if (!known(values_, &v)) sequence(v, depth);
        return;
      case ValueKind::kDict:
        if (!known(values_, &v)) dict(v, depth);
        return;
      default:
        fail(Status::kInternal, op_, ": a value of the unpickler got out");
    }
  }

  std::string_view op_;
  std::vector<PickledStorage>& storages_;
  std::string out_;
  size_t memo_ = 0;
  std::unordered_map<std::string, size_t> globals_, strings_;
  std::unordered_map<const Value*, size_t> values_;
  std::unordered_map<const TensorImpl*, size_t> tensors_;
  std::unordered_map<const void*, std::unordered_map<DType, size_t>> storage_index_;
};

}  // namespace

std::string write_pickle(std::string_view op, const Value& value,
                         std::vector<PickledStorage>& storages) {
  return Writer(op, storages).run(value);
}

}  // namespace mt
