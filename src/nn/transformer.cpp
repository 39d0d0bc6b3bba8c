// TransformerEncoderLayer and -DecoderLayer, their stacks, and Transformer (Vaswani et al.,
// "Attention is all you need", 2017), with torch.nn's children, draws and order of computation.
#include "nn/transformer.h"

#include <cstddef>
#include <limits>

#include "nn/arity.h"
#include "nn/containers.h"
#include "nn/init.h"
#include "nn/layer_options.h"
#include "ops/activation.h"
#include "ops/arithmetic.h"
#include "ops/common.h"
#include "ops/compare.h"
#include "ops/creation.h"
#include "ops/index.h"
#include "ops/reduce.h"
#include "ops/view.h"

namespace mt::nn {
namespace {

// The child of this name; kState when there is none.
ModuleRef child_of(const Module& m, std::string_view name) {
  for (const auto& [own, child] : m.children()) {
    if (own == name && child) return child;
  }
  fail(Status::kState, m.type_name(), ": no module: child '", name,
       "' is missing: every child must be a module");
}

bool has_child(const Module& m, std::string_view name) {
  for (const auto& [own, child] : m.children()) {
    if (own == name) return static_cast<bool>(child);
  }
  return false;
}

// What both kinds of layer share.
template <class Self, class Options>
class TransformerLayer : public Layer<Self, Options> {
 public:
  explicit TransformerLayer(Options given) : Layer<Self, Options>(std::move(given)) {
    activation_checked();
  }

 protected:
  const std::string& activation_checked() const {
    const std::string& a = this->options_.activation;
    if (a != "relu" && a != "gelu") {
      fail(Status::kInvalidArgument, this->type_name(), ": unknown activation: '", a,
           "': must be relu or gelu");
    }
    return a;
  }
  void add_attention(const char* name) {
    const Options& o = this->options_;
    MultiheadAttentionOptions a;
    a.embed_dim = o.d_model;
    a.num_heads = o.nhead;
    a.dropout = o.dropout;
    a.batch_first = o.batch_first;
    a.dtype = o.dtype;
    a.device = o.device;
    this->register_module(name, multihead_attention(a));
  }
  void add_linear(const char* name, int64_t in, int64_t out) {
    LinearOptions l;
    l.in_features = in;
    l.out_features = out;
    l.dtype = this->options_.dtype;
    l.device = this->options_.device;
    this->register_module(name, linear(l));
  }
  void add_dropout(const char* name) {
    DropoutOptions d;
    d.p = this->options_.dropout;
    this->register_module(name, nn::dropout(d));
  }
  void add_norm(const char* name) {
    LayerNormOptions n;
    n.normalized_shape = {this->options_.d_model};
    n.eps = this->options_.layer_norm_eps;
    n.dtype = this->options_.dtype;
    n.device = this->options_.device;
    this->register_module(name, layer_norm(n));
  }
  Tensor run(const char* name, const Tensor& x) const { return child_of(*this, name)->call(x); }

  Tensor attend(const char* name, const Tensor& x, const Tensor& memory, const Tensor& mask,
                const Tensor& padding) const {
    const Tensor no_weights = Tensor::from_scalar(false, DType::kBool);
    const Tensor inputs[] = {x, memory, memory, padding, mask, no_weights};
    const TensorList out = child_of(*this, name)->call(std::span<const Tensor>(inputs));
    if (out.empty()) {
      fail(Status::kState, this->type_name(), ": no output: child '", name,
           "' gave 0 tensors: the first must be the attention's output");
    }
    return out[0];
  }
  Tensor feed_forward(const Tensor& x, const char* last_dropout) const {
    Tensor h = run("linear1", x);
    if (has_child(*this, "activation")) {
      h = run("activation", h);
    } else {
      h = activation_checked() == "relu" ? mt::relu(h) : mt::gelu(h);
    }
    return run(last_dropout, run("linear2", run("dropout", h)));
  }
};

class EncoderLayer final : public TransformerLayer<EncoderLayer, TransformerEncoderLayerOptions> {
 public:
  explicit EncoderLayer(TransformerEncoderLayerOptions given) : TransformerLayer(std::move(given)) {
    const auto& o = options_;
    add_attention("self_attn");
    add_linear("linear1", o.d_model, o.dim_feedforward);
    add_dropout("dropout");
    add_linear("linear2", o.dim_feedforward, o.d_model);
    add_norm("norm1");
    add_norm("norm2");
    add_dropout("dropout1");
    add_dropout("dropout2");
  }
  TensorList forward(std::span<const Tensor> inputs) override {
    check_some_inputs(type_name_, inputs, 1, 3);
    const Tensor mask = optional_input(inputs, 1), padding = optional_input(inputs, 2);
    Tensor x = inputs[0];
    const auto attention = [&](const Tensor& t) {
      return run("dropout1", attend("self_attn", t, t, mask, padding));
    };
    if (options_.norm_first) {
      x = add(x, attention(run("norm1", x)));
      return {add(x, feed_forward(run("norm2", x), "dropout2"))};
    }
    x = run("norm1", add(x, attention(x)));
    return {run("norm2", add(x, feed_forward(x, "dropout2")))};
  }
  // Whether torch would run it on a nested tensor made of x.
  bool runs_nested(const Tensor& x) const {
    const auto option = [&](const char* child, const char* name) {
      return child_of(*this, child)->get_option(name);
    };
    if (options_.norm_first || training_ || x.dim() != 3 || x.is_meta()) return false;
    const ModuleRef attention = child_of(*this, "self_attn");
    for (const char* norm : {"norm1", "norm2"}) {
      if (child_of(*this, norm)->type_name() != "LayerNorm") return false;
    }
    if (attention->type_name() != "MultiheadAttention") return false;
    const std::string width = attention->get_option("embed_dim");
    if (attention->get_option("batch_first") != "True" || attention->get_option("kdim") != width ||
        attention->get_option("vdim") != width ||
        std::stoll(attention->get_option("num_heads")) % 2 != 0 ||
        option("norm1", "eps") != option("norm2", "eps")) {
      return false;
    }
    if (has_child(*this, "activation")) {
      const std::string& kind = child_of(*this, "activation")->type_name();
      if (kind != "ReLU" && kind != "GELU") return false;
    }
    if (!grad_enabled()) return true;
    if (x.requires_grad()) return false;
    for (const auto& [name, p] : named_parameters()) {
      if (p.requires_grad()) return false;
    }
    return true;
  }
};

// The options of TransformerEncoder and -Decoder, which torch keeps as attributes.
struct StackOptions {
  int64_t num_layers = 0;
  bool enable_nested_tensor = true;
  bool mask_check = true;
  static const LayerInfo kEncoder, kDecoder;
};
constexpr OptionField kStackFields[] = {
    {"num_layers", FieldKind::kInt, 0, offsetof(StackOptions, num_layers), nullptr},
    {"enable_nested_tensor", FieldKind::kBool, 0, offsetof(StackOptions, enable_nested_tensor),
     "True"},
    {"mask_check", FieldKind::kBool, 0, offsetof(StackOptions, mask_check), "True"},
};
const LayerInfo StackOptions::kEncoder{"TransformerEncoder", "", kStackFields};
const LayerInfo StackOptions::kDecoder{"TransformerDecoder", "", std::span(kStackFields).first(1)};

class DecoderLayer final : public TransformerLayer<DecoderLayer, TransformerDecoderLayerOptions> {
 public:
  explicit DecoderLayer(TransformerDecoderLayerOptions given) : TransformerLayer(std::move(given)) {
    const auto& o = options_;
    add_attention("self_attn");
    add_attention("multihead_attn");
    add_linear("linear1", o.d_model, o.dim_feedforward);
    add_dropout("dropout");
    add_linear("linear2", o.dim_feedforward, o.d_model);
    for (const char* name : {"norm1", "norm2", "norm3"}) add_norm(name);
    for (const char* name : {"dropout1", "dropout2", "dropout3"}) add_dropout(name);
  }
  TensorList forward(std::span<const Tensor> inputs) override {
    check_some_inputs(type_name_, inputs, 2, 6);
    const Tensor& memory = inputs[1];
    const Tensor mask = optional_input(inputs, 2), memory_mask = optional_input(inputs, 3);
    const Tensor padding = optional_input(inputs, 4), memory_padding = optional_input(inputs, 5);
    Tensor x = inputs[0];
    const auto own = [&](const Tensor& t) {
      return run("dropout1", attend("self_attn", t, t, mask, padding));
    };
    const auto other = [&](const Tensor& t) {
      return run("dropout2", attend("multihead_attn", t, memory, memory_mask, memory_padding));
    };
    if (options_.norm_first) {
      x = add(x, own(run("norm1", x)));
      x = add(x, other(run("norm2", x)));
      return {add(x, feed_forward(run("norm3", x), "dropout3"))};
    }
    x = run("norm1", add(x, own(x)));
    x = run("norm2", add(x, other(x)));
    return {run("norm3", add(x, feed_forward(x, "dropout3")))};
  }
};

// `passed` inputs in front go through the layers unchanged but for the first, which each replaces.
class Stack final : public Module {
 public:
  Stack(const LayerInfo& info, const ModuleRef& layer, int64_t num_layers, ModuleRef norm,
        size_t least, size_t most)
      : Module(info.type_name), info_(info), least_(least), most_(most) {
    options_.num_layers = num_layers;
    if (!layer) {
      fail(Status::kNullArgument, type_name_, ": missing argument: the layer is null");
    }
    if (num_layers < 0 || num_layers > kMostLayers) {
      fail(Status::kInvalidArgument, type_name_, ": size out of range: num_layers ", num_layers,
           ": must be in [0, ", kMostLayers, "]");
    }
    const Ref<List> layers = module_list();
    for (int64_t i = 0; i < num_layers; ++i) layers->append(layer->clone());
    register_module("layers", ModuleRef::share(layers.get()));
    if (norm) register_module("norm", std::move(norm));
  }
  ModuleRef copy() const override { return ModuleRef::adopt(new Stack(*this)); }
  OptionView option_view() const override { return {&info_, const_cast<StackOptions*>(&options_)}; }
  TensorList forward(std::span<const Tensor> inputs) override {
    check_some_inputs(type_name_, inputs, least_, most_);
    TensorList in;
    for (size_t i = 0; i < most_; ++i) in.push_back(optional_input(inputs, i));
    const ModuleRef layers = child_of(*this, "layers");
    const bool leaves_out = drops_padding(*layers, in);
    if (leaves_out) drop_padding(in);
    for (size_t i = 0; i < layers->children().size(); ++i) {
      const ModuleRef layer = layers->children()[i].second;
      if (!layer) continue;
      const TensorList out = layer->call(in);
      if (out.empty()) {
        fail(Status::kState, type_name_, ": no output: layer ", i,
             " gave 0 tensors: one is needed");
      }
      in[0] = out[0];
    }
    if (leaves_out) in[0] = masked_fill(in[0], unsqueeze(in[2], 2), 0);
    return {has_child(*this, "norm") ? child_of(*this, "norm")->call(in[0]) : in[0]};
  }

 private:
  // torch computes without the padded positions, which then give zeros, where nothing is recorded
  // and its conditions for nested tensors hold.
  bool drops_padding(const Module& layers, const TensorList& in) const {
    if (&info_ != &StackOptions::kEncoder || !options_.enable_nested_tensor) return false;
    if (layers.children().empty() || !in[2].defined() || in[1].defined()) return false;
    const auto* first = dynamic_cast<const EncoderLayer*>(layers.children()[0].second.get());
    if (!first || !first->runs_nested(in[0])) return false;
    const Tensor &x = in[0], &padding = in[2];
    if (padding.dim() != 2 || padding.size(0) != x.size(0) || padding.size(1) != x.size(1)) {
      return false;
    }
    if (!options_.mask_check) return true;
    // Padding only behind: no position is padded before one that is not.
    const Tensor padded = logical_not(logical_not(padding));
    const int64_t n = padded.size(1);
    if (n < 2 || padded.size(0) == 0) return true;
    const Tensor gaps =
        logical_and(narrow(padded, 1, 0, n - 1), logical_not(narrow(padded, 1, 1, n - 1)));
    return !any(gaps).item(type_name_).to_bool();
  }
  // Up to the longest sample's end; what is padded is in[2].
  static void drop_padding(TensorList& in) {
    const int64_t dims[] = {1};
    const Tensor lengths = sum(mt::to(logical_not(in[2]), DType::kInt64), dims, true);
    const int64_t longest = lengths.numel() == 0 ? 0 : max(lengths).item("lengths").to_int();
    in[0] = narrow(in[0], 1, 0, longest);
    in[2] = ge(arange(Scalar(int64_t{0}), Scalar(longest), Scalar(int64_t{1})), lengths);
  }

  const LayerInfo& info_;
  StackOptions options_;
  size_t least_, most_;
};

class TransformerModel final : public Layer<TransformerModel, TransformerOptions> {
 public:
  explicit TransformerModel(TransformerOptions given) : Layer(std::move(given)) {
    const auto& o = options_;
    const auto layer = [&](auto l) {
      l.d_model = o.d_model;
      l.nhead = o.nhead;
      l.dim_feedforward = o.dim_feedforward;
      l.dropout = o.dropout;
      l.activation = o.activation;
      l.layer_norm_eps = o.layer_norm_eps;
      l.batch_first = o.batch_first;
      l.norm_first = o.norm_first;
      l.dtype = o.dtype;
      l.device = o.device;
      return l;
    };
    LayerNormOptions norm;
    norm.normalized_shape = {o.d_model};
    norm.eps = o.layer_norm_eps;
    norm.dtype = o.dtype;
    norm.device = o.device;
    const ModuleRef encoder_layer =
        o.num_encoder_layers == 0
            ? identity()
            : transformer_encoder_layer(layer(TransformerEncoderLayerOptions{}));
    register_module("encoder",
                    transformer_encoder(encoder_layer, o.num_encoder_layers, layer_norm(norm)));
    const ModuleRef decoder_layer =
        o.num_decoder_layers == 0
            ? identity()
            : transformer_decoder_layer(layer(TransformerDecoderLayerOptions{}));
    register_module("decoder",
                    transformer_decoder(decoder_layer, o.num_decoder_layers, layer_norm(norm)));
    for (const auto& [name, p] : named_parameters()) {
      if (p.dim() > 1) init::xavier_uniform_(p, 1);
    }
  }
  TensorList forward(std::span<const Tensor> inputs) override {
    check_some_inputs(type_name_, inputs, 2, 8);
    const Tensor &src = inputs[0], &tgt = inputs[1];
    const int n = src.dim(), b = options_.batch_first ? 0 : 1;
    if ((n != 2 && n != 3) || tgt.dim() != n || src.size(n - 1) != options_.d_model ||
        tgt.size(n - 1) != options_.d_model || (n == 3 && src.size(b) != tgt.size(b))) {
      fail(Status::kShape, type_name_, ": shape mismatch: src ", shape_string(src.sizes()),
           ", tgt ", shape_string(tgt.sizes()),
           ": must have 2 or 3 dims, one batch size and d_model ", options_.d_model, " features");
    }
    const Tensor to_encoder[] = {src, optional_input(inputs, 2), optional_input(inputs, 5)};
    const TensorList memory = child_of(*this, "encoder")->call(std::span<const Tensor>(to_encoder));
    if (memory.empty()) {
      fail(Status::kState, type_name_, ": no output: the encoder gave 0 tensors: one is needed");
    }
    const Tensor to_decoder[] = {tgt,
                                 memory[0],
                                 optional_input(inputs, 3),
                                 optional_input(inputs, 4),
                                 optional_input(inputs, 6),
                                 optional_input(inputs, 7)};
    return child_of(*this, "decoder")->call(std::span<const Tensor>(to_decoder));
  }
};

}  // namespace

ModuleRef transformer_encoder_layer(TransformerEncoderLayerOptions o) {
  return ModuleRef::adopt(new EncoderLayer(std::move(o)));
}

ModuleRef transformer_decoder_layer(TransformerDecoderLayerOptions o) {
  return ModuleRef::adopt(new DecoderLayer(std::move(o)));
}

ModuleRef transformer(TransformerOptions o) {
  return ModuleRef::adopt(new TransformerModel(std::move(o)));
}

ModuleRef transformer_encoder(const ModuleRef& layer, int64_t num_layers, ModuleRef norm) {
  return ModuleRef::adopt(
      new Stack(StackOptions::kEncoder, layer, num_layers, std::move(norm), 1, 3));
}

ModuleRef transformer_decoder(const ModuleRef& layer, int64_t num_layers, ModuleRef norm) {
  return ModuleRef::adopt(
      new Stack(StackOptions::kDecoder, layer, num_layers, std::move(norm), 2, 6));
}

Tensor square_subsequent_mask(int64_t size, DType dtype, Device device) {
  const Dims sizes{size, size};
  return triu(full(sizes, -std::numeric_limits<double>::infinity(), dtype, device), 1);
}

}  // namespace mt::nn
