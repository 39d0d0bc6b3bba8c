"""torch.optim.lr_scheduler: the schedulers of the C library with torch's signatures."""
from __future__ import annotations

import types
from bisect import bisect_right
from collections import Counter

from .. import _callbacks
from .._native import ffi, lib as _lib
from .._runtime import _check, _new
from ._schedule import Base, _LRScheduler, array
from .optimizer import Optimizer

__all__ = ["LambdaLR", "MultiplicativeLR", "StepLR", "MultiStepLR", "ConstantLR", "LinearLR",
           "ExponentialLR", "SequentialLR", "CosineAnnealingLR", "ChainedScheduler",
           "ReduceLROnPlateau", "CyclicLR", "CosineAnnealingWarmRestarts", "OneCycleLR",
           "PolynomialLR", "LRScheduler"]

LRScheduler = _LRScheduler


def _options(kind, **values):
    """A filled-in options struct, and what it points to."""
    o, kept = _new(f"mt_{kind}_options *"), []
    getattr(_lib, f"mt_{kind}_options_init")(o)
    for name, value in values.items():
        if isinstance(value, (list, tuple)):
            kept.append(array(value))
            setattr(o, name, kept[-1])
            setattr(o, "n_" + name, len(value))
        else:
            setattr(o, name, value)
    return o, kept


def _values(optimizer, name, value):
    """A list with the value of each group."""
    if isinstance(value, (list, tuple)):
        if len(value) != len(optimizer.param_groups):
            raise ValueError(f"expected {len(optimizer.param_groups)} values for {name}, got "
                             f"{len(value)}")
        return list(value)
    return [value] * len(optimizer.param_groups)


class _Lambdas(_LRScheduler):
    _make = None

    def __init__(self, optimizer: Optimizer, lr_lambda: Any, last_epoch=-1, verbose=False):
        groups = len(optimizer.param_groups)
        if isinstance(lr_lambda, (list, tuple)):
            if len(lr_lambda) != groups:
                raise ValueError(f"Expected {groups} lr_lambdas, but got {len(lr_lambda)}")
            lambdas = list(lr_lambda)
        else:
            lambdas = [lr_lambda] * groups
        self.__dict__["lr_lambdas"] = lambdas
        user = _callbacks.keep(lambdas)
        self._begin(optimizer, verbose, lambda out: self._make(
            out, optimizer._c, _lib.py_lr_lambda, user, _callbacks.drop, last_epoch))

    def state_dict(self) -> dict[str, Any]:
        """Objects that are called are saved by their attributes, functions not."""
        saved = [None if isinstance(f, types.FunctionType) else dict(f.__dict__)
                 for f in self.lr_lambdas]
        return {**super().state_dict(), "lr_lambdas": saved}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        super().load_state_dict(state_dict)
        for f, saved in zip(self.lr_lambdas, state_dict["lr_lambdas"]):
            if saved is not None:
                f.__dict__.update(saved)


class LambdaLR(_Lambdas):
    _make = _lib.mt_lambda_lr


class MultiplicativeLR(_Lambdas):
    _make = _lib.mt_multiplicative_lr


class StepLR(_LRScheduler):
    def __init__(self, optimizer: Optimizer, step_size: int, gamma=0.1, last_epoch=-1,
                 verbose=False):
        self._begin(optimizer, verbose, lambda out: _lib.mt_step_lr(
            out, optimizer._c, step_size, gamma, last_epoch))


class MultiStepLR(_LRScheduler):
    def __init__(self, optimizer: Optimizer, milestones: Iterable[int], gamma=0.1, last_epoch=-1,
                 verbose=False):
        m = list(milestones)
        self._begin(optimizer, verbose, lambda out: _lib.mt_multi_step_lr(
            out, optimizer._c, _new("int64_t[]", m), len(m), gamma, last_epoch))

    def _value(self, name, t):
        value = super()._value(name, t)
        return Counter(map(int, value)) if name == "milestones" else value

    def _tensor(self, name, value):
        if name == "milestones" and isinstance(value, dict):
            value = sorted(Counter(value).elements())
        return super()._tensor(name, value)


class ConstantLR(_LRScheduler):
    def __init__(self, optimizer: Optimizer, factor=1.0 / 3, total_iters=5, last_epoch=-1,
                 verbose=False):
        self._begin(optimizer, verbose, lambda out: _lib.mt_constant_lr(
            out, optimizer._c, factor, total_iters, last_epoch))


class LinearLR(_LRScheduler):
    def __init__(self, optimizer: Optimizer, start_factor=1.0 / 3, end_factor=1.0, total_iters=5,
                 last_epoch=-1, verbose=False):
        o, _ = _options("linear_lr", start_factor=start_factor, end_factor=end_factor,
                        total_iters=total_iters, last_epoch=last_epoch)
        self._begin(optimizer, verbose, lambda out: _lib.mt_linear_lr(out, optimizer._c, o))


class ExponentialLR(_LRScheduler):
    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch=-1, verbose=False):
        self._begin(optimizer, verbose, lambda out: _lib.mt_exponential_lr(
            out, optimizer._c, gamma, last_epoch))


class PolynomialLR(_LRScheduler):
    def __init__(self, optimizer: Optimizer, total_iters=5, power=1.0, last_epoch=-1,
                 verbose=False):
        self._begin(optimizer, verbose, lambda out: _lib.mt_polynomial_lr(
            out, optimizer._c, total_iters, power, last_epoch))


class CosineAnnealingLR(_LRScheduler):
    def __init__(self, optimizer: Optimizer, T_max: int, eta_min=0, last_epoch=-1, verbose=False):
        self._begin(optimizer, verbose, lambda out: _lib.mt_cosine_annealing_lr(
            out, optimizer._c, T_max, eta_min, last_epoch))


class CosineAnnealingWarmRestarts(_LRScheduler):
    def __init__(self, optimizer: Optimizer, T_0: int, T_mult=1, eta_min=0, last_epoch=-1,
                 verbose=False):
        if T_0 <= 0 or not isinstance(T_0, int):
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if T_mult < 1 or not isinstance(T_mult, int):
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        o, _ = _options("cosine_warm_restarts", t_0=T_0, t_mult=T_mult, eta_min=eta_min,
                        last_epoch=last_epoch)
        self._begin(optimizer, verbose, lambda out: _lib.mt_cosine_annealing_warm_restarts(
            out, optimizer._c, o))

    def step(self, epoch=None) -> None:
        """To the next epoch, or to a given one, which may have a fraction."""
        if epoch is None:
            self._after(_lib.mt_scheduler_step(self._c), None)
        else:
            self._after(_lib.mt_scheduler_step_to(self._c, float(epoch)), epoch)


class CyclicLR(_LRScheduler):
    _writes = ("lr", "momentum")

    def __init__(self, optimizer: Optimizer, base_lr: Any, max_lr: Any, step_size_up=2000,
                 step_size_down=None, mode="triangular", gamma=1.0, scale_fn=None,
                 scale_mode="cycle", cycle_momentum=True, base_momentum: Any = 0.8,
                 max_momentum: Any = 0.9, last_epoch=-1, verbose=False):
        modes = ["triangular", "triangular2", "exp_range"]
        if mode not in modes and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        if cycle_momentum and "momentum" not in optimizer.defaults:
            raise ValueError("optimizer must support momentum with `cycle_momentum` option enabled")
        o, kept = _options(
            "cyclic_lr", base_lr=_values(optimizer, "base_lr", base_lr),
            max_lr=_values(optimizer, "max_lr", max_lr), step_size_up=step_size_up,
            step_size_down=-1.0 if step_size_down is None else step_size_down,
            mode=modes.index(mode) if mode in modes else 0, gamma=gamma,
            scale_by_iterations=scale_mode != "cycle", cycle_momentum=cycle_momentum,
            base_momentum=_values(optimizer, "base_momentum", base_momentum),
            max_momentum=_values(optimizer, "max_momentum", max_momentum), last_epoch=last_epoch)
        if scale_fn is not None:
            o.scale_fn = _lib.py_lr_scale
            o.user, o.destroy = _callbacks.keep(scale_fn), _callbacks.drop
        self._begin(optimizer, verbose, lambda out: _lib.mt_cyclic_lr(out, optimizer._c, o))


class OneCycleLR(_LRScheduler):
    _writes = ("lr", "momentum", "beta1")

    def __init__(self, optimizer: Optimizer, max_lr: Any, total_steps: int | None = None,
                 epochs: int | None = None, steps_per_epoch: int | None = None, pct_start=0.3,
                 anneal_strategy="cos", cycle_momentum=True, base_momentum: Any = 0.85,
                 max_momentum: Any = 0.95, div_factor=25.0, final_div_factor=1e4,
                 three_phase=False, last_epoch=-1, verbose=False):
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        if total_steps is None and epochs is None and steps_per_epoch is None:
            raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
        counts = ({"total_steps": total_steps} if total_steps is not None
                  else {"epochs": epochs, "steps_per_epoch": steps_per_epoch})
        steps = 1
        for name, n in counts.items():
            if n is None or n <= 0 or not isinstance(n, int):
                raise ValueError(f"Expected positive integer {name}, but got {n}")
            steps *= n
        if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError("anneal_strategy must by one of 'cos' or 'linear', instead got "
                             f"{anneal_strategy}")
        if cycle_momentum and not {"momentum", "betas"} & set(optimizer.defaults):
            raise ValueError("optimizer must support momentum with `cycle_momentum` option enabled")
        o, kept = _options(
            "one_cycle_lr", max_lr=_values(optimizer, "max_lr", max_lr), total_steps=steps,
            pct_start=pct_start, linear=anneal_strategy == "linear", cycle_momentum=cycle_momentum,
            base_momentum=_values(optimizer, "base_momentum", base_momentum),
            max_momentum=_values(optimizer, "max_momentum", max_momentum), div_factor=div_factor,
            final_div_factor=final_div_factor, three_phase=three_phase, last_epoch=last_epoch)
        self._begin(optimizer, verbose, lambda out: _lib.mt_one_cycle_lr(out, optimizer._c, o))


class ReduceLROnPlateau(Base):
    def __init__(self, optimizer: Optimizer, mode="min", factor=0.1, patience=10, threshold=1e-4,
                 threshold_mode="rel", cooldown=0, min_lr: Any = 0, eps=1e-8, verbose=False):
        if factor >= 1.0:
            raise ValueError("Factor should be < 1.0.")
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown!")
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        if isinstance(min_lr, (list, tuple)) and len(min_lr) != len(optimizer.param_groups):
            raise ValueError(f"expected {len(optimizer.param_groups)} min_lrs, got {len(min_lr)}")
        o, kept = _options(
            "plateau", max_mode=mode == "max", factor=factor, patience=patience,
            threshold=threshold, absolute_threshold=threshold_mode == "abs", cooldown=cooldown,
            min_lr=_values(optimizer, "min_lr", min_lr), eps=eps)
        self._begin(optimizer, False, lambda out: _lib.mt_reduce_lr_on_plateau(
            out, optimizer._c, o))
        self.verbose = verbose

    @property
    def mode(self) -> str:
        return "max" if self.max_mode else "min"

    @property
    def threshold_mode(self) -> str:
        return "abs" if self.absolute_threshold else "rel"

    @property
    def mode_worse(self) -> float:
        return float("-inf") if self.max_mode else float("inf")

    @property
    def in_cooldown(self) -> bool:
        return self.cooldown_counter > 0

    def step(self, metrics: Any, epoch=None) -> None:
        if epoch is not None:
            self.last_epoch = epoch - 1
        before = [g["lr"] for g in self.optimizer.param_groups]
        _check(_lib.mt_scheduler_step_metric(self._c, float(metrics)))
        self.optimizer._refresh(self._writes)
        if self.verbose:
            at = self.last_epoch if epoch is None else epoch
            for i, (g, old) in enumerate(zip(self.optimizer.param_groups, before)):
                if g["lr"] != old:
                    print(f"Epoch {at:05d}: reducing learning rate of group {i} to "
                          f"{g['lr']:.4e}.")

    def state_dict(self) -> dict[str, Any]:
        state = super().state_dict()
        for name in ("max_mode", "absolute_threshold"):
            del state[name]
        return {**state, "mode": self.mode, "threshold_mode": self.threshold_mode,
                "mode_worse": self.mode_worse}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        state = {k: v for k, v in state_dict.items() if k not in ("mode", "threshold_mode")}
        if "mode" in state_dict:
            state["max_mode"] = state_dict["mode"] == "max"
        if "threshold_mode" in state_dict:
            state["absolute_threshold"] = state_dict["threshold_mode"] == "abs"
        super().load_state_dict(state)


class _Combined(_LRScheduler):
    _writes = ("lr", "momentum", "beta1")

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "_schedulers": [s.state_dict() for s in self._schedulers]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        super().load_state_dict(state_dict)
        for s, saved in zip(self._schedulers, state_dict["_schedulers"]):
            s.load_state_dict(saved)

    def _make_from(self, schedulers, verbose, make):
        self.__dict__["_schedulers"] = list(schedulers)
        handles = _new("mt_scheduler *[]", [s._c for s in schedulers])
        self._begin(schedulers[0].optimizer, verbose, lambda out: make(out, handles))

    def _print_lrs(self, epoch):
        """The schedulers that it steps print."""

    def _prints(self):
        return any(s._prints() if isinstance(s, _Combined) else s.verbose for s in self._schedulers)

    def step(self) -> None:
        self._check_order()
        if not self._prints():  # in C
            return self._after(_lib.mt_scheduler_step(self._c), None)
        self._step_each()
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]


class SequentialLR(_Combined):
    def __init__(self, optimizer: Optimizer, schedulers: list[Any], milestones: list[int],
                 last_epoch=-1, verbose=False):
        for i, s in enumerate(schedulers):
            if s.optimizer is not optimizer:
                raise ValueError("Sequential Schedulers expects all schedulers to belong to the same "
                                 f"optimizer, but got schedulers at index {i} to be different than "
                                 "the optimizer passed in.")
        if len(milestones) != len(schedulers) - 1:
            raise ValueError("Sequential Schedulers expects number of schedulers provided to be one "
                             "more than the number of milestone points, but got number of schedulers "
                             f"{len(schedulers)} and the number of milestones to be equal to "
                             f"{len(milestones)}")
        points = _new("int64_t[]", list(milestones))
        self._make_from(schedulers, verbose, lambda out, handles: _lib.mt_sequential_lr(
            out, optimizer._c, handles, len(schedulers), points, len(milestones), last_epoch))
        schedulers[0]._print_lrs(None)  # its first step is taken again

    def _value(self, name, t):
        value = super()._value(name, t)
        return [int(m) for m in value] if name == "_milestones" else value

    def _step_each(self):
        self.last_epoch += 1
        at = bisect_right(self._milestones, self.last_epoch)
        begins = at > 0 and self._milestones[at - 1] == self.last_epoch
        self._schedulers[at].step(*([0] if begins else []))


class ChainedScheduler(_Combined):
    def __init__(self, schedulers: list[Any]):
        for i, s in enumerate(schedulers):
            if s.optimizer is not schedulers[0].optimizer:
                raise ValueError("ChainedScheduler expects all schedulers to belong to the same "
                                 f"optimizer, but got schedulers at index 0 and {i} to be different")
        self._make_from(schedulers, False, lambda out, handles: _lib.mt_chained_scheduler(
            out, handles, len(schedulers)))

    def _step_each(self):
        for s in self._schedulers:
            s.step()
