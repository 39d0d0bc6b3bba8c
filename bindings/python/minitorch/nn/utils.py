"""torch.nn.utils: gradient clipping and parameter vectors."""
from __future__ import annotations

from .._native import ffi, lib as _lib
from .._runtime import TensorBase, _check, _new, _ptrs


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
    from .. import tensor
    norm = _new("double *")
    _check(_lib.mt_clip_grad_norm_(norm, parameter_list(parameters), float(max_norm),
                                   float(norm_type), bool(error_if_nonfinite)))
    return tensor(norm[0])


def clip_grad_value_(parameters: Any, clip_value: float):
    _check(_lib.mt_clip_grad_value_(parameter_list(parameters), float(clip_value)))


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    from .. import _ops
    return _ops.cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]):
    from .. import no_grad
    at = 0
    with no_grad():
        for p in parameters:
            n = p.numel()
            p.copy_(vec[at:at + n].view(p.shape))
            at += n
