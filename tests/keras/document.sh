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
    LC_ALL=C sed -n '1s/^knn-fixture 1 \(.*\) make_conformance.*/\n## What the conformance suite finds\n\nAnswers of \1./p; 1q' \
        "$root/tests/fixtures/conformance/keras3.fixture"
    awk -f "$here/document.awk" "$results"
} >"$root/docs/keras.md"
