// C functions of module.h on modules: handles, running, contents and state. Making them is in
// layers.cpp, what calls back into the host in module_callbacks.cpp.
#include "nn/module.h"

#include "capi/lists.h"

using namespace mt::capi;  // NOLINT

namespace {

using mt::Module;
using mt::ModuleRef;
using mt::Status;
using mt::Tensor;
using mt::TensorList;

ModuleRef optional_module(Call& c, const char* arg, const mt_module* h) {
  return h ? ModuleRef::share(c.object<Module>(arg, h)) : ModuleRef();
}

std::vector<Tensor> without_names(const mt::NamedTensors& list) {
  std::vector<Tensor> out;
  for (const auto& [name, t] : list) out.push_back(t);
  return out;
}

}  // namespace

extern "C" {

// --- handles -----------------------------------------------------------------------------------

mt_status mt_module_ref(mt_module** out, const mt_module* self) {
  return guard("mt_module_ref", [&](Call& c) {
    c.pointer("out", out);
    *out = make_module(c, ModuleRef::share(c.object<Module>("self", self))).release();
  });
}

mt_status mt_module_free(mt_module* self) {
  return free_handle<Module>("mt_module_free", "self", self);
}

mt_status mt_module_is(bool* out, const mt_module* self, const mt_module* other) {
  return guard("mt_module_is", [&](Call& c) {
    c.pointer("out", out);
    const Module* a = c.object<Module>("self", self);
    *out = a == c.object<Module>("other", other);
  });
}

mt_status mt_module_type_name(char** out, const mt_module* self) {
  return guard("mt_module_type_name", [&](Call& c) {
    c.pointer("out", out);
    *out = new_string(c.object<Module>("self", self)->type_name());
  });
}

mt_status mt_module_to_string(char** out, const mt_module* self) {
  return guard("mt_module_to_string", [&](Call& c) {
    c.pointer("out", out);
    *out = new_string(c.object<Module>("self", self)->repr());
  });
}

// --- options -----------------------------------------------------------------------------------

mt_status mt_module_get_option(char** out, const mt_module* self, const char* name) {
  return guard("mt_module_get_option", [&](Call& c) {
    c.pointer("out", out);
    const Module* m = c.object<Module>("self", self);
    *out = new_string(m->get_option(c.string("name", name)));
  });
}

mt_status mt_module_set_option(mt_module* self, const char* name, const char* value) {
  return guard("mt_module_set_option", [&](Call& c) {
    Module* m = c.object<Module>("self", self);
    m->set_option(c.string("name", name), c.string("value", value));
  });
}

mt_status mt_module_option_names(mt_strings** out, const mt_module* self) {
  return guard("mt_module_option_names", [&](Call& c) {
    c.pointer("out", out);
    *out = make_strings(c, c.object<Module>("self", self)->option_names()).release();
  });
}

mt_status mt_module_clone(mt_module** out, const mt_module* self, bool deep) {
  return guard("mt_module_clone", [&](Call& c) {
    c.pointer("out", out);
    const Module* m = c.object<Module>("self", self);
    *out = make_module(c, deep ? m->clone() : m->copy()).release();
  });
}

// --- running -----------------------------------------------------------------------------------

mt_status mt_module_forward(mt_tensor** out, mt_module* self, const mt_tensor* input) {
  return guard("mt_module_forward", [&](Call& c) {
    c.pointer("out", out);
    Module* m = c.object<Module>("self", self);
    c.put(out, m->call(c.tensor("input", input)));
  });
}

mt_status mt_module_forward2(mt_tensor** out, mt_module* self, const mt_tensor* input,
                             const mt_tensor* target) {
  return guard("mt_module_forward2", [&](Call& c) {
    c.pointer("out", out);
    Module* m = c.object<Module>("self", self);
    const TensorArg a = c.tensor("input", input);
    const TensorArg b = c.tensor("target", target);
    const Tensor inputs[] = {a.get(), b.get()};
    const TensorList results = m->call(std::span<const Tensor>(inputs));
    if (results.size() != 1) {
      mt::fail(Status::kInvalidArgument, c.fn(), ": count mismatch: ", m->type_name(), " gave ",
               results.size(), " outputs: one is expected; use mt_module_call");
    }
    c.put(out, results[0]);
  });
}

mt_status mt_module_call(mt_tensors** out, mt_module* self, const mt_tensor* const* inputs,
                         size_t n_inputs) {
  return guard("mt_module_call", [&](Call& c) {
    c.pointer("out", out);
    Module* m = c.object<Module>("self", self);
    c.put_list(out, m->call(c.tensors("inputs", inputs, n_inputs, true)));
  });
}

mt_status mt_module_call_own(mt_tensors** out, mt_module* self, const mt_tensor* const* inputs,
                             size_t n_inputs) {
  return guard("mt_module_call_own", [&](Call& c) {
    c.pointer("out", out);
    Module* m = c.object<Module>("self", self);
    const TensorArgs in = c.tensors("inputs", inputs, n_inputs, true);
    c.put_list(out, m->call_own(in));
  });
}

mt_status mt_module_set_computed(mt_module* self, const char* name, const mt_tensor* tensor) {
  return guard("mt_module_set_computed", [&](Call& c) {
    Module* m = c.object<Module>("self", self);
    const TensorArg t = c.tensor("tensor", tensor);
    m->set_computed(c.string("name", name), t);
  });
}

// --- contents ----------------------------------------------------------------------------------

mt_status mt_module_register_parameter(mt_module* self, const char* name,
                                       const mt_tensor* parameter) {
  return guard("mt_module_register_parameter", [&](Call& c) {
    Module* m = c.object<Module>("self", self);
    m->register_parameter(c.string("name", name), c.optional_tensor("parameter", parameter));
  });
}

mt_status mt_module_register_buffer(mt_module* self, const char* name, const mt_tensor* buffer,
                                    bool persistent) {
  return guard("mt_module_register_buffer", [&](Call& c) {
    Module* m = c.object<Module>("self", self);
    m->register_buffer(c.string("name", name), c.optional_tensor("buffer", buffer), persistent);
  });
}

mt_status mt_module_register_module(mt_module* self, const char* name, const mt_module* child) {
  return guard("mt_module_register_module", [&](Call& c) {
    Module* m = c.object<Module>("self", self);
    m->register_module(c.string("name", name), optional_module(c, "child", child));
  });
}

mt_status mt_module_unregister(mt_module* self, const char* name) {
  return guard("mt_module_unregister", [&](Call& c) {
    Module* m = c.object<Module>("self", self);
    m->unregister(c.string("name", name));
  });
}

mt_status mt_module_get_parameter(mt_tensor** out, const mt_module* self, const char* path) {
  return guard("mt_module_get_parameter", [&](Call& c) {
    c.pointer("out", out);
    const Module* m = c.object<Module>("self", self);
    c.put(out, m->get_parameter(c.string("path", path)));
  });
}

mt_status mt_module_get_buffer(mt_tensor** out, const mt_module* self, const char* path) {
  return guard("mt_module_get_buffer", [&](Call& c) {
    c.pointer("out", out);
    const Module* m = c.object<Module>("self", self);
    c.put(out, m->get_buffer(c.string("path", path)));
  });
}

mt_status mt_module_get_submodule(mt_module** out, const mt_module* self, const char* path) {
  return guard("mt_module_get_submodule", [&](Call& c) {
    c.pointer("out", out);
    Module* m = c.object<Module>("self", self);
    *out = make_module(c, m->get_submodule(c.string("path", path))).release();
  });
}

mt_status mt_module_child_count(size_t* out, const mt_module* self) {
  return guard("mt_module_child_count", [&](Call& c) {
    c.pointer("out", out);
    *out = c.object<Module>("self", self)->children().size();
  });
}

mt_status mt_module_child(mt_module** out, const mt_module* self, size_t index) {
  return guard("mt_module_child", [&](Call& c) {
    c.pointer("out", out);
    const auto& children = c.object<Module>("self", self)->children();
    check_index(c, index, children.size());
    *out = make_module(c, children[index].second).release();
  });
}

mt_status mt_module_child_name(char** out, const mt_module* self, size_t index) {
  return guard("mt_module_child_name", [&](Call& c) {
    c.pointer("out", out);
    const auto& children = c.object<Module>("self", self)->children();
    check_index(c, index, children.size());
    *out = new_string(children[index].first);
  });
}

mt_status mt_module_parameters(mt_tensors** out, const mt_module* self) {
  return guard("mt_module_parameters", [&](Call& c) {
    c.pointer("out", out);
    c.put_list(out, without_names(c.object<Module>("self", self)->named_parameters()));
  });
}

mt_status mt_module_named_parameters(mt_named_tensors** out, const mt_module* self) {
  return guard("mt_module_named_parameters", [&](Call& c) {
    c.pointer("out", out);
    *out = make_named(c, c.object<Module>("self", self)->named_parameters()).release();
  });
}

mt_status mt_module_named_buffers(mt_named_tensors** out, const mt_module* self) {
  return guard("mt_module_named_buffers", [&](Call& c) {
    c.pointer("out", out);
    *out = make_named(c, c.object<Module>("self", self)->named_buffers()).release();
  });
}

mt_status mt_module_named_modules(mt_strings** out, const mt_module* self) {
  return guard("mt_module_named_modules", [&](Call& c) {
    c.pointer("out", out);
    std::vector<std::string> paths;
    for (auto& [path, m] : c.object<Module>("self", self)->named_modules()) {
      paths.push_back(std::move(path));
    }
    *out = make_strings(c, std::move(paths)).release();
  });
}

mt_status mt_module_num_parameters(int64_t* out, const mt_module* self, bool only_trainable) {
  return guard("mt_module_num_parameters", [&](Call& c) {
    c.pointer("out", out);
    int64_t total = 0;
    for (const auto& [name, t] : c.object<Module>("self", self)->named_parameters()) {
      if (only_trainable && !t.requires_grad()) continue;
      if (__builtin_add_overflow(total, t.numel(), &total)) {
        mt::fail(Status::kInvalidArgument, c.fn(),
                 ": too many: the number of elements does not fit: must be less than 2^63");
      }
    }
    *out = total;
  });
}

// --- state -------------------------------------------------------------------------------------

mt_status mt_module_train(mt_module* self, bool mode) {
  return guard("mt_module_train", [&](Call& c) { c.object<Module>("self", self)->train(mode); });
}

mt_status mt_module_eval(mt_module* self) {
  return guard("mt_module_eval", [&](Call& c) { c.object<Module>("self", self)->train(false); });
}

mt_status mt_module_set_training(mt_module* self, bool mode) {
  return guard("mt_module_set_training",
               [&](Call& c) { c.object<Module>("self", self)->set_training(mode); });
}

mt_status mt_module_is_training(bool* out, const mt_module* self) {
  return guard("mt_module_is_training", [&](Call& c) {
    c.pointer("out", out);
    *out = c.object<Module>("self", self)->training();
  });
}

mt_status mt_module_requires_grad_(mt_module* self, bool requires_grad) {
  return guard("mt_module_requires_grad_",
               [&](Call& c) { c.object<Module>("self", self)->requires_grad_(requires_grad); });
}

mt_status mt_module_zero_grad(mt_module* self, bool set_to_none) {
  return guard("mt_module_zero_grad",
               [&](Call& c) { c.object<Module>("self", self)->zero_grad(set_to_none); });
}

mt_status mt_module_to_dtype(mt_module* self, mt_dtype dtype) {
  return guard("mt_module_to_dtype", [&](Call& c) {
    Module* m = c.object<Module>("self", self);
    m->to(c.dtype("dtype", dtype));
  });
}

mt_status mt_module_to_device(mt_module* self, mt_device device) {
  return guard("mt_module_to_device", [&](Call& c) {
    Module* m = c.object<Module>("self", self);
    m->to(c.device("device", device));
  });
}

mt_status mt_module_state_dict(mt_named_tensors** out, const mt_module* self) {
  return guard("mt_module_state_dict", [&](Call& c) {
    c.pointer("out", out);
    *out = make_named(c, c.object<Module>("self", self)->state_dict()).release();
  });
}

mt_status mt_module_load_state_dict(mt_module* self, const mt_named_tensors* state, bool strict,
                                    mt_strings** missing, mt_strings** unexpected) {
  return guard("mt_module_load_state_dict", [&](Call& c) {
    Module* m = c.object<Module>("self", self);
    const auto* list = c.object<NamedTensorsObject>("state", state);
    mt::LoadReport report = m->load_state_dict(list->items(), strict);
    auto missing_handle = make_strings(c, std::move(report.missing));
    auto unexpected_handle = make_strings(c, std::move(report.unexpected));
    if (missing) *missing = missing_handle.release();
    if (unexpected) *unexpected = unexpected_handle.release();
  });
}

}  // extern "C"
