#!/usr/bin/python3
"""Times of layers against PyTorch, one thread: forward, and forward with backward, of recurrent,
transformer, convolution and norm layers.

Usage: layers.py [--seconds S] [NAME...]. Prints the ratio of PyTorch's time to ours; above 1 is
faster."""
import statistics
import sys
import time

import minitorch
import torch

CASES = {  # name: (layer of a library, shape of its input)
    "Linear": (lambda nn: nn.Linear(256, 256), (64, 256)),
    "Conv1d": (lambda nn: nn.Conv1d(32, 64, 5, padding=2), (16, 32, 128)),
    "Conv2d": (lambda nn: nn.Conv2d(32, 64, 3, padding=1), (8, 32, 28, 28)),
    "Conv2d_stride2": (lambda nn: nn.Conv2d(64, 128, 3, 2, 1, bias=False), (8, 64, 28, 28)),
    "Conv2d_depthwise": (lambda nn: nn.Conv2d(64, 64, 3, padding=1, groups=64), (8, 64, 28, 28)),
    "ConvTranspose2d": (lambda nn: nn.ConvTranspose2d(64, 32, 4, 2, 1), (8, 64, 14, 14)),
    "BatchNorm2d": (lambda nn: nn.BatchNorm2d(64), (8, 64, 28, 28)),
    "LayerNorm": (lambda nn: nn.LayerNorm(256), (64, 32, 256)),
    "MaxPool2d": (lambda nn: nn.MaxPool2d(2), (8, 64, 28, 28)),
    "RNN": (lambda nn: nn.RNN(64, 128), (32, 16, 64)),
    "LSTM": (lambda nn: nn.LSTM(64, 128), (32, 16, 64)),
    "LSTM_2x_both": (lambda nn: nn.LSTM(64, 128, 2, bidirectional=True), (32, 16, 64)),
    "LSTM_small": (lambda nn: nn.LSTM(8, 16), (16, 4, 8)),
    "GRU": (lambda nn: nn.GRU(64, 128), (32, 16, 64)),
    "EncoderLayer": (lambda nn: nn.TransformerEncoderLayer(128, 4, 512, 0.1, batch_first=True),
                     (8, 64, 128)),
    "EncoderLayer_small": (lambda nn: nn.TransformerEncoderLayer(32, 2, 64, 0.0), (16, 4, 32)),
    "DecoderLayer": (lambda nn: nn.TransformerDecoderLayer(128, 4, 512, 0.1, batch_first=True),
                     (8, 64, 128)),
}


def runner(lib, name, backward):
    make, shape = CASES[name]
    lib.manual_seed(0)
    layer = make(lib.nn)
    x = lib.randn(*shape)
    x.requires_grad_(backward)
    args = (x, x.detach()) if name == "DecoderLayer" else (x,)

    def run():
        if not backward:
            with lib.no_grad():
                layer(*args)
            return
        out = layer(*args)
        (out[0] if isinstance(out, tuple) else out).sum().backward()
        x.grad = None
        layer.zero_grad(set_to_none=True)
    return run


def compare(name, backward, budget):
    """Median seconds of a run, ours and theirs, measured in turns."""
    runs = [runner(lib, name, backward) for lib in (minitorch, torch)]
    times, end = [[], []], time.perf_counter() + budget
    while len(times[0]) < 5 or time.perf_counter() < end:
        for i, run in enumerate(runs):
            start = time.perf_counter()
            run()
            times[i].append(time.perf_counter() - start)
    return [statistics.median(t[1:]) for t in times]


def main():
    arguments = sys.argv[1:]
    budget = 1.0
    if "--seconds" in arguments:
        at = arguments.index("--seconds")
        budget = float(arguments[at + 1])
        del arguments[at:at + 2]
    minitorch.set_num_threads(1)
    torch.set_num_threads(1)
    print(f"{'':20} {'forward: ours, PyTorch, ratio':>34} {'with backward: ours, PyTorch, ratio':>40}")
    for name in arguments or CASES:
        line = f"{name:20}"
        for backward in (False, True):
            ours, theirs = compare(name, backward, budget)
            line += f" {ours * 1e3:12.3f} ms {theirs * 1e3:9.3f} ms {theirs / ours:6.2f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
