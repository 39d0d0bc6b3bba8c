"""Embedding, recurrent, attention and transformer layers against PyTorch: initial parameters bit for
bit, printed forms, state dicts, outputs and gradients in float32 and float64 under many options. With
--torch they come from the installed PyTorch, and state dicts go from there to here."""
import json
import os
import sys
import unittest
import warnings

import minitorch
import minitorch.nn

import leak_check

GOLDEN = os.environ.get("MT_GOLDEN_DIR") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "golden")
sys.path.insert(0, GOLDEN)
import sequence_layers  # noqa: E402

warnings.simplefilter("ignore")
TOLERANCE = {"float32": 5e-5, "float64": 1e-9}


def golden():
    if "--torch" in sys.argv:
        sys.argv.remove("--torch")
        import torch
        torch.set_num_threads(1)
        found = {}
        for case in sequence_layers.cases(torch):
            row = {t: sequence_layers.run(torch, case, t) for t in ("float32", "float64")}
            found[case[0]] = {**row["float32"], **row}
        return found
    with open(os.path.join(GOLDEN, "sequence_layers.txt")) as f:
        rows = [line.split(" ", 1) for line in f]
    return {name: json.loads(text) for name, text in rows}


WANTED = golden()


class SequenceLayers(unittest.TestCase):
    def close(self, got, want, tolerance, what):
        self.assertEqual(len(got), len(want), what)
        for i, (a, b) in enumerate(zip(got, want)):
            scale = max(1.0, abs(b[2]))
            for x, y in zip(a, b):
                if not (x == y or x != x and y != y):
                    self.assertLess(abs(x - y) / scale, tolerance, f"{what} {i}: {a} and {b}")

    def test_all_cases(self):
        cases = sequence_layers.cases(minitorch)
        self.assertEqual([c[0] for c in cases], list(WANTED))
        for case in cases:
            want = WANTED[case[0]]
            for dtype, tolerance in TOLERANCE.items():
                with self.subTest(case=case[0], dtype=dtype):
                    got = sequence_layers.run(minitorch, case, dtype)
                    for key in ("repr", "state", "names"):
                        self.assertEqual(got[key], want[key])
                    self.assertEqual(got["bits"], want[dtype]["bits"], "initial parameters")
                    self.assertAlmostEqual(got["next"], want[dtype]["next"], 6, "numbers drawn")
                    for key in ("outputs", "inputs", "parameters"):
                        self.close(got[key], want[dtype][key], tolerance, key)


if __name__ == "__main__":
    leak_check.main()
