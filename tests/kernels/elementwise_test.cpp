// The exact elementwise kernels (arithmetic, comparisons, integers) against plain C++, and the
// layouts that every kernel goes through: strides, broadcasts, in-place, odd lengths.
#include "elementwise_testing.h"

#include <functional>
#include <map>

#include "core/error.h"

namespace mt {
namespace {

using E = Elementwise;
using ElementwiseExact = ElementwiseTest;

// ---- Floating arithmetic: the same bits as the formula in C++, -0, inf and NaN included ----

template <class T>
using Reference = T (*)(T a, T b);

template <class T>
T python_mod(T a, T b) {
  const T r = std::fmod(a, b);
  return r != 0 && (b < 0) != (r < 0) ? r + b : r;
}
template <class T>
T python_floor_div(T a, T b) {
  if (b == 0) return a / b;
  const T mod = std::fmod(a, b);
  T div = (a - mod) / b;
  if (mod != 0 && (b < 0) != (mod < 0)) div -= 1;
  if (div == 0) return std::copysign(T{0}, a / b);
  const T floor = std::floor(div);
  return div - floor > T(0.5) ? floor + 1 : floor;
}
template <class T>
T nan_max(T a, T b) {
  return std::isnan(a) ? a : std::isnan(b) ? b : a > b ? a : b;
}
template <class T>
T nan_min(T a, T b) {
  return std::isnan(a) ? a : std::isnan(b) ? b : a < b ? a : b;
}

template <class T>
std::vector<std::pair<E, Reference<T>>> exact_floating() {
  return {
      {E::kNeg, [](T a, T) { return -a; }},
      {E::kAbs, [](T a, T) { return std::fabs(a); }},
      {E::kSquare, [](T a, T) { return a * a; }},
      {E::kSqrt, [](T a, T) { return std::sqrt(a); }},
      {E::kRsqrt, [](T a, T) { return 1 / std::sqrt(a); }},
      {E::kReciprocal, [](T a, T) { return 1 / a; }},
      {E::kSign, [](T a, T) { return T(a > 0   ? 1
                                       : a < 0 ? -1
                                               : 0); }},
      {E::kFloor, [](T a, T) { return std::floor(a); }},
      {E::kCeil, [](T a, T) { return std::ceil(a); }},
      {E::kRound, [](T a, T) { return std::nearbyint(a); }},
      {E::kTrunc, [](T a, T) { return std::trunc(a); }},
      {E::kRelu, [](T a, T) { return a < 0 ? T{0} : a; }},
      {E::kAdd, [](T a, T b) { return a + b; }},
      {E::kSub, [](T a, T b) { return a - b; }},
      {E::kMul, [](T a, T b) { return a * b; }},
      {E::kDiv, [](T a, T b) { return a / b; }},
      {E::kDivTrunc, [](T a, T b) { return std::trunc(a / b); }},
      {E::kDivFloor, python_floor_div<T>},
      {E::kRemainder, python_mod<T>},
      {E::kMaximum, nan_max<T>},
      {E::kMinimum, nan_min<T>},
      {E::kReluBackward, [](T g, T y) { return y <= 0 ? T{0} : g; }},
      {E::kAbsBackward, [](T g, T x) { return g * T(x > 0   ? 1
                                                    : x < 0 ? -1
                                                            : 0); }},
      {E::kClampBackward, [](T g, T x) { return x >= 1 && x <= 0 ? g : T{0}; }},
  };
}

template <class C>
std::vector<std::pair<E, bool (*)(C, C)>> comparisons() {
  return {
      {E::kEq, [](C a, C b) { return a == b; }},
      {E::kNe, [](C a, C b) { return a != b; }},
      {E::kLt, [](C a, C b) { return a < b; }},
      {E::kLe, [](C a, C b) { return a <= b; }},
      {E::kGt, [](C a, C b) { return a > b; }},
      {E::kGe, [](C a, C b) { return a >= b; }},
      {E::kLogicalAnd, [](C a, C b) { return a != 0 && b != 0; }},
      {E::kLogicalOr, [](C a, C b) { return a != 0 || b != 0; }},
      {E::kLogicalXor, [](C a, C b) { return (a != 0) != (b != 0); }},
      {E::kLogicalNot, [](C a, C) { return a == 0; }},
  };
}

bool is_unary(E op) { return op < E::kAdd; }

void run_any(E op, DType dtype, const Params& p, const Tensor& out, const Tensor& a,
             const Tensor& b) {
  if (is_unary(op)) {
    run_kernel(op, dtype, p, {&out, &a});
  } else {
    run_kernel(op, dtype, p, {&out, &a, &b});
  }
}

// Every pair of a list of values, as two vectors.
template <class C>
void all_pairs(const std::vector<C>& values, std::vector<C>& a, std::vector<C>& b) {
  for (C x : values) {
    for (C y : values) {
      a.push_back(x);
      b.push_back(y);
    }
  }
}

template <class T>
std::vector<Compute<T>> floating_values() {
  using C = Compute<T>;
  std::vector<C> values = {0, C(0.1),  C(0.3),     C(0.5),   C(0.75),
                           1, C(1.5),  2.5,        3,        3.5,
                           7, C(1e-3), C(1000.25), C(40000), std::numeric_limits<C>::infinity()};
  if constexpr (!kIs16Bit<T>) {
    using L = std::numeric_limits<C>;
    values.insert(values.end(), {L::denorm_min(), L::min(), L::max(), C(1e-30), C(4194303.5),
                                 C(8388609), C(4503599627370497.0)});
  }
  Lcg random(4);
  for (int i = 0; i < 40; ++i) {
    values.push_back(static_cast<C>(std::exp(random.uniform(-9, 9))));
  }
  for (C& v : values) v = C(T(v));
  const size_t n = values.size();
  for (size_t i = 0; i < n; ++i) values.push_back(-values[i]);
  values.push_back(std::numeric_limits<C>::quiet_NaN());
  return values;
}

TEST_P(ElementwiseExact, FloatingArithmetic) {
  for (DType dtype : kFloating) {
    with_type(dtype, [&]<class T>(T) {
      if constexpr (!std::is_integral_v<T>) {
        using C = Compute<T>;
        std::vector<C> a, b;
        all_pairs(floating_values<T>(), a, b);
        const Tensor ta = make_tensor<T>(a, dtype), tb = make_tensor<T>(b, dtype);
        const Tensor out = empty(ta.numel(), dtype);
        for (const auto& [op, want] : exact_floating<C>()) {
          run_any(op, dtype, params(1), out, ta, tb);
          for (size_t i = 0; i < a.size(); ++i) {
            C x = a[i], y = b[i];
            if (x == 0 && y == 0 && (op == E::kMaximum || op == E::kMinimum)) continue;
            const C got = C(out.data_as<T>()[i]);
            ASSERT_TRUE(same_value(got, C(T(want(x, y)))))
                << label(op, dtype) << ": " << x << ", " << y << " gave " << got;
          }
        }
        const Tensor flags = empty(ta.numel(), DType::kBool);
        for (const auto& [op, want] : comparisons<C>()) {
          run_any(op, dtype, {}, flags, ta, tb);
          for (size_t i = 0; i < a.size(); ++i) {
            ASSERT_EQ(flags.data_as<uint8_t>()[i], want(a[i], b[i]) ? 1 : 0)
                << label(op, dtype) << ": " << a[i] << ", " << b[i];
          }
        }
        run_kernel(E::kIsNan, dtype, {}, {&flags, &ta});
        for (size_t i = 0; i < a.size(); ++i) {
          ASSERT_EQ(flags.data_as<uint8_t>()[i], std::isnan(a[i]) ? 1 : 0);
        }
        run_kernel(E::kIsInf, dtype, {}, {&flags, &ta});
        for (size_t i = 0; i < a.size(); ++i) {
          ASSERT_EQ(flags.data_as<uint8_t>()[i], std::isinf(a[i]) ? 1 : 0);
        }
        run_kernel(E::kIsFinite, dtype, {}, {&flags, &ta});
        for (size_t i = 0; i < a.size(); ++i) {
          ASSERT_EQ(flags.data_as<uint8_t>()[i], std::isfinite(a[i]) ? 1 : 0);
        }
      }
    });
    if (HasFatalFailure()) return;
  }
}

TEST_P(ElementwiseExact, AlphaIsMultipliedIn) {
  const Tensor a = make_tensor<float>({1, 2, -3, 0.5f, 7}, DType::kFloat32);
  const Tensor b = make_tensor<float>({4, -1, 8, 2, 3}, DType::kFloat32);
  const Tensor out = empty(5, DType::kFloat32);
  for (float alpha : {2.0f, -0.5f, 0.0f}) {
    run_kernel(E::kAdd, DType::kFloat32, params(alpha), {&out, &a, &b});
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(out.data_as<float>()[i], a.data_as<float>()[i] + alpha * b.data_as<float>()[i]);
    }
    run_kernel(E::kSub, DType::kFloat32, params(alpha), {&out, &a, &b});
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(out.data_as<float>()[i], a.data_as<float>()[i] - alpha * b.data_as<float>()[i]);
    }
  }
}

TEST_P(ElementwiseExact, ClampAndItsSlope) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> x = {-3, -1, -0.5f, 0, 0.5f, 1, 2, kNan};
  const Tensor in = make_tensor<float>(x, DType::kFloat32);
  const Tensor g = make_tensor<float>({1, 2, 3, 4, 5, 6, 7, 8}, DType::kFloat32);
  const Tensor out = empty(8, DType::kFloat32);
  const auto check = [&](E op, double low, double high, std::initializer_list<float> want) {
    if (op == E::kClamp) run_kernel(op, DType::kFloat32, params(low, high), {&out, &in});
    if (op != E::kClamp) run_kernel(op, DType::kFloat32, params(low, high), {&out, &g, &in});
    int i = 0;
    for (float w : want) {
      EXPECT_TRUE(same_value(out.data_as<float>()[i], w)) << low << ", " << high << ": " << x[i];
      ++i;
    }
  };
  check(E::kClamp, -1, 1, {-1, -1, -0.5f, 0, 0.5f, 1, 1, kNan});
  check(E::kClamp, 1, -1, {-1, -1, -1, -1, -1, -1, -1, kNan});
  check(E::kClamp, 0, INFINITY, {0, 0, 0, 0, 0.5f, 1, 2, kNan});
  check(E::kClamp, NAN, 1, {kNan, kNan, kNan, kNan, kNan, kNan, kNan, kNan});
  check(E::kClamp, -1, NAN, {kNan, kNan, kNan, kNan, kNan, kNan, kNan, kNan});
  check(E::kClampBackward, -1, 1, {0, 2, 3, 4, 5, 6, 0, 0});

  Params wide;  // beyond int8 on both sides, then beyond on one
  wide.i[0] = -1000;
  wide.i[1] = 1000;
  const Tensor bytes = make_tensor<int8_t>({-128, -5, 0, 127}, DType::kInt8);
  const Tensor narrow = empty(4, DType::kInt8);
  run_kernel(E::kClamp, DType::kInt8, wide, {&narrow, &bytes});
  EXPECT_EQ(std::memcmp(narrow.data(), bytes.data(), 4), 0);
  wide.i[0] = -5;
  run_kernel(E::kClamp, DType::kInt8, wide, {&narrow, &bytes});
  EXPECT_EQ(narrow.data_as<int8_t>()[0], -5);
}

// ---- Integers ----

template <class T>
T wrap(uint64_t v) {
  return static_cast<T>(v);
}
template <class T>
uint64_t u(T v) {
  return static_cast<uint64_t>(static_cast<int64_t>(v));
}
template <class T>
T raise(T base, uint64_t exponent) {
  uint64_t result = 1;
  for (uint64_t k = 0; k < exponent; ++k) result *= u(base);
  return wrap<T>(result);
}
template <class T>
T floor_div(T a, T b) {
  if (std::is_signed_v<T> && u(b) == ~uint64_t{0}) return wrap<T>(0 - u(a));
  const T q = static_cast<T>(a / b);
  return a % b != 0 && (a < 0) != (b < 0) ? static_cast<T>(q - 1) : q;
}

template <class T>
std::vector<std::pair<E, std::function<T(T, T)>>> exact_integers() {
  return {
      {E::kNeg, [](T a, T) { return wrap<T>(0 - u(a)); }},
      {E::kAbs, [](T a, T) { return a < 0 ? wrap<T>(0 - u(a)) : a; }},
      {E::kSquare, [](T a, T) { return wrap<T>(u(a) * u(a)); }},
      {E::kSign, [](T a, T) { return static_cast<T>(a > 0   ? 1
                                                    : a < 0 ? -1
                                                            : 0); }},
      {E::kFloor, [](T a, T) { return a; }},
      {E::kRound, [](T a, T) { return a; }},
      {E::kRelu, [](T a, T) { return a < 0 ? T{0} : a; }},
      {E::kAdd, [](T a, T b) { return wrap<T>(u(a) + 3 * u(b)); }},
      {E::kSub, [](T a, T b) { return wrap<T>(u(a) - 3 * u(b)); }},
      {E::kMul, [](T a, T b) { return wrap<T>(u(a) * u(b)); }},
      {E::kMaximum, [](T a, T b) { return a > b ? a : b; }},
      {E::kMinimum, [](T a, T b) { return a < b ? a : b; }},
      {E::kBitwiseAnd, [](T a, T b) { return static_cast<T>(a & b); }},
      {E::kBitwiseOr, [](T a, T b) { return static_cast<T>(a | b); }},
      {E::kBitwiseXor, [](T a, T b) { return static_cast<T>(a ^ b); }},
      {E::kL1,
       [](T a, T b) {
         const T d = wrap<T>(u(a) - u(b));
         return std::is_signed_v<T> && d < 0 ? wrap<T>(0 - u(d)) : d;
       }},
      {E::kPowScalar, [](T a, T) { return raise(a, 3); }},
  };
}

constexpr DType kIntegers[] = {DType::kInt8, DType::kInt16, DType::kInt32, DType::kInt64,
                               DType::kUInt8};

template <class T>
std::vector<T> integer_values() {
  using L = std::numeric_limits<T>;
  std::vector<T> values = {L::min(),
                           static_cast<T>(L::min() + 1),
                           static_cast<T>(L::max() - 1),
                           L::max(),
                           0,
                           1,
                           2,
                           3,
                           7,
                           10,
                           100};
  if (std::is_signed_v<T>) {
    for (int v : {-1, -2, -3, -7, -100}) values.push_back(static_cast<T>(v));
  }
  Lcg random(5);
  for (int i = 0; i < 30; ++i) values.push_back(static_cast<T>(random.bits()));
  return values;
}

TEST_P(ElementwiseExact, IntegerArithmetic) {
  for (DType dtype : kIntegers) {
    with_type(dtype, [&]<class T>(T) {
      if constexpr (std::is_integral_v<T>) {
        std::vector<T> a, b;
        all_pairs(integer_values<T>(), a, b);
        const Tensor ta = make_tensor<T>(a, dtype), tb = make_tensor<T>(b, dtype);
        const Tensor out = empty(ta.numel(), dtype);
        for (const auto& [op, want] : exact_integers<T>()) {
          run_any(op, dtype, params(3), out, ta, tb);
          for (size_t i = 0; i < a.size(); ++i) {
            ASSERT_EQ(out.data_as<T>()[i], want(a[i], b[i]))
                << label(op, dtype) << ": " << +a[i] << ", " << +b[i];
          }
        }
        const Tensor flags = empty(ta.numel(), DType::kBool);
        for (const auto& [op, want] : comparisons<T>()) {
          run_any(op, dtype, {}, flags, ta, tb);
          for (size_t i = 0; i < a.size(); ++i) {
            ASSERT_EQ(flags.data_as<uint8_t>()[i], want(a[i], b[i]) ? 1 : 0)
                << label(op, dtype) << ": " << +a[i] << ", " << +b[i];
          }
        }
        std::vector<T> p, q;  // divisors without zero
        for (size_t i = 0; i < a.size(); ++i) {
          if (b[i] == 0) continue;
          p.push_back(a[i]);
          q.push_back(b[i]);
        }
        const Tensor tp = make_tensor<T>(p, dtype), tq = make_tensor<T>(q, dtype);
        const Tensor div = empty(tp.numel(), dtype), floor = empty(tp.numel(), dtype);
        const Tensor mod = empty(tp.numel(), dtype), pow = empty(tp.numel(), dtype);
        run_kernel(E::kDivTrunc, dtype, {}, {&div, &tp, &tq});
        run_kernel(E::kDivFloor, dtype, {}, {&floor, &tp, &tq});
        run_kernel(E::kRemainder, dtype, {}, {&mod, &tp, &tq});
        run_kernel(E::kPow, dtype, {}, {&pow, &tp, &tq});
        for (size_t i = 0; i < p.size(); ++i) {
          const T x = p[i], y = q[i], f = floor_div(x, y);
          const bool minus_one = std::is_signed_v<T> && y == static_cast<T>(-1);
          const T trunc = minus_one ? wrap<T>(0 - u(x)) : static_cast<T>(x / y);
          ASSERT_EQ(div.data_as<T>()[i], trunc) << +x << " / " << +y;
          ASSERT_EQ(floor.data_as<T>()[i], f) << +x << " // " << +y;
          ASSERT_EQ(mod.data_as<T>()[i], wrap<T>(u(x) - u(f) * u(y))) << +x << " % " << +y;
          if (y >= 0 && y <= 100) {
            ASSERT_EQ(pow.data_as<T>()[i], raise(x, u(y))) << +x << " ** " << +y;
          } else if (y < 0) {
            const T want = x == 1                    ? T{1}
                           : x == static_cast<T>(-1) ? static_cast<T>(y % 2 ? -1 : 1)
                                                     : T{0};
            ASSERT_EQ(pow.data_as<T>()[i], want) << +x << " ** " << +y;
          }
        }
      }
    });
    if (HasFatalFailure()) return;
  }
}

TEST_P(ElementwiseExact, IntegerDivisionByZeroIsAnError) {
  const Tensor a = make_tensor<int32_t>({1, 2, 3}, DType::kInt32);
  const Tensor b = make_tensor<int32_t>({1, 0, 3}, DType::kInt32);
  const Tensor out = empty(3, DType::kInt32);
  for (E op : {E::kDivFloor, E::kDivTrunc, E::kRemainder}) {
    try {
      find_kernel(op, DType::kInt32)(Iter({&out, &a, &b}), {});
      FAIL() << label(op, DType::kInt32);
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), Status::kInvalidArgument);
      const std::string prefix = op == E::kRemainder ? "remainder" : "div";
      EXPECT_EQ(std::string(e.what()).find(prefix + ": division by zero: "), 0u) << e.what();
    }
  }
}

TEST_P(ElementwiseExact, BoolArithmetic) {
  const Tensor a = make_tensor<uint8_t>({0, 0, 1, 1}, DType::kBool);
  const Tensor b = make_tensor<uint8_t>({0, 1, 0, 1}, DType::kBool);
  const Tensor out = empty(4, DType::kBool);
  const auto check = [&](E op, double alpha, std::initializer_list<int> want) {
    run_any(op, DType::kBool, params(alpha), out, a, b);
    int i = 0;
    for (int w : want) EXPECT_EQ(out.data_as<uint8_t>()[i++], w) << label(op, DType::kBool);
  };
  check(E::kAdd, 1, {0, 1, 1, 1});
  check(E::kAdd, 0, {0, 0, 1, 1});
  check(E::kMul, 1, {0, 0, 0, 1});
  check(E::kMaximum, 1, {0, 1, 1, 1});
  check(E::kMinimum, 1, {0, 0, 0, 1});
  check(E::kBitwiseXor, 1, {0, 1, 1, 0});
  check(E::kLogicalNot, 1, {1, 1, 0, 0});
  check(E::kLt, 1, {0, 1, 0, 0});
  check(E::kSign, 1, {0, 0, 1, 1});
}

MT_TEST_ALL_TARGETS(ElementwiseExact);

// Which dtypes have a kernel: as in PyTorch, where float16 also gets what bfloat16 has.
TEST(ElementwiseTable, Dtypes) {
  constexpr int kAllFloat = 0xF, kInts = 0x1F0, kBoolBit = 0x200;
  const std::map<E, int> want = {
      {E::kNeg, kAllFloat | kInts},
      {E::kAbs, kAllFloat | kInts},
      {E::kSign, kAllFloat | kInts | kBoolBit},
      {E::kExp, kAllFloat},
      {E::kGelu, kAllFloat},
      {E::kRelu, kAllFloat | kInts},
      {E::kFloor, kAllFloat | kInts},
      {E::kClamp, kAllFloat | kInts},
      {E::kPowScalar, kAllFloat | kInts},
      {E::kIsNan, kAllFloat | kInts | kBoolBit},
      {E::kAdd, kAllFloat | kInts | kBoolBit},
      {E::kSub, kAllFloat | kInts},
      {E::kMul, kAllFloat | kInts | kBoolBit},
      {E::kDiv, kAllFloat},
      {E::kDivFloor, kAllFloat | kInts},
      {E::kRemainder, kAllFloat | kInts},
      {E::kPow, kAllFloat | kInts},
      {E::kMaximum, kAllFloat | kInts | kBoolBit},
      {E::kEq, kAllFloat | kInts | kBoolBit},
      {E::kBitwiseAnd, kInts | kBoolBit},
      {E::kWhere, kAllFloat | kInts | kBoolBit},
      {E::kAddcmul, kAllFloat | kInts},
      {E::kAddcdiv, kAllFloat},
      {E::kL1, kAllFloat | kInts},
      {E::kMse, kAllFloat},
  };
  for (const auto& [op, dtypes] : want) {
    for (int t = 0; t < kNumComputeDTypes; ++t) {
      EXPECT_EQ(find_kernel(op, static_cast<DType>(t)) != nullptr, (dtypes >> t & 1) != 0)
          << label(op, static_cast<DType>(t));
    }
  }
}

}  // namespace
}  // namespace mt
