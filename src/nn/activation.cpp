// Activations as modules, and the dropout layers.
#include "ops/activation.h"

#include "nn/init.h"
#include "nn/layer_options.h"
#include "ops/activation_more.h"
#include "ops/clamp.h"
#include "ops/common.h"
#include "ops/random.h"
#include "ops/softmax.h"
#include "ops/view.h"

namespace mt::nn {
namespace {

// torch's rule for a softmax module without a dim.
int64_t softmax_dim(std::optional<int64_t> dim, const Tensor& x) {
  if (dim) return *dim;
  return x.dim() == 0 || x.dim() == 1 || x.dim() == 3 ? 0 : 1;
}

// Values where a layer works in place go back into the input.
Tensor written(bool inplace, const Tensor& x, const Tensor& y) {
  if (!inplace) return y;
  copy_(x, y);
  return x;
}

class PReLU final : public Layer<PReLU, PReLUOptions> {
 public:
  explicit PReLU(PReLUOptions given) : Layer(std::move(given)) {
    const auto& o = options_;
    if (o.num_parameters < 0) {
      fail(Status::kInvalidArgument, "PReLU: negative size: num_parameters ", o.num_parameters,
           ": must be >= 0");
    }
    const Tensor weight =
        make_parameter(Tensor::empty({{o.num_parameters}}, o.dtype, o.device, "PReLU"));
    init::constant_(weight, o.init);
    register_parameter("weight", weight);
  }
  TensorList forward(std::span<const Tensor> inputs) override {
    return {mt::prelu(one_input("PReLU", inputs), parameter(0))};
  }
};

template <class Options, class F>
ModuleRef dropout_layer(Options o, F) {
  static_assert(std::is_empty_v<F>);
  if (!(o.p >= 0 && o.p <= 1)) {
    fail(Status::kInvalidArgument, Options::kInfo.type_name, ": p out of range: p ", o.p,
         ": must be in [0, 1]");
  }
  return function_layer(o, 1, [](const FunctionLayer<Options>& self, std::span<const Tensor> in) {
    return F{}(self.options(), in[0], self.training());
  });
}

}  // namespace

// An activation with an in-place form, or without.
#define MT_INPLACE(name, Options)                                            \
  ModuleRef name(Options o) {                                                \
    return unary_layer(std::move(o), [](const Options& a, const Tensor& x) { \
      return a.inplace ? mt::name##_(x) : mt::name(x);                       \
    });                                                                      \
  }
#define MT_PLAIN(name, Options)                                                                    \
  ModuleRef name(Options o) {                                                                      \
    return unary_layer(std::move(o), [](const Options&, const Tensor& x) { return mt::name(x); }); \
  }
MT_INPLACE(relu, ReLUOptions)
MT_INPLACE(hardsigmoid, HardsigmoidOptions)
MT_INPLACE(hardswish, HardswishOptions)
MT_INPLACE(silu, SiLUOptions)
MT_INPLACE(mish, MishOptions)
MT_INPLACE(selu, SELUOptions)
MT_PLAIN(sigmoid, SigmoidOptions)
MT_PLAIN(log_sigmoid, LogSigmoidOptions)
MT_PLAIN(tanh, TanhOptions)
MT_PLAIN(tanhshrink, TanhshrinkOptions)
MT_PLAIN(softsign, SoftsignOptions)
#undef MT_INPLACE
#undef MT_PLAIN

ModuleRef relu6(ReLU6Options o) {
  return unary_layer(o, [](const ReLU6Options& a, const Tensor& x) {
    return a.inplace ? hardtanh_(x, 0, 6) : mt::hardtanh(x, 0, 6);
  });
}

ModuleRef hardtanh(HardtanhOptions o) {
  if (!(o.max_val > o.min_val)) {
    fail(Status::kInvalidArgument, "Hardtanh: empty range: min_val ", o.min_val, ", max_val ",
         o.max_val, ": max_val must be larger than min_val");
  }
  return unary_layer(o, [](const HardtanhOptions& a, const Tensor& x) {
    return a.inplace ? hardtanh_(x, a.min_val, a.max_val) : mt::hardtanh(x, a.min_val, a.max_val);
  });
}

ModuleRef softplus(SoftplusOptions o) {
  return unary_layer(o, [](const SoftplusOptions& a, const Tensor& x) {
    return mt::softplus(x, a.beta, a.threshold);
  });
}

ModuleRef gelu(GELUOptions o) {
  if (o.approximate != "none" && o.approximate != "tanh") {
    fail(Status::kInvalidArgument, "GELU: unknown approximate: '", o.approximate,
         "': must be 'none' or 'tanh'");
  }
  return unary_layer(std::move(o), [](const GELUOptions& a, const Tensor& x) {
    return mt::gelu(x, a.approximate);
  });
}

ModuleRef elu(ELUOptions o) {
  return unary_layer(o, [](const ELUOptions& a, const Tensor& x) {
    return a.inplace ? elu_(x, a.alpha) : mt::elu(x, a.alpha);
  });
}

ModuleRef celu(CELUOptions o) {
  return unary_layer(o, [](const CELUOptions& a, const Tensor& x) {
    return a.inplace ? celu_(x, a.alpha) : mt::celu(x, a.alpha);
  });
}

ModuleRef leaky_relu(LeakyReLUOptions o) {
  return unary_layer(o, [](const LeakyReLUOptions& a, const Tensor& x) {
    return a.inplace ? leaky_relu_(x, a.negative_slope) : mt::leaky_relu(x, a.negative_slope);
  });
}

ModuleRef prelu(PReLUOptions o) { return ModuleRef::adopt(new PReLU(std::move(o))); }

ModuleRef rrelu(RReLUOptions o) {
  return function_layer(o, 1,
                        [](const FunctionLayer<RReLUOptions>& self, std::span<const Tensor> in) {
                          const auto& a = self.options();
                          return a.inplace ? rrelu_(in[0], a.lower, a.upper, self.training())
                                           : mt::rrelu(in[0], a.lower, a.upper, self.training());
                        });
}

ModuleRef threshold(ThresholdOptions o) {
  return unary_layer(o, [](const ThresholdOptions& a, const Tensor& x) {
    return a.inplace ? threshold_(x, a.threshold, a.value) : mt::threshold(x, a.threshold, a.value);
  });
}

ModuleRef hardshrink(HardshrinkOptions o) {
  return unary_layer(
      o, [](const HardshrinkOptions& a, const Tensor& x) { return mt::hardshrink(x, a.lambd); });
}

ModuleRef softshrink(SoftshrinkOptions o) {
  return unary_layer(
      o, [](const SoftshrinkOptions& a, const Tensor& x) { return mt::softshrink(x, a.lambd); });
}

ModuleRef glu(GLUOptions o) {
  return unary_layer(o, [](const GLUOptions& a, const Tensor& x) { return mt::glu(x, a.dim); });
}

ModuleRef softmax(SoftmaxOptions o) {
  return unary_layer(o, [](const SoftmaxOptions& a, const Tensor& x) {
    return mt::softmax(x, softmax_dim(a.dim, x));
  });
}

ModuleRef softmin(SoftminOptions o) {
  return unary_layer(o, [](const SoftminOptions& a, const Tensor& x) {
    return mt::softmin(x, softmax_dim(a.dim, x));
  });
}

ModuleRef log_softmax(LogSoftmaxOptions o) {
  return unary_layer(o, [](const LogSoftmaxOptions& a, const Tensor& x) {
    return mt::log_softmax(x, softmax_dim(a.dim, x));
  });
}

ModuleRef softmax2d(Softmax2dOptions o) {
  return unary_layer(o, [](const Softmax2dOptions&, const Tensor& x) {
    if (x.dim() != 3 && x.dim() != 4) {
      fail(Status::kShape, "Softmax2d: shape mismatch: input ", shape_string(x.sizes()),
           ": must have 3 or 4 dims");
    }
    return mt::softmax(x, -3);
  });
}

// --- dropout -----------------------------------------------------------------------------------

ModuleRef dropout(DropoutOptions o) {
  return dropout_layer(o, [](const DropoutOptions& d, const Tensor& x, bool training) {
    return d.inplace ? dropout_(x, d.p, training) : mt::dropout(x, d.p, training);
  });
}

ModuleRef dropout1d(Dropout1dOptions o) {
  return dropout_layer(o, [](const Dropout1dOptions& d, const Tensor& x, bool training) {
    if (x.dim() != 2 && x.dim() != 3) {
      fail(Status::kShape, "Dropout1d: shape mismatch: input ", shape_string(x.sizes()),
           ": must have 2 or 3 dims");
    }
    const Tensor batch = x.dim() == 2 ? unsqueeze(x, 0) : x;
    const Tensor y = mt::feature_dropout(batch, d.p, training);
    return written(d.inplace, x, x.dim() == 2 ? squeeze(y, 0) : y);
  });
}

ModuleRef dropout2d(Dropout2dOptions o) {
  return dropout_layer(o, [](const Dropout2dOptions& d, const Tensor& x, bool training) {
    return written(d.inplace, x, mt::feature_dropout(x, d.p, training));
  });
}

ModuleRef dropout3d(Dropout3dOptions o) {
  return dropout_layer(o, [](const Dropout3dOptions& d, const Tensor& x, bool training) {
    return written(d.inplace, x, mt::feature_dropout(x, d.p, training));
  });
}

ModuleRef alpha_dropout(AlphaDropoutOptions o) {  // torch's is never in place
  return dropout_layer(o, [](const AlphaDropoutOptions& d, const Tensor& x, bool training) {
    return mt::alpha_dropout(x, d.p, training);
  });
}

ModuleRef feature_alpha_dropout(FeatureAlphaDropoutOptions o) {
  return dropout_layer(o, [](const FeatureAlphaDropoutOptions& d, const Tensor& x, bool training) {
    return mt::feature_alpha_dropout(x, d.p, training);
  });
}

}  // namespace mt::nn
