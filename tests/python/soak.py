"""A long run that must not grow: trains, saves, loads, prints and abuses in a loop, and stops when a
handle, a byte or memory of the process is more than after the first rounds.

Usage: soak.py [--seconds N] (an hour if absent), with the binding importable.
"""
import argparse
import copy
import gc
import os
import tempfile
import time

import numpy as np

import minitorch as torch
import minitorch.nn as nn
from minitorch import _callbacks, _runtime
from minitorch._native import ffi, lib


class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, by):
        ctx.by = by
        return x * by

    @staticmethod
    def backward(ctx, g):
        return g * ctx.by, None


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 3))

    def forward(self, x):
        return Scale.apply(self.body(x), 2.0)


def train(folder):
    model = Net()
    model.register_full_backward_hook(lambda m, gi, go: None)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    loss_fn = nn.CrossEntropyLoss()
    x, y = torch.randn(64, 10), torch.randint(0, 3, (64,))
    for _ in range(5):
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    path = os.path.join(folder, "state.safetensors")
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}, path)
    state = torch.load(path)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    repr(model), repr(loss), torch.utils.graph_dot(loss, model)
    return loss.item()


def exchange():
    a = np.arange(1000, dtype=np.float32)
    t = torch.from_numpy(a)
    u = torch.from_dlpack(t * 2)
    assert np.from_dlpack(u)[3] == 6 and u[::7].numpy().sum() > 0
    copy.deepcopy(t)


def abuse():
    """Wrong calls of every kind."""
    def failing_hook(g):
        raise KeyError("hook")

    x = torch.ones(3, requires_grad=True)
    y = x * 2
    y.register_hook(failing_hook)
    for call in (lambda: torch.ones(2, 3) @ torch.ones(2, 3), lambda: y.sum().backward(),
                 lambda: torch.ones(3)[5], lambda: x.add_(1), lambda: torch.cat([x, 3]),
                 lambda: nn.Linear(2, 3)(torch.ones(4, 5)), lambda: torch.load("/no/such/file"),
                 lambda: x.numpy(), lambda: torch.tensor(["a"]), lambda: torch.zeros(1 << 50),
                 lambda: nn.Linear(-1, 2), lambda: torch.optim.SGD([x], lr=-1),
                 lambda: Net().load_state_dict({"a": x.detach()})):
        try:
            call()
        except Exception:  # noqa: B902 - any error is fine, none is not
            continue
        raise AssertionError("a wrong call passed")
    status = lib.mt_tensor_free(ffi.cast("mt_tensor *", 0x1234))
    assert status == lib.MT_ERR_INVALID_HANDLE


def counts():
    """(handles, bytes in use, callbacks' objects) of the library."""
    gc.collect()
    handles, stats = ffi.new("int64_t *"), ffi.new("mt_memory_stats *")
    stats.struct_size = ffi.sizeof("mt_memory_stats")
    lib.mt_live_handles(handles, lib.MT_HANDLE_ANY)
    lib.mt_memory_get_stats(stats)
    return (handles[0] - len(_runtime._numbers) - len(_runtime._old_numbers), stats.current_bytes,
            len(_callbacks._alive))


def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=3600)
    seconds = parser.parse_args().seconds
    start, rounds, first, shown = time.monotonic(), 0, None, 0.0
    with tempfile.TemporaryDirectory() as folder:
        while rounds < 30 or time.monotonic() - start < seconds:
            torch.manual_seed(rounds)
            train(folder)
            exchange()
            abuse()
            rounds += 1
            if rounds == 20:
                first, memory = counts(), resident()
            elif rounds > 20 and rounds % 10 == 0:
                now = counts()
                # Numbers kept for the next use may come and go; nothing else may.
                if (now[0], now[2]) != (first[0], first[2]) or now[1] > first[1] + 64 * 1024:
                    raise SystemExit(f"not ok 1 - round {rounds}: (handles, bytes, callbacks) were "
                                     f"{first}, are {now}")
                if resident() > memory + (16 << 20):
                    raise SystemExit(f"not ok 1 - round {rounds}: the process grew from {memory} to "
                                     f"{resident()} bytes")
            if time.monotonic() - shown > 60:
                shown = time.monotonic()
                print(f"# {shown - start:.0f} s, {rounds} rounds, {resident() >> 20} MiB", flush=True)
    print(f"ok 1 - {rounds} rounds left nothing behind\n1..1")


if __name__ == "__main__":
    main()
