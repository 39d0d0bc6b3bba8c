"""The older forms of weight and spectral normalisation: a hook computes the weight before each
forward, from parameters that take its place."""
from __future__ import annotations

from .. import functional
from .._computed import restore, set_computed
from ..module import Module, Parameter

__all__ = ["remove_spectral_norm", "remove_weight_norm", "spectral_norm", "weight_norm"]


def _only(kind, module, name):
    for hook in module._forward_pre_hooks.values():
        if isinstance(hook, kind) and hook.name == name:
            raise RuntimeError(f"Cannot register two {kind.text} hooks on the same parameter "
                               f"{name}")


def _removed(kind, module, name):
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, kind) and hook.name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"{kind.text} of '{name}' not found in {module}")


def norm_except_dim(v, dim):
    """The 2-norm over all dims but one (-1: over all), of a shape that broadcasts to v."""
    from ... import linalg
    if dim == -1:
        return linalg.vector_norm(v)
    dims = [d for d in range(v.dim()) if d != dim % v.dim()]
    return linalg.vector_norm(v, dim=dims, keepdim=True) if dims else v.abs()


class WeightNorm:
    """weight = g v / |v| (Salimans and Kingma, 2016)."""

    text = "weight_norm"

    def __init__(self, name, dim):
        self.name, self.dim = name, dim

    def compute_weight(self, module):
        v = getattr(module, self.name + "_v")
        return v * (getattr(module, self.name + "_g") / norm_except_dim(v, self.dim))

    def __call__(self, module, inputs):
        set_computed(module, self.name, self.compute_weight(module))

    def remove(self, module):
        weight = self.compute_weight(module).detach()
        delattr(module, self.name + "_g")
        delattr(module, self.name + "_v")
        restore(module, self.name, Parameter(weight))


def weight_norm(module: Module, name: str = 'weight', dim: int | None = 0) -> Module:
    """Replaces a parameter by its length `name`_g along dim and its direction `name`_v."""
    _only(WeightNorm, module, name)
    norm = WeightNorm(name, -1 if dim is None else dim)
    weight = getattr(module, name)
    set_computed(module, name, weight.detach())
    module.register_parameter(name + "_g", Parameter(norm_except_dim(weight.detach(), norm.dim)))
    module.register_parameter(name + "_v", Parameter(weight.detach()))
    norm(module, None)
    module.register_forward_pre_hook(norm)
    return module


def remove_weight_norm(module: Module, name: str = 'weight') -> Module:
    return _removed(WeightNorm, module, name)


class SpectralNorm:
    """weight divided by its largest singular value, which a power iteration follows (Miyato et al.,
    2018)."""

    text = "spectral_norm"

    def __init__(self, name, n_power_iterations, dim, eps):
        if n_power_iterations <= 0:
            raise ValueError("Expected n_power_iterations to be positive, but got "
                             f"n_power_iterations={n_power_iterations}")
        self.name, self.n, self.dim, self.eps = name, n_power_iterations, dim, eps

    def matrix(self, weight):
        if self.dim != 0:
            weight = weight.permute(self.dim, *[d for d in range(weight.dim()) if d != self.dim])
        return weight.reshape(weight.shape[0], -1)

    def compute_weight(self, module, iterate):
        from ... import dot, mv, no_grad
        weight = getattr(module, self.name + "_orig")
        u, v = getattr(module, self.name + "_u"), getattr(module, self.name + "_v")
        matrix = self.matrix(weight)
        if iterate:
            with no_grad():
                for _ in range(self.n):
                    v.copy_(functional.normalize(mv(matrix.t(), u), dim=0, eps=self.eps))
                    u.copy_(functional.normalize(mv(matrix, v), dim=0, eps=self.eps))
                u, v = u.clone(), v.clone()  # the next forward overwrites them
        return weight / dot(u, mv(matrix, v))

    def __call__(self, module, inputs):
        set_computed(module, self.name, self.compute_weight(module, module.training))

    def remove(self, module):
        weight = self.compute_weight(module, False).detach()
        for end in ("_u", "_v", "_orig"):
            delattr(module, self.name + end)
        restore(module, self.name, Parameter(weight))


def spectral_norm(module: Module, name: str = 'weight', n_power_iterations: int = 1,
                  eps: float = 1e-12, dim: int | None = None) -> Module:
    """Replaces a parameter by `name`_orig and the buffers `name`_u and `name`_v."""
    from ... import empty, no_grad
    if dim is None:
        transposed = type(module).__name__.startswith("ConvTranspose")
        dim = 1 if transposed else 0
    _only(SpectralNorm, module, name)
    norm = SpectralNorm(name, n_power_iterations, dim, eps)
    weight = module._parameters[name]
    if weight is None:
        raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
    with no_grad():
        h, w = norm.matrix(weight).shape
        u, v = [functional.normalize(empty(n, dtype=weight.dtype).normal_(0, 1), dim=0, eps=eps)
                for n in (h, w)]
    set_computed(module, name, weight.detach())
    module.register_parameter(name + "_orig", weight)
    module.register_buffer(name + "_u", u)
    module.register_buffer(name + "_v", v)
    module.register_forward_pre_hook(norm)
    return module


def remove_spectral_norm(module: Module, name: str = 'weight') -> Module:
    return _removed(SpectralNorm, module, name)
