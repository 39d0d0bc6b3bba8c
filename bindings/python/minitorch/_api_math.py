"""torch's signatures of elementwise ops and special functions, where they differ from the C functions'."""
from __future__ import annotations

from . import _ops
from ._results import named
from ._runtime import TensorBase
from ._typing import Number

FUNCTIONS_ONLY = {"celu", "selu", "rrelu", "threshold"}
METHODS_ONLY = set()
ALIASES = {"arccos": "acos", "arccosh": "acosh", "arcsin": "asin", "arcsinh": "asinh", "arctan": "atan",
           "arctanh": "atanh", "fix": "trunc"}
ALIASES.update({n + "_": t + "_" for n, t in list(ALIASES.items())})
ALIASES.update({"arctan2_": "atan2_", "absolute_": "abs_", "negative_": "neg_", "subtract_": "sub_",
                "multiply_": "mul_", "divide_": "div_", "true_divide_": "div_", "greater_": "gt_",
                "greater_equal_": "ge_", "less_": "lt_", "less_equal_": "le_", "not_equal_": "ne_"})


_Frexp = named("frexp", "mantissa exponent")


def frexp(input: Tensor) -> _Frexp:
    """input as mantissa * 2 ** exponent, 1/2 <= |mantissa| < 1."""
    return _Frexp(*_ops.frexp(input))


def nan_to_num(input: Tensor, nan: float | None = 0.0, posinf: float | None = None,
               neginf: float | None = None) -> Tensor:
    """NaN and infinities replaced, by default by 0 and the largest numbers."""
    return _ops.nan_to_num(input, nan, posinf, neginf)


def polygamma(n: int, input: Tensor) -> Tensor:
    """The n-th derivative of digamma; as a method x.polygamma(n)."""
    return _ops.polygamma(input, n) if isinstance(n, TensorBase) else _ops.polygamma(n, input)


def polygamma_(input: Tensor, n: int) -> Tensor:
    return _ops.polygamma_of_(input, n)


def fill(input: Tensor, value: Tensor | Number) -> Tensor:
    """A tensor like input with one value everywhere."""
    return _ops.clone(input).fill_(value)


# --- conjugates, which are always copies here ------------------------------------------------------
def conj(input: Tensor) -> Tensor:
    return _ops.conj(input) if input.is_complex() else input


def real(input: Tensor) -> Tensor:
    return _ops.real(input) if input.is_complex() else input


def conj_physical(input: Tensor) -> Tensor:
    return conj(input)


def conj_physical_(input: Tensor) -> Tensor:
    return input.copy_(conj(input)) if input.is_complex() else input


def is_signed(input: Tensor) -> bool:
    return input.dtype.name not in ("uint8", "bool", "uint16", "uint32", "uint64")


def is_nonzero(input: Tensor) -> bool:
    return bool(input)


def is_same_size(input: Tensor, other: Tensor) -> bool:
    return input.shape == other.shape


def resolve_conj(input: Tensor) -> Tensor:
    return input


def resolve_neg(input: Tensor) -> Tensor:
    return input


def is_conj(input: Tensor) -> bool:
    return False


def is_neg(input: Tensor) -> bool:
    return False


# --- activations that torch also has at its top ---------------------------------------------------
def celu(input: Tensor, alpha: float = 1.0) -> Tensor:
    return _ops.celu(input, alpha)


def selu(input: Tensor) -> Tensor:
    return _ops.selu(input)


def rrelu(input: Tensor, lower: float = 0.125, upper: float = 1 / 3, training: bool = False,
          generator=None) -> Tensor:
    return _ops.rrelu(input, lower, upper, training, generator)


def threshold(input: Tensor, threshold: Number, value: Number) -> Tensor:
    return _ops.threshold(input, threshold, value)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    return _ops.prelu(input, weight)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    return _ops.hardshrink(input, lambd)
