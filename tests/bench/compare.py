#!/usr/bin/python3
"""Runs minitorch_bench and torch_bench in turn and prints one table of medians and ratios.

Usage: compare.py BUILDDIR [--threads N] [--rounds N] [--filter TEXT]. Ratios are minitorch / torch:
below 1 minitorch is faster. Without torch_bench only our own times are shown.
"""
import argparse
import os
import statistics
import subprocess


def times(program, args, env):
    out = subprocess.check_output([program, *args], text=True, env=env)
    return {name: float(ns) for name, ns in (line.split("\t") for line in out.splitlines() if "\t" in line)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.1)
    parser.add_argument("--filter", default="")
    o = parser.parse_args()
    args = ["--threads", str(o.threads), "--seconds", str(o.seconds), "--filter", o.filter]
    env = {k: v for k, v in os.environ.items() if k != "OPENBLAS_CORETYPE"}
    env["OMP_NUM_THREADS"] = str(o.threads)
    folder = os.path.join(o.build, "tests", "bench")
    ours, theirs = {}, {}
    torch = os.path.join(folder, "torch_bench")
    for _ in range(o.rounds):  # in turn, so that drift of the machine hits both
        for program, table in ((os.path.join(folder, "minitorch_bench"), ours), (torch, theirs)):
            if os.path.exists(program):
                for name, ns in times(program, args, env).items():
                    table.setdefault(name, []).append(ns)
    print(f"{'case':<36}{'minitorch ns':>14}{'libtorch ns':>14}{'ratio':>8}   ({o.threads} threads)")
    ratios = []
    for name, ns in ours.items():
        mine = statistics.median(ns)
        if name in theirs:
            other = statistics.median(theirs[name])
            ratios.append(mine / other)
            print(f"{name:<36}{mine:14.1f}{other:14.1f}{mine / other:8.3f}")
        else:
            print(f"{name:<36}{mine:14.1f}{'-':>14}{'-':>8}")
    if ratios:
        print(f"geometric mean of {len(ratios)} ratios: {statistics.geometric_mean(ratios):.3f}; "
              f"slower than libtorch: {sum(r > 1 for r in ratios)}")


if __name__ == "__main__":
    main()
