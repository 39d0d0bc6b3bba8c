"""Transforms made of others. These run the list in Python, so that any callable may be in it;
RandomChoice and RandomOrder draw from Python's random module, as torchvision's do.
"""
from __future__ import annotations

import random
from collections.abc import Sequence

from ..._native import lib as _lib
from ..._runtime import _new
from ._base import Transform


def _c_list(transforms):
    """The C transforms of a list, when all of them have one."""
    handles = [t._native() for t in transforms]
    return _new("mt_transform *[]", handles or 1), len(handles)


class Compose(Transform):
    """One transform after the other."""

    def __init__(self, transforms):
        self.transforms = transforms

    def _make(self, out):
        return _lib.mt_transform_compose(out, *_c_list(self.transforms))

    def __call__(self, img):
        for t in self.transforms:
            img = t(img)
        return img

    def _lines(self, *first):
        return "".join("\n    " + str(line) for line in (*first, *self.transforms))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._lines()}\n)"


class Lambda:
    """A function as a transform."""

    def __init__(self, lambd):
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def __call__(self, img):
        return self.lambd(img)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class RandomApply(Compose):
    """All of a list with probability p, or none."""

    def __init__(self, transforms, p=0.5):
        self.transforms = transforms
        self.p = p

    def _make(self, out):
        return _lib.mt_transform_random_apply(out, *_c_list(self.transforms), self.p)

    def __call__(self, img):
        from ... import rand, tensor
        if (tensor(float(self.p)) < rand(1)).item():
            return img
        return super().__call__(img)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._lines(f'p={self.p}')}\n)"


class _RandomTransforms(Compose):
    def __init__(self, transforms):
        if not isinstance(transforms, Sequence):
            raise TypeError("Argument transforms should be a sequence")
        self.transforms = transforms


class RandomOrder(_RandomTransforms):
    """All of a list in a random order."""

    def _make(self, out):
        return _lib.mt_transform_random_order(out, *_c_list(self.transforms))

    def __call__(self, img):
        order = list(range(len(self.transforms)))
        random.shuffle(order)
        for i in order:
            img = self.transforms[i](img)
        return img


class RandomChoice(_RandomTransforms):
    """One of a list, by weights p or all alike."""

    def __init__(self, transforms, p=None):
        super().__init__(transforms)
        if p is not None and not isinstance(p, Sequence):
            raise TypeError("Argument p should be a sequence")
        self.p = p

    def _make(self, out):
        from ..._native import ffi
        weights = ffi.NULL if self.p is None else _new("double[]", [float(v) for v in self.p])
        return _lib.mt_transform_random_choice(out, *_c_list(self.transforms), weights)

    def __call__(self, img):
        return random.choices(self.transforms, weights=self.p)[0](img)

    def __repr__(self) -> str:
        return f"{super().__repr__()}(p={self.p})"


def native_transform(t):
    """The C transform that does and draws the same, made anew, or None. Those that draw from Python's
    random module and those whose result is no tensor have none, nor have classes of others.
    """
    from ..._native import ffi
    from ..._runtime import _check
    cls = type(t)
    if cls is Compose or cls is RandomApply:
        parts = [native_transform(part) for part in t.transforms]
        if any(p is None for p in parts):
            return None
        handles, out = _new("mt_transform *[]", parts or 1), _new("mt_transform **")
        if cls is Compose:
            _check(_lib.mt_transform_compose(out, handles, len(parts)))
        else:
            _check(_lib.mt_transform_random_apply(out, handles, len(parts), t.p))
        return ffi.gc(out[0], _lib.mt_transform_free)
    own = cls.__module__.startswith(__name__.rpartition(".")[0] + ".")
    if not own or not isinstance(t, Transform) or isinstance(t, Compose) or cls.__name__ in _TUPLES:
        return None
    return t._native()


_TUPLES = ("FiveCrop", "TenCrop")
