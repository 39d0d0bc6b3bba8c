# Rows of products over chosen dims, chains of matrices, cross products and distances.
from cases.matmul import product, scaled
from cases.table import Row, S


def einsum(m):
    def call(equation, *shapes):
        return S(equation, [m(*s) for s in shapes])

    return [call("ij,jk->ik", (2, 3), (3, 4)), call("i,i->", (5,), (5,)), call("ii->i", (3, 3)), call("ij->ji", (2, 3)),
            call("ij->", (2, 3)), call("bij,bjk", (2, 2, 3), (2, 3, 2)), call("...ij,...jk->...ik", (2, 1, 2, 3), (3, 3, 2)),
            call("i,j->ij", (2,), (3,)), call("ij,kj,k->i", (2, 3), (4, 3), (4,)), call("iij,jk->k", (2, 2, 3), (3, 2)),
            call("i...->...", (2, 3, 2)), call("ij,ij->ij", (2, 1), (1, 3)), call("ab,b->a", (0, 3), (3,))]


def vander(torch, x, n=None, up=False):
    """PyTorch's own has no gradient: it changes what it has saved."""
    n = len(x) if n is None else n
    if n < 2 or not x.requires_grad:
        return torch.vander(x, n, up)
    powers = torch.linalg.vander(x, N=n)
    return powers if up else powers.flip(1)


ROWS = [
    Row("tensordot", lambda m: [S(m(2, 3, 4), m(4, 3, 2), (1, 2), (1, 0)), S(m(2, 3), m(3, 4), (-1,), (0,)), S(m(2), m(3), (), ()),
                                S(m(2, 1), m(3, 2), (1,), (0,)), S(m(0, 2), m(2, 3), (1,), (0,))],
        domain=(-2, 2), tol=64, half_tol=16, torch=lambda torch, a, b, x, y: torch.tensordot(a, b, (list(x), list(y))),
        errors=lambda m: [(S(m(2, 3), m(4, 2), (1,), (0,)), "shape"), (S(m(2), m(2), (0,), ()), ""), (S(m(2), m(2), (1,), (0,)), "dim")]),
    product("inner", [((4,), (4,)), ((2, 3), (5, 3)), ((), (3,)), ((2, 3), (3,)), ((2, 0), (0,))], [((2, 3), (4,))], [((512, 64), (512, 64))]),
    product("vdot", [((7,), (7,)), ((0,), (0,))], [((2,), (3,)), ((2, 2), (2, 2))], [((1 << 20,), (1 << 20,))]),
    product("kron", [((2, 3), (3, 2)), ((3,), (2,)), ((2,), (2, 3)), ((), (3,)), ((0, 2), (2, 2))], [], [((64, 64), (8, 8))]),
    Row("einsum", einsum, domain=(-2, 2), tol=64, half_tol=16, torch=lambda torch, e, t: torch.einsum(e, *t),
        errors=lambda m: [(S("ij,jk->ik", [m(2, 3), m(4, 2)]), ""), (S("ij->ik", [m(2, 3)]), ""), (S("i.j->i", [m(2, 3)]), ""),
                          (S("ij", [m(2, 3), m(2)]), ""), (S("ij->ii", [m(2, 3)]), ""), (S("i", [m(2, 3)]), ""), (S("i?", [m(2, 3)]), "")]),
    scaled("addmv", [((3,), (3, 4), (4,)), ((), (2, 3), (3,)), ((2,), (2, 0), (0,))], [((3,), (3, 4), (3,)), ((4,), (3, 4), (4,))],
           [((512,), (512, 512), (512,))], mixed=False),  # the three must have one dtype
    scaled("addr", [((3, 4), (3,), (4,)), ((4,), (3,), (4,)), ((), (2,), (0,))], [((3, 4), (4,), (3,)), ((3,), (3, 3), (3,))],
           [((512, 512), (512,), (512,))]),
    scaled("addbmm", [((3, 5), (2, 3, 4), (2, 4, 5)), ((5,), (2, 3, 4), (2, 4, 5)), ((), (1, 2, 3), (1, 3, 2))],
           [((3, 5), (2, 3, 4), (3, 4, 5)), ((3, 5), (3, 4), (4, 5))], [((64, 64), (8, 64, 64), (8, 64, 64))]),
    Row("linalg_multi_dot", lambda m: [S([m(2, 3), m(3, 4)]), S([m(2, 3), m(3, 4), m(4, 2)]), S([m(3), m(3, 4), m(4)]),
                                       S([m(5, 2), m(2, 6), m(6, 3), m(3, 1)])], domain=(-2, 2), tol=256, half_tol=32,
        torch=lambda torch, t: torch.linalg.multi_dot(t),
        errors=lambda m: [(S([m(2, 3)]), ""), (S([m(2, 3), m(2, 3)]), ""), (S([m(2, 3), m(3), m(3, 2)]), "")]),
    Row("chain_matmul", lambda m: [S([m(2, 3), m(3, 4)]), S([m(2, 3), m(3, 4), m(4, 2)]), S([m(2, 2)])], domain=(-2, 2), tol=256, half_tol=32,
        torch=lambda torch, t: torch.chain_matmul(*t), errors=lambda m: [(S([]), ""), (S([m(3)]), "")]),
    Row("cross", lambda m: [S(m(3), m(3)), S(m(2, 3), m(2, 3), 1), S(m(3, 3), m(3, 3)), S(m(3, 2), m(3, 2), 0)], domain=(-2, 2), tol=32,
        half_tol=16, torch=lambda torch, a, b, dim=None: torch.cross(a, b, dim) if dim is not None else torch.cross(a, b),
        errors=lambda m: [(S(m(2), m(2)), "size"), (S(m(3), m(3), 1), "dim"), (S(m(2, 3), m(2, 3), 0), "size")]),
    Row("linalg_cross", lambda m: [S(m(3), m(3)), S(m(2, 3), m(1, 3)), S(m(3, 2), m(3, 2), 0), S(m(0, 3), m(0, 3))], domain=(-2, 2), tol=32,
        half_tol=16, torch=lambda torch, a, b, dim=-1: torch.linalg.cross(a, b, dim=dim),
        errors=lambda m: [(S(m(2), m(2)), "size"), (S(m(2, 3), m(3)), "shape")]),
    Row("cdist", lambda m: [S(m(3, 4), m(2, 4)), S(m(2, 3, 2), m(2, 1, 2), p=1.0), S(m(3, 2), m(3, 2), p=3.0), S(m(2, 3), m(4, 3), p=float("inf")),
                            S(m(0, 3), m(2, 3)), S(m(30, 3), m(4, 3))], tol=4096, half_tol=64,
        errors=lambda m: [(S(m(3, 4), m(2, 5)), "shape"), (S(m(3), m(3)), "shape"), (S(m(3, 2), m(3, 2), p=-1.0), "p out of range")]),
    Row("linalg_vecdot", lambda m: [S(m(4), m(4)), S(m(2, 3), m(3)), S(m(3, 2), m(3, 2), 0)], domain=(-2, 2), tol=64, half_tol=16,
        torch=lambda torch, a, b, dim=-1: torch.linalg.vecdot(a, b, dim=dim),
        errors=lambda m: [(S(m(4), m(3)), "shape"), (S(m(4), m(4), 1), "dim")]),
    Row("vander", lambda m: [S(m(4)), S(m(3), 5), S(m(3), 2, True), S(m(3), 1), S(m(2), 0), S(m(0))], domain=(-2, 2), tol=64,
        half_tol=32, torch=vander, errors=lambda m: [(S(m(2, 2)), "one dim")]),
    Row("linalg_vander", lambda m: [S(m(4)), S(m(2, 3), 5), S(m(3), 2)], domain=(-2, 2), tol=64, half_tol=32,
        torch=lambda torch, x, n=None: torch.linalg.vander(x, N=n), errors=lambda m: [(S(m()), ""), (S(m(3), 0), "")]),
]
