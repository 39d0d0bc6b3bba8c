"""The Tensor class: attributes, operators, indexing, NumPy and autograd, named as torch names them."""
from __future__ import annotations

import builtins
import numbers
from typing import overload

from . import _indexing, _ops
from ._graph import Node, RemovableHandle
from ._operators import install as _install
from ._native import ffi, lib as _lib
from ._runtime import (TensorBase, _check, _dtype, _h, _index, _new, _own, _ptr, _raise,
                       _set_tensor_class, _text, _wrap, bool_, default_dtype, device, dtype, float32,
                       float64, int64)


_SHAPE8, _unpack = ffi.typeof("int64_t[8]"), ffi.unpack
_DOUBLE, _INT64 = ffi.typeof("double *"), ffi.typeof("int64_t *")
_FAILED = (1 << 64) - 1
_dtypes, _devices = dtype._all, {_lib.MT_CPU: device("cpu"), _lib.MT_META: device("meta")}
_shapes = {}  # shapes seen, by py_shape_key


class Size(tuple):
    """A tensor's shape."""

    __slots__ = ()

    def numel(self) -> int:
        n = 1
        for s in self:
            n *= s
        return n

    def __repr__(self):
        return f"torch.Size({list(self)})"


def _shape_of(t, key):
    """The shape of a tensor whose key was not seen yet."""
    n = _lib.py_ndim(t._h)
    if n < 0:
        _raise()
    out = _new("int64_t[]", n)
    if _lib.py_shape(out, t._h):
        _raise()
    shape = Size(_unpack(out, n))
    if key != _FAILED:
        if len(_shapes) > 10000:
            _shapes.clear()
        _shapes[key] = shape
    return shape


def _as_tensor(value):
    from . import tensor
    return value if isinstance(value, Tensor) else tensor(value)


def _shape_args(args):
    """view(2, 3), view((2, 3)) and view([2, 3]) alike."""
    if len(args) == 1 and type(args[0]) is not int and not isinstance(args[0], numbers.Integral):
        return args[0]
    return args


class Tensor(TensorBase):
    """An n-dimensional array with autograd, as torch.Tensor. Made by tensor(), zeros(), ..."""

    __slots__ = ()

    # --- attributes ----------------------------------------------------------------------
    @property
    def shape(self) -> Size:
        key = _lib.py_shape_key(self._h)
        try:
            return _shapes[key]
        except KeyError:
            return _shape_of(self, key)

    @overload
    def size(self) -> Size: ...
    @overload
    def size(self, dim: int) -> int: ...
    def size(self, dim=None):
        return self.shape if dim is None else self.shape[dim]

    @property
    def ndim(self) -> int:
        return _lib.py_ndim(self._h)

    def dim(self) -> int:
        return _lib.py_ndim(self._h)

    ndimension = dim

    def storage_offset(self) -> int:
        """Where in its storage the first element lies, counted in elements."""
        out = _new("int64_t *")
        _check(_lib.mt_tensor_storage_offset(out, _ptr(self)))
        return out[0]

    @overload
    def stride(self) -> tuple[int, ...]: ...
    @overload
    def stride(self, dim: int) -> int: ...
    def stride(self, dim=None):
        n = self.ndim
        out = _new(_SHAPE8) if n <= 8 else _new("int64_t[]", n)
        _check(_lib.mt_tensor_strides(out, n, _ptr(self)))
        strides = tuple(_unpack(out, n))
        return strides if dim is None else strides[dim]

    def numel(self) -> int:
        return _lib.py_numel(self._h)

    nelement = numel

    @property
    def dtype(self) -> dtype:
        return _dtypes[_lib.py_dtype(self._h)]

    @property
    def device(self) -> device:
        return _devices[_lib.py_device(self._h)]

    @property
    def is_meta(self) -> bool:
        return _lib.py_device(self._h) == _lib.MT_META

    def element_size(self) -> int:
        return self.dtype.itemsize

    def is_contiguous(self) -> bool:
        return _lib.py_is_contiguous(self._h) == 1

    def is_floating_point(self) -> bool:
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        return self.dtype.is_complex

    def data_ptr(self) -> int:
        pointer = _lib.py_data(self._h)
        return pointer if pointer != _FAILED else _raise()

    @property
    def T(self):
        return _ops.permute(self, tuple(range(self.ndim - 1, -1, -1)))

    @property
    def real(self) -> Tensor:
        return _ops.real(self) if self.is_complex() else self

    @real.setter
    def real(self, value):
        _ops.real(self).copy_(_as_tensor(value))

    @property
    def imag(self) -> Tensor:
        return _ops.imag(self)

    @imag.setter
    def imag(self, value):
        _ops.imag(self).copy_(_as_tensor(value))

    @property
    def mT(self):
        return _ops.transpose(self, -2, -1) if self.ndim else self

    @property
    def H(self):
        if self.ndim not in (0, 2):
            raise RuntimeError("tensor.H is only supported on matrices (2-D tensors). Got "
                               f"{self.ndim}-D tensor. For batches of matrices, consider using "
                               "tensor.mH")
        return _ops.conj(_ops.transpose(self, 0, 1)) if self.ndim else _ops.conj(self)

    @property
    def mH(self):
        return _ops.conj(_ops.transpose(self, -2, -1)) if self.ndim else _ops.conj(self)

    # --- autograd ------------------------------------------------------------------------
    @property
    def requires_grad(self) -> bool:
        return _lib.py_requires_grad(self._h) == 1

    @requires_grad.setter
    def requires_grad(self, value: bool):
        _check(_lib.mt_tensor_set_requires_grad(_ptr(self), bool(value)))

    def requires_grad_(self, requires_grad=True):
        self.requires_grad = requires_grad
        return self

    @property
    def grad(self) -> Tensor | None:
        h = _lib.py_grad(self._h)
        return None if not h else _wrap(h) if h != _FAILED else _raise()

    @grad.setter
    def grad(self, value: Tensor | None):
        if value is not None and not isinstance(value, Tensor):
            raise TypeError(f"assigned grad must be a Tensor or None, not {type(value).__name__}")
        _check(_lib.mt_tensor_set_grad(_ptr(self), ffi.NULL if value is None else _ptr(value)))

    @grad.deleter
    def grad(self):
        self.grad = None

    @property
    def grad_fn(self) -> Node | None:
        h = _lib.py_grad_fn(self._h)
        return None if not h else Node(h) if h != _FAILED else _raise()

    @property
    def is_leaf(self) -> bool:
        return _lib.py_is_leaf(self._h) == 1

    @property
    def _version(self):
        out = _new("int64_t *")
        _check(_lib.mt_tensor_version(out, _ptr(self)))
        return out[0]

    @property
    def data(self):
        return _ops.detach(self)

    @data.setter
    def data(self, value):
        _check(_lib.mt_tensor_set_data(_ptr(self), _ptr(value)))

    def backward(self, gradient: Tensor | None = None, retain_graph: bool | None = None,
                 create_graph=False, inputs: Any = None) -> None:
        if inputs is not None:
            from . import autograd
            inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
            return autograd.backward(self, gradient, retain_graph, create_graph, inputs)
        if _lib.py_backward(self._h, 0 if gradient is None else _h(gradient),
                            bool(retain_graph), bool(create_graph)):
            _raise()

    def detach_(self):
        _check(_lib.mt_tensor_detach_(_ptr(self)))
        return self

    def retain_grad(self):
        _check(_lib.mt_tensor_retain_grad(_ptr(self)))

    @property
    def retains_grad(self) -> bool:
        out = _new("bool *")
        _check(_lib.mt_tensor_retains_grad(out, _ptr(self)))
        return out[0]

    def register_hook(self, hook: Callable[[Tensor], Any]) -> RemovableHandle:
        from ._callbacks import register_tensor_hook
        hook_id = register_tensor_hook(self, hook)
        return RemovableHandle(lambda: _check(_lib.mt_tensor_remove_hook(_ptr(self), hook_id)))

    # --- values --------------------------------------------------------------------------
    def __dlpack__(self, stream=None, max_version=None, **_):
        from . import _numpy
        return _numpy.to_dlpack(self, max_version)

    def __dlpack_device__(self):
        return (1, 0)

    def item(self) -> Number:
        code = _lib.py_dtype(self._h)
        if code <= _lib.MT_BFLOAT16:
            out = _new(_DOUBLE)
            if _lib.py_item_double(out, self._h):
                _raise()
            return out[0]
        if code == _lib.MT_UINT64 and self.numel() == 1 and not self.is_meta:
            out = _new("uint64_t *")  # which int64 may not hold
            _check(_lib.mt_tensor_copy_to_host(_ptr(self), out, 8))
            return out[0]
        if code == _lib.MT_COMPLEX64 or code == _lib.MT_COMPLEX128:
            real, imag = _new(_DOUBLE), _new(_DOUBLE)
            _check(_lib.mt_tensor_item_complex(real, imag, _ptr(self)))
            return complex(real[0], imag[0])
        out = _new(_INT64)
        if _lib.py_item_int64(out, self._h):
            _raise()
        return bool(out[0]) if code == _lib.MT_BOOL else out[0]

    def tolist(self) -> Any:
        if self.ndim == 0:
            return self.item()
        from . import _numpy
        return _numpy.to_list(self.detach())

    def numpy(self, *, force=False) -> np.ndarray[Any, Any]:
        """A NumPy array on the same memory."""
        from . import _numpy
        return _numpy.to_numpy(self, force)

    def __array__(self, dtype=None, copy=None) -> np.ndarray[Any, Any]:
        a = self.numpy()
        return a if dtype is None else a.astype(dtype, copy=False)

    def __repr__(self):
        out = _new("char **")
        _check(_lib.mt_tensor_to_string(out, _ptr(self)))
        return _text(out)

    __str__ = __repr__

    def __format__(self, spec):
        return format(self.item(), spec) if self.ndim == 0 else object.__format__(str(self), spec)

    def __bool__(self):
        n = self.numel()
        if n != 1:
            raise RuntimeError(
                f"Boolean value of Tensor with {'no values' if n == 0 else 'more than one value'} "
                "is ambiguous")
        return bool(self.item())

    def __float__(self):
        return float(self._real_item())

    def __int__(self):
        return int(self._real_item())

    def __complex__(self):
        return complex(self.item())

    def _real_item(self):
        v = self.item()
        if type(v) is not complex:
            return v
        if v.imag:
            raise RuntimeError("value cannot be converted to type double without overflow: the "
                               "imaginary part would be lost")
        return v.real

    def __index__(self):
        v = self.item()
        if not isinstance(v, int):
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(v)

    def __len__(self):
        if self.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter([_ops.select(self, 0, i) for i in range(self.shape[0])])

    def __contains__(self, value):
        return bool((self == value).any())

    def __hash__(self):
        return id(self)

    def __reduce__(self):
        from . import _numpy
        return (_numpy.from_pickle, (self.detach().contiguous().to(float32).numpy()
                                     if self.dtype.name == "bfloat16" else self.detach().numpy(),
                                     self.dtype, self.requires_grad))

    def __deepcopy__(self, memo) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError("Only Tensors created explicitly by the user (graph leaves) support "
                               "the deepcopy protocol at the moment")
        t = self.detach().clone()
        if self.requires_grad:
            t.requires_grad_()
        memo[id(self)] = t
        return t

    # --- conversion ----------------------------------------------------------------------
    def to(self, *args, dtype=None, device=None, copy=False, non_blocking=False, memory_format=None,
           other=None) -> Tensor:
        flags = [a for a in args if isinstance(a, bool)]
        copy = copy or len(flags) > 1 and flags[1]
        for a in args if other is None else (other, *args):
            if isinstance(a, Tensor):
                dtype, device = a.dtype, a.device
            elif isinstance(a, str) or hasattr(a, "index") and hasattr(a, "type"):
                device = a
            elif isinstance(a, bool):
                pass  # non_blocking, copy
            else:
                dtype = a
        t = self
        if dtype is not None:
            t = _ops.to_dtype(t, dtype, bool(copy))
        if device is not None:
            t = _ops.to_device(t, device, bool(copy) and t is self)
        if dtype is None and device is None:
            return t.clone() if copy else t
        return self if not copy and _lib.py_same(t._h, self._h) else t

    def type(self, dtype: DType | None = None) -> Any:
        return "torch." + {"float32": "FloatTensor", "float64": "DoubleTensor",
                           "int64": "LongTensor", "int32": "IntTensor", "int16": "ShortTensor",
                           "int8": "CharTensor", "uint8": "ByteTensor", "bool": "BoolTensor",
                           "float16": "HalfTensor", "bfloat16": "BFloat16Tensor",
                           "complex64": "ComplexFloatTensor",
                           "complex128": "ComplexDoubleTensor", "uint16": "UInt16Tensor",
                           "uint32": "UInt32Tensor", "uint64": "UInt64Tensor"}[self.dtype.name] \
            if dtype is None else self.to(dtype)

    def chalf(self, memory_format=None):
        raise NotImplementedError("chalf: not implemented: dtype complex32: the complex dtypes are "
                                  "complex64 and complex128; use cfloat()")

    def type_as(self, other: Tensor) -> Tensor:
        return self.to(other.dtype)

    def cpu(self) -> Tensor:
        return self.to(device="cpu")

    def view(self, *shape: Any):
        if len(shape) == 1 and isinstance(shape[0], dtype):
            raise RuntimeError("view: viewing as another dtype is not supported")
        return _ops.view(self, _shape_args(shape))

    def view_as(self, other: Tensor):
        return _ops.view(self, other.shape)

    def reshape(self, *shape):
        return _ops.reshape(self, _shape_args(shape))

    def reshape_as(self, other: Tensor):
        return _ops.reshape(self, other.shape)

    def permute(self, *dims):
        return _ops.permute(self, _shape_args(dims))

    def expand(self, *sizes: Ints):
        return _ops.expand(self, _shape_args(sizes))

    def expand_as(self, other: Tensor):
        return _ops.expand(self, other.shape)

    def new_tensor(self, data, *, dtype=None, device=None, requires_grad=False) -> Tensor:
        from . import tensor
        return tensor(data, dtype=dtype or self.dtype, device=device or self.device,
                      requires_grad=requires_grad)

    def _new(self, make, size, dtype, device, requires_grad):
        t = make(_shape_args(size), dtype or self.dtype, device or self.device)
        return t.requires_grad_() if requires_grad else t

    def new_zeros(self, *size, dtype=None, device=None, requires_grad=False, layout=None,
                  pin_memory=False):
        return self._new(_ops.zeros, size, dtype, device, requires_grad)

    def new_ones(self, *size, dtype=None, device=None, requires_grad=False, layout=None,
                 pin_memory=False):
        return self._new(_ops.ones, size, dtype, device, requires_grad)

    def new_empty(self, *size, dtype=None, device=None, requires_grad=False, layout=None,
                  pin_memory=False) -> Tensor:
        return self._new(_ops.empty, size, dtype, device, requires_grad)

    def new_full(self, size, fill_value, *, dtype=None, device=None, requires_grad=False,
                 layout=None, pin_memory=False) -> Tensor:
        from . import full
        return full(size, fill_value, dtype=dtype or self.dtype, device=device or self.device,
                    requires_grad=requires_grad)

    def new_empty_strided(self, size, stride, *, dtype=None, device=None, requires_grad=False,
                          layout=None, pin_memory=False):
        from . import empty_strided
        return empty_strided(size, stride, dtype=dtype or self.dtype,
                             device=device or self.device, requires_grad=requires_grad)

    def where(self, condition: Tensor, other) -> Tensor:
        return _ops.where(condition, self, other)

    # --- indexing ------------------------------------------------------------------------
    def __getitem__(self, key) -> Tensor:
        if type(key) is int:
            return _ops.select(self, 0, key)
        return _indexing.get(self, key)

    def __setitem__(self, key, value):
        _indexing.put(self, key, value)


_set_tensor_class(Tensor)
_install(Tensor)
