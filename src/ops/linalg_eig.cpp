// Eigenvalues and eigenvectors of general real matrices, which are complex. The gradient after
// M. Giles, "An extended collection of matrix derivative results" (2008), for vectors of unit norm.
#include <cmath>

#include "ops/complex.h"
#include "ops/creation.h"
#include "ops/join.h"
#include "ops/linalg.h"
#include "ops/linalg_common.h"
#include "ops/matmul.h"
#include "ops/rearrange.h"
#include "ops/rules.h"
#include "ops/unary.h"

namespace mt {
namespace {

using namespace tensor_math;  // NOLINT

// LAPACK gives the vectors of a conjugate pair as its real and its imaginary part.
template <class T>
void unpack_vectors(int n, const T* packed, const T* wi, std::complex<T>* out) {
  for (int j = 0; j < n; ++j) {
    const bool pair = wi[j] > 0 && j + 1 < n;
    for (int i = 0; i < n; ++i) {
      const T re = packed[j * n + i];
      out[j * n + i] = {re, pair ? packed[(j + 1) * n + i] : T(0)};
      if (pair) out[(j + 1) * n + i] = {re, -packed[(j + 1) * n + i]};
    }
    j += pair;
  }
}

Eig eig_values(std::string_view op, const Tensor& a, bool vectors) {
  check_defined(op, "input", a);
  check_square(op, a);
  check_finite(op, a);
  const int n = lapack_int(op, rows_of(a));
  const DType dtype = complex_type(a.dtype());
  Tensor values = Tensor::empty(batch_with(a, {n}), dtype, a.device());
  Tensor columns = Tensor::empty(batch_with(a, {n, n}), dtype, a.device());
  const Tensor buffer = column_major(a);
  const auto geev = linalg_kernel(op, a, &LinalgKernels::geev);
  if (geev && buffer.numel() > 0) {
    const int64_t count = batch_count(a);
    const Tensor parts = Tensor::empty(Dims{2, n}, a.dtype());
    const Tensor packed = vectors ? Tensor::empty(Dims{n, n}, a.dtype()) : Tensor();
    const Parts matrices(buffer, count), outs(columns, count), all_values(values, count);
    const auto store = [&]<class T>(T* wr, int64_t i) {
      T* const wi = wr + n;
      const int info = geev(n, matrices[i], wr, wi, vectors ? packed.data() : nullptr);
      if (info != 0) {
        fail(Status::kInvalidArgument, op, ": no convergence: matrix ", i,
             ": the algorithm did not find all eigenvalues (code ", info, ")");
      }
      for (int j = 0; j < n; ++j) static_cast<std::complex<T>*>(all_values[i])[j] = {wr[j], wi[j]};
      if (vectors) {
        unpack_vectors(n, packed.data_as<T>(), wi, static_cast<std::complex<T>*>(outs[i]));
      }
    };
    for (int64_t i = 0; i < count; ++i) {
      if (a.dtype() == DType::kFloat32) {
        store(parts.data_as<float>(), i);
      } else {
        store(parts.data_as<double>(), i);
      }
    }
  }
  return {values, vectors ? as_matrices(columns) : Tensor()};
}

// The solution of a x = b for complex matrices, by real ones of twice the size.
Tensor complex_solve(const Tensor& a, const Tensor& b) {
  const Tensor ar = real(a), ai = imag(a);
  const Tensor top[] = {ar, neg(ai)}, bottom[] = {ai, ar}, right[] = {real(b), imag(b)};
  const Tensor rows[] = {cat(Tensors(top), int64_t{-1}), cat(Tensors(bottom), int64_t{-1})};
  const Tensor x = linalg_solve(cat(Tensors(rows), int64_t{-2}), cat(Tensors(right), int64_t{-2}));
  const int64_t n = rows_of(a);
  return complex(narrow(x, -2, 0, n), narrow(x, -2, n, n));
}

Tensor adjoint(const Tensor& t) { return conj(mT(t)); }

// V^-H (diag(gw) + (V^H gV - V^H V diag(Re(V^H gV))) / conj(w_j - w_i)) V^H, the diagonal of the
// second part left out.
Tensor eig_gradient(const Tensor& gw, const Tensor& gv, const Tensor& w, const Tensor& v) {
  const Tensor vh = adjoint(v);
  if (!gv.defined()) return complex_solve(vh, unsqueeze(gw, -1) * vh);
  const Tensor projected = matmul(vh, gv);
  const Tensor lengths = to(real(diagonal(projected, 0, -2, -1)), v.dtype());
  const Tensor turned = projected - matmul(vh, v * unsqueeze(lengths, -2));
  const Tensor ones = mt::ones(w.sizes(), w.dtype(), w.device());
  const Tensor distance = conj(unsqueeze(w, -2) - unsqueeze(w, -1)) + diag_embed(ones);
  Tensor inner = turned / distance;
  inner = inner - diag_embed(diagonal(inner, 0, -2, -1));
  if (gw.defined()) inner = inner + diag_embed(gw);
  return complex_solve(vh, matmul(inner, vh));
}

}  // namespace

Eig linalg_eig(const Tensor& self) {
  Eig r = eig_values("linalg.eig", self, true);
  if (!recording(self)) return r;
  const Tensor* const inputs[] = {&self};
  const Ref<Node> node =
      make_rule<true>("LinalgEigBackward0", inputs,
                      [sw = save_output(r.eigenvalues),
                       sv = save_output(r.eigenvectors)](const GradIn& g) -> Grads {
                        if (!g[0].defined() && !g[1].defined()) return {Tensor()};
                        // The formula is for PyTorch's gradients, of which the engine hands in the
                        // conjugates.
                        return {real(eig_gradient(g[0].defined() ? conj(g[0]) : Tensor(),
                                                  g[1].defined() ? conj(g[1]) : Tensor(),
                                                  saved_output(sw, g, 0), saved_output(sv, g, 1)))};
                      });
  attach(node, r.eigenvalues);
  attach(node, r.eigenvectors);
  return r;
}

Tensor linalg_eigvals(const Tensor& self) {
  if (recording(self)) return linalg_eig(self).eigenvalues;
  return eig_values("linalg.eigvals", self, false).eigenvalues;
}

}  // namespace mt
