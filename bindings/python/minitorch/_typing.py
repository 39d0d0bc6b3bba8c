"""Names for annotations; the stubs (written by capi/gen_stubs.py) use them as well."""
from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Union

from ._runtime import device, dtype

Number = Union[builtins.int, builtins.float, builtins.bool]
Ints = Union[builtins.int, Sequence[builtins.int]]
DType = Union[dtype, builtins.type]
Device = Union[device, builtins.str]
