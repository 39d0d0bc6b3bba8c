// cat, stack and their counterparts split, chunk and unbind.
#include "ops/join.h"

#include "ops/arithmetic.h"
#include "ops/creation.h"
#include "ops/ops_testing.h"
#include "ops/view.h"

namespace mt {
namespace {

using namespace mt::testing;
using List = std::vector<Tensor>;

TEST(Join, Cat) {
  const Tensor a = tensor({1, 2, 3, 4}, DType::kFloat32, {2, 2});
  const Tensor b = tensor({5, 6}, DType::kFloat32, {2, 1});
  EXPECT_TRUE(matches(cat(List{a, b}, -1), {1, 2, 5, 3, 4, 6}));
  EXPECT_TRUE(matches(cat(List{t(a), t(b)}), {1, 3, 2, 4, 5, 6}));
  EXPECT_EQ(cat(List{ints({1}), tensor({0.5})}).dtype(), DType::kFloat32);
  EXPECT_EQ(cat(List{zeros(Dims{0}), a}, 1).sizes(), (Dims{2, 2}));
  EXPECT_EQ(cat(List{zeros(Dims{0}), zeros(Dims{0})}, 1).sizes(), (Dims{0}));
  EXPECT_EQ(cat(List{zeros(Dims{2, 0}), a}, 1).sizes(), (Dims{2, 2}));
  EXPECT_EQ(error_of([&] { cat(List{}); }).status(), Status::kInvalidArgument);
  EXPECT_EQ(error_of([&] { cat(List{a, number(1)}); }).status(), Status::kShape);
  EXPECT_EQ(
      error_of([&] {
        cat(List{a, b}, 0);
      }).message(),
      "cat: shape mismatch: tensor 1 of shape (2, 1) beside (2, 2) along dim 0: all sizes but "
      "that of dim 0 must be equal");
  EXPECT_EQ(error_of([&] { cat(List{a, Tensor()}); }).status(), Status::kNullArgument);
  EXPECT_EQ(error_of([&] { cat(List{a}, 2); }).status(), Status::kIndex);
  EXPECT_EQ(error_of([&] { cat(List{a, to_device(a, Device::kMeta)}); }).status(), Status::kDevice);
}

TEST(Join, Stack) {
  const Tensor a = tensor({1, 2}), b = tensor({3, 4});
  EXPECT_TRUE(matches(stack(List{a, b}), {1, 2, 3, 4}));
  EXPECT_TRUE(matches(stack(List{a, b}, -1), {1, 3, 2, 4}));
  EXPECT_EQ(stack(List{number(1), number(2)}).sizes(), (Dims{2}));
  EXPECT_EQ(error_of([&] { stack(List{a, number(1)}); }).status(), Status::kShape);
  EXPECT_TRUE(matches(hstack(List{number(1), number(2)}), {1, 2}));
  EXPECT_EQ(vstack(List{a, b}).sizes(), (Dims{2, 2}));
}

TEST(Join, SplitChunkUnbind) {
  const Tensor x = tensor({0, 1, 2, 3, 4, 5, 6}, DType::kFloat64);
  const TensorList s = split(x, 3);
  ASSERT_EQ(s.size(), 3);
  EXPECT_TRUE(matches(s[2], {6}));
  const TensorList c = chunk(x, 4);
  ASSERT_EQ(c.size(), 4);
  EXPECT_EQ(c[3].numel(), 1);
  EXPECT_EQ(chunk(x, 5).size(), 4);
  EXPECT_EQ(chunk(zeros(Dims{0}), 3).size(), 3);
  EXPECT_EQ(split(zeros(Dims{0}), 0).size(), 1);
  EXPECT_TRUE(matches(split_with_sizes(x, Dims{0, 2, 5})[1], {0, 1}));
  EXPECT_EQ(unbind(x).size(), 7);
  EXPECT_EQ(error_of([&] { split(x, 0); }).status(), Status::kInvalidArgument);
  EXPECT_EQ(error_of([&] { split_with_sizes(x, Dims{3, 3}); }).status(), Status::kInvalidArgument);
  EXPECT_EQ(error_of([&] { split_with_sizes(x, Dims{8, -1}); }).status(), Status::kInvalidArgument);
  EXPECT_EQ(error_of([&] { chunk(x, 0); }).status(), Status::kInvalidArgument);
  EXPECT_EQ(error_of([&] { unbind(number(1)); }).status(), Status::kIndex);
}

TEST(Join, Gradients) {
  using In = std::span<const Tensor>;
  const Tensor a = doubles({.1, .2, .3, .4, .5, .6}, {2, 3});
  const Tensor b = doubles({.7, .8, .9, 1, 1.1, 1.2}, {2, 3});
  for (const TensorFn& f : std::vector<TensorFn>{
           [](In in) { return mul(cat(in, 1), cat(in, 1)); },
           [](In in) { return mul(stack(in, 1), stack(in, 1)); },
           [](In in) { return mul(stack(in, -1), stack(in, -1)); },
           [](In in) { return mul(split(in[0], 2, 1)[0], split(in[1], 2, 1)[0]); },
           [](In in) { return mul(chunk(in[0], 2, 1)[1], unbind(in[1], 1)[2]); },
           [](In in) {
             const TensorList p = split_with_sizes(in[0], Dims{1, 2}, 1);
             return mul(p[0], p[1]);
           },
           [](In in) {
             return cat(List{in[0], in[1], in[0]}, 0);
           },
       }) {
    expect_gradients(f, {clone(a), clone(b)});
  }
}

TEST(Join, AnUnusedPartHasZeroGradientAndASkippedOneAnEmptyOne) {
  const Tensor x = with_grad(doubles({1, 2, 3}));
  EXPECT_EQ(grad_name(split(x, 2)[0]), "SplitBackward0");
  const Tensor y = sum_to_size(split(x, 2)[0], Dims());
  EXPECT_TRUE(matches(grad({&y, 1}, {&x, 1})[0], {1, 1, 0}));
  const Tensor none = with_grad(zeros(Dims{0}, DType::kFloat64));
  const Tensor z = sum_to_size(cat(List{none, x}), Dims());
  backward({&z, 1});
  EXPECT_EQ(grad_of(none).sizes(), (Dims{0}));
}

}  // namespace
}  // namespace mt
