"""Classes of your own over built-in layers inside modules that C runs, copied hooks, nested encoders,
the adaptive softmax, lazy layers, extra state and hooks of state dicts, fused and functional calls.
--torch compares encoders and attributes with the installed PyTorch."""
import copy
import sys
import unittest
import warnings
from collections import OrderedDict

LIVE = "--torch" in sys.argv
if LIVE:
    sys.argv.remove("--torch")
    import torch

import minitorch as mt  # noqa: E402
from minitorch import nn  # noqa: E402
from minitorch.nn import functional as F  # noqa: E402
from minitorch.nn.utils import (fuse_conv_bn_eval, remove_weight_norm, skip_init, stateless,  # noqa: E402
                                weight_norm)

import leak_check  # noqa: E402

warnings.simplefilter("ignore")  # of lazy modules and nested tensors


class Doubled(nn.Linear):
    def forward(self, input):
        return 2 * super().forward(input)


class Noted(nn.LSTM):
    def forward(self, input, hx=None):
        self.seen = type(hx).__name__
        out, (h, c) = super().forward(input, hx)
        return out + 1, (h, c)


class Attention(nn.MultiheadAttention):
    def forward(self, query, key, value, key_padding_mask=None, need_weights=True, attn_mask=None,
                average_attn_weights=True):
        self.seen = need_weights, attn_mask is None
        out, weights = super().forward(query, key, value, key_padding_mask, need_weights, attn_mask,
                                       average_attn_weights)
        return out * 0, weights


def in_c(*modules):
    """A Sequential that C runs."""
    from minitorch._native import ffi, lib
    from minitorch._runtime import _check, _new
    from minitorch.nn._builtin import Builtin
    out = _new("mt_module **")
    _check(lib.mt_nn_sequential(out, _new("mt_module *[]", [m._c for m in modules]), len(modules)))
    made = Builtin.__new__(Builtin)
    made.__dict__["_c"] = ffi.gc(out[0], lib.mt_module_free)
    for table in ("_parameters", "_buffers", "_modules"):
        made.__dict__[table] = OrderedDict((str(i), m) for i, m in enumerate(modules)
                                           if table == "_modules")
    made.__dict__.update(_forward_pre_hooks={}, _forward_hooks={}, _backward_hooks={})
    return made


class OwnForward(unittest.TestCase):
    def test_inside_c_modules(self):
        plain, own = nn.Linear(3, 3), Doubled(3, 3)
        own.load_state_dict(plain.state_dict())
        x = mt.randn(2, 3)
        self.assertTrue(mt.allclose(own(x), 2 * plain(x)))
        model = in_c(own, nn.ReLU())
        self.assertTrue(mt.allclose(model(x), 2 * plain(x).relu()))
        calls = []
        own.register_forward_hook(lambda m, args, out: calls.append(m is own))
        own.register_forward_pre_hook(lambda m, args: (args[0] * 0,))
        self.assertTrue(mt.allclose(model(x), 2 * plain(x * 0).relu()))
        own(x)
        self.assertEqual(calls, [True, True])

    def test_in_an_encoder_layer(self):
        layer = nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0)
        x = mt.randn(5, 2, 4)
        wanted = layer.norm2(layer.norm1(x) + 2 * layer.linear2(layer.linear1(layer.norm1(x)).relu()))
        layer.self_attn = Attention(4, 2)
        second = Doubled(6, 4)
        second.load_state_dict(layer.linear2.state_dict())
        layer.linear2 = second
        self.assertTrue(mt.allclose(layer(x), wanted, atol=1e-6))
        self.assertEqual(layer.self_attn.seen, (False, True))
        self.assertTrue(mt.allclose(copy.deepcopy(layer)(x), wanted, atol=1e-6))

    def test_recurrent(self):
        lstm = Noted(2, 3)
        x, states = mt.randn(4, 1, 2), (mt.randn(1, 1, 3), mt.randn(1, 1, 3))
        parent = in_c(lstm)
        out = parent._call(x)
        self.assertEqual((len(out), lstm.seen), (3, "NoneType"))
        plain = nn.LSTM(2, 3)
        plain.load_state_dict(lstm.state_dict())
        self.assertTrue(mt.allclose(out[0], plain(x)[0] + 1))
        lstm(x, states)
        self.assertEqual(lstm.seen, "tuple")

    def test_of_an_instance(self):
        m = nn.Linear(2, 2)
        model = in_c(m)
        x = mt.ones(1, 2)
        own = m.forward
        m.forward = lambda input: own(input) * 0 + 7
        self.assertEqual(model(x).tolist(), [[7, 7]])
        self.assertEqual(m(x).tolist(), [[7, 7]])

    def test_errors_travel(self):
        class Bad(nn.Linear):
            def forward(self, input):
                raise KeyError("mine")
        with self.assertRaisesRegex(KeyError, "mine"):
            in_c(Bad(2, 2))(mt.ones(1, 2))


class Copies(unittest.TestCase):
    def test_hooks_are_copied(self):
        calls = []
        m = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        m.register_forward_hook(lambda *args: calls.append("model"))
        m[0].register_forward_hook(lambda *args: calls.append("layer"))
        m[0].register_full_backward_hook(lambda *args: calls.append("backward"))
        other = copy.deepcopy(m)
        other(mt.ones(1, 2, requires_grad=True)).sum().backward()
        self.assertEqual(calls, ["layer", "model", "backward"])
        in_c(other[0])(mt.ones(1, 2))
        self.assertEqual(calls[3:], ["layer"])

    def test_normed_weights(self):
        m = weight_norm(nn.Linear(3, 2))
        x = mt.randn(2, 3)
        with self.subTest("removed"):
            y = m(x)
            remove_weight_norm(m)
            self.assertTrue(mt.allclose(m(x), y))
            self.assertEqual(sorted(m.state_dict()), ["bias", "weight"])

    def test_places_of_parameters(self):
        m = nn.Linear(3, 2)
        x = mt.randn(2, 3)
        y, weight = m(x), m.weight
        del m.weight
        with self.assertRaisesRegex(RuntimeError, "weight is null"):
            m(x)
        m.weight = weight
        self.assertTrue(mt.equal(m(x), y))
        norm = nn.BatchNorm1d(3)
        del norm.running_mean, norm.running_var
        norm(x)

    def test_options_without_parameters(self):
        m, x = nn.MultiheadAttention(6, 2), mt.randn(3, 1, 6)
        m.add_bias_kv = True
        with self.assertRaisesRegex(RuntimeError, "bias_k and bias_v"):
            m(x, x, x)
        m.add_bias_kv, m.num_heads = False, 4
        with self.assertRaisesRegex(ValueError, "divisible by num_heads"):
            m(x, x, x)

    def test_last_offset_of_rows(self):
        m = nn.EmbeddingBag(7, 3, include_last_offset=True, _weight=mt.arange(21.).reshape(7, 3))
        out = m(mt.tensor([[4, 2], [6, 4], [6, 3]]))  # the last row only ends the others
        self.assertEqual(out.tolist(), [[9, 10, 11], [15, 16, 17]])
        with self.assertRaisesRegex(RuntimeError, "at least one offset"):
            m(mt.zeros(0, 2, dtype=mt.int64))

    def test_data(self):
        m = nn.Linear(3, 2)
        weight = m.weight
        weight.data = mt.ones(4, 3, dtype=mt.float64)
        self.assertIs(m.weight, weight)
        self.assertEqual((list(weight.shape), weight.dtype), ([4, 3], mt.float64))
        m.bias = None
        self.assertEqual(list(m(mt.ones(1, 3, dtype=mt.float64)).shape), [1, 4])


class Encoders(unittest.TestCase):
    padding = [[False] * 5, [False] * 3 + [True] * 2, [False] * 2 + [True] * 3]

    def encoder(self, t=mt, **options):
        t.manual_seed(4)
        layer = t.nn.TransformerEncoderLayer(6, 2, 8, batch_first=True, **options)
        with t.no_grad():
            for p in layer.parameters():
                p.add_(0.1)
        return t.nn.TransformerEncoder(layer, 2, t.nn.LayerNorm(6)).eval()

    def test_nested(self):
        m = self.encoder()
        x, padding = mt.randn(3, 5, 6), mt.tensor(self.padding)
        recorded = m(x, src_key_padding_mask=padding)
        with mt.no_grad():
            y = m(x, src_key_padding_mask=padding)
            short = m(x[1:], src_key_padding_mask=padding[1:])
            m.enable_nested_tensor = False
            plain = m(x, src_key_padding_mask=padding)
        self.assertTrue(mt.allclose(plain, recorded, atol=1e-6))
        keep = ~padding
        self.assertTrue(mt.allclose(y[keep], recorded[keep], atol=1e-6))
        self.assertEqual(y[padding].abs().sum().item(), 0)  # the norm's bias
        self.assertEqual(list(short.shape), [2, 3, 6])

    def test_a_whole_sample_padded(self):
        m = self.encoder()
        padding = mt.tensor([[True] * 5, [False] * 5])
        with mt.no_grad():
            y = m(mt.randn(2, 5, 6), src_key_padding_mask=padding)
            none = m(mt.randn(1, 5, 6), src_key_padding_mask=padding[:1])
        self.assertFalse(y.isnan().any().item())
        self.assertEqual(list(none.shape), [1, 0, 6])

    def test_where_it_does_not_hold(self):
        x = mt.randn(3, 5, 6)
        for options, mask in ((dict(norm_first=True), None), (dict(activation=F.tanh), None),
                              ({}, mt.zeros(5, 5, dtype=mt.bool))):
            m = self.encoder(**options)
            with mt.no_grad():
                y = m(x, mask, src_key_padding_mask=mt.tensor(self.padding))
            self.assertNotEqual(y[1, 4].abs().sum().item(), 0)

    @unittest.skipUnless(LIVE, "needs PyTorch")
    def test_beside_pytorch(self):
        masks = {"behind": self.padding, "in front": [[True] + [False] * 4] * 3,
                 "shorter": [[False] * 4 + [True]] * 3, "one sample": [[True] * 5] + [[False] * 5] * 2,
                 "all": [[True] * 5] * 3}
        for mask in masks:
            for check in (True, False):
                for options in ({}, dict(activation="gelu"), dict(norm_first=True)):
                    for recording in (True, False):
                        found = []
                        for t in (torch, mt):
                            m = self.encoder(t, **options)
                            m.mask_check = check
                            x = t.randn(3, 5, 6)
                            with t.set_grad_enabled(recording):
                                y = m(x, src_key_padding_mask=t.tensor(masks[mask]))
                            found.append(mt.from_numpy(y.detach().numpy()) if t is torch else y.detach())
                        with self.subTest(mask=mask, check=check, recording=recording, **options):
                            self.assertEqual(found[1].shape, found[0].shape)
                            self.assertTrue(mt.allclose(found[1], found[0], atol=2e-6, equal_nan=True))


class Adaptive(unittest.TestCase):
    def test_probabilities(self):
        m = nn.AdaptiveLogSoftmaxWithLoss(6, 10, [2, 5], div_value=2.0)
        self.assertEqual((m.cutoffs, m.shortlist_size, m.n_clusters, m.head_size), ([2, 5, 10], 2, 2, 4))
        x, target = mt.randn(7, 6), mt.tensor([0, 9, 4, 2, 5, 1, 3])
        result = m(x, target)
        self.assertEqual(type(result).__name__, "_ASMoutput")
        all_classes = m.log_prob(x)
        self.assertTrue(mt.allclose(all_classes.exp().sum(1), mt.ones(7)))
        self.assertTrue(mt.allclose(all_classes.gather(1, target.unsqueeze(1)).squeeze(1),
                                    result.output))
        self.assertTrue(mt.allclose(result.loss, -result.output.mean()))
        self.assertEqual(m.predict(x).tolist(), all_classes.argmax(1).tolist())
        with self.assertRaisesRegex(IndexError, r"in \[0, 9\], but values in range \[0, 10\]"):
            m(x, target + mt.tensor([0, 1, 0, 0, 0, 0, 0]))
        with self.assertRaisesRegex(ValueError, "cutoffs"):
            nn.AdaptiveLogSoftmaxWithLoss(6, 10, [5, 2])


class Lazy(unittest.TestCase):
    def test_becomes_the_layer(self):
        for make, cls, shape in ((lambda: nn.LazyLinear(3), nn.Linear, (2, 5)),
                                 (lambda: nn.LazyConv2d(4, 3, padding=1), nn.Conv2d, (2, 5, 6, 6)),
                                 (lambda: nn.LazyConvTranspose1d(4, 3), nn.ConvTranspose1d, (2, 5, 6)),
                                 (lambda: nn.LazyBatchNorm1d(), nn.BatchNorm1d, (2, 5)),
                                 (lambda: nn.LazyInstanceNorm2d(), nn.InstanceNorm2d, (2, 5, 6, 6))):
            m = make()
            weight = m.weight
            self.assertTrue(m.has_uninitialized_params())
            mt.manual_seed(0)
            y = m(mt.ones(shape))
            self.assertIs(type(m), cls)
            self.assertIs(m.weight, weight)
            self.assertIs(type(weight), nn.Parameter)
            mt.manual_seed(0)
            args = [a for a in (5, None if "Norm" in cls.__name__ else y.shape[1]) if a]
            more = {"Conv2d": [3, 1, 1], "ConvTranspose1d": [3]}.get(cls.__name__, [])
            kept = {"affine": True, "track_running_stats": True} if "Inst" in cls.__name__ else {}
            same = cls(*args, *more, **kept)
            self.assertEqual(repr(m), repr(same))
            self.assertTrue(mt.equal(m.weight, same.weight))

    def test_loading(self):
        m = nn.Sequential(nn.LazyLinear(3), nn.ReLU())
        m.load_state_dict(nn.Sequential(nn.Linear(5, 3)).state_dict())
        self.assertEqual(list(m(mt.ones(1, 5)).shape), [1, 3])

    def test_in_c(self):
        m = nn.LazyLinear(3)
        self.assertEqual(list(in_c(m)(mt.ones(2, 4)).shape), [2, 3])
        self.assertIs(type(m), nn.Linear)


class Extra(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.register_buffer("count", mt.tensor(1))
        self.extra = {"a": 1}

    def get_extra_state(self):
        return self.extra

    def set_extra_state(self, state):
        self.extra = state


class StateDicts(unittest.TestCase):
    def test_extra_state(self):
        m = nn.Sequential(Extra(), nn.Linear(2, 2))
        self.assertEqual(list(m.state_dict()), ["0.count", "0._extra_state", "0.layer.weight",
                                                "0.layer.bias", "1.weight", "1.bias"])
        other = nn.Sequential(Extra(), nn.Linear(2, 2))
        m[0].extra = {"a": 2}
        self.assertEqual(str(other.load_state_dict(m.state_dict())), "<All keys matched successfully>")
        self.assertEqual(other[0].extra, {"a": 2})
        state = m.state_dict()
        del state["0._extra_state"]
        with self.assertRaisesRegex(RuntimeError, "0._extra_state"):
            other.load_state_dict(state)
        self.assertEqual(other.load_state_dict(state, strict=False).missing_keys, ["0._extra_state"])

    def test_before_batches_were_counted(self):
        m = nn.Sequential(nn.BatchNorm1d(2))
        state = m.state_dict()
        self.assertEqual(state._metadata["0"], {"version": 2})
        del state["0.num_batches_tracked"]
        with self.assertRaisesRegex(KeyError, "num_batches_tracked"):
            m.load_state_dict(state)
        m(mt.randn(3, 2))
        m.load_state_dict(dict(state))  # without versions
        self.assertEqual(m[0].num_batches_tracked.item(), 0)

    def test_hooks(self):
        m = nn.Sequential(nn.Linear(2, 2))

        def rename(state, prefix, *rest):
            for key in [k for k in state if k.startswith(prefix + "old_")]:
                state[prefix + key[len(prefix) + 4:]] = state.pop(key)
        handle = m[0]._register_load_state_dict_pre_hook(rename)
        old = {"0.old_weight": mt.ones(2, 2), "0.bias": mt.zeros(2)}
        m.load_state_dict(old)
        self.assertEqual(list(old), ["0.old_weight", "0.bias"])
        self.assertEqual(m[0].weight.tolist(), [[1, 1], [1, 1]])
        handle.remove()
        with self.assertRaises(KeyError):
            m.load_state_dict(old)
        m.register_load_state_dict_post_hook(lambda module, keys: keys.missing_keys.clear())
        self.assertEqual(m.load_state_dict({}, strict=False).missing_keys, [])

        def drop(module, state, prefix, metadata):
            del state[prefix + "bias"]
        m[0]._register_state_dict_hook(drop)
        self.assertEqual(list(m.state_dict()), ["0.weight"])


class Sequences(unittest.TestCase):
    def test_as_lists(self):
        a, b, c = nn.ReLU(), nn.Tanh(), nn.Sigmoid()
        m = nn.Sequential(a, b)
        m.insert(1, c)
        self.assertEqual(list(m), [a, c, b])
        self.assertEqual([n for n, _ in m.named_children()], ["0", "1", "2"])
        self.assertIs(m.pop(-1), b)
        m += nn.Sequential(b)
        del m[0]
        m[1] = a
        self.assertEqual(list(m), [c, a])
        self.assertEqual(list(m + nn.Sequential(b)), [c, a, b])
        self.assertEqual(list(m * 2), [c, a, c, a])
        self.assertEqual(list(m.extend([b])[1:]), [a, b])
        for f in (lambda: m[3], lambda: m.__setitem__(-4, a), lambda: m.insert(5, a)):
            with self.assertRaises(IndexError):
                f()
        with self.assertRaises(ValueError):
            m * 0
        x = mt.randn(3)
        self.assertTrue(mt.allclose(m(x), x.sigmoid().relu().tanh()))


class Utilities(unittest.TestCase):
    def test_fused(self):
        for conv, transpose in ((nn.Conv2d(3, 4, 3), False), (nn.ConvTranspose2d(3, 4, 3), True)):
            bn = nn.BatchNorm2d(4)
            x = mt.randn(2, 3, 6, 6)
            bn(conv(x))
            conv.eval()
            bn.eval()
            fused = fuse_conv_bn_eval(conv, bn, transpose)
            self.assertTrue(mt.allclose(fused(x), bn(conv(x)), atol=1e-5))

    def test_functional_call(self):
        m = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
        before = {k: v.clone() for k, v in m.state_dict().items()}
        w = mt.zeros(2, 2, requires_grad=True)
        x = mt.randn(4, 2)
        y = stateless.functional_call(m, {"0.weight": w, "0.bias": mt.ones(2)}, x)
        y.sum().backward()
        self.assertIsNotNone(w.grad)
        self.assertEqual(list(m.state_dict()), list(before))
        self.assertEqual([n for n, _ in m.named_parameters()],
                         ["0.weight", "0.bias", "1.weight", "1.bias"])
        self.assertTrue(mt.equal(m[0].weight, before["0.weight"]))
        with self.assertRaises(KeyError):
            stateless.functional_call(m, {"0.nothing": w}, x)

    def test_skip_init(self):
        state = mt.get_rng_state()
        m = skip_init(nn.Linear, 3, 2, dtype=mt.float64)
        self.assertEqual((list(m.weight.shape), m.weight.dtype, m.weight.device.type),
                         ([2, 3], mt.float64, "cpu"))
        self.assertTrue(mt.equal(mt.get_rng_state(), state))

    def test_reset_parameters(self):
        norm = nn.BatchNorm1d(3)
        norm(mt.randn(4, 3))
        norm.weight.data.fill_(2)
        norm.reset_running_stats()
        self.assertEqual((norm.running_mean.tolist(), norm.num_batches_tracked.item()), ([0] * 3, 0))
        norm.reset_parameters()
        self.assertEqual(norm.weight.tolist(), [1] * 3)
        mt.manual_seed(3)
        a = nn.Conv2d(4, 6, 3, padding="same", groups=2, bias=False)
        b = nn.Conv2d(4, 6, 3, padding="same", groups=2, bias=False)
        mt.manual_seed(3)
        b.reset_parameters()
        self.assertTrue(mt.equal(a.weight, b.weight))
        mt.nn.init.ones_(mt.empty(2))
        with self.assertWarns(UserWarning):
            self.assertEqual(nn.init.constant(mt.empty(1), 3).item(), 3)

    def test_attributes(self):
        self.assertEqual((nn.ReLU6().min_val, nn.ReLU6().max_val), (0, 6))
        self.assertEqual(nn.PairwiseDistance(3).norm, 3)
        self.assertEqual((nn.Upsample(2).name, nn.UpsamplingNearest2d(2).name),
                         ("Upsample", "UpsamplingNearest2d"))
        self.assertEqual(nn.ZeroPad2d(1).value, 0)
        self.assertIsInstance(nn.LSTM(2, 2), nn.RNNBase)
        self.assertIsInstance(nn.GRUCell(2, 2), nn.RNNCellBase)
        attention = nn.MultiheadAttention(4, 2)
        self.assertIsInstance(attention.out_proj, nn.Linear)
        self.assertEqual((attention.out_proj.in_features, attention.out_proj.out_features), (4, 4))
        t = nn.Transformer(4, 2, 1, 1, 4)
        self.assertEqual((t.encoder.num_layers, t.encoder.enable_nested_tensor), (1, True))
        self.assertEqual(t.encoder.layers[0].activation_relu_or_gelu, 1)


if __name__ == "__main__":
    leak_check.main()
