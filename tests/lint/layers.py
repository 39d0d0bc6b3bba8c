# Layers depend downward only: core < kernels < autograd = ops < nn < optim, io < data < vision <
# capi. Every include of a project header is checked. Usage: layers.py SOURCE_ROOT
import pathlib
import re
import sys

from tap import Tap

RANK = {"core": 0, "kernels": 1, "autograd": 2, "ops": 2, "nn": 3, "optim": 4, "io": 4, "data": 5,
        "vision": 6, "capi": 7, "minitorch": 8}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def layer(path):
    return path.split("/")[0]


def main():
    root = pathlib.Path(sys.argv[1])
    tap = Tap()
    for name in RANK:
        folder = root / ("capi" if name == "capi" else f"src/{name}")
        if not folder.is_dir() or name == "minitorch":
            continue
        problems = []
        for file in sorted([*folder.rglob("*.h"), *folder.rglob("*.cpp")]):
            for target in INCLUDE.findall(file.read_text()):
                # The core never sees the public headers; only capi/ does.
                if target.startswith("minitorch/") and name == "capi":
                    continue
                rank = RANK.get(layer(target))
                if rank is not None and rank > RANK[name]:
                    problems.append(f"{file.relative_to(root)} includes {target}")
        # autograd names no op.
        if name == "autograd":
            problems += [f"{f.relative_to(root)} includes {t}" for f in sorted(folder.rglob("*"))
                         if f.suffix in (".h", ".cpp")
                         for t in INCLUDE.findall(f.read_text()) if layer(t) == "ops"]
        tap.case(f"{name} includes nothing above it", problems)
    own = INCLUDE.findall((root / "src/pch/std.h").read_text())
    tap.case("what is precompiled for every layer is of no layer", own)
    loose = [str(p.relative_to(root)) for p in sorted((root / "src").iterdir())
             if p.is_dir() and p.name not in RANK and p.name != "pch"]
    tap.case("every folder of src/ is a known layer", loose)
    tap.finish()


if __name__ == "__main__":
    main()
