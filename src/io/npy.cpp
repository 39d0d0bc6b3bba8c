// Reading and writing .npy and .npz: see npy.h. The header is a Python dict literal of three known
// keys; its grammar is small enough to be read here, without nesting.
#include "io/npy.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "io/file.h"
#include "io/safetensors_header.h"
#include "io/zip.h"
#include "ops/common.h"

namespace mt {
namespace {

using safetensors::shown;

constexpr char kMagic[] = "\x93NUMPY";
constexpr uint64_t kMaxHeader = 1 << 20;

struct Header {
  std::string descr;
  bool fortran = false;
  Dims sizes;
};

// The dict: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class HeaderParser {
 public:
  HeaderParser(std::string_view op, const std::string& file, std::string_view text)
      : op_(op), file_(file), text_(text) {}

  Header parse() {
    Header h;
    unsigned seen = 0;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      const unsigned bit = key == "descr"           ? 1u
                           : key == "fortran_order" ? 2u
                           : key == "shape"         ? 4u
                                                    : 0u;
      if (bit == 0 || (seen & bit) != 0) bad("has key '" + shown(key) + "'");
      seen |= bit;
      if (bit == 1) {
        h.descr = descr();
      } else if (bit == 2) {
        h.fortran = truth();
      } else {
        h.sizes = shape();
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip();
    if (at_ != text_.size()) bad("goes on after its '}'");
    if (seen != 7) bad("does not have all keys");
    return h;
  }

 private:
  [[noreturn]] void bad(const std::string& what) const {
    fail(Status::kFormat, op_, ": bad header: '", file_, "': the header ", what,
         ": must be a dict of 'descr', 'fortran_order' and 'shape'");
  }
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) {
      ++at_;
    }
  }
  bool accept(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) bad(cat("has no '", c, "' at byte ", at_));
  }
  bool word(std::string_view w) {
    skip();
    if (text_.substr(at_, w.size()) != w) return false;
    at_ += w.size();
    return true;
  }
  std::string quoted() {
    skip();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') bad(cat("has no text at byte ", at_));
    const size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) bad("has a text without an end");
    std::string out(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return out;
  }
  std::string descr() {
    skip();
    if (at_ < text_.size() && (text_[at_] == '[' || text_[at_] == '(')) {
      fail(Status::kFormat, op_, ": unsupported dtype: '", file_,
           "': the array has a structured dtype: only arrays of plain numbers can be loaded; save "
           "its fields one by one");
    }
    return quoted();
  }
  bool truth() {
    if (word("True")) return true;
    if (word("False")) return false;
    bad("has a fortran_order that is not True or False");
  }
  Dims shape() {
    Dims out;
    expect('(');
    while (!accept(')')) {
      skip();
      size_t digits = 0;
      int64_t v = 0;
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
        if (__builtin_mul_overflow(v, int64_t{10}, &v) ||
            __builtin_add_overflow(v, int64_t{text_[at_] - '0'}, &v)) {
          bad("has a size beyond 2^63 - 1");
        }
        ++at_;
        ++digits;
      }
      if (digits == 0) bad(cat("has no size at byte ", at_, " of its shape"));
      if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // long integers of Python 2
      if (out.size() == kMaxDims) bad(cat("has a shape of more than ", kMaxDims, " dims"));
      out.push_back(v);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return out;
  }

  std::string_view op_;
  const std::string& file_;
  std::string_view text_;
  size_t at_ = 0;
};

void swap_bytes(char* p, uint64_t count, size_t size) {
  for (uint64_t i = 0; i < count; ++i, p += size) std::reverse(p, p + size);
}

void check_bools(std::string_view op, const std::string& file, const Tensor& t) {
  const auto* p = t.data_as<uint8_t>();
  const auto* bad = std::find_if(p, p + t.numel(), [](uint8_t b) { return b > 1; });
  if (bad == p + t.numel()) return;
  fail(Status::kFormat, op, ": bad value: '", file, "': element ", bad - p, " of a bool is byte ",
       static_cast<int>(*bad), ": must be 0 or 1");
}

std::string header_text(const Tensor& t) {
  struct Name {
    DType dtype;
    const char* descr;
  };
  constexpr Name kNames[] = {
      {DType::kFloat32, "<f4"},   {DType::kFloat64, "<f8"},     {DType::kFloat16, "<f2"},
      {DType::kInt8, "|i1"},      {DType::kInt16, "<i2"},       {DType::kInt32, "<i4"},
      {DType::kInt64, "<i8"},     {DType::kUInt8, "|u1"},       {DType::kBool, "|b1"},
      {DType::kComplex64, "<c8"}, {DType::kComplex128, "<c16"}, {DType::kUInt16, "<u2"},
      {DType::kUInt32, "<u4"},    {DType::kUInt64, "<u8"}};
  std::string out = "{'descr': '";
  for (const Name& n : kNames) {
    if (n.dtype == t.dtype()) out += n.descr;
  }
  out += "', 'fortran_order': False, 'shape': (";
  for (int d = 0; d < t.dim(); ++d) {
    if (d != 0) out += ", ";
    out += std::to_string(t.size(d));
  }
  out += t.dim() == 1 ? ",), }" : "), }";
  return out;
}

// Everything before the elements; a multiple of 64 bytes long.
std::string npy_head(std::string_view op, std::string_view name, const Tensor& t) {
  const std::string which = name.empty() ? "tensor" : "tensor '" + shown(name) + "'";
  if (!t.defined()) {
    fail(Status::kNullArgument, op, ": missing tensor: ", which, " is null: must be a tensor");
  }
  if (t.is_meta()) {
    fail(Status::kDevice, op, ": no data: ", which,
         " is on meta: only tensors with values can be saved");
  }
  if (t.dtype() == DType::kBFloat16) {
    fail(Status::kDType, op, ": dtype not supported: ", which,
         " is bfloat16: NumPy has no such type; convert with mt_tensor_to_dtype");
  }
  std::string text = header_text(t);
  const bool longer = text.size() + 75 > 0xFFFF;
  const size_t before = longer ? 12 : 10;
  text.resize((before + text.size() + 1 + 63) / 64 * 64 - before - 1, ' ');
  text += '\n';
  std::string out(kMagic, 6);
  out += longer ? '\2' : '\1';
  out += '\0';
  for (size_t i = 0; i < (longer ? 4u : 2u); ++i) out += static_cast<char>(text.size() >> (8 * i));
  return out + text;
}

}  // namespace

NumpyType numpy_type(std::string_view op, const std::string& file, std::string_view descr) {
  struct Row {
    std::string_view name;
    NumpyType type;
  };
  constexpr Row kRows[] = {
      {"f4", {DType::kFloat32, 4, false}},     {"f8", {DType::kFloat64, 8, false}},
      {"f2", {DType::kFloat16, 2, false}},     {"i1", {DType::kInt8, 1, false}},
      {"i2", {DType::kInt16, 2, false}},       {"i4", {DType::kInt32, 4, false}},
      {"i8", {DType::kInt64, 8, false}},       {"u1", {DType::kUInt8, 1, false}},
      {"b1", {DType::kBool, 1, false}},        {"?", {DType::kBool, 1, false}},
      {"u2", {DType::kUInt16, 2, false}},      {"u4", {DType::kUInt32, 4, false}},
      {"u8", {DType::kUInt64, 8, false}},      {"c8", {DType::kComplex64, 8, false}},
      {"c16", {DType::kComplex128, 16, false}}};
  std::string_view name = descr;
  char order = '=';
  if (!name.empty() && std::string_view("<>|=").find(name[0]) != std::string_view::npos) {
    order = name[0];
    name.remove_prefix(1);
  }
  for (const Row& row : kRows) {
    if (row.name != name) continue;
    NumpyType type = row.type;
    type.swap = order == '>' && type.size > 1;
    return type;
  }
  const char kind = name.empty() ? '\0' : name[0];
  const char* why = kind == 'O' ? " (Python objects: a pickle, which is never run)"
                    : kind == 'U' || kind == 'S' || kind == 'a' ? " (text)"
                    : kind == 'M' || kind == 'm'                ? " (dates)"
                    : kind == 'V'                               ? " (structures)"
                                                                : "";
  fail(Status::kFormat, op, ": unsupported dtype: '", file, "': element type '", shown(descr), "'",
       why, ": must be a bool, integer or float type of at most 8 bytes");
}

Tensor numpy_tensor(std::string_view op, const std::string& file, const NumpyType& type,
                    IntSpan sizes, bool fortran, ByteSource& source, uint64_t offset) {
  // The product without its zeros must fit too: strides are made of it.
  uint64_t count = 1;
  bool empty = false, overflow = false;
  for (int64_t s : sizes) {
    empty = empty || s == 0;
    overflow = overflow || s < 0 ||
               (s != 0 && __builtin_mul_overflow(count, static_cast<uint64_t>(s), &count));
  }
  uint64_t bytes = 0;
  overflow = overflow || __builtin_mul_overflow(count, uint64_t{16}, &bytes);
  if (overflow || bytes > static_cast<uint64_t>(INT64_MAX)) {
    fail(Status::kFormat, op, ": bad shape: '", file, "': shape ", shape_string(sizes),
         ": its byte count must fit in 63 bits");
  }
  if (empty) count = 0;
  bytes = count * type.size;
  if (offset > source.size() || bytes > source.size() - offset) {
    fail(Status::kFormat, op, ": truncated: '", file,
         "': ", source.size() - std::min(offset, source.size()), " bytes of data: shape ",
         shape_string(sizes), " of ", type.size, "-byte elements needs ", bytes);
  }
  // Fortran order is C order of the shape read backwards.
  Dims stored(sizes);
  if (fortran) std::reverse(stored.begin(), stored.end());
  Tensor t = Tensor::empty(stored, type.dtype, Device::kCPU, op);
  if (count != 0) {
    source.read(offset, t.data(), bytes);
    const size_t part = is_complex(type.dtype) ? type.size / 2 : type.size;
    if (type.swap) swap_bytes(t.data_as<char>(), bytes / part, part);
  }
  if (type.dtype == DType::kBool) check_bools(op, file, t);
  if (!fortran || t.dim() < 2) return t;
  const int n = t.dim();
  Dims strides(n);
  for (int d = 0; d < n; ++d) strides[d] = t.stride(n - 1 - d);
  return t.alias(sizes, strides, 0);
}

bool is_npy(ByteSource& source) {
  char magic[6];
  if (source.size() < 6) return false;
  source.read(0, magic, 6);
  return std::memcmp(magic, kMagic, 6) == 0;
}

Tensor read_npy(std::string_view op, ByteSource& source) {
  const std::string& file = source.name();
  if (!is_npy(source) || source.size() < 10) {
    fail(Status::kFormat, op, ": not an array: '", file, "' of ", source.size(),
         " bytes: a .npy file begins with \\x93NUMPY and a header");
  }
  uint8_t b[6];
  source.read(6, b, 4);
  if (b[0] < 1 || b[0] > 3 || b[1] != 0) {
    fail(Status::kFormat, op, ": unknown version: '", file, "' is of version ",
         static_cast<int>(b[0]), ".", static_cast<int>(b[1]), ": versions 1.0, 2.0 and 3.0 exist");
  }
  uint64_t start = 10, length = b[2] | (static_cast<uint64_t>(b[3]) << 8);
  if (b[0] >= 2) {
    source.read(10, b + 4, 2);
    start = 12;
    length |= (static_cast<uint64_t>(b[4]) << 16) | (static_cast<uint64_t>(b[5]) << 24);
  }
  if (length > kMaxHeader || length > source.size() - start) {
    fail(Status::kFormat, op, ": bad header length: '", file, "' of ", source.size(),
         " bytes says ", length, ": must be at most ", std::min(source.size() - start, kMaxHeader));
  }
  std::string text(length, '\0');
  source.read(start, text.data(), text.size());
  const Header h = HeaderParser(op, file, text).parse();
  const NumpyType type = numpy_type(op, file, h.descr);
  return numpy_tensor(op, file, type, h.sizes, h.fortran, source, start + length);
}

NamedTensors read_npz(std::string_view op, ByteSource& source, ZipReader& zip) {
  NamedTensors out;
  for (const ZipEntry& entry : zip.entries()) {
    std::string name = entry.name;
    if (!name.ends_with(".npy")) {
      fail(Status::kFormat, op, ": not an array: '", source.name(), "': entry '", shown(name),
           "': the entries of an .npz file are .npy files");
    }
    name.resize(name.size() - 4);
    const std::string data = zip.read(entry);
    MemorySource bytes(op, {reinterpret_cast<const uint8_t*>(data.data()), data.size()},
                       source.name() + "/" + shown(entry.name));
    out.emplace_back(std::move(name), read_npy(op, bytes));
  }
  return out;
}

Tensor load_npy(const std::string& path) {
  FileSource source("load_npy", path);
  return read_npy("load_npy", source);
}

NamedTensors load_npz(const std::string& path, uint64_t limit) {
  FileSource source("load_npz", path);
  ZipReader zip("load_npz", source, limit);
  return read_npz("load_npz", source, zip);
}

void save_npy(const std::string& path, const Tensor& t) {
  const std::string head = npy_head("save_npy", {}, t);
  const Tensor flat = contiguous_values(t);
  AtomicFile file("save_npy", path);
  file.write(head.data(), head.size());
  if (flat.numel() != 0) file.write(flat.data(), flat.bytes());
  file.commit();
}

void save_npz(const std::string& path, const NamedTensors& tensors, bool compressed) {
  constexpr const char* kOp = "save_npz";
  std::vector<std::string> heads;
  for (const auto& [name, t] : tensors) {
    if (!safetensors::is_text(name)) {
      fail(Status::kInvalidArgument, kOp, ": bad text: tensor name '", shown(name),
           "': must be UTF-8 without NUL");
    }
    heads.push_back(npy_head(kOp, name, t));
  }
  AtomicFile file(kOp, path);
  ZipWriter zip(kOp, file);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Tensor flat = contiguous_values(tensors[i].second);
    zip.add(tensors[i].first + ".npy", heads[i], flat.data(), flat.bytes(), compressed);
  }
  zip.finish();
  file.commit();
}

}  // namespace mt
