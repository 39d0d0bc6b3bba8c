// Summaries of models: see summary.h. The parameters become meta tensors while the model runs, and
// hooks note the calls.
#include "nn/summary.h"

#include <algorithm>
#include <map>

#include "autograd/meta.h"
#include "core/error.h"
#include "nn/module_walk.h"

namespace mt::nn {
namespace {

Tensor on_meta(const Tensor& t) { return Tensor::empty(t.sizes(), t.dtype(), Device::kMeta); }

// Puts the values, gradients, modes and hooks back where they were.
class Borrowed {
 public:
  explicit Borrowed(const std::vector<std::pair<std::string, ModuleRef>>& modules) {
    for (const auto& [path, m] : modules) modes_.emplace_back(m, m->training());
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  ~Borrowed() {
    for (const auto& [m, id] : hooks_) m->remove_hook(id);
    for (auto& v : values_) {
      set_data(v.tensor, v.values);
      if (v.grad.defined()) autograd_meta(v.tensor).grad = v.grad;
    }
    for (auto& [m, mode] : modes_) m->set_training(mode);
  }
  void take(const Tensor& t) {
    values_.reserve(values_.size() + 1);
    const Tensor meta = on_meta(t);
    values_.push_back({t, t.alias(), grad_of(t)});
    set_data(t, meta);
  }
  void watch(const ModuleRef& m, Ref<ModuleHook> hook) {
    hooks_.reserve(hooks_.size() + 1);
    hooks_.emplace_back(m, m->register_forward_hook(std::move(hook)));
  }

 private:
  struct Value {
    Tensor tensor, values, grad;
  };
  std::vector<Value> values_;
  std::vector<std::pair<ModuleRef, bool>> modes_;
  std::vector<std::pair<ModuleRef, uint64_t>> hooks_;
};

// Multiplications with additions of one call, without the children's.
int64_t multiply_adds(const Module& m, const TensorList& inputs, const Tensor& out) {
  const std::string& type = m.type_name();
  if (inputs.empty() || !inputs[0].defined()) return 0;
  const Tensor& in = inputs[0];
  const auto per = [](int64_t total, int64_t of) { return of == 0 ? 0 : total / of; };
  const bool recurrent =
      type.starts_with("RNN") || type.starts_with("LSTM") || type.starts_with("GRU");
  int64_t total = 0;
  for (const auto& [name, p] : m.own_parameters()) {
    if (!p.defined() || type.starts_with("Embedding")) continue;
    const int64_t n = p.numel();
    if (p.dim() < 2) {  // a scale of each value; biases are part of the additions
      if (name == "weight" && type != "PReLU") total += out.numel();
    } else if (type.starts_with("ConvTranspose")) {
      total += per(in.numel() * n, p.size(0));
    } else if (type.starts_with("Conv")) {
      total += per(out.numel() * n, p.size(0));
    } else if (recurrent) {
      total += per(in.numel(), in.size(in.dim() - 1)) * n;
    } else if (name == "in_proj_weight" && inputs.size() >= 2) {
      const int64_t e = p.size(1);
      total += (per(in.numel(), e) + 2 * per(inputs[1].numel(), e)) * e * e;
    } else if (name.starts_with("k_") || name.starts_with("v_")) {
      const int i = name.starts_with("k_") ? 1 : 2;
      if (inputs.size() > i) total += per(inputs[i].numel(), p.size(1)) * n;
    } else {
      total += per(in.numel(), in.size(in.dim() - 1)) * n;
    }
  }
  if (type == "MultiheadAttention" && inputs.size() >= 2 && in.dim() >= 2) {
    // Scores and the weighted sum: every query with every key of its sample.
    const Tensor& key = inputs[1];
    const int64_t batch_times_keys = per(key.numel(), key.size(key.dim() - 1));
    const int64_t batch = in.dim() == 3 ? std::min(in.size(0), in.size(1)) : 1;
    total += 2 * per(in.numel() * batch_times_keys, std::max<int64_t>(1, batch));
  }
  return total;
}

class CallNote final : public ModuleHook {
 public:
  explicit CallNote(SummaryRow& row) : row_(row) {}
  void call(Module& m, TensorList& inputs, TensorList* outputs) override {
    row_.called = true;
    if (!outputs || outputs->empty() || !(*outputs)[0].defined()) return;
    const Tensor& out = (*outputs)[0];
    row_.output_sizes = out.sizes();
    row_.multiply_adds += multiply_adds(m, inputs, out);
    if (m.children().empty()) {
      for (const Tensor& t : *outputs) row_.output_bytes += static_cast<int64_t>(t.bytes());
    }
  }

 private:
  SummaryRow& row_;  // outlives the hook, which is removed
};

std::string with_commas(int64_t n) {
  std::string digits = std::to_string(n), out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i != 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

std::string megabytes(int64_t bytes) {
  const int64_t hundredths = (bytes * 100 + 500'000) / 1'000'000;
  const std::string rest = std::to_string(hundredths % 100);
  return std::to_string(hundredths / 100) + (rest.size() == 1 ? ".0" : ".") + rest;
}

}  // namespace

Summary summarise(Module& model, std::span<const Tensor> inputs) {
  Summary s;
  const auto modules = model.named_modules();
  s.rows.resize(modules.size());
  {
    Borrowed borrowed(modules);
    const GradMode off(false);
    for (size_t i = 0; i < modules.size(); ++i) {
      const auto& [path, m] = modules[i];
      SummaryRow& row = s.rows[i];
      row.path = path;
      row.type_name = m->type_name();
      row.depth =
          path.empty() ? 0 : 1 + static_cast<int>(std::count(path.begin(), path.end(), '.'));
      for (const auto& [name, p] : m->own_parameters()) {
        if (!p.defined()) continue;
        row.parameters += p.numel();
        if (p.requires_grad()) row.trainable += p.numel();
      }
      borrowed.watch(m, Ref<ModuleHook>::adopt(new CallNote(row)));
    }
    for (const auto& list : {model.named_parameters(), model.named_buffers()}) {
      for (const auto& [name, t] : list) {
        s.parameter_bytes += static_cast<int64_t>(t.bytes());
        borrowed.take(t);
      }
    }
    for (const auto& [path, p] : model.named_parameters()) {
      s.parameters += p.numel();
      if (p.requires_grad()) s.trainable += p.numel();
    }
    model.train(false);
    TensorList meta;
    for (const Tensor& t : inputs) {
      meta.push_back(t.defined() ? on_meta(t) : t);
      if (t.defined()) s.input_bytes += static_cast<int64_t>(t.bytes());
    }
    model.call(meta);
  }
  for (const SummaryRow& row : s.rows) {
    s.multiply_adds += row.multiply_adds;
    s.output_bytes += row.output_bytes;
  }
  return s;
}

std::string Summary::text() const {
  const std::vector<std::string> titles{"Layer (type)", "Output shape", "Params", "Multiply-adds"};
  std::vector<std::vector<std::string>> table{titles};
  for (const SummaryRow& r : rows) {
    const std::string name = r.path.empty()
                                 ? r.type_name
                                 : r.path.substr(r.path.rfind('.') + 1) + " (" + r.type_name + ")";
    table.push_back({std::string(static_cast<size_t>(2 * r.depth), ' ') + name,
                     r.called ? shape_string(r.output_sizes) : "-",
                     r.parameters ? with_commas(r.parameters) : "-",
                     r.multiply_adds ? with_commas(r.multiply_adds) : "-"});
  }
  size_t width[4] = {};
  for (const auto& line : table) {
    for (size_t c = 0; c < 4; ++c) width[c] = std::max(width[c], line[c].size());
  }
  const std::string rule(width[0] + width[1] + width[2] + width[3] + 6, '=');
  std::string out = rule + "\n";
  for (size_t i = 0; i < table.size(); ++i) {
    std::string line;
    for (size_t c = 0; c < 4; ++c) {
      const std::string pad(width[c] - table[i][c].size(), ' ');
      line += c < 2 ? table[i][c] + pad : pad + table[i][c];
      if (c != 3) line += "  ";
    }
    out += line + "\n";
    if (i == 0) out += rule + "\n";
  }
  out += rule + "\n";
  out += "Total params: " + with_commas(parameters) + "\n";
  out += "Trainable params: " + with_commas(trainable) + "\n";
  out += "Non-trainable params: " + with_commas(parameters - trainable) + "\n";
  out += "Total multiply-adds: " + with_commas(multiply_adds) + "\n";
  out += rule + "\n";
  out += "Input size (MB): " + megabytes(input_bytes) + "\n";
  // Backward keeps about as much again as forward gave.
  out += "Forward/backward pass size (MB): " + megabytes(2 * output_bytes) + "\n";
  out += "Params size (MB): " + megabytes(parameter_bytes) + "\n";
  out +=
      "Estimated total size (MB): " + megabytes(input_bytes + 2 * output_bytes + parameter_bytes) +
      "\n";
  return out + rule;
}

}  // namespace mt::nn
