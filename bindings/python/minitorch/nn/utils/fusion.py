"""Convolution and BatchNorm as one, modules without initial values, and calls with other tensors."""
from __future__ import annotations

import copy
from contextlib import contextmanager

from ..module import Module, Parameter
from .._computed import restore, set_computed

__all__ = ["functional_call", "fuse_conv_bn_eval", "fuse_conv_bn_weights", "skip_init"]


def fuse_conv_bn_eval(conv: Module, bn: Module, transpose: bool = False) -> Module:
    """A convolution that computes what conv and then bn do in eval mode."""
    assert not (conv.training or bn.training), "Fusion only for eval!"
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias,
        transpose)
    return fused


def fuse_conv_bn_weights(conv_w: Tensor, conv_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor,
                         bn_eps: float, bn_w: Tensor | None, bn_b: Tensor | None,
                         transpose: bool = False) -> tuple[Parameter, Parameter]:
    from ... import no_grad, ones_like, rsqrt, zeros_like
    with no_grad():
        conv_b = zeros_like(bn_rm) if conv_b is None else conv_b
        scale = (ones_like(bn_rm) if bn_w is None else bn_w) * rsqrt(bn_rv + bn_eps)
        shape = [1] * conv_w.dim()
        shape[1 if transpose else 0] = -1
        bias = (conv_b - bn_rm) * scale + (zeros_like(bn_rm) if bn_b is None else bn_b)
        return Parameter(conv_w * scale.reshape(shape)), Parameter(bias)


def skip_init(module_cls: type, *args: Any, **kwargs: Any) -> Module:
    """A module whose parameters have no values yet: it draws no random numbers."""
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    device = kwargs.pop("device", "cpu")
    return module_cls(*args, device="meta", **kwargs).to_empty(device=device)


@contextmanager
def _replaced(module, tensors):
    kept = []
    try:
        for path, t in tensors.items():
            owner, _, name = path.rpartition(".")
            m = module.get_submodule(owner)
            for table in (m._parameters, m._buffers):
                if name in table:
                    kept.append((m, table, name, list(table.items()), name in m._transient))
                    set_computed(m, name, t)
                    break
            else:
                raise KeyError(path)
        yield
    finally:
        for m, table, name, items, transient in reversed(kept):
            value = dict(items)[name]
            restore(m, name, value)
            if transient:
                m._put_buffer(name, value, False)
            table.clear()
            table.update(items)


def functional_call(module: Module, parameters_and_buffers: dict[str, Tensor], args: Any,
                    kwargs: dict[str, Any] | None = None) -> Any:
    """Runs the module with other tensors in the place of its own, by path."""
    with _replaced(module, parameters_and_buffers):
        return module(*(args if isinstance(args, tuple) else (args,)), **(kwargs or {}))
