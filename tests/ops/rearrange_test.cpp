// Rearrangement, indexed folds and contractions where a table of cases cannot say it: aliasing,
// in-place history, equations and extreme arguments.
#include "ops/rearrange.h"

#include "ops/contract.h"
#include "ops/creation.h"
#include "ops/index_more.h"
#include "ops/ops_testing.h"
#include "ops/arithmetic.h"
#include "ops/reduce.h"

namespace mt::testing {
namespace {

TEST(Rearrange, ResultsAreNewTensors) {
  const Tensor x = doubles({1, 2, 3});
  for (const Tensor& y : {flip(x, Dims{}), roll(x, Dims{3}, Dims{0}), repeat(x, Dims{1}),
                          tile(x, Dims{1}), constant_pad_nd(x, Dims{0, 0}, 0)}) {
    EXPECT_NE(y.data(), x.data());
    EXPECT_TRUE(matches(y, {1, 2, 3}));
  }
}

TEST(Rearrange, ResizeKeepsStorageOrder) {
  const Tensor x = doubles({1, 2, 3, 4, 5, 6}, {2, 3});
  resize_(x, Dims{3, 1});
  EXPECT_TRUE(matches(x, {1, 2, 3}));
  resize_(x, Dims{2, 5});
  EXPECT_EQ(x.numel(), 10);
  EXPECT_EQ(list(x)[5], 6);
  const Error e = error_of([&] { resize_(with_grad(doubles({1})), Dims{2}); });
  EXPECT_EQ(e.status(), Status::kAutograd);
}

TEST(Rearrange, CombinationsOfManyDoNotHang) {
  EXPECT_EQ(combinations(doubles({1, 2}), 5).sizes(), (Dims{0, 5}));
  const Tensor many = arange(int64_t{60});
  const Error e = error_of([&] { combinations(many, 30); });
  EXPECT_NE(e.status(), Status::kOk);
}

TEST(Rearrange, GradientsByDifferences) {
  const Tensor x = doubles({0.5, -1, 2, 3, 0.25, -0.75}, {2, 3});
  expect_gradients([](auto in) { return roll(flip(in[0], Dims{1}), Dims{1}, Dims{-1}); }, {x});
  expect_gradients([](auto in) { return constant_pad_nd(in[0], Dims{-1, 2, 1, 0}, 3); }, {x});
  expect_gradients([](auto in) { return slice_scatter(in[0], in[1], 1, 0, 2); },
                   {x, doubles({1, 2, 3, 4}, {2, 2})});
}

TEST(IndexMore, FoldsMeetAtOnePlace) {
  const Tensor x = doubles({1, 2, 3}), at = ints({0, 0, 2}), src = doubles({4, 0, 5});
  EXPECT_TRUE(matches(scatter_reduce(x, 0, at, src, "prod"), {0, 2, 15}));
  EXPECT_TRUE(matches(scatter_reduce(x, 0, at, src, "amax", false), {4, 2, 5}));
  EXPECT_TRUE(matches(scatter_reduce(x, 0, at, src, "mean", false), {2, 2, 5}));
  const auto g =
      gradients([&](auto in) { return scatter_reduce(in[0], 0, at, in[1], "prod"); }, {x, src});
  EXPECT_TRUE(matches(g[0], {0, 1, 5}));
  EXPECT_TRUE(matches(g[1], {0, 4, 3}));  // the only zero gets the product of the others
}

TEST(IndexMore, InPlaceKeepsHistory) {
  const Tensor x = with_grad(doubles({1, 2, 3})), v = with_grad(doubles({5}));
  Tensor y = mul(x, Tensor::from_scalar(2.0));
  index_copy_(y, 0, ints({1}), v);
  const Tensor total = sum(y);
  const Tensor inputs[] = {x, v};
  const auto g = grad({&total, 1}, inputs, {});
  EXPECT_TRUE(matches(g[0], {2, 0, 2}));
  EXPECT_TRUE(matches(g[1], {1}));
}

TEST(Einsum, EquationsAndErrors) {
  const Tensor a = doubles({1, 2, 3, 4}, {2, 2}), b = doubles({5, 6, 7, 8}, {2, 2});
  const Tensor two[] = {a, b}, one[] = {a};
  EXPECT_TRUE(matches(einsum("ij,jk->ik", two), {19, 22, 43, 50}));
  EXPECT_TRUE(matches(einsum(" i j , j k -> k i ", two), {19, 43, 22, 50}));
  EXPECT_TRUE(matches(einsum("ij,jk", two), {19, 22, 43, 50}));
  EXPECT_TRUE(matches(einsum("ii", one), {5}));
  EXPECT_TRUE(matches(einsum("...", one), {1, 2, 3, 4}));
  for (const char* bad :
       {"ij,jk->iz", "ij", "i..j,jk", "ij,jk->ii", "ij,j?", "", "->", "ij,jk->i->k"}) {
    EXPECT_NE(error_of([&] { einsum(bad, two); }).status(), Status::kOk) << bad;
  }
}

TEST(Contract, ChainsAndGradients) {
  const Tensor a = doubles({1, 2, 3, 4, 5, 6}, {2, 3}), b = doubles({1, 0, 2, 1, 0, 3}, {3, 2});
  const Tensor chain[] = {a, b, a};
  EXPECT_TRUE(matches(chain_matmul(chain), list(chain_matmul(std::span(chain, 3)))));
  expect_gradients([](auto in) { return linalg_multi_dot(in); }, {a, b, a});
  expect_gradients([](auto in) { return tensordot(in[0], in[1], Dims{1}, Dims{0}); }, {a, b});
  expect_gradients([](auto in) { return cdist(in[0], in[1]); }, {a, doubles({0, 1, 5}, {1, 3})});
}

}  // namespace
}  // namespace mt::testing
