// The library's own thread pool. Work below its grain stays on the calling thread; a failure in a
// worker is rethrown at the caller. The size comes from set_num_threads, MINITORCH_NUM_THREADS or
// the cores this process may use, in that order.
#pragma once

#include <cstdint>
#include <type_traits>

namespace mt {

int num_threads();
void set_num_threads(int n);  // throws kInvalidArgument for n < 1
bool in_parallel_region();    // true inside a body of parallel_for

// Called with [begin, end) and the caller's context.
using ParallelBody = void (*)(void* context, int64_t begin, int64_t end);
void parallel_for_raw(int64_t begin, int64_t end, int64_t grain, ParallelBody body, void* context);

// Splits [begin, end) into at most num_threads() ranges of at least `grain` and runs `body(b, e)`
// on each. The split depends only on the arguments and num_threads(), so results are reproducible.
// Nested calls run serially.
template <class Body>
void parallel_for(int64_t begin, int64_t end, int64_t grain, Body&& body) {
  if (end - begin <= grain || num_threads() == 1) {
    if (begin < end) body(begin, end);
    return;
  }
  using B = std::remove_reference_t<Body>;
  parallel_for_raw(
      begin, end, grain,
      [](void* context, int64_t b, int64_t e) { (*static_cast<B*>(context))(b, e); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

}  // namespace mt
