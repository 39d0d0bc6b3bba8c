# Rows of the functions of one tensor, of powers, exponentials and logarithms, and of limits.
from cases.table import Row, S, binary, unary


def clamp(m):
    return [S(m(17), -1, 2), S(m(3, 5), min=m(5), max=2), S(m(3, 5), max=m(3, 1)), S(m(7), min=0.5),
            S(m(7), max=-0.5), S(m(), m(), m()), S(m(0), 0, 1), S(m(9), m(9), m(9)),
            S(m.special(), -1, 1).kink(), S(m(4), 2, -2)]


ROWS = [
    unary("neg"),
    unary("abs"),
    unary("sign"),
    unary("floor"),
    unary("ceil"),
    unary("trunc"),
    unary("round", (-4, 4), dict(decimals=1), dict(decimals=-1), half_tol=16),
    unary("sin"),
    unary("cos"),
    unary("tan", (-1.4, 1.4)),
    unary("erf", (-3, 3)),
    unary("isnan"),
    unary("isinf"),
    unary("isfinite"),

    binary("pow", (0.3, 3), (-2, 3)),
    unary("square"),
    unary("sqrt", (0.1, 9)),
    unary("rsqrt", (0.1, 9)),
    unary("reciprocal", (0.3, 5)),
    unary("exp"),
    unary("expm1"),
    unary("log", (0.1, 9)),
    unary("log1p", (-0.9, 5)),
    unary("log2", (0.1, 9)),
    unary("log10", (0.1, 9)),

    Row("clamp", clamp, pointwise=True, errors=lambda m: [(S(m(3)), ""), (S(m(2), m(3)), "shape")],
        bench=lambda m: [S(m(64), -1, 1), S(m(1 << 20), -1, 1)]),
    binary("clamp_min"),
    binary("clamp_max"),
    unary("hardtanh", (-3, 3), (-0.5, 0.75)),
    unary("relu6", (-3, 9)),
]
