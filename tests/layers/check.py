"""Runs the rows of table.py in minitorch or in PyTorch (`t`, the same code for both) and summarises
what came out: tensors as a few elements and sums, initial parameters as a checksum of their bits."""
import copy
import zlib

import numpy as np

SEED = 7
TINY = 1e-7  # below it a whole tensor counts as zero


def make_input(t, spec, dtype):
    if spec.kind == "index":
        return t.randint(0, spec.high, tuple(spec.shape))
    if spec.kind == "distinct":  # different places in every channel
        count = int(np.prod(spec.shape[2:]))
        rows = [t.randperm(spec.high)[:count] for _ in range(spec.shape[0] * spec.shape[1])]
        return t.stack(rows).reshape(tuple(spec.shape))
    if spec.kind == "fixed":
        return t.tensor(spec.values)
    x = t.rand(tuple(spec.shape)) if spec.kind in ("unit", "positive") else t.randn(tuple(spec.shape))
    if spec.kind == "sign":
        x = t.where(x > 0, t.ones_like(x), -t.ones_like(x))
    x = x.to(dtype)
    if spec.kind == "unit":
        x = x * 0.8 + 0.1
    if spec.kind == "positive":
        x = x * 2 + 0.1
    if spec.kind == "log_probs":
        x = t.log_softmax(x, -1)
    return x.requires_grad_() if spec.grad or spec.kind == "log_probs" else x


def make(t, cls, row):
    t.manual_seed(SEED)
    return getattr(t.nn, cls)(*row.args, **row.kwargs)


def values(x):
    return x.detach().numpy()


def crc(x):
    return zlib.crc32(np.ascontiguousarray(values(x)).tobytes())


def backward(t, outputs):
    """A sum of the floating outputs with weights in no order, so that sums of them do not cancel."""
    total = None
    for y in outputs:
        if not y.dtype.is_floating_point or not y.requires_grad:
            continue
        at = t.arange(y.numel()).to(t.float64)
        weights = t.cos(at * at).to(y.dtype).reshape(tuple(y.shape))
        part = (y * weights).sum()
        total = part if total is None else total + part
    if total is not None:
        total.backward()


def run(t, cls, row, dtype, training):
    """{what: tensor} of one row: outputs, gradients, buffers afterwards."""
    m = make(t, cls, row)
    m.to(dtype)
    m.train(training)
    t.manual_seed(SEED + 1)
    inputs = [make_input(t, spec, dtype) for spec in row.inputs]
    # In-place layers do not write to leaves.
    outputs = m(*[x * 1 if x.requires_grad and getattr(m, "inplace", False) else x for x in inputs])
    outputs = list(outputs) if isinstance(outputs, tuple) else [outputs]
    backward(t, outputs)
    found = {f"output{i}": y for i, y in enumerate(outputs)}
    found.update((f"grad_input{i}", x.grad) for i, x in enumerate(inputs)
                 if x.requires_grad and x.grad is not None)
    found.update((f"grad_{name}", p.grad) for name, p in m.named_parameters() if p.grad is not None)
    found.update((f"after_{name}", b) for name, b in m.named_buffers())
    return found


def modes(row):
    return (True, False) if row.evaluate else (True,)


def describe(t, cls, row):
    """What is compared as it is: initial parameters, the printed form, the state dict's layout."""
    m = make(t, cls, row)
    if hasattr(m, "reset_parameters"):  # gives new values, as many draws as the constructor
        m.reset_parameters()
    return {"repr": repr(m), "state": {k: list(v.shape) for k, v in m.state_dict().items()},
            "parameters": {k: crc(p) for k, p in m.named_parameters()},
            "next": float(t.rand(1)[0])}  # as many random numbers were drawn


def summary(x):
    """Shape, largest magnitude, sum of magnitudes, a sum with weights, and some elements."""
    a = values(x).astype(np.float64).reshape(-1)
    picked = a[np.linspace(0, a.size - 1, min(a.size, 3)).astype(int)] if a.size else a
    finite = np.where(np.isfinite(a), a, 0)
    numbers = [np.abs(finite).max(initial=0), np.abs(finite).sum(),
               (finite * np.cos(np.arange(a.size))).sum(), *picked]
    return [list(x.shape)] + [float(f"{v:.10g}") for v in numbers]


def problems_of_summary(x, want, tolerance):
    """Elements may differ by the tolerance times the largest, sums by as much of the magnitudes'."""
    got = summary(x)
    if got[0] != want[0]:
        return f"shape {got[0]}, wanted {want[0]}"
    largest, magnitudes = want[1:3]
    scale = [largest, magnitudes, magnitudes] + [largest] * (len(want) - 4)
    for g, w, s in zip(got[1:], want[1:], scale):
        if not (g == w or abs(g - w) <= tolerance * max(s, TINY) or (g != g and w != w)):
            return f"{got[1:]}, wanted {want[1:]}"
    return None


def problems_of_values(x, want, tolerance):
    a, b = values(x).astype(np.float64), want.detach().numpy().astype(np.float64)
    if a.shape != b.shape:
        return f"shape {a.shape}, wanted {b.shape}"
    if str(x.dtype) != str(want.dtype):
        return f"dtype {x.dtype}, wanted {want.dtype}"
    bound = tolerance * max(TINY, float(np.abs(b[np.isfinite(b)]).max(initial=0)))
    bad = ~((a == b) | (np.abs(a - b) <= bound) | (np.isnan(a) & np.isnan(b)))
    return f"{int(bad.sum())} of {a.size} differ, by up to {np.abs(a - b)[bad].max()}" if bad.any() else None


def problems_of_exchange(torch, mt, cls, row):
    """State dicts load from PyTorch and into it, with all values."""
    theirs, ours = make(torch, cls, row), getattr(mt.nn, cls)(*row.args, **row.kwargs)
    given = {k: v + v / 4 if v.dtype.is_floating_point else v + 3 for k, v in theirs.state_dict().items()}
    ours.load_state_dict({k: mt.from_numpy(v.numpy()) for k, v in given.items()})
    back = {k: torch.from_numpy(v.numpy()) for k, v in ours.state_dict().items()}
    theirs.load_state_dict(back)
    now = theirs.state_dict()
    if list(now) != list(given) or any(crc(now[k]) != crc(v) for k, v in given.items()):
        return "state dict: has other values after going there and back"
    return None


def problems_of_copies(t, cls, row):
    """State dicts load back, and a deep copy is the same module with tensors of its own."""
    m = make(t, cls, row)
    other = getattr(t.nn, cls)(*row.args, **row.kwargs)
    result = other.load_state_dict(m.state_dict())
    if result.missing_keys or result.unexpected_keys:
        return f"load_state_dict: {result}"
    for get, what in ((lambda: other, "loaded"), (lambda: copy.deepcopy(m), "deep copy")):
        made = get()
        if repr(made) != repr(m) or type(made) is not type(m):
            return f"{what}: prints {made!r}"
        if {k: crc(v) for k, v in made.state_dict().items()} != {
                k: crc(v) for k, v in m.state_dict().items()}:
            return f"{what}: has other values"
        if {id(p) for p in made.parameters()} & {id(p) for p in m.parameters()}:
            return f"{what}: shares parameters"
        outputs = []
        for module in (m, made):
            module.train()
            t.manual_seed(SEED + 1)
            inputs = [make_input(t, spec, t.float32) for spec in row.inputs]
            with t.no_grad():
                y = module(*inputs)
            outputs.append([crc(v) for v in (y if isinstance(y, tuple) else (y,))])
        if outputs[0] != outputs[1]:
            return f"{what}: computes something else"
    return None
