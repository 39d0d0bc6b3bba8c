# Rows of the statistics and the scans: composed reductions, running values, differences, integrals.
import numpy as np

from cases.table import DType, Row, S


def scan(name, *extra, **options):
    options.setdefault("tol", 64)
    return Row(name, lambda m: [S(m(7), 0), S(m(3, 5), 1), S(m(3, 5), 0), S(m(2, 3, 4), -2), S(m(), 0), S(m(0), 0),
                                S(m(2, 33), 1), *(S(m(4), 0, **e) for e in extra)],
               errors=lambda m: [(S(m(2, 3), 2), "dim")],
               bench=lambda m: [S(m(64), 0), S(m(1024, 1024), 1), S(m(1024, 1024), 0)], **options)


def extreme_scan(name):
    return Row(name, lambda m: [S(m.distinct(7), 0), S(m.distinct(3, 5), 1), S(m.distinct(3, 5), 0), S(m(), 0),
                                S(m.distinct(2, 33), -1), S(m.special(), 0).kink(), S(m(17), 0).kink()],
               errors=lambda m: [(S(m(2, 3), 2), "dim")], bench=lambda m: [S(m(1024, 1024), 1)])


def with_nan(m, *shape):
    x = m(*shape)
    if m.floating and x.size:
        x.reshape(-1)[::3] = np.nan
    return x


def nan_reduction(name):
    return Row(name, lambda m: [S(with_nan(m, 7), (0,)).kink(), S(with_nan(m, 3, 5), (1,)).kink(),
                                S(m(3, 5), (0,), True),
                                S(m(3, 5)), S(with_nan(m, 2, 3, 4), (0, 2)).kink(), S(m()), S(m(0)), S(m(2, 0), (1,)),
                                S(m(3), (0,), False, DType("float64"))], tol=64,
               errors=lambda m: [(S(m(2, 3), (2,)), "dim")], bench=lambda m: [S(m(1024, 1024), (1,))])


def pair(name):
    return Row(name, lambda m: [S(m(7), (0,)), S(m(3, 5), (1,), 0), S(m(2, 3, 4), (0, 2), 1, True), S(m(5)),
                                S(m(2, 33), (-1,), 2)], tol=64,
               torch=lambda torch, x, dim=None, correction=1, keepdim=False:
               getattr(torch, name)(x, dim, correction=correction, keepdim=keepdim),
               errors=lambda m: [(S(m(2, 3), (2,)), "dim")], bench=lambda m: [S(m(1024, 1024), (1,))])


def integral(name):
    return Row(name, lambda m: [S(m(6), m(6)), S(m(2, 3), m(3)), S(m(2, 3), m(2, 3), 0), S(m(2, 3), m(1, 3)),
                                S(m(2, 4, 3), m(4, 3), 1)], tol=64,
               torch=lambda torch, y, x, dim=-1: getattr(torch, name)(y, x, dim=dim),
               errors=lambda m: [(S(m(2, 3), m(4)), "shape mismatch"), (S(m(2, 3), m(3), 2), "dim")],
               bench=lambda m: [S(m(1024, 1024), m(1024))])


def even_integral(name):
    return Row(name + "_dx", lambda m: [S(m(6)), S(m(2, 3), 2.0), S(m(2, 3), 0.5, 0), S(m(1)), S(m(2, 0)).forward()],
               tol=64, torch=lambda torch, y, dx=1, dim=-1: getattr(torch, name)(y, dx=dx, dim=dim),
               errors=lambda m: [(S(m(2, 3), 1.0, 2), "dim")], bench=lambda m: [S(m(1024, 1024))])


def differences(m):
    return [S(m(7)), S(m(3, 5), 2), S(m(3, 5), 1, 0), S(m(4), 0), S(m(3), 5), S(m(4), 1, -1, m(2), m(1)),
            S(m(2, 3), 2, 0, m(1, 3)), S(m(0))]


def derivatives(m):
    return [S(m(7), []), S(m(3, 5), [], (1,)), S(m(3, 5), [np.array(2.0)], None, 2), S(m(4), [m.floats(4)]),
            S(m(3, 4), [np.array(0.5), np.array([0.0, 1.0, 3.0, 4.5])], (0, 1), 2)]


def torch_gradient(torch, x, spacing, dim=None, edge_order=1):
    given = [s.item() if s.ndim == 0 else s for s in spacing]
    options = {} if dim is None else {"dim": tuple(dim)}
    if given:
        options["spacing"] = given[0] if len(given) == 1 and not isinstance(given[0], torch.Tensor) else given
    return list(torch.gradient(x, edge_order=edge_order, **options))


def weights(m):
    out = [S(m(5)), S(m(3, 5)), S(m(3, 5), 0), S(m()), S(m(2, 4), 1, np.array([1, 2, 0, 3]))]
    return out + [S(m(2, 4), 0, np.array([1, 2, 1, 3]), m.floats(4, domain=(0.5, 2)))]


def segments(m):
    lengths = np.array([2, 0, 3])
    kinds = ("sum", "mean", "max", "min", "prod")
    out = [S(m.distinct(5), k, lengths, None, 0, 1.0) for k in kinds]
    out += [S(m.distinct(2, 5, 3), k, np.array([[1, 4], [3, 2]]), None, 1, 0.5) for k in kinds]
    return out + [S(m.distinct(5, 2), "sum", None, np.array([0, 2, 2, 5]), 0, 0.0)]


ROWS = [
    scan("cumprod", dict(dtype=DType("float64"))),
    Row("fill_cumsum", lambda m: [S(m(7), 0), S(m(3, 5), 1), S(m(0), 0)], tol=64,
        torch=lambda torch, x, dim: x.cumsum_(dim), errors=lambda m: [(S(m(2, 3), 2), "dim")]),
    Row("fill_cumprod", lambda m: [S(m(7), 0), S(m(3, 5), 1), S(m(0), 0)], tol=64,
        torch=lambda torch, x, dim: x.cumprod_(dim), errors=lambda m: [(S(m(2, 3), 2), "dim")]),
    extreme_scan("cummax"),
    extreme_scan("cummin"),
    scan("logcumsumexp"),
    Row("diff", differences, errors=lambda m: [(S(m(3), -1), "n out of range"), (S(m()), "0-dim")],
        bench=lambda m: [S(m(1024, 1024))]),
    Row("gradient", derivatives, tol=64, torch=torch_gradient, one_device=False, layouts=False, meta=False,
        errors=lambda m: [(S(m(1), []), "too few"), (S(m(5), [m(4)]), "shape mismatch")]),
    integral("trapezoid"),
    even_integral("trapezoid"),
    integral("cumulative_trapezoid"),
    even_integral("cumulative_trapezoid"),
    nan_reduction("nansum"),
    nan_reduction("nanmean"),
    Row("aminmax", lambda m: [S(m.distinct(7)).forward(), S(m.distinct(3, 5), 1).forward(), S(m(), 0).forward(),
                              S(m.distinct(3, 5), 0, True).forward(), S(m.special()).forward()],
        torch=lambda torch, x, dim=None, keepdim=False: torch.aminmax(x, dim=dim, keepdim=keepdim),
        errors=lambda m: [(S(m(2, 3), 2), "dim"), (S(m(0)), "no values")]),
    Row("count_nonzero", lambda m: [S(m(7)), S(m(3, 5), (1,)), S(m(2, 3, 4), (0, 2)), S(m()), S(m(0)), S(m.special())],
        errors=lambda m: [(S(m(2, 3), (2,)), "dim")]),
    pair("std_mean"),
    pair("var_mean"),
    Row("trace", lambda m: [S(m(3, 3)), S(m(2, 5)), S(m(0, 3))], errors=lambda m: [(S(m(3)), "shape mismatch")]),
    Row("cov", weights, tol=64, layouts=True, nograd=(1, 2), one_device=False, meta=False,
        torch=lambda torch, x, correction=1, f=None, a=None: torch.cov(x, correction=correction, fweights=f, aweights=a),
        errors=lambda m: [(S(m(2, 3, 4)), "shape mismatch")]),
    Row("corrcoef", lambda m: [S(m(3, 5)), S(m(4))], tol=64, errors=lambda m: [(S(m(2, 3, 4)), "shape mismatch")]),
    Row("dist", lambda m: [S(m(5), m(5)), S(m(2, 3), m(3), 1.0), S(m(2, 3), m(), 3.0), S(m(4), m(4), float("inf"))], tol=64,
        errors=lambda m: [(S(m(2, 3), m(4, 5)), "shape mismatch")]),
    Row("renorm", lambda m: [S(m(3, 5), 2.0, 0, 1.0), S(m(2, 3, 4), 1.0, -1, 2.5), S(m(2, 3), float("inf"), 1, 0.5)],
        tol=64, errors=lambda m: [(S(m(3), 2.0, 0, 1.0), "shape mismatch"), (S(m(2, 3), -1.0, 0, 1.0), "out of range")]),
    Row("normalize", lambda m: [S(m(3, 5), 2.0, (1,)), S(m(2, 3, 4), 1.0, (0,)), S(m(2, 3), 3.0, (-1,), 0.5),
                                S(m(2, 3), 2.0, (0, 1))], tol=64, errors=lambda m: [(S(m(2, 3), 2.0, (2,)), "dim")]),
    Row("segment_reduce", segments, tol=64, nograd=(1,), one_device=False, meta=False, twice=False,
        torch=lambda torch, x, reduce, lengths, offsets, axis, initial: torch.segment_reduce(
            x, reduce, axis=axis, initial=initial, **({"lengths": lengths} if lengths is not None else
                                                      {"offsets": offsets})),
        errors=lambda m: [(S(m(5), "sum", np.array([2, 2]), None), "lengths mismatch"),
                          (S(m(5), "sum", np.array([9]), None), "out of range"),
                          (S(m(5), "xor", np.array([5]), None), "unknown")]),
]
