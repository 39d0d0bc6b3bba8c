"""torchvision's image files, transforms and utilities, with its names."""
from __future__ import annotations

from . import io, models, transforms, utils

__all__ = ["io", "models", "transforms", "utils"]
