"""The limits of dtypes: torch.finfo and torch.iinfo."""
from __future__ import annotations

from ._runtime import (bfloat16, complex128, complex64, default_dtype, dtype, float16, float32, float64,
                       int16, int32, int64, int8, uint16, uint32, uint64, uint8)

# Bits after the leading one, and the exponent of the smallest normal number (IEEE 754; bfloat16 is the
# upper half of a float32).
_FLOATS = {float16: (10, -14), bfloat16: (7, -126), float32: (23, -126), float64: (52, -1022)}
_PARTS = {complex64: float32, complex128: float64}
_INTEGERS = (uint8, int8, int16, int32, int64, uint16, uint32, uint64)


def _need_dtype(name, type):
    if not isinstance(type, dtype):
        raise TypeError(f"{name}(): argument 'type' (position 1) must be torch.dtype, not "
                        f"{type.__class__.__name__}")


class _Info:
    def __eq__(self, other) -> bool:
        return type(self) is type(other) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.dtype))


class finfo(_Info):
    """The limits of a floating dtype (of a complex one: its parts); none: the default dtype."""

    def __init__(self, type: dtype | None = None) -> None:
        if type is None:
            type = default_dtype()
        _need_dtype("finfo", type)
        type = _PARTS.get(type, type)
        if type not in _FLOATS:
            raise TypeError("torch.finfo() requires a floating point input type. Use torch.iinfo to "
                            "handle 'torch.finfo'")
        digits, lowest = _FLOATS[type]
        self.bits: int = 8 * type.itemsize
        self.eps: float = 2.0 ** -digits
        self.max: float = (2.0 - self.eps) * 2.0 ** (1 - lowest)
        self.min: float = -self.max
        self.smallest_normal: float = 2.0 ** lowest
        self.tiny: float = self.smallest_normal
        self.resolution: float = 10.0 ** -int(digits * 0.3010299956639812)  # whole decimal digits
        self.dtype: str = type.name

    def __repr__(self) -> str:
        return (f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, "
                f"eps={self.eps:g}, smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, "
                f"dtype={self.dtype})")


class iinfo(_Info):
    """The limits of an integer dtype."""

    def __init__(self, type: dtype) -> None:
        _need_dtype("iinfo", type)
        if type.name == "bool":
            raise TypeError("torch.bool is not supported by torch.iinfo")
        if type not in _INTEGERS:
            raise TypeError("torch.iinfo() requires an integer input type. Use torch.finfo to handle "
                            "'torch.iinfo'")
        self.bits: int = 8 * type.itemsize
        signed = not type.name.startswith("u")
        self.min: int = -(1 << (self.bits - 1)) if signed else 0
        self.max: int = (1 << (self.bits - signed)) - 1
        self.dtype: str = type.name

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"
