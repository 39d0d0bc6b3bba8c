"""torchvision's image files, transforms and utilities, with its names."""
from __future__ import annotations

from . import io, transforms, utils

__all__ = ["io", "transforms", "utils"]
