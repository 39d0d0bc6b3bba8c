"""torch.linalg: linear algebra."""
from . import _ops

for _name, (_, _, _namespace) in _ops.TABLE.items():
    if _namespace == "linalg":
        globals()[_name.removeprefix("linalg_")] = getattr(_ops, _name)


def vander(x, *, N=None):
    return _ops.linalg_vander(x, N)
