"""Layers whose constructors or inputs only Python has."""
from __future__ import annotations

import warnings

from . import _layers
from ._layers import Linear, NLLLoss
from .module import Module

__all__ = ["Identity", "NLLLoss2d", "NonDynamicallyQuantizableLinear",
           "TripletMarginWithDistanceLoss"]


class Identity(_layers.Identity):
    """Gives back its input; any arguments are accepted and ignored."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__()


class NonDynamicallyQuantizableLinear(Linear):
    """The projection of an attention's output: a Linear under torch's name for it."""


class NLLLoss2d(NLLLoss):
    """The older name of NLLLoss."""

    def __init__(self, weight: Tensor | None = None, size_average: bool | None = None,
                 ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean"):
        warnings.warn("NLLLoss2d has been deprecated. Please use NLLLoss instead as a drop-in "
                      "replacement and see https://pytorch.org/docs/master/nn.html#torch.nn.NLLLoss "
                      "for more details.")
        super().__init__(weight, size_average, ignore_index, reduce, reduction)


class TripletMarginWithDistanceLoss(Module):
    """The triplet margin loss of any distance function."""

    def __init__(self, *, distance_function: Callable[..., Any] | None = None, margin: float = 1.0,
                 swap: bool = False, reduction: str = "mean"):
        super().__init__()
        self.distance_function = distance_function or _layers.PairwiseDistance()
        self.margin, self.swap, self.reduction = margin, swap, reduction

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        from .functional import triplet_margin_with_distance_loss
        return triplet_margin_with_distance_loss(
            anchor, positive, negative, distance_function=self.distance_function,
            margin=self.margin, swap=self.swap, reduction=self.reduction)
