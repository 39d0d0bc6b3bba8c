"""Every layer against PyTorch: the rows of tests/layers/table.py with the golden values of
tests/golden/layers.json. --torch compares live with the installed PyTorch, on many more option sets;
--seed N with other values."""
import copy
import json
import pathlib
import sys
import unittest
import warnings

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "layers"))

LIVE = "--torch" in sys.argv
if LIVE:
    sys.argv.remove("--torch")
    import torch
    warnings.simplefilter("ignore")

import minitorch as mt  # noqa: E402
from minitorch import nn  # noqa: E402

import check  # noqa: E402
import leak_check  # noqa: E402
import table  # noqa: E402

if "--seed" in sys.argv:
    at = sys.argv.index("--seed")
    check.SEED = int(sys.argv[at + 1])
    del sys.argv[at:at + 2]
    assert LIVE, "--seed needs --torch"

GOLDEN = json.loads((HERE.parent / "golden/layers.json").read_text())
DTYPES = ((mt.float64, 1e-9), (mt.float32, 1e-5))


def live_problems(cls, row):
    want = check.describe(torch, cls, row)
    got = check.describe(mt, cls, row)
    yield from (f"{what}: {got[what]!r}, wanted {want[what]!r}" for what in want
                if got[what] != want[what])
    if problem := check.problems_of_exchange(torch, mt, cls, row):
        yield problem
    for training in check.modes(row):
        for dtype, tolerance in DTYPES:
            wanted = check.run(torch, cls, row, getattr(torch, dtype.name), training)
            found = check.run(mt, cls, row, dtype, training)
            if set(found) != set(wanted):
                yield f"{dtype}: gave {sorted(found)}, wanted {sorted(wanted)}"
            for what in wanted.keys() & found.keys():
                p = check.problems_of_values(found[what], wanted[what], tolerance)
                if p:
                    yield f"{dtype} training={training} {what}: {p}"


def golden_problems(cls, row, entry):
    got = check.describe(mt, cls, row)
    yield from (f"{what}: {got[what]!r}, wanted {entry[what]!r}" for what in got
                if got[what] != entry[what])
    for training in check.modes(row):
        wanted = entry["train" if training else "eval"]
        for dtype, tolerance in DTYPES[:1] if row.only64 else DTYPES:
            found = check.run(mt, cls, row, dtype, training)
            if set(found) != set(wanted):
                yield f"{dtype}: gave {sorted(found)}, wanted {sorted(wanted)}"
            for what in wanted.keys() & found.keys():
                p = check.problems_of_summary(found[what], wanted[what], tolerance)
                if p:
                    yield f"{dtype} training={training} {what}: {p}"


class Layers(unittest.TestCase):
    maxDiff = None

    def test_every_layer_has_a_row(self):
        missing = set(nn._layers.__all__) - set(table.ROWS) - set(table.LATER) - set(table.ELSEWHERE)
        self.assertEqual(sorted(missing), [])
        self.assertEqual(sorted(set(GOLDEN) ^ set(table.ROWS)), [], "run tests/golden/gen_layers.py")


def add_test(cls, rows):
    def test(self):
        problems = []
        golden = iter(GOLDEN[cls])
        for row in rows:
            where = f"{cls}{row.args} {row.kwargs}: "
            try:
                if LIVE:
                    problems += [where + p for p in live_problems(cls, row)]
                elif not row.more:
                    problems += [where + p for p in golden_problems(cls, row, next(golden))]
                if not row.more and (p := check.problems_of_copies(mt, cls, row)):
                    problems.append(where + p)
            except Exception as e:
                problems.append(f"{where}{type(e).__name__}: {e}")
        self.assertEqual(problems, [], "\n" + "\n".join(problems))

    setattr(Layers, f"test_{cls}", test)


for _cls, _rows in table.ROWS.items():
    add_test(_cls, _rows)


class LaterLayers(unittest.TestCase):
    """Layers of later versions of PyTorch, from their definitions."""

    def test_rms_norm(self):
        for eps in (None, 1e-3):
            m = nn.RMSNorm((3, 4), eps=eps)
            m.weight.data.copy_(mt.arange(12.).reshape(3, 4))
            x = mt.randn(2, 3, 4)
            e = eps or 1.1920928955078125e-07
            want = x / mt.sqrt((x * x).mean((1, 2), keepdim=True) + e) * m.weight
            self.assertTrue(mt.allclose(m(x), want, rtol=1e-6, atol=1e-6))
        self.assertEqual(repr(nn.RMSNorm(5)), "RMSNorm((5,), eps=None, elementwise_affine=True)")
        self.assertEqual([n for n, _ in nn.RMSNorm(5, elementwise_affine=False).named_parameters()], [])

    def test_cross_map_lrn(self):
        x = mt.randn(2, 6, 4, 3, requires_grad=True)
        same = nn.LocalResponseNorm(3, 0.01, 0.5, 2)(x)
        self.assertTrue(mt.allclose(nn.CrossMapLRN2d(3, 0.01, 0.5, 2)(x), same))
        even = nn.CrossMapLRN2d(4, 0.01)(x)  # as wide as 3, divided by 4
        self.assertTrue(mt.allclose(even, nn.LocalResponseNorm(3, 0.0075)(x)))
        self.assertEqual(repr(nn.CrossMapLRN2d(4)), "CrossMapLRN2d(4, alpha=0.0001, beta=0.75, k=1)")

    def test_padding(self):
        x = mt.arange(6.).reshape(1, 2, 3)
        self.assertEqual(nn.ZeroPad1d((1, 0))(x)[0, 0].tolist(), [0, 0, 1, 2])
        self.assertEqual(nn.CircularPad1d(1)(x)[0, 0].tolist(), [2, 0, 1, 2, 0])
        y = mt.arange(24.).reshape(1, 1, 2, 3, 4)
        self.assertEqual(list(nn.ZeroPad3d(1)(y).shape), [1, 1, 4, 5, 6])
        self.assertEqual(list(nn.CircularPad3d((1, 0, 0, 1, 1, 1))(y).shape), [1, 1, 4, 4, 5])
        self.assertEqual(repr(nn.CircularPad2d(2)), "CircularPad2d((2, 2, 2, 2))")


class Options(unittest.TestCase):
    """Attributes of layers are the C module's options: changes count, and copies keep them."""

    def test_changes_take_effect(self):
        d = nn.Dropout(0.5)
        d.p = 1.0
        self.assertEqual(d(mt.ones(4)).tolist(), [0, 0, 0, 0])
        self.assertEqual(repr(d), "Dropout(p=1.0, inplace=False)")
        r = nn.ReLU()
        r.inplace = True
        x = mt.tensor([-1.0, 1.0])
        r(x)
        self.assertEqual(x.tolist(), [0, 1])
        self.assertEqual(repr(r), "ReLU(inplace=True)")
        b = nn.BatchNorm1d(2, momentum=0.5)
        b.momentum = None
        b(mt.tensor([[1.0, 2.0], [3.0, 6.0]]))
        self.assertEqual(b.running_mean.tolist(), [2, 4])
        b.eps = 3
        b.eval()
        self.assertAlmostEqual(b(mt.tensor([[4.0, 4.0]]))[0, 0].item(), 2 / 5 ** 0.5, places=6)
        c = nn.Conv2d(1, 1, 3, padding=1)
        c.padding = (0, 0)
        c.stride = (2, 1)
        self.assertEqual(list(c(mt.ones(1, 1, 5, 5)).shape), [1, 1, 2, 3])
        c.padding, c.stride = "same", (1, 1)
        self.assertEqual(list(c(mt.ones(1, 1, 5, 5)).shape), [1, 1, 5, 5])
        self.assertEqual(repr(c), "Conv2d(1, 1, kernel_size=(3, 3), stride=(1, 1), padding=same)")
        loss = nn.MSELoss()
        loss.reduction = "sum"
        self.assertEqual(loss(mt.ones(3), mt.zeros(3)).item(), 3)
        self.assertEqual(copy.deepcopy(loss)(mt.ones(3), mt.zeros(3)).item(), 3)

    def test_bad_values(self):
        d = nn.Dropout(0.5)
        with self.assertRaisesRegex(ValueError, "set_option: bad value: 'x' for p of Dropout"):
            d.p = "x"
        self.assertEqual(d.p, 0.5)
        with self.assertRaises(ValueError):
            nn.Conv2d(1, 1, 3).stride = (1, 2, 3)

    def test_arguments(self):
        for make, text in ((lambda: nn.Conv2d(3, 4, 3, groups=2), "in_channels"),
                           (lambda: nn.Conv1d(2, 2, 3, stride=2, padding="same"), "same"),
                           (lambda: nn.Conv1d(2, 2, 3, padding="full"), "padding"),
                           (lambda: nn.Conv2d(2, 2, (3, 3, 3)), "kernel_size"),
                           (lambda: nn.Conv2d(2, 2, 3, padding_mode="mirror"), "padding_mode"),
                           (lambda: nn.ConvTranspose1d(2, 2, 3, padding_mode="reflect"), "zeros"),
                           (lambda: nn.GroupNorm(3, 4), "num_channels must be divisible"),
                           (lambda: nn.Dropout(1.5), "p 1.5"), (lambda: nn.GELU("erf"), "erf"),
                           (lambda: nn.Hardtanh(2, 1), "max_val"),
                           (lambda: nn.MultiMarginLoss(p=3), "p 3"),
                           (lambda: nn.FractionalMaxPool2d(2), "exactly one"),
                           (lambda: nn.FractionalMaxPool2d(2, output_ratio=2), "output_ratio"),
                           (lambda: nn.MSELoss(reduction="max"), "reduction"),
                           (lambda: nn.KLDivLoss(reduction="max"), "reduction")):
            with self.assertRaisesRegex(ValueError, text):
                make()
        with self.assertRaises(TypeError):
            nn.Linear(2.5, 3)
        with self.assertRaises(TypeError):
            nn.Linear("2", 3)
        with self.assertRaises(TypeError):
            nn.GELU(3)

    def test_dtype_and_device(self):
        m = nn.Conv2d(1, 2, 3, dtype=mt.float64, device="meta")
        self.assertEqual((m.weight.dtype, m.weight.device.type), (mt.float64, "meta"))
        self.assertEqual(list(m(mt.empty(1, 1, 5, 5, device="meta", dtype=mt.float64)).shape), [1, 2, 3, 3])
        b = nn.BatchNorm2d(3, device="meta")
        self.assertEqual({t.device.type for t in b.buffers()}, {"meta"})
        self.assertEqual(list(b(mt.empty(2, 3, 4, 4, device="meta")).shape), [2, 3, 4, 4])

    def test_output_size(self):
        m = nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1)
        x = mt.randn(1, 1, 6, 6)
        self.assertEqual(list(m(x).shape[-2:]), [11, 11])
        self.assertEqual(list(m(x, output_size=(12, 11)).shape[-2:]), [12, 11])
        with self.assertRaisesRegex(ValueError, "valid sizes range from"):
            m(x, output_size=(13, 11))
        pool, back = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)
        y, i = pool(mt.randn(1, 1, 5, 5))
        self.assertEqual(list(back(y, i, output_size=(1, 1, 5, 5)).shape), [1, 1, 5, 5])


if __name__ == "__main__":
    leak_check.main()
