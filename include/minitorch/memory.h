// minitorch/memory.h - scopes that free handles together, live counts, memory statistics, threads.
// With these a garbage-collected host keeps memory under control and finds its leaks exactly.
#ifndef MINITORCH_MEMORY_H
#define MINITORCH_MEMORY_H

#include "minitorch/types.h"

#ifdef __cplusplus
extern "C" {
#endif

// --- Scopes ----------------------------------------------------------------------------------
// A scope frees, at its end, every handle that this thread made inside it and did not free or
// keep. Scopes nest; each thread has its own. Objects that something else still uses (a graph, a
// list, a second handle) live on: only the handles go.
//
//   mt_scope_begin();
//   ... a training step that frees nothing ...
//   mt_scope_end();

MT_API mt_status mt_scope_begin(void);

// MT_ERR_STATE when this thread has no open scope.
MT_API mt_status mt_scope_end(void);

// Hands a handle (of any class) over to the enclosing scope, or to the caller when there is none.
// A handle that was not made in the innermost scope stays as it is.
MT_API mt_status mt_scope_keep(const void *handle);

// How many scopes are open on this thread.
MT_API size_t mt_scope_depth(void);

// --- Live handles ----------------------------------------------------------------------------

// The number of handles of a class that were made and not freed, in the whole process;
// MT_HANDLE_ANY counts all. Exact while no other thread makes or frees any.
MT_API mt_status mt_live_handles(int64_t *out, mt_handle_class handle_class);

// The class of a live handle; fails as any function does for other values.
MT_API mt_status mt_handle_get_class(mt_handle_class *out, const void *handle);

// --- Statistics ------------------------------------------------------------------------------

typedef struct mt_memory_stats {
  size_t struct_size;          // set by the caller: sizeof(mt_memory_stats)
  int64_t current_bytes;       // in the buffers of live tensors, also those on the caller's memory
  int64_t peak_bytes;          // the highest current_bytes so far
  int64_t cached_bytes;        // freed, and kept by the library for reuse
  int64_t system_allocations;  // times the system was asked for memory; constant in a steady loop
} mt_memory_stats;

MT_API mt_status mt_memory_get_stats(mt_memory_stats *stats);

// Makes the current bytes the peak.
MT_API mt_status mt_memory_reset_peak(void);

// Gives memory kept for reuse back to the system: that of this thread and the shared part.
MT_API mt_status mt_memory_empty_cache(void);

// Called when memory runs out, at most once for a failing allocation: free what you can (a
// collection, a cache) and return true to have it tried again, false to let the call fail with
// MT_ERR_OUT_OF_MEMORY. It runs on the thread that needs the memory, inside the call that needs it.
typedef bool (*mt_pressure_fn)(void *user, size_t bytes_needed);

// Sets the process's pressure callback; NULL for none. The one before is destroyed.
MT_API mt_status mt_set_pressure_callback(mt_pressure_fn MT_NULLABLE callback,
                                          void *MT_NULLABLE user,
                                          mt_destroy_fn MT_NULLABLE destroy);

// --- Threads ---------------------------------------------------------------------------------

// How many threads one op may use. At first: MINITORCH_NUM_THREADS if set, else the cores that the
// process may use. Results do not depend on how the work was spread, only on this number.
MT_API mt_status mt_set_num_threads(int32_t n);
MT_API mt_status mt_get_num_threads(int32_t *out);

#ifdef __cplusplus
}
#endif

#endif  // MINITORCH_MEMORY_H
