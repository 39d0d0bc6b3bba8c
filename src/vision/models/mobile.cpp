// Models of inverted residuals: MobileNetV2 (Sandler et al., 2018), MobileNetV3 (Howard et al.,
// 2019), EfficientNet (Tan and Le, 2019).
#include <cmath>

#include "core/error.h"
#include "ops/arithmetic.h"
#include "ops/pool.h"
#include "ops/view.h"
#include "vision/models/blocks.h"
#include "vision/models/models.h"

namespace mt::vision::models {
namespace {

Tensor pooled_forward(Composite& self, std::span<const Tensor> in) {
  const Tensor x = self.run("avgpool", self.run("features", in[0]));
  return self.run("classifier", flatten(x, 1));
}

Tensor block_forward(Composite& self, std::span<const Tensor> in) {
  Tensor y = self.run("block", in[0]);
  if (!self.residual) return y;
  if (self.has("stochastic_depth")) y = self.run("stochastic_depth", y);
  return plus(std::move(y), in[0]);
}

// --- MobileNetV2 -----------------------------------------------------------------------------
ModuleRef inverted_residual_v2(int64_t in, int64_t out, int64_t stride, int64_t expand) {
  const int64_t hidden = in * expand;
  const auto layers = chain({});
  if (expand != 1) layers->append(conv_norm_activation({in, hidden, 1}, Act::kReLU6));
  layers->append(conv_norm_activation({hidden, hidden, 3, stride, 0, 1, hidden}, Act::kReLU6));
  layers->append(conv({hidden, out, 1}, false));
  layers->append(batch_norm(out));
  auto m = composite("InvertedResidual",
                     [](Composite& self, std::span<const Tensor> x) {
                       Tensor y = self.run("conv", x[0]);
                       return self.residual ? add(x[0], y) : y;
                     },
                     {{"conv", layers}});
  m->residual = stride == 1 && in == out;
  return m;
}

ModuleRef mobilenet_v2(const ModelEntry&, const ModelOptions& o) {
  constexpr int64_t kSettings[][4] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                                      {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  int64_t in = make_divisible(32 * o.width_mult);
  const int64_t last = make_divisible(1280 * std::max(1.0, o.width_mult));
  const auto features = chain({conv_norm_activation({3, in, 3, 2}, Act::kReLU6)});
  for (const auto& [expand, channels, n, stride] : kSettings) {
    const int64_t out = make_divisible(static_cast<double>(channels) * o.width_mult);
    for (int64_t i = 0; i < n; ++i) {
      features->append(inverted_residual_v2(in, out, i == 0 ? stride : 1, expand));
      in = out;
    }
  }
  features->append(conv_norm_activation({in, last, 1}, Act::kReLU6));
  const auto classifier = chain({dropout(o.dropout.value_or(0.2)), linear(last, o.num_classes)});
  ModuleRef model =
      composite("MobileNetV2",
                [](Composite& self, std::span<const Tensor> x) {
                  const Tensor y = adaptive_avg_pool2d(self.run("features", x[0]), Dims{1, 1});
                  return self.run("classifier", flatten(y, 1));
                },
                {{"features", features}, {"classifier", classifier}});
  init_mobile(*model, 0.01);
  return model;
}

// --- MobileNetV3 -----------------------------------------------------------------------------
constexpr BatchNormSettings kV3Norm{0.001, 0.01};

struct V3Row {
  int16_t in, kernel, expanded, out;
  bool squeeze, hardswish;
  int8_t stride;
  bool tail;  // where the options dilated and reduced_tail act
};
constexpr V3Row kLarge[] = {
    {16, 3, 16, 16, false, false, 1, false}, {16, 3, 64, 24, false, false, 2, false},
    {24, 3, 72, 24, false, false, 1, false}, {24, 5, 72, 40, true, false, 2, false},
    {40, 5, 120, 40, true, false, 1, false}, {40, 5, 120, 40, true, false, 1, false},
    {40, 3, 240, 80, false, true, 2, false}, {80, 3, 200, 80, false, true, 1, false},
    {80, 3, 184, 80, false, true, 1, false}, {80, 3, 184, 80, false, true, 1, false},
    {80, 3, 480, 112, true, true, 1, false}, {112, 3, 672, 112, true, true, 1, false},
    {112, 5, 672, 160, true, true, 2, true}, {160, 5, 960, 160, true, true, 1, true},
    {160, 5, 960, 160, true, true, 1, true},
};
constexpr V3Row kSmall[] = {
    {16, 3, 16, 16, true, false, 2, false},  {16, 3, 72, 24, false, false, 2, false},
    {24, 3, 88, 24, false, false, 1, false}, {24, 5, 96, 40, true, true, 2, false},
    {40, 5, 240, 40, true, true, 1, false},  {40, 5, 240, 40, true, true, 1, false},
    {40, 5, 120, 48, true, true, 1, false},  {48, 5, 144, 48, true, true, 1, false},
    {48, 5, 288, 96, true, true, 2, true},   {96, 5, 576, 96, true, true, 1, true},
    {96, 5, 576, 96, true, true, 1, true},
};

ModuleRef mobilenet_v3(const ModelEntry& e, const ModelOptions& o) {
  const std::span<const V3Row> rows = e.config[0] != 0 ? std::span<const V3Row>(kLarge) : kSmall;
  const auto scaled = [&](int64_t channels) {
    return make_divisible(static_cast<double>(channels) * o.width_mult);
  };
  const int64_t part = o.reduced_tail ? 2 : 1;
  int64_t in = scaled(16);
  const auto features = chain({conv_norm_activation({3, in, 3, 2}, Act::kHardswish, kV3Norm)});
  bool in_tail = false;  // of the three rows of the tail, only the first has a wide input
  for (const V3Row& r : rows) {
    const int64_t expanded = scaled(in_tail ? r.expanded / part : r.expanded);
    const int64_t out = scaled(r.tail ? r.out / part : r.out);
    const int64_t dilation = r.tail && o.dilated ? 2 : 1;
    const Act act = r.hardswish ? Act::kHardswish : Act::kReLU;
    const auto layers = chain({});
    if (expanded != in) layers->append(conv_norm_activation({in, expanded, 1}, act, kV3Norm));
    layers->append(conv_norm_activation(
        {expanded, expanded, r.kernel, dilation > 1 ? 1 : r.stride, 0, dilation, expanded}, act,
        kV3Norm));
    if (r.squeeze) {
      const int64_t quarter = expanded / 4, squeezed = make_divisible(static_cast<double>(quarter));
      layers->append(squeeze_excitation(expanded, squeezed, Act::kReLU, false, Act::kHardsigmoid));
    }
    layers->append(conv_norm_activation({expanded, out, 1}, Act::kNone, kV3Norm));
    auto block = composite("InvertedResidual", block_forward, {{"block", layers}});
    block->residual = r.stride == 1 && in == out;
    features->append(block);
    in = out;
    in_tail = r.tail;
  }
  const int64_t wide = 6 * in, last = scaled(e.config[1] / part);
  features->append(conv_norm_activation({in, wide, 1}, Act::kHardswish, kV3Norm));
  const auto classifier =
      chain({linear(wide, last), activation(Act::kHardswish),
             dropout(o.dropout.value_or(0.2), true), linear(last, o.num_classes)});
  ModuleRef model = composite(
      "MobileNetV3", pooled_forward,
      {{"features", features}, {"avgpool", adaptive_avg_pool({1})}, {"classifier", classifier}});
  init_mobile(*model, 0.01);
  return model;
}

// --- EfficientNet ----------------------------------------------------------------------------
ModuleRef mb_conv(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t expand,
                  double drop, const BatchNormSettings& norm) {
  const int64_t expanded = make_divisible(static_cast<double>(in * expand));
  const auto layers = chain({});
  if (expanded != in) layers->append(conv_norm_activation({in, expanded, 1}, Act::kSiLU, norm));
  layers->append(
      conv_norm_activation({expanded, expanded, kernel, stride, 0, 1, expanded}, Act::kSiLU, norm));
  layers->append(
      squeeze_excitation(expanded, std::max<int64_t>(1, in / 4), Act::kSiLU, true, Act::kSigmoid));
  layers->append(conv_norm_activation({expanded, out, 1}, Act::kNone, norm));
  auto m = composite("MBConv", block_forward,
                     {{"block", layers}, {"stochastic_depth", stochastic_depth(drop)}});
  m->residual = stride == 1 && in == out;
  return m;
}

ModuleRef efficientnet(const ModelEntry& e, const ModelOptions& o) {
  // expand, kernel, stride, channels in and out, blocks
  constexpr int64_t kStages[][6] = {
      {1, 3, 1, 32, 16, 1},  {6, 3, 2, 16, 24, 2},   {6, 5, 2, 24, 40, 2},  {6, 3, 2, 40, 80, 3},
      {6, 5, 1, 80, 112, 3}, {6, 5, 2, 112, 192, 4}, {6, 3, 1, 192, 320, 1}};
  const double width = e.factors[0], depth = e.factors[1];
  const BatchNormSettings norm = e.config[0] != 0 ? kV3Norm : BatchNormSettings();
  const auto scaled = [&](int64_t c) { return make_divisible(static_cast<double>(c) * width); };
  const auto repeats = [&](int64_t n) {
    return static_cast<int64_t>(std::ceil(static_cast<double>(n) * depth));
  };
  int64_t total = 0, done = 0;
  for (const auto& s : kStages) total += repeats(s[5]);
  const double drop = o.stochastic_depth_prob.value_or(0.2);
  const auto features = chain({conv_norm_activation({3, scaled(32), 3, 2}, Act::kSiLU, norm)});
  int64_t out = 0;
  for (const auto& [expand, kernel, stride, stage_in, stage_out, n] : kStages) {
    const auto stage = chain({});
    int64_t in = scaled(stage_in);
    out = scaled(stage_out);
    for (int64_t i = 0; i < repeats(n); ++i) {
      const double p = drop * static_cast<double>(done++) / static_cast<double>(total);
      stage->append(mb_conv(in, out, kernel, i == 0 ? stride : 1, expand, p, norm));
      in = out;
    }
    features->append(stage);
  }
  features->append(conv_norm_activation({out, 4 * out, 1}, Act::kSiLU, norm));
  const auto classifier =
      chain({dropout(o.dropout.value_or(e.factors[2]), true), linear(4 * out, o.num_classes)});
  ModuleRef model = composite(
      "EfficientNet", pooled_forward,
      {{"features", features}, {"avgpool", adaptive_avg_pool({1})}, {"classifier", classifier}});
  const double range = 1 / std::sqrt(static_cast<double>(o.num_classes));
  for_each_module(*model, [&](Module& m, std::string_view type) {
    if (type == "Conv2d") kaiming_fan_out(m);
    if (type == "Linear") init::uniform_(m.get_parameter("weight"), -range, range);
    if (type == "Conv2d" || type == "Linear") zero_bias(m);
  });
  return model;
}

constexpr uint32_t kV2 = kTakesDropout | kTakesWidthMult, kV3 = kV2 | kTakesMobileNetV3,
                   kEfficient = kTakesDropout | kTakesStochasticDepth;

// EfficientNet: whether batch norms are MobileNetV3's; factors of width and depth, and dropout.
constexpr ModelEntry kMobile[] = {
    {"efficientnet_b0", efficientnet, kEfficient, {0}, {1.0, 1.0, 0.2}},
    {"efficientnet_b1", efficientnet, kEfficient, {0}, {1.0, 1.1, 0.2}},
    {"efficientnet_b2", efficientnet, kEfficient, {0}, {1.1, 1.2, 0.3}},
    {"efficientnet_b3", efficientnet, kEfficient, {0}, {1.2, 1.4, 0.3}},
    {"efficientnet_b4", efficientnet, kEfficient, {0}, {1.4, 1.8, 0.4}},
    {"efficientnet_b5", efficientnet, kEfficient, {1}, {1.6, 2.2, 0.4}},
    {"efficientnet_b6", efficientnet, kEfficient, {1}, {1.8, 2.6, 0.5}},
    {"efficientnet_b7", efficientnet, kEfficient, {1}, {2.0, 3.1, 0.5}},
    {"mobilenet_v2", mobilenet_v2, kV2},
    {"mobilenet_v3_large", mobilenet_v3, kV3, {1, 1280}},
    {"mobilenet_v3_small", mobilenet_v3, kV3, {0, 1024}},
};

}  // namespace

ModelTable mobile_models() { return kMobile; }

}  // namespace mt::vision::models
