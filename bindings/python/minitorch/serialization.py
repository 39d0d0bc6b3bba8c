"""save and load: state dicts and nested checkpoints as safetensors files.

A plain {name: Tensor} dict becomes an ordinary safetensors file. Anything nested (dicts, lists,
numbers, strings, None around tensors) keeps its structure as JSON in the file's metadata.
"""
from __future__ import annotations

import json
import os
from collections import OrderedDict

from ._native import ffi, lib as _lib
from ._runtime import TensorBase, _check, _new
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


def save(obj: Any, f: str | PathLike[str]) -> None:
    """Writes the object in one step: a crash leaves the old file."""
    tensors = {}
    structure = _pack(obj, "", tensors)
    plain = isinstance(obj, dict) and all(isinstance(v, TensorBase) for v in obj.values()) and all(
        isinstance(k, str) for k in obj)
    keys = values = ffi.NULL
    if not plain:
        keys, values = make_strings([_KEY]), make_strings([json.dumps(structure)])
    _check(_lib.mt_save_safetensors(_path(f), make_named(tensors), keys, values))


def load(f: str | PathLike[str], map_location=None) -> Any:
    """What save() wrote, or the OrderedDict of any safetensors file."""
    out, keys, values = _new("mt_named_tensors **"), _new("mt_strings **"), _new("mt_strings **")
    _check(_lib.mt_load_safetensors(out, _path(f), keys, values))
    metadata = dict(zip(strings(keys[0]), strings(values[0])))
    tensors = OrderedDict(named(out[0]))
    if _KEY in metadata:
        return _unpack(json.loads(metadata[_KEY]), tensors)
    return tensors


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
