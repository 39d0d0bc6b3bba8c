// Random ops against hashes of the bytes that PyTorch 1.13.1 (CPU, without MKL) drew from the same
// seed; gradients and errors.
#include "ops/random.h"

#include "ops/arithmetic.h"
#include "ops/creation.h"
#include "ops/ops_testing.h"
#include "ops/view.h"

namespace mt {
namespace {

using namespace mt::testing;

// FNV-1a over the values in row-major order.
uint64_t hash(const Tensor& t) {
  const Tensor c = contiguous(t);
  uint64_t h = 0xcbf29ce484222325u;
  const auto* p = static_cast<const unsigned char*>(c.data());
  for (size_t i = 0; i < c.bytes(); ++i) h = (h ^ p[i]) * 0x100000001b3u;
  return h;
}

// Seeds, draws, and draws one more number, so that the count of draws is checked too.
template <class F>
uint64_t drawn(F&& f) {
  manual_seed(7);
  const uint64_t h = hash(f());
  return h ^ hash(randint(0, 1 << 30, Dims{2}));
}

Tensor ramp() { return div(add(reshape(arange(24.0), Dims{4, 6}), number(1)), number(32)); }

TEST(Random, DrawsAreThoseOfPyTorch) {
  const Tensor x = ramp();
  EXPECT_EQ(drawn([&] { return rand(Dims{5, 7}); }), 0xf9354b9dfef941e7u);
  EXPECT_EQ(drawn([&] { return rand(Dims{9}, DType::kFloat64); }), 0x1b99bb7b48e7ee3bu);
  EXPECT_EQ(drawn([&] { return rand(Dims{9}, DType::kFloat16); }), 0xf4d295fd4ed863f4u);
  EXPECT_EQ(drawn([&] { return randn(Dims{5}); }), 0x6b38f48f5e2ebeeeu);
  EXPECT_EQ(drawn([&] { return randn(Dims{37}); }), 0xa84d3780abcc3bacu);
  EXPECT_EQ(drawn([&] { return randn(Dims{37}, DType::kFloat64); }), 0xfe7e7ac796639814u);
  EXPECT_EQ(drawn([&] { return randint(-5, 9, Dims{11}); }), 0xb1559cba57db73d3u);
  EXPECT_EQ(drawn([&] { return randint(0, 9, Dims{11}, DType::kFloat32); }), 0xf9954659cfaa6aeeu);
  EXPECT_EQ(drawn([&] { return randperm(23); }), 0x39289c8106b955aeu);
  EXPECT_EQ(drawn([&] { return randperm(23, DType::kInt32); }), 0x981fc6001617f5aeu);
  EXPECT_EQ(drawn([&] { return rand_like(t(x)); }), 0x8b554ad6ab057895u);
  EXPECT_EQ(drawn([&] { return randn_like(t(x)); }), 0x64998ad4fe18d4f7u);
  EXPECT_EQ(drawn([&] { return randn_like(x, DType::kFloat64); }), 0x62f1d182f040689bu);
  EXPECT_EQ(drawn([&] { return randint_like(t(x), 0, 7); }), 0x5a812834a1117e56u);
  EXPECT_EQ(drawn([&] { return normal(x, x); }), 0x5e4dccf86d59ffe8u);
  EXPECT_EQ(drawn([&] { return normal(t(x), number(2.5)); }), 0xae2fe1c05a39c383u);
  EXPECT_EQ(drawn([&] { return normal(number(2.5), t(x)); }), 0x67aff8927cafdff6u);
  EXPECT_EQ(drawn([&] { return normal(2, 3, Dims{20}); }), 0x8c2c5d136a15516au);
  EXPECT_EQ(drawn([&] { return normal(select(x, 0, 1), slice(x, 1, 2, 3)); }), 0x65ff38bc8800fd18u);
  EXPECT_EQ(drawn([&] { return bernoulli(x); }), 0xa8f33c8be2c45b8bu);
  EXPECT_EQ(drawn([&] { return bernoulli(t(x)); }), 0x3a13a075ab64c6dbu);
  EXPECT_EQ(drawn([&] { return bernoulli(to(x, DType::kFloat64)); }), 0xd41e94749d16fecdu);
  EXPECT_EQ(drawn([&] { return bernoulli(x, 0.3); }), 0xa8dd2a5690da5080u);
  EXPECT_EQ(drawn([&] { return uniform_(t(zeros(Dims{4, 6})), -1, 2); }), 0x519c6bcf109981d2u);
  EXPECT_EQ(drawn([&] {
              return uniform_(slice(zeros(Dims{4, 6}), 1, 0, {}, 2));
            }),
            0x1f8902a97e271e76u);
  EXPECT_EQ(drawn([&] {
              return uniform_(slice(permute(zeros(Dims{3, 4, 6}), Dims{2, 0, 1}), 2, 1, {}));
            }),
            0xa1d5387bda01fb90u);
  EXPECT_EQ(drawn([&] { return normal_(t(zeros(Dims{4, 6})), 1, 2); }), 0x29f1924b6c6a88efu);
  EXPECT_EQ(drawn([&] {
              return normal_(slice(zeros(Dims{4, 60}), 1, 0, {}, 2));
            }),
            0x4a3d66261788f754u);
  EXPECT_EQ(drawn([&] { return bernoulli_(t(zeros(Dims{4, 6})), 0.4); }), 0x3fa45b25537721du);
  EXPECT_EQ(drawn([&] { return bernoulli_(t(zeros(Dims{6, 4})), x); }), 0xca8b3a8c41854cfbu);
  EXPECT_EQ(drawn([&] {
              return bernoulli_(zeros(Dims{4, 6}, DType::kInt64), select(x, 0, 3));
            }),
            0x55f64072c89f17f6u);
  EXPECT_EQ(drawn([&] {
              return bernoulli_(slice(zeros(Dims{4, 12}), 1, 0, {}, 2), t(contiguous(t(x))));
            }),
            0xa8f33c8be2c45b8bu);
  EXPECT_EQ(drawn([&] { return random_(zeros(Dims{7}, DType::kInt64)); }), 0x87e80336d604db99u);
  EXPECT_EQ(drawn([&] { return random_(zeros(Dims{7})); }), 0x81826d125e01fcf7u);
  EXPECT_EQ(drawn([&] {
              return random_(t(zeros(Dims{3, 4}, DType::kInt8)), -3, 5);
            }),
            0x9d4a7aaccd5f3553u);
  EXPECT_EQ(drawn([&] { return random_(zeros(Dims{7}, DType::kBool)); }), 0x6a03c1d77730b1e7u);
  EXPECT_EQ(drawn([&] { return exponential_(t(zeros(Dims{4, 6})), 2); }), 0x95f24dd14a0fd113u);
  EXPECT_EQ(drawn([&] { return cauchy_(zeros(Dims{9}), 1, 2); }), 0xeb6d7c04236dd91cu);
  EXPECT_EQ(drawn([&] { return log_normal_(zeros(Dims{9}), 1, 2); }), 0x6e199b361148018du);
  EXPECT_EQ(drawn([&] { return geometric_(zeros(Dims{9}, DType::kInt32), 0.3); }),
            0xd048792f02ee1837u);
  EXPECT_EQ(drawn([&] { return dropout(x, 0.3); }), 0x8ad9c1950afd02cau);
  EXPECT_EQ(drawn([&] { return dropout(t(x), 0.3); }), 0xf57c431a5cc35b76u);
  EXPECT_EQ(drawn([&] { return dropout(to(x, DType::kFloat64), 0.9); }), 0xd7a2508444d09a2au);
  EXPECT_EQ(drawn([&] { return dropout(to(x, DType::kBFloat16), 0.3); }), 0xfacfb1414dd6e0au);
  EXPECT_EQ(drawn([&] { return dropout(x, 1); }), 0x4688d257be5b78a2u);
  EXPECT_EQ(drawn([&] { return dropout(x, 0); }), 0x47196e763747f18u);
  EXPECT_EQ(drawn([&] { return dropout_(clone(t(x)), 0.3); }), 0xf57c431a5cc35b76u);
  EXPECT_EQ(drawn([&] {
              return feature_dropout(reshape(x, Dims{2, 3, 4}), 0.4);
            }),
            0x13cd52789107deau);
  EXPECT_EQ(drawn([&] { return alpha_dropout(x, 0.3); }), 0x5b80513cd766b1f3u);
  EXPECT_EQ(drawn([&] { return alpha_dropout(x, 1); }), 0x4688d257be5b78a2u);
  EXPECT_EQ(drawn([&] {
              return feature_alpha_dropout(reshape(x, Dims{2, 3, 4}), 0.4);
            }),
            0x115ec8b4e013ffb9u);
}

TEST(Random, MetaDrawsNothingAndChecksArguments) {
  manual_seed(1);
  const uint64_t before = hash(rand(Dims{4}));
  manual_seed(1);
  EXPECT_TRUE(rand(Dims{4}, DType::kFloat32, Device::kMeta).is_meta());
  EXPECT_TRUE(randperm(4, DType::kInt64, Device::kMeta).is_meta());
  EXPECT_TRUE(dropout(empty(Dims{4}, DType::kFloat32, Device::kMeta)).is_meta());
  EXPECT_EQ(hash(rand(Dims{4})), before);
  EXPECT_EQ(error_of([] { rand(Dims{4}, DType::kInt64, Device::kMeta); }).status(), Status::kDType);
}

TEST(Random, AGeneratorOfOnesOwn) {
  Generator a(3), b(3);
  manual_seed(5);
  const uint64_t rest = hash(rand(Dims{3}));
  manual_seed(5);
  EXPECT_EQ(hash(randn(Dims{20}, DType::kFloat32, Device::kCPU, &a)),
            hash(randn(Dims{20}, DType::kFloat32, Device::kCPU, &b)));
  EXPECT_EQ(hash(rand(Dims{3})), rest);
}

TEST(Random, Errors) {
  EXPECT_EQ(error_of([] { rand(Dims{2}, DType::kInt64); }).status(), Status::kDType);
  EXPECT_EQ(error_of([] { uniform_(zeros(Dims{2}), 1, 0); }).status(), Status::kInvalidArgument);
  EXPECT_EQ(error_of([] { normal_(zeros(Dims{2}), 0, -1); }).status(), Status::kInvalidArgument);
  EXPECT_EQ(error_of([] { randint(3, 3, Dims{2}); }).status(), Status::kInvalidArgument);
  EXPECT_EQ(error_of([] { bernoulli_(zeros(Dims{2}), 1.5); }).status(), Status::kInvalidArgument);
  EXPECT_EQ(error_of([] { bernoulli(tensor({2})); }).status(), Status::kInvalidArgument);
  EXPECT_EQ(error_of([] { bernoulli(ints({1})); }).status(), Status::kDType);
  EXPECT_EQ(error_of([] {
              bernoulli_(zeros(Dims{3}), tensor({.5, .5}));
            }).status(),
            Status::kShape);
  EXPECT_EQ(error_of([] {
              normal(zeros(Dims{2}), tensor({1, -1}));
            }).status(),
            Status::kInvalidArgument);
  EXPECT_EQ(error_of([] { normal(zeros(Dims{2}), ones(Dims{3})); }).status(), Status::kShape);
  EXPECT_EQ(error_of([] { randperm(-1); }).status(), Status::kInvalidArgument);
  EXPECT_EQ(error_of([] { uniform_(expand(zeros(Dims{1}), Dims{3})); }).status(),
            Status::kInvalidArgument);
  EXPECT_EQ(error_of([] { uniform_(with_grad(zeros(Dims{3}))); }).status(), Status::kAutograd);
  EXPECT_EQ(error_of([] { dropout(zeros(Dims{3}), 1.5); }).message(),
            "dropout: p out of range: 1.5: the probability must be in [0, 1]");
  EXPECT_EQ(error_of([] { dropout(ints({1}), 0.5); }).status(), Status::kDType);
  EXPECT_EQ(error_of([] { feature_dropout(zeros(Dims{3})); }).status(), Status::kShape);
}

TEST(Random, FillsEraseHistory) {
  const auto g = gradients(
      [](std::span<const Tensor> in) {
        const Tensor y = mul(in[0], number(2));
        uniform_(select(y, 0, 0));
        EXPECT_EQ(grad_name(y), "CopySlices");
        return y;
      },
      {doubles({1, 2, 3, 4}, {2, 2})});
  EXPECT_TRUE(matches(g[0], {0, 0, 2, 2}));
  EXPECT_TRUE(matches(gradients([](std::span<const Tensor> in) { return bernoulli(in[0]); },
                                {doubles({.5, .5})})[0],
                      {0, 0}));
  EXPECT_TRUE(matches(gradients([](std::span<const Tensor> in) { return normal(in[0], in[1]); },
                                {doubles({.5, .5}), doubles({1})})[1],
                      {0}));
}

TEST(Random, DropoutGradients) {
  const Tensor x = with_grad(doubles({1, 2, 3, 4, 5, 6}));
  EXPECT_TRUE(same(dropout(x, 0.5, false), x));
  EXPECT_TRUE(same(dropout(x, 0), x));
  EXPECT_TRUE(matches(dropout(x, 1), {0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(grad_name(dropout(x, 0.5)), "MulBackward0");
  const TensorFn f = [](std::span<const Tensor> in) {
    manual_seed(3);
    return mul(dropout(in[0], 0.25), in[0]);
  };
  expect_gradients(f, {doubles({1, 2, 3, 4, 5, 6})});
  const TensorFn a = [](std::span<const Tensor> in) {
    manual_seed(3);
    return mul(feature_alpha_dropout(in[0], 0.5), in[0]);
  };
  expect_gradients(a, {doubles({1, 2, 3, 4, 5, 6}, {1, 3, 2})});
  const TensorFn inplace = [](std::span<const Tensor> in) {
    manual_seed(3);
    return dropout_(mul(in[0], number(3)), 0.5);
  };
  expect_gradients(inplace, {doubles({1, 2, 3, 4, 5, 6})});
}

TEST(Random, InPlaceKeepsTheDevice) {
  const Tensor p = Tensor::empty(Dims{}, DType::kFloat32, Device::kMeta);
  const Tensor self = ones(Dims{});  // beside which a 0-dim tensor of the host may stand
  EXPECT_THROW(bernoulli_(self, p), Error);
}

}  // namespace
}  // namespace mt
