"""torch.optim: the optimizers of the C library with torch's signatures. `foreach`, `capturable` and
`fused` choose between torch's implementations and mean nothing here."""
from __future__ import annotations

from .._native import ffi, lib as _lib
from .._runtime import TensorBase, _check
from .optimizer import Optimizer, required

__all__ = ["Optimizer", "SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam",
           "RAdam", "ASGD", "Rprop", "LBFGS"]


def _not_negative(**values):
    names = {"lr": "learning rate", "eps": "epsilon value"}
    for name, value in values.items():
        if value is not required and not 0.0 <= value:
            raise ValueError(f"Invalid {names.get(name, name + ' value')}: {value}")


def _check_betas(betas):
    for i in (0, 1):
        if not 0.0 <= betas[i] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}")


class SGD(Optimizer):
    _make, _options_type = _lib.mt_sgd, "mt_sgd_options *"
    _init = staticmethod(_lib.mt_sgd_options_init)

    def __init__(self, params, lr: float = required, momentum=0, dampening=0, weight_decay=0,
                 nesterov=False, *, maximize=False, foreach=None, differentiable=False):
        _not_negative(lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, dict(lr=lr, momentum=momentum, dampening=dampening,
                                      weight_decay=weight_decay, nesterov=nesterov,
                                      maximize=maximize, foreach=foreach,
                                      differentiable=differentiable))

    def _c_state(self):
        state = super()._c_state()
        if self._step_count:  # torch notes that there is none
            state.update((i, {"momentum_buffer": None}) for i, p in enumerate(self._parameters())
                         if i not in state and p.grad is not None)
        return dict(sorted(state.items()))


class Adam(Optimizer):
    _make, _options_type = _lib.mt_adam, "mt_adam_options *"
    _init = staticmethod(_lib.mt_adam_options_init)

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False,
                 *, foreach=None, maximize=False, capturable=False, differentiable=False,
                 fused=False):
        _not_negative(lr=lr, eps=eps, weight_decay=weight_decay)
        _check_betas(betas)
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay,
                                      amsgrad=amsgrad, maximize=maximize, foreach=foreach,
                                      capturable=capturable, differentiable=differentiable,
                                      fused=fused))


class AdamW(Optimizer):
    _make, _options_type = _lib.mt_adamw, "mt_adam_options *"
    _init = staticmethod(_lib.mt_adamw_options_init)

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2,
                 amsgrad=False, *, maximize=False, foreach=None, capturable=False):
        _not_negative(lr=lr, eps=eps, weight_decay=weight_decay)
        _check_betas(betas)
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay,
                                      amsgrad=amsgrad, foreach=foreach, maximize=maximize,
                                      capturable=capturable))


class RMSprop(Optimizer):
    _make, _options_type = _lib.mt_rmsprop, "mt_rmsprop_options *"
    _init = staticmethod(_lib.mt_rmsprop_options_init)
    _int_step = True

    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0,
                 centered=False, foreach=None, maximize=False, differentiable=False):
        _not_negative(lr=lr, eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        super().__init__(params, dict(lr=lr, momentum=momentum, alpha=alpha, eps=eps,
                                      centered=centered, weight_decay=weight_decay,
                                      foreach=foreach, maximize=maximize,
                                      differentiable=differentiable))


class Adagrad(Optimizer):
    _make, _options_type = _lib.mt_adagrad, "mt_adagrad_options *"
    _init = staticmethod(_lib.mt_adagrad_options_init)

    def __init__(self, params, lr=1e-2, lr_decay=0, weight_decay=0, initial_accumulator_value=0,
                 eps=1e-10, foreach=None, *, maximize=False):
        _not_negative(lr=lr, lr_decay=lr_decay, weight_decay=weight_decay,
                      initial_accumulator_value=initial_accumulator_value, eps=eps)
        super().__init__(params, dict(lr=lr, lr_decay=lr_decay, eps=eps, weight_decay=weight_decay,
                                      initial_accumulator_value=initial_accumulator_value,
                                      foreach=foreach, maximize=maximize))


class Adadelta(Optimizer):
    _make, _options_type = _lib.mt_adadelta, "mt_adadelta_options *"
    _init = staticmethod(_lib.mt_adadelta_options_init)
    _int_step = True

    def __init__(self, params, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0, foreach=None, *,
                 maximize=False):
        _not_negative(lr=lr, eps=eps, weight_decay=weight_decay)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        super().__init__(params, dict(lr=lr, rho=rho, eps=eps, weight_decay=weight_decay,
                                      maximize=maximize, foreach=foreach))


class Adamax(Optimizer):
    _make, _options_type = _lib.mt_adamax, "mt_adamax_options *"
    _init = staticmethod(_lib.mt_adamax_options_init)

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, foreach=None,
                 *, maximize=False):
        _not_negative(lr=lr, eps=eps, weight_decay=weight_decay)
        _check_betas(betas)
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay,
                                      foreach=foreach, maximize=maximize))


class NAdam(Optimizer):
    _make, _options_type = _lib.mt_nadam, "mt_nadam_options *"
    _init = staticmethod(_lib.mt_nadam_options_init)

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0,
                 momentum_decay=4e-3, foreach=None):
        _not_negative(lr=lr, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay)
        _check_betas(betas)
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay,
                                      momentum_decay=momentum_decay, foreach=foreach))


class RAdam(Optimizer):
    _make, _options_type = _lib.mt_radam, "mt_radam_options *"
    _init = staticmethod(_lib.mt_radam_options_init)

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, foreach=None):
        _not_negative(lr=lr, eps=eps, weight_decay=weight_decay)
        _check_betas(betas)
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay,
                                      foreach=foreach))


class ASGD(Optimizer):
    _make, _options_type = _lib.mt_asgd, "mt_asgd_options *"
    _init = staticmethod(_lib.mt_asgd_options_init)

    def __init__(self, params, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0,
                 foreach=None, maximize=False):
        _not_negative(lr=lr, weight_decay=weight_decay)
        super().__init__(params, dict(lr=lr, lambd=lambd, alpha=alpha, t0=t0,
                                      weight_decay=weight_decay, foreach=foreach,
                                      maximize=maximize))


class Rprop(Optimizer):
    _make, _options_type = _lib.mt_rprop, "mt_rprop_options *"
    _init = staticmethod(_lib.mt_rprop_options_init)
    _int_step = True

    def __init__(self, params, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50), foreach=None,
                 maximize=False):
        _not_negative(lr=lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(params, dict(lr=lr, etas=etas, step_sizes=step_sizes, foreach=foreach,
                                      maximize=maximize))


class LBFGS(Optimizer):
    _make, _options_type = _lib.mt_lbfgs, "mt_lbfgs_options *"
    _init = staticmethod(_lib.mt_lbfgs_options_init)

    def __init__(self, params, lr=1, max_iter=20, max_eval=None, tolerance_grad=1e-7,
                 tolerance_change=1e-9, history_size=100, line_search_fn=None):
        if max_eval is None:
            max_eval = max_iter * 5 // 4
        params = params if isinstance(params, TensorBase) else list(params)
        if isinstance(params, list) and params and isinstance(params[0], dict) and len(params) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        super().__init__(params, dict(lr=lr, max_iter=max_iter, max_eval=max_eval,
                                      tolerance_grad=tolerance_grad,
                                      tolerance_change=tolerance_change,
                                      history_size=history_size, line_search_fn=line_search_fn))

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of several iterations, each of which calls the closure, which must be given."""
        from .. import float64, tensor
        if closure is None:
            raise TypeError("LBFGS.step() missing 1 required positional argument: 'closure'")
        self._step_count += 1
        first = []

        def evaluate():
            loss = closure()
            first or first.append(loss)
            return loss if isinstance(loss, TensorBase) else tensor(float(loss), dtype=float64)

        handle = ffi.new_handle(evaluate)
        _check(_lib.mt_optimizer_step_closure(ffi.NULL, self._c, _lib.py_closure, handle))
        return first[0]

    def _c_state(self):
        state = super()._c_state()
        if 0 in state and "d" in state[0]:
            for name in ("old_dirs", "old_stps", "ro"):
                state[0].setdefault(name, [])
        return state


from . import lr_scheduler, swa_utils  # noqa: E402
