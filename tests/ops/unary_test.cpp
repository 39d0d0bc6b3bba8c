// Sign, rounding, trigonometry and value tests: values, dtype rules, gradients.
#include "ops/unary.h"

#include "ops/arithmetic.h"
#include "ops/ops_testing.h"

namespace mt {
namespace {

using namespace mt::testing;  // NOLINT
using Span = std::span<const Tensor>;

TEST(Unary, SignsAndAbsoluteValues) {
  EXPECT_TRUE(matches(neg(ints({3, 200}, DType::kUInt8)), {253, 56}));
  EXPECT_TRUE(matches(abs(ints({3, 200}, DType::kUInt8)), {3, 200}));
  EXPECT_TRUE(matches(abs(ints({-3, 2})), {3, 2}));
  EXPECT_TRUE(matches(abs(tensor({-kInf, kNan, -0.5})), {kInf, kNan, 0.5}));
  EXPECT_TRUE(matches(sign(tensor({kNan, -0.0, 3, -kInf})), {0, 0, 1, -1}));
  EXPECT_TRUE(matches(sign(ints({3, 0}, DType::kUInt8)), {1, 0}));
  EXPECT_EQ(sign(bools({1, 0})).dtype(), DType::kBool);
  const Error e = error_of([&] { neg(bools({1})); });
  EXPECT_EQ(e.status(), Status::kDType);
  EXPECT_TRUE(contains(e, "use logical_not"));
  EXPECT_EQ(error_of([&] { abs(bools({1})); }).status(), Status::kDType);
}

TEST(Unary, Rounding) {
  const Tensor x = tensor({-2.5, -0.5, 0.5, 1.5, 2.5, -1.2, 1.7, kInf, kNan});
  EXPECT_TRUE(matches(floor(x), {-3, -1, 0, 1, 2, -2, 1, kInf, kNan}));
  EXPECT_TRUE(matches(ceil(x), {-2, 0, 1, 2, 3, -1, 2, kInf, kNan}));
  EXPECT_TRUE(matches(trunc(x), {-2, 0, 0, 1, 2, -1, 1, kInf, kNan}));
  EXPECT_TRUE(matches(round(x), {-2, 0, 0, 2, 2, -1, 2, kInf, kNan}));
  EXPECT_TRUE(matches(round(tensor({15, 25, 35}), -1), {20, 20, 40}));
  EXPECT_TRUE(matches(round(doubles({2.346, -1.255, 0.5}), 1), {2.3, -1.3, 0.5}, 1e-15));
  EXPECT_TRUE(std::signbit(list(round(tensor({-0.4})))[0]));
  for (auto op : {floor, ceil, trunc}) {
    EXPECT_TRUE(matches(op(ints({-3, 2})), {-3, 2}));
    EXPECT_EQ(op(ints({-3, 2})).dtype(), DType::kInt64);
    EXPECT_EQ(error_of([&] { op(bools({1})); }).status(), Status::kDType);
  }
  const Tensor i = ints({-3, 2});
  EXPECT_FALSE(same(floor(i), i));
  EXPECT_TRUE(same(round_(i), i));
  EXPECT_TRUE(matches(i, {-3, 2}));
  EXPECT_EQ(error_of([&] { round(i, 1); }).status(), Status::kDType);
}

TEST(Unary, StepsHaveZeroGradients) {
  for (auto op : {floor, ceil, trunc, sign}) {
    const auto g = gradients([op](Span in) { return op(in[0]); }, {tensor({1.2, -kInf, kNan})});
    EXPECT_TRUE(matches(g[0], {0, 0, 0}));
  }
  const auto g = gradients([](Span in) { return round(in[0], 2); }, {tensor({1.2})});
  EXPECT_TRUE(matches(g[0], {0}));
}

TEST(Unary, Trigonometry) {
  const Doubles x{0, 0.5, -1, 3, 10, 1000, kNan};
  Doubles s, c, t, e;
  for (double v : x) {
    s.push_back(std::sin(v));
    c.push_back(std::cos(v));
    t.push_back(std::tan(v));
    e.push_back(std::erf(v));
  }
  EXPECT_TRUE(matches(sin(doubles(x)), s, 1e-14));
  EXPECT_TRUE(matches(cos(doubles(x)), c, 1e-14));
  EXPECT_TRUE(matches(tan(doubles(x)), t, 1e-14));
  EXPECT_TRUE(matches(erf(doubles(x)), e, 1e-14));
  EXPECT_TRUE(matches(sin(tensor(x)), s, 1e-6));
  EXPECT_TRUE(matches(tan(tensor(x)), t, 1e-6));
  EXPECT_TRUE(matches(sin(ints({1})), {std::sin(1.0)}, 1e-6));
  EXPECT_EQ(error_of([&] { cos_(ints({1})); }).status(), Status::kDType);
  EXPECT_TRUE(matches(sin(tensor({kInf})), {kNan}));
}

TEST(Unary, GradientsMatchDifferences) {
  const Tensor x = doubles({-1.3, 0.4, 0.9, 2.2}, {2, 2});
  for (auto op : {neg, abs, sin, cos, tan, erf}) {
    expect_gradients([op](Span in) { return op(in[0]); }, {x});
  }
  for (auto op : {neg_, abs_, sin_, cos_, tan_, erf_}) {
    expect_gradients([op](Span in) { return op(mul(in[0], number(1.5))); }, {x});
  }
  const auto g = gradients([](Span in) { return abs(in[0]); }, {tensor({0, 1, -1, kNan})});
  EXPECT_TRUE(matches(g[0], {0, 1, -1, 0}));
}

TEST(Unary, TestsOfValues) {
  const Tensor x = tensor({1, kInf, -kInf, kNan});
  EXPECT_TRUE(matches(isnan(x), {0, 0, 0, 1}));
  EXPECT_TRUE(matches(isinf(x), {0, 1, 1, 0}));
  EXPECT_TRUE(matches(isfinite(x), {1, 0, 0, 0}));
  EXPECT_EQ(isnan(x).dtype(), DType::kBool);
  EXPECT_TRUE(matches(isnan(ints({1, 2})), {0, 0}));
  EXPECT_TRUE(matches(isfinite(bools({1, 0})), {1, 1}));
  EXPECT_TRUE(matches(isinf(tensor({kInf, 1}, DType::kFloat16)), {1, 0}));
  EXPECT_FALSE(isnan(with_grad(tensor({1}))).requires_grad());
}

TEST(Unary, NamesMetaAndEmpty) {
  const Tensor x = with_grad(tensor({0.5}));
  EXPECT_EQ(grad_name(neg(x)), "NegBackward0");
  EXPECT_EQ(grad_name(abs(x)), "AbsBackward0");
  EXPECT_EQ(grad_name(sign(x)), "SignBackward0");
  EXPECT_EQ(grad_name(round(x)), "RoundBackward0");
  EXPECT_EQ(grad_name(tan(x)), "TanBackward0");
  const Tensor m = Tensor::empty(Dims{2, 0}, DType::kFloat32, Device::kMeta);
  for (auto op : {neg, abs, sign, floor, ceil, trunc, sin, cos, tan, erf, isnan, isinf}) {
    EXPECT_EQ(op(m).sizes(), (Dims{2, 0}));
    EXPECT_TRUE(op(m).is_meta());
    EXPECT_EQ(op(tensor({})).numel(), 0);
  }
}

}  // namespace
}  // namespace mt
