#!/usr/bin/python3
"""Times every op of the op-case table against PyTorch in the same process and prints medians and
ratios (minitorch / torch: below 1 minitorch is faster). Without PyTorch only our own times.

Usage: ops.py [--threads N] [--seconds S] [--backward] [OP ...]; PYTHONPATH as for the binding.
"""
import argparse
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import minitorch  # noqa: E402
from cases import golden, table  # noqa: E402
from cases.case import Case  # noqa: E402

try:
    import torch
except ImportError:
    torch = None


def median(calls, seconds):
    """Median nanoseconds of each of the calls, which take turns so that drift hits all alike."""
    repeats = []
    for call in calls:
        call()
        start = time.perf_counter_ns()
        call()
        once = max(time.perf_counter_ns() - start, 200)
        repeats.append(max(1, min(1000, int(seconds * 1e8 / once))))
    times = [[] for _ in calls]
    end = time.perf_counter() + seconds * len(calls)
    while not times[0] or (time.perf_counter() < end and len(times[0]) < 50):
        for call, n, found in zip(calls, repeats, times):
            start = time.perf_counter_ns()
            for _ in range(n):
                call()
            found.append((time.perf_counter_ns() - start) / n)
    return [statistics.median(t) for t in times]


def with_backward(call, tensors):
    """The call and the gradients of its result's sum for the floating tensors."""
    leaves = [t for t in tensors if t.dtype.is_floating_point]
    for t in leaves:
        t.requires_grad_()

    def both():
        for t in leaves:
            t.grad = None
        out = golden.flatten([call()])[0]
        out.sum().backward()

    return both


def calls_of(case, sample, backward):
    """The same call for both libraries, or for ours only."""
    row, op = case.row, case.op
    args, kwargs = case.arguments(sample, "float32")
    calls = [lambda: case.function(*args, **kwargs)]
    tensors = [golden.flatten(args)]
    if torch:
        theirs, named = golden.torch_arguments(torch, sample, "float32")
        reference = golden.reference(row, op)
        calls.append(lambda: reference(torch, *theirs, **named))
        tensors.append(golden.flatten(theirs))
    if backward:
        calls = [with_backward(c, [t for t in ts if hasattr(t, "dtype")]) for c, ts in zip(calls, tensors)]
    return calls


def dtype_of(case):
    """float32, or int64 for an op that is not for floats."""
    try:
        case.run(*case.arguments(case.samples("float32")[0], "float32"))
        return "float32"
    except RuntimeError:
        return "int64"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0.05)
    parser.add_argument("--backward", action="store_true", help="forward and backward")
    parser.add_argument("--tap", action="store_true", help="as a test: every named op was timed")
    parser.add_argument("ops", nargs="*")
    o = parser.parse_args()
    minitorch.set_num_threads(o.threads)
    if torch:
        torch.set_num_threads(o.threads)
    api, ratios, timed = table.load_api(), [], set()
    print(f"{'op':<34}{'shapes':<30}{'minitorch ns':>14}{'torch ns':>14}{'ratio':>8}")
    for rows in table.load_rows().values():
        for name, row in rows.items():
            op = api[name]
            if (o.ops and name not in o.ops) or (o.backward and (not op.differentiable or op.inplace_only)):
                continue
            case = Case(row, op, [])
            for sample in row.bench(dtype_of(case)):
                shapes = " ".join("x".join(map(str, a.shape)) or "()" for a in sample.arrays())
                try:
                    found = median(calls_of(case, sample, o.backward), o.seconds)
                except (RuntimeError, TypeError) as e:
                    print(f"{name:<34}{shapes:<30} {type(e).__name__}: {str(e).splitlines()[0]}")
                    continue
                timed.add(name)
                line = f"{name:<34}{shapes:<30}" + "".join(f"{t:14.0f}" for t in found)
                if len(found) == 2:
                    ratios.append(found[0] / found[1])
                    line += f"{ratios[-1]:8.3f}"
                print(line, flush=True)
    if o.tap:
        print(f"{'ok' if set(o.ops) == timed else 'not ok'} 1 - the named ops are timed")
    if ratios:
        print(f"geometric mean of {len(ratios)} ratios: {statistics.geometric_mean(ratios):.3f}; "
              f"slower than torch: {sum(r > 1 for r in ratios)}")


if __name__ == "__main__":
    main()
