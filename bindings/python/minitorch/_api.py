"""torch's signatures where they differ from the C functions': overloads, keyword names, defaults.

Everything here is both a function of the module and, unless listed in FUNCTIONS_ONLY, a Tensor
method of the same name.
"""
from __future__ import annotations

from typing import overload

from . import _api_linalg, _api_math, _api_reduce, _api_shape, _ops, _spectral
from ._results import named
from ._runtime import TensorBase, _ints

_Max = named("max", "values indices")
_Min = named("min", "values indices")

FUNCTIONS_ONLY = {"normal", "broadcast_tensors", "where"}


def _extreme(whole, along, pairwise, kind):
    def op(input, dim=None, keepdim=False, *, other=None):
        if isinstance(dim, TensorBase):
            dim, other = None, dim
        if other is not None:
            return pairwise(input, other)
        if dim is None:
            return whole(input)
        return kind(*along(input, dim, keepdim))

    return op


@overload
def max(input) -> Tensor: ...
@overload
def max(input, dim: Tensor) -> Tensor: ...
@overload
def max(input, dim: int, keepdim: bool = False) -> _Max: ...
def max(input, dim=None, keepdim=False, *, other=None):
    """The largest value; with dim the values and indices along it; with a tensor the maximum."""
    return _max(input, dim, keepdim, other=other)


@overload
def min(input) -> Tensor: ...
@overload
def min(input, dim: Tensor) -> Tensor: ...
@overload
def min(input, dim: int, keepdim: bool = False) -> _Min: ...
def min(input, dim=None, keepdim=False, *, other=None):
    """The smallest value; with dim the values and indices along it; with a tensor the minimum."""
    return _min(input, dim, keepdim, other=other)


_max = _extreme(_ops.max, _ops.max_dim, lambda a, b: _ops.maximum(a, b), _Max)
_min = _extreme(_ops.min, _ops.min_dim, lambda a, b: _ops.minimum(a, b), _Min)


def squeeze(input, dim=None):
    return _ops.squeeze(input) if dim is None else _ops.squeeze_dim(input, dim)


def permute(input, *dims):
    """Both torch.permute(x, (1, 0)) and x.permute(1, 0)."""
    return _ops.permute(input, dims[0] if len(dims) == 1 and not isinstance(dims[0], int) else dims)


def split(input, split_size_or_sections: Ints, dim=0):
    if isinstance(split_size_or_sections, int):
        return _ops.split(input, split_size_or_sections, dim)
    return _ops.split_with_sizes(input, split_size_or_sections, dim)


@overload
def where(condition: Tensor) -> tuple[Tensor, ...]: ...
@overload
def where(condition: Tensor, input: Tensor | Number, other: Tensor | Number) -> Tensor: ...
def where(condition: Tensor, input: Tensor | Number | None = None,
          other: Tensor | Number | None = None) -> Any:
    if input is None and other is None:
        return _api_reduce.nonzero(condition, as_tuple=True)
    return _ops.where(condition, input, other)


def div(input, other, *, rounding_mode=None):
    return _ops.div(input, other, rounding_mode or "")


def div_(input, other, *, rounding_mode=None):
    return _ops.div_(input, other, rounding_mode or "")


def normal(mean: Tensor | float, std: Tensor | float = 1.0, size=None, *, dtype=None, device=None,
           generator=None):
    if size is not None:
        return _ops.normal_sizes(float(mean), float(std), _ints(size), dtype, device, generator)
    return _ops.normal(mean, std, generator)


def numpy_T(input):
    return _ops.permute(input, tuple(range(input.ndim - 1, -1, -1)))


def swapaxes(input, axis0, axis1):
    return _ops.transpose(input, axis0, axis1)


swapdims = swapaxes


def ravel(input):
    return _ops.reshape(input, (-1,))


def softmax(input, dim, dtype=None):
    return _ops.softmax(input, dim, dtype)


def log_softmax(input, dim, dtype=None):
    return _ops.log_softmax(input, dim, dtype)


def alias(input):
    """Another view of the whole tensor."""
    return _ops.expand(input, input.shape)


def bernoulli_(input, p: Tensor | float = 0.5, *, generator=None):
    if isinstance(p, TensorBase):
        return _ops.fill_bernoulli_tensor_(input, p, generator)
    return _ops.fill_bernoulli_(input, float(p), generator)


def random_(input, low: int | None = None, high: int | None = None, *, generator=None):
    if low is None:
        return _ops.random_(input, generator)
    low, high = (0, low) if high is None else (low, high)
    return _ops.random_range_(input, low, high, generator)


def normal_(input, mean: float = 0.0, std: float = 1.0, *, generator=None):
    return _ops.fill_normal_(input, mean, std, generator)


# torch's other names for the same ops.
ALIASES = {"subtract": "sub", "multiply": "mul", "divide": "div", "true_divide": "div",
           "negative": "neg", "absolute": "abs", "clip": "clamp", "clip_": "clamp_", "concat": "cat",
           "greater": "gt", "greater_equal": "ge", "less": "lt", "less_equal": "le",
           "not_equal": "ne", "arctan2": "atan2", "det": "det", "concatenate": "cat", "mul_": "mul_"}

def _public(module):
    """The functions that a module of signatures defines for the package."""
    return {n: v for n, v in vars(module).items() if callable(v) and not n.startswith("_")
            and getattr(v, "__module__", "") == module.__name__}


_HERE = {n: v for n, v in list(globals().items()) if callable(v) and not n.startswith("_")
         and getattr(v, "__module__", "") == __name__ and n not in ("alias", "numpy_T")}

# name: function, of this module and its sisters. A sister's FUNCTIONS_ONLY are no methods and its
# METHODS_ONLY no functions.
PUBLIC = dict(_HERE)
PUBLIC.update(_public(_spectral))
FUNCTIONS_ONLY |= {n for n in vars(_spectral) if n.endswith("_window")}
METHODS_ONLY = set()
for _module in (_api_linalg, _api_math, _api_reduce, _api_shape):
    PUBLIC.update(_public(_module))
    FUNCTIONS_ONLY |= _module.FUNCTIONS_ONLY
    METHODS_ONLY |= _module.METHODS_ONLY
    ALIASES.update(_module.ALIASES)
