// Accuracy of log2, log10, tan and of the further activations with their slopes against long double
// references, on every SIMD target: sweeps, kinks and special values.
#include "elementwise_testing.h"

namespace mt {
namespace {

using Wide = long double;
using E = Elementwise;

Params params3(double f0, double f1, double f2) {
  Params p = params(f0, f1);
  p.f[2] = f2;
  return p;
}

Wide sigmoid(Wide x) { return 1 / (1 + std::exp(-x)); }

// One op on x, or on the gradient g and x. The error bound is in units in the last place of
// the result or, where terms cancel, of `scale`.
struct Row {
  E op;
  int inputs;
  double tolerance;
  Wide (*want)(Wide g, Wide x, const Params& p);
  Wide (*scale)(Wide g, Wide x);
  Params p;
};
Wide no_scale(Wide, Wide) { return 0; }
Wide of_gradient(Wide g, Wide) { return std::fabs(g); }

const Row kRows[] = {
    {E::kLog2, 1, 2, [](Wide, Wide x, const Params&) { return std::log2(x); }, no_scale, {}},
    {E::kLog10, 1, 2, [](Wide, Wide x, const Params&) { return std::log10(x); }, no_scale, {}},
    {E::kTan, 1, 5, [](Wide, Wide x, const Params&) { return std::tan(x); }, no_scale, {}},
    {E::kLeakyRelu, 1, 1, [](Wide, Wide x, const Params& p) { return x > 0 ? x : x * p.f[0]; },
     no_scale, params(0.125)},
    {E::kLeakyReluBackward, 2, 1,
     [](Wide g, Wide x, const Params& p) { return x > 0 ? g : g * p.f[0]; }, no_scale,
     params(0.125)},
    {E::kElu, 1, 4,
     [](Wide, Wide x, const Params& p) {
       return x <= 0 ? p.f[0] * std::expm1(p.f[2] * x) : p.f[1] * x;
     },
     no_scale, params3(1.5, 3, 0.5)},
    {E::kEluBackward, 2, 4,
     [](Wide g, Wide x, const Params& p) {
       return g * (x <= 0 ? p.f[0] * p.f[2] * std::exp(p.f[2] * x) : p.f[1]);
     },
     no_scale, params3(1.5, 3, 0.5)},
    {E::kSilu, 1, 4, [](Wide, Wide x, const Params&) { return x * sigmoid(x); }, no_scale, {}},
    {E::kSiluBackward,
     2,
     6,
     [](Wide g, Wide x, const Params&) {
       const Wide s = sigmoid(x);
       return g * s * (1 + x * (1 - s));
     },
     of_gradient,
     {}},
    {E::kSoftplus, 1, 4,
     [](Wide, Wide x, const Params& p) {
       return p.f[0] * x > p.f[1] ? x : std::log1p(std::exp(p.f[0] * x)) / p.f[0];
     },
     no_scale, params(2, 5)},
    {E::kSoftplusBackward, 2, 4,
     [](Wide g, Wide x, const Params& p) {
       return p.f[0] * x > p.f[1] ? g : g * sigmoid(p.f[0] * x);
     },
     no_scale, params(2, 5)},
    {E::kHardtanhBackward, 2, 0,
     [](Wide g, Wide x, const Params& p) { return x <= p.f[0] || x >= p.f[1] ? 0 : g; }, no_scale,
     params(-1, 2)},
};

template <class T>
void check(const Row& row, const std::vector<T>& x) {
  const DType dtype = sizeof(T) == 4 ? DType::kFloat32 : DType::kFloat64;
  std::vector<T> g;
  for (size_t i = 0; i < x.size(); ++i) g.push_back(static_cast<T>(i % 7) - T(3.5));
  const Tensor tx = make_tensor<T>(x, dtype), tg = make_tensor<T>(g, dtype);
  const Tensor out = empty(tx.numel(), dtype);
  if (row.inputs == 1) run_kernel(row.op, dtype, row.p, {&out, &tx});
  if (row.inputs == 2) run_kernel(row.op, dtype, row.p, {&out, &tg, &tx});
  for (size_t i = 0; i < x.size(); ++i) {
    const T got = out.data_as<T>()[i];
    const Wide want = row.want(g[i], x[i], row.p);
    if (std::isnan(got) && std::isnan(want)) continue;
    if (got == 0 && want == 0) continue;  // of either sign
    ASSERT_LE(ulp_error(got, want, static_cast<double>(row.scale(g[i], x[i]))), row.tolerance)
        << label(row.op, dtype) << "(" << g[i] << ", " << x[i] << ") = " << got << ", exact "
        << static_cast<double>(want);
  }
}

using UnaryMore = ElementwiseTest;

TEST_P(UnaryMore, ModerateArguments) {
  Lcg random(5);
  std::vector<double> wide{0, -0.0, 1, -1, 2, 2.5, -2.5, 20, 0.5, 1e-8, -1e-8};
  for (int i = 0; i < 5000; ++i) wide.push_back(random.uniform(-30, 30));
  const std::vector<float> narrow(wide.begin(), wide.end());
  for (const Row& row : kRows) {
    check<float>(row, narrow);
    check<double>(row, wide);
  }
}

TEST_P(UnaryMore, WholeRange) {
  std::vector<float> narrow;
  for (uint64_t bits = 0; bits <= 0xFFFFFFFFu; bits += 80021) {
    const auto pattern = static_cast<uint32_t>(bits);
    float value;
    std::memcpy(&value, &pattern, sizeof value);
    narrow.push_back(value);
  }
  Lcg random(6);
  std::vector<double> wide;
  for (int i = 0; i < 20000; ++i) {
    const uint64_t bits = random.bits();
    double value;
    std::memcpy(&value, &bits, sizeof value);
    wide.push_back(value);
  }
  for (const Row& row : kRows) {
    if (row.op != E::kLog2 && row.op != E::kLog10 && row.op != E::kTan) continue;
    check<float>(row, narrow);
    check<double>(row, wide);
  }
}

TEST_P(UnaryMore, LogarithmsOfPowersAreExact) {
  std::vector<double> x;
  for (int e = -1074; e < 1024; ++e) x.push_back(std::ldexp(1.0, e));
  const Tensor in = make_tensor<double>(x, DType::kFloat64),
               out = empty(in.numel(), DType::kFloat64);
  run_kernel(E::kLog2, DType::kFloat64, {}, {&out, &in});
  for (size_t i = 0; i < x.size(); ++i) {
    ASSERT_EQ(out.data_as<double>()[i], static_cast<double>(i) - 1074);
  }
  for (DType dtype : {DType::kFloat32, DType::kFloat64}) {
    const std::vector<double> tens{1, 10, 100, 1000, 10000, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10};
    Tensor t = make_tensor<double>(tens, DType::kFloat64);
    if (dtype == DType::kFloat32) {
      t = make_tensor<float>(std::vector<float>(tens.begin(), tens.end()), dtype);
    }
    const Tensor r = empty(t.numel(), dtype);
    run_kernel(E::kLog10, dtype, {}, {&r, &t});
    for (int64_t i = 0; i < r.numel(); ++i) {
      const void* p =
          static_cast<const char*>(r.data()) + i * static_cast<int64_t>(dtype_size(dtype));
      EXPECT_EQ(load_scalar(dtype, p).to_double(), static_cast<double>(i)) << dtype_name(dtype);
    }
  }
}

TEST_P(UnaryMore, SpecialValues) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> x{kNan, kInf, -kInf, 0};
  const Tensor in = make_tensor<float>(x, DType::kFloat32),
               one = make_tensor<float>({1, 1, 1, 1}, DType::kFloat32);
  const auto expect = [&](E op, const Params& p, std::vector<float> want) {
    const Tensor out = empty(4, DType::kFloat32);
    const bool slope = op == E::kEluBackward || op == E::kSoftplusBackward ||
                       op == E::kLeakyReluBackward || op == E::kHardtanhBackward;
    if (slope) {
      run_kernel(op, DType::kFloat32, p, {&out, &one, &in});
    } else {
      run_kernel(op, DType::kFloat32, p, {&out, &in});
    }
    for (size_t i = 0; i < 4; ++i) {
      const float got = out.data_as<float>()[i];
      EXPECT_TRUE(got == want[i] || (std::isnan(got) && std::isnan(want[i])))
          << label(op, DType::kFloat32) << "(" << x[i] << ") = " << got;
    }
  };
  expect(E::kLog2, {}, {kNan, kInf, kNan, -kInf});
  expect(E::kLog10, {}, {kNan, kInf, kNan, -kInf});
  expect(E::kTan, {}, {kNan, kNan, kNan, 0});
  expect(E::kSilu, {}, {kNan, kInf, kNan, 0});
  expect(E::kElu, params3(2, 1, 1), {kNan, kInf, -2, 0});
  expect(E::kEluBackward, params3(2, 1, 1), {kNan, 1, 0, 2});
  expect(E::kSoftplus, params(1, 20), {kNan, kInf, 0, std::log(2.0f)});
  expect(E::kSoftplusBackward, params(1, 20), {kNan, 1, 0, 0.5f});
  expect(E::kLeakyRelu, params(0.5), {kNan, kInf, -kInf, 0});
  expect(E::kLeakyReluBackward, params(0.5), {0.5f, 1, 0.5f, 0.5f});
  expect(E::kHardtanhBackward, params(-1, 1), {0, 0, 0, 1});
}

MT_TEST_ALL_TARGETS(UnaryMore);

}  // namespace
}  // namespace mt
