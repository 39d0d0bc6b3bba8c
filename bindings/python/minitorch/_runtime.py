"""What stands under every call: handles, errors, dtypes, conversion of arguments.

A Tensor object owns one handle of the C library, kept as an integer. The library checks handles
itself, so a wrong one is an exception, never a crash.
"""
from __future__ import annotations

import numbers

from ._native import ffi, lib as _lib

_new = ffi.new


# --- errors ----------------------------------------------------------------------------------
class Error(RuntimeError):
    """What the C library reported; `status` is its code (MT_ERR_...)."""

    status = 0


class InvalidArgumentError(Error, ValueError):
    pass


class OutOfRangeError(Error, IndexError):
    pass


class NameNotFoundError(Error, KeyError):
    def __str__(self):  # KeyError would quote the message
        return RuntimeError.__str__(self)


class OutOfMemoryError(Error, MemoryError):
    pass


class FileError(Error, OSError):
    def __str__(self):
        return RuntimeError.__str__(self)


class NotSupportedError(Error, NotImplementedError):
    pass


_CLASSES = {
    _lib.MT_ERR_INVALID_ARGUMENT: InvalidArgumentError,
    _lib.MT_ERR_INDEX: OutOfRangeError,
    _lib.MT_ERR_KEY: NameNotFoundError,
    _lib.MT_ERR_OUT_OF_MEMORY: OutOfMemoryError,
    _lib.MT_ERR_IO: FileError,
    _lib.MT_ERR_NOT_IMPLEMENTED: NotSupportedError,
}

# What messages advise to call, in this language.
_PYTHON_NAMES = (("mt_tensor_to_dtype", "tensor.to(dtype)"),
                 ("mt_tensor_to_device", "tensor.to(device)"), ("mt_", "torch."))

# Exceptions raised inside a callback travel through C as a status; the outermost call raises the
# original again.
_pending = []


def _raise():
    """Raises the calling thread's last error."""
    status = _lib.mt_last_status()
    message = ffi.string(_lib.mt_last_error()).decode("utf-8", "replace")
    for c_name, name in _PYTHON_NAMES:
        message = message.replace(c_name, name)
    cause = None
    if status == _lib.MT_ERR_CALLBACK and _pending:
        cause = _pending.pop()
        _pending.clear()
        raise cause
    error = _CLASSES.get(status, Error)(message)
    error.status = status
    raise error


def _check(status):
    if status:
        _raise()


def _text(pointer_out):
    """The text of a `char **` result, which is freed."""
    text = ffi.string(pointer_out[0]).decode("utf-8", "replace")
    _lib.mt_string_free(pointer_out[0])
    return text


# --- dtypes and devices ----------------------------------------------------------------------
class dtype:
    """An element type, as torch.float32."""

    __slots__ = ("name", "code", "itemsize", "is_floating_point", "is_complex")
    _all = {}

    def __init__(self, name, code, itemsize, floating):
        self.name, self.code, self.itemsize = name, code, itemsize
        self.is_floating_point, self.is_complex = floating, name.startswith("complex")
        dtype._all[code] = self

    def __repr__(self):
        return "torch." + self.name

    def __reduce__(self):
        return (_dtype_by_name, (self.name,))


def _dtype_by_name(name):
    return next(d for d in dtype._all.values() if d.name == name)


float32 = dtype("float32", _lib.MT_FLOAT32, 4, True)
float64 = dtype("float64", _lib.MT_FLOAT64, 8, True)
float16 = dtype("float16", _lib.MT_FLOAT16, 2, True)
bfloat16 = dtype("bfloat16", _lib.MT_BFLOAT16, 2, True)
int8 = dtype("int8", _lib.MT_INT8, 1, False)
int16 = dtype("int16", _lib.MT_INT16, 2, False)
int32 = dtype("int32", _lib.MT_INT32, 4, False)
int64 = dtype("int64", _lib.MT_INT64, 8, False)
uint8 = dtype("uint8", _lib.MT_UINT8, 1, False)
bool_ = dtype("bool", _lib.MT_BOOL, 1, False)
complex64 = dtype("complex64", _lib.MT_COMPLEX64, 8, False)
complex128 = dtype("complex128", _lib.MT_COMPLEX128, 16, False)
# As in PyTorch 2.3: to store and convert, without arithmetic.
uint16 = dtype("uint16", _lib.MT_UINT16, 2, False)
uint32 = dtype("uint32", _lib.MT_UINT32, 4, False)
uint64 = dtype("uint64", _lib.MT_UINT64, 8, False)

_NUMPY = {"float32": float32, "float64": float64, "float16": float16, "int8": int8, "int16": int16,
          "int32": int32, "int64": int64, "uint8": uint8, "bool": bool_,
          "complex64": complex64, "complex128": complex128, "uint16": uint16, "uint32": uint32,
          "uint64": uint64}
_PYTHON = {float: float32, int: int64, bool: bool_, complex: complex64}


class device:
    """Where a tensor is: device("cpu") or device("meta")."""

    __slots__ = ("type", "index")

    def __init__(self, kind: device | str, index: int | None = None):
        if isinstance(kind, device):
            kind, index = kind.type, kind.index
        name, _, number = str(kind).partition(":")
        if name not in ("cpu", "meta"):
            raise RuntimeError(
                f"device: unknown device: '{kind}': this library has cpu and meta; training and "
                "inference run on cpu")
        self.type = name
        self.index = int(number) if number else index

    @property
    def code(self):
        return _lib.MT_CPU if self.type == "cpu" else _lib.MT_META

    def __repr__(self):
        return f"device(type='{self.type}')"

    def __str__(self):
        return self.type

    def __eq__(self, other):
        return isinstance(other, device) and other.type == self.type

    def __hash__(self):
        return hash(self.type)

    def __reduce__(self):
        return (device, (self.type,))


def _dtype(d):
    if d is None:
        return _lib.MT_DTYPE_NONE
    try:
        return d.code
    except AttributeError:
        pass
    if d in _PYTHON:
        return (default_dtype() if d is float else default_complex() if d is complex
                else _PYTHON[d]).code
    name = getattr(d, "__name__", None) or str(d)
    if name in _NUMPY:
        return _NUMPY[name].code
    raise TypeError(f"dtype must be a dtype such as float32, not {type(d).__name__}")


def default_dtype() -> dtype:
    return dtype._all[_lib.mt_get_default_dtype()]


def default_complex() -> dtype:
    return complex128 if default_dtype() is float64 else complex64


def _device(d, optional=False):
    if d is None:
        return _lib.MT_DEVICE_NONE if optional else _lib.MT_CPU
    return device(d).code


_REDUCTIONS = {"none": _lib.MT_REDUCTION_NONE, "mean": _lib.MT_REDUCTION_MEAN,
               "sum": _lib.MT_REDUCTION_SUM}


def _reduction(r):
    try:
        return _REDUCTIONS[r]
    except (KeyError, TypeError):
        raise ValueError(f"{r!r} is not a valid value for reduction: use 'none', 'mean' or 'sum'") \
            from None


# --- arguments -------------------------------------------------------------------------------
class TensorBase:
    """The handle's owner. Tensor (in _tensor.py) is its only subclass besides Parameter."""

    __slots__ = ("_h", "__weakref__")

    def __del__(self, _free=_lib.py_tensor_free):
        try:
            h = self._h
        except AttributeError:
            return  # not finished
        _free(h)


_tensor_class = TensorBase  # replaced by Tensor once it exists


def _set_tensor_class(cls):
    global _tensor_class
    _tensor_class = cls


def _wrap(h):
    """A Tensor that owns the handle."""
    t = _tensor_class.__new__(_tensor_class)
    t._h = h
    return t


_old_numbers = {}
_numbers = {}  # tensors of plain numbers, which take part in promotion as Python's do


def _number(x):
    kind = type(x)
    # 0.0 and -0.0 are equal
    key = (kind, str(x)) if kind is complex or kind is float and not x else (kind, x)
    try:
        return _numbers[key]._h
    except KeyError:
        pass
    except TypeError:
        pass  # not hashable: refused below
    out = _new("mt_tensor **")
    if kind is float:
        _check(_lib.mt_number_float(out, x))
    elif kind is bool:
        _check(_lib.mt_number_bool(out, x))
    elif kind is int:
        if not -(1 << 63) <= x < (1 << 63):
            raise OverflowError(f"int {x} does not fit in 64 bits")
        _check(_lib.mt_number_int(out, x))
    elif kind is complex:
        _check(_lib.mt_number_complex(out, x.real, x.imag))
    elif hasattr(x, "item") and getattr(x, "ndim", 0) == 0:  # NumPy scalars
        return _number(x.item())
    elif isinstance(x, numbers.Integral):
        return _number(int(x))
    elif isinstance(x, numbers.Real):
        return _number(float(x))
    elif isinstance(x, numbers.Complex):
        return _number(complex(x))
    else:
        raise TypeError(f"expected a Tensor or a number, not {kind.__name__}")
    if len(_numbers) > 1000:  # those of the last calls must live on
        _old_numbers.clear()
        _old_numbers.update(_numbers)
        _numbers.clear()
    t = _numbers[key] = _wrap(int(ffi.cast("uint64_t", out[0])))
    return t._h


def _h(x):
    """The handle of a tensor or number."""
    try:
        return x._h
    except AttributeError:
        return _number(x)


def _opt(x):
    return 0 if x is None else _h(x)


def _handles(seq):
    if isinstance(seq, TensorBase):
        raise TypeError("expected a list or tuple of Tensors, not a Tensor")
    return [t._h if isinstance(t, TensorBase) else _opt(t) for t in seq]


def _index(v):
    if isinstance(v, TensorBase):
        return int(v.item())
    try:
        return v.__index__()
    except AttributeError:
        raise TypeError(f"expected an int, not {type(v).__name__}") from None


def _ints(v):
    if v is None:
        return ()
    if type(v) is tuple:  # the common case, without a call per entry
        for i in v:
            if type(i) is not int:
                break
        else:
            return v
    if isinstance(v, int):
        return (v,)
    if isinstance(v, (tuple, list)):
        return tuple(_index(i) for i in v)
    return (_index(v),)


def _floats(v):
    if v is None:
        return ()
    return tuple(float(x) for x in v) if isinstance(v, (tuple, list)) else (float(v),)


def _str(s):
    if s is None:
        return b""
    if not isinstance(s, str):
        raise TypeError(f"expected a str, not {type(s).__name__}")
    return s.encode()


def _wrap_list(h):
    """The tensors of an mt_tensors handle, which is freed."""
    items = ffi.cast("mt_tensors *", h)
    try:
        n = _new("size_t *")
        _check(_lib.mt_tensors_count(n, items))
        out = _new("mt_tensor **")
        result = []
        for i in range(n[0]):
            _check(_lib.mt_tensors_get(out, items, i))
            result.append(_wrap(int(ffi.cast("uint64_t", out[0]))))
        return tuple(result)
    finally:
        _lib.mt_tensors_free(items)


def _ptr(t):
    """A tensor's handle as the C pointer type."""
    return ffi.cast("mt_tensor *", _h(t))


def _ptrs(tensors):
    """An array of C handles, to be kept alive during the call."""
    return _new("mt_tensor *[]", [_ptr(t) for t in tensors])


def _own(out):
    """A Tensor from a filled `mt_tensor **`."""
    return _wrap(int(ffi.cast("uint64_t", out[0])))
