// Filled tensors and number ranges. The ranges' goldens are bits that PyTorch 1.13.1 printed on one
// thread.
#include "ops/creation.h"

#include <bit>

#include "ops/arithmetic.h"
#include "ops/ops_testing.h"
#include "ops/view.h"

namespace mt {
namespace {

using namespace mt::testing;

TEST(Creation, Filled) {
  EXPECT_TRUE(matches(zeros(Dims{2}), {0, 0}));
  EXPECT_TRUE(matches(ones(Dims{2}, DType::kBool), {1, 1}));
  EXPECT_EQ(full(Dims{2}, 2).dtype(), DType::kInt64);
  EXPECT_EQ(full(Dims{2}, true).dtype(), DType::kBool);
  EXPECT_EQ(full(Dims{2}, 2.5).dtype(), DType::kFloat32);
  EXPECT_EQ(full_like(t(zeros(Dims{2, 3})), 3).strides(), (Dims{1, 3}));
  EXPECT_TRUE(matches(ones_like(ints({4, 5}), DType::kFloat16), {1, 1}));
  EXPECT_TRUE(zeros_like(zeros(Dims{2}), {}, Device::kMeta).is_meta());
  EXPECT_TRUE(matches(eye(2, 3), {1, 0, 0, 0, 1, 0}));
  EXPECT_EQ(eye(0).numel(), 0);
  EXPECT_EQ(error_of([] { eye(-1); }).status(), Status::kInvalidArgument);
  EXPECT_EQ(error_of([] { zeros(Dims{-1}); }).status(), Status::kShape);
  EXPECT_EQ(error_of([] { full(Dims{2}, 1e10, DType::kInt32); }).status(),
            Status::kInvalidArgument);
}

TEST(Creation, Arange) {
  EXPECT_TRUE(matches(arange(10, 0, -3), {10, 7, 4, 1}));
  EXPECT_EQ(arange(3).dtype(), DType::kInt64);
  EXPECT_EQ(arange(3.0).dtype(), DType::kFloat32);
  EXPECT_EQ(arange(1, 1).numel(), 0);
  EXPECT_EQ(arange(0, 1, 0.1).numel(), 10);
  EXPECT_EQ(arange(0, 2.5, 1, DType::kInt32).numel(), 3);
  EXPECT_EQ(arange(0, 2.5, 1, DType::kInt64).numel(), 2);
  for (const Error& e : {error_of([] { arange(0, 1, 0); }), error_of([] { arange(0, 1, -1); }),
                         error_of([] { arange(0, kInf); }), error_of([] { arange(kNan); }),
                         error_of([] { arange(0, 10, 0.5, DType::kInt64); })}) {
    EXPECT_EQ(e.status(), Status::kInvalidArgument) << e.what();
  }
  EXPECT_EQ(error_of([] { arange(2, DType::kBool); }).status(), Status::kNotImplemented);
}

// FNV-1a over the bytes of a tensor.
uint64_t hash(const Tensor& t) {
  uint64_t h = 0xcbf29ce484222325u;
  const auto* p = static_cast<const unsigned char*>(t.data());
  for (size_t i = 0; i < t.bytes(); ++i) h = (h ^ p[i]) * 0x100000001b3u;
  return h;
}

TEST(Creation, RangesHaveTheBitsOfPyTorch) {
  EXPECT_EQ(hash(arange(0, 10, 0.1, DType::kFloat32)), 0xfc86fa673ba6eb13u);
  EXPECT_EQ(hash(arange(1.3, 50, 0.37, DType::kFloat32)), 0xa27fc3ff99f9dd9du);
  EXPECT_EQ(hash(arange(0, 40, 0.013, DType::kFloat32)), 0xd27fe42cdc1e8673u);
  EXPECT_EQ(hash(arange(-3, 7, 0.0101, DType::kFloat32)), 0x71a3fe18c0bcc6c4u);
  EXPECT_EQ(hash(arange(5, -5, -0.125, DType::kFloat32)), 0xfcf5662fa259edc5u);
  EXPECT_EQ(hash(arange(0, 1000, 1, DType::kFloat32)), 0x3b47b52f982867a8u);
  EXPECT_EQ(hash(arange(0, 10, 0.1, DType::kFloat64)), 0x68d1e8dfc6e611bdu);
  EXPECT_EQ(hash(arange(1.3, 50, 0.37, DType::kFloat64)), 0x53ea4a49e71d57dcu);
  EXPECT_EQ(hash(arange(0, 40, 0.013, DType::kFloat64)), 0x798a6e0221d4dfaeu);
  EXPECT_EQ(hash(arange(-3, 7, 0.0101, DType::kFloat64)), 0x4a150c518a77e727u);
  EXPECT_EQ(hash(arange(5, -5, -0.125, DType::kFloat64)), 0x5927d33ae53e2711u);
  EXPECT_EQ(hash(arange(0, 1000, 1, DType::kFloat64)), 0x1e61d11fb2e85910u);
  EXPECT_EQ(hash(arange(0, 10, 0.1, DType::kFloat16)), 0x78dffdf6b8e8f06du);
  EXPECT_EQ(hash(arange(1.3, 50, 0.37, DType::kFloat16)), 0xe089cec0be9a4f6fu);
  EXPECT_EQ(hash(arange(0, 40, 0.013, DType::kFloat16)), 0x989d7a2f4ba673dcu);
  EXPECT_EQ(hash(arange(-3, 7, 0.0101, DType::kFloat16)), 0x558422390aa8c4ddu);
  EXPECT_EQ(hash(arange(5, -5, -0.125, DType::kFloat16)), 0xc059a4cf6491679eu);
  EXPECT_EQ(hash(arange(0, 1000, 1, DType::kFloat16)), 0xb24d4db93ea2285bu);
  EXPECT_EQ(hash(arange(0, 10, 0.1, DType::kBFloat16)), 0xff5da0511abc1e0bu);
  EXPECT_EQ(hash(arange(1.3, 50, 0.37, DType::kBFloat16)), 0xe15b4177ebc4505fu);
  EXPECT_EQ(hash(arange(0, 40, 0.013, DType::kBFloat16)), 0x75ff61fb345b52f5u);
  EXPECT_EQ(hash(arange(-3, 7, 0.0101, DType::kBFloat16)), 0x4095f8e7a113a8a8u);
  EXPECT_EQ(hash(arange(5, -5, -0.125, DType::kBFloat16)), 0x3bf23eada67b3a5u);
  EXPECT_EQ(hash(arange(0, 1000, 1, DType::kBFloat16)), 0xfd314bd32cccbda4u);
  EXPECT_EQ(hash(linspace(0, 1, 100, DType::kFloat32)), 0x13892e6d7323277au);
  EXPECT_EQ(hash(linspace(-1.3, 2.7, 333, DType::kFloat32)), 0xc032d5647e7f072bu);
  EXPECT_EQ(hash(linspace(0.1, 0.9, 45, DType::kFloat32)), 0x3bd51203dacd2d3bu);
  EXPECT_EQ(hash(linspace(3, -7, 64, DType::kFloat32)), 0x104bc966f3391c74u);
  EXPECT_EQ(hash(linspace(0, 100, 777, DType::kFloat32)), 0xcab27fc069727a2fu);
  EXPECT_EQ(hash(linspace(0, 1, 100, DType::kFloat64)), 0x1b5d311c5f89e7c1u);
  EXPECT_EQ(hash(linspace(-1.3, 2.7, 333, DType::kFloat64)), 0xba7ec0b1335103e8u);
  EXPECT_EQ(hash(linspace(0.1, 0.9, 45, DType::kFloat64)), 0x9275ef64441b814eu);
  EXPECT_EQ(hash(linspace(3, -7, 64, DType::kFloat64)), 0xa66b9147c6eb87e5u);
  EXPECT_EQ(hash(linspace(0, 100, 777, DType::kFloat64)), 0x7bc53f7684b19ca5u);
  EXPECT_EQ(hash(linspace(0, 1, 100, DType::kFloat16)), 0x133d55cc82330b13u);
  EXPECT_EQ(hash(linspace(-1.3, 2.7, 333, DType::kFloat16)), 0xd9eb9b69b0e6f1d0u);
  EXPECT_EQ(hash(linspace(0.1, 0.9, 45, DType::kFloat16)), 0xb46d496de0e5e841u);
  EXPECT_EQ(hash(linspace(3, -7, 64, DType::kFloat16)), 0x85d90074e6a9d0a5u);
  EXPECT_EQ(hash(linspace(0, 100, 777, DType::kFloat16)), 0xe4026809b8b2f0ffu);
  EXPECT_EQ(hash(linspace(0, 1, 100, DType::kBFloat16)), 0x22644d1ff94725e7u);
  EXPECT_EQ(hash(linspace(-1.3, 2.7, 333, DType::kBFloat16)), 0xe01ca04ca8561953u);
  EXPECT_EQ(hash(linspace(0.1, 0.9, 45, DType::kBFloat16)), 0x5e7aaee429edea7u);
  EXPECT_EQ(hash(linspace(3, -7, 64, DType::kBFloat16)), 0x90a1b60bdaf35736u);
  EXPECT_EQ(hash(linspace(0, 100, 777, DType::kBFloat16)), 0xe5b22b53429c64c8u);
  EXPECT_EQ(hash(linspace(0, 1, 100, DType::kInt64)), 0xf5daf5e1dcc66784u);
  EXPECT_EQ(hash(linspace(-1.3, 2.7, 333, DType::kInt64)), 0xe3e64a51be15f53fu);
  EXPECT_EQ(hash(linspace(0.1, 0.9, 45, DType::kInt64)), 0x9cccbb9b79c47545u);
  EXPECT_EQ(hash(linspace(3, -7, 64, DType::kInt64)), 0x1d5ff94e1fe728c7u);
  EXPECT_EQ(hash(linspace(0, 100, 777, DType::kInt64)), 0x654373e51a721ce1u);
  EXPECT_EQ(hash(linspace(0, 1, 100, DType::kInt32)), 0x8c20e7d2597d85d4u);
  EXPECT_EQ(hash(linspace(-1.3, 2.7, 333, DType::kInt32)), 0xb938e849e37a6ad3u);
  EXPECT_EQ(hash(linspace(0.1, 0.9, 45, DType::kInt32)), 0xed78eedda4cecdb5u);
  EXPECT_EQ(hash(linspace(3, -7, 64, DType::kInt32)), 0x81d9f72dc882272u);
  EXPECT_EQ(hash(linspace(0, 100, 777, DType::kInt32)), 0x64ba132ddc626f80u);
  EXPECT_EQ(hash(linspace(0, 1, 100, DType::kInt16)), 0x36ff0b90f722e59cu);
  EXPECT_EQ(hash(linspace(-1.3, 2.7, 333, DType::kInt16)), 0xf1e80df48ab1eb41u);
  EXPECT_EQ(hash(linspace(0.1, 0.9, 45, DType::kInt16)), 0x8aa8aa0fdb1997cdu);
  EXPECT_EQ(hash(linspace(3, -7, 64, DType::kInt16)), 0x84a6a98d43c135f1u);
  EXPECT_EQ(hash(linspace(0, 100, 777, DType::kInt16)), 0x6265e8f7c970320u);
  EXPECT_EQ(hash(linspace(0, 1, 100, DType::kInt8)), 0x1fc05db3378581c2u);
  EXPECT_EQ(hash(linspace(-1.3, 2.7, 333, DType::kInt8)), 0xfa61fe6522536244u);
  EXPECT_EQ(hash(linspace(0.1, 0.9, 45, DType::kInt8)), 0xf739742d5bc540afu);
  EXPECT_EQ(hash(linspace(3, -7, 64, DType::kInt8)), 0xf7577163914584d5u);
  EXPECT_EQ(hash(linspace(0, 100, 777, DType::kInt8)), 0x847d875d156d9e48u);
  EXPECT_EQ(hash(logspace(0, 1, 100, 10, DType::kFloat32)), 0x9aa1b8b6e8c001a6u);
  EXPECT_EQ(hash(logspace(-1.3, 2.7, 333, 10, DType::kFloat32)), 0xa24f5dfde35fe2a2u);
  EXPECT_EQ(hash(logspace(0, 1, 100, 10, DType::kFloat64)), 0xd79778b463980394u);
  EXPECT_EQ(hash(logspace(-1.3, 2.7, 333, 10, DType::kFloat64)), 0xa4ed381b2ce09627u);
  EXPECT_EQ(hash(logspace(0, 3, 20, 2, DType::kInt32)), 0xbbab9397e570475du);
}

TEST(Creation, Linspace) {
  EXPECT_TRUE(matches(linspace(0, 1, 5), {0, .25, .5, .75, 1}));
  EXPECT_TRUE(matches(linspace(0, 10, 5, DType::kInt64), {0, 2, 5, 7, 10}));
  EXPECT_TRUE(matches(linspace(3, 10, 1), {3}));
  EXPECT_EQ(linspace(3, 10, 0).numel(), 0);
  EXPECT_TRUE(matches(logspace(0, 2, 3), {1, 10, 100}));
  EXPECT_EQ(error_of([] { linspace(0, 1, -1); }).status(), Status::kInvalidArgument);
}

TEST(Creation, Triangles) {
  const Tensor x = reshape(arange(1, 13, 1, DType::kFloat64), Dims{3, 4});
  EXPECT_TRUE(matches(tril(x), {1, 0, 0, 0, 5, 6, 0, 0, 9, 10, 11, 0}));
  EXPECT_TRUE(matches(triu(x, 1), {0, 2, 3, 4, 0, 0, 7, 8, 0, 0, 0, 12}));
  EXPECT_TRUE(matches(tril(x, -5), Doubles(12, 0)));
  EXPECT_TRUE(matches(triu(x, INT64_MIN), list(x)));
  EXPECT_TRUE(matches(tril(x, INT64_MAX), list(x)));
  EXPECT_TRUE(matches(triu(t(x)), {1, 5, 9, 0, 6, 10, 0, 0, 11, 0, 0, 0}));
  EXPECT_EQ(tril(zeros(Dims{2, 0, 3})).numel(), 0);
  EXPECT_EQ(error_of([&] { tril(zeros(Dims{3})); }).status(), Status::kShape);
  expect_gradients([](std::span<const Tensor> in) { return mul(tril(in[0], -1), in[0]); },
                   {clone(x)});
  expect_gradients([](std::span<const Tensor> in) { return mul(triu(in[0]), in[0]); }, {clone(x)});
}

}  // namespace
}  // namespace mt
