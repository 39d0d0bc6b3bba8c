// Sums, products and running ones along lines of complex numbers, indexed sums, and the matrix
// product as four real ones.
#include <algorithm>
#include <complex>

#include "core/parallel.h"
#include "kernels/backend.h"
#include "kernels/cpu/elements.h"
#include "kernels/sort.h"

namespace mt::cpu {
namespace {

constexpr int64_t kGrain = 8192;
using Wide = std::complex<double>;  // what is summed and multiplied in

Wide times(const Wide& a, const Wide& b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

// Calls line(base) for every line of [outer, n, inner]; its elements are `inner` apart.
template <class F>
void each_line(int64_t outer, int64_t n, int64_t inner, const F& line) {
  parallel_for(0, outer * inner, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, n)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t k = begin; k < end; ++k) line(k / inner * n * inner + k % inner, k);
               });
}

template <class T, bool kProduct>
void fold(const void* in, void* out, int64_t outer, int64_t n, int64_t inner, const Params&) {
  using Z = std::complex<T>;
  each_line(outer, n, inner, [&](int64_t base, int64_t k) {
    const Z* const x = static_cast<const Z*>(in) + base;
    Wide sum = kProduct ? 1 : 0;
    for (int64_t j = 0; j < n; ++j) {
      const Wide z(x[j * inner]);
      sum = kProduct ? times(sum, z) : sum + z;
    }
    static_cast<Z*>(out)[k] = Z(sum);
  });
}

template <class T, bool kAll>
void truth(const void* in, void* out, int64_t outer, int64_t n, int64_t inner, const Params&) {
  using Z = std::complex<T>;
  each_line(outer, n, inner, [&](int64_t base, int64_t k) {
    const Z* const x = static_cast<const Z*>(in) + base;
    bool r = kAll;
    for (int64_t j = 0; j < n; ++j) {
      if ((x[j * inner] != Z(0)) != kAll) r = !kAll;
    }
    static_cast<uint8_t*>(out)[k] = r;
  });
}

template <class T, bool kProduct>
void running(const void* in, void* out, int64_t outer, int64_t n, int64_t inner, bool reverse) {
  using Z = std::complex<T>;
  each_line(outer, n, inner, [&](int64_t base, int64_t) {
    Wide sum = kProduct ? 1 : 0;
    for (int64_t j = 0; j < n; ++j) {
      const int64_t at = base + (reverse ? n - 1 - j : j) * inner;
      const Wide z(static_cast<const Z*>(in)[at]);
      sum = kProduct ? times(sum, z) : sum + z;
      static_cast<Z*>(out)[at] = Z(sum);
    }
  });
}

template <class T, bool kReverse>
void cumsum(const void* a, const void*, void* out, int64_t outer, int64_t n, int64_t inner) {
  running<T, false>(a, out, outer, n, inner, kReverse);
}

template <class T>
void cumprod(const RunningArgs& a) {
  running<T, true>(a.in, a.out, a.outer, a.n, a.inner, a.reverse);
}

// One thread: two indices may name one place.
template <class T, bool kScatter>
void indexed_add(const IndexArgs& a) {
  using Z = std::complex<T>;
  const Z* from = static_cast<const Z*>(a.in);
  for (int64_t o = 0, at = 0; o < a.outer; ++o) {
    Z* const to = static_cast<Z*>(a.out) + o * a.n_out * a.inner;
    for (int64_t j = 0; j < a.n_in; ++j) {
      for (int64_t i = 0; i < a.inner; ++i, ++at) {
        to[a.index[kScatter ? at : j] * a.inner + i] += from[at];
      }
    }
  }
}

// The real and the imaginary parts of a (rows, columns) matrix, each dense.
template <class T>
void split(const std::complex<T>* z, int64_t rows, int64_t columns, int64_t ld, T* re, T* im) {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      *re++ = z[i * ld + j].real();
      *im++ = z[i * ld + j].imag();
    }
  }
}

// (Ar + i Ai)(Br + i Bi) by the real kernel, so that the product is as fast as BLAS makes it.
template <class T>
void multiply(const GemmArgs& g) {
  using Z = std::complex<T>;
  constexpr DType kReal = std::is_same_v<T, float> ? DType::kFloat32 : DType::kFloat64;
  const GemmKernel real = backend(Device::kCPU).gemm[static_cast<int>(kReal)];
  const int64_t a_rows = g.trans_a ? g.k : g.m, a_columns = g.trans_a ? g.m : g.k;
  const int64_t b_rows = g.trans_b ? g.n : g.k, b_columns = g.trans_b ? g.k : g.n;
  const int64_t na = g.m * g.k, nb = g.k * g.n, nc = g.m * g.n;
  const Tensor room = Tensor::empty(Dims{2 * (na + nb + nc)}, kReal);
  T* const ar = room.data_as<T>();
  T *const ai = ar + na, *const br = ai + na, *const bi = br + nb, *const cr = bi + nb;
  T* const ci = cr + nc;
  const auto product = [&](const T* a, const T* b, T* c, double alpha, double beta) {
    real({g.trans_a, g.trans_b, g.m, g.n, g.k, alpha, beta, a, a_columns, b, b_columns, c, g.n});
  };
  for (int64_t batch = 0; batch < g.batch; ++batch) {
    split(static_cast<const Z*>(g.a) + batch * g.stride_a, a_rows, a_columns, g.lda, ar, ai);
    split(static_cast<const Z*>(g.b) + batch * g.stride_b, b_rows, b_columns, g.ldb, br, bi);
    product(ar, br, cr, g.alpha, 0);
    product(ai, bi, cr, -g.alpha, 1);
    product(ar, bi, ci, g.alpha, 0);
    product(ai, br, ci, g.alpha, 1);
    Z* const c = static_cast<Z*>(g.c) + batch * g.stride_c;
    for (int64_t i = 0; i < g.m; ++i) {
      for (int64_t j = 0; j < g.n; ++j) {
        Z& to = c[i * g.ldc + j];
        const Z z(cr[i * g.n + j], ci[i * g.n + j]);
        to = g.beta == 0 ? z : static_cast<T>(g.beta) * to + z;
      }
    }
  }
}

template <class T>
void fill(Backend& b, DType dtype) {
  const auto at = static_cast<int>(dtype);
  b.reduce[static_cast<int>(Reduce::kSum)][at] = fold<T, false>;
  b.reduce[static_cast<int>(Reduce::kProd)][at] = fold<T, true>;
  b.reduce[static_cast<int>(Reduce::kAny)][at] = truth<T, false>;
  b.reduce[static_cast<int>(Reduce::kAll)][at] = truth<T, true>;
  b.scan[static_cast<int>(Scan::kCumsum)][at] = cumsum<T, false>;
  b.scan[static_cast<int>(Scan::kReverseCumsum)][at] = cumsum<T, true>;
  b.scatter_add[at] = indexed_add<T, true>;
  b.index_add[at] = indexed_add<T, false>;
  b.gemm[at] = multiply<T>;
}

}  // namespace

void fill_complex_lines(Backend& b) {
  fill<float>(b, DType::kComplex64);
  fill<double>(b, DType::kComplex128);
}

void fill_complex_running(SortKernels& k) {
  k.cumprod[static_cast<int>(DType::kComplex64)] = cumprod<float>;
  k.cumprod[static_cast<int>(DType::kComplex128)] = cumprod<double>;
}

}  // namespace mt::cpu
