// Grammar of the safetensors header. A SAX handler walks the fixed structure (an object of entries,
// each an object of three fields) and refuses everything else, so the nesting is at most three deep
// and memory is in proportion to the header.
#include "io/safetensors_header.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "core/error.h"

namespace mt::safetensors {
namespace {

struct DTypeName {
  std::string_view name;
  DType dtype;
};
constexpr DTypeName kDTypes[] = {
    {"F32", DType::kFloat32},   {"F64", DType::kFloat64},   {"F16", DType::kFloat16},
    {"BF16", DType::kBFloat16}, {"I8", DType::kInt8},       {"I16", DType::kInt16},
    {"I32", DType::kInt32},     {"I64", DType::kInt64},     {"U8", DType::kUInt8},
    {"BOOL", DType::kBool},     {"C64", DType::kComplex64}, {"U16", DType::kUInt16},
    {"U32", DType::kUInt32},    {"U64", DType::kUInt64},
};

class Handler {
 public:
  using json = nlohmann::json;

  Handler(std::string_view op, const std::string& file, std::vector<Entry>& entries,
          StringMap& metadata)
      : op_(op), file_(file), entries_(entries), metadata_(metadata) {}

  // --- the parser's events; each returns true to go on ---------------------------------------
  bool null() { return refuse("null"); }
  bool boolean(bool v) { return refuse(v ? "true" : "false"); }
  bool number_integer(json::number_integer_t v) { return refuse(cat(v)); }
  bool number_float(json::number_float_t, const std::string& text) { return refuse(shown(text)); }
  bool binary(json::binary_t&) { return refuse("binary data"); }

  bool number_unsigned(json::number_unsigned_t v) {
    if (where_ == Where::kShape) {
      if (v > INT64_MAX) return refuse(cat(v));
      if (entry_.shape.size() == kMaxDims) {
        bad_entry("shape", "more than 64 dims", "must have at most 64");
      }
      entry_.shape.push_back(static_cast<int64_t>(v));
      return true;
    }
    if (where_ == Where::kOffsets) {
      if (offsets_ == 2) bad_entry("data_offsets", "more than 2 numbers", "must be [begin, end]");
      (offsets_++ == 0 ? entry_.begin : entry_.end) = v;
      return true;
    }
    return refuse(cat(v));
  }

  bool string(std::string& text) {
    if (where_ == Where::kMetadata) {
      check_text(text);
      metadata_.emplace_back(key_, text);
      return true;
    }
    if (where_ != Where::kEntry || key_ != "dtype") return refuse("'" + shown(text) + "'");
    for (const DTypeName& d : kDTypes) {
      if (d.name == text) {
        entry_.dtype = d.dtype;
        return true;
      }
    }
    bad_entry("dtype", "'" + shown(text) + "'",
              "must be one of F32 F64 F16 BF16 I8 I16 I32 I64 U8 U16 U32 U64 BOOL C64");
  }

  bool start_object(size_t) {
    if (where_ == Where::kStart) {
      where_ = Where::kFile;
    } else if (where_ == Where::kFile && key_ == kMetadataKey) {
      where_ = Where::kMetadata;
    } else if (where_ == Where::kFile) {
      where_ = Where::kEntry;
      entry_ = {key_, DType::kFloat32, {}, 0, 0};
      fields_.clear();
    } else {
      return refuse("an object");
    }
    return true;
  }

  bool key(std::string& text) {
    check_text(text);
    bool fresh = true;
    if (where_ == Where::kFile) fresh = names_.insert(text).second;
    if (where_ == Where::kMetadata) fresh = metadata_keys_.insert(text).second;
    if (where_ == Where::kEntry) {
      if (text != "dtype" && text != "shape" && text != "data_offsets") {
        bad_entry("field", "'" + shown(text) + "'", "must be dtype, shape or data_offsets");
      }
      fresh = std::find(fields_.begin(), fields_.end(), text) == fields_.end();
      fields_.push_back(text);
    }
    key_ = text;
    if (!fresh) bad("key '" + shown(text) + "' appears twice", "every key may appear once");
    return true;
  }

  bool end_object() {
    if (where_ == Where::kEntry) {
      for (const char* field : {"dtype", "shape", "data_offsets"}) {
        if (std::find(fields_.begin(), fields_.end(), field) == fields_.end()) {
          bad_entry(field, "missing", "must be given");
        }
      }
      entries_.push_back(std::move(entry_));
    }
    where_ = where_ == Where::kFile ? Where::kEnd : Where::kFile;
    return true;
  }

  bool start_array(size_t) {
    if (where_ == Where::kEntry && key_ == "shape") {
      where_ = Where::kShape;
    } else if (where_ == Where::kEntry && key_ == "data_offsets") {
      where_ = Where::kOffsets;
      offsets_ = 0;
    } else {
      return refuse("an array");
    }
    return true;
  }

  bool end_array() {
    if (where_ == Where::kOffsets && offsets_ != 2) {
      bad_entry("data_offsets", cat(offsets_, " numbers"), "must be [begin, end]");
    }
    where_ = Where::kEntry;
    return true;
  }

  bool parse_error(size_t position, const std::string&, const json::exception&) {
    bad(cat("not valid JSON at byte ", position, " of the header"),
        "must be one JSON object, padded with spaces");
  }

 private:
  enum class Where { kStart, kFile, kMetadata, kEntry, kShape, kOffsets, kEnd };

  [[noreturn]] void bad(const std::string& found, std::string_view rule) const {
    fail(Status::kFormat, op_, ": bad header: '", file_, "': ", found, ": ", rule);
  }
  [[noreturn]] void bad_entry(std::string_view field, const std::string& found,
                              std::string_view rule) const {
    bad(cat("tensor '", shown(entry_.name), "': ", field, " ", found), rule);
  }
  void check_text(const std::string& text) const {
    if (text.find('\0') != std::string::npos) {
      bad("text '" + shown(text) + "' contains NUL", "names and metadata must not");
    }
  }

  // A value of the wrong kind for its place.
  bool refuse(const std::string& found) const {
    switch (where_) {
      case Where::kStart:
      case Where::kEnd:
        bad("the header is " + found, "must be an object");
      case Where::kFile:
        bad("'" + shown(key_) + "' is " + found, "must be an object");
      case Where::kMetadata:
        bad("metadata '" + shown(key_) + "' is " + found, "must be a string");
      case Where::kEntry:
        bad_entry(key_, "is " + found,
                  key_ == "dtype" ? "must be a string" : "must be an array of integers");
      case Where::kShape:
        bad_entry("shape", "has " + found, "must hold integers from 0 to 2^63 - 1");
      case Where::kOffsets:
        bad_entry("data_offsets", "has " + found, "must hold integers from 0 to 2^64 - 1");
    }
    return false;
  }

  std::string_view op_;
  const std::string& file_;
  std::vector<Entry>& entries_;
  StringMap& metadata_;
  Where where_ = Where::kStart;
  std::string key_;
  Entry entry_{};
  std::vector<std::string> fields_;
  int offsets_ = 0;
  std::unordered_set<std::string> names_, metadata_keys_;
};

// Each range must be as long as its shape and dtype say, and together they must be exactly the
// data.
void check_ranges(std::string_view op, const std::string& file, const std::vector<Entry>& entries,
                  uint64_t data_bytes) {
  const auto bad = [&](const Entry& e, const std::string& found, const std::string& rule) {
    fail(Status::kFormat, op, ": bad header: '", file, "': tensor '", shown(e.name), "': ", found,
         ": ", rule);
  };
  std::vector<const Entry*> order;
  for (const Entry& e : entries) {
    const std::string range = cat("data_offsets [", e.begin, ", ", e.end, "]");
    if (e.begin > e.end || e.end > data_bytes) {
      bad(e, range, cat("must be increasing and within the ", data_bytes, " bytes of data"));
    }
    // The product without its zeros must fit too: strides are made of it.
    uint64_t bytes = dtype_size(e.dtype);
    bool zero = false, overflow = false;
    for (int64_t s : e.shape) {
      zero = zero || s == 0;
      overflow =
          overflow || (s != 0 && __builtin_mul_overflow(bytes, static_cast<uint64_t>(s), &bytes));
    }
    if (overflow || bytes > static_cast<uint64_t>(INT64_MAX)) {
      bad(e, "shape " + shape_string(e.shape), "its byte count must fit in 63 bits");
    }
    if (zero) bytes = 0;
    if (e.end - e.begin != bytes) {
      bad(e, cat(range, " hold ", e.end - e.begin, " bytes"),
          cat("shape ", shape_string(e.shape), " of ", dtype_name(e.dtype), " needs ", bytes));
    }
    order.push_back(&e);
  }
  std::sort(order.begin(), order.end(), [](const Entry* a, const Entry* b) {
    return a->begin != b->begin ? a->begin < b->begin : a->end < b->end;
  });
  uint64_t at = 0;
  for (const Entry* e : order) {
    if (e->begin != at) {
      bad(*e, cat("data_offsets [", e->begin, ", ", e->end, "]"),
          cat("must begin at ", at, ", where the tensor before it ends: ranges must not ",
              e->begin < at ? "overlap" : "leave holes"));
    }
    at = e->end;
  }
  if (at != data_bytes) {
    fail(Status::kFormat, op, ": bad size: '", file, "': ", data_bytes,
         " bytes follow the header: its tensors must fill them, but they end at ", at);
  }
}

void append_string(std::string& out, std::string_view text) {
  out += '"';
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      constexpr char kHex[] = "0123456789abcdef";
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

std::vector<Entry> parse_header(std::string_view op, const std::string& file,
                                const std::string& header, uint64_t data_bytes,
                                StringMap& metadata) {
  // The parser takes a NUL for the end of its input; in JSON a raw one is never valid.
  const size_t nul = header.find('\0');
  if (header.empty() || header[0] != '{' || nul != std::string::npos) {
    fail(Status::kFormat, op, ": bad header: '", file, "': ",
         header.empty() ? std::string("it is empty")
         : header[0] != '{'
             ? cat("its first byte is ", static_cast<int>(static_cast<unsigned char>(header[0])))
             : cat("byte ", nul, " is NUL"),
         ": must be one JSON object that starts with '{'");
  }
  std::vector<Entry> entries;
  Handler handler(op, file, entries, metadata);
  nlohmann::json::sax_parse(header, &handler);
  check_ranges(op, file, entries, data_bytes);
  return entries;
}

std::string format_header(const std::vector<Entry>& entries, const StringMap& metadata) {
  std::string out = "{";
  if (!metadata.empty()) {
    append_string(out, kMetadataKey);
    out += ":{";
    for (size_t i = 0; i < metadata.size(); ++i) {
      if (i != 0) out += ',';
      append_string(out, metadata[i].first);
      out += ':';
      append_string(out, metadata[i].second);
    }
    out += '}';
  }
  for (const Entry& e : entries) {
    if (out.size() > 1) out += ',';
    append_string(out, e.name);
    out += ":{\"dtype\":\"";
    for (const DTypeName& d : kDTypes) {
      if (d.dtype == e.dtype) out += d.name;
    }
    out += "\",\"shape\":[";
    for (int d = 0; d < e.shape.size(); ++d) {
      if (d != 0) out += ',';
      out += std::to_string(e.shape[d]);
    }
    out += "],\"data_offsets\":[" + std::to_string(e.begin) + ',' + std::to_string(e.end) + "]}";
  }
  out += '}';
  out.resize((out.size() + 7) / 8 * 8, ' ');
  return out;
}

bool is_text(std::string_view s) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
  for (size_t i = 0; i < s.size();) {
    const unsigned c = byte(i);
    if (c == 0) return false;
    const size_t n = c < 0x80 ? 1 : (c >> 5) == 6 ? 2 : (c >> 4) == 14 ? 3 : (c >> 3) == 30 ? 4 : 0;
    if (n == 0 || i + n > s.size()) return false;
    uint32_t code = n == 1 ? c : c & (0xFFu >> (n + 1));
    for (size_t k = 1; k < n; ++k) {
      if ((byte(i + k) & 0xC0u) != 0x80) return false;
      code = (code << 6) | (byte(i + k) & 0x3Fu);
    }
    // Longer than needed, a surrogate, or beyond Unicode.
    constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < kSmallest[n] || (code >= 0xD800 && code < 0xE000) || code > 0x10FFFF) return false;
    i += n;
  }
  return true;
}

std::string shown(std::string_view s) {
  constexpr size_t kLongest = 120;
  size_t n = std::min(s.size(), kLongest);
  // Not in the middle of a character.
  while (n < s.size() && n > 0 && (static_cast<unsigned char>(s[n]) & 0xC0u) == 0x80) --n;
  std::string out(s.substr(0, n));
  const bool text = is_text(out);
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !text)) c = '?';
  }
  return n < s.size() ? out + "..." : out;
}

}  // namespace mt::safetensors
