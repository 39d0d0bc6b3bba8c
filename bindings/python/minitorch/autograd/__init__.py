"""torch.autograd: backward, grad, Function, gradcheck."""
from __future__ import annotations

from .._callbacks import apply_function, borrow, run_gradcheck
from .._native import ffi, lib as _lib
from .._runtime import TensorBase, _check, _new, _own, _ptr, _ptrs, _wrap_list

__all__ = ["backward", "grad", "Function", "FunctionCtx", "gradcheck", "functional",
           "anomaly_mode", "detect_anomaly", "set_detect_anomaly"]


def _list(v):
    return [v] if isinstance(v, TensorBase) else list(v)


def _grads(grads):
    """(array or NULL, count) of a list of gradients; None entries are NULL."""
    if grads is None:
        return ffi.NULL, 0
    return _new("mt_tensor *[]", [ffi.NULL if g is None else _ptr(g) for g in grads]), len(grads)


def backward(tensors: Any, grad_tensors: Any = None, retain_graph: bool | None = None,
             create_graph=False, inputs: Any = None) -> None:
    """Adds the gradients of `tensors` into .grad of the leaves (or of `inputs` only)."""
    outputs = _list(tensors)
    options = _new("mt_backward_options *")
    _lib.mt_backward_options_init(options)
    grad_tensors = grad_tensors if grad_tensors is None else _list(grad_tensors)
    grads, n = _grads(grad_tensors)
    options.grad_outputs, options.n_grad_outputs = grads, n
    options.retain_graph = bool(create_graph if retain_graph is None else retain_graph)
    options.create_graph = bool(create_graph)
    if inputs is not None:
        inputs = _list(inputs)
        keep = _ptrs(inputs)
        options.inputs, options.n_inputs = keep, len(inputs)
    _check(_lib.mt_backward(_ptrs(outputs), len(outputs), options))


def grad(outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: bool | None = None,
         create_graph=False,         only_inputs=True, allow_unused=False) -> tuple[Tensor, ...]:
    """The gradients of `outputs` with respect to `inputs`; .grad is left alone."""
    outputs, inputs = _list(outputs), _list(inputs)
    options = _new("mt_backward_options *")
    _lib.mt_backward_options_init(options)
    grad_outputs = grad_outputs if grad_outputs is None else _list(grad_outputs)
    grads, n = _grads(grad_outputs)
    options.grad_outputs, options.n_grad_outputs = grads, n
    options.retain_graph = bool(create_graph if retain_graph is None else retain_graph)
    options.create_graph = bool(create_graph)
    options.allow_unused = bool(allow_unused)
    out = _new("mt_tensors **")
    _check(_lib.mt_grad(out, _ptrs(outputs), len(outputs), _ptrs(inputs), len(inputs), options))
    count, item, result = _new("size_t *"), _new("mt_tensor **"), []
    try:
        _check(_lib.mt_tensors_count(count, out[0]))
        for i in range(count[0]):
            item[0] = ffi.NULL
            _check(_lib.mt_tensors_get(item, out[0], i))
            result.append(_own(item) if item[0] else None)
    finally:
        _lib.mt_tensors_free(out[0])
    return tuple(result)


class FunctionCtx:
    """What forward and backward of a Function share."""

    def __init__(self):
        self._c = None
        self._to_save = ()
        self._non_differentiable = ()
        self._dirty = ()
        self._needs = ()
        self._materialize = True

    def _begin(self, c_ctx):
        self._c = c_ctx

    def _end(self):
        self._c = None

    def _finish_forward(self):
        """Tells C what forward asked for."""
        self._none = tuple(t is None for t in self._to_save)
        tensors = [t for t in self._to_save if t is not None]
        _check(_lib.mt_function_ctx_save(self._c, _ptrs(tensors), len(tensors)))
        for t in self._non_differentiable:
            _check(_lib.mt_function_ctx_mark_non_differentiable(self._c, _ptr(t)))
        for t in self._dirty:
            _check(_lib.mt_function_ctx_mark_dirty(self._c, _ptr(t)))
        if not self._materialize:
            _check(_lib.mt_function_ctx_set_materialize_grads(self._c, False))
        self._to_save = self._non_differentiable = self._dirty = ()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        for t in tensors:
            if t is not None and not isinstance(t, TensorBase):
                raise TypeError("save_for_backward can only save Tensors and None, not "
                                f"{type(t).__name__}; keep other values as attributes of ctx")
        self._to_save = tensors

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        if self._c is None:
            raise RuntimeError("saved_tensors: only while backward runs")
        out, found = _new("mt_tensor **"), []
        for i in range(self._none.count(False)):
            _check(_lib.mt_function_ctx_saved(out, self._c, i))
            found.append(_own(out))
        it = iter(found)
        return tuple(None if none else next(it) for none in self._none)

    @property
    def needs_input_grad(self) -> tuple[bool, ...]:
        return self._needs

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        self._non_differentiable = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Inputs that forward changed in place; they must be returned."""
        self._dirty = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (as at first) or None where no gradient came."""
        self._materialize = bool(value)


class Function:
    """An op with its own gradient: static forward(ctx, ...) and backward(ctx, *grads)."""

    @staticmethod
    def forward(ctx, *args, **kwargs) -> Any:
        raise NotImplementedError("a Function needs a static forward(ctx, ...)")

    @staticmethod
    def backward(ctx, *grad_outputs) -> Any:
        raise NotImplementedError("a Function needs a static backward(ctx, ...) to be differentiated")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        return apply_function(cls, args, kwargs)


def gradcheck(func: Callable[..., Tensor], inputs: Any, eps=1e-6, atol=1e-5, rtol=1e-3,
              raise_exception=True) -> bool:
    """Compares gradients with finite differences at float64 inputs."""
    from .._runtime import Error
    try:
        return run_gradcheck(func, _list(inputs), eps, atol, rtol)
    except Error:
        if raise_exception:
            raise
        return False


del borrow, _wrap_list


from . import anomaly_mode, functional  # noqa: E402
from .anomaly_mode import detect_anomaly, set_detect_anomaly  # noqa: E402
