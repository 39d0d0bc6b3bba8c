// minitorch/autograd.h - gradients: backward, grad mode, user-defined functions and the graph as
// data. Ops record themselves while grad mode is on and one of their inputs requires gradients.
#ifndef MINITORCH_AUTOGRAD_H
#define MINITORCH_AUTOGRAD_H

#include "minitorch/types.h"

#ifdef __cplusplus
extern "C" {
#endif

// --- Backward --------------------------------------------------------------------------------

// Adds d(self)/d(leaf) to the gradient of every leaf that `self` was computed from. `gradient` is
// the gradient of `self` itself; NULL means 1, for a one-element tensor. The values that the graph
// saved are freed unless `retain_graph`; `create_graph` makes the gradients differentiable again
// (and retains the graph).
MT_API mt_status mt_tensor_backward(const mt_tensor *self, const mt_tensor *MT_NULLABLE gradient,
                                    bool retain_graph, bool create_graph);

// What mt_backward and mt_grad can be told besides their tensors. Set it up with the _init
// function, so that programs keep working when members are added.
typedef struct mt_backward_options {
  size_t struct_size;
  const mt_tensor *const *grad_outputs;  // one an output, NULL entries mean 1; or NULL for all 1
  size_t n_grad_outputs;
  const mt_tensor *const *inputs;  // mt_backward: only these get gradients; or NULL for all leaves
  size_t n_inputs;
  bool retain_graph;
  bool create_graph;
  bool allow_unused;  // mt_grad: an input that was not used gives NULL instead of an error
} mt_backward_options;

MT_API void mt_backward_options_init(mt_backward_options *options);

// mt_tensor_backward for several outputs at once. `options` may be NULL.
MT_API mt_status mt_backward(const mt_tensor *const *outputs, size_t n_outputs,
                             const mt_backward_options *MT_NULLABLE options);

// The gradients of the outputs' sum with respect to chosen inputs, as a list of `n_inputs`
// tensors; no tensor's own gradient is touched. `options` may be NULL.
MT_API mt_status mt_grad(mt_tensors **out, const mt_tensor *const *outputs, size_t n_outputs,
                         const mt_tensor *const *inputs, size_t n_inputs,
                         const mt_backward_options *MT_NULLABLE options);

// --- Grad mode -------------------------------------------------------------------------------
// Each thread has its own mode, on at first. It is the same for a callback as for its caller.

MT_API bool mt_grad_mode_enabled(void);

// Sets the mode until the matching pop, which restores what was before.
MT_API mt_status mt_grad_mode_push(bool enabled);

// MT_ERR_STATE without a push before it on this thread.
MT_API mt_status mt_grad_mode_pop(void);

// Sets the mode for good: torch.set_grad_enabled used as a function.
MT_API mt_status mt_grad_mode_set(bool enabled);

// --- Anomaly mode ----------------------------------------------------------------------------
// For finding where NaN gradients come from: ops remember where they were recorded, and backward
// fails with MT_ERR_AUTOGRAD at the first gradient rule that gives a NaN, naming the forward op and
// that place; other failures in backward name it too. Everything is slower. One mode for the
// process; switching it must not overlap with other calls.

// Writes where the host program is now, such as its call stack, in the manner of
// mt_module_repr_fn: at most `capacity` bytes with the closing NUL, and to `*length` the whole
// text's length without it. It is called again with more room when the text did not fit.
typedef mt_status (*mt_trace_fn)(char *buffer, size_t capacity, size_t *length, void *user);

typedef struct mt_anomaly_options {
  size_t struct_size;
  bool check_nan;     // true; false: only remember the places, for the messages of other failures
  mt_trace_fn trace;  // called for each op recorded, on its thread; NULL: messages name the op only
  void *user;
  mt_destroy_fn destroy;  // of `user`, when the mode is set again; or NULL
} mt_anomaly_options;

MT_API void mt_anomaly_options_init(mt_anomaly_options *options);

// torch.autograd.set_detect_anomaly. `options` may be NULL.
MT_API mt_status mt_anomaly_mode_set(bool enabled, const mt_anomaly_options *MT_NULLABLE options);
MT_API bool mt_anomaly_mode_enabled(void);
MT_API bool mt_anomaly_mode_checks_nan(void);

// --- Functions of your own -------------------------------------------------------------------
// An op with its own gradient rule, as torch.autograd.Function: forward computes outputs from
// inputs with anything (it is not recorded), backward computes the inputs' gradients from the
// outputs' gradients. The context connects the two: forward saves tensors in it.
//
//   static mt_status square_forward(mt_function_ctx *ctx, const mt_tensor *const *inputs,
//                                   size_t n_inputs, mt_tensor **outputs, size_t n_outputs,
//                                   void *user) {
//     mt_status s = mt_function_ctx_save(ctx, inputs, 1);
//     return s != MT_OK ? s : mt_mul(&outputs[0], inputs[0], inputs[0]);
//   }

// Computes the outputs: sets every outputs[i] to a new tensor, whose handle then belongs to the
// library (an input can be given back through mt_tensor_ref). The inputs are borrowed.
typedef mt_status (*mt_function_forward_fn)(mt_function_ctx *ctx, const mt_tensor *const *inputs,
                                            size_t n_inputs, mt_tensor **outputs, size_t n_outputs,
                                            void *user);

// Computes the gradients: sets grad_inputs[i] to a new tensor of input i's shape, or leaves it NULL
// for no gradient. The gradients of the outputs are borrowed; one that nothing reached is zeros (or
// NULL after mt_function_ctx_set_materialize_grads(ctx, false)).
typedef mt_status (*mt_function_backward_fn)(mt_function_ctx *ctx,
                                             const mt_tensor *const *grad_outputs, size_t n_outputs,
                                             mt_tensor **grad_inputs, size_t n_inputs, void *user);

typedef struct mt_function {
  size_t struct_size;
  const char *name;  // the node's name is this and "Backward"; NULL means "Function"
  mt_function_forward_fn forward;
  mt_function_backward_fn backward;  // NULL: the outputs do not require gradients
  void *user;
  mt_destroy_fn destroy;  // of `user`, when neither forward nor backward will run again; or NULL
} mt_function;

MT_API void mt_function_init(mt_function *function);

// Calls the function: writes `n_outputs` new tensors to `outputs`. The description is copied.
MT_API mt_status mt_function_apply(mt_tensor **outputs, size_t n_outputs,
                                   const mt_function *function,
                                   const mt_tensor *const *MT_NULLABLE inputs, size_t n_inputs);

// Keeps tensors for backward, instead of those saved before. They must be inputs or outputs of the
// function if their values matter to the gradient (others may be saved too). During forward only.
MT_API mt_status mt_function_ctx_save(mt_function_ctx *ctx,
                                      const mt_tensor *const *MT_NULLABLE tensors, size_t n);

// How many tensors forward saved, and a new reference to one of them. An error when the value was
// changed in place since. During backward only.
MT_API mt_status mt_function_ctx_saved_count(size_t *out, mt_function_ctx *ctx);
MT_API mt_status mt_function_ctx_saved(mt_tensor **out, mt_function_ctx *ctx, size_t index);

// Whether input `index` wants a gradient, so that backward need not compute the others.
MT_API mt_status mt_function_ctx_needs_input_grad(bool *out, mt_function_ctx *ctx, size_t index);

// Declares that an output has no gradient, such as indices. During forward only.
MT_API mt_status mt_function_ctx_mark_non_differentiable(mt_function_ctx *ctx,
                                                         const mt_tensor *output);

// Declares that forward changed an input in place, which must also be one of the outputs (through
// mt_tensor_ref): the input itself becomes the function's result in the graph. Not for a leaf that
// requires gradients, nor for a view of a tensor in the graph. During forward only.
MT_API mt_status mt_function_ctx_mark_dirty(mt_function_ctx *ctx, const mt_tensor *input);

// Whether backward gets zeros (true, as at first) or NULL for an output that no gradient reached.
// During forward only.
MT_API mt_status mt_function_ctx_set_materialize_grads(mt_function_ctx *ctx, bool value);

// A pointer of your own kept from forward to backward, besides the function's `user`; `destroy`
// runs when it is replaced or the node goes.
MT_API mt_status mt_function_ctx_set_data(mt_function_ctx *ctx, void *MT_NULLABLE data,
                                          mt_destroy_fn MT_NULLABLE destroy);
MT_API mt_status mt_function_ctx_data(void **out, mt_function_ctx *ctx);

// --- Checking gradients ----------------------------------------------------------------------

// A function under test: one new tensor from the inputs.
typedef mt_status (*mt_gradcheck_fn)(mt_tensor **out, const mt_tensor *const *inputs,
                                     size_t n_inputs, void *user);

// Compares the gradients of `function` with finite differences at the given inputs, which should be
// float64. MT_ERR_AUTOGRAD names the first element that differs by more than
// atol + rtol * |expected|. PyTorch's values are eps 1e-6, atol 1e-5, rtol 1e-3.
MT_API mt_status mt_gradcheck(mt_gradcheck_fn function, void *MT_NULLABLE user,
                              const mt_tensor *const *inputs, size_t n_inputs, double eps,
                              double atol, double rtol);

// --- The graph as data -----------------------------------------------------------------------
// A node is a recorded op. Its inputs lead to the nodes that made them, to leaf tensors, or to
// nothing where no gradient flows.

MT_API mt_status mt_node_free(mt_node *MT_NULLABLE self);

// PyTorch's name for it, "MulBackward0". Free it with mt_string_free.
MT_API mt_status mt_node_name(char **out, const mt_node *self);

// A number of its own, growing in the order of recording: two handles with one number name one
// node.
MT_API mt_status mt_node_sequence(uint64_t *out, const mt_node *self);
MT_API mt_status mt_node_input_count(size_t *out, const mt_node *self);

// The node that made input `index`; NULL when that is a leaf or nothing.
MT_API mt_status mt_node_input_node(mt_node **out, const mt_node *self, size_t index);

// The leaf tensor that is input `index`; NULL when it is none.
MT_API mt_status mt_node_input_leaf(mt_tensor **out, const mt_node *self, size_t index);

// The graph that `root` was computed from as Graphviz DOT text, to be drawn with the program `dot`:
// a box for each op, an ellipse for each leaf with its name in `names` and its shape, and edges
// with the shapes of what flowed along them. At most `max_nodes` ops, nearest to the root first; 0
// means all of them, also a million. Free it with mt_string_free.
MT_API mt_status mt_graph_dot(char **out, const mt_tensor *root,
                              const mt_named_tensors *MT_NULLABLE names, size_t max_nodes);

#ifdef __cplusplus
}
#endif

#endif  // MINITORCH_AUTOGRAD_H
