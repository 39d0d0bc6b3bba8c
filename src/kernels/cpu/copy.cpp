// Copies with conversion between any two dtypes, one element at a time; the pairs that matter are
// replaced by the SIMD parts afterwards.
#include "kernels/cpu/copy_parts.h"

namespace mt::cpu {
namespace {

template <class From, class To>
void cast(const Iter& it, const Params&) {
  run_iter(it, convert_run<From, To>, nullptr);
}

}  // namespace

void fill_copy(Backend& b) {
  for_each_element([&]<class From>(From) {
    for_each_element([&]<class To>(To) {
      if constexpr (!std::is_same_v<From, To>) {
        b.cast[kDTypeIndex<From>][kDTypeIndex<To>] = cast<From, To>;
      }
    });
  });
  fill_copy_simd(b);
  fill_copy_transpose(b);
}

}  // namespace mt::cpu
