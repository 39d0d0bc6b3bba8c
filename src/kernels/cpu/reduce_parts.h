// Between the parts of the reduction kernels. A SIMD part knows how to fold one run of elements
// into a wide accumulator; reduce.cpp decides in which pieces, so that a result depends on the
// shape alone and never on the number of threads.
#pragma once

#include "kernels/backend.h"

namespace mt::cpu {

struct Fold {
  int64_t size;  // bytes of an element
  int64_t wide;  // bytes of an accumulator, at most 8
  // wide[0] = fold of n contiguous elements. `means`: what is subtracted, for the variance.
  void (*row)(const void* in, int64_t n, const double* means, void* wide);
  // wide[i] = fold of n elements, `stride` elements apart, for each of `count` columns.
  void (*cols)(const void* in, int64_t n, int64_t stride, int64_t count, const double* means,
               void* wide);
  // into[i] = into[i] op from[i].
  void (*combine)(void* into, const void* from, int64_t count);
};

// out[i] = the element made of wide[i].
using Finish = void (*)(const void* wide, void* out, int64_t count, int64_t n, const Params& p);

// The whole reduction; `sum`, if given, is first used to find the means for `fold`.
void run_fold(const Fold& fold, const Fold* sum, Finish finish, int64_t out_size, const void* in,
              void* out, int64_t outer, int64_t n, int64_t inner, const Params& p);

// The number of parts that a run of n elements of `width` values each is cut into: 1 where cutting
// would not pay. It depends on nothing else.
int64_t fold_parts(int64_t n, int64_t width);
struct PartRange {
  int64_t begin, end;
};
PartRange part_range(int64_t part, int64_t parts, int64_t n);

void fill_reduce_fold(Backend& b);   // sum, prod, amax, amin, var
void fill_reduce_arg(Backend& b);    // argmax, argmin
void fill_reduce_logic(Backend& b);  // any, all

}  // namespace mt::cpu
