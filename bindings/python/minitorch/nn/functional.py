"""torch.nn.functional: the ops that layers are made of."""
from .. import _ops

for _name, (_, _, _namespace) in _ops.TABLE.items():
    if _namespace == "nn.functional":
        globals()[_name] = getattr(_ops, _name)

relu_ = _ops.relu_

from .functional_activation import *  # noqa: E402,F401,F403


def softmax(input, dim=None, _stacklevel=3, dtype=None):
    return _ops.softmax(input, _default_dim(input) if dim is None else dim, dtype)


def log_softmax(input, dim=None, _stacklevel=3, dtype=None):
    return _ops.log_softmax(input, _default_dim(input) if dim is None else dim, dtype)


def _default_dim(input):
    return 0 if input.ndim in (0, 1, 3) else 1


def normalize(input, p: float = 2.0, dim=1, eps: float = 1e-12, out=None):
    return _ops.normalize(input, p, dim, eps)


def gumbel_softmax(logits, tau: float = 1, hard=False, eps: float = 1e-10, dim: int = -1):
    return _ops.gumbel_softmax(logits, tau, hard, dim)


from .functional_losses import *  # noqa: E402,F401,F403
from .functional_losses import _scaled_dot_product_attention  # noqa: E402,F401
from .functional_window import *  # noqa: E402,F401,F403
