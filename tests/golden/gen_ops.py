#!/usr/bin/python3
# Makes the golden values of the op-case table with PyTorch.
# Usage: gen_ops.py [--all] [OP ...]: by default only of rows that are new or changed.
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import torch  # noqa: E402

from cases import golden, table  # noqa: E402


def main():
    everything, names = "--all" in sys.argv, {a for a in sys.argv[1:] if a != "--all"}
    api = table.load_api()
    torch.set_num_threads(1)
    for family, rows in table.load_rows().items():
        before, found = golden.read(family), {}
        for name, row in rows.items():
            if name not in api:
                raise SystemExit(f"tests/cases/{family}.py: {name} is no op of capi/api.toml")
            crc = golden.checksum(row)
            if not everything and name not in names and before.get(name, (None,))[0] == crc:
                found[name] = before[name]
                continue
            try:
                found[name] = (crc, golden.pack(golden.compute(row, api[name], torch)))
            except Exception as e:
                raise SystemExit(f"tests/cases/{family}.py, row {name}: {type(e).__name__}: {e}")
            print(f"{family}: {name}, {len(found[name][1])} bytes")
        if found != before:
            golden.write(family, found)


if __name__ == "__main__":
    main()
