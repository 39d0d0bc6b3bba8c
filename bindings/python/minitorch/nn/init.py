"""torch.nn.init: fills a tensor in place with PyTorch's random numbers."""
from __future__ import annotations

import warnings

from .._native import ffi, lib as _lib
from .._runtime import _check, _new, _ptr


def _fill(function, tensor, *args):
    _check(function(_ptr(tensor), *args))
    return tensor


def uniform_(tensor, a=0.0, b=1.0) -> Tensor:
    return _fill(_lib.mt_nn_init_uniform_, tensor, a, b)


def normal_(tensor, mean=0.0, std=1.0) -> Tensor:
    return _fill(_lib.mt_nn_init_normal_, tensor, mean, std)


def constant_(tensor, val: float) -> Tensor:
    return _fill(_lib.mt_nn_init_constant_, tensor, val)


def ones_(tensor) -> Tensor:
    return _fill(_lib.mt_nn_init_ones_, tensor)


def zeros_(tensor) -> Tensor:
    return _fill(_lib.mt_nn_init_zeros_, tensor)


def trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0) -> Tensor:
    return _fill(_lib.mt_nn_init_trunc_normal_, tensor, mean, std, a, b)


def orthogonal_(tensor, gain=1) -> Tensor:
    return _fill(_lib.mt_nn_init_orthogonal_, tensor, gain)


def sparse_(tensor, sparsity: float, std=0.01) -> Tensor:
    return _fill(_lib.mt_nn_init_sparse_, tensor, sparsity, std)


def dirac_(tensor, groups=1) -> Tensor:
    return _fill(_lib.mt_nn_init_dirac_, tensor, groups)


def eye_(tensor) -> Tensor:
    return _fill(_lib.mt_nn_init_eye_, tensor)


def xavier_uniform_(tensor, gain=1.0) -> Tensor:
    return _fill(_lib.mt_nn_init_xavier_uniform_, tensor, gain)


def xavier_normal_(tensor, gain=1.0) -> Tensor:
    return _fill(_lib.mt_nn_init_xavier_normal_, tensor, gain)


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu") -> Tensor:
    return _fill(_lib.mt_nn_init_kaiming_uniform_, tensor, a, mode.encode(), nonlinearity.encode())


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu") -> Tensor:
    return _fill(_lib.mt_nn_init_kaiming_normal_, tensor, a, mode.encode(), nonlinearity.encode())


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    out = _new("double *")
    _check(_lib.mt_nn_init_calculate_gain(
        out, nonlinearity.encode(), ffi.NULL if param is None else _new("double *", param)))
    return out[0]


def _older(new):
    """torch's deprecated name without the underscore."""
    def older(*args, **kwargs) -> Tensor:
        name = new.__name__
        warnings.warn(f"nn.init.{name[:-1]} is now deprecated in favor of nn.init.{name}.",
                      stacklevel=2)
        return new(*args, **kwargs)
    return older


uniform, normal, constant, eye, dirac, sparse, orthogonal = map(
    _older, (uniform_, normal_, constant_, eye_, dirac_, sparse_, orthogonal_))
xavier_uniform, xavier_normal, kaiming_uniform, kaiming_normal = map(
    _older, (xavier_uniform_, xavier_normal_, kaiming_uniform_, kaiming_normal_))
