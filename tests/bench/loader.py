#!/usr/bin/python3
"""Times of a DataLoader over JPEG files (RandomResizedCrop(224), flip, ToTensor, Normalize) against
PyTorch with torchvision and Pillow on the same files, with 0, 1 and 2 workers.

Usage: loader.py [--images 256] [--rounds 5] [--photos FOLDER]. Prints images a second, the ratio of
PyTorch's time to ours (above 1 is faster), how much 2 workers give over 1, and, as what the machine itself
allows, how much two processes give that each do half with one worker. The files are Pillow's: the photos of
FOLDER (the shared ones by default) at 500 by 375, or noise that was smoothed.
"""
import argparse
import os
import pathlib
import statistics
import tempfile
import time

import minitorch
import numpy as np
import torch
import torchvision
from minitorch.utils import data as our_data
from minitorch.vision import datasets as our_datasets, transforms as our_transforms
from PIL import Image
from torch.utils import data as their_data

SHARED = pathlib.Path(__file__).resolve().parents[3] / "shared/data/images"


def pictures(folder):
    found = [Image.open(p).convert("RGB") for p in sorted(pathlib.Path(folder).glob("*.jpg"))
             if "cmyk" not in p.name]
    if found:
        return found
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 256, (24, 32, 3), np.uint8)) for _ in range(8)]


def make_folder(root, photos, n):
    images = pictures(photos)
    for i in range(n):
        img = images[i % len(images)].resize((500, 375), Image.BICUBIC)
        img = img.transpose(Image.FLIP_LEFT_RIGHT) if i // len(images) % 2 else img
        path = pathlib.Path(root) / f"class{i % 4}" / f"{i:05}.jpg"
        path.parent.mkdir(exist_ok=True)
        img.save(path, quality=90)


def transform(t):
    return t.Compose([t.RandomResizedCrop(224), t.RandomHorizontalFlip(), t.ToTensor(),
                      t.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])


def loaders(root, workers):
    kwargs = dict(batch_size=32, shuffle=True, num_workers=workers)
    ours = our_datasets.ImageFolder(root, transform(our_transforms))
    theirs = torchvision.datasets.ImageFolder(root, transform(torchvision.transforms))
    return our_data.DataLoader(ours, **kwargs), their_data.DataLoader(theirs, **kwargs)


def epoch(loader):
    """(images a second, images a second of this process's cores)"""
    start, cpu, n = time.perf_counter(), time.process_time(), 0
    for images, _ in loader:
        n += len(images)
    return n / (time.perf_counter() - start), n / (time.process_time() - cpu)


def beside(root, rounds):
    """Images a second that two processes make together, each with one worker and its own epochs."""
    ready, go = [os.pipe() for _ in range(2)], os.pipe()
    children = []
    for read, write in ready:
        children.append(os.fork())
        if children[-1] == 0:
            loader = loaders(root, 1)[0]
            epoch(loader)
            os.write(write, b"r")
            os.read(go[0], 1)
            rates = [epoch(loader)[0] for _ in range(rounds)]
            os.write(write, f"{statistics.median(rates):.6f}".encode())
            os._exit(0)
    for read, _ in ready:
        os.read(read, 1)
    os.write(go[1], b"gg")
    total = sum(float(os.read(read, 32)) for read, _ in ready)
    for child in children:
        os.waitpid(child, 0)
    return total


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--photos", default=SHARED)
    options = parser.parse_args()
    minitorch.set_num_threads(1)  # what torch does in its workers; the loaders are compared, not kernels
    torch.set_num_threads(1)
    medians = {}
    with tempfile.TemporaryDirectory() as root:
        make_folder(root, options.photos, options.images)
        limit = beside(root, options.rounds)  # first: a process is forked before it has threads
        pairs = {w: loaders(root, w) for w in (0, 1, 2)}
        rates, work = {w: ([], []) for w in pairs}, {w: [] for w in pairs}
        for round_ in range(options.rounds + 1):  # in turns; the first one warms up
            for w, pair in pairs.items():
                for which, loader in enumerate(pair):
                    rate, per_core = epoch(loader)
                    if round_:
                        rates[w][which].append(rate)
                        work[w] += [per_core] * (which == 0)
        for w, (ours, theirs) in rates.items():
            medians[w] = statistics.median(ours), statistics.median(theirs)
            ratio = statistics.median(a / b for a, b in zip(ours, theirs))
            print(f"{w} workers: {medians[w][0]:7.1f} images/s ({statistics.median(work[w]):.1f} per second of a "
                  f"core), PyTorch {medians[w][1]:7.1f}, ratio {ratio:.2f}")
    for which, name in enumerate(("ours", "PyTorch")):
        print(f"1 -> 2 workers, {name}: {medians[2][which] / medians[1][which]:.2f}")
    print(f"1 -> 2 processes of one worker, ours: {limit / medians[1][0]:.2f}")


if __name__ == "__main__":
    main()
