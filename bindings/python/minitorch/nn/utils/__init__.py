"""torch.nn.utils: gradient clipping, parameter vectors, normed weights, packed sequences."""
from __future__ import annotations

import warnings

from ..._native import ffi, lib as _lib
from ..._runtime import TensorBase, _check, _new, _own, _ptr, _ptrs
from . import fusion as stateless
from . import parametrizations, parametrize, rnn
from .fusion import fuse_conv_bn_eval, fuse_conv_bn_weights, skip_init
from ._normed import remove_spectral_norm, remove_weight_norm, spectral_norm, weight_norm

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "fuse_conv_bn_eval",
           "fuse_conv_bn_weights", "parameter_list", "parameters_to_vector", "parametrizations",
           "parametrize", "remove_spectral_norm", "remove_weight_norm", "rnn", "skip_init",
           "spectral_norm", "stateless", "vector_to_parameters", "weight_norm"]


def parameter_list(parameters):
    """An mt_tensors of one or several tensors."""
    items = [parameters] if isinstance(parameters, TensorBase) else list(parameters)
    for t in items:
        if not isinstance(t, TensorBase):
            raise TypeError(f"expected Tensors, but one of the params is {type(t).__name__}")
    out = _new("mt_tensors **")
    _check(_lib.mt_tensors_create(out, _ptrs(items), len(items)))
    return ffi.gc(out[0], _lib.mt_tensors_free)


def clip_grad_norm_(parameters: Any, max_norm: float, norm_type=2.0,
                    error_if_nonfinite=False) -> Tensor:
    """Scales gradients so that their total norm is at most max_norm; returns the norm before."""
    from ... import tensor
    norm = _new("double *")
    _check(_lib.mt_clip_grad_norm_(norm, parameter_list(parameters), float(max_norm),
                                   float(norm_type), bool(error_if_nonfinite)))
    return tensor(norm[0])


def clip_grad_norm(parameters: Any, max_norm: float, norm_type=2.0,
                   error_if_nonfinite=False) -> Tensor:
    """torch's deprecated name of clip_grad_norm_."""
    warnings.warn("torch.nn.utils.clip_grad_norm is now deprecated in favor of "
                  "torch.nn.utils.clip_grad_norm_.", stacklevel=2)
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite)


def clip_grad_value_(parameters: Any, clip_value: float):
    _check(_lib.mt_clip_grad_value_(parameter_list(parameters), float(clip_value)))


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements, one tensor after the other."""
    out = _new("mt_tensor **")
    _check(_lib.mt_parameters_to_vector(out, parameter_list(parameters)))
    return _own(out)


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """The way back, in place."""
    if not isinstance(vec, TensorBase):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    _check(_lib.mt_vector_to_parameters(_ptr(vec), parameter_list(parameters)))
