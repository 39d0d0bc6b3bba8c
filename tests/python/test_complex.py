"""Complex tensors: values against NumPy, gradients against finite differences of the parts, promotion,
views, conversion, printing."""
import cmath
import unittest
import warnings

import numpy as np

import leak_check
import minitorch as torch
from minitorch import autograd

RANDOM = np.random.RandomState(5)


def values(*shape):
    return RANDOM.uniform(-1.5, 1.5, shape) + 1j * RANDOM.uniform(-1.5, 1.5, shape)


def parts(z):
    return torch.view_as_real(z) if z.is_complex() else z


UNARY = ["neg", "square", "sqrt", "rsqrt", "reciprocal", "exp", "log", "log2", "log10", "sin", "cos", "tan",
         "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sigmoid", "abs", "angle",
         "sgn", "conj", "real", "imag"]
NUMPY = {"neg": np.negative, "rsqrt": lambda z: 1 / np.sqrt(z), "reciprocal": lambda z: 1 / z,
         "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "asinh": np.arcsinh, "acosh": np.arccosh,
         "atanh": np.arctanh, "sigmoid": lambda z: 1 / (1 + np.exp(-z)), "sgn": lambda z: z / abs(z)}
# Functions of two complex (3, 3) tensors, and what NumPy says.
BINARY = {
    "add": (lambda a, b: a + b, lambda a, b: a + b), "sub": (lambda a, b: a - b, lambda a, b: a - b),
    "mul": (lambda a, b: a * b, lambda a, b: a * b), "div": (lambda a, b: a / b, lambda a, b: a / b),
    "pow": (lambda a, b: a ** b, lambda a, b: a ** b), "pow 2": (lambda a, b: a ** 2, lambda a, b: a ** 2),
    "pow 1j": (lambda a, b: a ** (0.5 + 1j), lambda a, b: a ** (0.5 + 1j)),
    "rpow": (lambda a, b: 2 ** a, lambda a, b: 2 ** a),
    "rpow complex": (lambda a, b: (1 + 2j) ** a, lambda a, b: (1 + 2j) ** a),
    "matmul": (lambda a, b: a @ b, lambda a, b: a @ b),
    "bmm": (lambda a, b: torch.bmm(a[None], b[None]), lambda a, b: (a @ b)[None]),
    "mv": (lambda a, b: torch.mv(a, b[0]), lambda a, b: a @ b[0]),
    "dot": (lambda a, b: torch.dot(a[0], b[0]), lambda a, b: a[0] @ b[0]),
    "vdot": (lambda a, b: torch.vdot(a[0], b[0]), lambda a, b: np.vdot(a[0], b[0])),
    "addmm": (lambda a, b: torch.addmm(a, a, b), lambda a, b: a + a @ b),
    "linear": (lambda a, b: torch.nn.functional.linear(a, b, b[0]), lambda a, b: a @ b.T + b[0]),
    "addcmul": (lambda a, b: torch.addcmul(a, a, b, value=2), lambda a, b: a + 2 * a * b),
    "addcdiv": (lambda a, b: torch.addcdiv(a, a, b), lambda a, b: a + a / b),
    "lerp": (lambda a, b: torch.lerp(a, b, 0.25), lambda a, b: a + 0.25 * (b - a)),
    "broadcast": (lambda a, b: a[0] * b, lambda a, b: a[0] * b),
    "where": (lambda a, b: torch.where(a.real > 0, a, b), lambda a, b: np.where(a.real > 0, a, b)),
    "sum": (lambda a, b: (a * b).sum(0), lambda a, b: (a * b).sum(0)),
    "mean": (lambda a, b: a.mean(), lambda a, b: a.mean()),
    "prod": (lambda a, b: a.prod(1), lambda a, b: a.prod(1)),
    "cumsum": (lambda a, b: a.cumsum(1), lambda a, b: a.cumsum(1)),
    "cumprod": (lambda a, b: a.cumprod(1), lambda a, b: a.cumprod(1)),
    "norm": (lambda a, b: torch.linalg.vector_norm(a), lambda a, b: np.linalg.norm(a)),
    "norm 1": (lambda a, b: a.norm(1), lambda a, b: abs(a).sum()),
    "cat": (lambda a, b: torch.cat([a, b]), lambda a, b: np.concatenate([a, b])),
    "stack": (lambda a, b: torch.stack([a, b], 1), lambda a, b: np.stack([a, b], 1)),
    "index": (lambda a, b: a[[0, 2, 0]], lambda a, b: a[[0, 2, 0]]),
    "gather": (lambda a, b: a.gather(1, torch.tensor([[0, 2], [1, 1], [2, 0]])),
               lambda a, b: np.take_along_axis(a, np.array([[0, 2], [1, 1], [2, 0]]), 1)),
    "scatter_add": (lambda a, b: a.scatter_add(0, torch.tensor([[0, 0, 2]]), b[:1]), None),
    "masked_fill": (lambda a, b: a.masked_fill(torch.eye(3) > 0, 1j), lambda a, b: np.where(np.eye(3) > 0, 1j, a)),
    "tril": (lambda a, b: a.tril(), lambda a, b: np.tril(a)),
    "flip": (lambda a, b: a.flip(0), lambda a, b: a[::-1]),
    "T": (lambda a, b: a.T @ b.H, lambda a, b: a.T @ b.conj().T),
    "as_strided": (lambda a, b: a.as_strided((2, 2), (1, 1)), None),
    "polar": (lambda a, b: torch.polar(a.real, b.imag), lambda a, b: a.real * np.exp(1j * b.imag)),
    "view": (lambda a, b: torch.view_as_complex(torch.view_as_real(a) * 2), lambda a, b: 2 * a),
    "sum of a view": (lambda a, b: a.real * b, lambda a, b: a.real * b),
    "in place": (lambda a, b: (a * 1).mul_(b).add_(a), lambda a, b: a * b + a),
    "copy_": (lambda a, b: torch.zeros(3, 3, dtype=torch.complex128).copy_(a.real), lambda a, b: a.real + 0j),
    "to real": (lambda a, b: (a * b).to(torch.float64), lambda a, b: (a * b).real),
    "einsum": (lambda a, b: torch.einsum("ij,jk->ik", a, b), lambda a, b: a @ b),
    "outer": (lambda a, b: torch.outer(a[0], b[1]), lambda a, b: np.outer(a[0], b[1])),
    "kron": (lambda a, b: torch.kron(a, b), np.kron),
    "fft": (lambda a, b: torch.fft.fft2(a), lambda a, b: np.fft.fft2(a)),
    "ifft": (lambda a, b: torch.fft.ifft(a, n=5, dim=0), lambda a, b: np.fft.ifft(a, 5, 0)),
    "rfft": (lambda a, b: torch.fft.rfft(a.real, n=4), lambda a, b: np.fft.rfft(a.real, 4)),
    "irfft": (lambda a, b: torch.fft.irfft(a, n=5), lambda a, b: np.fft.irfft(a, 5)),
    "hfft": (lambda a, b: torch.fft.hfft(a, norm="ortho"), lambda a, b: np.fft.hfft(a, norm="ortho")),
    "ihfft": (lambda a, b: torch.fft.ihfft(a.real), lambda a, b: np.fft.ihfft(a.real)),
}


class Values(unittest.TestCase):
    def check(self, name, got, expected, tolerance=1e-12):
        got = got.detach().numpy()
        self.assertEqual(got.shape, np.shape(expected), name)
        np.testing.assert_allclose(got, expected, tolerance, tolerance, err_msg=name)

    def test_unary(self):
        for name in UNARY:
            a = values(4, 3)
            reference = NUMPY.get(name) or getattr(np, name)
            for dtype, tolerance in (("complex128", 1e-12), ("complex64", 2e-6)):
                x = a.astype(dtype)
                with self.subTest(name, dtype=dtype):
                    got = getattr(torch, name)(torch.tensor(x))
                    self.check(name, got, reference(x), tolerance)
                    self.check(name, getattr(torch, name)(torch.tensor(x).T), reference(x).T, tolerance)

    def test_binary(self):
        a, b = values(3, 3), values(3, 3)
        for name, (ours, reference) in BINARY.items():
            if reference:
                with self.subTest(name):
                    self.check(name, ours(torch.tensor(a), torch.tensor(b)), reference(a, b))

    def test_large_products(self):
        for shape in ((70, 50, 60), (1, 200, 3), (5, 1, 7)):
            m, k, n = shape
            a, b = values(m, k), values(n, k)
            self.check("mm", torch.tensor(a) @ torch.tensor(b).T, a @ b.T)

    def test_division_by_huge_and_zero(self):
        big = torch.tensor([1e30 + 1e30j])
        self.check("div", big / big, [1], 1e-6)
        self.assertTrue(np.isnan((torch.tensor([1 + 1j]) / 0).numpy()).any())


class Gradients(unittest.TestCase):
    def both(self, name, f):
        """Of the parts by finite differences, and the leaf's as their sum."""
        a, b = values(3, 3), values(3, 3)
        leaves = [torch.tensor(p.copy()).requires_grad_() for p in (a.real, a.imag, b.real, b.imag)]

        def real_function(p, q, r, s):
            return parts(f(torch.complex(p, q), torch.complex(r, s)))

        autograd.gradcheck(real_function, leaves)
        out = real_function(*leaves)
        weights = torch.tensor(np.cos(np.arange(out.numel())).reshape(tuple(out.shape)))
        by_parts = autograd.grad((out * weights).sum(), leaves, allow_unused=True)
        z, w = torch.tensor(a).requires_grad_(), torch.tensor(b).requires_grad_()
        whole = autograd.grad((parts(f(z, w)) * weights).sum(), [z, w], allow_unused=True)
        for k, g in enumerate(whole):
            p, q = [0 if v is None else v.numpy() for v in by_parts[2 * k:2 * k + 2]]
            if g is None:
                self.assertTrue(np.all(p == 0) and np.all(q == 0), name)
                continue
            self.assertEqual(g.dtype, torch.complex128)
            np.testing.assert_allclose(g.numpy(), p + 1j * q, 1e-10, 1e-12, err_msg=name)

    def test_unary(self):
        for name in UNARY:
            with self.subTest(name):
                self.both(name, lambda a, b: getattr(torch, name)(a))

    def test_binary(self):
        for name, (f, _) in BINARY.items():
            with self.subTest(name):
                self.both(name, f)

    def test_twice(self):
        for name, f in {"mul": lambda a, b: a * a * b, "exp": lambda a, b: (a * b).exp(),
                        "abs": lambda a, b: (a * b).abs(), "div": lambda a, b: a / b,
                        "matmul": lambda a, b: a @ b @ a, "fft": lambda a, b: torch.fft.fft(a * b),
                        "irfft": lambda a, b: torch.fft.irfft(a * b, 4), "conj": lambda a, b: a * b.conj()}.items():
            a, b = values(2, 2), values(2, 2)
            leaves = [torch.tensor(p.copy()).requires_grad_() for p in (a.real, a.imag, b.real, b.imag)]

            def slope(*given):
                z, w = torch.complex(*given[:2]), torch.complex(*given[2:])
                out = (parts(f(z, w)) ** 2).sum()
                return sum((parts(g) * 1.25).sum() for g in autograd.grad(out, [z, w], create_graph=True))

            with self.subTest(name):
                autograd.gradcheck(slope, leaves, atol=1e-4)

    def test_real_loss_goes_down(self):
        z = torch.tensor([1 + 2j, -0.5 + 0.25j]).requires_grad_()
        (z.abs() ** 2).sum().backward()
        np.testing.assert_allclose(z.grad.numpy(), 2 * z.detach().numpy(), 1e-6)

    def test_complex_loss_is_refused(self):
        z = torch.tensor([1 + 2j]).requires_grad_()
        with self.assertRaisesRegex(RuntimeError, "real scalar"):
            z.sum().backward()
        z.sum().backward(torch.tensor(1 + 0j))
        self.assertEqual(z.grad.item(), 1)

    def test_users_function_gets_pytorchs_gradient(self):
        class Square(autograd.Function):
            @staticmethod
            def forward(ctx, z):
                ctx.save_for_backward(z)
                return z * z

            @staticmethod
            def backward(ctx, g):
                return g * (2 * ctx.saved_tensors[0]).conj()

        z, w = (torch.tensor([1 + 2j, 0.5j]).requires_grad_() for _ in range(2))
        Square.apply(z).imag.sum().backward()
        (w * w).imag.sum().backward()
        np.testing.assert_allclose(z.grad.numpy(), w.grad.numpy())

    def test_writes_through_views_of_parts(self):
        z = torch.zeros(3, dtype=torch.complex64)
        z.real = torch.tensor([1.0, 2, 3])
        z.imag[1:] = 5
        self.assertEqual(z.tolist(), [1, 2 + 5j, 3 + 5j])
        w = torch.ones(2, dtype=torch.complex64).requires_grad_() * 1
        with self.assertRaisesRegex(RuntimeError, "cannot be recorded"):
            w.real.zero_()
        with self.assertRaisesRegex(RuntimeError, "cannot be written"):
            torch.zeros(2, dtype=torch.complex64).imag.copy_(torch.ones(2).requires_grad_())


class Rules(unittest.TestCase):
    def test_promotion(self):
        c64, c128 = torch.complex64, torch.complex128
        for a, b, expected in ((torch.float32, c64, c64), (torch.float64, c64, c128), (torch.int64, c64, c64),
                               (torch.float16, c64, c64), (c64, c128, c128), (torch.bool, c128, c128)):
            self.assertEqual(torch.promote_types(a, b), expected)
        self.assertEqual((torch.ones(2) * 1j).dtype, c64)
        self.assertEqual((torch.ones(2, dtype=torch.float64) * 1j).dtype, c128)
        self.assertEqual((torch.ones(2, dtype=torch.int32) + 1j).dtype, c64)
        self.assertEqual((torch.ones(2, dtype=c64) * torch.ones((), dtype=torch.float64)).dtype, c64)
        self.assertEqual((torch.ones(2, dtype=c64) * torch.ones(2, dtype=torch.float64)).dtype, c128)
        self.assertEqual(torch.tensor([1j]).dtype, c64)
        try:
            torch.set_default_dtype(torch.float64)
            self.assertEqual(torch.tensor([1, 2j]).dtype, c128)
            self.assertEqual((torch.ones(2, dtype=torch.int64) * 1j).dtype, c128)
        finally:
            torch.set_default_dtype(torch.float32)

    def test_numbers(self):
        self.assertEqual(torch.tensor(1 + 2j).item(), 1 + 2j)
        self.assertEqual(float(torch.tensor(2 + 0j)), 2.0)
        self.assertEqual(complex(torch.tensor(1.5)), 1.5 + 0j)
        with self.assertRaisesRegex(RuntimeError, "overflow"):
            float(torch.tensor(1j))
        self.assertEqual(torch.full((2,), 1 - 1j).tolist(), [1 - 1j, 1 - 1j])
        for wrong in (lambda: torch.zeros(2).fill_(1j), lambda: torch.zeros(2).add_(1j),
                      lambda: torch.zeros(2).masked_fill(torch.tensor([True, False]), 1j),
                      lambda: torch.tensor([1j], dtype=torch.float32)):
            with self.assertRaises((RuntimeError, TypeError)):
                wrong()

    def test_numpy_both_ways(self):
        for dtype in ("complex64", "complex128"):
            a = values(2, 3).astype(dtype)
            t = torch.from_numpy(a)
            t[0, 0] = 7j
            self.assertEqual(a[0, 0], 7j)
            self.assertEqual(t.numpy().dtype, np.dtype(dtype))
            self.assertEqual(t.T.tolist(), a.T.tolist())
            back = torch.from_dlpack(t)
            self.assertEqual(back.dtype, t.dtype)
            self.assertTrue(torch.equal(back, t))

    def test_conversion(self):
        z = torch.tensor([1 + 2j, 3 - 1j])
        self.assertEqual(z.to(torch.complex128).tolist(), z.tolist())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.assertEqual(z.to(torch.float32).tolist(), [1, 3])
            self.assertEqual(z.long().tolist(), [1, 3])
        self.assertEqual(torch.tensor([1, 0]).cfloat().tolist(), [1, 0])

    def test_printing(self):
        self.assertEqual(repr(torch.tensor([1 + 2j, -0.5j])), "tensor([1.+2.0000j, -0.-0.5000j])")
        self.assertEqual(repr(torch.tensor(1 + 2j, dtype=torch.complex128).requires_grad_()),
                         "tensor(1.+2.j, dtype=torch.complex128, requires_grad=True)")

    def test_tests(self):
        z = torch.tensor([complex("nan"), 1j, complex(1, float("inf")), 0, 2])
        self.assertEqual(torch.isnan(z).tolist(), [True] + [False] * 4)
        self.assertEqual(torch.isinf(z).tolist(), [False, False, True, False, False])
        self.assertEqual(torch.isfinite(z).tolist(), [False, True, False, True, True])
        self.assertEqual(torch.isreal(z[1:]).tolist(), [False, False, True, True])
        self.assertTrue(torch.allclose(z[1:2], z[1:2] + 1e-9))
        self.assertEqual(torch.eq(z, 1j).tolist(), [False, True, False, False, False])
        self.assertTrue(z.is_complex() and torch.is_complex(z) and not z.is_floating_point())

    def test_what_has_no_order(self):
        z = torch.tensor([1j, 2])
        for op in ("max", "sort", "argmin", "floor", "sign", "relu", "erf", "median", "softmax", "clamp", "topk"):
            arguments = {"softmax": (0,), "clamp": (0, 1), "topk": (1,)}.get(op, ())
            with self.subTest(op), self.assertRaises(RuntimeError):
                getattr(torch, op)(z, *arguments)
        with self.assertRaises(RuntimeError):
            z < z

    def test_random_is_of_unit_variance(self):
        torch.manual_seed(0)
        z = torch.randn(20000, dtype=torch.complex64)
        self.assertAlmostEqual((abs(z.numpy()) ** 2).mean(), 1, delta=0.05)
        self.assertTrue(0 <= torch.rand(5, dtype=torch.complex64).imag.numpy().min())

    def test_memory_is_not_misread(self):
        z = torch.arange(24).to(torch.complex128) * (1 + 1j)
        a = np.arange(24) * (1 + 1j)
        self.assertEqual(z.view(2, 3, 4).permute(2, 0, 1).contiguous().tolist(),
                         a.reshape(2, 3, 4).transpose(2, 0, 1).tolist())
        self.assertEqual(z[torch.tensor([3, 1, 3])].tolist(), a[[3, 1, 3]].tolist())
        self.assertEqual(z[::5].tolist(), a[::5].tolist())
        z[torch.tensor([0, 5])] = torch.tensor([1j, 2j], dtype=torch.complex128)
        self.assertEqual(z[:6].tolist(), [1j, *a[1:5], 2j])
        self.assertEqual(torch.index_select(z, 0, torch.tensor([5, 5])).tolist(), [2j, 2j])


class Spectra(unittest.TestCase):
    def test_round_trip_of_stft(self):
        torch.manual_seed(3)
        x = torch.randn(2, 400, dtype=torch.float64)
        for window in (torch.hann_window(64, dtype=torch.float64), None):
            y = torch.stft(x, 64, 16, 64, window, return_complex=True)
            self.assertEqual(tuple(y.shape), (2, 33, 26))
            back = torch.istft(y, 64, 16, 64, window, length=400)
            np.testing.assert_allclose(back.numpy(), x.numpy(), 1e-10, 1e-10)

    def test_many_sizes(self):
        for n in (1, 2, 3, 17, 64, 97, 1000, 1024, 6000):
            for dtype in ("float32", "float64"):
                a = RANDOM.standard_normal((3, n)).astype(dtype)
                tolerance = 1e-4 if dtype == "float32" else 1e-11
                np.testing.assert_allclose(torch.fft.rfft(torch.tensor(a)).numpy(), np.fft.rfft(a),
                                           tolerance, tolerance * n ** 0.5)
                np.testing.assert_allclose(torch.fft.fft(torch.tensor(a), dim=0).numpy(), np.fft.fft(a, axis=0),
                                           tolerance, tolerance * 10)

    def test_eig(self):
        torch.manual_seed(1)
        a = torch.randn(2, 5, 5, dtype=torch.float64)
        w, v = torch.linalg.eig(a)
        np.testing.assert_allclose((a.cdouble() @ v).numpy(), (v * w[:, None]).numpy(), 1e-10, 1e-10)
        leaf = (torch.randn(3, 3, dtype=torch.float64) + torch.diag(torch.tensor([0.0, 4, 9]).double()))
        autograd.gradcheck(lambda m: torch.linalg.eigvals(m).abs(), [leaf.requires_grad_()])
        # Vectors are known up to a phase: their magnitudes are not.
        autograd.gradcheck(lambda m: torch.linalg.eig(m).eigenvectors.abs(), [leaf])

    def test_phase(self):
        self.assertAlmostEqual(torch.angle(torch.tensor(-1 + 1j)).item(), cmath.phase(-1 + 1j), places=6)


if __name__ == "__main__":
    leak_check.main()
