#!/bin/sh
# Lets the real TensorBoard (2.21) read a log that the library wrote, and show it. Usage: sh tests/keras/tensorboard.sh [BUILD FOLDER]
# KNN_PYTHON names a Python that has tensorboard and tensorflow; otherwise a virtual environment is made below the build folder (from
# the network).
set -e
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$root/build}
cmake -S "$root" -B "$build" >/dev/null
cmake --build "$build" --target training_tensorboard_test >/dev/null
if [ -z "$KNN_PYTHON" ]; then
    KNN_PYTHON=$build/live/bin/python
    if [ ! -x "$KNN_PYTHON" ]; then
        python3 -m venv "$build/live"
        "$KNN_PYTHON" -m pip install --quiet 'tensorflow-cpu==2.21.*' 'tf-keras==2.21.*' 'keras==3.15.1' h5py
    fi
    "$KNN_PYTHON" -m pip install --quiet 'tensorboard==2.21.*'
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
KNN_TENSORBOARD=$folder "$build/tests/training_tensorboard_test" >/dev/null
"$KNN_PYTHON" "$root/tests/keras/tensorboard_log.py" "$folder" 2>"$folder/stderr" ||
    { status=$?; tail -20 "$folder/stderr" >&2; exit $status; }
