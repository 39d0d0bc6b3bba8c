"""What the class Tensor gets from the tables of ops: methods, operators, conversions."""
from __future__ import annotations

import numbers

from . import _api, _ops
from ._runtime import TensorBase, dtype

_OPERANDS = {float, int, bool, complex}  # what needs no further look


def _binary(name, reflected=False):
    op = getattr(_ops, name)

    def method(self, other):
        if type(other) not in _OPERANDS and not isinstance(
                other, (TensorBase, numbers.Number)) and not hasattr(other, "item"):
            return NotImplemented
        return op(other, self) if reflected else op(self, other)

    return method


def _inplace(name):
    op = getattr(_ops, name)

    def method(self, other):
        op(self, other)
        return self

    return method


def _converter(kind):
    def convert(self) -> Tensor:
        return self.to(kind)

    return convert


def install(Tensor):
    """Operators, and every op of the table that is a method; torch's overloads first."""
    _OPERANDS.add(Tensor)
    for name, function in _api.PUBLIC.items():
        if name not in _api.FUNCTIONS_ONLY and name not in Tensor.__dict__:
            setattr(Tensor, name, function)
    for name, (_, method, _) in _ops.TABLE.items():
        if method and name not in Tensor.__dict__:
            setattr(Tensor, name, getattr(_ops, name))
    for name, target in _api.ALIASES.items():
        if target in Tensor.__dict__:
            setattr(Tensor, name, Tensor.__dict__[target])
    for symbol, name in (("add", "add"), ("sub", "sub"), ("mul", "mul"), ("truediv", "div"),
                         ("pow", "pow"), ("matmul", "matmul"), ("mod", "remainder"),
                         ("floordiv", "floor_divide"), ("and", "bitwise_and"),
                         ("or", "bitwise_or"), ("xor", "bitwise_xor"),
                         ("lshift", "bitwise_left_shift"), ("rshift", "bitwise_right_shift")):
        if hasattr(_ops, name):
            setattr(Tensor, f"__{symbol}__", _binary(name))
            setattr(Tensor, f"__r{symbol}__", _binary(name, reflected=True))
        if hasattr(_ops, name + "_"):
            setattr(Tensor, f"__i{symbol}__", _inplace(name + "_"))
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        setattr(Tensor, f"__{name}__", _binary(name))
    for kind in ("", "r", "i"):
        setattr(Tensor, f"__{kind}div__", getattr(Tensor, f"__{kind}truediv__"))
    power = Tensor.__rpow__
    Tensor.__rpow__ = lambda self, other: power(  # the base is a constant, as in torch
        self, other.detach() if isinstance(other, TensorBase) else other)
    Tensor.__neg__ = lambda self: _ops.neg(self)
    Tensor.__abs__ = lambda self: _ops.abs(self)
    Tensor.__pos__ = lambda self: self
    Tensor.__invert__ = lambda self: _ops.bitwise_not(self)
    for name, target in (("float", "float32"), ("double", "float64"), ("half", "float16"),
                         ("bfloat16", "bfloat16"), ("long", "int64"), ("int", "int32"),
                         ("short", "int16"), ("char", "int8"), ("byte", "uint8"), ("bool", "bool"),
                         ("cfloat", "complex64"), ("cdouble", "complex128")):
        kind = next(d for d in dtype._all.values() if d.name == target)
        setattr(Tensor, name, _converter(kind))

