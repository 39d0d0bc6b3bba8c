"""Layers that are C modules: their constructors' arguments, their attributes, which are options of
the C module, their printed form, and the Python objects of modules that C made."""
from __future__ import annotations

import ast
import re
import weakref

from .. import _callbacks
from .._graph import RemovableHandle
from .._lists import strings
from .._native import ffi, lib as _lib
from .._runtime import (TensorBase, _check, _device, _dtype, _floats, _index, _new, _own, _ptr,
                        _reduction, _text, _wrap_list)
from .functional_losses import _reduction as _legacy_reduction
from . import _hooks  # noqa: F401 - defines the callbacks
from .module import Module

__all__ = ["Builtin", "BuiltinLoss", "LayerInfo"]


class _Field:
    """An argument of a layer's constructor."""

    def __init__(self, text, params):
        self.name, rest = text.split(":", 1)
        self.kind, given, self.default = rest.partition("=")
        self.optional = bool(given) or self.kind in ("dtype", "device", "tensor?", "legacy")
        self.count = int(self.kind[-1]) if self.kind[-1].isdigit() else 0
        self.is_list = self.count > 0 or self.kind in ("ints", "shape", "sizes", "floats")
        self.is_float = self.kind.startswith("float")
        # Others are parameters, buffers or known by them.
        self.is_attribute = self.kind not in ("dtype", "device", "tensor?", "legacy") \
            and self.name not in params and self.name != "auto_padding"

    def attribute(self, value):
        """What torch keeps of the argument."""
        if self.kind == "shape":
            return tuple(_index(v) for v in value) if not isinstance(value, int) else (value,)
        if self.kind == "floats" and value is not None:
            value = tuple(map(float, value)) if isinstance(value, (tuple, list)) else float(value)
        if self.count and value is not None and not isinstance(value, str):
            value = tuple(value) if isinstance(value, (tuple, list)) else (value,) * self.count
        return value

    def numbers(self, value):
        if value is None:
            return ()
        if self.is_float:
            return _floats(value)
        value = value if isinstance(value, (tuple, list)) else (value,)
        return tuple(-1 if v is None and self.kind == "sizes" else _index(v) for v in value)

    def is_default(self, value):
        if not self.default:
            return False
        if self.default == "none":
            return value is None
        if self.count:
            return all(v == int(self.default) for v in value) if not isinstance(value, str) else False
        return str(value) == {"true": "True", "false": "False"}.get(self.default, self.default)


class LayerInfo:
    """What layers.toml says about a layer; read when the first one is made."""

    def __init__(self, name, struct, args, form, params, buffers):
        self.name, self.struct, self._args, self.form = name, struct, args, form
        self.params, self.buffers = params.split(), buffers.split()

    def __getattr__(self, name):
        if name not in ("fields", "options", "by_name"):
            raise AttributeError(name)
        self.fields = [_Field(text, self.params) for text in re.split(r" (?=\w+:)", self._args) if text]
        self.by_name = {f.name: f for f in self.fields}
        self.options = {f.name for f in self.fields if f.is_attribute}
        return self.__dict__[name]

    def make(self, values):
        """A new C module from the values of the fields by name."""
        out, keep = _new("mt_module **"), []
        positional, o = [], None
        if self.struct:
            o = _new(self.struct + " *")
            getattr(_lib, self.struct + "_init")(o)
        for f in sorted(self.fields, key=lambda f: f.kind == "device"):
            if f.kind == "legacy":
                continue
            passed = _passed(f, values[f.name], keep)
            if o is None or not f.optional:
                positional += passed
            else:
                setattr(o, f.name, passed[0])
                if f.is_list:
                    setattr(o, "n_" + f.name, passed[1])
        if o is not None:
            positional.append(o)
        _check(getattr(_lib, "mt_nn_" + self.name)(out, *positional))
        return out

    def attributes(self, values):
        out = {}
        for f in self.fields:
            if f.is_attribute:
                value = values[f.name]
                if value is None and f.default.startswith("@"):
                    value = values[f.default[1:]]
                out[f.name] = f.attribute(value)
        return out


def _passed(f, value, keep):
    """The C arguments of one of Python's."""
    def kept(thing):
        keep.append(thing)
        return thing

    kind = f.kind
    if f.is_list:
        numbers = f.numbers(value)
        ctype = "double[]" if f.is_float else "int64_t[]"
        return [kept(_new(ctype, numbers)) if numbers else ffi.NULL, len(numbers)]
    if kind in ("int?", "float?"):
        return [ffi.NULL if value is None else kept(
            _new("int64_t *", _index(value)) if kind == "int?" else _new("double *", float(value)))]
    if kind == "tensor?":
        return [ffi.NULL if value is None else _ptr(value)]
    if kind == "string":
        if not isinstance(value, str):
            raise TypeError(f"{f.name} must be a str, not {type(value).__name__}")
        return [kept(_new("char[]", value.encode()))]
    if kind == "int":
        return [_index(value)]
    return [{"float": float, "bool": bool, "bool?": bool, "dtype": _dtype, "device": _device,
             "reduction": _reduction}[kind](value)]


def _option_text(value):
    if isinstance(value, (tuple, list)):
        return "(" + "".join(f"{_option_text(v)}," for v in value) + ")"
    return value if isinstance(value, str) else repr(value)


def _option_value(text, kind):
    """A C option as Python's value."""
    if text in ("None", "True", "False"):
        return {"None": None, "True": True, "False": False}[text]
    if kind in ("string", "reduction"):
        return text
    number = float if kind.startswith("float") else int
    if text.startswith("("):
        return tuple(None if v.strip() == "None" else number(v)
                     for v in text[1:-1].split(",") if v.strip())
    return number(text)


def _literal(text):
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


class Builtin(Module):
    """A layer of the library: forward is one C call."""

    _info = None

    def __init__(self, *args):
        info = self._info
        values = dict(zip((f.name for f in info.fields if f.name != "auto_padding"), args))
        self._prepare(values)
        self._adopt(self._make(values))
        self.__dict__.update(info.attributes(values))
        self._options_changed()

    def _make(self, values):
        if "auto_padding" in self._info.by_name:
            auto = isinstance(values.get("padding"), str)
            values = {**values, "auto_padding": values["padding"] if auto else "",
                      "padding": 0 if auto else values["padding"]}
        return self._info.make(values)

    def _options_changed(self):
        """Attributes that follow from all options, after these were read."""

    def _remade(self):
        """The layer that the constructor would make of the present options."""
        first = next((p for p in self._parameters.values() if p is not None), None)
        if first is None:
            first = next((b for b in self._buffers.values() if b is not None), None)
        values = {}
        for f in self._info.fields:
            if f.kind in ("dtype", "device"):
                values[f.name] = None if first is None else getattr(first, f.kind)
            elif f.name in self._info.params:
                values[f.name] = self._parameters.get(f.name) is not None
            elif f.name != "auto_padding":
                values[f.name] = getattr(self, f.name, None)
        new = Builtin.__new__(Builtin)
        new._adopt(self._make(values))
        return new

    def _prepare(self, values):
        """Arguments that torch renamed."""
        if values.get("size_average") is not None or values.get("reduce") is not None:
            values["reduction"] = _legacy_reduction(values["size_average"], values["reduce"],
                                                    values["reduction"])
        for old, new in (("min_value", "min_val"), ("max_value", "max_val")):
            if values.get(old) is not None:
                values[new] = values[old]

    def _adopt(self, out):
        super()._adopt(out)
        self._take_children()
        if self._own_forward:
            self._install_forward()
        info = self._info
        if info:
            for table, names in ((self._parameters, info.params), (self._buffers, info.buffers)):
                for name in names:
                    table.setdefault(name, None)
                    table.move_to_end(name)

    def _copy_c(self, new):
        out = _new("mt_module **")
        _check(_lib.mt_module_clone(out, self._c, False))
        for hook_id in self.__dict__.get("_watched", {}).values():
            _check(_lib.mt_module_remove_hook(out[0], hook_id))  # they call this object's hooks
        return out

    def __deepcopy__(self, memo) -> Self:
        new = super().__deepcopy__(memo)
        for kind in self.__dict__.get("_watched", ()):
            new._watch(kind)
        if new._own_forward:
            new._install_forward()
        return new

    # --- forward functions of classes of your own, which C must call, too ---------------------
    _own_forward = False

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        package = getattr(cls.forward, "__module__", "").partition(".")[0]
        cls._own_forward = package != __name__.partition(".")[0]

    def _install_forward(self):
        self.__dict__["_own_forward"] = True
        user = _callbacks.keep(weakref.ref(self))
        _check(_lib.mt_module_set_forward(self._c, _lib.py_module_forward, user, _callbacks.drop))

    def _from_c(self, inputs):
        """Runs forward on the inputs of a call in C, which runs the hooks."""
        while inputs and inputs[-1] is None:
            inputs.pop()
        return self.forward(*inputs)

    def _read_options(self):
        """Attributes from the C module's options."""
        info, out = self._info, _new("char **")
        if info is None:
            names = _new("mt_strings **")
            _check(_lib.mt_module_option_names(names, self._c))
            for name in strings(names[0]):
                _check(_lib.mt_module_get_option(out, self._c, name.encode()))
                self.__dict__[name] = _literal(_text(out))
                self.__dict__.setdefault("_own_options", set()).add(name)
        for name in info.options if info else ():
            _check(_lib.mt_module_get_option(out, self._c, name.encode()))
            text = _text(out)
            self.__dict__[name] = _option_value(text, info.by_name[name].kind)
        if info and "auto_padding" in info.by_name:
            _check(_lib.mt_module_get_option(out, self._c, b"auto_padding"))
            self.__dict__["padding"] = _text(out) or self.__dict__["padding"]
        if info:
            self._options_changed()

    def _set_option(self, name, value):
        field = self._info.by_name[name]
        if name == "padding" and "auto_padding" in self._info.by_name:
            auto = value if isinstance(value, str) else ""
            _check(_lib.mt_module_set_option(self._c, b"auto_padding", auto.encode()))
            if auto:
                return
        text = _option_text(bool(value) if field.kind == "bool?" else value)
        _check(_lib.mt_module_set_option(self._c, name.encode(), text.encode()))

    def __setattr__(self, name, value):
        if name == "forward" and "_c" in self.__dict__:
            self.__dict__[name] = value
            return self._install_forward()
        if self._info and "_c" in self.__dict__ and name in self._info.options:
            self._set_option(name, value)
        elif name in self.__dict__.get("_own_options", ()):
            _check(_lib.mt_module_set_option(self._c, name.encode(), _option_text(value).encode()))
        super().__setattr__(name, value)

    def forward(self, input) -> Tensor:
        if self._own_forward:
            return self._run(input)
        out = _new("mt_tensor **")
        _check(_lib.mt_module_forward(out, self._c, _ptr(_need(input))))
        return _own(out)

    def _run(self, *inputs) -> Any:
        """Runs on any number of tensors; one output is given as it is, more as a tuple."""
        result = self._call(*map(_need, inputs))
        return result[0] if len(result) == 1 else result

    def _call(self, *inputs):
        """Runs on tensors of which some may be None; all outputs as a tuple."""
        array = _new("mt_tensor *[]", [ffi.NULL if t is None else _ptr(_need(t)) for t in inputs])
        out = _new("mt_tensors **")
        call = _lib.mt_module_call_own if self._own_forward else _lib.mt_module_call
        _check(call(out, self._c, array, len(inputs)))
        return _wrap_list(out[0])

    # --- hooks when C runs the module, as a child of another C module ------------------------
    def _watch(self, kind):
        ids = self.__dict__.setdefault("_watched", {})
        if kind in ids:
            return
        register, function = {
            "pre": (_lib.mt_module_register_forward_pre_hook, _lib.py_module_pre_hook),
            "post": (_lib.mt_module_register_forward_hook, _lib.py_module_hook),
            "backward": (_lib.mt_module_register_full_backward_hook, _lib.py_module_backward_hook),
        }[kind]
        hook_id = _new("uint64_t *")
        user = _callbacks.keep(weakref.ref(self))
        _check(register(hook_id, self._c, function, user, _callbacks.drop))
        ids[kind] = hook_id[0]

    def _call_with_hooks(self, args, kwargs):
        watched = self.__dict__.get("_watched", {})
        kinds = list(watched)
        for kind in kinds:
            _check(_lib.mt_module_remove_hook(self._c, watched.pop(kind)))
        try:
            return super()._call_with_hooks(args, kwargs)
        finally:
            for kind in kinds:
                self._watch(kind)

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        self._watch("pre")
        return super().register_forward_pre_hook(hook)

    def register_forward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        self._watch("post")
        return super().register_forward_hook(hook)

    def register_full_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        self._watch("backward")
        return super().register_full_backward_hook(hook)

    # --- printing ----------------------------------------------------------------------------
    def extra_repr(self):
        info = self._info
        if info is None:
            out = _new("char **")
            _check(_lib.mt_module_to_string(out, self._c))
            text = _text(out)
            return text[text.index("(") + 1:-1] if not self._modules else ""
        out = ""
        for optional, plain in re.findall(r"\[([^]]*)\]|([^[]+)", info.form):
            if "{auto_padding}" in optional:
                continue  # Python's padding has both
            text, changed = self._formatted(optional or plain)
            if plain or changed:
                out += text.removeprefix(", ") if not out else text
        return out

    def _formatted(self, form):
        """(the text, whether an option in it has another value than its default)."""
        changed = False

        def one(match):
            nonlocal changed
            name, quoted = match[1], match[2]
            field = self._info.by_name[name]
            value = self._parameters.get(name) is not None if name in self._info.params \
                else getattr(self, name)
            changed = changed or not field.is_default(value)
            return repr(value) if quoted else str(value)

        return re.sub(r"\{(\w+)(!r)?\}", one, form), changed


class BuiltinLoss(Builtin):
    def forward(self, input, target) -> Tensor:
        if self._own_forward:
            return self._run(input, target)
        out = _new("mt_tensor **")
        _check(_lib.mt_module_forward2(out, self._c, _ptr(_need(input)), _ptr(_need(target))))
        return _own(out)


# Modules of C that are no classes of nn: the base beside Builtin by the type's name, and the classes
# made so far.
name_bases = {}
_named_classes = {}


def _class_of(name):
    from .. import nn
    cls = getattr(nn, name, None)
    if isinstance(cls, type) and issubclass(cls, Builtin):
        return cls
    if name not in _named_classes:
        base = nn.Sequential if cls is nn.Sequential else name_bases.get(name)
        _named_classes[name] = type(name, (Builtin, base) if base else (Builtin,), {})
    return _named_classes[name]


def wrap(out):
    """The Python object, of the class of its name, for a C module that C made; takes the handle."""
    name = _new("char **")
    _check(_lib.mt_module_type_name(name, out[0]))
    cls = _class_of(_text(name))
    m = cls.__new__(cls)
    m._adopt(out)
    m._read_options()
    return m


def _need(t):
    if not isinstance(t, TensorBase):
        raise TypeError(f"expected a Tensor as argument, not {type(t).__name__}"
                        + ("; convert NumPy arrays with from_numpy" if hasattr(t, "__array__")
                           else ""))
    return t
