"""load and save in Python: PyTorch reads what is written here, and the other way round."""
import argparse
import collections
import io
import os
import pathlib
import tempfile
import unittest

import numpy as np

import leak_check
import minitorch as torch
from minitorch import nn, serialization

try:
    import torch as real_torch
except ImportError:
    real_torch = None

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden/formats"


def everything():
    t = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    shared = [1, 2]
    return {"t": [t, t.t(), t[1], t[:, 2]], "p": nn.Parameter(torch.ones(2)), "none": None, "flags": (True, False),
            "ints": [0, 255, 256, -1, 2**31, -2**63, 2**70, -2**70], "floats": [0.5, -1e300, float("inf")],
            "text": ["", "ü\0漢"], "bytes": b"\0\xff", "set": {1, 2}, "size": t.shape, "dtype": torch.bfloat16,
            "device": torch.device("cpu"), "od": collections.OrderedDict(a=1), 3: {"x": ()}, "twice": [shared, shared],
            "complex": 1 - 2j, "bf": torch.ones(2).bfloat16(), "flag": torch.tensor([True, False]),
            "scalar": torch.tensor(3)}


def plain(x):
    """With lists in place of tensors, of either library."""
    if hasattr(x, "tolist"):
        return ["tensor", str(x.dtype), list(x.shape), x.tolist()]
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x)(map(plain, x)) if type(x) in (list, tuple) else list(x)
    return str(x) if type(x).__name__ in ("dtype", "device") else x


class Here(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "file")

    @leak_check.needs("zip")
    def test_round_trip(self):
        obj = everything()
        torch.save(obj, self.path)
        back = torch.load(self.path)
        self.assertEqual(plain(back), plain(obj))
        self.assertIs(back["twice"][0], back["twice"][1])
        self.assertIsInstance(back["p"], nn.Parameter)
        self.assertIsInstance(back["size"], torch.Size)
        self.assertIsInstance(back["od"], collections.OrderedDict)
        back["t"][0][1, 2] = 100
        self.assertEqual(back["t"][3].tolist(), [2, 100, 10])

    @leak_check.needs("zip")
    def test_file_objects(self):
        buffer = io.BytesIO()
        torch.save({"a": torch.ones(2)}, buffer)
        buffer.seek(0)
        self.assertEqual(torch.load(buffer)["a"].tolist(), [1, 1])

    @leak_check.needs("zip")
    def test_state_dict(self):
        m = nn.Linear(3, 2)
        torch.save({"state_dict": {"module." + k: v for k, v in m.state_dict().items()}, "epoch": 1}, self.path)
        state = serialization.load_state_dict(self.path, strip_prefix="module.")
        other = nn.Linear(3, 2)
        other.load_state_dict(state)
        self.assertEqual(other.weight.tolist(), m.weight.tolist())
        with self.assertRaises(KeyError):
            serialization.load_state_dict(self.path, key="ema")

    @leak_check.needs("zip")
    def test_errors(self):
        with self.assertRaisesRegex(TypeError, "state_dict"):
            torch.save(nn.Linear(1, 1), self.path)
        loop = []
        loop.append(loop)
        with self.assertRaisesRegex(ValueError, "cycle"):
            torch.save(loop, self.path)
        self.assertFalse(os.path.exists(self.path))
        with self.assertRaises(OSError):
            torch.load(self.path)
        for name in ("evil_zip.pth", "evil_plain.pkl", "module.pth", "torchscript.pt"):
            with self.assertRaisesRegex(RuntimeError, name):
                torch.load(GOLDEN / "torch_bad" / name)
        self.assertFalse(os.path.exists("/tmp/dl_pickle_executed"))

    @leak_check.needs("zip")
    def test_numpy(self):
        t = torch.arange(6).reshape(2, 3)
        serialization.save_npy(t.t(), self.path)
        np.testing.assert_array_equal(np.load(self.path), t.t().numpy())
        for compressed in (False, True):
            serialization.save_npz({"a": t, "b/c": t[0]}, self.path, compressed)
            with np.load(self.path) as f:
                self.assertEqual(sorted(f.files), ["a", "b/c"])
                np.testing.assert_array_equal(f["a"], t.numpy())
            self.assertEqual(serialization.load_npz(self.path)["b/c"].tolist(), [0, 1, 2])
        self.assertEqual(torch.load(GOLDEN / "npy/zero_dim.npy").item(), 2.5)

    def test_safetensors(self):
        serialization.save_safetensors({"a": torch.ones(3)}, self.path, {"format": "pt"})
        for mmap in (False, True):
            tensors, metadata = serialization.load_safetensors(self.path, mmap=mmap)
            self.assertEqual((tensors["a"].tolist(), metadata), ([1, 1, 1], {"format": "pt"}))
        self.assertEqual(torch.load(self.path)["a"].tolist(), [1, 1, 1])

    @leak_check.needs("zip")
    def test_committed_files(self):
        for name in ("everything_zip.pth", "everything_stream.pth"):
            obj = torch.load(GOLDEN / "torch" / name)
            self.assertEqual(obj["numbers"][-1], 1 << 70)
            self.assertEqual(obj["args"], argparse.Namespace(lr=0.1, name="run"))
            self.assertEqual((obj["best"], obj["step"], obj["flag"]), (0.25, 7, True))
            self.assertEqual(obj["numpy"].tolist(), [[0, 1, 2], [3, 4, 5]])
            self.assertEqual((obj["device"].type, obj["device"].index), ("cuda", 1))
            self.assertEqual(obj["count"], collections.Counter("aab"))
            self.assertEqual(obj["model"]._metadata["0"], {"version": 1})
            self.assertIs(obj["twice"][0], obj["twice"][1])


@unittest.skipIf(real_torch is None, "PyTorch is not installed")
class AgainstTorch(Here):
    @leak_check.needs("zip")
    def test_torch_loads_what_is_saved(self):
        obj = everything()
        torch.save(obj, self.path)
        back = real_torch.load(self.path)
        self.assertEqual(plain(back), plain(obj))
        self.assertIs(back["twice"][0], back["twice"][1])
        self.assertIsInstance(back["p"], real_torch.nn.Parameter)
        back["t"][0][1, 2] = 100
        self.assertEqual(back["t"][3].tolist(), [2, 100, 10])

    @leak_check.needs("zip")
    def test_weights_only(self):
        m = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
        opt = torch.optim.Adam(m.parameters())
        m(torch.ones(4, 3)).sum().backward()
        opt.step()
        # Its reader in 1.13 has no opcode for floats, not even in PyTorch's own files.
        obj = {"model": m.state_dict(), "state": opt.state_dict()["state"], "epoch": 3, "list": [None, (1, "a")]}
        torch.save(obj, self.path)
        back = real_torch.load(self.path, weights_only=True)
        self.assertEqual(plain(back["model"]), plain(obj["model"]))
        self.assertEqual((back["epoch"], back["list"]), (3, [None, (1, "a")]))
        other = real_torch.nn.Sequential(real_torch.nn.Linear(3, 2), real_torch.nn.BatchNorm1d(2))
        other.load_state_dict(back["model"])

    @leak_check.needs("zip")
    def test_torch_files(self):
        for zipped in (True, False):
            m = real_torch.nn.Linear(3, 2)
            obj = {"m": m.state_dict(), "views": [m.weight.data, m.weight.data.t()], "n": 2**65}
            real_torch.save(obj, self.path, _use_new_zipfile_serialization=zipped)
            self.assertEqual(plain(torch.load(self.path)), plain(obj))


if __name__ == "__main__":
    leak_check.main()
