#!/usr/bin/env bash
# Compiles everything with clang 14, warnings as errors; runs nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
export CC=clang CXX=clang++
if command -v ccache >/dev/null; then export CC="ccache clang" CXX="ccache clang++"; fi
[ -f build-clang/build.ninja ] || meson setup build-clang -Dwerror=true -Dbindings=false >/dev/null
ninja -C build-clang
