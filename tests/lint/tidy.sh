#!/usr/bin/env bash
# Runs clang-tidy with the repository's .clang-tidy over the C++ files of src/ and capi/ that a build
# folder compiles; any warning is an error. Usage: tidy.sh BUILDDIR [words of the paths to check].
# All files take an hour of one core; the tests check a few of them.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:?usage: tidy.sh BUILDDIR [words]}
shift
command -v clang-tidy >/dev/null || { echo "clang-tidy is not installed" >&2; exit 2; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# The commands without ccache, precompiled headers and what only gcc knows.
/usr/bin/python3 - "$build" "$scratch" "$PWD" "$@" <<'END'
import json, os, re, sys
build, scratch, root, *words = sys.argv[1:]
kept, files = [], []
for entry in json.load(open(os.path.join(build, "compile_commands.json"))):
    path = os.path.normpath(os.path.join(entry["directory"], entry["file"]))
    name = os.path.relpath(path, root)
    if not name.startswith(("src/", "capi/")) or name.startswith("capi/generated/") or (
            words and not any(w in name for w in words)) or path in files:
        continue
    entry["command"] = re.sub(r"^(\S*ccache )?\S+", "clang++", entry["command"])
    entry["command"] = re.sub(r" -fdiagnostics-color=\S+| -Winvalid-pch| -include \S+", "", entry["command"])
    kept.append(entry)
    files.append(path)
json.dump(kept, open(os.path.join(scratch, "compile_commands.json"), "w"))
open(os.path.join(scratch, "files"), "w").write("\n".join(files) + "\n")
END
[ -s "$scratch/files" ] || { echo "no file matches" >&2; exit 2; }
xargs -a "$scratch/files" -P "$(nproc)" -n 1 clang-tidy -p "$scratch" --quiet >"$scratch/out" 2>&1 \
  && good="" || good="not "
[ -z "$good" ] || grep -vE "warnings? (generated|treated)" "$scratch/out" | sed 's/^/# /'
echo "${good}ok 1 - clang-tidy on $(wc -l <"$scratch/files") files"
echo "1..1"
[ -z "$good" ]
