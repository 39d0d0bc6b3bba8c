// Recurrent layers and attention of heads: values against plain ops, first and second derivatives
// against differences, for packed batches, both directions and projections; and their errors.
#include "ops/recurrent.h"

#include "ops/activation.h"
#include "ops/arithmetic.h"
#include "ops/attention.h"
#include "ops/creation.h"
#include "ops/embedding.h"
#include "ops/join.h"
#include "ops/matmul.h"
#include "ops/ops_testing.h"
#include "ops/random.h"
#include "ops/view.h"

namespace {

using namespace mt::testing;
using mt::Cell;
using mt::Dims;
using mt::DType;
using mt::Recurrent;
using mt::Status;
using mt::Tensor;

Tensor draw(Dims sizes, DType dtype = DType::kFloat64) {
  return mt::mul(mt::randn(sizes, dtype), number(0.5));
}

struct Case {
  Cell cell;
  int64_t batch, hidden, width;
  std::vector<int64_t> sizes;
  bool reverse;
};

// x, h0, c0, w_hh, bias, w_hr as the case needs them.
std::vector<Tensor> inputs_of(const Case& c, DType dtype = DType::kFloat64) {
  int64_t rows = 0;
  for (const int64_t n : c.sizes) rows += n;
  const int64_t gates = mt::gates_of(c.cell) * c.hidden;
  std::vector<Tensor> in{draw({rows, gates}, dtype), draw({c.batch, c.width}, dtype),
                         draw({gates, c.width}, dtype), draw({gates}, dtype)};
  if (c.cell == Cell::kLstm) in.push_back(draw({c.batch, c.hidden}, dtype));
  if (c.width != c.hidden) in.push_back(draw({c.width, c.hidden}, dtype));
  return in;
}

Recurrent run(const Case& c, std::span<const Tensor> in) {
  const bool lstm = c.cell == Cell::kLstm;
  return mt::recurrent(c.cell, in[0], {in[1], lstm ? in[4] : Tensor()},
                       {in[2], in[3], c.width != c.hidden ? in[5] : Tensor()}, c.sizes, c.reverse);
}

std::vector<Tensor> outputs(const Recurrent& r) {
  std::vector<Tensor> out{r.out, r.hidden};
  if (r.memory.defined()) out.push_back(r.memory);
  return out;
}

// Sample by sample, step by step.
Tensor one_step(Cell cell, const Tensor& x, const Tensor& h, Tensor& memory,
                const std::vector<Tensor>& in) {
  using mt::add;
  using mt::mul;
  const Tensor g = mt::linear(h, in[2], in[3]);
  if (cell == Cell::kGru) {
    const auto a = mt::chunk(x, 3, 1), b = mt::chunk(g, 3, 1);
    const Tensor r = mt::sigmoid(add(a[0], b[0])), z = mt::sigmoid(add(a[1], b[1]));
    const Tensor n = mt::tanh(add(a[2], mul(r, b[2])));
    return add(mul(mt::sub(number(1), z), n), mul(z, h));
  }
  if (cell == Cell::kLstm) {
    const auto a = mt::chunk(add(x, g), 4, 1);
    memory = add(mul(mt::sigmoid(a[1]), memory), mul(mt::sigmoid(a[0]), mt::tanh(a[2])));
    const Tensor out = mul(mt::sigmoid(a[3]), mt::tanh(memory));
    return in.size() > 5 ? mt::linear(out, in[5]) : out;
  }
  const Tensor sum = add(x, g);
  return cell == Cell::kTanh ? mt::tanh(sum) : mt::relu(sum);
}

void check_values(const Case& c) {
  const auto in = inputs_of(c);
  const Recurrent r = run(c, in);
  for (int64_t s = 0; s < c.batch; ++s) {
    std::vector<int64_t> rows;
    int64_t first = 0;
    for (const int64_t n : c.sizes) {
      if (s < n) rows.push_back(first + s);
      first += n;
    }
    if (c.reverse) std::reverse(rows.begin(), rows.end());
    Tensor h = mt::narrow(in[1], 0, s, 1);
    Tensor memory = c.cell == Cell::kLstm ? mt::narrow(in[4], 0, s, 1) : Tensor();
    for (const int64_t row : rows) {
      h = one_step(c.cell, mt::narrow(in[0], 0, row, 1), h, memory, in);
      EXPECT_TRUE(matches(mt::narrow(r.out, 0, row, 1), list(h), 1e-12));
    }
    EXPECT_TRUE(matches(mt::narrow(r.hidden, 0, s, 1), list(h), 1e-12));
    if (memory.defined()) {
      EXPECT_TRUE(matches(mt::narrow(r.memory, 0, s, 1), list(memory), 1e-12));
    }
  }
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const Cell cell : {Cell::kTanh, Cell::kRelu, Cell::kLstm, Cell::kGru}) {
    for (const bool reverse : {false, true}) {
      cases.push_back({cell, 3, 2, 2, {3, 3, 3}, reverse});
      cases.push_back({cell, 3, 5, 5, {3, 2, 2, 1}, reverse});
    }
  }
  for (const bool reverse : {false, true}) {
    cases.push_back({Cell::kLstm, 2, 3, 2, {2, 2, 1}, reverse});
  }
  return cases;
}

TEST(Recurrent, ComputesItsSteps) {
  for (const Case& c : all_cases()) check_values(c);
}

TEST(Recurrent, HasItsDerivatives) {
  mt::manual_seed(1);
  for (const Case& c : all_cases()) {
    auto in = inputs_of(c);
    for (Tensor& t : in) set_requires_grad(t, true);
    const mt::GradCheckFn fn = [&](std::span<const Tensor> x) { return outputs(run(c, x)); };
    const auto first = mt::gradcheck(fn, in);
    EXPECT_TRUE(first) << first.message;
    if (c.hidden > 3) continue;
    const auto second = mt::gradgradcheck(fn, in);
    EXPECT_TRUE(second) << second.message;
  }
}

TEST(Recurrent, OneTensorInTwoPlaces) {
  const Case c{Cell::kLstm, 2, 2, 2, {2, 2}, false};
  const auto in = inputs_of(c);
  expect_gradients(
      [&](std::span<const Tensor> s) {
        const std::vector<Tensor> x{in[0], s[0], in[2], in[3], s[0]};
        return run(c, x).out;
      },
      {in[1]});
}

TEST(Recurrent, HalfTypesAreComputedInFloat) {
  const Case c{Cell::kGru, 2, 3, 3, {2, 1}, false};
  auto in = inputs_of(c, DType::kFloat32);
  for (Tensor& t : in) t = mt::to(mt::to(t, DType::kBFloat16), DType::kFloat32);
  std::vector<Tensor> half;
  for (const Tensor& t : in) half.push_back(mt::to(t, DType::kBFloat16));
  const Tensor want = mt::to(run(c, in).out, DType::kBFloat16);
  EXPECT_TRUE(matches(run(c, half).out, list(want)));
}

TEST(Recurrent, OnMetaAndErrors) {
  const Case c{Cell::kLstm, 3, 2, 2, {3, 2}, false};
  std::vector<Tensor> meta;
  for (const Tensor& t : inputs_of(c)) {
    meta.push_back(Tensor::empty(t.sizes(), t.dtype(), mt::Device::kMeta));
  }
  EXPECT_EQ(run(c, meta).out.sizes(), (Dims{5, 2}));
  auto in = inputs_of(c);
  Case longer = c;
  longer.sizes = {2, 3};
  EXPECT_EQ(error_of([&] { run(longer, in); }).status(), Status::kShape);
  in[2] = draw({8, 3});
  EXPECT_TRUE(contains(error_of([&] { run(c, in); }), "recurrent: shape mismatch"));
  in[2] = draw({8, 2}, DType::kFloat32);
  EXPECT_EQ(error_of([&] { run(c, in); }).status(), Status::kDType);
}

// --- attention -----------------------------------------------------------------------------------

mt::HeadOptions heads(int64_t n, int64_t size, bool batch_first, bool weights = true) {
  mt::HeadOptions o;
  o.heads = n;
  o.size = size;
  o.batch_first = batch_first;
  o.want_weights = weights;
  return o;
}

TEST(HeadAttention, IsAttentionOfEachHead) {
  for (const bool batch_first : {false, true}) {
    const int64_t b = 2, l = 3, s = 4, h = 2, d = 3;
    const auto sizes = [&](int64_t t) {
      return batch_first ? Dims{b, t, h * d} : Dims{t, b, h * d};
    };
    const Tensor q = draw(sizes(l)), k = draw(sizes(s)), v = draw(sizes(s));
    const Tensor mask = draw({1, h, l, s});
    const auto a = mt::head_attention({q}, {k}, {v}, mask, heads(h, d, batch_first));
    const auto split = [&](const Tensor& t) {
      return mt::permute(mt::unflatten(t, 2, Dims{h, d}),
                         batch_first ? Dims{0, 2, 1, 3} : Dims{1, 2, 0, 3});
    };
    const auto want = mt::scaled_dot_product_attention(split(q), split(k), split(v), mask);
    EXPECT_TRUE(matches(split(a.output), list(want.output), 1e-12));
    EXPECT_TRUE(matches(a.weights, list(want.weights), 1e-12));
  }
}

TEST(HeadAttention, HasItsDerivatives) {
  const auto both = [](const mt::Attention& a) { return std::vector<Tensor>{a.output, a.weights}; };
  for (const bool batch_first : {false, true}) {
    // One tensor holds all three, with columns that nobody reads.
    const mt::GradCheckFn packed = [&](std::span<const Tensor> x) {
      return both(
          mt::head_attention({x[0], 0}, {x[0], 5}, {x[0], 9}, {}, heads(2, 2, batch_first)));
    };
    std::vector<Tensor> in{with_grad(draw({2, 3, 13}))};
    auto r = mt::gradcheck(packed, in);
    EXPECT_TRUE(r) << r.message;
    r = mt::gradgradcheck(packed, in);
    EXPECT_TRUE(r) << r.message;
    // Two tensors and a mask that wants a gradient.
    const mt::GradCheckFn masked = [&](std::span<const Tensor> x) {
      return both(mt::head_attention({x[0]}, {x[1], 0}, {x[1], 2}, x[2], heads(1, 2, batch_first)));
    };
    in = {with_grad(draw({2, 2, 2})), with_grad(draw({2, 2, 4})), with_grad(draw({1, 2, 2}))};
    r = mt::gradcheck(masked, in);
    EXPECT_TRUE(r) << r.message;
    r = mt::gradgradcheck(masked, in);
    EXPECT_TRUE(r) << r.message;
  }
}

TEST(HeadAttention, DropsWeights) {
  const Tensor x = draw({4, 2, 12});
  mt::HeadOptions o = heads(2, 2, false);
  o.dropout_p = 0.5;
  const auto fn = [&](std::span<const Tensor> in) {
    mt::manual_seed(3);
    return mt::head_attention({in[0], 0}, {in[0], 4}, {in[0], 8}, {}, o).output;
  };
  expect_gradients(fn, {x});
  mt::manual_seed(3);
  const Tensor w = mt::head_attention({x, 0}, {x, 4}, {x, 8}, {}, o).weights;
  int zeros = 0;
  for (const double v : list(w)) zeros += v == 0;
  EXPECT_GT(zeros, 10);
  EXPECT_LT(zeros, 50);
}

TEST(HeadAttention, ChecksItsArguments) {
  const Tensor x = draw({4, 2, 12});
  EXPECT_EQ(error_of([&] {
              mt::head_attention({x, 0}, {x, 4}, {x, 9}, {}, heads(2, 2, false));
            }).status(),
            Status::kShape);
  EXPECT_TRUE(
      contains(error_of([&] {
                 mt::head_attention({x, 0}, {x, 4}, {x, 8}, draw({3, 4}), heads(2, 2, false));
               }),
               "mask (3, 4)"));
  const Tensor meta = Tensor::empty({{4, 2, 12}}, DType::kFloat32, mt::Device::kMeta);
  const auto a = mt::head_attention({meta, 0}, {meta, 4}, {meta, 8}, {}, heads(2, 2, false));
  EXPECT_EQ(a.output.sizes(), (Dims{4, 2, 4}));
}

}  // namespace
