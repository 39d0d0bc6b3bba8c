"""torch.optim.swa_utils: averages of a model's parameters, and their learning rate."""
from __future__ import annotations

from copy import deepcopy
from itertools import chain

from .. import _callbacks
from .._native import ffi, lib as _lib
from .._runtime import _check
from ..nn.module import Module
from ._schedule import _LRScheduler
from .lr_scheduler import _options
from .optimizer import Optimizer

__all__ = ["AveragedModel", "update_bn", "SWALR", "get_ema_avg_fn"]


def _equal_average(averaged, value, n_averaged):
    return averaged + (value - averaged) / (n_averaged + 1)


def get_ema_avg_fn(decay=0.999) -> Callable[..., Any]:
    """The avg_fn of an exponential moving average."""
    def average(averaged, value, n_averaged):
        return decay * averaged + (1 - decay) * value
    return average


class AveragedModel(Module):
    """A copy of a model, `module`, that becomes the average of what update_parameters is given."""

    def __init__(self, model: Module, device=None, avg_fn=None, use_buffers=False):
        from .. import tensor
        super().__init__()
        self.module = deepcopy(model)
        self.register_buffer("n_averaged", tensor(0))
        if device is not None:
            self.to(device)
        self.avg_fn = avg_fn or _equal_average
        self.use_buffers = use_buffers

    def forward(self, *args, **kwargs) -> Any:
        return self.module(*args, **kwargs)

    def _averaged(self, model):
        return chain(model.parameters(), model.buffers()) if self.use_buffers else \
            model.parameters()

    def update_parameters(self, model: Module) -> None:
        from .. import no_grad
        with no_grad():
            for mine, value in zip(self._averaged(self.module), self._averaged(model)):
                mine, value = mine.detach(), value.detach().to(mine.device)
                mine.copy_(value if self.n_averaged.item() == 0
                           else self.avg_fn(mine, value, self.n_averaged))
            self.n_averaged += 1


@ffi.def_extern()
def py_next_batch(out, user):
    try:
        batches, device = ffi.from_handle(user)
        batch = next(batches, None)
        if isinstance(batch, (list, tuple)):
            batch = batch[0]
        if batch is not None:
            _callbacks.give(out, 0, batch if device is None else batch.to(device))
        return _lib.MT_OK
    except BaseException as e:  # noqa: B902 - it is raised again at the outermost call
        return _callbacks.failed(e)


def update_bn(loader: Iterable[Any], model: Module, device=None) -> None:
    """Computes the running statistics of BatchNorm layers anew from the loader's batches."""
    handle = ffi.new_handle((iter(loader), device))
    _check(_lib.mt_update_bn(model._c, _lib.py_next_batch, handle))


class SWALR(_LRScheduler):
    def __init__(self, optimizer: Optimizer, swa_lr: Any, anneal_epochs=10, anneal_strategy="cos",
                 last_epoch=-1):
        groups = len(optimizer.param_groups)
        rates = list(swa_lr) if isinstance(swa_lr, (list, tuple)) else [swa_lr] * groups
        if len(rates) != groups:
            raise ValueError("swa_lr must have the same length as optimizer.param_groups: swa_lr has "
                             f"{len(rates)}, optimizer.param_groups has {groups}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError("anneal_strategy must by one of 'cos' or 'linear', instead got "
                             f"{anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        o, kept = _options("swa_lr", swa_lr=rates, anneal_epochs=anneal_epochs,
                           linear=anneal_strategy == "linear", last_epoch=last_epoch)
        self._begin(optimizer, False, lambda out: _lib.mt_swa_lr(out, optimizer._c, o))
