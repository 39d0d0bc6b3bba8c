// Models that cut the image into patches: ConvNeXt (Liu et al., 2022) and the Vision Transformer
// (Dosovitskiy et al., 2021).
#include <cmath>

#include "core/error.h"
#include "ops/arithmetic.h"
#include "ops/creation.h"
#include "ops/view.h"
#include "vision/models/blocks.h"
#include "vision/models/models.h"

namespace mt::vision::models {
namespace {

// --- ConvNeXt --------------------------------------------------------------------------------
ModuleRef convnext_block(int64_t dim, double layer_scale, double drop) {
  const auto block =
      chain({conv({dim, dim, 7, 1, 3, 1, dim}), permute({0, 2, 3, 1}), layer_norm(dim),
             linear(dim, 4 * dim), nn::gelu(), linear(4 * dim, dim), permute({0, 3, 1, 2})});
  auto m = composite("CNBlock",
                     [](Composite& self, std::span<const Tensor> x) {
                       const Tensor y = mul(self.own_parameter(0), self.run("block", x[0]));
                       return plus(self.run("stochastic_depth", y), x[0]);
                     },
                     {{"block", block}, {"stochastic_depth", stochastic_depth(drop)}});
  m->register_parameter("layer_scale",
                        make_parameter(full(Dims{dim, 1, 1}, layer_scale, default_dtype())));
  return m;
}

ModuleRef convnext(const ModelEntry& e, const ModelOptions& o) {
  const auto width = static_cast<int64_t>(e.factors[0]);
  const double drop = o.stochastic_depth_prob.value_or(e.factors[1]);
  const double scale = o.layer_scale.value_or(1e-6);
  const auto stem = chain({conv({3, width, 4, 4}), layer_norm2d(width)}, "Conv2dNormActivation");
  const auto features = chain({stem});
  int32_t total = 0, done = 0;
  for (int i = 0; i < 4; ++i) total += e.config[i];
  for (int i = 0; i < 4; ++i) {
    const int64_t dim = width << i;
    const auto stage = chain({});
    for (int32_t k = 0; k < e.config[i]; ++k) {
      stage->append(convnext_block(dim, scale, drop * done++ / (total - 1.0)));
    }
    features->append(stage);
    if (i == 3) continue;
    features->append(chain({layer_norm2d(dim), conv({dim, 2 * dim, 2, 2})}));
  }
  const int64_t last = width << 3;
  const auto classifier =
      chain({layer_norm2d(last), nn::flatten({1, -1}), linear(last, o.num_classes)});
  ModuleRef model = composite(
      "ConvNeXt",
      [](Composite& self, std::span<const Tensor> x) {
        return self.run("classifier", self.run("avgpool", self.run("features", x[0])));
      },
      {{"features", features}, {"avgpool", adaptive_avg_pool({1})}, {"classifier", classifier}});
  for_each_module(*model, [](Module& m, std::string_view type) {
    if (type != "Conv2d" && type != "Linear") return;
    init::trunc_normal_(m.get_parameter("weight"), 0, 0.02);
    zero_bias(m);
  });
  return model;
}

// --- Vision Transformer ----------------------------------------------------------------------
Tensor encoder_block_forward(Composite& self, std::span<const Tensor> in) {
  if (in[0].dim() != 3) {
    fail(Status::kShape, self.type_name(), ": wrong number of dims: input ",
         shape_string(in[0].sizes()), ": must be (batch, sequence, hidden)");
  }
  const Tensor h = self.run("ln_1", in[0]);
  const Tensor no_weights = Tensor::from_scalar(false, DType::kBool);
  const Tensor to_attention[] = {h, h, h, Tensor(), Tensor(), no_weights};
  const Tensor attended = self.run("self_attention", std::span<const Tensor>(to_attention))[0];
  const Tensor x = add(self.run("dropout", attended), in[0]);
  return add(x, self.run("mlp", self.run("ln_2", x)));
}

ModuleRef mlp_block(int64_t dim, int64_t hidden, double p) {
  auto mlp = chain({linear(dim, hidden), nn::gelu(), dropout(p), linear(hidden, dim), dropout(p)},
                   "MLPBlock");
  for_each_module(*mlp, [](Module& m, std::string_view type) {
    if (type != "Linear") return;
    init::xavier_uniform_(m.get_parameter("weight"));
    init::normal_(m.get_parameter("bias"), 0, 1e-6);
  });
  return mlp;
}

ModuleRef encoder_block(int64_t heads, int64_t dim, int64_t hidden, double p, double attention_p) {
  auto m = composite("EncoderBlock", encoder_block_forward, {{"ln_1", layer_norm(dim)}});
  nn::MultiheadAttentionOptions a;
  a.embed_dim = dim;
  a.num_heads = heads;
  a.dropout = attention_p;
  a.batch_first = true;
  m->register_module("self_attention", nn::multihead_attention(a));
  m->register_module("dropout", dropout(p));
  m->register_module("ln_2", layer_norm(dim));
  m->register_module("mlp", mlp_block(dim, hidden, p));
  return m;
}

// `number` is the size of the images.
Tensor vit_forward(Composite& self, std::span<const Tensor> in) {
  const Tensor& image = in[0];
  if (image.dim() != 4 || image.size(2) != self.number || image.size(3) != self.number) {
    fail(Status::kShape, "VisionTransformer: shape mismatch: input ", shape_string(image.sizes()),
         ": must be (n, 3, ", self.number, ", ", self.number, "): it was made for this size");
  }
  const int64_t n = image.size(0);
  const Tensor patches = self.run("conv_proj", image);
  const Tensor x = mt::permute(flatten(patches, 2), Dims{0, 2, 1});
  const Tensor parts[] = {expand(self.own_parameter(0), Dims{n, -1, -1}), x};
  return self.run("heads", select(self.run("encoder", joined(parts, 1)), 1, 0));
}

ModuleRef vit(const ModelEntry& e, const ModelOptions& o) {
  const int64_t patch = e.config[0], layers = e.config[1], heads = e.config[2], dim = e.config[3],
                hidden = e.config[4];
  if (o.image_size < patch || o.image_size > 65536 || o.image_size % patch != 0) {
    fail(Status::kInvalidArgument, e.name, ": option out of range: image_size ", o.image_size,
         ": must be a multiple of the patch size ", patch, ", at most 65536");
  }
  const double p = o.dropout.value_or(0);
  auto model = composite("VisionTransformer", vit_forward);
  model->number = o.image_size;
  const ModuleRef projection = conv({3, dim, patch, patch});
  model->register_module("conv_proj", projection);
  model->register_parameter("class_token", make_parameter(zeros(Dims{1, 1, dim})));

  auto encoder = composite("Encoder", [](Composite& self, std::span<const Tensor> in) {
    const Tensor x = add(in[0], self.own_parameter(0));
    return self.run("ln", self.run("layers", self.run("dropout", x)));
  });
  const int64_t side = o.image_size / patch;
  const Tensor positions = empty(Dims{1, side * side + 1, dim});
  init::normal_(positions, 0, 0.02);
  encoder->register_parameter("pos_embedding", make_parameter(positions));
  encoder->register_module("dropout", dropout(p));
  const auto stack = chain({});
  for (int64_t i = 0; i < layers; ++i) {
    stack->register_module("encoder_layer_" + std::to_string(i),
                           encoder_block(heads, dim, hidden, p, o.attention_dropout));
  }
  encoder->register_module("layers", stack);
  encoder->register_module("ln", layer_norm(dim));
  model->register_module("encoder", encoder);

  const auto top = chain({});
  ModuleRef before;
  if (o.representation_size != 0) {
    before = linear(dim, o.representation_size);
    top->register_module("pre_logits", before);
    top->register_module("act", nn::tanh());
  }
  const ModuleRef head = linear(before ? o.representation_size : dim, o.num_classes);
  top->register_module("head", head);
  model->register_module("heads", top);

  const auto truncated = [](Module& m, int64_t fan_in) {
    init::trunc_normal_(m.get_parameter("weight"), 0, std::sqrt(1 / static_cast<double>(fan_in)));
    zero_bias(m);
  };
  truncated(*projection, 3 * patch * patch);
  if (before) truncated(*before, dim);
  init::constant_(head->get_parameter("weight"), 0);
  zero_bias(*head);
  return model;
}

constexpr uint32_t kNext = kTakesStochasticDepth | kTakesLayerScale,
                   kVit = kTakesViT | kTakesDropout | kTakesAttentionDropout;

// ConvNeXt: blocks of the stages; width, stochastic depth. ViT: patch, layers, heads, sizes of the
// hidden states and of the MLPs.
constexpr ModelEntry kPatch[] = {
    {"convnext_base", convnext, kNext, {3, 3, 27, 3}, {128, 0.5}},
    {"convnext_large", convnext, kNext, {3, 3, 27, 3}, {192, 0.5}},
    {"convnext_small", convnext, kNext, {3, 3, 27, 3}, {96, 0.4}},
    {"convnext_tiny", convnext, kNext, {3, 3, 9, 3}, {96, 0.1}},
    {"vit_b_16", vit, kVit, {16, 12, 12, 768, 3072}},
    {"vit_b_32", vit, kVit, {32, 12, 12, 768, 3072}},
    {"vit_h_14", vit, kVit, {14, 32, 16, 1280, 5120}},
    {"vit_l_16", vit, kVit, {16, 24, 16, 1024, 4096}},
    {"vit_l_32", vit, kVit, {32, 24, 16, 1024, 4096}},
};

}  // namespace

ModelTable patch_models() { return kPatch; }

}  // namespace mt::vision::models
