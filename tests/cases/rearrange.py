# Rows of rearrangement: order, repetition, padding, diagonals, grids, copies with a part replaced.
import numpy as np

from cases.table import Row, S, creation


def exact(name, samples, *wrong, **options):
    """Elements are moved, never changed; `wrong`: argument makers of errors."""
    return Row(name, samples, tol=0, half_tol=0,
               errors=(lambda m: [(make(m), "") for make in wrong]) if wrong else None, **options)


def plain(name, *shapes, **options):
    return exact(name, lambda m: [S(m(*s)) for s in shapes], **options)


def listed(name, *calls, **options):
    """An op of a list of tensors."""
    return exact(name, lambda m: [S([m(*s) for s in call]) for call in calls], **options)


def variadic(name):
    return lambda torch, tensors, *rest: getattr(torch, name)(*tensors, *rest)


def strided_scatter(torch, x, src, sizes, strides, offset=None):
    return torch.as_strided_scatter(x, src, sizes, strides, offset)


ROWS = [
    exact("flip", lambda m: [S(m(5), (0,)), S(m(3, 4), (0, 1)), S(m(2, 3, 4), (-1,)), S(m(3, 2), ()), S(m(0, 2), (0,))],
          lambda m: S(m(3), (1,)), lambda m: S(m(3), (0, 0))),
    plain("fliplr", (3, 4), (2, 3, 2), (0, 3), layouts=True),
    plain("flipud", (3, 4), (5,), (0, 3)),
    exact("roll", lambda m: [S(m(5), (2,), (0,)), S(m(3, 4), (1, -1), (0, 1)), S(m(3, 4), (5,), ()),
                             S(m(2, 3), (-7,), (-1,)), S(m(0, 2), (1,), (0,))],
          lambda m: S(m(3), (1,), (1,)), lambda m: S(m(3), (), ()), lambda m: S(m(3, 2), (1, 2), (0,))),
    exact("rot90", lambda m: [S(m(3, 4), k, (0, 1)) for k in (-1, 0, 1, 2, 3, 4)] + [S(m(2, 3, 2), 1, (1, 2))],
          lambda m: S(m(3), 1, (0, 1)), lambda m: S(m(3, 3), 1, (0, 0))),
    exact("repeat", lambda m: [S(m(3), (2,)), S(m(2, 3), (2, 1, 3)), S(m(2), (0,)), S(m(), (3, 2)), S(m(2, 0), (2, 2)),
                               S(m(3, 2), (1, 1))],
          lambda m: S(m(2, 3), (2,)), lambda m: S(m(3), (-1,))),
    exact("tile", lambda m: [S(m(3), (2,)), S(m(2, 3), (2,)), S(m(2), (2, 3)), S(m(), (3,)), S(m(2, 3), ())],
          lambda m: S(m(3), (-1,))),
    exact("repeat_interleave", lambda m: [S(m(3), np.array(2)), S(m(2, 3), np.array([1, 0, 2]), 1),
                                          S(m(2, 3), np.array([2]), -2), S(m(2, 2), np.array([1, 2, 3, 0])),
                                          S(m(), np.array(3)), S(m(0), np.array(2))],
          lambda m: S(m(3), np.array([1, 2])), lambda m: S(m(3), np.array(-1)),
          meta=False, one_device=False),
    exact("repeat_interleave_indices", lambda m: [S(np.array([2, 0, 1])), S(np.array([], np.int64))],
          lambda m: S(np.array([-1])), lambda m: S(np.array([0.5], np.float32)),
          torch=lambda torch, r: torch.repeat_interleave(r), meta=False),
    exact("constant_pad_nd", lambda m: [S(m(3), (1, 2)), S(m(2, 3), (1, 0, 0, 2), 1), S(m(3, 4), (-1, 2, 1, -1)),
                                        S(m(0, 2), (1, 1, 2, 0), 2), S(m(3), ()), S(m(5), (-2, -2))],
          lambda m: S(m(3), (1,)), lambda m: S(m(3), (1, 1, 1, 1)), lambda m: S(m(3), (-2, -2))),
    exact("diag_embed", lambda m: [S(m(3)), S(m(2, 3), offset=1), S(m(2, 3), offset=-2, dim1=0, dim2=2), S(m(0))],
          lambda m: S(m()), lambda m: S(m(3), dim1=0, dim2=0)),
    exact("diag", lambda m: [S(m(3)), S(m(3, 4)), S(m(3), 1), S(m(3, 4), -1), S(m(0)), S(m(2, 2), 5)],
          lambda m: S(m()), lambda m: S(m(2, 2, 2))),
    exact("diagflat", lambda m: [S(m(3)), S(m(2, 2), 1), S(m()), S(m(2), -2)]),
    creation("tril_indices", lambda m: [S(3, 4), S(4, 3, 1), S(3, 3, -1), S(0, 3), S(2, 5, 10)],
             errors=lambda m: [(S(-1, 3), "")]),
    creation("triu_indices", lambda m: [S(3, 4), S(4, 3, 1), S(3, 3, -1), S(0, 3), S(2, 5, 10)],
             errors=lambda m: [(S(-1, 3), "")]),
    exact("select_scatter", lambda m: [S(m(3, 4), m(4), 0, 1), S(m(3, 4), m(3), -1, -2), S(m(3), m(), 0, 0)],
          lambda m: S(m(3, 4), m(3), 0, 0), lambda m: S(m(3), m(), 0, 3)),
    exact("slice_scatter", lambda m: [S(m(6), m(2), 0, 1, 3), S(m(3, 6), m(3, 3), 1, 0, 6, 2), S(m(6), m(6), 0, None, None),
                                      S(m(4), m(2), 0, -2, None)],
          lambda m: S(m(6), m(3), 0, 1, 3),
          torch=lambda torch, x, src, dim, start, end, step=1: torch.slice_scatter(x, src, dim=dim, start=start, end=end, step=step)),
    exact("diagonal_scatter", lambda m: [S(m(3, 3), m(3)), S(m(3, 4), m(3), offset=1), S(m(2, 3, 3), m(2, 3), dim1=1, dim2=2)],
          lambda m: S(m(3, 3), m(2))),
    # PyTorch 1.13's own gradient of it is wrong.
    exact("as_strided_scatter", lambda m: [S(m(6), m(2, 2), (2, 2), (2, 1)).forward(), S(m(6), m(2), (2,), (3,), 1).forward()],
          lambda m: S(m(4), m(3), (2,), (1,)), torch=strided_scatter, layouts=False),
    exact("narrow_copy", lambda m: [S(m(5), 0, 1, 3).forward(), S(m(2, 4), 1, 0, 2).forward(), S(m(3), 0, 3, 0).forward()],
          lambda m: S(m(3), 0, 2, 2)),
    plain("atleast_1d", (3,), (), (2, 3)),
    plain("atleast_2d", (3,), (), (2, 3), (2, 1, 3)),
    plain("atleast_3d", (3,), (), (2, 3), (2, 1, 3, 2)),
    listed("broadcast_tensors", [(3,), (2, 1)], [(), (2,)], [(2, 3)], torch=variadic("broadcast_tensors"), one_device=False),
    listed("meshgrid", [(3,), (2,)], [(2,), (), (3,)], [(4,)], [(0,), (2,)],
           torch=lambda torch, tensors: torch.meshgrid(*tensors, indexing="ij"), one_device=False),
    listed("cartesian_prod", [(3,), (2,)], [(2,), (1,), (3,)], [(4,)], torch=variadic("cartesian_prod")),
    exact("combinations", lambda m: [S(m(4)), S(m(4), 3), S(m(3), 2, True), S(m(3), 1), S(m(2), 3), S(m(0)), S(m(3), 0)],
          lambda m: S(m(2, 2)), lambda m: S(m(3), -1)),
    listed("block_diag", [(2, 3), (1, 2)], [(3,), (2, 2), ()], [(2, 2)], torch=variadic("block_diag")),
    listed("dstack", [(3,), (3,)], [(2, 3), (2, 3)], [(), ()], [(2, 2, 1), (2, 2, 3)]),
    listed("column_stack", [(3,), (3,)], [(2, 3), (2,)], [(), ()]),
    exact("tensor_split", lambda m: [S(m(7), 3), S(m(2, 5), 2, 1), S(m(3), 5), S(m(0), 2)],
          lambda m: S(m(3), 0), lambda m: S(m(), 1)),
    exact("tensor_split_indices", lambda m: [S(m(7), (2, 5)), S(m(2, 5), (1, 1, 4), 1), S(m(5), (-2,)), S(m(4), ()), S(m(3), (5, 9))],
          lambda m: S(m(), (1,)), torch=lambda torch, x, at, dim=0: torch.tensor_split(x, tuple(at), dim)),
    Row("empty_strided", lambda m: [S((2, 3), (1, 2)), S((), ()), S((0, 2), (2, 1)), S((3,), (0,))], values=False, layouts=False,
        errors=lambda m: [(S((2,), (1, 1)), ""), (S((2,), (-1,)), ""), (S((-2,), (1,)), "")]),
    Row("resize", lambda m: [S(m(6), (2, 3)), S(m(2, 3), (2,)), S(m(4), (0,))], tol=0, half_tol=0, layouts=False,
        torch=lambda torch, x, sizes: x.resize_(sizes), errors=lambda m: [(S(m(3), (-1,)), "")]),
]
