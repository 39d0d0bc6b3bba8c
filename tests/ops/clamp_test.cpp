// clamp with number and tensor bounds, hardtanh: values, dtype rules and gradients as PyTorch's.
#include "ops/clamp.h"

#include "ops/arithmetic.h"
#include "ops/ops_testing.h"

namespace mt {
namespace {

using namespace mt::testing;  // NOLINT
using Span = std::span<const Tensor>;

TEST(Clamp, NumberBounds) {
  const Tensor f = tensor({1.5, -2.5, kNan, kInf});
  EXPECT_TRUE(matches(clamp(f, number(0), number(1)), {1, 0, kNan, 1}));
  EXPECT_TRUE(matches(clamp(f, number(1), number(0)), {0, 0, kNan, 0}));
  EXPECT_TRUE(matches(clamp(f, {}, number(0.5)), {0.5, -2.5, kNan, 0.5}));
  EXPECT_TRUE(matches(clamp(f, number(-1), {}), {1.5, -1, kNan, kInf}));
  EXPECT_TRUE(matches(clamp(f, number(kNan), number(1)), {kNan, kNan, kNan, kNan}));
  EXPECT_TRUE(matches(clamp_max(f, number(kNan)), {kNan, kNan, kNan, kNan}));
  EXPECT_TRUE(matches(clamp_min(f, number(0)), {1.5, 0, kNan, kInf}));
  EXPECT_TRUE(matches(clamp_max(f, number(0)), {0, -2.5, kNan, 0}));
}

TEST(Clamp, Integers) {
  const Tensor i = ints({-3, 2});
  EXPECT_EQ(clamp(i, number(0.5), {}).dtype(), DType::kFloat32);
  EXPECT_TRUE(matches(clamp(i, number(0.5), number(1)), {0.5, 1}));
  EXPECT_TRUE(matches(clamp(i, number(0), {}), {0, 2}));
  EXPECT_TRUE(matches(clamp(i, {}, number(-1)), {-3, -1}));
  const Tensor u = ints({3, 200}, DType::kUInt8);
  EXPECT_TRUE(matches(clamp(u, number(-1), number(10)), {10, 10}));  // -1 wraps to 255
  EXPECT_TRUE(matches(clamp(u, {}, number(10)), {3, 10}));
  EXPECT_TRUE(matches(clamp(u, number(10), {}), {10, 200}));
  const Tensor i8 = ints({-100, 100}, DType::kInt8);
  EXPECT_TRUE(matches(clamp(i8, number(-5), {}), {-5, 100}));
  EXPECT_EQ(error_of([&] { clamp(i8, number(0), number(300)); }).status(),
            Status::kInvalidArgument);
  EXPECT_EQ(clamp(bools({1, 0}), number(0), number(1)).dtype(), DType::kInt64);
  EXPECT_EQ(error_of([&] { clamp(bools({1}), number(false), number(true)); }).status(),
            Status::kDType);
  EXPECT_TRUE(matches(clamp_min(bools({1, 0}), bools({0, 1})), {1, 1}));
  const Tensor x = ints({-3, 2});
  clamp_(x, number(0), number(1));
  EXPECT_TRUE(matches(x, {0, 1}));
  EXPECT_EQ(error_of([&] { clamp_(x, number(0.5), {}); }).status(), Status::kDType);
  EXPECT_EQ(error_of([&] { clamp_min_(x, number(0.5)); }).status(), Status::kDType);
}

TEST(Clamp, TensorBounds) {
  const Tensor f = tensor({1.5, -2.5});
  EXPECT_TRUE(matches(clamp(f, tensor({kNan, 0}), tensor({1, kNan})), {kNan, kNan}));
  EXPECT_TRUE(matches(clamp(f, ints({-3, 2}), {}), {1.5, 2}));
  EXPECT_EQ(clamp(f, doubles({1, 1}), {}).dtype(), DType::kFloat64);
  EXPECT_EQ(clamp(f, doubles({1}, {}), {}).dtype(), DType::kFloat32);
  EXPECT_TRUE(matches(clamp(f, number(0), tensor({1}, DType::kFloat32, {})), {1, 0}));
  EXPECT_TRUE(matches(clamp(f, tensor({1, 1}), tensor({0, 0})), {0, 0}));
  EXPECT_EQ(clamp(f, tensor({0, 1}, DType::kFloat32, {2, 1}), {}).sizes(), (Dims{2, 2}));
  const Tensor x = tensor({1.5, -2.5});
  clamp_(x, tensor({0, 0}), tensor({1, 1}));
  EXPECT_TRUE(matches(x, {1, 0}));
  EXPECT_EQ(error_of([&] {
              clamp_(x, tensor({0, 1}, DType::kFloat32, {2, 1}), {});
            }).status(),
            Status::kShape);
}

TEST(Clamp, NeedsABound) {
  const Error e = error_of([] { clamp(tensor({1}), {}, {}); });
  EXPECT_EQ(e.status(), Status::kInvalidArgument);
  EXPECT_TRUE(contains(e, "clamp: no bounds: min and max are both null"));
}

TEST(Clamp, GradientsAtTheEnds) {
  const Tensor x = tensor({0, 1, 0.5, 2, -1, kNan});
  auto g = gradients([](Span in) { return clamp(in[0], number(0), number(1)); }, {x});
  EXPECT_TRUE(matches(g[0], {1, 1, 1, 0, 0, 0}));
  g = gradients([](Span in) { return clamp(in[0], number(1), number(0)); }, {x});
  EXPECT_TRUE(matches(g[0], {0, 0, 0, 0, 0, 0}));
  g = gradients([](Span in) { return clamp(in[0], number(kNan), {}); }, {x});
  EXPECT_TRUE(matches(g[0], {0, 0, 0, 0, 0, 0}));
  g = gradients([](Span in) { return clamp(in[0], in[1], in[2]); },
                {tensor({0, 1, 0.5, 2, -1, 0.5, 0, kNan}), tensor({0, 0, 0, 0, 0, 1, 1, 1}),
                 tensor({1, 1, 1, 1, 1, 0, 1, 2})});
  EXPECT_TRUE(matches(g[0], {1, 1, 1, 0, 0, 0, 0, 0}));
  EXPECT_TRUE(matches(g[1], {0, 0, 0, 0, 1, 0, 0, 0}));
  EXPECT_TRUE(matches(g[2], {0, 0, 0, 1, 0, 1, 0, 0}));
  g = gradients([](Span in) { return clamp_min(in[0], in[1]); },
                {tensor({0, 1, -1, kNan}), tensor({0, 0, 0, 0})});
  EXPECT_TRUE(matches(g[0], {1, 1, 0, 0}));
  EXPECT_TRUE(matches(g[1], {0, 0, 1, 0}));
  g = gradients([](Span in) { return clamp_max(in[0], in[1]); },
                {tensor({0, 1, -1, kNan}), tensor({0, 0, 0, 0})});
  EXPECT_TRUE(matches(g[0], {1, 0, 1, 0}));
  EXPECT_TRUE(matches(g[1], {0, 1, 0, 0}));
}

TEST(Clamp, GradientsMatchDifferences) {
  const Tensor x = doubles({-2, 0.25, 0.5, 3}, {2, 2});
  expect_gradients([](Span in) { return clamp(in[0], number(0), number(1)); }, {x});
  expect_gradients([](Span in) { return clamp_min(in[0], number(0.3)); }, {x});
  expect_gradients([](Span in) { return clamp(in[0], in[1], in[2]); },
                   {x, doubles({0, 0.3}), doubles({1, 2}, {2, 1})});
  expect_gradients([](Span in) { return clamp_(mul(in[0], number(2.0)), in[1], {}); },
                   {x, doubles({0, 0.3, 0.6, 0.9}, {2, 2})});
  expect_gradients([](Span in) { return hardtanh(in[0]); }, {x});
  expect_gradients([](Span in) { return relu6_(mul(in[0], number(3.0))); }, {x});
}

TEST(Clamp, Hardtanh) {
  EXPECT_TRUE(matches(hardtanh(tensor({0, 1, -1, kNan, 2, -2})), {0, 1, -1, kNan, 1, -1}));
  EXPECT_TRUE(matches(hardtanh(tensor({1.5, -2.5}), 2.0, 1.0), {1, 1}));
  EXPECT_TRUE(matches(hardtanh(ints({-3, 2})), {-1, 1}));
  EXPECT_TRUE(matches(relu6(tensor({-1, 3, 7})), {0, 3, 6}));
  EXPECT_TRUE(matches(relu6(ints({3, 200}, DType::kUInt8)), {3, 6}));
  const auto g = gradients([](Span in) { return hardtanh(in[0]); }, {tensor({0, 1, -1, kNan, 2})});
  EXPECT_TRUE(matches(g[0], {1, 0, 0, 0, 0}));
  EXPECT_EQ(error_of([] { hardtanh(bools({1})); }).status(), Status::kDType);
  const Error e = error_of([] { hardtanh(ints({1}, DType::kUInt8)); });
  EXPECT_TRUE(contains(e, "hardtanh: limits out of range"));
}

TEST(Clamp, NamesMetaAndEmpty) {
  const Tensor x = with_grad(tensor({0.5})), y = tensor({1});
  EXPECT_EQ(grad_name(clamp(x, number(0), {})), "ClampBackward1");
  EXPECT_EQ(grad_name(clamp(x, y, {})), "ClampBackward0");
  EXPECT_EQ(grad_name(clamp_min(x, number(0))), "ClampMinBackward0");
  EXPECT_EQ(grad_name(clamp_min(x, y)), "ClampMinBackward1");
  EXPECT_EQ(grad_name(clamp_max(x, number(0))), "ClampMaxBackward0");
  EXPECT_EQ(grad_name(clamp_max(x, y)), "ClampMaxBackward1");
  EXPECT_EQ(grad_name(hardtanh(x)), "HardtanhBackward0");
  const Tensor m = Tensor::empty(Dims{3}, DType::kFloat32, Device::kMeta);
  EXPECT_TRUE(clamp(m, number(0), m).is_meta());
  EXPECT_TRUE(clamp(m, number(kNan), {}).is_meta());
  EXPECT_TRUE(relu6(m).is_meta());
  EXPECT_EQ(clamp(tensor({}), number(0), {}).numel(), 0);
}

}  // namespace
}  // namespace mt
