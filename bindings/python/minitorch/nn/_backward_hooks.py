"""Full backward hooks of Python modules: the inputs and outputs of a call pass through a function of
their own, which sees their gradients go by."""
from ..autograd import Function


class BackwardHookFunction(Function):
    """Gives back its tensors; backward shows the gradients to `seen`, which gives what to pass on."""

    @staticmethod
    def forward(ctx, seen, *tensors):
        ctx.seen = seen
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(*[t for t in tensors if not t.requires_grad])
        return tensors

    @staticmethod
    def backward(ctx, *grads):
        return (None, *ctx.seen(grads))


class WatchedCall:
    """One call of a module with full backward hooks."""

    def __init__(self, module, hooks):
        self._module, self._hooks = module, hooks
        self._n_inputs, self._watched, self._grad_outputs = 0, None, None

    def enter(self, args):
        self._n_inputs = len(args)
        self._watched, args = _through(self._inputs, args)
        return args

    def leave(self, result):
        single = not isinstance(result, tuple)
        self._outputs_at, values = _through(self._outputs, (result,) if single else result)
        self._n_outputs = len(values)
        if single:
            return values[0]
        return type(result)(*values) if hasattr(result, "_fields") else values

    def _outputs(self, grads):
        self._grad_outputs = _spread(grads, self._outputs_at, self._n_outputs)
        if self._watched is None:
            none = (None,) * self._n_inputs
            if self._run(none) is not none:
                raise RuntimeError("Backward hook for Modules where no input requires gradient "
                                   "should always return None or None for all gradients.")
        return grads

    def _inputs(self, grads):
        if self._grad_outputs is None:
            raise RuntimeError("Module backward hook for grad_input is called before the grad_output "
                               "one: the gradient did not come through the module's output")
        result = self._run(_spread(grads, self._watched, self._n_inputs))
        return [result[i] for i in self._watched]

    def _run(self, grad_input):
        grad_output, self._grad_outputs = self._grad_outputs, None
        for hook in self._hooks:
            changed = hook(self._module, grad_input, grad_output)
            if changed is None:
                continue
            changed = changed if isinstance(changed, (tuple, list)) else (changed,)
            if len(changed) != len(grad_input):
                raise RuntimeError("Backward hook returned an invalid number of grad_input, got "
                                   f"{len(changed)}, but expected {len(grad_input)}")
            if any(new is not old for new, old in zip(changed, grad_input)):
                grad_input = tuple(changed)
        return grad_input


def _spread(grads, positions, n):
    """The gradients at the tensors' places among n values, None elsewhere."""
    values = [None] * n
    for position, g in zip(positions, grads):
        values[position] = g
    return tuple(values)


def _through(seen, values):
    """(where the tensors stand or None when nothing is recorded, the values passed through)."""
    from .. import is_grad_enabled
    from .._runtime import TensorBase
    positions = [i for i, v in enumerate(values) if isinstance(v, TensorBase)]
    if not is_grad_enabled() or not any(values[i].requires_grad for i in positions):
        return None, values
    values = list(values)
    for i, t in zip(positions, BackwardHookFunction.apply(seen, *[values[i] for i in positions])):
        values[i] = t
    return positions, tuple(values)
