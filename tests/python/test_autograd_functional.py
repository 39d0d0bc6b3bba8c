"""torch.autograd.functional against closed forms, and against PyTorch itself where it is installed."""
import unittest

import leak_check
import minitorch
from minitorch.autograd import functional as F

try:
    import torch
except ImportError:
    torch = None


def exp_reducer(x):
    return x.exp().sum(1)


def mixed(x, y):
    return (x * y).sum(0), x.pow(2) + 3 * y.sum()


def power(x):
    return x.pow(3).sum()


def joint(x, y):
    return (x.pow(2) * y).sum() + x.sin().sum()


class Functional(unittest.TestCase):
    def test_jacobian_of_a_product(self):
        a = minitorch.tensor([[1.0, 2.0], [3.0, 4.0]])
        j = F.jacobian(lambda x: a @ x, minitorch.tensor([5.0, 6.0]))
        self.assertEqual(j.tolist(), a.tolist())
        self.assertFalse(j.requires_grad)

    def test_hessian_of_a_cube(self):
        h = F.hessian(power, minitorch.tensor([1.0, 2.0]))
        self.assertEqual(h.tolist(), [[6.0, 0.0], [0.0, 12.0]])

    def test_independent_output_is_zero_or_an_error_when_strict(self):
        x = minitorch.ones(2)
        self.assertEqual(F.jacobian(lambda t: minitorch.ones(1), x).tolist(), [[0.0, 0.0]])
        with self.assertRaisesRegex(RuntimeError, "strict"):
            F.jacobian(lambda t: minitorch.ones(1), x, strict=True)

    def test_create_graph_joins_the_callers_graph(self):
        x = minitorch.tensor([2.0], requires_grad=True)
        F.jacobian(lambda t: t.pow(3), x, create_graph=True).sum().backward()
        self.assertAlmostEqual(x.grad.item(), 12.0, places=5)

    def test_wrong_vectors_are_errors(self):
        x = minitorch.ones(3)
        with self.assertRaisesRegex(RuntimeError, "missing v"):
            F.vjp(exp_reducer, minitorch.ones(2, 3))
        with self.assertRaisesRegex(RuntimeError, "shape mismatch"):
            F.vjp(lambda t: t * 2, x, minitorch.ones(2))
        with self.assertRaisesRegex(RuntimeError, "wrong output"):
            F.hessian(lambda t: t * 2, x)
        with self.assertRaisesRegex(TypeError, "must be a Tensor"):
            F.jacobian(power, (x, 3.0))

    @unittest.skipUnless(torch, "PyTorch is not installed")
    def test_same_as_pytorch(self):
        generator = torch.Generator().manual_seed(0)

        def flat(v):
            return [t for part in v for t in flat(part)] if isinstance(v, tuple) else [v]

        def check(name, func, *shapes, v=None, **options):
            inputs = [torch.randn(s, generator=generator, dtype=torch.float64) for s in shapes]
            vectors = [torch.randn(s, generator=generator, dtype=torch.float64) for s in v or ()]
            ours = [[minitorch.from_numpy(t.numpy()) for t in ts] for ts in (inputs, vectors)]
            calls = []
            for functional, ts, vs in ((torch.autograd.functional, inputs, vectors), (F, *ours)):
                args = [tuple(ts) if len(ts) > 1 else ts[0]]
                if v:
                    args.append(tuple(vs) if len(vs) > 1 else vs[0])
                calls.append(getattr(functional, name)(func, *args, **options))
            want, got = flat(calls[0]), flat(calls[1])
            self.assertEqual(len(want), len(got), name)
            for w, g in zip(want, got):
                self.assertEqual(tuple(w.shape), tuple(g.shape), name)
                self.assertLess(abs(w.detach().numpy() - g.detach().numpy()).max(), 1e-12, name)
                self.assertEqual(w.requires_grad, g.requires_grad, name)

        for create_graph in (False, True):
            for name, v in (("jacobian", None), ("vjp", [(2,)]), ("jvp", [(2, 3)])):
                check(name, exp_reducer, (2, 3), v=v, create_graph=create_graph)
            check("jacobian", mixed, (4,), (4,), create_graph=create_graph)
            check("jvp", mixed, (4,), (4,), v=[(4,), (4,)], create_graph=create_graph)
            check("vjp", mixed, (4,), (4,), v=[(), (4,)], create_graph=create_graph)
            for name, v in (("hessian", None), ("hvp", [(3,), (3,)]), ("vhp", [(3,), (3,)])):
                check(name, joint, (3,), (3,), v=v, create_graph=create_graph)


if __name__ == "__main__":
    leak_check.main()
