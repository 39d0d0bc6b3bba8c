"""Every op of capi/api.toml against its row of the op-case table (tests/cases): one test an op and
kind of check. Goldens come from PyTorch through tests/golden/gen_ops.py.

Usage: test_ops.py [unittest options]. --values: only the checks that depend on the kernels' values.
--torch: the installed PyTorch is asked instead of the goldens, also for large inputs; --seed N the
same with other values.
"""
import gc
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from cases import check, golden, table  # noqa: E402
from cases.case import Case  # noqa: E402
from minitorch._native import ffi, lib  # noqa: E402

LIVE, SEED, CHECKS = False, 0, check.CHECKS
if "--values" in sys.argv:
    sys.argv.remove("--values")
    CHECKS = check.VALUE_CHECKS
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

    def large(case):
        check.large(case, torch)

    large.__doc__ = check.large.__doc__
    CHECKS += (large,)

API, FAMILIES = table.load_api(), table.load_rows()


def alive():
    """(handles, bytes of tensors) that are alive."""
    count, stats = ffi.new("int64_t *"), ffi.new("mt_memory_stats *")
    stats.struct_size = ffi.sizeof("mt_memory_stats")
    lib.mt_live_handles(count, lib.MT_HANDLE_ANY)
    lib.mt_memory_get_stats(stats)
    return count[0], stats.current_bytes


class Table(unittest.TestCase):
    def test_every_op_has_one_row(self):
        rows = [name for family in FAMILIES.values() for name in family]
        self.assertEqual(sorted(set(API) - set(rows)), [], "ops of capi/api.toml without a row in tests/cases")
        self.assertEqual(sorted(set(rows) - set(API)), [], "rows of ops that capi/api.toml does not have")
        self.assertEqual(len(rows), len(set(rows)), "an op has two rows")

    def test_cpu_capability_is_known(self):
        self.assertRegex(ffi.string(lib.mt_cpu_capability()).decode(), r"^[a-z0-9_]+$")


class OpTest(unittest.TestCase):
    """One op. Each test leaves as many handles and as much memory as it found."""

    def setUp(self):
        check.minitorch._runtime._numbers.clear()
        self.before = alive()

    def tearDown(self):
        check.minitorch._runtime._numbers.clear()
        for generation in range(3):  # the cheap collections mostly do
            if alive() != self.before:
                gc.collect(generation)
        self.assertEqual(alive(), self.before, "handles or memory left behind")


def case_of(family, row):
    if LIVE:
        return Case(row, API[row.name], golden.compute(row, API[row.name], torch, SEED), SEED)
    crc, text = golden.read(family).get(row.name, (None, None))
    if crc != golden.checksum(row):
        raise AssertionError(f"{row.name}: the golden values are missing or of other samples: "
                             f"run tests/golden/gen_ops.py {row.name}")
    return Case(row, API[row.name], golden.unpack(text))


def make_class(family, row):
    cases = []

    def method(step):
        def test(self):
            if not cases:
                cases.append(case_of(family, row))
            step(cases[0])

        test.__doc__ = f"{row.name}: {step.__doc__.splitlines()[0]}"
        return test

    body = {f"test_{step.__name__}": method(step) for step in CHECKS}
    return type(f"{family}_{row.name}", (OpTest,), body)


for _family, _rows in FAMILIES.items():
    for _row in _rows.values():
        if _row.name in API:
            globals()[f"{_family}_{_row.name}"] = make_class(_family, _row)

gc.freeze()

if __name__ == "__main__":
    unittest.main()
