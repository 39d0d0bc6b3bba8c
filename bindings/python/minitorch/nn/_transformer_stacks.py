"""TransformerEncoder and TransformerDecoder: copies of a layer, one after the other."""
from __future__ import annotations

import copy

from .._native import ffi, lib as _lib
from .._runtime import _check, _new, _text
from ._recurrent_bases import WithOptionals
from .module import Module

__all__ = ["TransformerDecoder", "TransformerEncoder"]


def _flag(name):
    """An option of the C module."""
    def get(self) -> bool:
        out = _new("char **")
        _check(_lib.mt_module_get_option(out, self._c, name.encode()))
        return _text(out) == "True"

    def put(self, value):
        _check(_lib.mt_module_set_option(self._c, name.encode(), str(bool(value)).encode()))

    return property(get, put)


class _Stack(WithOptionals):
    def __init__(self, make, layer, num_layers, norm):
        from .module_lists import ModuleList
        out = _new("mt_module **")
        _check(make(out, layer._c, 0, ffi.NULL))
        self._adopt(out)
        self.layers = ModuleList([copy.deepcopy(layer) for _ in range(num_layers)])
        self.norm = norm

    def _adopt(self, out):
        super()._adopt(out)
        if "norm" not in self._modules:
            self.__dict__["norm"] = None

    @property
    def num_layers(self) -> int:
        return len(self.layers)

    def extra_repr(self):
        return ""


class TransformerEncoder(_Stack):
    """num_layers copies of encoder_layer, then norm. In eval mode, where nothing is recorded, what
    src_key_padding_mask hides is left out: zeros, up to the longest sequence's end. As in torch this
    needs batch_first layers and no other mask; enable_nested_tensor=False turns it off, and
    mask_check=False takes masks whose padding is not at the end as if it were."""

    def __init__(self, encoder_layer: Module, num_layers: int, norm: Module | None = None,
                 enable_nested_tensor: bool = True, mask_check: bool = True):
        super().__init__(_lib.mt_nn_transformer_encoder, encoder_layer, num_layers, norm)
        self.enable_nested_tensor, self.mask_check = enable_nested_tensor, mask_check

    enable_nested_tensor, mask_check = _flag("enable_nested_tensor"), _flag("mask_check")

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
