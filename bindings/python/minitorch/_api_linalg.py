"""torch's older names of linear algebra: functions of the package and methods of tensors."""
from . import _ops, linalg
from ._results import named

FUNCTIONS_ONLY = {"lu_unpack", "svd_lowrank", "pca_lowrank", "vander"}
METHODS_ONLY = set()
ALIASES = {}

_Qr = named("qr", "Q R")
_Svd = named("svd", "U S V")
_Symeig = named("symeig", "eigenvalues eigenvectors")
_Triangular = named("triangular_solve", "solution cloned_coefficient")
_Geqrf = named("geqrf", "a tau")
_Unpacked = named("lu_unpack", "P L U")
_Slogdet = named("slogdet", "sign logabsdet")


def cholesky(input, upper=False):
    return _ops.linalg_cholesky(input, upper)


def qr(input, some=True):
    return _Qr(*_ops.linalg_qr(input, "reduced" if some else "complete"))


def svd(input, some=True, compute_uv=True):
    if not compute_uv:
        from . import zeros
        m, n = input.shape[-2:]
        batch = tuple(input.shape[:-2])
        return _Svd(zeros(batch + (m, m), dtype=input.dtype, device=input.device),
                    _ops.linalg_svdvals(input),
                    zeros(batch + (n, n), dtype=input.dtype, device=input.device))
    u, s, vh = _ops.linalg_svd(input, not some)
    return _Svd(u, s, _ops.transpose(vh, -2, -1))


def symeig(input, eigenvectors=False, upper=True):
    uplo = "U" if upper else "L"
    if eigenvectors:
        return _Symeig(*_ops.linalg_eigh(input, uplo))
    from . import zeros
    return _Symeig(_ops.linalg_eigvalsh(input, uplo),
                   zeros((0,), dtype=input.dtype, device=input.device))


def geqrf(input):
    return _Geqrf(*_ops.geqrf(input))


def orgqr(input, input2):
    return _ops.linalg_householder_product(input, input2)


def ormqr(input, input2, input3, left=True, transpose=False):
    return _ops.ormqr(input, input2, input3, left, transpose)


def inverse(input):
    return _ops.linalg_inv(input)


def pinverse(input, rcond=1e-15):
    return _ops.linalg_pinv(input, None, rcond, False)


def det(input):
    return _ops.linalg_det(input)


def slogdet(input):
    return _Slogdet(*_ops.linalg_slogdet(input))


def lu(input, pivot=True, get_infos=False):
    linalg._pivoting(pivot)
    factors, pivots, infos = _ops.linalg_lu_factor_ex(input, False)
    return (factors, pivots, infos) if get_infos else (factors, pivots)


def lu_solve(input, LU_data, LU_pivots):
    return _ops.linalg_lu_solve(LU_data, LU_pivots, input, True, False)


def lu_unpack(LU_data, LU_pivots, unpack_data=True, unpack_pivots=True):
    return _Unpacked(*_ops.lu_unpack(LU_data, LU_pivots, unpack_data, unpack_pivots))


def triangular_solve(input, A, upper=True, transpose=False, unitriangular=False):
    matrix, triangle = (_ops.transpose(A, -2, -1), not upper) if transpose else (A, upper)
    x = _ops.linalg_solve_triangular(matrix, input, triangle, True, unitriangular)
    batch = tuple(x.shape[:-2]) + tuple(A.shape[-2:])
    return _Triangular(x, _ops.clone(_ops.expand(A, batch)))


# --- random projections (N. Halko and others, "Finding structure with randomness", 2009) -------
def _approximate_basis(a, q, niter, m=None):
    from . import randn
    def times(x):
        return _ops.matmul(a, x) if m is None else _ops.matmul(a, x) - _ops.matmul(m, x)

    def back(x):
        t = _ops.transpose
        return _ops.matmul(t(a, -2, -1), x) if m is None else \
            _ops.matmul(t(a, -2, -1), x) - _ops.matmul(t(m, -2, -1), x)

    basis = linalg.qr(times(randn(a.shape[-1], q, dtype=a.dtype, device=a.device))).Q
    for _ in range(niter):
        basis = linalg.qr(times(linalg.qr(back(basis)).Q)).Q
    return basis


def svd_lowrank(A, q=6, niter=2, M=None):
    """An approximate singular value decomposition of rank q: U, S, V."""
    q = 6 if q is None else q
    if M is not None:
        M = M.expand(A.shape)
    tall = A.shape[-2] >= A.shape[-1]
    t = _ops.transpose
    a = A if tall else t(A, -2, -1)
    m = M if M is None or tall else t(M, -2, -1)
    basis = _approximate_basis(a, q, niter, m)
    small = _ops.matmul(t(basis, -2, -1), a if m is None else a - m)
    u, s, vh = _ops.linalg_svd(small, False)
    u, v = _ops.matmul(basis, u), t(vh, -2, -1)
    return (u, s, v) if tall else (v, s, u)


def pca_lowrank(A, q=None, center=True, niter=2):
    """Principal components of the rows: the low-rank decomposition of the centred matrix."""
    m, n = A.shape[-2:]
    q = min(6, m, n) if q is None else q
    if not 0 <= q <= min(m, n):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)="
                         f"{min(m, n)}")
    if center:
        A = A - A.mean(-2, keepdim=True)
    return svd_lowrank(A, q, niter)


def vander(x, N=None, increasing=False):
    return _ops.vander(x, N, increasing)
