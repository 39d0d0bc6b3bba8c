"""The base of the transforms: Python's side of a transform of the C library."""
from __future__ import annotations

import numbers
import warnings
from collections.abc import Sequence

from ..._native import ffi, lib as _lib
from ..._runtime import _check, _new, _own, _ptr
from .._image import Warp, image, mode_of


class Transform:
    """Called on an image. Its C transform is made at the first call, and anew when an attribute was
    set since.
    """

    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)
        if name != "_handle":
            self.__dict__.pop("_handle", None)

    def __getstate__(self):
        return {k: v for k, v in self.__dict__.items() if k != "_handle"}

    def _make(self, out):
        """Fills in an `mt_transform **` and gives the status."""
        raise NotImplementedError(type(self).__name__)

    def _native(self):
        """The C transform."""
        try:
            return self._handle
        except AttributeError:
            pass
        out = _new("mt_transform **")
        _check(self._make(out))
        self._handle = ffi.gc(out[0], _lib.mt_transform_free)
        return self._handle

    def forward(self, img) -> Any:
        out, img = _new("mt_tensor **"), image(img)
        _check(_lib.mt_transform_apply(out, self._native(), _ptr(img), ffi.NULL))
        return _own(out)

    def __call__(self, img):
        return self.forward(img)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def warp(interpolation, fill, center=None, expand=False):
    """Options of maps; a fill of uint8 images is cut to whole numbers by the library."""
    w = Warp.__new__(Warp)
    w.options = _new("mt_warp_options *")
    _lib.mt_warp_options_init(w.options)
    from .._image import code_of, doubles
    w.options.interpolation, w.options.expand = code_of(interpolation), bool(expand)
    w.center, _ = doubles(center)
    w.fill, w.options.n_fill = doubles(fill)
    w.options.center, w.options.fill = w.center, w.fill
    return w


def setup_size(size, message="Please provide only two dimensions (h, w) for size."):
    if isinstance(size, numbers.Number):
        return int(size), int(size)
    if isinstance(size, Sequence) and len(size) == 1:
        return size[0], size[0]
    if len(size) != 2:
        raise ValueError(message)
    return size


def check_sequence(x, name, sizes):
    text = " or ".join(map(str, sizes))
    if not isinstance(x, Sequence):
        raise TypeError(f"{name} should be a sequence of length {text}.")
    if len(x) not in sizes:
        raise ValueError(f"{name} should be a sequence of length {text}.")


def setup_angle(x, name, sizes=(2,)):
    if isinstance(x, numbers.Number):
        if x < 0:
            raise ValueError(f"If {name} is a single number, it must be positive.")
        x = [-x, x]
    else:
        check_sequence(x, name, sizes)
    return [float(d) for d in x]


def setup_fill(fill):
    if fill is None:
        return 0
    if not isinstance(fill, (Sequence, numbers.Number)):
        raise TypeError("Fill should be either a sequence or a number.")
    return fill


def setup_mode(interpolation):
    if isinstance(interpolation, int):
        warnings.warn("Argument 'interpolation' of type int is deprecated since 0.13 and will be "
                      "removed in 0.15. Please use InterpolationMode enum.", stacklevel=3)
    return mode_of(interpolation)


def check_ranges(scale, ratio):
    if not isinstance(scale, Sequence):
        raise TypeError("Scale should be a sequence")
    if not isinstance(ratio, Sequence):
        raise TypeError("Ratio should be a sequence")
    if scale[0] > scale[1] or ratio[0] > ratio[1]:
        warnings.warn("Scale and ratio should be of kind (min, max)", stacklevel=3)
