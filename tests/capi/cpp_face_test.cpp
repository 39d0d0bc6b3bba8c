// The C++ face (minitorch.hpp): values, operators, gradients, exceptions, callbacks, modules.
#include <gtest/gtest.h>

#include <sstream>

#include "minitorch/minitorch.hpp"

namespace {

using namespace minitorch;  // NOLINT: as a program would

int64_t live() {
  int64_t n = 0;
  check(mt_live_handles(&n, MT_HANDLE_ANY));
  return n;
}

TEST(CppFace, GradientOfASum) {
  const Tensor x = tensor<float>({1, 2, 3}).requires_grad_();
  const Tensor z = sum(pow(x, 2));
  z.backward();
  EXPECT_EQ(x.grad().to_string(), "tensor([2., 4., 6.])");
  EXPECT_EQ(z.item(), 14);
  EXPECT_FALSE(tensor<float>({1}).grad().defined());
}

TEST(CppFace, CopiesAreTheSameTensor) {
  const Tensor a = zeros({2, 2});
  Tensor b = a;
  b += 1;
  EXPECT_TRUE(a.is(b));
  EXPECT_EQ(a.to_vector<float>(), std::vector<float>(4, 1.0F));
  Tensor c;
  c = std::move(b);
  EXPECT_TRUE(c.is(a));
}

TEST(CppFace, NumbersPromoteAsInPython) {
  const Tensor i = tensor<int32_t>({1, 2});
  EXPECT_EQ((i + 1).dtype(), MT_INT32);
  EXPECT_EQ((i + 1.0).dtype(), MT_FLOAT32);
  EXPECT_EQ((2 * i).to_vector<int32_t>(), (std::vector<int32_t>{2, 4}));
  EXPECT_EQ((1 - tensor<float>({0.25F})).item(), 0.75);
  EXPECT_EQ((i > 1).to_vector<uint8_t>(), (std::vector<uint8_t>{0, 1}));
  EXPECT_EQ((i / 2).to(MT_FLOAT64).to_vector<double>(), (std::vector<double>{0.5, 1}));
}

TEST(CppFace, ShapesAndLists) {
  const Tensor t = reshape(arange(0, 6), {2, 3});
  EXPECT_EQ(t.shape(), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(t.size(-1), 3);
  const std::vector<Tensor> parts = split(t, 2, 1);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[1].shape(), (std::vector<int64_t>{2, 1}));
  EXPECT_TRUE(equal(cat(parts, 1), t));
  const auto [values, indices] = max(t, 1);
  EXPECT_EQ(values.to_vector<int64_t>(), (std::vector<int64_t>{2, 5}));
  EXPECT_EQ(indices.to_vector<int64_t>(), (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(index(t, {Tensor(), tensor<int64_t>({0})}).to_vector<int64_t>(),
            (std::vector<int64_t>{0, 3}));
}

// Ops with options structs take them as arguments with defaults.
TEST(CppFace, OptionsAreArguments) {
  const Tensor x = ones({1, 1, 4, 4}), w = ones({1, 1, 3, 3});
  EXPECT_EQ(conv2d(x, w).shape(), (std::vector<int64_t>{1, 1, 2, 2}));
  EXPECT_EQ(sum(conv2d(x, w)).item(), 36);
  const Tensor same = conv2d(x, w, ones({1}), {2}, {1});
  EXPECT_EQ(same.shape(), (std::vector<int64_t>{1, 1, 2, 2}));
  EXPECT_EQ(sum(same).item(), 4 + 6 + 6 + 9 + 4);
  EXPECT_EQ(conv2d(x, w, Tensor(), {}, {}, {}, 1, "same").shape(), x.shape());
  EXPECT_EQ(conv_transpose2d(x, w).shape(), (std::vector<int64_t>{1, 1, 6, 6}));
  EXPECT_THROW(conv2d(x, ones({1, 2, 3, 3})), Error);
}

TEST(CppFace, ErrorsAreExceptions) {
  try {
    matmul(ones({64, 10}), ones({20, 5}));
    FAIL();
  } catch (const Error &e) {
    EXPECT_EQ(e.status(), MT_ERR_SHAPE);
    EXPECT_NE(std::string(e.what()).find("(64, 10)"), std::string::npos);
  }
  EXPECT_THROW(sum(Tensor()), Error);
}

TEST(CppFace, ExceptionsPassThroughHooks) {
  const Tensor x = tensor<float>({3}).requires_grad_();
  x.register_hook([](const Tensor &g) { return g * 10; });
  (x * x).backward();
  EXPECT_EQ(x.grad().item(), 60);
  x.register_hook([](const Tensor &) -> Tensor { throw std::runtime_error("no more"); });
  try {
    (x * x).backward();
    FAIL();
  } catch (const Error &e) {
    EXPECT_NE(std::string(e.what()).find("no more"), std::string::npos);
  }
}

TEST(CppFace, NoGradAndGrad) {
  const Tensor x = tensor<double>({2}).requires_grad_();
  {
    const NoGrad guard;
    EXPECT_FALSE((x * x).requires_grad());
  }
  const Tensor first = grad({x * x * x}, {x}, true)[0];
  EXPECT_EQ(first.item(), 12);
  EXPECT_EQ(grad({first}, {x})[0].item(), 12);
}

TEST(CppFace, TrainsAModule) {
  manual_seed(0);
  const Module model = nn::custom("LinearRegression", [](const Module &self, const Tensor &x) {
    return self.submodule("linear")(x);
  });
  model.register_module("linear", nn::linear(1, 1));
  std::ostringstream text;
  text << model;
  EXPECT_EQ(text.str(),
            "LinearRegression(\n  (linear): Linear(in_features=1, out_features=1, bias=True)\n)");
  const Optimizer optimizer = optim::sgd(model.parameters(), 0.1);
  const Module loss_fn = nn::mse_loss();
  const Tensor x = reshape(linspace(-1, 1, 20), {20, 1});
  const Tensor y = 3 * x + 1;
  double loss = 1;
  for (int i = 0; i < 300; ++i) {
    optimizer.zero_grad();
    const Tensor l = loss_fn(model(x), y);
    l.backward();
    optimizer.step();
    loss = l.item();
  }
  EXPECT_LT(loss, 1e-6);
  EXPECT_NEAR(model.state_dict()["linear.weight"].item(), 3, 1e-2);
}

TEST(CppFace, ClosuresAndSchedulers) {
  const Tensor x = tensor<float>({3, 4}).requires_grad_();
  mt_lbfgs_options options;
  mt_lbfgs_options_init(&options);
  options.strong_wolfe = true;
  const Optimizer lbfgs = optim::make(mt_lbfgs, Tensors({x}), options);
  const auto closure = [&] {
    lbfgs.zero_grad();
    const Tensor loss = sum(x * x);
    loss.backward();
    return loss;
  };
  EXPECT_EQ(lbfgs.step(closure).item(), 25);
  EXPECT_LT(sum(x * x).item(), 1e-10);
  const auto broken = []() -> Tensor { throw std::runtime_error("no loss"); };
  EXPECT_THROW(lbfgs.step(broken), Error);
  const Optimizer sgd = optim::sgd(Tensors({x}), 1);
  const Scheduler halves = make_scheduler(mt_exponential_lr, sgd, 0.5, -1);
  halves.step();
  EXPECT_EQ(halves.last_lr(), 0.5);
  EXPECT_EQ(halves.last_epoch(), 1);
  EXPECT_THROW(halves.step(1.0), Error);
}

TEST(CppFace, LeavesNothingBehind) { EXPECT_EQ(live(), 0); }

}  // namespace
