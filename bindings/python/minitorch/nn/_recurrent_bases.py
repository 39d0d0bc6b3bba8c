"""Bases of the embedding and recurrent layers: torch's forms of their inputs and outputs."""
from __future__ import annotations

import warnings

from . import init
from ._builtin import Builtin

__all__ = ["EmbeddingBagBase", "EmbeddingBase", "RNNBase", "RNNCellBase", "WithOptionals"]


class WithOptionals(Builtin):
    """Layers that take their inputs as torch's do, and C as a plain list."""


class _Table(WithOptionals):
    def _prepare(self, values):
        i, rows = values["padding_idx"], values["num_embeddings"]
        if i is not None:
            assert -rows <= i < rows or i == 0, "Padding_idx must be within num_embeddings"
            values["padding_idx"] = i + rows if i < 0 else i

    def reset_parameters(self) -> None:
        from .. import no_grad
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].fill_(0)


class EmbeddingBase(_Table):
    @classmethod
    def from_pretrained(cls, embeddings: Tensor, freeze: bool = True,
                        padding_idx: int | None = None, max_norm: float | None = None,
                        norm_type: float = 2., scale_grad_by_freq: bool = False,
                        sparse: bool = False) -> Self:
        """A table of given rows; frozen: without gradient."""
        return _pretrained(cls, embeddings, freeze, padding_idx=padding_idx, max_norm=max_norm,
                           norm_type=norm_type, scale_grad_by_freq=scale_grad_by_freq,
                           sparse=sparse)


class EmbeddingBagBase(_Table):
    def forward(self, input: Tensor, offsets: Tensor | None = None,
                per_sample_weights: Tensor | None = None) -> Tensor:
        return self._call(input, offsets, per_sample_weights)[0]

    @classmethod
    def from_pretrained(cls, embeddings: Tensor, freeze: bool = True,
                        max_norm: float | None = None, norm_type: float = 2.,
                        scale_grad_by_freq: bool = False, mode: str = 'mean',
                        sparse: bool = False, include_last_offset: bool = False,
                        padding_idx: int | None = None) -> Self:
        """A table of given rows; frozen: without gradient."""
        return _pretrained(cls, embeddings, freeze, max_norm=max_norm, norm_type=norm_type,
                           scale_grad_by_freq=scale_grad_by_freq, mode=mode, sparse=sparse,
                           include_last_offset=include_last_offset, padding_idx=padding_idx)


def _pretrained(cls, embeddings, freeze, **options):
    assert embeddings.dim() == 2, 'Embeddings parameter is expected to be 2-dimensional'
    table = cls(*embeddings.shape, _weight=embeddings, **options)
    table.weight.requires_grad = not freeze
    return table


def _reset(module):
    bound = 1.0 / module.hidden_size ** 0.5 if module.hidden_size > 0 else 0
    for p in module.parameters():
        init.uniform_(p, -bound, bound)


class RNNBase(WithOptionals):
    """forward takes a tensor or a PackedSequence and the states, as torch's."""

    def _prepare(self, values):
        dropout, layers = values["dropout"], values["num_layers"]
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)) \
                or not 0 <= dropout <= 1:
            raise ValueError("dropout should be a number in range [0, 1] representing the "
                             "probability of an element being zeroed")
        if dropout > 0 and layers == 1:
            warnings.warn("dropout option adds dropout after all but last recurrent layer, so "
                          "non-zero dropout expects num_layers greater than 1, but got "
                          f"dropout={dropout} and num_layers={layers}", stacklevel=4)
        projected = values.get("proj_size", 0)
        if projected < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if projected >= values["hidden_size"]:
            raise ValueError("proj_size has to be smaller than hidden_size")
        values["dropout"] = float(dropout)
        if values.get("nonlinearity", "tanh") not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{values['nonlinearity']}'")

    @property
    def mode(self) -> str:
        name = self._info.name.upper()
        return f"RNN_{self.nonlinearity.upper()}" if name == "RNN" else name

    def __getattr__(self, name) -> Any:
        if name == "proj_size":  # RNN and GRU have none
            return 0
        return super().__getattr__(name)

    @property
    def all_weights(self) -> list[list[Tensor]]:
        parameters = list(self._parameters.values())
        n = 2 + 2 * bool(self.bias) + (self.proj_size > 0)
        return [parameters[i:i + n] for i in range(0, len(parameters), n)]

    @property
    def _flat_weights(self):
        return list(self._parameters.values())

    def _from_c(self, inputs):
        from .utils.rnn import PackedSequence
        lstm = self._info.name == "lstm"
        x, *rest = inputs
        states, behind = rest[:1 + lstm], rest[1 + lstm:]
        if any(t is not None for t in behind):
            x = PackedSequence(x, *behind)
        given = any(t is not None for t in states)
        result = self.forward(x, (tuple(states) if lstm else states[0]) if given else None)
        out = result[0]
        return (out[0] if isinstance(out, PackedSequence) else out, *result[1:])

    def flatten_parameters(self) -> None:
        """Nothing: the weights need no other place in memory."""

    def reset_parameters(self) -> None:
        _reset(self)

    def forward(self, input: Any, hx: Any = None) -> Any:
        from .utils.rnn import PackedSequence
        lstm = self._info.name == "lstm"
        packed = isinstance(input, PackedSequence)
        if lstm and hx is not None and not (isinstance(hx, (tuple, list)) and len(hx) == 2):
            raise TypeError("LSTM: hx must be a tuple (h_0, c_0)")
        states = (None,) * (1 + lstm) if hx is None else tuple(hx) if lstm else (hx,)
        behind = tuple(input[1:]) if packed else ()
        result = self._call(input[0] if packed else input, *states, *behind)
        out = PackedSequence(result[0], *behind) if packed else result[0]
        return (out, tuple(result[1:])) if lstm else (out, result[1])


class RNNCellBase(WithOptionals):
    def reset_parameters(self) -> None:
        _reset(self)

    def _from_c(self, inputs):
        x, *states = inputs
        given = any(t is not None for t in states)
        lstm = self._info.name == "lstm_cell"
        return self.forward(x, (tuple(states) if lstm else states[0]) if given else None)

    def forward(self, input: Tensor, hx: Any = None) -> Any:
        if self._info.name != "lstm_cell":
            return self._call(input, hx)[0]
        return tuple(self._call(input, *((None, None) if hx is None else hx)))
