#!/usr/bin/python3
# Golden values of every row of tests/layers/table.py from PyTorch 1.13, in float64. Writes layers.json
# beside itself: printed forms, state dicts, checksums of initial parameters, summaries of outputs,
# gradients and buffers.
import json
import pathlib
import sys
import warnings

import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "layers"))

import check  # noqa: E402
import table  # noqa: E402

warnings.simplefilter("ignore")
golden = {}
for cls, rows in table.ROWS.items():
    golden[cls] = []
    for row in rows:
        if row.more:
            continue
        entry = check.describe(torch, cls, row)
        for training in check.modes(row):
            found = check.run(torch, cls, row, torch.float64, training)
            entry["train" if training else "eval"] = {k: check.summary(v) for k, v in found.items()}
        golden[cls].append(entry)
lines = [f'{json.dumps(cls)}: [\n' + ",\n".join(json.dumps(e, separators=(",", ":")) for e in entries)
         + "\n]" for cls, entries in golden.items()]
(HERE / "layers.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
print(sum(map(len, golden.values())), "rows of", len(golden), "layers")
