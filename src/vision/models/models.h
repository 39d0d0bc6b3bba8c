// torchvision's classification models: the same names, children, keys of state dicts, initial
// values from one seed, and outputs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nn/module.h"

namespace mt::vision::models {

// What a model can be made with; each family takes some of it.
struct ModelOptions {
  int64_t num_classes = 1000;
  std::string weights;                                            // a file of weights; empty: none
  std::optional<double> dropout;                                  // or the model's own
  std::optional<double> stochastic_depth_prob;                    // or the model's own
  std::optional<double> layer_scale;                              // ConvNeXt: 1e-6
  double attention_dropout = 0;                                   // ViT
  double drop_rate = 0;                                           // DenseNet
  double width_mult = 1;                                          // MobileNet
  bool init_weights = true;                                       // VGG
  bool zero_init_residual = false;                                // ResNet
  int64_t groups = 0, width_per_group = 0;                        // ResNet: 0 for the model's own
  std::optional<std::vector<bool>> replace_stride_with_dilation;  // ResNet: layers 2 to 4
  bool reduced_tail = false, dilated = false;                     // MobileNetV3
  int64_t image_size = 224, representation_size = 0;              // ViT; 0: none
};

// Bits of the options that a family takes; num_classes and weights fit all.
enum : uint32_t {
  kTakesDropout = 1,
  kTakesStochasticDepth = 2,
  kTakesLayerScale = 4,
  kTakesAttentionDropout = 8,
  kTakesDropRate = 16,
  kTakesWidthMult = 32,
  kTakesInitWeights = 64,
  kTakesResNet = 128,
  kTakesMobileNetV3 = 256,
  kTakesViT = 512,
};

// A model's row in its family's table.
struct ModelEntry {
  const char* name;
  ModuleRef (*make)(const ModelEntry& self, const ModelOptions& options);
  uint32_t takes;
  int32_t config[5] = {};
  double factors[3] = {};
  const char* layout = nullptr;
};
using ModelTable = std::span<const ModelEntry>;
ModelTable resnets();
ModelTable plain_models();
ModelTable mobile_models();
ModelTable dense_models();
ModelTable patch_models();

// A new model, in training mode, by torchvision's name of its constructor; kKey for others.
ModuleRef make_model(std::string_view name, const ModelOptions& options);
std::vector<std::string> model_names();

// Writes a file's weights into a model, whatever the format; names that older files of torchvision
// use are brought up to date.
void load_weights(Module& model, const std::string& path);

// A module that runs `model` up to the last of the named submodules and gives their first outputs,
// in the order of the names. It has the model's children, shared; the model itself is not changed.
ModuleRef feature_extractor(const ModuleRef& model, std::vector<std::string> nodes);

}  // namespace mt::vision::models
