// Complex numbers and Fourier transforms: views of parts, the gradient's convention, promotion,
// what is refused, and transforms against their definition.
#include "ops/complex.h"

#include <complex>

#include "ops/arithmetic.h"
#include "ops/common.h"
#include "ops/creation.h"
#include "ops/fft.h"
#include "ops/linalg.h"
#include "ops/matmul.h"
#include "ops/ops_testing.h"
#include "ops/power.h"
#include "ops/reduce.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt::testing {
namespace {

void expect_error(Status status, std::string_view text, const std::function<void()>& call) {
  const Error e = error_of(call);
  EXPECT_EQ(e.status(), status) << e.message();
  EXPECT_TRUE(contains(e, text)) << e.message();
}

Tensor z4() { return complex(doubles({1, -2, 0.5, 3}, {4}), doubles({0.5, 1, -1, 0}, {4})); }

TEST(Complex, PartsAreViews) {
  const Tensor z = z4();
  EXPECT_EQ(z.dtype(), DType::kComplex128);
  EXPECT_TRUE(matches(imag(z), {0.5, 1, -1, 0}, 0));
  fill_(real(z), 7);
  EXPECT_TRUE(matches(view_as_real(z), {7, 0.5, 7, 1, 7, -1, 7, 0}, 0));
  EXPECT_TRUE(matches(real(conj(z)), {7, 7, 7, 7}, 0));
  EXPECT_TRUE(matches(imag(view_as_complex(view_as_real(z))), {0.5, 1, -1, 0}, 0));
}

TEST(Complex, GradientsAreConjugateWirtingerDerivatives) {
  const Tensor z = z4();
  set_requires_grad(z, true);
  backward({{sum(square(abs(mul(z, z))))}});  // |z|^4, of gradient 4 |z|^2 z
  const Tensor r = square(abs(detach(z)));
  EXPECT_TRUE(matches(view_as_real(grad_of(z)),
                      list(view_as_real(mul(detach(z), mul(r, number(4))))), 1e-12));
}

TEST(Complex, RealInputsGetTheRealPart) {
  const Tensor x = doubles({1, 2, 3, 4}, {4}), z = z4();
  set_requires_grad(x, true);
  backward({{sum(real(mul(x, z)))}});
  EXPECT_EQ(grad_of(x).dtype(), DType::kFloat64);
  EXPECT_TRUE(matches(grad_of(x), list(real(z)), 0));
}

TEST(Complex, PromotesAsPyTorch) {
  EXPECT_EQ(promote_types(DType::kFloat64, DType::kComplex64), DType::kComplex128);
  const Tensor i = Tensor::from_scalar(std::complex<double>(0, 1));
  EXPECT_EQ(result_type(ones({{2}}, DType::kInt32), i), DType::kComplex64);
  EXPECT_EQ(result_type(ones({{2}}, DType::kFloat64), i), DType::kComplex128);
  EXPECT_EQ(mul(ones({{1}}, DType::kInt32), i).item().imag(), 1);
}

TEST(Complex, RefusesWhatWouldLoseTheImaginaryPart) {
  const Tensor z = z4(), x = doubles({1, 2, 3, 4}, {4});
  expect_error(Status::kDType, "can't be cast", [&] { add_(x, z); });
  expect_error(Status::kInvalidArgument, "imaginary",
               [&] { fill_(x, Scalar(std::complex<double>(1, 1))); });
  expect_error(Status::kDType, "complex", [&] { imag(x); });
  expect_error(Status::kNotImplemented, "complex128", [&] { floor(z); });
  expect_error(Status::kDType, "complex128", [&] { linalg_inv(reshape(z, {{2, 2}})); });
}

TEST(Fft, IsItsDefinition) {
  const Tensor z = z4();
  const auto* const x = z.data_as<std::complex<double>>();
  const Tensor out = fft_fft(z);
  for (int k = 0; k < 4; ++k) {
    std::complex<double> sum = 0;
    for (int j = 0; j < 4; ++j)
      sum += x[j] * std::polar(1.0, -2 * 3.14159265358979323846 * j * k / 4);
    EXPECT_LT(std::abs(out.data_as<std::complex<double>>()[k] - sum), 1e-14);
  }
  EXPECT_TRUE(matches(view_as_real(fft_ifft(out)), list(view_as_real(z)), 1e-14));
}

TEST(Fft, SaysWhatIsWrong) {
  expect_error(Status::kInvalidArgument, "data points", [&] { fft_fft(doubles({1, 2}, {2}), 0); });
  expect_error(Status::kDType, "real", [&] { fft_rfft(z4()); });
  expect_error(Status::kDType, "float16", [&] { fft_fft(ones({{2}}, DType::kFloat16)); });
}

TEST(Fft, KeepsManyPlans) {  // more than are kept
  for (int64_t n = 1; n < 400; ++n) {
    const Tensor x = ones({{n}}, DType::kFloat64);
    EXPECT_NEAR(real(fft_rfft(x)).data_as<double>()[0], static_cast<double>(n), 1e-9);
  }
}

}  // namespace
}  // namespace mt::testing
