"""torch.special: special functions."""
from . import _ops

for _name, (_, _, _namespace) in _ops.TABLE.items():
    if _namespace == "special":
        globals()[_name.removeprefix("special_")] = getattr(_ops, _name)
