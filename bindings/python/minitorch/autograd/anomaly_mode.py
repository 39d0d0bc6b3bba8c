"""torch.autograd.anomaly_mode: finds the forward op behind a NaN gradient."""
from __future__ import annotations

import os
import sys
import traceback

from .._callbacks import failed
from .._native import ffi, lib as _lib
from .._runtime import _check, _new

__all__ = ["detect_anomaly", "set_detect_anomaly", "is_anomaly_enabled",
           "is_anomaly_check_nan_enabled"]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


@ffi.def_extern()
def py_anomaly_trace(buffer, capacity, length, user):
    """The caller's stack, without this package's own frames."""
    try:
        frames = traceback.extract_stack(sys._getframe(1))
        text = "".join(traceback.format_list(
            [f for f in frames if not os.path.abspath(f.filename).startswith(_PACKAGE)])).encode()
        length[0] = len(text)
        if len(text) < capacity:
            ffi.buffer(buffer, capacity)[0:len(text) + 1] = text + b"\0"
        return _lib.MT_OK
    except BaseException as e:
        return failed(e)


def is_anomaly_enabled() -> bool:
    return _lib.mt_anomaly_mode_enabled()


def is_anomaly_check_nan_enabled() -> bool:
    return _lib.mt_anomaly_mode_checks_nan()


def _set(mode, check_nan):
    options = _new("mt_anomaly_options *")
    _lib.mt_anomaly_options_init(options)
    options.check_nan = bool(check_nan)
    options.trace = _lib.py_anomaly_trace
    _check(_lib.mt_anomaly_mode_set(bool(mode), options))


class set_detect_anomaly:
    """Sets anomaly mode at once; as a context manager puts it back at the end. While it is on, ops
    remember the Python stack that recorded them, and backward raises at the first NaN gradient with
    that stack in the message."""

    def __init__(self, mode: bool, check_nan: bool = True):
        self._before = is_anomaly_enabled(), is_anomaly_check_nan_enabled()
        _set(mode, check_nan)

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exc: Any) -> None:
        _set(*self._before)


class detect_anomaly:
    """Anomaly mode inside a with statement."""

    def __init__(self, check_nan: bool = True):
        self._check_nan = check_nan

    def __enter__(self) -> None:
        self._mode = set_detect_anomaly(True, self._check_nan)

    def __exit__(self, *exc: Any) -> None:
        self._mode.__exit__()
