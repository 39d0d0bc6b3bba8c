// Pooling layers of 1 to 3 spatial dims.
#include "ops/pool.h"

#include "nn/layer_options.h"
#include "ops/common.h"

namespace mt::nn {
namespace {

// A layer of values, and of indices too when its option return_indices says so.
template <class Options>
class IndexedLayer final : public Layer<IndexedLayer<Options>, Options> {
 public:
  using Function = ValuesIndices (*)(const IndexedLayer& self, const Tensor& x);
  IndexedLayer(Options options, Function f)
      : Layer<IndexedLayer, Options>(std::move(options)), f_(f) {}
  TensorList forward(std::span<const Tensor> inputs) override {
    ValuesIndices r = f_(*this, one_input(this->type_name(), inputs));
    if (this->options_.return_indices) return {std::move(r.values), std::move(r.indices)};
    return {std::move(r.values)};
  }

 private:
  Function f_;
};

template <class Options>
ModuleRef max_pool_layer(Options o, typename IndexedLayer<Options>::Function f) {
  return ModuleRef::adopt(new IndexedLayer<Options>(std::move(o), f));
}

template <class Options>
Tensor unpooled(int nd, const Options& o, std::span<const Tensor> in) {
  const Tensor& x = in[0];
  if (x.dim() != nd + 1 && x.dim() != nd + 2) {
    fail(Status::kShape, Options::kInfo.type_name, ": wrong number of dims: input ",
         shape_string(x.sizes()), ": must have ", nd + 1, " or ", nd + 2, " dims");
  }
  std::vector<int64_t> sizes;
  for (int d = 0; d < nd; ++d) {
    const auto i = static_cast<size_t>(d);
    constexpr int64_t kMost = int64_t{1} << 31;
    if (o.kernel_size[i] < 1 || o.kernel_size[i] > kMost || o.stride[i] < 1 ||
        o.stride[i] > kMost || o.padding[i] < 0 || o.padding[i] > kMost) {
      fail(Status::kInvalidArgument, Options::kInfo.type_name,
           ": option out of range: kernel_size ", o.kernel_size[i], ", stride ", o.stride[i],
           ", padding ", o.padding[i],
           ": kernel_size and stride must be >= 1 and padding >= 0, all at most 2^31");
    }
    sizes.push_back((x.size(x.dim() - nd + d) - 1) * o.stride[i] - 2 * o.padding[i] +
                    o.kernel_size[i]);
  }
  const Tensor given = optional_input(in, 2);
  if (!given.defined()) return mt::max_unpool(nd, x, in[1], sizes);
  std::vector<int64_t> wanted = integers(Options::kInfo.type_name, "output_size", given);
  const auto n = static_cast<size_t>(nd);
  bool fits = wanted.size() == n || wanted.size() == n + 2;
  if (wanted.size() == n + 2) wanted.erase(wanted.begin(), wanted.begin() + 2);
  for (size_t d = 0; fits && d < n; ++d) {
    fits = wanted[d] > sizes[d] - o.stride[d] && wanted[d] < sizes[d] + o.stride[d];
  }
  if (!fits) {
    fail(Status::kInvalidArgument, Options::kInfo.type_name,
         ": output_size out of range: ", shape_string(wanted), " with stride ",
         shape_string(o.stride), ": must have ", nd, " or ", nd + 2,
         " numbers, less than the stride away from ", shape_string(sizes));
  }
  return mt::max_unpool(nd, x, in[1], wanted);
}

// Values, their places and, if given, the image's size.
template <class Options, int nd>
class MaxUnpool final : public Layer<MaxUnpool<Options, nd>, Options> {
 public:
  explicit MaxUnpool(Options given) : Layer<MaxUnpool, Options>(std::move(given)) {}
  TensorList forward(std::span<const Tensor> inputs) override {
    check_some_inputs(this->type_name(), inputs, 2, 3);
    return {unpooled(nd, this->options_, inputs)};
  }
};

template <class Options>
void check_fractional(const Options& o) {
  const char* name = Options::kInfo.type_name;
  if (o.output_size.empty() == o.output_ratio.empty()) {
    fail(Status::kInvalidArgument, name,
         ": one size is needed: output_size and output_ratio: exactly one must be given");
  }
  for (const double r : o.output_ratio) {
    if (!(r > 0 && r < 1)) {
      fail(Status::kInvalidArgument, name, ": output_ratio out of range: ", r,
           ": must be between 0 and 1");
    }
  }
}

template <class Options>
ModuleRef fractional(Options given, typename IndexedLayer<Options>::Function f) {
  const Tensor samples = std::exchange(given._random_samples, {});
  check_fractional(given);
  ModuleRef m = max_pool_layer(std::move(given), f);
  m->register_buffer("_random_samples", samples);
  return m;
}

template <class Options>
ValuesIndices fractional_pool(int nd, const IndexedLayer<Options>& self, const Tensor& x) {
  const Options& o = self.options();
  check_fractional(o);  // they may have been changed
  std::vector<int64_t> sizes = o.output_size;
  if (sizes.empty()) {
    for (int d = 0; d < nd && x.dim() > nd; ++d) {
      const auto size = static_cast<double>(x.size(x.dim() - nd + d));
      sizes.push_back(static_cast<int64_t>(size * o.output_ratio[static_cast<size_t>(d)]));
    }
  }
  return mt::fractional_max_pool(nd, x, o.kernel_size, sizes, self.buffer(0));
}

}  // namespace

#define MT_POOLS(nd)                                                                               \
  ModuleRef max_pool##nd##d(MaxPool##nd##dOptions o) {                                             \
    using Self = IndexedLayer<MaxPool##nd##dOptions>;                                              \
    return max_pool_layer(std::move(o), [](const Self& self, const Tensor& x) {                    \
      const auto& p = self.options();                                                              \
      return mt::max_pool(nd, x, p.kernel_size, p.stride, p.padding, p.dilation, p.ceil_mode);     \
    });                                                                                            \
  }                                                                                                \
  ModuleRef max_unpool##nd##d(MaxUnpool##nd##dOptions o) {                                         \
    return ModuleRef::adopt(new MaxUnpool<MaxUnpool##nd##dOptions, nd>(std::move(o)));             \
  }                                                                                                \
  ModuleRef adaptive_max_pool##nd##d(AdaptiveMaxPool##nd##dOptions o) {                            \
    using Self = IndexedLayer<AdaptiveMaxPool##nd##dOptions>;                                      \
    return max_pool_layer(std::move(o), [](const Self& self, const Tensor& x) {                    \
      return mt::adaptive_max_pool(nd, x, self.options().output_size);                             \
    });                                                                                            \
  }                                                                                                \
  ModuleRef adaptive_avg_pool##nd##d(AdaptiveAvgPool##nd##dOptions o) {                            \
    return unary_layer(std::move(o), [](const AdaptiveAvgPool##nd##dOptions& p, const Tensor& x) { \
      return mt::adaptive_avg_pool(nd, x, p.output_size);                                          \
    });                                                                                            \
  }
MT_POOLS(1)
MT_POOLS(2)
MT_POOLS(3)
#undef MT_POOLS

ModuleRef avg_pool1d(AvgPool1dOptions o) {
  return unary_layer(std::move(o), [](const AvgPool1dOptions& p, const Tensor& x) {
    return mt::avg_pool(1, x, p.kernel_size, p.stride, p.padding, p.ceil_mode, p.count_include_pad,
                        {});
  });
}
ModuleRef avg_pool2d(AvgPool2dOptions o) {
  return unary_layer(std::move(o), [](const AvgPool2dOptions& p, const Tensor& x) {
    return mt::avg_pool(2, x, p.kernel_size, p.stride, p.padding, p.ceil_mode, p.count_include_pad,
                        p.divisor_override);
  });
}
ModuleRef avg_pool3d(AvgPool3dOptions o) {
  return unary_layer(std::move(o), [](const AvgPool3dOptions& p, const Tensor& x) {
    return mt::avg_pool(3, x, p.kernel_size, p.stride, p.padding, p.ceil_mode, p.count_include_pad,
                        p.divisor_override);
  });
}

ModuleRef lp_pool1d(LPPool1dOptions o) {
  return unary_layer(std::move(o), [](const LPPool1dOptions& p, const Tensor& x) {
    return mt::lp_pool(1, x, p.norm_type, p.kernel_size, p.stride, p.ceil_mode);
  });
}
ModuleRef lp_pool2d(LPPool2dOptions o) {
  return unary_layer(std::move(o), [](const LPPool2dOptions& p, const Tensor& x) {
    return mt::lp_pool(2, x, p.norm_type, p.kernel_size, p.stride, p.ceil_mode);
  });
}

ModuleRef fractional_max_pool2d(FractionalMaxPool2dOptions o) {
  return fractional<FractionalMaxPool2dOptions>(
      std::move(o), [](const IndexedLayer<FractionalMaxPool2dOptions>& self, const Tensor& x) {
        return fractional_pool(2, self, x);
      });
}
ModuleRef fractional_max_pool3d(FractionalMaxPool3dOptions o) {
  return fractional<FractionalMaxPool3dOptions>(
      std::move(o), [](const IndexedLayer<FractionalMaxPool3dOptions>& self, const Tensor& x) {
        return fractional_pool(3, self, x);
      });
}

}  // namespace mt::nn
