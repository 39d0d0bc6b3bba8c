"""Bases of the attention and transformer layers: torch's keyword arguments and activations."""
from __future__ import annotations

from . import functional, init
from ._recurrent_bases import WithOptionals
from .module import Module

__all__ = ["AttentionBase", "DecoderLayerBase", "EncoderLayerBase", "TransformerBase"]


class AttentionBase(WithOptionals):
    def _prepare(self, values):
        embed, heads = values["embed_dim"], values["num_heads"]
        assert heads and embed // heads * heads == embed, "embed_dim must be divisible by num_heads"
        for name in ("kdim", "vdim"):
            if values[name] is None:
                values[name] = embed

    @property
    def head_dim(self) -> int:
        return self.embed_dim // self.num_heads

    @property
    def _qkv_same_embed_dim(self):
        return self.kdim == self.embed_dim and self.vdim == self.embed_dim

    def __getattr__(self, name) -> Any:
        if name in ("bias_k", "bias_v") and "_parameters" in self.__dict__ \
                and name not in self._parameters:
            return None
        return super().__getattr__(name)

    def _from_c(self, inputs):
        query, key, value, padding, mask, need, average = (inputs + [None] * 4)[:7]
        flags = [t is None or bool(t) for t in (need, average)]
        return self.forward(query, key, value, padding, flags[0], mask, flags[1])

    def forward(self, query: Tensor, key: Tensor, value: Tensor,
                key_padding_mask: Tensor | None = None, need_weights: bool = True,
                attn_mask: Tensor | None = None,
                average_attn_weights: bool = True) -> tuple[Tensor, Tensor | None]:
        from .. import tensor
        flags = [None if flag else tensor(False) for flag in (need_weights, average_attn_weights)]
        result = self._call(query, key, value, key_padding_mask, attn_mask, *flags)
        return (result[0], result[1] if need_weights else None)


class Lambda(Module):
    """A function as the activation of a layer."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, input):
        return self.function(input)


def _activation(value):
    """(what C calls it, the module that takes its place or None)"""
    if isinstance(value, str):
        if value not in ("relu", "gelu"):
            raise RuntimeError(f"activation should be relu/gelu, not {value}")
        return value, None
    if value is functional.relu:
        return "relu", None
    if value is functional.gelu:
        return "gelu", None
    if not callable(value):
        raise TypeError(f"activation must be a str or callable, not {type(value).__name__}")
    return "relu", value if isinstance(value, Module) else Lambda(value)


class TransformerLayerBase(WithOptionals):
    @property
    def activation_relu_or_gelu(self) -> int:
        a = self.activation
        name = a if isinstance(a, str) else type(a).__name__.lower()
        return {"relu": 1, "gelu": 2}.get(name, 0)

    def _prepare(self, values):
        values["activation"], self.__dict__["_given"] = _activation(values["activation"])

    def __init__(self, *args):
        super().__init__(*args)
        given = self.__dict__.pop("_given")
        if given is not None:
            self.activation = given

    def __setattr__(self, name, value):
        if name == "activation" and "_c" in self.__dict__:
            text, module = _activation(value)
            self.__dict__.pop("activation", None)
            if module is None:
                if "activation" in self._modules:
                    delattr(self, "activation")
                super().__setattr__(name, text)
            else:
                Module.__setattr__(self, name, module)
            return
        super().__setattr__(name, value)


class EncoderLayerBase(TransformerLayerBase):
    def forward(self, src: Tensor, src_mask: Tensor | None = None,
                src_key_padding_mask: Tensor | None = None) -> Tensor:
        return self._call(src, src_mask, src_key_padding_mask)[0]


class DecoderLayerBase(TransformerLayerBase):
    def forward(self, tgt: Tensor, memory: Tensor, tgt_mask: Tensor | None = None,
                memory_mask: Tensor | None = None, tgt_key_padding_mask: Tensor | None = None,
                memory_key_padding_mask: Tensor | None = None) -> Tensor:
        return self._call(tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask,
                          memory_key_padding_mask)[0]


class TransformerBase(WithOptionals):
    def __init__(self, *args):
        names = [f.name for f in self._info.fields]
        given = dict(zip(names, args))
        text, module = _activation(given["activation"])
        custom = given["custom_encoder"] is not None or given["custom_decoder"] is not None
        if module is None and not custom:
            super().__init__(*[{**given, "activation": text}[n] for n in names])
        else:
            empty = {**given, "activation": text, "num_encoder_layers": 0, "num_decoder_layers": 0}
            super().__init__(*[empty[n] for n in names])
            self._build(given)
        self.__dict__["num_encoder_layers"] = given["num_encoder_layers"]
        self.__dict__["num_decoder_layers"] = given["num_decoder_layers"]

    def _build(self, given):
        """The two halves from Python, where one is given or the activation is."""
        from . import (LayerNorm, TransformerDecoder, TransformerDecoderLayer, TransformerEncoder,
                       TransformerEncoderLayer)
        of = {n: given[n] for n in ("d_model", "nhead", "dim_feedforward", "dropout", "activation",
                                    "layer_norm_eps", "batch_first", "norm_first", "device",
                                    "dtype")}

        def norm():
            return LayerNorm(given["d_model"], eps=given["layer_norm_eps"],
                             device=given["device"], dtype=given["dtype"])

        self.encoder = given["custom_encoder"]
        if self.encoder is None:
            self.encoder = TransformerEncoder(TransformerEncoderLayer(**of),
                                              given["num_encoder_layers"], norm())
        self.decoder = given["custom_decoder"]
        if self.decoder is None:
            self.decoder = TransformerDecoder(TransformerDecoderLayer(**of),
                                              given["num_decoder_layers"], norm())
        self._reset_parameters()

    def _reset_parameters(self):
        for p in self.parameters():
            if p.dim() > 1:
                init.xavier_uniform_(p)

    def forward(self, src: Tensor, tgt: Tensor, src_mask: Tensor | None = None,
                tgt_mask: Tensor | None = None, memory_mask: Tensor | None = None,
                src_key_padding_mask: Tensor | None = None,
                tgt_key_padding_mask: Tensor | None = None,
                memory_key_padding_mask: Tensor | None = None) -> Tensor:
        return self._call(src, tgt, src_mask, tgt_mask, memory_mask, src_key_padding_mask,
                          tgt_key_padding_mask, memory_key_padding_mask)[0]

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Device = 'cpu') -> Tensor:
        """0 where a position may look, -inf at the positions behind it."""
        from .. import full, triu
        return triu(full((sz, sz), float('-inf'), device=device), diagonal=1)
