// Arithmetic: values, promotion, gradients, in-place forms and errors. Expected values are worked
// out by hand or PyTorch's.
#include "ops/arithmetic.h"

#include "ops/ops_testing.h"

namespace mt {
namespace {

using namespace mt::testing;  // NOLINT
using Span = std::span<const Tensor>;

TEST(Arithmetic, DifferencesAndTheirBoolRule) {
  const Tensor a = tensor({1.5, -2.5}), i = ints({-3, 2});
  EXPECT_TRUE(matches(rsub(a, number(1), 2), {-2, 6}));
  EXPECT_TRUE(matches(rsub(i, number(1.5)), {4.5, -0.5}));
  EXPECT_EQ(rsub(i, number(1.5)).dtype(), DType::kFloat32);
  EXPECT_EQ(rsub(i, number(1)).dtype(), DType::kInt64);
  const Tensor b = bools({1, 0});
  for (const Error& e : {error_of([&] { sub(b, number(1)); }), error_of([&] { sub(a, b); }),
                         error_of([&] { rsub(b, b); })}) {
    EXPECT_EQ(e.status(), Status::kDType);
    EXPECT_TRUE(contains(e, "subtraction is not supported for bool"));
  }
  EXPECT_EQ(error_of([&] { rsub(i, number(1), 1.5); }).status(), Status::kInvalidArgument);
}

TEST(Arithmetic, FloorDivisionAndRemainder) {
  EXPECT_TRUE(matches(floor_divide(ints({-3, 2, 7}), number(2)), {-2, 1, 3}));
  EXPECT_TRUE(matches(remainder(ints({-3, 2, 7}), number(2)), {1, 0, 1}));
  EXPECT_TRUE(matches(remainder(ints({-3, 2, 7}), number(-2)), {-1, 0, -1}));
  EXPECT_TRUE(matches(remainder(number(2), ints({-3, 2})), {-1, 0}));
  EXPECT_TRUE(matches(remainder(tensor({-3, 3}), tensor({kInf, -kInf})), {kInf, -kInf}));
  EXPECT_TRUE(matches(floor_divide(tensor({1.5, -2.5}), number(0.0)), {kInf, -kInf}));
  EXPECT_EQ(remainder(bools({1, 0}), number(2)).dtype(), DType::kInt64);
  EXPECT_TRUE(matches(div(ints({-7, 7}), number(2), "trunc"), {-3, 3}));
  const Tensor x = ints({-3, 7});
  remainder_(x, number(4));
  EXPECT_TRUE(matches(x, {1, 3}));
  floor_divide_(x, number(2));
  EXPECT_TRUE(matches(x, {0, 1}));
}

TEST(Arithmetic, IntegerDivisionByZeroIsAnError) {
  const Tensor i = ints({1, 2}), zeros = ints({1, 0});
  for (const Error& e :
       {error_of([&] { floor_divide(i, number(0)); }), error_of([&] { remainder(i, zeros); }),
        error_of([&] { div(i, zeros, "trunc"); }), error_of([&] { remainder_(i, zeros); })}) {
    EXPECT_EQ(e.status(), Status::kInvalidArgument);
    EXPECT_TRUE(contains(e, "division by zero")) << e.message();
  }
  EXPECT_TRUE(matches(i, {1, 2}));
  EXPECT_EQ(floor_divide(ints({}), ints({})).numel(), 0);
  EXPECT_TRUE(matches(div(i, zeros), {1, kInf}));
  const Tensor b = bools({1});
  EXPECT_EQ(error_of([&] { remainder(b, b); }).status(), Status::kNotImplemented);
  EXPECT_TRUE(matches(floor_divide(ints({-9223372036854775807.0 - 1}), number(-1)),
                      {-9223372036854775807.0 - 1}));
}

TEST(Arithmetic, GradientsOfSumsAndQuotients) {
  const Tensor a = doubles({1.7, -2.6, 0.85, 2.2}, {2, 2}), b = doubles({0.5, -1.25});
  expect_gradients([](Span in) { return add(in[0], in[1], 3); }, {a, b});
  expect_gradients([](Span in) { return sub(in[0], in[1], 0.5); }, {a, b});
  expect_gradients([](Span in) { return rsub(in[0], in[1], 2); }, {a, b});
  expect_gradients([](Span in) { return mul(in[0], in[1]); }, {a, b});
  expect_gradients([](Span in) { return div(in[0], in[1]); }, {a, b});
  expect_gradients([](Span in) { return remainder(in[0], in[1]); }, {a, b});
  expect_gradients([](Span in) { return remainder(number(7.25), in[0]); }, {b});
  expect_gradients([](Span in) { return div(in[0], in[1], "floor"); }, {a, b});
  const auto g = gradients([](Span in) { return div(in[0], in[1], "trunc"); }, {a, b});
  EXPECT_TRUE(matches(g[0], {0, 0, 0, 0}));
  EXPECT_TRUE(matches(g[1], {0, 0}));
}

TEST(Arithmetic, FloorDivideHasNoGradient) {
  const Tensor x = with_grad(doubles({3}));
  const Tensor y = floor_divide(x, number(2.0));
  EXPECT_TRUE(y.requires_grad());
  const Error e = error_of([&] { backward({&y, 1}); });
  EXPECT_EQ(e.status(), Status::kAutograd);
  EXPECT_TRUE(contains(e, "floor_divide: not differentiable"));
}

TEST(Arithmetic, Addcmul) {
  const Tensor f = tensor({1.5, -2.5}), i = ints({-3, 2});
  EXPECT_TRUE(matches(addcmul(i, i, i, 2), {15, 10}));
  EXPECT_TRUE(matches(addcmul(i, i, i, 1.5), {6, 6}));  // the fraction is cut off, as in torch
  EXPECT_TRUE(matches(addcmul(i, f, i), {-7.5, -3}));
  EXPECT_EQ(addcmul(f, f, doubles({1, 2})).dtype(), DType::kFloat64);
  EXPECT_TRUE(matches(addcmul(f, tensor({1, 2}, DType::kFloat32, {2, 1}), f), {3, -5, 4.5, -7.5}));
  const Tensor x = tensor({1, 2});
  addcmul_(x, f, f, -1);
  EXPECT_TRUE(matches(x, {-1.25, -4.25}));
  EXPECT_EQ(error_of([&] { addcmul_(i, f, f); }).status(), Status::kDType);
  EXPECT_EQ(error_of([&] {
              addcmul_(x, tensor({1, 2}, DType::kFloat32, {2, 1}), f);
            }).status(),
            Status::kShape);
  EXPECT_EQ(error_of([&] { addcmul(bools({1}), bools({1}), bools({1})); }).status(),
            Status::kNotImplemented);
  expect_gradients([](Span in) { return addcmul(in[0], in[1], in[2], 0.5); },
                   {doubles({1, 2}), doubles({0.5, 3}, {2, 1}), doubles({-1, 4})});
}

TEST(Arithmetic, Addcdiv) {
  const Tensor f = tensor({1.5, -2.5}), i = ints({-3, 2});
  EXPECT_TRUE(matches(addcdiv(i, f, i), {-3.5, 0.75}));
  EXPECT_TRUE(matches(addcdiv(f, f, i, 2), {0.5, -5}));
  EXPECT_EQ(error_of([&] { addcdiv(f, i, i); }).status(), Status::kDType);
  const Tensor x = tensor({1, 2});
  addcdiv_(x, f, f);
  EXPECT_TRUE(matches(x, {2, 3}));
  expect_gradients([](Span in) { return addcdiv(in[0], in[1], in[2], -1.5); },
                   {doubles({1, 2}), doubles({0.5, 3}, {2, 1}), doubles({-1, 4})});
}

TEST(Arithmetic, Lerp) {
  const Tensor a = tensor({1.5, -2.5}), b = tensor({3, 1});
  EXPECT_TRUE(matches(lerp(a, b, number(0.5)), {2.25, -0.75}));
  EXPECT_TRUE(matches(lerp(a, b, tensor({0, 1})), {1.5, 1}));
  EXPECT_TRUE(matches(lerp(a, tensor({3}), number(2)), {4.5, 8.5}));
  const Tensor x = tensor({1, 2});
  lerp_(x, b, tensor({0.5, 0.5}));
  EXPECT_TRUE(matches(x, {2, 1.5}));
  lerp_(x, b, number(1));
  EXPECT_TRUE(matches(x, {3, 1}));
  const Error e = error_of([&] { lerp(a, doubles({1, 2}), number(0.5)); });
  EXPECT_EQ(e.status(), Status::kDType);
  EXPECT_TRUE(contains(e, "lerp: dtype mismatch: input is float32, end is float64"));
  EXPECT_EQ(error_of([&] { lerp(a, a, doubles({1, 2})); }).status(), Status::kDType);
  EXPECT_EQ(error_of([&] { lerp(ints({1}), ints({2}), number(1)); }).status(), Status::kDType);
  expect_gradients([](Span in) { return lerp(in[0], in[1], number(0.25)); },
                   {doubles({1, 2}), doubles({0.5, 3}, {2, 1})});
  expect_gradients([](Span in) { return lerp(in[0], in[1], in[2]); },
                   {doubles({1, 2}), doubles({0.5, 3}, {2, 1}), doubles({0.3, 0.8})});
}

TEST(Arithmetic, ExtremesShareTiesAndKeepNan) {
  const Tensor a = tensor({0, 1, -1, kNan, kNan}), z = tensor({0, 0, 0, 0, kNan});
  EXPECT_TRUE(matches(maximum(a, z), {0, 1, 0, kNan, kNan}));
  EXPECT_TRUE(matches(minimum(a, z), {0, 0, -1, kNan, kNan}));
  auto g = gradients([](Span in) { return maximum(in[0], in[1]); }, {a, z});
  EXPECT_TRUE(matches(g[0], {0.5, 1, 0, 1, 1}));
  EXPECT_TRUE(matches(g[1], {0.5, 0, 1, 1, 1}));
  g = gradients([](Span in) { return minimum(in[0], in[1]); }, {a, z});
  EXPECT_TRUE(matches(g[0], {0.5, 0, 1, 1, 1}));
  EXPECT_TRUE(matches(g[1], {0.5, 1, 0, 1, 1}));
  EXPECT_EQ(maximum(tensor({1}), doubles({2})).dtype(), DType::kFloat64);
  EXPECT_EQ(maximum(ints({3}, DType::kUInt8), ints({-3}, DType::kInt8)).dtype(), DType::kInt16);
  EXPECT_TRUE(matches(maximum(bools({1, 0}), bools({0, 0})), {1, 0}));
  expect_gradients([](Span in) { return maximum(in[0], in[1]); },
                   {doubles({1, 2, 3}), doubles({2.2}, {1, 1})});
  expect_gradients([](Span in) { return minimum(in[0], in[1]); },
                   {doubles({1, 2, 3}), doubles({2.5}, {1, 1})});
}

TEST(Arithmetic, InPlaceFormsAreRecorded) {
  const auto through = [](auto&& change) {
    return [change](Span in) {
      const Tensor y = mul(in[0], number(2.0));
      change(y, in[1]);
      return y;
    };
  };
  const Tensor a = doubles({1.7, -2.6}), b = doubles({0.75, 3});
  const std::vector<Tensor> inputs{a, b};
  expect_gradients(through([](const Tensor& y, const Tensor& o) { add_(y, o, 2); }), inputs);
  expect_gradients(through([](const Tensor& y, const Tensor& o) { sub_(y, o, 2); }), inputs);
  expect_gradients(through([](const Tensor& y, const Tensor& o) { mul_(y, o); }), inputs);
  expect_gradients(through([](const Tensor& y, const Tensor& o) { div_(y, o); }), inputs);
  expect_gradients(through([](const Tensor& y, const Tensor& o) { remainder_(y, o); }), inputs);
  expect_gradients(through([](const Tensor& y, const Tensor& o) { addcmul_(y, o, o); }), inputs);
  expect_gradients(through([](const Tensor& y, const Tensor& o) { addcdiv_(y, o, o); }), inputs);
  expect_gradients(through([](const Tensor& y, const Tensor& o) { lerp_(y, o, o); }), inputs);
  expect_gradients(through([](const Tensor& y, const Tensor& o) { div_(y, o, "floor"); }), inputs);
}

TEST(Arithmetic, OperandsThatShareMemoryWithTheOutput) {
  const auto part = [](const Tensor& t, int64_t offset, int64_t size, int64_t stride) {
    return t.alias(Dims{size}, Dims{stride}, offset);
  };
  Tensor x = tensor({1, 2, 3, 4});
  sub_(x, x);
  EXPECT_TRUE(matches(x, {0, 0, 0, 0}));
  x = tensor({1, 2, 3, 4});
  add_(part(x, 0, 2, 1), part(x, 2, 2, 1));  // beside each other
  EXPECT_TRUE(matches(x, {4, 6, 3, 4}));
  add_(part(x, 0, 2, 2), part(x, 1, 2, 2));  // interleaved
  EXPECT_TRUE(matches(x, {10, 6, 7, 4}));
  for (const Error& e : {error_of([&] { add_(part(x, 1, 3, 1), part(x, 0, 3, 1)); }),
                         error_of([&] { sub_(x, part(x, 0, 1, 1)); }), error_of([&] {
                           addcmul_(part(x, 1, 3, 1), part(x, 0, 3, 1), number(1));
                         })}) {
    EXPECT_EQ(e.status(), Status::kInvalidArgument) << e.message();
    EXPECT_TRUE(contains(e, "overlapping memory"));
  }
  EXPECT_TRUE(matches(x, {10, 6, 7, 4}));
}

TEST(Arithmetic, GradFnNamesAreTorchs) {
  const Tensor x = with_grad(tensor({1.5, -2})), y = with_grad(tensor({2, 3}));
  EXPECT_EQ(grad_name(add(x, y)), "AddBackward0");
  EXPECT_EQ(grad_name(rsub(x, y)), "RsubBackward0");
  EXPECT_EQ(grad_name(rsub(x, number(1))), "RsubBackward1");
  EXPECT_EQ(grad_name(remainder(x, number(2))), "RemainderBackward0");
  EXPECT_EQ(grad_name(remainder(x, y)), "RemainderBackward1");
  EXPECT_EQ(grad_name(div(x, y)), "DivBackward0");
  EXPECT_EQ(grad_name(div(x, y, "floor")), "DivBackward2");
  EXPECT_EQ(grad_name(addcmul(x, y, y)), "AddcmulBackward0");
  EXPECT_EQ(grad_name(lerp(x, y, number(0.5))), "LerpBackward0");
  EXPECT_EQ(grad_name(lerp(x, y, y)), "LerpBackward1");
  EXPECT_EQ(grad_name(maximum(x, y)), "MaximumBackward0");
}

TEST(Arithmetic, MetaAndOtherDevices) {
  const Tensor m = Tensor::empty(Dims{2, 3}, DType::kFloat32, Device::kMeta);
  const Tensor mi = Tensor::empty(Dims{3}, DType::kInt64, Device::kMeta);
  for (const Tensor& t :
       {rsub(m, number(1)), floor_divide(m, mi), remainder(m, mi), addcmul(m, mi, m),
        addcdiv(m, m, mi), lerp(m, m, number(0.5)), lerp(m, m, m), maximum(m, mi)}) {
    EXPECT_TRUE(t.is_meta());
    EXPECT_EQ(t.sizes(), (Dims{2, 3}));
    EXPECT_EQ(t.dtype(), DType::kFloat32);
  }
  EXPECT_EQ(floor_divide(mi, mi).dtype(), DType::kInt64);
  EXPECT_EQ(error_of([&] { addcmul(m, m, tensor({1, 2, 3})); }).status(), Status::kDevice);
}

}  // namespace
}  // namespace mt
