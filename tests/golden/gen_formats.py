# Writes tests/golden/formats: small files of every format, good and bad, and manifest.json with what
# each must give. Needs PyTorch 1.13 and NumPy: /usr/bin/python3 tests/golden/gen_formats.py
import argparse
import collections
import gzip
import io
import json
import pathlib
import pickle
import struct
import zipfile
import zlib

import numpy as np
import torch

OUT = pathlib.Path(__file__).resolve().parent / "formats"
FILES = []
MARK = "/tmp/dl_pickle_executed"  # what the hostile pickles would make


def put(name, data, expect, **more):
    path = OUT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    FILES.append({"file": name, "expect": expect, **more})


def cut(name):
    FILES.append({"file": name, "expect": "truncations-reject", "lengths": []})


def describe(t):
    if isinstance(t, np.ndarray) and t.dtype.kind == "u" and t.itemsize > 1:  # which PyTorch 1.13 has not
        t = np.ascontiguousarray(t)
        return {"dtype": t.dtype.name, "shape": list(t.shape), "numel": t.size,
                "crc32": f"{zlib.crc32(t.tobytes()):08x}", "sum": sum(t.flatten().tolist()),
                "first": t.flatten()[:2].tolist()}
    if isinstance(t, np.ndarray):
        t = torch.from_numpy(np.ascontiguousarray(t.astype(t.dtype.newbyteorder("="))).reshape(t.shape))
    t = t.detach().contiguous()
    raw = t.view(torch.int16) if t.dtype == torch.bfloat16 else t
    out = {"dtype": str(t.dtype).removeprefix("torch."), "shape": list(t.shape), "numel": t.numel(),
           "crc32": f"{zlib.crc32(raw.numpy().tobytes()):08x}"}
    if t.dtype.is_floating_point:
        out["finite_sum"] = t.double()[torch.isfinite(t)].sum().item()
        out["first"] = [v if np.isfinite(v) else str(v) for v in t.double().flatten()[:2].tolist()]
    else:
        out["sum"] = int(t.long().sum())
        out["first"] = t.long().flatten()[:2].tolist()
    return out


def leaves(obj, name, tensors, scalars):
    if isinstance(obj, (torch.Tensor, np.ndarray)):
        tensors[name] = describe(obj)
    elif isinstance(obj, argparse.Namespace):
        leaves(vars(obj), name, tensors, scalars)
    elif isinstance(obj, dict):
        for k, v in obj.items():
            leaves(v, f"{name}/{k}" if name else str(k), tensors, scalars)
    elif isinstance(obj, (list, tuple)):
        for i, v in enumerate(obj):
            leaves(v, f"{name}/{i}" if name else str(i), tensors, scalars)
    elif isinstance(obj, np.generic):
        scalars[name] = obj.item()
    elif isinstance(obj, (bool, int, float, str)) or obj is None:
        scalars[name] = obj
    elif isinstance(obj, torch.device):
        scalars[name] = str(obj)


def good(name, data, obj):
    tensors, scalars = {}, {}
    leaves(obj, "", tensors, scalars)
    more = {"tensors": tensors, "scalars": scalars}
    if isinstance(obj, dict):
        more["key_order"] = [str(k) for k in obj]
    put(name, data, "load", **more)


def saved(obj, **options):
    buffer = io.BytesIO()
    torch.save(obj, buffer, **options)
    return buffer.getvalue()


def archive(entries, method=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as z:
        for name, data in entries.items():
            z.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, method)
    return buffer.getvalue()


def pth(pickled, **records):
    return archive({"a/data.pkl": pickled, **{f"a/data/{k}": v for k, v in records.items()},
                    "a/version": b"3\n"})


def bad(name, data, message=""):
    put(name, data, "reject", **({"message": message} if message else {}))


class Evil:
    def __reduce__(self):
        import os
        return os.system, (f"touch {MARK}",)


def everything():
    torch.manual_seed(0)
    base = torch.randn(3, 4)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    shared = [1, 2]
    return {
        "tensors": [base, base.t(), base[1], base[:, 2]],
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "frozen": torch.nn.Parameter(torch.zeros(1), requires_grad=False),
        "model": model.state_dict(), "none": None, "true": True, "no": False,
        "numbers": (0, -1, 255, 256, 65535, 65536, -2**31, 2**31, -2**40, 2**63 - 1, -2**63, 1 << 70),
        "floats": [0.5, -1e300, 1e-320], "text": "ü\n\0漢", "empty": ["", (), [], {}],
        "size": base.shape, "device": torch.device("cuda", 1), "cpu": torch.device("cpu"),
        "ordered": collections.OrderedDict(a=1, b={3: 4}), "twice": [shared, shared],
        "default": collections.defaultdict(list, x=[1]), "count": collections.Counter("aab"),
        "args": argparse.Namespace(lr=0.1, name="run"), "numpy": np.arange(6, dtype=">i4").reshape(2, 3),
        "array": np.ones((2, 2), order="F"), "half": np.float16(0.5), "best": np.float64(0.25),
        "step": np.int64(7), "flag": np.bool_(True),
    }


def dtypes():
    out = {}
    for d in (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int8, torch.int16,
              torch.int32, torch.int64, torch.uint8, torch.bool):
        out[str(d)] = torch.tensor([[0, 1, 0], [1, 1, 0]]).to(d)
    out["0-dim"], out["empty"] = torch.tensor(1), torch.zeros(0, 2)
    return out


def storage(kind=b"FloatStorage", key=b"0", numel=b"K\x06"):
    return (b"(X\x07\0\0\0storagectorch\n" + kind + b"\nX" + struct.pack("<I", len(key)) + key
            + b"X\x03\0\0\0cpu" + numel + b"tQ")


def rebuilt(offset=b"K\0", size=b"K\x02K\x03\x86", stride=b"K\x03K\x01\x86", **of):
    return (b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage(**of) + offset + size + stride
            + b"\x89ccollections\nOrderedDict\n)RtR")


def torch_files():
    obj = everything()
    good("torch/everything_zip.pth", saved(obj), obj)
    good("torch/everything_stream.pth", saved(obj, _use_new_zipfile_serialization=False), obj)
    del FILES[-1]["scalars"], FILES[-1]["key_order"]  # those of the file before
    for protocol in (4,):
        small = {"t": torch.arange(4), "s": {1, 2}, "b": b"\0\xff", "n": [1, None], "f": frozenset([3])}
        good(f"torch/protocol{protocol}.pth", saved(small, pickle_protocol=protocol), small)
    good("torch/dtypes_stream.pth", saved(dtypes(), _use_new_zipfile_serialization=False), dtypes())
    one = saved({"w": torch.arange(6.0).reshape(2, 3)})
    good("torch/packed_zip.pth", archive({n: zipfile.ZipFile(io.BytesIO(one)).read(n) for n in
         zipfile.ZipFile(io.BytesIO(one)).namelist()}, zipfile.ZIP_DEFLATED),
         {"w": torch.arange(6.0).reshape(2, 3)})
    put("torch/small_zip.pth", one, "load", tensors={"w": describe(torch.arange(6.0).reshape(2, 3))})
    cut("torch/small_zip.pth")
    good("torch/small_stream.pth", saved({"w": torch.arange(3)}, _use_new_zipfile_serialization=False),
         {"w": torch.arange(3)})
    cut("torch/small_stream.pth")
    plain = {"a": [1, 2.5, "x"], "b": None}
    good("torch/plain.pkl", pickle.dumps(plain, 2), plain)


def bad_torch_files():
    data = {"0": struct.pack("<6f", *range(6))}
    head, end = b"\x80\x02}X\x01\0\0\0w", b"s."
    put("torch/by_hand.pth", pth(head + rebuilt() + end, **data), "load",
        tensors={"w": describe(torch.arange(6.0).reshape(2, 3))})
    for name, tensor, message in (
            ("size_beyond", rebuilt(size=b"K\x03K\x03\x86"), "storage of 6 elements"),
            ("offset_negative", rebuilt(offset=b"J\xff\xff\xff\xff"), "offset -1"),
            ("offset_wraps", rebuilt(offset=b"\x8a\x08" + b"\xff" * 7 + b"\x7f"), "does not fit"),
            ("size_overflow", rebuilt(size=b"\x8a\x08" + b"\0" * 7 + b"\x40K\x03\x86", stride=b"K\0K\0\x86"),
             "63 bits"),
            ("stride_negative", rebuilt(stride=b"J\xff\xff\xff\xffK\x01\x86"), "stride"),
            ("stride_text", rebuilt(stride=b"K\x01X\x01\0\0\0a\x86"), "no integer"),
            ("numel_negative", rebuilt(numel=b"J\xff\xff\xff\xff"), "-1 elements"),
            ("numel_more", rebuilt(numel=b"M\0\x40"), "has 24 bytes"),
            ("record_missing", rebuilt(key=b"../0"), "no entry"),
            ("quantized", rebuilt(kind=b"QInt8Storage"), "dequantize"),
            ("unknown_storage", rebuilt(kind=b"XStorage"), "XStorage")):
        bad(f"torch_bad/{name}.pth", pth(head + tensor + end, **data), message)
    bad("torch_bad/quantized_real.pth", saved(torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)),
        "quantized")
    bad("torch_bad/sparse.pth", saved(torch.eye(2).to_sparse()), "to_dense()")
    bad("torch_bad/evil_zip.pth", saved(Evil()), "posix.system")
    bad("torch_bad/evil_stream.pth", saved([Evil()], _use_new_zipfile_serialization=False), "posix.system")
    bad("torch_bad/evil_plain.pkl", pickle.dumps({"a": Evil()}), "posix.system")
    bad("torch_bad/module.pth", saved(torch.nn.ReLU()), "torch.nn.modules.activation.ReLU")
    program = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.ReLU()), program)
    small = {n: zipfile.ZipFile(program).read(n) for n in zipfile.ZipFile(program).namelist() if n.endswith(".pkl")}
    bad("torch_bad/torchscript.pt", archive(small, zipfile.ZIP_DEFLATED), "TorchScript")
    for name, stream, message in (
            ("cycle", b"]q\0h\0a.", "holds itself"),
            ("cycle_apart", b"]q\0]q\x01h\0ah\x01a0N.", ""),
            ("deep", b"]" * 300 + b"a" * 299 + b".", "nested deeper"),
            ("deep_tuples", b")" + b"\x85" * 300 + b".", "nested deeper"),
            ("key_list", b"}]K\x01s.", "key"), ("set_item_list", b"\x8f(]\x90.", "set"),
            ("memo_missing", b"h\x05.", "memo"), ("memo_huge", b"Nr\xff\xff\xff\xff.", "memo"),
            ("mark_missing", b"NNt.", "mark"), ("no_stop", b"N", "ends"), ("two_left", b"NN.", "2 values"),
            ("empty", b".", "empty"), ("across_mark", b"N(0.", "empty"), ("opcode", b"\xff.", "opcode"),
            ("text_protocol", b"I1\n.", "opcode"), ("bad_utf8", b"X\x01\0\0\0\xff.", "UTF-8"),
            ("long_lies", b"\x8b\xff\xff\xff\x7fa.", "left"), ("string_lies", b"\x8d" + b"\xff" * 8 + b".", "left"),
            ("frame_lies", b"\x80\x04\x95" + b"\xff" * 8 + b"N.", "frame"), ("protocol", b"\x80\x09N.", "protocol"),
            ("class_value", b"ctorch\nFloatStorage\n.", "FloatStorage"),
            ("call_type", b"ctorch\nTensor\n)R.", "torch.Tensor"), ("reduce_none", b"N)R.", "call"),
            ("build_int", b"K\x01}b.", "state"), ("append_to_dict", b"}Na.", "list"),
            ("set_in_list", b"]NNs.", "dict"), ("odd_items", b"}(Nu.", "pairs"), ("persistent", b"NQ.", "persistent"),
            ("module_id", b"(X\x06\0\0\0moduleNNNNtQ.", "whole pickled model"),
            ("builtin_eval", b"c__builtin__\neval\n(X\x01\0\0\x001tR.", "eval"),
            ("attribute", b"cos\nsystem.__class__\n.", "system"),
            ("stack_global", b"\x8c\x02os\x8c\x06system\x93.", "os.system"),
            ("object_new", b"cbuiltins\nobject\n)\x81.", "builtins.object"),
            ("size_text", b"ctorch\nSize\nX\x01\0\0\0a\x85\x85R.", "integer"),
            ("encode_utf7", b"c_codecs\nencode\nX\x01\0\0\0aX\x05\0\0\0utf-7\x86R.", "coding"),
            ("array_unfinished", b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01b\x87R.",
             "unfinished"),
            ("array_objects", b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01b\x87R(K\x01K\x01"
             b"\x85cnumpy\ndtype\nX\x02\0\0\0O8K\0K\x01\x87R\x89]tb.", "")):
        if name == "cycle_apart":  # nothing of the result: dropped, and its memory is freed
            put("torch/cycle_apart.pkl", b"\x80\x02]q\0]q\x01ah\x01h\0a00N.", "load", tensors={})
            continue
        bad(f"torch_bad/{name}.pth", pth((b"" if stream[:1] == b"\x80" else b"\x80\x02") + stream), message)
    shared = b"K\x01" + b"".join(b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(60))
    bad("torch_bad/wide_key.pth", pth(b"\x80\x02}" + shared + b"Ns."), "key")
    bad("torch_bad/no_pickle.pth", archive({"a/data/0": b"abcd"}), "a/data/0")
    bad("torch_bad/big_endian.pth", archive({"a/data.pkl": b"\x80\x02N.", "a/byteorder": b"big"}), "byte order")


def npy(array, version=None):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version)
    return buffer.getvalue()


def header(text, data=b"", version=1):
    text = text.encode()
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text + data


def numpy_files():
    for code in ("f4", "f8", "f2", "i1", "i2", "i4", "i8", "u1", "?"):
        a = (np.arange(6) % 2 if code == "?" else np.arange(6) - (0 if code == "u1" else 2)).reshape(2, 3)
        good(f"npy/{code.replace('?', 'b1')}.npy", npy(a.astype("<" + code if code != "?" else code)), a.astype(code))
        if code in ("f4", "f8", "i4"):
            good(f"npy/{code}_big_fortran.npy", npy(np.asfortranarray(a.astype(">" + code))), a.astype(code))
    for version in ((2, 0), (3, 0)):
        good(f"npy/version{version[0]}.npy", npy(np.arange(3), version), np.arange(3))
    cut("npy/version2.npy")
    good("npy/zero_dim.npy", npy(np.float64(2.5)), np.array(2.5))
    good("npy/empty.npy", npy(np.zeros((0, 3), "f4", order="F")), np.zeros((0, 3), "f4"))
    good("npy/u2.npy", npy(np.array([0, 65535], ">u2")), np.array([0, 65535], "u2"))
    good("npy/u4.npy", npy(np.array([0, 2**32 - 1], "<u4")), np.array([0, 2**32 - 1], "u4"))
    good("npy/u8.npy", npy(np.array([0, 2**63 - 1], "<u8")), np.array([0, 2**63 - 1], "u8"))
    for code in ("u2", "u4", "u8"):
        a = np.array([[2 ** (8 * int(code[1]) - 1) + 3, 1, 2], [3, 4, 5]], code)
        good(f"npy/{code}_big_fortran.npy", npy(np.asfortranarray(a.astype(">" + code))), a)
    shape = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }"
    for name, data, message in (
            ("objects", npy(np.array([Evil()], object)), "never run"), ("text", npy(np.array(["a"])), "text"),
            ("bytes", npy(np.array([b"a"])), "text"), ("dates", npy(np.array([0], "M8[s]")), "dates"),
            ("structure", npy(np.zeros(2, [("a", "f4")])), "structured"), ("version9", header("", b"", 9), "version 9"),
            ("shape_negative", header(shape % "(-1,)"), ""), ("shape_huge", header(shape % "(4611686018427387904,)"), "63 bits"),
            ("shape_beyond", header(shape % "(99999999999999999999,)"), "2^63"),
            ("shape_wraps", header(shape % "(4294967296, 4294967296)"), "63 bits"),
            ("shape_zero_huge", header(shape % "(0, 4611686018427387904, 4)"), "63 bits"),
            ("shape_dims", header(shape % ("(" + "1," * 65 + ")"), b"abcd"), "dims"),
            ("key_twice", header("{'descr': '<f4', 'descr': '<f4', 'shape': ()}"), "key"),
            ("after", header(shape % "()" + "x", b"abcd"), "goes on"), ("nested", header("{" * 500), "text"),
            ("bool2", header("{'descr': '|b1', 'fortran_order': False, 'shape': (1,)}", b"\2"), "0 or 1"),
            ("item16", header("{'descr': '<f16', 'fortran_order': False, 'shape': (1,)}", b"\0" * 16), "<f16"),
            ("length_lies", b"\x93NUMPY\2\0\xff\xff\xff\xff{}", "header length")):
        bad(f"npy_bad/{name}.npy", data, message)


def npz_files():
    arrays = {"w": np.arange(6, dtype="f4").reshape(2, 3), "a/b": np.array([1, 2]), "ü": np.array(True)}
    for name, save in (("plain", np.savez), ("packed", np.savez_compressed)):
        buffer = io.BytesIO()
        save(buffer, **arrays)
        good(f"npz/{name}.npz", buffer.getvalue(), arrays)
        cut(f"npz/{name}.npz")
    bad("npz_bad/not_npy.npz", archive({"a.txt": b"hello"}), "a.txt")
    bad("npz_bad/broken_npy.npz", archive({"a.npy": b"\x93NUMPY"}), "a.npy")
    packed = archive({"a.npy": npy(np.zeros(100000, "u1"))}, zipfile.ZIP_DEFLATED)
    central = packed.index(b"PK\1\2")
    bad("npz_bad/size_lies.npz", packed[:central + 24] + struct.pack("<I", 0x7FFFFFFF) + packed[central + 28:],
        "unpack")
    stored = archive({"a.npy": npy(np.arange(3))})
    at = stored.index(b"\x93NUMPY") + 70
    bad("npz_bad/checksum.npz", stored[:at] + b"?" + stored[at + 1:], "checksum")
    central = stored.index(b"PK\1\2")
    flags = bytearray(stored)
    flags[6] |= 1
    flags[central + 8] |= 1
    bad("npz_bad/encrypted.npz", bytes(flags), "encrypted")
    method = bytearray(stored)
    method[8] = method[central + 10] = 12
    bad("npz_bad/method.npz", bytes(method), "")
    # One stretch of the file under many names.
    entry = stored[central:stored.index(b"PK\5\6")]
    many = b"".join(entry.replace(b"a.npy", f"{i:05d}"[-1:].encode() + b".npy") for i in range(10))
    bad("npz_bad/overlap.npz", stored[:central] + many + b"PK\5\6" + struct.pack(
        "<HHHHIIH", 0, 0, 10, 10, len(many), central, 0), "fit the file")
    bad("npz_bad/count_lies.npz", stored[:-14] + struct.pack("<HHIIH", 60000, 60000, len(entry), central, 0), "")
    # 64-bit records: what an archive of more than 4 GiB has.
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    size = len(npy(np.arange(3)))
    extra = struct.pack("<HHQQ", 1, 16, size, size)
    local = stored[:18] + b"\xff" * 8 + struct.pack("<HH", 5, 20) + b"a.npy" + extra + stored[35:central]
    wide = entry[:20] + b"\xff" * 8 + struct.pack("<HH", 5, 20) + entry[32:46] + b"a.npy" + extra
    record = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, 1, 1, len(wide), len(local))
    locator = struct.pack("<IIQI", 0x07064B50, 0, len(local) + len(wide), 1)
    put("npz/wide.npz", local + wide + record + locator + end, "load",
        tensors={"a": describe(np.arange(3))})


def idx(array, code):
    return bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(
        array.dtype.newbyteorder(">")).tobytes()


def data_files():
    for code, kind in ((8, "u1"), (9, "i1"), (11, "i2"), (12, "i4"), (13, "f4"), (14, "f8")):
        a = (np.arange(6) + (0 if kind == "u1" else -3)).reshape(2, 3).astype(kind)
        put(f"data/{kind}.idx", idx(a, code), "load", format="idx", tensors={"": describe(a)})
    a = np.arange(6, dtype="u1")
    whole = idx(a, 8)
    put("data/packed.idx.gz", gzip.compress(whole[:9], mtime=0) + gzip.compress(whole[9:], mtime=0), "load",
        format="idx", tensors={"": describe(a)})
    for name, data, message in (
            ("longer.idx", whole + b"x", "goes on"), ("shorter.idx", whole[:-1], "does not fit"),
            ("type10.idx", b"\0\0\x0a\1" + whole[4:], "type"), ("head.idx", whole[:3], "truncated"),
            ("longer.idx.gz", gzip.compress(whole + b"x", mtime=0), "goes on"),
            ("cut.idx.gz", gzip.compress(whole, mtime=0)[:-9], "is cut"),
            ("checksum.idx.gz", gzip.compress(whole, mtime=0)[:-5] + b"?" + gzip.compress(whole, mtime=0)[-4:], "unpack"),
            ("bomb.idx.gz", gzip.compress(b"\0\0\x08\1\xff\xff\xff\xff" + bytes(500), mtime=0), "does not fit")):
        put(f"data_bad/{name}", data, "reject", format="idx", message=message)
    batch = {"data": np.zeros((2, 3072), "u1"), "labels": [3, 9]}
    put("data_bad/label.cifar", pickle.dumps({**batch, "labels": [3]}, 2)[:200], "reject", format="cifar10-bin")
    put("data_bad/empty.cifar", b"", "reject", format="cifar10-bin", message="bad size")
    small = {"data": np.zeros((0, 3072), "u1"), "labels": []}
    put("data/empty.cifar", pickle.dumps(small, 2), "load", format="cifar10-bin",
        tensors={"images": describe(np.zeros((0, 3, 32, 32), "u1")), "labels": describe(np.zeros(0, "u1"))})


def other_files():
    for name, data, message in (("empty.bin", b"", "empty"), ("page.pth", b"<!DOCTYPE html>" * 3, "web page"),
                                ("pointer.pth", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
                                ("text.txt", b"hello, world", "hello"), ("data.gz", b"\x1f\x8b" + b"\0" * 20, "gzip"),
                                ("data.h5", b"\x89HDF\r\n\x1a\n" + b"\0" * 20, "HDF5")):
        bad(f"other/{name}", data, message)
    head = json.dumps({"w": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [0, 2]}}).encode()
    bad("safetensors_bad/f8.safetensors", struct.pack("<Q", len(head)) + head + b"ab", "F8_E4M3")


def main():
    torch_files()
    bad_torch_files()
    numpy_files()
    npz_files()
    data_files()
    other_files()
    (OUT / "manifest.json").write_text(json.dumps({"files": FILES}, separators=(",", ":")) + "\n")
    total = sum(p.stat().st_size for p in OUT.rglob("*") if p.is_file())
    print(len(FILES), "entries,", total, "bytes")


main()
