"""torch.autograd.functional: Jacobians, Hessians and their products with vectors."""
from __future__ import annotations

from .._runtime import TensorBase
from . import grad as _grad

__all__ = ["vjp", "jvp", "jacobian", "hessian", "hvp", "vhp"]


def _tuple(value, what):
    """(tuple of tensors, whether one was given without a tuple)"""
    single = isinstance(value, TensorBase)
    items = (value,) if single else tuple(value)
    for i, item in enumerate(items):
        if not isinstance(item, TensorBase):
            raise TypeError(f"{what}: wrong type: item {i} is {type(item).__name__}: must be a Tensor")
    return items, single


def _fresh(inputs, create_graph):
    """The inputs as tensors of their own graph; joined to the caller's with create_graph."""
    return tuple(t.view_as(t) if create_graph and t.requires_grad else t.detach().requires_grad_()
                 for t in inputs)


def _out(result, single, create_graph):
    if not create_graph:
        result = tuple(t.detach() for t in result)
    return result[0] if single else tuple(result)


def _zeros(grads, like, strict, what):
    """None, for an input that does not matter, as zeros; an error when `strict`."""
    from .. import zeros_like
    for i, (g, t) in enumerate(zip(grads, like)):
        if g is None and strict:
            raise RuntimeError(f"{what}: independent input: output does not depend on input {i}: it must "
                               "in strict mode")
    return tuple(zeros_like(t) if g is None else g for g, t in zip(grads, like))


def _vectors(v, like, what):
    """The given vectors, or ones for a single element, of the shapes of `like`."""
    from .. import ones_like
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(f"{what}: missing v: {len(like)} tensors, the first of shape "
                               f"{tuple(like[0].shape)}: v may be left out for a single element only")
        return (ones_like(like[0]),)
    v, _ = _tuple(v, what)
    if len(v) != len(like):
        raise RuntimeError(f"{what}: wrong count: {len(v)} vectors for {len(like)} tensors: one for each")
    for a, b in zip(v, like):
        if a.shape != b.shape:
            raise RuntimeError(f"{what}: shape mismatch: v {tuple(a.shape)}, tensor {tuple(b.shape)}: "
                               "both must have one shape")
    return v


def _differentiable(outputs, what, strict):
    """The outputs that depend on an input, by position."""
    kept = [i for i, t in enumerate(outputs) if t.requires_grad]
    if strict and len(kept) != len(outputs):
        raise RuntimeError(f"{what}: independent output: an output does not depend on any input: it must "
                           "in strict mode")
    return kept


def _pull(outputs, inputs, v, create_graph, what, strict):
    """v^T J for each input."""
    kept = _differentiable(outputs, what, strict)
    grads = (None,) * len(inputs)
    if kept:
        grads = _grad([outputs[i] for i in kept], inputs, [v[i] for i in kept], retain_graph=True,
                      create_graph=create_graph, allow_unused=True)
    return _zeros(grads, inputs, strict, what)


def vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph=False, strict=False) -> Any:
    """(func(*inputs), v^T J): the product of a vector with func's Jacobian."""
    from .. import enable_grad
    inputs, single = _tuple(inputs, "vjp")
    with enable_grad():
        fresh = _fresh(inputs, create_graph)
        outputs, one = _tuple(func(*fresh), "vjp")
        product = _pull(outputs, fresh, _vectors(v, outputs, "vjp"), create_graph, "vjp", strict)
    return _out(outputs, one, create_graph), _out(product, single, create_graph)


def jvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph=False, strict=False) -> Any:
    """(func(*inputs), J v), by differentiating the product u^T J, which is linear in u, once more."""
    from .. import enable_grad, zeros_like
    inputs, _ = _tuple(inputs, "jvp")
    with enable_grad():
        v = _vectors(v, inputs, "jvp")
        fresh = _fresh(inputs, create_graph)
        outputs, one = _tuple(func(*fresh), "jvp")
        u = tuple(zeros_like(t).requires_grad_() for t in outputs)
        pulled = _pull(outputs, fresh, u, True, "jvp", strict)
        kept = [i for i, t in enumerate(pulled) if t.requires_grad]
        product = (None,) * len(u)
        if kept:
            product = _grad([pulled[i] for i in kept], u, [v[i] for i in kept],
                            create_graph=create_graph, allow_unused=True)
        product = _zeros(product, outputs, strict, "jvp")
    return _out(outputs, one, create_graph), _out(product, one, create_graph)


def jacobian(func: Callable[..., Any], inputs: Any, create_graph=False, strict=False, vectorize=False,
             strategy="reverse-mode") -> Any:
    """The derivatives of each output by each input, of shape output.shape + input.shape."""
    del vectorize, strategy  # of speed in torch, not of the result
    from .. import enable_grad, stack, zeros_like
    inputs, single = _tuple(inputs, "jacobian")
    with enable_grad():
        fresh = _fresh(inputs, create_graph)
        outputs, one = _tuple(func(*fresh), "jacobian")
        kept = _differentiable(outputs, "jacobian", strict)
        rows = []
        for i, out in enumerate(outputs):
            per_input = [[] for _ in fresh]
            for j in range(out.numel()):
                grads = (None,) * len(fresh)
                if i in kept:
                    unit = zeros_like(out).reshape(-1)
                    unit[j] = 1
                    grads = _grad([out], fresh, [unit.reshape(out.shape)], retain_graph=True,
                                  create_graph=create_graph, allow_unused=True)
                for k, g in enumerate(_zeros(grads, fresh, strict, "jacobian")):
                    per_input[k].append(g)
            rows.append([(stack(g) if g else zeros_like(t).expand((0, *t.shape))).reshape(
                (*out.shape, *t.shape)) for g, t in zip(per_input, fresh)])
    rows = [_out(row, single, create_graph) for row in rows]
    return rows[0] if one else tuple(rows)


def _scalar(func, inputs, what):
    out = func(*inputs)
    if not isinstance(out, TensorBase) or out.numel() != 1:
        raise RuntimeError(f"{what}: wrong output: the function's result is no tensor of one element: it "
                           "must be")
    return out.reshape(())


def hessian(func: Callable[..., Any], inputs: Any, create_graph=False, strict=False, vectorize=False,
            outer_jacobian_strategy="reverse-mode") -> Any:
    """The second derivatives of a function of one value, for each pair of inputs."""
    del outer_jacobian_strategy
    inputs, single = _tuple(inputs, "hessian")

    def first(*fresh):
        fresh = tuple(t if t.requires_grad else t.requires_grad_() for t in fresh)
        return jacobian(lambda *x: _scalar(func, x, "hessian"), fresh, create_graph=True)

    result = jacobian(first, inputs, create_graph=create_graph, strict=strict, vectorize=vectorize)
    return result[0][0] if single else result


def _gradient(func, inputs, what, strict):
    """(fresh inputs, the function's value, its gradient with a graph)"""
    fresh = _fresh(inputs, True)
    fresh = tuple(t if t.requires_grad else t.detach().requires_grad_() for t in fresh)
    out = _scalar(func, fresh, what)
    grads = (None,) * len(fresh)
    if out.requires_grad:
        grads = _grad([out], fresh, create_graph=True, allow_unused=True)
    return fresh, out, _zeros(grads, fresh, strict, what)


def hvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph=False, strict=False) -> Any:
    """(func(*inputs), H v); H is symmetric, so that this is vhp."""
    return _hessian_product(func, inputs, v, create_graph, strict, "hvp")


def vhp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph=False, strict=False) -> Any:
    """(func(*inputs), v^T H) of a function of one value, without building its Hessian."""
    return _hessian_product(func, inputs, v, create_graph, strict, "vhp")


def _hessian_product(func, inputs, v, create_graph, strict, what):
    from .. import enable_grad
    inputs, single = _tuple(inputs, what)
    with enable_grad():
        v = _vectors(v, inputs, what)
        fresh, out, first = _gradient(func, inputs, what, strict)
        product = _pull(first, fresh, v, create_graph, what, strict)
    return _out((out,), True, create_graph), _out(product, single, create_graph)
