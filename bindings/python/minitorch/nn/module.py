"""nn.Module: a Python object over a C module. The C side holds parameters, buffers and children by
name, so that what Python builds can be run, saved and printed from C, and the other way round."""
from __future__ import annotations

import copy
import weakref
from collections import OrderedDict

from .. import _callbacks
from .._graph import RemovableHandle
from .._lists import named
from .._native import ffi, lib as _lib
from .._runtime import TensorBase, _check, _device, _dtype, _new, _ptr, _text
from .._runtime import device as _device_class, dtype as _dtype_class
from ._backward_hooks import WatchedCall
from ._parameter import Parameter, make_parameter as _parameter
from ._state import StateMethods

__all__ = ["Module", "Parameter"]



# --- C calling Python ------------------------------------------------------------------------
def _alive(user):
    module = ffi.from_handle(user)()
    if module is None:
        raise RuntimeError("the Python module behind this C module is gone: keep a reference to it")
    return module


def _flat(result):
    """The tensors in nested tuples, without a None at the end."""
    if not isinstance(result, (tuple, list)):
        return [result]
    found = [t for part in result for t in _flat(part)]
    while found and found[-1] is None:
        found.pop()
    return found


@ffi.def_extern()
def py_module_forward(outputs, capacity, n_outputs, self, inputs, n_inputs, user):
    try:
        results = _flat(_alive(user)._from_c([_callbacks.borrow(inputs[i]) if inputs[i] else None
                                              for i in range(n_inputs)]))
        if len(results) > capacity:
            raise RuntimeError(f"forward returned {len(results)} outputs: at most {capacity}")
        for i, t in enumerate(results):
            if not isinstance(t, TensorBase):
                raise TypeError(f"forward must return Tensors when called from C, not "
                                f"{type(t).__name__}")
            _callbacks.give(outputs, i, t)
        n_outputs[0] = len(results)
        return _lib.MT_OK
    except BaseException as e:
        return _callbacks.failed(e)


@ffi.def_extern()
def py_module_repr(buffer, capacity, length, self, user):
    try:
        text = _alive(user).extra_repr().encode()
        length[0] = len(text)
        room = ffi.buffer(buffer, capacity)
        if len(text) < capacity:
            room[0:len(text) + 1] = text + b"\0"
        return _lib.MT_OK
    except BaseException as e:
        return _callbacks.failed(e)


def _register(hooks, hook):
    key = object()
    hooks[key] = hook
    return RemovableHandle(lambda: hooks.pop(key, None))


class Module(StateMethods):
    """The base of all models: subclass it, make children in __init__, define forward."""

    def __init__(self):
        self._adopt(self._new_c())

    def _new_c(self):
        """A C module that calls this object."""
        definition = _new("mt_module_def *")
        _lib.mt_module_def_init(definition)
        name = _new("char[]", type(self).__name__.encode())
        definition.type_name = name
        definition.forward = _lib.py_module_forward
        definition.extra_repr = _lib.py_module_repr
        definition.user = _callbacks.keep(weakref.ref(self))
        definition.destroy = _callbacks.drop
        out = _new("mt_module **")
        _check(_lib.mt_nn_custom(out, definition))
        return out

    def __deepcopy__(self, memo) -> Self:
        new = type(self).__new__(type(self))
        memo[id(self)] = new
        d = new.__dict__
        d["_c"] = ffi.gc(self._copy_c(new)[0], _lib.mt_module_free)
        tables = ("_parameters", "_buffers", "_modules")
        d.update((table, OrderedDict()) for table in tables)
        for name, p in self._parameters.items():
            new._put_parameter(name, copy.deepcopy(p, memo))
        for name, t in self._buffers.items():
            new._put_buffer(name, copy.deepcopy(t, memo), name not in self._transient)
        for name, m in self._modules.items():
            new._put_module(name, copy.deepcopy(m, memo))
        for name, value in self.__dict__.items():
            if name not in tables and name not in ("_c", "_watched", "_transient"):
                d[name] = copy.deepcopy(value, memo)
        new.training = self.training
        return new

    def _copy_c(self, new):
        return new._new_c()

    def _adopt(self, out):
        """Takes over a new C module."""
        d = self.__dict__
        d["_c"] = ffi.gc(out[0], _lib.mt_module_free)
        d["_parameters"], d["_buffers"], d["_modules"] = OrderedDict(), OrderedDict(), OrderedDict()
        d["_forward_pre_hooks"], d["_forward_hooks"] = OrderedDict(), OrderedDict()
        d["_backward_hooks"], d["_transient"] = OrderedDict(), set()
        for listing, table, wrap in (
                (_lib.mt_module_named_parameters, self._parameters, _parameter),
                (_lib.mt_module_named_buffers, self._buffers, None)):
            out = _new("mt_named_tensors **")
            _check(listing(out, self._c))
            for key, t in named(out[0]):
                if "." not in key:
                    if wrap:
                        p = wrap(t._h)
                        del t._h  # the handle has a new owner
                        t = p
                    table[key] = t

    def _take_children(self):
        """Python objects of the children that C made."""
        from ._builtin import wrap
        count, name, child = _new("size_t *"), _new("char **"), _new("mt_module **")
        _check(_lib.mt_module_child_count(count, self._c))
        for i in range(count[0]):
            _check(_lib.mt_module_child_name(name, self._c, i))
            _check(_lib.mt_module_child(child, self._c, i))
            self._modules[_text(name)] = wrap(child) if child[0] else None

    def _from_c(self, inputs):
        """A call in C of a class of your own."""
        return self(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(
            f"Module [{type(self).__name__}] is missing the required \"forward\" function")

    def __call__(self, *args, **kwargs) -> Any:
        d = self.__dict__
        if "_c" not in d:
            raise AttributeError("cannot call a module before Module.__init__() call")
        if not d["_forward_pre_hooks"] and not d["_forward_hooks"] and not d["_backward_hooks"]:
            return self.forward(*args, **kwargs)
        return self._call_with_hooks(args, kwargs)

    def _call_with_hooks(self, args, kwargs):
        backward = list(self._backward_hooks.values())
        for hook in list(self._forward_pre_hooks.values()):
            changed = hook(self, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        if backward:
            watched = WatchedCall(self, backward)
            args = watched.enter(args)
        result = self.forward(*args, **kwargs)
        for hook in list(self._forward_hooks.values()):
            changed = hook(self, args, result)
            if changed is not None:
                result = changed
        return watched.leave(result) if backward else result

    # --- attributes ----------------------------------------------------------------------
    def __setattr__(self, name, value):
        d = self.__dict__
        if isinstance(value, Parameter):
            if "_c" not in d:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._free_name(name, self._parameters)
            self._put_parameter(name, value)
        elif isinstance(value, Module):
            if "_c" not in d:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._free_name(name, self._modules)
            self._put_module(name, value)
        elif "_c" in d and name in self._parameters:
            if value is not None:
                raise TypeError(f"cannot assign '{type(value).__name__}' as parameter '{name}' "
                                "(torch.nn.Parameter or None expected)")
            self._put_parameter(name, None)
        elif "_c" in d and name in self._modules:
            if value is not None:
                raise TypeError(f"cannot assign '{type(value).__name__}' as child module '{name}' "
                                "(torch.nn.Module or None expected)")
            self._put_module(name, None)
        elif "_c" in d and name in self._buffers:
            if value is not None and not isinstance(value, TensorBase):
                raise TypeError(f"cannot assign '{type(value).__name__}' as buffer '{name}' "
                                "(torch.Tensor or None expected)")
            self._put_buffer(name, value, name not in self._transient)
        else:
            object.__setattr__(self, name, value)

    def __getattr__(self, name) -> Any:
        d = self.__dict__
        for table in ("_parameters", "_buffers", "_modules"):
            if table in d and name in d[table]:
                return d[table][name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name):
        for table in (self._parameters, self._buffers, self._modules):
            if name in table:
                _check(_lib.mt_module_unregister(self._c, name.encode()))
                del table[name]
                return
        object.__delattr__(self, name)

    def __dir__(self):
        return sorted({*super().__dir__(), *self._parameters, *self._buffers, *self._modules})

    @property
    def training(self) -> bool:
        out = _new("bool *")
        _check(_lib.mt_module_is_training(out, self._c))
        return out[0]

    @training.setter
    def training(self, mode: bool) -> None:
        _check(_lib.mt_module_set_training(self._c, bool(mode)))

    # --- registration --------------------------------------------------------------------
    def _free_name(self, name, table):
        """A name may move from plain attribute or another table to this one."""
        if not isinstance(name, str):
            raise TypeError(f"a name must be a str, not {type(name).__name__}")
        self.__dict__.pop(name, None)
        for other in (self._parameters, self._buffers, self._modules):
            if other is not table and name in other:
                delattr(self, name)

    def _check_name(self, kind, name, table):
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
        if "_c" not in self.__dict__:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        if name not in table and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name or not name:
            raise KeyError(f"{kind} name can't " + (f'contain ".", got: {name}' if name
                                                    else 'be empty string ""'))

    def _put_parameter(self, name, param):
        _check(_lib.mt_module_register_parameter(self._c, name.encode(),
                                                 ffi.NULL if param is None else _ptr(param)))
        self._parameters[name] = param

    def _put_buffer(self, name, tensor, persistent):
        _check(_lib.mt_module_register_buffer(
            self._c, name.encode(), ffi.NULL if tensor is None else _ptr(tensor), bool(persistent)))
        transient = self.__dict__.setdefault("_transient", set())
        transient.discard(name) if persistent else transient.add(name)
        self._buffers[name] = tensor

    def _put_module(self, name, module):
        _check(_lib.mt_module_register_module(self._c, name.encode(),
                                              ffi.NULL if module is None else module._c))
        self._modules[name] = module

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"cannot assign '{type(param).__name__}' object to parameter '{name}' "
                            "(torch.nn.Parameter or None required)")
        self._check_name("parameter", name, self._parameters)
        self._put_parameter(name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent=True) -> None:
        if tensor is not None and not isinstance(tensor, TensorBase):
            raise TypeError(f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' "
                            "(torch Tensor or None required)")
        self._check_name("buffer", name, self._buffers)
        self._put_buffer(name, tensor, persistent)

    def add_module(self, name: str, module: Module | None) -> None:
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        self._check_name("module", name, self._modules)
        self._put_module(name, module)

    register_module = add_module

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """hook(module, args) before forward; what it returns, if not None, are the arguments."""
        return _register(self._forward_pre_hooks, hook)

    def register_forward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """hook(module, args, result) after forward; what it returns, if not None, is the result."""
        return _register(self._forward_hooks, hook)

    def register_full_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """hook(module, grad_input, grad_output) in backward, with tuples; what it returns, if not
        None, takes the place of grad_input."""
        return _register(self._backward_hooks, hook)

    register_backward_hook = register_full_backward_hook  # torch's older one: the same gradients

    # --- listings ------------------------------------------------------------------------
    def named_modules(self, memo: Any = None, prefix="",
                      remove_duplicate=True) -> Iterator[tuple[str, Module]]:
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, child in self._modules.items():
            if child is not None:
                yield from child.named_modules(memo, prefix + ("." if prefix else "") + name,
                                               remove_duplicate)

    def modules(self) -> Iterator[Module]:
        for _, m in self.named_modules():
            yield m

    def named_children(self) -> Iterator[tuple[str, Module]]:
        seen = set()
        for name, child in self._modules.items():
            if child is not None and child not in seen:
                seen.add(child)
                yield name, child

    def children(self) -> Iterator[Module]:
        for _, child in self.named_children():
            yield child

    def _members(self, table, prefix, recurse, remove_duplicate):
        seen = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) \
            if recurse else [(prefix, self)]
        for path, m in modules:
            for name, t in getattr(m, table).items():
                if t is not None and t not in seen:
                    if remove_duplicate:
                        seen.add(t)
                    yield path + ("." if path else "") + name, t

    def named_parameters(self, prefix="", recurse=True,
                         remove_duplicate=True) -> Iterator[tuple[str, Parameter]]:
        yield from self._members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse=True) -> Iterator[Parameter]:
        for _, p in self.named_parameters(recurse=recurse):
            yield p

    def named_buffers(self, prefix="", recurse=True,
                      remove_duplicate=True) -> Iterator[tuple[str, Tensor]]:
        yield from self._members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse=True) -> Iterator[Tensor]:
        for _, b in self.named_buffers(recurse=recurse):
            yield b

    def get_submodule(self, target: str) -> Module:
        m = self
        for name in target.split(".") if target else []:
            if name not in m._modules:
                raise AttributeError(f"{type(m).__name__} has no attribute `{name}`")
            m = m._modules[name]
        return m

    def _member(self, table, kind, target):
        path, _, name = target.rpartition(".")
        m = self.get_submodule(path)
        if not hasattr(m, name):
            raise AttributeError(f"{m._get_name()} has no attribute `{name}`")
        if getattr(m, table).get(name) is None:
            raise AttributeError(f"`{name}` is not a{kind}")
        return getattr(m, table)[name]

    def get_parameter(self, target: str) -> Parameter:
        return self._member("_parameters", "n nn.Parameter", target)

    def get_buffer(self, target: str) -> Tensor:
        return self._member("_buffers", " buffer", target)

    # --- state ---------------------------------------------------------------------------
    def train(self, mode=True) -> Self:
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Self:
        return self.train(False)

    def requires_grad_(self, requires_grad=True) -> Self:
        _check(_lib.mt_module_requires_grad_(self._c, bool(requires_grad)))
        return self

    def zero_grad(self, set_to_none=False) -> None:
        _check(_lib.mt_module_zero_grad(self._c, bool(set_to_none)))

    def to(self, *args: Any, device: Any = None, dtype: Any = None, non_blocking=False,
           tensor: Any = None, memory_format: Any = None) -> Self:
        """to(device), to(dtype), to(device, dtype), to(tensor): in place; ints keep their dtype."""
        for a in [*args, device, dtype, tensor]:
            if isinstance(a, TensorBase):
                device, dtype = a.device, a.dtype
            elif isinstance(a, (str, _device_class)):
                device = a
            elif isinstance(a, _dtype_class):
                dtype = a
            elif a is not None and not isinstance(a, bool):
                raise TypeError(f"to: expected a dtype, device or Tensor, not {type(a).__name__}")
        if dtype is not None and not dtype.is_floating_point:
            raise TypeError("nn.Module.to only accepts floating point or complex dtypes, but got "
                            f"desired dtype={dtype}")
        if device is not None:
            _check(_lib.mt_module_to_device(self._c, _device(device)))
        if dtype is not None:
            _check(_lib.mt_module_to_dtype(self._c, _dtype(dtype)))
        return self

    def type(self, dst_type: DType) -> Self:
        return self.to(dst_type)

    def float(self) -> Self:
        return self.to(_dtype_class._all[_lib.MT_FLOAT32])

    def double(self) -> Self:
        return self.to(_dtype_class._all[_lib.MT_FLOAT64])

    def half(self) -> Self:
        return self.to(_dtype_class._all[_lib.MT_FLOAT16])

    def bfloat16(self) -> Self:
        return self.to(_dtype_class._all[_lib.MT_BFLOAT16])

    def cpu(self) -> Self:
        return self.to("cpu")

    def to_empty(self, *, device: Any) -> Self:
        """Moves parameters and buffers without their values."""
        from .. import empty_like
        for t in (*self.parameters(), *self.buffers()):
            t.data = empty_like(t, device=device)
        return self

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    # --- printing ------------------------------------------------------------------------
    def extra_repr(self) -> str:
        return ""

    def _get_name(self):
        return type(self).__name__

    def __repr__(self):
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): " + repr(m).replace("\n", "\n  ")
                    for name, m in self._modules.items()]
        if len(lines) == 1 and not children:
            return f"{self._get_name()}({lines[0]})"
        if not lines and not children:
            return f"{self._get_name()}()"
        return (self._get_name() + "(\n  " + "\n  ".join(lines + children) + "\n)")
