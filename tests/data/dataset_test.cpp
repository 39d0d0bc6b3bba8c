// Data sets made of tensors and of each other: sizes, indices, splits, batches and errors.
#include "data/dataset.h"

#include <gtest/gtest.h>

#include <set>

#include "core/error.h"
#include "ops/arithmetic.h"
#include "ops/random.h"

namespace mt::data {
namespace {

DatasetRef counting(int64_t n) {
  std::vector<Tensor> fields;
  for (int f = 0; f < 2; ++f) {
    Tensor t = Tensor::empty({{n}}, DType::kInt64);
    for (int64_t i = 0; i < n; ++i) t.data_as<int64_t>()[i] = i + 100 * f;
    fields.push_back(t);
  }
  return tensor_dataset(std::move(fields));
}

int64_t value(const Sample& s, size_t field = 0) { return *s[field].data_as<int64_t>(); }

std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.message();
  }
  return "";
}

TEST(Dataset, Indices) {
  const DatasetRef d = counting(5);
  EXPECT_EQ(value(sample_at(*d, 3)), 3);
  EXPECT_EQ(value(sample_at(*d, -1), 1), 104);
  EXPECT_NE(message([&] { sample_at(*d, 5); }).find("index 5 of a data set of 5"),
            std::string::npos);
  EXPECT_THROW(sample_at(*d, -6), Error);
  EXPECT_THROW(tensor_dataset({}), Error);
  EXPECT_THROW(tensor_dataset({Tensor::empty({{2}}), Tensor::empty({{3}})}), Error);
}

TEST(Dataset, PartsOfParts) {
  const DatasetRef both = concat_dataset({counting(3), counting(2)});
  EXPECT_EQ(both->size(), 5);
  EXPECT_EQ(value(both->get(4)), 1);
  const DatasetRef some = subset(both, {4, -5, 2});
  EXPECT_EQ(value(some->get(0)), 1);
  EXPECT_EQ(value(some->get(1)), 0);
  EXPECT_EQ(value(some->get(2)), 2);
  EXPECT_THROW(concat_dataset({}), Error);
}

TEST(Dataset, SplitsCoverTheWhole) {
  Generator g(1);
  for (const std::vector<double>& lengths :
       {std::vector<double>{0.5, 0.5}, {1.0 / 3, 1.0 / 3, 1.0 / 3}, {7, 0, 4}, {1}, {11}}) {
    std::set<int64_t> seen;
    int64_t n = 0;
    for (const DatasetRef& part : random_split(counting(11), lengths, g)) {
      for (int64_t i = 0; i < part->size(); ++i, ++n) seen.insert(value(part->get(i)));
    }
    EXPECT_EQ(n, 11);
    EXPECT_EQ(seen.size(), 11u);
  }
  for (const std::vector<double>& lengths :
       {std::vector<double>{0.5, 0.4}, {12}, {1.5, 9.5}, {-1, 12}, {}, {1e300, 11}}) {
    EXPECT_THROW(random_split(counting(11), lengths, g), Error);
  }
}

TEST(Dataset, BatchesAndTheirErrors) {
  const DatasetRef d = mapped_dataset(
      counting(4), [](const Tensor& t) { return add(t, t); }, nullptr);
  const int64_t indices[] = {3, 0, 1};
  const Sample batch = get_batch(*d, indices, nullptr);
  ASSERT_EQ(batch.size(), 2u);
  EXPECT_EQ(batch[0].sizes(), Dims({3}));
  EXPECT_EQ(batch[0].data_as<int64_t>()[0], 6);
  const int64_t wrong[] = {1, 9};
  EXPECT_EQ(message([&] { get_batch(*d, wrong, nullptr); }).rfind("sample 9: dataset: index", 0),
            0u);
  const std::vector<Sample> uneven = {{label_tensor(1)}, {label_tensor(1), label_tensor(2)}};
  EXPECT_THROW(default_collate(uneven), Error);
  EXPECT_THROW(get_batch(*d, {}, nullptr), Error);
}

TEST(Dataset, SeedsOfSamplesDiffer) {
  std::set<uint64_t> seen;
  for (uint64_t base = 0; base < 4; ++base) {
    for (uint64_t epoch = 0; epoch < 4; ++epoch) {
      for (int64_t i = 0; i < 100; ++i) seen.insert(sample_seed(base, epoch, i));
    }
  }
  EXPECT_EQ(seen.size(), 1600u);
}

TEST(Dataset, ASampleDrawsFromItsOwnGenerator) {
  manual_seed(1);
  const Generator::State before = default_generator().get_state();
  const uint64_t seed = 9;
  Generator same(seed);
  const Sample s = take_sample(0, &seed, [] { return Sample{mt::rand({{3}})}; });
  const Tensor want = mt::rand({{3}}, DType::kFloat32, Device::kCPU, &same);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(s[0].data_as<float>()[i], want.data_as<float>()[i]);
  EXPECT_EQ(default_generator().get_state(), before);
}

}  // namespace
}  // namespace mt::data
