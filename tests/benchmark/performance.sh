#!/bin/sh
# Measures with benchmark.sh, peers included, and writes docs/performance.md and docs/performance.png. The lines themselves are kept as
# docs/performance-ISA.txt, one file an instruction set, and those of other machines stay in the tables as they were measured.
#
#     sh performance.sh [OPTION OF benchmark.sh]...
#     sh performance.sh --from FILE           from lines that benchmark.sh printed earlier
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
docs=$here/../../docs
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM

if ! command -v gnuplot >/dev/null; then
    echo "performance.sh: the chart wants gnuplot (Debian: gnuplot-nox)" >&2
    exit 1
fi

if [ "${1-}" = --from ] && [ $# -eq 2 ]; then
    cp "$2" "$scratch/lines"
else
    sh "$here/benchmark.sh" --peers "$@" >"$scratch/lines"
fi
isa=$(sed -n -E 's/.* isa=([^ ]*) .*/\1/p' "$scratch/lines" | head -n 1)
machine=$(sed -n -E 's/.* isa=.* machine="([^"]*)".*/\1/p' "$scratch/lines" | head -n 1)
if ! grep -q '^# measured ' "$scratch/lines"; then
    { echo "# measured $(date +%Y-%m-%d) on $(nproc) cores by sh tests/benchmark/performance.sh"; cat "$scratch/lines"; } \
        >"$scratch/record"
    mv "$scratch/record" "$scratch/lines"
fi
cp "$scratch/lines" "$docs/performance-$isa.txt"

awk -v picture="$docs/performance.png" -f "$here/lines.awk" -f "$here/chart.awk" "$scratch/lines" | gnuplot

{
    cat "$here/performance.head.md"
    printf '\n![%s](performance.png)\n' "Times relative to libknn on $machine"
    for isa in avx2 avx512; do
        echo
        if [ -f "$docs/performance-$isa.txt" ]; then
            awk -f "$here/lines.awk" -f "$here/tables.awk" "$docs/performance-$isa.txt"
        else
            printf '## %s\n\nNot measured.\n' "$isa"
        fi
    done
} >"$docs/performance.md"
