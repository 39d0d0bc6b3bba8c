"""torch.nn: modules, layers and losses."""
from __future__ import annotations

from .._native import ffi, lib as _lib
from .._runtime import TensorBase, _device, _dtype, _new, _ptr, _reduction
from . import functional, init, utils
from .module import Builtin, BuiltinLoss, Module, Parameter

__all__ = ["Module", "Parameter", "Linear", "Identity", "Flatten", "Dropout", "ReLU", "Sigmoid",
           "Tanh", "GELU", "Softmax", "LogSoftmax", "Sequential", "MSELoss", "L1Loss", "BCELoss",
           "BCEWithLogitsLoss", "NLLLoss", "CrossEntropyLoss", "functional", "init", "utils"]


class Linear(Builtin):
    """y = x W^T + b."""

    def __init__(self, in_features: int, out_features: int, bias=True, device=None, dtype=None):
        options = _new("mt_linear_options *")
        _lib.mt_linear_options_init(options)
        options.bias, options.dtype, options.device = bool(bias), _dtype(dtype), _device(device)
        super().__init__(_lib.mt_nn_linear, in_features, out_features, options)
        if not bias:
            self._parameters["bias"] = None
        self.in_features, self.out_features = in_features, out_features


class Identity(Builtin):
    def __init__(self, *args, **kwargs):
        super().__init__(_lib.mt_nn_identity)


class Flatten(Builtin):
    def __init__(self, start_dim: int = 1, end_dim: int = -1):
        super().__init__(_lib.mt_nn_flatten, start_dim, end_dim)
        self.start_dim, self.end_dim = start_dim, end_dim


class Dropout(Builtin):
    def __init__(self, p=0.5, inplace=False):
        if not 0 <= p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        super().__init__(_lib.mt_nn_dropout, p, inplace)
        self.p, self.inplace = p, inplace


class ReLU(Builtin):
    def __init__(self, inplace=False):
        super().__init__(_lib.mt_nn_relu, inplace)
        self.inplace = inplace


class Sigmoid(Builtin):
    def __init__(self):
        super().__init__(_lib.mt_nn_sigmoid)


class Tanh(Builtin):
    def __init__(self):
        super().__init__(_lib.mt_nn_tanh)


class GELU(Builtin):
    def __init__(self, approximate="none"):
        super().__init__(_lib.mt_nn_gelu, approximate.encode())
        self.approximate = approximate


class Softmax(Builtin):
    def __init__(self, dim=None):
        super().__init__(_lib.mt_nn_softmax, ffi.NULL if dim is None else _new("int64_t *", dim))
        self.dim = dim


class LogSoftmax(Builtin):
    def __init__(self, dim=None):
        super().__init__(_lib.mt_nn_log_softmax, ffi.NULL if dim is None else _new("int64_t *", dim))
        self.dim = dim


# --- losses ----------------------------------------------------------------------------------
def _weight(t):
    return ffi.NULL if t is None else _ptr(t)


class _Loss(BuiltinLoss):
    def extra_repr(self):
        return ""


class MSELoss(_Loss):
    def __init__(self, size_average=None, reduce=None, reduction="mean"):
        super().__init__(_lib.mt_nn_mse_loss, _reduction(reduction))
        self.reduction = reduction


class L1Loss(_Loss):
    def __init__(self, size_average=None, reduce=None, reduction="mean"):
        super().__init__(_lib.mt_nn_l1_loss, _reduction(reduction))
        self.reduction = reduction


class BCELoss(_Loss):
    def __init__(self, weight=None, size_average=None, reduce=None, reduction="mean"):
        super().__init__(_lib.mt_nn_bce_loss, _weight(weight), _reduction(reduction))
        self.reduction = reduction


class BCEWithLogitsLoss(_Loss):
    def __init__(self, weight=None, size_average=None, reduce=None, reduction="mean",
                 pos_weight=None):
        super().__init__(_lib.mt_nn_bce_with_logits_loss, _weight(weight), _reduction(reduction),
                         _weight(pos_weight))
        self.reduction = reduction


class NLLLoss(_Loss):
    def __init__(self, weight=None, size_average=None, ignore_index=-100, reduce=None,
                 reduction="mean"):
        super().__init__(_lib.mt_nn_nll_loss, _weight(weight), ignore_index, _reduction(reduction))
        self.reduction, self.ignore_index = reduction, ignore_index


class CrossEntropyLoss(_Loss):
    def __init__(self, weight=None, size_average=None, ignore_index=-100, reduce=None,
                 reduction="mean", label_smoothing=0.0):
        options = _new("mt_cross_entropy_options *")
        _lib.mt_cross_entropy_options_init(options)
        options.weight = _weight(weight)
        options.ignore_index, options.reduction = ignore_index, _reduction(reduction)
        options.label_smoothing = label_smoothing
        super().__init__(_lib.mt_nn_cross_entropy_loss, options)
        self.reduction, self.ignore_index = reduction, ignore_index
        self.label_smoothing = label_smoothing


# --- containers ------------------------------------------------------------------------------
class Sequential(Module):
    """Modules run one after the other; also made from an OrderedDict of names."""

    def __init__(self, *args: Any):
        super().__init__()
        if len(args) == 1 and hasattr(args[0], "items"):
            items = args[0].items()
        else:
            items = ((str(i), m) for i, m in enumerate(args))
        for name, m in items:
            self.add_module(name, m)

    def forward(self, input):
        for m in self._modules.values():
            input = m(input)
        return input

    def append(self, module: Module) -> Self:
        self.add_module(str(len(self)), module)
        return self

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Sequential(*list(self._modules.values())[index])
        return list(self._modules.values())[index]


del TensorBase
