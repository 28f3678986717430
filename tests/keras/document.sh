#!/bin/sh
# Writes docs/keras.md: what keras.head.md says, and tables of what keras_conformance_test finds. Usage: sh tests/keras/document.sh [BUILD FOLDER]
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
build=${1:-$root/build}
cmake -S "$root" -B "$build" >/dev/null
cmake --build "$build" --target keras_conformance_test >/dev/null
results=$(mktemp)
trap 'rm -f "$results"' EXIT
KNN_CONFORMANCE_RESULTS=$results "$build/tests/keras_conformance_test" >&2
{
    cat "$here/keras.head.md"
    sed -n '1s/^knn-fixture 1 \([^.]*[0-9]\) make.*/\nMeasured with \1./p; 1q' "$root/tests/fixtures/conformance/keras3.fixture" | tr -d '\000'
    awk -f "$here/document.awk" "$results"
} >"$root/docs/keras.md"
