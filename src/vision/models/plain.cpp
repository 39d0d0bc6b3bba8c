// Models without residuals: AlexNet (Krizhevsky, 2014), VGG (Simonyan and Zisserman, 2015),
// SqueezeNet (Iandola et al., 2016).
#include "ops/view.h"
#include "vision/models/blocks.h"
#include "vision/models/models.h"

namespace mt::vision::models {
namespace {

Tensor features_forward(Composite& self, std::span<const Tensor> in) {
  const Tensor x = self.run("avgpool", self.run("features", in[0]));
  return self.run("classifier", flatten(x, 1));
}

ModuleRef alexnet(const ModelEntry&, const ModelOptions& o) {
  const double p = o.dropout.value_or(0.5);
  const auto features = chain({});
  const auto add = [&](const ConvSizes& s, bool pool) {
    features->append(conv(s));
    features->append(activation(Act::kReLU));
    if (pool) features->append(max_pool(3, 2));
  };
  add({3, 64, 11, 4, 2}, true);
  add({64, 192, 5, 1, 2}, true);
  add({192, 384, 3, 1, 1}, false);
  add({384, 256, 3, 1, 1}, false);
  add({256, 256, 3, 1, 1}, true);
  const auto classifier = chain({dropout(p)});
  classifier->append(linear(256 * 6 * 6, 4096));
  classifier->append(activation(Act::kReLU));
  classifier->append(dropout(p));
  classifier->append(linear(4096, 4096));
  classifier->append(activation(Act::kReLU));
  classifier->append(linear(4096, o.num_classes));
  return composite(
      "AlexNet", features_forward,
      {{"features", features}, {"avgpool", adaptive_avg_pool({6, 6})}, {"classifier", classifier}});
}

// The layout: a digit is 64 << digit channels, 'M' a pooling. 512 comes twice.
ModuleRef vgg(const ModelEntry& e, const ModelOptions& o) {
  const auto features = chain({});
  int64_t in = 3;
  for (const char* c = e.layout; *c; ++c) {
    if (*c == 'M') {
      features->append(max_pool(2, 2));
      continue;
    }
    const int64_t out = int64_t{64} << (*c - '0');
    features->append(conv({in, out, 3, 1, 1}));
    if (e.config[0] != 0) features->append(batch_norm(out));
    features->append(activation(Act::kReLU));
    in = out;
  }
  const double p = o.dropout.value_or(0.5);
  const auto classifier = chain({linear(512 * 7 * 7, 4096)});
  classifier->append(activation(Act::kReLU));
  classifier->append(dropout(p));
  classifier->append(linear(4096, 4096));
  classifier->append(activation(Act::kReLU));
  classifier->append(dropout(p));
  classifier->append(linear(4096, o.num_classes));
  ModuleRef model = composite(
      "VGG", features_forward,
      {{"features", features}, {"avgpool", adaptive_avg_pool({7, 7})}, {"classifier", classifier}});
  if (o.init_weights && o.weights.empty()) init_mobile(*model, 0.01);
  return model;
}

ModuleRef fire(int64_t in, int64_t squeeze, int64_t expand) {
  auto m = composite("Fire", [](Composite& self, std::span<const Tensor> x) {
    const Tensor s = self.run("squeeze_activation", self.run("squeeze", x[0]));
    const Tensor parts[] = {self.run("expand1x1_activation", self.run("expand1x1", s)),
                            self.run("expand3x3_activation", self.run("expand3x3", s))};
    return joined(parts, 1);
  });
  m->register_module("squeeze", conv({in, squeeze, 1}));
  m->register_module("squeeze_activation", activation(Act::kReLU));
  m->register_module("expand1x1", conv({squeeze, expand, 1}));
  m->register_module("expand1x1_activation", activation(Act::kReLU));
  m->register_module("expand3x3", conv({squeeze, expand, 3, 1, 1}));
  m->register_module("expand3x3_activation", activation(Act::kReLU));
  return m;
}

// The layout: 'F' is the next Fire, 'M' a pooling; first convolution: channels and kernel.
ModuleRef squeezenet(const ModelEntry& e, const ModelOptions& o) {
  const auto features = chain({conv({3, e.config[0], e.config[1], 2})});
  features->append(activation(Act::kReLU));
  int64_t in = e.config[0], fires = 0;
  for (const char* c = e.layout; *c; ++c) {
    if (*c == 'M') {
      features->append(max_pool(3, 2, 0, true));
      continue;
    }
    const int64_t size = fires++ / 2 + 1;  // 1 1 2 2 3 3 4 4
    features->append(fire(in, 16 * size, 64 * size));
    in = 128 * size;
  }
  const ModuleRef last = conv({512, o.num_classes, 1});
  const auto classifier = chain({dropout(o.dropout.value_or(0.5)), last});
  classifier->append(activation(Act::kReLU));
  classifier->append(adaptive_avg_pool({1, 1}));
  ModuleRef model = composite("SqueezeNet",
                              [](Composite& self, std::span<const Tensor> x) {
                                const Tensor y = self.run("features", x[0]);
                                return flatten(self.run("classifier", y), 1);
                              },
                              {{"features", features}, {"classifier", classifier}});
  for_each_module(*model, [&](Module& m, std::string_view type) {
    if (type != "Conv2d") return;
    if (&m == last.get()) {
      normal_weight(m, 0.01);
    } else {
      init::kaiming_uniform_(m.get_parameter("weight"));
    }
    zero_bias(m);
  });
  return model;
}

constexpr uint32_t kVgg = kTakesDropout | kTakesInitWeights;
constexpr const char *kA = "0M1M22M33M33M", *kB = "00M11M22M33M33M", *kD = "00M11M222M333M333M",
                     *kE = "00M11M2222M3333M3333M";

constexpr ModelEntry kPlain[] = {
    {"alexnet", alexnet, kTakesDropout},
    {"squeezenet1_0", squeezenet, kTakesDropout, {96, 7}, {}, "MFFFMFFFFMF"},
    {"squeezenet1_1", squeezenet, kTakesDropout, {64, 3}, {}, "MFFMFFMFFFF"},
    {"vgg11", vgg, kVgg, {0}, {}, kA},
    {"vgg11_bn", vgg, kVgg, {1}, {}, kA},
    {"vgg13", vgg, kVgg, {0}, {}, kB},
    {"vgg13_bn", vgg, kVgg, {1}, {}, kB},
    {"vgg16", vgg, kVgg, {0}, {}, kD},
    {"vgg16_bn", vgg, kVgg, {1}, {}, kD},
    {"vgg19", vgg, kVgg, {0}, {}, kE},
    {"vgg19_bn", vgg, kVgg, {1}, {}, kE},
};

}  // namespace

ModelTable plain_models() { return kPlain; }

}  // namespace mt::vision::models
