#!/usr/bin/python3
"""Every layer made with random arguments and run on random inputs: each call may only work or give an
exception with a message, and nothing may be left behind. Usage: layers_fuzz.py [--calls N] [--seed N]
[NAME...]; one line of TAP a layer."""
import argparse
import os
import pathlib
import random
import resource
import sys
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "layers"))

import minitorch as mt  # noqa: E402
from minitorch import nn  # noqa: E402

import check  # noqa: E402
import table  # noqa: E402

warnings.simplefilter("ignore")
DTYPES = [mt.float32, mt.float64, mt.float16, mt.bfloat16, mt.int64, mt.uint8, mt.bool]
NUMBERS = [0, 1, 1, 2, 2, 3, 4, 5, -1, -2, 7, 100, 2 ** 31, 2 ** 62, -2 ** 63]
FLOATS = [0.0, 0.1, 0.5, 1.0, 2.0, -1.0, 1e-5, 1e300, float("inf"), float("nan")]
TEXTS = ["zeros", "reflect", "replicate", "circular", "nearest", "bilinear", "none", "tanh", "mean", "x", ""]


# Good calls of the layers whose cases are elsewhere.
row = table.row
SEQUENCE = {
    "Embedding": [row(table.index(7, 3, 2), 7, 3)],
    "EmbeddingBag": [row(table.index(7, 3, 2), 7, 3), row([table.index(7, 6), table.index(1, 1)], 7, 3)],
    **{name: [row((5, 2, 3), 3, 4), row([(5, 3)], 3, 4, 2)] for name in ("RNN", "LSTM", "GRU")},
    **{name: [row((2, 3), 3, 4), row((3,), 3, 4)] for name in ("RNNCell", "LSTMCell", "GRUCell")},
    "MultiheadAttention": [row([(4, 2, 6), (5, 2, 6), (5, 2, 6)], 6, 2)],
    "TransformerEncoderLayer": [row((4, 2, 6), 6, 2, 8), row([(4, 2, 6), (4, 4)], 6, 2, 8)],
    "TransformerDecoderLayer": [row([(4, 2, 6), (5, 2, 6)], 6, 2, 8)],
    "CrossMapLRN2d": [row((2, 5, 4, 3), 3)],
    "Transformer": [row([(5, 2, 6), (4, 2, 6)], 6, 2, 1, 1, 8)],
}


def number(r):
    return r.choice(NUMBERS) if r.random() < 0.5 else r.randint(1, 4)


def argument(r, field):
    kind = field.kind
    if field.optional and r.random() < 0.4 and kind != "tensor?":
        return None if kind in ("dtype", "device", "legacy") else ...
    if kind.endswith("?") and r.random() < 0.4 or kind == "legacy":
        return None
    if kind.startswith("int?") or kind == "int":
        return number(r)
    if kind in ("ints", "shape", "sizes") or kind.startswith("tuple"):
        if kind == "tuple2" and r.random() < 0.1:
            return r.choice(["same", "valid"])
        return number(r) if r.random() < 0.6 else tuple(number(r) for _ in range(r.randint(0, 7)))
    if kind.startswith("floats"):
        return r.choice(FLOATS) if r.random() < 0.5 else tuple(r.choice(FLOATS) for _ in range(r.randint(0, 4)))
    if kind.startswith("float"):
        return r.choice(FLOATS)
    if kind.startswith("bool"):
        return r.random() < 0.5
    if kind == "reduction":
        return r.choice(["mean", "sum", "none"])
    if kind == "string":
        return r.choice(TEXTS)
    if kind == "tensor?":
        return value(r)
    return r.choice(DTYPES) if kind == "dtype" else r.choice(["cpu", "meta"])


def value(r):
    shape = tuple(r.choice([0, 1, 2, 3, 4, 6]) for _ in range(r.randint(0, 5)))
    dtype, device = r.choice(DTYPES[:2] * 3 + DTYPES), "meta" if r.random() < 0.1 else "cpu"
    if device == "meta":
        return mt.empty(*shape, dtype=dtype, device="meta")
    x = (mt.randn(*shape) * 2).to(dtype)
    return x.requires_grad_() if dtype.is_floating_point and r.random() < 0.7 else x


def one(r, cls):
    rows = table.ROWS.get(cls.__name__) or SEQUENCE.get(cls.__name__, [])
    info = cls._info
    if rows and r.random() < 0.6:  # a good module on bad inputs, with options changed
        row = r.choice(rows)
        m = cls(*row.args, **row.kwargs)
    else:
        chosen = {f.name: argument(r, f) for f in info.fields if f.name != "auto_padding"}
        m = cls(**{k: v for k, v in chosen.items() if v is not ...})
    for f in info.fields:
        if f.is_attribute and r.random() < 0.15:
            v = argument(r, f)
            if v is not ...:
                setattr(m, f.name, v)
    repr(m)
    m.train(r.random() < 0.7)
    if rows and r.random() < 0.6:
        row = r.choice(rows)
        inputs = [mt.randn(*s.shape).requires_grad_() if s.kind in ("normal", "unit", "positive")
                  else check.make_input(mt, s, mt.float32) if r.random() < 0.8 else value(r)
                  for s in row.inputs]
    else:
        inputs = [value(r) for _ in range(len(cls.forward.__code__.co_varnames) - 1)]
    for t in flat(m(*inputs)):
        if t.dtype.is_floating_point and t.requires_grad and t.device.type == "cpu":
            t.sum().backward()
            break


def flat(y):
    if isinstance(y, tuple):
        return [t for part in y for t in flat(part)]
    return [] if y is None else [y]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    if "asan" not in os.environ.get("LD_PRELOAD", ""):  # AddressSanitizer maps terabytes
        resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    names = args.names or nn._layers.__all__
    print(f"1..{len(names)}")
    for i, name in enumerate(names):
        r, worked, silent = random.Random(f"{args.seed}/{name}"), 0, []
        for call in range(args.calls):
            try:
                one(r, getattr(nn, name))
                worked += 1
            except (RuntimeError, ValueError, TypeError, IndexError, OverflowError, MemoryError,
                    AssertionError) as e:  # torch asserts that padding_idx is in range
                if not str(e):
                    silent.append(call)
        print(f"{'ok' if not silent else 'not ok'} {i + 1} - {name}: {worked} of {args.calls} calls "
              f"worked{', without a message: ' + str(silent) if silent else ''}", flush=True)


if __name__ == "__main__":
    main()
