"""Python functions called from C: hooks, autograd functions, gradcheck.

An exception in a callback is kept, the C library is told of a failure, and the outermost call
raises the same exception again (_runtime._raise).
"""
import traceback

from ._native import ffi, lib as _lib
from ._runtime import TensorBase, _check, _h, _new, _own, _pending, _ptr, _ptrs, _wrap

_alive = {}  # handle -> Python object, until C drops it


def keep(obj):
    """A `void *` that stands for obj until C calls its destroy function (drop())."""
    handle = ffi.new_handle(obj)
    _alive[handle] = obj
    return handle


drop = _lib.py_drop


@ffi.def_extern()
def py_drop(user, alive=_alive):  # bound here: when Python ends, the module's names go first
    alive.pop(user, None)


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
    """One call of an autograd.Function: its context and what forward returned."""

    def __init__(self, cls, n_args, positions):
        from .autograd import FunctionCtx
        self.cls, self.n_args, self.positions = cls, n_args, positions
        self.ctx = FunctionCtx()
        self.outputs = ()          # what forward returned
        self.output_positions = ()  # where tensors stand in it


@ffi.def_extern()
def py_function_forward(c_ctx, inputs, n_inputs, outputs, n_outputs, user):
    call = ffi.from_handle(user)  # forward has run already: only its results are handed over
    try:
        call.ctx._begin(c_ctx)
        call.ctx._finish_forward()
        for i, position in enumerate(call.output_positions):
            give(outputs, i, call.outputs[position])
        call.outputs = len(call.outputs)
        return _lib.MT_OK
    except BaseException as e:
        return failed(e)
    finally:
        call.ctx._end()


@ffi.def_extern()
def py_function_backward(c_ctx, grad_outputs, n_outputs, grad_inputs, n_inputs, user):
    call = ffi.from_handle(user)
    try:
        call.ctx._begin(c_ctx)
        grads = [None] * call.outputs
        for i, position in enumerate(call.output_positions):
            grads[position] = borrow(grad_outputs[i]) if grad_outputs[i] else None
        result = call.cls.backward(call.ctx, *grads)
        results = list(result) if isinstance(result, (tuple, list)) else [result]
        while len(results) > call.n_args and results[-1] is None:
            results.pop()
        if len(results) != call.n_args:
            raise RuntimeError(f"function {call.cls.__name__}Backward returned an incorrect number "
                               f"of gradients (expected {call.n_args}, got {len(results)})")
        for i, position in enumerate(call.positions):
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
    from . import no_grad
    positions = [i for i, a in enumerate(args) if isinstance(a, TensorBase)]
    call = _Call(cls, len(args), positions)
    call.ctx._needs = tuple(isinstance(a, TensorBase) and a.requires_grad for a in args)
    with no_grad():
        result = cls.forward(call.ctx, *args, **kwargs)
    results = list(result) if isinstance(result, (tuple, list)) else [result]
    call.outputs = results
    call.output_positions = [i for i, r in enumerate(results) if isinstance(r, TensorBase)]
    n = len(call.output_positions)
    dirty = call.ctx._dirty
    if n == 0:
        return result
    inputs = _ptrs([args[i] for i in positions])
    description = _new("mt_function *")
    _lib.mt_function_init(description)
    name = _new("char[]", cls.__name__.encode())
    description.name = name
    description.forward = _lib.py_function_forward
    description.backward = _lib.py_function_backward
    description.user = keep(call)
    description.destroy = drop
    outputs = _new("mt_tensor *[]", n)
    _check(_lib.mt_function_apply(outputs, n, description, inputs, len(positions)))
    results = list(results)
    for i, position in enumerate(call.output_positions):
        made = _wrap(int(ffi.cast("uint64_t", outputs[i])))
        if not any(results[position] is t for t in dirty):  # such a tensor stays itself
            results[position] = made
    return tuple(results) if isinstance(result, (tuple, list)) else results[0]


def run_gradcheck(function, inputs, eps, atol, rtol):
    handle = ffi.new_handle(function)
    _check(_lib.mt_gradcheck(_lib.py_gradcheck, handle, _ptrs(inputs), len(inputs), eps, atol, rtol))
    return True


__all__ = ["keep", "drop", "failed", "borrow", "give", "_h"]
