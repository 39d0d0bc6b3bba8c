# Rows of views, copies and joining.
from cases.table import DType, Row, S, view




def pieces(m):
    return [S(m(7), 3), S(m(4, 6), 2, dim=1), S(m(4, 6), 4, dim=-1), S(m(2, 3), 5), S(m(0, 2), 2)]


def lists(name, samples, errors):
    return Row(name, samples, tol=0, half_tol=0, errors=errors,
               bench=lambda m: [S([m(64), m(64)]), S([m(512, 512), m(512, 512)])])


ROWS = [
    view("as_strided", lambda m: [S(m(12), (3, 2), (2, 1)), S(m(12), (2, 3), (1, 2), offset=4),
                                  S(m(7), (3, 3), (2, 1)), S(m(5), (), ()), S(m(4), (0, 2), (1, 1))],
         layouts=False, errors=lambda m: [(S(m(4), (3, 3), (2, 1)), ""), (S(m(4), (2,), (1, 1)), "")]),
    view("view", lambda m: [S(m(12), (3, 4)), S(m(2, 6), (3, -1)), S(m(), (1, 1)), S(m(0, 3), (3, 0)),
                            S(m(4, 5), (-1,)), S(m(1), ())],
         layouts=False, errors=lambda m: [(S(m(6), (4, 2)), "shape"), (S(m(6), (-1, -1)), "")]),
    view("reshape", lambda m: [S(m(12), (3, 4)), S(m(2, 6), (3, -1)), S(m(), (1, 1)), S(m(0, 3), (3, 0)),
                               S(m(4, 5), (-1,)), S(m(1), ())],
         errors=lambda m: [(S(m(6), (4, 2)), "shape"), (S(m(6), (-1, -1)), "")]),
    view("permute", lambda m: [S(m(2, 3, 4), (2, 0, 1)), S(m(3, 5), (-1, 0)), S(m(), ()), S(m(0, 2), (1, 0))],
         errors=lambda m: [(S(m(2, 3), (0,)), ""), (S(m(2, 3), (0, 0)), "repeated"),
                           (S(m(2, 3), (0, 2)), "dim")]),
    view("transpose", lambda m: [S(m(2, 3, 4), 0, 2), S(m(3, 5), -1, 0), S(m(), 0, 0), S(m(0, 2), 0, 1)],
         errors=lambda m: [(S(m(2, 3), 0, 2), "dim")]),
    view("movedim", lambda m: [S(m(2, 3, 4), (0,), (2,)), S(m(2, 3, 4), (0, 1), (-1, 0)), S(m(), (0,), (0,))],
         errors=lambda m: [(S(m(2, 3), (0, 1), (0,)), ""), (S(m(2, 3), (0,), (5,)), "dim")]),
    view("t", lambda m: [S(m(2, 5)), S(m(4)), S(m()), S(m(0, 3))],
         errors=lambda m: [(S(m(2, 3, 4)), "")]),
    view("squeeze", lambda m: [S(m(1, 3, 1)), S(m(2, 3)), S(m()), S(m(1, 0))]),
    view("squeeze_dim", lambda m: [S(m(1, 3, 1), 0), S(m(1, 3, 1), -1), S(m(2, 3), 1), S(m(), 0)],
         errors=lambda m: [(S(m(2, 3), 2), "dim")]),
    view("unsqueeze", lambda m: [S(m(3), 0), S(m(2, 3), -1), S(m(), 0), S(m(2, 3), 1), S(m(0), 1)],
         errors=lambda m: [(S(m(2, 3), 4), "dim")]),
    view("expand", lambda m: [S(m(3, 1), (3, 4)), S(m(3), (2, 3)), S(m(1, 3), (4, -1)), S(m(), (2,)),
                              S(m(1), (0,))],
         errors=lambda m: [(S(m(3), (4,)), "shape"), (S(m(2, 3), (3,)), "")]),
    view("flatten", lambda m: [S(m(2, 3, 4)), S(m(2, 3, 4), 1), S(m(2, 3, 4), 0, 1), S(m()), S(m(0, 3))],
         errors=lambda m: [(S(m(2, 3, 4), 2, 1), ""), (S(m(2, 3), 0, 3), "dim")]),
    view("unflatten", lambda m: [S(m(6), 0, (2, 3)), S(m(2, 6), -1, (3, -1)), S(m(0), 0, (0, 2))],
         errors=lambda m: [(S(m(6), 0, (4, 2)), ""), (S(m(6), 3, (6,)), "dim")]),
    view("select", lambda m: [S(m(3, 5), 0, 1), S(m(3, 5), -1, -2), S(m(4), 0, 3), S(m(2, 0), 0, 1)],
         errors=lambda m: [(S(m(3), 0, 3), ""), (S(m(3), 0, -4), ""), (S(m(3), 1, 0), "dim")]),
    view("slice", lambda m: [S(m(7), 0, 1, 5), S(m(3, 8), 1, 0, 8, step=3), S(m(7), 0, -3, None),
                             S(m(7), 0, None, -5), S(m(7), 0, 5, 2), S(m(7), 0, -20, 20)],
         torch=lambda torch, x, dim, a, b, step=1: x[(slice(None),) * dim + (slice(a, b, step),)],
         errors=lambda m: [(S(m(3), 1, 0, 1), "dim"), (S(m(3), 0, 0, 1, step=0), "step")]),
    view("narrow", lambda m: [S(m(7), 0, 2, 3), S(m(3, 5), 1, 1, 4), S(m(3, 5), 0, 3, 0), S(m(7), 0, -3, 2)],
         errors=lambda m: [(S(m(3), 0, 2, 2), ""), (S(m(3), 1, 0, 1), "dim"), (S(m(3), 0, 0, -1), "")]),
    view("unfold", lambda m: [S(m(7), 0, 3, 2), S(m(3, 6), 1, 2, 1), S(m(3, 6), -2, 3, 1)],
         errors=lambda m: [(S(m(3), 0, 5, 1), ""), (S(m(3), 0, 2, 0), ""), (S(m(3), 1, 1, 1), "dim")]),
    view("diagonal", lambda m: [S(m(4, 4)), S(m(3, 5), offset=1), S(m(5, 3), offset=-2),
                                S(m(2, 3, 4), dim1=1, dim2=2), S(m(3, 3), offset=7), S(m(0, 3))],
         errors=lambda m: [(S(m(3, 3), dim1=0, dim2=0), ""), (S(m(3)), "dim")]),
    view("detach", lambda m: [S(m(3, 5)), S(m()), S(m(0))]),
    view("split", pieces, errors=lambda m: [(S(m(4), -1), ""), (S(m(4), 2, dim=1), "dim")]),
    view("split_with_sizes", lambda m: [S(m(7), (3, 4)), S(m(4, 6), (1, 0, 5), dim=1), S(m(0, 2), (0,))],
         errors=lambda m: [(S(m(4), (1, 2)), ""), (S(m(4), (5, -1)), ""), (S(m(4), (4,), dim=1), "dim")]),
    view("chunk", lambda m: [S(m(7), 3), S(m(4, 6), 4, dim=1), S(m(2, 3), 5, dim=-1), S(m(0, 2), 2)],
         errors=lambda m: [(S(m(4), 0), ""), (S(m(4), 2, dim=1), "dim")]),
    view("unbind", lambda m: [S(m(3, 5)), S(m(3, 5), dim=1), S(m(2, 3, 2), dim=-1), S(m(0, 2))],
         errors=lambda m: [(S(m(4), dim=1), "dim"), (S(m()), "")]),

    view("contiguous", lambda m: [S(m(3, 5)), S(m()), S(m(0))], layouts=False),
    Row("clone", lambda m: [S(m(3, 5)), S(m()), S(m(0)), S(m(17))], pointwise=True, tol=0, half_tol=0,
        bench=lambda m: [S(m(64)), S(m(1 << 20))]),
    Row("to_dtype", lambda m: [S(m(3, 5, domain=(0, 9)), DType(d)).kink() for d in
                               ("float32", "float64", "float16", "bfloat16", "int64", "int32", "uint8",
                                "int8", "int16", "bool")] + [S(m(), DType("float64")), S(m(0), DType("int64"))],
        tol=1, half_tol=1, torch=lambda torch, x, dtype: x.to(dtype)),
    Row("to_device", lambda m: [S(m(3, 5), "cpu"), S(m(), "cpu", copy=True)], meta=False, tol=0, half_tol=0,
        torch=lambda torch, x, device, copy=False: x.to(device, copy=copy)),
    Row("copy", lambda m: [S(m(3, 5), m(3, 5)), S(m(3, 5), m(5)), S(m(3), m()), S(m(0), m(0)), S(m(17), m(17)),
                           S(m(4), m.index(5, 4))], tol=0, half_tol=0, one_device=False,
        errors=lambda m: [(S(m(3), m(4)), "shape")],
        bench=lambda m: [S(m(64), m(64)), S(m(1 << 20), m(1 << 20))]),
    Row("fill", lambda m: [S(m(3, 5), 2), S(m(3, 5), 0.5), S(m(), 1), S(m(0), 1), S(m(17), m())], tol=0, half_tol=0,
        errors=lambda m: [(S(m(3), m(3)), "")]),
    Row("zero", lambda m: [S(m(3, 5)), S(m()), S(m(0)), S(m(17))], tol=0, half_tol=0),
    Row("sum_to_size", lambda m: [S(m(3, 5), (5,)), S(m(3, 5), (3, 1)), S(m(2, 3, 4), (3, 4)), S(m(3, 5), ()),
                                  S(m(3), (3,)), S(m(0, 3), (3,))],
        errors=lambda m: [(S(m(3, 5), (4,)), "shape")]),

    lists("cat", lambda m: [S([m(3), m(4)]), S([m(2, 3), m(2, 1)], dim=1), S([m(2, 3), m(1, 3)], dim=-2),
                            S([m(2), m(0)]), S([m(5)]), S([m(0), m(2, 3)]), S([m(2, 3), m(2, 17), m(2, 5)], dim=1)],
          lambda m: [(S([]), ""), (S([m(2, 3), m(2, 4)]), "shape"), (S([m(2)], dim=1), "dim"), (S([m()]), "")]),
    lists("stack", lambda m: [S([m(3), m(3)]), S([m(2, 3), m(2, 3)], dim=1), S([m(), m(), m()]),
                              S([m(2, 3), m(2, 3)], dim=-1), S([m(0), m(0)])],
          lambda m: [(S([]), ""), (S([m(2), m(3)]), "shape"), (S([m(2)], dim=2), "dim")]),
    lists("hstack", lambda m: [S([m(3), m(4)]), S([m(2, 3), m(2, 1)]), S([m(), m(2)]), S([m(2, 1, 2), m(2, 3, 2)])],
          lambda m: [(S([]), ""), (S([m(2, 3), m(3, 3)]), "shape")]),
    lists("vstack", lambda m: [S([m(3), m(3)]), S([m(2, 3), m(1, 3)]), S([m(), m()]), S([m(3), m(2, 3)])],
          lambda m: [(S([]), ""), (S([m(2, 3), m(2, 4)]), "shape")]),
]
