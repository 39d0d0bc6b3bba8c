"""Optimizers, schedulers and generator states beside the installed PyTorch: parameters after many
steps for several option sets and dtypes, state dicts that move between the two in the middle of a
run, learning rates bit for bit. Skipped where PyTorch is missing."""
import unittest
import warnings

import leak_check
import minitorch
import numpy

try:
    import torch
except ImportError:
    torch = None

STEPS = 50
OPTIMIZERS = {
    "SGD": [dict(lr=0.1), dict(lr=0.1, momentum=0.9, dampening=0.2, weight_decay=0.01),
            dict(lr=0.1, momentum=0.9, nesterov=True, maximize=True)],
    "Adam": [{}, dict(lr=0.01, betas=(0.5, 0.7), eps=1e-3, weight_decay=0.1),
             dict(lr=0.02, amsgrad=True, maximize=True)],
    "AdamW": [{}, dict(lr=0.01, weight_decay=0.1, amsgrad=True), dict(lr=0.01, maximize=True)],
    "RMSprop": [{}, dict(lr=0.02, alpha=0.8, eps=1e-4, weight_decay=0.1), dict(centered=True),
                dict(momentum=0.9), dict(momentum=0.5, centered=True, maximize=True)],
    "Adagrad": [{}, dict(lr=0.1, lr_decay=0.05, weight_decay=0.1),
                dict(initial_accumulator_value=0.3, eps=1e-3, maximize=True)],
    "Adadelta": [{}, dict(lr=0.5, rho=0.6, eps=1e-4, weight_decay=0.1), dict(maximize=True)],
    "Adamax": [{}, dict(lr=0.05, betas=(0.6, 0.8), eps=1e-3, weight_decay=0.1),
               dict(maximize=True)],
    "NAdam": [{}, dict(lr=0.05, betas=(0.6, 0.8), eps=1e-3, weight_decay=0.1),
              dict(momentum_decay=0.1)],
    "RAdam": [{}, dict(lr=0.05, betas=(0.6, 0.8), eps=1e-3, weight_decay=0.1),
              dict(lr=0.05, betas=(0.9, 0.99))],
    "ASGD": [{}, dict(lr=0.1, lambd=0.01, alpha=0.5, t0=10, weight_decay=0.1),
             dict(lr=0.1, t0=0, maximize=True)],
    "Rprop": [{}, dict(lr=0.05, etas=(0.3, 1.5), step_sizes=(1e-3, 0.1)), dict(maximize=True)],
}
DTYPES = ["float32", "float64", "float16", "bfloat16"]


def values(t):
    return t.detach().to(minitorch.float64 if isinstance(t, minitorch.Tensor) else torch.float64
                         ).numpy()


def make_params(lib, dtype, seed=0):
    # PyTorch rounds what is left over from whole vectors of half types more often.
    shapes = [(5,), (3, 7), (33,), ()] if "loat16" not in dtype else [(32,), (2, 48)]
    rng = numpy.random.default_rng(seed)
    return [lib.tensor(rng.uniform(-2, 2, shape).tolist(), dtype=getattr(lib, dtype),
                       requires_grad=True) for shape in shapes]


def set_gradients(lib, params, step):
    rng = numpy.random.default_rng(1000 + step)
    for p in params:
        g = numpy.round(rng.uniform(-1, 1, tuple(p.shape)) * 64) / 64
        g = lib.tensor(g.tolist(), dtype=p.dtype)
        p.grad = g


def difference(ours, theirs):
    worst = 0.0
    for a, b in zip(ours, theirs):
        a, b = values(a), values(b)
        worst = max(worst, float(numpy.max(numpy.abs(a - b) / (numpy.abs(b) + 1e-3), initial=0)))
    return worst


@unittest.skipIf(torch is None, "PyTorch is not installed")
class Optimizers(unittest.TestCase):
    def runs(self):
        for name, sets in OPTIMIZERS.items():
            for options in sets:
                for dtype in DTYPES:
                    yield name, options, dtype

    def test_fifty_steps(self):
        exact = total = 0
        for name, options, dtype in self.runs():
            ours, theirs = make_params(minitorch, dtype), make_params(torch, dtype)
            a = getattr(minitorch.optim, name)(ours, **options)
            b = getattr(torch.optim, name)(theirs, **options)
            self.assertEqual(repr(a), repr(b))
            try:
                for step in range(STEPS):
                    set_gradients(torch, theirs, step)
                    b.step()
            except RuntimeError:
                continue  # not implemented there
            for step in range(STEPS):
                set_gradients(minitorch, ours, step)
                a.step()
            worst = difference(ours, theirs)
            total, exact = total + 1, exact + (worst == 0)
            with self.subTest(optimizer=name, options=options, dtype=dtype):
                self.assertLessEqual(worst, {"float64": 1e-13, "float32": 1e-5}.get(dtype, 1e-5))
        print(f"{exact} of {total} runs of 50 steps are equal to the last bit")

    def test_state_dicts_move_both_ways(self):
        for name, options, dtype in self.runs():
            if dtype not in ("float32", "float64"):
                continue
            ours, theirs = make_params(minitorch, dtype), make_params(torch, dtype)
            a = getattr(minitorch.optim, name)(ours, **options)
            b = getattr(torch.optim, name)(theirs, **options)
            for step in range(10):
                set_gradients(minitorch, ours, step)
                a.step()
                set_gradients(torch, theirs, step)
                b.step()
            mine, other = a.state_dict(), b.state_dict()
            with self.subTest(optimizer=name, options=options, dtype=dtype):
                self.assertEqual({k: type(v).__name__ for k, v in mine["state"].get(0, {}).items()},
                                 {k: type(v).__name__ for k, v in other["state"][0].items()
                                  if v is not None or name == "SGD"})
                self.assertEqual(mine["param_groups"], other["param_groups"])
                # Each goes on from the other's state and parameters.
                ours2 = [minitorch.tensor(p.detach().numpy(), requires_grad=True) for p in theirs]
                theirs2 = [torch.tensor(p.detach().numpy(), requires_grad=True) for p in ours]
                a2 = getattr(minitorch.optim, name)(ours2, lr=5)
                b2 = getattr(torch.optim, name)(theirs2, lr=5)
                a2.load_state_dict(convert(other, minitorch))
                b2.load_state_dict(convert(mine, torch))
                self.assertEqual(repr(a2), repr(b))
                for step in range(10, 20):
                    for lib, params, o in ((minitorch, ours, a), (minitorch, ours2, a2),
                                           (torch, theirs, b), (torch, theirs2, b2)):
                        set_gradients(lib, params, step)
                        o.step()
                self.assertLessEqual(difference(ours2, theirs), 1e-6)
                self.assertLessEqual(difference(ours, theirs2), 1e-6)

    def test_lbfgs(self):
        sets = [dict(lr=0.5), dict(lr=1, line_search_fn="strong_wolfe"),
                dict(lr=0.3, max_iter=4, history_size=3),
                dict(max_iter=7, history_size=2, line_search_fn="strong_wolfe")]
        # Runs that stop before they converge multiply float32's rounding, in PyTorch as well.
        for dtype, bound, some in (("float64", 1e-9, sets), ("float32", 1e-5, sets[:2])):
            for options in some:
                results = []
                for lib in (minitorch, torch):
                    x = lib.tensor([-1.2, 1.0, 0.5, -0.7], dtype=getattr(lib, dtype),
                                   requires_grad=True)
                    o = lib.optim.LBFGS([x], **options)

                    def closure():
                        o.zero_grad()
                        a, b = x[:3], x[1:]
                        loss = (4 * (b - a * a) ** 2 + (1 - a) ** 2).sum()
                        loss.backward()
                        return loss

                    losses = [float(o.step(closure).detach()) for _ in range(8)]
                    if lib is torch:  # on from our state
                        state = convert(results[0][2].state_dict(), torch)
                        torch.optim.LBFGS([x], **options).load_state_dict(state)
                    results.append((losses, x, o))
                ours, theirs = results
                with self.subTest(dtype=dtype, options=options):
                    self.assertEqual(repr(ours[2]), repr(theirs[2]))
                    self.assertLessEqual(difference([ours[1]], [theirs[1]]), bound)
                    numpy.testing.assert_allclose(ours[0], theirs[0], rtol=1e-4, atol=1e-7)
                    mine = ours[2].state_dict()["state"][0]
                    other = theirs[2].state_dict()["state"][0]
                    self.assertEqual(set(other) - {"al"}, set(mine))
                    again = minitorch.optim.LBFGS([ours[1]], **options)
                    again.load_state_dict(convert(theirs[2].state_dict(), minitorch))
                    self.assertEqual(len(again.state_dict()["state"][0]["old_dirs"]),
                                     len(other["old_dirs"]))


def convert(obj, lib):
    """A state dict with the other library's tensors."""
    if isinstance(obj, dict):
        return {k: convert(v, lib) for k, v in obj.items()}
    if isinstance(obj, (list, tuple)):
        return type(obj)(convert(v, lib) for v in obj)
    return lib.tensor(obj.detach().numpy()) if hasattr(obj, "detach") else obj


class Halve:
    """An object as a lambda, whose attributes are part of the state."""

    def __init__(self):
        self.calls = 0

    def __call__(self, epoch):
        self.calls += 1
        return 0.5 ** epoch


SCHEDULERS = {
    "LambdaLR": [lambda s, o: s.LambdaLR(o, lambda e: 0.95 ** e),
                 lambda s, o: s.LambdaLR(o, [lambda e: 1 / (e + 1), Halve()])],
    "MultiplicativeLR": [lambda s, o: s.MultiplicativeLR(o, lambda e: 0.9 + 0.001 * e)],
    "StepLR": [lambda s, o: s.StepLR(o, 3), lambda s, o: s.StepLR(o, 1, gamma=0.7)],
    "MultiStepLR": [lambda s, o: s.MultiStepLR(o, [2, 5, 5, 11], gamma=0.3)],
    "ConstantLR": [lambda s, o: s.ConstantLR(o), lambda s, o: s.ConstantLR(o, 0.7, 9)],
    "LinearLR": [lambda s, o: s.LinearLR(o), lambda s, o: s.LinearLR(o, 0.2, 0.7, 13)],
    "ExponentialLR": [lambda s, o: s.ExponentialLR(o, 0.93)],
    "PolynomialLR": [lambda s, o: s.PolynomialLR(o), lambda s, o: s.PolynomialLR(o, 17, 0.9)],
    "CosineAnnealingLR": [lambda s, o: s.CosineAnnealingLR(o, 7),
                          lambda s, o: s.CosineAnnealingLR(o, 20, eta_min=0.01)],
    "CosineAnnealingWarmRestarts": [lambda s, o: s.CosineAnnealingWarmRestarts(o, 4),
                                    lambda s, o: s.CosineAnnealingWarmRestarts(o, 3, 2, 0.001)],
    "CyclicLR": [lambda s, o: s.CyclicLR(o, 0.01, 0.1, step_size_up=4),
                 lambda s, o: s.CyclicLR(o, [0.01, 0.02], 0.1, 3, 6, mode="triangular2"),
                 lambda s, o: s.CyclicLR(o, 0.01, 0.1, 5, mode="exp_range", gamma=0.97,
                                         base_momentum=0.7, max_momentum=[0.9, 0.95]),
                 lambda s, o: s.CyclicLR(o, 0.01, 0.1, 5, scale_fn=lambda x: 1 / x),
                 lambda s, o: s.CyclicLR(o, 0.01, 0.1, 5, scale_fn=lambda x: 0.99 ** x,
                                         scale_mode="iterations", cycle_momentum=False)],
    "OneCycleLR": [lambda s, o: s.OneCycleLR(o, 0.3, total_steps=60),
                   lambda s, o: s.OneCycleLR(o, [0.3, 0.1], epochs=6, steps_per_epoch=10,
                                             anneal_strategy="linear", three_phase=True),
                   lambda s, o: s.OneCycleLR(o, 0.3, 60, pct_start=0.1, cycle_momentum=False,
                                             div_factor=5, final_div_factor=10)],
    "ChainedScheduler": [lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 3),
                                                          s.ExponentialLR(o, 0.9)])],
    "SequentialLR": [lambda s, o: s.SequentialLR(o, [s.LinearLR(o, 0.1, 1.0, 5),
                                                     s.CosineAnnealingLR(o, 10),
                                                     s.StepLR(o, 2)], [5, 20])],
    "SWALR": [lambda s, o: s.SWALR(o, 0.05), lambda s, o: s.SWALR(o, [0.05, 0.2], 5, "linear"),
              lambda s, o: s.SWALR(o, 0.05, anneal_epochs=0)],
    "ReduceLROnPlateau": [lambda s, o: s.ReduceLROnPlateau(o, patience=2, cooldown=3),
                          lambda s, o: s.ReduceLROnPlateau(o, "max", 0.5, 1, 0.1, "abs",
                                                           min_lr=[0.01, 0.02])],
}


class Namespace:
    def __init__(self, lib):
        self.__dict__.update(vars(lib.optim.lr_scheduler), SWALR=lib.optim.swa_utils.SWALR)


def two_groups(lib, kind="SGD"):
    p = make_params(lib, "float32")
    options = {"momentum": 0.9} if kind == "SGD" else {}
    return getattr(lib.optim, kind)([{"params": p[:2]}, {"params": p[2:], "lr": 0.02}], lr=0.1,
                                    **options)


def rates(optimizer):
    return [(g["lr"], g.get("momentum"), g.get("betas")) for g in optimizer.param_groups]


@unittest.skipIf(torch is None, "PyTorch is not installed")
class Schedulers(unittest.TestCase):
    def setUp(self):
        warnings.simplefilter("ignore")

    def drive(self, optimizer, scheduler, steps):
        seen = []
        for i in range(*steps):
            optimizer.step()
            if "Plateau" in type(scheduler).__name__:
                scheduler.step(1 / (1 + min(i, 6) + (i % 3)))
            else:
                scheduler.step()
            seen.append((rates(optimizer), list(getattr(scheduler, "_last_lr", []))))
        return seen

    def test_rates(self):
        for name, makers in SCHEDULERS.items():
            for k, make in enumerate(makers):
                for kind in ["SGD"] + ["Adam"] * (name == "OneCycleLR"):
                    runs = []
                    for lib in (minitorch, torch):
                        o = two_groups(lib, kind)
                        s = make(Namespace(lib), o)
                        runs.append((rates(o), self.drive(o, s, (0, 40)), o, s))
                    with self.subTest(scheduler=name, case=k, optimizer=kind):
                        self.assertEqual(runs[0][:2], runs[1][:2])
                        self.assertEqual(repr(runs[0][2]), repr(runs[1][2]))
                        self.assertEqual(list(runs[0][3].get_last_lr())
                                         if name != "ReduceLROnPlateau" else None,
                                         list(runs[1][3].get_last_lr())
                                         if name != "ReduceLROnPlateau" else None)
                        if name not in ("ChainedScheduler",):
                            self.assertEqual(runs[0][3].last_epoch, runs[1][3].last_epoch)

    def test_state_dicts_move_both_ways(self):
        for name, makers in SCHEDULERS.items():
            for k, make in enumerate(makers):
                saved, rest = [], []
                for lib in (minitorch, torch):
                    o = two_groups(lib)
                    s = make(Namespace(lib), o)
                    self.drive(o, s, (0, 13))
                    saved.append((o.state_dict(), s.state_dict()))
                    rest.append(self.drive(o, s, (13, 30)))
                with self.subTest(scheduler=name, case=k):
                    # The keys that are torch's own are there, but for what arguments determine.
                    missing = set(saved[1][1]) - set(saved[0][1]) - {
                        "anneal_func", "_schedule_phases", "_scale_fn_ref", "_scale_fn_custom",
                        "scale_mode", "mode", "use_beta1", "swa_lrs", "mode_worse"}
                    self.assertEqual(missing, set())
                    for lib, i in ((minitorch, 1), (torch, 0), (minitorch, 0)):
                        o = two_groups(lib)
                        s = make(Namespace(lib), o)
                        o.load_state_dict(convert(saved[i][0], lib))
                        s.load_state_dict(dict(saved[i][1]))
                        self.assertEqual(self.drive(o, s, (13, 30)), rest[0])

    def test_epochs_given(self):
        for name in ("StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR",
                     "PolynomialLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts"):
            for k, make in enumerate(SCHEDULERS[name]):
                seen = []
                for lib in (minitorch, torch):
                    o = two_groups(lib)
                    s = make(Namespace(lib), o)
                    o.step()
                    seen.append([])
                    for epoch in (3, 0, 12, 5):
                        s.step(epoch)
                        seen[-1].append(rates(o))
                    if name == "CosineAnnealingWarmRestarts":
                        for epoch in (0.5, 3.25, 7.75):
                            s.step(epoch)
                            seen[-1].append(rates(o))
                        s.step()
                        seen[-1].append((rates(o), s.T_cur, s.T_i, s.last_epoch))
                with self.subTest(scheduler=name, case=k):
                    self.assertEqual(*seen)

    def test_a_class_of_your_own(self):
        seen = []
        for lib in (minitorch, torch):
            class Warm(lib.optim.lr_scheduler._LRScheduler):
                def __init__(self, optimizer, length, last_epoch=-1):
                    self.length = length
                    super().__init__(optimizer, last_epoch)

                def get_lr(self):
                    assert self._get_lr_called_within_step
                    return [b * min(1, (self.last_epoch + 1) / self.length) for b in self.base_lrs]

            o = two_groups(lib)
            s = Warm(o, 7)
            seen.append(self.drive(o, s, (0, 10)))
            self.assertEqual(s.state_dict()["length"], 7)
        self.assertEqual(*seen)


@unittest.skipIf(torch is None, "PyTorch is not installed")
class Generators(unittest.TestCase):
    def test_states_move_both_ways(self):
        minitorch.manual_seed(7)
        minitorch.randn(5)
        state = minitorch.get_rng_state()
        self.assertEqual(state.shape[0], 5056)
        torch.set_rng_state(torch.tensor(state.numpy()))
        self.assertEqual(minitorch.randn(40).tolist(), torch.randn(40).tolist())
        self.assertEqual(minitorch.randperm(40).tolist(), torch.randperm(40).tolist())
        torch.rand(3)
        minitorch.set_rng_state(minitorch.tensor(torch.get_rng_state().numpy()))
        self.assertEqual(minitorch.rand(9).tolist(), torch.rand(9).tolist())
        self.assertTrue((minitorch.get_rng_state().numpy() == torch.get_rng_state().numpy()).all())


if __name__ == "__main__":
    leak_check.main()
