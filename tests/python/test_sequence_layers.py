"""Embedding, recurrent, attention and transformer layers against PyTorch: initial parameters bit for
bit, printed forms, state dicts, outputs and gradients in float32 and float64 under many options. With
--torch all values come from the installed PyTorch, and state dicts go both ways."""
import json
import os
import sys
import unittest
import warnings

LIVE = "--torch" in sys.argv
if LIVE:
    sys.argv.remove("--torch")
    import torch
    torch.set_num_threads(1)

import minitorch  # noqa: E402
import minitorch.nn  # noqa: E402

import leak_check  # noqa: E402

GOLDEN = os.environ.get("MT_GOLDEN_DIR") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "golden")
sys.path.insert(0, GOLDEN)
import sequence_layers  # noqa: E402
import check  # noqa: E402 - its folder is on the path now

warnings.simplefilter("ignore")
TOLERANCE = {"float32": 1e-5, "float64": 1e-9}


class SequenceLayers(unittest.TestCase):
    def compare(self, found, wanted, problems, tolerance):
        self.assertEqual(list(found), list(wanted))
        for name, want in wanted.items():
            problem = problems(found[name], want, tolerance)
            self.assertIsNone(problem, f"{name}: {problem}")

    @unittest.skipIf(LIVE, "compared with PyTorch itself")
    def test_all_cases(self):
        with open(os.path.join(GOLDEN, "sequence_layers.txt")) as f:
            golden = {name: json.loads(text) for name, text in (line.split(" ", 1) for line in f)}
        cases = sequence_layers.cases(minitorch)
        self.assertEqual([c[0] for c in cases], list(golden))
        for case in cases:
            want = golden[case[0]]
            with self.subTest(case=case[0]):
                shown = sequence_layers.describe(minitorch, case)
                self.assertEqual(shown, {name: want[name] for name in shown})
            for dtype, tolerance in TOLERANCE.items():
                with self.subTest(case=case[0], dtype=dtype):
                    found = sequence_layers.run(minitorch, case, dtype, lambda t: t)
                    self.compare(found, want["values"], check.problems_of_summary, tolerance)

    @unittest.skipUnless(LIVE, "needs PyTorch")
    def test_beside_pytorch(self):
        """Every element, and with parameters that PyTorch loads from here and the other way round."""
        def to_torch(state):
            return {k: torch.from_numpy(v.numpy()) for k, v in state.items()}

        def to_minitorch(state):
            return {k: minitorch.from_numpy(v.numpy()) for k, v in state.items()}

        for case, theirs in zip(sequence_layers.cases(minitorch), sequence_layers.cases(torch)):
            with self.subTest(case=case[0]):
                self.assertEqual(sequence_layers.describe(minitorch, case),
                                 sequence_layers.describe(torch, theirs))
            for dtype, tolerance in TOLERANCE.items():
                states = {}

                def changed(layer):
                    with torch.no_grad():
                        for p in layer.parameters():
                            p.mul_(1.25)
                    states["theirs"] = to_minitorch(layer.state_dict())

                def load(layer):
                    layer.load_state_dict(states["theirs"])
                    states["ours"] = to_torch(layer.state_dict())

                with self.subTest(case=case[0], dtype=dtype):
                    wanted = sequence_layers.run(torch, theirs, dtype, lambda t: t, changed)
                    found = sequence_layers.run(minitorch, case, dtype, lambda t: t, load)
                    self.compare(found, wanted, check.problems_of_values, tolerance)
                    back = sequence_layers.run(
                        torch, theirs, dtype, lambda t: t,
                        lambda layer: layer.load_state_dict(states["ours"]))
                    self.compare(found, back, check.problems_of_values, tolerance)


if __name__ == "__main__":
    leak_check.main()
