// Accuracy of the floating elementwise kernels against long double references, on every SIMD
// target: sweeps over bit patterns, special values, and the 16-bit dtypes' single rounding.
#include "elementwise_testing.h"

#include "core/error.h"

namespace mt {
namespace {

using Wide = long double;
using E = Elementwise;

constexpr Wide kPi = 3.14159265358979323846264338327950288L;
constexpr Wide kRootHalf = 0.70710678118654752440084436210484904L;

Wide sigmoid(Wide x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }
Wide cdf(Wide x) { return 0.5L * (1 + std::erf(x * kRootHalf)); }
Wide pdf(Wide x) { return std::exp(-0.5L * x * x) / std::sqrt(2 * kPi); }
Wide gate(Wide x) { return sigmoid(2 * std::sqrt(2 / kPi) * (x + 0.044715L * x * x * x)); }
Wide sign(Wide x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

// One op: its reference, its error bound in units in the last place, and the size of its terms
// where they cancel (0: the result itself is the measure).
struct Row {
  E op;
  int inputs;
  double tolerance;
  Wide (*want)(const Wide* x, const Params& p);
  Wide (*scale)(const Wide* x, const Params& p);
  Params p;
};

Wide no_scale(const Wide*, const Params&) { return 0; }

// Functions of one number, good over the whole range.
const Row kFunctions[] = {
    {E::kExp, 1, 1.5, [](auto* x, auto&) { return std::exp(*x); }, no_scale, {}},
    {E::kLog, 1, 1.5, [](auto* x, auto&) { return std::log(*x); }, no_scale, {}},
    {E::kLog1p, 1, 1.5, [](auto* x, auto&) { return std::log1p(*x); }, no_scale, {}},
    {E::kExpm1, 1, 2.5, [](auto* x, auto&) { return std::expm1(*x); }, no_scale, {}},
    {E::kSin, 1, 2.5, [](auto* x, auto&) { return std::sin(*x); }, no_scale, {}},
    {E::kCos, 1, 2.5, [](auto* x, auto&) { return std::cos(*x); }, no_scale, {}},
    {E::kTanh, 1, 3, [](auto* x, auto&) { return std::tanh(*x); }, no_scale, {}},
    {E::kSigmoid, 1, 3, [](auto* x, auto&) { return sigmoid(*x); }, no_scale, {}},
    {E::kErf, 1, 3, [](auto* x, auto&) { return std::erf(*x); }, no_scale, {}},
    {E::kRsqrt, 1, 1.5, [](auto* x, auto&) { return 1 / std::sqrt(*x); }, no_scale, {}},
};

// Values that exercise every special case of a function of type T.
template <class T>
std::vector<T> special_values() {
  using L = std::numeric_limits<T>;
  std::vector<T> v = {0,
                      L::denorm_min(),
                      L::min(),
                      L::min() * T(0.75),
                      T(1e-20),
                      T(1e-7),
                      T(0.25),
                      T(0.5),
                      T(0.75),
                      1,
                      T(1.5),
                      2,
                      T(2.5),
                      3,
                      T(5.5),
                      9,
                      17,
                      40,
                      T(87.3),
                      T(88.6),
                      T(88.8),
                      104,
                      T(708.5),
                      T(709.7),
                      T(709.8),
                      T(746),
                      8191.5,
                      8193,
                      T(1e6),
                      T(1e7),
                      T(8388607.5),
                      L::max(),
                      L::infinity()};
  const size_t n = v.size();
  for (size_t i = 0; i < n; ++i) v.push_back(-v[i]);
  v.push_back(L::quiet_NaN());
  return v;
}

template <class T>
void check_function(const Row& row, const std::vector<T>& values) {
  const DType dtype = sizeof(T) == 4 ? DType::kFloat32 : DType::kFloat64;
  const Tensor in = make_tensor<T>(values, dtype), out = empty(in.numel(), dtype);
  run_kernel(row.op, dtype, row.p, {&out, &in});
  for (size_t i = 0; i < values.size(); ++i) {
    const Wide x = values[i];
    const Wide want = row.want(&x, row.p);
    const T got = out.data_as<T>()[i];
    ASSERT_LE(ulp_error(got, want), row.tolerance)
        << label(row.op, dtype) << "(" << static_cast<double>(x) << ") = " << got << ", exact "
        << static_cast<double>(want);
  }
}

using ElementwiseMath = ElementwiseTest;

TEST_P(ElementwiseMath, FunctionsAtSpecialValues) {
  for (const Row& row : kFunctions) {
    check_function<float>(row, special_values<float>());
    check_function<double>(row, special_values<double>());
  }
}

TEST_P(ElementwiseMath, FunctionsOverAllFloat32Patterns) {
  constexpr uint64_t kStep = 40009;
  std::vector<float> values;
  for (uint64_t bits = 0; bits <= 0xFFFFFFFFu; bits += kStep) {
    const auto narrow = static_cast<uint32_t>(bits);
    float value;
    std::memcpy(&value, &narrow, sizeof value);
    values.push_back(value);
  }
  for (const Row& row : kFunctions) check_function<float>(row, values);
}

TEST_P(ElementwiseMath, FunctionsOverFloat64) {
  Lcg random(1);
  std::vector<double> values;
  for (int i = 0; i < 15000; ++i) {
    const uint64_t bits = random.bits();
    double any;
    std::memcpy(&any, &bits, sizeof any);
    values.push_back(any);
    values.push_back(random.uniform(-2, 2));
    values.push_back(random.uniform(-40, 40));
    values.push_back(std::ldexp(random.uniform(-1, 1), static_cast<int>(random.bits() % 60) - 40));
  }
  for (const Row& row : kFunctions) check_function<double>(row, values);
}

TEST_P(ElementwiseMath, ExpUnderflowsGradually) {
  std::vector<float> values;
  for (float x = -104; x < -86; x += 0.013f) values.push_back(x);
  check_function<float>(kFunctions[0], values);
  std::vector<double> wide;
  for (double x = -746; x < -707; x += 0.037) wide.push_back(x);
  check_function<double>(kFunctions[0], wide);
}

TEST_P(ElementwiseMath, SinAndCosNearMultiplesOfHalfPi) {
  std::vector<float> narrow;
  std::vector<double> wide;
  for (int k = -5300; k <= 5300; ++k) narrow.push_back(static_cast<float>(k * kPi / 2));
  for (int k = -200000; k <= 700000; k += 61) wide.push_back(static_cast<double>(k * kPi / 2));
  for (const Row& row : kFunctions) {
    if (row.op != E::kSin && row.op != E::kCos) continue;
    check_function<float>(row, narrow);
    check_function<double>(row, wide);
  }
}

// pow against libm over its special cases and beyond.
template <class T>
void check_pow(const std::vector<T>& bases, const std::vector<T>& exponents) {
  const DType dtype = sizeof(T) == 4 ? DType::kFloat32 : DType::kFloat64;
  std::vector<T> a, b;
  for (T x : bases) {
    for (T y : exponents) {
      a.push_back(x);
      b.push_back(y);
    }
  }
  const Tensor ta = make_tensor<T>(a, dtype), tb = make_tensor<T>(b, dtype);
  const Tensor out = empty(ta.numel(), dtype);
  run_kernel(E::kPow, dtype, {}, {&out, &ta, &tb});
  for (size_t i = 0; i < a.size(); ++i) {
    const Wide want = std::pow(Wide{a[i]}, Wide{b[i]});
    ASSERT_LE(ulp_error(out.data_as<T>()[i], want), 1.5) << a[i] << " ** " << b[i];
  }
  for (T y : exponents) {  // the same through the scalar form
    const Tensor base = make_tensor<T>(bases, dtype), result = empty(base.numel(), dtype);
    run_kernel(E::kPowScalar, dtype, params(static_cast<double>(y)), {&result, &base});
    const bool root = std::fabs(y) == T(0.5);  // PyTorch takes sqrt, with its own -inf and -0
    for (size_t i = 0; i < bases.size(); ++i) {
      if (root && (bases[i] == 0 || std::isinf(bases[i]))) continue;
      const Wide want = std::pow(Wide{bases[i]}, Wide{y});
      const T got = result.data_as<T>()[i];
      if (y == 3 || y == -2) {  // products, rounded more than once and past the range's ends
        const T square = bases[i] * bases[i];
        ASSERT_TRUE(same_value(got, y == 3 ? square * bases[i] : 1 / square));
        continue;
      }
      ASSERT_LE(ulp_error(got, want), 1.5) << bases[i] << " ** scalar " << y;
    }
  }
}

TEST_P(ElementwiseMath, Pow) {
  std::vector<float> narrow = special_values<float>();
  std::vector<double> wide = special_values<double>();
  const std::vector<float> float_exponents = {
      0,     -0.0f, 1,           -1,          2,        -2,        3,   -3,
      4,     0.5f,  -0.5f,       2.5f,        -0.3f,    7,         -8,  1e-4f,
      1e10f, -1e9f, 16777215.0f, 33554434.0f, INFINITY, -INFINITY, NAN, 100};
  const std::vector<double> double_exponents(float_exponents.begin(), float_exponents.end());
  check_pow(narrow, float_exponents);
  check_pow(wide, double_exponents);
  Lcg random(2);
  narrow.clear();
  std::vector<float> exponents;
  for (int i = 0; i < 300; ++i) {
    narrow.push_back(static_cast<float>(std::exp(random.uniform(-20, 20))));
    exponents.push_back(static_cast<float>(random.uniform(-5, 5)));
  }
  check_pow(narrow, exponents);
}

// Compound formulas, for moderate arguments: x in [-10, 10], y and targets in [0, 1].
const Row kFormulas[] = {
    {E::kGelu,
     1,
     4,
     [](auto* x, auto&) { return *x * cdf(*x); },
     [](auto* x, auto&) { return std::fabs(*x); },
     {}},
    {E::kGeluTanh,
     1,
     4,
     [](auto* x, auto&) { return *x * gate(*x); },
     [](auto* x, auto&) { return std::fabs(*x); },
     {}},
    {E::kGeluBackward,
     2,
     6,
     [](auto* x, auto&) { return x[0] * (cdf(x[1]) + x[1] * pdf(x[1])); },
     [](auto* x, auto&) { return std::fabs(x[0]); },
     {}},
    {E::kGeluTanhBackward,
     2,
     8,
     [](auto* x, auto&) {
       const Wide s = gate(x[1]),
                  slope = 2 * std::sqrt(2 / kPi) * (1 + 3 * 0.044715L * x[1] * x[1]);
       return x[0] * (s + x[1] * s * (1 - s) * slope);
     },
     [](auto* x, auto&) { return std::fabs(x[0]); },
     {}},
    {E::kSigmoidBackward,
     2,
     2,
     [](auto* x, auto&) { return x[0] * (1 - x[1]) * x[1]; },
     [](auto* x, auto&) { return std::fabs(x[0]); },
     {}},
    {E::kTanhBackward,
     2,
     2,
     [](auto* x, auto&) { return x[0] * (1 - x[1] * x[1]); },
     [](auto* x, auto&) { return std::fabs(x[0]) * (1 + x[1] * x[1]); },
     {}},
    {E::kAddcmul, 3, 2, [](auto* x, auto& p) { return x[0] + p.f[0] * x[1] * x[2]; },
     [](auto* x, auto& p) { return std::fabs(x[0]) + std::fabs(p.f[0] * x[1] * x[2]); },
     params(-3)},
    {E::kAddcdiv, 3, 2, [](auto* x, auto& p) { return x[0] + p.f[0] * x[1] / (x[2]); },
     [](auto* x, auto& p) { return std::fabs(x[0]) + std::fabs(p.f[0] * x[1] / (x[2])); },
     params(0.5)},
    {E::kLerp, 2, 3, [](auto* x, auto& p) { return x[0] + p.f[0] * (x[1] - x[0]); },
     [](auto* x, auto&) { return std::fabs(x[0]) + std::fabs(x[1]); }, params(0.25)},
    {E::kLerp, 2, 3, [](auto* x, auto& p) { return x[0] + p.f[0] * (x[1] - x[0]); },
     [](auto* x, auto&) { return std::fabs(x[0]) + std::fabs(x[1]); }, params(0.75)},
    {E::kMseBackward, 3, 3, [](auto* x, auto& p) { return x[0] * p.f[0] * (x[1] - x[2]); },
     no_scale, params(0.125)},
    {E::kL1Backward, 3, 1, [](auto* x, auto& p) { return x[0] * p.f[0] * sign(x[1] - x[2]); },
     [](auto* x, auto&) { return std::fabs(x[0]); }, params(0.125)},
    {E::kMse, 2, 2, [](auto* x, auto&) { return (x[0] - x[1]) * (x[0] - x[1]); }, no_scale, {}},
    {E::kL1, 2, 1, [](auto* x, auto&) { return std::fabs(x[0] - x[1]); }, no_scale, {}},
    {E::kBce,
     2,
     4,
     [](auto* x, auto&) {
       return (x[1] - 1) * std::fmax(std::log1p(-x[0]), Wide{-100}) -
              x[1] * std::fmax(std::log(x[0]), Wide{-100});
     },
     [](auto*, auto&) { return Wide{1}; },
     {}},
    {E::kBceBackward,
     3,
     3,
     [](auto* x, auto&) {
       return x[0] * (x[1] - x[2]) / std::fmax((1 - x[1]) * x[1], Wide{1e-12L});
     },
     no_scale,
     {}},
    {E::kBceWithLogits,
     2,
     4,
     [](auto* x, auto&) {
       return (1 - x[1]) * x[0] + std::fmax(-x[0], Wide{0}) +
              std::log1p(std::exp(-std::fabs(x[0])));
     },
     [](auto* x, auto&) { return 1 + std::fabs(x[0]); },
     {}},
};

// Whether operand k of an op is a probability: targets, and values of sigmoid or tanh.
bool in_unit(E op, int k) {
  if (op == E::kBce) return true;
  if (op == E::kBceBackward || op == E::kSigmoidBackward || op == E::kTanhBackward) return k > 0;
  return op == E::kBceWithLogits && k == 1;
}

template <class T>
void check_formula(const Row& row, DType dtype) {
  constexpr int64_t kCount = 3000;
  using C = Compute<T>;
  Lcg random(3);
  std::vector<C> values[3];
  Tensor in[3];
  for (int k = 0; k < row.inputs; ++k) {
    for (int64_t i = 0; i < kCount; ++i) {
      const bool unit = in_unit(row.op, k);
      double v = random.uniform(unit ? 0 : -10, unit ? 1 : 10);
      if (i % 100 == k) v = std::round(v);  // 0 and 1 too, at most one operand at a time
      if (row.op == E::kAddcdiv && k == 2 && v == 0) v = 1;
      values[k].push_back(C(T(static_cast<C>(v))));
    }
    in[k] = make_tensor<T>(values[k], dtype);
  }
  const Tensor out = empty(kCount, dtype);
  if (row.inputs == 1) run_kernel(row.op, dtype, row.p, {&out, &in[0]});
  if (row.inputs == 2) run_kernel(row.op, dtype, row.p, {&out, &in[0], &in[1]});
  if (row.inputs == 3) run_kernel(row.op, dtype, row.p, {&out, &in[0], &in[1], &in[2]});
  for (int64_t i = 0; i < kCount; ++i) {
    Wide x[3] = {};
    for (int k = 0; k < row.inputs; ++k) x[k] = values[k][static_cast<size_t>(i)];
    const Wide want = row.want(x, row.p);
    const Wide scale = row.scale(x, row.p);
    const C got = C(out.data_as<T>()[i]);
    const auto text = [&] {
      return label(row.op, dtype) + "(" + std::to_string(x[0]) + ", " + std::to_string(x[1]) +
             ", " + std::to_string(x[2]) + ") = " + std::to_string(got) + ", exact " +
             std::to_string(want);
    };
    if constexpr (kIs16Bit<T>) {
      // Rounded once from a float32 within the tolerance: less than a unit from the exact value.
      const Wide error = row.tolerance * std::ldexp(std::fmax(std::fabs(want), scale), -23);
      const Wide low = C(T(static_cast<float>(want - error)));
      const Wide high = C(T(static_cast<float>(want + error)));
      ASSERT_TRUE(low <= got && got <= high) << text();
    } else {
      const double error =
          want == 0 && scale == 0 ? std::fabs(got) : ulp_error(got, want + Wide{0}, scale);
      ASSERT_LE(error, row.tolerance) << text();
    }
  }
}

TEST_P(ElementwiseMath, Formulas) {
  for (const Row& row : kFormulas) {
    for (DType dtype : kFloating) {
      with_type(dtype, [&]<class T>(T) {
        if constexpr (!std::is_integral_v<T>) check_formula<T>(row, dtype);
      });
      if (HasFatalFailure()) return;
    }
  }
}

// The functions again in 16 bits: exactly the rounding of the float32 result.
TEST_P(ElementwiseMath, SixteenBitsAreRoundedOnce) {
  for (const Row& row : kFunctions) {
    for (DType dtype : {DType::kFloat16, DType::kBFloat16}) {
      std::vector<float> values;
      std::vector<uint16_t> bits;
      for (uint32_t i = 0; i < 65536; i += 7) {
        bits.push_back(static_cast<uint16_t>(i));
        values.push_back(dtype == DType::kFloat16 ? half_to_float(bits.back())
                                                  : bfloat16_to_float(bits.back()));
      }
      const auto n = static_cast<int64_t>(bits.size());
      const Tensor in16 = empty(n, dtype), out16 = empty(n, dtype);
      std::memcpy(in16.data(), bits.data(), bits.size() * 2);
      const Tensor in = make_tensor<float>(values, DType::kFloat32);
      const Tensor out = empty(n, DType::kFloat32);
      run_kernel(row.op, dtype, {}, {&out16, &in16});
      run_kernel(row.op, DType::kFloat32, {}, {&out, &in});
      for (int64_t i = 0; i < n; ++i) {
        const float full = out.data_as<float>()[i];
        const uint16_t got = out16.data_as<uint16_t>()[i];
        const bool half = dtype == DType::kFloat16;
        const uint16_t want = half ? float_to_half(full) : float_to_bfloat16(full);
        if (std::isnan(full)) {
          ASSERT_TRUE(std::isnan(half ? half_to_float(got) : bfloat16_to_float(got)));
        } else {
          ASSERT_EQ(got, want) << label(row.op, dtype) << "(" << in.data_as<float>()[i] << ")";
        }
      }
    }
  }
}

TEST_P(ElementwiseMath, BceLogarithmsStopAtMinus100) {
  const Tensor x = make_tensor<float>({0, 1, 0, 1, 1e-30f}, DType::kFloat32);
  const Tensor y = make_tensor<float>({1, 0, 0, 1, 0}, DType::kFloat32);
  const Tensor out = empty(5, DType::kFloat32);
  run_kernel(E::kBce, DType::kFloat32, {}, {&out, &x, &y});
  const float want[] = {100, 100, 0, 0, 0};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(out.data_as<float>()[i], want[i]) << i;
}

TEST_P(ElementwiseMath, BceRefusesInputsOutsideOfUnit) {
  for (float bad : {1.5f, -0.25f, std::numeric_limits<float>::quiet_NaN()}) {
    std::vector<float> values(11, 0.5f);
    values[10] = bad;
    const Tensor x = make_tensor<float>(values, DType::kFloat32), out = empty(11, DType::kFloat32);
    try {
      find_kernel(E::kBce, DType::kFloat32)(Iter({&out, &x, &x}), {});
      FAIL() << bad;
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), Status::kInvalidArgument);
      const std::string text = e.what();
      EXPECT_EQ(text.find("binary_cross_entropy: value out of range: input has "), 0u) << text;
      EXPECT_NE(text.find("must lie in [0, 1]"), std::string::npos) << text;
    }
  }
}

MT_TEST_ALL_TARGETS(ElementwiseMath);

}  // namespace
}  // namespace mt
