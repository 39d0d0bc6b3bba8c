// The building blocks of torchvision's models: see blocks.h.
#include "vision/models/blocks.h"

#include "core/error.h"
#include "nn/arity.h"
#include "ops/activation.h"
#include "ops/arithmetic.h"
#include "ops/creation.h"
#include "ops/join.h"
#include "ops/normalization.h"
#include "ops/random.h"
#include "ops/view.h"

namespace mt::vision::models {
namespace {

// --- layers with options of their own ------------------------------------------------------------
struct StochasticDepthOptions {
  double p = 0;
  std::string mode = "row";
  static const LayerInfo kInfo;
};
constexpr OptionField kStochasticDepth[] = {
    {"p", FieldKind::kFloat, 0, offsetof(StochasticDepthOptions, p), nullptr},
    {"mode", FieldKind::kString, 0, offsetof(StochasticDepthOptions, mode), nullptr},
};
const LayerInfo StochasticDepthOptions::kInfo{"StochasticDepth", "p={p}, mode={mode}",
                                              kStochasticDepth};

class StochasticDepth final : public nn::Layer<StochasticDepth, StochasticDepthOptions> {
 public:
  explicit StochasticDepth(StochasticDepthOptions o) : Layer(std::move(o)) {}
  TensorList forward(std::span<const Tensor> inputs) override {
    const Tensor& x = nn::one_input(type_name_, inputs);
    const double p = options_.p;
    if (!(p >= 0 && p <= 1)) {
      fail(Status::kInvalidArgument, type_name_, ": option out of range: p ", p,
           ": must be in [0, 1]");
    }
    const bool rows = options_.mode == "row";
    if (!rows && options_.mode != "batch") {
      fail(Status::kInvalidArgument, type_name_, ": unknown mode: '", options_.mode,
           "': must be row or batch");
    }
    if (!training_ || p == 0) return {x};
    Dims sizes;
    for (int d = 0; d < x.dim(); ++d) sizes.push_back(d == 0 && rows ? x.size(0) : 1);
    const double kept = 1 - p;
    Tensor noise = empty(sizes, x.dtype(), x.device());
    bernoulli_(noise, kept);
    if (kept > 0) div_(noise, Tensor::from_scalar(kept));
    return {mul(x, noise)};
  }
};

struct PermuteOptions {
  std::vector<int64_t> dims;
  static const LayerInfo kInfo;
};
constexpr OptionField kPermute[] = {
    {"dims", FieldKind::kShape, 0, offsetof(PermuteOptions, dims), nullptr},
};
const LayerInfo PermuteOptions::kInfo{"Permute", "", kPermute};

struct LayerNorm2dOptions : nn::LayerNormOptions {
  static const LayerInfo kInfo;
};
const LayerInfo LayerNorm2dOptions::kInfo{"LayerNorm2d", nn::LayerNormOptions::kInfo.repr,
                                          nn::LayerNormOptions::kInfo.fields};

class LayerNorm2d final : public nn::Layer<LayerNorm2d, LayerNorm2dOptions> {
 public:
  explicit LayerNorm2d(LayerNorm2dOptions o) : Layer(std::move(o)) {
    const auto& shape = options_.normalized_shape;
    register_parameter("weight", make_parameter(ones(shape)));
    register_parameter("bias", make_parameter(zeros(shape)));
  }
  TensorList forward(std::span<const Tensor> inputs) override {
    const Tensor last = mt::permute(nn::one_input(type_name_, inputs), Dims{0, 2, 3, 1});
    const Tensor y =
        mt::layer_norm(last, options_.normalized_shape, parameter(0), parameter(1), options_.eps);
    return {mt::permute(y, Dims{0, 3, 1, 2})};
  }
};

}  // namespace

ModuleRef conv(const ConvSizes& s, bool bias) {
  nn::Conv2dOptions o;
  o.in_channels = s.in;
  o.out_channels = s.out;
  o.kernel_size = {s.kernel};
  o.stride = {s.stride};
  o.padding = {s.padding};
  o.dilation = {s.dilation};
  o.groups = s.groups;
  o.bias = bias;
  return nn::conv2d(std::move(o));
}

ModuleRef batch_norm(int64_t features, const BatchNormSettings& settings) {
  nn::BatchNorm2dOptions o;
  o.num_features = features;
  o.eps = settings.eps;
  o.momentum = settings.momentum;
  return nn::batch_norm2d(o);
}

ModuleRef linear(int64_t in, int64_t out) {
  nn::LinearOptions o;
  o.in_features = in;
  o.out_features = out;
  return nn::linear(o);
}

ModuleRef dropout(double p, bool inplace) { return nn::dropout({p, inplace}); }

ModuleRef max_pool(int64_t kernel, int64_t stride, int64_t padding, bool ceil_mode) {
  nn::MaxPool2dOptions o;
  o.kernel_size = {kernel};
  o.stride = {stride};
  o.padding = {padding};
  o.ceil_mode = ceil_mode;
  return nn::max_pool2d(std::move(o));
}

ModuleRef adaptive_avg_pool(std::vector<int64_t> size) {
  return nn::adaptive_avg_pool2d({std::move(size)});
}

ModuleRef layer_norm(int64_t features) {
  nn::LayerNormOptions o;
  o.normalized_shape = {features};
  o.eps = 1e-6;
  return nn::layer_norm(std::move(o));
}

ModuleRef layer_norm2d(int64_t channels) {
  LayerNorm2dOptions o;
  o.normalized_shape = {channels};
  o.eps = 1e-6;
  return ModuleRef::adopt(new LayerNorm2d(std::move(o)));
}

ModuleRef stochastic_depth(double p) { return ModuleRef::adopt(new StochasticDepth({p, "row"})); }

ModuleRef permute(std::vector<int64_t> dims) {
  return nn::unary_layer(
      PermuteOptions{std::move(dims)},
      [](const PermuteOptions& o, const Tensor& x) { return mt::permute(x, o.dims); });
}

ModuleRef activation(Act act, bool inplace) {
  switch (act) {
    case Act::kReLU:
      return nn::relu({inplace});
    case Act::kReLU6:
      return nn::relu6({inplace});
    case Act::kSiLU:
      return nn::silu({inplace});
    case Act::kHardswish:
      return nn::hardswish({inplace});
    case Act::kHardsigmoid:
      return nn::hardsigmoid({inplace});
    case Act::kSigmoid:
      return nn::sigmoid();
    case Act::kNone:
      break;
  }
  return nn::identity();
}

Chain chain(std::vector<ModuleRef> modules, std::string type_name) {
  Chain s(new nn::Sequential(std::move(type_name)));
  for (ModuleRef& m : modules) s->append(std::move(m));
  return s;
}

ModuleRef conv_norm_activation(ConvSizes sizes, Act act, const BatchNormSettings& norm) {
  sizes.padding = (sizes.kernel - 1) / 2 * sizes.dilation;
  auto s = chain({conv(sizes, false)}, "Conv2dNormActivation");
  s->append(batch_norm(sizes.out, norm));
  if (act != Act::kNone) s->append(activation(act));
  return s;
}

TensorList Composite::forward(std::span<const Tensor> inputs) {
  nn::check_inputs(type_name_, inputs,
                   most_inputs_ != 0 ? most_inputs_ : std::max<size_t>(1, inputs.size()));
  return {f_(*this, inputs)};
}

ModuleRef Composite::child(std::string_view name) const {
  for (const auto& [own, m] : children_) {
    if (own == name) return m;
  }
  return {};
}

bool Composite::has(std::string_view name) const { return static_cast<bool>(child(name)); }

TensorList Composite::run(std::string_view name, std::span<const Tensor> inputs) const {
  const ModuleRef m = child(name);
  if (!m) {
    fail(Status::kState, type_name_, ": no module: child '", name,
         "' is missing: every child must be a module");
  }
  TensorList out = m->call(inputs);
  if (out.empty()) {
    fail(Status::kState, type_name_, ": no output: child '", name,
         "' gave 0 tensors: one is needed");
  }
  return out;
}

Tensor Composite::run(std::string_view name, const Tensor& x) const {
  return run(name, std::span<const Tensor>(&x, 1))[0];
}

Block composite(std::string type_name, Composite::Forward f,
                const std::vector<std::pair<const char*, ModuleRef>>& children) {
  Block m(new Composite(std::move(type_name), f));
  for (const auto& [name, child] : children) m->register_module(name, child);
  return m;
}

Tensor joined(std::span<const Tensor> parts, int64_t dim) { return mt::cat(parts, dim); }

Tensor plus(Tensor result, const Tensor& x) {
  add_(result, x);
  return result;
}

ModuleRef squeeze_excitation(int64_t channels, int64_t squeezed, Act act, bool act_inplace,
                             Act scale) {
  auto m = composite("SqueezeExcitation", [](Composite& self, std::span<const Tensor> in) {
    Tensor s = self.run("fc1", self.run("avgpool", in[0]));
    s = self.run("fc2", self.run("activation", s));
    return mul(self.run("scale_activation", s), in[0]);
  });
  m->register_module("avgpool", adaptive_avg_pool({1}));
  m->register_module("fc1", conv({channels, squeezed, 1}));
  m->register_module("fc2", conv({squeezed, channels, 1}));
  m->register_module("activation", activation(act, act_inplace));
  m->register_module("scale_activation", activation(scale, false));
  return m;
}

int64_t make_divisible(double v, int64_t divisor) {
  const double half = static_cast<double>(divisor) / 2;
  int64_t out = std::max(divisor, static_cast<int64_t>(v + half) / divisor * divisor);
  if (static_cast<double>(out) < 0.9 * v) out += divisor;
  return out;
}

void zero_bias(Module& m) {
  for (const auto& [name, t] : m.own_parameters()) {
    if (name == "bias" && t.defined()) init::constant_(t, 0);
  }
}

void normal_weight(Module& m, double std) { init::normal_(m.get_parameter("weight"), 0, std); }

void kaiming_fan_out(Module& m) {
  init::kaiming_normal_(m.get_parameter("weight"), 0, init::FanMode::kFanOut, "relu");
}

void init_mobile(Module& root, double linear_std) {
  for_each_module(root, [&](Module& m, std::string_view type) {
    if (type == "Conv2d") {
      kaiming_fan_out(m);
      zero_bias(m);
    } else if (type == "Linear") {
      normal_weight(m, linear_std);
      zero_bias(m);
    }
  });
}

}  // namespace mt::vision::models
