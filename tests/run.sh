#!/usr/bin/env bash
# Passes the tests: installs what is missing (Debian), builds, runs every suite, and ends with
# "N passed, N failed, N skipped". Options: --asan (AddressSanitizer and UBSan, with clang),
# --tsan (ThreadSanitizer, of the tests that use threads), --builddir DIR, --no-install, and test-name filters.
set -euo pipefail
cd "$(dirname "$0")/.."

sanitize="" builddir="" install=1 filters=()
while [ $# -gt 0 ]; do
  case "$1" in
    --asan) sanitize=address ;;
    --tsan) sanitize=thread ;;
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
targets=()
if [ "$sanitize" = thread ]; then
  args+=(-Db_sanitize=thread -Db_lundef=false -Dbench=false -Dbindings=false -Dexamples=false)
  : "${builddir:=build-tsan}"
  [ ${#filters[@]} -gt 0 ] || filters=(capi_threads capi_callbacks autograd core)
  targets=(tests/capi_threads tests/capi_callbacks tests/capi_autograd)
  targets+=(tests/autograd_tests tests/core_tests)
  export OPENBLAS_NUM_THREADS=1  # its threads are not instrumented
  export TSAN_OPTIONS="halt_on_error=1 second_deadlock_stack=1"
fi
if [ "$sanitize" = address ]; then
  # clang: its sanitizers compile in half of gcc's time, and every file is seen by a second compiler.
  export CC=clang CXX=clang++
  runtime=$(dirname "$(clang -print-file-name="libclang_rt.asan-$(uname -m).so")")
  # Some containers forbid what the leak checker needs; then nothing can be said here.
  probe=$(mktemp -d)
  echo 'int main(void) { return 0; }' >"$probe/probe.c"
  clang -fsanitize=address,undefined -shared-libasan "-Wl,-rpath,$runtime" "$probe/probe.c" -o "$probe/probe"
  works=1
  for _ in 1 2 3 4; do "$probe/probe" >/dev/null 2>&1 || works=0; done
  rm -rf "$probe"
  if [ "$works" = 0 ]; then
    echo "skipped: AddressSanitizer with its leak check does not run on this system"
    exit 0
  fi
  compile="-fno-sanitize-recover=all -gline-tables-only -fsanitize-ignorelist=$PWD/tests/sanitize_ignore.txt"
  # The list's content counts, not its path: so the compiler cache serves clones in other folders.
  export CCACHE_IGNOREOPTIONS="-fsanitize-ignorelist=*" CCACHE_EXTRAFILES="$PWD/tests/sanitize_ignore.txt"
  link="-shared-libasan -Wl,-rpath,$runtime"
  args+=(-Db_sanitize=address,undefined -Db_lundef=false -Dbench=false -Doptimization=2 -Ddebug=false
    -Dc_args="$compile" -Dcpp_args="$compile" -Dc_link_args="$link" -Dcpp_link_args="$link")
  : "${builddir:=build-asan}"
fi
: "${builddir:=build}"
if command -v ccache >/dev/null; then
  export CC="ccache ${CC:-gcc}" CXX="ccache ${CXX:-g++}"
  args+=(-Db_pch=false)  # a compiler cache serves no precompiled headers
fi
if [ ! -f "$builddir/build.ninja" ]; then
  meson setup "$builddir" "${args[@]}" >"$builddir.setup.log" 2>&1 || { cat "$builddir.setup.log"; exit 1; }
  rm -f "$builddir.setup.log"
fi
ninja -k 0 -C "$builddir" ${targets[@]+"${targets[@]}"}
exec /usr/bin/python3 tests/run_all.py "$builddir" ${filters[@]+"${filters[@]}"}
