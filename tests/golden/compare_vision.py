#!/usr/bin/python3
"""Compares images with the installed torchvision and Pillow: every transform on the shared photos (or
on the folder given), as a table of byte-equal results or the largest difference; and the time of
decoding and resizing as a ratio to Pillow's. Usage: compare_vision.py [FOLDER] [--files]
"""
import pathlib
import random
import sys
import time

import numpy as np
import torch
import torchvision.transforms as T
import torchvision.transforms.functional as TF
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/python"), str(ROOT / "bindings/python")]
import minitorch as mt  # noqa: E402
import vision_cases  # noqa: E402
from minitorch.vision import io, transforms as M  # noqa: E402
from minitorch.vision.transforms import functional as F  # noqa: E402


def planes(result):
    """A torchvision result as a list of (C, H, W) arrays."""
    out = []
    for r in result if isinstance(result, (list, tuple)) else [result]:
        if isinstance(r, Image.Image):
            r = np.array(r)
            out.append((r[:, :, None] if r.ndim == 2 else r).transpose(2, 0, 1))
        else:
            out.append(r.numpy())
    return out


class Table:
    def __init__(self):
        self.rows = {}

    def add(self, kind, want, got):
        equal, cases, worst = self.rows.get(kind, (0, 0, 0.0))
        difference = 0.0
        for a, b in zip(want, got):
            b = b.numpy()
            difference = max(difference, np.inf if a.shape != b.shape else
                             np.abs(a.astype(np.float64) - b).max(initial=0))
        self.rows[kind] = (equal + (difference == 0), cases + 1, max(worst, difference))

    def show(self):
        print(f"{'kind':28s} {'equal':>6s} of {'cases':>5s}  largest difference")
        for kind, (equal, cases, worst) in self.rows.items():
            print(f"{kind:28s} {equal:6d}    {cases:5d}  {worst:g}")


def compare(table, image):
    t = F.pil_to_tensor(image)
    ours = vision_cases.calls(F)
    for name, call in vision_cases.calls(TF).items():
        kind = " ".join(name.split()[:2]) if name.startswith("resize") else name.split()[0]
        table.add(kind, planes(call(image)), [ours[name](t)])
    made = vision_cases.transforms(M)
    for name, transform in vision_cases.transforms(T).items():
        for seed in range(4):
            torch.manual_seed(seed), random.seed(seed), mt.manual_seed(seed)
            want = transform(image)
            random.seed(seed)
            got = made[name](t)
            table.add(name.split()[1].split("(")[0], planes(want),
                      got if isinstance(got, tuple) else [got])


def ratio(ours, theirs, rounds=15):
    """The best times of both, taken in turns: theirs / ours."""
    best = [1e9, 1e9]
    for _ in range(rounds):
        for i, f in enumerate((ours, theirs)):
            start = time.perf_counter()
            f()
            best[i] = min(best[i], time.perf_counter() - start)
    return best[1] / best[0], best


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared/data/images"
    table = Table()
    paths = sorted(p for p in folder.iterdir() if p.suffix in (".jpg", ".png"))
    for path in paths:
        image = Image.open(path).convert("RGB")
        table.add("read " + path.suffix[1:], planes(image), [io.read_image(str(path), io.ImageReadMode.RGB)])
        if "--files" not in sys.argv:
            compare(table, image.resize((160, 120)))
    table.show()
    torch.set_num_threads(1)
    for path in paths:
        data = path.read_bytes()
        image, t = Image.open(path).convert("RGB"), io.read_image(str(path), io.ImageReadMode.RGB)
        import io as bytes_io
        decode, _ = ratio(lambda: io.decode_image(data, io.ImageReadMode.RGB),
                          lambda: Image.open(bytes_io.BytesIO(data)).convert("RGB"))
        resize, _ = ratio(lambda: F.resize(t, 224), lambda: TF.resize(image, 224))
        both, _ = ratio(lambda: F.to_tensor(F.resize(io.decode_image(data, io.ImageReadMode.RGB), (224, 224))),
                        lambda: TF.to_tensor(TF.resize(Image.open(bytes_io.BytesIO(data)).convert("RGB"), (224, 224))))
        print(f"{path.name:32s} times as fast as Pillow: decode {decode:.2f}, resize {resize:.2f}, "
              f"decode + resize + to_tensor {both:.2f}")


if __name__ == "__main__":
    main()
