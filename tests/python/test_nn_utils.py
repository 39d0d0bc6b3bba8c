"""nn.utils: packed sequences, weight and spectral norm, parametrizations; lists and dicts of modules
and parameters; parameters as vectors."""
import copy
import unittest

import minitorch as torch
from minitorch import nn
from minitorch.nn.utils import parametrizations, parametrize, rnn
from minitorch.utils import summary

import leak_check


class Packing(unittest.TestCase):
    def test_there_and_back(self):
        x = torch.tensor([[1, 2, 0], [3, 0, 0], [4, 5, 6]])
        p = rnn.pack_padded_sequence(x, [2, 1, 3], batch_first=True, enforce_sorted=False)
        self.assertEqual(p.data.tolist(), [4, 1, 3, 5, 2, 6])
        self.assertEqual(p.batch_sizes.tolist(), [3, 2, 1])
        self.assertEqual(p.sorted_indices.tolist(), [2, 0, 1])
        self.assertEqual(p.unsorted_indices.tolist(), [1, 2, 0])
        back, lengths = rnn.pad_packed_sequence(p, batch_first=True)
        self.assertEqual(back.tolist(), x.tolist())
        self.assertEqual(lengths.tolist(), [2, 1, 3])
        longer, _ = rnn.pad_packed_sequence(p, padding_value=-1, total_length=5)
        self.assertEqual(longer.shape, (5, 3))
        self.assertEqual(longer[4].tolist(), [-1, -1, -1])
        with self.assertRaises(ValueError):
            rnn.pad_packed_sequence(p, total_length=2)
        with self.assertRaises(RuntimeError):
            rnn.pack_padded_sequence(x, [2, 1, 3], batch_first=True)

    def test_lists_of_sequences(self):
        a, b = torch.ones(2, 2), torch.ones(3, 2)
        self.assertEqual(rnn.pad_sequence([a, b]).shape, (3, 2, 2))
        packed = rnn.pack_sequence([a, b], enforce_sorted=False)
        self.assertEqual([s.shape[0] for s in rnn.unpack_sequence(packed)], [2, 3])
        x = torch.ones(2, 2, requires_grad=True)
        rnn.pack_sequence([x]).data.sum().backward()
        self.assertEqual(x.grad.tolist(), [[1, 1], [1, 1]])


class Norms(unittest.TestCase):
    def test_weight_norm(self):
        m = nn.Linear(3, 2)
        w = m.weight.detach().clone()
        nn.utils.weight_norm(m)
        self.assertEqual([n for n, _ in m.named_parameters()], ["bias", "weight_g", "weight_v"])
        self.assertEqual(sorted(m.state_dict()), ["bias", "weight_g", "weight_v"])
        self.assertEqual(m.weight_g.shape, (2, 1))
        self.assertTrue(torch.allclose(m.weight, w))
        x = torch.ones(1, 3)
        y = m(x)
        with torch.no_grad():
            m.weight_g.mul_(2)
        self.assertTrue(torch.allclose(m(x) - m.bias, 2 * (y - m.bias), atol=1e-6))
        m(x).sum().backward()
        self.assertIsNotNone(m.weight_g.grad)
        self.assertIsNotNone(m.weight_v.grad)
        nn.utils.remove_weight_norm(m)
        self.assertEqual(sorted(n for n, _ in m.named_parameters()), ["bias", "weight"])
        self.assertTrue(torch.allclose(m.weight, 2 * w))
        self.assertEqual(m(x).shape, (1, 2))

    def test_weight_norm_of_a_child_that_c_runs(self):
        layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0)
        x = torch.randn(3, 1, 4)
        before = layer(x)
        nn.utils.weight_norm(layer.linear1)
        self.assertTrue(torch.allclose(layer(x), before, atol=1e-5))
        with torch.no_grad():
            layer.linear1.weight_g.zero_()
            layer.linear1.bias.zero_()
        self.assertFalse(torch.allclose(layer(x), before, atol=1e-3))

    def test_spectral_norm(self):
        m = nn.utils.spectral_norm(nn.Linear(4, 3), n_power_iterations=50)
        m(torch.ones(1, 4)).sum().backward()
        self.assertAlmostEqual(torch.linalg.matrix_norm(m.weight, 2).item(), 1, 3)
        self.assertEqual(sorted(m.state_dict()), ["bias", "weight_orig", "weight_u", "weight_v"])
        self.assertIsNotNone(m.weight_orig.grad)
        nn.utils.remove_spectral_norm(m)
        self.assertEqual(sorted(m.state_dict()), ["bias", "weight"])


class Parametrizations(unittest.TestCase):
    def test_a_module_computes_the_weight(self):
        class Symmetric(nn.Module):
            def forward(self, x):
                return x.triu() + x.triu(1).T

            def right_inverse(self, a):
                return a.triu()

        m = nn.Linear(3, 3)
        parametrize.register_parametrization(m, "weight", Symmetric())
        self.assertTrue(parametrize.is_parametrized(m, "weight"))
        self.assertEqual(repr(m), "ParametrizedLinear(\n  in_features=3, out_features=3, bias=True\n"
                                  "  (parametrizations): ModuleDict(\n    (weight): "
                                  "ParametrizationList(\n      (0): Symmetric()\n    )\n  )\n)")
        self.assertTrue(torch.equal(m.weight, m.weight.T))
        x = torch.randn(2, 3)
        self.assertTrue(torch.allclose(m(x), x @ m.weight.T + m.bias, atol=1e-6))
        a = torch.ones(3, 3)
        m.weight = a
        self.assertTrue(torch.equal(m.weight, a))
        with parametrize.cached():
            self.assertIs(m.weight, m.weight)
        self.assertEqual([n for n, _ in m.named_parameters()],
                         ["bias", "parametrizations.weight.original"])
        parametrize.remove_parametrizations(m, "weight")
        self.assertIs(type(m), nn.Linear)
        self.assertTrue(torch.equal(m.weight, a))

    def test_orthogonal_and_spectral(self):
        for how in ("matrix_exp", "cayley", "householder"):
            m = parametrizations.orthogonal(nn.Linear(3, 5), orthogonal_map=how)
            q = m.weight
            self.assertTrue(torch.allclose(q.T @ q, torch.eye(3), atol=1e-5), how)
            m(torch.ones(1, 3)).sum().backward()
            self.assertIsNotNone(m.parametrizations.weight.original.grad)
        m = parametrizations.spectral_norm(nn.Linear(4, 3))
        self.assertLess(abs(torch.linalg.matrix_norm(m.weight, 2).item() - 1), 0.2)


class Lists(unittest.TestCase):
    def test_module_list(self):
        m = nn.ModuleList([nn.Linear(1, 2), nn.ReLU()])
        m.insert(1, nn.Tanh())
        m += [nn.Sigmoid()]
        self.assertEqual([type(x).__name__ for x in m], ["Linear", "Tanh", "ReLU", "Sigmoid"])
        self.assertIs(m[-1], m[3])
        self.assertEqual(len(m[1:3]), 2)
        del m[1]
        m[0] = nn.Linear(2, 2)
        self.assertEqual(repr(m), "ModuleList(\n  (0): Linear(in_features=2, out_features=2, "
                                  "bias=True)\n  (1): ReLU()\n  (2): Sigmoid()\n)")
        self.assertEqual(type(m.pop(2)).__name__, "Sigmoid")
        self.assertEqual(len(m + [nn.ReLU()]), 3)
        with self.assertRaises(IndexError):
            m[5]
        with self.assertRaises(NotImplementedError):
            m(1)
        twin = copy.deepcopy(m)
        self.assertEqual(repr(twin), repr(m))
        self.assertIsNot(twin[0].weight, m[0].weight)

    def test_module_dict(self):
        m = nn.ModuleDict({"a": nn.ReLU()})
        m["b"] = nn.Tanh()
        m.update([("c", nn.Sigmoid())])
        self.assertEqual(list(m), ["a", "b", "c"])
        self.assertIn("b", m)
        m.pop("b")
        self.assertEqual(list(m.keys()), ["a", "c"])
        self.assertEqual(repr(m), "ModuleDict(\n  (a): ReLU()\n  (c): Sigmoid()\n)")
        m.clear()
        self.assertEqual(len(m), 0)

    def test_parameter_list_and_dict(self):
        p = nn.ParameterList([torch.zeros(2, 3), 3])
        p.append(nn.Parameter(torch.zeros(2)))
        self.assertEqual(repr(p), "ParameterList(\n    (0): Parameter containing: [torch.float32 of "
                                  "size 2x3]\n    (1): Object of type: int\n    (2): Parameter "
                                  "containing: [torch.float32 of size 2]\n)")
        self.assertEqual([n for n, _ in p.named_parameters()], ["0", "2"])
        self.assertEqual(len(p[1:]), 2)
        d = nn.ParameterDict({"b": torch.zeros(1), "a": torch.zeros(2)})
        self.assertEqual(list(d), ["a", "b"])
        d["c"] = 1
        self.assertEqual(d.popitem(), ("c", 1))
        self.assertEqual(d.get("z", 5), 5)
        self.assertEqual(list((d | nn.ParameterDict({"q": torch.ones(1)})).keys()), ["a", "b", "q"])
        self.assertEqual(list(d.state_dict()), ["a", "b"])

    def test_vectors(self):
        m = nn.Linear(2, 3)
        v = nn.utils.parameters_to_vector(m.parameters())
        self.assertEqual(v.shape, (9,))
        nn.utils.vector_to_parameters(torch.arange(9.0), m.parameters())
        self.assertEqual(m.bias.tolist(), [6, 7, 8])


class Stacks(unittest.TestCase):
    def test_layers_of_your_own(self):
        class Half(nn.Module):
            def __init__(self):
                super().__init__()
                self.factor = nn.Parameter(torch.tensor(0.5))

            def forward(self, x, mask=None, padding=None):
                return x * self.factor

        stack = nn.TransformerEncoder(Half(), 3)
        self.assertEqual(stack(torch.tensor([8.0])).tolist(), [1.0])
        self.assertIsNot(stack.layers[0].factor, stack.layers[1].factor)

    def test_children_and_hooks(self):
        m = nn.Transformer(8, 2, 2, 1, 16)
        self.assertIsInstance(m.encoder.layers[0].self_attn, nn.MultiheadAttention)
        seen = []
        m.encoder.layers[1].linear2.register_forward_hook(lambda m, i, o: seen.append(o.shape))
        m(torch.randn(3, 2, 8), torch.randn(4, 2, 8))
        self.assertEqual(seen, [(3, 2, 8)])
        self.assertEqual(nn.Transformer.generate_square_subsequent_mask(2).tolist(),
                         [[0, float("-inf")], [0, 0]])

    def test_second_derivatives(self):
        for layer in (nn.LSTM(2, 3), nn.GRU(2, 3)):
            x = torch.randn(3, 1, 2, requires_grad=True)
            g, = torch.autograd.grad(layer(x)[0].sum(), x, create_graph=True)
            g.pow(2).sum().backward()
            self.assertGreater(x.grad.abs().sum().item(), 0)


class Summary(unittest.TestCase):
    class Block(nn.Module):
        def __init__(self, before, after):
            super().__init__()
            self.conv = nn.Conv2d(before, after, 3, padding=1, bias=False)
            self.norm = nn.BatchNorm2d(after)

        def forward(self, x):
            return torch.relu(self.norm(self.conv(x)))

    def test_modules_in_python_and_in_c(self):
        model = nn.Sequential(self.Block(3, 8), self.Block(8, 4), nn.Flatten(), nn.Linear(4 * 64, 10))
        before = [p.clone() for p in model.parameters()]
        text = summary(model, (2, 3, 8, 8))
        self.assertNotIn("not called", text)
        lines = [line for line in text.splitlines() if "Conv2d" in line]
        self.assertEqual([line.split()[-2:] for line in lines],
                         [["216", f"{2 * 64 * 216:,}"], ["288", f"{2 * 64 * 288:,}"]])
        total = sum(p.numel() for p in model.parameters())
        self.assertIn(f"Total params: {total:,}", text)
        self.assertIn("(2, 4, 8, 8)", text)
        self.assertEqual([(r.path, r.type_name, r.depth) for r in text.rows][:3],
                         [("", "Sequential", 0), ("0", type(model[0]).__name__, 1),
                          ("0.conv", "Conv2d", 2)])
        conv = next(r for r in text.rows if r.path == "0.conv")
        self.assertEqual((conv.parameters, conv.multiply_adds, conv.output_bytes),
                         (216, 2 * 64 * 216, 4 * conv.output_shape[0] * conv.output_shape[1] * 64))
        self.assertEqual(sum(r.parameters for r in text.rows), total)
        self.assertTrue(model.training)
        self.assertEqual(model[0].norm.num_batches_tracked.item(), 0)
        for p, b in zip(model.parameters(), before):
            self.assertTrue(torch.equal(p, b))
        self.assertNotIn("forward", model[0].__dict__)

    def test_a_failure_leaves_the_model_as_it_was(self):
        model = nn.Sequential(self.Block(3, 8))
        with self.assertRaisesRegex(RuntimeError, "must have 3 channels"):
            summary(model, torch.zeros(1, 5, 4, 4))
        self.assertNotIn("forward", model[0].__dict__)
        self.assertEqual(model(torch.zeros(1, 3, 4, 4)).shape, (1, 8, 4, 4))
        self.assertEqual(str(model[0].conv.weight.device), "cpu")


if __name__ == "__main__":
    leak_check.main()
