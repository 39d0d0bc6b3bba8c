# Rows of complex numbers and Fourier transforms. Complex arrays have float64's place in complex128 and
# that of the other dtypes in complex64. What is linear in its input needs no second derivative.
import numpy as np

from cases.table import Row, S, creation, view


def not_half(samples):
    """PyTorch has complex numbers of two float16; this library has not."""
    return lambda m: [] if m.dtype in ("float16", "bfloat16") else samples(m)


def z(m, *shape):
    """Complex values."""
    a, b = m(*shape), m(*shape)
    return np.asarray(a + 1j * b, "complex128" if m.dtype == "float64" else "complex64")


def fft(name):
    return lambda torch, *args, **kwargs: getattr(torch.fft, name)(
        *args, **{k: v for k, v in kwargs.items() if v not in ((), "")})


def transform(name, real, half, *wrong):
    """real: the input is real; half: the result is, made from `half` of the points."""

    def samples(m):
        x = (lambda *s: m(*s)) if real else (lambda *s: z(m, *s))
        out = [S(x(8)), S(x(3, 5)), S(x(3, 5), dim=0), S(x(4, 3), n=6), S(x(4, 6), n=3, dim=-2),
               S(x(2, 7), norm="ortho"), S(x(6), norm="forward"), S(x(5), norm="backward"),
               S(x(0, 4)), S(x(2, 3, 4), dim=1, norm="ortho", n=5)]
        return out + [S(m(2, 4)), S(x(2))] + [S(m(6), n=4, norm="forward")] * (not real)

    return Row("fft_" + name, samples, (-2, 2), tol=64, torch=fft(name),
               errors=lambda m: [(S(m(3), n=0), "data points"), (S(m(3), dim=4), "dim"),
                                 (S(m()), "data points"), (S(m(3), norm="x"), "norm"),
                                 (S(np.zeros(3, "complex64")), "real") if real else
                                 (S(m(0)), "data points")],
               bench=lambda m: [S(x) for x in ((m if real else lambda *s: z(m, *s))(1024),
                                               (m if real else lambda *s: z(m, *s))(512, 512))])


def transforms(name, real):
    def samples(m):
        x = (lambda *s: m(*s)) if real else (lambda *s: z(m, *s))
        return [S(x(4, 3)), S(x(2, 3, 4), dim=(0, 2)), S(x(2, 3, 4), s=(3, 5)), S(x(5)),
                S(x(2, 3, 4), s=(2, -1), dim=(-1, 1), norm="ortho"), S(x(3, 4), norm="forward"),
                S(x(3, 4), norm="backward"), S(m(3, 2))]

    return Row("fft_" + name, samples, (-2, 2), tol=128, torch=fft(name),
               errors=lambda m: [(S(m(2, 3), s=(2,), dim=(0, 1)), "length"),
                                 (S(m(2, 3), dim=(0, 0)), "unique"), (S(m(3), s=(2, 2)), "sizes"),
                                 (S(m(2, 3), norm="x"), "norm")])


def shift(name):
    return Row("fft_" + name, lambda m: [S(m(5)), S(m(4, 3)), S(m(4, 3), dim=(0,)), S(m(2, 3), dim=(-1,)),
                                         S(m(0)), S(z(m, 6))], tol=0, half_tol=0, torch=fft(name))


def frequencies(name):
    return creation("fft_" + name, lambda m: [S(5, dtype=m.dtype), S(6, 0.5, dtype=m.dtype), S(1, dtype=m.dtype)]
                    if m.floating else [], tol=8, torch=fft(name),
                    errors=lambda m: [(S(-1), "negative")])


def window(name, *more):
    def samples(m):
        if not m.floating or m.dtype in ("float16", "bfloat16"):
            return []
        return [S(7, dtype=m.dtype), S(8, False, dtype=m.dtype), S(1, dtype=m.dtype),
                S(0, dtype=m.dtype)] + [S(6, True, dtype=m.dtype, **v) for v in more]

    def torch(torch, n, periodic=True, dtype=None, **named):
        return getattr(torch, name)(n, periodic, *named.values(), dtype=dtype)

    return creation(name, samples, tol=64, torch=torch, errors=lambda m: [(S(-1), "negative")])


def short_time(m):
    w = np.hanning(9)[1:].astype(m.numpy_dtype if m.floating else "float32")
    return [S(m(2, 32), 8), S(m(20), 8, 3, 6), S(m(2, 21), 8, 4, 8, w), S(m(24), 8, center=False),
            S(m(18), 8, normalized=True, onesided=False), S(m(16), 4, return_complex=False),
            S(m(16), 6, pad_mode="constant"), S(z(m, 16), 4, onesided=False)]


def inverse_samples(m):
    w = np.round(64 * np.hanning(9)[:8] + 32).astype(m.numpy_dtype if m.floating else "float32") / 64
    return [S(z(m, 5, 9), 8), S(z(m, 2, 5, 6), 8, 2, 8, w), S(z(m, 8, 5), 8, onesided=False),
            S(z(m, 5, 6), 8, normalized=True), S(z(m, 5, 6), 8, length=15),
            S(m(5, 6, 2), 8, center=False), S(z(m, 8, 5), 8, onesided=False, return_complex=True)]


def short(torch, x, *args, return_complex=True, **kwargs):
    return torch.stft(x, *args, return_complex=return_complex, **kwargs)


def pair(name, domain=(-4, 4)):
    def samples(m):
        return [S(m(5), m(5)), S(m(3, 1), m(4)), S(m(), m()), S(m(0), m(0)), S(m(2, 3), m(3))]

    return Row(name, not_half(samples), domain, tol=16, mixed=False,
               errors=lambda m: [(S(m(2), m(3)), "shape mismatch"),
                                 (S(np.zeros(2), m(2)), "dtype mismatch")])


def square(m, *shape):
    """Distinct eigenvalues of an uneven matrix."""
    return np.asarray(m(*shape) + 4 * np.diag(np.arange(shape[-1])), m.numpy_dtype)


ROWS = [
    pair("complex"), pair("polar", (0.125, 4)),  # PyTorch's gradient of a negative abs has its sign wrong
    view("real", lambda m: [S(z(m, 3, 4)), S(z(m)), S(z(m, 0)), S(m(3))]),
    view("imag", lambda m: [S(z(m, 3, 4)), S(z(m)), S(z(m, 0))],
         errors=lambda m: [(S(m(3)), "complex")]),
    view("view_as_real", lambda m: [S(z(m, 3, 4)), S(z(m)), S(z(m, 0))],
         errors=lambda m: [(S(m(3)), "complex")]),
    view("view_as_complex", not_half(lambda m: [S(m(3, 4, 2)), S(m(2)), S(m(0, 2))]), layouts=False,
         errors=lambda m: [(S(m(3)), "size 2"), (S(m()), "size 2"), (S(np.zeros(2, "int64")), "dtype")]),
    Row("conj", lambda m: [S(z(m, 3, 4)), S(z(m)), S(z(m, 0)), S(m(3))], tol=0, half_tol=0),
    Row("sgn", lambda m: [S(m(17)), S(z(m, 3, 4)), S(z(m)), S(z(m, 0)), S(m(0))], tol=16),
    transform("fft", False, False), transform("ifft", False, False), transform("rfft", True, False),
    transform("irfft", False, True), transform("hfft", False, True), transform("ihfft", True, False),
    transforms("fftn", False), transforms("ifftn", False), transforms("rfftn", True),
    transforms("irfftn", False), transforms("hfftn", False), transforms("ihfftn", True),
    frequencies("fftfreq"), frequencies("rfftfreq"), shift("fftshift"), shift("ifftshift"),
    window("hann_window"), window("hamming_window", dict(alpha=0.5, beta=0.25)), window("blackman_window"),
    window("bartlett_window"), window("kaiser_window", dict(beta=3.0)),
    Row("stft", short_time, (-2, 2), tol=256, torch=short, nograd=(1,),
        errors=lambda m: [(S(m(2, 2, 9), 4), "shape"), (S(m(9), 4, 0), "hop_length"),
                          (S(m(9), 4, 2, 5), "win_length"), (S(m(9), 4, 2, 4, m(3)), "window"),
                          (S(z(m, 9), 4, onesided=True), "onesided"),
                          (S(m(3), 8, center=False), "n_fft")]),
    Row("istft", inverse_samples, (-2, 2), tol=1024, half_tol=16, meta=False, nograd=(1,),
        errors=lambda m: [(S(np.zeros((4, 5), "complex64"), 8), "frequencies"),
                          (S(np.ones((5, 5), "complex64"), 8, 2, 8, np.zeros(8, "float32")), "weight")]),
    Row("linalg_eig", lambda m: [S(square(m, 3, 3)).forward(), S(square(m, 2, 2, 2)).forward(),
                                 S(square(m, 1, 1)).forward(), S(m(0, 3, 3)).forward()], (-1, 1),
        tol=4096, torch=lambda torch, a: tuple(torch.linalg.eig(a)),
        errors=lambda m: [(S(m(2, 3)), "square"), (S(np.zeros((2, 2), "complex64")), "complex64")]),
    Row("linalg_eigvals", lambda m: [S(square(m, 3, 3)), S(square(m, 2, 2, 2)), S(square(m, 1, 1)),
                                     S(m(0, 3, 3))], (-1, 1), tol=4096,
        torch=lambda torch, a: torch.linalg.eigvals(a), errors=lambda m: [(S(m(2, 3)), "square")]),
]
