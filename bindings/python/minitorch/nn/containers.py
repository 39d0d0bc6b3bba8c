"""Modules that hold others: Sequential."""
from __future__ import annotations

import operator

from .module import Module

__all__ = ["Sequential"]


class Sequential(Module):
    """Modules run one after the other; also made from an OrderedDict of names."""

    def __init__(self, *args: Any):
        super().__init__()
        if len(args) == 1 and hasattr(args[0], "items"):
            items = args[0].items()
        else:
            items = ((str(i), m) for i, m in enumerate(args))
        for name, m in items:
            self.add_module(name, m)

    def forward(self, input):
        for m in self._modules.values():
            input = m(input)
        return input

    def append(self, module: Module) -> Self:
        self.add_module(str(len(self)), module)
        return self

    def extend(self, sequential: Iterable[Module]) -> Self:
        for m in sequential:
            self.append(m)
        return self

    def insert(self, index: int, module: Module) -> Self:
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        modules = list(self._modules.values())
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def _renumber(self, modules):
        for name in list(self._modules):
            delattr(self, name)
        for m in modules:
            self.append(m)

    def _name_at(self, index):
        index = operator.index(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range")
        return list(self._modules)[index]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._name_at(index), module)

    def __delitem__(self, index: Any) -> None:
        modules = list(self._modules.values())
        if not isinstance(index, slice):
            self._name_at(index)
        del modules[index]
        self._renumber(modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Sequential(*list(self._modules.values())[index])
        return self._modules[self._name_at(index)]
