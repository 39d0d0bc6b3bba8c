"""Parameter: a tensor that modules list and optimizers train."""
from __future__ import annotations

from .._native import ffi, lib as _lib
from .._runtime import TensorBase, _check, _new, _ptr
from .._tensor import Tensor

__all__ = ["Parameter"]


class Parameter(Tensor):
    """A tensor that modules list and optimizers train."""

    __slots__ = ()

    def __new__(cls, data: Tensor | None = None, requires_grad=True) -> Self:
        if data is None:
            from .. import empty
            data = empty(0)
        if not isinstance(data, TensorBase):
            raise TypeError(f"Parameter: expected a Tensor, not {type(data).__name__}")
        out = _new("mt_tensor **")
        _check(_lib.mt_make_parameter(out, _ptr(data), bool(requires_grad)))
        return make_parameter(int(ffi.cast("uint64_t", out[0])))

    def __deepcopy__(self, memo) -> Parameter:
        memo[id(self)] = result = Parameter(self.detach().clone(), self.requires_grad)
        return result


def make_parameter(h):
    p = Tensor.__new__(Parameter)
    p._h = h
    return p
