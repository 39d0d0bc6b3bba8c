// What the tests of the elementwise kernels share: one run of a kernel on every SIMD target that
// this machine has, tensors of given values, and errors in units in the last place.
#pragma once

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <cmath>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "kernels/backend.h"

namespace mt {

// Runs every test of the fixture once for each compiled SIMD target.
class ElementwiseTest : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override { cpu::rebuild(GetParam()); }
  void TearDown() override { cpu::rebuild(0); }
};

inline std::vector<int64_t> all_targets() {
  std::vector<int64_t> targets;
  for (int64_t rest = hwy::SupportedTargets() & HWY_TARGETS; rest != 0; rest &= rest - 1) {
    targets.push_back(rest & -rest);
  }
  return targets;
}

inline std::string target_name(const testing::TestParamInfo<int64_t>& info) {
  return hwy::TargetName(info.param);
}

#define MT_TEST_ALL_TARGETS(Fixture) \
  INSTANTIATE_TEST_SUITE_P(Targets, Fixture, testing::ValuesIn(all_targets()), target_name)

inline constexpr DType kFloating[] = {DType::kFloat32, DType::kFloat64, DType::kFloat16,
                                      DType::kBFloat16};

inline std::string label(Elementwise op, DType dtype) {
  return std::string(elementwise_name(op)) + " #" + std::to_string(static_cast<int>(op)) + " " +
         std::string(dtype_name(dtype));
}

inline ElementwiseKernel find_kernel(Elementwise op, DType dtype) {
  return backend(Device::kCPU).elementwise[static_cast<int>(op)][static_cast<int>(dtype)];
}

inline void run_kernel(Elementwise op, DType dtype, const Params& p,
                       std::initializer_list<const Tensor*> tensors) {
  const ElementwiseKernel kernel = find_kernel(op, dtype);
  ASSERT_NE(kernel, nullptr) << label(op, dtype);
  kernel(Iter(tensors), p);
}

inline Params params(double f0, double f1 = 0) {
  Params p;
  p.f[0] = f0;
  p.f[1] = f1;
  if (std::fabs(f0) < 1e18) p.i[0] = static_cast<int64_t>(f0);
  if (std::fabs(f1) < 1e18) p.i[1] = static_cast<int64_t>(f1);
  return p;
}

inline Tensor empty(int64_t n, DType dtype) { return Tensor::empty(IntSpan(&n, 1), dtype); }

// Calls f.template operator()<T>() with the C type of a dtype.
template <class F>
void with_type(DType dtype, F f) {
  switch (dtype) {
    case DType::kFloat32:
      return f(float{});
    case DType::kFloat64:
      return f(double{});
    case DType::kFloat16:
      return f(Half{});
    case DType::kBFloat16:
      return f(BFloat16{});
    case DType::kInt8:
      return f(int8_t{});
    case DType::kInt16:
      return f(int16_t{});
    case DType::kInt32:
      return f(int32_t{});
    case DType::kInt64:
      return f(int64_t{});
    default:
      return f(uint8_t{});
  }
}

// Elements as the type they are computed in.
template <class T>
inline constexpr bool kIs16Bit = std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;
template <class T>
using Compute = std::conditional_t<kIs16Bit<T>, float, T>;

template <class T>
Tensor make_tensor(const std::vector<Compute<T>>& values, DType dtype) {
  Tensor t = empty(static_cast<int64_t>(values.size()), dtype);
  for (size_t i = 0; i < values.size(); ++i) t.data_as<T>()[i] = T(values[i]);
  return t;
}

// The distance of a result from the exact value in units in the last place of the result's type,
// measured at `scale` where that is larger than the value. Signs of zeros and NaNs must agree.
template <class T>
double ulp_error(T got, long double want, long double scale = 0) {
  constexpr double kWrong = 1e30;
  constexpr int kDigits = std::numeric_limits<T>::digits;
  constexpr int kMinExponent = std::numeric_limits<T>::min_exponent;
  const T rounded = static_cast<T>(want);
  if (std::isnan(rounded) || std::isnan(got)) {
    return std::isnan(rounded) && std::isnan(got) ? 0 : kWrong;
  }
  if (std::isinf(rounded) || std::isinf(got)) return rounded == got ? 0 : kWrong;
  if (want == 0 && scale == 0) {
    return got == 0 && std::signbit(got) == std::signbit(want) ? 0 : kWrong;
  }
  int exponent = kMinExponent;
  std::frexp(std::max(std::fabs(want), scale), &exponent);
  const long double unit = std::ldexp(1.0L, std::max(exponent, kMinExponent) - kDigits);
  return static_cast<double>(std::fabs(static_cast<long double>(got) - want) / unit);
}

// Equal as values: the same number with the same sign of zero, or both NaN.
template <class T>
bool same_value(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
    return a == b && std::signbit(a) == std::signbit(b);
  } else {
    return a == b;
  }
}

// A reproducible stream of numbers for test data.
class Lcg {
 public:
  explicit Lcg(uint64_t seed) : state_(seed) {}
  uint64_t bits() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return (state_ >> 32) | (state_ << 32);
  }
  double uniform(double low, double high) {
    return low + (high - low) * (static_cast<double>(bits() >> 11) * 0x1p-53);
  }

 private:
  uint64_t state_;
};

}  // namespace mt
