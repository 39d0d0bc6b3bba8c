// softmax and the losses: closed forms, numbers worked out with PyTorch 1.13.1, gradients by
// differences, PyTorch's rules for weights, ignored targets and empty batches, and error texts.
#include "ops/loss.h"

#include "ops/ops_testing.h"
#include "ops/power.h"
#include "ops/reduce.h"
#include "ops/softmax.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt::testing {
namespace {

constexpr Reduction kAllReductions[] = {Reduction::kNone, Reduction::kMean, Reduction::kSum};

Tensor varied(std::vector<int64_t> shape, double phase = 0) {
  Doubles v(static_cast<size_t>(numel_of(shape)));
  for (size_t i = 0; i < v.size(); ++i) v[i] = std::sin(static_cast<double>(i) * 2.3 + phase) * 2;
  return doubles(v, shape);
}
// Values inside (0, 1).
Tensor unit(std::vector<int64_t> shape, double phase = 0) {
  Doubles v = list(varied(shape, phase));
  for (double& x : v) x = x * 0.2 + 0.5;
  return doubles(v, shape);
}
Tensor targets(const Doubles& v, std::vector<int64_t> shape = {-1}) {
  return tensor(v, DType::kInt64, std::move(shape));
}
// float32 inputs of the PyTorch figures below: logits [3, 4].
const Doubles kLogits = {0.5, -1, 2, 0.25, 1, 1, 1, 1, -3, 0, 3, 6};

TEST(Softmax, ClosedForms) {
  const Tensor x = doubles({0, std::log(3.0), 0, 0}, {2, 2});
  EXPECT_TRUE(matches(softmax(x, 1), {0.25, 0.75, 0.5, 0.5}, 1e-15));
  EXPECT_TRUE(matches(softmax(x, 0), {0.5, 0.75, 0.5, 0.25}, 1e-15));
  EXPECT_TRUE(
      matches(log_softmax(doubles({1000, 1000}), 0), {-std::log(2.0), -std::log(2.0)}, 1e-15));
  EXPECT_TRUE(matches(softmin(doubles({0, std::log(3.0)}), 0), {0.75, 0.25}, 1e-15));
  EXPECT_TRUE(matches(softmax(doubles({3}, {}), 0), {1}));
  EXPECT_TRUE(matches(softmax(doubles({-kInf, -kInf}), 0), {kNan, kNan}));
  EXPECT_TRUE(matches(softmax(transposed_copy(x), 1), {0.25, 0.75, 0.5, 0.5}, 1e-15));
  EXPECT_EQ(softmax(doubles({}, {0, 3}), 1).numel(), 0);
  EXPECT_EQ(softmax(ints({1, 2}), 0, DType::kFloat32).dtype(), DType::kFloat32);
  EXPECT_EQ(error_of([] { softmax(ints({1, 2}), 0); }).status(), Status::kDType);
  EXPECT_EQ(error_of([] { softmax(doubles({1}), 1); }).status(), Status::kIndex);
}

TEST(Softmax, Gradients) {
  for (const int64_t dim : {0, 1, 2}) {
    expect_gradients([dim](auto in) { return softmax(in[0], dim); }, {varied({2, 3, 2})});
    expect_gradients([dim](auto in) { return log_softmax(in[0], dim); }, {varied({2, 3, 2})});
  }
  EXPECT_EQ(grad_name(softmax(with_grad(varied({2})), 0)), "SoftmaxBackward0");
  EXPECT_EQ(grad_name(log_softmax(with_grad(varied({2})), 0)), "LogSoftmaxBackward0");
}

TEST(PairLosses, ClosedForms) {
  const Tensor x = doubles({1, 2, 4}), y = doubles({1, 0, 1});
  EXPECT_TRUE(matches(mse_loss(x, y), {13.0 / 3}, 1e-15));
  EXPECT_TRUE(matches(mse_loss(x, y, Reduction::kSum), {13}));
  EXPECT_TRUE(matches(mse_loss(x, y, Reduction::kNone), {0, 4, 9}));
  EXPECT_TRUE(matches(l1_loss(x, y), {5.0 / 3}, 1e-15));
  EXPECT_TRUE(matches(smooth_l1_loss(x, y, Reduction::kNone, 2.5), {0, 0.8, 1.75}, 1e-15));
  EXPECT_TRUE(matches(smooth_l1_loss(x, y, Reduction::kSum, 0), {5}));
  EXPECT_TRUE(matches(huber_loss(x, y, Reduction::kNone, 2), {0, 2, 4}));
  EXPECT_TRUE(matches(huber_loss(x, y, Reduction::kSum, 2.5), {2 + 2.5 * 1.75}, 1e-15));
  EXPECT_TRUE(matches(mse_loss(doubles({}), doubles({})), {kNan}));
  EXPECT_TRUE(matches(mse_loss(doubles({}), doubles({}), Reduction::kSum), {0}));
  EXPECT_TRUE(matches(l1_loss(ints({1, 5}), ints({2, 2}), Reduction::kSum), {4}));
}

TEST(PairLosses, LongInputsMatchElementwiseForm) {
  Doubles a(100003), b(a.size());
  for (size_t i = 0; i < a.size(); ++i) {
    a[i] = std::sin(static_cast<double>(i));
    b[i] = std::cos(static_cast<double>(i) * 1.7) * 2;
  }
  for (const DType t : {DType::kFloat32, DType::kFloat64, DType::kBFloat16}) {
    const Tensor x = tensor(a, t), y = tensor(b, t);
    const double tolerance = t == DType::kBFloat16 ? 1e-2 : 1e-6;
    const auto same = [&](auto loss) {
      const double whole = loss(x, y, Reduction::kMean).item().to_double();
      const Tensor each = to(loss(x, y, Reduction::kNone), DType::kFloat64);
      EXPECT_NEAR(whole, mean(each).item().to_double(), tolerance * (1 + whole));
    };
    same([](auto& u, auto& v, auto r) { return mse_loss(u, v, r); });
    same([](auto& u, auto& v, auto r) { return l1_loss(u, v, r); });
    same([](auto& u, auto& v, auto r) { return smooth_l1_loss(u, v, r, 0.7); });
    same([](auto& u, auto& v, auto r) { return huber_loss(u, v, r, 0.7); });
  }
}

TEST(PairLosses, GradientsOfAllReductions) {
  for (const Reduction r : kAllReductions) {
    const std::vector<Tensor> in = {varied({2, 3}), varied({2, 3}, 1)};
    const std::vector<Tensor> row = {varied({2, 3}), varied({3}, 1)};
    const std::vector<Tensor> turned = {varied({3, 2}), varied({2, 3}, 1)};
    expect_gradients([r](auto t) { return mse_loss(t[0], t[1], r); }, in);
    expect_gradients([r](auto t) { return mse_loss(t[0], t[1], r); }, row);
    expect_gradients([r](auto t) { return mse_loss(transpose(t[0], 0, 1), t[1], r); }, turned);
    expect_gradients([r](auto t) { return l1_loss(t[0], t[1], r); }, in);
    expect_gradients([r](auto t) { return smooth_l1_loss(t[0], t[1], r, 0.8); }, in);
    expect_gradients([r](auto t) { return huber_loss(t[0], t[1], r, 0.8); }, in);
    expect_gradients([r](auto t) { return kl_div(t[0], t[1], r); }, {varied({2, 3}), unit({2, 3})});
    expect_gradients([r](auto t) { return kl_div(t[0], t[1], r, true); }, in);
  }
}

TEST(PairLosses, DTypesNodesAndErrors) {
  EXPECT_EQ(mse_loss(tensor({1}), doubles({1})).dtype(), DType::kFloat64);
  const Tensor x = with_grad(tensor({1, 2}));
  const Tensor loss = mse_loss(x, doubles({0, 0}));
  backward({&loss, 1});
  EXPECT_TRUE(matches(grad_of(x), {1, 2}));
  EXPECT_EQ(grad_of(x).dtype(), DType::kFloat32);
  EXPECT_EQ(grad_name(mse_loss(x, x)), "MseLossBackward0");
  EXPECT_EQ(grad_name(l1_loss(x, x)), "MeanBackward0");
  EXPECT_EQ(grad_name(huber_loss(x, x)), "HuberLossBackward0");
  EXPECT_EQ(error_of([] { mse_loss(ints({1}), ints({1})); }).status(), Status::kDType);
  EXPECT_EQ(error_of([] {
              mse_loss(doubles({1, 2}), doubles({1, 2, 3}));
            }).status(),
            Status::kShape);
  EXPECT_EQ(
      error_of([] { smooth_l1_loss(doubles({1}), doubles({1}), Reduction::kMean, -1); }).status(),
      Status::kInvalidArgument);
  EXPECT_EQ(error_of([] { huber_loss(doubles({1}), doubles({1}), Reduction::kMean, 0); }).status(),
            Status::kInvalidArgument);
  const Tensor m = Tensor::empty({{2, 3}}, DType::kFloat32, Device::kMeta);
  EXPECT_EQ(mse_loss(m, m).dim(), 0);
  EXPECT_EQ(error_of([&] { mse_loss(m, Tensor::empty({{2, 3}})); }).status(), Status::kDevice);
}

TEST(CrossEntropy, MatchesPyTorch) {
  const Tensor x = tensor(kLogits, DType::kFloat32, {3, 4}), t = targets({2, 0, 1});
  const Tensor w = tensor({1, 2, 0.5, 3});
  const auto value = [&](const Tensor& weight, Reduction r, int64_t ignore, double smooth) {
    return cross_entropy(x, t, weight, r, ignore, smooth);
  };
  const Tensor none;
  EXPECT_TRUE(matches(value(none, Reduction::kMean, -100, 0), {2.60221213}, 1e-6));
  EXPECT_TRUE(matches(value(none, Reduction::kSum, -100, 0), {7.8066364}, 1e-6));
  EXPECT_TRUE(
      matches(value(none, Reduction::kNone, -100, 0), {0.369278998, 1.38629436, 6.05106304}, 1e-6));
  EXPECT_TRUE(matches(value(w, Reduction::kMean, -100, 0), {3.90658855}, 1e-6));
  EXPECT_TRUE(matches(value(w, Reduction::kMean, 0, 0), {4.91470623}, 1e-6));
  EXPECT_TRUE(matches(value(none, Reduction::kMean, -100, 0.1), {2.60429547}, 1e-6));
  EXPECT_TRUE(matches(value(w, Reduction::kMean, 1, 0.1), {1.34524743}, 1e-6));
  EXPECT_TRUE(matches(value(w, Reduction::kNone, 1, 0.1), {0.544933387, 1.47293776, 0}, 1e-6));
  const Tensor p = softmax(tensor(kLogits, DType::kFloat32, {3, 4}), 0);
  EXPECT_TRUE(matches(cross_entropy(x, p), {2.22359092}, 1e-6));
  EXPECT_TRUE(matches(cross_entropy(x, p, w, Reduction::kNone, -100, 0.2),
                      {1.85325427, 2.68076629, 4.52582801}, 1e-6));
}

TEST(CrossEntropy, EqualsItsParts) {
  const Tensor x = varied({4, 3}), t = targets({0, 2, 1, 2}), w = doubles({1, 2, 3});
  for (const Reduction r : kAllReductions) {
    EXPECT_TRUE(matches(cross_entropy(x, t, w, r, 1), list(nll_loss(log_softmax(x, 1), t, w, r, 1)),
                        1e-14));
  }
  EXPECT_TRUE(matches(cross_entropy(select(x, 0, 1), targets({2}, {})),
                      list(neg(select(select(log_softmax(x, 1), 0, 1), 0, 2))), 1e-14));
  EXPECT_TRUE(matches(cross_entropy(transposed_copy(x), t), list(cross_entropy(x, t)), 1e-14));
  // [N, C, d] is [N * d, C] with the classes moved last
  const Tensor image = varied({2, 3, 2}), where = targets({0, 1, 2, 0}, {2, 2});
  const Tensor rows = reshape(transpose(image, 1, 2), {{4, 3}});
  EXPECT_TRUE(
      matches(cross_entropy(image, where), list(cross_entropy(rows, flatten(where))), 1e-14));
  EXPECT_EQ(shape_string(cross_entropy(image, where, {}, Reduction::kNone).sizes()), "(2, 2)");
  EXPECT_TRUE(
      matches(cross_entropy(x, tensor({0, 2, 1, 2}, DType::kUInt8)), list(cross_entropy(x, t))));
}

TEST(CrossEntropy, Gradients) {
  const Tensor t = targets({0, 2, 1, 2}), w = doubles({1, 2, 3}), image = varied({2, 3, 2});
  const Tensor where = targets({0, 1, 2, 0}, {2, 2});
  for (const Reduction r : kAllReductions) {
    expect_gradients([&](auto in) { return cross_entropy(in[0], t, {}, r); }, {varied({4, 3})});
    expect_gradients([&](auto in) { return cross_entropy(in[0], t, w, r, 1); }, {varied({4, 3})});
    expect_gradients([&](auto in) { return cross_entropy(in[0], t, w, r, 1, 0.3); },
                     {varied({4, 3})});
    expect_gradients([&](auto in) { return cross_entropy(in[0], where, w, r, 1); }, {image});
    expect_gradients([&](auto in) { return nll_loss(in[0], where, w, r); }, {image});
    expect_gradients([&](auto in) { return cross_entropy(in[0], in[1], w, r, -100, 0.1); },
                     {varied({2, 3}), unit({2, 3})});
  }
  expect_gradients([&](auto in) { return cross_entropy(in[0], targets({1}, {})); }, {varied({3})});
  EXPECT_EQ(grad_name(cross_entropy(with_grad(varied({4, 3})), t)), "NllLossBackward0");
  EXPECT_EQ(grad_name(cross_entropy(with_grad(image), where)), "NllLoss2DBackward0");
}

TEST(CrossEntropy, ManyClassesAndRows) {
  for (const int64_t c : {1, 3, 7, 8, 9, 33, 1000}) {
    const Tensor x = varied({70, c});
    Doubles v(70);
    for (size_t i = 0; i < v.size(); ++i) v[i] = static_cast<double>(static_cast<int64_t>(i) % c);
    for (const DType t : {DType::kFloat32, DType::kFloat64, DType::kFloat16}) {
      const Tensor y = to(x, t);
      const Tensor parts = nll_loss(log_softmax(to(y, DType::kFloat64), 1), targets(v));
      EXPECT_NEAR(cross_entropy(y, targets(v)).item().to_double(), parts.item().to_double(),
                  (t == DType::kFloat16 ? 2e-3 : 1e-6) * (1 + parts.item().to_double()));
      const auto fused = [&](auto in) { return cross_entropy(in[0], targets(v)); };
      const auto split = [&](auto in) { return nll_loss(log_softmax(in[0], 1), targets(v)); };
      EXPECT_TRUE(matches(gradients(fused, {clone(y)})[0], gradients(split, {clone(y)})[0],
                          t == DType::kFloat16 ? 2e-4 : 1e-7));
    }
  }
}

TEST(CrossEntropy, IgnoredAndEmpty) {
  const Tensor x = varied({2, 3});
  EXPECT_TRUE(matches(cross_entropy(x, targets({-100, -100})), {kNan}));
  EXPECT_TRUE(matches(cross_entropy(x, targets({-100, -100}), {}, Reduction::kSum), {0}));
  EXPECT_TRUE(matches(cross_entropy(doubles({}, {0, 3}), targets({})), {kNan}));
  EXPECT_TRUE(matches(cross_entropy(doubles({}, {0, 3}), targets({}), {}, Reduction::kSum), {0}));
  EXPECT_EQ(
      cross_entropy(doubles({}, {2, 3, 0}), targets({}, {2, 0}), {}, Reduction::kNone).numel(), 0);
  const auto grads = gradients(
      [](auto in) {
        return cross_entropy(in[0], targets({-100, 1}));
      },
      {clone(x)});
  EXPECT_EQ(grads[0][0], 0);
  EXPECT_NE(grads[0][3], 0);
}

TEST(CrossEntropy, ErrorTexts) {
  const Tensor x = Tensor::empty({{3, 4}});
  const auto text = [](auto f) { return error_of(f).message(); };
  fill_(x, 0);
  EXPECT_EQ(text([&] {
              cross_entropy(x, targets({0, 1, 4}));
            }),
            "cross_entropy: target out of range: class 4 at position 2: must be in [0, 4); mark "
            "samples to skip with ignore_index (-100)");
  EXPECT_EQ(error_of([&] { nll_loss(x, targets({0, 1, -1})); }).status(), Status::kIndex);
  EXPECT_EQ(
      text([&] {
        cross_entropy(x, tensor({0, 1, 2}));
      }),
      "cross_entropy: dtype mismatch: target is float32: class indices must be int64; convert "
      "with mt_tensor_to_dtype");
  EXPECT_EQ(text([&] {
              cross_entropy(x, targets({0, 1}));
            }),
            "cross_entropy: shape mismatch: input (3, 4), target (2,): target must be (3,), one "
            "class index for every sample");
  EXPECT_EQ(text([&] {
              cross_entropy(x, targets({0, 1, 2}), tensor({1, 1}));
            }),
            "cross_entropy: shape mismatch: weight (2,), input (3, 4): weight must hold one value "
            "for each of the 4 classes");
  EXPECT_EQ(error_of([&] {
              cross_entropy(x, targets({0, 1, 2}), doubles({1, 1, 1, 1}));
            }).status(),
            Status::kDType);
  EXPECT_EQ(error_of([&] { cross_entropy(x, to(x, DType::kInt64)); }).status(), Status::kDType);
  EXPECT_EQ(error_of([&] { cross_entropy(x, x, {}, Reduction::kMean, 2); }).status(),
            Status::kInvalidArgument);
  EXPECT_EQ(error_of([&] { cross_entropy(x, x, {}, Reduction::kMean, -100, 2); }).status(),
            Status::kInvalidArgument);
  EXPECT_EQ(error_of([&] { nll_loss(doubles({1}, {}), targets({0}, {})); }).status(),
            Status::kShape);
  const Tensor m = Tensor::empty({{3, 4}}, DType::kFloat32, Device::kMeta);
  const Tensor mt = Tensor::empty({{3}}, DType::kInt64, Device::kMeta);
  EXPECT_EQ(cross_entropy(m, mt).dim(), 0);
  EXPECT_EQ(error_of([&] { cross_entropy(m, targets({0, 1, 2})); }).status(), Status::kDevice);
}

TEST(BinaryCrossEntropy, ClosedForms) {
  const Tensor p = doubles({0.5, 0.25}), y = doubles({1, 0});
  EXPECT_TRUE(matches(binary_cross_entropy(p, y, {}, Reduction::kNone),
                      {std::log(2.0), std::log(4.0 / 3)}, 1e-15));
  EXPECT_TRUE(matches(binary_cross_entropy(doubles({0, 1}), doubles({1, 0}), {}, Reduction::kNone),
                      {100, 100}));
  EXPECT_TRUE(matches(binary_cross_entropy(p, y, doubles({2}), Reduction::kSum),
                      {2 * (std::log(2.0) + std::log(4.0 / 3))}, 1e-15));
  EXPECT_TRUE(matches(binary_cross_entropy_with_logits(doubles({0, 1000, -1000}),
                                                       doubles({1, 1, 1}), {}, Reduction::kNone),
                      {std::log(2.0), 0, 1000}, 1e-15));
  EXPECT_TRUE(matches(binary_cross_entropy_with_logits(doubles({0, 0}), doubles({1, 0}), {},
                                                       Reduction::kNone, doubles({3})),
                      {3 * std::log(2.0), std::log(2.0)}, 1e-15));
}

TEST(BinaryCrossEntropy, Gradients) {
  const Tensor w = doubles({1, 2, 0.5}), pw = doubles({3, 1, 0.5});
  for (const Reduction r : kAllReductions) {
    const std::vector<Tensor> in = {unit({2, 3}), unit({2, 3}, 1)};
    const std::vector<Tensor> logits = {varied({2, 3}), unit({2, 3}, 1)};
    expect_gradients([&](auto t) { return binary_cross_entropy(t[0], t[1], {}, r); }, in);
    expect_gradients([&](auto t) { return binary_cross_entropy(t[0], t[1], w, r); }, in);
    const auto f = [&](const Tensor& a, const Tensor& b) {
      return [&, r](auto t) { return binary_cross_entropy_with_logits(t[0], t[1], a, r, b); };
    };
    expect_gradients(f({}, {}), logits);
    expect_gradients(f(w, {}), logits);
    expect_gradients(f({}, pw), logits);
    expect_gradients(f(w, pw), logits);
  }
}

TEST(BinaryCrossEntropy, Errors) {
  const Tensor p = unit({2, 3});
  EXPECT_EQ(error_of([&] { binary_cross_entropy(p, unit({3})); }).status(), Status::kShape);
  EXPECT_EQ(error_of([&] { binary_cross_entropy(p, to(p, DType::kFloat32)); }).status(),
            Status::kDType);
  EXPECT_EQ(error_of([&] {
              binary_cross_entropy(varied({2, 3}), p);
            }).status(),
            Status::kInvalidArgument);
  EXPECT_EQ(error_of([&] { binary_cross_entropy(p, p, unit({2})); }).status(), Status::kShape);
  EXPECT_EQ(error_of([&] { binary_cross_entropy_with_logits(p, to(p, DType::kInt64)); }).status(),
            Status::kDType);
  EXPECT_EQ(error_of([&] { binary_cross_entropy_with_logits(p, unit({3})); }).status(),
            Status::kShape);
}

}  // namespace
}  // namespace mt::testing
