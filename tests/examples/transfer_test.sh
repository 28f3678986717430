#!/bin/sh
# examples/transfer in miniature: it runs through, writes its model, and says what it did.
#
#     sh transfer_test.sh TRANSFER
set -eu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
"$1" --pictures 60 --epochs 1 --few 9 >out
test -s shapes.h5
test "$(wc -l <out)" -eq 4
test "$(grep -c ' 0\.[0-9][0-9][0-9][0-9]$' out)" -eq 3
if "$1" --few 0 2>/dev/null; then
    echo "it took --few 0" >&2
    exit 1
fi
