// C functions of module.h that make containers and parameters, and torch.nn.init. The layers'
// constructors are generated from layers.toml.
#include "nn/layers.h"

#include "autograd/meta.h"
#include "capi/lists.h"
#include "nn/init.h"

using namespace mt::capi;  // NOLINT

namespace {

using mt::ModuleRef;
using mt::Status;
using mt::Tensor;

mt::nn::Sequential& sequential_of(Call& c, const mt_module* self) {
  auto* m = c.object<mt::Module>("self", self);
  auto* s = dynamic_cast<mt::nn::Sequential*>(m);
  if (!s) {
    mt::fail(Status::kInvalidArgument, c.fn(), ": wrong module: 'self' is a ", m->type_name(),
             ": must be a Sequential");
  }
  return *s;
}

mt::init::FanMode fan_mode(const Call& c, const char* mode) {
  const std::string_view m = mode ? mode : "fan_in";
  if (m != "fan_in" && m != "fan_out") {
    mt::fail(Status::kInvalidArgument, c.fn(), ": unknown mode: '", m,
             "': must be fan_in or fan_out");
  }
  return m == "fan_in" ? mt::init::FanMode::kFanIn : mt::init::FanMode::kFanOut;
}

std::string_view slope_of(const char* nonlinearity) {
  return nonlinearity ? nonlinearity : "leaky_relu";
}

}  // namespace

extern "C" {

// --- containers --------------------------------------------------------------------------------

mt_status mt_nn_sequential(mt_module** out, const mt_module* const* modules, size_t n) {
  return guard("mt_nn_sequential", [&](Call& c) {
    c.pointer("out", out);
    if (n != 0) c.pointer("modules", modules);
    mt::Ref<mt::nn::Sequential> s = mt::nn::sequential();
    for (size_t i = 0; i < n; ++i) {
      s->append(
          ModuleRef::share(c.object<mt::Module>("modules", modules[i], static_cast<int64_t>(i))));
    }
    *out = make_module(c, ModuleRef::adopt(s.release())).release();
  });
}

mt_status mt_sequential_append(mt_module* self, const mt_module* module) {
  return guard("mt_sequential_append", [&](Call& c) {
    ModuleRef child = ModuleRef::share(c.object<mt::Module>("module", module));
    sequential_of(c, self).append(std::move(child));
  });
}

mt_status mt_sequential_size(size_t* out, const mt_module* self) {
  return guard("mt_sequential_size", [&](Call& c) {
    c.pointer("out", out);
    *out = static_cast<size_t>(sequential_of(c, self).size());
  });
}

// --- parameters and initial values ---------------------------------------------------------------

mt_status mt_make_parameter(mt_tensor** out, const mt_tensor* data, bool requires_grad) {
  return guard("mt_make_parameter", [&](Call& c) {
    c.pointer("out", out);
    c.put(out, mt::make_parameter(c.tensor("data", data), requires_grad));
  });
}

mt_status mt_tensor_is_parameter(bool* out, const mt_tensor* self) {
  return guard("mt_tensor_is_parameter", [&](Call& c) {
    c.pointer("out", out);
    *out = c.tensor("self", self)->impl()->is_parameter;
  });
}

mt_status mt_tensor_set_data(mt_tensor* self, const mt_tensor* from) {
  return guard("mt_tensor_set_data", [&](Call& c) {
    const TensorArg to = c.tensor("self", self), data = c.tensor("from", from);
    if (to->requires_grad() && !mt::is_differentiable(data->dtype())) {
      mt::fail(Status::kDType, c.fn(), ": dtype mismatch: self requires gradients, from is ",
               mt::dtype_name(data->dtype()), ": from must be floating or complex");
    }
    const bool fits = to->sizes() == data->sizes() && to->dtype() == data->dtype();
    const uint32_t before = to->storage() ? to->storage()->version() : 0;
    if (!(to->sizes() == data->sizes())) mt::set_grad(to, Tensor());
    mt::set_data(to, data);
    // Graphs that saved the tensor in its old form notice.
    while (!fits && to->storage() && to->storage()->version() <= before) mt::mark_written(to);
  });
}

mt_status mt_nn_init_uniform_(mt_tensor* self, double a, double b) {
  return guard("mt_nn_init_uniform_",
               [&](Call& c) { mt::init::uniform_(c.tensor("self", self), a, b); });
}

mt_status mt_nn_init_normal_(mt_tensor* self, double mean, double std) {
  return guard("mt_nn_init_normal_",
               [&](Call& c) { mt::init::normal_(c.tensor("self", self), mean, std); });
}

mt_status mt_nn_init_constant_(mt_tensor* self, double value) {
  return guard("mt_nn_init_constant_",
               [&](Call& c) { mt::init::constant_(c.tensor("self", self), value); });
}

mt_status mt_nn_init_eye_(mt_tensor* self) {
  return guard("mt_nn_init_eye_", [&](Call& c) { mt::init::eye_(c.tensor("self", self)); });
}

mt_status mt_nn_init_xavier_uniform_(mt_tensor* self, double gain) {
  return guard("mt_nn_init_xavier_uniform_",
               [&](Call& c) { mt::init::xavier_uniform_(c.tensor("self", self), gain); });
}

mt_status mt_nn_init_xavier_normal_(mt_tensor* self, double gain) {
  return guard("mt_nn_init_xavier_normal_",
               [&](Call& c) { mt::init::xavier_normal_(c.tensor("self", self), gain); });
}

mt_status mt_nn_init_kaiming_uniform_(mt_tensor* self, double a, const char* mode,
                                      const char* nonlinearity) {
  return guard("mt_nn_init_kaiming_uniform_", [&](Call& c) {
    const TensorArg t = c.tensor("self", self);
    mt::init::kaiming_uniform_(t, a, fan_mode(c, mode), slope_of(nonlinearity));
  });
}

mt_status mt_nn_init_kaiming_normal_(mt_tensor* self, double a, const char* mode,
                                     const char* nonlinearity) {
  return guard("mt_nn_init_kaiming_normal_", [&](Call& c) {
    const TensorArg t = c.tensor("self", self);
    mt::init::kaiming_normal_(t, a, fan_mode(c, mode), slope_of(nonlinearity));
  });
}

mt_status mt_nn_init_trunc_normal_(mt_tensor* self, double mean, double std, double a, double b) {
  return guard("mt_nn_init_trunc_normal_",
               [&](Call& c) { mt::init::trunc_normal_(c.tensor("self", self), mean, std, a, b); });
}

mt_status mt_nn_init_orthogonal_(mt_tensor* self, double gain) {
  return guard("mt_nn_init_orthogonal_",
               [&](Call& c) { mt::init::orthogonal_(c.tensor("self", self), gain); });
}

mt_status mt_nn_init_sparse_(mt_tensor* self, double sparsity, double std) {
  return guard("mt_nn_init_sparse_",
               [&](Call& c) { mt::init::sparse_(c.tensor("self", self), sparsity, std); });
}

mt_status mt_nn_init_dirac_(mt_tensor* self, int64_t groups) {
  return guard("mt_nn_init_dirac_",
               [&](Call& c) { mt::init::dirac_(c.tensor("self", self), groups); });
}

mt_status mt_nn_init_ones_(mt_tensor* self) {
  return guard("mt_nn_init_ones_",
               [&](Call& c) { mt::init::constant_(c.tensor("self", self), 1); });
}

mt_status mt_nn_init_zeros_(mt_tensor* self) {
  return guard("mt_nn_init_zeros_",
               [&](Call& c) { mt::init::constant_(c.tensor("self", self), 0); });
}

mt_status mt_nn_init_calculate_gain(double* out, const char* nonlinearity, const double* param) {
  return guard("mt_nn_init_calculate_gain", [&](Call& c) {
    c.pointer("out", out);
    *out = mt::init::calculate_gain(c.string("nonlinearity", nonlinearity),
                                    Call::optional(param).value_or(0.01));
  });
}

}  // extern "C"
