#!/usr/bin/env python3
"""Writes sequence_layers.txt: what PyTorch 1.13 gives for the cases of sequence_layers.py."""
import json
import os

import torch

import sequence_layers

torch.set_num_threads(1)


def compact(value, digits):
    if isinstance(value, float):
        return float(f"{value:.{digits}g}")
    if isinstance(value, list):
        return [compact(v, digits) for v in value]
    return value


here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "sequence_layers.txt"), "w") as f:
    for case in sequence_layers.cases(torch):
        single = sequence_layers.run(torch, case, "float32")
        row = {"repr": single["repr"], "state": single["state"], "names": single["names"]}
        for dtype in ("float32", "float64"):
            shown = sequence_layers.run(torch, case, dtype)
            digits = 7 if dtype == "float32" else 12
            row[dtype] = {k: compact(shown[k], digits) for k in
                          ("bits", "outputs", "next", "inputs", "parameters")}
        f.write(case[0] + " " + json.dumps(row, separators=(",", ":")) + "\n")
