#!/bin/sh
# Builds the benchmark and measures the library, alone or in turns with its peers: a line a figure (knn_benchmark and peers.py say
# what they are), and in the end the ratios. With the peers it takes about half an hour; nothing else should run meanwhile.
#
#     sh benchmark.sh [--peers] [--data DIRECTORY] [--nets "catdog vgg"] [--threads "1 2"] [--seconds S] [--rounds N] [--epochs N]
#
# --data: a directory with train and validation, in each cat and dog; without it, pictures are drawn. KNN_PYTHON: the interpreter that
# has the peers, otherwise the one that peers-install.sh makes.
# shellcheck disable=SC2086  # lists of options
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
build=$root/build/benchmark
onednn=$build/tests/benchmark/knn_onednn
python=${KNN_PYTHON:-$root/build/peers/bin/python}
peers=no
data=
nets='catdog vgg mnist cifar wide'
threads="1 $(nproc)"
seconds=3
rounds=1
epochs=3

usage() {
    echo 'usage: sh benchmark.sh [--peers] [--data DIRECTORY] [--nets NAMES] [--threads NUMBERS] [--seconds S] [--rounds N] [--epochs N]'
}

while [ $# -gt 0 ]; do
    case $1 in
    --peers)
        peers=yes
        shift
        continue
        ;;
    --help | -h)
        usage
        exit 0
        ;;
    esac
    if [ $# -lt 2 ]; then
        usage >&2
        exit 2
    fi
    case $1 in
    --data) data=$(CDPATH='' cd -- "$2" && pwd) ;;
    --nets) nets=$2 ;;
    --threads) threads=$2 ;;
    --seconds) seconds=$2 ;;
    --rounds) rounds=$2 ;;
    --epochs) epochs=$2 ;;
    *)
        usage >&2
        exit 2
        ;;
    esac
    shift 2
done

if [ "$peers" = yes ] && ! [ -x "$(command -v "$python")" ]; then
    echo "benchmark.sh: there is no $python; sh tests/benchmark/peers-install.sh makes it, or KNN_PYTHON names another" >&2
    exit 1
fi

# What would change the measurement behind our back; the lines say which kernels OpenBLAS chose by itself.
for name in $(env | sed -n -E 's/^((OPENBLAS|GOTO|OMP|MALLOC)_[A-Za-z_]*)=.*/\1/p'); do
    unset "$name"
done

{
    cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DKNN_BUILD_TESTS=OFF -DKNN_BUILD_EXAMPLES=ON
    cmake --build "$build" --target knn_benchmark catdog draw --parallel "$(nproc)"
} >&2

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM
if [ -z "$data" ]; then
    data=$scratch/drawn
    "$build/examples/catdog/draw" --train 640 --validation 160 --test 0 "$data" >&2
fi

# ---- one contender each ---------------------------------------------------------------------------------------------

ours() {
    "$build/tests/benchmark/knn_benchmark" --seconds "$seconds" --data "$data" "$@"
}

# The general path lives on OpenBLAS: with each flavour that the distribution has; "none" is where no library will be found.
ours_general() {
    flavours=$(ls -d /usr/lib/*/openblas-pthread /usr/lib/*/openblas-openmp 2>/dev/null) || true
    for flavour in ${flavours:-none}; do
        (
            export LD_LIBRARY_PATH="$flavour"
            ours --kernels general "$@"
        )
    done
}

# A peer that fails is missing in the lines, and the reason is on stderr.
peer() {
    "$python" "$here/peers.py" --seconds "$seconds" --data "$data" "$@" 2>"$scratch/errors" || {
        echo "benchmark.sh: peers.py $*: failed:"
        tail -n 20 "$scratch/errors"
    } >&2
}

# A malloc that keeps its pages: by default it gives them back after each step, and the next one pays for page faults.
tuned() {
    (
        export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=8000000000 MALLOC_TOP_PAD_=500000000
        "$@"
    )
}

# ---- the measurements -----------------------------------------------------------------------------------------------

# measure_net NET THREADS
measure_net() {
    of="--net $1 --threads $2"
    ours $of --slices "$2" train            # what results cost that do not depend on the number of threads
    for figure in train predict one; do
        ours $of $figure
        ours_general $of $figure
    done
    if [ $peers = yes ]; then
        peer --peer pytorch $of train predict one
        for variant in eager channels_last compiled; do
            tuned peer --peer pytorch --variant $variant $of train predict one
        done
        peer --peer keras $of train predict one
        tuned peer --peer keras $of train predict one
        if [ -x "$onednn" ]; then           # built where the distribution's oneDNN was found
            "$onednn" "$1" "$2" "$seconds" || echo "benchmark.sh: oneDNN: $1: failed" >&2
        fi
    fi
}

measure_job() {
    ours --epochs "$epochs" --threads "$1" epoch
    ours --program "$build/examples/catdog/catdog" cold
    ours pictures
    if [ $peers = yes ]; then
        peer --peer keras --epochs 2 --threads "$1" epoch
        peer --peer keras cold
        peer --peer keras --threads 1 pictures
    fi
}

measure_all() {
    for count in $threads; do
        ours --threads "$count" fma
    done
    round=0
    while [ $((round += 1)) -le "$rounds" ]; do
        for net in $nets; do
            for count in $threads; do
                measure_net "$net" "$count"
            done
        done
        measure_job "$count"                # the last number: all cores
    done
}

{
    measure_all
    : >"$scratch/complete"
} | tee "$scratch/lines"
[ -f "$scratch/complete" ]
awk -f "$here/lines.awk" -f "$here/ratios.awk" "$scratch/lines"
