// Files of every format against manifests that say what each must give: the committed ones of
// tests/golden/formats, and the larger set beside the repository when it is there. Good files load
// with the dtype, shape, sum, first elements and CRC-32 of every tensor; bad ones and every cut of
// a good one are refused with a message that names the file, in little memory.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/memory.h"
#include "data/files.h"
#include "io/file.h"
#include "io/load.h"
#include "io/npy.h"
#include "io/safetensors.h"
#include "io/zip.h"
#include "ops/common.h"

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;
using mt::Tensor;
using mt::Value;
using mt::ValueKind;

namespace {

constexpr int64_t kMemory = 64 << 20;  // that a refusal may take beside the file's size
const char* const kExecuted = "/tmp/dl_pickle_executed";

std::string golden_dir() {
  const char* dir = std::getenv("MT_GOLDEN_DIR");
  return dir ? dir : "tests/golden";
}

uint32_t crc32_of(const void* data, size_t n) {
  static const auto table = [] {
    std::array<uint32_t, 256> t{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t c = i;
      for (int k = 0; k < 8; ++k) c = (c & 1) != 0 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
      t[i] = c;
    }
    return t;
  }();
  uint32_t c = ~uint32_t{0};
  for (size_t i = 0; i < n; ++i) {
    c = table[(c ^ static_cast<const uint8_t*>(data)[i]) & 0xFF] ^ (c >> 8);
  }
  return ~c;
}

struct Leaves {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, const Value*> others;
  std::vector<std::string> keys;  // of the outermost dict
};

std::string key_name(const Value& key) {
  return key.is(ValueKind::kString) ? key.text() : std::to_string(key.integer());
}

void collect(const Value& v, const std::string& name, Leaves& out) {
  const auto under = [&](const std::string& key) { return name + "/" + key; };
  if (v.is(ValueKind::kTensor)) {
    out.tensors[name.empty() ? name : name.substr(1)] = v.tensor();
  } else if (v.is(ValueKind::kDict)) {
    for (size_t i = 0; i < v.items().size(); i += 2) {
      if (name.empty()) out.keys.push_back(key_name(*v.items()[i]));
      collect(*v.items()[i + 1], under(key_name(*v.items()[i])), out);
    }
  } else if (v.is(ValueKind::kList) || v.is(ValueKind::kTuple)) {
    for (size_t i = 0; i < v.items().size(); ++i) {
      collect(*v.items()[i], under(std::to_string(i)), out);
    }
  } else {
    out.others[name.empty() ? name : name.substr(1)] = &v;
  }
}

void check_tensor(const json& want, const Tensor& t) {
  ASSERT_EQ(mt::dtype_name(t.dtype()), want.at("dtype").get<std::string>());
  const auto shape = want.at("shape").get<std::vector<int64_t>>();
  ASSERT_EQ(mt::Dims(t.sizes()), mt::Dims(shape));
  ASSERT_EQ(t.numel(), want.at("numel").get<int64_t>());
  const Tensor flat = mt::contiguous_values(t);
  char crc[16];
  std::snprintf(crc, sizeof crc, "%08x", crc32_of(flat.data(), flat.bytes()));
  EXPECT_EQ(crc, want.at("crc32").get<std::string>());
  const size_t step = mt::dtype_size(t.dtype());
  const auto element = [&](int64_t i) {
    return mt::load_scalar(t.dtype(), flat.data_as<char>() + static_cast<size_t>(i) * step);
  };
  if (want.contains("finite_sum")) {
    double sum = 0, size = 0;
    for (int64_t i = 0; i < t.numel(); ++i) {
      const double v = element(i).to_double();
      if (std::isfinite(v)) sum += v, size += std::fabs(v);
    }
    EXPECT_NEAR(sum, want.at("finite_sum").get<double>(), 1e-6 * size + 1e-30);
  } else if (want.contains("sum") && t.dtype() == mt::DType::kUInt64) {
    long double sum = 0;  // which the manifest has as Python adds, and JSON as a double
    for (int64_t i = 0; i < t.numel(); ++i) sum += static_cast<long double>(element(i).to_uint());
    EXPECT_EQ(static_cast<double>(sum), want.at("sum").get<double>());
  } else if (want.contains("sum")) {
    uint64_t sum = 0;  // wraps
    for (int64_t i = 0; i < t.numel(); ++i) sum += static_cast<uint64_t>(element(i).to_int());
    EXPECT_EQ(static_cast<int64_t>(sum), want.at("sum").get<int64_t>());
  }
  const json& first = want.at("first");
  for (size_t i = 0; i < first.size(); ++i) {
    if (!first[i].is_number()) continue;
    EXPECT_EQ(element(static_cast<int64_t>(i)).to_double(), first[i].get<double>());
  }
}

void check_scalar(const json& want, const Value& v) {
  if (want.is_null()) {
    EXPECT_TRUE(v.is(ValueKind::kNone));
  } else if (want.is_boolean()) {
    ASSERT_TRUE(v.is(ValueKind::kBool));
    EXPECT_EQ(v.integer() != 0, want.get<bool>());
  } else if (want.is_number_integer() && !v.is_big()) {
    ASSERT_TRUE(v.is(ValueKind::kInt));
    EXPECT_EQ(v.integer(), want.get<int64_t>());
  } else if (want.is_number()) {
    // Whoever reads JSON has a double of a number that large.
    double number = 0;
    if (v.is_big()) {
      for (size_t i = v.text().size(); i-- > 0;) {
        number = number * 256 + static_cast<unsigned char>(v.text()[i]);
      }
    } else {
      number = v.real();
    }
    EXPECT_EQ(number, want.get<double>());
  } else if (want.is_string()) {
    ASSERT_TRUE(v.is(ValueKind::kString) || v.is(ValueKind::kBytes) || v.is(ValueKind::kDevice));
    EXPECT_EQ(v.text(), want.get<std::string>());
  }
}

// By the manifest's word: the names of data sets' files say nothing to load().
mt::ValueRef load_any(const std::string& format, const std::string& path) {
  if (format == "idx") return Value::tensor(mt::load_idx(path));
  if (format != "cifar10-bin") return mt::load_value(path);
  const mt::Labelled found = mt::load_cifar(path, 10);
  mt::ValueRef v = Value::container(ValueKind::kDict);
  mt::value_set("load", *v, Value::string("images"), Value::tensor(found.images));
  mt::value_set("load", *v, Value::string("labels"), Value::tensor(found.labels));
  return v;
}

void check_load(const json& entry, const std::string& path) {
  const mt::ValueRef v = load_any(entry.value("format", ""), path);
  Leaves found;
  collect(*v, "", found);
  const json& tensors = entry.at("tensors");
  EXPECT_EQ(found.tensors.size(), tensors.size());
  for (const auto& [name, want] : tensors.items()) {
    SCOPED_TRACE("tensor '" + name + "'");
    ASSERT_EQ(found.tensors.count(name), 1u);
    check_tensor(want, found.tensors[name]);
  }
  if (entry.contains("scalars")) {
    for (const auto& [name, want] : entry.at("scalars").items()) {
      SCOPED_TRACE("value '" + name + "'");
      ASSERT_EQ(found.others.count(name), 1u);
      check_scalar(want, *found.others[name]);
    }
  }
  if (entry.contains("key_order")) {
    EXPECT_EQ(found.keys, entry.at("key_order").get<std::vector<std::string>>());
  }
  if (entry.contains("metadata")) {
    ASSERT_TRUE(v->attributes());
    for (const auto& [key, text] : entry.at("metadata").items()) {
      ASSERT_TRUE(v->attributes()->find(key));
      EXPECT_EQ(v->attributes()->find(key)->text(), text.get<std::string>());
    }
    EXPECT_EQ(mt::map_safetensors(path).size(), tensors.size());
  }
}

// A refusal names the file, says why, and took little memory. `text`: what it must say.
void check_refused(const std::string& format, const std::string& path,
                   const std::string& text = {}) {
  mt::empty_cache();
  mt::reset_peak_memory();
  const int64_t before = mt::memory_stats().current_bytes;
  try {
    load_any(format, path);
    ADD_FAILURE() << path << " was loaded";
  } catch (const mt::Error& e) {
    EXPECT_TRUE(e.status() == mt::Status::kFormat) << e.what();
    EXPECT_NE(e.message().find(fs::path(path).filename().string()), std::string::npos) << e.what();
    EXPECT_NE(e.message().find(text), std::string::npos) << e.what();
    EXPECT_EQ(e.message().rfind("load", 0), 0u) << e.what();
  }
  EXPECT_EQ(mt::memory_stats().current_bytes, before);
  EXPECT_LE(mt::memory_stats().peak_bytes - before,
            static_cast<int64_t>(fs::file_size(path)) + kMemory);
}

class Temporary {
 public:
  Temporary() : path_(fs::temp_directory_path() / ("mt_formats_" + std::to_string(getpid()))) {}
  ~Temporary() { fs::remove(path_); }
  std::string write(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return path_.string();
  }

 private:
  fs::path path_;
};

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void refuse_cut(const std::string& name, const std::string& bytes, size_t length) {
  mt::MemorySource source("load", {reinterpret_cast<const uint8_t*>(bytes.data()), length}, name);
  mt::reset_peak_memory();
  const int64_t before = mt::memory_stats().current_bytes;
  try {
    mt::load_value("load", source);
    ADD_FAILURE() << name << " cut to " << length << " bytes was loaded";
  } catch (const mt::Error& e) {
    EXPECT_TRUE(e.status() == mt::Status::kFormat) << e.what();
  }
  EXPECT_LE(mt::memory_stats().peak_bytes - before, static_cast<int64_t>(bytes.size()) + kMemory);
}

void walk(const std::string& folder) {
  std::ifstream in(folder + "/manifest.json");
  ASSERT_TRUE(in) << folder;
  const json manifest = json::parse(in);
  int loaded = 0, refused = 0, cuts = 0;
  for (const json& entry : manifest.at("files")) {
    const std::string file = entry.at("file"), expect = entry.at("expect");
    const std::string format = entry.value("format", "");
    const std::string path = folder + "/" + file;
    SCOPED_TRACE(file);
    try {
      if (expect == "load") {
        check_load(entry, path);
        ++loaded;
      } else if (expect == "reject") {
        check_refused(format, path, entry.value("message", ""));
        ++refused;
      } else if (expect == "load-or-clear-error") {
        check_refused(format, path);  // this reader's choice for all of them
        ++refused;
      } else if (expect == "truncations-reject") {
        const std::string bytes = bytes_of(path);
        for (size_t n : entry.at("lengths").get<std::vector<size_t>>()) refuse_cut(file, bytes, n);
        for (size_t n = 0; n < bytes.size(); ++n) refuse_cut(file, bytes, n);
        ++cuts;
      } else {
        ADD_FAILURE() << "unknown expectation " << expect;
      }
    } catch (const std::exception& e) {
      ADD_FAILURE() << file << ": " << e.what();
    }
    EXPECT_FALSE(fs::exists(kExecuted)) << "a pickle was run";
  }
  std::cout << folder << ": " << loaded << " loaded, " << refused << " refused, " << cuts
            << " cut at every length\n";
}

TEST(Formats, CommittedFiles) {
  if (!mt::has_zip()) GTEST_SKIP() << "built without zip archives";
  walk(golden_dir() + "/formats");
}

TEST(Formats, SharedFiles) {
  const std::string folder = golden_dir() + "/../../../shared/data/formats";
  if (!fs::exists(folder)) GTEST_SKIP() << "no " << folder << ": the larger set is not tested";
  if (!mt::has_zip()) GTEST_SKIP() << "built without zip archives";
  walk(folder);
}

TEST(Formats, SharedCheckpoints) {
  const std::string folder = golden_dir() + "/../../../shared/data/checkpoints";
  if (!fs::exists(folder)) GTEST_SKIP() << "no " << folder;
  if (!mt::has_zip()) GTEST_SKIP() << "built without zip archives";
  const mt::NamedTensors pth = mt::load_state_dict_file(folder + "/squeezenet1_1.pth");
  mt::LoadOptions map;
  map.map = true;
  const mt::NamedTensors half =
      mt::load_state_dict_file(folder + "/squeezenet1_1_fp16.safetensors", map);
  ASSERT_EQ(pth.size(), 52u);
  EXPECT_EQ(pth[0].first, "features.0.weight");
  EXPECT_EQ(pth[0].second.sizes(), (mt::Dims{64, 3, 3, 3}));
  EXPECT_EQ(pth[51].first, "classifier.1.bias");
  std::map<std::string, Tensor> by_name(half.begin(), half.end());
  ASSERT_EQ(by_name.size(), pth.size());
  for (const auto& [name, t] : pth) {
    ASSERT_EQ(by_name.count(name), 1u) << name;
    EXPECT_EQ(t.sizes(), by_name[name].sizes()) << name;
    EXPECT_EQ(by_name[name].dtype(),
              name.ends_with("bias") ? mt::DType::kFloat32 : mt::DType::kFloat16);
  }
}

}  // namespace
