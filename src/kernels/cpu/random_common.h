// What the random fills share: the choice of element type, conversions, and the stream of words and
// uniforms in cache-sized pieces. Internal to kernels/cpu/random*.cpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>

#include "core/dtype.h"
#include "core/error.h"
#include "core/half.h"
#include "core/random.h"
#include "kernels/cpu/random_simd.h"

namespace mt::cpu {

template <class T>
inline constexpr bool kIsReduced = std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;
template <class T>
inline constexpr bool kIsFloating = std::is_floating_point_v<T> || kIsReduced<T>;

// Bits of the significand, the implied one included.
template <class T>
constexpr int digits() {
  if constexpr (std::is_same_v<T, Half>) {
    return 11;
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    return 8;
  } else {
    return std::numeric_limits<T>::digits;
  }
}

template <class T>
constexpr double largest() {
  if constexpr (std::is_same_v<T, Half>) {
    return 65504;
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    return 0x1.FEp127;
  } else {
    return static_cast<double>(std::numeric_limits<T>::max());
  }
}

// To a floating element; the narrow ones by way of float, as PyTorch's own conversions go.
template <class T>
T narrow(double x) {
  if constexpr (kIsReduced<T>) return T(static_cast<float>(x));
  return static_cast<T>(x);
}

[[noreturn]] inline void fail_dtype(std::string_view op, DType dtype, std::string_view needed) {
  fail(Status::kDType, op, ": dtype not supported: ", dtype_name(dtype), ": must be ", needed);
}

// Calls body(T{}) for the element type.
template <class Body>
void with_floating(std::string_view op, DType dtype, Body&& body) {
  switch (dtype) {
    case DType::kFloat32:
      return body(float{});
    case DType::kFloat64:
      return body(double{});
    case DType::kFloat16:
      return body(Half{});
    case DType::kBFloat16:
      return body(BFloat16{});
    default:
      fail_dtype(op, dtype, "a floating dtype");
  }
}

template <class Body>
void with_number(std::string_view op, DType dtype, Body&& body) {
  switch (dtype) {
    case DType::kInt8:
      return body(int8_t{});
    case DType::kInt16:
      return body(int16_t{});
    case DType::kInt32:
      return body(int32_t{});
    case DType::kInt64:
      return body(int64_t{});
    case DType::kUInt8:
      return body(uint8_t{});
    default:
      if (is_floating(dtype)) return with_floating(op, dtype, body);
      fail_dtype(op, dtype, "an integer or floating dtype");
  }
}

template <class Body>
void with_any(std::string_view op, DType dtype, Body&& body) {
  if (dtype == DType::kBool) return body(bool{});
  return with_number(op, dtype, body);
}

// Words drawn at a time: 4 KiB, which the steps after it find in the first-level cache.
inline constexpr int64_t kPiece = 1024;

// Calls body(i, word) for i in [0, n).
template <class Body>
void each_word(Generator& generator, int64_t n, Body&& body) {
  uint32_t words[kPiece];
  for (int64_t done = 0; done < n; done += kPiece) {
    const int64_t m = std::min(kPiece, n - done);
    generator.fill_random(words, static_cast<size_t>(m));
    for (int64_t i = 0; i < m; ++i) body(done + i, words[i]);
  }
}

// Calls body(i, two words as random64 joins them) for i in [0, n).
template <class Body>
void each_word64(Generator& generator, int64_t n, Body&& body) {
  uint32_t words[kPiece];
  constexpr int64_t kStep = kPiece / 2;
  for (int64_t done = 0; done < n; done += kStep) {
    const int64_t m = std::min(kStep, n - done);
    generator.fill_random(words, static_cast<size_t>(2 * m));
    for (int64_t i = 0; i < m; ++i) {
      body(done + i, (static_cast<uint64_t>(words[2 * i]) << 32) | words[2 * i + 1]);
    }
  }
}

// Calls body(i, uniform double in [0, 1)) for i in [0, n).
template <class Body>
void each_uniform(Generator& generator, int64_t n, Body&& body) {
  each_word64(generator, n, [&](int64_t i, uint64_t bits) {
    constexpr uint64_t kMask = (uint64_t{1} << 53) - 1;
    body(i, static_cast<double>(static_cast<int64_t>(bits & kMask)) * 0x1p-53);
  });
}

// Fills out[0, n) with fma(uniform in [0, 1), range, from), rounded to T.
template <class T, class Arithmetic>
void uniforms(Generator& generator, T* out, int64_t n, Arithmetic range, Arithmetic from) {
  uint32_t words[kPiece];
  if constexpr (std::is_same_v<T, double>) {
    constexpr int64_t kStep = kPiece / 2;
    for (int64_t done = 0; done < n; done += kStep) {
      const auto m = static_cast<size_t>(std::min(kStep, n - done));
      generator.fill_random(words, 2 * m);
      uniform_f64(words, out + done, m, range, from);
    }
  } else {
    constexpr uint32_t kMask = (1u << digits<T>()) - 1;
    constexpr float kUnit = 1.0f / static_cast<float>(1u << digits<T>());
    for (int64_t done = 0; done < n; done += kPiece) {
      const auto m = static_cast<size_t>(std::min(kPiece, n - done));
      generator.fill_random(words, m);
      if constexpr (std::is_same_v<T, float>) {
        uniform_f32(words, out + done, m, kMask, kUnit, range, from);
      } else {
        float wide[kPiece];
        uniform_f32(words, wide, m, kMask, kUnit, range, from);
        for (size_t i = 0; i < m; ++i) out[done + static_cast<int64_t>(i)] = T(wide[i]);
      }
    }
  }
}

}  // namespace mt::cpu
