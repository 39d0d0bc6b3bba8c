// uint16, uint32 and uint64: conversions from and to every real and complex dtype on every SIMD
// target, against arithmetic in long double, which holds every value of all of them; and which
// kernels exist.
#include <gtest/gtest.h>

#include <complex>
#include <tuple>

#include "kernels/kernel_testing.h"

namespace mt::testing {
namespace {

template <class F>
void each_real(F&& f) {
  for_each_element(f);
  f(uint16_t{});
  f(uint32_t{});
  f(uint64_t{});
}

template <class T>
constexpr bool kIsBarebones = is_barebones(dtype_of<T>());

template <class T>
std::vector<T> samples() {
  std::vector<T> values;
  if constexpr (std::is_same_v<T, Bool>) {
    values = {Bool{0}, Bool{1}, Bool{1}};
  } else if constexpr (kIsFloat<T>) {
    for (double x : {0.0,     1.9,     127.5, 200.7,        255.9,        300.0, 32768.0,
                     65504.0, 65535.0, 1e5,   2147483648.0, 4294966784.0, 1e10,  9.3e18,
                     1.8e19,  -0.9,    -1.0,  -129.9,       -40000.0,     -3e9,  -9e18}) {
      values.push_back(narrow<T>(x));
    }
  } else {
    using Limits = std::numeric_limits<T>;
    const T half = static_cast<T>(Limits::max() / 2);
    values = {T(0),
              T(1),
              T(2),
              T(100),
              T(-1),
              T(-100),
              half,
              T(half + 1),
              T(half - 1),
              Limits::max(),
              T(Limits::max() - 1),
              Limits::min()};
    // Beside the roundings of float32 and float64.
    if (sizeof(T) >= 4) values.insert(values.end(), {T(16777217), T(16777219)});
    if (sizeof(T) == 8) {
      values.insert(values.end(),
                    {T(9007199254740993), T(0xFFFFFF8000000001), T(0xFFFFFFFFFFFFFC01)});
    }
  }
  return values;
}

// What the conversion gives; false where C and PyTorch leave it open.
template <class To, class From>
bool expected(From from, To& to) {
  const long double x = wide(from);
  if constexpr (kIsFloat<To> || std::is_same_v<To, Bool>) {
    to = narrow<To>(x);
    return true;
  } else if constexpr (kIsFloat<From>) {
    const long double whole = std::trunc(x);
    if (whole < 0 || whole >= std::ldexp(1.0L, 8 * static_cast<int>(sizeof(To)))) return false;
    to = static_cast<To>(whole);
    return true;
  } else if constexpr (std::is_same_v<From, Bool>) {
    to = static_cast<To>(x);
    return true;
  } else {
    to = static_cast<To>(from);  // modulo 2^bits
    return true;
  }
}

void cast(const Tensor& to, const Tensor& from) {
  const auto kernel = table().cast[static_cast<int>(from.dtype())][static_cast<int>(to.dtype())];
  ASSERT_NE(kernel, nullptr);
  kernel(Iter({&to, &from}), Params{});
}

// Contiguous, and every other element of both sides.
template <class From, class To>
void check_pair() {
  SCOPED_TRACE(name_of<From>() + " to " + name_of<To>());
  const std::vector<From> values = samples<From>();
  const auto n = static_cast<int64_t>(values.size());
  for (int64_t step : {1, 2}) {
    const Tensor from = Tensor::empty(Dims{n, step}, dtype_of<From>());
    const Tensor to = Tensor::empty(Dims{n, step}, dtype_of<To>());
    std::memset(from.data(), 0, from.bytes());
    for (int64_t i = 0; i < n; ++i) from.data_as<From>()[i * step] = values[static_cast<size_t>(i)];
    cast(to.alias(Dims{n}, Dims{step}, 0), from.alias(Dims{n}, Dims{step}, 0));
    for (int64_t i = 0; i < n; ++i) {
      To want;
      if (!expected(values[static_cast<size_t>(i)], want)) continue;
      const To got = to.data_as<To>()[i * step];
      ASSERT_EQ(std::memcmp(&got, &want, sizeof want), 0)
          << static_cast<double>(wide(values[static_cast<size_t>(i)])) << " becomes "
          << static_cast<double>(wide(got));
    }
  }
}

TEST(Barebones, Conversions) {
  for_each_target([](int64_t) {
    each_real([]<class From>(From) {
      each_real([]<class To>(To) {
        if constexpr (kIsBarebones<From> || kIsBarebones<To>) check_pair<From, To>();
      });
    });
  });
}

template <class U, class T>
void check_complex() {
  using C = std::complex<T>;
  const DType complex = complex_type(dtype_of<T>());
  SCOPED_TRACE(name_of<U>() + " and " + std::string(dtype_name(complex)));
  for (const U value : samples<U>()) {
    const Tensor from = Tensor::from_scalar(0, dtype_of<U>()), to = Tensor::from_scalar(0, complex);
    *from.data_as<U>() = value;
    cast(to, from);
    EXPECT_EQ(*to.data_as<C>(), C(static_cast<T>(value)));
  }
  const Tensor from = Tensor::from_scalar(std::complex<double>(1234.75, 99), complex);
  const Tensor to = Tensor::from_scalar(0, dtype_of<U>());
  cast(to, from);
  EXPECT_EQ(*to.data_as<U>(), U{1234});
}

TEST(Barebones, Complex) {
  check_complex<uint16_t, float>();
  check_complex<uint16_t, double>();
  check_complex<uint32_t, float>();
  check_complex<uint32_t, double>();
  check_complex<uint64_t, float>();
  check_complex<uint64_t, double>();
}

// What does not fit gives some value and is no undefined behaviour (the sanitizer watches).
TEST(Barebones, FloatsThatDoNotFit) {
  const double inf = std::numeric_limits<double>::infinity();
  for (double x : {-inf, inf, std::nan(""), 1e300, -1e300, 0x1p64, 0x1p63, -0x1p63}) {
    const Tensor from = Tensor::from_scalar(x, DType::kFloat64),
                 single = Tensor::empty({}, DType::kFloat32);
    cast(single, from);
    for (DType t : {DType::kUInt16, DType::kUInt32, DType::kUInt64}) {
      const Tensor to = Tensor::empty({}, t);
      cast(to, from);
      cast(to, single);
      if (x == 0x1p63 && t == DType::kUInt64) {
        EXPECT_EQ(*to.data_as<uint64_t>(), uint64_t{1} << 63);
      }
    }
  }
}

TEST(Barebones, Fill) {
  for_each_target([](int64_t) {
    for (DType t : {DType::kUInt16, DType::kUInt32, DType::kUInt64}) {
      const Tensor out = Tensor::empty(Dims{37}, t);
      Params p;
      p.i[0] = -3;
      table().fill[static_cast<int>(t)](Iter({&out}), p);
      for (int64_t i = 0; i < 37; ++i) {
        const auto size = static_cast<int64_t>(dtype_size(t));
        const Scalar v = load_scalar(t, out.data_as<char>() + i * size);
        EXPECT_EQ(v.to_uint(), (UINT64_MAX >> (64 - 8 * size)) - 2) << i;
      }
    }
  });
}

// Copies and comparisons for equality look at bits; what computes is left out.
TEST(Barebones, Kernels) {
  for (int t = static_cast<int>(DType::kUInt16); t < kNumDTypes; ++t) {
    const Backend& b = table();
    for (int other = 0; other < kNumDTypes; ++other) {
      EXPECT_NE(b.cast[t][other], nullptr) << other;
      EXPECT_NE(b.cast[other][t], nullptr) << other;
    }
    EXPECT_TRUE(b.fill[t] && b.gather[t] && b.index_select[t] && b.scatter[t] && b.index_copy[t]);
    for (Elementwise id : {Elementwise::kEq, Elementwise::kNe, Elementwise::kWhere}) {
      EXPECT_NE(b.elementwise[static_cast<int>(id)][t], nullptr);
    }
    for (Elementwise id :
         {Elementwise::kAdd, Elementwise::kMul, Elementwise::kLt, Elementwise::kAbs}) {
      EXPECT_EQ(b.elementwise[static_cast<int>(id)][t], nullptr);
    }
    EXPECT_TRUE(!b.index_add[t] && !b.scatter_add[t] && !b.gemm[t] && !b.range[t]);
    for (const auto& reduce : b.reduce) EXPECT_EQ(reduce[t], nullptr);
  }
}

}  // namespace
}  // namespace mt::testing
