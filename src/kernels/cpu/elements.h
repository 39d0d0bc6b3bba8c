// The C++ types of tensor elements, and conversion between any two of them as PyTorch converts.
// No conversion is undefined, whatever the value. Complex elements are in complex.cpp.
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

#include "core/dtype.h"
#include "core/half.h"

namespace mt::cpu {

// A bool in memory: one byte, any non-zero value being true. (A C++ bool of another byte is UB.)
struct Bool {
  uint8_t byte;
};

// What a complex128 is to kernels that move elements without looking at them.
struct Bits128 {
  uint64_t low, high;
};

template <DType t>
struct ElementOf;
#define MT_ELEMENT(dtype, T)       \
  template <>                      \
  struct ElementOf<DType::dtype> { \
    using Type = T;                \
  };                               \
  constexpr DType dtype_of(const T*) { return DType::dtype; }
MT_ELEMENT(kFloat32, float)
MT_ELEMENT(kFloat64, double)
MT_ELEMENT(kFloat16, Half)
MT_ELEMENT(kBFloat16, BFloat16)
MT_ELEMENT(kInt8, int8_t)
MT_ELEMENT(kInt16, int16_t)
MT_ELEMENT(kInt32, int32_t)
MT_ELEMENT(kInt64, int64_t)
MT_ELEMENT(kUInt8, uint8_t)
MT_ELEMENT(kBool, Bool)
MT_ELEMENT(kUInt16, uint16_t)
MT_ELEMENT(kUInt32, uint32_t)
MT_ELEMENT(kUInt64, uint64_t)
#undef MT_ELEMENT

template <class T>
inline constexpr int kDTypeIndex = static_cast<int>(dtype_of(static_cast<const T*>(nullptr)));
template <class T>
inline constexpr bool kIsHalf = std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;
template <class T>
inline constexpr bool kIsFloat = std::is_floating_point_v<T> || kIsHalf<T>;

// Calls f(T{}) for every real element type with arithmetic, in the order of the dtypes.
template <class F>
void for_each_element(F&& f) {
  [&]<int... i>(std::integer_sequence<int, i...>) {
    (f(typename ElementOf<static_cast<DType>(i)>::Type{}), ...);
  }
  (std::make_integer_sequence<int, kNumComputeDTypes>());
}

// What does not fit (NaN too) becomes the lowest integer, as x86 converts.
template <class Int, class F>
constexpr Int truncate(F x) {
  constexpr F kLow = static_cast<F>(std::numeric_limits<Int>::min());
  return x >= kLow && x < -kLow ? static_cast<Int>(x) : std::numeric_limits<Int>::min();
}

// uint64 has what int64 lacks too; below it, and for NaN, as truncate.
template <class F>
constexpr uint64_t truncate_unsigned(F x) {
  constexpr F kHigh = -static_cast<F>(INT64_MIN);  // 2^63
  return x >= kHigh && x < 2 * kHigh ? static_cast<uint64_t>(x)
                                     : static_cast<uint64_t>(truncate<int64_t>(x));
}

// Half types convert through float32, float to the narrow integers through a wider one and then
// modulo 2^bits: both as PyTorch does.
template <class To, class From>
constexpr To convert(From x) {
  if constexpr (std::is_same_v<To, From>) {
    return x;
  } else if constexpr (kIsHalf<From>) {
    return convert<To>(static_cast<float>(x));
  } else if constexpr (std::is_same_v<From, Bool>) {
    return convert<To>(static_cast<uint8_t>(x.byte != 0));
  } else if constexpr (kIsHalf<To>) {
    return To(static_cast<float>(x));
  } else if constexpr (std::is_same_v<To, Bool>) {
    return Bool{static_cast<uint8_t>(!(x == 0))};
  } else if constexpr (std::is_floating_point_v<From> && std::is_same_v<To, uint64_t>) {
    return truncate_unsigned(x);
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    using Wide = std::conditional_t<std::is_signed_v<To> && sizeof(To) <= 4, int32_t, int64_t>;
    return static_cast<To>(truncate<Wide>(x));
  } else {
    return static_cast<To>(x);
  }
}

}  // namespace mt::cpu
