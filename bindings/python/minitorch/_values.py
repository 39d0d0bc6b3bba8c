"""Python objects from and to the values of the C library: what a checkpoint holds.

Objects that stand twice in a file are one object after loading, and the other way round.
"""
import argparse
import collections

from ._native import ffi, lib as _lib
from ._runtime import TensorBase, _check, _new, _own, _ptr, _text, device, dtype

_FACTORIES = {"dict": dict, "collections.OrderedDict": collections.OrderedDict,
              "collections.Counter": collections.Counter,
              "collections.defaultdict": lambda: collections.defaultdict(None)}


def _device(text):
    try:
        return device(text)
    except RuntimeError:  # of a machine that has more
        d = device.__new__(device)
        d.type, _, index = text.partition(":")
        d.index = int(index) if index else None
        return d


class _Reader:
    def __init__(self):
        self.seen = {}

    def take(self, function, *args):
        """The object of a function's result, which is freed."""
        out = _new("mt_value **")
        _check(function(out, *args))
        if out[0] == ffi.NULL:
            return None
        try:
            return self.read(out[0])
        finally:
            _lib.mt_value_free(out[0])

    def read(self, v):
        number = _new("uint64_t *")
        _check(_lib.mt_value_id(number, v))
        if number[0] not in self.seen:
            self.seen[number[0]] = self.make(v)
        return self.seen[number[0]]

    def get(self, kind, function, v):
        out = _new(kind)
        _check(function(out, v))
        return out[0]

    def raw(self, v):
        size = _new("size_t *")
        _check(_lib.mt_value_as_bytes(ffi.NULL, size, v))
        data = _new("char[]", max(size[0], 1))
        _check(_lib.mt_value_as_bytes(data, size, v))
        return ffi.buffer(data, size[0])[:]

    def make(self, v):
        kind = self.get("mt_value_kind *", _lib.mt_value_kind_of, v)
        if kind == _lib.MT_VALUE_NONE:
            return None
        if kind == _lib.MT_VALUE_BOOL:
            return bool(self.get("bool *", _lib.mt_value_as_bool, v))
        if kind == _lib.MT_VALUE_INT:
            return int.from_bytes(self.raw(v), "little", signed=True)
        if kind == _lib.MT_VALUE_FLOAT:
            return self.get("double *", _lib.mt_value_as_float, v)
        if kind == _lib.MT_VALUE_COMPLEX:
            parts = _new("double[2]")
            _check(_lib.mt_value_as_complex(parts, parts + 1, v))
            return complex(*parts)
        if kind == _lib.MT_VALUE_STRING:
            return self.raw(v).decode()
        if kind == _lib.MT_VALUE_TENSOR:
            return self.tensor(v)
        if kind == _lib.MT_VALUE_DTYPE:
            return dtype._all[self.get("mt_dtype *", _lib.mt_value_as_dtype, v)]
        name = _new("char **")
        if kind == _lib.MT_VALUE_DEVICE:
            _check(_lib.mt_value_as_string(name, v))
            return _device(_text(name))
        _check(_lib.mt_value_type_name(name, v))
        return self.container(v, kind, _text(name))

    def tensor(self, v):
        out, name = _new("mt_tensor **"), _new("char **")
        _check(_lib.mt_value_type_name(name, v))
        _check(_lib.mt_value_as_tensor(out, v))
        kind = _text(name)
        if kind == "torch.nn.Parameter":
            from .nn._parameter import make_parameter as _parameter
            return _parameter(int(ffi.cast("uint64_t", out[0])))
        t = _own(out)
        return t.numpy() if kind == "numpy.ndarray" else t

    def container(self, v, kind, name):
        if kind == _lib.MT_VALUE_BYTES:
            return bytearray(self.raw(v)) if name == "bytearray" else self.raw(v)
        count = self.get("size_t *", _lib.mt_value_count, v)
        items = (self.take(_lib.mt_value_at, v, i) for i in range(count))
        if kind == _lib.MT_VALUE_LIST:
            return list(items)
        if kind == _lib.MT_VALUE_SET:
            return frozenset(items) if name == "frozenset" else set(items)
        if kind == _lib.MT_VALUE_TUPLE:
            if name == "torch.Size":
                from ._tensor import Size
                return Size(items)
            return tuple(items)
        keys = [self.take(_lib.mt_value_key_at, v, i) for i in range(count)]
        if name == "argparse.Namespace":
            return argparse.Namespace(**dict(zip(keys, items)))
        result = _FACTORIES[name]()
        for key, item in zip(keys, items):
            result[key] = item
        attributes = self.take(_lib.mt_value_attributes, v)
        if attributes and hasattr(result, "__dict__"):
            result.__dict__.update(attributes)
        return result


class _Writer:
    def __init__(self):
        self.seen = {}  # by id: the value and the object, which must live on

    def new(self, function, *args):
        out = _new("mt_value **")
        _check(function(out, *args))
        return ffi.gc(out[0], _lib.mt_value_free)

    def value(self, obj):
        if id(obj) in self.seen:
            return self.seen[id(obj)][0]
        return self.make(obj)

    def keep(self, obj, v):
        self.seen[id(obj)] = v, obj
        return v

    def make(self, obj):
        if obj is None:
            return self.new(_lib.mt_value_none)
        if isinstance(obj, bool):
            return self.new(_lib.mt_value_bool, obj)
        if isinstance(obj, int):
            obj = int(obj)
            if -2**63 <= obj < 2**63:
                return self.new(_lib.mt_value_int, obj)
            raw = obj.to_bytes(obj.bit_length() // 8 + 1, "little", signed=True)
            return self.new(_lib.mt_value_big_int, raw, len(raw))
        if isinstance(obj, float):
            return self.new(_lib.mt_value_float, obj)
        if isinstance(obj, complex):
            return self.new(_lib.mt_value_complex, obj.real, obj.imag)
        if isinstance(obj, str):
            raw = obj.encode()
            return self.new(_lib.mt_value_string, raw, len(raw))
        if isinstance(obj, (bytes, bytearray)):
            return self.new(_lib.mt_value_bytes, bytes(obj), len(obj))
        if isinstance(obj, TensorBase):
            return self.keep(obj, self.new(_lib.mt_value_tensor, _ptr(obj)))
        if isinstance(obj, dtype):
            return self.new(_lib.mt_value_dtype, obj.code)
        if isinstance(obj, device):
            name = obj.type if obj.index is None else f"{obj.type}:{obj.index}"
            return self.new(_lib.mt_value_device, name.encode())
        if isinstance(obj, dict):
            return self.dict(obj)
        if isinstance(obj, (list, tuple, set, frozenset)):
            return self.sequence(obj)
        if hasattr(obj, "dtype") and hasattr(obj, "item"):  # NumPy's
            if getattr(obj, "ndim", 0) == 0 and not hasattr(obj, "__array_finalize__"):
                return self.make(obj.item())
            from ._numpy import from_numpy
            return self.keep(obj, self.new(_lib.mt_value_tensor, _ptr(from_numpy(obj))))
        hint = "; save its state_dict()" if hasattr(obj, "state_dict") else ""
        raise TypeError(f"save: cannot save a {type(obj).__name__}{hint}")

    def sequence(self, obj):
        from ._tensor import Size
        if isinstance(obj, Size):
            return self.new(_lib.mt_value_size, list(obj), len(obj))
        v = self.new(_lib.mt_value_list if isinstance(obj, list) else _lib.mt_value_tuple
                     if isinstance(obj, tuple) else _lib.mt_value_set_of)
        self.keep(obj, v)
        for item in obj:
            _check(_lib.mt_value_append(v, self.value(item)))
        return v

    def dict(self, obj):
        v = self.keep(obj, self.new(_lib.mt_value_dict, isinstance(obj, collections.OrderedDict)))
        for key, item in obj.items():
            _check(_lib.mt_value_set_item(v, self.value(key), self.value(item)))
        metadata = getattr(obj, "_metadata", None)
        if isinstance(obj, collections.OrderedDict) and isinstance(metadata, dict):
            _check(_lib.mt_value_set_attributes(v, self.value({"_metadata": metadata})))
        return v


def load(path):
    return _Reader().take(_lib.mt_load, path, ffi.NULL)


def load_bytes(data):
    return _Reader().take(_lib.mt_load_memory, ffi.from_buffer(data), len(data), ffi.NULL)


def save(obj, path):
    _check(_lib.mt_save(path, _Writer().value(obj)))


def save_bytes(obj):
    out = _new("mt_tensor **")
    _check(_lib.mt_save_memory(out, _Writer().value(obj)))
    t = _own(out)
    return ffi.buffer(ffi.cast("char *", t.data_ptr()), t.numel())[:]
