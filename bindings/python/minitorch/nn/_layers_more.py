"""Layers whose constructors or inputs only Python has."""
from __future__ import annotations

from . import _layers
from .module import Module

__all__ = ["Identity", "TripletMarginWithDistanceLoss"]


class Identity(_layers.Identity):
    """Gives back its input; any arguments are accepted and ignored."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__()


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
