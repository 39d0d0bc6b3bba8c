"""Writes optim_kernels.txt: parameters after 50 steps of PyTorch's single-tensor optimizers, as bits.
The inputs come from an integer generator that the test repeats; rerun only with the reference PyTorch.
Usage: gen_optim_kernels.py > optim_kernels.txt"""
import struct
import sys

import torch

STEPS = 50


class Values:
    """Multiples of 2^-15 in [-1, 1) from a linear congruential generator."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state * 1664525 + 1013904223) & 0xFFFFFFFF
        return ((self.state >> 8) & 0xFFFF) / 32768.0 - 1.0

    def tensor(self, n, dtype):
        return torch.tensor([self.next() for _ in range(n)], dtype=torch.float64).to(dtype)


def bits(tensor):
    if tensor.dtype == torch.float64:
        return ["%016x" % struct.unpack("<Q", struct.pack("<d", x))[0] for x in tensor.tolist()]
    if tensor.dtype == torch.float32:
        return ["%08x" % struct.unpack("<I", struct.pack("<f", x))[0] for x in tensor.tolist()]
    return ["%04x" % (x & 0xFFFF) for x in tensor.view(torch.int16).tolist()]


# Values that are not short in binary, so that every rounding shows.
SGD = [
    dict(lr=0.1),
    dict(lr=0.013, weight_decay=0.01),
    dict(lr=0.013, momentum=0.9),
    dict(lr=0.013, momentum=0.9, dampening=0.3, weight_decay=0.003, maximize=True),
    dict(lr=0.013, momentum=0.9, nesterov=True, weight_decay=0.003),
]
ADAM = [
    ("adam", dict(lr=0.001)),
    ("adam", dict(lr=0.003, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.01)),
    ("adam", dict(lr=0.003, amsgrad=True, maximize=True)),
    ("adamw", dict(lr=0.003, weight_decay=0.01)),
    ("adamw", dict(lr=0.003, betas=(0.85, 0.99), weight_decay=0.05, amsgrad=True, maximize=True)),
]
MAKE = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
KEYS = ["lr", "momentum", "dampening", "weight_decay", "nesterov", "maximize", "beta1", "beta2", "eps",
        "amsgrad"]


def run(kind, options, dtype, n):
    values = Values(n)
    param = values.tensor(n, dtype).requires_grad_()
    optimizer = MAKE[kind]([param], foreach=False, **options)
    for _ in range(STEPS):
        param.grad = values.tensor(n, dtype)
        optimizer.step()
    group = dict(optimizer.param_groups[0])
    group["beta1"], group["beta2"] = group.get("betas", (0, 0))
    numbers = [float(group.get(key, 0)).hex() for key in KEYS]
    name = str(dtype).split(".")[1]
    print(kind, name, n, STEPS, *numbers)
    print(*bits(param.detach()))


def main():
    torch.set_num_threads(1)
    print("# <kind> <dtype> <n> <steps>", *("<%s>" % key for key in KEYS), "; then the parameters' bits")
    for options in SGD:
        run("sgd", options, torch.float32, 37)
        run("sgd", options, torch.float64, 19)
        run("sgd", options, torch.float16, 37)
        run("sgd", options, torch.bfloat16, 32)  # PyTorch rounds what is left of 32 elsewhere
    for kind, options in ADAM:
        run(kind, options, torch.float32, 37)
        run(kind, options, torch.float64, 19)
        run(kind, options, torch.bfloat16, 32)
    return 0


if __name__ == "__main__":
    sys.exit(main())
