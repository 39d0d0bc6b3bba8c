// minitorch/models.h - torchvision's classification models, and feature extraction.
// Names, children, keys of state dicts, printed forms, initial values from one seed and outputs are
// those of torchvision 0.14.
#ifndef MINITORCH_MODELS_H
#define MINITORCH_MODELS_H

#include "minitorch/types.h"

#ifdef __cplusplus
extern "C" {
#endif

// Fine-tuning: another last layer on published weights, the rest frozen.
//
//   mt_vision_model_options o;
//   mt_vision_model_options_init(&o);
//   o.weights = "resnet18.pth";
//   mt_vision_resnet18(&model, &o);
//   mt_module_requires_grad_(model, false);
//   mt_nn_linear(&fc, 512, 5, NULL);
//   mt_module_register_module(model, "fc", fc);
//   mt_module_parameters(&trained, fc);
//
// A child deeper inside is replaced in its parent: mt_module_get_submodule(&parent, model,
// "classifier"), then mt_module_register_module(parent, "1", layer). A part is frozen by
// mt_module_get_submodule(&part, model, "features") and mt_module_requires_grad_(part, false).
//
// Models take images (n, 3, height, width) as float32, normalised as they were trained, and give
// logits (n, num_classes). They are made in training mode: call mt_module_eval before inference.

// --- Models ----------------------------------------------------------------------------------

// What models are made with, by torchvision's names of the arguments. A model that has no such
// argument takes only the default: MT_ERR_INVALID_ARGUMENT otherwise. Pointers that are NULL stand
// for the model's own value.
typedef struct mt_vision_model_options {
  size_t struct_size;
  int64_t num_classes;  // 1000
  // A file of weights in any format that mt_load_state_dict reads, for as many classes; or NULL.
  // The names in torchvision's published files are known, also old ones.
  const char *weights;
  const double *dropout;                // AlexNet, VGG, SqueezeNet, MobileNet, EfficientNet, ViT
  const double *stochastic_depth_prob;  // EfficientNet, ConvNeXt
  const double *layer_scale;            // ConvNeXt
  double attention_dropout;             // ViT: 0
  double drop_rate;                     // DenseNet: 0
  double width_mult;                    // MobileNet: 1
  bool init_weights;                    // VGG: true; false keeps the layers' own initial values
  bool zero_init_residual;              // ResNet: the last norms of the blocks begin at zero
  bool reduced_tail;                    // MobileNetV3: half the channels in the last stage
  bool dilated;                         // MobileNetV3: dilation instead of the last stride
  int64_t groups;                       // ResNet; 0: the model's own
  int64_t width_per_group;              // ResNet; 0: the model's own
  const bool *replace_stride_with_dilation;  // ResNet: 3 flags, of layer2 to layer4
  int64_t image_size;                        // ViT: 224
  int64_t representation_size;               // ViT: of a layer before the last; 0: none
} mt_vision_model_options;

MT_API void mt_vision_model_options_init(mt_vision_model_options *options);

// By the name of a constructor below, such as "resnet18"; MT_ERR_KEY for others. All constructors
// give MT_ERR_IO, MT_ERR_FORMAT, MT_ERR_KEY or MT_ERR_SHAPE for weights that cannot be read or do
// not fit, and then no model.
MT_API mt_status mt_vision_model(mt_module **out, const char *name,
                                 const mt_vision_model_options *MT_NULLABLE options);

// All names, sorted.
MT_API mt_status mt_vision_model_names(mt_strings **out);

// Deep residual learning for image recognition (2015): 18, 34, 50, 101 and 152 layers.
MT_API mt_status mt_vision_resnet18(mt_module **out,
                                    const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_resnet34(mt_module **out,
                                    const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_resnet50(mt_module **out,
                                    const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_resnet101(mt_module **out,
                                     const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_resnet152(mt_module **out,
                                     const mt_vision_model_options *MT_NULLABLE options);

// Aggregated residual transformations (2016).
MT_API mt_status mt_vision_resnext50_32x4d(mt_module **out,
                                           const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_resnext101_32x8d(mt_module **out,
                                            const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_resnext101_64x4d(mt_module **out,
                                            const mt_vision_model_options *MT_NULLABLE options);

// Wide residual networks (2016).
MT_API mt_status mt_vision_wide_resnet50_2(mt_module **out,
                                           const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_wide_resnet101_2(mt_module **out,
                                            const mt_vision_model_options *MT_NULLABLE options);

// Very deep convolutional networks (2014), also with batch norms.
MT_API mt_status mt_vision_vgg11(mt_module **out,
                                 const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_vgg11_bn(mt_module **out,
                                    const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_vgg13(mt_module **out,
                                 const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_vgg13_bn(mt_module **out,
                                    const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_vgg16(mt_module **out,
                                 const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_vgg16_bn(mt_module **out,
                                    const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_vgg19(mt_module **out,
                                 const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_vgg19_bn(mt_module **out,
                                    const mt_vision_model_options *MT_NULLABLE options);

// One weird trick for parallelizing convolutional neural networks (2014).
MT_API mt_status mt_vision_alexnet(mt_module **out,
                                   const mt_vision_model_options *MT_NULLABLE options);

// SqueezeNet (2016).
MT_API mt_status mt_vision_squeezenet1_0(mt_module **out,
                                         const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_squeezenet1_1(mt_module **out,
                                         const mt_vision_model_options *MT_NULLABLE options);

// MobileNetV2 (2018) and Searching for MobileNetV3 (2019).
MT_API mt_status mt_vision_mobilenet_v2(mt_module **out,
                                        const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_mobilenet_v3_large(mt_module **out,
                                              const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_mobilenet_v3_small(mt_module **out,
                                              const mt_vision_model_options *MT_NULLABLE options);

// Densely connected convolutional networks (2016).
MT_API mt_status mt_vision_densenet121(mt_module **out,
                                       const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_densenet161(mt_module **out,
                                       const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_densenet169(mt_module **out,
                                       const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_densenet201(mt_module **out,
                                       const mt_vision_model_options *MT_NULLABLE options);

// ShuffleNetV2 (2018).
MT_API mt_status mt_vision_shufflenet_v2_x0_5(mt_module **out,
                                              const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_shufflenet_v2_x1_0(mt_module **out,
                                              const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_shufflenet_v2_x1_5(mt_module **out,
                                              const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_shufflenet_v2_x2_0(mt_module **out,
                                              const mt_vision_model_options *MT_NULLABLE options);

// EfficientNet (2019).
MT_API mt_status mt_vision_efficientnet_b0(mt_module **out,
                                           const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_efficientnet_b1(mt_module **out,
                                           const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_efficientnet_b2(mt_module **out,
                                           const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_efficientnet_b3(mt_module **out,
                                           const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_efficientnet_b4(mt_module **out,
                                           const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_efficientnet_b5(mt_module **out,
                                           const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_efficientnet_b6(mt_module **out,
                                           const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_efficientnet_b7(mt_module **out,
                                           const mt_vision_model_options *MT_NULLABLE options);

// A ConvNet for the 2020s (2022).
MT_API mt_status mt_vision_convnext_tiny(mt_module **out,
                                         const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_convnext_small(mt_module **out,
                                          const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_convnext_base(mt_module **out,
                                         const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_convnext_large(mt_module **out,
                                          const mt_vision_model_options *MT_NULLABLE options);

// An image is worth 16x16 words (2020): a patch size of 14, 16 or 32 pixels.
MT_API mt_status mt_vision_vit_b_16(mt_module **out,
                                    const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_vit_b_32(mt_module **out,
                                    const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_vit_l_16(mt_module **out,
                                    const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_vit_l_32(mt_module **out,
                                    const mt_vision_model_options *MT_NULLABLE options);
MT_API mt_status mt_vision_vit_h_14(mt_module **out,
                                    const mt_vision_model_options *MT_NULLABLE options);

// --- Features --------------------------------------------------------------------------------

// A module that gives the outputs of n submodules of `model`, in the order of the paths
// ("layer4", "features.3"), as mt_module_call's list. It runs the model as far as the last of them;
// of a submodule that runs more than once it gives the first output. Its children are the model's
// own, shared: training one trains the other; `model` itself is not changed. MT_ERR_KEY for a path
// that names nothing; MT_ERR_STATE, at forward, when a submodule was not reached.
MT_API mt_status mt_vision_create_feature_extractor(mt_module **out, const mt_module *model,
                                                    const char *const *return_nodes, size_t n);

#ifdef __cplusplus
}
#endif

#endif  // MINITORCH_MODELS_H
