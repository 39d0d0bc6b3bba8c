#!/usr/bin/python3
"""Writes vision_models.txt from torchvision 0.14: see vision_models.py."""
import pathlib
import warnings

import torch
import torchvision.models

import vision_models as v

torch.set_num_threads(1)
warnings.simplefilter("ignore")
with open(pathlib.Path(__file__).resolve().parent / "vision_models.txt", "w") as f:
    for name, (model, options) in {**{n: (n, {}) for n in v.MODELS}, **v.VARIANTS}.items():
        numbers = v.checksums(torch, torchvision.models, model, **options)
        print("sums", name.replace(" ", "_"), *numbers, file=f)
    for name, options in v.STEPS.items():
        for key, value, scale in v.step(torch, torch.nn.functional, torchvision.models, name, **options):
            print(name, key, f"{value:.8e}", f"{scale:.3e}", file=f)
