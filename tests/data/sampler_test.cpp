// Samplers: what they give in closed form, and that they draw no sooner and no more than PyTorch's.
#include "data/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "core/error.h"

namespace mt::data {
namespace {

using Indices = std::vector<int64_t>;

Indices range(int64_t n) {
  Indices out(static_cast<size_t>(n));
  std::iota(out.begin(), out.end(), 0);
  return out;
}

TEST(Sampler, SequentialIsInOrder) {
  EXPECT_EQ(sampler_indices(*sequential_sampler(10000)), range(10000));
  EXPECT_TRUE(sampler_indices(*sequential_sampler(0)).empty());
  EXPECT_THROW(sequential_sampler(-1), Error);
}

TEST(Sampler, RandomIsAPermutationAndAnotherOneEachEpoch) {
  const SamplerRef s = random_sampler(100, false, 0, nullptr);
  const Indices first = sampler_indices(*s), second = sampler_indices(*s);
  EXPECT_NE(first, second);
  Indices sorted = first;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, range(100));
}

TEST(Sampler, MoreSamplesThanThereAre) {
  const SamplerRef s = random_sampler(3, false, 8, std::make_shared<Generator>(1));
  const Indices got = sampler_indices(*s);
  ASSERT_EQ(got.size(), 8u);
  for (int part = 0; part < 2; ++part) {  // whole permutations first
    Indices three(got.begin() + 3 * part, got.begin() + 3 * part + 3);
    std::sort(three.begin(), three.end());
    EXPECT_EQ(three, range(3));
  }
}

TEST(Sampler, DrawsWhenAsked) {
  auto g = std::make_shared<Generator>(5);
  const auto state = [&] { return g->get_state(); };
  const Generator::State before = state();
  const SamplerRef batches = batch_sampler(random_sampler(6, false, 0, g), 3, false);
  const auto stream = batches->begin();
  EXPECT_EQ(state(), before);  // nothing yet
  Indices batch;
  ASSERT_TRUE(stream->next(batch));
  const Generator::State after_first = state();
  EXPECT_NE(after_first, before);
  ASSERT_TRUE(stream->next(batch));
  EXPECT_EQ(state(), after_first);  // of the same permutation
  EXPECT_FALSE(stream->next(batch));
  const Generator::State at_end = state();
  EXPECT_NE(at_end, after_first);  // a last permutation, of which torch uses nothing
  EXPECT_FALSE(stream->next(batch));
  EXPECT_EQ(state(), at_end);
}

TEST(Sampler, WeightsOfZeroAreNeverDrawn) {
  const SamplerRef s = weighted_random_sampler({0, 1, 0, 2}, 200, true, nullptr);
  for (int64_t i : sampler_indices(*s)) EXPECT_TRUE(i == 1 || i == 3);
}

TEST(Sampler, Batches) {
  for (int64_t n = 0; n < 9; ++n) {
    for (int64_t size = 1; size < 5; ++size) {
      for (const bool drop : {false, true}) {
        const SamplerRef s = batch_sampler(sequential_sampler(n), size, drop);
        const auto stream = s->begin();
        Indices batch, all;
        int64_t count = 0;
        for (; stream->next(batch); ++count) all.insert(all.end(), batch.begin(), batch.end());
        EXPECT_EQ(count, s->size());
        EXPECT_EQ(all, range(drop ? n / size * size : n));
      }
    }
  }
  EXPECT_THROW(batch_sampler(sequential_sampler(3), 0, false), Error);
}

}  // namespace
}  // namespace mt::data
