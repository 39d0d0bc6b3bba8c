"""Optimizer: what torch.optim's optimizers share, over the optimizers of the C library.

The options of the groups live in C; the dicts of param_groups show them and write through.
"""
from __future__ import annotations

from copy import deepcopy

from .. import _callbacks
from .._lists import make_named, make_strings, named, strings
from .._native import ffi, lib as _lib
from .._runtime import TensorBase, _check, _new
from ..nn.utils import parameter_list

# Options that torch keeps as one tuple, and what C calls their parts.
PAIRS = {"betas": ("beta1", "beta2"), "etas": ("etaminus", "etaplus"),
         "step_sizes": ("step_size_min", "step_size_max")}
PARTS = {part: (pair, i) for pair, parts in PAIRS.items() for i, part in enumerate(parts)}
_SEARCHES = {None: 0.0, "strong_wolfe": 1.0}
_SCHEDULE = ("initial_lr", "max_lr", "min_lr", "swa_lr", "max_momentum", "base_momentum")
_NUMBERS_IN_STATE = {"t", "H_diag", "prev_loss", "func_evals", "n_iter"}


def flat_options(values):
    """[(C name, number)] of torch options that are numbers; others are Python's alone."""
    out = []
    for key, value in values.items():
        if key in PAIRS:
            out += zip(PAIRS[key], map(float, value))
        elif key == "line_search_fn":
            if value not in _SEARCHES:
                raise RuntimeError("only 'strong_wolfe' is supported")
            out.append((key, _SEARCHES[value]))
        elif isinstance(value, (bool, int, float)):
            out.append((key, float(value)))
        elif isinstance(value, TensorBase) and value.numel() == 1:
            out.append((key, float(value.item())))
        elif hasattr(value, "__float__") and not isinstance(value, TensorBase):
            out.append((key, float(value)))
    return out


class _Group(dict):
    """A parameter group: writing an option sets it in the C optimizer."""

    def __init__(self, optimizer, index, values):
        super().__init__(values)
        self._optimizer, self._index = optimizer, index

    def __setitem__(self, key, value):
        self._optimizer._write(self._index, {key: value})
        super().__setitem__(key, value)

    def update(self, *args, **kwargs):
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def setdefault(self, key, default=None):
        if key not in self:
            self[key] = default
        return self[key]

    def __deepcopy__(self, memo):
        return deepcopy(dict(self), memo)

    def __reduce__(self):
        return (dict, (dict(self),))


def _checked(params):
    """[(tensors, options)] of an iterable of tensors or of dicts."""
    if isinstance(params, TensorBase):
        raise TypeError("params argument given to the optimizer should be an iterable of Tensors or "
                        "dicts, but got a Tensor")
    params = list(params)
    if not params:
        raise ValueError("optimizer got an empty parameter list")
    if not isinstance(params[0], dict):
        return [(params, {})]
    groups = []
    for g in params:
        assert isinstance(g, dict), "param group must be a dict"
        tensors = g["params"]
        if isinstance(tensors, set):
            raise TypeError("optimizer parameters need to be organized in ordered collections, but "
                            "the ordering of tensors in sets will change between runs. Please use a "
                            "list instead.")
        tensors = [tensors] if isinstance(tensors, TensorBase) else list(tensors)
        groups.append((tensors, {k: v for k, v in g.items() if k != "params"}))
    return groups


@ffi.def_extern()
def py_closure(loss, user):
    try:
        _callbacks.give(loss, 0, ffi.from_handle(user)())
        return _lib.MT_OK
    except BaseException as e:  # noqa: B902 - it is raised again at the outermost call
        return _callbacks.failed(e)


class Optimizer:
    """The base of the optimizers below. A class of your own overrides step()."""

    _make = _options_type = _init = None
    _int_step = False  # torch keeps the step count as a Python int

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]):
        groups = _checked(params)
        self.defaults: dict[str, Any] = defaults
        self._step_count = 0
        self._c = None
        self.param_groups: list[dict[str, Any]] = []
        for tensors, own in groups:
            self.add_param_group({**own, "params": tensors})
        if self._make is None:
            self._own_state = {}

    # --- groups --------------------------------------------------------------------------
    def add_param_group(self, param_group: dict[str, Any]) -> None:
        assert isinstance(param_group, dict), "param group must be a dict"
        tensors, own = _checked([param_group])[0]
        if {id(p) for p in self._parameters()} & {id(t) for t in tensors}:
            raise ValueError("some parameters appear in more than one parameter group")
        for t in tensors:
            if not isinstance(t, TensorBase):
                raise TypeError("optimizer can only optimize Tensors, but one of the params is "
                                f"{type(t).__name__}")
            if not t.is_leaf:
                raise ValueError("can't optimize a non-leaf Tensor")
        for name, default in self.defaults.items():
            if default is required and name not in own:
                raise ValueError("parameter group didn't specify a value of required optimization "
                                 f"parameter {name}")
        values = {**own, **{k: v for k, v in self.defaults.items() if k not in own}}
        if self._make is not None:
            self._add_to_c(tensors, values)
        group = _Group(self, len(self.param_groups), {"params": tensors, **values})
        self.param_groups.append(group)

    def _add_to_c(self, tensors, values):
        numbers = flat_options(values)
        if self._c is not None:
            numbers = [(k, v) for k, v in numbers if k in self._names]
            array = _new("double[]", [v for _, v in numbers])
            _check(_lib.mt_optimizer_add_param_group_with(
                self._c, parameter_list(tensors), make_strings([k for k, _ in numbers]), array,
                len(numbers)))
            return
        c_options = _new(self._options_type)
        self._init(c_options)
        known = {name: field.type.cname for name, field in ffi.typeof(c_options).item.fields}
        for name, number in numbers:
            name = "strong_wolfe" if name == "line_search_fn" else name
            if name in known:
                setattr(c_options, name, number if known[name] == "double" else int(number))
        out = _new("mt_optimizer **")
        _check(type(self)._make(out, parameter_list(tensors), c_options))
        self._c = ffi.gc(out[0], _lib.mt_optimizer_free)
        names = _new("mt_strings **")
        _check(_lib.mt_optimizer_option_names(names, self._c))
        self._names = set(strings(names[0])) | set(_SCHEDULE)

    def _write(self, index, values):
        """Sets options of a group in C."""
        if self._c is None:
            return
        for name, number in flat_options(values):
            if name in self._names:
                _check(_lib.mt_optimizer_set_option(self._c, index, name.encode(), number))

    def _refresh(self, names=None):
        """Shows what C changed: a scheduler's work, or a loaded state."""
        out, get, c = _new("double *"), _lib.mt_optimizer_get_option, self._c
        for i, group in enumerate(self.param_groups):
            for name in names or self._names:
                if name not in self._names or get(out, c, i, name.encode()):
                    continue  # also a scheduler's value that is not there
                value = out[0]
                if name in PARTS:
                    pair, at = PARTS[name]
                    if group[pair][at] != value:
                        both = list(group[pair])
                        both[at] = value
                        dict.__setitem__(group, pair, tuple(both))
                elif name == "line_search_fn":
                    dict.__setitem__(group, name, "strong_wolfe" if value else None)
                elif group.get(name) != value:
                    old = group.get(name)
                    dict.__setitem__(group, name, bool(value) if isinstance(old, bool) else value)
        if names is None:
            _lib.mt_clear_error()

    # --- training ------------------------------------------------------------------------
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update; with a closure, which computes the loss, its result is returned."""
        loss = None
        self._step_count += 1
        if closure is not None:
            from .. import enable_grad
            with enable_grad():
                loss = closure()
        if _lib.mt_optimizer_step(self._c):
            _check(_lib.mt_last_status())
        return loss

    def zero_grad(self, set_to_none=False) -> None:
        if self._c is None:
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        p.grad = None if set_to_none else p.grad.detach().zero_()
        elif _lib.mt_optimizer_zero_grad(self._c, bool(set_to_none)):
            _check(_lib.mt_last_status())

    # --- state ---------------------------------------------------------------------------
    def _c_state(self):
        """{index: {name: tensor, number or list}} as torch has it."""
        out, state = _new("mt_named_tensors **"), {}
        _check(_lib.mt_optimizer_state_dict(out, self._c))
        for key, t in named(out[0]):
            parts = key.split(".")
            if parts[0] != "state":
                continue
            entry = state.setdefault(int(parts[1]), {})
            name = parts[2]
            if len(parts) == 4:
                entry.setdefault(name, []).append(t)
            elif name == "step" and self._int_step:
                entry[name] = int(t.item())
            elif name in _NUMBERS_IN_STATE:
                entry[name] = t.item()
            else:
                entry[name] = t
        return state

    def state_dict(self) -> dict[str, Any]:
        """torch's layout: {"state": {index: {...}}, "param_groups": [...]}."""
        groups, at = [], 0
        for g in self.param_groups:
            n = len(g["params"])
            groups.append({**{k: v for k, v in g.items() if k != "params"},
                           "params": list(range(at, at + n))})
            at += n
        if self._c is not None:
            return {"state": self._c_state(), "param_groups": groups}
        index = {id(p): i for i, p in enumerate(self._parameters())}
        return {"state": {index[id(p)]: v for p, v in self._own_state.items()},
                "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        from .. import float64, int64, tensor
        groups = state_dict["param_groups"]
        if len(groups) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(g["params"]) != len(mine["params"])
               for g, mine in zip(groups, self.param_groups)):
            raise ValueError("loaded state dict contains a parameter group that doesn't match the "
                             "size of optimizer's group")
        order = {old: new for new, old in
                 enumerate(p for g in groups for p in g["params"])}
        if self._c is None:
            parameters = self._parameters()
            self._own_state = {parameters[order[i]]: deepcopy(v)
                               for i, v in state_dict["state"].items()}
        else:
            flat = {}
            for index, values in state_dict["state"].items():
                for name, value in values.items():
                    if value is None or name == "al":  # torch's scratch space
                        continue
                    items = value if isinstance(value, list) else [value]
                    for i, v in enumerate(items):
                        v = v if isinstance(v, TensorBase) else tensor(float(v), dtype=float64)
                        suffix = f".{i}" if isinstance(value, list) else ""
                        flat[f"state.{order[index]}.{name}{suffix}"] = v
            for i, g in enumerate(groups):
                flat[f"param_groups.{i}.params"] = tensor([order[p] for p in g["params"]],
                                                          dtype=int64)
                for name, number in flat_options({k: v for k, v in g.items() if k != "params"}):
                    if name in self._names:
                        flat[f"param_groups.{i}.{name}"] = tensor(number, dtype=float64)
            _check(_lib.mt_optimizer_load_state_dict(self._c, make_named(flat)))
        for mine, g in zip(self.param_groups, groups):
            for key, value in g.items():
                if key != "params":
                    dict.__setitem__(mine, key, value)

    def __deepcopy__(self, memo):
        new = type(self).__new__(type(self))
        memo[id(self)] = new
        own = ("_c", "_names", "_own_state", "param_groups")
        new.__dict__.update((k, deepcopy(v, memo)) for k, v in self.__dict__.items() if k not in own)
        new._c, new.param_groups, new._own_state = None, [], {}
        for group in self.param_groups:
            new.add_param_group(deepcopy(dict(group), memo))
        new.load_state_dict(deepcopy(self.state_dict()))
        return new

    def _parameters(self):
        return [p for g in self.param_groups for p in g["params"]]

    @property
    def state(self) -> dict[Tensor, dict[str, Any]]:
        """{parameter: {name: value}}; the tensors are the optimizer's own."""
        if self._c is None:
            return self._own_state
        params = self._parameters()
        return {params[i]: values for i, values in self._c_state().items()}

    def __repr__(self):
        text = type(self).__name__ + " ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n"
            for key in sorted(group):
                if key != "params":
                    text += f"    {key}: {group[key]}\n"
        return text + ")"


class _Required:
    def __repr__(self):
        return "<required parameter>"


required = _Required()
