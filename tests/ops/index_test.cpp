// Indexing by tensors and masks: values, gradients, bounds, aliasing.
#include "ops/index.h"

#include "ops/arithmetic.h"
#include "ops/creation.h"
#include "ops/ops_testing.h"
#include "ops/view.h"

namespace mt {
namespace {

using namespace mt::testing;
using List = std::vector<Tensor>;
using In = std::span<const Tensor>;

Tensor counting(std::vector<int64_t> shape, DType dtype = DType::kFloat64) {
  int64_t n = 1;
  for (int64_t s : shape) n *= s;
  return reshape(arange(n, dtype), shape);
}
Tensor int_matrix(const Doubles& v, std::vector<int64_t> shape) {
  return tensor(v, DType::kInt64, std::move(shape));
}

TEST(Index, IndexSelect) {
  const Tensor x = counting({2, 3});
  EXPECT_TRUE(matches(index_select(x, 1, ints({2, 0, 2})), {2, 0, 2, 5, 3, 5}));
  EXPECT_TRUE(matches(index_select(t(x), 0, ints({1}, DType::kInt32)), {1, 4}));
  EXPECT_EQ(index_select(x, 0, ints({})).sizes(), (Dims{0, 3}));
  EXPECT_EQ(index_select(number(3.0), 0, ints({0})).dim(), 0);
  EXPECT_EQ(error_of([&] { index_select(x, 0, ints({2})); }).message(),
            "index_select: index out of range: index 2 at dim 0 of size 2: must be in [0, 1]");
  EXPECT_EQ(error_of([&] { index_select(x, 0, ints({-1})); }).status(), Status::kIndex);
  EXPECT_EQ(error_of([&] { index_select(x, 0, tensor({0})); }).status(), Status::kDType);
  EXPECT_EQ(error_of([&] {
              index_select(x, 0, int_matrix({0}, {1, 1}));
            }).status(),
            Status::kIndex);
}

TEST(Index, GatherAndScatter) {
  const Tensor x = counting({2, 3});
  const Tensor at = int_matrix({2, 0, 1, 1}, {2, 2});
  EXPECT_TRUE(matches(gather(x, 1, at), {2, 0, 4, 4}));
  EXPECT_TRUE(matches(gather(x, 0, int_matrix({1, 0}, {1, 2})), {3, 1}));
  EXPECT_TRUE(matches(gather(t(x), 1, int_matrix({1, 0, 0}, {3, 1})), {3, 1, 2}));
  EXPECT_EQ(gather(number(3.0), 0, ints({0, 0})).sizes(), (Dims{2}));
  EXPECT_EQ(gather(x, 0, ints({})).sizes(), (Dims{0}));
  const Tensor src = add(x, number(10.0));
  EXPECT_TRUE(matches(scatter(x, 1, at, src), {11, 1, 10, 3, 14, 5}));
  EXPECT_TRUE(matches(scatter(x, 1, at, 9), {9, 1, 9, 3, 9, 5}));
  EXPECT_TRUE(matches(scatter_add(x, 1, at, src), {11, 1, 12, 3, 31, 5}));
  Tensor y = t(counting({3, 2}));
  scatter_add_(y, 1, at, src);
  EXPECT_TRUE(matches(y, {11, 2, 14, 1, 30, 5}));
  EXPECT_TRUE(matches(scatter(number(1), 0, ints({0}), ints({7})), {7}));
  EXPECT_EQ(error_of([&] { gather(x, 1, int_matrix({3}, {1, 1})); }).status(), Status::kIndex);
  EXPECT_EQ(error_of([&] {
              gather(x, 1, int_matrix({0, 0, 0}, {3, 1}));
            }).status(),
            Status::kShape);
  EXPECT_EQ(error_of([&] { gather(x, 1, ints({0})); }).status(), Status::kShape);
  EXPECT_EQ(error_of([&] { scatter(x, 1, at, ints({1})); }).status(), Status::kDType);
  EXPECT_EQ(error_of([&] { scatter(x, 1, at, doubles({1}, {1, 1})); }).status(), Status::kShape);
}

TEST(Index, IndexAdd) {
  const Tensor x = counting({3, 2});
  const Tensor src = doubles({10, 20, 30, 40}, {2, 2});
  EXPECT_TRUE(matches(index_add(x, 0, ints({2, 2}), src), {0, 1, 2, 3, 44, 65}));
  EXPECT_TRUE(matches(index_add(x, 0, ints({0, 1}), src, -1), {-10, -19, -28, -37, 4, 5}));
  EXPECT_EQ(error_of([&] { index_add(x, 0, ints({0}), src); }).status(), Status::kShape);
  EXPECT_EQ(error_of([&] { index_add(x, 0, ints({0, 3}), src); }).status(), Status::kIndex);
}

TEST(Index, AnIndexInTheMemoryItWritesIsSafe) {
  const Tensor x = ints({2, 1, 0});
  scatter_(x, 0, x, ints({1000000, 1000000, 1000000}));
  EXPECT_TRUE(matches(x, {1e6, 1e6, 1e6}));
  const Tensor y = ints({2, 1, 0});
  index_put_(y, List{y}, ints({1000000}));
  EXPECT_TRUE(matches(y, {1e6, 1e6, 1e6}));
  const Tensor z = ints({1, 2, 0});
  index_add_(z, 0, z, z);
  EXPECT_TRUE(matches(z, {1, 3, 2}));
}

TEST(Index, Masks) {
  const Tensor x = counting({2, 3});
  const Tensor m = bools({1, 0, 1});
  EXPECT_TRUE(matches(masked_fill(x, m, -1), {-1, 1, -1, -1, 4, -1}));
  EXPECT_TRUE(matches(
      masked_fill(counting({3}), tensor({1, 0, 0, 0, 0, 1}, DType::kBool, {2, 3}), number(7)),
      {7, 1, 2, 0, 1, 7}));
  Tensor y = clone(x);
  masked_fill_(y, m, doubles({2.5}, {}));
  EXPECT_TRUE(matches(y, {2.5, 1, 2.5, 2.5, 4, 2.5}));
  EXPECT_EQ(error_of([&] { masked_fill_(y, bools({1, 0}), 1); }).status(), Status::kShape);
  EXPECT_EQ(error_of([&] { masked_fill(y, m, doubles({1})); }).status(), Status::kShape);
  EXPECT_EQ(error_of([&] { masked_fill(y, ints({1, 0, 0}), 1); }).status(), Status::kDType);
  EXPECT_EQ(error_of([&] { masked_fill(zeros(Dims{3}, DType::kUInt8), m, 300); }).status(),
            Status::kInvalidArgument);
  EXPECT_TRUE(matches(masked_select(x, m), {0, 2, 3, 5}));
  EXPECT_EQ(masked_select(number(1), bools({1})).sizes(), (Dims{1}));
  EXPECT_TRUE(matches(nonzero(tensor({0, 2, 0, 1}, DType::kFloat32, {2, 2})), {0, 1, 1, 1}));
  EXPECT_EQ(nonzero(number(3)).sizes(), (Dims{1, 0}));
}

TEST(Index, Advanced) {
  const Tensor x = counting({3, 4});
  EXPECT_TRUE(matches(index(x, List{ints({0, -1})}), {0, 1, 2, 3, 8, 9, 10, 11}));
  EXPECT_TRUE(matches(index(x, List{Tensor(), ints({1})}), {1, 5, 9}));
  EXPECT_TRUE(matches(index(x, List{ints({0, 2}), ints({1, -1})}), {1, 11}));
  EXPECT_TRUE(matches(index(x, List{int_matrix({0, 2}, {2, 1}), ints({0, 3})}), {0, 3, 8, 11}));
  EXPECT_TRUE(matches(index(x, List{bools({1, 0, 1}), ints({1})}), {1, 9}));
  EXPECT_TRUE(matches(index(t(x), List{bools({1, 0, 0, 0})}), {0, 4, 8}));
  const Tensor big = counting({2, 3, 4, 5});
  EXPECT_EQ(index(big, List{Tensor(), ints({0, 1}), ints({0, 1})}).sizes(), (Dims{2, 2, 5}));
  EXPECT_EQ(index(big, List{Tensor(), ints({0, 1}), Tensor(), ints({0, 1})}).sizes(),
            (Dims{2, 2, 4}));
  EXPECT_TRUE(matches(index(big, List{ints({1}), Tensor(), ints({3}), ints({4})}),
                      {60 + 19, 80 + 19, 100 + 19}));
  EXPECT_EQ(index(x, List{tensor({1}, DType::kBool, {})}).sizes(), (Dims{1, 3, 4}));
  EXPECT_EQ(index(x, List{ints({})}).sizes(), (Dims{0, 4}));
  EXPECT_EQ(index(zeros(Dims{0, 4}), List{ints({})}).sizes(), (Dims{0, 4}));
  EXPECT_EQ(error_of([&] { index(x, List{ints({3})}); }).message(),
            "index: index out of range: index 3 at dim 0 of size 3: must be in [-3, 2]");
  EXPECT_EQ(error_of([&] { index(x, List{bools({1, 0})}); }).status(), Status::kIndex);
  EXPECT_EQ(error_of([&] {
              index(x, List{ints({0}), ints({0}), ints({0})});
            }).status(),
            Status::kIndex);
  EXPECT_EQ(error_of([&] {
              index(x, List{ints({0, 1}), ints({0, 1, 2})});
            }).status(),
            Status::kIndex);
  EXPECT_EQ(error_of([&] { index(x, List{tensor({0})}); }).status(), Status::kDType);
}

TEST(Index, IndexPut) {
  const Tensor x = zeros(Dims{3, 4}, DType::kFloat64);
  index_put_(x, List{ints({0, 0, -1})}, doubles({1, 2, 3, 4}));
  EXPECT_TRUE(matches(x, {1, 2, 3, 4, 0, 0, 0, 0, 1, 2, 3, 4}));
  index_put_(x, List{ints({0, 0}), ints({1, 1})}, number(1), true);
  EXPECT_TRUE(matches(select(x, 0, 0), {1, 4, 3, 4}));
  Tensor y = t(zeros(Dims{4, 3}, DType::kFloat64));
  index_put_(y, List{Tensor(), bools({1, 0, 0, 1})}, doubles({5, 6}));
  EXPECT_TRUE(matches(y, {5, 0, 0, 6, 5, 0, 0, 6, 5, 0, 0, 6}));
  Tensor z = zeros(Dims{2, 2, 2}, DType::kFloat64);
  index_put_(z, List{ints({1}), Tensor(), ints({0})}, doubles({8, 9}));
  EXPECT_TRUE(matches(z, {0, 0, 0, 0, 8, 0, 9, 0}));
  index_put_(z, List{tensor({1}, DType::kBool, {})}, number(3));
  EXPECT_TRUE(matches(z, Doubles(8, 3)));
  EXPECT_TRUE(contains(error_of([&] {
                         index_put_(x, List{ints({0, 1, 2})}, doubles({1, 2}));
                       }),
                       "index_put_: shape mismatch: values (2,), indexed part (3, 4)"));
  EXPECT_EQ(error_of([&] { index_put_(x, List{ints({0})}, tensor({1})); }).status(),
            Status::kDType);
  EXPECT_EQ(error_of([&] { index_put_(with_grad(clone(x)), List{ints({0})}, number(1)); }).status(),
            Status::kAutograd);
}

TEST(Index, Gradients) {
  const Tensor x = mul(counting({3, 4}), number(0.1));
  const Tensor v = mul(counting({2, 4}), number(0.3));
  const Tensor rows = ints({2, 2}), cells = int_matrix({1, 0, 0, 2, 2, 1, 0, 0}, {2, 4});
  const Tensor mask = tensor({1, 0, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0}, DType::kBool, {3, 4});
  int nr = 0;  // of the case
  const auto squared = [](const Tensor& y) { return mul(y, y); };
  for (const TensorFn& f : std::vector<TensorFn>{
           [&](In in) { return squared(index_select(in[0], 0, rows)); },
           [&](In in) { return squared(gather(in[0], 0, cells)); },
           [&](In in) { return squared(scatter_add(in[0], 0, cells, in[1])); },
           [&](In in) { return squared(scatter_add(in[0], 0, slice(cells, 0, 0, 1), in[1])); },
           [&](In in) {
             return squared(scatter(in[0], 1, int_matrix({0, 2}, {2, 1}), in[1]));
           },
           [&](In in) {
             return squared(scatter(in[0], 1, int_matrix({0, 2}, {2, 1}), 5));
           },
           [&](In in) { return squared(index_add(in[0], 0, rows, in[1], 2)); },
           [&](In in) { return squared(masked_fill(in[0], mask, 3)); },
           [&](In in) {
             return squared(masked_fill(in[0], mask, select(select(in[1], 0, 0), 0, 1)));
           },
           [&](In in) { return squared(masked_select(in[0], mask)); },
           [&](In in) {
             return squared(index(in[0], List{rows, ints({1, 3})}));
           },
           [&](In in) {
             return squared(index(transpose(in[0], 0, 1), List{ints({0, 0, 3})}));
           },
           [&](In in) {
             const Tensor cube = reshape(in[0], Dims{3, 2, 2});
             return squared(index(cube, List{ints({0, 2}), Tensor(), ints({1, 1})}));
           },
           [&](In in) {
             return squared(index_put(in[0], List{ints({0, 1})}, in[1]));
           },
           [&](In in) { return squared(index_put(in[0], List{rows}, in[1], true)); },
           [&](In in) {
             const Tensor y = mul(in[0], number(2));
             masked_fill_(y, mask, 1);
             index_add_(y, 0, rows, in[1]);
             scatter_add_(y, 0, cells, in[1]);
             return squared(y);
           },
           [&](In in) {
             const Tensor y = mul(in[0], number(2));
             index_put_(select(y, 0, 1), List{ints({0, 3})}, select(in[1], 1, 0));
             return squared(y);
           },
       }) {
    SCOPED_TRACE(nr++);
    expect_gradients(f, {clone(x), clone(v)});
  }
}

TEST(Index, Meta) {
  const Tensor m = empty(Dims{3, 4}, DType::kFloat32, Device::kMeta);
  EXPECT_EQ(index_select(m, 0, to_device(ints({0, 1}), Device::kMeta)).sizes(), (Dims{2, 4}));
  EXPECT_EQ(masked_fill(m, empty(Dims{4}, DType::kBool, Device::kMeta), 1).sizes(), (Dims{3, 4}));
  EXPECT_EQ(index(m, List{to_device(ints({0, 1}), Device::kMeta)}).sizes(), (Dims{2, 4}));
  EXPECT_EQ(error_of([&] { nonzero(m); }).status(), Status::kDevice);
}

}  // namespace
}  // namespace mt
