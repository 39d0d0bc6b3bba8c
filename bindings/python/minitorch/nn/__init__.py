"""torch.nn: modules, layers and losses."""
from __future__ import annotations

from . import _layers, _layers_more, containers, functional, init, utils
from ._layers import *
from ._layers_more import *
from .containers import *
from .module import Module, Parameter

__all__ = ["Module", "Parameter", *containers.__all__, *_layers.__all__,
           *(n for n in _layers_more.__all__ if n not in _layers.__all__), "functional", "init",
           "utils"]
