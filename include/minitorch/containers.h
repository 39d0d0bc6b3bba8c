// minitorch/containers.h - modules that hold modules or parameters, stacks of transformer layers,
// and sequences of different lengths.
#ifndef MINITORCH_CONTAINERS_H
#define MINITORCH_CONTAINERS_H

#include "minitorch/types.h"

#ifdef __cplusplus
extern "C" {
#endif

// --- Containers ------------------------------------------------------------------------------
// They compute nothing: running one is MT_ERR_NOT_IMPLEMENTED. What they hold is reached, replaced
// and removed as in every module (mt_module_child, mt_module_get_submodule,
// mt_module_register_module, mt_module_register_parameter, mt_module_unregister).

// torch.nn.ModuleList: children "0", "1", ...
MT_API mt_status mt_nn_module_list(mt_module **out, const mt_module *const *MT_NULLABLE modules,
                                   size_t n);
MT_API mt_status mt_module_list_append(mt_module *self, const mt_module *module);

// Before the child at `index`, which may be their number, or negative: from the end.
MT_API mt_status mt_module_list_insert(mt_module *self, int64_t index, const mt_module *module);

// torch.nn.ModuleDict: n children by name.
MT_API mt_status mt_nn_module_dict(mt_module **out, const char *const *MT_NULLABLE names,
                                   const mt_module *const *MT_NULLABLE modules, size_t n);

// torch.nn.ParameterList: parameters "0", "1", ... A tensor that is no parameter is made one
// (mt_make_parameter).
MT_API mt_status mt_nn_parameter_list(mt_module **out,
                                      const mt_tensor *const *MT_NULLABLE parameters, size_t n);
MT_API mt_status mt_parameter_list_append(mt_module *self, const mt_tensor *parameter);

// torch.nn.ParameterDict: n parameters by name.
MT_API mt_status mt_nn_parameter_dict(mt_module **out, const char *const *MT_NULLABLE names,
                                      const mt_tensor *const *MT_NULLABLE parameters, size_t n);

// --- Transformers ----------------------------------------------------------------------------

// num_layers deep copies of `layer` in the child `layers`, then `norm`, which may be NULL. Inputs
// of the encoder: src, mask, src_key_padding_mask; of the decoder: tgt, memory, tgt_mask,
// memory_mask, tgt_key_padding_mask, memory_key_padding_mask. Masks may be NULL or missing.
// As in torch, an encoder in eval mode that records nothing, with batch_first layers and no mask
// but src_key_padding_mask, leaves out what is padded: these outputs are 0 (before `norm`), and end
// with the longest sequence. Its option "enable_nested_tensor" set to False ends that; "mask_check"
// set to False also takes masks whose padding is not at the end, as if it were.
MT_API mt_status mt_nn_transformer_encoder(mt_module **out, const mt_module *layer,
                                           int64_t num_layers, const mt_module *MT_NULLABLE norm);
MT_API mt_status mt_nn_transformer_decoder(mt_module **out, const mt_module *layer,
                                           int64_t num_layers, const mt_module *MT_NULLABLE norm);

// (size, size): 0 where a position may look, -inf at the positions behind it.
MT_API mt_status mt_square_subsequent_mask(mt_tensor **out, int64_t size);

// --- Adaptive softmax ----------------------------------------------------------------------------
// Of a module made by mt_nn_adaptive_log_softmax_with_loss; MT_ERR_INVALID_ARGUMENT for others.

// (n, in_features) -> (n, n_classes): the log-probabilities of all classes.
MT_API mt_status mt_adaptive_log_prob(mt_tensor **out, mt_module *self, const mt_tensor *input);

// (n, in_features) -> (n), int64: the likeliest class of each.
MT_API mt_status mt_adaptive_predict(mt_tensor **out, mt_module *self, const mt_tensor *input);

// --- Normed weights ------------------------------------------------------------------------------
// torch.nn.utils: a parameter that a forward pre-hook computes from others before each forward.
// Copies and state dicts hold the others. MT_ERR_KEY when the module itself has no parameter
// `name`, MT_ERR_STATE when it is normed already.

// name = name_g * name_v / |name_v|, two parameters in the place of one: lengths along `dim`, or
// with dim -1 one length for the whole tensor; and direction.
MT_API mt_status mt_weight_norm(mt_module *self, const char *name, int64_t dim);

// Ends that: a parameter of the present value. MT_ERR_KEY when `name` is not normed.
MT_API mt_status mt_remove_weight_norm(mt_module *self, const char *name);

typedef struct mt_spectral_norm_options {
  size_t struct_size;
  int64_t n_power_iterations;  // 1: in each forward in training mode
  double eps;                  // 1e-12: added to norms
  const int64_t *dim;          // of the outputs; NULL: 1 for transposed convolutions, else 0
} mt_spectral_norm_options;

MT_API void mt_spectral_norm_options_init(mt_spectral_norm_options *options);

// name = name_orig / its largest singular value, which the buffers name_u and name_v follow by
// power iterations; they start from the generator's normal numbers.
MT_API mt_status mt_spectral_norm(mt_module *self, const char *name,
                                  const mt_spectral_norm_options *MT_NULLABLE options);
MT_API mt_status mt_remove_spectral_norm(mt_module *self, const char *name);

// --- Sequences of different lengths ------------------------------------------------------------
// torch.nn.utils.rnn. A packed sequence is four tensors: data, the samples' steps as rows (all
// first steps, then all second ones, ...); batch_sizes, int64, how many samples have each step; and
// the order into which the samples were sorted, longest first, and back.

// `input` is (time, batch, *), or (batch, time, *); `lengths` int64, one a sample, each in
// [1, time]. enforce_sorted: lengths must not grow; *sorted_indices and *unsorted_indices are NULL.
MT_API mt_status mt_pack_padded_sequence(mt_tensor **data, mt_tensor **batch_sizes,
                                         mt_tensor **sorted_indices, mt_tensor **unsorted_indices,
                                         const mt_tensor *input, const mt_tensor *lengths,
                                         bool batch_first, bool enforce_sorted);

// The way back: (time, batch, *), or (batch, time, *), and the lengths. `total_length`: at least
// this many steps.
MT_API mt_status mt_pad_packed_sequence(mt_tensor **out, mt_tensor **lengths, const mt_tensor *data,
                                        const mt_tensor *batch_sizes,
                                        const mt_tensor *MT_NULLABLE unsorted_indices,
                                        bool batch_first, double padding_value,
                                        const int64_t *MT_NULLABLE total_length);

// n sequences (length_i, *) as one tensor (longest, n, *), or (n, longest, *).
MT_API mt_status mt_pad_sequence(mt_tensor **out, const mt_tensor *const *sequences, size_t n,
                                 bool batch_first, double padding_value);

// --- Parameters as a vector --------------------------------------------------------------------

// All elements, one tensor after the other.
MT_API mt_status mt_parameters_to_vector(mt_tensor **out, const mt_tensors *parameters);

// The way back: writes the vector's elements into the parameters, unrecorded. The counts must
// agree.
MT_API mt_status mt_vector_to_parameters(const mt_tensor *vector, const mt_tensors *parameters);

// --- Summary -----------------------------------------------------------------------------------

// One module of a model.
typedef struct mt_module_info {
  size_t struct_size;
  const char *path;  // "body.0"; "" for the model itself
  const char *type_name;
  int32_t depth;                // 0 for the model
  bool called;                  // whether the model's forward reached it
  const int64_t *output_shape;  // of its first output; n_dims sizes
  size_t n_dims;
  int64_t parameters;     // of its own, without its children's
  int64_t trainable;      // those of them that require gradients
  int64_t multiply_adds;  // of all its calls, without its children's
  int64_t output_bytes;   // of all its calls; 0 for a module with children
} mt_module_info;

// Sees a row, whose pointers hold during the call; anything but MT_OK ends the listing.
typedef mt_status (*mt_summary_fn)(const mt_module_info *row, void *user);

// What a model consists of and costs: its modules with output shapes, parameters, multiply-adds and
// memory. It is run once, in eval mode, on tensors of the inputs' shapes and dtypes on the meta
// device: no values are computed. Inputs may be NULL where the model's may. `*text`, if wanted, is
// a table, to be freed with mt_string_free; `visit`, if given, sees every row in order. No other
// use of the model may overlap. Modules of a host language that call others there show those as not
// called.
MT_API mt_status mt_module_summary(char **MT_NULLABLE text, mt_module *self,
                                   const mt_tensor *const *MT_NULLABLE inputs, size_t n_inputs,
                                   mt_summary_fn MT_NULLABLE visit, void *MT_NULLABLE user);

#ifdef __cplusplus
}
#endif

#endif  // MINITORCH_CONTAINERS_H
