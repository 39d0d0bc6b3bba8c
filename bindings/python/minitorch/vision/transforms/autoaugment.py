"""AutoAugment, RandAugment and TrivialAugmentWide, for uint8 images."""
from __future__ import annotations

from enum import Enum

from ..._native import lib as _lib
from .._image import InterpolationMode
from ._base import Transform, warp


class AutoAugmentPolicy(Enum):
    """What AutoAugment's policies were learned on."""

    IMAGENET = "imagenet"
    CIFAR10 = "cifar10"
    SVHN = "svhn"


_POLICIES = {AutoAugmentPolicy.IMAGENET: _lib.MT_AUTO_AUGMENT_IMAGENET,
             AutoAugmentPolicy.CIFAR10: _lib.MT_AUTO_AUGMENT_CIFAR10,
             AutoAugmentPolicy.SVHN: _lib.MT_AUTO_AUGMENT_SVHN}


class AutoAugment(Transform):
    def __init__(self, policy=AutoAugmentPolicy.IMAGENET, interpolation=InterpolationMode.NEAREST,
                 fill=None):
        if policy not in _POLICIES:
            raise ValueError(f"The provided policy {policy} is not recognized.")
        self.policy, self.interpolation, self.fill = policy, interpolation, fill

    def _make(self, out):
        w = warp(self.interpolation, self.fill)
        return _lib.mt_transform_auto_augment(out, _POLICIES[self.policy], w.options)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(policy={self.policy}, fill={self.fill})"


class RandAugment(Transform):
    def __init__(self, num_ops=2, magnitude=9, num_magnitude_bins=31,
                 interpolation=InterpolationMode.NEAREST, fill=None):
        self.num_ops, self.magnitude, self.num_magnitude_bins = num_ops, magnitude, num_magnitude_bins
        self.interpolation, self.fill = interpolation, fill

    def _make(self, out):
        w = warp(self.interpolation, self.fill)
        return _lib.mt_transform_rand_augment(out, self.num_ops, self.magnitude,
                                              self.num_magnitude_bins, w.options)

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(num_ops={self.num_ops}, magnitude={self.magnitude}, "
                f"num_magnitude_bins={self.num_magnitude_bins}, interpolation={self.interpolation}, "
                f"fill={self.fill})")


class TrivialAugmentWide(Transform):
    def __init__(self, num_magnitude_bins=31, interpolation=InterpolationMode.NEAREST, fill=None):
        self.num_magnitude_bins = num_magnitude_bins
        self.interpolation, self.fill = interpolation, fill

    def _make(self, out):
        w = warp(self.interpolation, self.fill)
        return _lib.mt_transform_trivial_augment_wide(out, self.num_magnitude_bins, w.options)

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(num_magnitude_bins={self.num_magnitude_bins}, "
                f"interpolation={self.interpolation}, fill={self.fill})")


__all__ = ["AutoAugmentPolicy", "AutoAugment", "RandAugment", "TrivialAugmentWide"]
