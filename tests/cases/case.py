# One row of the op-case table being checked: calling its op on minitorch's tensors, and comparing what
# comes out with the goldens.
import re

import numpy as np

import minitorch
from minitorch import _ops

from cases import golden
from cases.table import FLOATS, DType

EPSILON = {"float32": 2.0 ** -23, "float64": 2.0 ** -52, "float16": 2.0 ** -10, "bfloat16": 2.0 ** -7,
           "complex64": 2.0 ** -23, "complex128": 2.0 ** -52}
HALVES = ("float16", "bfloat16")
Error = minitorch._runtime.Error


def numpy_of(value):
    """(dtype name, array) of a result; half precision widened, complex numbers as pairs."""
    if not isinstance(value, minitorch.Tensor):
        return type(value).__name__, np.asarray(value)
    name, value = value.dtype.name, value.detach()
    return name, golden.parts(np.array((value.to(minitorch.float64) if name in HALVES else value).numpy()))


class Case:
    """A row, its op, and its goldens; `seed` other than 0 goes with goldens computed on the spot."""

    def __init__(self, row, op, entries, seed=0):
        self.row, self.op, self.entries, self.seed = row, op, entries, seed
        self.function = getattr(_ops, op.name + ("_" if op.inplace_only else ""))
        self.draws = any(a.kind == "generator?" for a in op.args)
        self._samples = {}

    def samples(self, dtype):
        if dtype not in self._samples:
            self._samples[dtype] = self.row.samples(dtype, self.seed)
        return self._samples[dtype]

    def supports(self, dtype):
        """Whether PyTorch takes every sample of the dtype; else we may refuse it altogether."""
        return all(entry["types"].get(dtype, True) for entry in self.entries)

    def each(self, *dtypes, supported=True):
        """(what, dtype, sample, golden) of all samples of these dtypes."""
        for dtype in dtypes:
            for number, (sample, entry) in enumerate(zip(self.samples(dtype), self.entries)):
                if dtype in entry["types"] and (not supported or self.supports(dtype)):
                    yield f"{self.row.name}, sample {number}, {dtype}", dtype, sample, entry

    # --- calling ----------------------------------------------------------------------------
    def tensor(self, array, dtype):
        half = dtype == "bfloat16" and array.dtype == np.float32
        return minitorch.tensor(array, dtype=minitorch.bfloat16 if half else None)

    def arguments(self, sample, dtype, layout=None, edit=lambda t, i: t):
        args, kwargs = sample.map(lambda a, i: edit(
            layout(a, lambda b: self.tensor(b, dtype)) if layout else self.tensor(a, dtype), i))

        def named(v):
            return getattr(minitorch, v) if isinstance(v, DType) else v

        return [named(v) for v in args], {k: named(v) for k, v in kwargs.items()}

    def run(self, args, kwargs, function=None):
        """The results, as a list."""
        if self.draws:
            minitorch.manual_seed(golden.SEED)
        return golden.flatten([(function or self.function)(*args, **kwargs)])

    # --- comparing --------------------------------------------------------------------------
    def expected(self, entry, dtype):
        """The golden values for a dtype, or None when PyTorch has none."""
        kind = dtype if self.row.per_dtype or dtype not in FLOATS else "float64"
        return entry["values"].get(kind)

    def tolerance(self, dtype):
        if dtype not in EPSILON:
            return 0
        return (self.row.half_tol if dtype in HALVES else self.row.tol) * EPSILON[dtype]

    def compare(self, what, outs, entry, dtype):
        expected = self.expected(entry, dtype)
        types = entry["types"][dtype] or (entry["types"].get("float64") if dtype in FLOATS else None)
        if expected is None or types is None:
            return
        assert len(outs) == len(expected), f"{what}: {len(outs)} results, expected {len(expected)}"
        for k, (out, values, kind) in enumerate(zip(outs, expected, types)):
            name, got = numpy_of(out)
            if not entry["types"][dtype] and kind == "float64":
                kind = dtype  # PyTorch has no kernel for it; ours gives the input's dtype
            assert name == kind, f"{what}: result {k} is {name}, expected {kind}"
            assert got.shape == values.shape, f"{what}: result {k} is {got.shape}, not {values.shape}"
            if self.row.values:
                weaker = max(self.tolerance(dtype), self.tolerance(kind)) if kind in EPSILON else 0
                differ(f"{what}: result {k}", got, rounded(values, kind), weaker)


def rounded(values, dtype):
    """float64 values as the dtype can hold them."""
    with np.errstate(all="ignore"):
        if dtype == "bfloat16":
            bits = np.atleast_1d(values).astype(np.float32).view(np.uint32).astype(np.int64)
            up = ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)
            return np.where(np.isnan(values), values, up.reshape(values.shape)).astype(np.float64)
        return values.astype(dtype) if dtype in FLOATS else values


def differ(what, got, expected, tolerance):
    """Fails when two arrays differ by more than tolerance * (1 + |expected|)."""
    got, expected = golden.parts(got), golden.parts(expected)
    assert got.shape == expected.shape, f"{what}: shape {got.shape}, expected {expected.shape}"
    if got.dtype.kind != "f" or expected.dtype.kind != "f":
        bad = got != expected
    else:
        with np.errstate(all="ignore"):
            a, b = got.astype(np.float64), expected.astype(np.float64)
            bad = ~((a == b) | (np.isnan(a) & np.isnan(b)) | (abs(a - b) <= tolerance * (1 + abs(b))))
    if bad.any():
        at = tuple(int(v[0]) for v in np.nonzero(bad)) if bad.ndim else ()
        raise AssertionError(f"{what}: {got[at]} at {list(at)}, expected {expected[at]} "
                             f"({int(bad.sum())} of {bad.size} differ)")


def check_message(case, error, what):
    """The one grammar of errors, with the op's name in front."""
    names = {case.op.python, case.op.python + "_"}
    text = str(error)
    op, _, rest = text.partition(": ")
    assert isinstance(error, Error), f"{what}: {type(error).__name__}, not the library's error: {text}"
    assert op.removeprefix("torch.") in names, f"{what}: the message does not start with the op: {text}"
    assert re.match(r"[^:]+: .+: .+|not implemented for device \w+, dtype \w+$", rest, re.S), \
        f"{what}: the message has not the form of all: {text}"
