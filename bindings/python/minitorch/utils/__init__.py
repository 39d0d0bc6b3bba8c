"""torch.utils: dlpack."""
from . import dlpack

__all__ = ["dlpack"]
