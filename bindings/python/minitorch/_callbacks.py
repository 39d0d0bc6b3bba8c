"""Python functions called from C: hooks, autograd functions, gradcheck.

An exception in a callback is kept, the C library is told of a failure, and the outermost call
raises the same exception again (_runtime._raise).
"""
import traceback

from ._native import ffi, lib as _lib
from ._runtime import _check, _h, _new, _own, _pending, _ptr, _ptrs

_alive = {}  # handle -> Python object, until C drops it


def keep(obj):
    """A `void *` that stands for obj until C calls its destroy function (drop())."""
    handle = ffi.new_handle(obj)
    _alive[handle] = obj
    return handle


drop = _lib.py_drop


@ffi.def_extern()
def py_drop(user):
    _alive.pop(user, None)


def failed(error):
    """Notes an exception and gives the status that C passes on."""
    _pending.append(error)
    text = "".join(traceback.format_exception_only(type(error), error)).strip()
    _lib.mt_callback_error(text.encode())
    return _lib.MT_ERR_CALLBACK


def borrow(pointer):
    """A Tensor of its own reference from a borrowed handle."""
    out = _new("mt_tensor **")
    _check(_lib.mt_tensor_ref(out, pointer))
    return _own(out)


def give(out, index, tensor):
    """Hands a new reference to C."""
    ref = _new("mt_tensor **")
    _check(_lib.mt_tensor_ref(ref, _ptr(tensor)))
    out[index] = ref[0]


@ffi.def_extern()
def py_tensor_hook(replacement, grad, user):
    try:
        result = ffi.from_handle(user)(borrow(grad))
        if result is not None:
            give(replacement, 0, result)
        return _lib.MT_OK
    except BaseException as e:  # noqa: B902 - it is raised again at the outermost call
        return failed(e)


def register_tensor_hook(tensor, hook):
    if not callable(hook):
        raise TypeError("register_hook: the hook must be callable")
    hook_id = _new("uint64_t *")
    _check(_lib.mt_tensor_register_hook(hook_id, _ptr(tensor), _lib.py_tensor_hook, keep(hook),
                                        drop))
    return hook_id[0]


class _Call:
    """One call of an autograd.Function: the class, its Python arguments and its context."""

    def __init__(self, cls, args, kwargs):
        from .autograd import FunctionCtx
        self.cls, self.args, self.kwargs = cls, args, kwargs
        self.ctx = FunctionCtx()
        self.single = True


@ffi.def_extern()
def py_function_forward(c_ctx, inputs, n_inputs, outputs, n_outputs, user):
    call = ffi.from_handle(user)
    try:
        call.ctx._begin(c_ctx, forward=True)
        from . import no_grad
        with no_grad():
            result = call.cls.forward(call.ctx, *call.args, **call.kwargs)
        call.single = not isinstance(result, (tuple, list))
        results = [result] if call.single else list(result)
        if len(results) != n_outputs:
            raise RuntimeError(
                f"{call.cls.__name__}.forward returned {len(results)} outputs; set n_outputs = "
                f"{len(results)} in the class (it says {n_outputs})")
        call.ctx._finish_forward(results)
        for i, t in enumerate(results):
            give(outputs, i, t)
        return _lib.MT_OK
    except BaseException as e:
        return failed(e)
    finally:
        call.ctx._end()


@ffi.def_extern()
def py_function_backward(c_ctx, grad_outputs, n_outputs, grad_inputs, n_inputs, user):
    call = ffi.from_handle(user)
    try:
        call.ctx._begin(c_ctx, forward=False)
        result = call.cls.backward(call.ctx, *[borrow(grad_outputs[i]) for i in range(n_outputs)])
        results = list(result) if isinstance(result, (tuple, list)) else [result]
        tensors = call.ctx._tensor_positions
        if len(results) != len(call.args):
            raise RuntimeError(f"{call.cls.__name__}.backward returned {len(results)} gradients; "
                               f"forward took {len(call.args)} arguments")
        for i, position in enumerate(tensors):
            if results[position] is not None:
                give(grad_inputs, i, results[position])
        return _lib.MT_OK
    except BaseException as e:
        return failed(e)
    finally:
        call.ctx._end()


@ffi.def_extern()
def py_gradcheck(out, inputs, n_inputs, user):
    try:
        give(out, 0, ffi.from_handle(user)(*[borrow(inputs[i]) for i in range(n_inputs)]))
        return _lib.MT_OK
    except BaseException as e:
        return failed(e)


def apply_function(cls, args, kwargs):
    from ._runtime import TensorBase
    call = _Call(cls, args, kwargs)
    positions = [i for i, a in enumerate(args) if isinstance(a, TensorBase)]
    call.ctx._tensor_positions = positions
    call.ctx._needs = tuple(isinstance(a, TensorBase) and a.requires_grad for a in args)
    inputs = _ptrs([args[i] for i in positions])
    description = _new("mt_function *")
    _lib.mt_function_init(description)
    name = _new("char[]", cls.__name__.encode())
    description.name = name
    description.forward = _lib.py_function_forward
    description.backward = _lib.py_function_backward
    description.user = keep(call)
    description.destroy = drop
    n = getattr(cls, "n_outputs", 1)
    outputs = _new("mt_tensor *[]", n)
    _check(_lib.mt_function_apply(outputs, n, description, inputs, len(positions)))
    from ._runtime import _wrap
    tensors = tuple(_wrap(int(ffi.cast("uint64_t", outputs[i]))) for i in range(n))
    return tensors[0] if call.single else tensors


def run_gradcheck(function, inputs, eps, atol, rtol):
    handle = ffi.new_handle(function)
    _check(_lib.mt_gradcheck(_lib.py_gradcheck, handle, _ptrs(inputs), len(inputs), eps, atol, rtol))
    return True


__all__ = ["keep", "drop", "failed", "borrow", "give", "_h"]
