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


from .functional_losses import *  # noqa: E402,F401,F403
from .functional_losses import _scaled_dot_product_attention  # noqa: E402,F401
from .functional_window import *  # noqa: E402,F401,F403
