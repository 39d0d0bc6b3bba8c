"""torch.utils.dlpack: to_dlpack and from_dlpack."""
from .._numpy import from_dlpack, to_dlpack

__all__ = ["from_dlpack", "to_dlpack"]
