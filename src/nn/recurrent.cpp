// RNN, LSTM and GRU as modules, with the names, order and initial values of torch.nn's parameters.

#include <cmath>

#include "nn/arity.h"
#include "nn/init.h"
#include "nn/layer_options.h"
#include "ops/creation.h"
#include "ops/index.h"
#include "ops/join.h"
#include "ops/matmul.h"
#include "ops/random.h"
#include "ops/recurrent.h"
#include "ops/rules.h"
#include "ops/view.h"

namespace mt::nn {
namespace {

Cell plain_cell(std::string_view module, std::string_view nonlinearity) {
  if (nonlinearity != "tanh" && nonlinearity != "relu") {
    fail(Status::kInvalidArgument, module, ": unknown nonlinearity: '", nonlinearity,
         "': must be 'tanh' or 'relu'");
  }
  return nonlinearity == "tanh" ? Cell::kTanh : Cell::kRelu;
}

void check_sizes(std::string_view module, int64_t input_size, int64_t hidden_size) {
  constexpr int64_t kMost = int64_t{1} << 48;  // beyond any memory, and far from overflow
  if (input_size >= 0 && input_size <= kMost && hidden_size > 0 && hidden_size <= kMost) return;
  fail(Status::kInvalidArgument, module, ": size out of range: input_size ", input_size,
       ", hidden_size ", hidden_size,
       ": input_size must be >= 0, hidden_size > 0, both at most 2^48");
}

void fill_parameters(const NamedTensors& parameters, int64_t hidden_size) {
  const double bound = 1 / std::sqrt(static_cast<double>(hidden_size));
  for (const auto& [name, p] : parameters) {
    if (p.defined()) init::uniform_(p, -bound, bound);
  }
}

// The biases of input and hidden state take effect as one, except in a GRU.
Tensor input_bias(Cell cell, const Tensor& ih, const Tensor& hh) {
  return cell == Cell::kGru || !ih.defined() || !hh.defined() ? ih : add(ih, hh);
}
Tensor hidden_bias(Cell cell, const Tensor& hh) { return cell == Cell::kGru ? hh : Tensor(); }

// What the three layers have in common; made from the options at every call, since these may
// change.
struct Shape {
  Cell cell;
  int64_t input_size, hidden_size, num_layers, proj_size;
  bool bias, batch_first, bidirectional;
  double dropout;

  int64_t directions() const { return bidirectional ? 2 : 1; }
  int64_t width() const { return proj_size > 0 ? proj_size : hidden_size; }
  bool lstm() const { return cell == Cell::kLstm; }
  size_t per_direction() const { return 2 + (bias ? 2 : 0) + static_cast<size_t>(proj_size > 0); }
};

Shape shape_of(const RNNOptions& o) {
  return {plain_cell("RNN", o.nonlinearity),
          o.input_size,
          o.hidden_size,
          o.num_layers,
          0,
          o.bias,
          o.batch_first,
          o.bidirectional,
          o.dropout};
}
Shape shape_of(const GRUOptions& o) {
  return {Cell::kGru, o.input_size,  o.hidden_size,   o.num_layers, 0,
          o.bias,     o.batch_first, o.bidirectional, o.dropout};
}
Shape shape_of(const LSTMOptions& o) {
  return {Cell::kLstm, o.input_size,  o.hidden_size,   o.num_layers, o.proj_size,
          o.bias,      o.batch_first, o.bidirectional, o.dropout};
}

void check_shape(std::string_view module, const Shape& s) {
  check_sizes(module, s.input_size, s.hidden_size);
  if (s.num_layers < 1 || s.num_layers > kMostLayers) {
    fail(Status::kInvalidArgument, module, ": size out of range: num_layers ", s.num_layers,
         ": must be in [1, ", kMostLayers, "]");
  }
  if (!(s.dropout >= 0 && s.dropout <= 1)) {
    fail(Status::kInvalidArgument, module, ": dropout out of range: ", s.dropout,
         ": the probability must be in [0, 1]");
  }
  if (s.proj_size < 0 || s.proj_size >= s.hidden_size) {
    fail(Status::kInvalidArgument, module, ": proj_size out of range: ", s.proj_size,
         ": must be 0, or positive and smaller than hidden_size ", s.hidden_size);
  }
}

// One call of a layer.
class RecurrentCall {
 public:
  RecurrentCall(const Module& m, const Shape& s) : m_(m), name_(m.type_name()), s_(s) {}
  TensorList run(std::span<const Tensor> inputs);

 private:
  void read(const Tensor& x, const Tensor& batch_sizes);
  Tensor start(const char* name, const Tensor& given, int64_t features) const;
  Recurrent direction(const Tensor& h, const Tensor& c, int64_t at, bool reverse) const;
  Tensor final_state(const TensorList& list) const;

  const Module& m_;
  const std::string& name_;
  const Shape s_;
  Tensor rows_;  // of all steps: the input, then each layer's output
  Dims batch_sizes_;
  int64_t batch_ = 0;
  bool packed_ = false, batched_ = true;
  Tensor sorted_, unsorted_;
};

// The input as rows, step by step.
void RecurrentCall::read(const Tensor& x, const Tensor& batch_sizes) {
  packed_ = batch_sizes.defined();
  const bool fits = packed_ ? x.dim() == 2 : x.dim() == 2 || x.dim() == 3;
  if (!fits || x.size(x.dim() - 1) != s_.input_size) {
    fail(Status::kShape, name_, ": shape mismatch: input ", shape_string(x.sizes()),
         packed_ ? ", packed" : "", ": must have ", packed_ ? "2 dims" : "2 or 3 dims",
         ", the last of input_size ", s_.input_size);
  }
  if (packed_) {
    if (batch_sizes.dim() != 1 || batch_sizes.dtype() != DType::kInt64 || batch_sizes.is_meta()) {
      fail(Status::kInvalidArgument, name_,
           ": wrong batch_sizes: ", dtype_name(batch_sizes.dtype()), " ",
           shape_string(batch_sizes.sizes()), ": must be int64, 1-D and on cpu");
    }
    const Tensor sizes = contiguous_values(batch_sizes);
    batch_sizes_.assign({sizes.data_as<const int64_t>(), static_cast<size_t>(sizes.numel())});
    rows_ = x;
    batch_ = batch_sizes_.empty() ? 0 : batch_sizes_[0];
  } else {
    batched_ = x.dim() == 3;
    Tensor by_time = batched_ ? x : unsqueeze(x, 1);
    if (batched_ && s_.batch_first) by_time = transpose(x, 0, 1);
    batch_ = by_time.size(1);
    batch_sizes_ = Dims(static_cast<int>(by_time.size(0)), batch_);
    rows_ = reshape(by_time, {{by_time.size(0) * batch_, s_.input_size}});
  }
  if (batch_sizes_.empty()) {
    fail(Status::kShape, name_, ": no steps: input ", shape_string(x.sizes()),
         ": the sequence must have at least one step");
  }
}

// The initial state (layers * directions, batch, features): zeros unless given.
Tensor RecurrentCall::start(const char* name, const Tensor& given, int64_t features) const {
  const Dims sizes{s_.num_layers * s_.directions(), batch_, features};
  if (!given.defined()) return zeros(sizes, rows_.dtype(), rows_.device());
  const Dims wanted = batched_ ? sizes : Dims{sizes[0], features};
  if (!(given.sizes() == wanted)) {
    fail(Status::kShape, name_, ": shape mismatch: ", name, " ", shape_string(given.sizes()),
         ": must be ", shape_string(wanted));
  }
  if (!batched_) return unsqueeze(given, 1);
  return sorted_.defined() ? index_select(given, 1, sorted_) : given;
}

Recurrent RecurrentCall::direction(const Tensor& h, const Tensor& c, int64_t at,
                                   bool reverse) const {
  const size_t n = s_.per_direction(), first = static_cast<size_t>(at) * n;
  const NamedTensors& all = m_.own_parameters();
  if (all.size() < first + n) {
    fail(Status::kState, name_, ": parameters are missing: has ", all.size(), ": ", first + n,
         " are needed; they must not be unregistered");
  }
  const auto parameter = [&](size_t i) { return all[first + i].second; };
  const Tensor bias_ih = s_.bias ? parameter(2) : Tensor();
  const Tensor bias_hh = s_.bias ? parameter(3) : Tensor();
  const Tensor gates = linear(rows_, parameter(0), input_bias(s_.cell, bias_ih, bias_hh));
  const RecurrentWeights weights{parameter(1), hidden_bias(s_.cell, bias_hh),
                                 s_.proj_size > 0 ? parameter(n - 1) : Tensor()};
  const RecurrentState state{select(h, 0, at), c.defined() ? select(c, 0, at) : Tensor()};
  return recurrent(s_.cell, gates, state, weights, batch_sizes_, reverse);
}

Tensor RecurrentCall::final_state(const TensorList& list) const {
  const Tensor all = stack(list);
  if (!batched_) return squeeze(all, 1);
  return unsorted_.defined() ? index_select(all, 1, unsorted_) : all;
}

TensorList RecurrentCall::run(std::span<const Tensor> inputs) {
  const size_t states = s_.lstm() ? 2 : 1;
  check_some_inputs(name_, inputs, 1, states + 4);
  sorted_ = optional_input(inputs, states + 2);
  unsorted_ = optional_input(inputs, states + 3);
  read(inputs[0], optional_input(inputs, states + 1));
  const Tensor h0 = optional_input(inputs, 1), c0 = optional_input(inputs, 2);
  if (s_.lstm() && h0.defined() != c0.defined()) {
    fail(Status::kInvalidArgument, name_,
         ": missing argument: one of h_0 and c_0: give both or none");
  }
  const Tensor h = start("h_0", h0, s_.width());
  const Tensor c = s_.lstm() ? start("c_0", c0, s_.hidden_size) : Tensor();
  TensorList hidden, memory;
  for (int64_t layer = 0; layer < s_.num_layers; ++layer) {
    TensorList outs;
    for (int64_t d = 0; d < s_.directions(); ++d) {
      const Recurrent r = direction(h, c, layer * s_.directions() + d, d == 1);
      outs.push_back(r.out);
      hidden.push_back(r.hidden);
      if (s_.lstm()) memory.push_back(r.memory);
    }
    rows_ = outs.size() == 1 ? outs[0] : mt::cat(outs, 1);
    if (s_.dropout > 0 && m_.training() && layer + 1 < s_.num_layers) {
      rows_ = mt::dropout(rows_, s_.dropout, true);
    }
  }
  Tensor out = rows_;
  if (!packed_ && batched_) {
    out = reshape(out, {{batch_sizes_.size(), batch_, out.size(1)}});
    if (s_.batch_first) out = transpose(out, 0, 1);
  }
  TensorList result{out, final_state(hidden)};
  if (s_.lstm()) result.push_back(final_state(memory));
  return result;
}

template <class Options>
class RecurrentLayer final : public Layer<RecurrentLayer<Options>, Options> {
 public:
  explicit RecurrentLayer(Options given) : Layer<RecurrentLayer, Options>(std::move(given)) {
    const Shape s = shape_of(this->options_);
    check_shape(this->type_name(), s);
    for (int64_t layer = 0; layer < s.num_layers; ++layer) {
      const int64_t in = layer == 0 ? s.input_size : s.width() * s.directions();
      register_direction(s, layer, in, "");
      if (s.bidirectional) register_direction(s, layer, in, "_reverse");
    }
    fill_parameters(this->parameters_, s.hidden_size);
  }
  TensorList forward(std::span<const Tensor> inputs) override {
    return RecurrentCall(*this, shape_of(this->options_)).run(inputs);
  }

 private:
  void register_direction(const Shape& s, int64_t layer, int64_t in, const char* suffix) {
    const int64_t gates = gates_of(s.cell) * s.hidden_size;
    const auto make = [&](const char* name, IntSpan sizes) {
      this->register_parameter(
          mt::cat(name, "_l", layer, suffix),
          make_parameter(Tensor::empty(sizes, this->options_.dtype, this->options_.device,
                                       this->type_name())));
    };
    make("weight_ih", {{gates, in}});
    make("weight_hh", {{gates, s.width()}});
    if (s.bias) {
      make("bias_ih", {{gates}});
      make("bias_hh", {{gates}});
    }
    if (s.proj_size > 0) make("weight_hr", {{s.proj_size, s.hidden_size}});
  }
};

Cell cell_of(const RNNCellOptions& o) { return plain_cell("RNNCell", o.nonlinearity); }
Cell cell_of(const LSTMCellOptions&) { return Cell::kLstm; }
Cell cell_of(const GRUCellOptions&) { return Cell::kGru; }

TensorList run_cell(const Module& m, Cell cell, int64_t input_size, int64_t hidden_size,
                    std::span<const Tensor> inputs) {
  const std::string& name = m.type_name();
  const bool lstm = cell == Cell::kLstm;
  check_some_inputs(name, inputs, 1, lstm ? 3 : 2);
  const Tensor& given = inputs[0];
  if ((given.dim() != 1 && given.dim() != 2) || given.size(given.dim() - 1) != input_size) {
    fail(Status::kShape, name, ": shape mismatch: input ", shape_string(given.sizes()),
         ": must have 1 or 2 dims, the last of input_size ", input_size);
  }
  const bool batched = given.dim() == 2;
  const Tensor x = batched ? given : unsqueeze(given, 0);
  const auto state = [&](size_t i) {
    const Tensor t = optional_input(inputs, i);
    if (!t.defined()) return zeros({{x.size(0), hidden_size}}, x.dtype(), x.device());
    const Dims wanted = batched ? Dims{x.size(0), hidden_size} : Dims{hidden_size};
    if (!(t.sizes() == wanted)) {
      fail(Status::kShape, name, ": shape mismatch: hidden state ", shape_string(t.sizes()),
           ": must be ", shape_string(wanted));
    }
    return batched ? t : unsqueeze(t, 0);
  };
  const auto p = [&](size_t i) { return m.own_parameters().at(i).second; };
  const Tensor gates = linear(x, p(0), input_bias(cell, p(2), p(3)));
  const int64_t rows[] = {x.size(0)};
  const Recurrent r = recurrent(cell, gates, {state(1), lstm ? state(2) : Tensor()},
                                {p(1), hidden_bias(cell, p(3)), {}}, rows);
  const auto shaped = [&](const Tensor& t) { return batched ? t : squeeze(t, 0); };
  TensorList result{shaped(r.hidden)};
  if (lstm) result.push_back(shaped(r.memory));
  return result;
}

template <class Options>
class RecurrentCell final : public Layer<RecurrentCell<Options>, Options> {
 public:
  explicit RecurrentCell(Options given) : Layer<RecurrentCell, Options>(std::move(given)) {
    const Options& o = this->options_;
    check_sizes(this->type_name(), o.input_size, o.hidden_size);
    const int64_t gates = gates_of(cell_of(o)) * o.hidden_size;
    const auto make = [&](const char* name, IntSpan sizes, bool there) {
      this->register_parameter(
          name, there ? make_parameter(Tensor::empty(sizes, o.dtype, o.device, this->type_name()))
                      : Tensor());
    };
    make("weight_ih", {{gates, o.input_size}}, true);
    make("weight_hh", {{gates, o.hidden_size}}, true);
    make("bias_ih", {{gates}}, o.bias);
    make("bias_hh", {{gates}}, o.bias);
    fill_parameters(this->parameters_, o.hidden_size);
  }
  TensorList forward(std::span<const Tensor> inputs) override {
    const Options& o = this->options_;
    return run_cell(*this, cell_of(o), o.input_size, o.hidden_size, inputs);
  }
};

template <template <class> class M, class Options>
ModuleRef made(Options o) {
  return ModuleRef::adopt(new M<Options>(std::move(o)));
}

}  // namespace

ModuleRef rnn(RNNOptions o) { return made<RecurrentLayer>(std::move(o)); }
ModuleRef lstm(LSTMOptions o) { return made<RecurrentLayer>(std::move(o)); }
ModuleRef gru(GRUOptions o) { return made<RecurrentLayer>(std::move(o)); }
ModuleRef rnn_cell(RNNCellOptions o) { return made<RecurrentCell>(std::move(o)); }
ModuleRef lstm_cell(LSTMCellOptions o) { return made<RecurrentCell>(std::move(o)); }
ModuleRef gru_cell(GRUCellOptions o) { return made<RecurrentCell>(std::move(o)); }

}  // namespace mt::nn
