// Comparison, logic and selection: values, promotion and errors as PyTorch's.
#include "ops/compare.h"

#include "ops/arithmetic.h"
#include "ops/ops_testing.h"

namespace mt {
namespace {

using namespace mt::testing;  // NOLINT
using Span = std::span<const Tensor>;

TEST(Compare, Relations) {
  const Tensor a = tensor({1, 2, 3, kNan}), b = tensor({2, 2, 2, kNan});
  EXPECT_TRUE(matches(eq(a, b), {0, 1, 0, 0}));
  EXPECT_TRUE(matches(ne(a, b), {1, 0, 1, 1}));
  EXPECT_TRUE(matches(lt(a, b), {1, 0, 0, 0}));
  EXPECT_TRUE(matches(le(a, b), {1, 1, 0, 0}));
  EXPECT_TRUE(matches(gt(a, b), {0, 0, 1, 0}));
  EXPECT_TRUE(matches(ge(a, b), {0, 1, 1, 0}));
  EXPECT_EQ(eq(a, b).dtype(), DType::kBool);
  EXPECT_EQ(lt(a, tensor({1, 2}, DType::kFloat32, {2, 1})).sizes(), (Dims{2, 4}));
  EXPECT_FALSE(lt(with_grad(tensor({1})), b).requires_grad());
}

TEST(Compare, Promotion) {
  const Tensor u = ints({3, 200}, DType::kUInt8), i8 = ints({-3, 2}, DType::kInt8);
  EXPECT_TRUE(matches(gt(u, i8), {1, 1}));
  EXPECT_TRUE(matches(eq(ints({1, 2}), number(1.5)), {0, 0}));
  EXPECT_TRUE(matches(lt(ints({1, 2}), number(1.5)), {1, 0}));
  EXPECT_TRUE(matches(eq(tensor({0.1}), number(0.1)), {1}));
  EXPECT_TRUE(matches(eq(doubles({0.1}), tensor({0.1}, DType::kFloat32, {})), {0}));
  EXPECT_TRUE(matches(gt(bools({1, 0}), number(0)), {1, 0}));
  EXPECT_TRUE(matches(eq(bools({1, 0}), number(2)), {0, 0}));
  EXPECT_TRUE(matches(gt(add(ints({9007199254740992}), ints({1})), ints({9007199254740992})), {1}));
}

TEST(Compare, Logic) {
  const Tensor a = tensor({0, 2, kNan, 0}), b = ints({1, 0, 1, 0});
  EXPECT_TRUE(matches(logical_and(a, b), {0, 0, 1, 0}));
  EXPECT_TRUE(matches(logical_or(a, b), {1, 1, 1, 0}));
  EXPECT_TRUE(matches(logical_xor(a, b), {1, 1, 0, 0}));
  EXPECT_TRUE(matches(logical_not(a), {1, 0, 0, 1}));
  EXPECT_TRUE(matches(logical_not(ints({0, 200}, DType::kUInt8)), {1, 0}));
  EXPECT_TRUE(matches(logical_not(tensor({0, 1}, DType::kFloat16)), {1, 0}));
  EXPECT_EQ(logical_not(a).dtype(), DType::kBool);
  const Tensor x = tensor({1, 2, 0, 0});
  EXPECT_TRUE(same(logical_and_(x, b), x));
  EXPECT_TRUE(matches(x, {1, 0, 0, 0}));
  EXPECT_EQ(x.dtype(), DType::kFloat32);
  logical_not_(x);
  EXPECT_TRUE(matches(x, {0, 1, 1, 1}));
  logical_xor_(x, number(true));
  EXPECT_TRUE(matches(x, {1, 0, 0, 0}));
  logical_or_(x, b);
  EXPECT_TRUE(matches(x, {1, 0, 1, 0}));
}

TEST(Compare, Bits) {
  const Tensor i = ints({-3, 2}), u = ints({3, 200}, DType::kUInt8);
  EXPECT_TRUE(matches(bitwise_and(i, number(2)), {0, 2}));
  EXPECT_TRUE(matches(bitwise_or(i, number(1)), {-3, 3}));
  EXPECT_TRUE(matches(bitwise_xor(ints({-3, 2}, DType::kInt8), number(200)), {53, -54}));
  EXPECT_TRUE(matches(bitwise_and(u, number(300)), {0, 8}));
  EXPECT_EQ(bitwise_and(u, ints({-3, 2}, DType::kInt8)).dtype(), DType::kInt16);
  EXPECT_TRUE(matches(bitwise_not(i), {2, -3}));
  EXPECT_TRUE(matches(bitwise_not(u), {252, 55}));
  EXPECT_TRUE(matches(bitwise_not(bools({1, 0})), {0, 1}));
  EXPECT_TRUE(matches(bitwise_xor(bools({1, 0}), number(true)), {0, 1}));
  EXPECT_EQ(bitwise_and(bools({1, 0}), number(1)).dtype(), DType::kInt64);
  for (const Error& e :
       {error_of([&] { bitwise_and(tensor({1}), tensor({1})); }),
        error_of([&] { bitwise_or(i, number(1.0)); }), error_of([&] { bitwise_not(tensor({1})); }),
        error_of([&] { bitwise_and_(bools({1}), ints({3})); }), error_of([&] {
          bitwise_and_(i, tensor({1, 1}));
        })}) {
    EXPECT_EQ(e.status(), Status::kDType) << e.message();
  }
  const Tensor x = ints({6, 5});
  bitwise_and_(x, number(3));
  bitwise_or_(x, number(8));
  bitwise_xor_(x, number(1));
  EXPECT_TRUE(matches(x, {11, 8}));
  bitwise_not_(x);
  EXPECT_TRUE(matches(x, {-12, -9}));
}

TEST(Compare, WhereSelectsAndPromotes) {
  const Tensor c = bools({1, 0}), f = tensor({1.5, -2.5}), d = doubles({3, 4});
  EXPECT_TRUE(matches(where(c, f, d), {1.5, 4}));
  EXPECT_EQ(where(c, f, d).dtype(), DType::kFloat64);
  EXPECT_EQ(where(c, f, doubles({1}, {})).dtype(), DType::kFloat32);
  EXPECT_EQ(where(c, number(1), number(2)).dtype(), DType::kInt64);
  EXPECT_EQ(where(c, number(1.0), number(2)).dtype(), DType::kFloat32);
  EXPECT_TRUE(matches(where(c, number(1.5), ints({-3, 2})), {1.5, 2}));
  EXPECT_EQ(where(c, number(1.5), ints({-3, 2})).dtype(), DType::kFloat32);
  EXPECT_TRUE(
      matches(where(ints({1, 0, 2}, DType::kUInt8), ints({1, 2, 3}), number(0)), {1, 0, 3}));
  EXPECT_TRUE(matches(where(c, f, tensor({1, 2}, DType::kFloat32, {2, 1})), {1.5, 1, 1.5, 2}));
  EXPECT_TRUE(matches(where(bools({1}), f, number(kNan)), {1.5, -2.5}));
  const Error e = error_of([&] { where(ints({1, 0}, DType::kInt32), f, f); });
  EXPECT_EQ(e.status(), Status::kDType);
  EXPECT_TRUE(contains(e, "where: dtype mismatch: condition is int32"));
  EXPECT_EQ(error_of([&] {
              where(c, ints({1, 2}, DType::kInt8), number(300));
            }).status(),
            Status::kInvalidArgument);
  EXPECT_EQ(error_of([&] { where(c, f, tensor({1, 2, 3})); }).status(), Status::kShape);
}

TEST(Compare, WhereGradients) {
  const Tensor c = bools({1, 0});
  const auto g =
      gradients([&](Span in) { return where(c, in[0], number(0.0)); }, {tensor({3, kNan})});
  EXPECT_TRUE(matches(g[0], {1, 0}));
  expect_gradients([&](Span in) { return where(c, in[0], in[1]); },
                   {doubles({1, 2}), doubles({3, 4}, {2, 1})});
  EXPECT_EQ(grad_name(where(c, with_grad(tensor({1, 2})), number(0))), "WhereBackward0");
}

TEST(Compare, Equal) {
  const Tensor f = tensor({1.5, -2.5});
  EXPECT_TRUE(equal(f, f));
  EXPECT_TRUE(equal(f, doubles({1.5, -2.5})));
  EXPECT_FALSE(equal(f, tensor({1.5, 2.5})));
  EXPECT_FALSE(equal(f, tensor({1.5})));
  EXPECT_FALSE(equal(tensor({kNan}), tensor({kNan})));
  EXPECT_TRUE(equal(tensor({}), tensor({})));
  EXPECT_TRUE(equal(ints({-3, 2}), ints({-3, 2}, DType::kInt8)));
  const Tensor m = Tensor::empty(Dims{2}, DType::kFloat32, Device::kMeta);
  EXPECT_EQ(error_of([&] { equal(m, m); }).status(), Status::kDevice);
  EXPECT_EQ(error_of([&] { equal(m, f); }).status(), Status::kDevice);
}

TEST(Compare, Closeness) {
  const Tensor f = tensor({1.5, -2.5});
  EXPECT_TRUE(matches(isclose(f, tensor({1.500001, -2.6})), {1, 0}));
  const Tensor a = tensor({kNan, kInf, -kInf, kInf}), b = tensor({kNan, kInf, kInf, 1});
  EXPECT_TRUE(matches(isclose(a, b), {0, 1, 0, 0}));
  EXPECT_TRUE(matches(isclose(a, b, 1e-5, 1e-8, true), {1, 1, 0, 0}));
  EXPECT_TRUE(matches(isclose(tensor({1}), tensor({kInf}), 0, kInf), {0}));
  EXPECT_TRUE(matches(isclose(ints({1, 5}), ints({2, 9}), 0, 1), {1, 0}));
  EXPECT_TRUE(matches(isclose(ints({250}, DType::kUInt8), ints({3}, DType::kUInt8), 0, 5), {0}));
  EXPECT_TRUE(matches(isclose(bools({1, 0}), bools({1, 1})), {1, 0}));
  EXPECT_TRUE(matches(isclose(tensor({1}), tensor({1}), 0, 0), {1}));
  EXPECT_TRUE(allclose(f, f));
  EXPECT_FALSE(allclose(f, tensor({1.5}, DType::kFloat32, {})));
  EXPECT_TRUE(allclose(tensor({}), tensor({})));
  EXPECT_FALSE(isclose(with_grad(tensor({1})), tensor({1})).requires_grad());
  EXPECT_EQ(error_of([&] { isclose(f, doubles({1, 2})); }).status(), Status::kDType);
  const Error e = error_of([&] { isclose(f, f, -1); });
  EXPECT_EQ(e.status(), Status::kInvalidArgument);
  EXPECT_TRUE(contains(e, "rtol out of range: -1"));
  EXPECT_EQ(error_of([&] { allclose(f, f, 0, kNan); }).status(), Status::kInvalidArgument);
}

TEST(Compare, MetaAndEmpty) {
  const Tensor m = Tensor::empty(Dims{2}, DType::kFloat32, Device::kMeta);
  for (const Tensor& t : {eq(m, number(1)), logical_and(m, m), logical_not(m), isclose(m, m)}) {
    EXPECT_TRUE(t.is_meta());
    EXPECT_EQ(t.dtype(), DType::kBool);
  }
  EXPECT_TRUE(where(gt(m, number(0)), m, number(0)).is_meta());
  EXPECT_EQ(where(bools({}), tensor({}), number(0)).numel(), 0);
  EXPECT_EQ(eq(tensor({}), tensor({})).numel(), 0);
  EXPECT_EQ(error_of([&] { eq(m, tensor({1, 2})); }).status(), Status::kDevice);
}

}  // namespace
}  // namespace mt
