// Convolution, pooling, normalisation and their kin: closed forms, and shapes that take different
// ways through the kernels giving the same values.
#include "core/parallel.h"
#include "core/random.h"
#include "ops/arithmetic.h"
#include "ops/conv.h"
#include "ops/creation.h"
#include "ops/embedding.h"
#include "ops/index.h"
#include "ops/join.h"
#include "ops/margin_loss.h"
#include "ops/matmul.h"
#include "ops/normalization.h"
#include "ops/ops_testing.h"
#include "ops/patch.h"
#include "ops/pool.h"
#include "ops/random.h"
#include "ops/reduce.h"
#include "ops/resample.h"
#include "ops/view.h"

namespace mt::testing {
namespace {

Tensor normals(IntSpan sizes, uint64_t seed = 1, DType dtype = DType::kFloat64) {
  Generator g(seed);
  return randn(sizes, dtype, Device::kCPU, &g);
}

// Integers are exact in every order of summation.
Tensor whole_numbers(IntSpan sizes, uint64_t seed = 1, DType dtype = DType::kFloat32) {
  Generator g(seed);
  return to(randint(-4, 5, sizes, DType::kInt64, Device::kCPU, &g), dtype);
}

TEST(Conv, KernelOfOneValueScales) {
  const Tensor x = whole_numbers({{2, 3, 5, 7}});
  const Tensor w = tensor({2, 0, 0, 0, 3, 0, 0, 0, 5}, DType::kFloat32, {3, 3, 1, 1});
  const Tensor scale = tensor({2, 3, 5}, DType::kFloat32, {3, 1, 1});
  EXPECT_TRUE(matches(conv2d(x, w), list(mul(x, scale))));
}

TEST(Conv, ShiftedDeltaMovesTheImage) {
  const Tensor x = whole_numbers({{1, 1, 4, 5}});
  Doubles delta(9, 0);
  delta[8] = 1;  // lower right: looks one down and one to the right
  const Tensor y = conv2d(x, tensor(delta, DType::kFloat32, {1, 1, 3, 3}), {}, {}, {{1}});
  EXPECT_TRUE(matches(y, list(pad(x, {{-1, 1, -1, 1}}))));
}

// Every path (joined images, many pixels, padded or not, strided, dilated, grouped, one or more
// threads) against patches and a matrix product.
TEST(Conv, IsAProductWithPatches) {
  struct Case {
    Dims x, w;
    int64_t stride, padding, dilation;
  };
  const Case cases[] = {
      {{5, 3, 9, 11}, {4, 3, 3, 3}, 1, 0, 1},   {{2, 3, 40, 37}, {8, 3, 3, 3}, 1, 1, 1},
      {{7, 8, 7, 7}, {16, 8, 3, 3}, 1, 1, 1},   {{2, 4, 21, 20}, {3, 4, 5, 3}, 2, 2, 1},
      {{1, 2, 70, 90}, {30, 2, 3, 3}, 1, 2, 2}, {{3, 16, 14, 14}, {40, 16, 1, 1}, 2, 0, 1},
      {{2, 1, 6, 50}, {5, 1, 4, 17}, 1, 3, 1},  {{9, 130, 3, 3}, {7, 130, 3, 3}, 1, 1, 1},
  };
  const int threads = num_threads();
  for (const int t : {1, 3}) {
    set_num_threads(t);
    for (const Case& c : cases) {
      const Tensor x = with_grad(whole_numbers(c.x)), w = with_grad(whole_numbers(c.w, 2));
      const auto by_patches = [&] {
        const Tensor cols =
            im2col(x, {{c.w[2], c.w[3]}}, {{c.dilation}}, {{c.padding}}, {{c.stride}});
        return matmul(reshape(w, {{c.w[0], -1}}), cols);
      };
      const Tensor y = conv2d(x, w, {}, {{c.stride}}, {{c.padding}}, {{c.dilation}});
      const Tensor expected = by_patches();
      ASSERT_TRUE(matches(y, list(expected))) << shape_string(c.x);
      const Tensor g = whole_numbers(y.sizes(), 3);
      const Tensor inputs[] = {x, w}, flat = reshape(g, expected.sizes());
      const Grads got = grad({&y, 1}, inputs, {&g, 1});
      const Grads want = grad({&expected, 1}, inputs, {&flat, 1});
      EXPECT_TRUE(matches(got[0], list(want[0]))) << shape_string(c.x) << " of x";
      EXPECT_TRUE(matches(got[1], list(want[1]))) << shape_string(c.x) << " of w";
    }
  }
  set_num_threads(threads);
}

TEST(Conv, GroupsAreConvolutionsOfTheirOwn) {
  for (const int64_t groups : {2, 6}) {
    const Tensor x = whole_numbers({{3, 6, 12, 18}}),
                 w = whole_numbers({{12, 6 / groups, 3, 3}}, 2);
    TensorList parts;
    const TensorList xs = chunk(x, groups, 1), ws = chunk(w, groups, 0);
    for (int64_t i = 0; i < groups; ++i) {
      parts.push_back(conv2d(xs[static_cast<int>(i)], ws[static_cast<int>(i)], {}, {}, {{1}}));
    }
    const Tensor whole = conv2d(x, w, {}, {}, {{1}}, {}, groups);
    EXPECT_TRUE(matches(whole, list(cat({parts.data(), static_cast<size_t>(parts.size())}, 1))));
  }
}

TEST(Conv, GradientsToSecondOrder) {
  expect_gradients(
      [](std::span<const Tensor> in) {
        return conv2d(in[0], in[1], in[2], {{2}}, {{1}}, {{1}}, 2);
      },
      {normals({{2, 4, 5, 4}}), normals({{2, 2, 3, 2}}, 2), normals({{2}}, 3)});
  expect_gradients(
      [](std::span<const Tensor> in) {
        return conv_transpose2d(in[0], in[1], in[2], {{2}}, {{1}}, {{1}}, 2);
      },
      {normals({{1, 4, 3, 2}}), normals({{4, 1, 3, 2}}, 2), normals({{2}}, 3)});
}

TEST(Conv, NothingToDo) {
  EXPECT_EQ(conv2d(zeros({{0, 3, 8, 8}}), zeros({{4, 3, 3, 3}})).sizes(), Dims({0, 4, 6, 6}));
  const Tensor meta = conv2d(empty({{2, 3, 8, 8}}, DType::kFloat32, Device::kMeta),
                             empty({{4, 3, 3, 3}}, DType::kFloat32, Device::kMeta));
  EXPECT_EQ(meta.sizes(), Dims({2, 4, 6, 6}));
  const Error e = error_of([] { conv2d(zeros({{1, 3, 2, 2}}), zeros({{4, 3, 3, 3}})); });
  EXPECT_EQ(e.status(), Status::kShape);
  EXPECT_TRUE(contains(e, "must fit into the padded input")) << e.message();
}

TEST(Pool, NanWinsAndTiesTakeTheFirst) {
  const Tensor x = tensor({1, kNan, 3, 4, 4, 4}, DType::kFloat32, {1, 1, 6});
  const ValuesIndices r = max_pool1d_with_indices(x, {{3}});
  EXPECT_TRUE(matches(r.values, {kNan, 4}));
  EXPECT_TRUE(matches(r.indices, {1, 3}));
}

TEST(Pool, OverlappingWindowsAddUpGradients) {
  const auto f = [](std::span<const Tensor> in) { return max_pool1d(in[0], {{2}}, {{1}}); };
  const std::vector<Doubles> g = gradients(f, {tensor({1, 9, 2}, DType::kFloat32, {1, 1, 3})});
  EXPECT_TRUE(matches(g[0], {0, 2, 0}));
  expect_gradients(
      [](std::span<const Tensor> in) { return avg_pool2d(in[0], {{3}}, {{2}}, {{1}}); },
      {normals({{1, 2, 5, 4}})});
}

TEST(Pool, UnpoolUndoesPool) {
  const Tensor x = tensor({1, 2, 3, 4, 8, 7, 6, 5}, DType::kFloat32, {1, 2, 2, 2});
  const ValuesIndices r = max_pool2d_with_indices(x, {{2}});
  EXPECT_TRUE(matches(max_unpool2d(r.values, r.indices, {{2, 2}}), {0, 0, 0, 4, 8, 0, 0, 0}));
}

TEST(Norm, OutputHasTheWantedMoments) {
  const Tensor x = add(mul(normals({{6, 3, 40}}), number(3.0)), number(100.0));
  const Tensor y = batch_norm(x, {}, {}, {}, {}, true, 0.1, 0);
  EXPECT_TRUE(matches(mean(y, {{0, 2}}), {0, 0, 0}, 1e-9));
  EXPECT_TRUE(matches(var(y, {{0, 2}}, 0), {1, 1, 1}, 1e-9));
  const Tensor rows = layer_norm(x, {{40}}, {}, {}, 0);
  EXPECT_TRUE(matches(mean(rows, {{2}}), Doubles(18, 0), 1e-9));
}

TEST(Norm, RunningStatisticsMove) {
  const Tensor x = doubles({1, 10, 3, 20, 5, 60}, {3, 2});
  const Tensor mean = doubles({0, 0}), var = doubles({1, 1});
  batch_norm(x, mean, var, {}, {}, true, 0.5);
  EXPECT_TRUE(matches(mean, {1.5, 15}, 1e-12));
  EXPECT_TRUE(matches(var, {2.5, 0.5 + 350}, 1e-12));  // unbiased: 4 and 700
  const Tensor y = batch_norm(x, mean, var, {}, {}, false, 0.5, 0);
  EXPECT_TRUE(matches(select(y, 1, 0),
                      {(1 - 1.5) / std::sqrt(2.5), 1.5 / std::sqrt(2.5), 3.5 / std::sqrt(2.5)},
                      1e-12));
  EXPECT_TRUE(matches(mean, {1.5, 15}, 1e-12));
}

TEST(Norm, ThreadsAgree) {
  const int threads = num_threads();
  const Tensor x = whole_numbers({{64, 24, 64}}), w = whole_numbers({{64}}, 2);
  const auto run = [&](const Tensor& in, const Tensor& weight) {
    return layer_norm(in, {{64}}, weight, weight);
  };
  std::vector<std::vector<Doubles>> results;
  for (const int t : {1, 3}) {
    set_num_threads(t);
    results.push_back(
        gradients([&](std::span<const Tensor> in) { return mul(run(in[0], in[1]), x); },
                  {clone(x), clone(w)}));
  }
  set_num_threads(threads);
  for (size_t i = 0; i < 2; ++i) EXPECT_TRUE(matches(results[1][i], results[0][i], 1e-3));
}

TEST(Norm, GradientsToSecondOrder) {
  const Tensor x = normals({{3, 4, 5}}), w = normals({{4}}, 2), b = normals({{4}}, 3);
  expect_gradients(
      [](std::span<const Tensor> in) { return batch_norm(in[0], {}, {}, in[1], in[2], true); },
      {x, w, b});
  expect_gradients([](std::span<const Tensor> in) { return group_norm(in[0], 2, in[1], in[2]); },
                   {x, w, b});
  expect_gradients(
      [](std::span<const Tensor> in) { return layer_norm(in[0], {{5}}, in[1], in[2]); },
      {x, normals({{5}}, 4), normals({{5}}, 5)});
}

TEST(Resample, LinearIsExactOnLines) {
  const Tensor x = reshape(arange(0, 5, 1, DType::kFloat64), {{1, 1, 5}});
  const Tensor y = interpolate(x, {{9}}, {}, "linear", true);
  EXPECT_TRUE(matches(y, {0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4}, 1e-12));
  const Tensor grid = affine_grid(doubles({1, 0, 0, 0, 1, 0}, {1, 2, 3}), {{1, 1, 4, 3}}, true);
  const Tensor image = normals({{1, 1, 4, 3}});
  EXPECT_TRUE(matches(grid_sample(image, grid, "bilinear", "zeros", true), list(image), 1e-12));
}

TEST(Patch, FoldCountsOverlaps) {
  const Tensor x = ones({{1, 1, 3, 3}});
  const Tensor back = col2im(im2col(x, {{2}}), {{3}}, {{2}});
  EXPECT_TRUE(matches(back, {1, 2, 1, 2, 4, 2, 1, 2, 1}));
}

TEST(Embedding, BadIndexIsNamed) {
  const Error e = error_of([] { embedding(zeros({{3, 2}}), ints({0, 7})); });
  EXPECT_EQ(e.status(), Status::kIndex);
  EXPECT_TRUE(contains(e, "7 at position 1")) << e.message();
}

TEST(CtcLoss, OneLabelOneStep) {
  const Tensor p = doubles({std::log(0.25), std::log(0.75)}, {1, 1, 2});
  const Tensor loss = ctc_loss(p, ints({1}), ints({1}), ints({1}), 0, Reduction::kNone);
  EXPECT_TRUE(matches(loss, {-std::log(0.75)}, 1e-12));
  // Two steps: label label, label blank, blank label.
  const Tensor two =
      doubles({std::log(0.25), std::log(0.75), std::log(0.5), std::log(0.5)}, {2, 1, 2});
  EXPECT_TRUE(matches(ctc_loss(two, ints({1}), ints({2}), ints({1}), 0, Reduction::kSum),
                      {-std::log(0.75 * 0.5 + 0.75 * 0.5 + 0.25 * 0.5)}, 1e-12));
}

}  // namespace
}  // namespace mt::testing
