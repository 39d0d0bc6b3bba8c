"""torchvision.utils: grids of images, and saving them."""
from __future__ import annotations

import os

from .._native import ffi, lib as _lib
from .._runtime import TensorBase, _check, _new, _own, _ptr


class _Grid:
    def __init__(self, nrow, padding, normalize, value_range, scale_each, pad_value):
        self.options = o = _new("mt_grid_options *")
        _lib.mt_grid_options_init(o)
        o.nrow, o.padding, o.normalize = nrow, padding, bool(normalize)
        o.scale_each, o.pad_value = bool(scale_each), pad_value
        self.range = _new("double[2]", [float(v) for v in value_range]) if value_range else ffi.NULL
        o.value_range = self.range


def _batch(images):
    if isinstance(images, TensorBase):
        return images
    if not isinstance(images, list) or not all(isinstance(t, TensorBase) for t in images):
        raise TypeError(f"tensor or list of tensors expected, got {type(images)}")
    from .. import stack
    return stack(images)


def make_grid(tensor: Tensor | list[Tensor], nrow: int = 8, padding: int = 2, normalize: bool = False,
              value_range: tuple[float, float] | None = None, scale_each: bool = False,
              pad_value: float = 0.0) -> Tensor:
    """A batch (B, C, H, W), or a list of images of one size, as one image."""
    grid = _Grid(nrow, padding, normalize, value_range, scale_each, pad_value)
    out, images = _new("mt_tensor **"), _batch(tensor)
    _check(_lib.mt_make_grid(out, _ptr(images), grid.options))
    return _own(out)


_FORMATS = {"png": _lib.MT_IMAGE_PNG, "jpeg": _lib.MT_IMAGE_JPEG, "jpg": _lib.MT_IMAGE_JPEG}


def save_image(tensor: Tensor | list[Tensor], fp: str, format: str | None = None, nrow: int = 8,
               padding: int = 2, normalize: bool = False,
               value_range: tuple[float, float] | None = None, scale_each: bool = False,
               pad_value: float = 0.0) -> None:
    """The grid of images of [0, 1] as a PNG or JPEG file."""
    grid = _Grid(nrow, padding, normalize, value_range, scale_each, pad_value)
    options = _new("mt_encode_options *")
    _lib.mt_encode_options_init(options)
    if format is not None:
        if format.lower() not in _FORMATS:
            raise ValueError(f"save_image: unknown format {format!r}: use 'png' or 'jpeg'")
        options.format = _FORMATS[format.lower()]
    images = _batch(tensor)
    _check(_lib.mt_save_image(_ptr(images), os.fsencode(fp), grid.options, options))


__all__ = ["make_grid", "save_image"]
