"""Hooks, user functions and the graph in Python: torch's rules for hooks of tensors and modules,
autograd.Function with any number of outputs, deleting what a module holds, and pictures of graphs."""
import os
import shutil
import tempfile
import unittest

import leak_check
import minitorch as torch
import minitorch.nn as nn
from minitorch.utils import graph_dot, render_graph


class TensorHooks(unittest.TestCase):
    def test_hooks_replace_gradients_in_order(self):
        x = torch.tensor([1., 2.], requires_grad=True)
        y = x * 3
        seen = []
        y.register_hook(lambda g: seen.append(g.tolist()))
        first = y.register_hook(lambda g: g * 2)
        y.register_hook(lambda g: g + 1)
        y.retain_grad()
        self.assertTrue(y.retains_grad)
        self.assertFalse(x.retains_grad)
        y.sum().backward(retain_graph=True)
        self.assertEqual((seen, y.grad.tolist(), x.grad.tolist()), ([[1, 1]], [3, 3], [9, 9]))
        first.remove()
        first.remove()  # harmless
        x.grad = None
        y.sum().backward()
        self.assertEqual(x.grad.tolist(), [6, 6])

    def test_leaf_hooks_and_errors(self):
        x = torch.tensor([1.], requires_grad=True)
        with x.register_hook(lambda g: g * 10):
            (x * 2).sum().backward()
        (x * 2).sum().backward()
        self.assertEqual(x.grad.tolist(), [22])
        with self.assertRaisesRegex(RuntimeError, "does not require gradients"):
            torch.zeros(1).register_hook(print)
        with self.assertRaises(TypeError):
            x.register_hook(3)
        x.retain_grad()  # nothing to do for a leaf
        self.assertFalse(x.retains_grad)

        def bad(g):
            raise KeyError("mine")

        x.register_hook(bad)
        with self.assertRaisesRegex(KeyError, "mine"):
            (x * 2).sum().backward()


class SplitHalves(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale):
        ctx.save_for_backward(x, None)
        ctx.scale = scale
        n = x.shape[0] // 2
        return x[:n] * scale, "text", x[n:] * x[n:]

    @staticmethod
    def backward(ctx, left, text, right):
        x, none = ctx.saved_tensors
        assert text is None and none is None
        n = x.shape[0] // 2
        return torch.cat([left * ctx.scale, 2 * x[n:] * right]), None, None


class Functions(unittest.TestCase):
    def test_several_outputs_need_no_declaration(self):
        x = torch.tensor([1., 2., 3., 4.], requires_grad=True)
        a, text, b = SplitHalves.apply(x, 5.0)
        self.assertEqual((a.tolist(), text, b.tolist()), ([5, 10], "text", [9, 16]))
        (a.sum() + b.sum()).backward()
        self.assertEqual(x.grad.tolist(), [5, 5, 6, 8])
        x.grad = None
        SplitHalves.apply(x, 5.0)[2].sum().backward()  # the other gradient is zeros
        self.assertEqual(x.grad.tolist(), [0, 0, 6, 8])

    def test_gradients_may_stay_none(self):
        seen = []

        class Two(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.set_materialize_grads(False)
                return [x * 2, x * 3]

            @staticmethod
            def backward(ctx, a, b):
                seen.append((a is None, b is None))
                return b * 3

        x = torch.tensor([1.], requires_grad=True)
        out = Two.apply(x)
        self.assertIsInstance(out, tuple)
        out[1].backward()
        self.assertEqual((seen, x.grad.tolist()), ([(True, False)], [3]))

    def test_wrong_numbers_of_gradients(self):
        class Wrong(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, y):
                return x * y

            @staticmethod
            def backward(ctx, g):
                return g

        x = torch.tensor([1.], requires_grad=True)
        with self.assertRaisesRegex(RuntimeError, r"incorrect number of gradients \(expected 2, got 1"):
            Wrong.apply(x, x).backward()

    def test_an_input_given_back_and_no_grad(self):
        class Same(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x

            @staticmethod
            def backward(ctx, g):
                return g * 4

        x = torch.tensor([1.], requires_grad=True)
        y = Same.apply(x)
        self.assertIsNot(y, x)
        y.backward()
        self.assertEqual(x.grad.tolist(), [4])
        with torch.no_grad():
            self.assertFalse(Same.apply(torch.ones(1)).requires_grad)

    def test_integer_and_non_differentiable_outputs(self):
        class Top(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                index = x.argmax()
                half = x * 0.5
                ctx.mark_non_differentiable(half)
                return x * 2, index, half

            @staticmethod
            def backward(ctx, g, index, half):
                return g * 2

        x = torch.tensor([1., 3.], requires_grad=True)
        y, index, half = Top.apply(x)
        self.assertEqual((index.item(), index.requires_grad, half.requires_grad), (1, False, False))
        y.sum().backward()
        self.assertEqual(x.grad.tolist(), [2, 2])


class ModuleHooks(unittest.TestCase):
    def test_order_and_replacement(self):
        m, log = nn.Linear(2, 1, bias=False), []
        m.weight.data = torch.ones(1, 2)
        handles = [m.register_forward_pre_hook(lambda m, args: log.append("pre")),
                   m.register_forward_pre_hook(lambda m, args: args[0] * 10),
                   m.register_forward_hook(lambda m, args, y: log.append(args[0].tolist())),
                   m.register_forward_hook(lambda m, args, y: y + 1)]
        self.assertEqual(m(torch.ones(2)).item(), 21)
        self.assertEqual(log, ["pre", [10, 10]])
        for h in handles:
            h.remove()
        self.assertEqual(m(torch.ones(2)).item(), 2)

    def test_full_backward_hook(self):
        for model in (nn.Linear(2, 3), nn.Sequential(nn.Linear(2, 3), nn.Tanh())):
            calls = []
            handle = model.register_full_backward_hook(
                lambda m, gi, go: calls.append((m, [tuple(g.shape) for g in gi],
                                                [tuple(g.shape) for g in go])))
            x = torch.ones(4, 2, requires_grad=True)
            model(x).sum().backward()
            self.assertEqual(calls, [(model, [(4, 2)], [(4, 3)])])
            handle.remove()
            model(x).sum().backward()
            self.assertEqual(len(calls), 1)

    def test_full_backward_hook_replaces_and_leaves_out(self):
        m = nn.Identity()
        m.register_full_backward_hook(lambda m, gi, go: (gi[0] * 5,))
        x = torch.ones(1, requires_grad=True)
        m(x).backward()
        self.assertEqual(x.grad.item(), 5)
        seen = []
        linear = nn.Linear(1, 1)
        linear.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go[0].item())))
        linear(torch.ones(1)).backward()  # no input wants a gradient
        self.assertEqual(seen, [((None,), 1.0)])
        with torch.no_grad():
            linear(torch.ones(1))
        wrong = nn.Identity()
        wrong.register_full_backward_hook(lambda m, gi, go: (gi[0], gi[0]))
        with self.assertRaisesRegex(RuntimeError, "invalid number of grad_input"):
            wrong(x).backward()

    def test_several_arguments_and_results(self):
        class Pair(nn.Module):
            def forward(self, a, text, b):
                return a * 2, b * 3

        m, seen = Pair(), []
        m.register_full_backward_hook(lambda m, gi, go: seen.append((
            [g is None or g.item() for g in gi], [g is None or g.item() for g in go])))
        a, b = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
        p, q = m(a, "x", b)
        (p + q * 10).backward()
        self.assertEqual(seen, [([2, True, 30], [1, 10])])


class Generators(unittest.TestCase):
    def test_a_generator_of_ones_own(self):
        torch.manual_seed(3)
        expected = torch.randn(5), torch.randint(0, 10, (4,)), torch.randperm(6), torch.rand(2)
        g = torch.Generator().manual_seed(3)
        state = g.get_state()
        before = torch.get_rng_state()
        for _ in range(2):
            found = (torch.randn(5, generator=g), torch.randint(0, 10, (4,), generator=g),
                     torch.randperm(6, generator=g), torch.rand(2, generator=g))
            for a, b in zip(found, expected):
                self.assertTrue(torch.equal(a, b))
            g.set_state(state)
        self.assertTrue(torch.equal(before, torch.get_rng_state()))  # the process's was not drawn from
        self.assertEqual(g.initial_seed(), 3)
        x = torch.zeros(3)
        self.assertEqual(x.normal_(generator=g).tolist(), torch.empty(3).copy_(expected[0][:3]).tolist())


class Lifetimes(unittest.TestCase):
    def test_arguments_made_on_the_spot(self):
        x = torch.ones(2)
        self.assertEqual(torch.cat([x * 2, x * 3]).tolist(), [2, 2, 3, 3])
        self.assertEqual(torch.stack((x + 1, x + 2)).tolist(), [[2, 2], [3, 3]])
        w = torch.ones(2, requires_grad=True)
        torch.autograd.backward((w * 3 for _ in range(1)), (x * n for n in range(4, 5)))
        self.assertEqual(w.grad.tolist(), [12, 12])
        self.assertEqual(torch.where(x > 0, 0.0, -0.0).tolist(), [0, 0])
        for i in range(2500):  # numbers are kept only for a while
            self.assertEqual(torch.add(i + 0.25, i + 0.5).item(), 2 * i + 0.75)


class Deleting(unittest.TestCase):
    def test_what_is_deleted_is_gone(self):
        m = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        m.register_buffer("table", torch.zeros(3))
        del m[0].bias
        delattr(m, "1")
        del m.table
        self.assertEqual(list(m.state_dict()), ["0.weight"])
        self.assertEqual(repr(m), "Sequential(\n  (0): Linear(in_features=2, out_features=2, bias=True)\n)"
                         .replace("bias=True", "bias=" + repr(m[0]).split("bias=")[1][:-1]))
        with self.assertRaises(AttributeError):
            m[0].bias
        with self.assertRaises(AttributeError):
            del m.nothing
        m.table = nn.Linear(1, 1)  # the name is free for anything
        m[0].bias = nn.Parameter(torch.zeros(2))
        self.assertEqual(list(m.state_dict()), ["0.weight", "0.bias", "table.weight", "table.bias"])


class Graphs(unittest.TestCase):
    def test_graph_as_text_and_picture(self):
        model = nn.Linear(3, 1)
        loss = nn.MSELoss()(model(torch.ones(4, 3)), torch.zeros(4, 1))
        text = graph_dot(loss, model)
        for part in ("digraph", "MseLossBackward0", "weight\\n(1, 3)", "bias\\n(1,)", "-> root"):
            self.assertIn(part, text)
        self.assertEqual(graph_dot(loss, {"w": model.weight}).count("w\\n(1, 3)"), 1)
        node = loss.grad_fn
        while node.next_functions and node.next_functions[0][0] is not None:
            node = [f for f, _ in node.next_functions if f is not None][-1]
        self.assertEqual(node.name(), "torch::autograd::AccumulateGrad")
        self.assertEqual(node.variable.shape, (1, 3))
        with tempfile.TemporaryDirectory() as folder:
            path = render_graph(loss, os.path.join(folder, "graph.svg"), model)
            self.assertTrue(path.endswith(".svg" if shutil.which("dot") else ".dot"))
            with open(path) as f:
                self.assertIn("MseLossBackward0", f.read())
            self.assertEqual(render_graph(loss, os.path.join(folder, "g.dot"), model),
                             os.path.join(folder, "g.dot"))


class Anomaly(unittest.TestCase):
    def test_a_nan_gradient_names_the_op_and_the_line(self):
        x = torch.tensor([0., 4.], requires_grad=True)
        self.assertFalse(torch.is_anomaly_enabled())
        with torch.autograd.detect_anomaly():
            self.assertTrue(torch.is_anomaly_enabled())
            self.assertTrue(torch.is_anomaly_check_nan_enabled())
            root = torch.sqrt(x)  # the guilty line
            y = (root * torch.tensor([0., 1.])).sum()
            with self.assertRaises(RuntimeError) as caught:
                y.backward()
        text = str(caught.exception)
        self.assertIn("Function 'SqrtBackward0' returned nan values in its 0th output", text)
        self.assertIn("# the guilty line", text)
        self.assertIn("test_hooks.py", text)
        self.assertNotIn("autograd/__init__.py", text)
        self.assertFalse(torch.is_anomaly_enabled())
        x.grad = None
        (torch.sqrt(x) * torch.tensor([0., 1.])).sum().backward()  # off again: no error
        self.assertTrue(torch.isnan(x.grad[0]).item())

    def test_without_the_check_other_failures_say_where(self):
        class Bad(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2

            @staticmethod
            def backward(ctx, g):
                return g[:1]

        x = torch.ones(3, requires_grad=True)
        with torch.autograd.set_detect_anomaly(True, check_nan=False):
            self.assertFalse(torch.is_anomaly_check_nan_enabled())
            y = torch.log(torch.zeros(3, requires_grad=True)) * 0
            y.sum().backward()
            z = (x * float("nan")).sum()
            z.backward()

        with torch.autograd.set_detect_anomaly(True):
            w = torch.ones(3, requires_grad=True)
            v = w.exp()  # changed below
            loss = v.sum()
            v.mul_(2)
            with self.assertRaisesRegex(RuntimeError, r"(?s)changed in place.*# changed below"):
                loss.backward()

    def test_nodes_of_a_backward_name_the_forward_op(self):
        x = torch.tensor([0.], requires_grad=True)
        with torch.autograd.detect_anomaly():
            y = x ** 1.5  # first
            g, = torch.autograd.grad(y, x, create_graph=True)
            with self.assertRaisesRegex(RuntimeError, r"(?s)in the backward of PowBackward0.*# first"):
                (g * 0).backward()


class Dirty(unittest.TestCase):
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 2

    def test_the_input_becomes_the_result(self):
        a = torch.tensor([1., 2.], requires_grad=True)
        b = a * 3
        c = self.Double.apply(b)
        self.assertIs(c, b)
        self.assertEqual(b.tolist(), [6, 12])
        self.assertEqual(b.grad_fn.name(), "DoubleBackward")
        (b * b).sum().backward()
        self.assertEqual(a.grad.tolist(), [72, 144])  # 2 * 6 a * 6

    def test_what_may_not_be_dirty(self):
        leaf = torch.ones(2, requires_grad=True)
        with self.assertRaisesRegex(RuntimeError, "leaf"):
            self.Double.apply(leaf)
        with self.assertRaisesRegex(RuntimeError, "view"):
            self.Double.apply((leaf * 1)[:1])

        class Lost(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.mark_dirty(x)
                return x.clone()

        with self.assertRaisesRegex(RuntimeError, "given back"):
            Lost.apply(leaf * 1)
        plain = torch.ones(2)
        self.assertIs(self.Double.apply(plain), plain)
        self.assertFalse(plain.requires_grad)


if __name__ == "__main__":
    leak_check.main()
