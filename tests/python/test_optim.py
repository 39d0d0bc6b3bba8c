"""Optimizers and schedulers in Python: groups that show what C holds, closures, warnings, printed
rates, averaged models, copies of state, errors with torch's texts."""
import contextlib
import copy
import io
import unittest
import warnings

import numpy as np

import leak_check
import minitorch as torch
import minitorch.nn as nn
from minitorch import optim
from minitorch.optim import lr_scheduler as lrs
from minitorch.optim.swa_utils import SWALR, AveragedModel, get_ema_avg_fn, update_bn

ALL = ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "ASGD",
       "Rprop"]


def parameter(*values):
    return torch.tensor(list(values), requires_grad=True)


def make(name, params, **options):
    if name == "SGD":
        options = {"momentum": 0.5, **options}
    return getattr(optim, name)(params, **options)


class Optimizers(unittest.TestCase):
    def test_all_descend_and_copy_their_state(self):
        for name in ALL:
            with self.subTest(optimizer=name):
                x, y = parameter(1., -2.), parameter(1., -2.)
                a = make(name, [x], lr=10 if name == "Adadelta" else 0.1)
                b = make(name, [y], lr=5)

                def closure(o, p):
                    o.zero_grad()
                    loss = (p * p).sum()
                    loss.backward()
                    return loss

                first = a.step(lambda: closure(a, x)).item()
                for _ in range(10):
                    a.step(lambda: closure(a, x))
                b.load_state_dict(copy.deepcopy(a.state_dict()))
                with torch.no_grad():
                    y.copy_(x)
                for _ in range(10):
                    a.step(lambda: closure(a, x))
                    b.step(lambda: closure(b, y))
                self.assertEqual(x.tolist(), y.tolist())
                self.assertLess((x * x).sum().item(), first)
                self.assertEqual(repr(a), repr(b))
                self.assertIs(next(iter(a.state)), x)

    def test_groups(self):
        a, b, c = parameter(1.), parameter(2.), parameter(3.)
        o = optim.SGD([{"params": a, "name": "first"},
                       {"params": [b], "nesterov": True, "momentum": 0.9}], lr=0.5)
        self.assertEqual([g["lr"] for g in o.param_groups], [0.5, 0.5])
        self.assertEqual(o.param_groups[0]["name"], "first")
        o.add_param_group({"params": [c], "lr": 0})
        for p in (a, b, c):
            p.grad = torch.ones(1)
        o.step()
        self.assertEqual((a.item(), c.item()), (0.5, 3))
        o.param_groups[0]["lr"] = 1
        o.param_groups[0].update(weight_decay=0.5)
        o.step()
        self.assertEqual(a.item(), 0.5 - (1 + 0.25))
        with self.assertRaises(ValueError):
            o.param_groups[0]["lr"] = -1
        with self.assertRaisesRegex(ValueError, "in more than one parameter group"):
            o.add_param_group({"params": [c]})
        with self.assertRaisesRegex(AssertionError, "param group must be a dict"):
            o.add_param_group([c])
        other = copy.deepcopy(o)
        other.step()
        self.assertEqual(a.item(), 0.5 - (1 + 0.25))
        self.assertIsNot(other.param_groups[0]["params"][0], a)
        self.assertEqual(other.state_dict()["param_groups"], o.state_dict()["param_groups"])
        self.assertEqual(o.state_dict()["param_groups"][2]["params"], [2])
        adam = optim.Adam([{"params": a, "betas": (0.5, 0.6)}, {"params": b}])
        self.assertEqual([g["betas"] for g in adam.param_groups], [(0.5, 0.6), (0.9, 0.999)])
        adam.param_groups[1]["betas"] = (0.1, 0.2)
        state = adam.state_dict()
        other = optim.Adam([{"params": a}, {"params": b}])
        other.load_state_dict(state)
        self.assertEqual([g["betas"] for g in other.param_groups], [(0.5, 0.6), (0.1, 0.2)])

    def test_lbfgs(self):
        x = parameter(3., 4.)
        o = optim.LBFGS([x], line_search_fn="strong_wolfe")
        calls = []

        def closure():
            o.zero_grad()
            loss = (x * x).sum()
            loss.backward()
            calls.append(1)
            return loss

        self.assertEqual(o.step(closure).item(), 25)
        self.assertLess((x * x).sum().item(), 1e-10)
        self.assertGreater(len(calls), 1)
        self.assertEqual(o.state_dict()["param_groups"][0]["line_search_fn"], "strong_wolfe")

        def bad():
            raise KeyError("mine")

        with self.assertRaisesRegex(KeyError, "mine"):
            o.step(bad)
        with self.assertRaises(ValueError):
            optim.LBFGS([{"params": [x]}, {"params": [parameter(1.)]}])
        with self.assertRaisesRegex(RuntimeError, "only 'strong_wolfe'"):
            optim.LBFGS([x], line_search_fn="armijo")

    def test_a_class_of_your_own(self):
        class Signs(optim.Optimizer):
            def __init__(self, params, lr=0.5):
                super().__init__(params, {"lr": lr})

            def step(self, closure=None):
                with torch.no_grad():
                    for group in self.param_groups:
                        for p in group["params"]:
                            self.state.setdefault(p, {"step": 0})["step"] += 1
                            p.sub_(p.grad.sign() * group["lr"])

        x = parameter(1., -1.)
        o = Signs([x])
        (x * x).sum().backward()
        o.step()
        self.assertEqual(x.tolist(), [0.5, -0.5])
        self.assertEqual(o.state_dict()["state"], {0: {"step": 1}})
        o.zero_grad()
        self.assertEqual(x.grad.tolist(), [0, 0])

    def test_errors(self):
        x = parameter(1.)
        for name, options, text in [
                ("SGD", {"lr": -1}, "Invalid learning rate: -1"),
                ("SGD", {"lr": 1, "nesterov": True}, "Nesterov momentum requires"),
                ("Adam", {"betas": (0.5, 1)}, "Invalid beta parameter at index 1: 1"),
                ("RMSprop", {"alpha": -1}, "Invalid alpha value: -1"),
                ("Adadelta", {"rho": 2}, "Invalid rho value: 2"),
                ("NAdam", {"momentum_decay": -1}, "Invalid momentum_decay value: -1"),
                ("Adagrad", {"eps": -1}, "Invalid epsilon value: -1"),
                ("Rprop", {"etas": (2, 3)}, "Invalid eta values: 2, 3")]:
            with self.assertRaisesRegex(ValueError, text):
                getattr(optim, name)([x], **options)
        for bad, error, text in [([], ValueError, "empty parameter list"),
                                 (x, TypeError, "iterable of Tensors"),
                                 ([1.0], TypeError, "can only optimize Tensors"),
                                 ([x * 2], ValueError, "non-leaf"),
                                 ([{"params": {x}}], TypeError, "ordered collections")]:
            with self.assertRaisesRegex(error, text):
                optim.Adam(bad)
        with self.assertRaisesRegex(ValueError, "required optimization parameter lr"):
            optim.SGD([{"params": [x], "lr": 1}, {"params": [parameter(1.)]}])
        o = optim.Adam([x])
        with self.assertRaisesRegex(ValueError, "different number of parameter groups"):
            o.load_state_dict({"state": {}, "param_groups": []})
        with self.assertRaisesRegex(ValueError, "doesn't match the size"):
            o.load_state_dict({"state": {}, "param_groups": [{"params": [0, 1]}]})


class Schedulers(unittest.TestCase):
    def setUp(self):
        warnings.simplefilter("ignore")

    def optimizer(self, **options):
        return optim.SGD([parameter(1.)], **{"lr": 0.1, "momentum": 0.9, **options})

    def test_groups_show_the_rate(self):
        o = self.optimizer()
        s = lrs.StepLR(o, 2, gamma=0.5)
        self.assertEqual(o.param_groups[0]["initial_lr"], 0.1)
        seen = []
        for _ in range(5):
            o.step()
            s.step()
            seen.append(o.param_groups[0]["lr"])
        self.assertEqual(seen, [0.1, 0.05, 0.05, 0.025, 0.025])
        self.assertEqual((s.get_last_lr(), s.last_epoch, s.gamma, s.base_lrs),
                         ([0.025], 5, 0.5, [0.1]))
        s.base_lrs = [0.4]
        s.gamma = 0.25
        self.assertEqual((s.base_lrs, s.gamma), ([0.4], 0.25))
        with self.assertRaises(AttributeError):
            s.nothing
        self.assertNotIn("optimizer", s.state_dict())
        self.assertEqual(s.state_dict()["step_size"], 2)

    def test_warnings_and_verbose(self):
        o = self.optimizer()
        with contextlib.redirect_stdout(io.StringIO()) as out:
            s = lrs.ExponentialLR(o, 0.5, verbose=True)
            with self.assertWarnsRegex(UserWarning, "before `optimizer.step\\(\\)`"):
                s.step()
            with self.assertWarnsRegex(UserWarning, "epoch parameter"):
                s.step(3)
        self.assertEqual(out.getvalue().splitlines(), [
            "Adjusting learning rate of group 0 to 1.0000e-01.",
            "Adjusting learning rate of group 0 to 5.0000e-02.",
            "Epoch 00003: adjusting learning rate of group 0 to 1.2500e-02."])
        with contextlib.redirect_stdout(io.StringIO()) as out:
            s = lrs.ReduceLROnPlateau(o, patience=0, verbose=True)
            s.step(1.0)
            s.step(torch.tensor(2.0))
        self.assertEqual(out.getvalue(),
                         "Epoch 00002: reducing learning rate of group 0 to 1.2500e-03.\n")
        o.step()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            lrs.ExponentialLR(self.optimizer(), 0.5)

    def test_lambdas(self):
        o = self.optimizer()
        with self.assertRaisesRegex(ValueError, "Expected 1 lr_lambdas, but got 2"):
            lrs.LambdaLR(o, [abs, abs])
        o.step()
        s = lrs.LambdaLR(o, lambda e: 1 / (e + 1))

        def bad(epoch):
            if epoch:
                raise KeyError("mine")
            return 1

        s.step()
        self.assertEqual(o.param_groups[0]["lr"], 0.05)
        s = lrs.LambdaLR(o, bad)
        with self.assertRaisesRegex(KeyError, "mine"):
            s.step()
        self.assertEqual(s.last_epoch, 0)
        with self.assertRaisesRegex(KeyError, "mine"):
            lrs.MultiplicativeLR(o, bad).step()

    def test_errors(self):
        o, x = self.optimizer(), optim.Adagrad([parameter(1.)])
        for call, error, text in [
                (lambda: lrs.StepLR(3, 1), TypeError, "int is not an Optimizer"),
                (lambda: lrs.ConstantLR(o, 2), ValueError, "between 0 and 1"),
                (lambda: lrs.LinearLR(o, -1), ValueError, "between 0 and 1"),
                (lambda: lrs.CosineAnnealingWarmRestarts(o, 0), ValueError, "integer T_0"),
                (lambda: lrs.OneCycleLR(o, 1), ValueError, "You must define either"),
                (lambda: lrs.OneCycleLR(o, 1, 5, pct_start=2), ValueError, "pct_start"),
                (lambda: lrs.OneCycleLR(o, [1, 2], 5), ValueError, "expected 1 values for max_lr"),
                (lambda: lrs.OneCycleLR(x, 1, 5), ValueError, "must support momentum"),
                (lambda: lrs.CyclicLR(o, 0, 1, mode="square"), ValueError, "mode is invalid"),
                (lambda: lrs.ReduceLROnPlateau(o, factor=1.5), ValueError, "Factor"),
                (lambda: lrs.ReduceLROnPlateau(o, "least"), ValueError, "mode least is unknown"),
                (lambda: lrs.SequentialLR(o, [lrs.StepLR(o, 1)], [1]), ValueError, "one more"),
                (lambda: lrs.StepLR(self.optimizer(), 1, last_epoch=3), KeyError, "initial_lr"),
                (lambda: SWALR(o, [1, 2]), ValueError, "same length")]:
            with self.assertRaisesRegex(error, text):
                call()
        o.step()
        s = lrs.OneCycleLR(o, 1, 2)
        s.step(), s.step()
        with self.assertRaisesRegex(ValueError, "The specified number of total steps is 2"):
            s.step()

    def test_resuming_by_last_epoch(self):
        o = self.optimizer()
        s = lrs.CosineAnnealingLR(o, 10)
        o.step()
        for _ in range(4):
            s.step()
        again = self.optimizer()
        again.load_state_dict(o.state_dict())
        t = lrs.CosineAnnealingLR(again, 10, last_epoch=s.last_epoch)
        s.step()
        self.assertAlmostEqual(t.get_last_lr()[0], s.get_last_lr()[0], places=12)


class Averages(unittest.TestCase):
    def test_equal_exponential_and_own(self):
        def run(**options):
            model = nn.Linear(1, 1)
            averaged = AveragedModel(model, **options)
            for i in (1., 2., 3.):
                with torch.no_grad():
                    model.weight.fill_(i)
                averaged.update_parameters(model)
            self.assertEqual(averaged.n_averaged.item(), 3)
            self.assertEqual(list(averaged.state_dict()),
                             ["n_averaged", "module.weight", "module.bias"])
            self.assertEqual(averaged(torch.ones(1, 1)).shape, torch.ones(1, 1).shape)
            return averaged.module.weight.item()

        self.assertAlmostEqual(run(), 2, places=6)
        self.assertAlmostEqual(run(avg_fn=get_ema_avg_fn(0.9)), 1.29, places=6)
        self.assertEqual(run(avg_fn=lambda a, v, n: torch.maximum(a, v)), 3)

    def test_update_bn_averages_the_batches(self):
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4, momentum=0.3))
        data = [torch.randn(8, 3) for _ in range(5)]
        for x in data:
            model(x * 9)  # statistics that are to be forgotten
        model.eval()
        update_bn([(x, None) for x in data], model)
        bn = model[1]
        self.assertEqual((bn.momentum, bn.training, bn.num_batches_tracked.item()), (0.3, False, 5))
        with torch.no_grad():
            hidden = np.stack([model[0](x).numpy() for x in data])
        np.testing.assert_allclose(bn.running_mean.numpy(), hidden.mean((0, 1)), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(bn.running_var.numpy(), hidden.var(1, ddof=1).mean(0), rtol=1e-4)


if __name__ == "__main__":
    leak_check.main()
