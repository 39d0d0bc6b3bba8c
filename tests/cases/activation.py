# Rows of the activations and of softmax.
from cases.table import DType, Row, S, unary

DOUBLE = DType("float64")


def along(name, **options):
    """A function along one dim."""

    def samples(m):
        return [S(m(7), dim=0), S(m(3, 5), dim=1), S(m(3, 5), dim=0), S(m(2, 3, 4), dim=1),
                S(m(2, 33), dim=-1), S(m(), dim=0), S(m(0), dim=0), S(m(2, 0), dim=1),
                S(m(2, 0), dim=0), S(m(1, 3), dim=0), S(m(4), dim=0, dtype=DOUBLE)]

    return Row(name, samples, tol=32, errors=lambda m: [(S(m(2, 3), dim=2), "dim")],
               bench=lambda m: [S(m(8, 8), dim=1), S(m(1024, 1024), dim=1)], **options)


ROWS = [
    unary("relu"),
    unary("sigmoid", (-6, 6)),
    unary("tanh"),
    unary("gelu", (-4, 4), dict(approximate="tanh")),
    unary("leaky_relu", (-4, 4), (0.2,)),
    unary("elu", (-4, 4), (0.5,)),
    unary("silu", (-6, 6)),
    unary("softplus", (-4, 4), (2.0, 3.0)),
    along("softmax"),
    along("log_softmax"),
    along("softmin"),
]
