"""torchvision.io's images: files and buffers from and to uint8 tensors (C, H, W)."""
from __future__ import annotations

import os
from enum import Enum

from .._native import ffi, lib as _lib
from .._runtime import TensorBase, _check, _new, _own, _ptr


class ImageReadMode(Enum):
    """The channels that an image is decoded to."""

    UNCHANGED = 0
    GRAY = 1
    GRAY_ALPHA = 2
    RGB = 3
    RGB_ALPHA = 4


def _decoding(mode, apply_exif_orientation, max_pixels):
    options = _new("mt_decode_options *")
    _lib.mt_decode_options_init(options)
    options.mode = mode.value if isinstance(mode, ImageReadMode) else int(mode)
    options.apply_exif_orientation = bool(apply_exif_orientation)
    if max_pixels is not None:
        options.max_pixels = max_pixels
    return options


def read_image(path: str, mode: ImageReadMode = ImageReadMode.UNCHANGED,
               apply_exif_orientation: bool = False, max_pixels: int | None = None) -> Tensor:
    """An image file. Images of more than max_pixels (178956970) are refused."""
    out = _new("mt_tensor **")
    options = _decoding(mode, apply_exif_orientation, max_pixels)
    _check(_lib.mt_image_read(out, os.fsencode(path), options))
    return _own(out)


def decode_image(input, mode: ImageReadMode = ImageReadMode.UNCHANGED,
                 apply_exif_orientation: bool = False, max_pixels: int | None = None) -> Tensor:
    """The bytes of an image file: a uint8 tensor of one dim, or bytes."""
    out = _new("mt_tensor **")
    options = _decoding(mode, apply_exif_orientation, max_pixels)
    if isinstance(input, TensorBase):
        input = input.contiguous()
        if input.element_size() != 1 or input.dim() != 1:
            raise ValueError("decode_image: expected a uint8 tensor of one dim")
        data, size = ffi.cast("void *", input.data_ptr()), input.numel()
    else:
        data = ffi.from_buffer(input)
        size = len(data)
    _check(_lib.mt_image_decode(out, data, size, options))
    return _own(out)


decode_jpeg = decode_png = decode_image


def _encoding(format, quality=75, compression_level=6):
    options = _new("mt_encode_options *")
    _lib.mt_encode_options_init(options)
    options.format, options.quality, options.compression_level = format, quality, compression_level
    return options


def _encode(img, options):
    out = _new("mt_tensor **")
    _check(_lib.mt_image_encode(out, _ptr(img), options))
    return _own(out)


def encode_png(input: Tensor, compression_level: int = 6) -> Tensor:
    return _encode(input, _encoding(_lib.MT_IMAGE_PNG, compression_level=compression_level))


def encode_jpeg(input: Tensor, quality: int = 75) -> Tensor:
    return _encode(input, _encoding(_lib.MT_IMAGE_JPEG, quality))


def write_png(input: Tensor, filename: str, compression_level: int = 6) -> None:
    options = _encoding(_lib.MT_IMAGE_PNG, compression_level=compression_level)
    _check(_lib.mt_image_write(_ptr(input), os.fsencode(filename), options))


def write_jpeg(input: Tensor, filename: str, quality: int = 75) -> None:
    options = _encoding(_lib.MT_IMAGE_JPEG, quality)
    _check(_lib.mt_image_write(_ptr(input), os.fsencode(filename), options))


__all__ = ["ImageReadMode", "decode_image", "decode_jpeg", "decode_png", "encode_jpeg", "encode_png",
           "read_image", "write_jpeg", "write_png"]
