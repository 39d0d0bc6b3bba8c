// Factorisations and solvers for dense matrices: LAPACK's functions, in column-major order with
// leading dimensions as small as possible. Each works on one matrix and returns LAPACK's info: 0,
// or i > 0 for what went wrong (a zero pivot, no convergence). Arguments are valid: the ops check
// them.
#pragma once

#include "kernels/backend.h"

namespace mt {

struct LinalgKernels {
  // Indexed by dtype; null but for float32 and float64.
  int (*potrf[kNumDTypes])(bool upper, int n, void* a);
  int (*potri[kNumDTypes])(bool upper, int n, void* a);
  int (*getrf[kNumDTypes])(int m, int n, void* a, int32_t* pivots);
  int (*getrs[kNumDTypes])(bool trans, int n, int nrhs, const void* a, const int32_t* pivots,
                           void* b);
  // b becomes the solution of op(a) x = b (left) or x op(a) = b; b is m x n.
  int (*trsm[kNumDTypes])(bool left, bool upper, bool trans, bool unit, int m, int n, const void* a,
                          void* b);
  int (*geqrf[kNumDTypes])(int m, int n, void* a, void* tau);
  int (*orgqr[kNumDTypes])(int m, int n, int k, void* a, const void* tau);
  int (*ormqr[kNumDTypes])(bool left, bool trans, int m, int n, int k, const void* a,
                           const void* tau, void* c);
  // a is overwritten; u and vt may be null, then only s is found. full: square u and vt.
  int (*gesdd[kNumDTypes])(bool full, int m, int n, void* a, void* s, void* u, void* vt);
  int (*syevd[kNumDTypes])(bool vectors, bool upper, int n, void* a, void* w);
  // Real and imaginary parts of the eigenvalues, and LAPACK's packed vectors unless v is null.
  int (*geev[kNumDTypes])(int n, void* a, void* wr, void* wi, void* v);
  int (*sytrf[kNumDTypes])(bool upper, int n, void* a, int32_t* pivots);
  int (*sytrs[kNumDTypes])(bool upper, int n, int nrhs, const void* a, const int32_t* pivots,
                           void* b);
  // Least squares; b has max(m, n) rows. driver: 'g' gels, 'y' gelsy, 'd' gelsd, 's' gelss. s:
  // min(m, n) singular values, of gelsd and gelss alone.
  int (*lstsq[kNumDTypes])(char driver, int m, int n, int nrhs, void* a, void* b, double rcond,
                           int* rank, void* s);
};

namespace cpu {
const LinalgKernels* linalg_kernels();
}

}  // namespace mt
