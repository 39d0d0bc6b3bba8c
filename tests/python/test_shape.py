"""Indexing, shape and linear algebra as Python sees them: key forms, errors' classes, names of results."""
import unittest

import leak_check
import minitorch as torch


class Indexing(unittest.TestCase):
    def setUp(self):
        self.x = torch.arange(24).reshape(2, 3, 4)

    def test_keys(self):
        x = self.x
        self.assertEqual(x[[0, 1], [1, 2]].tolist(), x.numpy()[[0, 1], [1, 2]].tolist())
        self.assertEqual(x[..., None, (0, 2)].shape, (2, 3, 1, 2))
        self.assertEqual(x[[[0], [1]]].tolist(), x[[0], [1]].tolist())  # counts as a tuple
        self.assertEqual(x[:, torch.tensor([True, False, True]), ::2].shape, (2, 2, 2))
        self.assertEqual(x[True].shape, (1, 2, 3, 4))
        self.assertEqual(x[range(2), 0].shape, (2, 4))

    def test_errors(self):
        for key, kind in ((5, IndexError), ((0, 0, 0, 0), IndexError), (slice(None, None, -1), ValueError),
                          ((Ellipsis, Ellipsis), IndexError), (torch.tensor([0.5]), IndexError),
                          (([0, 1], [0, 1, 2]), IndexError)):
            with self.assertRaises(kind):
                self.x[key]

    def test_assignment(self):
        x = torch.zeros(2, 3)
        x[:, [0, 2]] = torch.ones(1, 2, 2)
        x[0] = 5
        x[torch.tensor([[False, True, False], [False, True, False]])] = torch.tensor([7.0, 8.0])
        self.assertEqual(x.tolist(), [[5, 7, 5], [1, 8, 1]])
        with self.assertRaises(RuntimeError):
            x[[0]] = torch.zeros(3, dtype=torch.float64)


class Shapes(unittest.TestCase):
    def test_in_place_views_keep_history(self):
        x = torch.arange(6.0).requires_grad_()
        y = (x * 2).reshape(2, 3)
        y.t_().unsqueeze_(0)
        self.assertEqual(y.shape, (1, 3, 2))
        (y[0, 2] * torch.tensor([1.0, 10.0])).sum().backward()
        self.assertEqual(x.grad.tolist(), [0, 0, 2, 0, 0, 20])
        with self.assertRaises(RuntimeError):
            x.unsqueeze_(0)

    def test_einsum_sublists(self):
        a, b = torch.arange(6.0).reshape(2, 3), torch.arange(12.0).reshape(3, 4)
        want = (a @ b).tolist()
        self.assertEqual(torch.einsum(a, [0, 1], b, [1, 2], [0, 2]).tolist(), want)
        self.assertEqual(torch.einsum("ij,jk", [a, b]).tolist(), want)

    def test_splits(self):
        x = torch.arange(6)
        self.assertEqual([t.tolist() for t in torch.tensor_split(x, (1, 4))], [[0], [1, 2, 3], [4, 5]])
        self.assertEqual([t.tolist() for t in torch.hsplit(x, 3)], [[0, 1], [2, 3], [4, 5]])


class LinearAlgebra(unittest.TestCase):
    def test_named_results(self):
        a = torch.eye(2)
        self.assertTrue(repr(torch.linalg.slogdet(a)).startswith("torch.return_types.linalg_slogdet(\nsign="))
        self.assertEqual(torch.linalg.qr(a)._fields, ("Q", "R"))
        self.assertEqual(torch.linalg.norm(a, "nuc").item(), 2)
        self.assertAlmostEqual(torch.linalg.cond(a, float("inf")).item(), 1)

    def test_low_rank(self):
        torch.manual_seed(0)
        a = torch.randn(20, 2) @ torch.randn(2, 8)
        u, s, v = torch.svd_lowrank(a, q=3)
        self.assertTrue(torch.allclose(u * s @ v.mT, a, atol=1e-4))

    def test_singular(self):
        with self.assertRaisesRegex(RuntimeError, "singular"):
            torch.linalg.inv(torch.zeros(2, 2))


if __name__ == "__main__":
    leak_check.main()
