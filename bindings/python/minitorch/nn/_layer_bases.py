"""Bases of generated layers whose Python face takes more than tensors."""
from __future__ import annotations

from collections import namedtuple

from .._native import lib as _lib
from .._runtime import _check, _new, _own, _ptr
from ._builtin import Builtin, BuiltinLoss, _need
from ._recurrent_bases import *
from ._transformer_bases import *

__all__ = ["AdaptiveSoftmax", "BilinearBase", "CTC", "ChannelNorm", "Conv", "ConvTranspose",
           "MaxUnpool", "PairwiseBase", "PoissonLoss", "ReLU6Base", "Resettable", "Upsampling",
           "UpsamplingBilinear", "UpsamplingNearest", "WithIndices", "ZeroPadding"]


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
        return self._run(input, indices, *_sizes(output_size))


def _sizes(output_size):
    """What C takes a size as: no input, or a tensor."""
    from .. import int64, tensor
    return () if output_size is None else (tensor(list(output_size), dtype=int64),)


class Resettable(Builtin):
    def reset_parameters(self) -> None:
        """Gives parameters and buffers new initial values, as the constructor does."""
        from .. import no_grad
        new = self._remade()
        with no_grad():
            for table in ("_parameters", "_buffers"):
                for name, t in getattr(self, table).items():
                    fresh = getattr(new, table).get(name)
                    if t is not None and fresh is not None:
                        t.copy_(fresh)


class BilinearBase(Resettable):
    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return self._run(input1, input2)


class ChannelNorm(Resettable):
    _state_version = 2

    def reset_running_stats(self) -> None:
        if self.running_mean is not None:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()


class Conv(Resettable):
    transposed = False

    @property
    def output_padding(self) -> tuple[int, ...]:
        return (0,) * len(self.kernel_size)


class ConvTranspose(Resettable):
    transposed = True

    def forward(self, input, output_size=None) -> Tensor:
        """output_size chooses among the sizes that the convolution could have had as input."""
        return self._run(input, *_sizes(output_size))


class ReLU6Base(Builtin):
    min_val, max_val = 0.0, 6.0


class PairwiseBase(Builtin):
    norm: float

    def __getattr__(self, name):
        return self.p if name == "norm" else super().__getattr__(name)

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return self._run(x1, x2)


class ZeroPadding(Builtin):
    value = 0.0


class Upsampling(Builtin):
    @property
    def name(self) -> str:
        return type(self).__name__


class UpsamplingNearest(Upsampling):
    mode = "nearest"
    align_corners = recompute_scale_factor = None


class UpsamplingBilinear(Upsampling):
    mode = "bilinear"
    align_corners = True
    recompute_scale_factor = None


_ASMoutput = namedtuple("_ASMoutput", ["output", "loss"])


class AdaptiveSoftmax(Builtin):
    """The results are a named tuple; cutoffs end with the number of classes."""

    shortlist_size: int
    n_clusters: int
    head_size: int

    def _prepare(self, values):
        c, n = list(values["cutoffs"]), values["n_classes"]
        if c != sorted(set(c)) or not c or c[0] <= 0 or c[-1] > n - 1 or any(int(x) != x for x in c):
            raise ValueError("cutoffs should be a sequence of unique, positive integers sorted in an "
                             "increasing order, where each value is between 1 and n_classes-1")

    def __getattr__(self, name):
        if name in ("shortlist_size", "n_clusters", "head_size") and "cutoffs" in self.__dict__:
            first, clusters = self.cutoffs[0], len(self.cutoffs) - 1
            return {"shortlist_size": first, "n_clusters": clusters}.get(name, first + clusters)
        return super().__getattr__(name)

    def _options_changed(self):
        d = self.__dict__
        given = d["cutoffs"] if isinstance(d["cutoffs"], (list, tuple)) else [d["cutoffs"]]
        d["cutoffs"] = [*given, d["n_classes"]]

    def reset_parameters(self) -> None:
        for m in (self.head, *(m for pair in self.tail for m in pair)):
            m.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        return _ASMoutput(*self._run(input_, target_))

    def log_prob(self, input: Tensor) -> Tensor:
        """(n, n_classes): the log-probabilities of all classes."""
        return self._other(_lib.mt_adaptive_log_prob, input)

    def predict(self, input: Tensor) -> Tensor:
        """The likeliest class of each row."""
        return self._other(_lib.mt_adaptive_predict, input)

    def _other(self, function, input):
        out = _new("mt_tensor **")
        _check(function(out, self._c, _ptr(_need(input))))
        return _own(out)
