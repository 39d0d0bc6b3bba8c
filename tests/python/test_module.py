"""nn.Module's machinery: listings, registration, state dicts, modes, conversion, copies, printing, and
C modules whose children are used from Python."""
import copy
import gc
import unittest

import minitorch as mt
from minitorch import nn

import leak_check


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(mt.ones(1))
        self.register_buffer("count", mt.zeros(()))
        self.register_buffer("scratch", mt.zeros(2), persistent=False)
        self.body = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU())
        self.again = self.body[0]
        self.note = ["a list"]

    def forward(self, x):
        return self.body(x) * self.scale


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = Block()
        self.head = nn.Linear(3, 1, bias=False)
        self.head.extra = self.block.scale

    def forward(self, x):
        return self.head(self.block(x))


class Listings(unittest.TestCase):
    def test_order_and_duplicates(self):
        m = Net()
        self.assertEqual([n for n, _ in m.named_parameters()], [
            "block.scale", "block.body.0.weight", "block.body.0.bias", "block.body.1.weight",
            "block.body.1.bias", "head.weight"])
        self.assertEqual([n for n, _ in m.named_parameters(remove_duplicate=False)], [
            "block.scale", "block.body.0.weight", "block.body.0.bias", "block.body.1.weight",
            "block.body.1.bias", "block.again.weight", "block.again.bias", "head.weight", "head.extra"])
        self.assertEqual([n for n, _ in m.block.named_parameters("p", recurse=False)], ["p.scale"])
        self.assertEqual([n for n, _ in m.named_buffers()], [
            "block.count", "block.scratch", "block.body.1.running_mean", "block.body.1.running_var",
            "block.body.1.num_batches_tracked"])
        self.assertEqual([n for n, _ in m.named_modules()], [
            "", "block", "block.body", "block.body.0", "block.body.1", "block.body.2", "head"])
        self.assertEqual([n for n, _ in m.named_modules(prefix="x", remove_duplicate=False)][-2:],
                         ["x.block.again", "x.head"])
        self.assertEqual([n for n, _ in m.block.named_children()], ["body", "again"])

    def test_get(self):
        m = Net()
        self.assertIs(m.get_submodule("block.body.0"), m.block.again)
        self.assertIs(m.get_submodule(""), m)
        self.assertIs(m.get_parameter("head.weight"), m.head.weight)
        self.assertIs(m.get_buffer("block.count"), m.block.count)
        for f, path, text in ((m.get_submodule, "block.x", "has no attribute `x`"),
                              (m.get_parameter, "block.count", "not an nn.Parameter"),
                              (m.get_parameter, "head.x", "has no attribute `x`"),
                              (m.get_buffer, "head.weight", "not a buffer")):
            with self.assertRaisesRegex(AttributeError, text):
                f(path)

    def test_registration(self):
        m = Block()
        for f, args, error, text in (
                (m.register_buffer, ("note", None), KeyError, "already exists"),
                (m.register_buffer, ("a.b", None), KeyError, "name can.*contain"),
                (m.register_parameter, ("", None), KeyError, "be empty"),
                (m.register_parameter, ("forward", None), KeyError, "already exists"),
                (m.add_module, ("scale", None), KeyError, "already exists"),
                (m.register_parameter, ("x", mt.ones(1)), TypeError, "torch.nn.Parameter or None"),
                (m.register_module, ("x", 3), TypeError, "not a Module subclass"),
                (m.register_buffer, ("x", 3), TypeError, "torch Tensor or None"),
                (m.register_buffer, (3, None), TypeError, "should be a string")):
            with self.assertRaisesRegex(error, text):
                f(*args)
        with self.assertRaisesRegex(TypeError, "as parameter 'scale'"):
            m.scale = mt.ones(1)
        m.scale = None
        self.assertNotIn("scale", dict(m.named_parameters()))
        m.scale = nn.Parameter(mt.ones(1))
        del m.body
        self.assertFalse(hasattr(m, "body"))
        m.again = None
        self.assertIsNone(m.again)
        self.assertIn("(again): None", repr(m))

    def test_apply_and_zero_grad(self):
        seen = []
        m = Net()
        self.assertIs(m.apply(lambda x: seen.append(type(x).__name__)), m)
        self.assertEqual(seen, ["Linear", "BatchNorm1d", "ReLU", "Sequential", "Linear", "Block",
                                "Linear", "Net"])
        m(mt.randn(4, 2)).sum().backward()
        m.zero_grad()
        self.assertEqual(m.head.weight.grad.abs().sum().item(), 0)
        m.zero_grad(set_to_none=True)
        self.assertIsNone(m.head.weight.grad)


class State(unittest.TestCase):
    def test_state_dict(self):
        m = Net()
        state = m.state_dict()
        self.assertEqual(list(state), [
            "block.scale", "block.count", "block.body.0.weight", "block.body.0.bias",
            "block.body.1.weight", "block.body.1.bias", "block.body.1.running_mean",
            "block.body.1.running_var", "block.body.1.num_batches_tracked", "block.again.weight",
            "block.again.bias", "head.weight", "head.extra"])
        self.assertFalse(state["head.weight"].requires_grad)
        kept = m.state_dict(prefix="model.", keep_vars=True)
        self.assertIs(kept["model.block.again.weight"], m.block.body[0].weight)
        into = {"first": mt.ones(1)}
        self.assertIs(m.head.state_dict(into, "x."), into)
        self.assertEqual(list(into), ["first", "x.weight", "x.extra"])

    def test_load(self):
        m, other = Net(), Net()
        self.assertEqual(str(m.load_state_dict(other.state_dict())), "<All keys matched successfully>")
        self.assertTrue(mt.equal(m.head.weight, other.head.weight))
        state = other.state_dict()
        del state["block.count"]
        state["extra"] = mt.ones(1)
        result = m.load_state_dict(state, strict=False)
        self.assertEqual((result.missing_keys, result.unexpected_keys), (["block.count"], ["extra"]))
        state["head.weight"] = mt.ones(2, 3)
        with self.assertRaises(RuntimeError) as caught:
            m.load_state_dict(state)
        text = str(caught.exception)
        for part in ("Error(s) in loading state_dict for Net:", 'Missing key(s) in state_dict: "block.count". ',
                     'Unexpected key(s) in state_dict: "extra". ',
                     "size mismatch for head.weight: copying a param with shape torch.Size([2, 3]) from "
                     "checkpoint, the shape in current model is torch.Size([1, 3])."):
            self.assertIn(part, text)

    def test_modes(self):
        class Frozen(nn.BatchNorm1d):
            def train(self, mode=True):
                return super().train(False)

        m = nn.Sequential(nn.Dropout(), Frozen(3), Net())
        m.train()
        self.assertEqual([x.training for x in m], [True, False, True])
        m.training = False
        self.assertTrue(m[0].training)
        m.eval()
        self.assertFalse(any(x.training for x in m.modules()))
        with self.assertRaises(ValueError):
            m.train("yes")

    def test_conversion(self):
        m = Net()
        p = m.head.weight
        for convert, dtype in ((m.double, mt.float64), (m.half, mt.float16), (m.bfloat16, mt.bfloat16),
                               (m.float, mt.float32), (lambda: m.to(mt.float64), mt.float64),
                               (lambda: m.to("cpu", mt.float32), mt.float32),
                               (lambda: m.to(mt.ones(1, dtype=mt.float64)), mt.float64),
                               (lambda: m.to(dtype=mt.float32, device="cpu"), mt.float32),
                               (lambda: m.type(mt.float64), mt.float64)):
            self.assertIs(convert(), m)
            self.assertEqual({t.dtype for t in m.parameters()}, {dtype})
            self.assertEqual(m.block.body[1].num_batches_tracked.dtype, mt.int64)
        self.assertIs(m.head.weight, p)
        with self.assertRaisesRegex(TypeError, "floating point or complex"):
            m.to(mt.int64)
        with self.assertRaises(TypeError):
            m.to(3)
        m.to("meta")
        self.assertEqual({t.device.type for t in m.parameters()}, {"meta"})


class Copies(unittest.TestCase):
    def test_deep_copy(self):
        m = Net()
        m.calls = []
        m.register_forward_hook(lambda m, args, out: m.calls.append(1))
        m.eval()
        m.block.body[2].inplace = True
        c = copy.deepcopy(m)
        self.assertEqual(repr(c), repr(m))
        self.assertIsInstance(c.head.weight, nn.Parameter)
        self.assertIs(c.block.again, c.block.body[0])
        self.assertIs(c.head.extra, c.block.scale)
        self.assertIsNot(c.block.note, m.block.note)
        self.assertFalse(c.block.training)
        self.assertTrue(c.block.body[2].inplace)
        self.assertEqual(list(c.state_dict()), list(m.state_dict()))
        x = mt.randn(3, 2)
        self.assertTrue(mt.equal(c(x), m(x)))
        self.assertEqual((len(c.calls), len(m.calls)), (1, 1))
        with mt.no_grad():
            c.head.weight.zero_()
        self.assertNotEqual(m.head.weight.abs().sum().item(), 0)
        del m
        gc.collect()
        self.assertEqual(c(x).abs().sum().item(), 0)

    def test_of_modules_that_c_made(self):
        layer = nn.Linear(2, 2)
        out = mt._native.ffi.new("mt_module **")
        mt._runtime._check(mt._native.lib.mt_module_clone(out, layer._c, True))
        wrapped = nn._builtin.wrap(out)
        self.assertIs(type(wrapped), nn.Linear)
        self.assertEqual(repr(wrapped), repr(layer))
        self.assertEqual(wrapped.in_features, 2)
        self.assertTrue(mt.equal(wrapped.weight, layer.weight))
        self.assertIsNot(wrapped.weight, layer.weight)


class ChildrenOfCModules(unittest.TestCase):
    """A C module with C children, as Python sees it."""

    def setUp(self):
        lib, ffi = mt._native.lib, mt._native.ffi
        self.layers = [nn.Linear(2, 3), nn.ReLU(), nn.Dropout(0.25)]
        out = ffi.new("mt_module **")
        children = ffi.new("mt_module *[]", [m._c for m in self.layers])
        mt._runtime._check(lib.mt_nn_sequential(out, children, 3))
        self.m = nn._builtin.Builtin.__new__(nn._builtin.Builtin)
        self.m._adopt(out)

    def tearDown(self):
        del self.m, self.layers

    def test_children_are_objects_of_their_classes(self):
        kinds = [type(c) for c in self.m.children()]
        self.assertEqual(kinds, [nn.Linear, nn.ReLU, nn.Dropout])
        linear, _, dropout = self.m.children()
        self.assertEqual((linear.in_features, dropout.p), (2, 0.25))
        self.assertEqual([n for n, _ in self.m.named_parameters()], ["0.weight", "0.bias"])
        dropout.p = 1.0
        self.assertEqual(self.m(mt.randn(2)).tolist(), [0, 0, 0])

    def test_hooks_run_in_c(self):
        linear = next(self.m.children())
        seen = []
        handles = [linear.register_forward_pre_hook(lambda m, args: seen.append(("pre", len(args)))),
                   linear.register_forward_hook(lambda m, args, out: out * 0 + 4),
                   linear.register_full_backward_hook(lambda m, i, o: seen.append(("back", len(i), len(o))))]
        self.m.eval()
        x = mt.randn(2, requires_grad=True)
        y = self.m(x)
        self.assertEqual(y.tolist(), [4, 4, 4])
        y.sum().backward()
        self.assertEqual(seen, [("pre", 1), ("back", 1, 1)])
        seen.clear()
        linear(x).sum().backward()  # from Python: once, too
        self.assertEqual(seen, [("pre", 1), ("back", 1, 1)])
        for h in handles:
            h.remove()
        self.assertNotEqual(self.m(x).tolist(), [4, 4, 4])
        self.assertEqual(len(seen), 2)

    def test_an_error_in_a_hook_arrives(self):
        linear = next(self.m.children())

        def fail(m, args):
            raise LookupError("from the hook")

        linear.register_forward_pre_hook(fail)
        with self.assertRaisesRegex(LookupError, "from the hook"):
            self.m(mt.randn(2))

    def test_a_replaced_child_is_used(self):
        class Twice(nn.Module):
            def forward(self, x):
                return x * 2

        setattr(self.m, "0", Twice())
        self.m.eval()
        self.assertEqual(self.m(mt.tensor([1.0, -1.0])).tolist(), [2, 0])


class Initialisers(unittest.TestCase):
    def test_orthogonal(self):
        for shape in ((3, 5), (5, 3), (4, 2, 3)):
            w = nn.init.orthogonal_(mt.empty(*shape), gain=2).reshape(shape[0], -1)
            square = w @ w.T if shape[0] <= w.shape[1] else w.T @ w
            self.assertTrue(mt.allclose(square, 4 * mt.eye(len(square)), atol=1e-5))

    def test_sparse_and_dirac(self):
        w = nn.init.sparse_(mt.empty(10, 4), 0.25)
        self.assertEqual((w == 0).sum(0).tolist(), [3, 3, 3, 3])
        c = nn.Conv2d(3, 3, 3, padding=1, bias=False)
        nn.init.dirac_(c.weight)
        x = mt.randn(1, 3, 4, 4)
        self.assertTrue(mt.equal(c(x), x))

    def test_trunc_normal(self):
        w = nn.init.trunc_normal_(mt.empty(1000), std=2, a=-1, b=3)
        self.assertGreaterEqual(w.min().item(), -1)
        self.assertLessEqual(w.max().item(), 3)
        self.assertEqual(nn.init.ones_(mt.empty(2)).tolist(), [1, 1])
        self.assertEqual(nn.init.zeros_(mt.empty(2)).tolist(), [0, 0])

    def test_errors(self):
        for f, text in ((lambda: nn.init.orthogonal_(mt.empty(3)), "2 dims"),
                        (lambda: nn.init.sparse_(mt.empty(3), 0.1), "2-dim"),
                        (lambda: nn.init.dirac_(mt.empty(3, 3)), "3, 4 or 5"),
                        (lambda: nn.init.dirac_(mt.empty(3, 3, 3), 2), "divisible"),
                        (lambda: nn.init.trunc_normal_(mt.empty(3), a=2, b=1), "a less than b")):
            with self.assertRaisesRegex(RuntimeError, text):
                f()


if __name__ == "__main__":
    leak_check.main()
