// The objects that the unpickler can make: the whole list of Python names that it knows, and what
// each becomes. See pickle.h. A name that is not here is refused; nothing is ever looked up
// elsewhere.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "autograd/meta.h"
#include "core/half.h"
#include "io/npy.h"
#include "io/pickle_machine.h"
#include "io/safetensors_header.h"

namespace mt {
namespace pickle {
namespace {

using enum Callable;
using safetensors::shown;

constexpr int id(DType t) { return static_cast<int>(t); }

constexpr Global kGlobals[] = {
    {"collections", "OrderedDict", kOrderedDict},
    {"collections", "defaultdict", kDefaultDict},
    {"collections", "Counter", kCounter},
    {"argparse", "Namespace", kNamespace},
    {"__builtin__", "set", kSet},
    {"builtins", "set", kSet},
    {"__builtin__", "frozenset", kFrozenSet},
    {"builtins", "frozenset", kFrozenSet},
    {"__builtin__", "bytearray", kByteArray},
    {"builtins", "bytearray", kByteArray},
    {"__builtin__", "bytes", kBytes},
    {"builtins", "bytes", kBytes},
    {"__builtin__", "complex", kComplex},
    {"builtins", "complex", kComplex},
    {"__builtin__", "int", kType},
    {"builtins", "int", kType},
    {"__builtin__", "float", kType},
    {"builtins", "float", kType},
    {"__builtin__", "list", kType},
    {"builtins", "list", kType},
    {"__builtin__", "dict", kType},
    {"builtins", "dict", kType},
    {"_codecs", "encode", kEncode},
    {"torch", "Size", kSize},
    {"torch", "device", kDevice},
    {"torch", "Tensor", kTensorClass},
    {"torch.nn.parameter", "Parameter", kTensorClass, 1},
    {"torch._utils", "_rebuild_tensor", kRebuildTensor},
    {"torch._utils", "_rebuild_tensor_v2", kRebuildTensorV2},
    {"torch._utils", "_rebuild_tensor_v3", kRebuildTensorV3},
    {"torch._utils", "_rebuild_parameter", kRebuildParameter},
    {"torch._tensor", "_rebuild_from_type_v2", kRebuildFromType},
    {"torch", "float32", kDType, id(DType::kFloat32)},
    {"torch", "float64", kDType, id(DType::kFloat64)},
    {"torch", "float16", kDType, id(DType::kFloat16)},
    {"torch", "bfloat16", kDType, id(DType::kBFloat16)},
    {"torch", "int8", kDType, id(DType::kInt8)},
    {"torch", "int16", kDType, id(DType::kInt16)},
    {"torch", "int32", kDType, id(DType::kInt32)},
    {"torch", "int64", kDType, id(DType::kInt64)},
    {"torch", "uint8", kDType, id(DType::kUInt8)},
    {"torch", "bool", kDType, id(DType::kBool)},
    {"torch", "complex64", kDType, id(DType::kComplex64)},
    {"torch", "complex128", kDType, id(DType::kComplex128)},
    // Of newer PyTorch, which has no storages of their own for them: _rebuild_tensor_v3 takes
    // bytes.
    {"torch", "uint16", kDType, id(DType::kUInt16)},
    {"torch", "uint32", kDType, id(DType::kUInt32)},
    {"torch", "uint64", kDType, id(DType::kUInt64)},
    {"torch", "FloatStorage", kStorage, id(DType::kFloat32)},
    {"torch", "DoubleStorage", kStorage, id(DType::kFloat64)},
    {"torch", "HalfStorage", kStorage, id(DType::kFloat16)},
    {"torch", "BFloat16Storage", kStorage, id(DType::kBFloat16)},
    {"torch", "CharStorage", kStorage, id(DType::kInt8)},
    {"torch", "ShortStorage", kStorage, id(DType::kInt16)},
    {"torch", "IntStorage", kStorage, id(DType::kInt32)},
    {"torch", "LongStorage", kStorage, id(DType::kInt64)},
    {"torch", "ByteStorage", kStorage, id(DType::kUInt8)},
    {"torch", "BoolStorage", kStorage, id(DType::kBool)},
    {"torch", "ComplexFloatStorage", kStorage, id(DType::kComplex64)},
    {"torch", "ComplexDoubleStorage", kStorage, id(DType::kComplex128)},
    {"torch.storage", "UntypedStorage", kStorage, id(DType::kUInt8)},
    {"numpy.core.multiarray", "_reconstruct", kNumpyReconstruct},
    {"numpy._core.multiarray", "_reconstruct", kNumpyReconstruct},
    {"numpy.core.multiarray", "scalar", kNumpyScalar},
    {"numpy._core.multiarray", "scalar", kNumpyScalar},
    {"numpy", "ndarray", kNumpyArray},
    {"numpy", "dtype", kNumpyDType},
};

std::string full_name(const Global& g) { return cat(g.module, ".", g.name); }

// --- arguments ---------------------------------------------------------------------------------

class Arguments {
 public:
  Arguments(Machine& m, const Global& g, const Value::Items& items) : m_(m), g_(g), items_(items) {}

  size_t count() const { return items_.size(); }
  [[noreturn]] void bad(std::string_view what) const {
    m_.bad(cat(full_name(g_), " with ", what),
           "must have the arguments that PyTorch or Python gives");
  }
  void expect(size_t least, size_t most) const {
    if (count() < least || count() > most) bad(cat(count(), " arguments"));
  }
  const Value& at(size_t i, ValueKind kind) const {
    if (i >= count()) bad(cat(count(), " arguments"));
    if (!items_[i]->is(kind))
      bad(cat("a ", value_kind_name(items_[i]->kind()), " as argument ", i));
    return *items_[i];
  }
  int64_t integer(size_t i) const {
    const Value& v = at(i, ValueKind::kInt);
    if (v.is_big()) bad("a number beyond 64 bits");
    return v.integer();
  }
  bool truth(size_t i) const {
    if (i < count() && items_[i]->is(ValueKind::kInt)) return integer(i) != 0;
    return at(i, ValueKind::kBool).integer() != 0;
  }
  Dims ints(size_t i) const {
    const Value& v = at(i, ValueKind::kTuple);
    if (v.items().size() > static_cast<size_t>(kMaxDims)) {
      bad(cat(v.items().size(), " dims; at most ", kMaxDims, " are possible"));
    }
    Dims out;
    for (const ValueRef& item : v.items()) {
      if (!item->is(ValueKind::kInt) || item->is_big()) bad("a size that is no integer");
      out.push_back(item->integer());
    }
    return out;
  }
  const ValueRef& ref(size_t i) const { return items_[i]; }

 private:
  Machine& m_;
  const Global& g_;
  const Value::Items& items_;
};

// --- tensors -----------------------------------------------------------------------------------

ValueRef rebuild_tensor(Machine& m, const Global& g, const Arguments& args) {
  const bool v1 = g.callable == kRebuildTensor, v3 = g.callable == kRebuildTensorV3;
  args.expect(v1 ? 4 : v3 ? 7 : 5, v1 ? 4 : v3 ? 8 : 7);
  const Tensor& storage = args.at(0, ValueKind::kStorage).tensor();
  DType dtype = storage.dtype();
  if (v3) {
    dtype = static_cast<DType>(args.at(6, ValueKind::kDType).integer());
  }
  const Tensor t = view_of_storage([&](const std::string& what) { args.bad(what); }, storage, dtype,
                                   args.integer(1), args.ints(2), args.ints(3));
  if (!v1 && args.truth(4)) set_requires_grad(t, true);
  return m.make(ValueKind::kTensor, t);
}

ValueRef rebuild_parameter(Machine& m, const Arguments& args) {
  args.expect(2, 3);
  const Tensor t = args.at(0, ValueKind::kTensor).tensor().alias();
  if (args.truth(1)) set_requires_grad(t, true);
  t.impl()->is_parameter = true;
  return m.make(ValueKind::kTensor, t, ValueType::kParameter);
}

// (function, class, its arguments, state): a tensor with attributes of its own, which are dropped.
ValueRef rebuild_from_type(Machine& m, const Arguments& args) {
  args.expect(4, 4);
  const Global& inner = global_of(args.at(0, ValueKind::kGlobal));
  const Global& type = global_of(args.at(1, ValueKind::kGlobal));
  if (inner.callable == kRebuildFromType || type.callable != kTensorClass) {
    args.bad(cat("class ", full_name(type)));
  }
  ValueRef v = apply(m, inner, args.at(2, ValueKind::kTuple).items());
  if (!v->is(ValueKind::kTensor)) args.bad("something that is no tensor");
  return v;
}

// --- NumPy -------------------------------------------------------------------------------------

ValueRef numpy_scalar(Machine& m, const Arguments& args) {
  args.expect(2, 2);
  const NumpyType type = numpy_type(m.op(), m.file(), args.at(0, ValueKind::kNumpyDType).text());
  if (!args.ref(1)->is(ValueKind::kBytes) && !args.ref(1)->is(ValueKind::kString)) {
    args.bad("a value that is no bytes");
  }
  std::string raw = args.ref(1)->text();
  if (raw.size() != type.size || type.size > 8) args.bad("a value of another size");
  if (type.swap) std::reverse(raw.begin(), raw.end());
  uint64_t bits = 0;
  std::memcpy(&bits, raw.data(), raw.size());
  constexpr ValueType kNumber = ValueType::kNumpyNumber;
  const Scalar v = load_scalar(type.dtype, &bits);
  if (v.is_big()) args.bad("a number beyond 2^63 - 1");
  if (v.is_float()) return m.make(ValueKind::kFloat, v.to_double(), kNumber);
  return m.make(v.is_bool() ? ValueKind::kBool : ValueKind::kInt, v.to_int(), kNumber);
}

// The state of an array: (version, shape, dtype, is Fortran order, bytes).
void build_array(Machine& m, Value& array, const Value::Items& state) {
  const Global name{"numpy", "ndarray", kNumpyArray};
  const Arguments args(m, name, state);
  args.expect(5, 5);
  const NumpyType type = numpy_type(m.op(), m.file(), args.at(2, ValueKind::kNumpyDType).text());
  if (!args.ref(4)->is(ValueKind::kBytes) && !args.ref(4)->is(ValueKind::kString)) {
    args.bad("data that is no bytes");
  }
  const std::string& raw = args.ref(4)->text();
  MemorySource source(m.op(), {reinterpret_cast<const uint8_t*>(raw.data()), raw.size()});
  const Tensor t = numpy_tensor(m.op(), m.file(), type, args.ints(1), args.truth(3), source, 0);
  if (static_cast<uint64_t>(t.numel()) * type.size != raw.size()) args.bad("too many bytes");
  array.become(ValueKind::kTensor, t, ValueType::kNumpyArray);
}

// The state of a dtype: (version, byte order, subtype, names, fields, ...).
void build_dtype(Machine& m, Value& dtype, const Value::Items& state) {
  const Global name{"numpy", "dtype", kNumpyDType};
  const Arguments args(m, name, state);
  args.expect(5, 9);
  const std::string order = args.at(1, ValueKind::kString).text();
  if (order.size() != 1) args.bad("a byte order of another length");
  for (size_t i = 2; i < 5; ++i) args.at(i, ValueKind::kNone);
  dtype.become(ValueKind::kNumpyDType, order + dtype.text());
}

// --- containers and small things ---------------------------------------------------------------

// From a list of pairs, as Python 2 writes an OrderedDict.
void fill_pairs(const Arguments& args, Value& dict, const Value& list) {
  for (const ValueRef& pair : list.items()) {
    if (!pair->is(ValueKind::kList) && !pair->is(ValueKind::kTuple)) args.bad("an item not a pair");
    if (pair->items().size() != 2) args.bad("an item that is no pair");
    dict.items().push_back(pair->items()[0]);
    dict.items().push_back(pair->items()[1]);
  }
}

ValueRef make_dict(Machine& m, const Global& g, const Arguments& args) {
  const ValueType type = g.callable == kOrderedDict   ? ValueType::kOrderedDict
                         : g.callable == kDefaultDict ? ValueType::kDefaultDict
                                                      : ValueType::kCounter;
  ValueRef v = m.container(ValueKind::kDict, type);
  args.expect(0, 1);
  if (args.count() == 0 || type == ValueType::kDefaultDict) return v;
  const Value& from = *args.ref(0);
  if (from.is(ValueKind::kDict)) {
    v->items() = from.items();
  } else {
    fill_pairs(args, *v, args.at(0, ValueKind::kList));
  }
  return v;
}

ValueRef make_set(Machine& m, const Global& g, const Arguments& args) {
  args.expect(0, 1);
  ValueRef v =
      m.container(ValueKind::kSet, g.callable == kSet ? ValueType::kPlain : ValueType::kFrozenSet);
  if (args.count() == 1) v->items() = args.at(0, ValueKind::kList).items();
  return v;
}

// Text whose characters are the bytes.
std::string latin1_bytes(const Arguments& args, const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x80) {
      if (c > 0xC3 || i + 1 == text.size()) args.bad("a character beyond 255");
      c = static_cast<unsigned char>((c & 3u) << 6 |
                                     (static_cast<unsigned char>(text[++i]) & 0x3Fu));
    }
    out += static_cast<char>(c);
  }
  return out;
}

ValueRef make_bytes(Machine& m, const Global& g, const Arguments& args) {
  const ValueType type = g.callable == kByteArray ? ValueType::kByteArray : ValueType::kPlain;
  args.expect(0, 2);
  std::string bytes;
  if (args.count() > 0 && args.ref(0)->is(ValueKind::kBytes)) {
    bytes = args.ref(0)->text();
  } else if (args.count() == 2) {
    const std::string& coding = args.at(1, ValueKind::kString).text();
    if (coding != "latin1" && coding != "latin-1") args.bad("coding '" + shown(coding) + "'");
    bytes = latin1_bytes(args, args.at(0, ValueKind::kString).text());
  } else if (args.count() == 1) {
    args.bad(cat("a ", value_kind_name(args.ref(0)->kind())));
  }
  return m.make(ValueKind::kBytes, std::move(bytes), type);
}

ValueRef make_size(Machine& m, const Arguments& args) {
  args.expect(1, 1);
  args.ints(0);
  return m.make(ValueKind::kTuple, args.ref(0)->items(), ValueType::kSize);
}

ValueRef make_device(Machine& m, const Arguments& args) {
  args.expect(1, 2);
  std::string name = args.at(0, ValueKind::kString).text();
  if (args.count() == 2) name += ":" + std::to_string(args.integer(1));
  return m.make(ValueKind::kDevice, std::move(name));
}

}  // namespace

const Global& find_global(const Machine& m, std::string_view module, std::string_view name) {
  const std::string_view known =
      module == "torch.cuda" && (name.ends_with("Storage") || name.ends_with("Tensor")) ? "torch"
                                                                                        : module;
  std::string_view plain = name;
  if (plain == "_UntypedStorage") plain = "UntypedStorage";
  for (const Global& g : kGlobals) {
    if (g.name == plain &&
        (g.module == known || (g.name == "UntypedStorage" && known == "torch"))) {
      return g;
    }
  }
  if (known == "torch" && name.ends_with("Tensor") && m.host() && m.host()->names_classes()) {
    return find_global(m, "torch", "Tensor");
  }
  const std::string full = shown(cat(module, ".", name));
  const bool torch = module.starts_with("torch");
  if (torch &&
      (name.find("qtensor") != name.npos || (name[0] == 'Q' && name.ends_with("Storage")))) {
    m.unsupported("quantized tensors", "save their dequantize()d form");
  }
  if (torch && name.find("sparse") != name.npos) {
    m.unsupported("sparse tensors", "save their to_dense() form");
  }
  if (module.starts_with("__torch__") || module.starts_with("torch.jit")) {
    m.unsupported("a TorchScript program",
                  "load it with torch.jit.load in Python and save its "
                  "state_dict()");
  }
  m.unsupported(cat("an object of the Python class or function '", full, "'"), {});
}

const Global& global_of(const Value& v) {
  return *reinterpret_cast<const Global*>(static_cast<intptr_t>(v.integer()));  // NOLINT
}

ValueRef apply(Machine& m, const Global& g, const Value::Items& items) {
  const Arguments args(m, g, items);
  switch (g.callable) {
    case kOrderedDict:
    case kDefaultDict:
    case kCounter:
      return make_dict(m, g, args);
    case kNamespace:
      args.expect(0, 0);
      return m.container(ValueKind::kDict, ValueType::kNamespace);
    case kSet:
    case kFrozenSet:
      return make_set(m, g, args);
    case kByteArray:
    case kBytes:
    case kEncode:
      return make_bytes(m, g, args);
    case kComplex:
      args.expect(2, 2);
      args.at(0, ValueKind::kFloat);
      args.at(1, ValueKind::kFloat);
      return m.make(ValueKind::kComplex, items);
    case kSize:
      return make_size(m, args);
    case kDevice:
      return make_device(m, args);
    case kRebuildTensor:
    case kRebuildTensorV2:
    case kRebuildTensorV3:
      return rebuild_tensor(m, g, args);
    case kRebuildParameter:
      return rebuild_parameter(m, args);
    case kRebuildFromType:
      return rebuild_from_type(m, args);
    case kNumpyReconstruct:
      args.expect(3, 3);
      if (global_of(args.at(0, ValueKind::kGlobal)).callable != kNumpyArray) args.bad("a subclass");
      return m.make(ValueKind::kNumpyArray);
    case kNumpyDType:
      args.expect(1, 3);
      return m.make(ValueKind::kNumpyDType, args.at(0, ValueKind::kString).text());
    case kNumpyScalar:
      return numpy_scalar(m, args);
    case kDType:
    case kStorage:
    case kTensorClass:
    case kNumpyArray:
    case kType:
      break;
  }
  m.unsupported(cat("a new object of the Python class '", full_name(g), "'"), {});
}

void build(Machine& m, Value& object, ValueRef state) {
  if (object.is(ValueKind::kNumpyArray) && state->is(ValueKind::kTuple)) {
    build_array(m, object, state->items());
  } else if (object.is(ValueKind::kNumpyDType) && state->is(ValueKind::kTuple)) {
    build_dtype(m, object, state->items());
  } else if (object.is(ValueKind::kDict) && state->is(ValueKind::kDict)) {
    if (object.type() != ValueType::kNamespace) {
      object.set_attributes(std::move(state));
    } else {
      object.items() = state->items();
    }
  } else {
    m.bad(cat("a state for a ", value_kind_name(object.kind())), "must be for a known object");
  }
}

ValueRef persistent(Machine& m, const Value& id) {
  const auto bad = [&] { m.bad("an unknown persistent id", "must name a storage of PyTorch"); };
  if (m.host() && id.is(ValueKind::kString)) {
    if (ValueRef v = m.host()->object(id.text())) return v;
  }
  if (!id.is(ValueKind::kTuple) || id.items().empty()) bad();
  const Value::Items& items = id.items();
  if (!items[0]->is(ValueKind::kString)) bad();
  if (items[0]->text() == "module") {
    m.unsupported("a whole pickled model (torch.save(model)) with its source code", {});
  }
  if (items[0]->text() != "storage" || items.size() < 5 || !items[1]->is(ValueKind::kGlobal) ||
      !items[2]->is(ValueKind::kString) || !items[3]->is(ValueKind::kString) ||
      !items[4]->is(ValueKind::kInt) || items[4]->is_big() ||
      global_of(*items[1]).callable != kStorage) {
    bad();
  }
  if (!m.host()) m.unsupported("tensors of PyTorch", "this file cannot have them");
  const auto dtype = static_cast<DType>(global_of(*items[1]).arg);
  return m.make(ValueKind::kStorage, m.host()->storage(dtype, items));
}

}  // namespace pickle

Tensor view_of_storage(const std::function<void(const std::string&)>& bad, const Tensor& storage,
                       DType dtype, int64_t offset, const Dims& sizes, const Dims& strides) {
  if (sizes.size() != strides.size()) bad("a size and a stride of different lengths");
  if (offset < 0) bad(cat("storage offset ", offset));
  int64_t numel = 1, bytes = 0, last = offset;
  bool empty = false, overflow = false;
  for (int d = 0; d < sizes.size(); ++d) {
    if (sizes[d] < 0 || strides[d] < 0) {
      bad(cat("size ", shape_string(sizes), " and stride ", shape_string(strides)));
    }
    if (sizes[d] == 0) {
      empty = true;
      continue;
    }
    int64_t reach = 0;
    overflow = overflow || __builtin_mul_overflow(numel, sizes[d], &numel) ||
               __builtin_mul_overflow(sizes[d] - 1, strides[d], &reach) ||
               __builtin_add_overflow(last, reach, &last);
  }
  const auto element = static_cast<int64_t>(dtype_size(dtype));
  if (overflow || __builtin_mul_overflow(numel, element, &bytes)) {
    bad(cat("size ", shape_string(sizes), ", whose byte count does not fit in 63 bits"));
  }
  const auto held = static_cast<int64_t>(storage.bytes()) / element;
  if (empty ? offset > held : last >= held) {
    bad(cat("size ", shape_string(sizes), ", stride ", shape_string(strides), " and offset ",
            offset, " in a storage of ", held, " elements"));
  }
  const auto base = storage.offset() * static_cast<int64_t>(dtype_size(storage.dtype()));
  if (base % element != 0) bad("a storage that begins inside an element");
  Tensor t = storage.alias(sizes, strides, base / element + offset);
  t.impl()->dtype = dtype;
  return t;
}

std::string_view storage_class(DType dtype) {
  for (const pickle::Global& g : pickle::kGlobals) {
    if (g.callable == pickle::Callable::kStorage && g.arg == static_cast<int>(dtype)) return g.name;
  }
  return {};
}

}  // namespace mt
