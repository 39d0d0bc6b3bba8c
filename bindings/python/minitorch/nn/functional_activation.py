"""torch.nn.functional's activations: its signatures, with inplace=True."""
from __future__ import annotations

from .. import _ops
from .._typing import Number


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    return _ops.relu_(input) if inplace else _ops.relu(input)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    return _ops.relu6_(input) if inplace else _ops.relu6(input)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    return _ops.elu_(input, alpha) if inplace else _ops.elu(input, alpha)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    return _ops.elu_(input, alpha)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    return _ops.celu_(input, alpha) if inplace else _ops.celu(input, alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    return _ops.selu_(input) if inplace else _ops.selu(input)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    return _ops.silu_(input) if inplace else _ops.silu(input)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    return _ops.mish_(input) if inplace else _ops.mish(input)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    return _ops.hardswish_(input) if inplace else _ops.hardswish(input)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    return _ops.hardsigmoid_(input) if inplace else _ops.hardsigmoid(input)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0,
             inplace: bool = False) -> Tensor:
    op = _ops.hardtanh_ if inplace else _ops.hardtanh
    return op(input, min_val, max_val)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    op = _ops.leaky_relu_ if inplace else _ops.leaky_relu
    return op(input, negative_slope)


def rrelu(input: Tensor, lower: float = 0.125, upper: float = 1 / 3, training: bool = False,
          inplace: bool = False) -> Tensor:
    op = _ops.rrelu_ if inplace else _ops.rrelu
    return op(input, lower, upper, training)


def threshold(input: Tensor, threshold: Number, value: Number, inplace: bool = False) -> Tensor:
    op = _ops.threshold_ if inplace else _ops.threshold
    return op(input, threshold, value)


def logsigmoid(input: Tensor) -> Tensor:
    return _ops.log_sigmoid(input)


def sigmoid(input: Tensor) -> Tensor:
    return _ops.sigmoid(input)


def tanh(input: Tensor) -> Tensor:
    return _ops.tanh(input)
