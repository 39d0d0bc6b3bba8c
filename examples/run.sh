#!/usr/bin/env bash
# The main job: installs what is missing (Debian), builds minitorch, and trains the examples. The
# pictures of the fit and the loss curve go to build/examples/.
set -euo pipefail
cd "$(dirname "$0")/.."
tests/install_deps.sh build
unset OPENBLAS_CORETYPE
build=${1:-build}
if [ ! -f "$build/build.ninja" ]; then
  meson setup "$build" -Dtests=false >/dev/null
fi
ninja -C "$build" | tail -n 1

echo "== linear regression in C (examples/linear_regression.c)"
"$build/examples/linear_regression" examples/data/cars.csv "$build/examples/curve.csv" | tail -n 6
echo "== handwritten digits in C (examples/digits.c)"
"$build/examples/digits" examples/data/digits.csv.gz | tr '\r' '\n' | tail -n 2
echo "== gradient accumulation in C (examples/grad_accumulation.c)"
"$build/examples/grad_accumulation"
echo "== a small GPT in C (examples/gpt.c)"
"$build/examples/gpt" examples/data/shakespeare.txt 200 | tr '\r' '\n' | tail -n 16
if [ -d ../shared/data/mnist ]; then
  echo "== LeNet on MNIST in C (examples/mnist.c), one epoch of the four"
  "$build/examples/mnist" ../shared/data/mnist 1 "$build/examples/mnist.safetensors" | tr '\r' '\n' | tail -n 2
fi
checkpoints=../shared/data/checkpoints
if [ -f "$checkpoints/squeezenet1_1.pth" ]; then
  echo "== a pretrained model sees an image, in C (examples/classify.c)"
  "$build/examples/classify" ../shared/data/images/chelsea.png "$checkpoints/squeezenet1_1.pth" \
    "$checkpoints/imagenet_synset_words.txt"
fi
echo "== the article's program in Python (examples/linear_regression.py)"
export PYTHONPATH="$PWD/bindings/python" MINITORCH_NATIVE="$PWD/$build/bindings/python"
/usr/bin/python3 examples/linear_regression.py examples/data/cars.csv "$build/examples" | tail -n 8
