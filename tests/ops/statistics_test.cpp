// Running values, differences, integrals, statistics and segments: closed forms, zeros in products,
// infinities in log-sums, and the texts of errors.
#include "ops/statistics.h"

#include <algorithm>

#include "ops/creation.h"
#include "ops/cumulative.h"
#include "ops/ops_testing.h"
#include "ops/random.h"

namespace mt::testing {
namespace {

TEST(Running, Values) {
  EXPECT_TRUE(matches(cumprod(ints({2, 3, 4}, DType::kInt8), 0), {2, 6, 24}));
  EXPECT_EQ(cumprod(ints({2}, DType::kInt8), 0).dtype(), DType::kInt64);
  const ValuesIndices r = cummax(doubles({1, 3, 3, kNan, 5}), 0);
  EXPECT_TRUE(matches(r.values, {1, 3, 3, kNan, kNan}));
  EXPECT_TRUE(matches(r.indices, {0, 1, 2, 3, 3}));
  EXPECT_TRUE(matches(logcumsumexp(doubles({-kInf, 0, 0, kInf, 1}), 0),
                      {-kInf, 0, std::log(2.0), kInf, kInf}, 1e-15));
  Tensor x = doubles({1, 2, 3});
  cumsum_(x, 0);
  EXPECT_TRUE(matches(x, {1, 3, 6}));
}

TEST(Running, GradientOfProductsWithZeros) {
  for (const Doubles& v :
       {Doubles{2, 3, -4}, Doubles{2, 0, -4}, Doubles{0, 3, 0, 5}, Doubles{0, 0, 1}}) {
    expect_gradients([](auto in) { return cumprod(in[0], 0); }, {doubles(v)});
  }
  expect_gradients([](auto in) { return logcumsumexp(in[0], 0); }, {doubles({0.5, -2, 1.5})});
  expect_gradients([](auto in) { return cummin(in[0], 0).values; }, {doubles({0.5, -2, 1.5})});
}

TEST(Differences, ClosedForms) {
  EXPECT_TRUE(matches(diff(doubles({1, 4, 9, 16}), 2), {2, 2}));
  EXPECT_TRUE(matches(diff(bools({1, 0, 0})), {1, 0}));
  EXPECT_TRUE(matches(diff(doubles({1}), 3), {}));
  const Tensor squares = doubles({0, 1, 4, 9});
  EXPECT_TRUE(matches(gradient(squares, {}, {}, 2)[0], {0, 2, 4, 6}, 1e-12));
  const Tensor at[] = {doubles({0, 1, 3, 4})};
  EXPECT_TRUE(matches(gradient(doubles({0, 1, 9, 16}), at, {}, 2)[0], {0, 2, 6, 8}, 1e-12));
  EXPECT_TRUE(matches(trapezoid(doubles({0, 1, 2}), doubles({0, 1, 3})), {3.5}));
  EXPECT_TRUE(matches(cumulative_trapezoid(doubles({0, 1, 2}), 2), {1, 4}));
}

TEST(Statistics, ClosedForms) {
  EXPECT_TRUE(matches(nansum(doubles({1, kNan, 2})), {3}));
  EXPECT_TRUE(matches(nanmean(doubles({1, kNan, 2})), {1.5}));
  EXPECT_TRUE(matches(count_nonzero(doubles({0, kNan, 2})), {2}));
  EXPECT_TRUE(matches(trace(doubles({1, 2, 3, 4}, {2, 2})), {5}));
  EXPECT_TRUE(matches(cov(doubles({1, 2, 3, 2, 4, 6}, {2, 3})), {1, 2, 2, 4}));
  EXPECT_TRUE(matches(corrcoef(doubles({1, 2, 3, 6, 4, 2}, {2, 3})), {1, -1, -1, 1}, 1e-15));
  EXPECT_TRUE(matches(dist(doubles({1, 5}), doubles({4, 1})), {5}));
  EXPECT_TRUE(
      matches(renorm(doubles({3, 4, 0.3, 0.4}, {2, 2}), 2, 0, 1), {0.6, 0.8, 0.3, 0.4}, 1e-7));
  EXPECT_TRUE(matches(normalize(doubles({3, 4}), 2, {{0}}), {0.6, 0.8}, 1e-15));
}

TEST(Segments, ReductionsAndGradients) {
  const Tensor x = doubles({1, 2, 3, 4, 5}), lengths = ints({2, 0, 3});
  EXPECT_TRUE(matches(segment_reduce(x, "sum", lengths), {3, 0, 12}));
  EXPECT_TRUE(matches(segment_reduce(x, "mean", lengths), {1.5, kNan, 4}));
  EXPECT_TRUE(matches(segment_reduce(x, "max", lengths), {2, -kInf, 5}));
  EXPECT_TRUE(matches(segment_reduce(x, "prod", {}, ints({1, 3, 5}), 0, 2), {12, 40}));
  for (const char* kind : {"sum", "mean", "max", "min", "prod"}) {
    expect_gradients(
        [&](auto in) {
          return segment_reduce(in[0], kind, ints({2, 3}), {}, 0, Scalar(0.5));
        },
        {x});
  }
  EXPECT_TRUE(matches(gradients(
                          [](auto in) {
                            return segment_reduce(in[0], "prod", ints({3, 2}));
                          },
                          {doubles({2, 0, 3, 0, 0})})[0],
                      {0, 6, 0, 0, 0}));
  EXPECT_EQ(
      error_of([&] { segment_reduce(x, "sum", ints({9})); }).message(),
      "segment_reduce: lengths out of range: segment 0 starts at 0 with length 9: must lie in "
      "an axis of size 5");
}

TEST(Multinomial, DrawsWithTheWeightsGiven) {
  manual_seed(3);
  const Tensor p = doubles({0, 1, 0, 3});
  const Doubles draws = list(multinomial(p, 4000, true));
  int counts[4] = {};
  for (const double d : draws) ++counts[static_cast<int>(d)];
  EXPECT_EQ(counts[0] + counts[2], 0);
  EXPECT_NEAR(counts[3], 3000, 150);
  Doubles all = list(multinomial(doubles({1, 1, 1}), 3));
  std::sort(all.begin(), all.end());
  EXPECT_TRUE(matches(all, {0, 1, 2}));
  EXPECT_EQ(error_of([] { multinomial(doubles({0, 0}), 1); }).status(), Status::kInvalidArgument);
  EXPECT_EQ(error_of([] { multinomial(doubles({1, -1}), 1); }).status(), Status::kInvalidArgument);
}

}  // namespace
}  // namespace mt::testing
