# Rows of the indexed ops that are not in index.py.
import numpy as np

from cases.index import OUT, bad_scatter, exact
from cases.table import Row, S


def folded(name, reductions, wrong):
    """Every reduction, with and without the old values; several elements meet at one place."""

    def samples(m):
        out = []
        for reduce in reductions:
            for keep in (True, False):
                if name == "scatter_reduce":
                    out.append(S(m(3, 5), 0, m.index(3, 4, 5), m(4, 5), reduce, keep))
                    out.append(S(m(7), -1, m.index(7, 4), m(4), reduce, keep))
                else:
                    out.append(S(m(4, 3), 0, m.index(4, 5), m(5, 3), reduce, keep))
                    out.append(S(m(2, 6), 1, m.index(6, 3), m(2, 3), reduce, keep))
        return out

    def torch(torch, x, dim, index, src, reduce, keep=True):
        return getattr(torch, name)(x, dim, index, src, reduce, include_self=keep)

    return Row(name, samples, domain=(-2, 2), tol=64, half_tol=16, errors=wrong, torch=torch)


def take_along(torch, x, indices, dim=None):
    return torch.take_along_dim(x, indices, dim)


ROWS = [
    exact("index_copy", lambda m: [S(m(5), 0, m.order(5)[:3], m(3)), S(m(3, 5), 1, m.order(5)[:2], m(3, 2)),
                                   S(m(3, 5), -2, m.order(3), m(3, 5)), S(m(), 0, np.array([0]), m()),
                                   S(m(3), 0, np.array([], np.int64), m(0))],
          errors=lambda m: [(S(m(3), 0, np.array([3]), m(1)), OUT), (S(m(3), 0, np.array([0]), m(2)), "shape"),
                            (S(m(3), 1, np.array([0]), m(1)), "dim"),
                            (S(m(3), 0, np.array([0.5], np.float32), m(1)), "dtype")]),
    exact("index_fill", lambda m: [S(m(5), 0, m.index(5, 3), 2), S(m(3, 5), 1, np.array([4, 0]), m()), S(m(3, 5), 0, np.array(1), 1),
                                   S(m(5), 0, np.array([-1, 0]), 1),
                                   S(m(), 0, np.array([0]), 1)], one_device=False,
          errors=lambda m: [(S(m(3), 0, np.array([3]), 1), OUT), (S(m(3), 1, np.array([0]), 1), "dim"),
                            (S(m(3), 0, np.array([0]), m(1)), "")]),
    exact("take", lambda m: [S(m(3, 5), m.index(15, 4)), S(m(7), np.array([[-1, 0], [3, -7]])), S(m(3), np.array(1)),
                             S(m(3), np.array([], np.int64))],
          errors=lambda m: [(S(m(3), np.array([3])), OUT), (S(m(3), np.array([0.5], np.float32)), "dtype")]),
    exact("put", lambda m: [S(m(3, 5), m.order(15)[:4], m(4)), S(m(7), np.array([[-1, 0], [3, 1]]), m(2, 2)),
                            S(m(5), m.index(5, 1), m(1), True)],
          errors=lambda m: [(S(m(3), np.array([3]), m(1)), OUT), (S(m(3), np.array([0]), m(2)), "length")]),
    exact("take_along_dim", lambda m: [S(m(3, 5), m.index(5, 3, 2), 1), S(m(3, 5), m.index(3, 1, 5), 0), S(m(3, 5), m.index(15, 4)),
                                       S(m(1, 5), m.index(5, 3, 2), 1)], torch=take_along,
          errors=lambda m: [(S(m(3), np.array([3]), 0), OUT), (S(m(3), m.index(3, 2, 2), 0), "shape")]),
    exact("masked_scatter", lambda m: [S(m(17), m.mask(17), m(17)), S(m(3, 5), m.mask(5), m(20)), S(m(3), m.mask(3), m(2, 3))], meta=False,
          errors=lambda m: [(S(m(3), np.array([True] * 3), m(2)), ""), (S(m(3), m(3), m(3)), "dtype"),
                            (S(m(3), m.mask(4), m(4)), "shape")]),
    folded("scatter_reduce", ("sum", "prod", "mean", "amax", "amin"),
           lambda m: [(S(*s.args, "sum"), text) for s, text in bad_scatter(m)] +
                     [(S(m(3), 0, np.array([0]), m(1), "median"), "")]),
    folded("index_reduce", ("prod", "mean", "amax", "amin"),
           lambda m: [(S(m(3), 0, np.array([3]), m(1), "prod"), OUT), (S(m(3), 0, np.array([0]), m(2), "prod"), "shape"),
                      (S(m(3), 0, np.array([0]), m(1), "sum"), "")]),
    exact("argwhere", lambda m: [S(m(17) * m.mask(17).astype(m.numpy_dtype)), S(m(2, 3)), S(m()), S(m(0))], meta=False),
]
