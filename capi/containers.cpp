// C functions of containers.h.
#include "capi/lists.h"
#include "nn/adaptive_softmax.h"
#include "nn/containers.h"
#include "nn/normed_weights.h"
#include "nn/packed_sequence.h"
#include "nn/summary.h"
#include "nn/transformer.h"

using namespace mt::capi;  // NOLINT

namespace {

using mt::ModuleRef;
using mt::Status;
using mt::Tensor;

ModuleRef shared_module(Call& c, const char* arg, const mt_module* m, int64_t index = -1) {
  return ModuleRef::share(c.object<mt::Module>(arg, m, index));
}

ModuleRef optional_module(Call& c, const char* arg, const mt_module* m) {
  return m ? shared_module(c, arg, m) : ModuleRef();
}

template <class T>
T& own_kind(Call& c, const mt_module* self, const char* type_name) {
  mt::Module* m = c.object<mt::Module>("self", self);
  T* found = m->type_name() == type_name ? dynamic_cast<T*>(m) : nullptr;
  if (!found) {
    mt::fail(Status::kInvalidArgument, c.fn(), ": wrong module: 'self' is a ", m->type_name(),
             ": must be a ", type_name);
  }
  return *found;
}

void check_arrays(Call& c, size_t n, const void* names, const char* what, const void* items) {
  if (n == 0) return;
  c.pointer("names", names);
  c.pointer(what, items);
}

}  // namespace

extern "C" {

mt_status mt_nn_module_list(mt_module** out, const mt_module* const* modules, size_t n) {
  return guard("mt_nn_module_list", [&](Call& c) {
    c.pointer("out", out);
    if (n != 0) c.pointer("modules", modules);
    const auto list = mt::nn::module_list();
    for (size_t i = 0; i < n; ++i) {
      list->append(shared_module(c, "modules", modules[i], static_cast<int64_t>(i)));
    }
    *out = make_module(c, ModuleRef::share(list.get())).release();
  });
}

mt_status mt_module_list_append(mt_module* self, const mt_module* module) {
  return guard("mt_module_list_append", [&](Call& c) {
    auto added = shared_module(c, "module", module);  // handles before their kinds
    own_kind<mt::nn::List>(c, self, "ModuleList").append(std::move(added));
  });
}

mt_status mt_module_list_insert(mt_module* self, int64_t index, const mt_module* module) {
  return guard("mt_module_list_insert", [&](Call& c) {
    auto added = shared_module(c, "module", module);
    own_kind<mt::nn::List>(c, self, "ModuleList").insert(index, std::move(added));
  });
}

mt_status mt_nn_module_dict(mt_module** out, const char* const* names,
                            const mt_module* const* modules, size_t n) {
  return guard("mt_nn_module_dict", [&](Call& c) {
    c.pointer("out", out);
    check_arrays(c, n, names, "modules", modules);
    const auto dict = mt::nn::module_dict();
    for (size_t i = 0; i < n; ++i) {
      ModuleRef m = shared_module(c, "modules", modules[i], static_cast<int64_t>(i));
      dict->register_module(c.string("names", names[i]), std::move(m));
    }
    *out = make_module(c, ModuleRef::share(dict.get())).release();
  });
}

mt_status mt_nn_parameter_list(mt_module** out, const mt_tensor* const* parameters, size_t n) {
  return guard("mt_nn_parameter_list", [&](Call& c) {
    c.pointer("out", out);
    const auto list = mt::nn::parameter_list(c.tensors("parameters", parameters, n));
    *out = make_module(c, ModuleRef::share(list.get())).release();
  });
}

mt_status mt_parameter_list_append(mt_module* self, const mt_tensor* parameter) {
  return guard("mt_parameter_list_append", [&](Call& c) {
    const TensorArg added = c.tensor("parameter", parameter);
    own_kind<mt::nn::Parameters>(c, self, "ParameterList").append(added);
  });
}

mt_status mt_nn_parameter_dict(mt_module** out, const char* const* names,
                               const mt_tensor* const* parameters, size_t n) {
  return guard("mt_nn_parameter_dict", [&](Call& c) {
    c.pointer("out", out);
    const TensorArgs tensors = c.tensors("parameters", parameters, n);
    if (n != 0) c.pointer("names", names);
    const auto dict = mt::nn::parameter_dict();
    for (size_t i = 0; i < n; ++i) {
      dict->set(c.string("names", names[i]), tensors[static_cast<int>(i)]);
    }
    *out = make_module(c, ModuleRef::share(dict.get())).release();
  });
}

mt_status mt_nn_transformer_encoder(mt_module** out, const mt_module* layer, int64_t num_layers,
                                    const mt_module* norm) {
  return guard("mt_nn_transformer_encoder", [&](Call& c) {
    c.pointer("out", out);
    const ModuleRef l = shared_module(c, "layer", layer), n = optional_module(c, "norm", norm);
    *out = make_module(c, mt::nn::transformer_encoder(l, num_layers, n)).release();
  });
}

mt_status mt_nn_transformer_decoder(mt_module** out, const mt_module* layer, int64_t num_layers,
                                    const mt_module* norm) {
  return guard("mt_nn_transformer_decoder", [&](Call& c) {
    c.pointer("out", out);
    const ModuleRef l = shared_module(c, "layer", layer), n = optional_module(c, "norm", norm);
    *out = make_module(c, mt::nn::transformer_decoder(l, num_layers, n)).release();
  });
}

mt_status mt_adaptive_log_prob(mt_tensor** out, mt_module* self, const mt_tensor* input) {
  return guard("mt_adaptive_log_prob", [&](Call& c) {
    c.pointer("out", out);
    const ModuleRef m = shared_module(c, "self", self);
    c.put(out, mt::nn::adaptive_log_prob(*m, c.tensor("input", input)));
  });
}

mt_status mt_adaptive_predict(mt_tensor** out, mt_module* self, const mt_tensor* input) {
  return guard("mt_adaptive_predict", [&](Call& c) {
    c.pointer("out", out);
    const ModuleRef m = shared_module(c, "self", self);
    c.put(out, mt::nn::adaptive_predict(*m, c.tensor("input", input)));
  });
}

mt_status mt_weight_norm(mt_module* self, const char* name, int64_t dim) {
  return guard("mt_weight_norm", [&](Call& c) {
    mt::Module* m = c.object<mt::Module>("self", self);
    mt::nn::weight_norm(*m, c.string("name", name), dim);
  });
}

mt_status mt_remove_weight_norm(mt_module* self, const char* name) {
  return guard("mt_remove_weight_norm", [&](Call& c) {
    mt::Module* m = c.object<mt::Module>("self", self);
    mt::nn::remove_weight_norm(*m, c.string("name", name));
  });
}

void mt_spectral_norm_options_init(mt_spectral_norm_options* options) {
  if (!options) return;
  const mt::nn::SpectralNormOptions o;
  *options = {sizeof *options, o.n_power_iterations, o.eps, nullptr};
}

mt_status mt_spectral_norm(mt_module* self, const char* name,
                           const mt_spectral_norm_options* options) {
  return guard("mt_spectral_norm", [&](Call& c) {
    mt::Module* m = c.object<mt::Module>("self", self);
    mt_spectral_norm_options o;
    mt_spectral_norm_options_init(&o);
    if (options) c.read_options("options", options, o);
    mt::nn::spectral_norm(*m, c.string("name", name),
                          {o.n_power_iterations, o.eps, Call::optional(o.dim)});
  });
}

mt_status mt_remove_spectral_norm(mt_module* self, const char* name) {
  return guard("mt_remove_spectral_norm", [&](Call& c) {
    mt::Module* m = c.object<mt::Module>("self", self);
    mt::nn::remove_spectral_norm(*m, c.string("name", name));
  });
}

mt_status mt_square_subsequent_mask(mt_tensor** out, int64_t size) {
  return guard("mt_square_subsequent_mask", [&](Call& c) {
    c.pointer("out", out);
    c.put(out, mt::nn::square_subsequent_mask(size));
  });
}

mt_status mt_pack_padded_sequence(mt_tensor** data, mt_tensor** batch_sizes,
                                  mt_tensor** sorted_indices, mt_tensor** unsorted_indices,
                                  const mt_tensor* input, const mt_tensor* lengths,
                                  bool batch_first, bool enforce_sorted) {
  return guard("mt_pack_padded_sequence", [&](Call& c) {
    c.pointer("data", data);
    c.pointer("batch_sizes", batch_sizes);
    c.pointer("sorted_indices", sorted_indices);
    c.pointer("unsorted_indices", unsorted_indices);
    const TensorArg x = c.tensor("input", input), n = c.tensor("lengths", lengths);
    const auto p = mt::nn::pack_padded_sequence(x, n, batch_first, enforce_sorted);
    auto rows = c.make(p.data), sizes = c.make(p.batch_sizes);
    auto sorted = c.make(p.sorted_indices), unsorted = c.make(p.unsorted_indices);
    *data = rows.release();
    *batch_sizes = sizes.release();
    *sorted_indices = sorted.release();
    *unsorted_indices = unsorted.release();
  });
}

mt_status mt_pad_packed_sequence(mt_tensor** out, mt_tensor** lengths, const mt_tensor* data,
                                 const mt_tensor* batch_sizes, const mt_tensor* unsorted_indices,
                                 bool batch_first, double padding_value,
                                 const int64_t* total_length) {
  return guard("mt_pad_packed_sequence", [&](Call& c) {
    c.pointer("out", out);
    c.pointer("lengths", lengths);
    const TensorArg rows = c.tensor("data", data), sizes = c.tensor("batch_sizes", batch_sizes);
    const TensorArg unsorted = c.optional_tensor("unsorted_indices", unsorted_indices);
    const auto p = mt::nn::pad_packed_sequence({rows, sizes, {}, unsorted}, batch_first,
                                               padding_value, Call::optional(total_length));
    auto padded = c.make(p.data), n = c.make(p.lengths);
    *out = padded.release();
    *lengths = n.release();
  });
}

mt_status mt_pad_sequence(mt_tensor** out, const mt_tensor* const* sequences, size_t n,
                          bool batch_first, double padding_value) {
  return guard("mt_pad_sequence", [&](Call& c) {
    c.pointer("out", out);
    const TensorArgs list = c.tensors("sequences", sequences, n);
    c.put(out, mt::nn::pad_sequence(list, batch_first, padding_value));
  });
}

mt_status mt_parameters_to_vector(mt_tensor** out, const mt_tensors* parameters) {
  return guard("mt_parameters_to_vector", [&](Call& c) {
    c.pointer("out", out);
    c.put(out, mt::nn::parameters_to_vector(
                   c.object<TensorListObject>("parameters", parameters)->items));
  });
}

mt_status mt_vector_to_parameters(const mt_tensor* vector, const mt_tensors* parameters) {
  return guard("mt_vector_to_parameters", [&](Call& c) {
    const TensorArg v = c.tensor("vector", vector);
    mt::nn::vector_to_parameters(v, c.object<TensorListObject>("parameters", parameters)->items);
  });
}

mt_status mt_module_summary(char** text, mt_module* self, const mt_tensor* const* inputs,
                            size_t n_inputs, mt_summary_fn visit, void* user) {
  return guard("mt_module_summary", [&](Call& c) {
    mt::Module* m = c.object<mt::Module>("self", self);
    const mt::nn::Summary s = mt::nn::summarise(*m, c.tensors("inputs", inputs, n_inputs, true));
    for (const mt::nn::SummaryRow& r : s.rows) {
      if (!visit) break;
      mt_module_info row{};
      row.struct_size = sizeof row;
      row.path = r.path.c_str();
      row.type_name = r.type_name.c_str();
      row.depth = r.depth;
      row.called = r.called;
      row.output_shape = r.output_sizes.data();
      row.n_dims = static_cast<size_t>(r.output_sizes.size());
      row.parameters = r.parameters;
      row.trainable = r.trainable;
      row.multiply_adds = r.multiply_adds;
      row.output_bytes = r.output_bytes;
      CallbackScope scope(c.thread());
      scope.check(visit(&row, user), "visit");
    }
    if (text) *text = new_string(s.text());
  });
}

}  // extern "C"
