"""minitorch for Python: PyTorch's names on top of libminitorch.

    import minitorch as torch
    import minitorch.nn as nn
"""
from __future__ import annotations

import builtins as _builtins
import contextlib as _contextlib
import functools as _functools
import os as _os
from typing import TypeVar as _TypeVar

import numpy as _np

if "MINITORCH_NATIVE" in _os.environ:  # running from a build folder
    __path__.append(_os.environ["MINITORCH_NATIVE"])

from . import _api, _ops
from ._native import ffi as _ffi, lib as _lib
from ._runtime import (Error, TensorBase as _TensorBase, _check, _device, _dtype as _dtype_code,
                       _ints, _new, _own, _ptr, bfloat16, complex64, complex128,
                       default_complex as _default_complex, default_dtype as get_default_dtype, device,
                       dtype, float16, float32, float64, int16, int32, int64, int8, uint8,
                       uint16, uint32, uint64)
from ._runtime import bool_ as bool
from ._numpy import from_plain as _from_plain, from_values as _from_values
from ._random import Generator
from ._tensor import Size, Tensor
from ._type_info import finfo, iinfo

float = float32
double = float64
half = float16
int = int32
long = int64
short = int16
cfloat = complex64
cdouble = complex128
strided = "strided"
inf, nan, pi, e = _np.inf, _np.nan, _np.pi, _np.e

__version__ = _ffi.string(_lib.mt_version()).decode()

for _name, (_is_function, _, _) in _ops.TABLE.items():
    if _is_function:
        globals()[_name] = getattr(_ops, _name)
for _name, _function in _api.PUBLIC.items():
    if not _name.endswith("_") and _name not in _api.METHODS_ONLY:
        globals()[_name] = _function
for _name, _target in _api.ALIASES.items():
    if _target in globals():
        globals()[_name] = globals()[_target]
for _name in ("celu_", "fill_", "put", "rrelu_", "selu_", "threshold_", "unflatten", "zero_"):
    globals()[_name] = getattr(_ops, _name)
conj_physical_ = _api.PUBLIC["conj_physical_"]


# --- creation --------------------------------------------------------------------------------
def _finish(t, requires_grad):
    return t.requires_grad_() if requires_grad else t


def _infer(data):
    """(array, dtype) of nested Python data, by torch's rules."""
    if isinstance(data, _np.ndarray) or isinstance(data, _np.generic):
        return _np.asarray(data), None
    if isinstance(data, (list, tuple)) and _has_tensor(data):
        data = _plain(data)
    try:
        array = _np.array(data)
    except ValueError:
        array = None
    if array is None or array.dtype == object:
        if isinstance(data, (list, tuple)):
            raise ValueError("tensor: the nested sequences do not have equal lengths, or hold values "
                             "that are no numbers")
        raise TypeError(f"tensor: expected numbers or nested lists of numbers, not "
                        f"{type(data).__name__}")
    if array.dtype.kind in "US":
        raise TypeError("tensor: too many dimensions 'str': expected numbers, not text")
    if array.dtype.kind == "f":
        return array, get_default_dtype()
    if array.dtype.kind == "c":
        return array, _default_complex()
    if array.dtype.kind == "u":
        raise OverflowError("tensor: an integer does not fit in int64")
    if array.size == 0 and array.dtype.kind == "f":
        return array, get_default_dtype()
    return array, None


def _whole(data):
    """Python integers as a uint64 array, negative ones wrapped around; None for anything else. (NumPy
    makes floats of large and small ones together.)"""
    if isinstance(data, (_np.ndarray, _np.generic)) or isinstance(data, (list, tuple)) and _has_tensor(data):
        return None
    try:
        array = _np.array(data, dtype=object)
    except ValueError:
        return None
    if not _builtins.all(isinstance(v, _builtins.int) for v in array.flat):
        return None
    for v in array.flat:
        if not -2**63 <= v < 2**64:
            raise OverflowError(f"tensor: the integer {v} does not fit in uint64")
    return _np.array([v % 2**64 for v in array.flat], dtype=_np.uint64).reshape(array.shape)


def _has_tensor(data):
    return _builtins.any(isinstance(v, _TensorBase) or isinstance(v, (list, tuple)) and _has_tensor(v)
                         for v in data)


def _plain(data):
    return [v.tolist() if isinstance(v, _TensorBase) else
            _plain(v) if isinstance(v, (list, tuple)) else v for v in data]


def tensor(data: Any, *, dtype=None, device=None, requires_grad=False) -> Tensor:
    """A new tensor with a copy of the data: numbers, nested lists, arrays or tensors."""
    if dtype is None and device is None:
        t = _from_plain(data)
        if t is not None:
            return t.requires_grad_() if requires_grad else t
    if isinstance(data, _TensorBase):
        t = data.detach().clone()
        t = t if dtype is None else t.to(dtype)
    else:
        kind = dtype if dtype is None or hasattr(dtype, "code") else _dtype_of(dtype)
        array = _whole(data) if kind is uint64 else None
        if array is None:
            array, inferred = _infer(data)
            kind = kind or inferred
        t = _from_values(array, kind)
    if device is not None:
        t = t.to(device=device)
    return _finish(t, requires_grad)


def _dtype_of(d):
    return dtype._all[_dtype_code(d)]


def as_tensor(data, dtype=None, device=None) -> Tensor:
    """Shares memory when it can: tensors and arrays of the right dtype are not copied."""
    if isinstance(data, _TensorBase):
        return data.to(dtype=dtype, device=device)
    if isinstance(data, _np.ndarray):
        return from_numpy(data).to(dtype=dtype, device=device)
    return tensor(data, dtype=dtype, device=device)


def asarray(obj: Any, *, dtype=None, device=None, copy=None, requires_grad=False) -> Tensor:
    """as_tensor, which `copy=True` makes copy and `copy=False` forbids to."""
    t = as_tensor(obj, dtype=dtype, device=device)
    shares = t is obj or isinstance(obj, _np.ndarray) and _np.shares_memory(t.detach().numpy(), obj)
    if copy is False and not shares:
        raise ValueError("asarray: cannot share memory: a copy is needed: give copy=None")
    t = t.detach().clone() if copy and shares else t.detach() if t.requires_grad else t
    return _finish(t, requires_grad)


def scalar_tensor(s: Number, *, dtype=None, device=None, requires_grad=False) -> Tensor:
    return full((), s, dtype=dtype or get_default_dtype(), device=device, requires_grad=requires_grad)


def from_numpy(array: np.ndarray[Any, Any]) -> Tensor:
    """A tensor on the array's own memory; its dtype follows the array's."""
    from ._numpy import from_numpy as convert
    return convert(array)


def from_dlpack(source) -> Tensor:
    from ._numpy import from_dlpack as convert
    return convert(source)


def _sized(op):
    """Creation ops of a size given as numbers or as one sequence."""
    @_functools.wraps(op)
    def make(*size, dtype=None, device=None, requires_grad=False, generator=None, out=None,
             layout=None, pin_memory=False):
        shape = _ints(size[0] if len(size) == 1 and not isinstance(size[0], _builtins.int) else size)
        draws = (generator,) if generator is not None else ()  # which the others do not take
        return _finish(op(shape, dtype, device, *draws), requires_grad)

    return make


for _name in ("zeros", "ones", "empty", "rand", "randn"):
    if hasattr(_ops, _name):
        globals()[_name] = _sized(getattr(_ops, _name))


def full(size, fill_value, *, dtype=None, device=None, requires_grad=False) -> Tensor:
    if dtype is None:
        dtype = (bool if isinstance(fill_value, _builtins.bool) else
                 int64 if isinstance(fill_value, _builtins.int) else
                 _default_complex() if isinstance(fill_value, _builtins.complex) else
                 get_default_dtype())
    t = _ops.empty(_ints(size), dtype, device)
    with no_grad():
        if t.dtype is uint64 and isinstance(fill_value, _builtins.int) and fill_value >= 2**63:
            fill_value = tensor(fill_value, dtype=uint64)
        t.fill_(fill_value)
    return _finish(t, requires_grad)


def full_like(input, fill_value, *, dtype=None, device=None, requires_grad=False) -> Tensor:
    return full(input.shape, fill_value, dtype=dtype or input.dtype, device=device or input.device,
                requires_grad=requires_grad)


def _like(op):
    def make(input, *, dtype=None, device=None, requires_grad=False, memory_format=None) -> Tensor:
        return _finish(op(input, dtype, device), requires_grad)

    return make


for _name in ("zeros_like", "ones_like", "empty_like", "rand_like", "randn_like"):
    if hasattr(_ops, _name):
        globals()[_name] = _like(getattr(_ops, _name))


def arange(start: Number, end: Number | None = None, step: Number = 1, *, dtype=None, device=None,
           requires_grad=False) -> Tensor:
    if end is None:
        start, end = 0, start
    values = [v.item() if isinstance(v, _TensorBase) else v for v in (start, end, step)]
    if dtype is None:
        ints = _builtins.all(isinstance(v, _builtins.int) for v in values)
        dtype = int64 if ints else get_default_dtype()
    return _finish(_ops.arange(values[0], values[1], values[2], dtype, device), requires_grad)


def linspace(start: float, end: float, steps: int, *, dtype=None, device=None,
             requires_grad=False) -> Tensor:
    return _finish(_ops.linspace(start, end, steps, dtype, device), requires_grad)


def eye(n: int, m: int | None = None, *, dtype=None, device=None, requires_grad=False) -> Tensor:
    return _finish(_ops.eye(n, n if m is None else m, dtype, device), requires_grad)


def randint(low: Any, high: Any = None, size: Ints | None = None, *, dtype=None, device=None,
            requires_grad=False, generator=None) -> Tensor:
    if size is None:
        low, high, size = 0, low, high
    return _finish(_ops.randint(low, high, _ints(size), dtype or int64, device, generator), requires_grad)


def randperm(n, *, dtype=None, device=None, requires_grad=False, generator=None) -> Tensor:
    return _finish(_ops.randperm(n, dtype or int64, device, generator), requires_grad)


# --- questions -------------------------------------------------------------------------------
def is_tensor(obj: object) -> bool:
    return isinstance(obj, _TensorBase)


def is_floating_point(t: Tensor) -> bool:
    return t.is_floating_point()


def is_complex(t: Tensor) -> bool:
    return t.is_complex()


def numel(t: Tensor) -> int:
    return t.numel()


def result_type(a: Tensor | Number, b: Tensor | Number) -> dtype:
    from ._runtime import _h
    out = _new("mt_dtype *")
    _check(_lib.mt_result_type(out, _ffi.cast("mt_tensor *", _h(a)), _ffi.cast("mt_tensor *", _h(b))))
    return dtype._all[out[0]]


def promote_types(a: dtype, b: dtype) -> dtype:
    out = _new("mt_dtype *")
    _check(_lib.mt_promote_types(out, a.code, b.code))
    return dtype._all[out[0]]


def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether promotion allows it: no complex to real, no float to integer, no number to bool."""
    def kind(d):
        return 3 if d.is_complex else 2 if d.is_floating_point else d.name != "bool"
    return kind(from_) <= kind(to)


def set_default_dtype(d: dtype) -> None:
    _check(_lib.mt_set_default_dtype(d.code))


def broadcast_shapes(*shapes: Ints) -> Size:
    return Size(_np.broadcast_shapes(*shapes))


# --- anomaly mode ----------------------------------------------------------------------------
from .autograd.anomaly_mode import (  # noqa: E402,F401
    is_anomaly_check_nan_enabled, is_anomaly_enabled)


# --- grad mode -------------------------------------------------------------------------------
def is_grad_enabled() -> bool:
    return _lib.mt_grad_mode_enabled()


class set_grad_enabled(_contextlib.ContextDecorator):
    """Sets the mode at once; as a context manager puts it back at the end."""

    def __init__(self, mode: bool):
        self._before = is_grad_enabled()
        self._mode = _builtins.bool(mode)
        _check(_lib.mt_grad_mode_set(self._mode))

    def __enter__(self):
        return None

    def __exit__(self, *exc):
        _check(_lib.mt_grad_mode_set(self._before))


_F = _TypeVar("_F")  # a function that is decorated


class _Mode(_contextlib.ContextDecorator):
    _mode = False

    def __init__(self):
        self._stack = []

    def __enter__(self):
        self._stack.append(is_grad_enabled())
        _check(_lib.mt_grad_mode_set(self._mode))

    def __exit__(self, *exc):
        _check(_lib.mt_grad_mode_set(self._stack.pop()))

    def __call__(self, function: _F) -> _F:
        @_functools.wraps(function)
        def wrapped(*args, **kwargs):
            with type(self)():
                return function(*args, **kwargs)

        return wrapped


class no_grad(_Mode):
    """Ops inside record nothing. Context manager and decorator."""


class enable_grad(_Mode):
    _mode = True


inference_mode = no_grad


# --- random, threads, printing ---------------------------------------------------------------
def manual_seed(seed: int) -> None:
    if isinstance(seed, _TensorBase):
        seed = seed.item()
    seed = _builtins.int(seed)
    if not -(1 << 63) <= seed < (1 << 64):
        raise RuntimeError("Overflow when unpacking long")
    _check(_lib.mt_manual_seed(seed & ((1 << 64) - 1)))


def initial_seed() -> int:
    out = _new("uint64_t *")
    _check(_lib.mt_initial_seed(out))
    return out[0]


def seed() -> int:
    out = _new("uint64_t *")
    _check(_lib.mt_seed(out))
    return out[0]


def get_rng_state() -> Tensor:
    out = _new("mt_tensor **")
    _check(_lib.mt_get_rng_state(out))
    return _own(out)


def set_rng_state(state: Tensor):
    _check(_lib.mt_set_rng_state(_ptr(state)))


def set_num_threads(n: int) -> None:
    _check(_lib.mt_set_num_threads(n))


def get_num_threads() -> int:
    out = _new("int32_t *")
    _check(_lib.mt_get_num_threads(out))
    return out[0]


def set_printoptions(precision: int | None = None, threshold: float | None = None,
                     edgeitems: int | None = None, linewidth: int | None = None,
                     profile: str | None = None, sci_mode: bool | None = None) -> None:
    options = _print_options
    if profile is not None:
        options.update({"default": dict(precision=4, threshold=1000, edgeitems=3, linewidth=80),
                        "short": dict(precision=2, threshold=1000, edgeitems=2, linewidth=80),
                        "full": dict(precision=4, threshold=inf, edgeitems=3, linewidth=80)}[profile])
    for key, value in (("precision", precision), ("threshold", threshold), ("edgeitems", edgeitems),
                       ("linewidth", linewidth)):
        if value is not None:
            options[key] = value
    c = _new("mt_print_options *")
    _lib.mt_print_options_init(c)
    for key, value in options.items():
        setattr(c, key, value)
    c.sci_mode = -1 if sci_mode is None else _builtins.int(sci_mode)
    _check(_lib.mt_set_print_options(c))


_print_options = dict(precision=4, threshold=1000, edgeitems=3, linewidth=80)


# --- the rest of the package -----------------------------------------------------------------
from . import autograd, fft, linalg, masked, nn, optim, special, utils, vision  # noqa: E402
from .serialization import load, load_checkpoint, save, save_checkpoint  # noqa: E402

__all__ = [n for n in globals() if not n.startswith("_") and n != "annotations"]
