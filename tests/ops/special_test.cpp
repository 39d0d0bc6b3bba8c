// Special functions, elementary functions and number parts: identities between them, closed forms,
// gradients, dtype rules and errors that the op-case table does not say.
#include "ops/special.h"

#include <numbers>

#include "ops/activation_more.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/elementary.h"
#include "ops/number_parts.h"
#include "ops/ops_testing.h"
#include "ops/power.h"
#include "ops/unary.h"

namespace mt {
namespace {

using namespace mt::testing;  // NOLINT
using std::numbers::pi;

Tensor range(double from, double step, int n) {
  Doubles v;
  for (int i = 0; i < n; ++i) v.push_back(from + step * i);
  return doubles(v);
}
double first(const Tensor& t) { return list(t)[0]; }

TEST(Special, InverseFunctionsUndoEachOther) {
  const Tensor p = doubles({1e-300, 1e-20, 1e-3, 0.1, 0.25, 0.5, 0.75, 0.999});
  EXPECT_TRUE(matches(div(special_ndtr(special_ndtri(p)), p), Doubles(8, 1), 1e-12));
  const Tensor y = range(-0.99, 0.09, 23);
  EXPECT_TRUE(matches(erf(erfinv(y)), list(y), 1e-14));
  EXPECT_TRUE(matches(erfinv(doubles({1, -1, 2})), {kInf, -kInf, kNan}));
  EXPECT_TRUE(matches(special_log_ndtr(doubles({-40})), {-804.608442013754}, 1e-12));
}

TEST(Special, GammaFamily) {
  const Tensor x = range(-3.75, 0.5, 20);
  const Tensor one = number(1.0);
  // psi(x + 1) = psi(x) + 1 / x and the same for its derivatives
  EXPECT_TRUE(matches(sub(digamma(add(x, one)), digamma(x)), list(reciprocal(x)), 1e-12));
  for (int64_t n : {1, 2, 3}) {
    const double sign = n % 2 ? -1 : 1, factorial = n == 3 ? 6 : static_cast<double>(n);
    const Tensor step = sub(polygamma(n, add(x, one)), polygamma(n, x));
    const Tensor want = mul(pow(x, number(-static_cast<double>(n) - 1)), number(sign * factorial));
    EXPECT_TRUE(matches(step, list(want), 1e-10)) << n;
  }
  EXPECT_NEAR(first(special_zeta(doubles({2}), doubles({1}))), pi * pi / 6, 1e-15);
  EXPECT_NEAR(first(mvlgamma(doubles({3}), 1)), std::log(2), 1e-15);
}

TEST(Special, IncompleteGammaFunctions) {
  for (double a : {1e-3, 0.3, 1.0, 4.5, 30.0, 1e3, 9e4, 2e5, 1e7}) {
    for (double r : {0.01, 0.5, 0.97, 1.0, 1.02, 3.0}) {
      const double p = first(igamma(doubles({a}), doubles({a * r})));
      const double q = first(igammac(doubles({a}), doubles({a * r})));
      EXPECT_NEAR(p + q, 1, 1e-12) << a << " " << r;
    }
    // P(a, x) - P(a + 1, x) = x^a exp(-x) / Gamma(a + 1)
    const double next = first(igamma(doubles({a + 1}), doubles({a})));
    const double weight = std::exp(a * std::log(a) - a - std::lgamma(a + 1));
    EXPECT_NEAR(first(igamma(doubles({a}), doubles({a}))) - next, weight, 1e-8 * weight + 1e-12)
        << a;
  }
  EXPECT_NEAR(first(igammac(doubles({1}), doubles({50}))), std::exp(-50), 1e-34);
}

TEST(Special, BesselFunctions) {
  // I0 K1 + I1 K0 = 1 / x, in the scaled forms
  const Tensor x = range(0.05, 0.37, 150);
  const Tensor wronskian = add(mul(special_i0e(x), special_scaled_modified_bessel_k1(x)),
                               mul(special_i1e(x), special_scaled_modified_bessel_k0(x)));
  EXPECT_TRUE(matches(mul(wronskian, x), Doubles(150, 1), 1e-13));
  // J1 Y0 - J0 Y1 = 2 / (pi x)
  const Tensor cross = sub(mul(special_bessel_j1(x), special_bessel_y0(x)),
                           mul(special_bessel_j0(x), special_bessel_y1(x)));
  EXPECT_TRUE(matches(mul(cross, x), Doubles(150, 2 / pi), 1e-12));
  // Ai'' = x Ai by differences, across the joints of its three methods
  for (double at : {-12.0, -8.0, -3.0, 0.0, 2.1, 6.0}) {
    constexpr double kStep = 1e-3;
    const Doubles v = list(special_airy_ai(range(at - kStep, kStep, 3)));
    EXPECT_NEAR((v[0] - 2 * v[1] + v[2]) / (kStep * kStep), at * v[1], 2e-5) << at;
  }
}

TEST(Special, PolynomialsOfHighDegree) {
  const Tensor x = doubles({0.3, -0.7, 1, -1});
  EXPECT_TRUE(matches(
      special_chebyshev_polynomial_t(x, number(int64_t{1000001})),
      {std::cos(1000001 * std::acos(0.3)), std::cos(1000001 * std::acos(-0.7)), 1, -1}, 1e-9));
  // Huge degrees end at once.
  for (auto op : {special_legendre_polynomial_p, special_laguerre_polynomial_l,
                  special_hermite_polynomial_h, special_chebyshev_polynomial_u}) {
    op(doubles({0.5, 1.0000001, -3, kNan, 0}), number(4e18));
  }
  EXPECT_NEAR(first(special_legendre_polynomial_p(doubles({0.3}), number(int64_t{2000000}))),
              first(special_legendre_polynomial_p(doubles({0.3}), number(int64_t{1000000}))), 2e-3);
}

TEST(Special, IntegersOnly) {
  EXPECT_TRUE(matches(gcd(ints({-4, 0, 12}), ints({6, 0, -18})), {2, 0, 6}));
  EXPECT_TRUE(matches(lcm(ints({-4, 0}), ints({6, 0})), {12, 0}));
  EXPECT_TRUE(matches(bitwise_left_shift(ints({1, 1, 1}), ints({3, 64, -1})), {8, 0, 0}));
  EXPECT_TRUE(matches(bitwise_right_shift(ints({-8, -8, 9}), ints({1, 64, -1})), {-4, -1, 0}));
  EXPECT_EQ(error_of([] { gcd(tensor({1}), tensor({1})); }).status(), Status::kNotImplemented);
  EXPECT_EQ(error_of([] { fmod(ints({1}), ints({0})); }).status(), Status::kInvalidArgument);
  EXPECT_TRUE(matches(fmod(ints({INT64_MIN}), ints({-1})), {0}));
}

TEST(Special, PartsOfNumbers) {
  const MantissaExponent r = frexp(tensor({8, -0.75, 0, kInf}, DType::kBFloat16));
  EXPECT_TRUE(matches(r.mantissa, {0.5, -0.75, 0, kInf}));
  EXPECT_EQ(r.exponent.dtype(), DType::kInt32);
  EXPECT_EQ(list(r.exponent)[0], 4);
  EXPECT_TRUE(matches(nan_to_num(tensor({kNan, kInf, 1}, DType::kFloat16)), {0, 65504, 1}));
  EXPECT_TRUE(matches(nan_to_num(doubles({kNan, -kInf}), 7, {}, -2), {7, -2}));
  EXPECT_TRUE(
      matches(nextafter(tensor({1, 0}, DType::kBFloat16), tensor({2, -1}, DType::kBFloat16)),
              {1 + 0x1p-7, -0x1p-133}));
  EXPECT_TRUE(matches(signbit(tensor({-0.0, 0, -1})), {1, 0, 1}));
  EXPECT_TRUE(matches(eq_(ints({1, 2}), ints({1, 3})), {1, 0}));
}

TEST(Special, GradientsThatDoNotExistAreErrors) {
  for (auto op : {igamma, igammac, special_zeta}) {
    const Tensor a = with_grad(doubles({1.5})), x = with_grad(doubles({2}));
    const Tensor y = op(a, x);
    const Error e = error_of([&] { backward({&y, 1}); });
    EXPECT_EQ(e.status(), Status::kAutograd);
    EXPECT_TRUE(contains(e, "not differentiable"));
  }
}

TEST(ActivationMore, Errors) {
  EXPECT_EQ(error_of([] { celu(tensor({1}), 0); }).status(), Status::kInvalidArgument);
  EXPECT_EQ(error_of([] { softshrink(tensor({1}), -1); }).status(), Status::kInvalidArgument);
  EXPECT_EQ(error_of([] { hardswish(ints({1})); }).status(), Status::kDType);
  EXPECT_EQ(error_of([] { rrelu(tensor({1}), 1, 0); }).status(), Status::kInvalidArgument);
  EXPECT_EQ(error_of([] { polygamma(-1, tensor({1})); }).status(), Status::kInvalidArgument);
}

}  // namespace
}  // namespace mt
