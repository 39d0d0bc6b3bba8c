# Writes format.txt: tensors as raw storage, with the options in force and the text that PyTorch
# prints for them; and numbers with Python's repr. Run with PyTorch 1.13: python3 gen_format.py
# Lines: tab-separated key=value fields; those with the values of PLAIN are left out; "text" is last,
# with \n for a line break.
import ctypes
import os
import random
import struct

import torch

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "format.txt")
FLOATS = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
INTS = [torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8]
ALL = FLOATS + INTS + [torch.bool]
INF, NAN = float("inf"), float("nan")
DEFAULT = dict(precision=4, threshold=1000, edgeitems=3, linewidth=80, sci_mode=None)
PLAIN = dict(offset=0, options="4,1000.0,3,80,-1", default="float32", device="", requires_grad=0,
             grad_fn="", parameter=0, data="", sizes="", strides="")
lines = []


def name(dtype):
    return str(dtype).split(".")[1]


def numbers(values):
    return ",".join(str(int(v)) for v in values)


def emit(t, default=torch.float32, **options):
    """One case: the tensor's storage, the options and PyTorch's text."""
    o = dict(DEFAULT, **options)
    torch.set_default_dtype(default)
    torch.set_printoptions(**o)
    text = repr(t)
    assert text == str(t)
    torch.set_default_dtype(torch.float32)
    torch.set_printoptions(**DEFAULT)
    data = b""
    if t.device.type == "cpu" and t.numel() > 0:
        storage = t.detach().storage()
        data = ctypes.string_at(storage.data_ptr(), storage.nbytes())
    sci = -1 if o["sci_mode"] is None else int(o["sci_mode"])
    fields = dict(
        dtype=name(t.dtype),
        sizes=numbers(t.shape),
        strides=numbers(t.stride()),
        offset=t.storage_offset() if data else 0,
        options="%d,%s,%d,%d,%d"
        % (o["precision"], float(o["threshold"]), o["edgeitems"], o["linewidth"], sci),
        default=name(default),
        device="" if t.device.type == "cpu" else str(t.device),
        requires_grad=int(t.requires_grad),
        grad_fn="" if t.grad_fn is None else type(t.grad_fn).__name__,
        parameter=int(isinstance(t, torch.nn.Parameter)),
        data=data.hex(),
        text=text.replace("\n", "\\n"),
    )
    lines.append("\t".join("%s=%s" % (k, v) for k, v in fields.items() if PLAIN.get(k) != v))


def scalars_and_brackets():
    for values in [7, [10, 7], [[10, 7], [10, 7]], [[10, 7]]]:
        for dtype in ALL:
            emit(torch.tensor(values, dtype=dtype))
    for v in [0.0, -0.0, 1.0, -1.0, 0.5, 0.1, 1e-4, 9.9e-5, 1e-5, 1e8, 1.0001e8, 100000008.0,
              1e10, 1e38, 1e-38, 1e-45, 3.4028234e38, 65504.0, 6e-8, 123456.789, 0.99999, 0.00005,
              INF, -INF, NAN, 1234567.0, 2.5, 3.5, 0.12345, 0.00012345]:
        for dtype in FLOATS:
            emit(torch.tensor(v, dtype=dtype))
    for v in [1e308, 5e-324, 1e300, 1.7976931348623157e308, 2.2250738585072014e-308, 1e16]:
        emit(torch.tensor(v, dtype=torch.float64))
        emit(torch.tensor([v, -v, 0], dtype=torch.float64))
        emit(torch.tensor([v, -v, 0, NAN], dtype=torch.float64), sci_mode=False)
    emit(torch.tensor([1e308, 5e-324], dtype=torch.float64))
    emit(torch.tensor([1e308, 1e-308, INF], dtype=torch.float64), precision=0)
    for v in [5e-324, -1.7976931348623157e308, 0.1]:
        for sci_mode in [False, True]:
            emit(torch.tensor(v, dtype=torch.float64), precision=1074, sci_mode=sci_mode)


def extremes():
    for dtype in INTS:
        info = torch.iinfo(dtype)
        emit(torch.tensor([info.min, info.max, 0, 1], dtype=dtype))
        emit(torch.tensor(info.min, dtype=dtype))
    for dtype in FLOATS:
        info = torch.finfo(dtype)
        emit(torch.tensor([info.min, info.max, info.tiny, info.eps, 0], dtype=dtype))
        for values in [[INF, -INF, NAN], [NAN, 1], [NAN, 1.5], [INF, 1, 2], [-INF, 1.5, 2],
                       [NAN, 1e-6], [INF, 1e10], [0, 0], [-0.0, 0.0], [-0.0, 1], [-0.0, 1.5],
                       [NAN], [INF, 0], [0, NAN, -3], [1, 1000], [1, 1001], [0.1, 100], [0.1, 101],
                       [1.5, 1500], [1.5, 1501], [-1, -2], [-1.5, 2], [0.00011], [1e-4, 0.05]]:
            emit(torch.tensor(values, dtype=dtype))
    emit(torch.tensor([-NAN, NAN]))
    emit(torch.tensor([True, False]))
    emit(torch.tensor([True, True]))
    emit(torch.zeros(3, 4, dtype=torch.bool))
    emit(torch.arange(40) % 3 == 0)
    emit(torch.arange(40).reshape(2, 20) % 3 == 0)


def empties_meta_suffixes():
    for dtype in ALL:
        for shape in [(0,), (0, 3), (3, 0), (2, 0, 4)]:
            emit(torch.zeros(shape, dtype=dtype))
        for shape in [(), (3,), (2, 3), (0,), (0, 2)]:
            emit(torch.zeros(shape, dtype=dtype, device="meta"))
    for default in [torch.float64, torch.float16, torch.bfloat16]:
        for dtype in [torch.float32, torch.float64, torch.float16, torch.int64, torch.bool]:
            for shape in [(0,), (0, 2), (2,), ()]:
                emit(torch.ones(shape, dtype=dtype), default=default)
            emit(torch.ones(2, dtype=dtype, device="meta"), default=default)
    emit(torch.zeros(2, 3, device="meta", requires_grad=True))
    emit(torch.nn.Parameter(torch.zeros(2, 3, device="meta")))
    emit(torch.zeros(0, requires_grad=True))
    emit(torch.zeros(0, 4, dtype=torch.float64, requires_grad=True) * 2)
    for dtype in [torch.float32, torch.float64]:
        for n in range(1, 14):
            x = torch.arange(float(n), dtype=dtype).requires_grad_()
            emit(x)
            emit(x + 0.5)
            emit(torch.nn.Parameter(x.detach() - 3.25))
        x = torch.arange(6.0, dtype=dtype).reshape(2, 3).requires_grad_()
        for y in [x * 2, x.sum(), x.t(), x @ x.t(), x.relu(), x.exp().mean(), x.detach(), x[0],
                  torch.softmax(x, 1), x.clone().requires_grad_(), torch.nn.Parameter(x.detach())]:
            emit(y)
        for width in range(10, 70, 3):
            emit(x, linewidth=width)
            emit(x.detach(), linewidth=width)
    emit(torch.nn.Parameter(torch.tensor([1, 2]), requires_grad=False))
    emit(torch.nn.Parameter(torch.tensor(1.5)))
    emit(torch.zeros(0, 3, dtype=torch.int8), linewidth=20)


def random_tensors():
    g = torch.Generator().manual_seed(7)
    r = random.Random(7)
    shapes = [(1,), (2,), (5,), (12,), (13,), (30,), (1, 1), (3, 4), (4, 12), (2, 17), (2, 3, 4),
              (3, 1, 2), (1, 1, 1), (2, 2, 2, 3), (1, 2, 1, 2, 2), (6, 1), (1, 9)]
    for i in range(130):
        shape, dtype = r.choice(shapes), r.choice(FLOATS)
        kind = i % 5
        t = torch.randn(shape, generator=g, dtype=torch.float64)
        if kind == 1:
            t = t * 10.0 ** r.randint(-9, 9)
        elif kind == 2:
            t = (t * 10.0 ** r.randint(0, 4)).round()
        elif kind == 3:
            e = torch.randint(-r.randint(0, 6), r.randint(1, 5), shape, generator=g)
            t = t * 10.0 ** e.double()
        elif kind == 4:
            pick = torch.rand(shape, generator=g)
            t = torch.where(pick < 0.2, torch.tensor(NAN).double(), t)
            t = torch.where((pick > 0.2) & (pick < 0.3), torch.tensor(-INF).double(), t)
            t = torch.where(pick > 0.9, torch.tensor(0.0).double(), t)
        options = {}
        if i % 3 == 0:
            options["precision"] = r.choice([0, 1, 2, 6, 10])
        if i % 4 == 0:
            options["linewidth"] = r.choice([0, 20, 40, 120, 200])
        if i % 7 == 0:
            options["sci_mode"] = r.choice([True, False])
        emit(t.to(dtype), **options)
    for i in range(40):
        shape, dtype = r.choice(shapes), r.choice(INTS)
        top = min(torch.iinfo(dtype).max, 10 ** r.randint(1, 12))
        low = 0 if dtype == torch.uint8 else -top
        emit(torch.randint(low, top, shape, generator=g).to(dtype),
             linewidth=r.choice([30, 80, 80, 100]))


def summaries_and_strides():
    few = dict(threshold=4)
    for dtype in [torch.float32, torch.float16, torch.int64, torch.uint8, torch.bool]:
        base = (torch.arange(60) * 7 % 23 - 4).to(dtype)
        for shape in [(60,), (7,), (6,), (5,)]:
            emit(base[: shape[0]].clone(), **few)
        for shape in [(6, 10), (7, 8), (10, 6), (2, 30), (30, 2), (4, 3, 5), (1, 7, 8), (7, 1, 8),
                      (2, 2, 3, 5), (1, 8, 1, 7)]:
            n = 1
            for s in shape:
                n *= s
            t = base[:n].clone().reshape(shape)
            emit(t, **few)
            emit(t, threshold=4, edgeitems=1)
            emit(t.transpose(0, -1), threshold=4, edgeitems=2, linewidth=40)
    small = torch.arange(12.0) / 8 - 0.25
    emit(small.as_strided((1001,), (0,)))
    emit(small.as_strided((1000,), (0,)), linewidth=200)
    emit(small.as_strided((40, 40), (0, 0)))
    emit(small.as_strided((1000, 2), (0, 1), 1))
    emit(small.as_strided((5, 300), (1, 0)))
    emit(small.as_strided((2, 3, 1000), (1, 2, 0)))
    emit(small.as_strided((20, 20, 20), (0, 0, 0), 3))
    emit(small.as_strided((8, 2, 8, 8), (1, 1, 0, 0), 1))
    emit(small.as_strided((30, 30), (0, 0)), threshold=INF)
    emit(small.as_strided((9, 9), (0, 0)).expand(3, 9, 9), threshold=0)
    emit(torch.tensor(2.5).expand(1 << 40))
    # A large value outside the shown part has no influence on the notation.
    hidden = torch.ones(9)
    hidden[4] = 1e12
    emit(hidden, **few)
    emit(hidden)
    hidden[1] = 0.5
    emit(hidden, **few)
    emit(hidden.double(), threshold=-1)
    for dtype in ALL:
        t = (torch.arange(24) - 5).to(dtype).reshape(2, 3, 4)
        emit(t.permute(2, 0, 1))
        emit(t[1])
        emit(t[:, 1:, ::2])
        emit(t[1, 2, 3])
        emit(t.transpose(1, 2)[:, 1])
    for profile in [dict(precision=2, edgeitems=2), dict(threshold=INF)]:
        emit(torch.arange(2100.0).as_strided((3, 1001), (0, 0), 2).clone()[:, :8] / 3, **profile)
        emit(small.as_strided((1001,), (0,), 2) / 1, **dict(profile, threshold=5, linewidth=40))


def complexes():
    values = [1 + 2j, -1.5 + 0.25j, complex(0, -0.0), complex(NAN, 1e-6), complex(INF, -INF), 1e9j]
    for dtype in [torch.complex64, torch.complex128]:
        for v in values:
            emit(torch.tensor(v, dtype=dtype))
        emit(torch.tensor(values, dtype=dtype))
        emit(torch.tensor([[1 + 1j, 2 - 3j], [0j, -4]], dtype=dtype))
        emit(torch.tensor(values * 3, dtype=dtype), threshold=4)
        emit(torch.zeros(0, dtype=dtype))
        emit(torch.zeros(2, 0, dtype=dtype))


def number_reprs():
    r = random.Random(11)
    values = [0.0, -0.0, 1.0, -1.0, 0.01, 0.1, 1e-4, 1e-5, 9.999e-5, 1e15, 1e16, 123456789012345680.0,
              9999999999999998.0, 9007199254740993.0, 1e22, 1e23, 5e-324, 1.7976931348623157e308,
              2.2250738585072014e-308, 0.30000000000000004, 1 / 3, 100.0, 1e100, 1e-100, 12345.678,
              INF, -INF, NAN, -NAN, 0.001, 1e-08, 0.999, 2.0 ** 53, 2.0 ** 70, 2.0 ** -30,
              struct.unpack("f", struct.pack("f", 0.1))[0]]
    values += [struct.unpack("d", struct.pack("Q", r.getrandbits(64)))[0] for _ in range(100)]
    values += [r.uniform(-1, 1) * 10.0 ** r.randint(-7, 18) for _ in range(100)]
    values += [float(r.randint(0, 10 ** r.randint(1, 18))) for _ in range(40)]
    values += [round(r.uniform(0, 10), r.randint(0, 6)) for _ in range(40)]
    for v in values:
        lines.append("number=%016x\ttext=%r" % (struct.unpack("Q", struct.pack("d", v))[0], v))


scalars_and_brackets()
extremes()
empties_meta_suffixes()
random_tensors()
summaries_and_strides()
complexes()
number_reprs()
with open(OUT, "w") as f:
    f.write("# Made by gen_format.py with PyTorch %s. Do not edit.\n" % torch.__version__)
    f.write("\n".join(lines) + "\n")
print(len(lines), "cases")
