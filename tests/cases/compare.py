# Rows of comparison and logic.
import numpy as np

from cases.table import Row, S, binary, unary


def where(m):
    return [S(m.mask(17), m(17), m(17)), S(m.mask(3, 1), m(5), m(3, 5)), S(m.mask(4), m(4), 2.5),
            S(m.mask(4), 1, m(4)), S(m.mask(), m(), m()), S(m.mask(0), m(0), m(0)),
            S(m.mask(2, 3), m(), m(3))]


def close(m):
    x = m(3, 5)
    other = np.where(m.mask(3, 5), x, m(3, 5))
    return [S(x, x.copy()), S(x, other), S(m(4), m(4)), S(m(3, 1), m(1, 4)), S(m(7), m(7), rtol=0.5, atol=0.25),
            S(m.special(), m.special()), S(m.special(), m.special(), equal_nan=True), S(m(0), m(0)),
            S(m(), m())]


def bits(m):
    return [(S(m.mask(2, 3), m.mask(4, 5)), "shape mismatch"), (S(m(3), m(3)), "dtype mismatch")]


def equal(m):
    x = m(3, 5)
    return [S(x, x.copy()), S(m(4), m(4)), S(m(3), m(4)), S(m(0), m(0)), S(m(), m()),
            S(m.special(), m.special())]


ROWS = [
    binary("eq", (-2, 2)),
    binary("ne", (-2, 2)),
    binary("lt", (-2, 2)),
    binary("le", (-2, 2)),
    binary("gt", (-2, 2)),
    binary("ge", (-2, 2)),
    unary("logical_not", (-2, 2)),
    binary("logical_and", (-2, 2), scalars=False),
    binary("logical_or", (-2, 2), scalars=False),
    binary("logical_xor", (-2, 2), scalars=False),
    unary("bitwise_not", (-99, 99)),
    binary("bitwise_and", (-99, 99), errors=bits),
    binary("bitwise_or", (-99, 99), errors=bits),
    binary("bitwise_xor", (-99, 99), errors=bits),
    Row("where", where, pointwise=True,
        errors=lambda m: [(S(m.mask(2), m(3), m(3)), "shape mismatch"),
                          (S(m(3), m(3), m(3)), "dtype")],
        bench=lambda m: [S(m.mask(64), m(64), m(64)), S(m.mask(1 << 20), m(1 << 20), m(1 << 20))]),
    Row("equal", equal, meta=False),
    Row("isclose", close, errors=lambda m: [(S(m(2), m(3)), "shape mismatch")]),
    Row("allclose", close, meta=False, errors=lambda m: [(S(m(2), m(3)), "shape mismatch")]),
]
