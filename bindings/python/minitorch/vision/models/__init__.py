"""torchvision.models: the classification models by torchvision's constructors. `weights` is the path
of a file in any format that minitorch.load reads (.pth, .safetensors, .npz), or None."""
from __future__ import annotations

import os

from ... import _lists
from ..._native import ffi, lib as _lib
from ..._runtime import _check, _index, _new
from ...nn import _builtin
from ...nn.containers import Sequential
from . import feature_extraction

for _name in ("Conv2dNormActivation", "MLPBlock", "_Transition"):
    _builtin.name_bases[_name] = Sequential

_DROPOUT = {"dropout": float}
_RESNET = {"zero_init_residual": bool, "groups": _index, "width_per_group": _index,
           "replace_stride_with_dilation": list}
_MOBILE = {**_DROPOUT, "width_mult": float}
_EFFICIENT = {**_DROPOUT, "stochastic_depth_prob": float}


def _make(name, takes, weights, kwargs):
    keep, out, o = [], _new("mt_module **"), _new("mt_vision_model_options *")
    _lib.mt_vision_model_options_init(o)

    def kept(ctype, value):
        keep.append(_new(ctype, value))
        return keep[-1]

    if kwargs.pop("pretrained", False):
        raise ValueError(f"{name}: there is no download here: give the path of a file as weights")
    if weights is not None:
        o.weights = kept("char[]", os.fsencode(weights))
    for key, value in kwargs.items():
        convert = _index if key == "num_classes" else takes.get(key)
        if convert is None:
            raise TypeError(f"{name}() got an unexpected keyword argument '{key}'")
        if value is None:
            continue
        if convert is list:
            if len(value) != 3:
                raise ValueError("replace_stride_with_dilation should be None or a 3-element tuple, "
                                 f"got {value}")
            o.replace_stride_with_dilation = kept("bool[3]", [bool(v) for v in value])
        elif key in ("dropout", "stochastic_depth_prob", "layer_scale"):
            setattr(o, key, kept("double *", float(value)))
        else:
            setattr(o, key, convert(value))
    _check(_lib.mt_vision_model(out, name.encode(), o))
    return _builtin.wrap(out)


def _constructor(name, takes):
    def make(*, weights: str | None = None, progress: bool = True,
             **kwargs: Any) -> Module:
        return _make(name, takes, weights, kwargs)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"torchvision.models.{name}; options: " + ", ".join(["num_classes", *takes])
    return make


def _family(names, takes):
    _builders.update((name, _constructor(name, takes)) for name in names.split())
    return [_builders[name] for name in names.split()]


_builders = {}
resnet18, resnet34, resnet50, resnet101, resnet152 = _family(
    "resnet18 resnet34 resnet50 resnet101 resnet152", _RESNET)
resnext50_32x4d, resnext101_32x8d, resnext101_64x4d = _family(
    "resnext50_32x4d resnext101_32x8d resnext101_64x4d", _RESNET)
wide_resnet50_2, wide_resnet101_2 = _family("wide_resnet50_2 wide_resnet101_2", _RESNET)
vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn = _family(
    "vgg11 vgg11_bn vgg13 vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn",
    {**_DROPOUT, "init_weights": bool})
alexnet, squeezenet1_0, squeezenet1_1 = _family("alexnet squeezenet1_0 squeezenet1_1", _DROPOUT)
mobilenet_v2, = _family("mobilenet_v2", _MOBILE)
mobilenet_v3_large, mobilenet_v3_small = _family(
    "mobilenet_v3_large mobilenet_v3_small", {**_MOBILE, "reduced_tail": bool, "dilated": bool})
densenet121, densenet161, densenet169, densenet201 = _family(
    "densenet121 densenet161 densenet169 densenet201", {"drop_rate": float})
shufflenet_v2_x0_5, shufflenet_v2_x1_0, shufflenet_v2_x1_5, shufflenet_v2_x2_0 = _family(
    "shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5 shufflenet_v2_x2_0", {})
(efficientnet_b0, efficientnet_b1, efficientnet_b2, efficientnet_b3, efficientnet_b4,
 efficientnet_b5, efficientnet_b6, efficientnet_b7) = _family(
    "efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_b4 "
    "efficientnet_b5 efficientnet_b6 efficientnet_b7", _EFFICIENT)
convnext_tiny, convnext_small, convnext_base, convnext_large = _family(
    "convnext_tiny convnext_small convnext_base convnext_large",
    {"stochastic_depth_prob": float, "layer_scale": float})
vit_b_16, vit_b_32, vit_l_16, vit_l_32, vit_h_14 = _family(
    "vit_b_16 vit_b_32 vit_l_16 vit_l_32 vit_h_14",
    {**_DROPOUT, "attention_dropout": float, "image_size": _index, "representation_size": _index})

__all__ = [*_builders, "feature_extraction", "get_model", "list_models"]


def list_models() -> list[str]:
    """The names of all models, sorted."""
    out = _new("mt_strings **")
    _check(_lib.mt_vision_model_names(out))
    return _lists.strings(out[0])


def get_model(name: str, **config: Any) -> Module:
    """A model by its constructor's name and arguments."""
    if name.lower() not in _builders:
        raise ValueError(f"Unknown model {name}")
    return _builders[name.lower()](**config)
