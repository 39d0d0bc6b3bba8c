#!/usr/bin/python3
"""What calls cost from Python, beside PyTorch's in the same process: one table of nanoseconds and
ratios. Small tensors, so that it is the way there and back that is measured.

Usage: python_calls.py [word in the names to measure], with the binding importable and PyTorch for
/usr/bin/python3 installed (without it only minitorch is measured). One thread each.
"""
import sys
import time

import minitorch

try:
    import torch
except ImportError:
    torch = None


def cases(t):
    """{name: function of no arguments} for minitorch or torch."""
    nn, functional = t.nn, t.nn.functional
    a, b = t.ones(2, 3), t.ones(2, 3)
    w = t.ones(2, 3, requires_grad=True)
    x, y = t.ones(4, 3), t.ones(4, 2)
    i = t.tensor([1, 0])
    scalar = t.tensor(1.5)
    linear, relu, mse = nn.Linear(3, 2), nn.ReLU(), nn.MSELoss()
    model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
    optimizer = t.optim.SGD(model.parameters(), lr=0.01)
    (w * a).sum().backward()
    made = w * a

    def step():
        optimizer.zero_grad()
        mse(model(x), y).backward()
        optimizer.step()

    return {
        "attribute: shape": lambda: a.shape,
        "attribute: ndim": lambda: a.ndim,
        "attribute: dtype": lambda: a.dtype,
        "attribute: device": lambda: a.device,
        "attribute: requires_grad": lambda: a.requires_grad,
        "attribute: grad": lambda: w.grad,
        "attribute: grad_fn": lambda: made.grad_fn,
        "attribute: is_leaf": lambda: a.is_leaf,
        "method: size(0)": lambda: a.size(0),
        "method: numel()": lambda: a.numel(),
        "method: stride()": lambda: a.stride(),
        "method: is_contiguous()": lambda: a.is_contiguous(),
        "method: item()": lambda: scalar.item(),
        "method: float(t)": lambda: float(scalar),
        "method: tolist()": lambda: a.tolist(),
        "method: numpy()": lambda: a.numpy(),
        "method: len(t)": lambda: len(a),
        "make: tensor(1.5)": lambda: t.tensor(1.5),
        "make: tensor([1., 2.])": lambda: t.tensor([1., 2.]),
        "make: zeros(2, 3)": lambda: t.zeros(2, 3),
        "make: ones_like": lambda: t.ones_like(a),
        "op: a + b": lambda: a + b,
        "op: a + 1": lambda: a + 1,
        "op: a * w (recorded)": lambda: a * w,
        "op: a += 0": lambda: a.add_(0),
        "op: exp": lambda: t.exp(a),
        "op: a > b": lambda: a > b,
        "op: sum()": lambda: a.sum(),
        "op: sum(dim=1, keepdim=True)": lambda: a.sum(dim=1, keepdim=True),
        "op: matmul": lambda: x @ b.T,
        "op: cat": lambda: t.cat([a, b]),
        "op: softmax": lambda: functional.softmax(a, dim=1),
        "view: reshape": lambda: a.reshape(3, 2),
        "view: a[0]": lambda: a[0],
        "view: a[:, 1:]": lambda: a[:, 1:],
        "view: a[i]": lambda: a[i],
        "view: a.T": lambda: a.T,
        "view: detach()": lambda: a.detach(),
        "module: Linear": lambda: linear(x),
        "module: ReLU": lambda: relu(x),
        "module: MSELoss": lambda: mse(y, y),
        "train: zero_grad": lambda: optimizer.zero_grad(),
        "train: forward + backward + step": step,
    }


def nanoseconds(f, seconds=0.05):
    """The best of several runs."""
    f()
    n, best = 1, 0.0
    while True:
        start = time.perf_counter()
        for _ in range(n):
            f()
        took = time.perf_counter() - start
        if took > seconds / 5:
            break
        n *= 2
    best = took
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(n):
            f()
        best = min(best, time.perf_counter() - start)
    return best / n * 1e9


def main():
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    minitorch.set_num_threads(1)
    ours, theirs = cases(minitorch), {}
    if torch is not None:
        torch.set_num_threads(1)
        theirs = cases(torch)
    print(f"{'':<36}{'minitorch':>12}{'torch':>12}{'ratio':>8}")
    ratios = []
    for name, f in ours.items():
        if word not in name:
            continue
        mine = nanoseconds(f)
        line = f"{name:<36}{mine:>9.0f} ns"
        if name in theirs:
            other = nanoseconds(theirs[name])
            ratios.append(mine / other)
            line += f"{other:>9.0f} ns{mine / other:>8.2f}"
        print(line, flush=True)
    if ratios:
        ratios.sort()
        print(f"{'median of the ratios':<60}{ratios[len(ratios) // 2]:>8.2f}")


if __name__ == "__main__":
    main()
