"""Tensors that take the place of a module's parameter or buffer: computed before each forward."""
from .._native import lib as _lib
from .._runtime import _check, _ptr
from .module import Parameter


def set_computed(module, name, tensor):
    """Puts a computed tensor in the place of a parameter or buffer, which is then none."""
    _check(_lib.mt_module_set_computed(module._c, name.encode(), _ptr(tensor)))
    module._parameters.pop(name, None)
    module._buffers.pop(name, None)
    if not isinstance(getattr(type(module), name, None), property):
        module.__dict__[name] = tensor


def restore(module, name, tensor):
    """Ends that."""
    module.__dict__.pop(name, None)
    if isinstance(tensor, Parameter):
        module._put_parameter(name, tensor)
    else:
        module._put_buffer(name, tensor, True)
