"""torchvision.models.feature_extraction: the outputs of submodules by their names."""
from __future__ import annotations

import copy

from ..._native import ffi, lib as _lib
from ..._runtime import _check, _new
from ...nn._builtin import Builtin

__all__ = ["create_feature_extractor"]


class _Extractor(Builtin):
    def __deepcopy__(self, memo):
        given = self.__dict__.get("_given")  # a model whose forward is Python's
        if given is None:
            return super().__deepcopy__(memo)
        return create_feature_extractor(copy.deepcopy(given[0], memo), given[1])

    def forward(self, input: Tensor) -> dict[str, Tensor]:
        result = self._run(input)
        results = result if isinstance(result, tuple) else (result,)
        return dict(zip(self.__dict__["_names"], results))

    def extra_repr(self):
        return ""


def create_feature_extractor(model: Module,
                             return_nodes: list[str] | dict[str, str]) -> Module:
    """A module that runs `model` and gives the outputs of the submodules named in return_nodes as a
    dict; with a dict, under the names that are its values. The rest of the model behind them does
    not run. Parameters are shared with `model`."""
    nodes = dict(return_nodes) if hasattr(return_nodes, "items") else {n: n for n in return_nodes}
    texts = [_new("char[]", n.encode()) for n in nodes]
    out = _new("mt_module **")
    _check(_lib.mt_vision_create_feature_extractor(out, model._c, _new("char *[]", texts),
                                                   len(texts)))
    cls = type(type(model).__name__, (_Extractor,), {})
    extractor = cls.__new__(cls)
    extractor._adopt(out)
    for table in ("_parameters", "_buffers", "_modules"):
        getattr(extractor, table).update(getattr(model, table))  # the same Python objects
    extractor.__dict__["_names"] = list(nodes.values())
    if not isinstance(model, Builtin):
        extractor.__dict__["_given"] = (model, nodes)
    return extractor
