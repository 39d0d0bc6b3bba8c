# Rows of the special functions.
import math

import numpy as np

from cases.table import Row, S, binary, unary


def degrees(name, domain=(-1, 1), **options):
    """A polynomial of a degree that is a tensor or a number."""

    def samples(m):
        n = np.asarray([0, 1, 2, 3, 7, 12, 1 if m.dtype == "uint8" else -1],
                       m.numpy_dtype if m.dtype != "bool" else "int64")
        return [S(m(7), n), S(m(3, 1), n), S(m(5), 4), S(m(), n), S(m(0), m(0)), S(m(4), 12)]

    return Row(name, samples, domain, pointwise=True, tol=512, half_tol=512, **options)


def bessel(name, scipy_name, domain, **options):
    """PyTorch's own are good for 1e-6 only in places: SciPy's values, with PyTorch's at the ends."""

    def reference(torch, x):
        import scipy.special
        own = getattr(torch.special, name)(x)
        exact = getattr(scipy.special, scipy_name)(x.detach().double().numpy())
        exact = torch.as_tensor(exact[0] if scipy_name == "airy" else exact).to(own.dtype)
        return torch.where(torch.isfinite(own), exact, own)

    return unary("special_" + name, domain, tol=256, torch=reference, **options)


def exact_polygamma(torch, n, x):
    """PyTorch's trigamma is good for 1e-10 only: by zeta, which is exact."""
    sign = 1.0 if n % 2 else -1.0
    return torch.digamma(x) if n == 0 else sign * math.factorial(n) * torch.special.zeta(n + 1.0, x)


def exact_digamma(torch, x):
    """digamma with the gradient of exact_polygamma."""
    value = torch.digamma(x)
    if not value.is_floating_point() or not x.requires_grad:
        return value
    return value.detach() + exact_polygamma(torch, 1, x.detach()) * (x - x.detach())


def polygamma(m):
    return [S(n, m(9)) for n in (0, 1, 2, 3)] + [S(2, m()), S(1, m(0)), S(1, m(3, 5))]


def incomplete(name):
    return binary(name, (0.5, 6), special=False, scalars=False, nograd=(0,), tol=256)


ROWS = [
    unary("erfc", (-3, 3)),
    unary("erfinv", (-0.95, 0.95), tol=64),
    unary("special_erfcx", (-1.5, 4), tol=64),
    unary("special_ndtr"),
    unary("special_ndtri", (0.02, 0.98), tol=64),
    Row("special_log_ndtr", lambda m: [S(m(17)), S(m(3, 5)), S(m()), S(m(0)), S(m.special()).forward()],
        pointwise=True, tol=64),
    unary("special_entr", (0.1, 4)),
    unary("logit", (0.05, 0.95), dict(eps=0.1), tol=64),
    unary("lgamma", (0.3, 9), tol=64),
    unary("digamma", (0.3, 9), tol=256, torch=exact_digamma, special=False),
    Row("polygamma", polygamma, (0.3, 6), tol=256,
        torch=lambda torch, n, x: exact_polygamma(torch, n, x) if n else exact_digamma(torch, x)),
    Row("polygamma_of", lambda m: [S(m(9), 1), S(m(3, 5), 2), S(m(), 0), S(m(0), 1)], (0.3, 6), tol=256,
        torch=lambda torch, x, n: x.polygamma_(n) if not x.is_floating_point() else
        exact_polygamma(torch, n, x) if n else exact_digamma(torch, x)),
    Row("mvlgamma", lambda m: [S(m(9), 1), S(m(3, 5), 3), S(m(), 2), S(m(0), 2)], (2.1, 9), tol=256,
        errors=lambda m: [(S(m(3), 0), "greater than or equal to 1")]),
    incomplete("igamma"),
    incomplete("igammac"),
    binary("special_zeta", (1.5, 6), (0.3, 5), special=False, nograd=(0,), tol=256),
    unary("i0", tol=64),
    unary("special_i0e", tol=64),
    unary("special_i1", tol=64),
    unary("special_i1e", tol=64),
    unary("special_spherical_bessel_j0", (-9, 9), tol=64),
    *[bessel(n, other, (-9, 9)) for n, other in (
        ("modified_bessel_i0", "i0"), ("modified_bessel_i1", "i1"), ("bessel_j0", "j0"),
        ("bessel_j1", "j1"))],
    bessel("airy_ai", "airy", (-9, 9), special=False),
    *[bessel(n, other, (0.1, 9)) for n, other in (
        ("modified_bessel_k0", "k0"), ("modified_bessel_k1", "k1"), ("scaled_modified_bessel_k0", "k0e"),
        ("scaled_modified_bessel_k1", "k1e"), ("bessel_y0", "y0"), ("bessel_y1", "y1"))],
    *[degrees(f"special_chebyshev_polynomial_{k}") for k in "tuvw"],
    *[degrees(f"special_shifted_chebyshev_polynomial_{k}", (0, 1)) for k in "tuvw"],
    degrees("special_hermite_polynomial_h"),
    degrees("special_hermite_polynomial_he"),
    degrees("special_laguerre_polynomial_l"),
    degrees("special_legendre_polynomial_p"),
]
