"""torchvision's data sets, image files, models, transforms and utilities, with its names."""
from __future__ import annotations

from . import datasets, io, models, transforms, utils

__all__ = ["datasets", "io", "models", "transforms", "utils"]
