# Rows of the ops that draw: the same seed gives PyTorch's own values, bit for bit.
from cases.table import Row, S


def draws(name, samples, **options):
    options.setdefault("tol", 0)
    return Row(name, samples, per_dtype=True, layouts=False, half_tol=0, **options)


def fill(name, *args, **options):
    """An in-place filling, with default and given arguments."""
    return draws(name, lambda m: [S(m(5), *a) for a in args] + [S(m(17), *args[-1]), S(m(0), *args[-1]),
                                                                S(m(33), *args[-1]), S(m(), *args[-1])],
                 bench=lambda m: [S(m(64), *args[-1]), S(m(1 << 20), *args[-1])], **options)


def sized(m):
    return [S((5,), dtype=m.dtype), S((3, 7), dtype=m.dtype), S((), dtype=m.dtype),
            S((0,), dtype=m.dtype), S((33,))]


def probabilities(m):
    return m(17, domain=(0, 1)), m(3, 4, domain=(0, 1))


def dropouts(*shapes):
    def samples(m):
        out = [S(m(*s), 0.5, True) for s in shapes] + [S(m(*s), 0.25, False) for s in shapes[:2]]
        return out + [S(m(*shapes[0]), 0.0, True), S(m(*shapes[0]), 1.0, True)]

    return samples


ROWS = [
    draws("rand", sized, bench=lambda m: [S((64,)), S((1 << 20,))]),
    draws("randn", sized, bench=lambda m: [S((64,)), S((1 << 20,))]),
    draws("randint", lambda m: [S(0, 10, (17,), dtype=m.dtype), S(-5, 5, (3, 4)), S(0, 1 << 40, (5,)),
                                S(0, 3, ()), S(0, 3, (0,))],
          errors=lambda m: [(S(3, 3, (2,)), "")], bench=lambda m: [S(0, 10, (1 << 20,))]),
    draws("randperm", lambda m: [S(17, dtype=m.dtype), S(1), S(0), S(33)],
          errors=lambda m: [(S(-1), "")], bench=lambda m: [S(1 << 20)]),
    draws("rand_like", lambda m: [S(m(5)), S(m(3, 7)), S(m()), S(m(0))]),
    draws("randn_like", lambda m: [S(m(5)), S(m(3, 7)), S(m()), S(m(0))]),
    draws("randint_like", lambda m: [S(m(5), 0, 10), S(m(3, 7), 0, 3), S(m(0), 0, 2)]),
    draws("normal", lambda m: [S(m(5), m(5, domain=(0.5, 2))), S(m(17), m(17, domain=(0.5, 2))),
                               S(m(0), m(0))], nograd=(0, 1)),
    draws("normal_sizes", lambda m: [S(1.0, 2.0, (5,)), S(0.0, 1.0, (3, 7)), S(0.0, 1.0, (0,))],
          torch=lambda torch, *a, **k: torch.normal(*a, **k), bench=lambda m: [S(0.0, 1.0, (1 << 20,))]),
    draws("bernoulli", lambda m: [S(p) for p in probabilities(m)] + [S(m(0))], nograd=(0,)),
    draws("bernoulli_p", lambda m: [S(m(17), 0.25), S(m(3, 5), 0.9), S(m(0), 0.5)], nograd=(0,)),
    fill("uniform", (), (-2.0, 3.0)),
    fill("fill_normal", (), (1.0, 0.5), torch=lambda torch, x, *a: x.normal_(*a)),
    fill("log_normal", (), (0.5, 0.25), tol=4),
    fill("cauchy", (), (0.5, 0.25), tol=4),
    fill("exponential", (), (0.5,), tol=4),
    fill("geometric", (0.25,)),
    fill("fill_bernoulli", (), (0.25,), torch=lambda torch, x, *a: x.bernoulli_(*a)),
    draws("fill_bernoulli_tensor",
          lambda m: [S(m(17), m.floats(17, domain=(0, 1))), S(m(3, 4), m.floats(3, 4, domain=(0, 1))),
                     S(m(0), m.floats(0))],
          torch=lambda torch, x, p: x.bernoulli_(p), nograd=(0, 1)),
    fill("random", ()),
    draws("random_range", lambda m: [S(m(17), 0, 10), S(m(5), 2, 100), S(m(0), 0, 3), S(m(5), 1, None)],
          torch=lambda torch, x, *a: x.random_(*a)),
    draws("multinomial", lambda m: [S(m.floats(5, domain=(0.1, 1)), 3), S(m.floats(2, 9, domain=(0.1, 1)), 4),
                                    S(m.floats(5, domain=(0.1, 1)), 1), S(m.floats(2, 9, domain=(0.1, 1)), 20, True)],
          errors=lambda m: [(S(m(3, domain=(0.1, 1)), 4), "num_samples"), (S(m(3, domain=(-1, -0.1)), 1), "out of range")],
          bench=lambda m: [S(m(64, 1000, domain=(0.1, 1)), 10)]),
    Row("gumbel_softmax", lambda m: [S(m(7)), S(m(3, 5), 0.5), S(m(2, 40), 2.0, False, 0)], per_dtype=True, layouts=False,
        torch=lambda torch, x, tau=1, hard=False, dim=-1: torch.nn.functional.gumbel_softmax(x, tau, hard, dim=dim),
        twice=False),
    draws("dropout", dropouts((17,), (3, 7), (0,), ())),
    draws("feature_dropout", dropouts((2, 3, 4), (3, 2, 2, 2)),
          torch=lambda torch, *a: torch.feature_dropout(*a)),
    draws("alpha_dropout", dropouts((17,), (3, 7)), tol=4),
    draws("feature_alpha_dropout", dropouts((2, 3, 4), (3, 2, 2, 2)), tol=4,
          torch=lambda torch, *a: torch.feature_alpha_dropout(*a)),
]
