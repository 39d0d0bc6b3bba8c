"""TransformerEncoder and TransformerDecoder: copies of a layer, one after the other."""
from __future__ import annotations

import copy

from .._native import ffi, lib as _lib
from .._runtime import _check, _new
from ._recurrent_bases import WithOptionals
from .module import Module

__all__ = ["TransformerDecoder", "TransformerEncoder"]


class _Stack(WithOptionals):
    def __init__(self, make, layer, num_layers, norm):
        from .module_lists import ModuleList
        out = _new("mt_module **")
        _check(make(out, layer._c, 0, ffi.NULL))
        self._adopt(out)
        self.layers = ModuleList([copy.deepcopy(layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm

    def extra_repr(self):
        return ""


class TransformerEncoder(_Stack):
    """num_layers copies of encoder_layer, then norm. The two last arguments are torch's, for nested
    tensors; they change nothing here."""

    def __init__(self, encoder_layer: Module, num_layers: int, norm: Module | None = None,
                 enable_nested_tensor: bool = True, mask_check: bool = True):
        super().__init__(_lib.mt_nn_transformer_encoder, encoder_layer, num_layers, norm)
        self.enable_nested_tensor, self.mask_check = enable_nested_tensor, mask_check

    def forward(self, src: Tensor, mask: Tensor | None = None,
                src_key_padding_mask: Tensor | None = None) -> Tensor:
        return self._call(src, mask, src_key_padding_mask)[0]


class TransformerDecoder(_Stack):
    """num_layers copies of decoder_layer, then norm."""

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None):
        super().__init__(_lib.mt_nn_transformer_decoder, decoder_layer, num_layers, norm)

    def forward(self, tgt: Tensor, memory: Tensor, tgt_mask: Tensor | None = None,
                memory_mask: Tensor | None = None, tgt_key_padding_mask: Tensor | None = None,
                memory_key_padding_mask: Tensor | None = None) -> Tensor:
        return self._call(tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask,
                          memory_key_padding_mask)[0]
