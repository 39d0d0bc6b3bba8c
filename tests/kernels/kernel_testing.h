// What the kernel tests share: running a body for every SIMD target of this machine, element types
// by name, references in long double, and reproducible values.
#pragma once

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cpu/elements.h"

namespace mt::testing {

using cpu::Bool;
using cpu::for_each_element;
using cpu::kDTypeIndex;
using cpu::kIsFloat;
using cpu::kIsHalf;

// Runs f(target) with the CPU's table built for each target in turn, then for the best again.
template <class F>
void for_each_target(F&& f) {
  for (int64_t left = hwy::SupportedTargets() & HWY_TARGETS; left != 0; left &= left - 1) {
    const int64_t target = left & -left;
    SCOPED_TRACE(hwy::TargetName(target));
    cpu::rebuild(target);
    f(target);
  }
  cpu::rebuild(0);
}

// Whether a target multiplies and adds with one rounding.
inline bool has_fma(int64_t target) {
  return (target & (HWY_AVX2 | HWY_AVX3 | HWY_AVX3_DL)) != 0 || !HWY_ARCH_X86;
}

inline const Backend& table() { return backend(Device::kCPU); }

template <class T>
constexpr DType dtype_of() {
  return static_cast<DType>(kDTypeIndex<T>);
}
template <class T>
std::string name_of() {
  return std::string(dtype_name(dtype_of<T>()));
}

// Exact for every dtype.
template <class T>
long double wide(T x) {
  if constexpr (kIsHalf<T>) {
    return static_cast<float>(x);
  } else if constexpr (std::is_same_v<T, Bool>) {
    return x.byte != 0;
  } else {
    return x;
  }
}

// A value in a floating dtype, rounded as a tensor of that dtype holds it.
template <class T>
T narrow(long double x) {
  if constexpr (kIsHalf<T>) {
    return T(static_cast<float>(x));
  } else if constexpr (std::is_same_v<T, Bool>) {
    return Bool{static_cast<uint8_t>(x != 0)};
  } else {
    return static_cast<T>(x);
  }
}

// Half a unit in the last place of 1.
template <class T>
constexpr double epsilon() {
  if (std::is_same_v<T, double>) return 0x1p-53;
  if (std::is_same_v<T, float>) return 0x1p-24;
  if (std::is_same_v<T, Half>) return 0x1p-11;
  return 0x1p-8;
}

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 2 + 1) {}
  uint32_t bits() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(state_ >> 32);
  }
  double uniform() { return bits() / 0x1p32; }
  int64_t below(int64_t n) { return static_cast<int64_t>(bits() % static_cast<uint64_t>(n)); }

 private:
  uint64_t state_;
};

// Floats in [-2, 2); small integers with many equals; bools.
template <class T>
std::vector<T> random_values(int64_t n, uint64_t seed) {
  Random random(seed);
  std::vector<T> values(static_cast<size_t>(n));
  for (T& v : values) {
    if constexpr (kIsFloat<T>) {
      v = narrow<T>(random.uniform() * 4 - 2);
    } else if constexpr (std::is_same_v<T, Bool>) {
      v = Bool{static_cast<uint8_t>(random.bits() & 1)};
    } else {
      v = static_cast<T>(random.below(100) - (std::is_signed_v<T> ? 50 : 0));
    }
  }
  return values;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

}  // namespace mt::testing
