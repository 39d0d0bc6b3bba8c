// The table of all models by name, the options that each takes, and weights from files; see
// models.h.
#include "vision/models/models.h"

#include <algorithm>

#include "core/error.h"
#include "io/load.h"

namespace mt::vision::models {
namespace {

const ModelTable* tables() {
  static const ModelTable kTables[] = {resnets(),      plain_models(), mobile_models(),
                                       dense_models(), patch_models(), {}};
  return kTables;
}

[[noreturn]] void fail_range(std::string_view model, const char* option, double value,
                             const char* range) {
  fail(Status::kInvalidArgument, model, ": option out of range: ", option, " ", value,
       ": must be in ", range);
}

// An option that the model does not take must have its default.
void check_options(const ModelEntry& e, const ModelOptions& o) {
  const ModelOptions d;
  const struct {
    const char* name;
    bool given;
    uint32_t bit;
  } checks[] = {
      {"dropout", o.dropout.has_value(), kTakesDropout},
      {"stochastic_depth_prob", o.stochastic_depth_prob.has_value(), kTakesStochasticDepth},
      {"layer_scale", o.layer_scale.has_value(), kTakesLayerScale},
      {"attention_dropout", o.attention_dropout != d.attention_dropout, kTakesAttentionDropout},
      {"drop_rate", o.drop_rate != d.drop_rate, kTakesDropRate},
      {"width_mult", o.width_mult != d.width_mult, kTakesWidthMult},
      {"init_weights", o.init_weights != d.init_weights, kTakesInitWeights},
      {"zero_init_residual", o.zero_init_residual, kTakesResNet},
      {"groups", o.groups != 0, kTakesResNet},
      {"width_per_group", o.width_per_group != 0, kTakesResNet},
      {"replace_stride_with_dilation", o.replace_stride_with_dilation.has_value(), kTakesResNet},
      {"reduced_tail", o.reduced_tail, kTakesMobileNetV3},
      {"dilated", o.dilated, kTakesMobileNetV3},
      {"image_size", o.image_size != d.image_size, kTakesViT},
      {"representation_size", o.representation_size != 0, kTakesViT},
  };
  for (const auto& c : checks) {
    if (c.given && (e.takes & c.bit) == 0) {
      fail(Status::kInvalidArgument, e.name, ": unexpected option: ", c.name,
           ": the model has no such option");
    }
  }
  constexpr int64_t kMost = int64_t{1} << 24;
  if (o.num_classes < 1 || o.num_classes > kMost) {
    fail_range(e.name, "num_classes", static_cast<double>(o.num_classes), "[1, 2^24]");
  }
  if (o.representation_size < 0 || o.representation_size > kMost) {
    fail_range(e.name, "representation_size", static_cast<double>(o.representation_size),
               "[0, 2^24]");
  }
  if (!(o.width_mult > 0 && o.width_mult <= 100)) {
    fail_range(e.name, "width_mult", o.width_mult, "(0, 100]");
  }
  const std::pair<const char*, double> parts[] = {
      {"dropout", o.dropout.value_or(0)},
      {"stochastic_depth_prob", o.stochastic_depth_prob.value_or(0)},
      {"attention_dropout", o.attention_dropout},
      {"drop_rate", o.drop_rate},
  };
  for (const auto& [name, p] : parts) {
    if (!(p >= 0 && p <= 1)) fail_range(e.name, name, p, "[0, 1]");
  }
}

void replace_part(std::string& text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  if (at != std::string::npos) text.replace(at, from.size(), to);
}

// What torchvision's published files call these tensors: "denselayer1.norm.1.weight" is now
// "denselayer1.norm1.weight", and the layers "linear_1" and "linear_2" of ViT's MLPs are "0" and
// "3".
void rename_old(std::string_view model, std::string& key) {
  if (model == "DenseNet" && key.find(".denselayer") != std::string::npos) {
    for (const char* kind : {"norm", "conv", "relu"}) {
      for (const char* number : {"1", "2"}) {
        replace_part(key, "." + std::string(kind) + "." + number + ".",
                     "." + std::string(kind) + number + ".");
      }
    }
  } else if (model == "VisionTransformer") {
    replace_part(key, ".mlp.linear_1.", ".mlp.0.");
    replace_part(key, ".mlp.linear_2.", ".mlp.3.");
  }
}

}  // namespace

ModuleRef make_model(std::string_view name, const ModelOptions& options) {
  for (const ModelTable* t = tables(); !t->empty(); ++t) {
    for (const ModelEntry& e : *t) {
      if (e.name != name) continue;
      check_options(e, options);
      ModuleRef model = e.make(e, options);
      if (!options.weights.empty()) load_weights(*model, options.weights);
      return model;
    }
  }
  fail(Status::kKey, "vision_model: unknown model: '", name,
       "': must be one of mt_vision_model_names, such as 'resnet18'");
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const ModelTable* t = tables(); !t->empty(); ++t) {
    for (const ModelEntry& e : *t) names.emplace_back(e.name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

void load_weights(Module& model, const std::string& path) {
  NamedTensors state = load_state_dict_file(path);
  for (auto& [key, t] : state) rename_old(model.type_name(), key);
  // Files of before PyTorch 0.4.1 have no counts of batches.
  const auto own = model.state_dict();
  const bool old = std::none_of(state.begin(), state.end(), [](const auto& e) {
    return e.first.ends_with("num_batches_tracked");
  });
  for (const auto& [key, t] : own) {
    if (old && key.ends_with("num_batches_tracked")) state.emplace_back(key, t);
  }
  model.load_state_dict(state);
}

}  // namespace mt::vision::models
