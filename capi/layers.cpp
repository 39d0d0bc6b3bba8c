// C functions of module.h that make layers, losses and containers, and torch.nn.init.
#include "nn/layers.h"

#include "autograd/meta.h"
#include "capi/lists.h"
#include "nn/init.h"

using namespace mt::capi;  // NOLINT

namespace {

using mt::ModuleRef;
using mt::Reduction;
using mt::Status;
using mt::Tensor;

// Runs `make` and gives its module to the host.
template <class Make>
mt_status new_module(const char* fn, mt_module** out, const Make& make) {
  return guard(fn, [&](Call& c) {
    c.pointer("out", out);
    *out = make_module(c, make(c)).release();
  });
}

Reduction reduction_of(const Call& c, const char* arg, mt_reduction v) {
  return c.enumeration<Reduction>(arg, v, 3);
}

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

// --- layers ------------------------------------------------------------------------------------

void mt_linear_options_init(mt_linear_options* options) {
  if (!options) return;
  *options = {};
  options->struct_size = sizeof *options;
  options->bias = true;
  options->dtype = MT_DTYPE_NONE;
  options->device = MT_CPU;
}

mt_status mt_nn_linear(mt_module** out, int64_t in_features, int64_t out_features,
                       const mt_linear_options* options) {
  return new_module("mt_nn_linear", out, [&](Call& c) {
    mt_linear_options o;
    mt_linear_options_init(&o);
    if (options) c.read_options("options", options, o);
    return mt::nn::linear(in_features, out_features, o.bias,
                          c.optional_dtype("options.dtype", o.dtype).value_or(mt::default_dtype()),
                          c.device("options.device", o.device));
  });
}

mt_status mt_nn_identity(mt_module** out) {
  return new_module("mt_nn_identity", out, [](Call&) { return mt::nn::identity(); });
}

mt_status mt_nn_flatten(mt_module** out, int64_t start_dim, int64_t end_dim) {
  return new_module("mt_nn_flatten", out,
                    [&](Call&) { return mt::nn::flatten(start_dim, end_dim); });
}

mt_status mt_nn_dropout(mt_module** out, double p, bool inplace) {
  return new_module("mt_nn_dropout", out, [&](Call&) { return mt::nn::dropout(p, inplace); });
}

mt_status mt_nn_relu(mt_module** out, bool inplace) {
  return new_module("mt_nn_relu", out, [&](Call&) { return mt::nn::relu(inplace); });
}

mt_status mt_nn_sigmoid(mt_module** out) {
  return new_module("mt_nn_sigmoid", out, [](Call&) { return mt::nn::sigmoid(); });
}

mt_status mt_nn_tanh(mt_module** out) {
  return new_module("mt_nn_tanh", out, [](Call&) { return mt::nn::tanh(); });
}

mt_status mt_nn_gelu(mt_module** out, const char* approximate) {
  return new_module("mt_nn_gelu", out,
                    [&](Call&) { return mt::nn::gelu(approximate ? approximate : "none"); });
}

mt_status mt_nn_softmax(mt_module** out, const int64_t* dim) {
  return new_module("mt_nn_softmax", out,
                    [&](Call&) { return mt::nn::softmax(Call::optional(dim)); });
}

mt_status mt_nn_log_softmax(mt_module** out, const int64_t* dim) {
  return new_module("mt_nn_log_softmax", out,
                    [&](Call&) { return mt::nn::log_softmax(Call::optional(dim)); });
}

// --- losses ------------------------------------------------------------------------------------

mt_status mt_nn_mse_loss(mt_module** out, mt_reduction reduction) {
  return new_module("mt_nn_mse_loss", out, [&](Call& c) {
    return mt::nn::mse_loss(reduction_of(c, "reduction", reduction));
  });
}

mt_status mt_nn_l1_loss(mt_module** out, mt_reduction reduction) {
  return new_module("mt_nn_l1_loss", out, [&](Call& c) {
    return mt::nn::l1_loss(reduction_of(c, "reduction", reduction));
  });
}

mt_status mt_nn_bce_loss(mt_module** out, const mt_tensor* weight, mt_reduction reduction) {
  return new_module("mt_nn_bce_loss", out, [&](Call& c) {
    return mt::nn::bce_loss(c.optional_tensor("weight", weight),
                            reduction_of(c, "reduction", reduction));
  });
}

mt_status mt_nn_bce_with_logits_loss(mt_module** out, const mt_tensor* weight,
                                     mt_reduction reduction, const mt_tensor* pos_weight) {
  return new_module("mt_nn_bce_with_logits_loss", out, [&](Call& c) {
    return mt::nn::bce_with_logits_loss(c.optional_tensor("weight", weight),
                                        reduction_of(c, "reduction", reduction),
                                        c.optional_tensor("pos_weight", pos_weight));
  });
}

mt_status mt_nn_nll_loss(mt_module** out, const mt_tensor* weight, int64_t ignore_index,
                         mt_reduction reduction) {
  return new_module("mt_nn_nll_loss", out, [&](Call& c) {
    return mt::nn::nll_loss(c.optional_tensor("weight", weight), ignore_index,
                            reduction_of(c, "reduction", reduction));
  });
}

void mt_cross_entropy_options_init(mt_cross_entropy_options* options) {
  if (!options) return;
  *options = {};
  options->struct_size = sizeof *options;
  options->ignore_index = -100;
  options->reduction = MT_REDUCTION_MEAN;
}

mt_status mt_nn_cross_entropy_loss(mt_module** out, const mt_cross_entropy_options* options) {
  return new_module("mt_nn_cross_entropy_loss", out, [&](Call& c) {
    mt_cross_entropy_options o;
    mt_cross_entropy_options_init(&o);
    if (options) c.read_options("options", options, o);
    return mt::nn::cross_entropy_loss(c.optional_tensor("options.weight", o.weight), o.ignore_index,
                                      reduction_of(c, "options.reduction", o.reduction),
                                      o.label_smoothing);
  });
}

// --- containers --------------------------------------------------------------------------------

mt_status mt_nn_sequential(mt_module** out, const mt_module* const* modules, size_t n) {
  return new_module("mt_nn_sequential", out, [&](Call& c) {
    if (n != 0) c.pointer("modules", modules);
    mt::Ref<mt::nn::Sequential> s = mt::nn::sequential();
    for (size_t i = 0; i < n; ++i) {
      s->append(
          ModuleRef::share(c.object<mt::Module>("modules", modules[i], static_cast<int64_t>(i))));
    }
    return ModuleRef::adopt(s.release());
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

mt_status mt_nn_init_calculate_gain(double* out, const char* nonlinearity, const double* param) {
  return guard("mt_nn_init_calculate_gain", [&](Call& c) {
    c.pointer("out", out);
    *out = mt::init::calculate_gain(c.string("nonlinearity", nonlinearity),
                                    Call::optional(param).value_or(0.01));
  });
}

}  // extern "C"
