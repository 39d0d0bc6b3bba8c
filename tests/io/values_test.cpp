// Value trees: round trips through memory, what is shared, what is refused, state dicts, and zip
// archives with the library's own writer.
#include "io/value.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <functional>

#include "core/error.h"
#include "io/file.h"
#include "io/load.h"
#include "io/npy.h"
#include "io/pickle.h"
#include "io/safetensors.h"
#include "io/zip.h"
#include "nn/module.h"
#include "ops/common.h"

namespace fs = std::filesystem;
using mt::DType;
using mt::Tensor;
using mt::Value;
using mt::ValueKind;
using mt::ValueRef;

namespace {

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const mt::Error& e) {
    return e.message();
  }
  return "no error";
}

ValueRef integer(int64_t v) { return Value::make(ValueKind::kInt, v); }

Tensor counting(mt::Dims sizes, DType dtype) {
  Tensor t = Tensor::empty(sizes, dtype);
  for (int64_t i = 0; i < t.numel(); ++i) {
    mt::store_scalar(dtype, t.data_as<char>() + i * static_cast<int64_t>(mt::dtype_size(dtype)),
                     mt::Scalar(i % 2));
  }
  return t;
}

ValueRef again(const Value& v) {
  const std::string bytes = mt::value_bytes(v);
  mt::MemorySource source("load", {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  return mt::load_value("load", source);
}

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("mt_values_" + std::to_string(getpid()))) {
    fs::create_directory(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

TEST(Values, NumbersComeBack) {
  if (!mt::has_zip()) GTEST_SKIP();
  ValueRef list = Value::container(ValueKind::kList);
  std::vector<int64_t> numbers = {0, 1, 255, 256, 65535, 65536, INT32_MAX, INT64_MAX};
  for (int shift = 7; shift < 63; shift += 8) {
    for (int64_t d : {-1, 0, 1}) numbers.push_back((int64_t{1} << shift) + d);
  }
  for (size_t i = 0, n = numbers.size(); i < n; ++i) numbers.push_back(-numbers[i] - 1);
  for (int64_t n : numbers) mt::value_append("test", *list, integer(n));
  const ValueRef back = again(*list);
  ASSERT_EQ(back->items().size(), numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i) {
    ASSERT_FALSE(back->items()[i]->is_big());
    EXPECT_EQ(back->items()[i]->integer(), numbers[i]);
  }
}

TEST(Values, EverythingComesBackAndStaysShared) {
  if (!mt::has_zip()) GTEST_SKIP();
  ValueRef dict = Value::container(ValueKind::kDict, mt::ValueType::kOrderedDict);
  ValueRef inner = Value::container(ValueKind::kDict);
  const Tensor t = counting({3, 4}, DType::kFloat32);
  const Tensor row = t.alias(mt::Dims{4}, mt::Dims{1}, 4);
  mt::value_set("test", *inner, integer(7), Value::string(std::string("a\0b", 3)));
  mt::value_set("test", *dict, Value::string("t"), Value::tensor(t));
  mt::value_set("test", *dict, Value::string("row"), Value::tensor(row));
  mt::value_set("test", *dict, Value::string("one"), inner);
  mt::value_set("test", *dict, Value::string("two"), inner);
  mt::value_set("test", *dict, Value::string("bytes"),
                Value::make(ValueKind::kBytes, std::string("\0\x7f\x80\xff", 4)));
  mt::value_set("test", *dict, Value::string("size"),
                Value::make(ValueKind::kTuple, Value::Items{integer(3)}, mt::ValueType::kSize));
  mt::value_set("test", *dict, Value::string("dtype"),
                Value::make(ValueKind::kDType, static_cast<int64_t>(DType::kBFloat16)));
  mt::value_set("test", *dict, Value::string("device"),
                Value::make(ValueKind::kDevice, std::string("cuda:1")));
  ValueRef set = Value::container(ValueKind::kSet);
  mt::value_append("test", *set, integer(5));
  mt::value_set("test", *dict, Value::string("set"), set);
  ValueRef attributes = Value::container(ValueKind::kDict);
  mt::value_set("test", *attributes, Value::string("_metadata"), integer(1));
  dict->set_attributes(attributes);

  const ValueRef back = again(*dict);
  EXPECT_EQ(mt::value_type_name(*back), "collections.OrderedDict");
  const Tensor t2 = back->find("t")->tensor(), row2 = back->find("row")->tensor();
  EXPECT_EQ(t2.storage().get(), row2.storage().get());
  EXPECT_EQ(row2.offset(), 4);
  EXPECT_EQ(std::memcmp(t2.data(), t.data(), t.bytes()), 0);
  EXPECT_EQ(back->find("one"), back->find("two"));
  EXPECT_EQ(back->find("one")->items()[1]->text(), std::string("a\0b", 3));
  EXPECT_EQ(back->find("bytes")->text(), std::string("\0\x7f\x80\xff", 4));
  EXPECT_EQ(mt::value_type_name(*back->find("size")), "torch.Size");
  EXPECT_EQ(back->find("dtype")->integer(), static_cast<int64_t>(DType::kBFloat16));
  EXPECT_EQ(back->find("device")->text(), "cuda:1");
  EXPECT_EQ(back->find("set")->items()[0]->integer(), 5);
  EXPECT_EQ(back->attributes()->find("_metadata")->integer(), 1);
}

void refused(const Value& v, const std::string& text) {
  try {
    mt::value_bytes(v);
    ADD_FAILURE() << "was written";
  } catch (const mt::Error& e) {
    EXPECT_TRUE(e.status() == mt::Status::kDType);
    EXPECT_NE(std::string(e.what()).find(text), std::string::npos) << e.what();
  }
}

TEST(Values, DTypesOfNewerPyTorchAreNotWritten) {
  refused(*Value::make(ValueKind::kDType, static_cast<int64_t>(DType::kUInt32)),
          "the dtype uint32");
}

TEST(Values, EveryDTypeComesBack) {
  Folder folder;
  for (int i = 0; i < mt::kNumDTypes; ++i) {
    const auto dtype = static_cast<DType>(i);
    if (mt::is_complex(dtype)) continue;
    const Tensor t = counting({2, 3}, dtype), scalar = counting({}, dtype),
                 empty = counting({0, 2}, dtype),
                 turned = t.alias(mt::Dims{3, 2}, mt::Dims{1, 3}, 0);
    const auto same = [](const Tensor& a, const Tensor& b) {
      ASSERT_EQ(a.dtype(), b.dtype());
      ASSERT_EQ(a.sizes(), b.sizes());
      const Tensor x = mt::contiguous_values(a), y = mt::contiguous_values(b);
      if (x.numel() == 0) return;
      EXPECT_EQ(std::memcmp(x.data(), y.data(), x.bytes()), 0);
    };
    for (const Tensor& each : {t, scalar, empty, turned}) {
      if (mt::is_barebones(dtype)) {  // PyTorch 1.13 could not read it
        refused(*Value::tensor(each),
                std::string(mt::dtype_name(dtype)) + ", which PyTorch before");
      } else if (mt::has_zip()) {
        same(again(*Value::tensor(each))->tensor(), each);
      }
      if (dtype == DType::kBFloat16) continue;
      mt::save_npy(folder / "a.npy", each);
      same(mt::load_npy(folder / "a.npy"), each);
      for (bool compressed : {false, true}) {
        if (!mt::has_zip()) continue;
        mt::save_npz(folder / "a.npz", {{"x", each}, {"y/z", t}}, compressed);
        const mt::NamedTensors back = mt::load_npz(folder / "a.npz");
        ASSERT_EQ(back.size(), 2u);
        EXPECT_EQ(back[1].first, "y/z");
        same(back[0].second, each);
      }
    }
    const mt::NamedTensors list = {{"a", t}, {"b", turned}, {"c", empty}, {"d", scalar}};
    mt::save_safetensors(folder / "a.safetensors", list);
    const mt::NamedTensors mapped = mt::map_safetensors(folder / "a.safetensors");
    ASSERT_EQ(mapped.size(), 4u);
    for (size_t k = 0; k < 4; ++k) same(mapped[k].second, list[k].second);
  }
}

TEST(Values, MappedTensorsArePrivateAndOutliveTheFile) {
  Folder folder;
  const std::string path = folder / "m.safetensors";
  mt::save_safetensors(path, {{"a", counting({1000}, DType::kFloat32)}});
  const Tensor a = mt::map_safetensors(path)[0].second;
  a.data_as<float>()[0] = 42;
  EXPECT_EQ(mt::load_safetensors(path)[0].second.data_as<float>()[0], 0);
  // Saving replaces the file; the old one lives on in the mapping.
  mt::save_safetensors(path, {{"b", counting({1}, DType::kFloat32)}});
  EXPECT_EQ(a.data_as<float>()[0], 42);
  EXPECT_EQ(a.data_as<float>()[999], 1);
  EXPECT_NE(message_of([&] { mt::map_safetensors(folder / "none"); }).find("cannot open"),
            std::string::npos);
}

TEST(Values, CyclesAndBadKeysAreRefused) {
  ValueRef a = Value::container(ValueKind::kList), b = Value::container(ValueKind::kDict);
  mt::value_append("test", *a, b);
  EXPECT_NE(message_of([&] { mt::value_set("test", *b, integer(1), a); }).find("cycle"),
            std::string::npos);
  EXPECT_NE(message_of([&] { mt::value_append("test", *a, a); }).find("cycle"), std::string::npos);
  EXPECT_NE(message_of([&] { mt::value_set("test", *b, a, integer(1)); }).find("bad key"),
            std::string::npos);
  EXPECT_NE(message_of([&] { mt::value_append("test", *b, a); }).find("wrong kind"),
            std::string::npos);
  // 1 and True are one key in Python; "1" is another.
  mt::value_set("test", *b, integer(1), integer(2));
  mt::value_set("test", *b, Value::make(ValueKind::kBool, int64_t{1}), integer(3));
  mt::value_set("test", *b, Value::string("1"), integer(4));
  ASSERT_EQ(b->count(), 2u);
  EXPECT_EQ(b->items()[1]->integer(), 3);
}

TEST(Values, DeepTreesEndWithoutADeepStack) {
  ValueRef v = Value::container(ValueKind::kList);
  for (int i = 0; i < 1000000; ++i) {
    ValueRef outer = Value::container(ValueKind::kList);
    outer->items().push_back(std::move(v));
    v = std::move(outer);
  }
  EXPECT_NE(message_of([&] { mt::value_bytes(*v); }).find("too deep"), std::string::npos);
}

TEST(Values, StateDictsAreFound) {
  const Tensor t = counting({1}, DType::kFloat32), u = counting({2}, DType::kFloat32);
  const auto entry = [](ValueRef d, const char* key, ValueRef item) {
    mt::value_set("test", *d, Value::string(key), std::move(item));
    return d;
  };
  const auto dict = [] { return Value::container(ValueKind::kDict); };
  ValueRef state = entry(entry(dict(), "module.a", Value::tensor(t)), "b", Value::tensor(u));
  ValueRef file =
      entry(entry(dict(), "epoch", integer(3)), "model", entry(dict(), "state_dict", state));
  const auto names = [&](const mt::LoadOptions& options) {
    std::string out;
    for (const auto& item : mt::state_dict_of("test", *file, options)) out += item.first + " ";
    return out;
  };
  EXPECT_EQ(names({}), "module.a b ");
  mt::LoadOptions options;
  options.strip_prefix = "module.";
  EXPECT_EQ(names(options), "a b ");
  options.key = "model/state_dict";
  EXPECT_EQ(names(options), "a b ");
  options.key = "";
  EXPECT_EQ(names(options), "model.state_dict.module.a model.state_dict.b ");
  options.key = "model/ema";
  EXPECT_NE(message_of([&] { names(options); }).find("no 'ema'"), std::string::npos);
  options.key = "model/state_dict";
  options.strip_prefix = "module.";
  entry(state, "a", Value::tensor(u));
  EXPECT_NE(message_of([&] { names(options); }).find("repeated name"), std::string::npos);
}

TEST(Values, LimitsHold) {
  if (!mt::has_zip()) GTEST_SKIP();
  Folder folder;
  Tensor zeros = Tensor::empty({{1 << 20}}, DType::kFloat32);
  std::memset(zeros.data(), 0, zeros.bytes());
  mt::save_npz(folder / "z.npz", {{"z", zeros}}, true);
  EXPECT_LT(fs::file_size(folder / "z.npz"), 10000u);
  EXPECT_EQ(mt::load_npz(folder / "z.npz")[0].second.numel(), 1 << 20);
  EXPECT_NE(message_of([&] { mt::load_npz(folder / "z.npz", 1 << 20); }).find("max_bytes"),
            std::string::npos);
  EXPECT_NE(message_of([&] {
              mt::save_npy(folder / "b.npy", Tensor::empty({{2}}, DType::kBFloat16));
            }).find("bfloat16"),
            std::string::npos);
  EXPECT_FALSE(fs::exists(folder / "b.npy"));
  const Tensor meta = Tensor::empty({{2}}, DType::kFloat32, mt::Device::kMeta);
  EXPECT_NE(
      message_of([&] { mt::save_value(folder / "m.pth", *Value::tensor(meta)); }).find("meta"),
      std::string::npos);
  EXPECT_FALSE(fs::exists(folder / "m.pth"));
}

}  // namespace
