// Models that join channels: DenseNet (Huang et al., 2017), ShuffleNetV2 (Ma et al., 2018).
#include "core/error.h"
#include "ops/activation.h"
#include "ops/join.h"
#include "ops/pool.h"
#include "ops/random.h"
#include "ops/reduce.h"
#include "ops/view.h"
#include "vision/models/blocks.h"
#include "vision/models/models.h"

namespace mt::vision::models {
namespace {

// --- DenseNet --------------------------------------------------------------------------------
// Of all features so far, given one by one.
Tensor dense_layer_forward(Composite& self, std::span<const Tensor> in) {
  Tensor x = self.run("relu1", self.run("norm1", joined(in, 1)));
  x = self.run("relu2", self.run("norm2", self.run("conv1", x)));
  x = self.run("conv2", x);
  return self.value > 0 ? mt::dropout(x, self.value, self.training()) : x;
}

Tensor dense_block_forward(Composite& self, std::span<const Tensor> in) {
  TensorList features{in[0]};
  for (size_t i = 0; i < self.children().size(); ++i) {
    const std::string name = self.children()[i].first;
    features.push_back(self.run(name, std::span<const Tensor>(features))[0]);
  }
  return joined(features, 1);
}

ModuleRef dense_layer(int64_t in, int64_t growth, double drop_rate) {
  Block m(new Composite("_DenseLayer", dense_layer_forward, 0));
  m->register_module("norm1", batch_norm(in));
  m->register_module("relu1", activation(Act::kReLU));
  m->register_module("conv1", conv({in, 4 * growth, 1}, false));
  m->register_module("norm2", batch_norm(4 * growth));
  m->register_module("relu2", activation(Act::kReLU));
  m->register_module("conv2", conv({4 * growth, growth, 3, 1, 1}, false));
  m->value = drop_rate;
  return m;
}

ModuleRef transition(int64_t in) {
  const auto m = chain({}, "_Transition");
  m->register_module("norm", batch_norm(in));
  m->register_module("relu", activation(Act::kReLU));
  m->register_module("conv", conv({in, in / 2, 1}, false));
  nn::AvgPool2dOptions pool;
  pool.kernel_size = {2};
  pool.stride = {2};
  m->register_module("pool", nn::avg_pool2d(std::move(pool)));
  return m;
}

ModuleRef densenet(const ModelEntry& e, const ModelOptions& o) {
  const auto growth = static_cast<int64_t>(e.factors[0]);
  int64_t n = 2 * growth;
  const auto features = chain({});
  features->register_module("conv0", conv({3, n, 7, 2, 3}, false));
  features->register_module("norm0", batch_norm(n));
  features->register_module("relu0", activation(Act::kReLU));
  features->register_module("pool0", max_pool(3, 2, 1));
  for (int i = 0; i < 4; ++i) {
    const std::string number = std::to_string(i + 1);
    const auto block = composite("_DenseBlock", dense_block_forward);
    for (int32_t k = 0; k < e.config[i]; ++k) {
      block->register_module("denselayer" + std::to_string(k + 1),
                             dense_layer(n, growth, o.drop_rate));
      n += growth;
    }
    features->register_module("denseblock" + number, block);
    if (i == 3) continue;
    features->register_module("transition" + number, transition(n));
    n /= 2;
  }
  features->register_module("norm5", batch_norm(n));
  ModuleRef model =
      composite("DenseNet",
                [](Composite& self, std::span<const Tensor> x) {
                  const Tensor y = relu_(self.run("features", x[0]));
                  return self.run("classifier", flatten(adaptive_avg_pool2d(y, Dims{1, 1}), 1));
                },
                {{"features", features}, {"classifier", linear(n, o.num_classes)}});
  for_each_module(*model, [](Module& m, std::string_view type) {
    if (type == "Conv2d") init::kaiming_normal_(m.get_parameter("weight"));
    if (type == "Linear") zero_bias(m);
  });
  return model;
}

// --- ShuffleNetV2 ----------------------------------------------------------------------------
// The halves of the channels, taken in turn.
Tensor shuffled(const Tensor& x) {
  const int64_t n = x.size(0), c = x.size(1), h = x.size(2), w = x.size(3);
  return reshape(transpose(reshape(x, Dims{n, 2, c / 2, h, w}), 1, 2), Dims{n, c, h, w});
}

Tensor shuffle_forward(Composite& self, std::span<const Tensor> in) {
  Tensor parts[2];
  if (self.number == 1) {
    const TensorList halves = chunk(in[0], 2, 1);
    if (halves.size() != 2) {
      fail(Status::kShape, self.type_name(), ": shape mismatch: input ",
           shape_string(in[0].sizes()), ": dim 1 must have at least 2 channels");
    }
    parts[0] = halves[0];
    parts[1] = self.run("branch2", halves[1]);
  } else {
    parts[0] = self.run("branch1", in[0]);
    parts[1] = self.run("branch2", in[0]);
  }
  return shuffled(joined(parts, 1));
}

ModuleRef shuffle_block(int64_t in, int64_t out, int64_t stride) {
  const int64_t half = out / 2;
  const auto add = [](const auto& to, const ConvSizes& s, bool relu) {
    to->append(conv(s, false));
    to->append(batch_norm(s.out));
    if (relu) to->append(activation(Act::kReLU));
  };
  const auto branch1 = chain({}), branch2 = chain({});
  if (stride > 1) {
    add(branch1, {in, in, 3, stride, 1, 1, in}, false);
    add(branch1, {in, half, 1}, true);
  }
  add(branch2, {stride > 1 ? in : half, half, 1}, true);
  add(branch2, {half, half, 3, stride, 1, 1, half}, false);
  add(branch2, {half, half, 1}, true);
  auto m =
      composite("InvertedResidual", shuffle_forward, {{"branch1", branch1}, {"branch2", branch2}});
  m->number = stride;
  return m;
}

ModuleRef conv_norm_relu(const ConvSizes& sizes) {
  const auto s = chain({conv(sizes, false)});
  s->append(batch_norm(sizes.out));
  s->append(activation(Act::kReLU));
  return s;
}

ModuleRef shufflenet(const ModelEntry& e, const ModelOptions& o) {
  constexpr int kRepeats[] = {4, 8, 4};
  int64_t in = e.config[0];
  auto model = composite("ShuffleNetV2", [](Composite& self, std::span<const Tensor> inputs) {
    Tensor x = inputs[0];
    for (const char* part : {"conv1", "maxpool", "stage2", "stage3", "stage4", "conv5"}) {
      x = self.run(part, x);
    }
    return self.run("fc", mean(x, Dims{2, 3}));
  });
  model->register_module("conv1", conv_norm_relu({3, in, 3, 2, 1}));
  model->register_module("maxpool", max_pool(3, 2, 1));
  for (int i = 0; i < 3; ++i) {
    const int64_t out = e.config[i + 1];
    const auto stage = chain({shuffle_block(in, out, 2)});
    for (int k = 1; k < kRepeats[i]; ++k) stage->append(shuffle_block(out, out, 1));
    model->register_module("stage" + std::to_string(i + 2), stage);
    in = out;
  }
  model->register_module("conv5", conv_norm_relu({in, e.config[4], 1}));
  model->register_module("fc", linear(e.config[4], o.num_classes));
  return model;
}

// DenseNet: layers of the blocks, growth. ShuffleNet: channels of the stages.
constexpr ModelEntry kDense[] = {
    {"densenet121", densenet, kTakesDropRate, {6, 12, 24, 16}, {32}},
    {"densenet161", densenet, kTakesDropRate, {6, 12, 36, 24}, {48}},
    {"densenet169", densenet, kTakesDropRate, {6, 12, 32, 32}, {32}},
    {"densenet201", densenet, kTakesDropRate, {6, 12, 48, 32}, {32}},
    {"shufflenet_v2_x0_5", shufflenet, 0, {24, 48, 96, 192, 1024}},
    {"shufflenet_v2_x1_0", shufflenet, 0, {24, 116, 232, 464, 1024}},
    {"shufflenet_v2_x1_5", shufflenet, 0, {24, 176, 352, 704, 1024}},
    {"shufflenet_v2_x2_0", shufflenet, 0, {24, 244, 488, 976, 2048}},
};

}  // namespace

ModelTable dense_models() { return kDense; }

}  // namespace mt::vision::models
