// What torchvision's models are built of: short forms of the layers, and modules that are a
// function over their named children. Everything is made, and its initial values drawn, in
// torchvision's order, so that one seed gives the same weights.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nn/init.h"
#include "nn/layer.h"
#include "nn/layers.h"

namespace mt::vision::models {

// --- layers ----------------------------------------------------------------------------------
struct ConvSizes {
  int64_t in, out, kernel = 3, stride = 1, padding = 0, dilation = 1, groups = 1;
};
ModuleRef conv(const ConvSizes& sizes, bool bias = true);
struct BatchNormSettings {
  double eps = 1e-5, momentum = 0.1;
};
ModuleRef batch_norm(int64_t features, const BatchNormSettings& settings = {});
ModuleRef linear(int64_t in, int64_t out);
ModuleRef dropout(double p, bool inplace = false);
ModuleRef max_pool(int64_t kernel, int64_t stride, int64_t padding = 0, bool ceil_mode = false);
ModuleRef adaptive_avg_pool(std::vector<int64_t> size);
ModuleRef layer_norm(int64_t features);    // eps 1e-6
ModuleRef layer_norm2d(int64_t channels);  // of the channels of (n, c, h, w); eps 1e-6
// Zeroes rows of the batch with probability p in training (Huang et al., "Deep networks with
// stochastic depth", 2016).
ModuleRef stochastic_depth(double p);
ModuleRef permute(std::vector<int64_t> dims);

enum class Act : uint8_t { kNone, kReLU, kReLU6, kSiLU, kHardswish, kHardsigmoid, kSigmoid };
ModuleRef activation(Act act, bool inplace = true);

// --- containers ------------------------------------------------------------------------------
// A new module of a known class, which is also a ModuleRef.
template <class T>
class Made : public Ref<T> {
 public:
  explicit Made(T* m) : Ref<T>(Ref<T>::adopt(m)) {}
  operator ModuleRef() const { return ModuleRef::share(this->get()); }  // NOLINT
};
using Chain = Made<nn::Sequential>;

// A Sequential of this type's name; children are added in order.
Chain chain(std::vector<ModuleRef> modules, std::string type_name = "Sequential");
// Convolution without bias that keeps the size at stride 1, batch norm, activation.
ModuleRef conv_norm_activation(ConvSizes sizes, Act act, const BatchNormSettings& norm = {});

// A module whose forward is a function over its children by name.
class Composite final : public Module {
 public:
  using Forward = Tensor (*)(Composite& self, std::span<const Tensor> inputs);
  // `most_inputs`: 1 of them, or any number from 1 on for 0.
  Composite(std::string type_name, Forward f, size_t most_inputs = 1)
      : Module(std::move(type_name)), f_(f), most_inputs_(most_inputs) {}
  TensorList forward(std::span<const Tensor> inputs) override;
  ModuleRef copy() const override { return ModuleRef::adopt(new Composite(*this)); }

  bool has(std::string_view child) const;
  // Runs a child; kState when it is missing.
  Tensor run(std::string_view child, const Tensor& x) const;
  TensorList run(std::string_view child, std::span<const Tensor> inputs) const;
  const Tensor& own_parameter(size_t i) const { return parameters_[i].second; }

  double value = 0;       // what forward needs to know of the options: a probability,
  int64_t number = 0;     // a size,
  bool residual = false;  // whether the input is added

 private:
  Ref<Module> child(std::string_view name) const;
  Forward f_;
  size_t most_inputs_;
};

using Block = Made<Composite>;
Block composite(std::string type_name, Composite::Forward f,
                const std::vector<std::pair<const char*, ModuleRef>>& children = {});

// The tensors one after the other along dim.
Tensor joined(std::span<const Tensor> parts, int64_t dim);

// result + x, in result's memory, as `result += x` does.
Tensor plus(Tensor result, const Tensor& x);

// Squeeze and excitation (Hu et al., 2018): channels scaled by what a small network makes of their
// means.
ModuleRef squeeze_excitation(int64_t channels, int64_t squeezed, Act act, bool act_inplace,
                             Act scale);

// The nearest multiple of the divisor, at least that, and not below nine tenths of v.
int64_t make_divisible(double v, int64_t divisor = 8);

// --- initial values ----------------------------------------------------------------------------
// f(module, type name) with all modules in torch's order. Batch norms need none: they begin as
// torchvision sets them.
template <class F>
void for_each_module(Module& root, const F& f) {
  for (const auto& [path, m] : root.named_modules()) f(*m, std::string_view(m->type_name()));
}
void zero_bias(Module& m);
void normal_weight(Module& m, double std);
void kaiming_fan_out(Module& m);  // He normal
// Convolutions by He's normal values of fan_out; linear layers normal with this deviation.
void init_mobile(Module& root, double linear_std);

}  // namespace mt::vision::models
