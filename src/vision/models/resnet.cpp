// ResNet (He et al., 2016), ResNeXt (Xie et al., 2017) and Wide ResNet (Zagoruyko and Komodakis,
// 2016) as torchvision has them: the stride of a bottleneck is in its 3x3 convolution.
#include "core/error.h"
#include "ops/view.h"
#include "vision/models/blocks.h"
#include "vision/models/models.h"

namespace mt::vision::models {
namespace {

Tensor with_shortcut(Composite& self, Tensor out, const Tensor& x) {
  const Tensor shortcut = self.has("downsample") ? self.run("downsample", x) : x;
  return self.run("relu", plus(std::move(out), shortcut));
}

Tensor basic_forward(Composite& self, std::span<const Tensor> in) {
  Tensor out = self.run("relu", self.run("bn1", self.run("conv1", in[0])));
  out = self.run("bn2", self.run("conv2", out));
  return with_shortcut(self, std::move(out), in[0]);
}

Tensor bottleneck_forward(Composite& self, std::span<const Tensor> in) {
  Tensor out = self.run("relu", self.run("bn1", self.run("conv1", in[0])));
  out = self.run("relu", self.run("bn2", self.run("conv2", out)));
  out = self.run("bn3", self.run("conv3", out));
  return with_shortcut(self, std::move(out), in[0]);
}

Tensor resnet_forward(Composite& self, std::span<const Tensor> in) {
  Tensor x = self.run("maxpool", self.run("relu", self.run("bn1", self.run("conv1", in[0]))));
  for (const char* layer : {"layer1", "layer2", "layer3", "layer4"}) x = self.run(layer, x);
  return self.run("fc", flatten(self.run("avgpool", x), 1));
}

class ResNetMaker {
 public:
  ResNetMaker(const ModelEntry& e, const ModelOptions& o)
      : bottleneck_(e.config[4] != 0),
        expansion_(bottleneck_ ? 4 : 1),
        groups_(o.groups != 0 ? o.groups : static_cast<int64_t>(e.factors[0])),
        base_width_(o.width_per_group != 0 ? o.width_per_group
                                           : static_cast<int64_t>(e.factors[1])),
        model_(composite("ResNet", resnet_forward)) {
    if (groups_ < 1 || groups_ > 4096 || base_width_ < 1 || base_width_ > 4096) {
      fail(Status::kInvalidArgument, e.name, ": option out of range: groups ", groups_,
           ", width_per_group ", base_width_, ": must be in [1, 4096]");
    }
    if (!bottleneck_ && (groups_ != 1 || base_width_ != 64)) {
      fail(Status::kInvalidArgument, e.name, ": options do not fit: groups ", groups_,
           ", width_per_group ", base_width_, ": BasicBlock only supports groups=1 and ",
           "base_width=64");
    }
    const std::vector<bool> dilate =
        o.replace_stride_with_dilation.value_or(std::vector<bool>(3, false));
    if (dilate.size() != 3) {
      fail(Status::kInvalidArgument, e.name, ": count mismatch: replace_stride_with_dilation has ",
           dilate.size(), " entries: 3 are needed");
    }
    if (!bottleneck_ && (dilate[0] || dilate[1] || dilate[2])) {
      fail(Status::kNotImplemented, e.name,
           ": not implemented: Dilation > 1 not supported in BasicBlock");
    }
    model_->register_module("conv1", conv({3, 64, 7, 2, 3}, false));
    model_->register_module("bn1", batch_norm(64));
    model_->register_module("relu", activation(Act::kReLU));
    model_->register_module("maxpool", max_pool(3, 2, 1));
    for (int i = 0; i < 4; ++i) {
      model_->register_module("layer" + std::to_string(i + 1),
                              layer(int64_t{64} << i, e.config[i], i == 0 ? 1 : 2,
                                    i != 0 && dilate[static_cast<size_t>(i - 1)]));
    }
    model_->register_module("avgpool", adaptive_avg_pool({1, 1}));
    model_->register_module("fc", linear(512 * expansion_, o.num_classes));
    for_each_module(*model_, [](Module& m, std::string_view type) {
      if (type == "Conv2d") kaiming_fan_out(m);
    });
    if (!o.zero_init_residual) return;
    for_each_module(*model_, [](Module& m, std::string_view type) {
      if (type == "Bottleneck") init::constant_(m.get_parameter("bn3.weight"), 0);
      if (type == "BasicBlock") init::constant_(m.get_parameter("bn2.weight"), 0);
    });
  }
  ModuleRef model() const { return model_; }

 private:
  ModuleRef layer(int64_t planes, int32_t blocks, int64_t stride, bool dilate) {
    const int64_t before = dilation_, out = planes * expansion_;
    if (dilate) {
      dilation_ *= stride;
      stride = 1;
    }
    ModuleRef downsample;
    if (stride != 1 || in_ != out) {
      auto s = chain({conv({in_, out, 1, stride}, false)});
      s->append(batch_norm(out));
      downsample = s;
    }
    auto all = chain({block(planes, stride, before, std::move(downsample))});
    in_ = out;
    for (int32_t i = 1; i < blocks; ++i) all->append(block(planes, 1, dilation_, {}));
    return all;
  }

  ModuleRef block(int64_t planes, int64_t stride, int64_t dilation, ModuleRef downsample) const {
    auto b = composite(bottleneck_ ? "Bottleneck" : "BasicBlock",
                       bottleneck_ ? bottleneck_forward : basic_forward);
    const auto add = [&](const char* conv_name, const char* bn, const ConvSizes& s) {
      b->register_module(conv_name, conv(s, false));
      b->register_module(bn, batch_norm(s.out));
    };
    if (bottleneck_) {
      const auto scale = static_cast<double>(base_width_) / 64;
      const int64_t width = static_cast<int64_t>(static_cast<double>(planes) * scale) * groups_;
      add("conv1", "bn1", {in_, width, 1});
      add("conv2", "bn2", {width, width, 3, stride, dilation, dilation, groups_});
      add("conv3", "bn3", {width, planes * 4, 1});
      b->register_module("relu", activation(Act::kReLU));
    } else {
      add("conv1", "bn1", {in_, planes, 3, stride, 1});
      b->register_module("relu", activation(Act::kReLU));
      add("conv2", "bn2", {planes, planes, 3, 1, 1});
    }
    if (downsample) b->register_module("downsample", std::move(downsample));
    return b;
  }

  bool bottleneck_;
  int64_t expansion_, groups_, base_width_, in_ = 64, dilation_ = 1;
  Block model_;
};

ModuleRef make(const ModelEntry& e, const ModelOptions& o) { return ResNetMaker(e, o).model(); }

// Blocks of the four layers and whether they are bottlenecks; groups and width of a group.
constexpr ModelEntry kResNets[] = {
    {"resnet18", make, kTakesResNet, {2, 2, 2, 2, 0}, {1, 64}},
    {"resnet34", make, kTakesResNet, {3, 4, 6, 3, 0}, {1, 64}},
    {"resnet50", make, kTakesResNet, {3, 4, 6, 3, 1}, {1, 64}},
    {"resnet101", make, kTakesResNet, {3, 4, 23, 3, 1}, {1, 64}},
    {"resnet152", make, kTakesResNet, {3, 8, 36, 3, 1}, {1, 64}},
    {"resnext50_32x4d", make, kTakesResNet, {3, 4, 6, 3, 1}, {32, 4}},
    {"resnext101_32x8d", make, kTakesResNet, {3, 4, 23, 3, 1}, {32, 8}},
    {"resnext101_64x4d", make, kTakesResNet, {3, 4, 23, 3, 1}, {64, 4}},
    {"wide_resnet50_2", make, kTakesResNet, {3, 4, 6, 3, 1}, {1, 128}},
    {"wide_resnet101_2", make, kTakesResNet, {3, 4, 23, 3, 1}, {1, 128}},
};

}  // namespace

ModelTable resnets() { return kResNets; }

}  // namespace mt::vision::models
