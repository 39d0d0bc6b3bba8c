"""torch.linalg: linear algebra."""
from __future__ import annotations

from . import _ops
from ._results import named
from ._runtime import _ints

for _name, (_, _, _namespace) in _ops.TABLE.items():
    if _namespace == "linalg":
        globals()[_name.removeprefix("linalg_")] = getattr(_ops, _name)


_CholeskyEx = named("linalg_cholesky_ex", "L info")
_Qr = named("linalg_qr", "Q R")
_Svd = named("linalg_svd", "U S Vh")
_Eig = named("linalg_eig", "eigenvalues eigenvectors")
_Eigh = named("linalg_eigh", "eigenvalues eigenvectors")
_LuFactorEx = named("linalg_lu_factor_ex", "LU pivots info")
_LuFactor = named("linalg_lu_factor", "LU pivots")
_Lu = named("linalg_lu", "P L U")
_LdlFactorEx = named("linalg_ldl_factor_ex", "LD pivots info")
_LdlFactor = named("linalg_ldl_factor", "LD pivots")
_SolveEx = named("linalg_solve_ex", "result info")
_InvEx = named("linalg_inv_ex", "inverse info")
_Lstsq = named("linalg_lstsq", "solution residuals rank singular_values")
_Slogdet = named("linalg_slogdet", "sign logabsdet")


# --- factorisations --------------------------------------------------------------------------
def cholesky(A, *, upper=False):
    return _ops.linalg_cholesky(A, upper)


def cholesky_ex(A, *, upper=False, check_errors=False):
    return _CholeskyEx(*_ops.linalg_cholesky_ex(A, upper, check_errors))


def qr(A, mode="reduced"):
    return _Qr(*_ops.linalg_qr(A, mode))


def svd(A, full_matrices=True, *, driver=None):
    _no_driver(driver)
    return _Svd(*_ops.linalg_svd(A, full_matrices))


def svdvals(A, *, driver=None):
    _no_driver(driver)
    return _ops.linalg_svdvals(A)


def _no_driver(driver):
    if driver is not None:
        raise RuntimeError("torch.linalg.svd: keyword argument `driver=` is only supported on CUDA "
                           "inputs with cuSOLVER backend.")


def eig(A):
    return _Eig(*_ops.linalg_eig(A))


def eigvals(A):
    return _ops.linalg_eigvals(A)


def eigh(A, UPLO="L"):
    return _Eigh(*_ops.linalg_eigh(A, UPLO))


def eigvalsh(A, UPLO="L"):
    return _ops.linalg_eigvalsh(A, UPLO)


def _pivoting(pivot):
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")


def lu_factor(A, *, pivot=True):
    _pivoting(pivot)
    return _LuFactor(*_ops.linalg_lu_factor(A))


def lu_factor_ex(A, *, pivot=True, check_errors=False):
    _pivoting(pivot)
    return _LuFactorEx(*_ops.linalg_lu_factor_ex(A, check_errors))


def lu(A, *, pivot=True):
    _pivoting(pivot)
    return _Lu(*_ops.linalg_lu(A))


def ldl_factor(A, *, hermitian=False):
    return _LdlFactor(*_ops.linalg_ldl_factor(A))


def ldl_factor_ex(A, *, hermitian=False, check_errors=False):
    return _LdlFactorEx(*_ops.linalg_ldl_factor_ex(A, check_errors))


def ldl_solve(LD, pivots, B, *, hermitian=False):
    return _ops.linalg_ldl_solve(LD, pivots, B)


# --- solvers ---------------------------------------------------------------------------------
def solve(A, B, *, left=True):
    return _ops.linalg_solve(A, B, left)


def solve_ex(A, B, *, left=True, check_errors=False):
    return _SolveEx(*_ops.linalg_solve_ex(A, B, left, check_errors))


def solve_triangular(A, B, *, upper, left=True, unitriangular=False):
    return _ops.linalg_solve_triangular(A, B, upper, left, unitriangular)


def lu_solve(LU, pivots, B, *, left=True, adjoint=False):
    return _ops.linalg_lu_solve(LU, pivots, B, left, adjoint)


def inv_ex(A, *, check_errors=False):
    return _InvEx(*_ops.linalg_inv_ex(A, check_errors))


def lstsq(A, B, rcond=None, *, driver=None):
    return _Lstsq(*_ops.linalg_lstsq(A, B, rcond, driver or "gelsy"))


def pinv(A, rcond=None, hermitian=False, *, atol=None, rtol=None):
    if isinstance(rcond, bool):  # pinv(A, hermitian)
        rcond, hermitian = None, rcond
    return _ops.linalg_pinv(A, atol, rcond if rtol is None else rtol, hermitian)


# --- numbers of a matrix ---------------------------------------------------------------------
def slogdet(A):
    return _Slogdet(*_ops.linalg_slogdet(A))


def matrix_rank(A, tol=None, hermitian=False, *, atol=None, rtol=None):
    if isinstance(tol, bool):
        tol, hermitian = None, tol
    if tol is not None:
        atol, rtol = tol, 0.0
    return _ops.linalg_matrix_rank(A, atol, rtol, hermitian)


def _order(ord):
    """2, 2.0, inf, "fro" as the C functions name them."""
    if isinstance(ord, str):
        return ord
    value = float(ord)
    return str(int(value)) if value == value and abs(value) != float("inf") and value == int(value) \
        else str(value)


def matrix_norm(A, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None):
    return _ops.linalg_matrix_norm(A if dtype is None else A.to(dtype), _order(ord), _ints(dim), keepdim)


def vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None):
    x = x if dtype is None else x.to(dtype)
    if dim is not None and not isinstance(dim, int) and len(dim) == 0:
        dim = None
    return _ops.norm(x, float(ord), None if dim is None else _ints(dim), keepdim)


def norm(A, ord=None, dim=None, keepdim=False, *, dtype=None):
    A = A if dtype is None else A.to(dtype)
    if dim is not None and isinstance(dim, int):
        dim = (dim,)
    if ord is None:
        return vector_norm(A, 2, dim, keepdim)
    if dim is None and A.ndim not in (1, 2):
        raise RuntimeError("linalg.norm: If dim is not specified but ord is, the input must be 1D or "
                           f"2D. Got {A.ndim}D.")
    if len(dim) if dim is not None else A.ndim == 2:
        n = len(dim) if dim is not None else 2
        if n == 2:
            return matrix_norm(A, ord, dim or (-2, -1), keepdim)
    if isinstance(ord, str):
        raise RuntimeError(f"linalg.norm: a string as order ({ord!r}) needs a matrix")
    return vector_norm(A, ord, dim, keepdim)


def cond(A, p=None):
    return _ops.linalg_cond(A, "2" if p is None else _order(p))


# --- products and shapes ---------------------------------------------------------------------
def cross(input, other, *, dim=-1):
    return _ops.linalg_cross(input, other, dim)


def vecdot(x, y, *, dim=-1):
    return _ops.linalg_vecdot(x, y, dim)


def vander(x, *, N=None):
    return _ops.linalg_vander(x, N)


def matmul(input, other):
    return _ops.matmul(input, other)


def matrix_power(A, n):
    return _ops.matrix_power(A, n)


def matrix_exp(A):
    return _ops.matrix_exp(A)


def diagonal(A, *, offset=0, dim1=-2, dim2=-1):
    return _ops.diagonal(A, offset, dim1, dim2)


def tensorinv(A, ind=2):
    return _ops.linalg_tensorinv(A, ind)


def tensorsolve(A, B, dims=None):
    return _ops.linalg_tensorsolve(A, B, _ints(dims) if dims is not None else ())


