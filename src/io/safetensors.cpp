// Reading and writing safetensors: see safetensors.h. The header's grammar is in
// safetensors_header.cpp.
#include "io/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <unordered_set>

#include "io/file.h"
#include "io/safetensors_header.h"
#include "ops/common.h"

namespace mt {
namespace {

static_assert(std::endian::native == std::endian::little, "values are written as they lie");

constexpr const char* kSave = "save_safetensors";
constexpr const char* kLoad = "load_safetensors";

using safetensors::Entry;

void check_text(std::string_view what, const std::string& text) {
  if (safetensors::is_text(text)) return;
  fail(Status::kInvalidArgument, kSave, ": bad text: ", what, " '", safetensors::shown(text),
       "': must be UTF-8 without NUL");
}

std::vector<Entry> described(const NamedTensors& tensors) {
  std::vector<Entry> entries;
  std::unordered_set<std::string_view> names;
  for (const auto& [name, t] : tensors) {
    check_text("tensor name", name);
    const std::string shown = safetensors::shown(name);
    if (!t.defined()) {
      fail(Status::kNullArgument, kSave, ": missing tensor: tensor '", shown,
           "' is null: every name needs a tensor");
    }
    if (name == safetensors::kMetadataKey || !names.insert(name).second) {
      fail(Status::kInvalidArgument, kSave,
           name == safetensors::kMetadataKey ? ": reserved name: '" : ": repeated name: '", shown,
           "' given: every tensor needs a name of its own");
    }
    if (t.is_meta()) {
      fail(Status::kDevice, kSave, ": no data: tensor '", shown,
           "' is on meta: only tensors with values can be saved");
    }
    if (t.dtype() == DType::kComplex128) {
      fail(
          Status::kDType, kSave, ": dtype not supported: tensor '", shown,
          "' is complex128, which the format has no name for: save its view_as_real, or convert to "
          "complex64");
    }
    entries.push_back({name, t.dtype(), t.sizes(), 0, 0});
  }
  return entries;
}

// Assigns the byte ranges: larger elements first, so that each tensor starts at a multiple of its
// element size. Returns the order of writing.
std::vector<size_t> lay_out(std::vector<Entry>& entries, const NamedTensors& tensors) {
  std::vector<size_t> order(entries.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return dtype_size(entries[a].dtype) > dtype_size(entries[b].dtype);
  });
  uint64_t at = 0;
  for (size_t i : order) {
    entries[i].begin = at;
    at += tensors[i].second.bytes();
    entries[i].end = at;
  }
  return order;
}

struct Encoded {
  std::string head;  // the length and the header
  std::vector<size_t> order;
  uint64_t data_bytes = 0;
};

Encoded encode(const NamedTensors& tensors, const StringMap& metadata) {
  std::unordered_set<std::string_view> keys;
  for (const auto& [key, value] : metadata) {
    check_text("metadata key", key);
    check_text("metadata value", value);
    if (!keys.insert(key).second) {
      fail(Status::kInvalidArgument, kSave, ": repeated key: metadata '", safetensors::shown(key),
           "' given twice: every key may appear once");
    }
  }
  std::vector<Entry> entries = described(tensors);
  Encoded out;
  out.order = lay_out(entries, tensors);
  if (!out.order.empty()) out.data_bytes = entries[out.order.back()].end;
  const std::string header = safetensors::format_header(entries, metadata);
  if (header.size() > safetensors::kMaxHeader) {
    fail(Status::kInvalidArgument, kSave, ": header too large: ", header.size(),
         " bytes of names and shapes: at most ", safetensors::kMaxHeader, " fit the format");
  }
  const uint64_t size = header.size();
  out.head.assign(reinterpret_cast<const char*>(&size), sizeof size);
  out.head += header;
  return out;
}

void write_all(ByteSink& sink, const Encoded& encoded, const NamedTensors& tensors) {
  sink.write(encoded.head.data(), encoded.head.size());
  for (size_t i : encoded.order) {
    const Tensor flat = contiguous_values(tensors[i].second);
    if (flat.numel() != 0) sink.write(flat.data(), flat.bytes());
  }
}

}  // namespace

namespace safetensors {

std::vector<Entry> read_header(std::string_view op, ByteSource& source, uint64_t& start,
                               StringMap& metadata) {
  const uint64_t size = source.size();
  const std::string& file = source.name();
  if (size < 8) {
    fail(Status::kFormat, op, ": truncated: '", file, "' has ", size,
         " bytes: at least 8 are needed for the header's length");
  }
  uint64_t header_size = 0;
  source.read(0, &header_size, 8);
  if (header_size > kMaxHeader || header_size > size - 8) {
    fail(Status::kFormat, op, ": bad header length: '", file, "' of ", size, " bytes says ",
         header_size, ": must be at most ", std::min<uint64_t>(size - 8, kMaxHeader));
  }
  std::string header(header_size, '\0');
  source.read(8, header.data(), header.size());
  start = 8 + header_size;
  return parse_header(op, file, header, size - start, metadata);
}

void check_values(std::string_view op, const std::string& file, const std::string& name,
                  const Tensor& t) {
  if (t.dtype() != DType::kBool) return;
  const auto* p = t.data_as<uint8_t>();
  const auto* bad = std::find_if(p, p + t.numel(), [](uint8_t b) { return b > 1; });
  if (bad == p + t.numel()) return;
  fail(Status::kFormat, op, ": bad value: '", file, "': tensor '", shown(name), "': element ",
       bad - p, " of a BOOL is byte ", static_cast<int>(*bad), ": must be 0 or 1");
}

}  // namespace safetensors

NamedTensors read_safetensors(ByteSource& source, StringMap* metadata) {
  StringMap found;
  uint64_t start = 0;
  std::vector<Entry> entries = safetensors::read_header(kLoad, source, start, found);
  NamedTensors out;
  out.reserve(entries.size());
  for (Entry& e : entries) {
    Tensor t = Tensor::empty(e.shape, e.dtype, Device::kCPU, kLoad);
    source.read(start + e.begin, t.data(), t.bytes());
    safetensors::check_values(kLoad, source.name(), e.name, t);
    out.emplace_back(std::move(e.name), std::move(t));
  }
  if (metadata) *metadata = std::move(found);
  return out;
}

void save_safetensors(const std::string& path, const NamedTensors& tensors,
                      const StringMap& metadata) {
  const Encoded encoded = encode(tensors, metadata);
  AtomicFile file(kSave, path);
  write_all(file, encoded, tensors);
  file.commit();
}

std::string safetensors_bytes(const NamedTensors& tensors, const StringMap& metadata) {
  const Encoded encoded = encode(tensors, metadata);
  MemorySink sink;
  sink.bytes.reserve(encoded.head.size() + encoded.data_bytes);
  write_all(sink, encoded, tensors);
  return std::move(sink.bytes);
}

NamedTensors load_safetensors(const std::string& path, StringMap* metadata) {
  FileSource source(kLoad, path);
  return read_safetensors(source, metadata);
}

NamedTensors load_safetensors_bytes(std::span<const uint8_t> bytes, StringMap* metadata) {
  MemorySource source(kLoad, bytes);
  return read_safetensors(source, metadata);
}

}  // namespace mt
