#!/usr/bin/env python3
"""Writes models.txt: the losses of PyTorch 1.13 for the whole models of models.py, as float64 hex."""
import os

import torch

import models

STEPS = 100
torch.set_num_threads(1)
here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "models.txt"), "w") as f:
    for name, run in models.MODELS.items():
        f.write(name.replace(" ", "_") + " " + " ".join(x.hex() for x in run(torch, STEPS)) + "\n")
