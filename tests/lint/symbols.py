# The library exports exactly what minitorch.map and minitorch-api.json say, each symbol with its
# version, and needs only the libraries it may. Usage: symbols.py SOURCE_ROOT LIBRARY
import json
import pathlib
import re
import subprocess
import sys

from tap import Tap

# What the shared library may depend on: the C and C++ run-times, BLAS, Highway, and the optional
# packages for archives and images.
ALLOWED = re.compile(r"^(ld-linux|libc\.|libm\.|libgcc_s|libstdc\+\+|libpthread|libopenblas|libblas|"
                     r"liblapack|libhwy|libz\.|libjpeg|libpng|libgfortran)")


def difference(a, a_name, b, b_name):
    return ([f"{n}: in {a_name}, not in {b_name}" for n in sorted(a - b)] +
            [f"{n}: in {b_name}, not in {a_name}" for n in sorted(b - a)])


def main():
    root, library = pathlib.Path(sys.argv[1]), sys.argv[2]
    tap = Tap()
    out = subprocess.run(["nm", "-D", "--defined-only", "--with-symbol-versions", library],
                         capture_output=True, text=True, check=True).stdout
    exported, versions, strange = set(), {}, []
    for line in out.splitlines():
        kind, name = line.split()[-2:]
        name, _, version = name.partition("@@")
        if kind == "A":
            continue  # the version names themselves
        exported.add(name)
        versions[name] = version
        if kind not in "TD" or not name.startswith("mt_"):
            strange.append(f"{name} ({kind})")
    tap.case("only mt_ functions are exported", strange)

    data = json.loads((root / "capi/minitorch-api.json").read_text())
    described = {f["name"]: f.get("since", "1.0") for f in data["functions"]}
    tap.case("exported symbols are those of minitorch-api.json",
             difference(exported, "the library", set(described), "api.json"))
    text = (root / "capi/minitorch.map").read_text()
    mapped = set(re.findall(r"^    (mt_\w+);", text, re.M))
    tap.case("exported symbols are those of minitorch.map",
             difference(exported, "the library", mapped, "the map"))
    tap.case("each symbol has the version that brought it",
             [f"{n}: {versions[n]}, expected MINITORCH_{since}" for n, since in described.items()
              if n in versions and versions[n] != f"MINITORCH_{since}"])

    dynamic = subprocess.run(["readelf", "-d", library], capture_output=True, text=True,
                             check=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic)
    tap.case("no unexpected dependency", [n for n in needed if not ALLOWED.match(n)])
    tap.case("a SONAME is set",
             "" if re.search(r"\(SONAME\).*\[libminitorch\.so\.\d+\]", dynamic) else dynamic)
    tap.finish()


if __name__ == "__main__":
    main()
