"""torch.nn.utils.parametrize: a parameter or buffer that is computed by modules from others."""
from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager

from ..._runtime import TensorBase
from .._computed import restore, set_computed
from ..module import Module, Parameter
from ..module_lists import ModuleDict, ModuleList

__all__ = ["ParametrizationList", "cached", "is_parametrized", "register_parametrization",
           "remove_parametrizations", "type_before_parametrizations"]

_cache, _caching = {}, 0


@contextmanager
def cached() -> Iterator[None]:
    """Within it, each parametrized tensor is computed once."""
    global _caching
    _caching += 1
    try:
        yield
    finally:
        _caching -= 1
        if not _caching:
            _cache.clear()


def _register(module, name, tensor):
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor and what they compute it from: `original`, or `original0`,
    `original1`, ... when right_inverse gives several tensors."""

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False):
        from ... import no_grad
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        with no_grad():
            new = original
            for m in reversed(list(self)):
                if hasattr(m, "right_inverse"):
                    try:
                        new = m.right_inverse(new)
                    except NotImplementedError:
                        pass
        if not isinstance(new, TensorBase) and not isinstance(new, Sequence):
            raise ValueError("'right_inverse' must return a Tensor or a Sequence of tensors (list, "
                             f"tuple...). Got {type(new).__name__}")
        self.is_tensor = isinstance(new, TensorBase)
        self.ntensors = 1 if self.is_tensor else len(new)
        if self.is_tensor:
            if new.dtype != dtype:
                raise ValueError("When `right_inverse` outputs one tensor, it may not change the "
                                 f"dtype.\noriginal.dtype: {dtype}\n"
                                 f"right_inverse(original).dtype: {new.dtype}")
            if new is not original:
                original.data = new
            _register(self, "original", original)
        else:
            for i, t in enumerate(new):
                if not isinstance(t, TensorBase):
                    raise ValueError("'right_inverse' must return a Tensor or a Sequence of "
                                     f"tensors (list, tuple...). Got element {i} of the sequence "
                                     f"with type {type(t).__name__}.")
                if isinstance(original, Parameter):
                    t = Parameter(t, original.requires_grad)
                _register(self, f"original{i}", t)
        if not unsafe:
            z = self()
            if not isinstance(z, TensorBase):
                raise ValueError(f"A parametrization must return a tensor. Got {type(z).__name__}.")
            for what, old, now in (("dtype", dtype, z.dtype), ("shape", shape, z.shape)):
                if old != now:
                    raise ValueError(f"Registering a parametrization may not change the {what} of "
                                     "the tensor, unless `unsafe` flag is enabled.\n"
                                     f"unparametrized {what}: {old}\nparametrized {what}: {now}")

    def _originals(self):
        if self.is_tensor:
            return [self.original]
        return [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def right_inverse(self, value: Any) -> None:
        """Sets the originals to what gives `value`."""
        from ... import no_grad
        with no_grad():
            for m in reversed(list(self)):
                if not hasattr(m, "right_inverse"):
                    raise RuntimeError(f"parametrization {type(m).__name__} does not implement "
                                       "right_inverse.")
                value = m.right_inverse(value)
            values = [value] if self.is_tensor else value
            if not isinstance(values, Sequence) or len(values) != self.ntensors:
                raise ValueError("'right_inverse' must return a sequence of tensors of length "
                                 f"{self.ntensors}.")
            for t, original in zip(values, self._originals()):
                if not isinstance(t, TensorBase):
                    raise ValueError(f"`right_inverse` should return a tensor. Got "
                                     f"{type(t).__name__}")
                if t.dtype != original.dtype:
                    raise ValueError(f"The tensor returned by `right_inverse` has dtype {t.dtype} "
                                     f"while `original` has dtype {original.dtype}")
                original.data = t

    def forward(self, *_: Any) -> Any:
        modules = list(self)
        x = modules[0](*self._originals())
        for m in modules[1:]:
            x = m(x)
        return x


class _Compute:
    """Before a forward in C: hands over the computed tensors."""

    def __call__(self, module, inputs):
        for name in module.parametrizations:
            set_computed(module, name, getattr(module, name))


def _add_property(cls, name):
    def get(self):
        parametrization = self.parametrizations[name]
        if not _caching:
            return parametrization()
        key = (id(self), name)
        if key not in _cache:
            _cache[key] = parametrization()
        return _cache[key]

    setattr(cls, name, property(get, lambda self, value: self.parametrizations[name]
                                .right_inverse(value)))


def register_parametrization(module: Module, tensor_name: str, parametrization: Module, *,
                             unsafe: bool = False) -> Module:
    """From now on module.<tensor_name> is parametrization(original)."""
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        chain = module.parametrizations[tensor_name]
        if not unsafe:
            before = getattr(module, tensor_name)
            after = parametrization(before)
            if not isinstance(after, TensorBase):
                raise ValueError(f"A parametrization must return a tensor. Got "
                                 f"{type(after).__name__}.")
            if after.dtype != before.dtype or after.shape != before.shape:
                raise ValueError("Registering a parametrization may not change the dtype or shape "
                                 "of the tensor, unless the `unsafe` flag is enabled.")
        chain.append(parametrization)
        chain.unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        original = getattr(module, tensor_name)
        chain = ParametrizationList([parametrization], original, unsafe=unsafe)
        if not is_parametrized(module):
            cls = type(module)
            module.__class__ = type(f"Parametrized{cls.__name__}", (cls,), {})
            module.parametrizations = ModuleDict()
            module.register_forward_pre_hook(_Compute())
        set_computed(module, tensor_name, original.detach())
        module.__dict__.pop(tensor_name, None)
        _add_property(type(module), tensor_name)
        module.parametrizations[tensor_name] = chain
    else:
        raise ValueError(f"Module '{module}' does not have a parameter, a buffer, or a "
                         f"parametrized element with name '{tensor_name}'")
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    lists = module._modules.get("parametrizations")
    if not isinstance(lists, ModuleDict):
        return False
    return len(lists) > 0 if tensor_name is None else tensor_name in lists


def remove_parametrizations(module: Module, tensor_name: str,
                            leave_parametrized: bool = True) -> Module:
    """Makes the tensor an ordinary one again: of its present value, or the original."""
    from ... import no_grad
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    chain = module.parametrizations[tensor_name]
    if not chain.is_tensor and not leave_parametrized:
        raise ValueError("Cannot leave unparametrized (`leave_parametrized=False`) a tensor that "
                         "is parametrized in terms of a sequence of tensors.")
    parameter = any(isinstance(t, Parameter) for t in chain._originals())
    if leave_parametrized:
        with no_grad():
            value = getattr(module, tensor_name).detach()
        if chain.is_tensor:
            original = chain.original
            original.data = value
        else:
            original = Parameter(value) if parameter else value
    else:
        original = chain.original
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    restore(module, tensor_name, original)
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        hooks = module._forward_pre_hooks
        for key in [k for k, h in hooks.items() if isinstance(h, _Compute)]:
            del hooks[key]
        module.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module: Module) -> type:
    return type(module).__bases__[0] if is_parametrized(module) else type(module)
