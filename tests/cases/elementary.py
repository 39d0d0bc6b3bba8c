# Rows of inverse trigonometry, hyperbolic functions and their like, of the parts of numbers, and of
# the activations beside the core set.
import numpy as np

from cases.table import Row, S, binary, unary


def integers(name, second, **options):
    """An op of two integers; there is nothing for floats or bool."""

    def samples(m):
        if m.floating:
            return [S(m(3), m(3))]
        return [S(m(17), m(17, domain=second)), S(m(3, 1), m(5, domain=second)),
                S(m(2, 3), m(domain=second)), S(m(0), m(0)), S(m(5), 2), S(m(3, 0), m(1, domain=second))]

    return Row(name, samples, (-30, 30), pointwise=True, **options)


def heaviside(m):
    return [S(m(17), m(17)), S(m(3, 1), m(5)), S(m(), m(4)), S(m(0), m(0)),
            S(m.special(), np.ones_like(m.special()))]


def prelu(m):
    return [S(m(17), m.floats(1)), S(m(3, 5), m.floats(5)), S(m(2, 3, 4), m.floats(3)), S(m(), m.floats(1)),
            S(m(4), m.floats(1)), S(m(0), m.floats(1)), S(m(2, 0, 3), m.floats(1)), S(m(3, 2), m.floats())]


def glu(m):
    return [S(m(8)), S(m(3, 6)), S(m(4, 3), 0), S(m(2, 4, 3), dim=1), S(m(0)), S(m(2, 0)), S(m(0, 2))]


def rrelu(m):
    return [S(m(17)), S(m(3, 5), 0.1, 0.3), S(m(40), training=True).forward(),
            S(m(3, 4), 0.25, 0.5, True).forward(), S(m()), S(m(0)), S(m(2, 0, 3))]


def _rrelu(torch, *args, **kwargs):
    return torch.nn.functional.rrelu(*args, **kwargs)


ROWS = [
    unary("acos", (-0.9, 0.9)),
    unary("asin", (-0.9, 0.9)),
    unary("atan"),
    unary("acosh", (1.1, 9)),
    unary("asinh"),
    unary("atanh", (-0.9, 0.9)),
    unary("cosh"),
    unary("sinh"),
    unary("exp2"),
    unary("deg2rad", (-400, 400)),
    unary("rad2deg"),
    unary("sinc"),
    binary("atan2"),
    binary("hypot"),
    binary("logaddexp"),
    binary("logaddexp2"),
    binary("xlogy", (-4, 4), (0.1, 5)),
    binary("special_xlog1py", (-4, 4), (-0.9, 5)),
    binary("ldexp", (-4, 4), (-6, 6), special=False),
    binary("float_power", (0.3, 3), (-2, 3), tol=64),

    unary("signbit"),
    unary("isposinf"),
    unary("isneginf"),
    unary("isreal"),
    unary("angle"),
    unary("positive"),
    unary("frac"),
    unary("frexp"),
    unary("nan_to_num", (-4, 4), dict(nan=2.0), dict(posinf=1.0, neginf=-1.0)),
    binary("copysign"),
    binary("nextafter", per_dtype=True),
    Row("heaviside", heaviside, pointwise=True,
        errors=lambda m: [(S(m(2, 3), m(4, 5)), "shape mismatch")]),
    binary("fmod", (-9, 9), (0.5, 4)),
    binary("fmax"),
    binary("fmin"),
    integers("gcd", (-30, 30)),
    integers("lcm", (-30, 30)),
    integers("bitwise_left_shift", (0, 5)),
    integers("bitwise_right_shift", (0, 5)),

    unary("hardsigmoid", (-5, 5)),
    unary("hardswish", (-5, 5)),
    unary("mish"),
    unary("log_sigmoid", torch=lambda torch, x: torch.nn.functional.logsigmoid(x)),
    unary("celu", (-4, 4), (0.5,)),
    unary("selu"),
    unary("hardshrink", (-2, 2), (0.25,)),
    unary("softshrink", (-2, 2), (0.25,)),
    Row("threshold", lambda m: [S(m(17), 0.25, -1), S(m(3, 5), 1, 2), S(m(), 0, 1), S(m(0), 0, 1),
                                S(m.special(), 0.5, 3).kink()], pointwise=True),
    unary("softsign"),
    unary("tanhshrink"),
    Row("prelu", prelu, mixed=False, errors=lambda m: [(S(m(3, 2), m(3)), "channels")]),
    Row("rrelu", rrelu, torch=_rrelu, per_dtype=True),
    Row("glu", glu, errors=lambda m: [(S(m(3)), "even"), (S(m(2)[0]), "0-dim")]),
]
