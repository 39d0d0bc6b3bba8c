# Golden values of the op-case table: how they are computed with PyTorch and how they are kept.
# One line an op in tests/golden/ops/<family>.txt: name, checksum of the samples, packed values.
import base64
import functools
import itertools
import json
import pathlib
import struct
import zlib

import numpy as np

from cases.table import DTYPES, FLOATS, INTS, DType

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "golden/ops"
SEED = 7  # of the generator before each call of an op that draws
SMALL_INT_SAMPLES = 2  # how many samples are kept for the integers below int64


def kept_dtypes(number):
    """The dtypes that sample `number` is tried with."""
    return DTYPES if number < SMALL_INT_SAMPLES else FLOATS + ("int64", "bool")


def checksum(row, seed=0):
    """Of the inputs of all samples: a golden belongs to these and no others."""
    text = []
    for dtype in ("float64", "int64"):
        for sample in row.samples(dtype, seed):
            args, kwargs = sample.map(lambda a, i: (a.dtype.name, a.shape, a.tobytes()))
            text.append(repr((args, sorted(kwargs.items()), sample.smooth, sample.gradients)))
    return zlib.crc32("\n".join(text).encode())


@functools.lru_cache(1000)
def cotangent(shape, number):
    """The fixed gradient of output `number`: what sum(out * cotangent) hands back."""
    n = int(np.prod(shape, dtype=np.int64))
    return (((np.arange(n) * 37 + 11 * number) % 29 - 13.5) / 16).reshape(shape)


def parts(a):
    """An array of complex numbers as one of their parts, in a new last dim; others as they are."""
    a = np.asarray(a)
    return np.stack([a.real, a.imag], -1) if a.dtype.kind == "c" else a


def differentiable(t):
    return t.is_floating_point() or t.is_complex()


def real_of(module, t):
    """What a cotangent is multiplied with: the parts of a complex tensor."""
    return module.view_as_real(t) if t.is_complex() else t


# --- PyTorch -----------------------------------------------------------------------------------
def reference(row, op):
    """The function of PyTorch that the op stands for: (torch, *args, **kwargs)."""
    if row.torch:
        return row.torch

    def call(torch, *args, **kwargs):
        name = op.python + ("_" if op.inplace_only else "")
        homes = {"method": (torch.Tensor,)}.get(op.methods, (torch, torch.nn.functional, torch.Tensor))
        if op.namespace == "nn.functional":
            homes = (torch.nn.functional,)
        elif op.namespace:  # linalg_norm is torch.linalg.norm
            homes, name = (getattr(torch, op.namespace),), name.removeprefix(op.namespace + "_")
        if op.inplace_only:
            homes = (torch.Tensor,)
        for home in homes:
            if hasattr(home, name):
                return getattr(home, name)(*args, **kwargs)
        raise LookupError(f"{op.name}: PyTorch has no {name}: give the row torch=")

    return call


def _torch_tensor(torch, a, dtype):
    t = torch.empty(a.shape, dtype=getattr(torch, a.dtype.name)).copy_(torch.from_numpy(np.array(a)))
    return t.to(torch.bfloat16) if dtype == "bfloat16" and a.dtype == np.float32 else t


def torch_arguments(torch, sample, dtype):
    args, kwargs = sample.map(lambda a, i: _torch_tensor(torch, a, dtype))

    def named(v):
        return getattr(torch, v) if isinstance(v, DType) else v

    return [named(v) for v in args], {k: named(v) for k, v in kwargs.items()}


def flatten(values):
    """Tensors and lists of them as one list."""
    return [t for v in values for t in (flatten(v) if isinstance(v, (list, tuple)) else [v])]


def outputs(torch, out):
    """[(dtype name, array)] of a result."""
    found = []
    for t in flatten([out]):
        if not isinstance(t, torch.Tensor):
            found.append((type(t).__name__, np.asarray(t)))
            continue
        name = str(t.dtype).removeprefix("torch.")
        t = real_of(torch, t.detach().resolve_conj())
        found.append((name, (t.double() if t.is_floating_point() else t).numpy().copy()))
    return found


def compute(row, op, torch, seed=0):
    """What the checks compare with: one entry a sample (see `check.py` for how it is read)."""
    call, entries = reference(row, op), []
    samples = {d: row.samples(d, seed) for d in DTYPES}
    for number, sample in enumerate(samples["float64"]):
        entry, problem = {"types": {}, "values": {}, "grads": None, "views": None, "requires": None}, None
        for dtype in kept_dtypes(number):
            if number >= len(samples[dtype]):
                continue
            torch.manual_seed(SEED)
            try:
                args, kwargs = torch_arguments(torch, samples[dtype][number], dtype)
                raw = call(torch, *args, **kwargs)
                outs = outputs(torch, raw)
            except LookupError:
                raise
            except (RuntimeError, TypeError, IndexError, ValueError, NotImplementedError) as e:
                entry["types"][dtype], problem = None, e
                continue
            entry["types"][dtype] = [name for name, _ in outs]
            if dtype == "float64" or row.per_dtype or dtype in INTS:
                entry["values"][dtype] = [a for _, a in outs] if row.values else \
                    [np.zeros(a.shape, bool) for _, a in outs]
            if dtype == "float64" and row.strides:
                base = flatten(args)[0]
                entry["views"] = [[list(t.stride()), t.storage_offset() if _shares(t, base) else None]
                                  for t in flatten([raw])]
        if not any(entry["types"].values()) and number == 0:
            raise RuntimeError(f"PyTorch takes the first sample in no dtype: {problem}")
        if entry["types"].get("float64") and sample.gradients:
            torch.manual_seed(SEED)
            try:
                entry["requires"], entry["grads"] = _gradients(row, op, call, torch, sample)
            except RuntimeError:
                if op.differentiable:
                    raise
                # not for a tensor that requires gradients
        entries.append(entry)
    if row.mixed:
        entries[0]["mixed"] = _mixed(call, torch, {d: s[0] for d, s in samples.items() if s})
    return entries


def mixed(samples, first, others):
    """The first sample with tensors of two dtypes: the first tensor of one, the others of another;
    None where there is no second tensor of values."""
    a, b = samples.get(first), samples.get(others)
    if a is None or b is None or not isinstance(a.args[0], np.ndarray):
        return None
    if not any(x.dtype != y.dtype for x, y in zip(samples["float64"].arrays()[1:], samples["int8"].arrays()[1:])):
        return None
    return type(b)(*(a.args[0], *b.args[1:]), **b.kwargs)


def _mixed(call, torch, samples):
    """For each pair of dtypes the result's, as its number in DTYPES; -1 for an error."""
    found = []
    for first in DTYPES:
        for others in DTYPES:
            sample = mixed(samples, first, others)
            if sample is None:
                return None
            try:
                count = itertools.count()
                args, kwargs = sample.map(lambda a, i: _torch_tensor(
                    torch, a, others if next(count) else first))
                out = flatten([call(torch, *args, **kwargs)])[0]
                found.append(DTYPES.index(str(out.dtype).removeprefix("torch."))
                             if isinstance(out, torch.Tensor) else DTYPES.index("bool"))
            except (RuntimeError, TypeError, IndexError, ValueError, NotImplementedError):
                found.append(-1)
    return found


def _shares(a, b):
    return a.numel() > 0 and a.storage().data_ptr() == b.storage().data_ptr()


def _gradients(row, op, call, torch, sample):
    """Which results require gradients when all inputs do, and the gradients of sum(out * cotangent)
    for each tensor given by position, None where there is none."""
    args, kwargs = torch_arguments(torch, sample, "float64")
    inputs = [t for t in flatten(args) if isinstance(t, torch.Tensor)]
    wanted = [i for i, t in enumerate(inputs) if differentiable(t) and i not in row.nograd]
    for i in wanted:
        inputs[i].requires_grad_()
    if op.inplace_only:
        args[0] = args[0] * 1  # a leaf is not written to
    outs = [t for t in flatten([call(torch, *args, **kwargs)]) if isinstance(t, torch.Tensor)]
    requires = [t.requires_grad for t in outs]
    outs = [real_of(torch, t.resolve_conj()) for t in outs]
    if not op.differentiable:
        return requires, None
    total = [(t * torch.from_numpy(cotangent(t.shape, k))).sum()
             for k, t in enumerate(outs) if t.is_floating_point() and t.requires_grad]
    if not total or not wanted:
        return requires, None
    grads = torch.autograd.grad(sum(total), [inputs[i] for i in wanted], allow_unused=True)
    found = dict(zip(wanted, grads))
    # clone: what PyTorch knows to be all 0 has no memory that numpy() could show
    return requires, [None if found.get(i) is None else parts(found[i].resolve_conj().clone().numpy())
                      for i in range(len(inputs))]


# --- the files ---------------------------------------------------------------------------------
def pack(entries):
    """A text of the entries: JSON with the floats apart, compressed."""
    floats = []

    def array(a):
        if a is None:
            return None
        if a.dtype.kind == "f":
            floats.extend(a.astype(np.float64).ravel())
            return ["f", list(a.shape)]
        return ["i" if a.dtype.kind != "b" else "b", list(a.shape), [int(v) for v in a.ravel()]]

    index = [{"types": e["types"], "views": e["views"], "mixed": e.get("mixed"),
              "requires": e["requires"],
              "values": {d: [array(a) for a in outs] for d, outs in e["values"].items()},
              "grads": None if e["grads"] is None else [array(a) for a in e["grads"]]}
             for e in entries]
    head = json.dumps(index, separators=(",", ":")).encode()
    body = np.array(floats, "<f8").view(np.uint8).reshape(-1, 8).T.tobytes()  # bytes of one rank together
    return base64.b85encode(zlib.compress(struct.pack("<I", len(head)) + head + body, 9)).decode()


def unpack(text):
    data = zlib.decompress(base64.b85decode(text))
    (size,) = struct.unpack_from("<I", data)
    index = json.loads(data[4:4 + size])
    ranks = np.frombuffer(data[4 + size:], np.uint8)
    floats = np.ascontiguousarray(ranks.reshape(8, -1).T).view("<f8").ravel()
    at = [0]

    def array(v):
        if v is None:
            return None
        if v[0] == "f":
            n = int(np.prod(v[1], dtype=np.int64))
            at[0] += n
            return floats[at[0] - n:at[0]].reshape(v[1])
        return np.array(v[2], np.int64 if v[0] == "i" else bool).reshape(v[1])

    for e in index:
        e.setdefault("requires")  # goldens from before these were kept
        e["values"] = {d: [array(a) for a in outs] for d, outs in e["values"].items()}
        if e["grads"] is not None:
            e["grads"] = [array(a) for a in e["grads"]]
    return index


@functools.lru_cache(None)
def read(family):
    """{op: (checksum, packed)} of a family's file."""
    path = FOLDER / f"{family}.txt"
    if not path.exists():
        return {}
    lines = [line.split() for line in path.read_text().splitlines() if not line.startswith("#")]
    return {name: (int(crc), text) for name, crc, text in lines}


def write(family, found):
    FOLDER.mkdir(exist_ok=True)
    lines = [f"# Golden values of tests/cases/{family}.py. Generated by tests/golden/gen_ops.py."]
    lines += [f"{name} {crc} {text}" for name, (crc, text) in sorted(found.items())]
    (FOLDER / f"{family}.txt").write_text("\n".join(lines) + "\n")
