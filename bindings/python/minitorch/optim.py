"""torch.optim: the optimizers of the C library."""
from __future__ import annotations

from ._native import ffi, lib as _lib
from ._runtime import TensorBase, _check, _new, _text
from ._lists import make_named, named, strings
from .nn.utils import parameter_list

__all__ = ["Optimizer", "SGD", "Adam", "AdamW"]


class _Group(dict):
    """A parameter group: writing an option sets it in the C optimizer."""

    def __init__(self, optimizer, index, values):
        super().__init__(values)
        self._optimizer, self._index = optimizer, index

    def __setitem__(self, key, value):
        self._optimizer._set(self._index, key, value)
        super().__setitem__(key, value)

    def update(self, *args, **kwargs):
        for key, value in dict(*args, **kwargs).items():
            self[key] = value


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
        tensors = g["params"]
        tensors = [tensors] if isinstance(tensors, TensorBase) else list(tensors)
        groups.append((tensors, {k: v for k, v in g.items() if k != "params"}))
    return groups


class Optimizer:
    _make = _options_type = _init = None

    def __init__(self, params: Iterable[Any], **options: Any):
        groups = _checked(params)
        c_options = _new(self._options_type)
        self._init(c_options)
        self.defaults: dict[str, Any] = options
        for key, value in options.items():
            for name, number in self._flat(key, value):
                setattr(c_options, name, number)
        out = _new("mt_optimizer **")
        _check(type(self)._make(out, parameter_list(groups[0][0]), c_options))
        self._c = ffi.gc(out[0], _lib.mt_optimizer_free)
        self.param_groups: list[dict[str, Any]] = [self._group(groups[0][0], 0)]
        names = _new("mt_strings **")
        _check(_lib.mt_optimizer_option_names(names, self._c))
        self._names = set(strings(names[0]))
        self.param_groups[0].update(groups[0][1])
        for tensors, own in groups[1:]:
            self.add_param_group({"params": tensors, **own})

    @staticmethod
    def _flat(key, value):
        """The C names and values of a torch option."""
        if key == "betas":
            return [("beta1", float(value[0])), ("beta2", float(value[1]))]
        return [(key, value if isinstance(value, bool) else float(value))]

    def _group(self, tensors, index):
        return _Group(self, index, {"params": list(tensors), **self.defaults})

    def _set(self, index, key, value):
        if key in ("params", "foreach", "differentiable", "fused", "capturable", "initial_lr"):
            return
        for name, number in self._flat(key, value):
            if name in self._names:
                _check(_lib.mt_optimizer_set_option(self._c, index, name.encode(), float(number)))

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        tensors, own = _checked([param_group])[0]
        _check(_lib.mt_optimizer_add_param_group(self._c, parameter_list(tensors)))
        self.param_groups.append(self._group(tensors, len(self.param_groups)))
        self.param_groups[-1].update(own)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update; with a closure, which computes the loss, its result is returned."""
        loss = None
        if closure is not None:
            from . import enable_grad
            with enable_grad():
                loss = closure()
        if _lib.mt_optimizer_step(self._c):
            _check(_lib.mt_last_status())
        return loss

    def zero_grad(self, set_to_none=False) -> None:
        if _lib.mt_optimizer_zero_grad(self._c, bool(set_to_none)):
            _check(_lib.mt_last_status())

    # --- state ---------------------------------------------------------------------------
    def _flat_state(self):
        out = _new("mt_named_tensors **")
        _check(_lib.mt_optimizer_state_dict(out, self._c))
        return named(out[0])

    def state_dict(self) -> dict[str, Any]:
        """torch's layout: {"state": {index: {...}}, "param_groups": [...]}."""
        state, at = {}, 0
        for key, t in self._flat_state():
            parts = key.split(".")
            if parts[0] == "state":
                state.setdefault(int(parts[1]), {})[parts[2]] = t
        groups = []
        for g in self.param_groups:
            n = len(g["params"])
            groups.append({**{k: v for k, v in g.items() if k != "params"},
                           "params": list(range(at, at + n))})
            at += n
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        from . import float64, int64, tensor
        groups = state_dict["param_groups"]
        if len(groups) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        flat = {}
        for index, values in state_dict["state"].items():
            for name, value in values.items():
                if value is None:
                    continue
                flat[f"state.{index}.{name}"] = (value if isinstance(value, TensorBase)
                                                 else tensor(float(value)))
        for i, g in enumerate(groups):
            for key, value in g.items():
                if key == "params":
                    flat[f"param_groups.{i}.params"] = tensor(list(value), dtype=int64)
                    continue
                if value is None:
                    continue
                for name, number in self._flat(key, value) if not isinstance(value, str) else ():
                    if name in self._names:
                        flat[f"param_groups.{i}.{name}"] = tensor(float(number), dtype=float64)
        _check(_lib.mt_optimizer_load_state_dict(self._c, make_named(flat)))
        for mine, g in zip(self.param_groups, groups):
            for key, value in g.items():
                if key != "params":
                    dict.__setitem__(mine, key, value)

    @property
    def state(self) -> dict[Tensor, dict[str, Tensor]]:
        """{parameter: {name: tensor}}; the tensors are the optimizer's own."""
        params = [p for g in self.param_groups for p in g["params"]]
        return {params[i]: values for i, values in self.state_dict()["state"].items()}

    def __repr__(self):
        out = _new("char **")
        _check(_lib.mt_optimizer_to_string(out, self._c))
        return _text(out)


_required = object()


class SGD(Optimizer):
    _make, _options_type, _init = _lib.mt_sgd, "mt_sgd_options *", staticmethod(
        _lib.mt_sgd_options_init)

    def __init__(self, params, lr: float = _required, momentum=0, dampening=0, weight_decay=0,
                 nesterov=False, *, maximize=False, foreach=None, differentiable=False):
        if lr is _required:
            groups = params = list(params)
            if not groups or not all(isinstance(g, dict) and "lr" in g for g in groups):
                raise ValueError("parameter group 0 didn't specify a value of required optimization "
                                 "parameter lr")
            lr = groups[0]["lr"]
        if lr < 0:
            raise ValueError(f"Invalid learning rate: {lr}")
        super().__init__(params, lr=lr, momentum=momentum, dampening=dampening,
                         weight_decay=weight_decay, nesterov=nesterov, maximize=maximize)


class Adam(Optimizer):
    _make, _options_type, _init = _lib.mt_adam, "mt_adam_options *", staticmethod(
        _lib.mt_adam_options_init)

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False,
                 *, foreach=None, maximize=False, capturable=False, differentiable=False,
                 fused=False):
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay,
                         amsgrad=amsgrad, maximize=maximize)


class AdamW(Optimizer):
    _make, _options_type, _init = _lib.mt_adamw, "mt_adam_options *", staticmethod(
        _lib.mt_adamw_options_init)

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2,
                 amsgrad=False, *, maximize=False, foreach=None, capturable=False):
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay,
                         amsgrad=amsgrad, maximize=maximize)
