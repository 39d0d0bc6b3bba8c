"""Files of PyTorch before 0.1.10, tar archives: written here by the layout that torch.load still reads."""
import io
import pickle
import struct
import tarfile
import tempfile
import unittest

import leak_check
import minitorch as torch

try:
    import torch as real_torch
except ImportError:
    real_torch = None


def piece(x):
    """The opcodes of a value, without the head and the stop of its stream."""
    return pickle.dumps(x, 2)[2:-1]


def stream(body):
    return b"\x80\x02" + body + b"."


def head(key, middle, kind):
    return stream(piece(key) + piece(middle) + kind + b"\x87")


def storage(key, kind, data, element, location="cpu", numel=None):
    return (head(key, location, b"ctorch\n" + kind + b"\n") +
            struct.pack("<q", len(data) // element if numel is None else numel) + data)


def tensor(key, root, sizes, strides, offset=0, kind=b"ctorch\nFloatTensor\n", dims=None):
    return head(key, root, kind) + struct.pack(f"<ii{2 * len(sizes) + 1}q", len(sizes) if dims is None else dims, 0,
                                               *sizes, *strides, offset)


def objects(**ids):
    """A dict in which numbers from 10 on are ids."""
    body = b"ccollections\nOrderedDict\n]" + b"".join(
        b"]" + piece(k) + b"a" + (piece(str(v)) + b"Q" if isinstance(v, int) and v > 9 else piece(v)) + b"aa"
        for k, v in ids.items()) + b"\x85R"
    return stream(body)


def members(storages, tensors, main, views=()):
    return {"sys_info": pickle.dumps({"protocol_version": 1000, "little_endian": True, "type_sizes": {"int": 4}}, 2),
            "storages": stream(piece(len(storages))) + b"".join(storages) + stream(piece(list(views))),
            "tensors": stream(piece(len(tensors))) + b"".join(tensors), "pickle": main}


def archive(parts, form=tarfile.PAX_FORMAT):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:", format=form) as tar:
        for name, data in parts.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1480000000.25  # fractions make extended headers, as the files had
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


FLOATS = struct.pack("<6f", *range(6))
LONGS = struct.pack("<3q", 7, -1, 2**40)


def parts(**more):
    return members(
        [storage(94001, b"FloatStorage", FLOATS, 4), storage(94002, b"LongStorage", LONGS, 8, "cuda:0"),
         storage(94003, b"HalfStorage", struct.pack("<2e", 0.5, 2), 2)],
        [tensor(11, 94001, (2, 3), (3, 1)), tensor(12, 94001, (3, 2), (1, 3)),
         tensor(13, 94004, (2,), (1,)), tensor(14, 94002, (2,), (1,), 1, b"ctorch.cuda\nLongTensor\n")],
        objects(**{"w": 11, "t": 12, "v": 13, "n": 14, "same": 11, "half": 94003, "epoch": 5, "text": "a", **more}),
        [(94004, 94001, 2, 3)])


class Tar(unittest.TestCase):
    def load(self, data):
        return torch.load(io.BytesIO(data))

    def test_load(self):
        for form in (tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT):
            got = self.load(archive(parts(), form))
            self.assertEqual({k: v.tolist() if hasattr(v, "tolist") else v for k, v in got.items()}, {
                "w": [[0, 1, 2], [3, 4, 5]], "t": [[0, 3], [1, 4], [2, 5]], "v": [2, 3], "n": [-1, 2**40],
                "same": [[0, 1, 2], [3, 4, 5]], "half": [0.5, 2], "epoch": 5, "text": "a"})
            self.assertEqual([got[k].dtype for k in "wn"] + [got["half"].dtype],
                             [torch.float32, torch.int64, torch.float16])
            got["w"][1, 0] = 100
            self.assertEqual((got["t"][0, 1].item(), got["v"][1].item(), got["same"][1, 0].item()), (100, 100, 100))

    @unittest.skipIf(real_torch is None or not hasattr(real_torch, "load"), "PyTorch is not installed")
    def test_against_torch(self):
        data = archive(parts())
        with tempfile.NamedTemporaryFile() as f:  # it reads them from real files alone
            f.write(data)
            f.flush()
            want, got = real_torch.load(f.name, map_location="cpu"), self.load(data)
        self.assertEqual(list(got), list(want))
        for key, value in want.items():
            if isinstance(value, real_torch.Tensor):
                self.assertEqual((got[key].tolist(), list(got[key].shape), list(got[key].stride())),
                                 (value.tolist(), list(value.shape), list(value.stride())), key)
            elif key != "half":
                self.assertEqual(got[key], value)
        self.assertEqual(got["half"].tolist(), list(want["half"]))

    def refuse(self, data, text):
        with self.assertRaisesRegex(RuntimeError, f"^load: .*'buffer'.*{text}"):
            self.load(data)

    def test_refused(self):
        floats = storage(1, b"FloatStorage", FLOATS, 4)

        def made(tensors=(), storages=(floats,), main=objects(), views=()):
            return archive(members(list(storages), list(tensors), main, views))

        self.assertEqual(self.load(made()), {})
        for text, data in (
                ("24|25|fit", made(storages=[storage(1, b"FloatStorage", FLOATS, 4, numel=2**40)])),
                ("-1 elements", made(storages=[storage(1, b"FloatStorage", FLOATS, 4, numel=-1)])),
                ("elements", made(storages=[storage(1, b"FloatStorage", FLOATS, 4, numel=2**62)])),
                ("XStorage", made(storages=[storage(1, b"XStorage", FLOATS, 4)])),
                ("Tensor", made(storages=[storage(1, b"FloatTensor", FLOATS, 4)])),
                ("0 or 1", made(storages=[storage(1, b"BoolStorage", b"\0\1\2", 1)])),
                ("twice", made(storages=[floats, floats])),
                ("offset 4", made(views=[(2, 1, 4, 3)])), ("offset -1", made(views=[(2, 1, -1, 3)])),
                ("no storage 9", made(views=[(2, 9, 0, 3)])), ("tuple of 4", made(views=[(2, 1, 0)])),
                ("number", made(views=[(2, 1, 0, "3")])),
                ("inside its storage", made([tensor(2, 1, (2, 4), (4, 1))])),
                ("inside its storage", made([tensor(2, 1, (7,), (1,))])),
                ("inside its storage", made([tensor(2, 1, (2,), (-1,), 1)])),
                ("63 bits", made([tensor(2, 1, (2**40, 2**40), (0, 0))])),
                # A tensor is no storage: an expanded one has more elements than there are bytes.
                ("no storage 2", made([tensor(2, 1, (1000,), (0,)), tensor(3, 2, (1000,), (1,))])),
                ("dims", made([tensor(2, 1, (), (), dims=-1)])), ("dims", made([tensor(2, 1, (), (), dims=10**6)])),
                ("too early|end", made([tensor(2, 1, (), (), dims=40)])),
                ("twice", made([tensor(1, 1, (2,), (1,))])),
                ("persistent", made(main=objects(x=77))),
                ("system", made(main=stream(b"cposix\nsystem\n" + piece("true") + b"\x85R"))),
                ("as a value", made(main=stream(b"ctorch\nFloatStorage\n"))),
                ("FloatTensor", made(main=stream(b"ctorch\nFloatTensor\n"))),
                ("system", archive({**parts(), "tensors": stream(b"cposix\nsystem\n" + piece("true") + b"\x85R")})),
                ("big-endian", archive({**parts(), "sys_info": pickle.dumps({"little_endian": False}, 2)})),
                ("without a member 'tensors'", archive({k: v for k, v in parts().items() if k != "tensors"})),
                ("parts", archive({**parts(), "tensors": stream(piece(10**9))})),
                ("parts", archive({**parts(), "storages": stream(piece(-1))}))):
            with self.subTest(text):
                self.refuse(data, text)

    def test_cuts_and_flips(self):
        data = archive(parts(), tarfile.USTAR_FORMAT)
        end = len(data.rstrip(b"\0"))
        for n in range(0, end):
            with self.assertRaises(RuntimeError):
                self.load(data[:n])
        for i in range(end):
            for bit in (1, 128):
                try:
                    self.load(data[:i] + bytes([data[i] ^ bit]) + data[i + 1:])
                except (RuntimeError, ValueError) as e:
                    self.assertRegex(str(e), "^load")


if __name__ == "__main__":
    leak_check.main()
