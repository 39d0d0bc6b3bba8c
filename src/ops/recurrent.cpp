// Recurrent layers: see recurrent.h. Each step is one matrix product and one kernel; backward goes
// the steps in the opposite order and forms the weights' gradients at the end, of all steps at
// once. Under create_graph the layer is composed of recorded ops and differentiated as these are.
#include "ops/recurrent.h"

#include <cstring>
#include <vector>

#include "autograd/engine.h"
#include "ops/activation.h"
#include "ops/join.h"
#include "ops/matmul.h"
#include "ops/product.h"
#include "ops/reduce.h"
#include "ops/rules.h"
#include "ops/view.h"

namespace mt {
namespace {

using namespace tensor_math;

// The sizes of a layer and the order of its steps.
struct Plan {
  Cell cell;
  int64_t batch, hidden, width, gates, rows;  // gates: all of a row
  std::vector<int64_t> first;                 // of every step's rows; and the end
  bool reverse;

  int64_t steps() const { return static_cast<int64_t>(first.size()) - 1; }
  int64_t step(int64_t k) const { return reverse ? steps() - 1 - k : k; }  // the k-th to be done
  int64_t begin(int64_t t) const { return first[static_cast<size_t>(t)]; }
  int64_t count(int64_t t) const { return begin(t + 1) - begin(t); }
};

Tensor rows_of(const Tensor& t, int64_t begin, int64_t count) {
  return t.alias({{count, t.size(1)}}, {{t.size(1), 1}}, t.offset() + begin * t.size(1));
}

Tensor buffer(const Tensor& like, int64_t rows, int64_t columns) {
  return Tensor::empty({{rows, columns}}, like.dtype(), like.device());
}

void copy_rows(const Tensor& to, const Tensor& from) {
  if (!to.is_meta() && to.numel() != 0) std::memcpy(to.data(), from.data(), to.bytes());
}

// A state that the steps may write to.
Tensor own_state(const Tensor& t) {
  const Tensor out = Tensor::empty(t.sizes(), t.dtype(), t.device());
  copy_values(out, t);
  return out;
}

void* data_of(const Tensor& t) { return t.defined() ? t.data() : nullptr; }

// What forward leaves for backward: rows of all steps, or of one when nothing is recorded.
struct Trace {
  Tensor states;    // the hidden state before each step
  Tensor gates;     // an lstm's and a gru's gates
  Tensor memories;  // an lstm's state before each step
  Tensor tanhs;     // and its tanh after it
  Tensor full;      // its output before the projection
};

Trace trace_for(const Plan& p, const Tensor& x, bool projected, bool keep) {
  const int64_t rows = keep ? p.rows : p.batch;
  Trace t;
  t.states = buffer(x, rows, p.width);
  if (p.cell == Cell::kLstm || p.cell == Cell::kGru) t.gates = buffer(x, rows, 4 * p.hidden);
  if (p.cell == Cell::kLstm) {
    t.memories = buffer(x, rows, p.hidden);
    t.tanhs = buffer(x, rows, p.hidden);
    if (projected) t.full = buffer(x, rows, p.hidden);
  }
  return t;
}

Tensor part(const Tensor& t, int64_t begin, int64_t count) {
  return t.defined() ? rows_of(t, begin, count) : Tensor();
}

Recurrent run(const Plan& p, const Tensor& x, const RecurrentState& start,
              const RecurrentWeights& w, const Trace& trace, bool keep) {
  Recurrent r{buffer(x, p.rows, p.width), own_state(start.hidden), {}};
  if (start.memory.defined()) r.memory = own_state(start.memory);
  const Tensor product = buffer(x, p.batch, p.gates);
  const Tensor bias = w.bias.defined() ? contiguous_values(w.bias) : Tensor();
  for (int64_t k = 0; k < p.steps(); ++k) {
    const int64_t t = p.step(k), begin = p.begin(t), n = p.count(t), at = keep ? begin : 0;
    if (n == 0) continue;
    const Tensor states = rows_of(trace.states, at, n), out = rows_of(r.out, begin, n);
    copy_rows(states, rows_of(r.hidden, 0, n));
    const Tensor h = rows_of(product, 0, n);
    multiply_into("recurrent", h, matrix_of(states), matrix_of(w.hidden).t());
    const Tensor full = part(trace.full, at, n);
    if (!x.is_meta()) {
      CellStep s{};
      s.cell = p.cell;
      s.rows = n;
      s.hidden = p.hidden;
      s.x = rows_of(x, begin, n).data();
      s.h = h.data();
      s.bias = data_of(bias);
      s.saved = data_of(part(trace.gates, at, n));
      s.state = states.data();
      s.memory = data_of(r.memory);
      s.memory_before = data_of(part(trace.memories, at, n));
      s.memory_tanh = data_of(part(trace.tanhs, at, n));
      s.out = full.defined() ? full.data() : out.data();
      cpu::cell_step(x.dtype(), s);
    }
    if (full.defined())
      multiply_into("recurrent", out, matrix_of(full), matrix_of(w.projection).t());
    copy_rows(rows_of(r.hidden, 0, n), out);
  }
  return r;
}

// Gradients in the order of the node's inputs.
enum Input { kX, kHidden, kMemory, kWeight, kBias, kProjection, kInputs };

Grads run_backward(const Plan& p, const GradIn& g, const Trace& trace, const Tensor& out,
                   const Tensor& weight, const Tensor& projection) {
  const bool gru = p.cell == Cell::kGru, lstm = p.cell == Cell::kLstm;
  const Tensor dx = buffer(weight, p.rows, p.gates);
  const Tensor dgates = gru ? buffer(weight, p.rows, p.gates) : dx;
  const Tensor dhidden = own_state(g.or_zeros(1));
  const Tensor dmemory = lstm ? own_state(g.or_zeros(2)) : Tensor();
  const Tensor dout = g[0].defined() ? contiguous_values(g[0]) : Tensor();
  const Tensor dprojected = trace.full.defined() ? buffer(weight, p.rows, p.width) : Tensor();
  const Tensor dfull = trace.full.defined() ? buffer(weight, p.batch, p.hidden) : Tensor();
  for (int64_t k = p.steps() - 1; k >= 0; --k) {
    const int64_t t = p.step(k), begin = p.begin(t), n = p.count(t);
    if (n == 0) continue;
    const Tensor dh = rows_of(dhidden, 0, n), more = part(dout, begin, n);
    const Tensor dg = rows_of(dgates, begin, n);
    if (dprojected.defined()) {
      const Tensor dp = rows_of(dprojected, begin, n);
      copy_rows(dp, dh);
      if (more.defined()) add_(dp, more);
      multiply_into("recurrent", rows_of(dfull, 0, n), matrix_of(dp), matrix_of(projection));
    }
    if (!weight.is_meta()) {
      CellStepBackward s{};
      s.cell = p.cell;
      s.rows = n;
      s.hidden = p.hidden;
      s.saved = data_of(part(trace.gates, begin, n));
      s.state =
          gru || lstm ? rows_of(trace.states, begin, n).data() : rows_of(out, begin, n).data();
      s.memory_before = data_of(part(trace.memories, begin, n));
      s.memory_tanh = data_of(part(trace.tanhs, begin, n));
      s.grad = dfull.defined() ? dfull.data() : dh.data();
      s.more = dfull.defined() ? nullptr : data_of(more);
      s.memory = data_of(dmemory);
      s.x = rows_of(dx, begin, n).data();
      s.h = dg.data();
      s.direct = dh.data();
      cpu::cell_step_backward(weight.dtype(), s);
    }
    multiply_into("recurrent", dh, matrix_of(dg), matrix_of(weight), 1, gru ? 1 : 0);
  }
  Grads r(kInputs);
  r[kX] = dx;
  r[kHidden] = dhidden;
  if (lstm) r[kMemory] = dmemory;
  if (g.needs(kWeight)) {
    r[kWeight] = multiply("recurrent", matrix_of(dgates).t(), matrix_of(trace.states));
  }
  if (g.needs(kBias)) r[kBias] = sum(dgates, {{0}});
  if (g.needs(kProjection)) {
    r[kProjection] = multiply("recurrent", matrix_of(dprojected).t(), matrix_of(trace.full));
  }
  return r;
}

// The same layer of recorded ops.
Recurrent composed(const Plan& p, const Tensor& x, const RecurrentState& start,
                   const RecurrentWeights& w) {
  TensorList outs(static_cast<int>(p.steps()));
  Recurrent r{{}, start.hidden, start.memory};
  const auto replace = [](const Tensor& all, const Tensor& top) {
    const int64_t n = top.size(0);
    if (n == all.size(0)) return top;
    const Tensor parts[] = {top, narrow(all, 0, n, all.size(0) - n)};
    return cat(std::span<const Tensor>(parts));
  };
  for (int64_t k = 0; k < p.steps(); ++k) {
    const int64_t t = p.step(k), n = p.count(t);
    const Tensor xt = narrow(x, 0, p.begin(t), n), old = narrow(r.hidden, 0, 0, n);
    const Tensor ht = linear(old, w.hidden, w.bias);
    Tensor next;
    if (p.cell == Cell::kGru) {
      const TensorList a = chunk(xt, 3, 1), b = chunk(ht, 3, 1);
      const Tensor reset = sigmoid(a[0] + b[0]), update = sigmoid(a[1] + b[1]);
      const Tensor fresh = tanh(a[2] + reset * b[2]);
      next = (old - fresh) * update + fresh;
    } else if (p.cell == Cell::kLstm) {
      const TensorList a = chunk(xt + ht, 4, 1);
      const Tensor memory = sigmoid(a[1]) * narrow(r.memory, 0, 0, n) + sigmoid(a[0]) * tanh(a[2]);
      next = sigmoid(a[3]) * tanh(memory);
      if (w.projection.defined()) next = linear(next, w.projection);
      r.memory = replace(r.memory, memory);
    } else {
      next = p.cell == Cell::kRelu ? relu(xt + ht) : tanh(xt + ht);
    }
    outs[static_cast<int>(t)] = next;
    r.hidden = replace(r.hidden, next);
  }
  r.out = cat(outs);
  return r;
}

Grads composed_backward(const Plan& p, const GradIn& g, const Tensor (&saved)[kInputs]) {
  // An input given twice is two inputs here.
  Tensor own[kInputs];
  TensorList wanted;
  for (int i = 0; i < kInputs; ++i) {
    if (saved[i].defined()) own[i] = slice(saved[i], 0, {}, {});
    if (g.needs(i)) wanted.push_back(own[i]);
  }
  const Recurrent r = composed(p, own[kX], {own[kHidden], own[kMemory]},
                               {own[kWeight], own[kBias], own[kProjection]});
  TensorList outs, grads;
  const Tensor* all[] = {&r.out, &r.hidden, &r.memory};
  for (int i = 0; i < g.size(); ++i) {
    if (!g[i].defined()) continue;
    outs.push_back(*all[i]);
    grads.push_back(g[i]);
  }
  const Grads found = grad(outs, wanted, grads, true, true, true);
  Grads result(kInputs);
  for (int i = 0, at = 0; i < kInputs; ++i) {
    if (g.needs(i)) result[i] = found[at++];
  }
  return result;
}

Plan checked_plan(Cell cell, const Tensor& x, const RecurrentState& s, const RecurrentWeights& w,
                  IntSpan batch_sizes, bool reverse) {
  constexpr std::string_view kOp = "recurrent";
  check_defined(kOp, "x", x);
  check_defined(kOp, "hidden state", s.hidden);
  check_defined(kOp, "weight", w.hidden);
  if (cell == Cell::kLstm) check_defined(kOp, "cell state", s.memory);
  check_devices(kOp, {&x, &s.hidden, &s.memory, &w.hidden, &w.bias, &w.projection});
  check_floating(kOp, x);
  for (const Tensor* t : {&s.hidden, &s.memory, &w.hidden, &w.bias, &w.projection}) {
    if (t->defined()) check_same_dtype(kOp, "input", x, "state or weight", *t);
  }
  Plan p{cell, 0, 0, 0, 0, 0, {0}, reverse};
  const auto refuse = [&] {
    fail(Status::kShape, kOp, ": shape mismatch: gates ", shape_string(x.sizes()),
         ", hidden state ", shape_string(s.hidden.sizes()), ", weight ",
         shape_string(w.hidden.sizes()), ", ", batch_sizes.size(), " steps",
         ": must be (rows, gates), (batch, width) and (gates, width), with batch sizes that do not "
         "grow and add up to the rows");
  };
  if (x.dim() != 2 || s.hidden.dim() != 2 || w.hidden.dim() != 2) refuse();
  p.gates = x.size(1);
  p.hidden = p.gates / gates_of(cell);
  p.width = w.hidden.size(1);
  p.batch = s.hidden.size(0);
  p.rows = x.size(0);
  int64_t before = p.batch;
  for (const int64_t n : batch_sizes) {
    if (n < 0 || n > before) refuse();
    p.first.push_back(p.first.back() + n);
    before = n;
  }
  const bool memory_fits =
      cell != Cell::kLstm ||
      (s.memory.dim() == 2 && s.memory.size(0) == p.batch && s.memory.size(1) == p.hidden);
  const bool projection_fits = w.projection.defined()
                                   ? w.projection.dim() == 2 && w.projection.size(0) == p.width &&
                                         w.projection.size(1) == p.hidden
                                   : p.width == p.hidden;
  if (p.first.back() != p.rows || p.gates != p.hidden * gates_of(cell) ||
      w.hidden.size(0) != p.gates || s.hidden.size(1) != p.width || !memory_fits ||
      !projection_fits || (w.bias.defined() && !(w.bias.sizes() == Dims{p.gates}))) {
    refuse();
  }
  return p;
}

}  // namespace

Recurrent recurrent(Cell cell, const Tensor& x, const RecurrentState& state,
                    const RecurrentWeights& weights, IntSpan batch_sizes, bool reverse) {
  Plan plan = checked_plan(cell, x, state, weights, batch_sizes, reverse);
  if (x.dtype() != DType::kFloat32 && x.dtype() != DType::kFloat64) {  // half types widen
    const auto wide = [](const Tensor& t) { return t.defined() ? to(t, DType::kFloat32) : t; };
    const Recurrent r = recurrent(
        cell, wide(x), {wide(state.hidden), wide(state.memory)},
        {wide(weights.hidden), wide(weights.bias), wide(weights.projection)}, batch_sizes, reverse);
    return {to(r.out, x.dtype()), to(r.hidden, x.dtype()),
            r.memory.defined() ? to(r.memory, x.dtype()) : Tensor()};
  }
  const bool records =
      recording(x, state.hidden, state.memory, weights.hidden, weights.bias, weights.projection);
  Trace trace = trace_for(plan, x, weights.projection.defined(), records);
  Recurrent r = run(plan, contiguous_values(x), state, weights, trace, records);
  if (!records) return r;
  const Tensor* inputs[kInputs] = {
      &x, &state.hidden, &state.memory, &weights.hidden, &weights.bias, &weights.projection};
  struct Saved {
    SavedTensor states, gates, memories, tanhs, full, out;
    SavedTensor inputs[kInputs];
  };
  const auto kept = [](const Tensor& t) { return save_if(t.defined(), t); };
  Saved saved{kept(trace.states),
              kept(trace.gates),
              kept(trace.memories),
              kept(trace.tanhs),
              kept(trace.full),
              save_output(r.out),
              {}};
  for (int i = 0; i < kInputs; ++i) saved.inputs[i] = kept(*inputs[i]);
  auto rule = [plan = std::move(plan), saved = std::move(saved)](const GradIn& g) -> Grads {
    const auto get = [&](const SavedTensor& t) { return t.defined() ? t.get(g) : Tensor(); };
    if (g.create_graph()) {
      Tensor in[kInputs];
      for (int i = 0; i < kInputs; ++i) in[i] = get(saved.inputs[i]);
      return composed_backward(plan, g, in);
    }
    const Trace t{get(saved.states), get(saved.gates), get(saved.memories), get(saved.tanhs),
                  get(saved.full)};
    return run_backward(plan, g, t, saved.out.get(g), get(saved.inputs[kWeight]),
                        get(saved.inputs[kProjection]));
  };
  const Ref<Node> node = make_rule<true>("RecurrentBackward0", inputs, std::move(rule));
  attach(node, r.out);
  attach(node, r.hidden);
  if (r.memory.defined()) attach(node, r.memory);
  return r;
}

}  // namespace mt
