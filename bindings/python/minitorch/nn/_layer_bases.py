"""Bases of generated layers whose Python face takes more than tensors."""
from __future__ import annotations

from . import functional
from ._builtin import Builtin, BuiltinLoss
from ._recurrent_bases import *
from ._transformer_bases import *

__all__ = ["CTC", "Conv", "ConvTranspose", "MaxUnpool", "PoissonLoss", "UpsamplingBilinear",
           "UpsamplingNearest", "WithIndices"]


class CTC(Builtin):
    def forward(self, log_probs, targets, input_lengths, target_lengths) -> Tensor:
        """The lengths may be tuples of ints."""
        from .. import int64, tensor
        lengths = [tensor(x, dtype=int64) if isinstance(x, (tuple, list)) else x
                   for x in (input_lengths, target_lengths)]
        return self._run(log_probs, targets, *lengths)


class PoissonLoss(BuiltinLoss):
    def forward(self, log_input, target) -> Tensor:
        return super().forward(log_input, target)


class WithIndices(Builtin):
    """Pooling that may give the places of the values too."""

    return_indices: bool

    def forward(self, input) -> Any:
        return self._run(input) if self.return_indices else super().forward(input)


class MaxUnpool(Builtin):
    def forward(self, input, indices, output_size=None) -> Tensor:
        if output_size is None:
            return self._run(input, indices)
        f = getattr(functional, f"max_unpool{len(self.kernel_size)}d")
        return f(input, indices, self.kernel_size, self.stride, self.padding, list(output_size))


class Conv(Builtin):
    transposed = False

    @property
    def output_padding(self) -> tuple[int, ...]:
        return (0,) * len(self.kernel_size)


class ConvTranspose(Builtin):
    transposed = True

    def forward(self, input, output_size=None) -> Tensor:
        """output_size chooses among the sizes that the convolution could have had as input."""
        if output_size is None:
            return super().forward(input)
        padding = self._output_padding(input, output_size)
        f = getattr(functional, f"conv_transpose{len(self.kernel_size)}d")
        return f(input, self.weight, self.bias, self.stride, self.padding, padding, self.groups,
                 self.dilation)

    def _output_padding(self, input, output_size):
        n = len(self.kernel_size)
        wanted = list(output_size)
        if len(wanted) == input.dim():
            wanted = wanted[-n:]
        if len(wanted) != n:
            raise ValueError(f"{type(self).__name__}: output_size must have {n} or {input.dim()} "
                             f"numbers, not {len(wanted)}")
        least = [(input.shape[d - n] - 1) * self.stride[d] - 2 * self.padding[d]
                 + self.dilation[d] * (self.kernel_size[d] - 1) + 1 for d in range(n)]
        most = [least[d] + self.stride[d] - 1 for d in range(n)]
        if any(not a <= w <= b for a, w, b in zip(least, wanted, most)):
            raise ValueError(f"requested an output size of {wanted}, but valid sizes range from "
                             f"{least} to {most} (for an input of {list(input.shape[-n:])})")
        return tuple(w - a for w, a in zip(wanted, least))


class UpsamplingNearest(Builtin):
    mode = "nearest"
    align_corners = recompute_scale_factor = None


class UpsamplingBilinear(Builtin):
    mode = "bilinear"
    align_corners = True
    recompute_scale_factor = None
