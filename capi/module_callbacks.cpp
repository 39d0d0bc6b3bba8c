// C functions of module.h that call back into the host: modules of its own, hooks, apply.
#include "capi/host_text.h"
#include "capi/hooks.h"
#include "capi/lists.h"
#include "nn/layers.h"

namespace mt::capi {
namespace {

// A handle to a module for the time of a callback.
NewHandle<Module> borrowed_module(AbiThread& t, Module& m) {
  return {t, ModuleRef::share(&m), false};
}

// The host's description of a module.
struct ModuleDef : RefCounted {
  static void destroy(ModuleDef* d) { delete d; }
  mt_module_forward_fn forward;
  mt_module_repr_fn extra_repr;
  Ref<UserData> user;
};

TensorList run_forward(const Ref<ModuleDef>& def_of_module, Module& m,
                       std::span<const Tensor> inputs) {
  const Ref<ModuleDef> def = def_of_module;  // stays while the callback runs
  const char* name = m.type_name().c_str();
  if (!def->forward) {
    fail(Status::kState, name, ": no forward: the module only holds others: call its children");
  }
  AbiThread& t = this_abi_thread();
  CallbackTensors args(t);
  for (const Tensor& x : inputs) args.add(x);
  const std::vector<Tensor> results =
      callback_results(name, "outputs", 1, [&](mt_tensor** outputs, size_t capacity, size_t* n) {
        const NewHandle<Module> self = borrowed_module(t, m);
        return def->forward(outputs, capacity, n, self.get(), args.data(), args.size(),
                            def->user->user());
      });
  TensorList out;
  for (const Tensor& r : results) out.push_back(r);
  return out;
}

std::string run_repr(const Ref<ModuleDef>& def_of_module, Module& m) {
  const Ref<ModuleDef> def = def_of_module;
  AbiThread& t = this_abi_thread();
  return host_text(cat("extra_repr of ", m.type_name()),
                   [&](char* text, size_t capacity, size_t* length) {
                     const NewHandle<Module> self = borrowed_module(t, m);
                     return def->extra_repr(text, capacity, length, self.get(), def->user->user());
                   });
}

// A forward pre-hook has `pre`, the others `post`.
class CModuleHook final : public ModuleHook {
 public:
  CModuleHook(const char* what, mt_module_pre_hook_fn pre, mt_module_hook_fn post, bool backward,
              Ref<UserData> user)
      : what_(what), pre_(pre), post_(post), backward_(backward), user_(std::move(user)) {}

  void call(Module& module, TensorList& inputs, TensorList* outputs) override {
    AbiThread& t = this_abi_thread();
    CallbackTensors in(t), out(t);
    for (const Tensor& x : inputs) in.add(x);
    TensorList& target = outputs && !backward_ ? *outputs : inputs;
    if (outputs) {
      for (const Tensor& x : *outputs) out.add(x);
    }
    std::vector<mt_tensor*> replacements(static_cast<size_t>(target.size()), nullptr);
    std::vector<Tensor> taken(replacements.size());
    CallbackScope scope(t);
    mt_status status;
    {
      const NewHandle<Module> self = borrowed_module(t, module);
      status = outputs ? post_(replacements.data(), self.get(), in.data(), in.size(), out.data(),
                               out.size(), user_->user())
                       : pre_(replacements.data(), self.get(), in.data(), in.size(), user_->user());
    }
    std::exception_ptr bad;
    take_results(t, what_, "replacements", replacements, taken, bad);
    scope.check(status, what_);
    if (bad) std::rethrow_exception(bad);
    for (size_t i = 0; i < taken.size(); ++i) {
      if (taken[i].defined()) target[static_cast<int>(i)] = std::move(taken[i]);
    }
  }

 private:
  const char* what_;
  mt_module_pre_hook_fn pre_;
  mt_module_hook_fn post_;
  bool backward_;  // replaces the gradients of the inputs
  Ref<UserData> user_;
};

// What the three functions that register a hook have in common.
template <class Fn, class Make>
mt_status register_hook(const char* fn, uint64_t* id, mt_module* self, Fn hook, void* user,
                        mt_destroy_fn destroy, Make&& make) {
  if (!abi_thread()) return refuse(user, destroy);
  return guard(fn, [&](Call& c) {
    Ref<UserData> owner = UserData::make(user, destroy);
    c.pointer("id", id);
    Module* m = c.object<Module>("self", self);
    c.pointer("hook", hook);
    *id = make(*m, std::move(owner));
  });
}

}  // namespace
}  // namespace mt::capi

using namespace mt::capi;  // NOLINT: the C functions below

extern "C" {

void mt_module_def_init(mt_module_def* def) {
  if (!def) return;
  *def = {};
  def->struct_size = sizeof *def;
}

mt_status mt_nn_custom(mt_module** out, const mt_module_def* def) {
  if (!abi_thread()) return refuse(def);
  return guard("mt_nn_custom", [&](Call& c) {
    mt_module_def d;
    mt_module_def_init(&d);
    c.read_options("def", def, d);
    mt::Ref<UserData> user = UserData::make(d.user, d.destroy);
    c.pointer("out", out);
    auto kept = mt::Ref<ModuleDef>::adopt(new ModuleDef);
    kept->forward = d.forward;
    kept->extra_repr = d.extra_repr;
    kept->user = std::move(user);
    mt::nn::CustomModule::Repr repr;
    if (d.extra_repr) repr = [kept](mt::nn::CustomModule& m) { return run_repr(kept, m); };
    auto* m = new mt::nn::CustomModule(
        d.type_name ? d.type_name : "Module",
        [kept](mt::nn::CustomModule& self, std::span<const mt::Tensor> inputs) {
          return run_forward(kept, self, inputs);
        },
        std::move(repr));
    *out = make_module(c, mt::ModuleRef::adopt(m)).release();
  });
}

mt_status mt_module_set_forward(mt_module* self, mt_module_forward_fn forward, void* user,
                                mt_destroy_fn destroy) {
  if (!abi_thread()) return refuse(user, destroy);
  return guard("mt_module_set_forward", [&](Call& c) {
    auto kept = mt::Ref<ModuleDef>::adopt(new ModuleDef);
    kept->user = UserData::make(user, destroy);
    kept->forward = forward;
    kept->extra_repr = nullptr;
    mt::Module* m = c.object<mt::Module>("self", self);
    mt::HostForward run;
    if (forward) {
      run = [kept](mt::Module& module, std::span<const mt::Tensor> inputs) {
        return run_forward(kept, module, inputs);
      };
    }
    m->set_forward(std::move(run));
  });
}

mt_status mt_module_apply(mt_module* self, mt_module_apply_fn function, void* user) {
  return guard("mt_module_apply", [&](Call& c) {
    mt::Module* root = c.object<mt::Module>("self", self);
    c.pointer("function", function);
    root->apply([&](mt::Module& m) {
      CallbackScope scope(c.thread());
      mt_status status;
      {
        const NewHandle<mt::Module> handle = borrowed_module(c.thread(), m);
        status = function(handle.get(), user);
      }
      scope.check(status, "mt_module_apply");
    });
  });
}

mt_status mt_module_register_forward_pre_hook(uint64_t* id, mt_module* self,
                                              mt_module_pre_hook_fn hook, void* user,
                                              mt_destroy_fn destroy) {
  return register_hook(
      "mt_module_register_forward_pre_hook", id, self, hook, user, destroy,
      [&](mt::Module& m, mt::Ref<UserData> owner) {
        return m.register_forward_pre_hook(mt::Ref<mt::ModuleHook>::adopt(
            new CModuleHook("forward pre-hook", hook, nullptr, false, std::move(owner))));
      });
}

mt_status mt_module_register_forward_hook(uint64_t* id, mt_module* self, mt_module_hook_fn hook,
                                          void* user, mt_destroy_fn destroy) {
  return register_hook(
      "mt_module_register_forward_hook", id, self, hook, user, destroy,
      [&](mt::Module& m, mt::Ref<UserData> owner) {
        return m.register_forward_hook(mt::Ref<mt::ModuleHook>::adopt(
            new CModuleHook("forward hook", nullptr, hook, false, std::move(owner))));
      });
}

mt_status mt_module_register_full_backward_hook(uint64_t* id, mt_module* self,
                                                mt_module_full_backward_hook_fn hook, void* user,
                                                mt_destroy_fn destroy) {
  return register_hook(
      "mt_module_register_full_backward_hook", id, self, hook, user, destroy,
      [&](mt::Module& m, mt::Ref<UserData> owner) {
        return m.register_full_backward_hook(mt::Ref<mt::ModuleHook>::adopt(
            new CModuleHook("full backward hook", nullptr, hook, true, std::move(owner))));
      });
}

mt_status mt_module_remove_hook(mt_module* self, uint64_t id) {
  return guard("mt_module_remove_hook", [&](Call& c) {
    if (c.object<mt::Module>("self", self)->remove_hook(id)) return;
    mt::fail(mt::Status::kKey, c.fn(), ": unknown hook: id ", id, ": the module has no such hook");
  });
}

}  // extern "C"
