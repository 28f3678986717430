#!/bin/sh
# examples/catdog on the emulated GPU: it trains, and its model says the same on the CPU.
#
#     sh emulator_catdog_test.sh CATDOG DRAW
set -eu
catdog=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
"$2" --train 4 --validation 2 --test 2 CatAndDog >drawn
"$catdog" --backend cuda --epochs 1 >trained.txt
grep -q 'val_acc' trained.txt
test "$(wc -l <history.csv)" -eq 2
"$catdog" --backend cuda -d CatAndDog/test >cuda.txt
"$catdog" --backend cpu -d CatAndDog/test >cpu.txt
test "$(wc -l <cuda.txt)" -eq 2
# All but the last digit of the probabilities.
sed 's/.$//' cuda.txt >cuda.short
sed 's/.$//' cpu.txt | cmp - cuda.short
if "$catdog" --backend cuda:7 --epochs 1 2>refused.txt >/dev/null; then
    echo "it took cuda:7" >&2
    exit 1
fi
grep -q 'backend "cuda:7": there is no GPU 7' refused.txt
