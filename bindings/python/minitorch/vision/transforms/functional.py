"""torchvision.transforms.functional: what transforms do, without their randomness.

uint8 images behave as torchvision's PIL images do, byte for byte; floats as its tensors do.
"""
from __future__ import annotations

import numbers

import numpy as np

from ..._native import lib as _lib
from ..._runtime import TensorBase, _check, _dtype, _new, _ptr, float32, uint8
from .._image import (InterpolationMode, Warp, call, call_list, code_of, doubles, fills, image, ints,
                      is_pil, padding_of)

_F_PAIR = "Please provide only two dimensions (h, w) for size."


def _pair(size, message=_F_PAIR):
    if isinstance(size, numbers.Number):
        return int(size), int(size)
    if len(size) == 1:
        return size[0], size[0]
    if len(size) != 2:
        raise ValueError(message)
    return tuple(size)


# --- questions -------------------------------------------------------------------------------
def get_dimensions(img) -> list[int]:
    """[channels, height, width]"""
    if is_pil(img):
        return [len(img.getbands()), img.height, img.width]
    shape = image(img).shape
    if len(shape) < 2:
        raise TypeError("Tensor is not a torch image.")
    return [1 if len(shape) == 2 else shape[-3], shape[-2], shape[-1]]


def get_image_size(img) -> list[int]:
    """[width, height]"""
    _, height, width = get_dimensions(img)
    return [width, height]


def get_image_num_channels(img) -> int:
    return get_dimensions(img)[0]


# --- values ----------------------------------------------------------------------------------
def to_tensor(pic) -> Tensor:
    """uint8 images, PIL images and arrays (H, W, C) as floats of [0, 1]; others without scaling."""
    return call(_lib.mt_image_to_tensor, pic)


def pil_to_tensor(pic) -> Tensor:
    """A PIL image as a uint8 tensor; tensors stay as they are."""
    return image(pic)


def convert_image_dtype(image: Tensor, dtype=float32) -> Tensor:
    if not isinstance(image, TensorBase):
        raise TypeError("Input img should be Tensor Image")
    return call(_lib.mt_image_convert_dtype, image, _dtype(dtype))


def to_pil_image(pic, mode=None):
    """A tensor or an array as a PIL image (needs Pillow)."""
    from PIL import Image
    if isinstance(pic, TensorBase):
        if pic.dim() not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic.dim()} dimensions.")
        if pic.dim() == 2:
            pic = pic.unsqueeze(0)
        if pic.is_floating_point() and mode != "F":
            pic = pic.mul(255).to(uint8)
        pic = np.transpose(pic.numpy(), (1, 2, 0))
    if not isinstance(pic, np.ndarray):
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    if pic.ndim == 3 and pic.shape[2] == 1:
        pic = pic[:, :, 0]
    return Image.fromarray(np.ascontiguousarray(pic), mode)


def normalize(tensor: Tensor, mean, std, inplace: bool = False) -> Tensor:
    if not isinstance(tensor, TensorBase):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    if not tensor.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    m, s = doubles(_numbers(mean)), doubles(_numbers(std))
    if not inplace:
        return call(_lib.mt_image_normalize, tensor, *m, *s)
    _check(_lib.mt_image_normalize_(_ptr(tensor), *m, *s))
    return tensor


def _numbers(values):
    return values.flatten().tolist() if isinstance(values, TensorBase) else values


def erase(img: Tensor, i: int, j: int, h: int, w: int, v, inplace: bool = False) -> Tensor:
    if not isinstance(img, TensorBase):
        raise TypeError(f"img should be Tensor Image. Got {type(img)}")
    if not isinstance(v, TensorBase):
        from ... import tensor
        v = tensor(v)
    if not inplace:
        return call(_lib.mt_image_erase, img, i, j, h, w, _ptr(v))
    _check(_lib.mt_image_erase_(_ptr(img), i, j, h, w, _ptr(v)))
    return img


# --- geometry --------------------------------------------------------------------------------
def resize(img, size, interpolation: InterpolationMode = InterpolationMode.BILINEAR,
           max_size: int | None = None, antialias: bool | None = None) -> Tensor:
    if not isinstance(size, (int, tuple, list)):
        raise TypeError(f"Size should be int or sequence. Got {type(size)}")
    if max_size is not None and max_size < 1:
        raise ValueError(f"max_size = {max_size} must be strictly greater than the requested size")
    return call(_lib.mt_image_resize, img, *ints(size), code_of(interpolation), max_size or 0,
                bool(antialias))


def crop(img, top: int, left: int, height: int, width: int) -> Tensor:
    return call(_lib.mt_image_crop, img, top, left, height, width)


def center_crop(img, output_size) -> Tensor:
    return call(_lib.mt_image_center_crop, img, *_pair(output_size))


def resized_crop(img, top: int, left: int, height: int, width: int, size,
                 interpolation: InterpolationMode = InterpolationMode.BILINEAR,
                 antialias: bool | None = None) -> Tensor:
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def five_crop(img, size) -> tuple[Tensor, ...]:
    return call_list(_lib.mt_image_five_crop, img, *_pair(size))


def ten_crop(img, size, vertical_flip: bool = False) -> tuple[Tensor, ...]:
    return call_list(_lib.mt_image_ten_crop, img, *_pair(size), vertical_flip)


def pad(img, padding, fill=0, padding_mode: str = "constant") -> Tensor:
    if not isinstance(padding, (numbers.Number, tuple, list)):
        raise TypeError("Got inappropriate padding arg")
    img = image(img)
    return call(_lib.mt_image_pad, img, *ints(padding), *fills(fill, img), padding_of(padding_mode))


def hflip(img) -> Tensor:
    return call(_lib.mt_image_hflip, img)


def vflip(img) -> Tensor:
    return call(_lib.mt_image_vflip, img)


def rotate(img, angle: float, interpolation: InterpolationMode = InterpolationMode.NEAREST,
           expand: bool = False, center=None, fill=None) -> Tensor:
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    img = image(img)
    warp = Warp(img, interpolation, fill, center, expand)
    return call(_lib.mt_image_rotate, img, angle, warp.options)


def affine(img, angle: float, translate, scale: float, shear,
           interpolation: InterpolationMode = InterpolationMode.NEAREST, fill=None,
           center=None) -> Tensor:
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    if not isinstance(translate, (list, tuple)) or len(translate) != 2:
        raise ValueError("Argument translate should be a sequence of length 2")
    shear = [shear, 0.0] if isinstance(shear, numbers.Number) else list(shear)
    if len(shear) == 1:
        shear = [shear[0], shear[0]]
    if len(shear) != 2:
        raise ValueError(f"Shear should be a sequence containing two values. Got {shear}")
    img = image(img)
    warp = Warp(img, interpolation, fill, center)
    return call(_lib.mt_image_affine, img, angle, translate[0], translate[1], scale, shear[0],
                shear[1], warp.options)


def perspective(img, startpoints, endpoints,
                interpolation: InterpolationMode = InterpolationMode.BILINEAR, fill=None) -> Tensor:
    if len(startpoints) != 4 or len(endpoints) != 4:
        raise ValueError("perspective: startpoints and endpoints must be 4 corners each")
    img = image(img)
    warp = Warp(img, interpolation, fill)
    start, end = (_new("double[8]", [float(v) for point in points for v in point])
                  for points in (startpoints, endpoints))
    return call(_lib.mt_image_perspective, img, start, end, warp.options)


# --- colours ---------------------------------------------------------------------------------
def rgb_to_grayscale(img, num_output_channels: int = 1) -> Tensor:
    return call(_lib.mt_image_grayscale, img, num_output_channels)


def to_grayscale(img, num_output_channels: int = 1) -> Tensor:
    return rgb_to_grayscale(img, num_output_channels)


def adjust_brightness(img, brightness_factor: float) -> Tensor:
    return call(_lib.mt_image_adjust_brightness, img, brightness_factor)


def adjust_contrast(img, contrast_factor: float) -> Tensor:
    return call(_lib.mt_image_adjust_contrast, img, contrast_factor)


def adjust_saturation(img, saturation_factor: float) -> Tensor:
    return call(_lib.mt_image_adjust_saturation, img, saturation_factor)


def adjust_sharpness(img, sharpness_factor: float) -> Tensor:
    return call(_lib.mt_image_adjust_sharpness, img, sharpness_factor)


def adjust_hue(img, hue_factor: float) -> Tensor:
    return call(_lib.mt_image_adjust_hue, img, hue_factor)


def adjust_gamma(img, gamma: float, gain: float = 1) -> Tensor:
    return call(_lib.mt_image_adjust_gamma, img, gamma, gain)


def invert(img) -> Tensor:
    return call(_lib.mt_image_invert, img)


def posterize(img, bits: int) -> Tensor:
    return call(_lib.mt_image_posterize, img, bits)


def solarize(img, threshold: float) -> Tensor:
    return call(_lib.mt_image_solarize, img, threshold)


def autocontrast(img) -> Tensor:
    return call(_lib.mt_image_autocontrast, img)


def equalize(img) -> Tensor:
    return call(_lib.mt_image_equalize, img)


def gaussian_blur(img, kernel_size, sigma=None) -> Tensor:
    return call(_lib.mt_image_gaussian_blur, img, *ints(kernel_size), *doubles(sigma))


__all__ = [n for n in dir() if not n.startswith("_") and n not in (
    "annotations", "numbers", "np", "TensorBase", "float32", "uint8", "Warp", "call",
    "call_list", "code_of", "doubles", "fills", "image", "ints", "is_pil", "padding_of")]
