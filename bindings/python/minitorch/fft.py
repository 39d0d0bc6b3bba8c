"""torch.fft: discrete Fourier transforms."""
from . import _ops
from ._runtime import _ints


def _one(op):
    def transform(input, n=None, dim=-1, norm=None):
        return op(input, n, dim, norm or "")

    transform.__name__ = op.__name__.removeprefix("fft_")
    transform.__doc__ = op.__doc__
    return transform


def _many(op, name, default):
    def transform(input, s=None, dim=default, norm=None):
        if dim is not None and len(_ints(dim)) == 0 or s is not None and len(_ints(s)) == 0:
            if name not in ("fft2", "fftn", "ifft2", "ifftn"):
                raise RuntimeError(f"{name} must transform at least one axis")
            return input + 0j
        return op(input, _ints(s), _ints(dim), norm or "")

    transform.__name__, transform.__doc__ = name, op.__doc__
    return transform


for _name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
    globals()[_name] = _one(getattr(_ops, "fft_" + _name))
    globals()[_name + "n"] = _many(getattr(_ops, f"fft_{_name}n"), _name + "n", None)
    globals()[_name + "2"] = _many(getattr(_ops, f"fft_{_name}n"), _name + "2", (-2, -1))


def fftfreq(n: int, d: float = 1.0, *, dtype=None, device=None, requires_grad=False):
    return _ops.fft_fftfreq(n, d, dtype, device).requires_grad_(requires_grad)


def rfftfreq(n: int, d: float = 1.0, *, dtype=None, device=None, requires_grad=False):
    return _ops.fft_rfftfreq(n, d, dtype, device).requires_grad_(requires_grad)


def fftshift(input, dim=None):
    return _ops.fft_fftshift(input, _ints(dim))


def ifftshift(input, dim=None):
    return _ops.fft_ifftshift(input, _ints(dim))
