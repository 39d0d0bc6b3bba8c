#!/usr/bin/env python3
"""Writes sequence_layers.txt: what PyTorch 1.13 gives for the cases of sequence_layers.py."""
import json
import os
import warnings

import torch

import sequence_layers

warnings.simplefilter("ignore")
torch.set_num_threads(1)
here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "sequence_layers.txt"), "w") as f:
    for case in sequence_layers.cases(torch):
        row = {**sequence_layers.describe(torch, case),
               "values": sequence_layers.run(torch, case, "float64")}
        f.write(case[0] + " " + json.dumps(row, separators=(",", ":")) + "\n")
