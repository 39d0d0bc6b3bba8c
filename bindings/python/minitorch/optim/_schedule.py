"""What the learning rate schedulers share: Python objects over schedulers of the C library, whose
variables are read and written as attributes."""
from __future__ import annotations

import warnings
import weakref

from .. import _callbacks
from .._lists import make_named, named
from .._native import ffi, lib as _lib
from .._runtime import _check, _new
from .optimizer import Optimizer

EPOCH_WARNING = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where "
    "possible. Please use `scheduler.step()` to step the scheduler. With an epoch the closed form "
    "is used instead of the chainable form, where there is one.")
ORDER_WARNING = (
    "Detected call of `lr_scheduler.step()` before `optimizer.step()`. In PyTorch 1.1.0 and later, "
    "you should call them in the opposite order: `optimizer.step()` before `lr_scheduler.step()`.  "
    "Failure to do this will result in PyTorch skipping the first value of the learning rate "
    "schedule. See more details at "
    "https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate")
# What torch's schedulers keep in their state that follows from the constructor's arguments here.
_DERIVED = {"_get_lr_called_within_step", "anneal_func", "_schedule_phases", "_scale_fn_ref",
            "_scale_fn_custom", "scale_mode", "mode", "use_beta1", "mode_worse", "swa_lrs"}


# --- C calling Python ------------------------------------------------------------------------
@ffi.def_extern()
def py_lr_lambda(factor, epoch, group, user):
    try:
        factor[0] = float(ffi.from_handle(user)[group](epoch))
        return _lib.MT_OK
    except BaseException as e:  # noqa: B902 - it is raised again at the outermost call
        return _callbacks.failed(e)


@ffi.def_extern()
def py_lr_scale(scale, x, user):
    try:
        scale[0] = float(ffi.from_handle(user)(int(x) if x == int(x) else x))
        return _lib.MT_OK
    except BaseException as e:  # noqa: B902
        return _callbacks.failed(e)


@ffi.def_extern()
def py_lr(lrs, n_groups, self, user):
    try:
        scheduler = ffi.from_handle(user)()
        if scheduler is None:
            raise RuntimeError("the Python scheduler is gone: keep a reference to it")
        d = scheduler.__dict__
        d.setdefault("_c", self)  # the first step is taken while it is being made
        d["_get_lr_called_within_step"] = True
        try:
            for i, lr in zip(range(n_groups), scheduler.get_lr()):
                lrs[i] = lr
        finally:
            d["_get_lr_called_within_step"] = False
        return _lib.MT_OK
    except BaseException as e:  # noqa: B902
        return _callbacks.failed(e)


def array(values):
    return _new("double[]", [float(v) for v in values])


class Base:
    """An object over a C scheduler; `_begin` makes that."""

    _writes = ("lr",)  # options that a step changes

    def _begin(self, optimizer, verbose, make):
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        d = self.__dict__
        d["optimizer"], d["verbose"], d["_get_lr_called_within_step"] = optimizer, verbose, False
        d["_checked_order"] = False
        optimizer._step_count = 0
        out = _new("mt_scheduler **")
        status = make(out)
        if status:
            d.pop("_c", None)
            _check(status)
        d["_c"] = ffi.gc(out[0], _lib.mt_scheduler_free)
        d["_fields"] = frozenset(key for key, _ in self._c_state() if "." not in key)
        optimizer._refresh()
        self._print_lrs(None)

    def _c_state(self):
        out = _new("mt_named_tensors **")
        _check(_lib.mt_scheduler_state_dict(out, self._c))
        return named(out[0])

    def _value(self, name, t):
        return t.item() if t.dim() == 0 else t.tolist()

    def _tensor(self, name, value):
        from .. import float64, tensor
        return tensor(list(value) if isinstance(value, (list, tuple)) else float(value),
                      dtype=float64)

    def __getattr__(self, name):
        d = self.__dict__
        if "_c" in d and not name.startswith("__"):
            for key, t in self._c_state():
                if key == name:
                    return self._value(name, t)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name, value):
        if name in self.__dict__.get("_fields", ()):
            self._load({name: self._tensor(name, value)})
        else:
            object.__setattr__(self, name, value)

    def _load(self, tensors):
        _check(_lib.mt_scheduler_load_state_dict(self._c, make_named(tensors)))

    # --- stepping ------------------------------------------------------------------------
    def _check_order(self):
        if not self._checked_order:
            self.__dict__["_checked_order"] = True
            if self.optimizer._step_count < 1:
                warnings.warn(ORDER_WARNING, UserWarning, stacklevel=3)

    def _after(self, status, epoch):
        _check(status)
        self.optimizer._refresh(self._writes)
        self._print_lrs(epoch)

    def _print_lrs(self, epoch):
        for i, group in enumerate(self.optimizer.param_groups):
            self.print_lr(self.verbose, i, group["lr"], epoch)

    def print_lr(self, is_verbose: bool, group: int, lr: float, epoch=None) -> None:
        if not is_verbose:
            return
        at = "" if epoch is None else "Epoch " + (
            f"{epoch:.2f}" if isinstance(epoch, float) else f"{epoch:05d}") + ": "
        word = "Adjusting" if epoch is None else "adjusting"
        print(f"{at}{word} learning rate of group {group} to {lr:.4e}.")

    def get_last_lr(self) -> list[float]:
        return self._last_lr

    # --- state ---------------------------------------------------------------------------
    def _own(self):
        """Attributes that classes of your own added."""
        hidden = ("optimizer", "_c", "_fields", "_checked_order", "_schedulers", "lr_lambdas")
        return {k: v for k, v in self.__dict__.items() if k not in hidden}

    def state_dict(self) -> dict[str, Any]:
        state = {key: self._value(key, t) for key, t in self._c_state() if "." not in key}
        return {**state, **self._own()}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        known = {k: self._tensor(k, v) for k, v in state_dict.items() if k in self._fields}
        self._load(known)
        for key, value in state_dict.items():
            if key not in self._fields and key not in _DERIVED and not key.startswith("_sched"):
                if key != "lr_lambdas":
                    self.__dict__[key] = value
        self.__dict__["_checked_order"] = True


class _LRScheduler(Base):
    """The base of schedules of your own: get_lr() gives the rates of epoch self.last_epoch."""

    def __init__(self, optimizer: Optimizer, last_epoch=-1, verbose=False):
        user = _callbacks.keep(weakref.ref(self))
        self._begin(optimizer, verbose, lambda out: _lib.mt_custom_lr(
            out, optimizer._c, _lib.py_lr, user, _callbacks.drop, last_epoch))

    def get_lr(self) -> list[float]:
        raise NotImplementedError

    def step(self, epoch=None) -> None:
        self._check_order()
        if epoch is None:
            return self._after(_lib.mt_scheduler_step(self._c), None)
        warnings.warn(EPOCH_WARNING, UserWarning, stacklevel=2)
        if hasattr(type(self), "_get_closed_form_lr"):
            self.last_epoch = epoch
            for group, lr in zip(self.optimizer.param_groups, self._get_closed_form_lr()):
                group["lr"] = lr
            self._last_lr = [group["lr"] for group in self.optimizer.param_groups]
            return self._print_lrs(epoch)
        self._after(_lib.mt_scheduler_step_to(self._c, float(epoch)), epoch)
