"""torch.nn: modules, layers and losses."""
from __future__ import annotations

from . import _layers, _layers_more, containers, functional, init, lazy, module_lists
from ._layers import *
from ._layers_more import *
from .containers import *
from ._recurrent_bases import RNNBase, RNNCellBase
from ._transformer_stacks import TransformerDecoder, TransformerEncoder
from .module import Module, Parameter
from .module_lists import *
from .lazy import *
from . import utils  # noqa: E402 - made of modules

__all__ = ["Module", "Parameter", *containers.__all__, *lazy.__all__, *module_lists.__all__,
           "RNNBase", "RNNCellBase", "TransformerDecoder", "TransformerEncoder", *_layers.__all__,
           *(n for n in _layers_more.__all__ if n not in _layers.__all__), "functional", "init",
           "utils"]
