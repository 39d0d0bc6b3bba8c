// The table's gemm entries: the arguments of GemmArgs handed to the kernels of gemm.h.
#include "kernels/backend.h"
#include "kernels/cpu/elements.h"
#include "kernels/cpu/gemm.h"

namespace mt::cpu {
namespace {

template <class T>
void multiply(const GemmArgs& g) {
  using S = GemmScalar<T>;
  const S alpha = convert<S>(g.alpha), beta = convert<S>(g.beta);
  const auto* const a = static_cast<const T*>(g.a);
  const auto* const b = static_cast<const T*>(g.b);
  auto* const c = static_cast<T*>(g.c);
  if (g.batch == 1) {
    gemm<T>(g.trans_a, g.trans_b, g.m, g.n, g.k, alpha, a, g.lda, b, g.ldb, beta, c, g.ldc);
  } else {
    gemm_batched<T>(g.batch, g.trans_a, g.trans_b, g.m, g.n, g.k, alpha, a, g.lda, g.stride_a, b,
                    g.ldb, g.stride_b, beta, c, g.ldc, g.stride_c);
  }
}

}  // namespace

void fill_gemm(Backend& b) {
  for_each_element([&]<class T>(T) {
    if constexpr (!std::is_same_v<T, Bool>) b.gemm[kDTypeIndex<T>] = multiply<T>;
  });
}

}  // namespace mt::cpu
