// Properties of dtypes, promotion of uint16, uint32 and uint64 by the rules of PyTorch 2.3, and
// numbers beyond int64.
#include "core/dtype.h"

#include <gtest/gtest.h>

#include <string>

#include "core/error.h"
#include "core/scalar.h"
#include "core/tensor.h"

namespace {

using mt::DType;
using mt::Scalar;

constexpr DType kBarebones[] = {DType::kUInt16, DType::kUInt32, DType::kUInt64};

TEST(DType, Barebones) {
  size_t size = 2;
  for (DType t : kBarebones) {
    EXPECT_EQ(mt::dtype_size(t), size);
    EXPECT_EQ(mt::dtype_name(t), "uint" + std::to_string(8 * size));
    DType named{};
    EXPECT_TRUE(mt::dtype_from_name(mt::dtype_name(t), named) && named == t);
    EXPECT_TRUE(mt::is_barebones(t) && mt::is_unsigned(t));
    EXPECT_FALSE(mt::is_floating(t) || mt::is_complex(t) || mt::is_differentiable(t) ||
                 mt::is_integral(t, true) || mt::is_reduced_float(t));
    EXPECT_EQ(mt::real_type(t), t);
    size *= 2;
  }
  for (int i = 0; i < 12; ++i) EXPECT_FALSE(mt::is_barebones(static_cast<DType>(i)));
}

TEST(DType, PromotionOfBarebones) {
  for (DType t : kBarebones) {
    for (int i = 0; i < mt::kNumDTypes; ++i) {
      const auto other = static_cast<DType>(i);
      for (bool swap : {false, true}) {
        const DType a = swap ? other : t, b = swap ? t : other;
        if (mt::is_differentiable(other)) {
          EXPECT_EQ(mt::promote_types(a, b), other);
        } else if (other == t || other == DType::kBool) {
          EXPECT_EQ(mt::promote_types(a, b), t);
        } else {
          try {
            mt::promote_types(a, b);
            ADD_FAILURE() << mt::dtype_name(a) << " and " << mt::dtype_name(b);
          } catch (const mt::Error& e) {
            EXPECT_TRUE(e.status() == mt::Status::kDType);
            EXPECT_NE(std::string(e.what()).find(".to(int64)"), std::string::npos) << e.what();
          }
        }
      }
    }
    // A Python integer beside a tensor is of no higher category; a float is.
    mt::ResultType with_int, with_float;
    with_int.add(t, false, false);
    with_int.add(DType::kInt64, true, true);
    EXPECT_EQ(with_int.get(), t);
    with_float.add(t, false, false);
    with_float.add(DType::kFloat64, true, true);
    EXPECT_EQ(with_float.get(), DType::kFloat32);
  }
}

TEST(Scalar, BeyondInt64) {
  const Scalar small(uint64_t{7}), big(UINT64_MAX - 1);
  EXPECT_TRUE(small.is_int() && !small.is_big() && small.dtype() == DType::kInt64);
  EXPECT_TRUE(big.is_int() && big.is_big() && big.dtype() == DType::kUInt64 && big.to_bool());
  EXPECT_EQ(big.to_uint(), UINT64_MAX - 1);
  EXPECT_EQ(big.to_int(), -2);  // modulo 2^64
  EXPECT_EQ(big.to_double(), 0x1p64);
  EXPECT_EQ(Scalar(uint64_t{1} << 63).to_double(), 0x1p63);
  EXPECT_EQ(Scalar(-3).to_uint(), UINT64_MAX - 2);
  EXPECT_EQ(Scalar(1.5e19).to_uint(), 15000000000000000000u);
  EXPECT_EQ(Scalar(1e300).to_uint(), UINT64_MAX);
  EXPECT_EQ(Scalar(-1e300).to_uint(), uint64_t{1} << 63);
  EXPECT_EQ(Scalar(-1.9).to_uint(), UINT64_MAX);
  for (DType t : kBarebones) {
    uint64_t cell = 0;
    mt::store_scalar(t, &cell, Scalar(-1));
    EXPECT_EQ(cell, UINT64_MAX >> (64 - 8 * mt::dtype_size(t)));
    EXPECT_EQ(mt::load_scalar(t, &cell).to_uint(), cell);
  }
}

}  // namespace
