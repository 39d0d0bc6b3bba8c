# The checks of one row of the op-case table: what tests/python/test_ops.py runs for every op.
# Each check takes a Case and raises AssertionError at the first disagreement.
import re

import numpy as np

import minitorch
from minitorch import _ops, autograd
from minitorch._native import ffi, lib

from cases import golden
from cases.table import DTYPES, FLOATS, DType

EPSILON = {"float32": 2.0 ** -23, "float64": 2.0 ** -52, "float16": 2.0 ** -10, "bfloat16": 2.0 ** -7}
HALVES = ("float16", "bfloat16")
FEW = 40  # elements that finite differences go through
LENGTHS = [*range(1, 20), 31, 32, 33, 63, 64, 65, 127, 129, 255]
Error = minitorch._runtime.Error


def numpy_of(value):
    """(dtype name, array) of a result; half precision widened."""
    if not isinstance(value, minitorch.Tensor):
        return type(value).__name__, np.asarray(value)
    name, value = value.dtype.name, value.detach()
    return name, np.array((value.to(minitorch.float64) if name in HALVES else value).numpy())


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
        kind = minitorch.bfloat16 if dtype == "bfloat16" and array.dtype == np.float32 else None
        return minitorch.tensor(array, dtype=kind or getattr(minitorch, array.dtype.name))

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
        if dtype not in FLOATS:
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
                weaker = max(self.tolerance(dtype), self.tolerance(kind)) if kind in FLOATS else 0
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
    got, expected = np.asarray(got), np.asarray(expected)
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


# --- the checks --------------------------------------------------------------------------------
def forward(case):
    """Values, dtypes and shapes for every dtype; inputs stay as they are. Where PyTorch refuses a
    dtype, so may we, in the one form of errors."""
    for what, dtype, sample, entry in case.each(*DTYPES, supported=False):
        args, kwargs = case.arguments(sample, dtype)
        try:
            outs = case.run(args, kwargs)
        except Exception as e:
            if case.supports(dtype):
                raise AssertionError(f"{what}: PyTorch computes this: {type(e).__name__}: {e}") from e
            check_message(case, e, what)
            continue
        case.compare(what, outs, entry, dtype)
        tensors = [t for t in golden.flatten([*args, *kwargs.values()]) if isinstance(t, minitorch.Tensor)]
        for k, (array, t) in enumerate(zip(sample.arrays(), tensors)):
            if k or not case.op.inplace_only:
                differ(f"{what}: input {k} changed", numpy_of(t)[1], array, 0)


def _gradients(case, sample, dtype, function=None, first=lambda t: t):
    """The results of a call that records, and the gradient of each tensor given by position."""
    leaves = []

    def leaf(t, i):
        if t.dtype.is_floating_point and i < positional and i not in case.row.nograd:
            t.requires_grad_()
        leaves.append(t)
        return t

    positional = sum(isinstance(a, np.ndarray) for a in golden.flatten(sample.args))
    args, kwargs = case.arguments(sample, dtype, edit=leaf)
    if case.op.inplace_only:
        args[0] = args[0] * 1
    if args and isinstance(args[0], minitorch.Tensor):
        args[0] = first(args[0])
    outs = case.run(args, kwargs, function)
    total = None
    for k, t in enumerate(outs):
        if isinstance(t, minitorch.Tensor) and t.requires_grad:
            part = (t * minitorch.tensor(golden.cotangent(t.shape, k)).to(t.dtype)).sum()
            total = part if total is None else total + part
    wanted = [t for t in leaves if t.requires_grad]
    if total is None or not wanted:
        return outs, None
    grads = iter(autograd.grad(total, wanted, allow_unused=True))
    return outs, [next(grads) if t.requires_grad else None for t in leaves[:positional]]


def _compare_gradients(case, what, grads, entry, dtype, sample):
    for k, value in enumerate(entry["grads"]):
        if value is None:
            continue
        if grads is None or grads[k] is None:
            assert not value.any(), f"{what}: no gradient of input {k}"
            continue
        name, got = numpy_of(grads[k])
        assert name == dtype or sample.arrays()[k].dtype.name == name, \
            f"{what}: the gradient of input {k} is {name}"
        differ(f"{what}: gradient {k}", got, rounded(value, name), 4 * max(case.row.tol, 1) * EPSILON[dtype])


def gradient(case):
    """Gradients of sum(out * fixed values) are PyTorch's."""
    for what, dtype, sample, entry in case.each("float64", "float32"):
        if entry["grads"] is not None:
            _, grads = _gradients(case, sample, dtype)
            _compare_gradients(case, what, grads, entry, dtype, sample)


def _smooth(case):
    """(what, function of the inputs with gradients, those inputs) for finite differences."""
    for what, dtype, sample, entry in case.each("float64"):
        grads = entry["grads"]
        if not sample.smooth or grads is None or all(g is None for g in grads):
            continue
        if any(g is not None and not np.isfinite(g).all() for g in grads):
            continue
        if sum(a.size for a in sample.arrays()) > FEW:
            continue
        wanted = [k for k, g in enumerate(grads) if g is not None]

        def call(*inputs, _sample=sample, _wanted=tuple(wanted)):
            given = dict(zip(_wanted, inputs))
            args, kwargs = case.arguments(_sample, "float64", edit=lambda t, i: given.get(i, t))
            if case.op.inplace_only:
                args[0] = args[0] * 1
            outs = [t for t in case.run(args, kwargs)
                    if isinstance(t, minitorch.Tensor) and t.dtype.is_floating_point]
            total = minitorch.zeros((), dtype=minitorch.float64)
            for k, t in enumerate(outs):
                total = total + (t * minitorch.tensor(golden.cotangent(t.shape, k))).sum()
            return outs[0] if len(outs) == 1 else total

        # A little nearer to 0, each by its own part: no two are equal and no quotient is whole.
        inputs = [case.tensor(a * (1 - 1e-3 * (np.arange(a.size).reshape(a.shape) * 0.618 + k / 3) % 1),
                              "float64").requires_grad_()
                  for k, a in ((k, sample.arrays()[k]) for k in wanted)]
        yield what, call, inputs


def gradcheck(case):
    """Gradients agree with finite differences in float64."""
    for what, call, inputs in _smooth(case):
        if all(t.numel() for t in inputs):
            try:
                autograd.gradcheck(call, inputs)
            except Exception as e:
                raise AssertionError(f"{what}: {e}") from e


def gradgradcheck(case):
    """So do second derivatives."""
    if not case.row.twice:
        return
    for what, call, inputs in _smooth(case):
        if not all(t.numel() for t in inputs) or sum(t.numel() for t in inputs) > FEW // 2:
            continue

        def slope(*values):
            grads = autograd.grad((call(*values) ** 2).sum(), values, create_graph=True)
            return sum([(g * minitorch.tensor(golden.cotangent(g.shape, k))).sum()
                        for k, g in enumerate(grads)][1:],
                       (grads[0] * minitorch.tensor(golden.cotangent(grads[0].shape, 0))).sum())

        try:
            autograd.gradcheck(slope, inputs, atol=1e-4)
        except Exception as e:
            raise AssertionError(f"{what}: second derivative: {e}") from e


# Ways to lay an array out in memory: (array, tensor of an array) -> tensor of that value.
def _transposed(a, tensor):
    return tensor(np.array(a.T, order="C")).T


def _stepped(a, tensor):
    if not a.ndim:
        return tensor(np.repeat(a, 3))[1]
    return _ops.slice(tensor(np.repeat(a, 2, axis=-1)), a.ndim - 1, 0, None, 2)


def _offset(a, tensor):
    if not a.ndim:
        return tensor(np.repeat(a, 2))[1]
    padded = np.concatenate([a[:1], a, a[:1]]) if a.shape[0] else a
    return _ops.narrow(tensor(padded), 0, min(1, a.shape[0]), a.shape[0])


def layouts(case):
    """Transposed, stepped and offset inputs give what contiguous ones give."""
    if not case.row.layouts:
        return
    for layout in (_transposed, _stepped, _offset):
        for what, dtype, sample, entry in case.each("float32", "float64", "bfloat16", "int64", "bool"):
            args, kwargs = case.arguments(sample, dtype, layout)
            case.compare(f"{what}, {layout.__name__[1:]}", case.run(args, kwargs), entry, dtype)


def lengths(case):
    """Lengths around those of vectors, and expanded inputs: each element gives what it gives alone."""
    if not case.row.pointwise:
        return
    for what, dtype, sample, entry in case.each(*DTYPES):
        arrays, expected = sample.arrays(), case.expected(entry, dtype)
        if expected is None or len({a.shape for a in arrays}) > 1 \
                or arrays[0].size < 2:
            continue
        for n in LENGTHS:
            many = sample.__class__(*sample.map(lambda a, i: np.resize(a.ravel(), n))[0], **sample.kwargs)
            args, kwargs = case.arguments(many, dtype)
            outs = case.run(args, kwargs)
            wanted = dict(entry, values={k: [np.resize(v.ravel(), n) for v in vs]
                                         for k, vs in entry["values"].items()})
            case.compare(f"{what}, length {n}", outs, wanted, dtype)
        one = sample.__class__(*sample.map(lambda a, i: a.ravel()[:1])[0], **sample.kwargs)
        args, kwargs = case.arguments(one, dtype, edit=lambda t, i: t.expand(5, 7))
        wanted = dict(entry, values={k: [np.broadcast_to(v.ravel()[:1], (5, 7)) for v in vs]
                                     for k, vs in entry["values"].items()})
        if all(not isinstance(v, np.ndarray) for v in sample.kwargs.values()):
            case.compare(f"{what}, expanded", case.run(args, kwargs), wanted, dtype)


def views(case):
    """A view has torch's strides and shares its memory."""
    for what, dtype, sample, entry in case.each("float64"):
        if entry["views"] is None:
            continue
        args, kwargs = case.arguments(sample, dtype)
        base = golden.flatten(args)[0]
        for k, (t, (strides, offset)) in enumerate(zip(case.run(args, kwargs), entry["views"])):
            assert list(t.stride()) == strides, f"{what}: strides {t.stride()}, expected {strides}"
            if offset is not None and t.numel():
                distance = (t.data_ptr() - base.data_ptr()) // 8
                assert distance == offset, f"{what}: result {k} is at {distance}, expected {offset}"


def meta(case):
    """On meta: the same shapes and dtypes without data."""
    if not case.row.meta:
        return
    for what, dtype, sample, entry in case.each(*FLOATS[:2], "int64", "bool"):
        arrays = sample.arrays()
        if not arrays or any(not a.ndim for a in arrays):
            continue
        args, kwargs = case.arguments(sample, dtype, edit=lambda t, i: t.to("meta"))
        for k, (t, values) in enumerate(zip(case.run(args, kwargs), case.expected(entry, dtype))):
            kind = entry["types"][dtype][k]
            found = (t.device.type, t.dtype.name, tuple(t.shape))
            assert found == ("meta", kind, values.shape), f"{what}: {found}, expected {kind} {values.shape}"


def inplace(case):
    """The in-place form gives what the other gives, in self, gradients included; where the result
    does not fit into self it is refused and self stays."""
    if not case.op.inplace or case.op.inplace_only:
        return
    function = getattr(_ops, case.op.name + "_")
    for what, dtype, sample, entry in case.each("float64", "float32", "float16", "int64", "bool"):
        if not isinstance(sample.args[0], np.ndarray):
            continue
        args, kwargs = case.arguments(sample, dtype)
        plain = case.run(args, kwargs)[0]
        before, version = args[0].clone(), args[0]._version
        try:
            out = case.run(args, kwargs, function)[0]
        except Exception as e:
            check_message(case, e, f"{what}, in place")
            fits = plain.shape == before.shape and plain.dtype == before.dtype
            assert not fits, f"{what}, in place: {e}"
            differ(f"{what}: self after a refusal", numpy_of(args[0])[1], numpy_of(before)[1], 0)
            continue
        assert out is args[0] and out.dtype == before.dtype, f"{what}: not self"
        if out.shape != before.shape or (numpy_of(out)[1] != numpy_of(before)[1]).any():
            assert out._version > version, f"{what}: the version stayed {version}"
        differ(f"{what}, in place", numpy_of(out)[1], numpy_of(plain.to(out.dtype))[1], 0)
        if dtype == "float64" and entry["grads"] is not None:
            _, grads = _gradients(case, sample, dtype, function, first=lambda t: t * 1)
            _compare_gradients(case, f"{what}, in place", grads, entry, dtype, sample)


def scalar(case):
    """The C functions that take numbers give what tensors of those numbers give."""
    forms = [f for f in case.op.functions if f.scalar and f.form == "out"]
    for what, dtype, sample, entry in case.each("float64", "float32"):
        for f in forms:
            given = dict(zip([a.name for a in case.op.args], sample.args), **sample.kwargs)
            if set(given) - {a.name for a in f.args} or any(
                    isinstance(given.get(n), np.ndarray) for n in f.scalar):
                continue
            call, keep = [], []
            for a in f.args:
                v = given.get(a.name)
                if a.name in f.scalar:
                    if a.kind == "tensor?":
                        keep.append(ffi.NULL if v is None else ffi.new("double *", v))
                        v = keep[-1]
                elif a.kind == "tensor":
                    keep.append(case.tensor(v, dtype))
                    v = ffi.cast("mt_tensor *", keep[-1]._h)
                call.append(v)
            out = ffi.new("mt_tensor **")
            minitorch._runtime._check(getattr(lib, f.name)(out, *call))
            case.compare(f"{what}, {f.name}", [minitorch._runtime._own(out)], entry, dtype)


def errors(case):
    """Wrong calls fail in the one form of errors, and say what is wrong."""
    for number, (sample, text) in enumerate(case.row.errors()):
        what = f"{case.row.name}, wrong call {number}"
        args, kwargs = case.arguments(sample, "float32")
        try:
            case.run(args, kwargs)
        except Exception as e:
            check_message(case, e, what)
            assert text in str(e), f"{what}: the message does not speak of '{text}': {e}"
            continue
        raise AssertionError(f"{what}: no error")
    for what, dtype, sample, entry in case.each("float32"):
        arrays = sample.arrays()
        if not case.row.one_device or len(arrays) < 2 or any(not a.ndim for a in arrays):
            continue
        args, kwargs = case.arguments(sample, dtype, edit=lambda t, i: t if i else t.to("meta"))
        try:
            case.run(args, kwargs)
        except Exception as e:
            check_message(case, e, f"{what}, two devices")
            continue
        raise AssertionError(f"{what}: tensors on two devices: no error")


CHECKS = (forward, gradient, gradcheck, gradgradcheck, layouts, lengths, views, meta, inplace, scalar, errors)
