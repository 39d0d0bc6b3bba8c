// Matrix products: small closed forms for every combination of dims, transposed, expanded and
// sliced operands, zero sizes, gradients by differences, and the texts of errors.
#include "ops/matmul.h"

#include "ops/arithmetic.h"
#include "ops/ops_testing.h"
#include "ops/reduce.h"
#include "ops/view.h"

namespace mt::testing {
namespace {

Tensor varied(std::vector<int64_t> shape, double phase = 0) {
  Doubles v(static_cast<size_t>(numel_of(shape)));
  for (size_t i = 0; i < v.size(); ++i) v[i] = std::sin(static_cast<double>(i) * 2.3 + phase);
  return doubles(v, shape);
}

// The definition, with broadcasting written as products of expanded tensors.
Tensor by_definition(const Tensor& a, const Tensor& b) {
  return sum(mul(unsqueeze(a, -1), unsqueeze(b, -3)), {{-2}});
}
void expect_product(const Tensor& a, const Tensor& b) {
  const Tensor got = matmul(a, b), want = by_definition(a, b);
  EXPECT_EQ(shape_string(got.sizes()), shape_string(want.sizes()));
  EXPECT_TRUE(matches(got, list(want), 1e-12));
}

TEST(MatMul, ClosedForms) {
  const Tensor a = doubles({1, 2, 3, 4}, {2, 2}), b = doubles({5, 6, 7, 8}, {2, 2});
  EXPECT_TRUE(matches(mm(a, b), {19, 22, 43, 50}));
  EXPECT_TRUE(matches(matmul(a, t(b)), {17, 23, 39, 53}));
  EXPECT_TRUE(matches(matmul(t(a), b), {26, 30, 38, 44}));
  EXPECT_TRUE(matches(mv(a, doubles({1, 1})), {3, 7}));
  EXPECT_TRUE(matches(dot(doubles({1, 2, 3}), doubles({4, 5, 6})), {32}));
  EXPECT_TRUE(matches(outer(doubles({1, 2}), doubles({3, 4})), {3, 4, 6, 8}));
  EXPECT_TRUE(matches(mm(ints({1, 2, 3, 4}).alias({{2, 2}}, {{2, 1}}, 0),
                         ints({1, 0, 0, 1}).alias({{2, 2}}, {{2, 1}}, 0)),
                      {1, 2, 3, 4}));
}

TEST(MatMul, DimsAndBroadcasting) {
  expect_product(varied({3, 4}), varied({4, 5}, 1));
  expect_product(varied({2, 3, 4}), varied({4, 5}, 1));
  expect_product(varied({3, 4}), varied({2, 4, 5}, 1));
  expect_product(varied({2, 3, 4}), varied({2, 4, 5}, 1));
  expect_product(varied({2, 1, 3, 4}), varied({1, 5, 4, 2}, 1));
  expect_product(varied({5, 3, 4}), varied({2, 1, 4, 2}, 1));
  expect_product(expand(varied({1, 3, 4}), {{6, 3, 4}}), varied({6, 4, 2}, 1));
  expect_product(transpose(varied({2, 4, 3}), 1, 2), transpose(varied({2, 5, 4}, 1), 1, 2));
  expect_product(slice(varied({3, 8}), 1, 0, 8, 2), slice(varied({8, 5}, 1), 0, 0, 8, 2));
  expect_product(permute(varied({4, 2, 3}), {{1, 2, 0}}), permute(varied({5, 2, 4}), {{1, 2, 0}}));
  expect_product(permute(varied({3, 4, 2}), {{2, 0, 1}}), varied({2, 4, 5}));
  EXPECT_TRUE(matches(matmul(varied({4}), varied({4, 2}, 1)),
                      list(matmul(varied({1, 4}), varied({4, 2}, 1)))));
  EXPECT_EQ(shape_string(matmul(varied({4}), varied({3, 4, 2})).sizes()), "(3, 2)");
  EXPECT_EQ(shape_string(matmul(varied({3, 2, 4}), varied({4})).sizes()), "(3, 2)");
  EXPECT_EQ(shape_string(matmul(varied({4}), varied({4})).sizes()), "()");
}

TEST(MatMul, ZeroSizes) {
  EXPECT_TRUE(matches(matmul(doubles({}, {2, 0}), doubles({}, {0, 3})), {0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(shape_string(matmul(doubles({}, {0, 3}), varied({3})).sizes()), "(0,)");
  EXPECT_TRUE(matches(matmul(doubles({}, {2, 0}), doubles({})), {0, 0}));
  EXPECT_TRUE(matches(dot(doubles({}), doubles({})), {0}));
  EXPECT_EQ(shape_string(matmul(doubles({}, {2, 1, 3, 0}), doubles({}, {1, 4, 0, 5})).sizes()),
            "(2, 4, 3, 5)");
  EXPECT_EQ(shape_string(linear(doubles({}, {0, 3}), varied({2, 3}), varied({2})).sizes()),
            "(0, 2)");
  EXPECT_TRUE(matches(linear(doubles({}, {1, 0}), doubles({}, {2, 0}), doubles({1, 2})), {1, 2}));
}

TEST(MatMul, Addmm) {
  const Tensor a = doubles({1, 2, 3, 4}, {2, 2}), b = doubles({5, 6, 7, 8}, {2, 2});
  EXPECT_TRUE(matches(addmm(doubles({1, 2}), a, b), {20, 24, 44, 52}));
  EXPECT_TRUE(matches(addmm(doubles({1}), a, b, 2, 0.5), {11.5, 13, 23.5, 27}));
  EXPECT_TRUE(matches(addmm(doubles({kNan}), a, b, 0), {19, 22, 43, 50}));
  EXPECT_TRUE(
      matches(baddbmm(doubles({1, 2}), unsqueeze(a, 0), unsqueeze(b, 0)), {20, 24, 44, 52}));
  EXPECT_EQ(error_of([&] { addmm(doubles({1, 2, 3}), a, b); }).status(), Status::kShape);
}

TEST(MatMul, Gradients) {
  const auto check = [](auto f, std::vector<Tensor> in) { expect_gradients(f, std::move(in)); };
  const auto two = [](auto in) { return matmul(in[0], in[1]); };
  check(two, {varied({2, 3}), varied({3, 2}, 1)});
  check(two, {varied({3}), varied({3}, 1)});
  check(two, {varied({2, 3}), varied({3}, 1)});
  check(two, {varied({3}), varied({3, 2}, 1)});
  check(two, {varied({2, 2, 3}), varied({3, 2}, 1)});
  check(two, {varied({2, 2, 3}), varied({3}, 1)});
  check(two, {varied({3}), varied({2, 3, 2}, 1)});
  check(two, {varied({2, 1, 2, 3}), varied({2, 3, 2}, 1)});
  check([](auto in) { return matmul(t(in[0]), t(in[1])); }, {varied({3, 2}), varied({2, 3}, 1)});
  check([](auto in) { return addmm(in[0], in[1], in[2], 0.5, 2); },
        {varied({2}), varied({2, 3}), varied({3, 2}, 1)});
  check([](auto in) { return baddbmm(in[0], in[1], in[2], 0.5, 2); },
        {varied({2, 1}), varied({2, 2, 3}), varied({2, 3, 2}, 1)});
  check([](auto in) { return bmm(in[0], in[1]); }, {varied({2, 2, 3}), varied({2, 3, 2}, 1)});
  check([](auto in) { return outer(in[0], in[1]); }, {varied({2}), varied({3}, 1)});
}

TEST(Linear, ValuesAndGradients) {
  const Tensor x = doubles({1, 2, 3, 4}, {2, 2}), w = doubles({1, 0, 1, 1, 2, -1}, {3, 2});
  const Tensor b = doubles({10, 20, 30});
  EXPECT_TRUE(matches(linear(x, w, b), {11, 23, 30, 13, 27, 32}));
  EXPECT_TRUE(matches(linear(x, w), {1, 3, 0, 3, 7, 2}));
  EXPECT_TRUE(matches(linear(select(x, 0, 1), w, b), {13, 27, 32}));
  EXPECT_TRUE(matches(linear(x, w, doubles({1})), {2, 4, 1, 4, 8, 3}));
  EXPECT_TRUE(matches(linear(x, select(w, 0, 1)), {3, 7}));
  EXPECT_TRUE(matches(linear(transposed_copy(x), transposed_copy(w), b), {11, 23, 30, 13, 27, 32}));
  EXPECT_EQ(shape_string(linear(varied({2, 5, 2}), w, b).sizes()), "(2, 5, 3)");
  const auto fn = [](auto in) { return linear(in[0], in[1], in[2]); };
  expect_gradients(fn, {varied({4, 2}), varied({3, 2}, 1), varied({3}, 2)});
  expect_gradients(fn, {varied({2, 2, 2}), varied({3, 2}, 1), varied({3}, 2)});
  expect_gradients(fn, {varied({2}), varied({3, 2}, 1), varied({3}, 2)});
  expect_gradients(fn, {varied({4, 2}), varied({3, 2}, 1), varied({4, 1}, 2)});
  expect_gradients([](auto in) { return linear(in[0], in[1]); },
                   {varied({2, 2, 2}), varied({3, 2}, 1)});
}

TEST(Linear, NodesAndPartialGradients) {
  const Tensor x = varied({4, 2}), w = with_grad(varied({3, 2})), b = with_grad(varied({3}));
  const Tensor y = linear(x, w, b);
  EXPECT_EQ(grad_name(y), "AddmmBackward0");
  EXPECT_EQ(grad_name(linear(x, w)), "MmBackward0");
  EXPECT_EQ(grad_name(linear(unsqueeze(x, 0), w, b)), "ViewBackward0");
  EXPECT_EQ(grad_name(matmul(unsqueeze(x, 0), t(w))), "UnsafeViewBackward0");
  const Tensor loss = sum(y);
  backward({&loss, 1});
  EXPECT_TRUE(matches(grad_of(b), {4, 4, 4}));
  EXPECT_TRUE(grad_of(w).is_contiguous());
}

TEST(MatMul, ErrorTexts) {
  const auto text = [](auto f) { return error_of(f).message(); };
  const auto f32 = [](std::vector<int64_t> s) { return Tensor::empty(s, DType::kFloat32); };
  EXPECT_EQ(
      text([&] {
        matmul(f32({64, 10}), f32({20, 5}));
      }),
      "matmul: shape mismatch: lhs (64, 10), rhs (20, 5): lhs dim 1 (10) must equal rhs dim 0 "
      "(20)");
  EXPECT_EQ(
      text([&] {
        linear(Tensor::empty({{2, 3}}, DType::kFloat64), f32({4, 3}));
      }),
      "linear: dtype mismatch: input is float64, weight is float32: both must have one dtype; "
      "convert with mt_tensor_to_dtype");
  EXPECT_EQ(text([&] {
              linear(f32({64, 20}), f32({5, 10}));
            }),
            "linear: shape mismatch: input (64, 20), weight (5, 10): input's last dim (20) must "
            "equal weight's dim 1 (10)");
  EXPECT_EQ(text([&] {
              linear(f32({2, 3}), f32({4, 3}), f32({5}));
            }),
            "linear: shape mismatch: bias (5,), product (2, 4): bias must broadcast to the "
            "product's shape");
  EXPECT_EQ(
      text([&] {
        matmul(f32({2, 3, 4}), f32({3, 4, 5}));
      }),
      "matmul: shape mismatch: lhs (2, 3, 4), rhs (3, 4, 5): batch sizes lhs dim 0 (2) and rhs "
      "dim 0 (3) must be equal, or one of them 1");
  EXPECT_EQ(text([&] {
              mm(f32({2}), f32({2, 2}));
            }),
            "mm: shape mismatch: lhs (2,): must have 2 dims, has 1");
  EXPECT_EQ(
      text([&] {
        linear(f32({2, 3}), Tensor::empty({{4, 3}}, DType::kFloat32, Device::kMeta));
      }),
      "linear: device mismatch: input on cpu, weight on meta: both must be on one device; move "
      "with mt_tensor_to_device");
  EXPECT_EQ(error_of([&] { matmul(Tensor::empty({}), f32({2})); }).status(), Status::kShape);
  EXPECT_EQ(error_of([&] {
              matmul(Tensor::empty({{2, 2}}, DType::kBool), Tensor::empty({{2, 2}}, DType::kBool));
            }).status(),
            Status::kNotImplemented);
  EXPECT_EQ(error_of([&] { matmul(Tensor(), f32({2})); }).status(), Status::kNullArgument);
}

TEST(MatMul, Meta) {
  const auto meta = [](std::vector<int64_t> s) {
    return Tensor::empty(s, DType::kFloat32, Device::kMeta);
  };
  EXPECT_EQ(shape_string(matmul(meta({2, 3, 4}), meta({4, 5})).sizes()), "(2, 3, 5)");
  EXPECT_EQ(shape_string(linear(meta({7, 4}), meta({5, 4}), meta({5})).sizes()), "(7, 5)");
  EXPECT_TRUE(bmm(meta({2, 3, 4}), meta({2, 4, 5})).is_meta());
}

}  // namespace
}  // namespace mt::testing
