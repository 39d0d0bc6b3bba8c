"""The recorded graph seen from Python: the nodes behind grad_fn, and what takes a hook back."""
from __future__ import annotations

from ._native import ffi, lib as _lib
from ._runtime import _check, _new, _own, _text


class Node:
    """A recorded op of the graph (`y.grad_fn`)."""

    __slots__ = ("_n",)

    def __init__(self, handle):
        self._n = handle  # a number, owned

    def __del__(self, _free=_lib.py_node_free):
        _free(self._n)

    @property
    def _c(self):
        return ffi.cast("mt_node *", self._n)

    def name(self) -> str:
        out = _new("char **")
        _check(_lib.mt_node_name(out, self._c))
        return _text(out)

    @property
    def next_functions(self) -> tuple[tuple[Node | AccumulateGrad | None, int], ...]:
        """(node, 0) for each input: what made it, AccumulateGrad for a leaf, None for nothing."""
        count = _new("size_t *")
        _check(_lib.mt_node_input_count(count, self._c))
        result = []
        for i in range(count[0]):
            node, leaf = _new("mt_node **"), _new("mt_tensor **")
            _check(_lib.mt_node_input_node(node, self._c, i))
            if node[0]:
                result.append((Node(int(ffi.cast("uint64_t", node[0]))), 0))
                continue
            _check(_lib.mt_node_input_leaf(leaf, self._c, i))
            result.append((AccumulateGrad(_own(leaf)) if leaf[0] else None, 0))
        return tuple(result)

    def __repr__(self):
        return f"<{self.name()}>"


class AccumulateGrad:
    """The end of the graph at a leaf, where its gradient is added to .grad."""

    __slots__ = ("_leaf",)
    next_functions = ()

    def __init__(self, leaf: Tensor):
        self._leaf = leaf

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"

    @property
    def variable(self) -> Tensor:
        return self._leaf

    def __repr__(self):
        return "<AccumulateGrad>"


class RemovableHandle:
    """What registering a hook gives: remove() takes the hook back; also a context manager."""

    def __init__(self, remove: Callable[[], Any]):
        self._remove = remove

    def remove(self) -> None:
        remove, self._remove = self._remove, None
        if remove is not None:
            remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc):
        self.remove()
