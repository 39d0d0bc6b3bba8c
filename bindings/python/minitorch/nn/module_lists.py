"""ModuleList, ModuleDict, ParameterList and ParameterDict."""
from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterable, Mapping

from .._native import ffi, lib as _lib
from .._runtime import TensorBase, _check, _new
from ._builtin import Builtin
from .module import Module, Parameter

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList"]


def _position(size, index):
    index = operator.index(index)
    if not -size <= index < size:
        raise IndexError(f"index {index} is out of range")
    return index + size if index < 0 else index


class _Holder(Builtin):
    def __init__(self, make, *args):
        out = _new("mt_module **")
        _check(make(out, *args))
        self._adopt(out)

    def forward(self, *args):
        raise NotImplementedError(f"Module [{type(self).__name__}] is missing the required "
                                  "\"forward\" function")

    def extra_repr(self):
        return ""


class ModuleList(_Holder):
    """Modules by number."""

    def __init__(self, modules: Iterable[Module] | None = None):
        super().__init__(_lib.mt_nn_module_list, ffi.NULL, 0)
        if modules is not None:
            self.extend(modules)

    def _rebuild(self, modules):
        for name in list(self._modules):
            delattr(self, name)
        for m in modules:
            self.append(m)

    def __getitem__(self, idx: Any) -> Any:
        if isinstance(idx, slice):
            return type(self)(list(self._modules.values())[idx])
        return self._modules[str(_position(len(self), idx))]

    def __setitem__(self, idx: int, module: Module) -> None:
        setattr(self, str(_position(len(self), idx)), module)

    def __delitem__(self, idx: Any) -> None:
        modules = list(self._modules.values())
        del modules[idx if isinstance(idx, slice) else _position(len(self), idx)]
        self._rebuild(modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __dir__(self):
        return [name for name in super().__dir__() if not name.isdigit()]

    def insert(self, index: int, module: Module) -> None:
        modules = list(self._modules.values())
        modules.insert(index, module)
        self._rebuild(modules)

    def append(self, module: Module) -> Self:
        self.add_module(str(len(self)), module)
        return self

    def pop(self, key: Any) -> Any:
        found = self[key]
        del self[key]
        return found

    def extend(self, modules: Iterable[Module]) -> Self:
        if not isinstance(modules, Iterable):
            raise TypeError("ModuleList.extend should be called with an iterable, but got "
                            + type(modules).__name__)
        for m in list(modules):
            self.append(m)
        return self


def _pairs(kind, given):
    """The items of a mapping or of an iterable of pairs."""
    if not isinstance(given, Iterable):
        raise TypeError(f"{kind}.update should be called with an iterable of key/value pairs, but "
                        f"got {type(given).__name__}")
    if isinstance(given, (Mapping, ModuleDict, ParameterDict)):
        return list(given.items())
    out = []
    for j, pair in enumerate(given):
        if not isinstance(pair, Iterable):
            raise TypeError(f"{kind} update sequence element #{j} should be Iterable; is"
                            f"{type(pair).__name__}")
        pair = list(pair)
        if len(pair) != 2:
            raise ValueError(f"{kind} update sequence element #{j} has length {len(pair)}; 2 is "
                             "required")
        out.append(pair)
    return out


class ModuleDict(_Holder):
    """Modules by name, in the order in which they came."""

    def __init__(self, modules: Any = None):
        super().__init__(_lib.mt_nn_module_dict, ffi.NULL, ffi.NULL, 0)
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        if key not in self._modules:
            raise KeyError(key)
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: str) -> bool:
        return key in self._modules

    def clear(self) -> None:
        for key in list(self._modules):
            del self[key]

    def pop(self, key: str) -> Module:
        found = self[key]
        del self[key]
        return found

    def keys(self) -> Iterable[str]:
        return self._modules.keys()

    def items(self) -> Iterable[tuple[str, Module]]:
        return self._modules.items()

    def values(self) -> Iterable[Module]:
        return self._modules.values()

    def update(self, modules: Any) -> None:
        for key, m in _pairs("ModuleDict", modules):
            self[key] = m


def _line(key, p, type_text):
    if not isinstance(p, TensorBase):
        return f"  ({key}): Object of type: {type(p).__name__}"
    kind = "Parameter" if isinstance(p, Parameter) else "Tensor"
    return f"  ({key}): {kind} containing: [{type_text(p)} of size {'x'.join(map(str, p.shape))}]"


def _parameter(value):
    if isinstance(value, TensorBase) and not isinstance(value, Parameter):
        return Parameter(value)
    return value


class ParameterList(_Holder):
    """Parameters by number; other objects are kept, too. Tensors become parameters."""

    def __init__(self, values: Iterable[Any] | None = None):
        super().__init__(_lib.mt_nn_parameter_list, ffi.NULL, 0)
        self._size = 0
        if values is not None:
            self.extend(values)

    def _adopt(self, out):
        super()._adopt(out)
        self.__dict__["_size"] = len(self._parameters)

    def __getitem__(self, idx: Any) -> Any:
        if isinstance(idx, slice):
            return type(self)([self[i] for i in range(*idx.indices(len(self)))])
        return getattr(self, str(_position(len(self), idx)))

    def __setitem__(self, idx: int, param: Any) -> None:
        setattr(self, str(_position(len(self), idx)), _parameter(param))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return iter([self[i] for i in range(len(self))])

    def __iadd__(self, parameters: Iterable[Any]) -> Self:
        return self.extend(parameters)

    def __dir__(self):
        return [name for name in super().__dir__() if not name.isdigit()]

    def append(self, value: Any) -> Self:
        self._size += 1
        self[self._size - 1] = value
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        if not isinstance(values, Iterable) or isinstance(values, TensorBase):
            raise TypeError("ParameterList.extend should be called with an iterable, but got "
                            + type(values).__name__)
        for value in list(values):
            self.append(value)
        return self

    def extra_repr(self):
        return "\n".join(_line(i, p, lambda t: str(t.dtype).replace("minitorch", "torch"))
                         for i, p in enumerate(self))

    def __call__(self, *args, **kwargs) -> Any:
        raise RuntimeError("ParameterList should not be called.")


_TYPE_NAMES = {"float32": "FloatTensor", "float64": "DoubleTensor", "float16": "HalfTensor",
               "bfloat16": "BFloat16Tensor"}


def _type_name(t):
    name = str(t.dtype).split(".")[-1]
    return "torch." + _TYPE_NAMES.get(name, name)


class ParameterDict(_Holder):
    """Parameters by name; other objects are kept, too. Tensors become parameters."""

    def __init__(self, parameters: Any = None):
        super().__init__(_lib.mt_nn_parameter_dict, ffi.NULL, ffi.NULL, 0)
        if parameters is not None:
            self.update(parameters)

    def _adopt(self, out):
        super()._adopt(out)
        self.__dict__["_keys"] = dict.fromkeys(self._parameters)

    def __getitem__(self, key: str) -> Any:
        if key not in self._keys:
            raise KeyError(key)
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(key, str):
            raise TypeError("Index given to ParameterDict cannot be used as a key as it is not a "
                            f"string (type is '{type(key).__name__}').")
        self._keys[key] = None
        setattr(self, key, _parameter(value))

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self._keys))

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def copy(self) -> ParameterDict:
        return ParameterDict(OrderedDict(self.items()))

    def setdefault(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def clear(self) -> None:
        for key in list(self._keys):
            del self[key]

    def pop(self, key: str) -> Any:
        found = self[key]
        del self[key]
        return found

    def popitem(self) -> tuple[str, Any]:
        key = next(reversed(list(self._keys)))
        return key, self.pop(key)

    def get(self, key: str, default: Any = None) -> Any:
        return self[key] if key in self else default

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        return ParameterDict([(key, default) for key in keys])

    def keys(self) -> Iterable[str]:
        return self._keys.keys()

    def items(self) -> Iterable[tuple[str, Any]]:
        return [(key, self[key]) for key in self._keys]

    def values(self) -> Iterable[Any]:
        return [self[key] for key in self._keys]

    def update(self, parameters: Any) -> None:
        pairs = _pairs("ParameterDict", parameters)
        if isinstance(parameters, Mapping) and not isinstance(parameters, OrderedDict):
            pairs = sorted(pairs)  # as torch does with plain dicts
        for key, p in pairs:
            self[key] = p

    def extra_repr(self):
        return "\n".join(_line(key, p, _type_name) for key, p in self.items())

    def __call__(self, input) -> Any:
        raise RuntimeError("ParameterDict should not be called.")

    def __or__(self, other: ParameterDict) -> ParameterDict:
        new = self.copy()
        new.update(other)
        return new

    def __ror__(self, other: ParameterDict) -> ParameterDict:
        new = other.copy()
        new.update(self)
        return new

    def __ior__(self, other: ParameterDict) -> Self:
        self.update(other)
        return self
