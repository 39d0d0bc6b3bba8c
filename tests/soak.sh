#!/usr/bin/env bash
# The long run: trains, saves, loads and abuses for an hour (or --seconds N) and fails when anything
# grows. Usage: soak.sh [--builddir DIR] [--seconds N]; the build folder must have the Python binding.
set -euo pipefail
cd "$(dirname "$0")/.."
build=build
if [ "${1:-}" = --builddir ]; then
  build=$2
  shift 2
fi
export PYTHONPATH="$PWD/bindings/python" MINITORCH_NATIVE="$PWD/$build/bindings/python"
exec /usr/bin/python3 tests/python/soak.py "$@"
