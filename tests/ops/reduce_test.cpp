// Reductions: values from closed forms, every layout of reduced dims, gradients by differences,
// PyTorch's rules at ties, zeros, NaN and empty tensors, and the texts of errors.
#include "ops/reduce.h"

#include "ops/creation.h"
#include "ops/ops_testing.h"
#include "ops/view.h"

namespace mt::testing {
namespace {

Tensor counting(std::vector<int64_t> shape, DType dtype = DType::kFloat64) {
  Doubles v(static_cast<size_t>(numel_of(shape)));
  for (size_t i = 0; i < v.size(); ++i) v[i] = static_cast<double>(i);
  return tensor(v, dtype, shape);
}

// Irregular values without ties.
Tensor varied(std::vector<int64_t> shape) {
  Doubles v(static_cast<size_t>(numel_of(shape)));
  for (size_t i = 0; i < v.size(); ++i) v[i] = std::sin(static_cast<double>(i) * 2.3 + 1) * 2;
  return doubles(v, shape);
}

TEST(Sum, EveryLayoutOfDims) {
  const Tensor x = counting({2, 3, 4});
  EXPECT_TRUE(matches(sum(x), {276}));
  EXPECT_TRUE(matches(sum(x, {{0}}), {12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34}));
  EXPECT_TRUE(matches(sum(x, {{1}}), {12, 15, 18, 21, 48, 51, 54, 57}));
  EXPECT_TRUE(matches(sum(x, {{-1}}), {6, 22, 38, 54, 70, 86}));
  EXPECT_TRUE(matches(sum(x, {{0, 1}}), {60, 66, 72, 78}));
  EXPECT_TRUE(matches(sum(x, {{1, 2}}), {66, 210}));
  EXPECT_TRUE(matches(sum(x, {{0, 2}}), {60, 92, 124}));
  EXPECT_EQ(shape_string(sum(x, {{0, 2}}, true).sizes()), "(1, 3, 1)");
  EXPECT_EQ(shape_string(sum(x, {{0, 2}}).sizes()), "(3,)");
}

TEST(Sum, StridedInputs) {
  const Tensor x = counting({2, 3, 4});
  const Tensor p = permute(x, {{2, 0, 1}});  // 4 x 2 x 3
  EXPECT_TRUE(matches(sum(p, {{0}}), {6, 22, 38, 54, 70, 86}));
  EXPECT_TRUE(matches(sum(p, {{1}}), list(sum(contiguous(p), {{1}}))));
  EXPECT_TRUE(matches(sum(p, {{2}}), list(sum(contiguous(p), {{2}}))));
  EXPECT_TRUE(matches(sum(p, {{0, 2}}), list(sum(contiguous(p), {{0, 2}}))));
  const Tensor s = slice(x, 2, 0, 4, 2);
  EXPECT_TRUE(matches(sum(s), {132}));
  EXPECT_TRUE(matches(sum(s, {{1}}), {12, 18, 48, 54}));
  const Tensor e = expand(counting({3, 1}), {{3, 4}});
  EXPECT_TRUE(matches(sum(e, {{1}}), {0, 4, 8}));
}

TEST(Sum, DTypes) {
  EXPECT_EQ(sum(ints({100, 100}, DType::kInt8)).dtype(), DType::kInt64);
  EXPECT_TRUE(matches(sum(ints({100, 100}, DType::kInt8)), {200}));
  EXPECT_TRUE(matches(sum(bools({1, 0, 1})), {2}));
  EXPECT_EQ(sum(ints({1, 2}), {}, false, DType::kFloat32).dtype(), DType::kFloat32);
  const Tensor cut = sum(doubles({1.7, 2.7}), {}, false, DType::kInt32);
  EXPECT_EQ(cut.dtype(), DType::kInt32);
  EXPECT_TRUE(matches(cut, {3}));
  EXPECT_EQ(sum(tensor({1, 2}, DType::kFloat16)).dtype(), DType::kFloat16);
}

TEST(Sum, EmptyAndScalars) {
  EXPECT_TRUE(matches(sum(doubles({})), {0}));
  EXPECT_TRUE(matches(sum(doubles({}, {0, 3}), {{0}}), {0, 0, 0}));
  EXPECT_EQ(shape_string(sum(doubles({}, {0, 3}), {{1}}).sizes()), "(0,)");
  const Tensor s = doubles({3}, {});
  EXPECT_TRUE(matches(sum(s, {{0}}), {3}));
  EXPECT_TRUE(matches(sum(s, {{-1}}), {3}));
  EXPECT_EQ(error_of([&] { sum(s, {{1}}); }).status(), Status::kIndex);
  EXPECT_EQ(error_of([&] { sum(counting({2, 2}), {{0, 0}}); }).status(), Status::kInvalidArgument);
}

TEST(Sum, LongRunsKeepPrecision) {
  const Tensor x = Tensor::empty({{1 << 20}}, DType::kFloat32);
  auto* p = x.data_as<float>();
  for (int i = 0; i < 1 << 20; ++i) p[i] = 0.1f;
  EXPECT_NEAR(sum(x).item().to_double(), 0.1f * static_cast<double>(1 << 20), 0.05);
}

TEST(Sum, Meta) {
  const Tensor m = Tensor::empty({{2, 3}}, DType::kFloat32, Device::kMeta);
  EXPECT_EQ(shape_string(sum(m, {{1}}).sizes()), "(2,)");
  EXPECT_TRUE(mean(m).is_meta());
  EXPECT_EQ(max(m, 1).indices.dtype(), DType::kInt64);
  EXPECT_TRUE(std(m, {{0}}).is_meta());
}

TEST(Mean, ValuesAndErrors) {
  EXPECT_TRUE(matches(mean(counting({2, 3})), {2.5}));
  EXPECT_TRUE(matches(mean(counting({2, 3}), {{0}}), {1.5, 2.5, 3.5}));
  EXPECT_TRUE(matches(mean(doubles({})), {kNan}));
  EXPECT_TRUE(matches(mean(ints({1, 2}), {}, false, DType::kFloat32), {1.5}));
  const Error e = error_of([] { mean(ints({1, 2})); });
  EXPECT_EQ(e.status(), Status::kDType);
  EXPECT_TRUE(contains(e, "mean: dtype mismatch: input is int64: a floating-point dtype is needed"))
      << e.message();
  // float16 sums to more than its largest number on the way
  const Tensor h = Tensor::empty({{100000}}, DType::kFloat16);
  auto* bits = h.data_as<uint16_t>();
  std::fill(bits, bits + 100000, uint16_t{0x3C00});
  EXPECT_TRUE(matches(mean(h), {1}));
}

TEST(Prod, Values) {
  EXPECT_TRUE(matches(prod(doubles({1, 2, 3, 4})), {24}));
  EXPECT_TRUE(matches(prod(doubles({1, 2, 3, 4}, {2, 2}), 0), {3, 8}));
  EXPECT_TRUE(matches(prod(doubles({})), {1}));
  EXPECT_EQ(prod(bools({1, 1})).dtype(), DType::kInt64);
}

TEST(Prod, GradientWithZeros) {
  const auto fn = [](std::span<const Tensor> in) { return prod(in[0]); };
  EXPECT_TRUE(matches(gradients(fn, {doubles({2, 3, 4})})[0], {12, 8, 6}));
  EXPECT_TRUE(matches(gradients(fn, {doubles({2, 0, 4})})[0], {0, 8, 0}));
  EXPECT_TRUE(matches(gradients(fn, {doubles({2, 0, 0})})[0], {0, 0, 0}));
  expect_gradients(fn, {doubles({2, -3, 0.5})});
  expect_gradients(fn, {doubles({2, 0, 0.5, 3, 1.5})});
  expect_gradients([](auto in) { return prod(in[0], 1); }, {doubles({2, 0, 3, 1, 2, 3}, {2, 3})});
  expect_gradients([](auto in) { return prod(in[0], 0, true); }, {varied({2, 3})});
}

TEST(Var, Values) {
  const Tensor x = doubles({1, 2, 4, 7}, {2, 2});
  EXPECT_TRUE(matches(var(x), {7}, 1e-12));
  EXPECT_TRUE(matches(var(x, {}, 0), {5.25}, 1e-12));
  EXPECT_TRUE(matches(var(x, {{0}}), {4.5, 12.5}, 1e-12));
  EXPECT_TRUE(matches(std(x, {{1}}, 0), {0.5, 1.5}, 1e-12));
  EXPECT_TRUE(matches(var(doubles({5})), {kNan}));
  EXPECT_TRUE(matches(var(doubles({})), {kNan}));
  EXPECT_EQ(error_of([] { var(ints({1, 2})); }).status(), Status::kDType);
}

TEST(Var, Gradients) {
  expect_gradients([](auto in) { return var(in[0]); }, {varied({5})});
  expect_gradients([](auto in) { return var(in[0], {{0, 2}}, 0); }, {varied({2, 3, 2})});
  expect_gradients([](auto in) { return std(in[0], {{1}}, 1, true); }, {varied({2, 4})});
  EXPECT_TRUE(
      matches(gradients([](auto in) { return std(in[0]); }, {doubles({1, 1, 1})})[0], {0, 0, 0}));
}

TEST(Extremes, ValuesAndNaN) {
  const Tensor x = doubles({3, 1, 2, 0, 5, 4}, {2, 3});
  EXPECT_TRUE(matches(amax(x), {5}));
  EXPECT_TRUE(matches(amin(x, {{0}}), {0, 1, 2}));
  EXPECT_TRUE(matches(max(x), {5}));
  const ValuesIndices m = max(x, 1);
  EXPECT_TRUE(matches(m.values, {3, 5}));
  EXPECT_TRUE(matches(m.indices, {0, 1}));
  const ValuesIndices k = min(x, 0, true);
  EXPECT_EQ(shape_string(k.values.sizes()), "(1, 3)");
  EXPECT_TRUE(matches(k.indices, {1, 0, 0}));
  EXPECT_TRUE(matches(argmax(x), {4}));
  EXPECT_TRUE(matches(argmax(transposed_copy(x)), {4}));
  EXPECT_TRUE(matches(argmin(transposed_copy(x), 0), {1, 0, 0}));
  EXPECT_TRUE(matches(argmin(x, 1), {1, 0}));
  EXPECT_TRUE(matches(max(doubles({1, kNan, 3})), {kNan}));
  EXPECT_TRUE(matches(max(doubles({1, kNan, 3}), 0).indices, {1}));
  EXPECT_TRUE(matches(max(bools({0, 1})), {1}));
  EXPECT_EQ(max(bools({0, 1}), 0).values.dtype(), DType::kBool);
  EXPECT_TRUE(matches(max(doubles({3}, {}), 0).values, {3}));
}

TEST(Extremes, Gradients) {
  expect_gradients([](auto in) { return amax(in[0], {{1}}); }, {varied({3, 4})});
  expect_gradients([](auto in) { return max(in[0]); }, {varied({5})});
  expect_gradients([](auto in) { return max(in[0], 0).values; }, {varied({3, 4})});
  expect_gradients([](auto in) { return min(in[0], -1, true).values; }, {varied({3, 4})});
  const Tensor ties = doubles({1, 2, 2});
  const auto of = [&](auto f) { return gradients(f, {doubles(list(ties))})[0]; };
  EXPECT_TRUE(matches(of([](auto in) { return amax(in[0]); }), {0, 0.5, 0.5}));
  EXPECT_TRUE(matches(of([](auto in) { return max(in[0]); }), {0, 0.5, 0.5}));
  EXPECT_TRUE(matches(of([](auto in) { return max(in[0], 0).values; }), {0, 1, 0}));
  EXPECT_TRUE(matches(gradients([](auto in) { return max(in[0]); }, {doubles({1, kNan, 2})})[0],
                      {0, 1, 0}));
}

TEST(Extremes, NothingToCompare) {
  EXPECT_EQ(error_of([] { max(doubles({})); }).status(), Status::kIndex);
  EXPECT_EQ(error_of([] { argmax(doubles({}, {0, 3}), 0); }).status(), Status::kIndex);
  const Error e = error_of([] { amax(doubles({}, {0, 3}), {{0}}); });
  EXPECT_TRUE(contains(e, "amax: no values: input (0, 3): the reduced dim 0")) << e.message();
  EXPECT_EQ(shape_string(amax(doubles({}, {0, 3}), {{1}}).sizes()), "(0,)");
  EXPECT_EQ(shape_string(max(doubles({}, {3, 0}), 0).indices.sizes()), "(0,)");
}

TEST(AnyAll, Values) {
  EXPECT_TRUE(matches(any(doubles({0, 0, kNan})), {1}));
  EXPECT_TRUE(matches(all(bools({1, 1, 0, 1}), 0), {0}));
  EXPECT_TRUE(matches(any(tensor({0, 1, 0, 0}, DType::kFloat32, {2, 2}), 1), {1, 0}));
  EXPECT_TRUE(matches(any(doubles({})), {0}));
  EXPECT_TRUE(matches(all(doubles({})), {1}));
  EXPECT_EQ(any(ints({1}, DType::kInt32)).dtype(), DType::kBool);
  EXPECT_EQ(all(ints({2, 1}, DType::kUInt8)).dtype(), DType::kUInt8);
}

TEST(Norm, Values) {
  const Tensor x = doubles({3, -4, 0});
  EXPECT_TRUE(matches(norm(x), {5}));
  EXPECT_TRUE(matches(norm(x, 1), {7}));
  EXPECT_TRUE(matches(norm(x, 0), {2}));
  EXPECT_TRUE(matches(norm(x, kInf), {4}));
  EXPECT_TRUE(matches(norm(x, -kInf), {0}));
  EXPECT_TRUE(matches(norm(x, 3), {std::cbrt(91.0)}, 1e-12));
  EXPECT_TRUE(matches(norm(doubles({3, 4, 6, 8}, {2, 2}), 2, {{1}}), {5, 10}));
  EXPECT_TRUE(matches(norm(doubles({})), {0}));
  EXPECT_TRUE(matches(norm(tensor({300, 400}, DType::kFloat16)), {500}));
  EXPECT_EQ(error_of([] { norm(ints({1})); }).status(), Status::kDType);
}

TEST(Norm, Gradients) {
  for (const double p : {1.0, 1.5, 2.0, 3.0, 0.5, -2.0, kInf, -kInf}) {
    expect_gradients([p](auto in) { return norm(in[0], p, {{1}}); },
                     {doubles({1, -2, 3, .5}, {2, 2})});
  }
  for (const double p : {1.0, 2.0, 3.0}) {
    EXPECT_TRUE(
        matches(gradients([p](auto in) { return norm(in[0], p); }, {doubles({0, 0})})[0], {0, 0}));
  }
}

TEST(LogSumExp, ValuesAndGradients) {
  EXPECT_TRUE(matches(logsumexp(doubles({1000, 1000}), {{0}}), {1000 + std::log(2.0)}, 1e-12));
  EXPECT_TRUE(matches(logsumexp(doubles({-kInf, -kInf}), {{0}}), {-kInf}));
  EXPECT_TRUE(matches(logsumexp(doubles({kInf, 1}), {{0}}), {kInf}));
  EXPECT_TRUE(matches(logsumexp(doubles({}, {0, 2}), {{0}}), {-kInf, -kInf}));
  EXPECT_EQ(shape_string(logsumexp(varied({2, 3}), {{0}}, true).sizes()), "(1, 3)");
  expect_gradients([](auto in) { return logsumexp(in[0], {{1}}); }, {varied({2, 3})});
  expect_gradients([](auto in) { return logsumexp(in[0], {{0, 2}}, true); }, {varied({2, 3, 2})});
}

TEST(CumSum, ValuesAndGradients) {
  EXPECT_TRUE(matches(cumsum(counting({2, 3}), 1), {0, 1, 3, 3, 7, 12}));
  EXPECT_TRUE(matches(cumsum(counting({2, 3}), 0), {0, 1, 2, 3, 5, 7}));
  EXPECT_TRUE(matches(cumsum(bools({1, 1}), 0), {1, 2}));
  EXPECT_EQ(cumsum(ints({1, 2}, DType::kInt8), 0).dtype(), DType::kInt64);
  EXPECT_TRUE(matches(cumsum(transposed_copy(counting({2, 3})), 1), {0, 1, 3, 3, 7, 12}));
  EXPECT_EQ(cumsum(doubles({}), 0).numel(), 0);
  expect_gradients([](auto in) { return cumsum(in[0], 0); }, {varied({3, 2})});
}

TEST(Reduce, GradientsOfSumAndMean) {
  expect_gradients([](auto in) { return sum(in[0]); }, {varied({2, 3})});
  expect_gradients([](auto in) { return sum(in[0], {{0, 2}}); }, {varied({2, 3, 2})});
  expect_gradients([](auto in) { return mean(in[0], {{1}}, true); }, {varied({2, 3})});
  expect_gradients([](auto in) { return mean(in[0]); }, {varied({2, 3})});
  expect_gradients([](auto in) { return sum(transpose(in[0], 0, 1), {{0}}); }, {varied({2, 3})});
  // a wider dtype for the sum: the gradient comes back in the input's
  const Tensor x = with_grad(tensor({1, 2}));
  const Tensor s = sum(x, {}, false, DType::kFloat64);
  EXPECT_EQ(grad_name(s), "SumBackward0");
  backward({&s, 1});
  EXPECT_EQ(grad_of(x).dtype(), DType::kFloat32);
  EXPECT_EQ(grad_name(mean(x, {{0}})), "MeanBackward1");
  EXPECT_EQ(grad_name(max(x)), "MaxBackward1");
}

}  // namespace
}  // namespace mt::testing
