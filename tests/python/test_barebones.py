"""uint16, uint32 and uint64 against NumPy: made, converted, indexed, joined, printed, shared and saved
bit for bit. They are dtypes of PyTorch 2.3, so the installed 1.13 is asked only what it can load.
"""
import copy
import io
import pathlib
import pickle
import tempfile
import unittest
import zipfile

import numpy as np

import leak_check
import minitorch as torch

KINDS = (torch.uint16, torch.uint32, torch.uint64)
OTHERS = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16,
          torch.float32, torch.float64, torch.complex64, torch.complex128)


def samples(kind):
    """Values of a dtype with its ends, and the places where floats round."""
    t = np.dtype(kind.name)
    if t.kind == "b":
        return np.array([False, True, True])
    if t.kind in "fc":
        whole = [0, 1.9, 127.5, 200.7, 255.9, 300, 32768, 65504, 65535, 1e5, 2147483648.0, 4294966784.0,
                 1e10, 9.3e18, 1.8e19, 0.5]
        with np.errstate(over="ignore"):
            a = np.array(whole).astype(t)
        return a[np.isfinite(a)] + (t.type(3j) if t.kind == "c" else 0)
    info = np.iinfo(t)
    values = [0, 1, 2, 100, info.max, info.max - 1, info.min, info.max // 2, info.max // 2 + 1]
    values += [v for v in (2**24 + 1, 2**24 + 3, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1025, 2**64 - 2**39)
               if v <= info.max]
    if info.min < 0:
        values += [-1, -100]
    return np.array(values, dtype=t)


def fits(a, kind):
    """Where NumPy's astype to an integer dtype is defined: in its range."""
    t = np.dtype(kind.name)
    if t.kind not in "iu" or a.dtype.kind not in "fc":
        return np.ones(a.shape, bool)
    whole = np.trunc(a.real.astype(np.longdouble))
    return (whole >= np.longdouble(np.iinfo(t).min)) & (whole <= np.longdouble(np.iinfo(t).max))


class Conversions(unittest.TestCase):
    def check(self, a, kind, t):
        ok = fits(a, kind)
        with np.errstate(all="ignore"):
            # To bool torch looks at the real part alone.
            want = (a.real if kind is torch.bool else a)[ok].astype(kind.name)
        got = t.to(kind)
        self.assertIs(got.dtype, kind)
        np.testing.assert_array_equal(got.numpy()[ok], want, err_msg=f"{a.dtype} to {kind}")

    def test_every_pair(self):
        import warnings
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # complex to real
            for kind in KINDS:
                for other in OTHERS + KINDS:
                    for source, target in ((kind, other), (other, kind)):
                        a = samples(source)
                        self.check(a, target, torch.from_numpy(a))
                        self.check(a[::2], target, torch.from_numpy(a)[::2])
                        self.check(a[:1].reshape(()), target, torch.tensor(a[:1].reshape(())))

    def test_bfloat16(self):
        for kind in KINDS:
            t = torch.from_numpy(samples(kind))
            want = t.to(torch.float32).to(torch.bfloat16)
            self.assertTrue(torch.equal(t.to(torch.bfloat16), want))
            back = want[t.to(torch.float32) < 2.0**16 - 256]
            np.testing.assert_array_equal(back.to(kind).numpy(), back.to(torch.float64).numpy().astype(kind.name))

    def test_large_and_transposed(self):
        a = np.random.default_rng(3).integers(0, 2**64, (300, 411), dtype=np.uint64)
        for kind in KINDS:
            b = a.astype(kind.name)
            t = torch.from_numpy(b)
            np.testing.assert_array_equal(t.t().contiguous().numpy(), b.T)
            for other in OTHERS:
                if other.is_complex:
                    continue
                with np.errstate(over="ignore"):
                    np.testing.assert_array_equal(t.t().to(other).numpy(), b.T.astype(other.name))
                    np.testing.assert_array_equal(t.to(other).numpy(), b.astype(other.name))

    def test_copy_and_like(self):
        for kind in KINDS:
            a = samples(kind)
            t = torch.empty(len(a), dtype=kind)
            t.copy_(torch.from_numpy(a))
            np.testing.assert_array_equal(t.numpy(), a)
            self.assertIs(torch.zeros_like(t).dtype, kind)
            self.assertEqual(torch.ones_like(t).tolist(), [1] * len(a))


class Making(unittest.TestCase):
    def test_from_numbers(self):
        big = [2**64 - 1, 1, 2**63, 0]
        for data in (big, [big, big], 2**64 - 1, [[]], np.array(big, np.uint64)):
            t = torch.tensor(data, dtype=torch.uint64)
            np.testing.assert_array_equal(t.numpy(), np.array(data, dtype=np.uint64))
        self.assertEqual(torch.tensor([-1, 2**64 - 1], dtype=torch.uint64).tolist(), [2**64 - 1] * 2)
        self.assertEqual(torch.tensor([1.5, True], dtype=torch.uint32).tolist(), [1, 1])
        for bad in ([2**64], [[1, -2**63 - 1]]):
            with self.assertRaises(OverflowError):
                torch.tensor(bad, dtype=torch.uint64)
        for kind in KINDS:
            self.assertIs(torch.tensor(np.array([3], kind.name)).dtype, kind)
            self.assertIs(torch.tensor(np.dtype(kind.name).type(3)).dtype, kind)
            self.assertIs(torch.asarray(np.array([3], kind.name)).dtype, kind)
            self.assertIs(torch.zeros(2, dtype=np.dtype(kind.name)).dtype, kind)

    def test_filled(self):
        for kind in KINDS:
            top = np.iinfo(kind.name).max
            self.assertEqual(torch.full((2,), int(top), dtype=kind).tolist(), [top] * 2)
            with self.assertRaisesRegex(RuntimeError, "out of range") if kind is not torch.uint64 else \
                    self.assertRaises(OverflowError):
                torch.full((2,), int(top) + 1, dtype=kind)
            t = torch.zeros(3, dtype=kind)
            t[1] = int(top)
            t[2:].fill_(torch.tensor(int(top), dtype=kind))
            self.assertEqual(t.tolist(), [0, top, top])

    def test_memory_is_shared(self):
        for kind in KINDS:
            a = samples(kind).copy()
            t = torch.from_numpy(a)
            self.assertIs(t.dtype, kind)
            a[0] = 5
            self.assertEqual(t[0].item(), 5)
            self.assertEqual(t.numpy().dtype, a.dtype)
            self.assertEqual(t.numpy().__array_interface__["data"], a.__array_interface__["data"])
            d = torch.from_dlpack(a)
            self.assertIs(d.dtype, kind)
            self.assertEqual(d.data_ptr(), t.data_ptr())
            back = np.from_dlpack(t)
            np.testing.assert_array_equal(back, a)
            del d, back


class Values(unittest.TestCase):
    def test_numbers(self):
        for kind in KINDS:
            a = samples(kind)
            t = torch.from_numpy(a)
            self.assertEqual(t.tolist(), a.tolist())
            for i, v in enumerate(a.tolist()):
                self.assertEqual((t[i].item(), int(t[i]), t[i].__index__(), float(t[i]), bool(t[i])),
                                 (v, v, v, float(v), bool(v)))
                self.assertIs(type(t[i].item()), int)
            self.assertIs(t.is_floating_point(), False)
            self.assertIs(t.is_complex(), False)
            self.assertIs(t.is_signed(), False)
            self.assertEqual((kind.itemsize, t.element_size()), (a.itemsize, a.itemsize))
        with self.assertRaises(RuntimeError):
            torch.zeros(2, dtype=torch.uint64).item()
        with self.assertRaises(RuntimeError):
            torch.zeros(1, dtype=torch.uint64, device="meta").item()

    def test_texts(self):
        self.assertEqual(repr(torch.uint16), "torch.uint16")
        self.assertEqual(repr(torch.tensor([1, 65535], dtype=torch.uint16)),
                         "tensor([    1, 65535], dtype=torch.uint16)")
        self.assertEqual(repr(torch.tensor(2**64 - 1, dtype=torch.uint64)),
                         "tensor(18446744073709551615, dtype=torch.uint64)")
        self.assertEqual(torch.zeros(1, dtype=torch.uint32).type(), "torch.UInt32Tensor")
        self.assertEqual(format(torch.tensor(2**63, dtype=torch.uint64), ","), "9,223,372,036,854,775,808")

    def test_indexing(self):
        for kind in KINDS:
            a = np.random.default_rng(1).integers(0, np.iinfo(kind.name).max, (5, 7), np.dtype(kind.name),
                                                  endpoint=True)
            t, i = torch.from_numpy(a.copy()), np.array([4, 0, 4])
            n = torch.from_numpy(i)
            for ours, want in ((t[1], a[1]), (t[1:4:2, 3], a[1:4:2, 3]), (t[n], a[i]), (t[:, n], a[:, i]),
                               (t.index_select(1, n), a[:, i]), (t[t == t[2, 3]], a[a == a[2, 3]]),
                               (t.gather(0, n.unsqueeze(1)), np.take_along_axis(a[:, :1], i[:, None], 0)),
                               (torch.take(t, n), a.take(i)), (t.flip(0), a[::-1]), (t.roll(2, 1), np.roll(a, 2, 1)),
                               (t.repeat(2, 1), np.tile(a, (2, 1))), (t.reshape(7, 5), a.reshape(7, 5)),
                               (torch.cat([t, t], 1), np.concatenate([a, a], 1)),
                               (torch.stack([t, t]), np.stack([a, a])), (t.tril(), np.tril(a)),
                               (t.unfold(1, 3, 2), np.lib.stride_tricks.sliding_window_view(a, 3, 1)[:, ::2]),
                               (torch.where(t == t[0, 0], t, t[1, 1]), np.where(a == a[0, 0], a, a[1, 1])),
                               (torch.eye(3, dtype=kind), np.eye(3, dtype=kind.name))):
                self.assertIs(ours.dtype, kind)
                np.testing.assert_array_equal(ours.numpy(), want)
            t[n[:2]] = t[1]
            a[i[:2]] = a[1]
            np.testing.assert_array_equal(t.numpy(), a)
            t.index_copy_(0, n[:2], torch.ones(2, 7, dtype=kind))
            a[i[:2]] = 1
            t.masked_fill_(t == 1, 9)
            a[a == 1] = 9
            np.testing.assert_array_equal(t.numpy(), a)
            np.testing.assert_array_equal(t.scatter(0, n.unsqueeze(1)[:1], 3).numpy()[4, 0], 3)

    def test_equality(self):
        t = torch.tensor([65535, 0, 4464], dtype=torch.uint16)
        self.assertEqual((t == 0).tolist(), [False, True, False])
        self.assertEqual((t != t.clone()).tolist(), [False] * 3)
        self.assertTrue(torch.equal(t, t.clone()))
        self.assertEqual((t == 65535.0).tolist(), [True, False, False])
        for bad in (70000, -1):  # which wrap around to elements
            with self.assertRaisesRegex(RuntimeError, r"must be within \[0, 65535\]"):
                t == bad
        big = torch.tensor(2**64 - 1, dtype=torch.uint64)
        with self.assertRaisesRegex(RuntimeError, "18446744073709551615 for dtype int64"):
            torch.tensor([-1]) == big
        self.assertEqual((torch.tensor([-1, 5]) == torch.tensor(5, dtype=torch.uint64)).tolist(), [False, True])
        self.assertEqual((torch.tensor([2**64 - 1, 0], dtype=torch.uint64) == big).tolist(), [True, False])

    def test_promotion(self):
        for kind in KINDS:
            for other in OTHERS + KINDS + (torch.bfloat16,):
                both = (kind, other), (other, kind)
                if other in (kind, torch.bool) or other.is_floating_point or other.is_complex:
                    for pair in both:
                        self.assertIs(torch.promote_types(*pair), kind if other is torch.bool else other)
                else:
                    for pair in both:
                        with self.assertRaisesRegex(RuntimeError, r"\.to\(int64\)"):
                            torch.promote_types(*pair)
            self.assertTrue(torch.can_cast(kind, torch.int8) and torch.can_cast(kind, torch.float32))
            self.assertFalse(torch.can_cast(torch.float32, kind) or torch.can_cast(kind, torch.bool))
            x = torch.tensor([1, 2, 200], dtype=kind)
            self.assertEqual((x * 0.5).tolist(), [0.5, 1, 100])
            self.assertIs(torch.result_type(x, 3), kind)
            np.testing.assert_array_equal(torch.exp(x[:2]).numpy(), torch.exp(x[:2].float()).numpy())

    def test_what_computes_refuses(self):
        t, whole = torch.ones(2, 2, dtype=torch.uint64), torch.ones(2, 2, dtype=torch.int64)
        for f in (lambda: t + t, lambda: -t, lambda: t.sum(), lambda: t @ t, lambda: t.sort(), lambda: t < t,
                  lambda: t.max(), lambda: t.cumsum(0), lambda: t.clamp(0, 1), lambda: t.add_(1), lambda: t & t,
                  lambda: torch.arange(3, dtype=torch.uint16), lambda: t.random_(), lambda: t.unique(),
                  lambda: t.prod(), lambda: torch.bincount(t[0]), lambda: torch.randint(3, (2,), dtype=torch.uint32)):
            with self.assertRaisesRegex(RuntimeError, "uint"):
                f()
        with self.assertRaisesRegex(RuntimeError, r"\.to\(int64\)"):
            t + whole
        with self.assertRaises(RuntimeError):
            t.requires_grad_()


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return str(pathlib.Path(self.folder.name) / name)

    def arrays(self):
        for kind in KINDS:
            a = np.random.default_rng(2).integers(0, np.iinfo(kind.name).max, (3, 5), np.dtype(kind.name),
                                                  endpoint=True)
            a[0, 0] = np.iinfo(kind.name).max
            yield kind, a

    def test_npy(self):
        for kind, a in self.arrays():
            for stored in (a, a.astype(a.dtype.newbyteorder(">")), np.asfortranarray(a), a[:0], a[1, 1:2].reshape(()),
                           np.asfortranarray(a).astype(a.dtype.newbyteorder(">"))):
                np.save(self.path("a.npy"), stored)
                t = torch.load(self.path("a.npy"))
                t = t if isinstance(t, torch.Tensor) else torch.from_numpy(t)
                self.assertIs(t.dtype, kind)
                np.testing.assert_array_equal(t.numpy(), stored)
            self.save("mt_save_npy", "b.npy", torch.from_numpy(a).t())
            back = np.load(self.path("b.npy"))
            self.assertEqual(back.dtype, a.dtype)
            np.testing.assert_array_equal(back, a.T)

    def save(self, function, name, t):
        from minitorch._native import lib
        from minitorch._runtime import _check, _ptr
        _check(getattr(lib, function)(self.path(name).encode(), _ptr(t)))

    @leak_check.needs("zip")
    def test_npz(self):
        arrays = {kind.name: a for kind, a in self.arrays()}
        np.savez_compressed(self.path("a.npz"), **arrays, swapped=arrays["uint64"].astype(">u8"))
        found = torch.load(self.path("a.npz"))
        for name, a in arrays.items():
            np.testing.assert_array_equal(np.asarray(found[name]), a)
            self.assertEqual(np.asarray(found[name]).dtype, a.dtype)
        np.testing.assert_array_equal(np.asarray(found["swapped"]), arrays["uint64"])

    def test_safetensors(self):
        import json
        from minitorch.serialization import load_safetensors, save_safetensors
        given = {kind.name: torch.from_numpy(a) for kind, a in self.arrays()}
        save_safetensors(given, self.path("a.safetensors"))
        raw = pathlib.Path(self.path("a.safetensors")).read_bytes()
        size = int.from_bytes(raw[:8], "little")
        head = json.loads(raw[8:8 + size])
        for kind, a in self.arrays():
            entry = head[kind.name]
            begin, end = entry["data_offsets"]
            self.assertEqual(entry["dtype"], "U" + kind.name[4:])
            self.assertEqual(raw[8 + size + begin:8 + size + end], a.tobytes())
        back, _ = load_safetensors(self.path("a.safetensors"))
        for name, t in given.items():
            self.assertIs(back[name].dtype, t.dtype)
            self.assertTrue(torch.equal(back[name], t))

    @leak_check.needs("zip")
    def test_pth_is_refused(self):
        for kind, a in self.arrays():
            with self.assertRaisesRegex(RuntimeError, "save as safetensors or npz"):
                torch.save({"w": torch.from_numpy(a)}, self.path("a.pt"))
            self.assertFalse(pathlib.Path(self.path("a.pt")).exists())

    @leak_check.needs("zip")
    def test_pth_of_newer_torch(self):
        """What PyTorch 2.3 writes: _rebuild_tensor_v3 on an untyped storage."""
        class Name:
            def __init__(self, module, name):
                self.module, self.name = module, name

        def op_global(n):
            return b"c" + n.module.encode() + b"\n" + n.name.encode() + b"\n"

        def text(s):
            return b"X" + len(s).to_bytes(4, "little") + s.encode()

        def number(v):
            return b"J" + v.to_bytes(4, "little", signed=True)

        for kind, a in self.arrays():
            storage = (b"(" + text("storage") + op_global(Name("torch.storage", "UntypedStorage")) + text("0") +
                       text("cpu") + number(a.nbytes) + b"tQ")
            stream = (b"\x80\x02" + op_global(Name("torch._utils", "_rebuild_tensor_v3")) + b"(" + storage +
                      number(0) + b"(" + number(3) + number(5) + b"t(" + number(5) + number(1) + b"t\x89" +
                      op_global(Name("collections", "OrderedDict")) + b")R" +
                      op_global(Name("torch", kind.name)) + b"tR.")
            file = io.BytesIO()
            with zipfile.ZipFile(file, "w") as z:
                z.writestr("archive/data.pkl", stream)
                z.writestr("archive/data/0", a.tobytes())
                z.writestr("archive/version", "3\n")
            pathlib.Path(self.path("new.pt")).write_bytes(file.getvalue())
            t = torch.load(self.path("new.pt"))
            self.assertIs(t.dtype, kind)
            np.testing.assert_array_equal(t.numpy(), a)

    def test_pickle_copy_and_state_dict(self):
        for kind, a in self.arrays():
            t = torch.from_numpy(a)
            for back in (pickle.loads(pickle.dumps(t)), copy.deepcopy(t), copy.copy(t)):
                self.assertIs(back.dtype, kind)
                self.assertTrue(torch.equal(back, t))
            self.assertIs(pickle.loads(pickle.dumps(kind)), kind)
            module, other = torch.nn.Module(), torch.nn.Module()
            module.register_buffer("codes", t)
            other.register_buffer("codes", torch.zeros(3, 5, dtype=kind))
            other.load_state_dict(module.state_dict())
            self.assertTrue(torch.equal(other.codes, t))
            module.float()  # converts floats only
            self.assertIs(module.codes.dtype, kind)


if __name__ == "__main__":
    leak_check.main()
