// Conv1d to 3d and ConvTranspose1d to 3d.
#include "ops/conv.h"

#include <cmath>

#include "nn/init.h"
#include "nn/layer_options.h"
#include "ops/common.h"
#include "ops/patch.h"

namespace mt::nn {
namespace {

// What both kinds check and make; torch's initial values.
template <class Options>
void make_conv_parameters(Module& m, const Options& o, bool transposed) {
  const std::string& name = m.type_name();
  const auto wrong = [&](const char* what, int64_t value, const char* must) {
    fail(Status::kInvalidArgument, name, ": ", what, " out of range: ", value, ": ", must);
  };
  if (o.groups <= 0) wrong("groups", o.groups, "must be positive");
  if (o.in_channels < 0 || o.in_channels % o.groups != 0) {
    wrong("in_channels", o.in_channels, "must be a multiple of groups");
  }
  if (o.out_channels < 0 || o.out_channels % o.groups != 0) {
    wrong("out_channels", o.out_channels, "must be a multiple of groups");
  }
  for (const int64_t k : o.kernel_size) {
    if (k < 0) wrong("kernel_size", k, "must not be negative");
  }
  Dims shape{o.out_channels, o.in_channels / o.groups};
  if (transposed) shape = {o.in_channels, o.out_channels / o.groups};
  for (const int64_t k : o.kernel_size) shape.push_back(k);
  const Tensor weight = make_parameter(Tensor::empty(shape, o.dtype, o.device, name));
  const Tensor bias =
      o.bias ? make_parameter(Tensor::empty({{o.out_channels}}, o.dtype, o.device, name))
             : Tensor();
  m.register_parameter("weight", weight);
  m.register_parameter("bias", bias);
  init::kaiming_uniform_(weight, std::sqrt(5.0));
  const auto fan_in = init::calculate_fan(name, weight).first;
  if (o.bias && fan_in != 0) {
    const double bound = 1 / std::sqrt(static_cast<double>(fan_in));
    init::uniform_(bias, -bound, bound);
  }
}

constexpr auto conv_of(int nd) { return nd == 1 ? mt::conv1d : nd == 2 ? mt::conv2d : mt::conv3d; }
constexpr auto conv_transpose_of(int nd) {
  return nd == 1 ? mt::conv_transpose1d : nd == 2 ? mt::conv_transpose2d : mt::conv_transpose3d;
}

template <class Options, int nd>
class Conv final : public Layer<Conv<Options, nd>, Options> {
  using Base = Layer<Conv, Options>;

 public:
  explicit Conv(Options given) : Base(std::move(given)) {
    const Options& o = this->options_;
    if (o.padding_mode != "zeros" && o.padding_mode != "reflect" && o.padding_mode != "replicate" &&
        o.padding_mode != "circular") {
      fail(Status::kInvalidArgument, this->type_name(), ": unknown padding_mode: '", o.padding_mode,
           "': must be zeros, reflect, replicate or circular");
    }
    if (!o.auto_padding.empty() && o.auto_padding != "same" && o.auto_padding != "valid") {
      fail(Status::kInvalidArgument, this->type_name(), ": unknown padding: '", o.auto_padding,
           "': must be same, valid or numbers");
    }
    for (const int64_t s : o.stride) {
      if (o.auto_padding == "same" && s != 1) {
        fail(Status::kInvalidArgument, this->type_name(), ": stride out of range: ", s,
             ": padding 'same' is not supported for strided convolutions");
      }
    }
    make_conv_parameters(*this, o, false);
  }
  TensorList forward(std::span<const Tensor> inputs) override {
    const Options& o = this->options_;
    const Tensor& x = one_input(this->type_name(), inputs);
    const Tensor &w = this->parameter(0), &b = this->parameter(1);
    if (o.padding_mode == "zeros") {
      return {conv_of(nd)(x, w, b, o.stride, o.padding, o.dilation, o.groups, o.auto_padding)};
    }
    const int64_t none[3] = {0, 0, 0};
    const Tensor padded = mt::pad(x, around(o), o.padding_mode);
    return {conv_of(nd)(padded, w, b, o.stride, IntSpan(none, nd), o.dilation, o.groups, "")};
  }

 private:
  // Before and after each spatial dim, the last one first.
  static std::vector<int64_t> around(const Options& o) {
    std::vector<int64_t> pads;
    for (size_t d = nd; d-- > 0;) {
      int64_t before = o.padding[d], after = before;
      if (o.auto_padding == "valid") before = after = 0;
      if (o.auto_padding == "same") {
        const int64_t total = o.dilation[d] * (o.kernel_size[d] - 1);
        before = total / 2;
        after = total - before;
      }
      pads.push_back(before);
      pads.push_back(after);
    }
    return pads;
  }
};

template <class Options, int nd>
class ConvTranspose final : public Layer<ConvTranspose<Options, nd>, Options> {
  using Base = Layer<ConvTranspose, Options>;

 public:
  explicit ConvTranspose(Options given) : Base(std::move(given)) {
    const Options& o = this->options_;
    if (o.padding_mode != "zeros") {
      fail(Status::kInvalidArgument, this->type_name(), ": unknown padding_mode: '", o.padding_mode,
           "': only zeros is supported");
    }
    make_conv_parameters(*this, o, true);
  }
  TensorList forward(std::span<const Tensor> inputs) override {
    const Options& o = this->options_;
    return {conv_transpose_of(nd)(one_input(this->type_name(), inputs), this->parameter(0),
                                  this->parameter(1), o.stride, o.padding, o.output_padding,
                                  o.groups, o.dilation)};
  }
};

}  // namespace

ModuleRef conv1d(Conv1dOptions o) {
  return ModuleRef::adopt(new Conv<Conv1dOptions, 1>(std::move(o)));
}
ModuleRef conv2d(Conv2dOptions o) {
  return ModuleRef::adopt(new Conv<Conv2dOptions, 2>(std::move(o)));
}
ModuleRef conv3d(Conv3dOptions o) {
  return ModuleRef::adopt(new Conv<Conv3dOptions, 3>(std::move(o)));
}
ModuleRef conv_transpose1d(ConvTranspose1dOptions o) {
  return ModuleRef::adopt(new ConvTranspose<ConvTranspose1dOptions, 1>(std::move(o)));
}
ModuleRef conv_transpose2d(ConvTranspose2dOptions o) {
  return ModuleRef::adopt(new ConvTranspose<ConvTranspose2dOptions, 2>(std::move(o)));
}
ModuleRef conv_transpose3d(ConvTranspose3dOptions o) {
  return ModuleRef::adopt(new ConvTranspose<ConvTranspose3dOptions, 3>(std::move(o)));
}

}  // namespace mt::nn
