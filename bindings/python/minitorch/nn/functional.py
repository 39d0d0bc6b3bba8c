"""torch.nn.functional: the ops that layers are made of."""
from .. import _ops

for _name, (_, _, _namespace) in _ops.TABLE.items():
    if _namespace == "nn.functional":
        globals()[_name] = getattr(_ops, _name)

for _name in ("relu", "relu_", "sigmoid", "tanh"):
    globals()[_name] = getattr(_ops, _name)


def softmax(input, dim=None, _stacklevel=3, dtype=None):
    return _ops.softmax(input, _default_dim(input) if dim is None else dim, dtype)


def log_softmax(input, dim=None, _stacklevel=3, dtype=None):
    return _ops.log_softmax(input, _default_dim(input) if dim is None else dim, dtype)


def _default_dim(input):
    return 0 if input.ndim in (0, 1, 3) else 1


def dropout(input, p=0.5, training=True, inplace=False) -> "Tensor":
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    result = _ops.dropout(input, p, training)
    return input.copy_(result) if inplace else result


def mse_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    return _ops.mse_loss(input, target, reduction)


def l1_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    return _ops.l1_loss(input, target, reduction)


def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    return _ops.smooth_l1_loss(input, target, reduction, beta)


def huber_loss(input, target, reduction="mean", delta=1.0):
    return _ops.huber_loss(input, target, reduction, delta)


def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None,
             reduction="mean"):
    return _ops.nll_loss(input, target, weight, reduction, ignore_index)


def cross_entropy(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None,
                  reduction="mean", label_smoothing=0.0):
    return _ops.cross_entropy(input, target, weight, reduction, ignore_index, label_smoothing)


def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None,
                         reduction="mean"):
    return _ops.binary_cross_entropy(input, target, weight, reduction)


def binary_cross_entropy_with_logits(input, target, weight=None, size_average=None, reduce=None,
                                     reduction="mean", pos_weight=None):
    return _ops.binary_cross_entropy_with_logits(input, target, weight, reduction, pos_weight)


def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    if reduction == "batchmean":
        return _ops.kl_div(input, target, "sum", log_target) / input.shape[0]
    return _ops.kl_div(input, target, reduction, log_target)
