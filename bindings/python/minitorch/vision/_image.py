"""What the vision modules share: what counts as an image, and calls of the C library on it.

An image is a Tensor (..., C, H, W). PIL images and NumPy arrays (H, W) or (H, W, C) are taken too, and
become uint8 tensors, which behave as torchvision's PIL images do; results are always tensors.
"""
from __future__ import annotations

from enum import Enum

import numpy as np

from .._native import ffi, lib as _lib
from .._numpy import from_numpy
from .._runtime import TensorBase, _check, _new, _own, _ptr, _wrap_list


class InterpolationMode(Enum):
    """How images are resampled. For floats: nearest, bilinear and bicubic."""

    NEAREST = "nearest"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


_CODES = {InterpolationMode.NEAREST: _lib.MT_INTERPOLATION_NEAREST,
          InterpolationMode.LANCZOS: _lib.MT_INTERPOLATION_LANCZOS,
          InterpolationMode.BILINEAR: _lib.MT_INTERPOLATION_BILINEAR,
          InterpolationMode.BICUBIC: _lib.MT_INTERPOLATION_BICUBIC,
          InterpolationMode.BOX: _lib.MT_INTERPOLATION_BOX,
          InterpolationMode.HAMMING: _lib.MT_INTERPOLATION_HAMMING}
_PADDING = {"constant": _lib.MT_PADDING_CONSTANT, "edge": _lib.MT_PADDING_EDGE,
            "reflect": _lib.MT_PADDING_REFLECT, "symmetric": _lib.MT_PADDING_SYMMETRIC}


def mode_of(interpolation):
    """An InterpolationMode, also from Pillow's number."""
    if isinstance(interpolation, int) and not isinstance(interpolation, bool):
        for mode, code in _CODES.items():
            if code == interpolation:
                return mode
    if not isinstance(interpolation, InterpolationMode):
        raise TypeError("Argument interpolation should be a InterpolationMode")
    return interpolation


def code_of(interpolation) -> int:
    return _CODES[mode_of(interpolation)]


def padding_of(mode) -> int:
    if not isinstance(mode, str):
        raise TypeError("Got inappropriate padding_mode arg")
    if mode not in _PADDING:
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
    return _PADDING[mode]


def is_pil(img) -> bool:
    return hasattr(img, "getbands") and hasattr(img, "convert")


def image(img) -> Tensor:
    """The image as a Tensor."""
    if isinstance(img, TensorBase):
        return img
    if is_pil(img):
        array = np.array(img if img.mode in ("L", "LA", "RGB", "RGBA") else img.convert("RGB"))
    elif isinstance(img, np.ndarray):
        array = img
        if array.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {array.ndim} dimensions.")
    else:
        raise TypeError(f"img should be a Tensor, PIL Image or ndarray. Got {type(img)}")
    if array.ndim == 2:
        array = array[:, :, None]
    return from_numpy(np.array(array.transpose(2, 0, 1), order="C"))


def call(function, img, *args) -> Tensor:
    out, img = _new("mt_tensor **"), image(img)
    _check(function(out, _ptr(img), *args))
    return _own(out)


def call_list(function, img, *args) -> tuple[Tensor, ...]:
    out, img = _new("mt_tensors **"), image(img)
    _check(function(out, _ptr(img), *args))
    return tuple(_wrap_list(int(ffi.cast("uintptr_t", out[0]))))


def doubles(values):
    """(array, length) of a number, a sequence or None."""
    if values is None:
        return ffi.NULL, 0
    values = [values] if isinstance(values, (int, float)) else [float(v) for v in values]
    return _new("double[]", values), len(values)


def ints(values):
    values = [values] if isinstance(values, int) else [int(v) for v in values]
    return _new("int64_t[]", values or [0]), len(values)


def fills(fill, img):
    """A colour: for uint8 images whole numbers, as torchvision makes them for PIL."""
    from .._runtime import uint8
    if fill is None:
        return ffi.NULL, 0
    if not isinstance(fill, (int, float, tuple, list)):
        raise TypeError("Got inappropriate fill arg")
    if image(img).dtype is uint8:
        fill = int(fill) if isinstance(fill, (int, float)) else [int(f) for f in fill]
    return doubles(fill)


class Warp:
    """mt_warp_options and the arrays it points to."""

    def __init__(self, img, interpolation, fill, center=None, expand=False):
        self.options = _new("mt_warp_options *")
        _lib.mt_warp_options_init(self.options)
        self.options.interpolation = code_of(interpolation)
        self.options.expand = bool(expand)
        self.center, _ = doubles(center)
        self.fill, n = fills(fill, img)
        self.options.center, self.options.fill, self.options.n_fill = self.center, self.fill, n
