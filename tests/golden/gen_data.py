#!/usr/bin/python3
# Writes data.json: the orders that PyTorch 1.13 draws in tests/python/data_cases.py.
import json
import pathlib
import sys

import torch
import torch.utils.data

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "python"))
import data_cases  # noqa: E402

text = json.dumps(data_cases.cases(torch, torch.utils.data), separators=(",", ":"))
(HERE / "data.json").write_text(text.replace("]],", "]],\n") + "\n")
