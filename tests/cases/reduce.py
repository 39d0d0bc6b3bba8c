# Rows of the reductions.
import math

from cases.table import DType, Row, S, reduction

ONE = dict(many=False)
EXTREME = dict(distinct=True, empty=False)


def whole(name):
    return Row(name, lambda m: [S(m.distinct(17)), S(m.distinct(3, 5)), S(m()), S(m(1)),
                                S(m.special()).kink()],
               errors=lambda m: [(S(m(0)), "")], bench=lambda m: [S(m(64)), S(m(1 << 20))])


def along(name):
    return Row(name, lambda m: [S(m.distinct(7), 0), S(m.distinct(3, 5), 1), S(m.distinct(3, 5), 0, True),
                                S(m.distinct(2, 3, 4), -2), S(m(), 0), S(m(3, 0), 0),
                                S(m.distinct(2, 33), 1), S(m.special(), 0).kink()],
               errors=lambda m: [(S(m(2, 0), 1), ""), (S(m(2, 3), 2), "dim")],
               bench=lambda m: [S(m(8, 8), 1), S(m(1024, 1024), 1), S(m(1024, 1024), 0)])


def norms(m):
    out = [S(m(7), p=p) for p in (2.0, 1.0, 3.0, 0.5, math.inf, -math.inf)]
    out += [S(m(3, 5), p=p, dim=(1,)) for p in (2.0, 1.0, math.inf)]
    return out + [S(m(3, 5)), S(m(2, 3, 4), dim=(0, 2), keepdim=True), S(m()), S(m(0)), S(m(2, 0), dim=(1,)),
                  S(m(6), p=0.0).kink()]


ROWS = [
    reduction("sum", (-2, 2), dict(dim=1, dtype=DType("float64"))),
    reduction("mean", (-2, 2), dict(dim=1, dtype=DType("float64"))),
    reduction("prod", (-2, 2), dict(dim=1, dtype=DType("float64")), **ONE),
    reduction("var", (-2, 2), dict(dim=1, correction=0), dict(dim=None, correction=2), single=False),
    reduction("std", (-2, 2), dict(dim=1, correction=0), single=False),
    reduction("amax", **EXTREME),
    reduction("amin", **EXTREME),
    whole("max"),
    whole("min"),
    along("max_dim"),
    along("min_dim"),
    reduction("argmax", **ONE, **EXTREME),
    reduction("argmin", **ONE, **EXTREME),
    reduction("any", **ONE),
    reduction("all", **ONE),
    Row("norm", norms, tol=64, bench=lambda m: [S(m(64)), S(m(1 << 20)), S(m(1024, 1024), dim=(1,))],
        errors=lambda m: [(S(m(2, 3), dim=(2,)), "dim")]),
    reduction("logsumexp", whole=False),
    Row("cumsum", lambda m: [S(m(7), 0), S(m(3, 5), 1), S(m(3, 5), 0), S(m(2, 3, 4), -2), S(m(), 0), S(m(0), 0),
                             S(m(2, 33), 1), S(m(4), 0, dtype=DType("float64"))], tol=64,
        errors=lambda m: [(S(m(2, 3), 2), "dim")],
        bench=lambda m: [S(m(64), 0), S(m(1024, 1024), 1), S(m(1024, 1024), 0)]),
]
