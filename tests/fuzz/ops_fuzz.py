#!/usr/bin/python3
"""Calls every op of capi/api.toml with random arguments of the right kinds and wrong values.

Each call must return, or raise one of the binding's exceptions: no crash, hang or unbounded memory.
Ops run in child processes, limited in memory and time; after a death the next child goes on with the
next op. To repeat a failure: ops_fuzz.py --seed S --calls N OP, with FUZZ_TRACE=1 to see the call.
Output is TAP. Usage: ops_fuzz.py [--seed S] [--calls N] [OP ...]
"""
import argparse
import concurrent.futures
import os
import pathlib
import random
import resource
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "capi"))
EXPECTED = (RuntimeError, ValueError, TypeError, IndexError, KeyError, MemoryError, OverflowError,
            NotImplementedError)
SANITIZED = "asan" in os.environ.get("LD_PRELOAD", "")
SECONDS, BYTES = 60, 6 << 30

SIZES = (0, 1, 1, 2, 3, 3, 4, 5, 7)
INTS = (-(2 ** 63), -(2 ** 31), -5, -3, -2, -1, -1, 0, 0, 1, 1, 1, 2, 2, 3, 4, 7, 2 ** 40, 2 ** 62, 2 ** 63 - 1)
FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 3.7, 1e-300, 1e300, float("inf"), float("-inf"), float("nan"))
STRINGS = ("", "mean", "sum", "none", "floor", "trunc", "tanh", "reflect", "replicate", "circular", "constant",
           "nearest", "bilinear", "bicubic", "linear", "area", "border", "zeros", "left", "right", "fro", "nuc",
           "amax", "amin", "prod", "ij,jk->ik", "ii", "...i,i", "->", "ab,", "%s%n", "x" * 300, "\xff")


class Arguments:
    """Random arguments of an op, from one generator."""

    def __init__(self, mt, rng):
        self.mt, self.rng, self.tensors = mt, rng, []
        self.dtypes = [mt.float32, mt.float64, mt.float16, mt.bfloat16, mt.int8, mt.int16, mt.int32,
                       mt.int64, mt.uint8, mt.bool, mt.complex64, mt.complex128, mt.uint16, mt.uint32,
                       mt.uint64]

    def sizes(self):
        # Often the sizes of an earlier tensor, so that some calls get past the checks.
        if self.tensors and self.rng.random() < 0.6:
            return tuple(self.rng.choice(self.tensors).shape)
        return tuple(self.rng.choice(SIZES) for _ in range(self.rng.choice((0, 1, 1, 2, 2, 3, 4, 5))))

    def fresh(self):
        mt, rng = self.mt, self.rng
        dtype = rng.choice(self.dtypes[:2] if rng.random() < 0.55 else self.dtypes)
        if self.tensors and rng.random() < 0.5:
            dtype = rng.choice(self.tensors).dtype
        t = mt.randn(self.sizes()) * rng.choice((1, 3, 100))
        if t.numel() and rng.random() < 0.1:
            t = t * rng.choice((float("inf"), float("nan"), 0.0))
        t = t.to(dtype)
        return t * (1 + 0.5j) if t.is_complex() else t

    def tensor(self):
        mt, rng = self.mt, self.rng
        if self.tensors and rng.random() < 0.1:
            return rng.choice(self.tensors)
        t, kind = self.fresh(), rng.random()
        if kind < 0.1 and t.ndim > 1:
            t = t.transpose(0, -1)
        elif kind < 0.15 and t.ndim:
            t = t[1:] if rng.random() < 0.5 else t[::2]
        elif kind < 0.2:
            t = t.expand((rng.choice((0, 1, 3)),) + tuple(t.shape))
        elif kind < 0.25 and t.numel() > 4:  # elements that overlap
            t = t.contiguous().as_strided((2, 3), (1, 1))
        elif kind < 0.3:
            t = mt.empty(t.shape, dtype=t.dtype, device="meta")
        if (t.dtype.is_floating_point or t.is_complex()) and not t.is_meta and rng.random() < 0.5:
            t = t.detach().requires_grad_() if rng.random() < 0.5 else t.clone().requires_grad_() * 1
        self.tensors.append(t)
        return t

    def ints(self):
        if self.rng.random() < 0.7:
            return [self.rng.choice((-2, -1, 0, 0, 1, 1, 2, 2, 3)) for _ in range(self.rng.choice((0, 1, 1, 2, 2, 3)))]
        return [self.rng.choice(INTS) for _ in range(self.rng.choice((0, 1, 2, 3, 6, 70)))]

    def value(self, kind):
        rng, base = self.rng, kind.rstrip("?")
        if kind.endswith("?") and rng.random() < 0.4:
            return None
        if base == "tensor":
            return self.tensor() if rng.random() < 0.9 else rng.choice((2, -1.5, True, 1 - 2j))
        if base == "tensors":
            return [self.tensor() for _ in range(rng.choice((0, 1, 2, 2, 3)))]
        return {
            "int": lambda: rng.choice((-1, 0, 1, 2)) if rng.random() < 0.7 else rng.choice(INTS),
            "float": lambda: rng.choice(FLOATS), "scalar": lambda: rng.choice(FLOATS),
            "bool": lambda: rng.random() < 0.5, "ints": self.ints,
            "floats": lambda: [rng.choice(FLOATS) for _ in range(rng.choice((0, 1, 2, 3)))],
            "string": lambda: rng.choice(STRINGS), "dtype": lambda: rng.choice(self.dtypes + [None]),
            "device": lambda: rng.choice((None, "cpu", "meta")),
            "reduction": lambda: rng.choice(("none", "mean", "sum")), "generator": lambda: None,
        }[base]()


def tensors_of(result, mt):
    if isinstance(result, mt.Tensor):
        return [result]
    return [t for r in result for t in tensors_of(r, mt)] if isinstance(result, (tuple, list)) else []


def check_op(name, seed, calls):
    """In the op's own process: many calls, and backward through what comes out."""
    import gen_model
    import minitorch as mt
    from minitorch import _ops
    op = next(o for o in gen_model.load(ROOT / "capi" / "api.toml").ops if o.name == name)
    forms = ([] if op.inplace_only else [name]) + ([name + "_"] if op.inplace or op.inplace_only else [])
    returned = 0
    for call in range(calls):
        rng = random.Random(f"{name} {seed} {call}")
        mt.manual_seed(call)
        arguments = Arguments(mt, rng)
        if os.environ.get("FUZZ_TRACE"):
            print("call", call, file=sys.stderr, flush=True)
        try:
            args = [arguments.value(a.kind) for a in op.args]
            out = tensors_of(getattr(_ops, rng.choice(forms))(*args), mt)
            returned += 1
            for t in out:
                if t.requires_grad and not t.is_meta:
                    t = mt.view_as_real(t) if t.is_complex() else t
                    (t.sum() * 2).backward(create_graph=rng.random() < 0.3)
                    break
            for t in out:
                if not t.is_meta and t.numel() < 1000:
                    repr(t.detach())
        except EXPECTED as error:
            if not str(error):
                raise
    return returned


def limit():
    if not SANITIZED:  # whose shadow memory is larger
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run_ops(names, options):
    """(name, problem or None) of each op, from one child as long as it lives."""
    names = list(names)
    while names:
        command = [sys.executable, __file__, "--seed", str(options.seed), "--calls", str(options.calls),
                   "--child", *names]
        done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, errors="replace")
        for name in done.stdout.split():
            yield name, None
        names = names[len(done.stdout.split()):]
        written = [line for line in done.stderr.splitlines()
                   if "AddressSanitizer failed to allocate" not in line]
        if done.returncode == 0 and written:
            yield "all of them", f"wrote on stderr: {written[:5]}"
        if not names:
            return
        if done.returncode == -signal.SIGALRM:
            yield names[0], f"runs for more than {SECONDS} s"
        elif done.returncode < 0:
            yield names[0], f"killed by {signal.Signals(-done.returncode).name}"
        else:
            yield names[0], done.stderr[-2500:] or f"exit {done.returncode}"
        names = names[1:]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ops", nargs="*")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--child", action="store_true")
    parser.add_argument("--part", default="0/1", help="i/n: only every n-th op, from the i-th")
    options = parser.parse_args()
    if options.child:
        for name in options.ops:
            signal.alarm(SECONDS * (4 if SANITIZED else 1))
            check_op(name, options.seed, options.calls)
            print(name, flush=True)
        return 0
    import gen_model
    names = options.ops or [o.name for o in gen_model.load(ROOT / "capi" / "api.toml").ops]
    first, step = (int(v) for v in options.part.split("/"))
    names = names[first::step]
    failed = cases = 0
    batches = [names[i:i + 24] for i in range(0, len(names), 24)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for results in pool.map(lambda batch: list(run_ops(batch, options)), batches):
            for name, problem in results:
                cases += 1
                failed += problem is not None
                print(f"{'not ok' if problem else 'ok'} - {name}")
                for line in (problem or "").splitlines():
                    print("# " + line)
            sys.stdout.flush()
    print(f"1..{cases}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
