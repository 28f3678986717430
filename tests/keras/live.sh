#!/bin/sh
# Lets real Keras (tf-keras 2.21 and keras 3.15) read what the library writes, and answer the conformance suite anew, from other weights and
# pictures than the stored ones. Usage: sh tests/keras/live.sh [BUILD FOLDER [SEED]]
# KNN_PYTHON names a Python that has both; otherwise a virtual environment with them is made below the build folder (from the network).
set -e
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$root/build}
seed=${2:-$(date +%s)}
cmake -S "$root" -B "$build" >/dev/null
cmake --build "$build" --target keras_live_test keras_conformance_test >/dev/null
if [ -z "$KNN_PYTHON" ]; then
    KNN_PYTHON=$build/live/bin/python
    if [ ! -x "$KNN_PYTHON" ]; then
        python3 -m venv "$build/live"
        "$KNN_PYTHON" -m pip install --quiet 'tensorflow-cpu==2.21.*' 'tf-keras==2.21.*' 'keras==3.15.1' h5py
    fi
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
KNN_LIVE=$folder "$build/tests/keras_live_test"
"$KNN_PYTHON" "$root/tests/keras/live.py" "$folder" 2>"$folder/stderr" || { status=$?; tail -20 "$folder/stderr" >&2; exit $status; }

echo "conformance, seed $seed"
mkdir "$folder/conformance"
"$KNN_PYTHON" "$root/tests/fixtures/conformance/make_conformance_fixtures.py" "$folder/conformance" "$seed" 2>"$folder/stderr"
KNN_CONFORMANCE=$folder/conformance "$build/tests/keras_conformance_test"
