# Rows of the losses.
import numpy as np

from cases.table import Row, S, loss

REDUCTIONS = ("mean", "sum", "none")


def logs(m, *shape):
    return m(*shape, domain=(-4, -0.1))


def classes(values):
    """Class targets: plain, weighted, with ignored samples, of spatial and single inputs."""

    def samples(m):
        out = [S(values(m, 4, 5), m.index(5, 4), reduction=r) for r in REDUCTIONS]
        out += [S(values(m, 4, 5), m.index(5, 4), weight=m(5, domain=(0.5, 2)), reduction=r) for r in REDUCTIONS]
        out += [S(values(m, 4, 3), np.array([0, 2, 1, 2]), reduction=r, ignore_index=2) for r in REDUCTIONS]
        out += [S(values(m, 5), m.index(5)), S(values(m, 2, 3, 4), m.index(3, 2, 4)),
                S(values(m, 2, 3, 2, 2), m.index(3, 2, 2, 2), weight=m(3, domain=(0.5, 2))),
                S(values(m, 0, 3), m.index(3, 0), reduction="sum"), S(values(m, 2, 33), m.index(33, 2))]
        return out

    return samples


def cross_entropy(m):
    out = classes(lambda m, *s: m(*s))(m)
    out += [S(m(4, 5), m.index(5, 4), label_smoothing=0.1, reduction=r) for r in REDUCTIONS]
    out += [S(m(4, 5), m.floats(4, 5, domain=(0, 0.5)), reduction=r) for r in REDUCTIONS]
    return out + [S(m(4, 5), m.floats(4, 5, domain=(0, 0.5)), weight=m(5, domain=(0.5, 2)), label_smoothing=0.1)]


def bad_classes(m):
    return [(S(m(4, 5), np.array([0, 1, 5, 2])), ""), (S(m(4, 5), np.array([0, -1, 1, 2])), ""),
            (S(m(4, 5), m.index(5, 3)), "shape"), (S(m(4, 5), m.index(5, 4), weight=m(4)), "weight")]


def binary(first):
    def samples(m):
        def pair(*shape):
            return m(*shape, domain=first), m.floats(*shape, domain=(0, 1))

        out = [S(*pair(3, 5), reduction=r) for r in REDUCTIONS] + [S(*pair(17)), S(*pair()), S(*pair(0), reduction="sum")]
        return out + [S(*pair(3, 5), weight=m(5, domain=(0.5, 2)), reduction=r) for r in REDUCTIONS]

    return samples


def weighted(m):
    return binary((-3, 3))(m) + [S(m(3, 5), m.floats(3, 5, domain=(0, 1)), pos_weight=m(5, domain=(0.5, 2)),
                                   reduction=r) for r in REDUCTIONS]


def bench(*shape, first=None):
    return lambda m: [S(m(8, 10), m.index(10, 8)), S(m(1024, 1000), m.index(1000, 1024))]


def pairs(m):
    return [S(m(64, domain=(0.1, 0.9)), m(64, domain=(0.1, 0.9))),
            S(m(1 << 20, domain=(0.1, 0.9)), m(1 << 20, domain=(0.1, 0.9)))]


ROWS = [
    loss("mse_loss"),
    loss("l1_loss"),
    loss("smooth_l1_loss", (-3, 3), (-3, 3), dict(beta=0.5), dict(beta=0.5, reduction="none")),
    loss("huber_loss", (-3, 3), (-3, 3), dict(delta=0.5), dict(delta=2.0, reduction="none"),
         mixed=False),  # PyTorch gives the input's dtype, ours promotes
    Row("nll_loss", classes(logs), tol=64, errors=bad_classes, bench=bench()),
    Row("cross_entropy", cross_entropy, domain=(-3, 3), tol=64, errors=bad_classes, bench=bench()),
    Row("binary_cross_entropy", binary((0.1, 0.9)), tol=64, half_tol=8, bench=pairs,
        errors=lambda m: [(S(m(2, domain=(0.1, 0.9)), m(3, domain=(0.1, 0.9))), "shape")]),
    Row("binary_cross_entropy_with_logits", weighted, domain=(-3, 3), tol=64, half_tol=8, bench=pairs,
        mixed=False,  # PyTorch writes into a tensor of the target's dtype, ours promotes
        errors=lambda m: [(S(m(2), m(3)), "shape")]),
    loss("kl_div", (-3, -0.1), (0.1, 0.9), dict(log_target=True), dict(reduction="sum")),
]
