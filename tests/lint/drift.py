# Generated files are what capi/gen.py makes of api.toml and the headers, and all of them are built.
# Usage: drift.py SOURCE_ROOT
import json
import pathlib
import re
import subprocess
import sys

from tap import Tap


def main():
    root = pathlib.Path(sys.argv[1])
    tap = Tap()
    result = subprocess.run([sys.executable, str(root / "capi/gen.py"), "--check"],
                            capture_output=True, text=True)
    tap.case("generated files are up to date",
             result.stdout + result.stderr if result.returncode else "")

    build = (root / "capi/meson.build").read_text()
    missing = [str(f.relative_to(root)) for f in sorted((root / "capi").rglob("*.cpp"))
               if f"'{f.relative_to(root / 'capi')}'" not in build]
    tap.case("every C++ file of capi/ is in its meson.build", missing)

    data = json.loads((root / "capi/minitorch-api.json").read_text())
    problems = []
    for f in data["functions"]:
        if not f.get("doc") and "op" not in f:
            problems.append(f"{f['name']} has no comment in {f['header']}")
        if f["name"].endswith("_free") and "returns" in f:
            problems.append(f"{f['name']} must return mt_status")
    problems += [f"{op['name']} has no doc in api.toml" for op in data["ops"] if not op.get("doc")]
    tap.case("every function is described", problems)

    problems = []
    classes = {c["name"] for c in data["classes"]}
    names = {f["name"] for f in data["functions"]}
    handles = {v["name"] for e in data["enums"] if e["name"] == "mt_handle_class"
               for v in e["values"]}
    for c in classes:
        if "MT_HANDLE_" + c.removeprefix("mt_").upper() not in handles:
            problems.append(f"{c} has no number in mt_handle_class")
        if c + "_free" not in names and c != "mt_function_ctx":
            problems.append(f"{c} has no {c}_free")
    tap.case("every class has a number and a free function", problems)

    problems = []
    for s in data["structs"]:
        first = s["fields"][0]["name"]
        if s["name"].startswith("mt_dl_"):
            continue
        if first != "struct_size":
            problems.append(f"{s['name']} must start with struct_size")
        if s["name"] + "_init" not in names and not s["name"].endswith(("_stats", "_info")):
            problems.append(f"{s['name']} has no {s['name']}_init")
    tap.case("every struct starts with its size and has an _init function", problems)

    text = "".join(p.read_text() for p in sorted((root / "capi").glob("*.cpp")))
    wrong = [f"guard(\"{a}\") inside {b}" for b, a in re.findall(
        r"mt_status (mt_\w+)\([^{]*\{\s*return guard\(\s*\"(\w+)\"", text) if a != b]
    tap.case("hand-written shims name themselves", wrong)
    tap.finish()


if __name__ == "__main__":
    main()
