// minitorch/minitorch.h - deep-learning training in one small C library: tensors, automatic
// differentiation, modules and optimizers with PyTorch's names, defaults and numbers.
// Include this header; the others are its chapters.
//
//   mt_tensor *x, *y, *loss, *grad;
//   const float values[] = {1, 2, 3};
//   const int64_t shape[] = {3};
//   mt_tensor_from_data(&x, values, MT_FLOAT32, shape, 1);
//   mt_tensor_set_requires_grad(x, true);
//   mt_mul(&y, x, x);
//   mt_sum(&loss, y);
//   mt_tensor_backward(loss, NULL, false, false);
//   mt_tensor_grad(&grad, x);                          // 2, 4, 6
//   mt_tensor_free(grad); mt_tensor_free(loss); mt_tensor_free(y); mt_tensor_free(x);
//
// Conventions
// ===========
//
// Names. Everything starts with `mt_` (constants with `MT_`). Functions on an object name it first
// (mt_tensor_shape, mt_tensors_get); ops are plain (mt_add, mt_matmul) and called as in PyTorch. An
// op whose name ends in an underscore (mt_add_) writes into its first operand. Where an op has
// arguments that are seldom needed, the short name leaves them at PyTorch's defaults and a longer
// name takes them all (mt_sum, mt_sum_dim).
//
// Results and errors. Nearly every function returns an mt_status: MT_OK, or the kind of error. The
// results come first in the argument list and are written only on success: after an error they are
// what they were. mt_last_error() then gives the message: which function and argument, the values
// that were given, what must hold, and often the way out. It belongs to the calling thread and
// stays until that thread's next error. The library never prints, exits, aborts or throws.
//
// Handles. Objects are reached through handles: `mt_tensor *` and its like. A handle that a
// function writes to an out-argument is yours: free it with the function of its class
// (mt_tensor_free), once, in any order; freeing NULL is fine. What you pass in is borrowed for the
// call. Handles are checked numbers, not addresses. NULL, a freed handle, one of another class and
// a made-up value each give their own status (MT_ERR_NULL_ARGUMENT, MT_ERR_STALE_HANDLE,
// MT_ERR_WRONG_HANDLE, MT_ERR_INVALID_HANDLE; freeing twice is MT_ERR_DOUBLE_FREE), and never harm
// the process. An object lives as long as anything uses it: freeing a tensor that a graph still
// needs is fine.
//
// Scopes. Hosts with garbage collection, and C programs with many temporaries, wrap a piece of work
// in mt_scope_begin and mt_scope_end: handles made inside and not kept are freed (memory.h).
//
// Arrays and strings. Arrays come as a pointer and a length; the pointer may be NULL when the
// length is 0. Arguments marked MT_NULLABLE may be NULL, which means "none" or PyTorch's default.
// Strings are UTF-8 and end with NUL; one that a function gives is freed with mt_string_free.
// Indices and sizes are int64_t, and negative dims count from the end, as in Python.
//
// Numbers as operands. An op takes tensors. For plain numbers there are mt_add_scalar and its like,
// and mt_number_int / _float / _bool, whose tensors promote as Python's numbers do.
//
// Options. A function with many knobs takes a struct whose first member is its size, set up by an
// `_init` function. Set only the members you mean; later versions add members at the end.
//
// Callbacks. A callback is a function, a `user` pointer and a destroy function for that pointer.
// Destroy runs exactly once, also when registration fails. A callback that fails returns a status
// other than MT_OK; the simplest is `return mt_callback_error("what went wrong")`, or the status of
// the library call that failed inside it. The outermost call then fails with that status and
// message. A callback may use the library freely, and free any handle. It must return: leaving it
// by longjmp or an exception skips the library's own clean-up.
//
// Threads. Any handle may be used from any thread. Two rules: one tensor must not be written by two
// threads at once, or written and read; and a handle must not be freed while another thread is
// inside a call that uses it. Grad mode, scopes and the last error belong to the thread; the random
// generator, default dtype, print options and thread count belong to the process. After fork() the
// child may go on using the library.
//
// Memory. Buffers come from a caching allocator: freed ones are kept for reuse (memory.h has the
// numbers, and gives them back). When memory runs out, a pressure callback is asked once before a
// call fails with MT_ERR_OUT_OF_MEMORY; the failed call has no effect.
//
// Versions. Functions, statuses and members are added, never changed or removed, while
// mt_abi_version() stays the same. mt_version() is the release.
#ifndef MINITORCH_H
#define MINITORCH_H

#include "minitorch/types.h"
#include "minitorch/tensor.h"
#include "minitorch/ops.h"
#include "minitorch/autograd.h"
#include "minitorch/memory.h"
#include "minitorch/random.h"
#include "minitorch/dlpack.h"
#include "minitorch/module.h"
#include "minitorch/containers.h"
#include "minitorch/optim.h"
#include "minitorch/scheduler.h"
#include "minitorch/io.h"
#include "minitorch/data.h"
#include "minitorch/checkpoint.h"
#include "minitorch/vision.h"
#include "minitorch/transforms.h"
#include "minitorch/models.h"

#ifdef __cplusplus
extern "C" {
#endif

// --- Versions and features -------------------------------------------------------------------

// The release, "1.0.0".
MT_API const char *mt_version(void);

// Grows only when a program must be compiled anew; the number in the shared library's name.
MT_API int32_t mt_abi_version(void);

// Whether an optional part was built in ("fft", "zip": whether also the FFTW library or libzip was
// found, which are opened at run time); false for names it does not know.
MT_API bool mt_has(const char *MT_NULLABLE feature);

// The vector instruction set that the kernels use: "avx2", "avx3", "neon", ..., or "default" for
// the one that every processor of the architecture has. It is the best that the processor has; the
// environment variable MINITORCH_CPU_CAPABILITY, read when the library is loaded, can name a lesser
// one. A name that is not known changes nothing.
MT_API const char *mt_cpu_capability(void);

// --- Errors ----------------------------------------------------------------------------------

// The message of this thread's last error, "" when there was none. Valid until this thread's next
// error or its end.
MT_API const char *mt_last_error(void);

// The status that went with it.
MT_API mt_status mt_last_status(void);

// Forgets it.
MT_API void mt_clear_error(void);

// "MT_ERR_SHAPE"; NULL for a number that is no status.
MT_API const char *mt_status_name(mt_status status);

// For callbacks: sets the message that the outermost call fails with, and returns MT_ERR_CALLBACK.
MT_API mt_status mt_callback_error(const char *MT_NULLABLE message);

// --- Strings ---------------------------------------------------------------------------------

// Frees a string that a function gave. NULL is fine.
MT_API mt_status mt_string_free(char *MT_NULLABLE string);

#ifdef __cplusplus
}
#endif

#endif  // MINITORCH_H
