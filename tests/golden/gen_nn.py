#!/usr/bin/python3
# Golden values for modules and optimizers from PyTorch: initial weights, dropout, printed forms,
# state dict keys, clipping, and 50 optimizer steps. Writes nn.txt and optim.txt beside itself.
# Lines: "<case> <values>"; tensors as hexadecimal bit patterns, row-major.
import pathlib
import struct

import torch
from torch import nn

HERE = pathlib.Path(__file__).parent


def bits(t):
    t = t.detach().contiguous().reshape(-1)
    n = t.element_size()
    raw = bytes(t.view(torch.uint8).tolist()) if t.numel() else b""
    return ",".join(raw[i:i + n][::-1].hex() for i in range(0, len(raw), n))


def text(s):
    return s.replace("\\", "\\\\").replace("\n", "\\n")


class Lines(list):
    def add(self, name, value):
        self.append(f"{name} {value}")

    def write(self, file):
        (HERE / file).write_text("\n".join(self) + "\n")


out = Lines()

# --- initial weights, bit for bit
for seed in (0, 1, 42, 2 ** 40 + 7):
    for i, o, bias in ((1, 1, True), (3, 5, True), (10, 7, False), (0, 4, True), (4, 0, True),
                       (37, 3, True)):
        torch.manual_seed(seed)
        m = nn.Linear(i, o, bias=bias)
        out.add(f"linear/{seed}/{i}/{o}/{int(bias)}/weight", bits(m.weight))
        out.add(f"linear/{seed}/{i}/{o}/{int(bias)}/bias", bits(m.bias) if bias else "none")
        out.add(f"linear/{seed}/{i}/{o}/{int(bias)}/next", bits(torch.rand(1)))
for dtype in (torch.float64, torch.bfloat16):
    torch.manual_seed(3)
    m = nn.Linear(5, 3, dtype=dtype)
    out.add(f"linear_dtype/{str(dtype)[6:]}/weight", bits(m.weight))
    out.add(f"linear_dtype/{str(dtype)[6:]}/bias", bits(m.bias))
torch.manual_seed(5)
x = torch.randn(4, 3)
m = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
out.add("mlp/x", bits(x))
out.add("mlp/y", bits(m(x)))

# --- initialisers
def init_cases():
    yield "uniform", lambda t: nn.init.uniform_(t, -2, 3)
    yield "normal", lambda t: nn.init.normal_(t, 1, 0.5)
    yield "constant", lambda t: nn.init.constant_(t, 0.1)
    yield "eye", lambda t: nn.init.eye_(t)
    yield "xavier_uniform", lambda t: nn.init.xavier_uniform_(t, 1.5)
    yield "xavier_normal", lambda t: nn.init.xavier_normal_(t)
    yield "kaiming_uniform", lambda t: nn.init.kaiming_uniform_(t, nonlinearity="relu")
    yield "kaiming_uniform_out", lambda t: nn.init.kaiming_uniform_(t, 0.2, "fan_out")
    yield "kaiming_normal", lambda t: nn.init.kaiming_normal_(t, mode="fan_out",
                                                              nonlinearity="tanh")


for name, fn in init_cases():
    for shape in ((4, 6), (7, 3)) + (((3, 2, 2, 2),) if name not in ("eye",) else ()):
        torch.manual_seed(11)
        t = torch.empty(shape)
        fn(t)
        out.add(f"init/{name}/{'x'.join(map(str, shape))}", bits(t))
for name, param in (("linear", None), ("conv2d", None), ("sigmoid", None), ("tanh", None),
                    ("relu", None), ("leaky_relu", None), ("leaky_relu", 0.3), ("selu", None)):
    g = nn.init.calculate_gain(name, param)
    out.add(f"gain/{name}/{param}", struct.pack(">d", g).hex())

# --- dropout
for seed in (0, 9):
    for p in (0.0, 0.1, 0.5, 1.0):
        for n in (7, 40):
            for inplace in (False, True):
                torch.manual_seed(seed)
                x = torch.arange(1, n + 1, dtype=torch.float32)
                y = nn.Dropout(p, inplace)(x)
                out.add(f"dropout/{seed}/{p}/{n}/{int(inplace)}", bits(y))

# --- printed forms
class Custom(nn.Module):
    def __init__(self, extra, *children):
        super().__init__()
        self.extra = extra
        for i, c in enumerate(children):
            self.add_module(f"child{i}", c)

    def extra_repr(self):
        return self.extra


reprs = {
    "identity": nn.Identity(), "linear": nn.Linear(3, 4), "linear_no_bias": nn.Linear(3, 4, False),
    "flatten": nn.Flatten(), "dropout": nn.Dropout(), "dropout_inplace": nn.Dropout(0.25, True),
    "dropout_one": nn.Dropout(1.0), "relu": nn.ReLU(), "relu_inplace": nn.ReLU(True),
    "sigmoid": nn.Sigmoid(), "tanh": nn.Tanh(), "gelu": nn.GELU(), "gelu_tanh": nn.GELU("tanh"),
    "softmax": nn.Softmax(1), "softmax_none": nn.Softmax(), "log_softmax": nn.LogSoftmax(-1),
    "mse": nn.MSELoss(), "l1": nn.L1Loss(), "bce": nn.BCELoss(), "bce_logits": nn.BCEWithLogitsLoss(),
    "nll": nn.NLLLoss(), "cross_entropy": nn.CrossEntropyLoss(),
    "empty_sequential": nn.Sequential(),
    "sequential": nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Sequential(nn.Linear(3, 1))),
    "custom": Custom(""), "custom_extra": Custom("a=1"), "custom_lines": Custom("a=1\nb=2"),
    "custom_children": Custom("", nn.ReLU(), None),
    "custom_all": Custom("a=1\nb=2", nn.Sequential(nn.Tanh()), Custom("x\ny")),
}
for name, m in reprs.items():
    out.add(f"repr/{name}", text(repr(m)))

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.register_buffer("count", torch.zeros(()))
        self.register_buffer("scratch", torch.zeros(2), persistent=False)
        self.body = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2, bias=False))
        self.head = self.body[0]
        self.loss = nn.CrossEntropyLoss(weight=torch.ones(2))


net = Net()
out.add("keys/state_dict", ",".join(net.state_dict()))
out.add("keys/parameters", ",".join(n for n, _ in net.named_parameters()))
out.add("keys/buffers", ",".join(n for n, _ in net.named_buffers()))
out.add("keys/modules", ",".join(n for n, _ in net.named_modules()))
out.write("nn.txt")

# --- optimizers: two parameters, 50 steps on gradients that are a fixed function of the step
out = Lines()


def gradient(step, i, n):
    # Exact in float32: small multiples of 1/64 of both signs.
    return torch.tensor([((step * 7 + i * 5 + k * 3) % 29 - 14) / 64 for k in range(n)])


def train(make, steps=50, dtype=torch.float32):
    params = [nn.Parameter((torch.arange(5, dtype=torch.float64) / 4 - 0.5).to(dtype)),
              nn.Parameter(torch.tensor([[1.5], [-2.0]], dtype=dtype))]
    optimizer = make(params)
    for step in range(steps):
        for i, p in enumerate(params):
            p.grad = gradient(step, i, p.numel()).reshape(p.shape).to(dtype)
        optimizer.step()
    return params, optimizer


SGD = [dict(lr=0.1), dict(lr=0.1, momentum=0.9), dict(lr=0.1, momentum=0.9, dampening=0.3),
       dict(lr=0.05, momentum=0.8, nesterov=True), dict(lr=0.1, weight_decay=0.01),
       dict(lr=0.1, momentum=0.9, weight_decay=0.1, nesterov=True, maximize=True),
       dict(lr=0.1, maximize=True), dict(lr=0.1, momentum=0.5, dampening=0.5, weight_decay=0.02)]
ADAM = [dict(), dict(lr=0.01), dict(lr=0.01, betas=(0.5, 0.7)), dict(lr=0.01, eps=1e-3),
        dict(lr=0.01, weight_decay=0.1), dict(lr=0.01, amsgrad=True),
        dict(lr=0.02, amsgrad=True, weight_decay=0.05, maximize=True), dict(maximize=True),
        dict(lr=0.01, betas=(0.0, 0.0))]


def options(o):
    o = dict(o)
    if "betas" in o:
        o["beta1"], o["beta2"] = o.pop("betas")
    return ";".join(f"{k}={float(v)!r}" for k, v in o.items()) or "-"


for kind, sets in (("sgd", SGD), ("adam", ADAM), ("adamw", ADAM)):
    cls = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[kind]
    for o in sets:
        for dtype in (torch.float32, torch.float64):
            params, optimizer = train(lambda p: cls(p, **o), dtype=dtype)
            values = " ".join(bits(p) for p in params)
            out.add(f"step/{kind}/{options(o)}/{str(dtype)[6:]}", values)
    _, optimizer = train(lambda p: cls(p, lr=0.1, weight_decay=0.01), steps=1)
    out.add(f"repr/{kind}", text(repr(optimizer)))

# Two groups, one changed later.
params = [nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(2))]
optimizer = torch.optim.SGD(params[:1], lr=0.1, momentum=0.9)
optimizer.add_param_group({"params": params[1:], "lr": 0.5})
out.add("repr/groups", text(repr(optimizer)))

# --- clipping
def grads():
    params = [nn.Parameter(torch.zeros(3)), nn.Parameter(torch.zeros(2, 2)),
              nn.Parameter(torch.zeros(1))]
    params[0].grad = torch.tensor([3.0, -4.0, 0.5])
    params[1].grad = torch.tensor([[1.0, 2.0], [-0.25, 8.0]])
    return params


for norm_type in (1.0, 2.0, 3.0, 0.5, float("inf")):
    for max_norm in (1.0, 5.5, 100.0):
        params = grads()
        total = nn.utils.clip_grad_norm_(params, max_norm, norm_type)
        out.add(f"clip_norm/{norm_type}/{max_norm}",
                " ".join([bits(total)] + [bits(p.grad) for p in params[:2]]))
params = grads()
nn.utils.clip_grad_value_(params, 1.5)
out.add("clip_value/1.5", " ".join(bits(p.grad) for p in params[:2]))
out.write("optim.txt")
