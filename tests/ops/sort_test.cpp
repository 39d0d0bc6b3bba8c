// Sorting, order statistics and searching: closed forms, stability on long rows of every dtype, NaN
// and signed zeros, gradients by differences, and the texts of errors.
#include "ops/sort.h"

#include <algorithm>

#include "ops/creation.h"
#include "ops/histogram.h"
#include "ops/index.h"
#include "ops/ops_testing.h"
#include "ops/search.h"
#include "ops/view.h"

namespace mt::testing {
namespace {

// Values of a small range in an irregular order, so that long rows have many ties.
Tensor scrambled(int64_t n, int64_t range, DType dtype) {
  Doubles v(static_cast<size_t>(n));
  uint32_t state = 1;
  for (double& x : v) {
    state = state * 1664525u + 1013904223u;
    x = static_cast<double>((state >> 16) % static_cast<uint32_t>(range));
  }
  return tensor(v, dtype);
}

TEST(Sort, LongRowsAreSortedAndStable) {
  for (int i = 0; i < kNumComputeDTypes; ++i) {
    const auto dtype = static_cast<DType>(i);
    for (const int64_t n : {5, 32, 33, 1000}) {
      const Tensor x = scrambled(n, dtype == DType::kBool ? 2 : 100, dtype);
      for (const bool descending : {false, true}) {
        const ValuesIndices r = sort(x, 0, descending, true);
        const Doubles values = list(r.values), places = list(r.indices), in = list(x);
        for (size_t k = 0; k < values.size(); ++k) {
          EXPECT_EQ(values[k], in[static_cast<size_t>(places[k])]);
          if (k == 0) continue;
          EXPECT_TRUE(descending ? values[k - 1] >= values[k] : values[k - 1] <= values[k]);
          if (values[k - 1] == values[k]) {
            EXPECT_LT(places[k - 1], places[k]);
          }
        }
      }
    }
  }
}

TEST(Sort, NanIsLargestAndZerosAreEqual) {
  const Tensor x = doubles({kNan, 0.0, kInf, -0.0, -kInf, kNan});
  EXPECT_TRUE(matches(sort(x, 0, false, true).indices, {4, 1, 3, 2, 0, 5}));
  EXPECT_TRUE(matches(sort(x, 0, true, true).indices, {0, 5, 2, 1, 3, 4}));
  EXPECT_TRUE(matches(topk(x, 3).values, {kNan, kNan, kInf}));
}

TEST(Sort, IntegerLimits) {
  const Tensor x = Tensor::empty({{3}}, DType::kInt64);
  x.data_as<int64_t>()[0] = INT64_MAX;
  x.data_as<int64_t>()[1] = INT64_MIN;
  x.data_as<int64_t>()[2] = 0;
  EXPECT_TRUE(matches(argsort(x), {1, 2, 0}));
  EXPECT_TRUE(matches(median(x, 0).indices, {2}));
}

TEST(Sort, DimsAndScalars) {
  const Tensor x = doubles({3, 1, 2, 6, 5, 4}, {2, 3});
  EXPECT_TRUE(matches(sort(x, 0, true).values, {6, 5, 4, 3, 1, 2}));
  EXPECT_TRUE(matches(msort(x), {3, 1, 2, 6, 5, 4}));
  EXPECT_TRUE(matches(sort(doubles({7}, {})).values, {7}));
  EXPECT_EQ(sort(doubles({7}, {})).values.dim(), 0);
  EXPECT_EQ(shape_string(sort(doubles({}, {2, 0})).indices.sizes()), "(2, 0)");
}

TEST(TopK, LargestAndSmallest) {
  const Tensor x = scrambled(1000, 1 << 15, DType::kFloat32);
  Doubles sorted = list(x);
  std::sort(sorted.begin(), sorted.end());
  for (const int64_t k : {1, 10, 500, 1000}) {
    const Doubles largest = list(topk(x, k).values), smallest = list(topk(x, k, 0, false).values);
    for (int64_t i = 0; i < k; ++i) {
      EXPECT_EQ(largest[static_cast<size_t>(i)], sorted[static_cast<size_t>(999 - i)]);
      EXPECT_EQ(smallest[static_cast<size_t>(i)], sorted[static_cast<size_t>(i)]);
      EXPECT_EQ(kthvalue(x, i + 1).values.item().to_double(), sorted[static_cast<size_t>(i)]);
    }
  }
  EXPECT_EQ(error_of([&] { topk(x, 1001); }).message(),
            "topk: k out of range: k 1001, dim 0 of size 1000: k must be in [0, 1000]");
}

TEST(OrderStatistics, MedianAndMode) {
  EXPECT_TRUE(matches(median(doubles({4, 1, 3, 2})), {2}));
  EXPECT_TRUE(matches(median(doubles({4, kNan, 3})), {kNan}));
  EXPECT_TRUE(matches(nanmedian(doubles({4, kNan, 3})), {3}));
  EXPECT_TRUE(matches(nanmedian(doubles({kNan, kNan})), {kNan}));
  EXPECT_TRUE(matches(median(doubles({})), {kNan}));
  EXPECT_TRUE(matches(mode(ints({3, 1, 3, 1, 2})).values, {1}));
  EXPECT_EQ(error_of([] { mode(doubles({}, {2, 0}), 1); }).status(), Status::kIndex);
}

TEST(OrderStatistics, Quantiles) {
  const Tensor x = doubles({0, 1, 2, 3});
  EXPECT_TRUE(matches(quantile(x, number(0.5)), {1.5}));
  EXPECT_TRUE(matches(quantile(x, doubles({0, 0.1, 1})), {0, 0.3, 3}, 1e-15));
  EXPECT_TRUE(matches(quantile(x, number(0.5), {}, false, "lower"), {1}));
  EXPECT_TRUE(matches(quantile(doubles({0, kNan}), number(0.5)), {kNan}));
  EXPECT_TRUE(matches(nanquantile(doubles({5, kNan}), number(0.5)), {5}));
  const Tensor rows = quantile(doubles({1, 2, 3, 4, 5, 6}, {2, 3}), doubles({0, 1}), 1, true);
  EXPECT_EQ(shape_string(rows.sizes()), "(2, 2, 1)");
  EXPECT_TRUE(matches(rows, {1, 4, 3, 6}));
}

TEST(OrderStatistics, Gradients) {
  const Tensor x = doubles({0.3, -1.2, 2.5, 0.9, 1.7, -0.4}, {2, 3});
  expect_gradients([](auto in) { return sort(in[0], 0, true).values; }, {x});
  expect_gradients([](auto in) { return topk(in[0], 2).values; }, {x});
  expect_gradients([](auto in) { return median(in[0], 1).values; }, {x});
  expect_gradients([](auto in) { return kthvalue(in[0], 2, 0).values; }, {x});
  expect_gradients([](auto in) { return quantile(in[0], number(0.3), 1); }, {x});
  EXPECT_EQ(grad_name(sort(with_grad(x)).values), "SortBackward0");
}

TEST(Search, PlacesInSortedRows) {
  const Tensor s = doubles({1, 3, 3, 5});
  EXPECT_TRUE(matches(searchsorted(s, doubles({0, 3, 9, kNan})), {0, 1, 4, 4}));
  EXPECT_TRUE(matches(searchsorted(s, doubles({3}), false, true), {3}));
  EXPECT_TRUE(matches(searchsorted(s, number(4)), {3}));
  EXPECT_EQ(bucketize(doubles({2}), s, true).dtype(), DType::kInt32);
  const Tensor shuffled = doubles({5, 3, 1, 3}), order = ints({2, 1, 3, 0});
  EXPECT_TRUE(matches(searchsorted(shuffled, doubles({3}), false, true, "", order), {3}));
  EXPECT_EQ(error_of([&] {
              searchsorted(shuffled, s, false, false, "", ints({0, 1, 2, 4}));
            }).status(),
            Status::kIndex);
}

TEST(Search, Members) {
  EXPECT_TRUE(matches(isin(doubles({1, 2, kNan}), doubles({2, kNan})), {0, 1, 0}));
  EXPECT_TRUE(matches(isin(doubles({1, 2}), number(2), false, true), {1, 0}));
  EXPECT_TRUE(matches(isin(ints({1, 2}), ints({})), {0, 0}));
}

TEST(Search, DistinctValues) {
  const UniqueResult r = unique(ints({3, 1, 3, 2, 1}), true, true, true);
  EXPECT_TRUE(matches(r.output, {1, 2, 3}));
  EXPECT_TRUE(matches(r.inverse, {2, 0, 2, 1, 0}));
  EXPECT_TRUE(matches(r.counts, {2, 1, 2}));
  const UniqueResult any = unique(ints({3, 1, 3, 2, 1}), false, true, true);
  EXPECT_TRUE(matches(index_select(any.output, 0, any.inverse), {3, 1, 3, 2, 1}));
  const UniqueResult rows = unique_dim(tensor({2, 1, 1, 5, 2, 1}, DType::kInt8, {3, 2}), 0, true);
  EXPECT_TRUE(matches(rows.output, {1, 5, 2, 1}));
  EXPECT_TRUE(matches(rows.inverse, {1, 0, 1}));
  EXPECT_TRUE(matches(unique_consecutive(ints({1, 1, 2, 1})).output, {1, 2, 1}));
  EXPECT_EQ(error_of([] { unique(Tensor::empty({{3}}, DType::kFloat32, Device::kMeta)); }).status(),
            Status::kDevice);
}

TEST(Counting, Bins) {
  EXPECT_TRUE(matches(bincount(ints({0, 2, 2})), {1, 0, 2}));
  EXPECT_TRUE(matches(bincount(ints({1, 1}), doubles({0.5, 0.25}), 3), {0, 0.75, 0}));
  EXPECT_TRUE(matches(histc(doubles({0, 1, 2, 3, kNan, 9}), 3, 0, 3), {1, 1, 2}));
  const TensorList h = histogram(doubles({0, 1, 1, 4}), number(2));
  EXPECT_TRUE(matches(h[0], {3, 1}));
  EXPECT_TRUE(matches(h[1], {0, 2, 4}));
  EXPECT_EQ(error_of([] { bincount(ints({-1})); }).status(), Status::kInvalidArgument);
}

}  // namespace
}  // namespace mt::testing
