// safetensors files: hand-made bytes as the reference of the format, round trips, atomic writing,
// every cut of a small file, and the files of the data folder as its manifest says.
#include "io/safetensors.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "io/file.h"
#include "ops/view.h"

namespace {

namespace fs = std::filesystem;
using mt::DType;
using mt::NamedTensors;
using mt::Status;
using mt::StringMap;
using mt::Tensor;

std::string file_of(const std::string& header, const std::string& data) {
  const uint64_t n = header.size();
  return std::string(reinterpret_cast<const char*>(&n), 8) + header + data;
}

std::span<const uint8_t> bytes_of(const std::string& s) {
  return {reinterpret_cast<const uint8_t*>(s.data()), s.size()};
}

NamedTensors load(const std::string& bytes, StringMap* metadata = nullptr) {
  return mt::load_safetensors_bytes(bytes_of(bytes), metadata);
}

// The message of the error that `call` must throw with `status`.
template <class Call>
std::string error_of(Status status, const Call& call) {
  try {
    call();
  } catch (const mt::Error& e) {
    EXPECT_EQ(e.status(), status) << e.message();
    return e.message();
  }
  ADD_FAILURE() << "no error";
  return {};
}

template <class T>
Tensor tensor_of(DType dtype, std::initializer_list<int64_t> shape, std::vector<T> values) {
  Tensor t = Tensor::empty(mt::Dims(shape), dtype);
  EXPECT_EQ(t.bytes(), values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(t.data(), values.data(), t.bytes());
  return t;
}

void expect_same(const Tensor& a, const Tensor& b, const std::string& name) {
  ASSERT_EQ(a.dtype(), b.dtype()) << name;
  ASSERT_EQ(mt::shape_string(a.sizes()), mt::shape_string(b.sizes())) << name;
  const Tensor x = mt::contiguous(a), y = mt::contiguous(b);
  if (x.bytes() != 0) {
    EXPECT_EQ(std::memcmp(x.data(), y.data(), x.bytes()), 0) << name;
  }
}

void expect_same(const NamedTensors& a, const NamedTensors& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].first, b[i].first);
    expect_same(a[i].second, b[i].second, a[i].first);
  }
}

class Folder {
 public:
  Folder() {
    std::string text = (fs::temp_directory_path() / "mt_safetensors_XXXXXX").string();
    path_ = mkdtemp(text.data());
  }
  ~Folder() {
    std::error_code ignored;
    fs::permissions(path_, fs::perms::owner_all, ignored);
    fs::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  size_t count() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(path_), {}));
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

NamedTensors every_dtype() {
  return {
      {"u8", tensor_of<uint8_t>(DType::kUInt8, {3}, {0, 7, 255})},
      {"f32", tensor_of<float>(DType::kFloat32, {2, 2}, {1.5f, -0.0f, 1e-40f, 3e38f})},
      {"bool", tensor_of<uint8_t>(DType::kBool, {3}, {1, 0, 1})},
      {"f64", tensor_of<double>(DType::kFloat64, {1}, {0.1})},
      {"f16", tensor_of<uint16_t>(DType::kFloat16, {3}, {0x3C00, 0x7C01, 0x8001})},
      {"bf16", tensor_of<uint16_t>(DType::kBFloat16, {1, 1}, {0x7FC1})},
      {"i8", tensor_of<int8_t>(DType::kInt8, {2}, {-128, 127})},
      {"i16", tensor_of<int16_t>(DType::kInt16, {1}, {-2})},
      {"i32", tensor_of<int32_t>(DType::kInt32, {}, {INT32_MIN})},
      {"i64", tensor_of<int64_t>(DType::kInt64, {2}, {INT64_MIN, INT64_MAX})},
      {"empty", tensor_of<float>(DType::kFloat32, {0, 5}, {})},
      {"\xC3\xA9t\xC3\xA9 \"quoted\\\" \n\t\x01 \xF0\x9F\x94\xA5",
       tensor_of<uint8_t>(DType::kUInt8, {}, {9})},
      {"", tensor_of<uint8_t>(DType::kUInt8, {1}, {3})},
  };
}

// --- writing --------------------------------------------------------------------------------
TEST(Safetensors, BytesAreThoseOfTheFormat) {
  const NamedTensors tensors = {{"w", tensor_of<float>(DType::kFloat32, {1, 2}, {1, 2})}};
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}})";
  std::string padded = header;
  while (padded.size() % 8 != 0) padded += ' ';
  const std::string data("\0\0\x80\x3F\0\0\0\x40", 8);
  EXPECT_EQ(mt::safetensors_bytes(tensors, {{"format", "pt"}}), file_of(padded, data));
  EXPECT_EQ(mt::safetensors_bytes({}), file_of("{}      ", ""));
}

TEST(Safetensors, LargerElementsComeFirstInTheData) {
  const std::string bytes = mt::safetensors_bytes(every_dtype());
  uint64_t n = 0;
  std::memcpy(&n, bytes.data(), 8);
  EXPECT_EQ(n % 8, 0u);
  const auto header = nlohmann::json::parse(bytes.substr(8, n));
  for (const auto& [name, t] : every_dtype()) {
    const uint64_t begin = header[name]["data_offsets"][0];
    EXPECT_EQ(begin % mt::dtype_size(t.dtype()), 0u) << name;
  }
}

TEST(Safetensors, RoundTripsEveryDType) {
  StringMap metadata;
  const StringMap given = {{"format", "pt"}, {"a\"b", "line\nline"}, {"", ""}};
  expect_same(load(mt::safetensors_bytes(every_dtype(), given), &metadata), every_dtype());
  EXPECT_EQ(metadata, given);
  Folder folder;
  mt::save_safetensors(folder / "all.safetensors", every_dtype(), given);
  metadata.clear();
  expect_same(mt::load_safetensors(folder / "all.safetensors", &metadata), every_dtype());
  EXPECT_EQ(metadata, given);
  EXPECT_EQ(folder.count(), 1u);
}

TEST(Safetensors, ViewsAreWrittenInRowMajorOrder) {
  const Tensor base = tensor_of<int32_t>(DType::kInt32, {2, 3}, {1, 2, 3, 4, 5, 6});
  const NamedTensors views = {{"t", mt::transpose(base, 0, 1)},
                              {"column", mt::select(base, 1, 1)},
                              {"same", base},
                              {"expanded", mt::expand(mt::select(base, 0, 0), {{2, 3}})}};
  const NamedTensors back = load(mt::safetensors_bytes(views));
  expect_same(back[0].second, tensor_of<int32_t>(DType::kInt32, {3, 2}, {1, 4, 2, 5, 3, 6}), "t");
  expect_same(back[1].second, tensor_of<int32_t>(DType::kInt32, {2}, {2, 5}), "column");
  expect_same(back[2].second, base, "same");
  expect_same(back[3].second, tensor_of<int32_t>(DType::kInt32, {2, 3}, {1, 2, 3, 1, 2, 3}), "e");
}

TEST(Safetensors, RefusesWhatCannotBeWritten) {
  const Tensor t = tensor_of<float>(DType::kFloat32, {1}, {1});
  const auto save = [](NamedTensors tensors, StringMap metadata = {}) {
    return [=] { mt::safetensors_bytes(tensors, metadata); };
  };
  EXPECT_EQ(error_of(Status::kInvalidArgument, save({{"a", t}, {"a", t}})),
            "save_safetensors: repeated name: 'a' given: every tensor needs a name of its own");
  error_of(Status::kInvalidArgument, save({{"__metadata__", t}}));
  error_of(Status::kInvalidArgument, save({{"\xFF", t}}));
  error_of(Status::kInvalidArgument, save({{"\xC0\x80", t}}));
  error_of(Status::kInvalidArgument, save({{"\xED\xA0\x80", t}}));
  error_of(Status::kInvalidArgument, save({{std::string("a\0b", 3), t}}));
  error_of(Status::kInvalidArgument, save({{"a", t}}, {{"k", "\xFF"}}));
  error_of(Status::kInvalidArgument, save({{"a", t}}, {{"k", ""}, {"k", ""}}));
  error_of(Status::kNullArgument, save({{"a", Tensor()}}));
  EXPECT_EQ(error_of(Status::kDevice,
                     save({{"m", Tensor::empty({{2}}, DType::kFloat32, mt::Device::kMeta)}})),
            "save_safetensors: no data: tensor 'm' is on meta: only tensors with values can be "
            "saved");
}

// --- reading --------------------------------------------------------------------------------
constexpr const char* kEntry = R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})";

struct BadHeader {
  const char* header;
  size_t data;
  const char* message;  // a part of it
};

TEST(Safetensors, RefusesBrokenHeaders) {
  const std::string entry = kEntry;
  const std::string deep = R"({"w":)" + std::string(100000, '[');
  const std::string dims = R"({"w":{"dtype":"F32","data_offsets":[0,4],"shape":[)" + [] {
    std::string ones;
    for (int i = 0; i < 65; ++i) ones += i ? ",1" : "1";
    return ones;
  }() + "]}}";
  const std::string twice = "{\"w\":" + entry + ",\"w\":" + entry + "}";
  const BadHeader cases[] = {
      {"", 0, "it is empty"},
      {"[]", 0, "starts with '{'"},
      {" {}", 0, "its first byte is 32"},
      {"{", 0, "not valid JSON at byte"},
      {"{}x", 0, "not valid JSON"},
      {"{}{}", 0, "not valid JSON"},
      {"{\"w\":1}", 0, "'w' is 1: must be an object"},
      {"{\"w\":[]}", 0, "'w' is an array"},
      {"{\"w\":null}", 0, "'w' is null"},
      {"{\"w\":{}}", 0, "dtype missing"},
      {R"({"w":{"dtype":"F32","shape":[]}})", 0, "data_offsets missing"},
      {R"({"w":{"dtype":1,"shape":[2],"data_offsets":[0,8]}})", 8, "dtype is 1: must be a string"},
      {R"({"w":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}})", 8, "dtype 'F31'"},
      {R"({"w":{"dtype":"U4","shape":[2],"data_offsets":[0,1]}})", 1, "dtype 'U4'"},
      {R"({"w":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}})", 2, "dtype 'F8_E4M3'"},
      {R"({"w":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8,
       "'dtype' appears twice"},
      {R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":0}})", 8, "field 'x'"},
      {R"({"w":{"dtype":"F32","shape":"2","data_offsets":[0,8]}})", 8, "must be an array"},
      {R"({"w":{"dtype":"F32","shape":{},"data_offsets":[0,8]}})", 8, "shape is an object"},
      {R"({"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8, "shape has -2"},
      {R"({"w":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", 8, "shape has 2.0"},
      {R"({"w":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}})", 8, "shape has an array"},
      {R"({"w":{"dtype":"F32","shape":[true],"data_offsets":[0,8]}})", 8, "shape has true"},
      {R"({"w":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,8]}})", 8,
       "shape has 9223372036854775808"},
      {R"({"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}})", 8,
       "must fit in 63 bits"},
      {R"({"w":{"dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}})", 0,
       "must fit in 63 bits"},
      {R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0]}})", 8, "data_offsets 1 numbers"},
      {R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}})", 8, "more than 2 numbers"},
      {R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551616]}})", 8,
       "data_offsets has 18446744073709551616"},
      {R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8, "must be increasing"},
      {R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,9]}})", 8, "within the 8 bytes"},
      {R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 8,
       "data_offsets [0, 4] hold 4 bytes: shape (2,) of float32 needs 8"},
      {R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 12, "leave holes"},
      {R"({"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
       R"("v":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
       6, "tensor 'v': data_offsets [2, 6]: must begin at 4"},
      {R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 9, "they end at 8"},
      {"{}", 1, "they end at 0"},
      {R"({"__metadata__":{"a":1}})", 0, "metadata 'a' is 1: must be a string"},
      {R"({"__metadata__":{"a":"1","a":"2"}})", 0, "'a' appears twice"},
      {R"({"__metadata__":"a"})", 0, "'__metadata__' is 'a'"},
      {R"({"a\u0000b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8, "contains NUL"},
      {"{\"\xFF\":1}", 0, "not valid JSON"},
      {"{} // comment", 0, "not valid JSON"},
      {deep.c_str(), 0, "'w' is an array"},
      {dims.c_str(), 4, "more than 64 dims"},
      {twice.c_str(), 8, "key 'w' appears twice"},
  };
  for (const BadHeader& c : cases) {
    const std::string bytes = file_of(c.header, std::string(c.data, '\0'));
    const std::string message = error_of(Status::kFormat, [&] { load(bytes); });
    EXPECT_NE(message.find(c.message), std::string::npos) << message << "\nwanted: " << c.message;
    EXPECT_EQ(message.find("load_safetensors: "), 0u) << message;
    EXPECT_NE(message.find("'buffer'"), std::string::npos) << message;
  }
  error_of(Status::kFormat, [&] { load(file_of(std::string("{}\0\0", 4), "")); });
}

TEST(Safetensors, RefusesLengthsThatDoNotFit) {
  const std::string good = file_of("{\"w\":" + std::string(kEntry) + "}", std::string(8, '\0'));
  ASSERT_EQ(load(good).size(), 1u);
  for (uint64_t n : {uint64_t{0}, uint64_t{1} << 63, ~uint64_t{0}, uint64_t{100'000'001},
                     uint64_t{good.size() - 7}}) {
    std::string bytes = good;
    std::memcpy(bytes.data(), &n, 8);
    error_of(Status::kFormat, [&] { load(bytes); });
  }
}

TEST(Safetensors, RefusesBoolsThatAreNotZeroOrOne) {
  const std::string bytes =
      file_of(R"({"b":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}})", "\x01\x02\x01");
  EXPECT_EQ(error_of(Status::kFormat, [&] { load(bytes); }),
            "load_safetensors: bad value: 'buffer': tensor 'b': element 1 of a BOOL is byte 2: "
            "must be 0 or 1");
}

TEST(Safetensors, KeepsTheHeadersOrderAndAcceptsAnyLayout) {
  const std::string bytes =
      file_of(R"({"z":{"shape":[1],"data_offsets":[3,4],"dtype":"U8"},)"
              "\n  "
              R"("empty":{"dtype":"F64","shape":[0],"data_offsets":[3,3]},)"
              R"("a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"__metadata__":{}})",
              "abcd");
  const NamedTensors t = load(bytes);
  ASSERT_EQ(t.size(), 3u);
  EXPECT_EQ(t[0].first, "z");
  EXPECT_EQ(t[0].second.data_as<char>()[0], 'd');
  EXPECT_EQ(t[1].first, "empty");
  EXPECT_EQ(t[2].second.data_as<char>()[2], 'c');
}

TEST(Safetensors, EveryCutIsRefused) {
  const std::string bytes = mt::safetensors_bytes(every_dtype(), {{"k", "v"}});
  for (size_t n = 0; n < bytes.size(); ++n) {
    error_of(Status::kFormat, [&] { load(bytes.substr(0, n)); });
  }
  error_of(Status::kFormat, [&] { load(bytes + '\0'); });
}

// --- files ----------------------------------------------------------------------------------
TEST(Safetensors, FileErrorsNameThePathAndTheReason) {
  Folder folder;
  EXPECT_EQ(
      error_of(Status::kIo, [&] { mt::load_safetensors(folder / "none"); }),
      "load_safetensors: cannot open: '" + (folder / "none") + "': No such file or directory");
  error_of(Status::kIo, [&] { mt::load_safetensors(folder.path().string()); });
  error_of(Status::kIo, [&] { mt::load_safetensors("/dev/zero"); });
  error_of(Status::kInvalidArgument, [&] { mt::load_safetensors(""); });
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  error_of(Status::kIo, [&] { mt::load_safetensors(folder / "pipe"); });
  std::ofstream(folder / "short") << "abc";
  EXPECT_EQ(error_of(Status::kFormat, [&] { mt::load_safetensors(folder / "short"); }),
            "load_safetensors: truncated: '" + (folder / "short") +
                "' has 3 bytes: at least 8 are needed for the header's length");
  error_of(Status::kIo, [&] { mt::save_safetensors(folder / "no/such/file", every_dtype()); });
  error_of(Status::kIo, [&] { mt::save_safetensors(folder.path().string(), every_dtype()); });
  error_of(Status::kIo, [&] { mt::save_safetensors(folder / "slash/", every_dtype()); });
  error_of(Status::kIo, [&] { mt::save_safetensors("/dev/full", every_dtype()); });
  error_of(Status::kIo, [&] { mt::save_safetensors(folder / "pipe", every_dtype()); });
  EXPECT_EQ(folder.count(), 2u);
}

TEST(Safetensors, FailedWritesLeaveTheOldFile) {
  Folder folder;
  const std::string path = folder / "model";
  mt::save_safetensors(path, every_dtype());
  const std::string before = slurp(path);
  error_of(Status::kNullArgument, [&] { mt::save_safetensors(path, {{"a", Tensor()}}); });
  EXPECT_EQ(slurp(path), before);
  // No space: a limit on file sizes stands in for a full disk.
  struct rlimit old {};
  getrlimit(RLIMIT_FSIZE, &old);
  auto* handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small = {50000, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const Tensor big = tensor_of<uint8_t>(DType::kUInt8, {100000}, std::vector<uint8_t>(100000, 1));
  NamedTensors many;
  for (int i = 0; i < 100; ++i) many.emplace_back(std::to_string(i), mt::slice(big, 0, 0, 1000));
  std::string large, gathered;
  try {
    mt::save_safetensors(path, {{"big", big}});
  } catch (const mt::Error& e) {
    large = e.message();
  }
  try {
    mt::save_safetensors(path, many);
  } catch (const mt::Error& e) {
    gathered = e.message();
  }
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(large, "save_safetensors: cannot write: '" + path + "': File too large");
  EXPECT_EQ(gathered, large);
  EXPECT_EQ(slurp(path), before);
  EXPECT_EQ(folder.count(), 1u);
}

// For its life, root is an ordinary user, whom permissions bind.
class AsUser {
 public:
  AsUser() { restore_ = geteuid() == 0 && seteuid(kNobody) == 0; }
  ~AsUser() {
    if (restore_ && seteuid(0) != 0) std::abort();
  }
  static constexpr uid_t kNobody = 65534;

 private:
  bool restore_;
};

TEST(Safetensors, UnwritableTargetsAreRefused) {
  Folder folder;
  const std::string path = folder / "model";
  mt::save_safetensors(path, every_dtype());
  const std::string before = slurp(path);
  if (geteuid() == 0) {
    ASSERT_EQ(chown(path.c_str(), AsUser::kNobody, 0), 0);
    ASSERT_EQ(chown(folder.path().c_str(), AsUser::kNobody, 0), 0);
  }
  chmod(path.c_str(), 0400);
  {
    const AsUser user;
    error_of(Status::kIo, [&] { mt::save_safetensors(path, {}); });
  }
  chmod(path.c_str(), 0600);
  chmod(folder.path().c_str(), 0500);
  {
    const AsUser user;
    error_of(Status::kIo, [&] { mt::save_safetensors(path, {}); });
  }
  EXPECT_EQ(slurp(path), before);
  EXPECT_EQ(folder.count(), 1u);
}

TEST(Safetensors, KeepsModeLinksAndLongNames) {
  Folder folder;
  const std::string path = folder / "model", link = folder / "link";
  mt::save_safetensors(path, {});
  chmod(path.c_str(), 0640);
  fs::create_symlink("model", link);
  mt::save_safetensors(link, every_dtype());
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(mt::load_safetensors(path).size(), every_dtype().size());
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0640u);
  fs::create_symlink("later", folder / "dangling");
  mt::save_safetensors(folder / "dangling", every_dtype());
  EXPECT_TRUE(fs::exists(folder / "later"));
  mt::save_safetensors(folder / std::string(255, 'n'), {});
  EXPECT_EQ(folder.count(), 5u);
}

// --- the data folder --------------------------------------------------------------------------
uint32_t crc32(const void* data, size_t n) {
  const auto* p = static_cast<const uint8_t*>(data);
  uint32_t crc = ~0u;
  for (size_t i = 0; i < n; ++i) {
    crc ^= p[i];
    for (int b = 0; b < 8; ++b) crc = (crc >> 1) ^ ((crc & 1u) != 0 ? 0xEDB88320u : 0);
  }
  return ~crc;
}

fs::path data_folder() {
  if (const char* given = std::getenv("MINITORCH_DATA")) return given;
  const char* golden = std::getenv("MT_GOLDEN_DIR");
  return fs::path(golden != nullptr ? golden : "tests/golden") / "../../../shared/data";
}

TEST(Safetensors, DataFolder) {
  const fs::path formats = data_folder() / "formats";
  std::ifstream in(formats / "manifest.json");
  if (!in) GTEST_SKIP() << "NOT CHECKED: no " << formats << "; set MINITORCH_DATA";
  int loaded = 0, refused = 0;
  const auto manifest = nlohmann::json::parse(in);
  for (const auto& entry : manifest["files"]) {
    if (entry.value("format", "") != "safetensors") continue;
    const std::string path = (formats / entry["file"]).string();
    const std::string expect = entry["expect"];
    SCOPED_TRACE(path);
    if (expect == "reject") {
      const std::string message = error_of(Status::kFormat, [&] { mt::load_safetensors(path); });
      EXPECT_NE(message.find(path), std::string::npos) << message;
      ++refused;
    } else if (expect == "truncations-reject") {
      const std::string bytes = slurp(path);
      for (const size_t n : entry["lengths"]) {
        error_of(Status::kFormat, [&] { load(bytes.substr(0, n)); });
      }
    } else {
      ASSERT_EQ(expect, "load");
      const NamedTensors tensors = mt::load_safetensors(path);
      const auto& wanted = entry["tensors"];
      EXPECT_EQ(tensors.size(), wanted.size());
      for (const auto& [name, t] : tensors) {
        ASSERT_TRUE(wanted.contains(name)) << name;
        const auto& w = wanted[name];
        EXPECT_EQ(mt::dtype_name(t.dtype()), w["dtype"].get<std::string>());
        const std::vector<int64_t> shape(t.sizes().begin(), t.sizes().end());
        EXPECT_EQ(shape, w["shape"].get<std::vector<int64_t>>()) << name;
        char crc[16];
        std::snprintf(crc, sizeof crc, "%08x", crc32(t.data(), t.bytes()));
        EXPECT_EQ(crc, w["crc32"].get<std::string>()) << name;
      }
      // What was read is written and read again unchanged.
      expect_same(load(mt::safetensors_bytes(tensors)), tensors);
      ++loaded;
    }
  }
  EXPECT_GE(loaded, 3);
  EXPECT_GE(refused, 10);
}

}  // namespace
