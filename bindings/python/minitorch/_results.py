"""Named results: tuples with torch's field names that print as torch.return_types' do."""
from __future__ import annotations

import sys
from collections import namedtuple


def named(kind, fields):
    cls = namedtuple(kind, fields, module=sys._getframe(1).f_globals["__name__"])

    def show(self):
        parts = ",\n".join(f"{n}={v!r}" for n, v in zip(self._fields, self))
        return f"torch.return_types.{kind}(\n{parts})"

    cls.__repr__ = show
    return cls
