#!/usr/bin/env bash
# Installs the Debian packages that are missing. Argument: "build" for the library, the Python
# binding and the examples, "tests" for those and what the tests use. Needs root or sudo only when
# something is missing.
set -euo pipefail
packages="g++ meson ninja-build pkg-config libopenblas-dev libhwy-dev nlohmann-json3-dev zlib1g-dev libzip-dev libzip4
  libjpeg62-turbo-dev libpng-dev libfftw3-double3 libfftw3-single3
  python3 python3-dev python3-cffi python3-numpy python3-matplotlib graphviz"
if [ "${1:-build}" = tests ]; then
  packages="$packages libgtest-dev clang libclang-rt-dev clang-format clang-tidy abigail-tools luajit mypy binutils git"
fi
missing=""
for p in $packages; do
  dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
echo "installing:$missing"
sudo=""
[ "$(id -u)" = 0 ] || sudo=sudo
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
# shellcheck disable=SC2086  # a list of words
$sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
