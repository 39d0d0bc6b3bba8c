// minitorch/module.h - modules: parameters, buffers and children by name. Layers are in layers.h.
// Names, defaults, initial values, order of listing and printed forms are those of torch.nn.
#ifndef MINITORCH_MODULE_H
#define MINITORCH_MODULE_H

#include "minitorch/layers.h"
#include "minitorch/types.h"

#ifdef __cplusplus
extern "C" {
#endif

//   mt_module *layers[3], *model, *loss_fn;
//   mt_nn_linear(&layers[0], 784, 128, NULL);
//   mt_nn_relu(&layers[1], false);
//   mt_nn_linear(&layers[2], 128, 10, NULL);
//   mt_nn_sequential(&model, (const mt_module *const *)layers, 3);
//   mt_nn_cross_entropy_loss(&loss_fn, NULL);
//   ...
//   mt_module_forward(&outputs, model, inputs);
//   mt_module_forward2(&loss, loss_fn, outputs, targets);
//
// A module may be run from several threads at once; changing it (registering, loading, moving,
// train and eval) must not overlap with any other use.

// --- Containers ------------------------------------------------------------------------------

// Runs its children in order, each on what the one before gave. They are named "0", "1", ...
MT_API mt_status mt_nn_sequential(mt_module **out, const mt_module *const *MT_NULLABLE modules,
                                  size_t n);
MT_API mt_status mt_sequential_append(mt_module *self, const mt_module *module);
MT_API mt_status mt_sequential_size(size_t *out, const mt_module *self);

// --- Modules of your own ---------------------------------------------------------------------
// A module whose forward is a function of the host program. Register its parameters and children
// after making it; forward finds them by name in `self` or through `user`.
//
//   static mt_status net_forward(mt_tensor **outputs, size_t capacity, size_t *n_outputs,
//                                mt_module *self, const mt_tensor *const *inputs, size_t n_inputs,
//                                void *user) {
//     mt_module *fc = NULL;
//     mt_status s = mt_module_get_submodule(&fc, self, "fc");
//     if (s == MT_OK) s = mt_module_forward(&outputs[0], fc, inputs[0]);
//     mt_module_free(fc);
//     return s;
//   }

// Computes the outputs: sets outputs[0] to a new tensor, whose handle then belongs to the library
// (an input can be given back through mt_tensor_ref). For another number of outputs than one, sets
// that many, at most `capacity` (64), and `*n_outputs`. `self` and the inputs are borrowed.
typedef mt_status (*mt_module_forward_fn)(mt_tensor **outputs, size_t capacity, size_t *n_outputs,
                                          mt_module *self, const mt_tensor *const *inputs,
                                          size_t n_inputs, void *user);

// Writes what stands between the parentheses of the printed form: at most `capacity` bytes with the
// closing NUL, and to `*length` the whole text's length without it. It is called again with more
// room when the text did not fit.
typedef mt_status (*mt_module_repr_fn)(char *buffer, size_t capacity, size_t *length,
                                       const mt_module *self, void *user);

typedef struct mt_module_def {
  size_t struct_size;
  const char *type_name;         // for printing and messages; NULL means "Module"
  mt_module_forward_fn forward;  // NULL: a module that only holds others
  mt_module_repr_fn extra_repr;  // or NULL
  void *user;
  mt_destroy_fn destroy;  // of `user`, when the module goes; or NULL
} mt_module_def;

MT_API void mt_module_def_init(mt_module_def *def);

// The description is copied.
MT_API mt_status mt_nn_custom(mt_module **out, const mt_module_def *def);

// --- Handles of modules ----------------------------------------------------------------------

// A second handle to the same module.
MT_API mt_status mt_module_ref(mt_module **out, const mt_module *self);

// Frees the handle; the module itself goes when no other module or handle uses it.
MT_API mt_status mt_module_free(mt_module *MT_NULLABLE self);

// Whether two handles name one module.
MT_API mt_status mt_module_is(bool *out, const mt_module *self, const mt_module *other);

// "Linear". Free it with mt_string_free.
MT_API mt_status mt_module_type_name(char **out, const mt_module *self);

// The printed form, with all children. Free it with mt_string_free.
MT_API mt_status mt_module_to_string(char **out, const mt_module *self);

// --- Options -----------------------------------------------------------------------------------
// What torch keeps as attributes of a layer ("p", "stride", "inplace"), by the argument's name, as
// the text that Python prints and reads: "0.1", "(2, 1)", "True", "None". A change holds from the
// next forward on; what the parameters were made with (sizes) does not remake them.

// MT_ERR_KEY when the module has no such option. Free it with mt_string_free.
MT_API mt_status mt_module_get_option(char **out, const mt_module *self, const char *name);

// MT_ERR_INVALID_ARGUMENT when the text is no value of the option.
MT_API mt_status mt_module_set_option(mt_module *self, const char *name, const char *value);

// None for containers and modules of your own.
MT_API mt_status mt_module_option_names(mt_strings **out, const mt_module *self);

// A new module of the same kind and options. With `deep`, its parameters, buffers and children are
// copies (what is shared inside is shared again); without, they are the same as self's. It has the
// same hooks under the same ids, and functions of the host, with the same `user`.
MT_API mt_status mt_module_clone(mt_module **out, const mt_module *self, bool deep);

// --- Running ---------------------------------------------------------------------------------
// These run the hooks too. Modules nest at most 500 deep, counting a forward that calls itself.

// A module of one input and one output.
MT_API mt_status mt_module_forward(mt_tensor **out, mt_module *self, const mt_tensor *input);

// A module of two inputs and one output, such as a loss.
MT_API mt_status mt_module_forward2(mt_tensor **out, mt_module *self, const mt_tensor *input,
                                    const mt_tensor *target);

// Any number of inputs and outputs. An input that a module can do without may be NULL.
MT_API mt_status mt_module_call(mt_tensors **out, mt_module *self,
                                const mt_tensor *const *MT_NULLABLE inputs, size_t n_inputs);

// Puts a function of the host in the place of a layer's forward, wherever the layer is run from;
// NULL ends that. Hooks go on running around it. The function may call mt_module_call_own.
MT_API mt_status mt_module_set_forward(mt_module *self, mt_module_forward_fn MT_NULLABLE forward,
                                       void *MT_NULLABLE user, mt_destroy_fn MT_NULLABLE destroy);

// Runs the layer's own forward, without hooks and also where mt_module_set_forward put a function
// in its place: what such a function extends.
MT_API mt_status mt_module_call_own(mt_tensors **out, mt_module *self,
                                    const mt_tensor *const *MT_NULLABLE inputs, size_t n_inputs);

// --- Contents --------------------------------------------------------------------------------
// Names are not empty, contain no '.', and are unique in a module over parameters, buffers and
// children. Registering a name again replaces what it named. NULL keeps the name without a value.

MT_API mt_status mt_module_register_parameter(mt_module *self, const char *name,
                                              const mt_tensor *MT_NULLABLE parameter);

// A buffer that is not `persistent` is no part of the state dict.
MT_API mt_status mt_module_register_buffer(mt_module *self, const char *name,
                                           const mt_tensor *MT_NULLABLE buffer, bool persistent);

// Puts a computed tensor in the place of a parameter or buffer: forward reads it, and listings and
// state dicts leave it out, as a weight that a pre-hook makes of other parameters. Registering the
// name again ends that. MT_ERR_KEY when there is no parameter or buffer of this name.
MT_API mt_status mt_module_set_computed(mt_module *self, const char *name, const mt_tensor *tensor);

// MT_ERR_INVALID_ARGUMENT when `self` is `child` or inside it.
MT_API mt_status mt_module_register_module(mt_module *self, const char *name,
                                           const mt_module *MT_NULLABLE child);

// Removes the parameter, buffer or child of this name from the module; MT_ERR_KEY when it has none.
MT_API mt_status mt_module_unregister(mt_module *self, const char *name);

// By path, such as "body.0.weight"; MT_ERR_KEY when there is none. The empty path names `self`.
MT_API mt_status mt_module_get_parameter(mt_tensor **out, const mt_module *self, const char *path);
MT_API mt_status mt_module_get_buffer(mt_tensor **out, const mt_module *self, const char *path);
MT_API mt_status mt_module_get_submodule(mt_module **out, const mt_module *self, const char *path);

// The module's own children, in order. A child that was registered as NULL is NULL.
MT_API mt_status mt_module_child_count(size_t *out, const mt_module *self);
MT_API mt_status mt_module_child(mt_module **out, const mt_module *self, size_t index);

// Free it with mt_string_free.
MT_API mt_status mt_module_child_name(char **out, const mt_module *self, size_t index);

// All parameters, also of descendants, each once: what an optimizer is made from.
MT_API mt_status mt_module_parameters(mt_tensors **out, const mt_module *self);
MT_API mt_status mt_module_named_parameters(mt_named_tensors **out, const mt_module *self);
MT_API mt_status mt_module_named_buffers(mt_named_tensors **out, const mt_module *self);

// The paths of the module itself ("") and all its descendants, each once.
MT_API mt_status mt_module_named_modules(mt_strings **out, const mt_module *self);

// The number of elements of all parameters, or of those that require gradients.
MT_API mt_status mt_module_num_parameters(int64_t *out, const mt_module *self, bool only_trainable);

// Sees a module; anything but MT_OK ends the walk.
typedef mt_status (*mt_module_apply_fn)(mt_module *module, void *user);

// Calls the function with every descendant, children before parents, and then with `self`.
MT_API mt_status mt_module_apply(mt_module *self, mt_module_apply_fn function,
                                 void *MT_NULLABLE user);

// --- State -----------------------------------------------------------------------------------

// Sets the mode of the module and all its descendants; new modules are in training mode.
MT_API mt_status mt_module_train(mt_module *self, bool mode);
MT_API mt_status mt_module_eval(mt_module *self);

// Of this module alone.
MT_API mt_status mt_module_set_training(mt_module *self, bool mode);
MT_API mt_status mt_module_is_training(bool *out, const mt_module *self);

// Whether all parameters require gradients.
MT_API mt_status mt_module_requires_grad_(mt_module *self, bool requires_grad);

// Sets all parameters' gradients to zero, or to none.
MT_API mt_status mt_module_zero_grad(mt_module *self, bool set_to_none);

// Converts floating-point parameters and buffers, with their gradients. The tensors stay the same
// objects, so that an optimizer goes on with them.
MT_API mt_status mt_module_to_dtype(mt_module *self, mt_dtype dtype);
MT_API mt_status mt_module_to_device(mt_module *self, mt_device device);

// Parameters and persistent buffers by path. The tensors share memory with the module.
MT_API mt_status mt_module_state_dict(mt_named_tensors **out, const mt_module *self);

// Copies values in, converting dtypes. Shapes that differ and, if `strict`, missing or unexpected
// keys are one error that lists them all, and nothing is changed. Without `strict` the keys that
// did not match are given in two lists; either pointer may be NULL.
MT_API mt_status mt_module_load_state_dict(mt_module *self, const mt_named_tensors *state,
                                           bool strict, mt_strings **MT_NULLABLE missing,
                                           mt_strings **MT_NULLABLE unexpected);

// --- Hooks -----------------------------------------------------------------------------------

// Runs before forward. replacements[i], NULL at first, may be set to a new tensor that takes the
// place of input i; its handle then belongs to the library.
typedef mt_status (*mt_module_pre_hook_fn)(mt_tensor **replacements, mt_module *module,
                                           const mt_tensor *const *inputs, size_t n_inputs,
                                           void *user);

// Runs after forward. replacements[i], NULL at first, may be set to a new tensor that takes the
// place of output i; its handle then belongs to the library.
typedef mt_status (*mt_module_hook_fn)(mt_tensor **replacements, mt_module *module,
                                       const mt_tensor *const *inputs, size_t n_inputs,
                                       const mt_tensor *const *outputs, size_t n_outputs,
                                       void *user);

// Runs in backward, once the gradients of a call's inputs are known. Entries of the two lists are
// NULL where there is no gradient. replacements[i], NULL at first, may be set to a new tensor that
// takes the place of grad_inputs[i]; its handle then belongs to the library.
typedef mt_status (*mt_module_full_backward_hook_fn)(mt_tensor **replacements, mt_module *module,
                                                     const mt_tensor *const *grad_inputs,
                                                     size_t n_inputs,
                                                     const mt_tensor *const *grad_outputs,
                                                     size_t n_outputs, void *user);

// Hooks run in the order in which they were registered. `*id` names one for mt_module_remove_hook.
MT_API mt_status mt_module_register_forward_pre_hook(uint64_t *id, mt_module *self,
                                                     mt_module_pre_hook_fn hook,
                                                     void *MT_NULLABLE user,
                                                     mt_destroy_fn MT_NULLABLE destroy);
MT_API mt_status mt_module_register_forward_hook(uint64_t *id, mt_module *self,
                                                 mt_module_hook_fn hook, void *MT_NULLABLE user,
                                                 mt_destroy_fn MT_NULLABLE destroy);

MT_API mt_status mt_module_register_full_backward_hook(uint64_t *id, mt_module *self,
                                                       mt_module_full_backward_hook_fn hook,
                                                       void *MT_NULLABLE user,
                                                       mt_destroy_fn MT_NULLABLE destroy);

// MT_ERR_KEY when the module has no such hook.
MT_API mt_status mt_module_remove_hook(mt_module *self, uint64_t id);

// --- Parameters and initial values -----------------------------------------------------------

// A parameter on the data of a tensor: a leaf that requires gradients and prints as a parameter.
MT_API mt_status mt_make_parameter(mt_tensor **out, const mt_tensor *data, bool requires_grad);
MT_API mt_status mt_tensor_is_parameter(bool *out, const mt_tensor *self);

// torch's `self.data = from`: self, the same object to modules and optimizers, gets the shape,
// dtype, device and memory of `from`, unrecorded. A gradient is converted, or goes when its device
// differs.
MT_API mt_status mt_tensor_set_data(mt_tensor *self, const mt_tensor *from);

// torch.nn.init: fill a tensor in place, without recording, also when it requires gradients.
MT_API mt_status mt_nn_init_uniform_(mt_tensor *self, double a, double b);
MT_API mt_status mt_nn_init_normal_(mt_tensor *self, double mean, double std);
MT_API mt_status mt_nn_init_constant_(mt_tensor *self, double value);

// Ones on the diagonal of a 2-dim tensor, zeros elsewhere.
MT_API mt_status mt_nn_init_eye_(mt_tensor *self);
MT_API mt_status mt_nn_init_xavier_uniform_(mt_tensor *self, double gain);
MT_API mt_status mt_nn_init_xavier_normal_(mt_tensor *self, double gain);

// `mode` is "fan_in" (also for NULL) or "fan_out"; `nonlinearity` NULL means "leaky_relu", whose
// slope is `a`.
MT_API mt_status mt_nn_init_kaiming_uniform_(mt_tensor *self, double a,
                                             const char *MT_NULLABLE mode,
                                             const char *MT_NULLABLE nonlinearity);
MT_API mt_status mt_nn_init_kaiming_normal_(mt_tensor *self, double a, const char *MT_NULLABLE mode,
                                            const char *MT_NULLABLE nonlinearity);

// Normal within [a, b]; PyTorch's defaults are mean 0, std 1, a -2 and b 2.
MT_API mt_status mt_nn_init_trunc_normal_(mt_tensor *self, double mean, double std, double a,
                                          double b);

// Orthogonal rows or columns, the tensor being seen as a matrix of size(0) rows.
MT_API mt_status mt_nn_init_orthogonal_(mt_tensor *self, double gain);

// Normal, with a fraction `sparsity` of every column of a 2-dim tensor zero; PyTorch's std is 0.01.
MT_API mt_status mt_nn_init_sparse_(mt_tensor *self, double sparsity, double std);

// What makes a convolution the identity on as many channels as there are; 3 to 5 dims.
MT_API mt_status mt_nn_init_dirac_(mt_tensor *self, int64_t groups);
MT_API mt_status mt_nn_init_ones_(mt_tensor *self);
MT_API mt_status mt_nn_init_zeros_(mt_tensor *self);

// The gain that torch.nn.init recommends for a nonlinearity; `param` is leaky_relu's slope, 0.01
// when NULL.
MT_API mt_status mt_nn_init_calculate_gain(double *out, const char *nonlinearity,
                                           const double *MT_NULLABLE param);

// --- Named tensors ---------------------------------------------------------------------------
// An ordered list of tensors under unique names: state dicts, checkpoints, named parameters.

MT_API mt_status mt_named_tensors_create(mt_named_tensors **out);
MT_API mt_status mt_named_tensors_free(mt_named_tensors *MT_NULLABLE self);
MT_API mt_status mt_named_tensors_count(size_t *out, const mt_named_tensors *self);

// By place. Free the name with mt_string_free.
MT_API mt_status mt_named_tensors_name(char **out, const mt_named_tensors *self, size_t index);
MT_API mt_status mt_named_tensors_at(mt_tensor **out, const mt_named_tensors *self, size_t index);

// By name; MT_ERR_KEY when there is none.
MT_API mt_status mt_named_tensors_get(mt_tensor **out, const mt_named_tensors *self,
                                      const char *name);
MT_API mt_status mt_named_tensors_has(bool *out, const mt_named_tensors *self, const char *name);

// Adds a tensor at the end, or replaces the one of that name in its place.
MT_API mt_status mt_named_tensors_set(mt_named_tensors *self, const char *name,
                                      const mt_tensor *tensor);
MT_API mt_status mt_named_tensors_remove(mt_named_tensors *self, const char *name);

// --- Lists of strings ------------------------------------------------------------------------

MT_API mt_status mt_strings_create(mt_strings **out, const char *const *MT_NULLABLE items,
                                   size_t n);
MT_API mt_status mt_strings_free(mt_strings *MT_NULLABLE self);
MT_API mt_status mt_strings_count(size_t *out, const mt_strings *self);

// Free it with mt_string_free.
MT_API mt_status mt_strings_get(char **out, const mt_strings *self, size_t index);

#ifdef __cplusplus
}
#endif

#endif  // MINITORCH_MODULE_H
