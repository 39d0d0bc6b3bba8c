// Exact conversions between float32 and the two 16-bit floats (IEEE binary16 and bfloat16), and
// the element types Half and BFloat16 that carry their bits. Rounding is to nearest, ties to even.
// All functions are constexpr, branch on bits only and never depend on the rounding mode in force.
#pragma once

#include <bit>
#include <cstdint>

namespace mt {

// Exact: every binary16 value is a float32 value. A NaN keeps its sign and payload and is quiet.
constexpr float half_to_float(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1Fu;
  const uint32_t mantissa = half & 0x3FFu;
  if (exponent == 0x1F) {
    const uint32_t quiet = mantissa != 0 ? 0x00400000u : 0u;
    return std::bit_cast<float>(sign | 0x7F800000u | quiet | (mantissa << 13));
  }
  if (exponent != 0) {
    return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
  }
  // Subnormal or zero: an integer count of 2^-24, both factors and the product exact in float32.
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
}

// Values from 65520 up become inf; every NaN becomes the quiet NaN 0x7E00 with its sign.
constexpr uint16_t float_to_half(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7FFFFFFFu;
  uint32_t half;
  if (magnitude > 0x7F800000u) {
    half = 0x7E00u;
  } else if (magnitude >= 0x47800000u) {  // 2^16 and above
    half = 0x7C00u;
  } else if (magnitude >= 0x38800000u) {  // the normal range, 2^-14 and above
    // Adding just under half a unit, or exactly half when the kept part is odd, rounds to even; a
    // carry out of the mantissa raises the exponent, up to inf.
    const uint32_t odd = (magnitude >> 13) & 1u;
    half = ((magnitude + 0xFFFu + odd) >> 13) - (112u << 10);
  } else {
    // Subnormal result: the significand in units of 2^-24, shifted right and rounded to even.
    const uint32_t shift = 126u - (magnitude >> 23);
    if (shift > 24) {
      half = 0;  // below half of the smallest subnormal
    } else {
      const uint32_t significand = (magnitude & 0x7FFFFFu) | 0x800000u;
      const uint32_t odd = (significand >> shift) & 1u;
      half = (significand + (1u << (shift - 1)) - 1u + odd) >> shift;
    }
  }
  return static_cast<uint16_t>(sign | half);
}

// Exact: bfloat16 is the upper half of a float32.
constexpr float bfloat16_to_float(uint16_t value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value) << 16);
}

// Overflow becomes inf; every NaN becomes 0x7FC0, PyTorch's one bfloat16 NaN (positive, quiet).
constexpr uint16_t float_to_bfloat16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return 0x7FC0u;
  const uint32_t odd = (bits >> 16) & 1u;
  return static_cast<uint16_t>((bits + 0x7FFFu + odd) >> 16);
}

// Element types. Conversions are explicit so that arithmetic always names its precision (float).
// They are trivial and exactly two bytes, so element buffers copy as bytes.
struct Half {
  uint16_t bits;

  Half() = default;
  explicit constexpr Half(float value) : bits(float_to_half(value)) {}
  explicit constexpr operator float() const { return half_to_float(bits); }
  static constexpr Half from_bits(uint16_t bits) {
    Half result{};
    result.bits = bits;
    return result;
  }
};

struct BFloat16 {
  uint16_t bits;

  BFloat16() = default;
  explicit constexpr BFloat16(float value) : bits(float_to_bfloat16(value)) {}
  explicit constexpr operator float() const { return bfloat16_to_float(bits); }
  static constexpr BFloat16 from_bits(uint16_t bits) {
    BFloat16 result{};
    result.bits = bits;
    return result;
  }
};

}  // namespace mt
