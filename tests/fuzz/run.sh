#!/bin/sh
# Fuzzes with libFuzzer, one target after the other, each for so many minutes; needs clang. What was found lies in build/fuzz/TARGET, new
# inputs that reach new code in build/fuzz/TARGET/corpus.
#
#     sh tests/fuzz/run.sh MINUTES [TARGET...]
set -eu

if [ $# -lt 1 ]; then
    echo "usage: sh tests/fuzz/run.sh MINUTES [TARGET...]" >&2
    exit 2
fi
minutes=$1
shift
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
build=$root/build/fuzz
[ $# -gt 0 ] || set -- json tree model picture directory catdog

cmake -S "$root" -B "$build" -DKNN_FUZZ=ON -DKNN_PTHREADS=ON -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=RelWithDebInfo >/dev/null
cmake --build "$build" --target fuzz --parallel "$(nproc)" >/dev/null

status=0
for target in "$@"; do
    mkdir -p "$build/$target/corpus"
    dictionary=$root/tests/fuzz/$target.dict
    limits="-max_len=65536 -timeout=5 -rss_limit_mb=1024"
    [ ! -f "$dictionary" ] || limits="$limits -dict=$dictionary"
    # shellcheck disable=SC2086  # a list
    OPENBLAS_NUM_THREADS=1 "$build/tests/fuzz/fuzz_$target" $limits -max_total_time=$((minutes * 60)) -print_final_stats=1 \
        -artifact_prefix="$build/$target/" "$build/$target/corpus" "$root/tests/fuzz/corpus/$target" >"$build/$target/log" 2>&1 || status=1
    echo "$target: $(grep -E '^#[0-9]+.*(DONE|pulse|REDUCE|NEW)' "$build/$target/log" | tail -n 1)"
    grep -E 'ERROR|SUMMARY|^fuzz:|Test unit written' "$build/$target/log" || true
done
exit $status
