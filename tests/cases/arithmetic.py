# Rows of the arithmetic family.
from cases.table import Row, S, binary

PAIR = dict(domain=(-9, 9), second=(1, 5))  # divisors


def ternary(name, last=(-4, 4), **options):
    def samples(m):
        def c(*shape):
            return m(*shape, domain=last)

        out = [S(m(17), m(17), c(17)), S(m(3, 1), m(5), c(1, 5)), S(m(), m(), c()),
               S(m(2, 3), m(), c(3)), S(m(0), m(0), c(0)), S(m(1), m(1), c(1))]
        return out + [S(m(5), m(5), c(5), value=v) for v in (0.5, -2)]

    options.setdefault("errors", lambda m: [(S(m(2, 3), m(4), m(4)), "shape mismatch")])
    options.setdefault("bench", lambda m: [S(m(64), m(64), m(64, domain=last)),
                                           S(m(1 << 20), m(1 << 20), m(1 << 20, domain=last))])
    return Row(name, samples, pointwise=True, **options)


def lerp(m):
    return [S(m(17), m(17), m(17, domain=(0, 1))), S(m(3, 1), m(5), m(5, domain=(-1, 2))),
            S(m(5), m(5), 0.25), S(m(2, 3), m(2, 3), 0.75), S(m(), m(), m()), S(m(0), m(0), m(0)),
            S(m(4), m(4), m())]


ROWS = [
    binary("add", (-4, 4), None, dict(alpha=2), dict(alpha=-0.5)),
    binary("sub", (-4, 4), None, dict(alpha=2), dict(alpha=-0.5)),
    binary("mul"),
    binary("div", (-9, 9), (1, 5), dict(rounding_mode="floor"), dict(rounding_mode="trunc")),
    binary("rsub", (-4, 4), None, dict(alpha=2)),
    binary("floor_divide", **PAIR),
    binary("remainder", **PAIR),
    ternary("addcmul"),
    ternary("addcdiv", (1, 4)),
    Row("lerp", lerp, pointwise=True),
    binary("maximum", scalars=False),
    binary("minimum", scalars=False),
]
