#!/usr/bin/python3
"""Writes optimizers.txt and schedulers.txt beside itself, from PyTorch: parameters after 50 steps of
every optimizer beside SGD and Adam, LBFGS on a curved valley, printed forms, and 40 learning rates of
every scheduler. Parameters and gradients are those of gen_nn.py's optimizer cases."""
import pathlib
import struct
import warnings

import torch

HERE = pathlib.Path(__file__).resolve().parent
warnings.simplefilter("ignore")


def bits(t):
    kind = {torch.float32: ">f", torch.float64: ">d"}[t.dtype]
    return ",".join(struct.pack(kind, v).hex() for v in t.detach().reshape(-1).tolist())


def text(s):
    return s.replace("\\", "\\\\").replace("\n", "\\n")


def two_params(dtype):
    return [torch.nn.Parameter(torch.tensor([-0.5, -0.25, 0, 0.25, 0.5], dtype=dtype)),
            torch.nn.Parameter(torch.tensor([[1.5], [-2]], dtype=dtype))]


def set_gradients(params, step):
    for i, p in enumerate(params):
        p.grad = torch.tensor([((step * 7 + i * 5 + k * 3) % 29 - 14) / 64
                               for k in range(p.numel())], dtype=p.dtype).reshape(p.shape)


SETS = {
    "RMSprop": [{}, dict(lr=0.02, alpha=0.8, eps=1e-4, weight_decay=0.1), dict(centered=True),
                dict(momentum=0.9), dict(momentum=0.5, centered=True, maximize=True)],
    "Adagrad": [{}, dict(lr=0.1, lr_decay=0.05, weight_decay=0.1),
                dict(initial_accumulator_value=0.3, eps=1e-3, maximize=True)],
    "Adadelta": [{}, dict(lr=0.5, rho=0.6, eps=1e-4, weight_decay=0.1), dict(maximize=True)],
    "Adamax": [{}, dict(lr=0.05, betas=(0.6, 0.8), eps=1e-3, weight_decay=0.1, maximize=True)],
    "NAdam": [{}, dict(lr=0.05, betas=(0.6, 0.8), eps=1e-3, weight_decay=0.1,
                       momentum_decay=0.1)],
    "RAdam": [{}, dict(lr=0.05, betas=(0.9, 0.99), eps=1e-3, weight_decay=0.1)],
    "ASGD": [{}, dict(lr=0.1, lambd=0.01, alpha=0.5, t0=10, weight_decay=0.1, maximize=True)],
    "Rprop": [{}, dict(lr=0.05, etas=(0.3, 1.5), step_sizes=(1e-3, 0.1), maximize=True)],
}
PARTS = {"betas": ("beta1", "beta2"), "etas": ("etaminus", "etaplus"),
         "step_sizes": ("step_size_min", "step_size_max")}


def flat(options):
    out = []
    for k, v in options.items():
        out += zip(PARTS[k], v) if k in PARTS else [(k, float(v))]
    return ";".join(f"{k}={v}" for k, v in out) or "-"


def optimizers():
    lines = []
    for name, sets in SETS.items():
        for options in sets:
            for dtype in (torch.float32, torch.float64):
                params = two_params(dtype)
                optimizer = getattr(torch.optim, name)(params, **options)
                for step in range(50):
                    set_gradients(params, step)
                    optimizer.step()
                lines.append(f"step/{name}/{flat(options)}/{str(dtype)[6:]} "
                             + " ".join(bits(p) for p in params))
        lines.append(f"repr/{name} {text(repr(getattr(torch.optim, name)(two_params(dtype))))}")
    for options in [dict(lr=0.5), dict(line_search_fn="strong_wolfe"),
                    dict(lr=0.3, max_iter=4, history_size=3),
                    dict(max_iter=7, history_size=2, line_search_fn="strong_wolfe")]:
        x = torch.tensor([-1.2, 1.0, 0.5, -0.7], dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.LBFGS([x], **options)

        def closure():
            optimizer.zero_grad()
            a, b = x[:3], x[1:]
            loss = (4 * (b - a * a) ** 2 + (1 - a) ** 2).sum()
            loss.backward()
            return loss

        for _ in range(5):
            optimizer.step(closure)
        numbers = {**options, "line_search_fn": "line_search_fn" in options}
        lines.append(f"lbfgs/{flat(numbers)} {bits(x)}")
    lines.append(f"repr/LBFGS {text(repr(optimizer))}")
    (HERE / "optimizers.txt").write_text("\n".join(lines) + "\n")


def schedulers():
    s = torch.optim.lr_scheduler
    swa = torch.optim.swa_utils
    makers = {
        "lambda": lambda o: s.LambdaLR(o, lambda e: 1 / (e + 1)),
        "multiplicative": lambda o: s.MultiplicativeLR(o, lambda e: 0.9 + 0.001 * e),
        "step": lambda o: s.StepLR(o, 3, 0.7),
        "multi_step": lambda o: s.MultiStepLR(o, [11, 2, 5, 5], 0.3),
        "constant": lambda o: s.ConstantLR(o, 0.7, 9),
        "linear": lambda o: s.LinearLR(o, 0.2, 0.7, 13),
        "exponential": lambda o: s.ExponentialLR(o, 0.93),
        "polynomial": lambda o: s.PolynomialLR(o, 17, 0.9),
        "cosine": lambda o: s.CosineAnnealingLR(o, 7, 0.01),
        "restarts": lambda o: s.CosineAnnealingWarmRestarts(o, 3, 2, 0.001),
        "cyclic": lambda o: s.CyclicLR(o, 0.01, 0.1, 3, 6),
        "cyclic_triangular2": lambda o: s.CyclicLR(o, [0.01, 0.02], 0.1, 4, mode="triangular2"),
        "cyclic_exp_range": lambda o: s.CyclicLR(o, 0.01, 0.1, 5, mode="exp_range", gamma=0.97),
        "one_cycle": lambda o: s.OneCycleLR(o, 0.3, 40),
        "one_cycle_linear": lambda o: s.OneCycleLR(o, 0.3, 40, anneal_strategy="linear",
                                                   three_phase=True),
        "plateau": lambda o: s.ReduceLROnPlateau(o, patience=2, cooldown=3),
        "plateau_max": lambda o: s.ReduceLROnPlateau(o, "max", 0.5, 1, 0.1, "abs", min_lr=0.01),
        "swa": lambda o: swa.SWALR(o, 0.05, 5),
        "swa_linear": lambda o: swa.SWALR(o, 0.05, 5, "linear"),
        "chained": lambda o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 3),
                                                 s.ExponentialLR(o, 0.9)]),
        "sequential": lambda o: s.SequentialLR(o, [s.LinearLR(o, 0.1, 1.0, 5),
                                                   s.CosineAnnealingLR(o, 10),
                                                   s.StepLR(o, 2)], [5, 20]),
    }
    lines = []
    for name, make in makers.items():
        params = two_params(torch.float32)
        o = torch.optim.SGD([{"params": params[:1]}, {"params": params[1:], "lr": 0.02}], lr=0.1,
                            momentum=0.9)
        scheduler = make(o)
        seen = []
        for step in range(40):
            seen += [v for g in o.param_groups for v in (g["lr"], g["momentum"])]
            o.step()
            if name.startswith("plateau"):
                scheduler.step(1 / (1 + min(step, 6) + step % 3))
            else:
                scheduler.step()
        lines.append(f"{name} " + ",".join(struct.pack(">d", v).hex() for v in seen))
    (HERE / "schedulers.txt").write_text("\n".join(lines) + "\n")


optimizers()
schedulers()
