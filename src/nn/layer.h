// What the built-in layers are made of: options that are printed, read and changed by name, and the
// bases of the layers' classes. The options structs are generated (layer_options.h).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "nn/arity.h"
#include "nn/module.h"

namespace mt {

enum class FieldKind : uint8_t {
  kInt,
  kFloat,
  kBool,
  kOptionalInt,
  kOptionalFloat,
  kString,
  kReduction,
  kInts,
  kShape,  // ints, always printed as a tuple
  kSizes,  // ints, -1 standing for None
  kFloats,
};

// A member of an options struct.
struct OptionField {
  const char* name;
  FieldKind kind;
  int count;  // a list of so many numbers (one given stands for all); 0: as it was given
  size_t offset;
  const char* fallback;  // the default, as torch writes it; "@x": what option x is; or null
};

struct LayerInfo {
  const char* type_name;
  // The printed form: {x} is an option, {x!r} in quotes; [...] is left out while the option in it
  // has its default.
  const char* repr;
  std::span<const OptionField> fields;
};

// An options struct without its type.
struct OptionView {
  const LayerInfo* info = nullptr;
  void* values = nullptr;
};

namespace nn {

// Fills in what was not given: lists to their count, options that default to others.
void complete_options(OptionView options);
std::string print_options(const Module& m, OptionView options);

// A layer with options. `Self` is the layer's class, which must be copyable.
template <class Self, class Options>
class Layer : public Module {
 public:
  OptionView option_view() const override {
    return {&Options::kInfo, const_cast<Options*>(&options_)};
  }
  ModuleRef copy() const override {
    return ModuleRef::adopt(new Self(static_cast<const Self&>(*this)));
  }
  const Options& options() const { return options_; }
  // The registered tensors, not copies: they may have been replaced by name.
  const Tensor& parameter(size_t i) const { return parameters_[i].second; }
  const Tensor& buffer(size_t i) const { return buffers_[i].second; }

 protected:
  explicit Layer(Options options) : Module(Options::kInfo.type_name), options_(std::move(options)) {
    complete_options(option_view());
  }
  bool keeps_places() const override { return true; }
  Options options_;
};

// A layer that is one function of its inputs.
template <class Options>
class FunctionLayer final : public Layer<FunctionLayer<Options>, Options> {
 public:
  using Function = Tensor (*)(const FunctionLayer& self, std::span<const Tensor> inputs);
  FunctionLayer(Options options, size_t n_inputs, Function f)
      : Layer<FunctionLayer, Options>(std::move(options)), n_inputs_(n_inputs), f_(f) {}
  TensorList forward(std::span<const Tensor> inputs) override {
    check_inputs(this->type_name(), inputs, n_inputs_);
    return {f_(*this, inputs)};
  }

 private:
  size_t n_inputs_;
  Function f_;
};

// f(const FunctionLayer<Options>& self, inputs) without captures.
template <class Options, class F>
ModuleRef function_layer(Options options, size_t n_inputs, F f) {
  return ModuleRef::adopt(new FunctionLayer<Options>(std::move(options), n_inputs, f));
}

// f(const Options&, const Tensor& x), without captures.
template <class Options, class F>
ModuleRef unary_layer(Options options, F) {
  static_assert(std::is_empty_v<F>);
  return function_layer(std::move(options), 1,
                        [](const FunctionLayer<Options>& self, std::span<const Tensor> in) {
                          return F{}(self.options(), in[0]);
                        });
}

}  // namespace nn
}  // namespace mt
