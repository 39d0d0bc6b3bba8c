# Rows of linear algebra. float32 and float64 only, as LAPACK. Of functions that read one triangle of a
# symmetric matrix, PyTorch's gradient is that of symmetric changes: finite differences cannot see it.
import numpy as np

from cases.table import Row, S


def rounded(m, x):
    """As the Maker's values: 8 significant bits, zeros kept."""
    return (m._odd(x) * (x != 0) if m.floating else np.asarray(x)).astype(m.numpy_dtype)


def square(m, *shape):
    """Far from singular: a strong diagonal."""
    return rounded(m, m(*shape) + 8 * np.eye(shape[-1]))


def symmetric(m, *shape):
    a = m(*shape)
    return (np.tril(a) + np.swapaxes(np.tril(a, -1), -1, -2)).astype(m.numpy_dtype)


def definite(m, *shape):
    return rounded(m, symmetric(m, *shape) + 16 * np.eye(shape[-1]))


def upper(m, *shape):
    return np.triu(square(m, *shape))


def factors(m, *shape):
    """LU with pivots that swap."""
    n = shape[-1]
    pivots = np.broadcast_to(np.minimum(np.arange(1, n + 1) + 1, n), shape[:-1]).astype(np.int32)
    return square(m, *shape), pivots.copy()


def name(op):
    """torch.linalg's function of the op's name."""
    return lambda torch, *a, **k: getattr(torch.linalg, op.removeprefix("linalg_"))(*a, **k)


def row(op, samples, *wrong, torch=None, tol=4096, **options):
    return Row(op, samples, domain=(-2, 2), tol=tol, half_tol=tol, torch=torch or name(op),
               errors=lambda m: [(make(m), "") for make in wrong], **options)


def same(op, shapes, make, *wrong, smooth=True, torch=None, **options):
    """A function of one matrix."""

    def samples(m):
        found = [S(make(m, *s)) for s in shapes]
        return found if smooth else [s.kink() for s in found]

    return row(op, samples, lambda m: S(m(3)), *wrong, torch=torch, **options)


SQUARES = ((3, 3), (2, 2, 2), (1, 1), (0, 3, 3), (5, 5))
SHAPES = ((3, 3), (2, 4, 2), (2, 3), (1, 1), (5, 3))


def uneven(m):
    return S(m(2, 3))


def singular(m):
    return S(np.zeros((2, 2), m.numpy_dtype))


def orders(op):
    def samples(m):
        # PyTorch's own gradient of cond fails but for 2 and -2.
        return [S(square(m, 3, 3), p).forward(op == "cond" and p not in ("2", "-2")) for p in ("fro", "nuc", "inf", "-inf", "1", "-1", "2", "-2")] + [S(square(m, 2, 2, 2))]

    def torch(torch, a, p="fro" if op == "matrix_norm" else "2", *rest):
        return getattr(torch.linalg, op)(a, p if p in ("fro", "nuc") else float(p), *rest)

    return row("linalg_" + op, samples, lambda m: S(m(3)), lambda m: S(m(3, 3), "7"), torch=torch)


ROWS = [
    same("linalg_cholesky_ex", SQUARES, definite, uneven, smooth=False),
    row("linalg_cholesky", lambda m: [S(definite(m, 3, 3)).kink(), S(definite(m, 2, 2, 2), True).kink()], uneven, singular,
        torch=lambda torch, a, upper=False: torch.linalg.cholesky(a, upper=upper), meta=False),
    row("linalg_qr", lambda m: [S(square(m, 3, 3)), S(m(2, 4, 2)), S(square(m, 3, 3)[:2], "complete"), S(m(2, 3))], lambda m: S(m(3)),
        lambda m: S(m(2, 2), "x")),
    row("linalg_svd", lambda m: [S(square(m, 3, 3)), S(m(2, 4, 2), False), S(m(2, 3), False)], lambda m: S(m(3)),
        lambda m: S(np.full((2, 2), np.nan, np.float32)), tol=1 << 16),
    same("linalg_svdvals", SHAPES, lambda m, *s: m(*s)),
    row("linalg_eigh", lambda m: [S(symmetric(m, 3, 3)).kink(), S(symmetric(m, 2, 2, 2), "U").kink()], uneven, lambda m: S(m(2, 2), "x"),
        tol=1 << 16),
    row("linalg_eigvalsh", lambda m: [S(symmetric(m, 3, 3)).kink(), S(symmetric(m, 2, 2, 2), "U").kink()], uneven),
    same("linalg_lu_factor_ex", SHAPES, lambda m, *s: m(*s)),
    same("linalg_lu_factor", SHAPES, lambda m, *s: m(*s)),
    same("linalg_lu", SHAPES, lambda m, *s: m(*s)),
    row("lu_unpack", lambda m: [S(*factors(m, 3, 3)), S(*factors(m, 2, 2, 2))], lambda m: S(m(3, 3), np.array([1, 2], np.int32)),
        lambda m: S(m(2, 2), np.array([0, 2], np.int32)), torch=lambda torch, a, p: torch.lu_unpack(a, p), meta=False),
    row("linalg_ldl_factor_ex", lambda m: [S(symmetric(m, 3, 3)).forward(), S(symmetric(m, 2, 2, 2)).forward()], uneven),
    row("linalg_ldl_factor", lambda m: [S(symmetric(m, 3, 3)).forward(), S(symmetric(m, 2, 2, 2)).forward()], uneven, meta=False),
    row("linalg_ldl_solve", lambda m: [S(np.tril(square(m, 3, 3)), np.array([1, 2, 3], np.int32), m(3, 2)).forward()],
        lambda m: S(m(2, 2), np.array([0, 2], np.int32), m(2, 1)), lambda m: S(m(2, 2), np.array([1, 2], np.int32), m(3, 1)), meta=False),
    row("geqrf", lambda m: [S(m(3, 3)).forward(), S(m(2, 4, 2)).forward(), S(m(2, 3)).forward()], lambda m: S(m(3)),
        torch=lambda torch, a: torch.geqrf(a)),
    row("linalg_householder_product", lambda m: [S(m(3, 2), m(2)), S(m(2, 3, 3), m(2, 3))], lambda m: S(m(2, 3), m(2)), lambda m: S(m(3, 2), m(3))),
    row("ormqr", lambda m: [S(m(3, 2), m(2), m(3, 4)).forward(), S(m(3, 2), m(2), m(4, 3), False).forward(), S(m(3, 2), m(2), m(3, 2), True, True).forward()],
        lambda m: S(m(3, 2), m(2), m(4, 4)), torch=lambda torch, a, t, c, left=True, trans=False: torch.ormqr(a, t, c, left, trans)),
    row("linalg_solve_ex", lambda m: [S(square(m, 3, 3), m(3, 2)), S(square(m, 2, 2, 2), m(2, 2)), S(square(m, 3, 3), m(3))],
        lambda m: S(m(2, 3), m(2, 1)), lambda m: S(m(3, 3), m(2, 2))),
    row("linalg_solve", lambda m: [S(square(m, 3, 3), m(3, 2)), S(square(m, 2, 2, 2), m(2, 1, 2)), S(square(m, 3, 3), m(3)),
                                   S(square(m, 3, 3), m(2, 3), False), S(square(m, 0, 2, 2), m(0, 2, 1))],
        lambda m: S(m(2, 3), m(2, 1)), lambda m: S(np.zeros((2, 2), np.float32), m(2, 1)), torch=lambda torch, a, b, left=True: torch.linalg.solve(a, b, left=left), meta=False),
    row("linalg_solve_triangular", lambda m: [S(upper(m, 3, 3), m(3, 2), True), S(upper(m, 2, 2, 2), m(2, 3), True, True, True),
                                              S(upper(m, 3, 3), m(2, 3), True, False), S(upper(m, 3, 3).T.copy(), m(3, 1), False)],
        lambda m: S(m(2, 3), m(2, 1), True), lambda m: S(m(3, 3), m(2, 2), True),
        torch=lambda torch, a, b, upper, left=True, unit=False: torch.linalg.solve_triangular(a, b, upper=upper, left=left, unitriangular=unit)),
    row("linalg_lu_solve", lambda m: [S(*factors(m, 3, 3), m(3, 2)), S(*factors(m, 3, 3), m(2, 3), False), S(*factors(m, 3, 3), m(3, 2), True, True)],
        lambda m: S(*factors(m, 3, 3), m(2, 2)), meta=False,
        torch=lambda torch, f, p, b, left=True, adjoint=False: torch.linalg.lu_solve(f, p, b, left=left, adjoint=adjoint)),
    row("cholesky_solve", lambda m: [S(m(3, 2), upper(m, 3, 3).T.copy()).kink(), S(m(2, 3, 1), upper(m, 3, 3), True).kink()], lambda m: S(m(2, 2), m(3, 3)),
        torch=lambda torch, b, l, up=False: torch.cholesky_solve(b, l, up)),
    row("cholesky_inverse", lambda m: [S(upper(m, 3, 3).T.copy()).kink(), S(upper(m, 2, 2, 2), True).kink()], uneven,
        torch=lambda torch, l, up=False: torch.cholesky_inverse(l, up)),
    same("linalg_inv_ex", SQUARES, square, uneven),
    same("linalg_inv", SQUARES, square, uneven, singular, meta=False),
    row("linalg_pinv", lambda m: [S(square(m, 3, 3)), S(m(4, 2)), S(m(2, 2, 3)), S(m(0, 3))], lambda m: S(m(3)), tol=1 << 16, one_device=False),
    row("linalg_lstsq", lambda m: [S(m(4, 2), m(4, 2)).forward(), S(square(m, 3, 3), m(3, 1)).forward(), S(m(2, 3), m(2, 1), None, "gelsd").forward()],
        lambda m: S(m(4, 2), m(3, 1)), lambda m: S(m(4, 2), m(4, 1), None, "x"), meta=False, tol=1 << 14,
        torch=lambda torch, a, b, rcond=None, driver="gelsy": torch.linalg.lstsq(a, b, rcond, driver=driver)),
    same("linalg_det", SQUARES + ((0, 0),), square, uneven),
    same("linalg_slogdet", SQUARES, square, uneven),
    same("logdet", SQUARES, definite, uneven, torch=lambda torch, a: torch.logdet(a)),
    row("linalg_matrix_rank", lambda m: [S(square(m, 3, 3)), S(np.ones((2, 3), m.numpy_dtype)), S(m(2, 0, 3))], lambda m: S(m(3)), one_device=False),
    orders("matrix_norm"),
    orders("cond"),
    row("matrix_exp", lambda m: [S(m(3, 3)), S((m(2, 2, 2) * 4).astype(m.numpy_dtype)), S(m(1, 1)), S(m(0, 0))], uneven, tol=1 << 16,
        torch=lambda torch, a: torch.matrix_exp(a)),
    row("matrix_power", lambda m: [S(m(3, 3), n) for n in (0, 1, 2, 5)] + [S(square(m, 2, 2, 2), -2)], lambda m: S(m(2, 3), 2),
        torch=lambda torch, a, n: torch.matrix_power(a, n), meta=False),
    row("linalg_tensorinv", lambda m: [S(square(m, 4, 4).reshape(2, 2, 4), 2), S(square(m, 3, 3), 1)], lambda m: S(m(2, 3), 1), lambda m: S(m(2, 2), 0),
        meta=False),
    row("linalg_tensorsolve", lambda m: [S(square(m, 4, 4).reshape(2, 2, 4), m(2, 2), ()), S(square(m, 4, 4).reshape(2, 2, 2, 2), m(2, 2), (1, 0))],
        lambda m: S(m(2, 3), m(2), ()), meta=False,
        torch=lambda torch, a, b, dims: torch.linalg.tensorsolve(a, b, tuple(dims) or None)),
]
