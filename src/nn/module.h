// The base of all layers and models: parameters, buffers and children by name, train/eval mode,
// state dicts, hooks and printing, with torch.nn.Module's order and rules.
// Thread rule: a module may be run from several threads; changing it (registering, loading, moving,
// train/eval) needs the caller's own ordering.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "autograd/node.h"
#include "core/tensor.h"

namespace mt {

class Module;
struct OptionView;
using ModuleRef = Ref<Module>;
using TensorList = SmallVector<Tensor, 4>;
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

// What a module computes in place of its class's forward.
using HostForward = std::function<TensorList(Module&, std::span<const Tensor>)>;

// Called around forward, or in backward. A pre-hook may replace the inputs, a forward hook the
// outputs, a backward hook the gradients of the inputs (its lists are the gradients, undefined
// where there is none): each gets the list to change in place.
class ModuleHook : public RefCounted {
 public:
  virtual ~ModuleHook() = default;
  static void destroy(ModuleHook* h) { delete h; }
  virtual void call(Module& module, TensorList& inputs, TensorList* outputs) = 0;
};

struct LoadReport {
  std::vector<std::string> missing;     // keys the module has and the dict has not
  std::vector<std::string> unexpected;  // keys the dict has and the module has not
  std::vector<std::string> mismatched;  // "key: module (2, 3), dict (3, 2)"
};

class Module : public RefCounted {
 public:
  explicit Module(std::string type_name) : type_name_(std::move(type_name)) {}
  virtual ~Module();
  static void destroy(Module* m);

  // The computation. Use call(), which also runs the hooks and limits how deep calls nest.
  virtual TensorList forward(std::span<const Tensor> inputs) = 0;
  TensorList call(std::span<const Tensor> inputs);
  Tensor call(const Tensor& input);  // for modules of one input and one output
  // From now on call() runs this; an empty one ends that.
  void set_forward(HostForward f);
  bool has_set_forward() const { return static_cast<bool>(host_forward_); }
  // The class's forward, without hooks: what such a function extends.
  TensorList call_own(std::span<const Tensor> inputs);

  const std::string& type_name() const { return type_name_; }
  // What stands between the parentheses of the printed form, e.g. "in_features=1, ...".
  virtual std::string extra_repr() const;
  std::string repr() const;

  // --- options: what torch keeps as attributes ("p", "stride"), as the text Python prints -----
  virtual OptionView option_view() const;
  std::vector<std::string> option_names() const;
  std::string get_option(std::string_view name) const;            // kKey when there is none
  void set_option(std::string_view name, std::string_view text);  // "0.1", "(2, 1)", "True", "None"

  // A module of the same kind and options that shares the parameters, buffers and children, with
  // the same hooks under the same ids. kNotImplemented for classes that cannot.
  virtual ModuleRef copy() const;
  // A copy of the whole tree with tensors of its own; what was shared inside it is so again.
  ModuleRef clone() const;

  // --- contents ------------------------------------------------------------------------------
  // Names are non-empty, without '.', unique over parameters, buffers and children. Registering a
  // name again replaces its value. An undefined tensor (None) keeps the name's place.
  void register_parameter(std::string_view name, const Tensor& t);
  void register_buffer(std::string_view name, const Tensor& t, bool persistent = true);
  void register_module(std::string_view name, ModuleRef child);
  // Puts a computed tensor in the place of a parameter or buffer: forward reads it, listings and
  // state dicts leave it out. Registering the name again ends that.
  void set_computed(std::string_view name, const Tensor& t);
  void unregister(std::string_view name);  // whichever of the three it names
  const NamedTensors& own_parameters() const { return parameters_; }
  const NamedTensors& own_buffers() const { return buffers_; }
  const std::vector<std::pair<std::string, ModuleRef>>& children() const { return children_; }
  // By dotted path ("layer1.0.weight"); kKey naming the path when there is none.
  Tensor get_parameter(std::string_view path) const;
  Tensor get_buffer(std::string_view path) const;
  ModuleRef get_submodule(std::string_view path);

  // Recursive, in torch's order; a tensor or module met twice is listed once.
  NamedTensors named_parameters() const;
  NamedTensors named_buffers() const;
  std::vector<std::pair<std::string, ModuleRef>> named_modules();

  // --- state ---------------------------------------------------------------------------------
  // Parameters and persistent buffers by path; the tensors share memory with the module.
  NamedTensors state_dict() const;
  // Copies values in (converting dtypes). Shape mismatches, and with `strict` missing or unexpected
  // keys, are one error that lists them all; then nothing is changed.
  LoadReport load_state_dict(const NamedTensors& state, bool strict = true);

  bool training() const { return training_; }
  virtual void train(bool mode = true);  // with all descendants
  void set_training(bool mode) { training_ = mode; }
  void requires_grad_(bool value = true);
  // Gradients to zero, or to none.
  void zero_grad(bool set_to_none = false);
  // Converts floating-point parameters and buffers in place: the tensors stay the same objects.
  void to(DType dtype);
  void to(Device device);
  void apply(const std::function<void(Module&)>& fn);  // children first

  uint64_t register_forward_pre_hook(Ref<ModuleHook> hook);
  uint64_t register_forward_hook(Ref<ModuleHook> hook);
  uint64_t register_full_backward_hook(Ref<ModuleHook> hook);
  bool remove_hook(uint64_t id);
  // The first hook of which `is` holds, or 0.
  uint64_t find_hook(const std::function<bool(const ModuleHook&)>& is) const;

 protected:
  friend class ModuleWalk;
  Module(const Module& other);
  // Whether forward finds parameters and buffers by their places: what is unregistered then leaves
  // its place behind, empty and nameless, and takes it again when it is registered again.
  virtual bool keeps_places() const { return false; }
  void check_name(std::string_view what, std::string_view name) const;

  std::string type_name_;
  NamedTensors parameters_;
  NamedTensors buffers_;
  std::vector<std::string> transient_;  // names of buffers that are not in the state dict
  std::vector<std::string> computed_;   // names of parameters and buffers that are no such now
  std::vector<std::pair<std::string, ModuleRef>> children_;
  bool training_ = true;

 private:
  enum class HookKind { kForwardPre, kForward, kBackward };
  struct Hook {
    uint64_t id;
    HookKind kind;
    Ref<ModuleHook> hook;
  };
  uint64_t add_hook(HookKind kind, Ref<ModuleHook> hook);

  std::vector<Hook> hooks_;
  std::shared_ptr<const HostForward> host_forward_;
  Module* next_released_ = nullptr;
};

// Makes a tensor a parameter: a leaf that requires gradients (floating dtypes) and prints as one.
Tensor make_parameter(const Tensor& t, bool requires_grad = true);

// Replaces what a tensor is (storage, geometry, dtype, device), keeping the object.
void set_data(const Tensor& t, const Tensor& from);

}  // namespace mt
