"""Layers that learn the size of their input from the first one, and are plain layers from then on."""
from __future__ import annotations

import warnings

from .._native import ffi, lib as _lib
from .._runtime import _check
from ._layers import (BatchNorm1d, BatchNorm2d, BatchNorm3d, Conv1d, Conv2d, Conv3d,
                      ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, InstanceNorm1d,
                      InstanceNorm2d, InstanceNorm3d, Linear)
from ._parameter import Parameter

__all__ = ["LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d", "LazyConv1d", "LazyConv2d",
           "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d",
           "LazyInstanceNorm1d", "LazyInstanceNorm2d", "LazyInstanceNorm3d", "LazyLinear",
           "UninitializedParameter"]


class UninitializedParameter(Parameter):
    """A parameter that has no values yet; it becomes a Parameter when its layer sees an input."""

    __slots__ = ()

    def __repr__(self):
        return "<UninitializedParameter>"


class _Lazy:
    _size = ""  # the option that the input tells
    cls_to_become = None

    def _begin(self):
        for p in self._parameters.values():
            if p is not None:
                p.__class__ = UninitializedParameter
        self._install_forward()
        warnings.warn("Lazy modules are a new feature under heavy development so changes to the API "
                      "or functionality can happen at any moment.", stacklevel=3)

    def has_uninitialized_params(self) -> bool:
        return any(isinstance(p, UninitializedParameter) for p in self._parameters.values())

    def _size_of(self, input):
        return input.shape[-1]

    def initialize_parameters(self, input: Tensor) -> None:
        if self.has_uninitialized_params() or not getattr(self, self._size):
            self._fill(self._size_of(input))

    def _fill(self, size):
        setattr(self, self._size, size)
        new = self._remade()
        for table in (self._parameters, self._buffers):
            for name, t in table.items():
                if t is not None:
                    t.data = getattr(new, name).data
                    if isinstance(t, UninitializedParameter):
                        t.__class__ = Parameter

    def _become(self, input):
        self.initialize_parameters(input)
        self.__class__ = self.cls_to_become
        del self.__dict__["_own_forward"]
        _check(_lib.mt_module_set_forward(self._c, ffi.NULL, ffi.NULL, ffi.NULL))

    def __call__(self, input: Tensor, *args, **kwargs) -> Tensor:
        self._become(input)
        return self(input, *args, **kwargs)

    def _from_c(self, inputs):
        self._become(inputs[0])
        return self._from_c(inputs)

    def _lazy_prepare(self, state, prefix):
        """The sizes of a state dict that is to be loaded."""
        weight = state.get(prefix + "weight")
        if weight is None:
            weight = state.get(prefix + "running_mean")
        if weight is not None and self.has_uninitialized_params():
            self._fill(self._size_in(weight))

    def _size_in(self, weight):
        return weight.shape[-1]


class LazyLinear(_Lazy, Linear):
    """A Linear whose in_features the first input tells."""

    _size, cls_to_become = "in_features", Linear

    def __init__(self, out_features: int, bias: bool = True, device: Device | None = None,
                 dtype: DType | None = None):
        super().__init__(0, 0, bias, device, dtype)
        self.out_features = out_features
        self._begin()


class _LazyConv(_Lazy):
    _size = "in_channels"

    def _size_of(self, input):
        n = len(self.kernel_size)
        if input.dim() not in (n + 1, n + 2):
            raise RuntimeError(f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to "
                               f"{type(self).__name__}, but got input of size: {list(input.shape)}")
        return input.shape[-n - 1]

    def _size_in(self, weight):
        return weight.shape[0] if self.transposed else weight.shape[1] * self.groups


class _LazyNorm(_Lazy):
    _size = "num_features"

    def _size_of(self, input):
        return input.shape[1]

    def has_uninitialized_params(self) -> bool:
        return not self.num_features


def _class(cls, bases, init):
    return type("Lazy" + cls.__name__, bases, {
        "__init__": init, "cls_to_become": cls, "__module__": __name__,
        "__doc__": f"A {cls.__name__} that learns how many channels its inputs have from the first."})


def _conv(cls):
    def __init__(self, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
                 dilation: Any = 1, groups: int = 1, bias: bool = True, padding_mode: str = "zeros",
                 device: Device | None = None, dtype: DType | None = None):
        cls.__init__(self, 0, 0, kernel_size, stride, padding, dilation, groups, bias, padding_mode,
                     device, dtype)
        self.out_channels = out_channels
        self._begin()

    return _class(cls, (_LazyConv, cls), __init__)


def _conv_transpose(cls):
    def __init__(self, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
                 output_padding: Any = 0, groups: int = 1, bias: bool = True, dilation: Any = 1,
                 padding_mode: str = "zeros", device: Device | None = None,
                 dtype: DType | None = None):
        cls.__init__(self, 0, 0, kernel_size, stride, padding, output_padding, groups, bias, dilation,
                     padding_mode, device, dtype)
        self.out_channels = out_channels
        self._begin()

    return _class(cls, (_LazyConv, cls), __init__)


def _norm(cls):
    def __init__(self, eps: float = 1e-05, momentum: float | None = 0.1, affine: bool = True,
                 track_running_stats: bool = True, device: Device | None = None,
                 dtype: DType | None = None):
        cls.__init__(self, 0, eps, momentum, affine, track_running_stats, device, dtype)
        self._begin()

    return _class(cls, (_LazyNorm, cls), __init__)


LazyConv1d, LazyConv2d, LazyConv3d = map(_conv, (Conv1d, Conv2d, Conv3d))
LazyConvTranspose1d, LazyConvTranspose2d, LazyConvTranspose3d = map(
    _conv_transpose, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d))
LazyBatchNorm1d, LazyBatchNorm2d, LazyBatchNorm3d = map(
    _norm, (BatchNorm1d, BatchNorm2d, BatchNorm3d))
LazyInstanceNorm1d, LazyInstanceNorm2d, LazyInstanceNorm3d = map(
    _norm, (InstanceNorm1d, InstanceNorm2d, InstanceNorm3d))
