// Powers, roots, exponentials and logarithms: values against the C library, PyTorch's special
// cases, gradients against differences.
#include "ops/power.h"

#include <limits>

#include "ops/arithmetic.h"
#include "ops/ops_testing.h"

namespace mt {
namespace {

using namespace mt::testing;  // NOLINT
using Span = std::span<const Tensor>;

struct Function {
  const char* name;
  Tensor (*op)(const Tensor&);
  const Tensor& (*op_)(const Tensor&);
  double (*reference)(double);
  const char* grad_name;
};
const Function kFunctions[] = {
    {"sqrt", sqrt, sqrt_, [](double x) { return std::sqrt(x); }, "SqrtBackward0"},
    {"rsqrt", rsqrt, rsqrt_, [](double x) { return 1 / std::sqrt(x); }, "RsqrtBackward0"},
    {"reciprocal", reciprocal, reciprocal_, [](double x) { return 1 / x; }, "ReciprocalBackward0"},
    {"exp", exp, exp_, [](double x) { return std::exp(x); }, "ExpBackward0"},
    {"expm1", expm1, expm1_, [](double x) { return std::expm1(x); }, "Expm1Backward0"},
    {"log", log, log_, [](double x) { return std::log(x); }, "LogBackward0"},
    {"log1p", log1p, log1p_, [](double x) { return std::log1p(x); }, "Log1PBackward0"},
    {"log2", log2, log2_, [](double x) { return std::log2(x); }, "Log2Backward0"},
    {"log10", log10, log10_, [](double x) { return std::log10(x); }, "Log10Backward0"},
    {"square", square, square_, [](double x) { return x * x; }, "PowBackward0"},
};

TEST(Power, ValuesMatchTheCLibrary) {
  const Doubles x{0, 0.25, 0.5, 1, 1.75, 3, 8, -1.5, kInf, kNan, 1e-3, 1000};
  for (const Function& f : kFunctions) {
    Doubles expected;
    for (double v : x) expected.push_back(f.reference(v));
    EXPECT_TRUE(matches(f.op(doubles(x)), expected, 1e-14)) << f.name;
    const Tensor y = doubles(x);
    EXPECT_TRUE(same(f.op_(y), y)) << f.name;
    EXPECT_TRUE(matches(y, expected, 1e-14)) << f.name;
    for (double& e : expected) {
      if (std::fabs(e) > std::numeric_limits<float>::max()) e = std::copysign(kInf, e);
    }
    EXPECT_TRUE(matches(f.op(tensor(x)), expected, 1e-6)) << f.name;
  }
}

TEST(Power, BasesOfLogarithmsAreExact) {
  Doubles powers, exponents;
  for (int e = -20; e <= 20; ++e) {
    powers.push_back(std::exp2(e));
    exponents.push_back(e);
  }
  EXPECT_TRUE(matches(log2(tensor(powers)), exponents));
  EXPECT_TRUE(matches(log10(tensor({1, 10, 100, 1000, 1e6})), {0, 1, 2, 3, 6}));
}

TEST(Power, DTypeRules) {
  for (const Function& f : kFunctions) {
    const std::string name = f.name;
    EXPECT_EQ(f.op(doubles({1})).dtype(), DType::kFloat64) << name;
    EXPECT_EQ(f.op(tensor({1}, DType::kFloat16)).dtype(), DType::kFloat16) << name;
    EXPECT_EQ(f.op(tensor({1}, DType::kBFloat16)).dtype(), DType::kBFloat16) << name;
    if (name == "square") continue;
    EXPECT_EQ(f.op(ints({1, 2})).dtype(), DType::kFloat32) << name;
    EXPECT_EQ(f.op(bools({1})).dtype(), DType::kFloat32) << name;
    EXPECT_EQ(error_of([&] { f.op_(ints({1, 2})); }).status(), Status::kDType) << name;
  }
  EXPECT_EQ(square(bools({1})).dtype(), DType::kInt64);
  EXPECT_TRUE(matches(square(ints({3, 200}, DType::kUInt8)), {9, 64}));
}

TEST(Power, GradientsMatchDifferences) {
  for (const Function& f : kFunctions) {
    SCOPED_TRACE(f.name);
    expect_gradients([&](Span in) { return f.op(in[0]); }, {doubles({0.3, 1.7, 2.5, 0.9}, {2, 2})});
    expect_gradients(
        [&](Span in) {
          const Tensor y = mul(in[0], number(2.0));
          return f.op_(y);
        },
        {doubles({0.3, 1.7})});
    EXPECT_EQ(grad_name(f.op(with_grad(tensor({1})))), f.grad_name);
  }
}

TEST(Power, NumberExponents) {
  const Doubles x{-kInf, kInf, 0, -0.0, kNan, -8, 4};
  const Tensor t = tensor(x);
  EXPECT_TRUE(matches(pow(t, number(0.5)), {kNan, kInf, 0, 0, kNan, kNan, 2}));
  EXPECT_TRUE(matches(pow(t, number(-0.5)), {kNan, 0, kInf, -kInf, kNan, kNan, 0.5}));
  EXPECT_TRUE(matches(pow(t, number(-1)), {0, 0, kInf, -kInf, kNan, -0.125, 0.25}));
  EXPECT_TRUE(matches(pow(t, number(0)), {1, 1, 1, 1, 1, 1, 1}));
  EXPECT_TRUE(matches(pow(t, number(1)), x));
  EXPECT_TRUE(matches(pow(t, number(2)), {kInf, kInf, 0, 0, kNan, 64, 16}));
  EXPECT_TRUE(matches(pow(t, number(3)), {-kInf, kInf, 0, 0, kNan, -512, 64}));
  EXPECT_TRUE(matches(pow(tensor({-8}), number(1.0 / 3)), {kNan}));
}

TEST(Power, TensorsAndNumbersAsEitherOperand) {
  EXPECT_TRUE(
      matches(pow(tensor({-2, -2, 1, kNan}), tensor({3, kInf, kNan, 0})), {-8, kInf, 1, 1}));
  EXPECT_TRUE(matches(pow(number(2), tensor({1, -1, 0.5})), {2, 0.5, std::sqrt(2.0)}, 1e-7));
  EXPECT_TRUE(matches(pow(number(1.0), tensor({kNan, kInf})), {1, 1}));
  EXPECT_EQ(pow(number(2), tensor({1})).dtype(), DType::kFloat32);
  EXPECT_EQ(pow(ints({2}), number(0.5)).dtype(), DType::kFloat32);
  EXPECT_EQ(pow(tensor({2}), doubles({2}, {})).dtype(), DType::kFloat32);
  EXPECT_EQ(pow(tensor({2, 3}, DType::kFloat32, {2, 1}), tensor({1, 2, 3})).sizes(), (Dims{2, 3}));
}

TEST(Power, IntegersStayIntegers) {
  EXPECT_TRUE(matches(pow(ints({-3, 2}), number(3)), {-27, 8}));
  EXPECT_TRUE(matches(pow(ints({-3, 2}, DType::kInt8), number(5)), {13, 32}));
  EXPECT_TRUE(matches(pow(ints({3, 200}, DType::kUInt8), number(2)), {9, 64}));
  EXPECT_TRUE(matches(pow(ints({1, -1, -1, 0, 2}), ints({-5, -5, -4, -1, -1})), {1, -1, 1, 0, 0}));
  EXPECT_TRUE(matches(pow(number(2), ints({-3, 2})), {0, 4}));
  EXPECT_TRUE(matches(pow(bools({1, 0}), number(2)), {1, 0}));
  EXPECT_EQ(pow(bools({1, 0}), number(2)).dtype(), DType::kInt64);
  EXPECT_TRUE(matches(pow(ints({-3, 2}), number(true)), {-3, 2}));
  EXPECT_TRUE(matches(pow(ints({-3, 0}), number(0)), {1, 1}));
  const Tensor x = ints({-3, 2});
  pow_(x, number(2));
  EXPECT_TRUE(matches(x, {9, 4}));
}

TEST(Power, Errors) {
  const Tensor i = ints({-3, 2});
  const Error e = error_of([&] { pow(i, number(-1)); });
  EXPECT_EQ(e.status(), Status::kInvalidArgument);
  EXPECT_TRUE(contains(e, "Integers to negative integer powers are not allowed"));
  EXPECT_EQ(error_of([&] { pow_(i, number(-2)); }).status(), Status::kInvalidArgument);
  EXPECT_EQ(error_of([&] { pow_(i, number(2.0)); }).status(), Status::kDType);
  EXPECT_EQ(error_of([&] { pow(bools({1}), bools({1})); }).status(), Status::kNotImplemented);
  EXPECT_EQ(error_of([&] { pow(ints({1}, DType::kUInt8), number(300)); }).status(),
            Status::kInvalidArgument);
  EXPECT_TRUE(matches(i, {-3, 2}));
  EXPECT_EQ(error_of([&] { pow(tensor({1, 2}), tensor({1, 2, 3})); }).status(), Status::kShape);
}

TEST(Power, GradientsOfPow) {
  const Tensor x = doubles({0.5, 1.5, 2.5}), e = doubles({2, -1.5, 0.5});
  for (double n : {0.0, 1.0, 2.0, 3.0, -1.0, 0.5, -0.5, 2.5}) {
    SCOPED_TRACE(n);
    expect_gradients([n](Span in) { return pow(in[0], number(n)); }, {x});
  }
  expect_gradients([](Span in) { return pow(in[0], in[1]); }, {x, e});
  expect_gradients([](Span in) { return pow(in[0], in[1]); }, {x, doubles({1.5, 2}, {2, 1})});
  expect_gradients([](Span in) { return pow(number(2.5), in[0]); }, {e});
  expect_gradients([](Span in) { return pow(in[0], ints({2, 0, -1})); }, {x});
  expect_gradients([](Span in) { return pow_(mul(in[0], number(2.0)), in[1]); }, {x, e});
}

TEST(Power, GradientsOfPowAtTheEdges) {
  auto g = gradients([](Span in) { return pow(in[0], in[1]); },
                     {tensor({0, 0, 0, 2, -1, 2}), tensor({0, 1, -1, 0, 2, 3})});
  const double ln2 = std::log(2.0);
  EXPECT_TRUE(matches(g[0], {0, 1, -kInf, 0, -2, 12}));
  EXPECT_TRUE(matches(g[1], {0, 0, -kInf, ln2, kNan, 8 * ln2}, 1e-6));
  g = gradients([](Span in) { return pow(number(0.0), in[0]); }, {tensor({0, 1, -1, 2})});
  EXPECT_TRUE(matches(g[0], {0, 0, -kInf, 0}));
  g = gradients([](Span in) { return pow(in[0], number(0)); }, {tensor({0, 1, -1, kNan})});
  EXPECT_TRUE(matches(g[0], {0, 0, 0, 0}));
  g = gradients([](Span in) { return pow(in[0], number(0.5)); }, {tensor({0, 1, -1, kNan})});
  EXPECT_TRUE(matches(g[0], {kInf, 0.5, kNan, kNan}));
  g = gradients([](Span in) { return pow(in[0], bools({1, 0})); }, {tensor({3, 3})});
  EXPECT_TRUE(matches(g[0], {1, 0}));
  g = gradients([](Span in) { return sqrt(in[0]); }, {tensor({0, -3})});
  EXPECT_TRUE(matches(g[0], {kInf, kNan}));
}

TEST(Power, GradFnNamesOfPow) {
  const Tensor x = with_grad(tensor({2}));
  EXPECT_EQ(grad_name(pow(x, number(2))), "PowBackward0");
  EXPECT_EQ(grad_name(pow(x, x)), "PowBackward1");
  EXPECT_EQ(grad_name(pow(number(2), x)), "PowBackward1");
}

TEST(Power, EmptyStridedAndMeta) {
  const Tensor strided = transposed_copy(doubles({1, 2, 3, 4, 5, 6}, {2, 3}));
  for (const Function& f : kFunctions) {
    EXPECT_EQ(f.op(doubles({})).numel(), 0);
    Doubles expected;
    for (double v : {1, 2, 3, 4, 5, 6}) expected.push_back(f.reference(v));
    EXPECT_TRUE(matches(f.op(strided), expected, 1e-14)) << f.name;
    const Tensor m = f.op(Tensor::empty(Dims{2, 3}, DType::kFloat16, Device::kMeta));
    EXPECT_TRUE(m.is_meta());
    EXPECT_EQ(m.sizes(), (Dims{2, 3}));
    EXPECT_EQ(m.dtype(), DType::kFloat16);
  }
  EXPECT_EQ(exp(strided).strides(), strided.strides());
}

}  // namespace
}  // namespace mt
