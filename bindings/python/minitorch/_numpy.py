"""NumPy and DLPack exchange, both ways without copying."""
from __future__ import annotations

import ctypes
import warnings

import numpy as np

from ._callbacks import drop, keep
from ._native import ffi, lib as _lib
from ._runtime import (_NUMPY, _check, _new, _own, _ptr, _raise, _wrap, bfloat16, bool_,
                       complex64, complex128, default_dtype, float32, float64, int8, int16, int32,
                       int64, uint8, uint16, uint32, uint64)


class _Memory:
    """Shows a tensor's memory to NumPy and keeps it alive."""

    def __init__(self, tensor, interface):
        self.tensor, self.__array_interface__ = tensor, interface


_NP_TYPES = {d: np.dtype(d.name) for d in _NUMPY.values()}
_C_TYPES = {d: ffi.typeof(c) for d, c in (
    (float32, "float *"), (float64, "double *"), (int8, "int8_t *"), (int16, "int16_t *"),
    (int32, "int32_t *"), (int64, "int64_t *"), (uint8, "uint8_t *"), (bool_, "_Bool *"),
    (uint16, "uint16_t *"), (uint32, "uint32_t *"), (uint64, "uint64_t *"))}


def to_numpy(t: Tensor, force=False) -> np.ndarray[Any, Any]:
    if t.requires_grad:
        if not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. "
                               "Use tensor.detach().numpy() instead.")
        t = t.detach()
    np_type = _NP_TYPES.get(t.dtype)
    if np_type is None:
        raise TypeError(f"numpy: NumPy has no {t.dtype.name}: convert with .float() first")
    if t.is_meta:
        raise TypeError("numpy: a meta tensor has no values")
    shape, pointer = tuple(t.shape), t.data_ptr()
    if pointer == 0 or 0 in shape:
        return np.empty(shape, np_type)
    strides = None if t.is_contiguous() else tuple(s * np_type.itemsize for s in t.stride())
    return np.asarray(_Memory(t, {"version": 3, "typestr": np_type.str, "shape": shape,
                                  "strides": strides, "data": (pointer, False)}))


def to_list(t):
    """The values as nested lists."""
    if t.dtype is bfloat16:
        t = t.float()
    c_type = _C_TYPES.get(t.dtype)
    if c_type is None or t.is_meta or not 0 < t.numel() <= 1000 or not t.is_contiguous():
        return to_numpy(t).tolist()
    values = ffi.unpack(ffi.cast(c_type, t.data_ptr()), t.numel())
    for n in t.shape[:0:-1]:
        values = [values[i:i + n] for i in range(0, len(values), n)]
    return values


def from_numpy(array: np.ndarray[Any, Any]) -> Tensor:
    """A tensor on the array's memory; its dtype follows the array's."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(array).__name__})")
    kind = _NUMPY.get(array.dtype.name)
    if kind is None or not array.dtype.isnative:
        raise TypeError(
            f"can't convert np.ndarray of type {array.dtype}. The only supported types are: "
            "float64, float32, float16, complex64, complex128, int64, int32, int16, int8, uint64, "
            "uint32, uint16, uint8, and bool.")
    if any(s < 0 for s in array.strides):
        raise ValueError("At least one stride in the given numpy array is negative, and tensors "
                         "with negative strides are not currently supported. (You can probably "
                         "work around this by making a copy of your array with array.copy().)")
    if any(s % array.itemsize for s in array.strides):
        raise ValueError("given numpy array strides not a multiple of the element byte size. "
                         "Copy the numpy array to reallocate the memory.")
    if not array.flags.writeable:
        warnings.warn("The given NumPy array is not writable, and tensors do not know that: writing "
                      "to the tensor writes to the array. Copy the array to avoid this.", UserWarning,
                      stacklevel=2)
    out = _new("mt_tensor **")
    shape = _new("int64_t[]", list(array.shape) or [0])
    strides = _new("int64_t[]", [s // array.itemsize for s in array.strides] or [0])
    pointer = ffi.cast("void *", array.__array_interface__["data"][0])
    _check(_lib.mt_tensor_from_blob(out, pointer, kind.code, shape, array.ndim, strides, drop,
                                    keep(array)))
    return _own(out)


def from_pickle(array, kind, requires_grad):
    t = from_numpy(np.array(array)).to(kind)
    return t.requires_grad_() if requires_grad else t


def from_plain(data):
    """A tensor of numbers or of nested lists of few numbers of one kind; None for anything else, which
    from_values is for."""
    if type(data) not in (list, tuple):
        shape, flat = (), (data,)
    else:
        shape, flat = (len(data),), data
        while flat and type(flat[0]) in (list, tuple) and len(flat) < 100:
            n, rows, flat = len(flat[0]), flat, []
            for row in rows:
                if type(row) not in (list, tuple) or len(row) != n:
                    return None
                flat.extend(row)
            shape += (n,)
    if not 0 < len(flat) <= 1000:
        return None
    kinds = set(map(type, flat))
    if kinds == {float} or kinds == {float, int}:
        kind = default_dtype()
    elif kinds == {int}:
        kind = int64
    elif kinds == {bool}:
        kind = bool_
    else:
        return None
    if kind not in _ARRAYS:
        return None
    try:
        values = _new(_ARRAYS[kind], flat)
    except OverflowError:
        return None
    h = _lib.py_from_data(values, kind.code, shape, len(shape))
    return _wrap(h) if h else _raise()


_ARRAYS = {d: ffi.typeof(c) for d, c in ((float32, "float[]"), (float64, "double[]"),
                                         (int64, "int64_t[]"), (bool_, "_Bool[]"))}


def from_values(array, kind):
    """A copy of an array as a tensor of the given dtype."""
    if array.dtype.kind == "c" and kind is not None and not kind.is_complex:
        raise TypeError("must be real number, not complex")
    if kind is not None and kind.name != array.dtype.name and kind is not bfloat16:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array = array.astype(kind.name)
    array = np.ascontiguousarray(array).reshape(array.shape)
    source = _NUMPY.get(array.dtype.name)
    if source is None:
        raise TypeError(f"can't convert np.ndarray of type {array.dtype}")
    out = _new("mt_tensor **")
    shape = _new("int64_t[]", list(array.shape) or [0])
    pointer = ffi.cast("void *", array.__array_interface__["data"][0])
    _check(_lib.mt_tensor_from_data(out, pointer, source.code, shape, array.ndim))
    t = _own(out)
    return t.to(bfloat16) if kind is bfloat16 else t


# --- DLPack ----------------------------------------------------------------------------------
_api = ctypes.pythonapi
_api.PyCapsule_New.restype = ctypes.py_object
_api.PyCapsule_New.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_api.PyCapsule_GetPointer.restype = ctypes.c_void_p
_api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
_api.PyCapsule_IsValid.argtypes = [ctypes.py_object, ctypes.c_char_p]
_api.PyCapsule_SetName.argtypes = [ctypes.py_object, ctypes.c_char_p]
_LEGACY, _VERSIONED = b"dltensor", b"dltensor_versioned"
# The same functions by address: a capsule that is being destroyed must not be referenced again.
_valid_raw, _pointer_raw = _api["PyCapsule_IsValid"], _api["PyCapsule_GetPointer"]
_valid_raw.argtypes = _pointer_raw.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
_pointer_raw.restype = ctypes.c_void_p


@ctypes.CFUNCTYPE(None, ctypes.c_void_p)
def _unused_capsule(capsule):
    # A capsule that nobody consumed: the exported memory is given back here.
    for name, kind in ((_LEGACY, "mt_dl_managed_tensor *"),
                       (_VERSIONED, "mt_dl_managed_tensor_versioned *")):
        if _valid_raw(capsule, name):
            managed = ffi.cast(kind, _pointer_raw(capsule, name))
            managed.deleter(managed)


def to_dlpack(t: Tensor, max_version=None) -> Any:
    """A capsule for another library's from_dlpack."""
    if t.requires_grad:
        raise RuntimeError("Can't export tensors that require gradient, use tensor.detach()")
    if max_version is not None and max_version[0] >= 1:
        out, name = _new("mt_dl_managed_tensor_versioned **"), _VERSIONED
        _check(_lib.mt_tensor_to_dlpack(out, _ptr(t)))
    else:
        out, name = _new("mt_dl_managed_tensor **"), _LEGACY
        _check(_lib.mt_tensor_to_dlpack_legacy(out, _ptr(t)))
    return _api.PyCapsule_New(int(ffi.cast("uintptr_t", out[0])), name,
                              ctypes.cast(_unused_capsule, ctypes.c_void_p))


def from_dlpack(source) -> Tensor:
    """A tensor on the memory of another library's array (or of a capsule)."""
    if hasattr(source, "__dlpack__"):
        if hasattr(source, "__dlpack_device__") and int(source.__dlpack_device__()[0]) != 1:
            raise RuntimeError("from_dlpack: the array is not on the CPU: move it to the CPU first")
        capsule = source.__dlpack__()
    else:
        capsule = source
    for name, used, kind, call in (
            (_VERSIONED, b"used_dltensor_versioned", "mt_dl_managed_tensor_versioned *",
             _lib.mt_tensor_from_dlpack),
            (_LEGACY, b"used_dltensor", "mt_dl_managed_tensor *", _lib.mt_tensor_from_dlpack_legacy)):
        if _api.PyCapsule_IsValid(capsule, name):
            out = _new("mt_tensor **")
            _check(call(out, ffi.cast(kind, _api.PyCapsule_GetPointer(capsule, name))))
            _api.PyCapsule_SetName(capsule, used)
            return _own(out)
    raise RuntimeError("from_dlpack: received an invalid capsule: DLPack capsules can be consumed "
                       "only once")

