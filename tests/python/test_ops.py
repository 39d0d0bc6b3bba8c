"""Every op of capi/api.toml against its row of the op-case table (tests/cases): one test an op and
kind of check. Goldens come from PyTorch through tests/golden/gen_ops.py.

Usage: test_ops.py [unittest options]; with --torch the installed PyTorch is asked instead of the
goldens, and --seed N tries other values.
"""
import gc
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from cases import check, golden, table  # noqa: E402
from minitorch._native import ffi, lib  # noqa: E402

LIVE, SEED = False, 0
if "--seed" in sys.argv:
    at = sys.argv.index("--seed")
    SEED, LIVE = int(sys.argv[at + 1]), True
    del sys.argv[at:at + 2]
if "--torch" in sys.argv:
    sys.argv.remove("--torch")
    LIVE = True
if LIVE:
    import torch
    torch.set_num_threads(1)

API, FAMILIES = table.load_api(), table.load_rows()


def live_handles():
    count = ffi.new("int64_t *")
    lib.mt_live_handles(count, lib.MT_HANDLE_ANY)
    return count[0]


class Table(unittest.TestCase):
    def test_every_op_has_one_row(self):
        rows = [name for family in FAMILIES.values() for name in family]
        self.assertEqual(sorted(set(API) - set(rows)), [], "ops of capi/api.toml without a row in tests/cases")
        self.assertEqual(sorted(set(rows) - set(API)), [], "rows of ops that capi/api.toml does not have")
        self.assertEqual(len(rows), len(set(rows)), "an op has two rows")

    def test_cpu_capability_is_known(self):
        self.assertRegex(ffi.string(lib.mt_cpu_capability()).decode(), r"^[a-z0-9_]+$")


class OpTest(unittest.TestCase):
    """One op. Each test leaves as many handles as it found."""

    def setUp(self):
        check.minitorch._runtime._numbers.clear()
        self.before = live_handles()

    def tearDown(self):
        check.minitorch._runtime._numbers.clear()
        if live_handles() != self.before:
            gc.collect()
        self.assertEqual(live_handles(), self.before, "handles left behind")


def case_of(family, row):
    if LIVE:
        return check.Case(row, API[row.name], golden.compute(row, API[row.name], torch, SEED), SEED)
    crc, text = golden.read(family).get(row.name, (None, None))
    if crc != golden.checksum(row):
        raise AssertionError(f"{row.name}: the golden values are missing or of other samples: "
                             f"run tests/golden/gen_ops.py {row.name}")
    return check.Case(row, API[row.name], golden.unpack(text))


def make_class(family, row):
    cases = []

    def method(step):
        def test(self):
            if not cases:
                cases.append(case_of(family, row))
            step(cases[0])

        test.__doc__ = f"{row.name}: {step.__doc__.splitlines()[0]}"
        return test

    body = {f"test_{step.__name__}": method(step) for step in check.CHECKS}
    return type(f"{family}_{row.name}", (OpTest,), body)


for _family, _rows in FAMILIES.items():
    for _row in _rows.values():
        if _row.name in API:
            globals()[f"{_family}_{_row.name}"] = make_class(_family, _row)

if __name__ == "__main__":
    unittest.main()
