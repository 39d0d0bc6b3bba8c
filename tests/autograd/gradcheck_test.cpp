// gradcheck and gradgradcheck: right rules pass, every kind of wrong rule is found and named.
#include "autograd/gradcheck.h"

#include "autograd/saved_tensor.h"
#include "ops/arithmetic.h"
#include "ops/ops_testing.h"
#include "ops/power.h"
#include "ops/unary.h"

namespace mt {
namespace {

using namespace mt::testing;  // NOLINT
using Span = std::span<const Tensor>;

// x * x with a rule that gives `factor` * x times the gradient; 2 is right.
Tensor square_with_slope(const Tensor& x, double factor) {
  Tensor out;
  {
    GradMode off(false);
    out = mul(x, x);
  }
  if (recording(x)) {
    record("TestBackward", out, {&x}, [x = save(x), factor](const GradIn& g) -> Grads {
      return {mul(g[0], mul(x.get(g), number(factor)))};
    });
  }
  return out;
}

TEST(GradCheck, PassesARightRule) {
  const Tensor x = with_grad(doubles({1, -2, 0.5}));
  const auto fn = [](Span in) { return square_with_slope(in[0], 2); };
  const GradCheckResult r = gradcheck(fn, {&x, 1});
  EXPECT_TRUE(r) << r.message;
  EXPECT_EQ(r.message, "");
  EXPECT_TRUE(gradgradcheck(fn, {&x, 1}));
}

TEST(GradCheck, NamesTheWrongEntry) {
  const Tensor a = with_grad(doubles({3}));
  const Tensor x = with_grad(doubles({0, 0, 0, 1.5}, {2, 2}));
  const std::vector<Tensor> inputs{a, x};
  const GradCheckResult r =
      gradcheck(GradCheckFn([](Span in) {
                  return std::vector<Tensor>{add(in[0], in[1]), square_with_slope(in[1], 1.99)};
                }),
                inputs);
  EXPECT_FALSE(r);
  EXPECT_EQ(r.message,
            "gradcheck: gradient mismatch: output 1 element (1, 1), input 1 element (1, 1): "
            "numeric 3, analytic 2.985");
}

TEST(GradCheck, RestoresTheInputs) {
  const Tensor x = with_grad(doubles({0.1, 0.2}));
  const std::vector<double> before = list(x);
  EXPECT_TRUE(gradcheck([](Span in) { return exp(in[0]); }, {&x, 1}));
  EXPECT_EQ(list(x), before);
  EXPECT_THROW(gradcheck(
                   [](Span in) -> Tensor {
                     if (list(in[0])[0] > 0.1) fail(Status::kInternal, "on purpose");
                     return in[0];
                   },
                   {&x, 1}),
               Error);
  EXPECT_EQ(list(x), before);
  EXPECT_FALSE(grad_of(x).defined());
}

TEST(GradCheck, FindsAMissingGradient) {
  const Tensor x = with_grad(doubles({1, 2}));
  const GradCheckResult r = gradcheck(
      [](Span in) {
        Tensor out;
        {
          GradMode off(false);
          out = mul(in[0], in[0]);
        }
        record_light("TestBackward", out, {&in[0]}, [](const GradIn&) -> Grads { return {{}}; });
        return out;
      },
      {&x, 1});
  EXPECT_FALSE(r);
  EXPECT_NE(r.message.find("numeric 2, analytic 0"), std::string::npos) << r.message;
}

TEST(GradCheck, FindsALostGraph) {
  const Tensor x = with_grad(doubles({1, 2}));
  const GradCheckResult r = gradcheck([](Span in) { return mul(detach(in[0]), in[0]); }, {&x, 1});
  EXPECT_FALSE(r);
  const GradCheckResult none = gradcheck([](Span in) { return detach(in[0]); }, {&x, 1});
  EXPECT_FALSE(none);
  EXPECT_NE(none.message.find("the output does not require grad"), std::string::npos);
}

TEST(GradCheck, FindsARuleThatIgnoresTheGradient) {
  const Tensor x = with_grad(doubles({1}));
  const GradCheckResult r = gradcheck(
      [](Span in) {
        Tensor out;
        {
          GradMode off(false);
          out = mul(in[0], number(1.0));
        }
        record_light("TestBackward", out, {&in[0]},
                     [](const GradIn&) -> Grads { return {doubles({1})}; });
        return out;
      },
      {&x, 1});
  EXPECT_FALSE(r);
  EXPECT_NE(r.message.find("not linear in the gradient"), std::string::npos) << r.message;
}

TEST(GradCheck, FindsANondeterministicRule) {
  const Tensor x = with_grad(doubles({1}));
  int calls = 0;
  const GradCheckResult r = gradcheck(
      [&calls](Span in) {
        Tensor out;
        {
          GradMode off(false);
          out = mul(in[0], number(1.0));
        }
        record_light("TestBackward", out, {&in[0]}, [&calls](const GradIn& g) -> Grads {
          return {mul(g[0], number(1 + 1e-9 * ++calls))};
        });
        return out;
      },
      {&x, 1});
  EXPECT_FALSE(r);
  EXPECT_NE(r.message.find("not deterministic"), std::string::npos) << r.message;
}

// First derivatives right, second wrong: the rule hides its dependence on x.
TEST(GradGradCheck, FindsAWrongSecondDerivative) {
  const Tensor x = with_grad(doubles({1, 2}));
  const auto fn = [](Span in) {
    Tensor out;
    {
      GradMode off(false);
      out = mul(in[0], in[0]);
    }
    if (recording(in[0])) {
      record("TestBackward", out, {&in[0]}, [x = save(in[0])](const GradIn& g) -> Grads {
        return {mul(g[0], mul(detach(x.get(g)), number(2.0)))};
      });
    }
    return out;
  };
  EXPECT_TRUE(gradcheck(fn, {&x, 1}));
  const GradCheckResult r = gradgradcheck(fn, {&x, 1});
  EXPECT_FALSE(r);
  EXPECT_NE(r.message.find("gradient mismatch"), std::string::npos) << r.message;
}

TEST(GradGradCheck, TakesGivenGradientsAndSeveralOutputs) {
  const Tensor x = with_grad(doubles({1, 2}));
  const std::vector<Tensor> g{with_grad(doubles({0.5, -1})), with_grad(doubles({2, 3}))};
  const GradCheckFn fn = [](Span in) { return std::vector<Tensor>{mul(in[0], in[0]), exp(in[0])}; };
  const GradCheckResult r = gradgradcheck(fn, {&x, 1}, g);
  EXPECT_TRUE(r) << r.message;
  const Error e = error_of([&] { gradgradcheck(fn, {&x, 1}, {g.data(), 1}); });
  EXPECT_EQ(e.status(), Status::kInvalidArgument);
}

TEST(GradCheck, ChecksStridedAndEmptyInputs) {
  const Tensor x = with_grad(transposed_copy(doubles({1, 2, 3, 4, 5, 6}, {2, 3})));
  ASSERT_FALSE(x.is_contiguous());
  const GradCheckResult r = gradcheck([](Span in) { return exp(in[0]); }, {&x, 1});
  EXPECT_TRUE(r) << r.message;
  const Tensor none = with_grad(doubles({}));
  EXPECT_TRUE(gradcheck([](Span in) { return exp(in[0]); }, {&none, 1}));
}

TEST(GradCheck, RefusesUnfitInputs) {
  const auto fn = [](Span in) { return exp(in[0]); };
  const Tensor single = with_grad(tensor({1}));
  EXPECT_EQ(error_of([&] { gradcheck(fn, {&single, 1}); }).status(), Status::kDType);
  const Tensor plain = doubles({1});
  EXPECT_EQ(error_of([&] { gradcheck(fn, {&plain, 1}); }).status(), Status::kInvalidArgument);
  const Tensor overlapping = with_grad(doubles({1}).alias(Dims{3}, Dims{0}, 0));
  EXPECT_EQ(error_of([&] { gradcheck(fn, {&overlapping, 1}); }).status(), Status::kInvalidArgument);
  const Tensor meta = with_grad(Tensor::empty(Dims{2}, DType::kFloat64, Device::kMeta));
  EXPECT_EQ(error_of([&] { gradcheck(fn, {&meta, 1}); }).status(), Status::kDevice);
}

}  // namespace
}  // namespace mt
