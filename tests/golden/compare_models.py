#!/usr/bin/python3
"""Compares models with the installed torchvision: from one seed all weights by their bytes, keys and
their order, the printed form, the output in eval mode, and the loss, gradients and running statistics
of one training step (with the dropout masks of one seed).

The step is compared in float64, where nothing but the computation decides: the largest difference of
a tensor relative to its largest value (tensors that are zero but for rounding, such as the gradient
of a bias in front of a batch norm, relative to a millionth of the model's largest gradient). In
float32 an activation at zero may fall on either side, which moves whole planes of a gradient: given
are the norm of the difference of all gradients relative to PyTorch's, and beside it how far PyTorch's
own float32 gradients are from its float64 ones.
Usage: compare_models.py [--size N] [--batch N] [NAME...]"""
import argparse
import copy
import pathlib
import sys
import time
import warnings

import numpy as np
import torch
import torchvision.models as TV

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bindings/python"))
import minitorch as mt  # noqa: E402
import minitorch.nn.functional as F  # noqa: E402
import minitorch.vision.models as M  # noqa: E402

ISSUE = """resnet18 resnet34 resnet50 resnet101 resnet152 resnext50_32x4d wide_resnet50_2 vgg11 vgg11_bn
vgg13 vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn alexnet squeezenet1_0 squeezenet1_1 mobilenet_v2
mobilenet_v3_small mobilenet_v3_large densenet121 shufflenet_v2_x1_0 efficientnet_b0 convnext_tiny
vit_b_16""".split()


def apart(got, want, floor=0.0):
    if got.shape != want.shape:
        return float("inf")
    scale = max(np.abs(want).max(initial=0), floor, 1e-30)
    return float(np.abs(got.astype(np.float64) - want).max(initial=0) / scale)


def step(lib, functional, model, x, target):
    lib.manual_seed(7)
    model.train()
    loss = functional.cross_entropy(model(lib.from_numpy(x)), lib.from_numpy(target))
    loss.backward()
    return loss.item()


def training(lib, functional, model, x, target):
    """(loss, gradients, buffers) of a step."""
    loss = step(lib, functional, model, x, target)
    return loss, {k: p.grad.numpy() for k, p in model.named_parameters() if p.grad is not None}, \
        {k: t.numpy() for k, t in model.named_buffers()}


def largest(tensors):
    return max((np.abs(t).max() for t in tensors.values()), default=0.0)


def worst(got, want):
    if got.keys() != want.keys():
        return float("inf")
    floor = 1e-6 * largest(want)
    return max((apart(got[k], t, floor) for k, t in want.items()), default=0.0)


def by_norm(got, want):
    total = sum(np.square(t, dtype=np.float64).sum() for t in want.values())
    return float(np.sqrt(sum(np.square(got[k].astype(np.float64) - t).sum()
                             for k, t in want.items()) / total))


def row(name, size, batch):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(3)
        theirs = getattr(TV, name)(num_classes=10)
    mt.manual_seed(3)
    ours = getattr(M, name)(num_classes=10)
    a, b = ours.state_dict(), theirs.state_dict()
    keys = list(a) == list(b)
    equal = sum(a[k].numpy().tobytes() == b[k].numpy().tobytes() for k in b if k in a)
    r = np.random.RandomState(5)
    x = r.standard_normal((batch, 3, size, size)).astype(np.float32)
    target = r.randint(0, 10, batch)
    zeros = [k for k, p in theirs.named_parameters() if p.dim() > 1 and not p.any()]  # ViT's head
    for model, lib in ((ours, mt), (theirs, torch)):
        model.eval()
        with lib.no_grad():
            for k in zeros:
                p = model.get_parameter(k)
                p.copy_(lib.from_numpy(np.random.RandomState(9).standard_normal(tuple(p.shape))
                                       .astype(np.float32) / 30))
    with torch.no_grad():
        want = theirs(torch.from_numpy(x)).numpy()
    with mt.no_grad():
        output = apart(ours(mt.from_numpy(x)).numpy(), want)
    doubles = copy.deepcopy(ours).double(), copy.deepcopy(theirs).double()
    y = x.astype(np.float64)
    exact = training(torch, torch.nn.functional, doubles[1], y, target)
    double = training(mt, F, doubles[0], y, target)
    single = training(torch, torch.nn.functional, theirs, x, target)
    mine = training(mt, F, ours, x, target)
    text = repr(ours) == repr(theirs)
    loss = abs(mine[0] - single[0]) / abs(single[0])
    gradients, buffers = worst(double[1], exact[1]), worst(double[2], exact[2])
    print(f"{name:20s} {len(b):5d} {equal:5d}  {'yes' if keys else 'NO ':4s} "
          f"{'yes' if text else 'NO':4s} {output:8.1e} {gradients:8.1e} {buffers:8.1e}   {loss:8.1e} "
          f"{by_norm(mine[1], single[1]):8.1e} {by_norm(single[1], exact[1]):8.1e}", flush=True)
    return keys and text and equal == len(b) and max(output, gradients, buffers, loss) < 1e-4


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--batch", type=int, default=4)
    options = parser.parse_args()
    print(f"{'':20s}                                     step, float64        step, float32\n"
          f"{'model':20s} tensors equal keys text eval     gradient statistics loss     gradient "
          "(PyTorch's own error)")
    begun, good = time.time(), 0
    names = options.names or ISSUE
    for name in names:
        good += row(name, 224 if name.startswith("vit") else options.size, options.batch)
    print(f"{good} of {len(names)} models within 1e-4, {time.time() - begun:.0f} s")
    sys.exit(good != len(names))


if __name__ == "__main__":
    main()
