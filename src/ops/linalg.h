// Linear algebra on matrices (..., m, n), float32 and float64; leading dims are batches, which
// broadcast where there are two operands. Results are in column-major order, as LAPACK leaves them.
// Functions ending in _ex report trouble of each matrix in `info` (0: none); the others fail with
// kInvalidArgument. Everything is differentiable, to any order, but where said otherwise.
#pragma once

#include <optional>
#include <string_view>

#include "core/tensor.h"

namespace mt {

// --- factorisations -------------------------------------------------------------------------
struct CholeskyEx {
  Tensor l, info;
};
// A = L L^T (upper: U^T U) of a symmetric positive-definite matrix, of which one triangle is read.
CholeskyEx linalg_cholesky_ex(const Tensor& self, bool upper = false, bool check_errors = false);
Tensor linalg_cholesky(const Tensor& self, bool upper = false);

struct Qr {
  Tensor q, r;
};
// mode: "reduced", "complete" (square Q) or "r" (Q is empty).
Qr linalg_qr(const Tensor& self, std::string_view mode = "reduced");

struct Svd {
  Tensor u, s, vh;
};
// A = U diag(S) Vh, S descending.
Svd linalg_svd(const Tensor& self, bool full_matrices = true);
Tensor linalg_svdvals(const Tensor& self);

struct Eig {
  Tensor eigenvalues, eigenvectors;
};
// Of a general real matrix; both are complex, the vectors columns of unit norm.
Eig linalg_eig(const Tensor& self);
Tensor linalg_eigvals(const Tensor& self);

struct Eigh {
  Tensor eigenvalues, eigenvectors;
};
// Of a symmetric matrix, of which the triangle "L" or "U" is read; ascending.
Eigh linalg_eigh(const Tensor& self, std::string_view uplo = "L");
Tensor linalg_eigvalsh(const Tensor& self, std::string_view uplo = "L");

struct LuFactorEx {
  Tensor lu, pivots, info;
};
struct LuFactor {
  Tensor lu, pivots;
};
struct Plu {
  Tensor p, l, u;
};
// A = P L U with L and U packed into one matrix; pivots (int32) are LAPACK's swaps, from 1 on.
LuFactorEx linalg_lu_factor_ex(const Tensor& self, bool check_errors = false);
LuFactor linalg_lu_factor(const Tensor& self);
Plu linalg_lu(const Tensor& self);
Plu lu_unpack(const Tensor& lu, const Tensor& pivots, bool unpack_data = true,
              bool unpack_pivots = true);

struct LdlFactorEx {
  Tensor ld, pivots, info;
};
struct LdlFactor {
  Tensor ld, pivots;
};
// Bunch and Kaufman's, of a symmetric matrix. No gradient.
LdlFactorEx linalg_ldl_factor_ex(const Tensor& self, bool check_errors = false);
LdlFactor linalg_ldl_factor(const Tensor& self);
Tensor linalg_ldl_solve(const Tensor& ld, const Tensor& pivots, const Tensor& b);

struct Geqrf {
  Tensor a, tau;
};
Geqrf geqrf(const Tensor& self);  // LAPACK's QR: reflectors below R. No gradient.
// The product of the Householder reflectors of geqrf (orgqr).
Tensor linalg_householder_product(const Tensor& self, const Tensor& tau);
// other multiplied by that product (transposed) from the left or right.
Tensor ormqr(const Tensor& self, const Tensor& tau, const Tensor& other, bool left = true,
             bool transpose = false);

// --- solvers and inverses -------------------------------------------------------------------
struct SolveEx {
  Tensor result, info;
};
// A X = B (left) or X A = B; B may be a vector.
SolveEx linalg_solve_ex(const Tensor& a, const Tensor& b, bool left = true,
                        bool check_errors = false);
Tensor linalg_solve(const Tensor& a, const Tensor& b, bool left = true);
Tensor linalg_solve_triangular(const Tensor& a, const Tensor& b, bool upper, bool left = true,
                               bool unitriangular = false);
Tensor linalg_lu_solve(const Tensor& lu, const Tensor& pivots, const Tensor& b, bool left = true,
                       bool adjoint = false);
Tensor cholesky_solve(const Tensor& self, const Tensor& input2, bool upper = false);
Tensor cholesky_inverse(const Tensor& self, bool upper = false);
SolveEx linalg_inv_ex(const Tensor& self, bool check_errors = false);
Tensor linalg_inv(const Tensor& self);
// Singular values count above max(atol, rtol * largest); both may be numbers, tensors or undefined.
// hermitian: self is symmetric, of which the lower triangle is read.
Tensor linalg_pinv(const Tensor& self, const Tensor& atol = {}, const Tensor& rtol = {},
                   bool hermitian = false);

struct Lstsq {
  Tensor solution, residuals, rank, singular_values;
};
// min |A X - B|; driver: "gels" (full rank), "gelsy", "gelsd" or "gelss". Only the solution has a
// gradient.
Lstsq linalg_lstsq(const Tensor& self, const Tensor& b, std::optional<double> rcond = {},
                   std::string_view driver = "gelsy");

// --- numbers of a matrix --------------------------------------------------------------------
Tensor linalg_det(const Tensor& self);
struct Slogdet {
  Tensor sign, logabsdet;
};
Slogdet linalg_slogdet(const Tensor& self);
Tensor logdet(const Tensor& self);
// How many singular values count, as in linalg_pinv. No gradient.
Tensor linalg_matrix_rank(const Tensor& self, const Tensor& atol = {}, const Tensor& rtol = {},
                          bool hermitian = false);
// ord: "fro", "nuc", "inf", "-inf", "1", "-1", "2", "-2".
Tensor linalg_matrix_norm(const Tensor& self, std::string_view ord = "fro", IntSpan dims = {},
                          bool keepdim = false);
Tensor linalg_cond(const Tensor& self, std::string_view p = "2");

// --- functions and shapes -------------------------------------------------------------------
Tensor matrix_exp(const Tensor& self);
// (..., n, n) to the nth power; a negative one inverts.
Tensor matrix_power(const Tensor& self, int64_t n);
Tensor linalg_tensorinv(const Tensor& self, int64_t ind = 2);
Tensor linalg_tensorsolve(const Tensor& self, const Tensor& other, IntSpan dims = {});

}  // namespace mt
