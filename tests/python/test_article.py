"""The article's rows in Python, a test each; only the import lines differ from the article's. (Rows 10
and 11 are the vision part.)"""
import pathlib
import subprocess
import sys
import unittest

import numpy as np

import leak_check
import minitorch as torch
import minitorch.nn as nn

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Model(nn.Module):
    def __init__(self, input_dim, output_dim):
        super(Model, self).__init__()
        self.linear = nn.Linear(input_dim, output_dim)

    def forward(self, x):
        return self.linear(x)


class Article(unittest.TestCase):
    def test_row_1_dimensions_count_the_brackets(self):
        for data, ndim, shape in ((7, 0, ()), ([10, 7], 1, (2,)), ([[10, 7], [10, 7]], 2, (2, 2)),
                                  ([[10, 7]], 2, (1, 2))):
            t = torch.tensor(data)
            self.assertEqual((t.ndim, t.shape), (ndim, shape))
            self.assertIs(t.dtype, torch.int64)
        self.assertEqual(repr(torch.tensor(7)), "tensor(7)")
        self.assertEqual(repr(torch.tensor([[10, 7], [10, 7]])), "tensor([[10,  7],\n        [10,  7]])")

    def test_rows_2_and_3_user_modules_print(self):
        self.assertEqual(repr(Model(1, 1)), "Model(\n  (linear): Linear(in_features=1, "
                                            "out_features=1, bias=True)\n)")

    def test_row_4_optimizer_and_loss(self):
        model = Model(1, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        self.assertEqual(len(optimizer.param_groups[0]["params"]), 2)
        self.assertEqual(nn.MSELoss()(torch.tensor([3.]), torch.tensor([1.])).item(), 4)

    def test_row_5_from_numpy_shares_memory(self):
        a = np.arange(3, dtype=np.float64)
        t = torch.from_numpy(a)
        self.assertIs(t.dtype, torch.float64)
        a[0] = 5
        self.assertEqual(t[0].item(), 5)
        t[1] = 7
        self.assertEqual(a[1], 7)
        b = t.numpy()
        b[2] = 9
        self.assertEqual(a[2], 9)

    def test_row_6_the_loop_reaches_least_squares(self):
        out = subprocess.run([sys.executable, ROOT / "examples/linear_regression.py"], text=True,
                             capture_output=True, check=True).stdout
        self.assertIn("Epoch: 1000, Loss: 227.07", out)
        slope, intercept = [float(v) for v in
                            out.split("distance = ")[1].split(" (")[0].split(" * speed ")]
        self.assertAlmostEqual(slope, 3.932409, delta=1e-3)
        self.assertAlmostEqual(intercept, -17.579095, delta=1e-3)

    def test_row_7_gradient(self):
        x = torch.tensor([1., 2., 3.], requires_grad=True)
        y = x ** 2
        z = y.sum()
        z.backward()
        self.assertEqual(repr(x.grad), "tensor([2., 4., 6.])")

    def test_row_8_the_graph_is_data(self):
        x = torch.tensor([1.], requires_grad=True)
        node = (x * 2).sum().grad_fn
        self.assertEqual(node.name(), "SumBackward0")
        self.assertEqual(node.next_functions[0][0].name(), "MulBackward0")

    def test_row_9_detach_records_nothing(self):
        x = torch.tensor([1.], requires_grad=True)
        self.assertFalse((x.detach() * 2).requires_grad)
        with torch.no_grad():
            self.assertIsNone((x * 2).grad_fn)

    def test_row_12_the_three_mistakes(self):
        linear = nn.Linear(3, 2)
        for call, words in (
                (lambda: linear(torch.zeros(2, 3, dtype=torch.float64)),
                 ("linear: dtype mismatch: input is float64, weight is float32", "to(dtype)")),
                (lambda: linear(torch.zeros(2, 4)), ("linear: shape mismatch: input (2, 4)",)),
                (lambda: torch.zeros(2) + torch.zeros(2, device="meta"),
                 ("add: device mismatch: lhs on cpu, rhs on meta", "to(device)"))):
            with self.assertRaises(RuntimeError) as e:
                call()
            for w in words:
                self.assertIn(w, str(e.exception))

    def test_row_13_reads_naturally(self):
        x = torch.arange(6.).reshape(2, 3)
        y = (x[:, 1:] * 2 + 1).mean(dim=0)
        self.assertEqual([round(v) for v in y.tolist()], [6, 8])
        self.assertEqual(f"{y[0]:.2f} {len(x)} {2 in x} {[r.sum().item() for r in x]}",
                         "6.00 2 True [3.0, 12.0]")


if __name__ == "__main__":
    leak_check.main()
