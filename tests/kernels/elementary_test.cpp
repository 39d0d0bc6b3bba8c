// Accuracy of inverse trigonometry, hyperbolic functions, exp2 and functions of two numbers against
// long double references, on every SIMD target: sweeps over moderate and all arguments, special
// values.
#include "elementwise_testing.h"

namespace mt {
namespace {

using Wide = long double;
using E = Elementwise;

// A function of x, or of x and y; the bound is in units in the last place of the result or, where
// terms cancel, of `scale`.
struct Row {
  E op;
  int inputs;
  double tolerance;
  Wide (*want)(Wide x, Wide y);
  Wide (*scale)(Wide x, Wide y) = [](Wide, Wide) { return Wide{0}; };
};

Wide logaddexp(Wide x, Wide y) {
  if (x == y) return x + std::log(Wide{2});
  return std::max(x, y) + std::log1p(std::exp(-std::fabs(x - y)));
}

const Row kRows[] = {
    {E::kAsin, 1, 2, [](Wide x, Wide) { return std::asin(x); }},
    {E::kAcos, 1, 2, [](Wide x, Wide) { return std::acos(x); }},
    {E::kAtan, 1, 3, [](Wide x, Wide) { return std::atan(x); }},
    {E::kSinh, 1, 3, [](Wide x, Wide) { return std::sinh(x); }},
    {E::kCosh, 1, 3, [](Wide x, Wide) { return std::cosh(x); }},
    {E::kAsinh, 1, 3, [](Wide x, Wide) { return std::asinh(x); }},
    {E::kAcosh, 1, 4, [](Wide x, Wide) { return std::acosh(x); }},
    {E::kAtanh, 1, 4, [](Wide x, Wide) { return std::atanh(x); }},
    {E::kExp2, 1, 2, [](Wide x, Wide) { return std::exp2(x); }},
    {E::kFrac, 1, 0, [](Wide x, Wide) { return std::isinf(x) ? x - x : x - std::trunc(x); }},
    {E::kAtan2, 2, 3, [](Wide x, Wide y) { return std::atan2(x, y); }},
    {E::kHypot, 2, 2, [](Wide x, Wide y) { return std::hypot(x, y); }},
    {E::kFmod, 2, 0, [](Wide x, Wide y) { return std::fmod(x, y); }},
    {E::kCopysign, 2, 0, [](Wide x, Wide y) { return std::copysign(x, y); }},
    {E::kLogaddexp, 2, 3, logaddexp,
     [](Wide x, Wide y) { return std::max(std::fabs(x), std::fabs(y)); }},
    {E::kXlogy, 2, 3,
     [](Wide x, Wide y) { return std::isnan(y) ? y
                                 : x == 0      ? 0
                                               : x * std::log(y); }},
    {E::kFmax, 2, 0, [](Wide x, Wide y) { return std::fmax(x, y); }},
    {E::kFmin, 2, 0, [](Wide x, Wide y) { return std::fmin(x, y); }},
};

template <class T>
void check(const Row& row, const std::vector<T>& x, const std::vector<T>& y) {
  const DType dtype = sizeof(T) == 4 ? DType::kFloat32 : DType::kFloat64;
  const Tensor tx = make_tensor<T>(x, dtype), ty = make_tensor<T>(y, dtype);
  const Tensor out = empty(tx.numel(), dtype);
  if (row.inputs == 1) run_kernel(row.op, dtype, {}, {&out, &tx});
  if (row.inputs == 2) run_kernel(row.op, dtype, {}, {&out, &tx, &ty});
  for (size_t i = 0; i < x.size(); ++i) {
    const T got = out.data_as<T>()[i];
    const Wide want = row.want(x[i], y[i]);
    if (got == 0 && want == 0) continue;  // of either sign
    if (std::isinf(x[i]) && row.op == E::kFrac) continue;
    ASSERT_LE(ulp_error(got, want, row.scale(x[i], y[i])), row.tolerance)
        << label(row.op, dtype) << "(" << x[i] << ", " << y[i] << ") = " << got << ", exact "
        << static_cast<double>(want);
  }
}

void check_all(const std::vector<double>& x, const std::vector<double>& y) {
  const std::vector<float> fx(x.begin(), x.end()), fy(y.begin(), y.end());
  for (const Row& row : kRows) {
    check<float>(row, fx, fy);
    check<double>(row, x, y);
  }
}

using Elementary = ElementwiseTest;

TEST_P(Elementary, ModerateArguments) {
  Lcg random(3);
  std::vector<double> x, y;
  for (int i = 0; i < 4000; ++i) {
    const double range = i % 2 ? 1 : 30;
    x.push_back(random.uniform(-range, range));
    y.push_back(random.uniform(-range, range));
  }
  check_all(x, y);
}

TEST_P(Elementary, TinyAndHugeArguments) {
  Lcg random(4);
  std::vector<double> x, y;
  for (int i = 0; i < 4000; ++i) {
    x.push_back(std::copysign(std::exp2(random.uniform(-120, 120)), random.uniform(-1, 1)));
    y.push_back(std::copysign(std::exp2(random.uniform(-120, 120)), random.uniform(-1, 1)));
  }
  check_all(x, y);
}

TEST_P(Elementary, SpecialValues) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const std::vector<double> values{0,     -0.0, 1,     -1, 0.5,   -0.5,  2,    kInf,
                                   -kInf, 1e30, -1e30, 89, -89.5, 127.5, -149, std::nan("")};
  std::vector<double> x, y;
  for (double a : values) {
    for (double b : values) {
      x.push_back(a);
      y.push_back(b);
    }
  }
  check_all(x, y);
}

MT_TEST_ALL_TARGETS(Elementary);

}  // namespace
}  // namespace mt
