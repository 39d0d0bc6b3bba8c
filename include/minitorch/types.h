// minitorch/types.h - the vocabulary of the API: opaque types, enumerations and callback types.
// Included by every other header; it depends on nothing but the C standard's own headers.
#ifndef MINITORCH_TYPES_H
#define MINITORCH_TYPES_H

// Programs that read these headers as text (cffi, LuaJIT) know the standard types already: define
// MINITORCH_FFI_PARSE for the preprocessor, and what is left are plain declarations.
#ifndef MINITORCH_FFI_PARSE
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#endif

// Marks every function of the API. It is empty for programs that use the library.
#ifdef MINITORCH_BUILD
#define MT_API __attribute__((visibility("default")))
#else
#define MT_API
#endif

// Stands before the name of a pointer argument that may be NULL. Expands to nothing.
#define MT_NULLABLE

#include "minitorch/enums.h"

#ifdef __cplusplus
extern "C" {
#endif

// --- Objects ---------------------------------------------------------------------------------
// One opaque type a class. A pointer to one is a handle: a number that is checked at every use and
// never points to memory. See "Handles" in minitorch.h.

typedef struct mt_tensor mt_tensor;              // an n-dimensional array; see tensor.h
typedef struct mt_tensors mt_tensors;            // a list of tensors, as results; see tensor.h
typedef struct mt_node mt_node;                  // a recorded op of the graph; see autograd.h
typedef struct mt_function_ctx mt_function_ctx;  // one call of a user-defined function; autograd.h
typedef struct mt_generator mt_generator;        // a source of random numbers; see random.h
typedef struct mt_module mt_module;              // a layer, loss or model; see module.h
typedef struct mt_optimizer mt_optimizer;        // what updates parameters; see optim.h
typedef struct mt_scheduler mt_scheduler;        // what changes learning rates; see scheduler.h
typedef struct mt_named_tensors mt_named_tensors;  // tensors by name, as state dicts; see module.h
typedef struct mt_transform mt_transform;          // makes images of images; see transforms.h
typedef struct mt_strings mt_strings;              // a list of strings; see module.h
typedef struct mt_value mt_value;                  // what a file holds, as a tree; see io.h
typedef struct mt_dataset mt_dataset;              // samples to learn from; see data.h
typedef struct mt_sampler mt_sampler;              // the order of samples; see data.h
typedef struct mt_data_loader mt_data_loader;      // makes batches of samples; see data.h

// --- Callbacks -------------------------------------------------------------------------------

// Ends the life of the `user` pointer given with a callback. Called exactly once: when the library
// will not use the callback again, or when the call that was to register it fails.
typedef void (*mt_destroy_fn)(void *user);

#ifdef __cplusplus
}
#endif

#endif  // MINITORCH_TYPES_H
