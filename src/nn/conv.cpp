// Conv1d to 3d and ConvTranspose1d to 3d.
#include "ops/conv.h"

#include <algorithm>
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

// Without output padding.
int64_t conv_transpose_size(int64_t in, int64_t kernel, int64_t stride, int64_t padding,
                            int64_t dilation) {
  const double size = static_cast<double>(in - 1) * static_cast<double>(stride) -
                      2 * static_cast<double>(padding) +
                      static_cast<double>(dilation) * static_cast<double>(kernel - 1) + 1;
  if (!(std::abs(size) < 0x1p52)) {
    fail(Status::kInvalidArgument, "conv_transpose: value out of range: input size ", in,
         ", stride ", stride, ", padding ", padding, ", dilation ", dilation, ", kernel size ",
         kernel, ": the output's size must be below 2^52");
  }
  return static_cast<int64_t>(size);
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
    check_some_inputs(this->type_name(), inputs, 1, 2);
    const Tensor& x = inputs[0];
    const Tensor size = optional_input(inputs, 1);
    return {conv_transpose_of(nd)(x, this->parameter(0), this->parameter(1), o.stride, o.padding,
                                  size.defined() ? padding_for(x, size) : o.output_padding,
                                  o.groups, o.dilation)};
  }

 private:
  // The output_padding that gives the wanted sizes, which may have the other dims' in front.
  std::vector<int64_t> padding_for(const Tensor& x, const Tensor& output_size) const {
    const Options& o = this->options_;
    std::vector<int64_t> wanted = integers(this->type_name(), "output_size", output_size);
    if (x.dim() >= nd && wanted.size() == static_cast<size_t>(x.dim())) {
      wanted.erase(wanted.begin(), wanted.end() - nd);
    }
    if (x.dim() < nd || wanted.size() != nd) {
      fail(Status::kInvalidArgument, this->type_name(), ": count mismatch: output_size has ",
           wanted.size(), " numbers: ", nd, " or ", x.dim(), " are needed");
    }
    std::vector<int64_t> least, most, padding;
    bool fits = true;
    for (size_t d = 0; d < nd; ++d) {
      const int64_t in = x.size(x.dim() - nd + static_cast<int>(d));
      least.push_back(
          conv_transpose_size(in, o.kernel_size[d], o.stride[d], o.padding[d], o.dilation[d]));
      most.push_back(std::max(least[d], least[d] + std::min(o.stride[d], int64_t{1} << 52) - 1));
      padding.push_back(wanted[d] - least[d]);
      fits = fits && wanted[d] >= least[d] && wanted[d] <= most[d];
    }
    if (!fits) {
      fail(Status::kInvalidArgument, this->type_name(),
           ": output_size out of range: ", shape_string(wanted), " for an input of ",
           shape_string(x.sizes()), ": valid sizes range from ", shape_string(least), " to ",
           shape_string(most));
    }
    return padding;
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
