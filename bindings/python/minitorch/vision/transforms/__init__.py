"""torchvision.transforms. A uint8 image behaves as torchvision's PIL images do, byte for byte, and the
random transforms draw the same numbers: the same seed gives the same pixels.
"""
from __future__ import annotations

from . import functional
from ._containers import Compose, Lambda, RandomApply, RandomChoice, RandomOrder
from ._fixed import (CenterCrop, ConvertImageDtype, FiveCrop, Grayscale, LinearTransformation, Normalize,
                     Pad, PILToTensor, Resize, TenCrop, ToPILImage, ToTensor)
from ._random import (ColorJitter, GaussianBlur, RandomAdjustSharpness, RandomAffine,
                      RandomAutocontrast, RandomCrop, RandomEqualize, RandomErasing, RandomGrayscale,
                      RandomHorizontalFlip, RandomInvert, RandomPerspective, RandomPosterize,
                      RandomResizedCrop, RandomRotation, RandomSolarize, RandomVerticalFlip)
from .autoaugment import AutoAugment, AutoAugmentPolicy, RandAugment, TrivialAugmentWide
from .functional import InterpolationMode

__all__ = [n for n in dir() if n[0].isupper()] + ["functional"]
