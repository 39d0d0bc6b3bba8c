"""The recorded graph seen from Python: the nodes behind grad_fn, and what takes a hook back."""
from __future__ import annotations

from ._native import ffi, lib as _lib
from ._runtime import _check, _new, _own, _text


class Node:
    """A recorded op of the graph (`y.grad_fn`)."""

    __slots__ = ("_n",)

    def __init__(self, pointer):
        self._n = ffi.gc(pointer, _lib.mt_node_free)

    def name(self) -> str:
        out = _new("char **")
        _check(_lib.mt_node_name(out, self._n))
        return _text(out)

    @property
    def next_functions(self) -> tuple[tuple[Node | Tensor | None, int], ...]:
        """(node or leaf tensor or None, 0) for each input."""
        count = _new("size_t *")
        _check(_lib.mt_node_input_count(count, self._n))
        result = []
        for i in range(count[0]):
            node, leaf = _new("mt_node **"), _new("mt_tensor **")
            _check(_lib.mt_node_input_node(node, self._n, i))
            if node[0]:
                result.append((Node(node[0]), 0))
                continue
            _check(_lib.mt_node_input_leaf(leaf, self._n, i))
            result.append((_own(leaf) if leaf[0] else None, 0))
        return tuple(result)

    def __repr__(self):
        return f"<{self.name()}>"


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
