# The ABI gate: the library compared with the committed baseline by libabigail. Anything removed or
# changed fails; additions do too until the baseline is made anew (abi.py ... --update), so that each
# is a decision. Usage: abi.py SOURCE_ROOT LIBRARY [--update]
import lzma
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from tap import Tap


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


def main():
    root, library = pathlib.Path(sys.argv[1]), sys.argv[2]
    baseline = root / "capi/minitorch.abi.xz"
    # Only mt_ functions and the types they reach count. The filter is by name, in minitorch.abignore:
    # libabigail's own (--headers-dir, --drop-private-types) goes by the places of types, which the
    # baseline has not, and would drop the public structs as well.
    common = ["--exported-interfaces-only", "--no-show-locs", "--suppressions",
              str(root / "capi/minitorch.abignore")]
    with tempfile.TemporaryDirectory() as folder:
        plain = pathlib.Path(folder) / "minitorch.abi"
        if "--update" in sys.argv:
            result = run("abidw", *common, "--no-corpus-path", "--no-comp-dir-path", "--out-file", str(plain), library)
            print(result.stdout + result.stderr)
            # Places depend on where the build folder is: keep what is the project's.
            text = re.sub(r"path='[^']*?((?:capi|src)/[^']*)'", r"path='\1'", plain.read_text())
            packed = lzma.compress(re.sub(r"^ +", "", text, flags=re.M).encode())
            if not baseline.exists() or baseline.read_bytes() != packed:
                baseline.write_bytes(packed)
            sys.exit(result.returncode)
        plain.write_bytes(lzma.decompress(baseline.read_bytes()))
        check(library, plain, common)


def check(library, baseline, common):
    tap = Tap()
    if not shutil.which("abidiff"):
        tap.skip("the ABI is that of the baseline", "abidiff is not installed")
        tap.finish()
    # A stripped library has no types to compare and would always pass.
    sections = run("readelf", "-S", "--wide", library).stdout
    tap.case("the library has debug information",
             "" if ".debug_info" in sections else "no .debug_info section: build with -g")
    result = run("abidiff", *common, str(baseline), library)
    tap.case("the ABI is that of the baseline",
             result.stdout + result.stderr + f"abidiff exited with {result.returncode}"
             if result.returncode else "")
    tap.finish()


if __name__ == "__main__":
    main()
