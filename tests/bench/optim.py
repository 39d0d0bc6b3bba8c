#!/usr/bin/python3
"""Times of optimizer steps against PyTorch: 50 tensors of a million parameters in all, one thread.

Usage: optim.py [NAME...]. Prints the ratio of PyTorch's time to ours; above 1 is faster."""
import statistics
import sys
import time

import minitorch
import torch

NAMES = ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "ASGD",
         "Rprop"]
OPTIONS = {"SGD": dict(lr=0.01, momentum=0.9)}


def maker(lib, name):
    params = [lib.ones(200, 100, requires_grad=True) for _ in range(50)]
    for p in params:
        p.grad = lib.full((200, 100), 0.01)
    return getattr(lib.optim, name)(params, **OPTIONS.get(name, {}))


def seconds(optimizer):
    start = time.perf_counter()
    optimizer.step()
    return time.perf_counter() - start


def main():
    minitorch.set_num_threads(1)
    torch.set_num_threads(1)
    for name in sys.argv[1:] or NAMES:
        pair = maker(minitorch, name), maker(torch, name)
        times = [[], []]
        for _ in range(30):  # in turns, so that both see the same machine
            for i in (0, 1):
                times[i].append(seconds(pair[i]))
        ours, theirs = (statistics.median(t[5:]) for t in times)
        ratio = statistics.median(b / a for a, b in zip(*(t[5:] for t in times)))
        print(f"{name:9} ours {ours * 1e3:6.2f} ms, PyTorch {theirs * 1e3:6.2f} ms, "
              f"ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
