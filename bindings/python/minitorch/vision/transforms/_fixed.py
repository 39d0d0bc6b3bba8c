"""The transforms without random numbers."""
from __future__ import annotations

import numbers
from collections.abc import Sequence

from ..._native import lib as _lib
from ..._runtime import TensorBase, _dtype, _ptr
from .._image import InterpolationMode, code_of, doubles, ints, padding_of
from . import functional as F
from ._base import Transform, setup_mode, setup_size


class ToTensor(Transform):
    """uint8 images, PIL images and arrays (H, W, C) to floats of [0, 1]."""

    def _make(self, out):
        return _lib.mt_transform_to_tensor(out)


class PILToTensor:
    """A PIL image as a uint8 tensor; tensors stay as they are."""

    def __call__(self, pic):
        return F.pil_to_tensor(pic)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class ToPILImage:
    """A tensor or array as a PIL image (needs Pillow)."""

    def __init__(self, mode=None):
        self.mode = mode

    def __call__(self, pic):
        return F.to_pil_image(pic, self.mode)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'' if self.mode is None else f'mode={self.mode}'})"


class ConvertImageDtype(Transform):
    """Another dtype, the values scaled to its range."""

    def __init__(self, dtype):
        self.dtype = dtype

    def _make(self, out):
        return _lib.mt_transform_convert_image_dtype(out, _dtype(self.dtype))


class Normalize(Transform):
    """(image - mean) / std for each channel."""

    def __init__(self, mean, std, inplace=False):
        self.mean, self.std, self.inplace = mean, std, inplace

    def _make(self, out):
        mean, std = (v.flatten().tolist() if isinstance(v, TensorBase) else v
                     for v in (self.mean, self.std))
        return _lib.mt_transform_normalize(out, *doubles(mean), *doubles(std))

    def forward(self, tensor):
        return F.normalize(tensor, self.mean, self.std, self.inplace)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(mean={self.mean}, std={self.std})"


class Resize(Transform):
    """To (h, w), or the shorter edge to one number."""

    def __init__(self, size, interpolation=InterpolationMode.BILINEAR, max_size=None, antialias=None):
        if not isinstance(size, (int, Sequence)):
            raise TypeError(f"Size should be int or sequence. Got {type(size)}")
        if isinstance(size, Sequence) and len(size) not in (1, 2):
            raise ValueError("If size is a sequence, it should have 1 or 2 values")
        self.size, self.max_size, self.antialias = size, max_size, antialias
        self.interpolation = setup_mode(interpolation)

    def _make(self, out):
        return _lib.mt_transform_resize(out, *ints(self.size), code_of(self.interpolation),
                                        self.max_size or 0, bool(self.antialias))

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(size={self.size}, interpolation={self.interpolation.value}, "
                f"max_size={self.max_size}, antialias={self.antialias})")


class CenterCrop(Transform):
    """The middle; smaller images are padded with 0."""

    def __init__(self, size):
        self.size = setup_size(size)

    def _make(self, out):
        return _lib.mt_transform_center_crop(out, *self.size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size})"


class Pad(Transform):
    """A border on all sides."""

    def __init__(self, padding, fill=0, padding_mode="constant"):
        if not isinstance(padding, (numbers.Number, tuple, list)):
            raise TypeError("Got inappropriate padding arg")
        if not isinstance(fill, (numbers.Number, tuple, list)):
            raise TypeError("Got inappropriate fill arg")
        padding_of(padding_mode)
        if isinstance(padding, Sequence) and len(padding) not in (1, 2, 4):
            raise ValueError("Padding must be an int or a 1, 2, or 4 element tuple, not a "
                             f"{len(padding)} element tuple")
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode

    def _make(self, out):
        return _lib.mt_transform_pad(out, *ints(self.padding), *doubles(self.fill),
                                     padding_of(self.padding_mode))

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(padding={self.padding}, fill={self.fill}, "
                f"padding_mode={self.padding_mode})")


class Grayscale(Transform):
    """Luma, in 1 or 3 channels."""

    def __init__(self, num_output_channels=1):
        self.num_output_channels = num_output_channels

    def _make(self, out):
        return _lib.mt_transform_grayscale(out, self.num_output_channels)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(num_output_channels={self.num_output_channels})"


class FiveCrop(Transform):
    """The four corners and the middle, as a tuple (in C: one stacked tensor)."""

    def __init__(self, size):
        self.size = setup_size(size)

    def _make(self, out):
        return _lib.mt_transform_five_crop(out, *self.size)

    def forward(self, img):
        return F.five_crop(img, self.size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size})"


class TenCrop(Transform):
    """FiveCrop's and those of the flipped image."""

    def __init__(self, size, vertical_flip=False):
        self.size, self.vertical_flip = setup_size(size), vertical_flip

    def _make(self, out):
        return _lib.mt_transform_ten_crop(out, *self.size, self.vertical_flip)

    def forward(self, img):
        return F.ten_crop(img, self.size, self.vertical_flip)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size}, vertical_flip={self.vertical_flip})"


class LinearTransformation(Transform):
    """(image - mean_vector) times a square matrix, over the flattened image."""

    def __init__(self, transformation_matrix, mean_vector):
        n = transformation_matrix.shape
        if n[0] != n[1]:
            raise ValueError(f"transformation_matrix should be square. Got {tuple(n)} rectangular matrix.")
        if mean_vector.shape[0] != n[0]:
            raise ValueError(f"mean_vector should have the same length {mean_vector.shape[0]} as any one "
                             f"of the dimensions of the transformation_matrix [{tuple(n)}]")
        self.transformation_matrix, self.mean_vector = transformation_matrix, mean_vector

    def _make(self, out):
        return _lib.mt_transform_linear_transformation(out, _ptr(self.transformation_matrix),
                                                       _ptr(self.mean_vector))

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(transformation_matrix={self.transformation_matrix.tolist()}, "
                f"mean_vector={self.mean_vector.tolist()})")
