// minitorch/nn.hpp - modules, optimizers and checkpoints for C++; part of minitorch.hpp, which
// includes it. Modules are references, as tensors are.
#ifndef MINITORCH_NN_HPP
#define MINITORCH_NN_HPP

namespace minitorch {

// --- Modules ---------------------------------------------------------------------------------

class StateDict {
 public:
  explicit StateDict(mt_named_tensors *h) : h_(h) {}
  mt_named_tensors *get() const { return h_.get(); }
  size_t size() const {
    size_t n = 0;
    check(mt_named_tensors_count(&n, get()));
    return n;
  }
  std::string name(size_t index) const {
    char *s = nullptr;
    check(mt_named_tensors_name(&s, get(), index));
    return detail::take_string(s);
  }
  Tensor operator[](const std::string &name) const {
    mt_tensor *t = nullptr;
    check(mt_named_tensors_get(&t, get(), name.c_str()));
    return Tensor(t);
  }

 private:
  detail::Handle<mt_named_tensors, mt_named_tensors_free> h_;
};

inline void save(const StateDict &state, const std::string &path) {
  check(mt_save_safetensors(path.c_str(), state.get(), nullptr, nullptr));
}
inline StateDict load(const std::string &path) {
  mt_named_tensors *out = nullptr;
  check(mt_load_safetensors(&out, path.c_str(), nullptr, nullptr));
  return StateDict(out);
}

class Module {
 public:
  Module() = default;
  explicit Module(mt_module *h) : h_(h) {}
  Module(const Module &o) { share(o.get()); }
  Module(Module &&) noexcept = default;
  Module &operator=(const Module &o) {
    if (this != &o) *this = Module(o);
    return *this;
  }
  Module &operator=(Module &&) noexcept = default;
  mt_module *get() const { return h_.get(); }

  Tensor operator()(const Tensor &input) const {
    mt_tensor *out = nullptr;
    check(mt_module_forward(&out, get(), input.get()));
    return Tensor(out);
  }
  Tensor operator()(const Tensor &input, const Tensor &target) const {
    mt_tensor *out = nullptr;
    check(mt_module_forward2(&out, get(), input.get(), target.get()));
    return Tensor(out);
  }
  std::vector<Tensor> parameters() const {
    mt_tensors *out = nullptr;
    check(mt_module_parameters(&out, get()));
    return take_list(out);
  }
  void register_module(const std::string &name, const Module &child) const {
    check(mt_module_register_module(get(), name.c_str(), child.get()));
  }
  void register_parameter(const std::string &name, const Tensor &parameter) const {
    check(mt_module_register_parameter(get(), name.c_str(), parameter.get()));
  }
  void register_buffer(const std::string &name, const Tensor &buffer,
                       bool persistent = true) const {
    check(mt_module_register_buffer(get(), name.c_str(), buffer.get(), persistent));
  }
  Module submodule(const std::string &path) const {
    mt_module *out = nullptr;
    check(mt_module_get_submodule(&out, get(), path.c_str()));
    return Module(out);
  }
  Tensor parameter(const std::string &path) const {
    mt_tensor *out = nullptr;
    check(mt_module_get_parameter(&out, get(), path.c_str()));
    return Tensor(out);
  }
  StateDict state_dict() const {
    mt_named_tensors *out = nullptr;
    check(mt_module_state_dict(&out, get()));
    return StateDict(out);
  }
  void load_state_dict(const StateDict &state, bool strict = true) const {
    check(mt_module_load_state_dict(get(), state.get(), strict, nullptr, nullptr));
  }
  void train(bool mode = true) const { check(mt_module_train(get(), mode)); }
  void eval() const { train(false); }
  void to(mt_dtype dtype) const { check(mt_module_to_dtype(get(), dtype)); }
  std::string to_string() const {
    char *s = nullptr;
    check(mt_module_to_string(&s, get()));
    return detail::take_string(s);
  }
  static Module borrow(const mt_module *h) {
    Module m;
    m.share(h);
    return m;
  }

 private:
  void share(const mt_module *h) {
    if (!h) return;
    mt_module *again = nullptr;
    check(mt_module_ref(&again, h));
    h_ = detail::Handle<mt_module, mt_module_free>(again);
  }
  detail::Handle<mt_module, mt_module_free> h_;
};

inline std::ostream &operator<<(std::ostream &out, const Module &m) { return out << m.to_string(); }

namespace nn {

namespace detail_nn {
template <class... Args, class... Given>
Module make(mt_status (*make_it)(mt_module **, Args...), Given... given) {
  mt_module *out = nullptr;
  check(make_it(&out, static_cast<Args>(given)...));
  return Module(out);
}
}  // namespace detail_nn

}  // namespace nn
}  // namespace minitorch

#include "minitorch/layers.hpp"

namespace minitorch {
namespace nn {

inline Module linear(int64_t in_features, int64_t out_features, bool bias = true) {
  mt_linear_options o;
  mt_linear_options_init(&o);
  o.bias = bias;
  return detail_nn::make(mt_nn_linear, in_features, out_features, &o);
}
inline Module sequential(const std::vector<Module> &modules) {
  std::vector<const mt_module *> handles;
  for (const Module &m : modules) handles.push_back(m.get());
  mt_module *out = nullptr;
  check(mt_nn_sequential(&out, handles.data(), handles.size()));
  return Module(out);
}

// A module of your own: forward gets the module, to reach what was registered, and the input.
inline Module custom(const std::string &type_name,
                     std::function<Tensor(const Module &, const Tensor &)> forward) {
  using Fn = std::function<Tensor(const Module &, const Tensor &)>;
  mt_module_def def;
  mt_module_def_init(&def);
  def.type_name = type_name.c_str();
  def.forward = [](mt_tensor **outputs, size_t, size_t *, mt_module *self,
                   const mt_tensor *const *inputs, size_t n_inputs, void *user) {
    return minitorch::detail::callback([&] {
      if (n_inputs != 1) throw std::invalid_argument("forward: takes one input");
      outputs[0] =
          (*static_cast<Fn *>(user))(Module::borrow(self), Tensor::borrow(inputs[0])).release();
    });
  };
  def.user = new Fn(std::move(forward));
  def.destroy = [](void *user) { delete static_cast<Fn *>(user); };
  return detail_nn::make(mt_nn_custom, &def);
}

}  // namespace nn

// --- Optimizers ------------------------------------------------------------------------------

class Optimizer {
 public:
  explicit Optimizer(mt_optimizer *h) : h_(h) {}
  mt_optimizer *get() const { return h_.get(); }
  void step() const { check(mt_optimizer_step(get())); }
  void zero_grad(bool set_to_none = false) const {
    check(mt_optimizer_zero_grad(get(), set_to_none));
  }
  void set(const std::string &option, double value) const {
    check(mt_optimizer_set_option(get(), -1, option.c_str(), value));
  }
  // The closure computes loss and gradients; gives the first loss.
  Tensor step(const std::function<Tensor()> &closure) const {
    mt_tensor *loss = nullptr;
    check(mt_optimizer_step_closure(
        &loss, get(),
        [](mt_tensor **out, void *user) {
          return detail::callback(
              [&] { *out = (*static_cast<const std::function<Tensor()> *>(user))().release(); });
        },
        const_cast<std::function<Tensor()> *>(&closure)));
    return Tensor(loss);
  }

 private:
  detail::Handle<mt_optimizer, mt_optimizer_free> h_;
};

namespace optim {

namespace detail_optim {
template <class Options>
Optimizer make(mt_status (*make_it)(mt_optimizer **, const mt_tensors *, const Options *),
               const Tensors &parameters, const Options &options) {
  mt_tensors *list = nullptr;
  check(mt_tensors_create(&list, parameters.data(), parameters.size()));
  const minitorch::detail::Handle<mt_tensors, mt_tensors_free> owner(list);
  mt_optimizer *out = nullptr;
  check(make_it(&out, list, &options));
  return Optimizer(out);
}
}  // namespace detail_optim

inline mt_sgd_options sgd_options(double lr) {
  mt_sgd_options o;
  mt_sgd_options_init(&o);
  o.lr = lr;
  return o;
}
inline mt_adam_options adam_options(double lr = 1e-3) {
  mt_adam_options o;
  mt_adam_options_init(&o);
  o.lr = lr;
  return o;
}
inline mt_adam_options adamw_options(double lr = 1e-3) {
  mt_adam_options o;
  mt_adamw_options_init(&o);
  o.lr = lr;
  return o;
}
inline Optimizer sgd(const Tensors &parameters, const mt_sgd_options &options) {
  return detail_optim::make(mt_sgd, parameters, options);
}
inline Optimizer sgd(const Tensors &parameters, double lr) {
  return sgd(parameters, sgd_options(lr));
}
inline Optimizer adam(const Tensors &parameters, const mt_adam_options &options = adam_options()) {
  return detail_optim::make(mt_adam, parameters, options);
}
inline Optimizer adamw(const Tensors &parameters,
                       const mt_adam_options &options = adamw_options()) {
  return detail_optim::make(mt_adamw, parameters, options);
}
// The others take the C functions' options: make(mt_rmsprop, parameters, options).
using detail_optim::make;

}  // namespace optim

// --- Schedulers ------------------------------------------------------------------------------
// Of what a C function makes: make_scheduler(mt_step_lr, optimizer, 30, 0.1, -1).

class Scheduler {
 public:
  explicit Scheduler(mt_scheduler *h) : h_(h) {}
  mt_scheduler *get() const { return h_.get(); }
  void step() const { check(mt_scheduler_step(get())); }
  void step(double metric) const { check(mt_scheduler_step_metric(get(), metric)); }
  int64_t last_epoch() const {
    int64_t epoch = 0;
    check(mt_scheduler_last_epoch(&epoch, get()));
    return epoch;
  }
  double last_lr(size_t group = 0) const {
    double lr = 0;
    check(mt_scheduler_last_lr(&lr, get(), group));
    return lr;
  }

 private:
  detail::Handle<mt_scheduler, mt_scheduler_free> h_;
};

template <class Make, class... Args>
Scheduler make_scheduler(Make make, const Optimizer &optimizer, const Args &...args) {
  mt_scheduler *out = nullptr;
  check(make(&out, optimizer.get(), args...));
  return Scheduler(out);
}

}  // namespace minitorch

#endif  // MINITORCH_NN_HPP
