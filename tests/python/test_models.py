"""Whole models against PyTorch: the loss of each of 100 seeded training steps, and the table of the
largest deviations. With --torch the losses come from the installed PyTorch."""
import os
import sys
import unittest

import minitorch
import minitorch.nn
import minitorch.optim

import leak_check

GOLDEN = os.environ.get("MT_GOLDEN_DIR") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "golden")
sys.path.insert(0, GOLDEN)
import models  # noqa: E402

TOLERANCE = 1e-4
table = []


def golden_losses():
    if "--torch" in sys.argv:
        sys.argv.remove("--torch")
        import torch
        torch.set_num_threads(1)
        return {name: run(torch, 100) for name, run in models.MODELS.items()}
    with open(os.path.join(GOLDEN, "models.txt")) as f:
        lines = [line.split() for line in f]
    return {name.replace("_", " "): [float.fromhex(x) for x in values] for name, *values in lines}


WANTED = golden_losses()


class Models(unittest.TestCase):
    def test_every_model_follows_pytorch(self):
        self.assertEqual(list(WANTED), list(models.MODELS))
        for name, run in models.MODELS.items():
            want = WANTED[name]
            got = run(minitorch, len(want))
            apart = [abs(a - b) / abs(b) for a, b in zip(got, want)]
            worst = max(range(len(want)), key=lambda i: apart[i])
            table.append(f"{name:18} {want[0]:9.5f} {want[-1]:9.5f}   {apart[worst]:.1e} at step "
                         f"{worst + 1}")
            with self.subTest(name):
                self.assertEqual(len(got), len(want))
                self.assertLess(apart[worst], TOLERANCE)

    @classmethod
    def tearDownClass(cls):
        print("model              first loss last loss   largest relative deviation")
        print("\n".join(table))


if __name__ == "__main__":
    leak_check.main()
