"""The random transforms. They draw PyTorch's numbers in torchvision's order."""
from __future__ import annotations

import numbers
from collections.abc import Sequence

from ..._native import ffi, lib as _lib
from ..._runtime import _new
from .._image import InterpolationMode, code_of, doubles, ints, padding_of
from . import functional as F
from ._base import (Transform, check_ranges, check_sequence, setup_angle, setup_fill, setup_mode,
                    setup_size, warp)


def _randint(low, high):
    from ... import randint
    return int(randint(low, high, (1,)).item())


class RandomCrop(Transform):
    """A part at a random place."""

    def __init__(self, size, padding=None, pad_if_needed=False, fill=0, padding_mode="constant"):
        self.size = tuple(setup_size(size))
        self.padding, self.pad_if_needed, self.fill = padding, pad_if_needed, fill
        self.padding_mode = padding_mode

    @staticmethod
    def get_params(img, output_size):
        """(top, left, height, width)"""
        _, h, w = F.get_dimensions(img)
        th, tw = output_size
        if h < th or w < tw:
            raise ValueError(f"Required crop size {(th, tw)} is larger than input image size {(h, w)}")
        if w == tw and h == th:
            return 0, 0, h, w
        i = _randint(0, h - th + 1)
        return i, _randint(0, w - tw + 1), th, tw

    def _make(self, out):
        o = _new("mt_random_crop_options *")
        _lib.mt_random_crop_options_init(o)
        padding, n_padding = (ffi.NULL, 0) if self.padding is None else ints(self.padding)
        fill, n_fill = doubles(self.fill)
        o.padding, o.n_padding, o.fill, o.n_fill = padding, n_padding, fill, n_fill
        o.pad_if_needed, o.padding_mode = bool(self.pad_if_needed), padding_of(self.padding_mode)
        return _lib.mt_transform_random_crop(out, *self.size, o)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size}, padding={self.padding})"


class _WithProbability(Transform):
    _function = ""

    def __init__(self, p=0.5):
        self.p = p

    def _make(self, out):
        return getattr(_lib, "mt_transform_" + self._function)(out, self.p)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class RandomHorizontalFlip(_WithProbability):
    _function = "random_horizontal_flip"


class RandomVerticalFlip(_WithProbability):
    _function = "random_vertical_flip"


class RandomGrayscale(_WithProbability):
    _function = "random_grayscale"

    def __init__(self, p=0.1):
        super().__init__(p)


class RandomInvert(_WithProbability):
    _function = "random_invert"


class RandomAutocontrast(_WithProbability):
    _function = "random_autocontrast"


class RandomEqualize(_WithProbability):
    _function = "random_equalize"


class RandomPosterize(Transform):
    def __init__(self, bits, p=0.5):
        self.bits, self.p = bits, p

    def _make(self, out):
        return _lib.mt_transform_random_posterize(out, self.bits, self.p)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(bits={self.bits},p={self.p})"


class RandomSolarize(Transform):
    def __init__(self, threshold, p=0.5):
        self.threshold, self.p = threshold, p

    def _make(self, out):
        return _lib.mt_transform_random_solarize(out, self.threshold, self.p)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(threshold={self.threshold},p={self.p})"


class RandomAdjustSharpness(Transform):
    def __init__(self, sharpness_factor, p=0.5):
        self.sharpness_factor, self.p = sharpness_factor, p

    def _make(self, out):
        return _lib.mt_transform_random_adjust_sharpness(out, self.sharpness_factor, self.p)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(sharpness_factor={self.sharpness_factor},p={self.p})"


class RandomResizedCrop(Transform):
    """A part of random area and shape, resized."""

    def __init__(self, size, scale=(0.08, 1.0), ratio=(3.0 / 4.0, 4.0 / 3.0),
                 interpolation=InterpolationMode.BILINEAR, antialias=None):
        self.size = setup_size(size)
        check_ranges(scale, ratio)
        self.interpolation = setup_mode(interpolation)
        self.antialias, self.scale, self.ratio = antialias, scale, ratio

    def _make(self, out):
        o = _new("mt_random_resized_crop_options *")
        _lib.mt_random_resized_crop_options_init(o)
        (o.scale_min, o.scale_max), (o.ratio_min, o.ratio_max) = self.scale, self.ratio
        o.interpolation, o.antialias = code_of(self.interpolation), bool(self.antialias)
        return _lib.mt_transform_random_resized_crop(out, *self.size, o)

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(size={self.size}, scale={tuple(round(s, 4) for s in self.scale)}, "
                f"ratio={tuple(round(r, 4) for r in self.ratio)}, "
                f"interpolation={self.interpolation.value}), antialias={self.antialias})")


class ColorJitter(Transform):
    """Random brightness, contrast, saturation and hue, in a random order."""

    def __init__(self, brightness=0, contrast=0, saturation=0, hue=0):
        self.brightness = self._check_input(brightness, "brightness")
        self.contrast = self._check_input(contrast, "contrast")
        self.saturation = self._check_input(saturation, "saturation")
        self.hue = self._check_input(hue, "hue", 0, (-0.5, 0.5), False)

    @staticmethod
    def _check_input(value, name, center=1, bound=(0, float("inf")), clip_first_on_zero=True):
        if isinstance(value, numbers.Number):
            if value < 0:
                raise ValueError(f"If {name} is a single number, it must be non negative.")
            value = [center - float(value), center + float(value)]
            if clip_first_on_zero:
                value[0] = max(value[0], 0.0)
        elif isinstance(value, (tuple, list)) and len(value) == 2:
            if not bound[0] <= value[0] <= value[1] <= bound[1]:
                raise ValueError(f"{name} values should be between {bound}")
        else:
            raise TypeError(f"{name} should be a single number or a list/tuple with length 2.")
        return None if value[0] == value[1] == center else value

    def _make(self, out):
        o = _new("mt_color_jitter_options *")
        _lib.mt_color_jitter_options_init(o)
        kept = [doubles(v)[0] for v in (self.brightness, self.contrast, self.saturation, self.hue)]
        o.brightness, o.contrast, o.saturation, o.hue = kept
        return _lib.mt_transform_color_jitter(out, o)

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(brightness={self.brightness}, contrast={self.contrast}, "
                f"saturation={self.saturation}, hue={self.hue})")


class RandomRotation(Transform):
    def __init__(self, degrees, interpolation=InterpolationMode.NEAREST, expand=False, center=None,
                 fill=0):
        self.interpolation = setup_mode(interpolation)
        self.degrees = setup_angle(degrees, "degrees")
        if center is not None:
            check_sequence(center, "center", (2,))
        self.center, self.expand, self.fill = center, expand, setup_fill(fill)

    def _make(self, out):
        w = warp(self.interpolation, self.fill, self.center, self.expand)
        return _lib.mt_transform_random_rotation(out, *self.degrees, w.options)

    def __repr__(self) -> str:
        text = (f"{type(self).__name__}(degrees={self.degrees}, interpolation={self.interpolation.value}, "
                f"expand={self.expand}")
        text += f", center={self.center}" if self.center is not None else ""
        return text + (f", fill={self.fill}" if self.fill is not None else "") + ")"


class RandomAffine(Transform):
    def __init__(self, degrees, translate=None, scale=None, shear=None,
                 interpolation=InterpolationMode.NEAREST, fill=0, center=None):
        self.interpolation = setup_mode(interpolation)
        self.degrees = setup_angle(degrees, "degrees")
        if translate is not None:
            check_sequence(translate, "translate", (2,))
            if not all(0.0 <= t <= 1.0 for t in translate):
                raise ValueError("translation values should be between 0 and 1")
        if scale is not None:
            check_sequence(scale, "scale", (2,))
            if any(s <= 0 for s in scale):
                raise ValueError("scale values should be positive")
        if center is not None:
            check_sequence(center, "center", (2,))
        self.translate, self.scale, self.center, self.fill = translate, scale, center, setup_fill(fill)
        self.shear = None if shear is None else setup_angle(shear, "shear", (2, 4))

    def _make(self, out):
        o = _new("mt_random_affine_options *")
        _lib.mt_random_affine_options_init(o)
        o.min_degrees, o.max_degrees = self.degrees
        (translate, _), (scale, _) = doubles(self.translate), doubles(self.scale)
        shear, o.n_shear = doubles(self.shear)
        o.translate, o.scale, o.shear = translate, scale, shear
        w = warp(self.interpolation, self.fill, self.center)
        return _lib.mt_transform_random_affine(out, o, w.options)

    def __repr__(self) -> str:
        s = f"{type(self).__name__}(degrees={self.degrees}"
        for name in ("translate", "scale", "shear"):
            value = getattr(self, name)
            s += f", {name}={value}" if value is not None else ""
        if self.interpolation != InterpolationMode.NEAREST:
            s += f", interpolation={self.interpolation.value}"
        s += f", fill={self.fill}" if self.fill != 0 else ""
        return s + (f", center={self.center}" if self.center is not None else "") + ")"


class RandomPerspective(Transform):
    def __init__(self, distortion_scale=0.5, p=0.5, interpolation=InterpolationMode.BILINEAR, fill=0):
        self.p, self.distortion_scale = p, distortion_scale
        self.interpolation, self.fill = setup_mode(interpolation), setup_fill(fill)

    def _make(self, out):
        w = warp(self.interpolation, self.fill)
        return _lib.mt_transform_random_perspective(out, self.distortion_scale, self.p, w.options)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class GaussianBlur(Transform):
    """A blur of random width."""

    def __init__(self, kernel_size, sigma=(0.1, 2.0)):
        self.kernel_size = setup_size(kernel_size,
                                      "Kernel size should be a tuple/list of two integers")
        if any(k <= 0 or k % 2 == 0 for k in self.kernel_size):
            raise ValueError("Kernel size value should be an odd and positive number.")
        if isinstance(sigma, numbers.Number):
            if sigma <= 0:
                raise ValueError("If sigma is a single number, it must be positive.")
            sigma = (sigma, sigma)
        elif isinstance(sigma, Sequence) and len(sigma) == 2:
            if not 0.0 < sigma[0] <= sigma[1]:
                raise ValueError("sigma values should be positive and of the form (min, max).")
        else:
            raise ValueError("sigma should be a single number or a list/tuple with length 2.")
        self.sigma = sigma

    def _make(self, out):
        return _lib.mt_transform_gaussian_blur(out, *self.kernel_size, *self.sigma)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(kernel_size={self.kernel_size}, sigma={self.sigma})"


class RandomErasing(Transform):
    """Overwrites a rectangle of random size and place."""

    def __init__(self, p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0, inplace=False):
        if not isinstance(value, (numbers.Number, str, tuple, list)):
            raise TypeError("Argument value should be either a number or str or a sequence")
        if isinstance(value, str) and value != "random":
            raise ValueError("If value is str, it should be 'random'")
        check_ranges(scale, ratio)
        if scale[0] < 0 or scale[1] > 1:
            raise ValueError("Scale should be between 0 and 1")
        if p < 0 or p > 1:
            raise ValueError("Random erasing probability should be between 0 and 1")
        self.p, self.scale, self.ratio, self.value, self.inplace = p, scale, ratio, value, inplace

    def _make(self, out):
        o = _new("mt_random_erasing_options *")
        _lib.mt_random_erasing_options_init(o)
        o.p, o.inplace = self.p, bool(self.inplace)
        (o.scale_min, o.scale_max), (o.ratio_min, o.ratio_max) = self.scale, self.ratio
        value, n = (ffi.NULL, 0) if self.value == "random" else doubles(self.value)
        o.value, o.n_value = value, n
        return _lib.mt_transform_random_erasing(out, o)

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(p={self.p}, scale={self.scale}, ratio={self.ratio}, "
                f"value={self.value}, inplace={self.inplace})")
