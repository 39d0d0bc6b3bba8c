// C functions of models.h.
#include "vision/models/models.h"

#include "capi/lists.h"

using namespace mt::capi;  // NOLINT
namespace models = mt::vision::models;

namespace {

std::optional<double> number(const double* p) {
  return p ? std::optional<double>(*p) : std::nullopt;
}

mt_status make(const char* fn, mt_module** out, const char* name,
               const mt_vision_model_options* options) {
  return guard(fn, [&](Call& c) {
    c.pointer("out", out);
    c.string("name", name);
    mt_vision_model_options o;
    mt_vision_model_options_init(&o);
    if (options) c.read_options("options", options, o);
    models::ModelOptions to;
    to.num_classes = o.num_classes;
    if (o.weights) to.weights = o.weights;
    to.dropout = number(o.dropout);
    to.stochastic_depth_prob = number(o.stochastic_depth_prob);
    to.layer_scale = number(o.layer_scale);
    to.attention_dropout = o.attention_dropout;
    to.drop_rate = o.drop_rate;
    to.width_mult = o.width_mult;
    to.init_weights = o.init_weights;
    to.zero_init_residual = o.zero_init_residual;
    to.reduced_tail = o.reduced_tail;
    to.dilated = o.dilated;
    to.groups = o.groups;
    to.width_per_group = o.width_per_group;
    if (const bool* r = o.replace_stride_with_dilation) {
      to.replace_stride_with_dilation = {r[0], r[1], r[2]};
    }
    to.image_size = o.image_size;
    to.representation_size = o.representation_size;
    *out = make_module(c, models::make_model(name, to)).release();
  });
}

}  // namespace

extern "C" {

void mt_vision_model_options_init(mt_vision_model_options* options) {
  if (!options) return;
  const models::ModelOptions d;
  *options = {};
  options->struct_size = sizeof *options;
  options->num_classes = d.num_classes;
  options->width_mult = d.width_mult;
  options->init_weights = d.init_weights;
  options->image_size = d.image_size;
}

mt_status mt_vision_model(mt_module** out, const char* name,
                          const mt_vision_model_options* options) {
  return make("mt_vision_model", out, name, options);
}

mt_status mt_vision_model_names(mt_strings** out) {
  return guard("mt_vision_model_names", [&](Call& c) {
    c.pointer("out", out);
    *out = make_strings(c, models::model_names()).release();
  });
}

mt_status mt_vision_create_feature_extractor(mt_module** out, const mt_module* model,
                                             const char* const* return_nodes, size_t n) {
  return guard("mt_vision_create_feature_extractor", [&](Call& c) {
    const auto m = mt::ModuleRef::share(c.object<mt::Module>("model", model));
    c.pointer("out", out);
    std::vector<std::string> nodes;
    if (n != 0) c.pointer("return_nodes", return_nodes);
    for (size_t i = 0; i < n; ++i) {
      nodes.emplace_back(c.string("return_nodes", return_nodes[i]));
    }
    *out = make_module(c, models::feature_extractor(m, std::move(nodes))).release();
  });
}

// torchvision's constructors by name.
#define MT_MODEL(name)                                                                  \
  mt_status mt_vision_##name(mt_module** out, const mt_vision_model_options* options) { \
    return make("mt_vision_" #name, out, #name, options);                               \
  }
MT_MODEL(resnet18)
MT_MODEL(resnet34)
MT_MODEL(resnet50)
MT_MODEL(resnet101)
MT_MODEL(resnet152)
MT_MODEL(resnext50_32x4d)
MT_MODEL(resnext101_32x8d)
MT_MODEL(resnext101_64x4d)
MT_MODEL(wide_resnet50_2)
MT_MODEL(wide_resnet101_2)
MT_MODEL(vgg11)
MT_MODEL(vgg11_bn)
MT_MODEL(vgg13)
MT_MODEL(vgg13_bn)
MT_MODEL(vgg16)
MT_MODEL(vgg16_bn)
MT_MODEL(vgg19)
MT_MODEL(vgg19_bn)
MT_MODEL(alexnet)
MT_MODEL(squeezenet1_0)
MT_MODEL(squeezenet1_1)
MT_MODEL(mobilenet_v2)
MT_MODEL(mobilenet_v3_large)
MT_MODEL(mobilenet_v3_small)
MT_MODEL(densenet121)
MT_MODEL(densenet161)
MT_MODEL(densenet169)
MT_MODEL(densenet201)
MT_MODEL(shufflenet_v2_x0_5)
MT_MODEL(shufflenet_v2_x1_0)
MT_MODEL(shufflenet_v2_x1_5)
MT_MODEL(shufflenet_v2_x2_0)
MT_MODEL(efficientnet_b0)
MT_MODEL(efficientnet_b1)
MT_MODEL(efficientnet_b2)
MT_MODEL(efficientnet_b3)
MT_MODEL(efficientnet_b4)
MT_MODEL(efficientnet_b5)
MT_MODEL(efficientnet_b6)
MT_MODEL(efficientnet_b7)
MT_MODEL(convnext_tiny)
MT_MODEL(convnext_small)
MT_MODEL(convnext_base)
MT_MODEL(convnext_large)
MT_MODEL(vit_b_16)
MT_MODEL(vit_b_32)
MT_MODEL(vit_l_16)
MT_MODEL(vit_l_32)
MT_MODEL(vit_h_14)
#undef MT_MODEL

}  // extern "C"
