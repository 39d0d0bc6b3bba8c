// Padding layers, resampling, and layers between pixels, channels and columns.
#include "nn/layer_options.h"
#include "ops/common.h"
#include "ops/patch.h"
#include "ops/resample.h"

namespace mt::nn {

#define MT_PADS(nd)                                                                               \
  ModuleRef reflection_pad##nd##d(ReflectionPad##nd##dOptions o) {                                \
    return unary_layer(std::move(o), [](const ReflectionPad##nd##dOptions& p, const Tensor& x) {  \
      return mt::pad(x, p.padding, "reflect");                                                    \
    });                                                                                           \
  }                                                                                               \
  ModuleRef replication_pad##nd##d(ReplicationPad##nd##dOptions o) {                              \
    return unary_layer(std::move(o), [](const ReplicationPad##nd##dOptions& p, const Tensor& x) { \
      return mt::pad(x, p.padding, "replicate");                                                  \
    });                                                                                           \
  }                                                                                               \
  ModuleRef circular_pad##nd##d(CircularPad##nd##dOptions o) {                                    \
    return unary_layer(std::move(o), [](const CircularPad##nd##dOptions& p, const Tensor& x) {    \
      return mt::pad(x, p.padding, "circular");                                                   \
    });                                                                                           \
  }                                                                                               \
  ModuleRef zero_pad##nd##d(ZeroPad##nd##dOptions o) {                                            \
    return unary_layer(std::move(o), [](const ZeroPad##nd##dOptions& p, const Tensor& x) {        \
      return mt::pad(x, p.padding);                                                               \
    });                                                                                           \
  }                                                                                               \
  ModuleRef constant_pad##nd##d(ConstantPad##nd##dOptions o) {                                    \
    return unary_layer(std::move(o), [](const ConstantPad##nd##dOptions& p, const Tensor& x) {    \
      return mt::pad(x, p.padding, "constant", p.value);                                          \
    });                                                                                           \
  }
MT_PADS(1)
MT_PADS(2)
MT_PADS(3)
#undef MT_PADS

ModuleRef upsample(UpsampleOptions o) {
  return unary_layer(std::move(o), [](const UpsampleOptions& u, const Tensor& x) {
    return interpolate(x, u.size, u.scale_factor, u.mode, u.align_corners,
                       u.recompute_scale_factor);
  });
}

ModuleRef upsampling_nearest2d(UpsamplingNearest2dOptions o) {
  return unary_layer(std::move(o), [](const UpsamplingNearest2dOptions& u, const Tensor& x) {
    return interpolate(x, u.size, u.scale_factor, "nearest");
  });
}

ModuleRef upsampling_bilinear2d(UpsamplingBilinear2dOptions o) {
  return unary_layer(std::move(o), [](const UpsamplingBilinear2dOptions& u, const Tensor& x) {
    return interpolate(x, u.size, u.scale_factor, "bilinear", true);
  });
}

ModuleRef pixel_shuffle(PixelShuffleOptions o) {
  return unary_layer(o, [](const PixelShuffleOptions& p, const Tensor& x) {
    return mt::pixel_shuffle(x, p.upscale_factor);
  });
}

ModuleRef pixel_unshuffle(PixelUnshuffleOptions o) {
  return unary_layer(o, [](const PixelUnshuffleOptions& p, const Tensor& x) {
    return mt::pixel_unshuffle(x, p.downscale_factor);
  });
}

ModuleRef channel_shuffle(ChannelShuffleOptions o) {
  return unary_layer(o, [](const ChannelShuffleOptions& p, const Tensor& x) {
    return mt::channel_shuffle(x, p.groups);
  });
}

ModuleRef fold(FoldOptions o) {
  return unary_layer(std::move(o), [](const FoldOptions& f, const Tensor& x) {
    return mt::col2im(x, f.output_size, f.kernel_size, f.dilation, f.padding, f.stride);
  });
}

ModuleRef unfold(UnfoldOptions o) {
  return unary_layer(std::move(o), [](const UnfoldOptions& f, const Tensor& x) {
    return mt::im2col(x, f.kernel_size, f.dilation, f.padding, f.stride);
  });
}

}  // namespace mt::nn
