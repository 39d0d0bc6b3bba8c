# Rows of the creation of tensors from sizes and numbers.
from cases.table import DType, Row, S, creation

BIG = (1024, 1024)


def sizes(m):
    return [S((2, 3), dtype=m.dtype), S((), dtype=m.dtype), S((0, 4), dtype=m.dtype), S((17,))]


def like(m):
    return [S(m(2, 3)), S(m()), S(m(0, 4)), S(m(5), dtype=DType("int64"))]


def triangle(m):
    return [S(m(4, 4)), S(m(3, 5), diagonal=1), S(m(5, 3), diagonal=-1), S(m(2, 3, 3)),
            S(m(0, 3)), S(m(1, 1)), S(m(3, 4), diagonal=9), S(m(3, 4), diagonal=-9)]


def arange(m):
    whole = [(0, 5, 1), (2, 11, 3), (7, 0, -2), (3, 3, 1)]
    parts = [(0, 1.7, 0.25), (-1.5, 2, 0.5)] if m.floating else []
    return [S(*v, dtype=m.dtype) for v in whole + parts] + [S(0, 33, 1)]


def spaced(m, ends):
    return [S(*ends, n, dtype=m.dtype) for n in (1, 2, 5, 17, 0)] + [S(*ends, 33)]


def triangle_row(name):
    return Row(name, triangle, tol=0, half_tol=0, bench=lambda m: [S(m(8, 8)), S(m(*BIG))],
               errors=lambda m: [(S(m(3)), "")])


ROWS = [
    creation("empty", sizes, values=False, bench=lambda m: [S(BIG)]),
    creation("zeros", sizes, bench=lambda m: [S((64,)), S(BIG)]),
    creation("ones", sizes, bench=lambda m: [S((64,)), S(BIG)]),
    creation("full", lambda m: [S((2, 3), 2, dtype=m.dtype), S((), 0.5, dtype=m.dtype),
                                S((0,), 1, dtype=m.dtype), S((2,), 3.0)],
             bench=lambda m: [S((64,), 1.5), S(BIG, 1.5)]),
    creation("empty_like", like, values=False),
    creation("zeros_like", like),
    creation("ones_like", like),
    creation("full_like", lambda m: [S(m(2, 3), 2), S(m(), 1), S(m(0, 4), 1),
                                     S(m(5), 3, dtype=DType("int64"))]),
    creation("arange", arange, bench=lambda m: [S(0, 64, 1), S(0, 1 << 20, 1)]),
    creation("linspace", lambda m: spaced(m, (-3, 5)), tol=2, bench=lambda m: [S(0, 1, 1 << 20)],
             errors=lambda m: [(S(0, 1, -1), "steps")]),
    creation("logspace", lambda m: spaced(m, (-1 if m.floating else 0, 2)) + [S(0, 3, 4, base=2.0)], tol=8, half_tol=8,
             bench=lambda m: [S(0, 1, 1 << 20)], errors=lambda m: [(S(0, 1, -1), "steps")]),
    creation("eye", lambda m: [S(3, dtype=m.dtype), S(2, 4, dtype=m.dtype), S(3, 1, dtype=m.dtype),
                               S(0), S(0, 3)], bench=lambda m: [S(1024)]),
    triangle_row("tril"),
    triangle_row("triu"),
    Row("fill_diagonal", lambda m: [S(m(3, 5), 2), S(m(7, 2), 3), S(m(7, 2), 3, wrap=True), S(m(8, 3), 4, wrap=True),
                                    S(m(3, 3, 3), 1), S(m(0, 3), 1), S(m(2, 4), 1, wrap=True)], tol=0, half_tol=0,
        errors=lambda m: [(S(m(3), 1), "two dims"), (S(m(2, 3, 2), 1), "one size")]),
]
