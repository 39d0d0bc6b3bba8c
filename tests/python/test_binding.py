"""The Python binding: torch's texts and types, zero-copy, errors, checkpoints.

Expected values are PyTorch's documented ones; where PyTorch itself is installed the last class
compares with it live.
"""
import copy
import gc
import os
import pathlib
import tempfile
import unittest

import numpy as np

import leak_check
import minitorch as torch
import minitorch.nn as nn
from minitorch._native import ffi, lib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

try:
    import torch as real_torch  # PyTorch, for the live comparison only
except ImportError:
    real_torch = None


class Model(nn.Module):
    def __init__(self, input_dim, output_dim):
        super(Model, self).__init__()
        self.linear = nn.Linear(input_dim, output_dim)

    def forward(self, x):
        return self.linear(x)


class Tensors(unittest.TestCase):
    def test_operators_and_numbers(self):
        a = torch.tensor([1., 2.])
        self.assertEqual((2 * a + 1 - a / 2).tolist(), [2.5, 4.0])
        self.assertEqual((1 - a).tolist(), [0, -1])
        self.assertEqual((2 ** a).tolist(), [2, 4])
        self.assertEqual((-a).tolist(), [-1, -2])
        a += 1
        a *= 2
        self.assertEqual(a.tolist(), [4, 6])
        self.assertEqual((a > 4).tolist(), [False, True])
        self.assertEqual((torch.ones(2, 3) @ torch.ones(3, 1)).tolist(), [[3], [3]])

    def test_promotion_with_numbers(self):
        i = torch.tensor([1, 2])
        self.assertIs((i + 1).dtype, torch.int64)
        self.assertIs((i + 1.5).dtype, torch.float32)
        self.assertIs((i / 2).dtype, torch.float32)
        self.assertIs((torch.tensor([True]) + 1).dtype, torch.int64)
        self.assertIs((torch.ones(1, dtype=torch.float16) + 1.0).dtype, torch.float16)
        self.assertIs((i.to(torch.int8) + torch.tensor(300)).dtype, torch.int8)

    def test_basic_indexing(self):
        t = torch.arange(24).view(2, 3, 4)
        n = np.arange(24).reshape(2, 3, 4)
        for key in (0, -1, (0, 1), (slice(None), 1), (Ellipsis, 2), (slice(None), slice(0, 3, 2)),
                    (None, 1), (1, Ellipsis, None), (slice(1, None), slice(None), slice(1, -1))):
            self.assertEqual(t[key].tolist(), n[key].tolist(), key)
        with self.assertRaises(IndexError):
            t[5]
        with self.assertRaises(IndexError):
            t[0, 0, 0, 0]

    def test_advanced_indexing(self):
        t = torch.arange(12).view(3, 4)
        n = np.arange(12).reshape(3, 4)
        index = torch.tensor([2, 0])
        self.assertEqual(t[index].tolist(), n[[2, 0]].tolist())
        self.assertEqual(t[:, index].tolist(), n[:, [2, 0]].tolist())
        self.assertEqual(t[t > 5].tolist(), n[n > 5].tolist())
        self.assertEqual(t[[0, 1], [1, 2]].tolist(), n[[0, 1], [1, 2]].tolist())
        t[t > 5] = 0
        n[n > 5] = 0
        self.assertEqual(t.tolist(), n.tolist())
        t[1] = torch.tensor([9, 9, 9, 9])
        self.assertEqual(t[1].tolist(), [9] * 4)

    def test_assignment_is_recorded(self):
        w = torch.tensor([2.], requires_grad=True)
        buffer = torch.zeros(3)
        buffer[1:2] = w
        (buffer * torch.tensor([1., 5., 1.])).sum().backward()
        self.assertEqual(w.grad.tolist(), [5])

    def test_limits_of_dtypes(self):
        for kind in (torch.float16, torch.float32, torch.float64):
            want, got = np.finfo(kind.name), torch.finfo(kind)
            for name in ("bits", "eps", "max", "min", "tiny", "smallest_normal", "resolution"):
                value = want.dtype.type(getattr(got, name))  # NumPy keeps them in the dtype itself
                self.assertEqual(value, getattr(want, name), (kind, name))
        half = torch.finfo(torch.bfloat16)
        self.assertEqual((half.bits, half.eps, half.resolution), (16, 2.0 ** -7, 0.01))
        patterns = torch.tensor([0x7F7F0000, 0x00800000], dtype=torch.int32).numpy().view(np.float32)
        self.assertEqual([half.max, half.tiny], patterns.tolist())  # the upper halves of float32s
        self.assertEqual(torch.finfo(torch.complex128), torch.finfo(torch.float64))
        self.assertEqual(repr(torch.finfo()), "finfo(resolution=1e-06, min=-3.40282e+38, max=3.40282e+38, "
                         "eps=1.19209e-07, smallest_normal=1.17549e-38, tiny=1.17549e-38, dtype=float32)")
        for kind in (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16,
                     torch.uint32, torch.uint64):
            want, got = np.iinfo(kind.name), torch.iinfo(kind)
            self.assertEqual((got.bits, got.min, got.max, got.dtype),
                             (want.bits, int(want.min), int(want.max), kind.name))
        self.assertEqual(repr(torch.iinfo(torch.int8)), "iinfo(min=-128, max=127, dtype=int8)")
        for wrong in (lambda: torch.finfo(torch.int32), lambda: torch.iinfo(torch.float32),
                      lambda: torch.iinfo(torch.bool), lambda: torch.finfo("float32"), torch.iinfo):
            self.assertRaises(TypeError, wrong)

    def test_min_max_with_dim(self):
        t = torch.tensor([[1., 5.], [7., 2.]])
        values, indices = t.max(1)
        self.assertEqual((values.tolist(), indices.tolist()), ([5, 7], [1, 0]))
        self.assertEqual(t.min().item(), 1)

    def test_memory_is_given_back(self):
        def live():
            out = ffi.new("int64_t *")
            lib.mt_live_handles(out, lib.MT_HANDLE_TENSOR)
            return out[0]

        gc.collect()
        torch.zeros(1) + 1
        before = live()
        for _ in range(100):
            x = torch.ones(10, requires_grad=True)
            (x * x).sum().backward()
            del x
        gc.collect()
        self.assertLessEqual(live() - before, 2)

    def test_errors_are_exceptions_of_the_right_kind(self):
        with self.assertRaises(IndexError):
            torch.zeros(2).sum(3)
        with self.assertRaises(ValueError):
            nn.Dropout(2)
        with self.assertRaises(TypeError):
            torch.zeros(2) + "x"
        with self.assertRaises(RuntimeError):
            torch.zeros(2, 3).view(5)
        with self.assertRaises(TypeError):
            torch.from_numpy([1, 2])
        with self.assertRaises(RuntimeError):
            torch.zeros(2, requires_grad=True).numpy()

    def test_dlpack_both_ways(self):
        a = np.arange(4, dtype=np.float32)
        t = torch.from_dlpack(a)
        t[0] = 9
        self.assertEqual(a[0], 9)
        back = np.from_dlpack(torch.arange(3))
        self.assertEqual(back.tolist(), [0, 1, 2])


class Autograd(unittest.TestCase):
    def test_function(self):
        class Cube(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x * x * x

            @staticmethod
            def backward(ctx, g):
                x, = ctx.saved_tensors
                return 3 * x * x * g

        x = torch.tensor([2., 3.], requires_grad=True)
        Cube.apply(x).sum().backward()
        self.assertEqual(x.grad.tolist(), [12, 27])

    def test_exceptions_in_callbacks_come_back(self):
        class Broken(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 1

            @staticmethod
            def backward(ctx, g):
                raise KeyError("mine")

        x = torch.tensor([1.], requires_grad=True)
        with self.assertRaises(KeyError):
            Broken.apply(x).sum().backward()

    def test_hooks_and_grad(self):
        x = torch.tensor([1., 2.], requires_grad=True)
        handle = x.register_hook(lambda g: g * 10)
        (x * 2).sum().backward()
        self.assertEqual(x.grad.tolist(), [20, 20])
        handle.remove()
        y = (x ** 3).sum()
        g, = torch.autograd.grad(y, x, create_graph=True)
        h, = torch.autograd.grad(g.sum(), x)
        self.assertEqual(h.tolist(), [6, 12])

    def test_gradcheck(self):
        x = torch.tensor([0.5, 1.5], dtype=torch.float64, requires_grad=True)
        self.assertTrue(torch.autograd.gradcheck(lambda t: t.exp() * t, [x]))


class Modules(unittest.TestCase):
    def net(self):
        torch.manual_seed(1)
        return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2))

    def test_parameters_and_state(self):
        a, b = self.net(), self.net()
        self.assertEqual([n for n, _ in a.named_parameters()],
                         ["0.weight", "0.bias", "3.weight", "3.bias"])
        with torch.no_grad():
            b[0].weight.zero_()
        b.load_state_dict(a.state_dict())
        self.assertEqual(b[0].weight.tolist(), a[0].weight.tolist())
        with self.assertRaises(RuntimeError) as e:
            b.load_state_dict({"0.weight": torch.zeros(4, 3)})
        self.assertIn("Missing key(s) in state_dict", str(e.exception))

    def test_deleting_an_attribute(self):
        m = Model(2, 1)
        del m.linear
        self.assertEqual(list(m.parameters()), [])
        self.assertEqual(list(m.state_dict()), [])
        m.linear = nn.Linear(3, 1)
        self.assertEqual(list(m.state_dict()), ["linear.weight", "linear.bias"])

    def test_train_and_eval(self):
        m = self.net().eval()
        self.assertFalse(m[2].training)
        x = torch.ones(1, 3)
        self.assertEqual(m(x).tolist(), m(x).tolist())

    def test_python_module_inside_c_sequential(self):
        class Double(nn.Module):
            def forward(self, x):
                return x * 2

        inner = Double()
        out = ffi.new("mt_module **")
        modules = ffi.new("mt_module *[]", [inner._c])
        self.assertEqual(lib.mt_nn_sequential(out, modules, 1), 0)
        sequential = ffi.gc(out[0], lib.mt_module_free)
        x, y = torch.ones(2), ffi.new("mt_tensor **")
        self.assertEqual(lib.mt_module_forward(y, sequential, ffi.cast("mt_tensor *", x._h)), 0)
        from minitorch._runtime import _own
        self.assertEqual(_own(y).tolist(), [2, 2])

    def test_optimizer_groups_and_state(self):
        m = self.net()
        opt = torch.optim.Adam([{"params": m[0].parameters(), "lr": 0.1},
                                {"params": m[3].parameters()}], lr=0.01)
        self.assertEqual([g["lr"] for g in opt.param_groups], [0.1, 0.01])
        m(torch.ones(1, 3)).sum().backward()
        opt.step()
        state = opt.state_dict()
        self.assertEqual(state["param_groups"][1]["params"], [2, 3])
        other = torch.optim.Adam([{"params": m[0].parameters()}, {"params": m[3].parameters()}])
        other.load_state_dict(state)
        self.assertEqual(other.param_groups[0]["lr"], 0.1)
        opt.param_groups[0]["lr"] = 0.5
        self.assertIn("lr: 0.5", repr(opt))

    def test_save_and_load(self):
        m = self.net()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "m.safetensors")
            torch.save(m.state_dict(), path)
            again = torch.load(path)
            self.assertEqual(list(again), list(m.state_dict()))
            self.assertEqual(again["0.weight"].tolist(), m[0].weight.tolist())
            torch.save({"epoch": 3, "model": m.state_dict(), "lrs": [0.1, 0.2]}, path)
            nested = torch.load(path)
            self.assertEqual((nested["epoch"], nested["lrs"]), (3, [0.1, 0.2]))
            with self.assertRaises(OSError):
                torch.load(os.path.join(folder, "none"))
            with self.assertRaises(TypeError):
                torch.save(m, path)

    def test_clip_grad(self):
        p = nn.Parameter(torch.tensor([3., 4.]))
        (p * torch.tensor([3., 4.])).sum().backward()
        norm = nn.utils.clip_grad_norm_([p], 1.0)
        self.assertAlmostEqual(norm.item(), 5, places=5)
        np.testing.assert_allclose(p.grad.numpy(), [0.6, 0.8], rtol=1e-5)

    def test_deepcopy_of_tensors(self):
        t = torch.tensor([1.], requires_grad=True)
        c = copy.deepcopy(t)
        self.assertTrue(c.requires_grad)
        self.assertNotEqual(c.data_ptr(), t.data_ptr())


@unittest.skipIf(real_torch is None, "PyTorch is not installed")
class AgainstTorch(unittest.TestCase):
    def train(self, t, n):
        t.manual_seed(3)
        model = n.Sequential(n.Linear(10, 32), n.ReLU(), n.Dropout(0.2), n.Linear(32, 3))
        first = [p.detach().numpy().copy() for p in model.parameters()]
        optimizer = t.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        x, y = t.randn(64, 10), t.randint(0, 3, (64,))
        loss_fn, losses = n.CrossEntropyLoss(), []
        for _ in range(200):
            optimizer.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return first, losses, t.randperm(10).tolist(), repr(model)

    def test_same_seed_same_numbers(self):
        ours, theirs = self.train(torch, nn), self.train(real_torch, real_torch.nn)
        for a, b in zip(ours[0], theirs[0]):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-5)
        self.assertEqual(ours[2:], theirs[2:])


if __name__ == "__main__":
    leak_check.main()
