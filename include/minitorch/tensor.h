// minitorch/tensor.h - making tensors, looking at them, and moving data in and out.
// A tensor is a shape, strides and a dtype over storage that several tensors may share.
#ifndef MINITORCH_TENSOR_H
#define MINITORCH_TENSOR_H

#include "minitorch/types.h"

#ifdef __cplusplus
extern "C" {
#endif

// --- Making tensors --------------------------------------------------------------------------
// Those filled with a value or with random numbers (mt_zeros, mt_randn, ...) are in ops.h.

// A new CPU tensor with a copy of the values at `data`, which are of `dtype` and in row-major
// order. `shape` holds `ndim` sizes; a 0-dim tensor (ndim 0) holds one value.
MT_API mt_status mt_tensor_from_data(mt_tensor **out, const void *MT_NULLABLE data, mt_dtype dtype,
                                     const int64_t *MT_NULLABLE shape, size_t ndim);

// A new CPU tensor on the caller's own memory: nothing is copied, and writes are seen by both
// sides. `strides` counts elements, not bytes, and may not be negative; NULL means row-major.
// `destroy(user)` is called once, when the last tensor on the memory is gone (or when this call
// fails); until then the memory must stay valid. It may be called from any thread.
MT_API mt_status mt_tensor_from_blob(mt_tensor **out, void *MT_NULLABLE data, mt_dtype dtype,
                                     const int64_t *MT_NULLABLE shape, size_t ndim,
                                     const int64_t *MT_NULLABLE strides,
                                     mt_destroy_fn MT_NULLABLE destroy, void *MT_NULLABLE user);

// Plain numbers as operands. They take part in type promotion as Python's numbers do: int32 tensor
// + mt_number_int stays int32, int32 tensor + mt_number_float becomes float32.
MT_API mt_status mt_number_float(mt_tensor **out, double value);
MT_API mt_status mt_number_int(mt_tensor **out, int64_t value);
MT_API mt_status mt_number_bool(mt_tensor **out, bool value);
MT_API mt_status mt_number_complex(mt_tensor **out, double real, double imag);

// A second handle to the same tensor: the same values, gradient and history. Each handle is freed
// on its own.
MT_API mt_status mt_tensor_ref(mt_tensor **out, const mt_tensor *self);

// Frees the handle; the tensor itself goes when nothing else uses it. NULL is fine.
MT_API mt_status mt_tensor_free(mt_tensor *MT_NULLABLE self);

// --- Shape and kind --------------------------------------------------------------------------

MT_API mt_status mt_tensor_ndim(int64_t *out, const mt_tensor *self);

// Writes the sizes of the dims to `out`, which has room for `capacity` values. Fails with
// MT_ERR_INVALID_ARGUMENT, writing nothing, when they do not fit; 64 always suffice.
MT_API mt_status mt_tensor_shape(int64_t *MT_NULLABLE out, size_t capacity, const mt_tensor *self);

// As mt_tensor_shape: the distance, in elements, from one index to the next of each dim.
MT_API mt_status mt_tensor_strides(int64_t *MT_NULLABLE out, size_t capacity,
                                   const mt_tensor *self);

// Size and stride of one dim; negative dims count from the end.
MT_API mt_status mt_tensor_size(int64_t *out, const mt_tensor *self, int64_t dim);
MT_API mt_status mt_tensor_stride(int64_t *out, const mt_tensor *self, int64_t dim);
// Where in its storage the first element lies, counted in elements.
MT_API mt_status mt_tensor_storage_offset(int64_t *out, const mt_tensor *self);

// The number of elements.
MT_API mt_status mt_tensor_numel(int64_t *out, const mt_tensor *self);
MT_API mt_status mt_tensor_dtype(mt_dtype *out, const mt_tensor *self);
MT_API mt_status mt_tensor_device(mt_device *out, const mt_tensor *self);

// Whether the elements lie in row-major order without gaps.
MT_API mt_status mt_tensor_is_contiguous(bool *out, const mt_tensor *self);

// Whether the tensor was made by mt_number_*.
MT_API mt_status mt_tensor_is_number(bool *out, const mt_tensor *self);

// --- Values ----------------------------------------------------------------------------------

// The address of the first element, for reading and writing where the strides say; NULL for a
// tensor without data (no elements, or device meta). Valid while any tensor shares the storage.
// Bool elements are bytes of 0 or 1. After writing, call mt_tensor_mark_written.
MT_API mt_status mt_tensor_data(void **out, const mt_tensor *self);

// Tells the gradient engine that values were changed through mt_tensor_data, so that a backward
// that needs the old ones fails instead of computing nonsense.
MT_API mt_status mt_tensor_mark_written(mt_tensor *self);

// The value of a one-element tensor of any dtype, converted as Python's float() and int() do. What
// does not fit into int64 is MT_ERR_INVALID_ARGUMENT; mt_tensor_copy_to_host gives a uint64 its
// bits.
MT_API mt_status mt_tensor_item_double(double *out, const mt_tensor *self);
MT_API mt_status mt_tensor_item_int64(int64_t *out, const mt_tensor *self);
MT_API mt_status mt_tensor_item_bool(bool *out, const mt_tensor *self);

// The same for complex dtypes too, of which the functions above take only values without an
// imaginary part (MT_ERR_INVALID_ARGUMENT otherwise; mt_tensor_item_bool takes any).
MT_API mt_status mt_tensor_item_complex(double *real, double *imag, const mt_tensor *self);

// Copies all values, in row-major order and the tensor's own dtype, to `buffer`, whose size in
// bytes must be exactly theirs.
MT_API mt_status mt_tensor_copy_to_host(const mt_tensor *self, void *MT_NULLABLE buffer,
                                        size_t bytes);

// The reverse: overwrites all values in place. The rules of in-place ops hold (ops.h).
MT_API mt_status mt_tensor_copy_from_host(mt_tensor *self, const void *MT_NULLABLE buffer,
                                          size_t bytes);

// The text PyTorch prints: "tensor([1., 2.], requires_grad=True)". Free it with mt_string_free.
MT_API mt_status mt_tensor_to_string(char **out, const mt_tensor *self);

// The same into a buffer of `capacity` bytes: at most capacity - 1 characters and a NUL are
// written, and `*length` is the whole text's length without the NUL. With capacity 0 only the
// length is asked for.
MT_API mt_status mt_tensor_format(char *MT_NULLABLE buffer, size_t capacity, size_t *length,
                                  const mt_tensor *self);

// --- Gradients -------------------------------------------------------------------------------

// Whether ops on this tensor are recorded: it is a leaf that wants a gradient, or comes from one.
MT_API mt_status mt_tensor_requires_grad(bool *out, const mt_tensor *self);

// Only leaves can be changed, and only floating and complex dtypes can require gradients.
MT_API mt_status mt_tensor_set_requires_grad(mt_tensor *self, bool requires_grad);

// The gradient that backward left; NULL when there is none. The handle is the gradient itself, not
// a copy: changing it in place changes the gradient.
MT_API mt_status mt_tensor_grad(mt_tensor **out, const mt_tensor *self);

// Replaces the gradient; NULL clears it.
MT_API mt_status mt_tensor_set_grad(mt_tensor *self, const mt_tensor *MT_NULLABLE grad);

// Whether the tensor was made by the caller rather than by a recorded op.
MT_API mt_status mt_tensor_is_leaf(bool *out, const mt_tensor *self);

// The op that made the tensor, as a node of the graph (autograd.h); NULL for a leaf.
MT_API mt_status mt_tensor_grad_fn(mt_node **out, const mt_tensor *self);

// Cuts the tensor itself off its history (mt_detach makes a new tensor).
MT_API mt_status mt_tensor_detach_(mt_tensor *self);

// Makes backward keep the gradient of a tensor that is no leaf.
MT_API mt_status mt_tensor_retain_grad(mt_tensor *self);
MT_API mt_status mt_tensor_retains_grad(bool *out, const mt_tensor *self);

// How often the storage was written in place.
MT_API mt_status mt_tensor_version(int64_t *out, const mt_tensor *self);

// Sees a gradient on its way through a tensor during backward. To replace it, set `*replacement`
// to a new tensor of the same shape (its handle then belongs to the library); to leave it, do not
// touch `*replacement`. Anything but MT_OK stops the backward; see "Callbacks" in minitorch.h.
typedef mt_status (*mt_tensor_hook_fn)(mt_tensor **replacement, const mt_tensor *grad, void *user);

// Adds a hook to a tensor that requires gradients. `*id` names it for mt_tensor_remove_hook.
MT_API mt_status mt_tensor_register_hook(uint64_t *id, mt_tensor *self, mt_tensor_hook_fn hook,
                                         void *MT_NULLABLE user, mt_destroy_fn MT_NULLABLE destroy);

// MT_ERR_KEY when the tensor has no such hook.
MT_API mt_status mt_tensor_remove_hook(mt_tensor *self, uint64_t id);

// --- Sharing and identity --------------------------------------------------------------------

// The bytes that this handle keeps alive: of its whole storage, also when it is a small view.
MT_API mt_status mt_tensor_bytes_held(int64_t *out, const mt_tensor *self);

// Whether two tensors lie on one storage, as a view and its base do.
MT_API mt_status mt_tensor_shares_data(bool *out, const mt_tensor *self, const mt_tensor *other);

// Whether two handles name one tensor (PyTorch's `is`).
MT_API mt_status mt_tensor_is(bool *out, const mt_tensor *self, const mt_tensor *other);

// --- Lists of tensors ------------------------------------------------------------------------
// What functions with a variable number of results give, such as mt_split and mt_grad.

// A new list of the given tensors; NULL entries are kept as such.
MT_API mt_status mt_tensors_create(mt_tensors **out, const mt_tensor *const *MT_NULLABLE items,
                                   size_t n);
MT_API mt_status mt_tensors_free(mt_tensors *MT_NULLABLE self);
MT_API mt_status mt_tensors_count(size_t *out, const mt_tensors *self);

// A new reference to one entry, which may be NULL where the function that made the list says so.
MT_API mt_status mt_tensors_get(mt_tensor **out, const mt_tensors *self, size_t index);

// --- Dtypes ----------------------------------------------------------------------------------

// "float32"; NULL for a number that is no dtype.
MT_API const char *mt_dtype_name(mt_dtype dtype);

// Bytes of one element; 0 for a number that is no dtype.
MT_API size_t mt_dtype_size(mt_dtype dtype);

// "cpu"; NULL for a number that is no device.
MT_API const char *mt_device_name(mt_device device);

// What new floating-point tensors get when no dtype is named; float32 at first. Of the process.
MT_API mt_dtype mt_get_default_dtype(void);
MT_API mt_status mt_set_default_dtype(mt_dtype dtype);

// torch.promote_types: the smallest dtype that holds the values of both.
MT_API mt_status mt_promote_types(mt_dtype *out, mt_dtype a, mt_dtype b);

// torch.result_type: the dtype that an op on two operands gives.
MT_API mt_status mt_result_type(mt_dtype *out, const mt_tensor *self, const mt_tensor *other);

// --- Printing --------------------------------------------------------------------------------

// torch.set_printoptions, of the process. Set it up with mt_print_options_init.
typedef struct mt_print_options {
  size_t struct_size;
  int32_t precision;  // decimals
  int32_t edgeitems;  // elements kept at both ends of a summarised dim
  double threshold;   // more elements than this are summarised
  int32_t linewidth;
  int32_t sci_mode;  // 1 on, 0 off, -1 as the values need
} mt_print_options;

// Fills in PyTorch's defaults.
MT_API void mt_print_options_init(mt_print_options *options);
MT_API mt_status mt_set_print_options(const mt_print_options *options);

#ifdef __cplusplus
}
#endif

#endif  // MINITORCH_TENSOR_H
