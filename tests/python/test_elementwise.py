"""torch's signatures of elementwise ops: overloads, operators, in-place flags, torch.special's names."""
import math
import unittest

import leak_check
import minitorch as torch
import minitorch.nn.functional as F


class Signatures(unittest.TestCase):
    def test_frexp_is_a_named_pair(self):
        r = torch.frexp(torch.tensor([8.0, 0.75]))
        self.assertEqual(r.mantissa.tolist(), [0.5, 0.75])
        self.assertEqual(r.exponent.tolist(), [4, 0])
        self.assertIn("torch.return_types.frexp(\nmantissa=tensor([0.5000, 0.7500])", repr(r))

    def test_polygamma_as_function_and_method(self):
        x = torch.tensor([1.0])
        for y in (torch.polygamma(1, x), x.polygamma(1), torch.special.polygamma(1, x), x.clone().polygamma_(1)):
            self.assertAlmostEqual(y.item(), math.pi ** 2 / 6, places=6)

    def test_where_as_function_and_method(self):
        c, x = torch.tensor([True, False]), torch.tensor([1.0, 2.0])
        self.assertEqual(torch.where(c, x, 0).tolist(), [1, 0])
        self.assertEqual(x.where(c, torch.zeros(2)).tolist(), [1, 0])

    def test_shifts_and_other_operators(self):
        x = torch.tensor([1, 6])
        self.assertEqual([(x << 2).tolist(), (x >> 1).tolist(), (1 << x).tolist()], [[4, 24], [0, 3], [2, 64]])
        x <<= 1
        x **= 2
        x ^= 1
        self.assertEqual(x.tolist(), [5, 145])

    def test_a_base_is_a_constant(self):
        base, x = torch.tensor(2.0, requires_grad=True), torch.tensor([3.0], requires_grad=True)
        x.__rpow__(base).sum().backward()
        self.assertIsNone(base.grad)
        self.assertAlmostEqual(x.grad.item(), 8 * math.log(2), places=5)

    def test_comparisons_in_place_end_the_history(self):
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y = x * 1
        y.ge_(2)
        self.assertEqual((y.tolist(), y.grad_fn.name()), ([0, 1], "GeBackward0"))
        y.sum().backward()
        self.assertEqual(x.grad.tolist(), [0, 0])

    def test_nan_to_num_defaults(self):
        x = torch.tensor([math.nan, math.inf, -math.inf])
        big = 3.4028234663852886e38
        self.assertEqual(torch.nan_to_num(x).tolist(), [0, big, -big])
        self.assertEqual(x.nan_to_num_(1, neginf=0).tolist(), [1, big, 0])

    def test_real_numbers_are_their_own_conjugates(self):
        x = torch.tensor([1.0, -2.0])
        self.assertIs(x.real, x)
        for f in (torch.real, torch.conj, torch.conj_physical, torch.resolve_conj, torch.resolve_neg):
            self.assertIs(f(x), x)
        self.assertEqual(torch.isreal(x).tolist(), [True, True])
        with self.assertRaises(RuntimeError):
            torch.positive(torch.tensor([True]))

    def test_aliases(self):
        x = torch.tensor([0.5])
        for alias, name in (("arccos", "acos"), ("arctanh", "atanh"), ("fix", "trunc"), ("sgn", "sign"),
                            ("arcsinh_", "asinh_"), ("negative_", "neg_"), ("divide", "div")):
            arguments = (2,) if name == "div" else ()
            self.assertEqual(getattr(x.clone(), alias)(*arguments).item(),
                             getattr(x.clone(), name)(*arguments).item())
        for alias, name in (("psi", "digamma"), ("gammaln", "lgamma"), ("expit", "sigmoid")):
            self.assertEqual(getattr(torch.special, alias)(x).item(), getattr(torch, name)(x).item())


class Activations(unittest.TestCase):
    def test_in_place(self):
        for name in ("relu", "relu6", "elu", "celu", "selu", "silu", "mish", "hardswish", "hardsigmoid",
                     "hardtanh", "leaky_relu", "rrelu"):
            f = getattr(F, name)
            leaf = torch.tensor([-0.5, 0.25, 2.0], requires_grad=True)
            want = f(leaf)
            want.sum().backward()
            other = torch.tensor([-0.5, 0.25, 2.0], requires_grad=True)
            x = other * 1
            self.assertIs(f(x, inplace=True), x)
            self.assertEqual(x.tolist(), want.tolist())
            x.sum().backward()
            self.assertEqual(other.grad.tolist(), leaf.grad.tolist(), name)

    def test_rrelu_draws_as_torch(self):
        torch.manual_seed(0)
        y = torch.rrelu(torch.tensor([-1.0, 1.0, -1.0]), training=True)
        first, _, second = y.tolist()
        self.assertEqual(y[1].item(), 1)
        self.assertTrue(all(1 / 8 <= -v < 1 / 3 for v in (first, second)) and first != second)

    def test_signatures(self):
        x = torch.tensor([-2.0, 0.25, 3.0])
        self.assertEqual(F.threshold(x, 0.5, -1).tolist(), [-1, -1, 3])
        self.assertEqual(F.hardshrink(x, lambd=1).tolist(), [-2, 0, 3])
        self.assertEqual(F.softshrink(x).tolist(), [-1.5, 0, 2.5])
        self.assertEqual(x.prelu(torch.tensor([0.5])).tolist(), [-1, 0.25, 3])
        self.assertEqual(F.glu(torch.tensor([2.0, 0.0])).tolist(), [1])
        self.assertAlmostEqual(F.logsigmoid(torch.tensor(-80.0)).item(), -80)


if __name__ == "__main__":
    leak_check.main()
