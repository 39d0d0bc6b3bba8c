# Rows of indexing.
import numpy as np

from cases.table import Row, S

OUT = "out of range"


def torch_index(torch, x, indices):
    return x[tuple(slice(None) if i is None else i for i in indices)]


def torch_put(torch, x, indices, values, accumulate=False):
    return torch.index_put(x, tuple(indices), values, accumulate)


def scatter(m, values):
    """dim 0, dim 1, fewer indices than places, a whole dim twice (only where order is no matter)."""
    return [S(m(4, 5), 0, np.stack([m.order(4)[:3] for _ in range(5)], 1), values(3, 5)),
            S(m(4, 5), 1, np.stack([m.order(5) for _ in range(4)]), values(4, 5)),
            S(m(7), 0, m.order(7)[:4], values(4)), S(m(2, 3), -1, np.zeros((2, 0), np.int64), values(2, 0)),
            S(m(), 0, np.array(0), values())]


def bad_scatter(m):
    return [(S(m(3), 0, np.array([3]), m(1)), OUT), (S(m(3), 0, np.array([-1]), m(1)), OUT),
            (S(m(3), 1, np.array([0]), m(1)), "dim"), (S(m(3, 3), 0, np.array([0]), m(1)), ""),
            (S(m(3), 0, np.array([0.5], np.float32), m(1)), "dtype")]


def bad_index(m):
    return [(S(m(3), 0, np.array([3])), OUT), (S(m(3), 0, np.array([-4])), OUT),
            (S(m(3), 1, np.array([0])), "dim"), (S(m(3), 0, np.array([0.5], np.float32)), "dtype")]


def exact(name, samples, **options):
    return Row(name, samples, tol=0, half_tol=0, **options)


ROWS = [
    exact("index_select", lambda m: [S(m(5), 0, m.index(5, 7)), S(m(3, 5), 1, m.index(5, 2)),
                                     S(m(3, 5), 0, m.index(3, 4)), S(m(3, 5), -1, m.index(5, 0)),
                                     S(m(), 0, np.array([0]))], errors=bad_index,
          bench=lambda m: [S(m(1024, 256), 0, m.index(1024, 1024))]),
    Row("index_add", lambda m: [S(m(5), 0, m.index(5, 7), m(7)), S(m(3, 5), 1, m.index(5, 4), m(3, 4)),
                                S(m(3, 5), 0, m.index(3, 4), m(4, 5), alpha=2),
                                S(m(3, 5), -1, m.index(5, 0), m(3, 0))],
        errors=lambda m: [(S(m(3), 0, np.array([3]), m(1)), OUT), (S(m(3), 0, np.array([0]), m(2)), ""),
                          (S(m(3), 1, np.array([0]), m(1)), "dim")],
        bench=lambda m: [S(m(1024, 256), 0, m.index(1024, 1024), m(1024, 256))]),
    exact("gather", lambda m: [S(m(5), 0, m.index(5, 7)), S(m(3, 5), 1, m.index(5, 3, 2)),
                               S(m(3, 5), 0, m.index(3, 4, 5)), S(m(3, 5), -1, m.index(5, 3, 0)),
                               S(m(), 0, np.array(0)), S(m(2, 3, 4), 1, m.index(3, 2, 2, 4))],
          errors=lambda m: [(S(m(3), 0, np.array([3])), OUT), (S(m(3, 3), 0, np.array([0])), ""),
                            (S(m(3), 1, np.array([0])), "dim"),
                            (S(m(3), 0, np.array([0.5], np.float32)), "dtype")],
          bench=lambda m: [S(m(1024, 256), 0, m.index(1024, 1024, 256))]),
    exact("scatter", lambda m: scatter(m, m), errors=bad_scatter,
          bench=lambda m: [S(m(1024, 256), 0, m.index(1024, 1024, 256), m(1024, 256))]),
    exact("scatter_value", lambda m: scatter(m, lambda *shape: 2),
          torch=lambda torch, x, dim, index, value: torch.scatter(x, dim, index, value),
          errors=lambda m: [(S(m(3), 0, np.array([3]), 1), OUT), (S(m(3), 1, np.array([0]), 1), "dim")]),
    Row("scatter_add", lambda m: scatter(m, m) + [S(m(3, 5), 0, m.index(3, 4, 5), m(4, 5))],
        errors=bad_scatter,
        bench=lambda m: [S(m(1024, 256), 0, m.index(1024, 1024, 256), m(1024, 256))]),
    exact("masked_fill", lambda m: [S(m(17), m.mask(17), 2), S(m(3, 5), m.mask(5), m()),
                                    S(m(3, 1), m.mask(3, 4), 1), S(m(), m.mask(), 0), S(m(0), m.mask(0), 1)],
          errors=lambda m: [(S(m(3), m.mask(4), 1), "shape"), (S(m(3), m(3), 1), "dtype"),
                            (S(m(3), m.mask(3), m(3)), "")],
          bench=lambda m: [S(m(64), m.mask(64), 1), S(m(1 << 20), m.mask(1 << 20), 1)]),
    exact("masked_select", lambda m: [S(m(17), m.mask(17)), S(m(3, 5), m.mask(5)), S(m(3, 1), m.mask(3, 4)),
                                      S(m(), m.mask()), S(m(0), m.mask(0))], meta=False,
          errors=lambda m: [(S(m(3), m.mask(4)), "shape"), (S(m(3), m(3)), "dtype")],
          bench=lambda m: [S(m(1 << 20), m.mask(1 << 20))]),
    exact("nonzero", lambda m: [S(m(17) * m.mask(17).astype(m.numpy_dtype)),
                                S(m(3, 5) * m.mask(3, 5).astype(m.numpy_dtype)), S(m()), S(m(0)), S(m(2, 0)),
                                S(m.special())], meta=False, bench=lambda m: [S(m.mask(1 << 20))]),
    exact("index", lambda m: [S(m(5), [m.index(5, 7)]), S(m(3, 5), [m.index(3, 4), m.index(5, 4)]),
                              S(m(3, 5), [None, m.index(5, 2, 2)]), S(m(3, 5), [m.mask(3, 5)]),
                              S(m(2, 3, 4), [m.index(2, 2), None, m.index(4, 2)]), S(m(5), [m.index(5, 0)]),
                              S(m(4, 5), [m.mask(4)])],
          torch=torch_index, meta=False, one_device=False,
          errors=lambda m: [(S(m(3), [np.array([3])]), OUT), (S(m(3), [np.array([0]), np.array([0])]), ""),
                            (S(m(3, 3), [m.index(3, 2), m.index(3, 4)]), "shape"), (S(m(3), [m.mask(4)]), "")],
          bench=lambda m: [S(m(1024, 256), [m.index(1024, 1024)])]),
    Row("index_put", lambda m: [S(m(5), [m.order(5)[:3]], m(3)), S(m(3, 5), [m.index(3, 1), m.index(5, 1)], m(1)),
                                S(m(5), [m.index(5, 9)], m(9), accumulate=True), S(m(3, 5), [m.mask(3, 5)], m()),
                                S(m(3, 5), [m.order(3)[:2]], m(5))],
        torch=torch_put, meta=False, one_device=False, half_tol=8,
        errors=lambda m: [(S(m(3), [np.array([3])], m(1)), OUT), (S(m(3), [np.array([0, 1])], m(3)), "shape")],
        bench=lambda m: [S(m(1024, 256), [m.order(1024)], m(1024, 256))]),
]
