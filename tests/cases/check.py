# The checks of one row of the op-case table: what tests/python/test_ops.py runs for every op.
# Each check takes a Case and raises AssertionError at the first disagreement.
import numpy as np

import minitorch
from minitorch import _ops, autograd
from minitorch._native import ffi, lib

from cases import golden
from cases.case import EPSILON, HALVES, check_message, differ, numpy_of, rounded
from cases.table import DTYPES, FLOATS

FEW = 40  # elements that finite differences go through
LENGTHS = [1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 129, 255]
MANY = 70001  # enough for several threads


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


def _gradients(case, sample, dtype, function=None, first=lambda t: t, differentiate=True):
    """The results of a call that records, and the gradient of each tensor given by position."""
    leaves = []

    def leaf(t, i):
        if golden.differentiable(t) and i < positional and i not in case.row.nograd:
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
            t = golden.real_of(minitorch, t)
            part = (t * minitorch.tensor(golden.cotangent(t.shape, k)).to(t.dtype)).sum()
            total = part if total is None else total + part
    wanted = [t for t in leaves if t.requires_grad]
    if total is None or not wanted or not differentiate:
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
        differ(f"{what}: gradient {k}", got, rounded(value, name),
               4 * max(case.row.half_tol if dtype in HALVES else case.row.tol, 1) * EPSILON[name])


def gradient(case):
    """Gradients of sum(out * fixed values) are PyTorch's."""
    for what, dtype, sample, entry in case.each(*FLOATS):
        if entry["requires"] is None:
            continue
        outs, grads = _gradients(case, sample, dtype, differentiate=entry["grads"] is not None)
        for k, (t, wanted) in enumerate(zip([t for t in outs if isinstance(t, minitorch.Tensor)], entry["requires"])):
            # PyTorch records some ops without a gradient, to fail in backward.
            assert t.requires_grad == wanted or (wanted and not case.op.differentiable), \
                f"{what}: requires_grad of result {k} is {t.requires_grad}"
        if entry["grads"] is not None:
            _compare_gradients(case, what, grads, entry, dtype, sample)


def _smooth(case):
    """(what, function of the inputs with gradients, those inputs) for finite differences."""
    for what, dtype, sample, entry in case.each("float64"):
        grads = entry["grads"]
        if not sample.smooth or grads is None or all(g is None for g in grads):
            continue
        if any(g is not None and not np.isfinite(g).all() for g in grads):
            continue
        if sum(a.size for a in sample.arrays()) > FEW or any(a.dtype.kind == "c" for a in sample.arrays()):
            continue
        wanted = [k for k, g in enumerate(grads) if g is not None]

        def call(*inputs, _sample=sample, _wanted=tuple(wanted)):
            given = dict(zip(_wanted, inputs))
            args, kwargs = case.arguments(_sample, "float64", edit=lambda t, i: given.get(i, t))
            if case.op.inplace_only:
                args[0] = args[0] * 1
            outs = [golden.real_of(minitorch, t) for t in case.run(args, kwargs)
                    if isinstance(t, minitorch.Tensor) and golden.differentiable(t)]
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
        def wanted(change):
            key = dtype if dtype in entry["values"] else "float64"
            return dict(entry, values={key: [change(v.ravel()) for v in expected]})

        def resized(change):
            return sample.__class__(*sample.map(lambda a, i: change(a.ravel()))[0], **sample.kwargs)

        for n in LENGTHS + [MANY] * (dtype == "float32"):
            def tiled(a, n=n):
                return np.tile(a, n // a.size + 1)[:n]

            args, kwargs = case.arguments(resized(tiled), dtype)
            case.compare(f"{what}, length {n}", case.run(args, kwargs), wanted(tiled), dtype)
        if any(isinstance(v, np.ndarray) for v in sample.kwargs.values()):
            continue
        args, kwargs = case.arguments(resized(lambda a: a[:1]), dtype, edit=lambda t, i: t.expand(5, 7))
        case.compare(f"{what}, expanded", case.run(args, kwargs),
                     wanted(lambda v: np.broadcast_to(v[:1], (5, 7))), dtype)


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
            found = (t.device.type, t.dtype.name, tuple(t.shape) + (2,) * t.is_complex())
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


def promotion(case):
    """Operands of two dtypes: the result's dtype is PyTorch's, its values those of converting first."""
    expected = case.entries[0].get("mixed")
    samples = {d: case.samples(d)[0] for d in DTYPES if case.samples(d)}
    for number, code in enumerate(expected or ()):
        first, others = DTYPES[number // len(DTYPES)], DTYPES[number % len(DTYPES)]
        sample, what = golden.mixed(samples, first, others), f"{case.row.name}, {first} with {others}"

        def call(edit):
            args, kwargs = sample.map(lambda a, i: edit(case.tensor(a, others if i else first)))
            return case.run(args, kwargs)

        try:
            out = call(lambda t: t)[0]
        except Exception as e:
            assert code < 0 or not case.supports(first) or not case.supports(others), f"{what}: {e}"
            check_message(case, e, what)
            continue
        name, got = numpy_of(out)
        assert code < 0 or name == DTYPES[code], f"{what}: {name}, expected {DTYPES[code]}"
        if first == others or case.op.inplace_only or not isinstance(out, minitorch.Tensor):
            continue
        if not case.row.pointwise and not (first in FLOATS and others in FLOATS):
            continue  # each part of a composed op promotes by itself
        common = minitorch.promote_types(getattr(minitorch, first), getattr(minitorch, others))
        swapped = {getattr(minitorch, first), getattr(minitorch, others)}
        try:
            same = call(lambda t: t.to(common) if t.dtype in swapped else t)[0]
        except Exception:
            continue  # refused for one dtype
        if same.dtype == out.dtype:
            # Integers may have become numbers of the default dtype on the way.
            weakest = max(case.tolerance(d if d in FLOATS else "float32") for d in (name, first, others))
            differ(what, got, numpy_of(same)[1], 2 * weakest)


def aliased(case):
    """One tensor in the place of two gives what its copy gives."""
    for what, dtype, sample, entry in case.each("float64", "float32", "int64"):
        arrays = sample.arrays()
        if len(arrays) < 2 or arrays[0].shape != arrays[1].shape or arrays[0].dtype != arrays[1].dtype \
                or case.draws:
            continue

        def call(function, shared):
            made = []

            def operand(a, i):
                if i != 1:
                    made.append(case.tensor(a, dtype))
                return made[-1] if i != 1 else made[0] if shared else made[0].clone()

            args, kwargs = sample.map(operand)
            return case.run(args, kwargs, function)

        forms = [case.function]
        if case.op.inplace and not case.op.inplace_only:
            forms.append(getattr(_ops, case.op.name + "_"))
        for function in forms:
            try:
                expected = call(function, False)
            except Exception:
                continue  # not for such values
            for k, (a, b) in enumerate(zip(call(function, True), expected)):
                differ(f"{what}, {function.__name__} of one tensor: result {k}", numpy_of(a)[1], numpy_of(b)[1], 0)


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


def large(case, torch):
    """The sizes of the benchmark, against PyTorch on the spot."""
    if not case.row.values:
        return
    for number, sample in enumerate(case.row.bench()):
        reference, what = golden.reference(case.row, case.op), f"{case.row.name}, benchmark {number}"
        theirs, named = golden.torch_arguments(torch, sample, "float32")
        torch.manual_seed(golden.SEED)
        try:
            expected = golden.outputs(torch, reference(torch, *theirs, **named))
        except (RuntimeError, TypeError):
            continue  # not for float32
        args, kwargs = case.arguments(sample, "float32")
        outs = case.run(args, kwargs)
        assert len(outs) == len(expected), f"{what}: {len(outs)} results, expected {len(expected)}"
        for k, (out, (kind, values)) in enumerate(zip(outs, expected)):
            name, got = numpy_of(out)
            assert name == kind, f"{what}: result {k} is {name}, expected {kind}"
            differ(f"{what}: result {k}", got, values, 8 * case.tolerance("float32"))


# Those that depend on the kernels' values, which are tried without SIMD too, and the others.
VALUE_CHECKS = (forward, gradient, layouts, lengths, inplace)
CHECKS = VALUE_CHECKS + (gradcheck, gradgradcheck, views, meta, scalar, promotion, aliased, errors)
