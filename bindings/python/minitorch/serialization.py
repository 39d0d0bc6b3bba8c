"""save and load: checkpoints in PyTorch's own format, safetensors, and NumPy's files.

load() knows a file by its content: PyTorch's .pth (both forms), safetensors, .npy and .npz. No Python
code of a file is ever run. save() writes what torch.save does, or safetensors when the name ends so:
a plain {name: Tensor} dict is an ordinary safetensors file; anything nested keeps its structure as
JSON in the file's metadata.
"""
from __future__ import annotations

import json
import os
from collections import OrderedDict

from ._native import ffi, lib as _lib
from ._runtime import TensorBase, _check, _new, _own, _ptr, device
from . import _values
from ._lists import make_named, make_strings, named, strings

_KEY = "minitorch.structure"


def _pack(obj, path, tensors):
    if isinstance(obj, TensorBase):
        name = path or "tensor"
        tensors[name] = obj.detach()
        return {"tensor": name, "requires_grad": obj.requires_grad}
    if obj is None or isinstance(obj, (bool, int, float, str)):
        return {"value": obj}
    if isinstance(obj, dict):
        items = []
        for k, v in obj.items():
            if not isinstance(k, (str, int)):
                raise TypeError(f"save: dict keys must be str or int, not {type(k).__name__}")
            items.append([k, _pack(v, f"{path}.{k}" if path else str(k), tensors)])
        return {"dict": items}
    if isinstance(obj, (list, tuple)):
        items = [_pack(v, f"{path}.{i}" if path else str(i), tensors) for i, v in enumerate(obj)]
        return {"list" if isinstance(obj, list) else "tuple": items}
    hint = "; save its state_dict()" if hasattr(obj, "state_dict") else ""
    raise TypeError(f"save: cannot save a {type(obj).__name__}{hint}")


def _unpack(node, tensors):
    if "tensor" in node:
        t = tensors[node["tensor"]]
        return t.requires_grad_() if node.get("requires_grad") else t
    if "value" in node:
        return node["value"]
    if "dict" in node:
        return OrderedDict((k, _unpack(v, tensors)) for k, v in node["dict"])
    if "tuple" in node:
        return tuple(_unpack(v, tensors) for v in node["tuple"])
    return [_unpack(v, tensors) for v in node["list"]]


def _path(f):
    if hasattr(f, "write") or hasattr(f, "read"):
        raise TypeError("expected a path, not a file object")
    return os.fsencode(f)


def save(obj: Any, f: str | PathLike[str] | IO[bytes], pickle_module=None, pickle_protocol=2,
         _use_new_zipfile_serialization=True) -> None:
    """Writes tensors, numbers, strings and containers of them. A file is replaced in one step: a crash
    leaves the old one."""
    if hasattr(f, "write"):
        f.write(_values.save_bytes(obj))
    elif os.fspath(f).endswith(".safetensors" if isinstance(os.fspath(f), str) else b".safetensors"):
        _save_structured(obj, f)
    else:
        _values.save(obj, _path(f))


def _save_structured(obj, f):
    tensors = {}
    structure = _pack(obj, "", tensors)
    plain = isinstance(obj, dict) and all(isinstance(v, TensorBase) for v in obj.values()) and all(
        isinstance(k, str) for k in obj)
    save_safetensors(tensors, f, None if plain else {_KEY: json.dumps(structure)})


def load(f: str | PathLike[str] | IO[bytes], map_location=None, pickle_module=None, *,
         weights_only=False, **pickle_load_args) -> Any:
    """What is in a file of any format that the library knows, as torch.load gives it. All tensors
    come to the CPU."""
    if isinstance(map_location, (str, device)):
        device(map_location)
    result = _values.load_bytes(f.read()) if hasattr(f, "read") else _values.load(_path(f))
    structure = getattr(result, "__dict__", {}).pop(_KEY, None) if isinstance(result, dict) else None
    return result if structure is None else _unpack(json.loads(structure), result)


def save_safetensors(tensors: dict[str, Tensor], f: str | PathLike[str],
                     metadata: dict[str, str] | None = None) -> None:
    keys = values = ffi.NULL
    if metadata:
        keys, values = make_strings(list(metadata)), make_strings(list(metadata.values()))
    _check(_lib.mt_save_safetensors(_path(f), make_named(tensors), keys, values))


def load_safetensors(f: str | PathLike[str], mmap: bool = False) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata. With mmap, the tensors lie on the file itself, which must not be
    cut short while they live; what is written to them does not reach it."""
    out, keys, values = _new("mt_named_tensors **"), _new("mt_strings **"), _new("mt_strings **")
    _check((_lib.mt_map_safetensors if mmap else _lib.mt_load_safetensors)(out, _path(f), keys, values))
    metadata = dict(zip(strings(keys[0]), strings(values[0])))
    return OrderedDict(named(out[0])), metadata


def load_state_dict(f: str | PathLike[str], key: str | None = None, strip_prefix: str | None = None,
                    mmap: bool = False) -> dict[str, Tensor]:
    """The tensors of the state dict in a file of any format, by name. `key` says where it is
    ("ema/model"; "" is the whole file); by itself it is found under "state_dict", "model_state_dict"
    or "model". `strip_prefix` is taken off the names ("module." of DataParallel)."""
    options = _new("mt_load_options *")
    _lib.mt_load_options_init(options)
    texts = [ffi.NULL if s is None else _new("char[]", s.encode()) for s in (key, strip_prefix)]
    options.key, options.strip_prefix = texts
    options.map = mmap
    out = _new("mt_named_tensors **")
    _check(_lib.mt_load_state_dict(out, _path(f), options))
    return OrderedDict(named(out[0]))


def save_npy(t: Tensor, f: str | PathLike[str]) -> None:
    _check(_lib.mt_save_npy(_path(f), _ptr(t)))


def load_npy(f: str | PathLike[str]) -> Tensor:
    out = _new("mt_tensor **")
    _check(_lib.mt_load_npy(out, _path(f)))
    return _own(out)


def save_npz(tensors: dict[str, Tensor], f: str | PathLike[str], compressed: bool = False) -> None:
    _check(_lib.mt_save_npz(_path(f), make_named(tensors), compressed))


def load_npz(f: str | PathLike[str]) -> dict[str, Tensor]:
    out = _new("mt_named_tensors **")
    _check(_lib.mt_load_npz(out, _path(f), ffi.NULL))
    return OrderedDict(named(out[0]))


# --- checkpoints -----------------------------------------------------------------------------
def _listed(value):
    return [] if value is None else list(value) if isinstance(value, (list, tuple)) else [value]


def _parts(model, optimizer, scheduler, generator, rng_state):
    """A filled-in mt_checkpoint, and what it points to."""
    parts, kept = _new("mt_checkpoint *"), []
    _lib.mt_checkpoint_init(parts)
    if model is not None:
        parts.model = model._c
    for name, objects, handle in (("optimizer", _listed(optimizer), "_c"),
                                  ("scheduler", _listed(scheduler), "_c"),
                                  ("generator", _listed(generator), "_owner")):
        handles = _new(f"mt_{name} *[]", [getattr(o, handle) for o in objects])
        kept.append(handles)
        setattr(parts, name + "s", handles)
        setattr(parts, f"n_{name}s", len(objects))
    parts.rng_state = rng_state
    return parts, kept


def save_checkpoint(f: str | PathLike[str], model=None, optimizer=None, scheduler=None, *,
                    generator=None, epoch: int = 0, step: int = 0, extra: Any = None,
                    rng_state=True) -> None:
    """Saves a whole training run in one step: a crash leaves the old file.

    `optimizer`, `scheduler` and `generator` may be lists; `rng_state` is the default generator's;
    `extra` is any nested object that save() takes.
    """
    parts, kept = _parts(model, optimizer, scheduler, generator, rng_state)
    parts.epoch, parts.step = epoch, step
    tensors = {}
    structure = json.dumps(_pack(extra, "", tensors))
    lists = make_named(tensors), make_strings(["python.extra"]), make_strings([structure])
    parts.tensors, parts.metadata_keys, parts.metadata_values = lists
    _check(_lib.mt_checkpoint_save(_path(f), parts))


def load_checkpoint(f: str | PathLike[str], model=None, optimizer=None, scheduler=None, *,
                    generator=None, rng_state=True) -> dict[str, Any]:
    """Puts what save_checkpoint wrote into the objects given and returns {"epoch", "step",
    "extra"}. All that is wrong is found before anything is changed."""
    parts, kept = _parts(model, optimizer, scheduler, generator, rng_state)
    epoch, step = _new("int64_t *"), _new("int64_t *")
    out, keys, values = _new("mt_named_tensors **"), _new("mt_strings **"), _new("mt_strings **")
    _check(_lib.mt_checkpoint_load(_path(f), parts, epoch, step, out, keys, values))
    metadata = dict(zip(strings(keys[0]), strings(values[0])))
    tensors = OrderedDict(named(out[0]))
    for o in _listed(optimizer):
        o._refresh()
    for s in _listed(scheduler):
        s.__dict__["_checked_order"] = True
    extra = metadata.get("python.extra")
    return {"epoch": epoch[0], "step": step[0],
            "extra": tensors if extra is None else _unpack(json.loads(extra), tensors)}
