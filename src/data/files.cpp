// Reading IDX and CIFAR files: see files.h.
#include "data/files.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "io/file.h"
#include "io/gzip.h"
#include "io/pickle.h"
#include "io/zip.h"

namespace mt {
namespace {

constexpr const char* kIdx = "load_idx";
constexpr const char* kCifar = "load_cifar";
constexpr int64_t kPixels = 3 * 32 * 32;

uint64_t big_endian(const uint8_t* p) {
  return static_cast<uint64_t>(p[0]) << 24 | static_cast<uint64_t>(p[1]) << 16 |
         static_cast<uint64_t>(p[2]) << 8 | p[3];
}

bool idx_dtype(uint8_t code, DType& out) {
  switch (code) {
    case 0x08:
      return out = DType::kUInt8, true;
    case 0x09:
      return out = DType::kInt8, true;
    case 0x0B:
      return out = DType::kInt16, true;
    case 0x0C:
      return out = DType::kInt32, true;
    case 0x0D:
      return out = DType::kFloat32, true;
    case 0x0E:
      return out = DType::kFloat64, true;
    default:
      return false;
  }
}

// A file front to back, unpacked when it is packed.
class Stream {
 public:
  Stream(std::string_view op, ByteSource& source) : source_(source) {
    if (is_gzip(source)) gzip_ = std::make_unique<GzipReader>(op, source);
  }
  // The most that can still come; a byte of deflate gives at most 1032.
  uint64_t most() const {
    if (!gzip_) return source_.size() - at_;
    return std::min(1032 * std::min<uint64_t>(source_.size(), uint64_t{1} << 50),
                    default_unpack_limit(source_.size()));
  }
  void read(void* to, size_t n) {
    if (gzip_) return gzip_->read(to, n);
    source_.read(at_, to, n);
    at_ += n;
  }
  bool at_end() { return gzip_ ? gzip_->at_end() : at_ == source_.size(); }

 private:
  ByteSource& source_;
  std::unique_ptr<GzipReader> gzip_;
  uint64_t at_ = 0;
};

void check_labels(const std::string& path, const Tensor& labels, int64_t classes) {
  const auto* p = labels.data_as<uint8_t>();
  for (int64_t i = 0; i < labels.numel(); ++i) {
    if (p[i] < classes) continue;
    fail(Status::kFormat, kCifar, ": bad label: '", path, "': record ", i, " has label ",
         static_cast<int>(p[i]), ": must be less than ", classes);
  }
}

Labelled cifar_records(FileSource& source, int64_t classes) {
  const int64_t before = classes == 10 ? 1 : 2;  // CIFAR-100 has the coarse label first
  const int64_t record = before + kPixels;
  const auto size = static_cast<int64_t>(source.size());
  if (size == 0 || size % record != 0) {
    fail(Status::kFormat, kCifar, ": bad size: '", source.name(), "' has ", size,
         " bytes: records of CIFAR-", classes, " have ", record, " each");
  }
  const int64_t n = size / record;
  Labelled out{Tensor::empty({{n, 3, 32, 32}}, DType::kUInt8), Tensor::empty({{n}}, DType::kUInt8)};
  for (int64_t i = 0; i < n; ++i) {
    source.read(static_cast<uint64_t>(i * record + before - 1), out.labels.data_as<uint8_t>() + i,
                1);
    source.read(static_cast<uint64_t>(i * record + before),
                out.images.data_as<uint8_t>() + i * kPixels, kPixels);
  }
  return out;
}

// A batch that Python pickled: {"data": array (n, 3072), "labels" or "fine_labels": list}.
Labelled cifar_batch(FileSource& source, int64_t classes) {
  uint64_t at = 0;
  const ValueRef batch = read_pickle(kCifar, source, at, nullptr);
  const auto find = [&](std::string_view name) -> const Value* {
    if (const Value* v = batch->find(name)) return v;
    if (!batch->is(ValueKind::kDict)) return nullptr;
    // Python 3 writes the names of the original files as bytes.
    for (size_t i = 0; i < batch->items().size(); i += 2) {
      const Value& key = *batch->items()[i];
      if (key.is(ValueKind::kBytes) && key.text() == name) return batch->items()[i + 1].get();
    }
    return nullptr;
  };
  const Value* data = find("data");
  const Value* labels = find(classes == 10 ? "labels" : "fine_labels");
  const auto n = labels && labels->is(ValueKind::kList)
                     ? static_cast<int64_t>(labels->items().size())
                     : int64_t{-1};
  if (!data || !data->is(ValueKind::kTensor) || n < 0 || data->tensor().dtype() != DType::kUInt8 ||
      !data->tensor().is_contiguous() || data->tensor().sizes() != Dims{n, kPixels}) {
    fail(Status::kFormat, kCifar, ": not a batch: '", source.name(), "': must hold \"data\" (n, ",
         kPixels, ") of uint8 and a list \"", classes == 10 ? "labels" : "fine_labels", "\" of n");
  }
  Labelled out{data->tensor().alias(Dims{n, 3, 32, 32}, contiguous_strides(Dims{n, 3, 32, 32}),
                                    data->tensor().offset()),
               Tensor::empty({{n}}, DType::kUInt8)};
  for (int64_t i = 0; i < n; ++i) {
    const Value& v = *labels->items()[static_cast<size_t>(i)];
    const bool good = v.is(ValueKind::kInt) && !v.is_big() && v.integer() >= 0 && v.integer() < 256;
    out.labels.data_as<uint8_t>()[i] = good ? static_cast<uint8_t>(v.integer()) : uint8_t{255};
  }
  return out;
}

}  // namespace

Tensor load_idx(const std::string& path) {
  FileSource source(kIdx, path);
  Stream stream(kIdx, source);
  uint8_t head[4];
  stream.read(head, 4);
  DType dtype;
  if (head[0] != 0 || head[1] != 0 || !idx_dtype(head[2], dtype) || head[3] == 0) {
    fail(Status::kFormat, kIdx, ": not an IDX file: '", path, "' begins with bytes ",
         static_cast<int>(head[0]), " ", static_cast<int>(head[1]), " ", static_cast<int>(head[2]),
         " ", static_cast<int>(head[3]),
         ": must be 0 0, a type of 8 9 11 12 13 14, and a number of dims");
  }
  if (head[3] > kMaxDims) {
    fail(Status::kFormat, kIdx, ": bad shape: '", path, "' has ", static_cast<int>(head[3]),
         " dims: at most ", kMaxDims, " are possible");
  }
  Dims sizes;
  uint64_t bytes = dtype_size(dtype);
  bool overflow = false, empty = false;
  for (int d = 0; d < head[3]; ++d) {
    uint8_t size[4];
    stream.read(size, 4);
    const uint64_t n = big_endian(size);
    sizes.push_back(static_cast<int64_t>(n));
    empty = empty || n == 0;
    overflow = overflow || (n != 0 && __builtin_mul_overflow(bytes, n, &bytes));
  }
  if (empty) bytes = 0;
  if (overflow || bytes > stream.most()) {
    fail(Status::kFormat, kIdx, ": truncated: '", path, "' of ", source.size(), " bytes: shape ",
         shape_string(sizes), " of ", dtype_name(dtype), " does not fit: must be as its sizes say");
  }
  Tensor t = Tensor::empty(sizes, dtype, Device::kCPU, kIdx);
  if (bytes != 0) stream.read(t.data(), bytes);
  if (!stream.at_end()) {
    fail(Status::kFormat, kIdx, ": bad size: '", path, "' goes on after its ", bytes,
         " bytes of data: must end there");
  }
  const size_t element = dtype_size(dtype);
  auto* p = t.data_as<char>();
  for (uint64_t i = 0; element > 1 && i < bytes; i += element) std::reverse(p + i, p + i + element);
  return t;
}

Labelled load_cifar(const std::string& path, int64_t classes) {
  if (classes != 10 && classes != 100) {
    fail(Status::kInvalidArgument, kCifar, ": bad number of classes: ", classes,
         " given: must be 10 or 100");
  }
  FileSource source(kCifar, path);
  uint8_t begin[2] = {};
  if (source.size() >= 2) source.read(0, begin, 2);
  // A record may begin with any label below `classes`: 0x80 is none of them.
  const bool pickled = begin[0] == 0x80 && begin[1] >= 2 && begin[1] <= 5;
  Labelled out = pickled ? cifar_batch(source, classes) : cifar_records(source, classes);
  check_labels(path, out.labels, classes);
  return out;
}

}  // namespace mt
