// Batch, instance, layer, group and RMS normalisation, and LocalResponseNorm.
#include "ops/normalization.h"

#include <limits>

#include "nn/init.h"
#include "nn/layer_options.h"
#include "ops/arithmetic.h"
#include "ops/common.h"
#include "ops/creation.h"
#include "ops/power.h"
#include "ops/reduce.h"
#include "ops/view.h"

namespace mt::nn {
namespace {

Tensor constant(const char* op, IntSpan shape, double value, DType dtype, Device device) {
  Tensor t = Tensor::empty(shape, dtype, device, op);
  init::constant_(t, value);
  return t;
}

// weight = 1 and bias = 0, or neither.
void make_affine(Module& m, bool affine, IntSpan shape, DType dtype, Device device,
                 bool bias = true) {
  const char* op = m.type_name().c_str();
  m.register_parameter("weight",
                       affine ? make_parameter(constant(op, shape, 1, dtype, device)) : Tensor());
  if (!bias) return;
  m.register_parameter("bias",
                       affine ? make_parameter(constant(op, shape, 0, dtype, device)) : Tensor());
}

template <class Options>
void make_channel_norm(Module& m, const Options& o) {
  if (o.num_features < 0) {
    fail(Status::kInvalidArgument, m.type_name(), ": negative size: num_features ", o.num_features,
         ": must be >= 0");
  }
  const int64_t shape[] = {o.num_features};
  const char* op = m.type_name().c_str();
  make_affine(m, o.affine, shape, o.dtype, o.device);
  const bool track = o.track_running_stats;
  m.register_buffer("running_mean", track ? constant(op, shape, 0, o.dtype, o.device) : Tensor());
  m.register_buffer("running_var", track ? constant(op, shape, 1, o.dtype, o.device) : Tensor());
  m.register_buffer("num_batches_tracked",
                    track ? constant(op, {}, 0, DType::kInt64, o.device) : Tensor());
}

void check_dims(std::string_view name, const Tensor& x, int least, int most) {
  if (x.dim() >= least && x.dim() <= most) return;
  fail(Status::kShape, name, ": wrong number of dims: input ", shape_string(x.sizes()),
       ": must have ", least, least == most ? "" : cat(" or ", most), " dims");
}

template <class Options, int nd>
class BatchNorm final : public Layer<BatchNorm<Options, nd>, Options> {
 public:
  explicit BatchNorm(Options given) : Layer<BatchNorm, Options>(std::move(given)) {
    make_channel_norm(*this, this->options_);
  }
  TensorList forward(std::span<const Tensor> inputs) override {
    const Options& o = this->options_;
    const Tensor& x = one_input(this->type_name(), inputs);
    check_dims(this->type_name(), x, nd == 1 ? 2 : nd + 2, nd + 2);
    const Tensor &mean = this->buffer(0), &var = this->buffer(1), &count = this->buffer(2);
    double momentum = o.momentum.value_or(0);
    if (this->training_ && o.track_running_stats && count.defined()) {
      GradMode off(false);
      add_(count, Tensor::from_scalar(Scalar(int64_t{1})));
      if (!o.momentum && !count.is_meta()) momentum = 1 / count.item().to_double();
    }
    const bool batch = this->training_ || (!mean.defined() && !var.defined());
    const bool running = !this->training_ || o.track_running_stats;
    return {mt::batch_norm(x, running ? mean : Tensor(), running ? var : Tensor(),
                           this->parameter(0), this->parameter(1), batch, momentum, o.eps)};
  }
};

template <class Options, int nd>
class InstanceNorm final : public Layer<InstanceNorm<Options, nd>, Options> {
 public:
  explicit InstanceNorm(Options given) : Layer<InstanceNorm, Options>(std::move(given)) {
    make_channel_norm(*this, this->options_);
  }
  TensorList forward(std::span<const Tensor> inputs) override {
    const Options& o = this->options_;
    const Tensor& x = one_input(this->type_name(), inputs);
    check_dims(this->type_name(), x, nd + 1, nd + 2);
    const bool single = x.dim() == nd + 1;
    const Tensor y =
        mt::instance_norm(single ? unsqueeze(x, 0) : x, this->buffer(0), this->buffer(1),
                          this->parameter(0), this->parameter(1),
                          this->training_ || !o.track_running_stats, o.momentum.value_or(0), o.eps);
    return {single ? squeeze(y, 0) : y};
  }
};

class LayerNorm final : public Layer<LayerNorm, LayerNormOptions> {
 public:
  explicit LayerNorm(LayerNormOptions given) : Layer(std::move(given)) {
    make_affine(*this, options_.elementwise_affine, options_.normalized_shape, options_.dtype,
                options_.device);
  }
  TensorList forward(std::span<const Tensor> inputs) override {
    return {mt::layer_norm(one_input("LayerNorm", inputs), options_.normalized_shape, parameter(0),
                           parameter(1), options_.eps)};
  }
};

double epsilon_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat64:
      return std::numeric_limits<double>::epsilon();
    case DType::kFloat16:
      return 0x1p-10;
    case DType::kBFloat16:
      return 0x1p-7;
    default:
      return std::numeric_limits<float>::epsilon();
  }
}

class RMSNorm final : public Layer<RMSNorm, RMSNormOptions> {
 public:
  explicit RMSNorm(RMSNormOptions given) : Layer(std::move(given)) {
    make_affine(*this, options_.elementwise_affine, options_.normalized_shape, options_.dtype,
                options_.device, false);
  }
  TensorList forward(std::span<const Tensor> inputs) override {
    const Tensor& x = one_input("RMSNorm", inputs);
    const auto& shape = options_.normalized_shape;
    const auto n = static_cast<int>(shape.size());
    bool fits = n != 0 && n <= x.dim();
    for (int d = 0; fits && d < n; ++d) {
      fits = x.size(x.dim() - n + d) == shape[static_cast<size_t>(d)];
    }
    if (!fits) {
      fail(Status::kShape, "RMSNorm: shape mismatch: input ", shape_string(x.sizes()),
           ", normalized_shape ", shape_string(shape), ": the last dims must be normalized_shape");
    }
    std::vector<int64_t> dims;
    for (int d = 0; d < n; ++d) dims.push_back(d - n);
    const double eps = options_.eps.value_or(epsilon_of(x.dtype()));
    const Tensor y =
        mul(x, rsqrt(add(mt::mean(square(x), dims, true), Tensor::from_scalar(Scalar(eps)))));
    return {parameter(0).defined() ? mul(y, parameter(0)) : y};
  }
};

class GroupNorm final : public Layer<GroupNorm, GroupNormOptions> {
 public:
  explicit GroupNorm(GroupNormOptions given) : Layer(std::move(given)) {
    const auto& o = options_;
    if (o.num_groups <= 0 || o.num_channels < 0 || o.num_channels % o.num_groups != 0) {
      fail(Status::kInvalidArgument, "GroupNorm: groups do not fit: num_groups ", o.num_groups,
           ", num_channels ", o.num_channels, ": num_channels must be divisible by num_groups");
    }
    make_affine(*this, o.affine, {{o.num_channels}}, o.dtype, o.device);
  }
  TensorList forward(std::span<const Tensor> inputs) override {
    return {mt::group_norm(one_input("GroupNorm", inputs), options_.num_groups, parameter(0),
                           parameter(1), options_.eps)};
  }
};

}  // namespace

ModuleRef batch_norm1d(BatchNorm1dOptions o) {
  return ModuleRef::adopt(new BatchNorm<BatchNorm1dOptions, 1>(std::move(o)));
}
ModuleRef batch_norm2d(BatchNorm2dOptions o) {
  return ModuleRef::adopt(new BatchNorm<BatchNorm2dOptions, 2>(std::move(o)));
}
ModuleRef batch_norm3d(BatchNorm3dOptions o) {
  return ModuleRef::adopt(new BatchNorm<BatchNorm3dOptions, 3>(std::move(o)));
}
ModuleRef instance_norm1d(InstanceNorm1dOptions o) {
  return ModuleRef::adopt(new InstanceNorm<InstanceNorm1dOptions, 1>(std::move(o)));
}
ModuleRef instance_norm2d(InstanceNorm2dOptions o) {
  return ModuleRef::adopt(new InstanceNorm<InstanceNorm2dOptions, 2>(std::move(o)));
}
ModuleRef instance_norm3d(InstanceNorm3dOptions o) {
  return ModuleRef::adopt(new InstanceNorm<InstanceNorm3dOptions, 3>(std::move(o)));
}
ModuleRef layer_norm(LayerNormOptions o) { return ModuleRef::adopt(new LayerNorm(std::move(o))); }
ModuleRef rms_norm(RMSNormOptions o) { return ModuleRef::adopt(new RMSNorm(std::move(o))); }
ModuleRef group_norm(GroupNormOptions o) { return ModuleRef::adopt(new GroupNorm(std::move(o))); }

ModuleRef local_response_norm(LocalResponseNormOptions o) {
  return unary_layer(o, [](const LocalResponseNormOptions& n, const Tensor& x) {
    return mt::local_response_norm(x, n.size, n.alpha, n.beta, n.k);
  });
}

// The window reaches as far on both sides, also where size is even.
ModuleRef cross_map_lrn2d(CrossMapLRN2dOptions o) {
  if (o.size < 1 || o.size > int64_t{1} << 31) {
    fail(Status::kInvalidArgument, "CrossMapLRN2d: value out of range: size ", o.size,
         ": must be in [1, 2^31]");
  }
  return unary_layer(o, [](const CrossMapLRN2dOptions& n, const Tensor& x) {
    check_dims("CrossMapLRN2d", x, 4, 4);
    const int64_t window = 2 * ((n.size - 1) / 2) + 1;
    const double alpha = n.alpha * static_cast<double>(window) / static_cast<double>(n.size);
    return mt::local_response_norm(x, window, alpha, n.beta, n.k);
  });
}

}  // namespace mt::nn
