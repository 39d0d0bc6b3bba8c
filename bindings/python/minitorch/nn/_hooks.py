"""Python hooks of layers that C runs: as children of a C module, or from a C program. For a call from
Python, Module.__call__ runs the hooks, and these callbacks are not registered while it does."""
from .. import _callbacks
from .._native import ffi, lib as _lib


def _tensors(array, n):
    return tuple(_callbacks.borrow(array[i]) if array[i] else None for i in range(n))


def _give_changed(replacements, old, new):
    new = new if isinstance(new, (tuple, list)) else (new,)
    if len(new) != len(old):
        raise RuntimeError(f"a hook gave {len(new)} tensors: {len(old)} are needed")
    for i, (a, b) in enumerate(zip(old, new)):
        if b is not a and b is not None:
            _callbacks.give(replacements, i, b)


@ffi.def_extern()
def py_module_pre_hook(replacements, module, inputs, n_inputs, user):
    try:
        m = ffi.from_handle(user)()
        if m is not None:
            given = args = _tensors(inputs, n_inputs)
            for hook in list(m._forward_pre_hooks.values()):
                changed = hook(m, args)
                if changed is not None:
                    args = changed if isinstance(changed, tuple) else (changed,)
            _give_changed(replacements, given, args)
        return _lib.MT_OK
    except BaseException as e:
        return _callbacks.failed(e)


@ffi.def_extern()
def py_module_hook(replacements, module, inputs, n_inputs, outputs, n_outputs, user):
    try:
        m = ffi.from_handle(user)()
        if m is not None:
            args, given = _tensors(inputs, n_inputs), _tensors(outputs, n_outputs)
            result = given[0] if n_outputs == 1 else given
            for hook in list(m._forward_hooks.values()):
                changed = hook(m, args, result)
                if changed is not None:
                    result = changed
            _give_changed(replacements, given, result)
        return _lib.MT_OK
    except BaseException as e:
        return _callbacks.failed(e)


@ffi.def_extern()
def py_module_backward_hook(replacements, module, grad_inputs, n_inputs, grad_outputs, n_outputs,
                            user):
    try:
        m = ffi.from_handle(user)()
        if m is not None:
            given = now = _tensors(grad_inputs, n_inputs)
            outputs = _tensors(grad_outputs, n_outputs)
            for hook in list(m._backward_hooks.values()):
                changed = hook(m, now, outputs)
                if changed is not None:
                    now = changed if isinstance(changed, tuple) else (changed,)
            _give_changed(replacements, given, now)
        return _lib.MT_OK
    except BaseException as e:
        return _callbacks.failed(e)
