#!/usr/bin/env bash
# Passes the tests: installs what is missing (Debian), builds, runs every suite, and ends with
# "N passed, N failed, N skipped". Options: --asan (AddressSanitizer + UBSan build),
# --clang (compile with clang), --builddir DIR, --no-install, and test-name filters.
set -euo pipefail
cd "$(dirname "$0")/.."

sanitize=0 compiler=gcc builddir="" install=1 filters=()
while [ $# -gt 0 ]; do
  case "$1" in
    --asan) sanitize=1 ;;
    --clang) compiler=clang ;;
    --builddir) builddir=$2; shift ;;
    --no-install) install=0 ;;
    -*) echo "unknown option $1" >&2; exit 2 ;;
    *) filters+=("$1") ;;
  esac
  shift
done

[ "$install" = 0 ] || tests/install_deps.sh tests

unset OPENBLAS_CORETYPE  # a wrong core type only slows OpenBLAS down
args=(-Dwerror=true)
if [ "$compiler" = clang ]; then
  export CC=clang CXX=clang++
  : "${builddir:=build-clang}"
fi
if [ "$sanitize" = 1 ]; then
  args+=(-Db_sanitize=address,undefined -Db_lundef=false -Dbench=false -Dbindings=false)
  : "${builddir:=build-asan}"
fi
: "${builddir:=build}"
if command -v ccache >/dev/null; then
  export CC="ccache ${CC:-gcc}" CXX="ccache ${CXX:-g++}"
fi
if [ ! -f "$builddir/build.ninja" ]; then
  meson setup "$builddir" "${args[@]}" >"$builddir.setup.log" 2>&1 || { cat "$builddir.setup.log"; exit 1; }
  rm -f "$builddir.setup.log"
fi
ninja -k 0 -C "$builddir"
exec /usr/bin/python3 tests/run_all.py "$builddir" ${filters[@]+"${filters[@]}"}
