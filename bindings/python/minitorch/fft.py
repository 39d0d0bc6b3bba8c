"""torch.fft: discrete Fourier transforms."""
from . import _ops

for _name, (_, _, _namespace) in _ops.TABLE.items():
    if _namespace == "fft":
        globals()[_name.removeprefix("fft_")] = getattr(_ops, _name)
