// Views, copies and the reverse of broadcasting: geometry, gradients (also of overlapping views and
// of in-place writes through views), errors.
#include "ops/view.h"

#include "ops/arithmetic.h"
#include "ops/creation.h"
#include "ops/ops_testing.h"

namespace mt {
namespace {

using namespace mt::testing;

Tensor counting(std::vector<int64_t> shape, DType dtype = DType::kFloat64) {
  int64_t n = 1;
  for (int64_t s : shape) n *= s;
  Doubles v(static_cast<size_t>(n));
  for (size_t i = 0; i < v.size(); ++i) v[i] = static_cast<double>(i);
  return tensor(v, dtype, std::move(shape));
}

TEST(View, ShapesAndStrides) {
  const Tensor x = counting({2, 3, 4});
  EXPECT_EQ(view(x, Dims{6, -1}).sizes(), (Dims{6, 4}));
  EXPECT_EQ(permute(x, Dims{2, 0, -2}).strides(), (Dims{1, 12, 4}));
  EXPECT_EQ(transpose(x, 0, -1).sizes(), (Dims{4, 3, 2}));
  EXPECT_EQ(movedim(x, Dims{0}, Dims{-1}).sizes(), (Dims{3, 4, 2}));
  EXPECT_EQ(movedim(x, Dims{0, 1}, Dims{2, 0}).sizes(), (Dims{3, 4, 2}));
  EXPECT_EQ(unsqueeze(x, -1).sizes(), (Dims{2, 3, 4, 1}));
  EXPECT_EQ(squeeze(unsqueeze(x, 0)).sizes(), x.sizes());
  EXPECT_EQ(squeeze(x, 1).sizes(), x.sizes());
  EXPECT_EQ(squeeze(unsqueeze(x, 1), 1).sizes(), x.sizes());
  EXPECT_EQ(flatten(x, 1).sizes(), (Dims{2, 12}));
  EXPECT_EQ(flatten(number(3.0)).sizes(), (Dims{1}));
  EXPECT_EQ(unflatten(x, 2, Dims{2, -1}).sizes(), (Dims{2, 3, 2, 2}));
  EXPECT_EQ(expand(counting({3, 1}), Dims{2, -1, 4}).strides(), (Dims{0, 1, 0}));
  EXPECT_EQ(unfold(x, 2, 2, 1).sizes(), (Dims{2, 3, 3, 2}));
  EXPECT_EQ(t(counting({2, 3})).sizes(), (Dims{3, 2}));
  EXPECT_TRUE(x.storage() == flatten(x).storage());
  EXPECT_FALSE(x.storage() == reshape(transpose(x, 0, 2), Dims{24}).storage());
  EXPECT_TRUE(matches(reshape(t(counting({2, 3})), Dims{6}), {0, 3, 1, 4, 2, 5}));
  EXPECT_TRUE(matches(diagonal(counting({3, 4}), 1), {1, 6, 11}));
  EXPECT_TRUE(matches(diagonal(counting({3, 4}), -1), {4, 9}));
  EXPECT_EQ(diagonal(counting({3, 4}), 9).numel(), 0);
  EXPECT_EQ(diagonal(counting({0, 1}), INT64_MIN).sizes(), (Dims{0}));
}

TEST(View, IndexRules) {
  const Tensor x = counting({5});
  EXPECT_TRUE(matches(slice(x, 0, -2, {}), {3, 4}));
  EXPECT_TRUE(matches(slice(x, 0, 1, 100, 2), {1, 3}));
  EXPECT_TRUE(matches(slice(x, 0, -100, -3), {0, 1}));
  EXPECT_EQ(slice(x, 0, 4, 2).numel(), 0);
  EXPECT_TRUE(matches(slice(x, 0, 1, {}, INT64_MAX), {1}));
  EXPECT_TRUE(matches(select(x, 0, -1), {4}));
  EXPECT_TRUE(matches(narrow(x, 0, -2, 2), {3, 4}));
  EXPECT_EQ(narrow(x, 0, 5, 0).numel(), 0);
}

TEST(View, Errors) {
  const Tensor x = counting({2, 3});
  EXPECT_EQ(
      error_of([&] { view(t(x), Dims{6}); }).message(),
      "view: needs a copy: shape (3, 2) with strides (1, 3) as (6,): dims that are merged must "
      "be contiguous in memory; use reshape");
  EXPECT_EQ(error_of([&] { view(x, Dims{4}); }).status(), Status::kShape);
  EXPECT_EQ(error_of([&] { select(x, 1, 3); }).message(),
            "select: index out of range: index 3 at dim 1 of size 3: must be in [-3, 2]");
  EXPECT_EQ(error_of([&] { select(x, 2, 0); }).status(), Status::kIndex);
  EXPECT_EQ(error_of([&] { select(number(1), 0, 0); }).status(), Status::kIndex);
  EXPECT_EQ(error_of([&] { slice(x, 0, 0, 1, 0); }).status(), Status::kInvalidArgument);
  EXPECT_EQ(error_of([&] { narrow(x, 0, 1, 2); }).status(), Status::kInvalidArgument);
  EXPECT_EQ(error_of([&] { narrow(x, 0, 3, 0); }).status(), Status::kIndex);
  EXPECT_TRUE(contains(error_of([&] { expand(x, Dims{4, 3}); }), "only size 1 can be expanded"));
  EXPECT_EQ(error_of([&] { expand(x, Dims{-1, 2, 3}); }).status(), Status::kShape);
  EXPECT_EQ(error_of([&] { expand(x, Dims{3}); }).status(), Status::kShape);
  EXPECT_EQ(error_of([&] { permute(x, Dims{0, 0}); }).status(), Status::kInvalidArgument);
  EXPECT_EQ(error_of([&] { permute(x, Dims{0}); }).status(), Status::kShape);
  EXPECT_EQ(error_of([&] { t(counting({1, 1, 1})); }).status(), Status::kShape);
  EXPECT_EQ(error_of([&] { flatten(x, 1, 0); }).status(), Status::kInvalidArgument);
  EXPECT_EQ(error_of([&] { as_strided(x, Dims{2}, Dims{6}); }).status(), Status::kInvalidArgument);
  EXPECT_EQ(error_of([&] { as_strided(x, Dims{2}, Dims{-1}, 3); }).status(),
            Status::kInvalidArgument);
  EXPECT_EQ(error_of([&] { as_strided(x, Dims{2}, Dims{INT64_MAX}, 1); }).status(),
            Status::kInvalidArgument);
  EXPECT_EQ(error_of([&] { unsqueeze(Tensor(), 0); }).status(), Status::kNullArgument);
}

TEST(View, GradientNames) {
  const Tensor x = with_grad(counting({2, 3}));
  EXPECT_EQ(grad_name(view(x, Dims{6})), "ViewBackward0");
  EXPECT_EQ(grad_name(reshape(x, Dims{6})), "ReshapeAliasBackward0");
  EXPECT_EQ(grad_name(reshape(t(x), Dims{6})), "UnsafeViewBackward0");
  EXPECT_EQ(grad_name(t(x)), "TBackward0");
  EXPECT_EQ(grad_name(slice(x, 0, 1, {})), "SliceBackward0");
  EXPECT_EQ(grad_name(to(x, DType::kFloat32)), "ToCopyBackward0");
  EXPECT_EQ(grad_name(to(x, DType::kInt64)), "");
  EXPECT_EQ(grad_name(clone(x)), "CloneBackward0");
}

TEST(View, Gradients) {
  const Tensor x = counting({2, 3, 4});
  const Tensor w = counting({24});
  using In = std::span<const Tensor>;
  const auto weighted = [&](const Tensor& y) { return mul(y, to(y, y.dtype(), true)); };
  for (const TensorFn& f : std::vector<TensorFn>{
           [&](In in) {
             return weighted(view(in[0], Dims{4, 6}));
           },
           [&](In in) {
             return weighted(reshape(permute(in[0], Dims{2, 0, 1}), Dims{8, 3}));
           },
           [&](In in) { return weighted(transpose(in[0], 0, 2)); },
           [&](In in) { return weighted(slice(in[0], 2, 1, {}, 2)); },
           [&](In in) { return weighted(select(in[0], 1, -1)); },
           [&](In in) {
             return weighted(expand(unsqueeze(in[0], 0), Dims{3, 2, 3, 4}));
           },
           [&](In in) { return weighted(squeeze(unsqueeze(in[0], 1))); },
           [&](In in) { return weighted(squeeze(unsqueeze(in[0], 1), 1)); },
           [&](In in) { return weighted(unfold(in[0], 2, 3, 1)); },
           [&](In in) { return weighted(diagonal(in[0], 0, 2, 0)); },
           [&](In in) {
             return weighted(as_strided(in[0], Dims{5, 3}, Dims{2, 1}, 3));
           },
           [&](In in) { return weighted(as_strided(t(select(in[0], 0, 1)), Dims{3}, Dims{0})); },
           [&](In in) {
             return weighted(sum_to_size(in[0], Dims{3, 1}));
           },
           [&](In in) {
             return weighted(sum_to_size(in[0], Dims{1, 3, 1}));
           },
           [&](In in) { return weighted(clone(in[0])); },
           [&](In in) { return weighted(contiguous(transpose(in[0], 0, 1))); },
       }) {
    expect_gradients(f, {mul(clone(x), number(0.1))});
  }
}

TEST(View, SharedPlacesOfAnExpandedSource) {
  // as_strided of an expanded tensor: the source's elements in one place share the gradient.
  const Tensor x = with_grad(counting({3}));
  const Tensor wide = expand(x, Dims{2, 3});
  const Tensor y = as_strided(wide, Dims{3}, Dims{1});
  const Tensor ones = kGradMath.full(Dims{3}, DType::kFloat64, Device::kCPU, 1);
  EXPECT_TRUE(matches(grad({&y, 1}, {&x, 1}, {&ones, 1})[0], {1, 1, 1}));
}

TEST(View, InPlaceWritesThroughViewsHaveGradients) {
  const Tensor x = with_grad(counting({2, 3}));
  const Tensor v = with_grad(counting({3}));
  const Tensor y = mul(x, number(2.0));
  const Tensor row = select(y, 0, 1);
  copy_(row, mul(v, number(3.0)));
  EXPECT_TRUE(matches(y, {0, 2, 4, 0, 3, 6}));
  EXPECT_EQ(grad_name(y), "CopySlices");
  EXPECT_EQ(grad_name(row), "AsStridedBackward0");
  const Tensor whole = sum_to_size(mul(y, y), Dims());
  backward({&whole, 1});
  EXPECT_TRUE(matches(grad_of(x), {0, 8, 16, 0, 0, 0}));
  EXPECT_TRUE(matches(grad_of(v), {0, 18, 36}));
  // A second write through another view of the same base.
  const Tensor z = mul(x, number(2.0));
  fill_(slice(z, 1, 1, {}), 7);
  zero_(select(z, 0, 0));
  EXPECT_TRUE(matches(z, {0, 0, 0, 6, 7, 7}));
  EXPECT_TRUE(matches(gradients(
                          [](std::span<const Tensor> in) {
                            const Tensor y2 = mul(in[0], number(2.0));
                            fill_(slice(y2, 1, 1, {}), 7);
                            zero_(select(y2, 0, 0));
                            return y2;
                          },
                          {counting({2, 3})})[0],
                      {0, 0, 0, 2, 0, 0}));
}

TEST(View, ABaseWithGapsInItsMemory) {
  // The base of the write is no view for autograd, but its elements lie 2 apart.
  const Tensor v = with_grad(counting({3}));
  const Tensor base = detach(slice(counting({2, 6}), 1, {}, {}, 2));
  copy_(select(base, 0, 1), mul(v, number(3.0)));
  mul_(select(base, 1, 2), number(2.0));
  const Tensor total = sum_to_size(mul(base, base), Dims());
  backward({&total, 1});
  EXPECT_TRUE(matches(base, {0, 2, 8, 0, 3, 12}));
  EXPECT_TRUE(matches(grad_of(v), {0, 18, 144}));
}

TEST(View, SecondDerivativesOfInPlaceWrites) {
  expect_gradients(
      [](std::span<const Tensor> in) {
        const Tensor y = mul(in[0], in[0]);
        mul_(select(y, 0, 1), in[1]);
        copy_(slice(t(y), 0, 1, 2), mul(select(in[1], 0, 0), slice(in[1], 0, 0, 2)));
        return mul(y, y);
      },
      {doubles({.1, .2, .3, .4, .5, .6}, {2, 3}), doubles({.7, .8, .9})});
}

TEST(Copy, CopyBroadcastsConvertsAndErasesHistory) {
  const Tensor a = zeros(Dims{2, 3}, DType::kInt32);
  copy_(a, tensor({1.7, -2.7, 3}));
  EXPECT_TRUE(matches(a, {1, -2, 3, 1, -2, 3}));
  EXPECT_EQ(error_of([&] { copy_(a, tensor({1, 2})); }).status(), Status::kShape);
  EXPECT_EQ(error_of([&] { copy_(expand(tensor({1}), Dims{3}), tensor({1})); }).status(),
            Status::kInvalidArgument);
  EXPECT_EQ(error_of([&] { copy_(a, empty(Dims{3}, DType::kFloat32, Device::kMeta)); }).status(),
            Status::kDevice);
  const Tensor line = counting({6});
  EXPECT_EQ(error_of([&] { copy_(slice(line, 0, 1, {}), slice(line, 0, 0, -1)); }).status(),
            Status::kInvalidArgument);
  copy_(slice(line, 0, {}, {}, 2), slice(line, 0, 1, {}, 2));
  EXPECT_TRUE(matches(line, {1, 1, 3, 3, 5, 5}));
  const auto g = gradients(
      [](std::span<const Tensor> in) {
        const Tensor y = mul(in[0], number(2.0));
        return copy_(y, mul(in[1], number(3.0)));
      },
      {counting({2, 3}), counting({3})});
  EXPECT_TRUE(matches(g[0], {0, 0, 0, 0, 0, 0}));
  EXPECT_TRUE(matches(g[1], {6, 6, 6}));
  EXPECT_EQ(error_of([&] { copy_(with_grad(counting({2})), number(1)); }).status(),
            Status::kAutograd);
}

TEST(Copy, FillChecksTheRange) {
  const Tensor a = zeros(Dims{2}, DType::kUInt8);
  EXPECT_TRUE(matches(fill_(a, -3), {253, 253}));
  EXPECT_EQ(error_of([&] { fill_(a, 300); }).status(), Status::kInvalidArgument);
  EXPECT_EQ(error_of([&] { fill_(zeros(Dims{2}), 1e39); }).status(), Status::kInvalidArgument);
  EXPECT_TRUE(matches(fill_(zeros(Dims{1}), kInf), {kInf}));
  EXPECT_EQ(error_of([&] { fill_(a, tensor({1})); }).status(), Status::kShape);
  const auto g = gradients(
      [](std::span<const Tensor> in) {
        return fill_(mul(in[0], number(2.0)), select(in[1], 0, 0));
      },
      {counting({2}), counting({2})});
  EXPECT_TRUE(matches(g[1], {2, 0}));
}

TEST(Copy, CloneKeepsMemoryOrder) {
  EXPECT_EQ(clone(t(counting({2, 3}))).strides(), (Dims{1, 3}));
  EXPECT_EQ(clone(slice(counting({3, 4}), 1, 0, {}, 2)).strides(), (Dims{2, 1}));
  EXPECT_EQ(clone(slice(permute(counting({2, 3, 4}), Dims{2, 0, 1}), 2, 0, {}, 2)).strides(),
            (Dims{1, 8, 4}));
  EXPECT_EQ(clone(expand(counting({1, 4}), Dims{3, 4})).strides(), (Dims{4, 1}));
  EXPECT_EQ(clone(t(slice(counting({4, 3}), 1, 0, 2))).strides(), (Dims{1, 2}));
  EXPECT_TRUE(contiguous(t(counting({2, 3}))).is_contiguous());
}

TEST(Copy, SumToSize) {
  const Tensor x = counting({2, 3, 2});
  EXPECT_TRUE(matches(sum_to_size(x, Dims{3, 1}), {14, 22, 30}));
  EXPECT_TRUE(matches(sum_to_size(x, Dims{2}), {30, 36}));
  EXPECT_TRUE(matches(sum_to_size(x, Dims()), {66}));
  EXPECT_TRUE(matches(sum_to_size(transpose(x, 0, 2), Dims{1, 3, 1}), {14, 22, 30}));
  EXPECT_EQ(sum_to_size(zeros(Dims{2}, DType::kInt32), Dims{1}).dtype(), DType::kInt64);
  EXPECT_TRUE(matches(sum_to_size(zeros(Dims{0, 2}), Dims{2}), {0, 0}));
  EXPECT_EQ(error_of([&] { sum_to_size(x, Dims{4}); }).status(), Status::kShape);
}

TEST(Copy, Meta) {
  const Tensor m = empty(Dims{2, 3}, DType::kFloat32, Device::kMeta);
  EXPECT_EQ(clone(t(m)).sizes(), (Dims{3, 2}));
  EXPECT_EQ(to(m, DType::kInt8).dtype(), DType::kInt8);
  EXPECT_EQ(sum_to_size(m, Dims{3}).sizes(), (Dims{3}));
  EXPECT_EQ(reshape(t(m), Dims{6}).device(), Device::kMeta);
  EXPECT_TRUE(to_device(tensor({1, 2}), Device::kMeta).is_meta());
  EXPECT_EQ(error_of([&] { to_device(m, Device::kCPU); }).status(), Status::kDevice);
  zero_(m);
  copy_(m, tensor({1}));
}

}  // namespace
}  // namespace mt
