// Activations: values against closed forms, PyTorch's choices at kinks and infinities, gradients.
#include "ops/activation.h"

#include "ops/arithmetic.h"
#include "ops/ops_testing.h"

namespace mt {
namespace {

using namespace mt::testing;  // NOLINT
using Span = std::span<const Tensor>;

struct Activation {
  const char* name;
  TensorFn op, op_;  // on in[0]; op_ writes into it
  std::function<double(double)> reference;
  const char* grad_name;
};

double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }
double gelu_tanh_of(double x) {
  return x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

const std::vector<Activation>& activations() {
  static const std::vector<Activation> list{
      {"relu", [](Span in) { return relu(in[0]); }, [](Span in) { return relu_(in[0]); },
       [](double x) { return x > 0 ? x : 0; }, "ReluBackward0"},
      {"sigmoid", [](Span in) { return sigmoid(in[0]); }, [](Span in) { return sigmoid_(in[0]); },
       sigmoid_of, "SigmoidBackward0"},
      {"tanh", [](Span in) { return tanh(in[0]); }, [](Span in) { return tanh_(in[0]); },
       [](double x) { return std::tanh(x); }, "TanhBackward0"},
      {"gelu", [](Span in) { return gelu(in[0]); }, [](Span in) { return gelu_(in[0]); },
       [](double x) { return x / 2 * std::erfc(-x / std::sqrt(2.0)); }, "GeluBackward0"},
      {"gelu tanh", [](Span in) { return gelu(in[0], "tanh"); },
       [](Span in) { return gelu_(in[0], "tanh"); }, gelu_tanh_of, "GeluBackward0"},
      {"leaky_relu", [](Span in) { return leaky_relu(in[0]); },
       [](Span in) { return leaky_relu_(in[0]); }, [](double x) { return x > 0 ? x : x * 0.01; },
       "LeakyReluBackward0"},
      {"elu", [](Span in) { return elu(in[0], 2, 3, 0.5); },
       [](Span in) { return elu_(in[0], 2, 3, 0.5); },
       [](double x) { return 3 * (x > 0 ? x : 2 * std::expm1(x / 2)); }, "EluBackward0"},
      {"silu", [](Span in) { return silu(in[0]); }, [](Span in) { return silu_(in[0]); },
       [](double x) { return x * sigmoid_of(x); }, "SiluBackward0"},
      {"softplus", [](Span in) { return softplus(in[0], 2, 5); }, nullptr,
       [](double x) { return 2 * x > 5 ? x : std::log1p(std::exp(2 * x)) / 2; },
       "SoftplusBackward0"},
  };
  return list;
}

TEST(Activation, ValuesMatchClosedForms) {
  const Doubles x{-30, -5, -1.5, -0.25, 0, 0.25, 1, 2.4, 2.6, 8, 30};
  for (const Activation& a : activations()) {
    Doubles expected;
    for (double v : x) expected.push_back(a.reference(v));
    const Tensor d = doubles(x), f = tensor(x);
    EXPECT_TRUE(matches(a.op({&d, 1}), expected, 1e-14)) << a.name;
    EXPECT_TRUE(matches(a.op({&f, 1}), expected, 1e-6)) << a.name;
    if (!a.op_) continue;
    EXPECT_TRUE(same(a.op_({&d, 1}), d)) << a.name;
    EXPECT_TRUE(matches(d, expected, 1e-14)) << a.name;
  }
}

TEST(Activation, GradientsMatchDifferences) {
  const Tensor x = doubles({-1.7, -0.3, 0.4, 2.1, 3.5, -4}, {2, 3});
  for (const Activation& a : activations()) {
    SCOPED_TRACE(a.name);
    expect_gradients(a.op, {x});
    expect_gradients(a.op, {transposed_copy(x)});
    if (a.op_) {
      expect_gradients(
          [&](Span in) {
            const Tensor y = mul(in[0], number(0.75));
            return a.op_({&y, 1});
          },
          {x});
    }
    const Tensor one = with_grad(tensor({1}));
    EXPECT_EQ(grad_name(a.op({&one, 1})), a.grad_name);
  }
}

// The recorded backward takes the formula, the plain one the slope kernel: both must agree.
TEST(Activation, PlainAndRecordedBackwardAgree) {
  for (const Activation& a : activations()) {
    const Tensor x = with_grad(doubles({-3, -0.7, 0, 0.6, 2, 40, -40}));
    const Tensor y = a.op({&x, 1});
    const Tensor g = doubles({1, 2, -1, 0.5, 3, 1, 1});
    const Grads plain = grad({&y, 1}, {&x, 1}, {&g, 1}, true);
    const Grads recorded = grad({&y, 1}, {&x, 1}, {&g, 1}, true, true);
    EXPECT_TRUE(matches(plain[0], list(recorded[0]), 1e-14)) << a.name;
  }
}

TEST(Activation, KinksAndInfinities) {
  const Tensor x = tensor({0, 1, -1, kNan});
  const auto slope = [&](TensorFn fn) { return gradients(fn, {tensor({0, 1, -1, kNan})})[0]; };
  EXPECT_TRUE(matches(slope([](Span in) { return relu(in[0]); }), {0, 1, 0, 1}));
  EXPECT_TRUE(
      matches(slope([](Span in) { return leaky_relu(in[0], -0.5); }), {-0.5, 1, -0.5, -0.5}));
  EXPECT_TRUE(
      matches(slope([](Span in) { return elu(in[0], 2); }), {2, 1, 2 * std::exp(-1), kNan}, 1e-6));
  EXPECT_TRUE(matches(relu(x), {0, 1, 0, kNan}));
  EXPECT_TRUE(matches(leaky_relu(x, 0.5), {0, 1, -0.5, kNan}));
  EXPECT_TRUE(matches(silu(tensor({-kInf, kInf})), {kNan, kInf}));
  EXPECT_TRUE(matches(gelu(tensor({-kInf, kInf, kNan})), {kNan, kInf, kNan}));
  EXPECT_TRUE(matches(gelu(tensor({-kInf, kInf, kNan, -1e4}), "tanh"), {kNan, kInf, kNan, 0}));
  EXPECT_TRUE(matches(sigmoid(tensor({-kInf, kInf, -1000, 1000})), {0, 1, 0, 1}));
  EXPECT_TRUE(matches(softplus(tensor({20, 20.125, kInf, -kInf})), {20, 20.125, kInf, 0}));
  const auto g = gradients([](Span in) { return softplus(in[0]); }, {tensor({0, 25, -kInf})})[0];
  EXPECT_TRUE(matches(g, {0.5, 1, 0}));
}

TEST(Activation, DTypeRules) {
  EXPECT_TRUE(matches(relu(ints({-3, 2})), {0, 2}));
  EXPECT_EQ(relu(ints({-3, 2}, DType::kInt8)).dtype(), DType::kInt8);
  EXPECT_TRUE(matches(relu(ints({3, 200}, DType::kUInt8)), {3, 200}));
  EXPECT_EQ(error_of([] { relu(bools({1})); }).status(), Status::kDType);
  EXPECT_EQ(sigmoid(ints({1})).dtype(), DType::kFloat32);
  EXPECT_EQ(tanh(bools({1})).dtype(), DType::kFloat32);
  EXPECT_EQ(error_of([] { sigmoid_(ints({1})); }).status(), Status::kDType);
  for (const Activation& a : activations()) {
    for (DType t : {DType::kFloat16, DType::kBFloat16, DType::kFloat64}) {
      const Tensor x = tensor({1}, t);
      EXPECT_EQ(a.op({&x, 1}).dtype(), t) << a.name;
    }
    const std::string name = a.name;
    if (name == "relu" || name == "sigmoid" || name == "tanh") continue;
    const Tensor i = ints({1});
    EXPECT_EQ(error_of([&] { a.op({&i, 1}); }).status(), Status::kDType) << name;
  }
  const Error e = error_of([] { gelu(tensor({1}), "fast"); });
  EXPECT_EQ(e.status(), Status::kInvalidArgument);
  EXPECT_TRUE(contains(e, "gelu: unknown approximate: 'fast'"));
}

TEST(Activation, EmptyAndMeta) {
  for (const Activation& a : activations()) {
    const Tensor none = tensor({});
    EXPECT_EQ(a.op({&none, 1}).numel(), 0);
    const Tensor m = Tensor::empty(Dims{2, 3}, DType::kFloat32, Device::kMeta);
    EXPECT_TRUE(a.op({&m, 1}).is_meta());
    EXPECT_EQ(a.op({&m, 1}).sizes(), (Dims{2, 3}));
  }
}

TEST(Activation, OutputsOverwrittenInPlaceAreNoticed) {
  const Tensor x = with_grad(tensor({1, 2}));
  const Tensor y = sigmoid(x);
  mul_(y, number(2));
  const Tensor ones = tensor({1, 1});
  const Error e = error_of([&] { backward({&y, 1}, {&ones, 1}); });
  EXPECT_EQ(e.status(), Status::kAutograd);
  EXPECT_TRUE(contains(e, "changed in place")) << e.message();
}

}  // namespace
}  // namespace mt
