# A program that mypy reads with the binding's stubs (tests/lint/stubs.py). Every line is well typed but
# those that end in "# error".
from collections import OrderedDict

import numpy as np

import minitorch as torch
import minitorch.nn as nn
import minitorch.nn.functional as F
from minitorch import Tensor


class Net(nn.Module):
    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, hidden), nn.ReLU(), nn.Linear(hidden, 3, bias=False))
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return y * self.scale + 1


class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx: torch.autograd.FunctionCtx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx: torch.autograd.FunctionCtx, grad: Tensor) -> Tensor:
        return grad * 2


def train(steps: int) -> float:
    torch.manual_seed(0)
    model = Net(8).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    loss_fn = nn.CrossEntropyLoss()
    x = torch.from_numpy(np.zeros((5, 4), np.float32))
    y = torch.randint(0, 3, (5,))
    last = 0.0
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        last = float(loss.item())
    with torch.no_grad():
        print(model(x).argmax(dim=1), [p.shape for p in model.parameters()])
    for name, p in model.named_parameters():
        print(name, p.numel(), p.requires_grad, p.grad)
    return last


def tensors() -> None:
    a = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    b = torch.zeros(2, 2, dtype=torch.float32) + 2 * a - a / 3 @ a.T ** 2
    values, indices = b.max(dim=1)
    whole: Tensor = b.max()
    rows: tuple[int, ...] = b.shape
    n: int = b.size(0)
    parts: tuple[Tensor, ...] = b.split(1)
    c = torch.where(b > 0, b, 0.0).sum(dim=(0, 1), keepdim=True)
    d = b[0, 1:].view(-1).to(torch.float64).clamp(min=0, max=1)
    d += 1
    state: OrderedDict[str, Tensor] = nn.Linear(2, 2).state_dict()
    loss = F.mse_loss(F.relu(b), torch.zeros_like(b), reduction="sum")
    (g,) = torch.autograd.grad(loss, [a])
    e = torch.cat([g, g]).reshape(4, 2).tolist(), Double.apply(a)
    print(values, indices, whole, rows, n, parts, c, d, state, e, torch.equal(a, b), a == b)


@torch.no_grad()
def decorated(x: Tensor) -> Tensor:
    return torch.exp(x).float()


def mistakes(a: Tensor) -> None:
    a.sum(dimension=0)  # error
    a.no_such_method()  # error
    torch.matmul(a)  # error
    n: str = a.numel()  # error
    torch.optim.SGD([a], momentum="much")  # error
    nn.Linear("four", 3)  # error
    torch.cat(a, dim="0")  # error
    decorated(3)  # error
    print(n)
