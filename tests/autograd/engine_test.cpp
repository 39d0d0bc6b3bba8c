// The gradient engine and the leaf, view and in-place rules. Expected values are derivatives worked
// out by hand, and PyTorch's documented behaviour.
#include "autograd/engine.h"

#include <gtest/gtest.h>

#include <thread>

#include "autograd/meta.h"
#include "core/error.h"
#include "ops/arithmetic.h"
#include "ops/creation.h"
#include "ops/reduce.h"
#include "ops/power.h"
#include "ops/view.h"

namespace mt {
namespace {

Tensor values(std::initializer_list<float> v, bool requires_grad = false) {
  Tensor t = Tensor::empty({{static_cast<int64_t>(v.size())}}, DType::kFloat32);
  std::copy(v.begin(), v.end(), t.data_as<float>());
  if (requires_grad) set_requires_grad(t, true);
  return t;
}

std::vector<float> list(const Tensor& t) {
  const Tensor c = contiguous(t);
  return {c.data_as<float>(), c.data_as<float>() + c.numel()};
}

void back(const Tensor& t, bool retain = false, bool create = false) {
  backward(std::span(&t, 1), {}, retain, create);
}

template <class F>
Error error_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e;
  }
  return Error(Status::kOk, "no error");
}

using Floats = std::vector<float>;

TEST(Engine, SquareSumOfTheArticle) {
  const Tensor x = values({1, 2, 3}, true);
  back(sum(mul(x, x)));
  EXPECT_EQ(list(grad_of(x)), (Floats{2, 4, 6}));
}

TEST(Engine, GradientsAccumulateOverCalls) {
  const Tensor x = values({1, 2}, true);
  back(sum(mul(x, Tensor::from_scalar(3.0))));
  back(sum(mul(x, Tensor::from_scalar(4.0))));
  EXPECT_EQ(list(grad_of(x)), (Floats{7, 7}));
}

TEST(Engine, DiamondSumsBothPaths) {
  const Tensor x = values({2}, true);
  const Tensor y = mul(x, x);    // 4
  back(sum(add(mul(y, x), y)));  // x^3 + x^2: 3x^2 + 2x
  EXPECT_EQ(list(grad_of(x)), (Floats{16}));
}

TEST(Engine, BroadcastGradientsAreSummed) {
  const Tensor a = values({1, 2, 3}, true);
  const Tensor b = values({10}, true);
  back(sum(mul(a, b)));
  EXPECT_EQ(list(grad_of(a)), (Floats{10, 10, 10}));
  EXPECT_EQ(list(grad_of(b)), (Floats{6}));
}

TEST(Engine, SecondBackwardNeedsRetainGraph) {
  const Tensor x = values({3}, true);
  const Tensor y = sum(mul(x, x));
  back(y, true);
  back(y);
  EXPECT_EQ(list(grad_of(x)), (Floats{12}));
  const Error e = error_of([&] { back(y); });
  EXPECT_EQ(e.status(), Status::kAutograd);
  EXPECT_NE(e.message().find("backward through the graph a second time"), std::string::npos);
}

TEST(Engine, RulesWithoutSavedTensorsRunAgain) {
  const Tensor x = values({3, 4}, true);
  const Tensor y = sum(add(x, x));
  back(y);
  back(y);
  EXPECT_EQ(list(grad_of(x)), (Floats{4, 4}));
}

TEST(Engine, NonScalarNeedsAGradient) {
  const Tensor x = values({1, 2}, true);
  const Tensor y = mul(x, x);
  EXPECT_EQ(error_of([&] { back(y); }).status(), Status::kAutograd);
  const Tensor g = values({1, 10});
  backward(std::span(&y, 1), std::span(&g, 1));
  EXPECT_EQ(list(grad_of(x)), (Floats{2, 40}));
}

TEST(Engine, NoGraphIsAnError) {
  const Tensor x = values({1});
  EXPECT_EQ(error_of([&] { back(sum(x)); }).status(), Status::kAutograd);
}

TEST(Engine, NoGradRecordsNothing) {
  const Tensor x = values({1}, true);
  GradMode off(false);
  const Tensor y = mul(x, x);
  EXPECT_FALSE(y.requires_grad());
  EXPECT_FALSE(grad_fn(y));
}

TEST(Engine, DetachCutsTheGraphAndSharesMemory) {
  const Tensor x = values({2}, true);
  const Tensor y = mul(x, x);
  const Tensor d = detach(y);
  EXPECT_FALSE(d.requires_grad());
  EXPECT_EQ(d.data(), y.data());
  back(sum(mul(d, x)));
  EXPECT_EQ(list(grad_of(x)), (Floats{4}));
}

TEST(Engine, SecondDerivative) {
  const Tensor x = values({2, 3}, true);
  const Tensor y = sum(mul(mul(x, x), x));  // x^3
  const Grads g = grad(std::span(&y, 1), std::span(&x, 1), {}, false, true);
  EXPECT_EQ(list(g[0]), (Floats{12, 27}));
  const Tensor s = sum(g[0]);
  const Grads h = grad(std::span(&s, 1), std::span(&x, 1));
  EXPECT_EQ(list(h[0]), (Floats{12, 18}));
  EXPECT_FALSE(grad_of(x).defined());
}

TEST(Engine, GradOfChosenInputsLeavesGradAlone) {
  const Tensor a = values({2}, true), b = values({5}, true), unused = values({1}, true);
  const Tensor y = sum(mul(a, b));
  const Tensor in[] = {b, unused};
  EXPECT_EQ(error_of([&] { grad(std::span(&y, 1), in, {}, true); }).status(), Status::kAutograd);
  const Grads g = grad(std::span(&y, 1), in, {}, false, false, true);
  EXPECT_EQ(list(g[0]), (Floats{2}));
  EXPECT_FALSE(g[1].defined());
  EXPECT_FALSE(grad_of(a).defined());
  EXPECT_FALSE(grad_of(b).defined());
}

TEST(Engine, GradOfAnIntermediate) {
  const Tensor x = values({3}, true);
  const Tensor y = mul(x, x);
  const Tensor z = sum(mul(y, y));
  const Grads g = grad(std::span(&z, 1), std::span(&y, 1));
  EXPECT_EQ(list(g[0]), (Floats{18}));
}

TEST(Engine, BackwardRestrictedToInputs) {
  const Tensor a = values({2}, true), b = values({5}, true);
  const Tensor y = sum(mul(a, b));
  backward(std::span(&y, 1), {}, false, false, std::span(&a, 1));
  EXPECT_EQ(list(grad_of(a)), (Floats{5}));
  EXPECT_FALSE(grad_of(b).defined());
}

TEST(Engine, RetainGradKeepsIntermediates) {
  const Tensor x = values({3}, true);
  const Tensor y = mul(x, x);
  retain_grad(y);
  back(sum(mul(y, Tensor::from_scalar(2.0))));
  EXPECT_EQ(list(grad_of(y)), (Floats{2}));
  EXPECT_EQ(list(grad_of(x)), (Floats{12}));
}

class Doubler final : public TensorHook {
 public:
  explicit Doubler(int* calls) : calls_(calls) {}
  Tensor call(const Tensor& g) override {
    ++*calls_;
    return mul(g, Tensor::from_scalar(2.0));
  }

 private:
  int* calls_;
};

TEST(Engine, HooksReplaceGradients) {
  const Tensor x = values({3}, true);
  const Tensor y = mul(x, x);
  int calls = 0;
  register_hook(y, Ref<TensorHook>::adopt(new Doubler(&calls)));
  const uint64_t id = register_hook(x, Ref<TensorHook>::adopt(new Doubler(&calls)));
  back(sum(add(y, y)), true);
  EXPECT_EQ(calls, 2);  // each sees the summed gradient once
  EXPECT_EQ(list(grad_of(x)), (Floats{48}));
  EXPECT_TRUE(remove_hook(x, id));
  EXPECT_FALSE(remove_hook(x, id));
}

TEST(Engine, LeafRules) {
  const Tensor x = values({1}, true);
  EXPECT_EQ(error_of([&] { add_(x, x); }).status(), Status::kAutograd);
  const Tensor y = mul(x, x);
  EXPECT_EQ(error_of([&] { set_requires_grad(y, false); }).status(), Status::kAutograd);
  const Tensor i = Tensor::empty({{2}}, DType::kInt64);
  EXPECT_EQ(error_of([&] { set_requires_grad(i, true); }).status(), Status::kDType);
  GradMode off(false);
  add_(x, Tensor::from_scalar(1.0));
  EXPECT_EQ(list(x), (Floats{2}));
}

TEST(Engine, ChangedInPlaceIsNoticed) {
  const Tensor w = values({1, 2}, true);
  const Tensor x = mul(w, Tensor::from_scalar(1.0));
  const Tensor y = mul(x, x);
  add_(x, Tensor::from_scalar(1.0));
  const Error e = error_of([&] { back(sum(y)); });
  EXPECT_EQ(e.status(), Status::kAutograd);
  EXPECT_NE(e.message().find("a value needed for the gradient of mul was changed in place"),
            std::string::npos)
      << e.message();
}

TEST(Engine, SavedOutputChangedInPlaceIsNoticed) {
  const Tensor w = values({1, 2}, true);
  const Tensor y = exp(w);
  mul_(y, Tensor::from_scalar(2.0));
  EXPECT_NE(error_of([&] { back(sum(y)); }).message().find("gradient of exp"), std::string::npos);
}

TEST(Engine, InPlaceOpsAreRecorded) {
  const Tensor w = values({1, 2}, true), v = values({3, 4}, true);
  const Tensor y = mul(w, Tensor::from_scalar(2.0));
  mul_(y, v);  // 2 w v
  add_(y, w);  // 2 w v + w
  back(sum(y));
  EXPECT_EQ(list(grad_of(w)), (Floats{7, 9}));
  EXPECT_EQ(list(grad_of(v)), (Floats{2, 4}));
}

TEST(Engine, InPlaceThroughAView) {
  const Tensor w = values({1, 2, 3, 4}, true);
  const Tensor y = mul(w, Tensor::from_scalar(1.0));
  const Tensor first = slice(y, 0, 0, 2);
  const Tensor factor = values({10}, true);
  mul_(first, factor);  // y = [10 w0, 10 w1, w2, w3]
  back(sum(y));
  EXPECT_EQ(list(grad_of(w)), (Floats{10, 10, 1, 1}));
  EXPECT_EQ(list(grad_of(factor)), (Floats{3}));
}

TEST(Engine, ViewSeesLaterWritesToItsBase) {
  const Tensor w = values({1, 2}, true);
  const Tensor y = mul(w, Tensor::from_scalar(1.0));
  const Tensor v = select(y, 0, 0);
  mul_(y, Tensor::from_scalar(5.0));
  back(v);
  EXPECT_EQ(list(grad_of(w)), (Floats{5, 0}));
}

TEST(Engine, CopyIntoPartOfABuffer) {
  const Tensor buffer = zeros({{3}});
  const Tensor w = values({7}, true);
  copy_(slice(buffer, 0, 1, 2), w);
  EXPECT_TRUE(buffer.requires_grad());
  back(sum(mul(buffer, values({1, 2, 3}))));
  EXPECT_EQ(list(grad_of(w)), (Floats{2}));
}

TEST(Engine, InPlaceOnAnOperandMakesNoCycle) {
  const MemoryStats before = memory_stats();
  {
    const Tensor w = values({2}, true);
    const Tensor h = values({3});
    const Tensor y = mul(h, w);
    add_(h, y);  // h's new history leads to the node that saved h's old value
    EXPECT_TRUE(h.requires_grad());
  }
  EXPECT_EQ(memory_stats().current_bytes, before.current_bytes);
}

TEST(Engine, MillionOpChain) {
  const MemoryStats before = memory_stats();
  {
    const Tensor x = values({1}, true);
    const Tensor c = Tensor::from_scalar(1.0);
    Tensor y = x;
    for (int i = 0; i < 1000000; ++i) y = mul(y, c);
    back(sum(y));
    EXPECT_EQ(list(grad_of(x)), (Floats{1}));
    Tensor z = x;
    for (int i = 0; i < 1000000; ++i) z = add(z, c);  // released without a backward
  }
  EXPECT_EQ(memory_stats().current_bytes, before.current_bytes);
}

TEST(Engine, ThreadsMayShareLeaves) {
  const Tensor w = values({1}, true);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) back(sum(mul(w, w)));
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(list(grad_of(w)), (Floats{4000}));
}

TEST(Engine, ThreadsMayShareARetainedGraph) {
  const Tensor w = values({3}, true);
  const Tensor y = sum(mul(w, w));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) back(y, true);
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(list(grad_of(w)), (Floats{4800}));
}

TEST(Engine, IntegerTensorsCarryNoGradient) {
  const Tensor w = values({1.5f}, true);
  const Tensor i = to(w, DType::kInt64);
  EXPECT_FALSE(i.requires_grad());
}

TEST(Engine, GradientsKeepTheLeafsDtype) {
  const Tensor w = values({1, 2}, true);
  back(sum(mul(to(w, DType::kFloat64), Tensor::from_scalar(3.0))));
  EXPECT_EQ(grad_of(w).dtype(), DType::kFloat32);
  EXPECT_EQ(list(grad_of(w)), (Floats{3, 3}));
}

}  // namespace
}  // namespace mt
