// Conversions between float32 and the 16-bit floats against PyTorch: every 16-bit pattern, and the
// float32 values at and beside every rounding boundary, by checksum (tests/golden/half.txt).
#include "core/half.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <initializer_list>
#include <limits>
#include <string>
#include <type_traits>

namespace {

using mt::BFloat16;
using mt::Half;

static_assert(std::is_trivial_v<Half> && sizeof(Half) == 2);
static_assert(std::is_trivial_v<BFloat16> && sizeof(BFloat16) == 2);
static_assert(static_cast<float>(Half(1.5f)) == 1.5f);
static_assert(static_cast<float>(BFloat16(1.5f)) == 1.5f);
static_assert(Half::from_bits(0x3C00).bits == 0x3C00);
static_assert(!std::is_convertible_v<float, Half> && !std::is_convertible_v<Half, float>);

std::string golden_checksum(const std::string& name) {
  const char* dir = std::getenv("MT_GOLDEN_DIR");
  std::ifstream file(std::string(dir != nullptr ? dir : "tests/golden") + "/half.txt");
  std::string key, value;
  while (file >> key) {
    if (key == "#") {
      std::getline(file, value);
    } else if (file >> value && key == name) {
      return value;
    }
  }
  return "golden file not found; set MT_GOLDEN_DIR";
}

class Checksum {  // 64-bit FNV-1a over little-endian bytes
 public:
  void add(uint32_t bits, int bytes) {
    for (int i = 0; i < bytes; ++i) hash_ = (hash_ ^ ((bits >> (8 * i)) & 0xFF)) * 0x100000001B3u;
  }
  std::string text() const {
    char out[17];
    std::snprintf(out, sizeof out, "%016llx", static_cast<unsigned long long>(hash_));
    return out;
  }

 private:
  uint64_t hash_ = 0xCBF29CE484222325u;
};

template <class Convert>
std::string widening_checksum(Convert convert) {
  Checksum sum;
  for (uint32_t i = 0; i < 65536; ++i) {
    sum.add(std::bit_cast<uint32_t>(convert(static_cast<uint16_t>(i))), 4);
  }
  return sum.text();
}

template <class Widen, class Narrow>
std::string narrowing_checksum(Widen widen, Narrow narrow, std::initializer_list<int32_t> offsets) {
  Checksum sum;
  for (uint32_t i = 0; i < 65536; ++i) {
    const uint32_t center = std::bit_cast<uint32_t>(widen(static_cast<uint16_t>(i)));
    for (const int32_t offset : offsets) {
      const uint32_t bits = center + static_cast<uint32_t>(offset);
      if ((bits & 0x7FFFFFFFu) <= 0x7F800000u) sum.add(narrow(std::bit_cast<float>(bits)), 2);
    }
  }
  return sum.text();
}

TEST(Half, WidensAsPyTorch) {
  EXPECT_EQ(widening_checksum(mt::half_to_float), golden_checksum("half_to_float"));
  EXPECT_EQ(widening_checksum(mt::bfloat16_to_float), golden_checksum("bfloat16_to_float"));
}

TEST(Half, NarrowsAsPyTorch) {
  EXPECT_EQ(
      narrowing_checksum(mt::half_to_float, mt::float_to_half, {-1, 0, 1, 0xFFF, 0x1000, 0x1001}),
      golden_checksum("float_to_half"));
  EXPECT_EQ(narrowing_checksum(mt::bfloat16_to_float, mt::float_to_bfloat16,
                               {-1, 0, 1, 0x7FFF, 0x8000, 0x8001}),
            golden_checksum("float_to_bfloat16"));
}

TEST(Half, EveryNumberSurvivesTheRoundTrip) {
  for (uint32_t i = 0; i < 65536; ++i) {
    const auto bits = static_cast<uint16_t>(i);
    if ((bits & 0x7FFF) <= 0x7C00) {
      ASSERT_EQ(mt::float_to_half(mt::half_to_float(bits)), bits);
    }
    if ((bits & 0x7FFF) <= 0x7F80) {
      ASSERT_EQ(mt::float_to_bfloat16(mt::bfloat16_to_float(bits)), bits);
    }
  }
}

TEST(Half, OverflowAndNan) {
  EXPECT_EQ(mt::float_to_half(65519.996f), 0x7BFF);
  EXPECT_EQ(mt::float_to_half(65520.0f), 0x7C00);
  EXPECT_EQ(mt::float_to_half(-3e38f), 0xFC00);
  EXPECT_EQ(mt::float_to_half(0x1p-25f), 0);
  EXPECT_EQ(mt::float_to_half(0x1.000002p-25f), 1);
  EXPECT_EQ(mt::float_to_bfloat16(std::numeric_limits<float>::max()), 0x7F80);
  for (const uint32_t nan : {0x7F800001u, 0x7FC00000u, 0x7FFFFFFFu}) {
    EXPECT_EQ(mt::float_to_half(std::bit_cast<float>(nan)), 0x7E00);
    EXPECT_EQ(mt::float_to_half(std::bit_cast<float>(nan | 0x80000000u)), 0xFE00);
    EXPECT_EQ(mt::float_to_bfloat16(std::bit_cast<float>(nan)), 0x7FC0);
    EXPECT_EQ(mt::float_to_bfloat16(std::bit_cast<float>(nan | 0x80000000u)), 0x7FC0);
  }
}

}  // namespace
