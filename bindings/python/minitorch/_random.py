"""Generators of random numbers, as torch.Generator: the same seed draws what PyTorch draws."""
from __future__ import annotations

from ._native import ffi, lib as _lib
from ._runtime import _check, _new, _own, _ptr, device

_MASK = (1 << 64) - 1
_CPU = device("cpu")


class Generator:
    """A stream of random numbers of its own, for the `generator` argument of ops that draw."""

    __slots__ = ("_owner", "_h")

    def __init__(self, device="cpu"):
        if str(device) not in ("cpu", "cpu:0"):
            raise RuntimeError(f"Generator: unknown device: '{device}': generators are on cpu")
        out = _new("mt_generator **")
        _check(_lib.mt_generator_create(out))
        self._owner = ffi.gc(out[0], _lib.mt_generator_free)
        self._h = int(ffi.cast("uintptr_t", out[0]))

    @property
    def device(self) -> device:
        return _CPU

    def manual_seed(self, seed: int) -> Generator:
        if not -(1 << 63) <= seed <= _MASK:
            raise RuntimeError("Overflow when unpacking long")
        _check(_lib.mt_generator_manual_seed(self._owner, seed & _MASK))
        return self

    def initial_seed(self) -> int:
        out = _new("uint64_t *")
        _check(_lib.mt_generator_initial_seed(out, self._owner))
        return out[0]

    def seed(self) -> int:
        out = _new("uint64_t *")
        _check(_lib.mt_generator_seed(out, self._owner))
        return out[0]

    def get_state(self):
        out = _new("mt_tensor **")
        _check(_lib.mt_generator_get_state(out, self._owner))
        return _own(out)

    def set_state(self, new_state) -> None:
        _check(_lib.mt_generator_set_state(self._owner, _ptr(new_state)))
