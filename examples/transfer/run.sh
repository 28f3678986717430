#!/bin/sh
# Builds transfer and runs it; all of it in the clone's folder build. Does not install the library.
#
#     sh run.sh [OPTION...]       options are transfer's
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
build=$root/build/run
work=$root/build/transfer
# shellcheck source-path=SCRIPTDIR source=../../cmake/packages.sh
. "$root/cmake/packages.sh"

build_program() {
    # shellcheck disable=SC2086,SC2154  # a list, from packages.sh
    install_missing $build_packages
    if [ ! -f "$build/CMakeCache.txt" ] && command -v ninja >/dev/null; then
        set -- -G Ninja
    else
        set --
    fi
    cmake -S "$root" -B "$build" "$@" -DCMAKE_BUILD_TYPE=Release -DKNN_BUILD_TESTS=OFF -DKNN_BUILD_EXAMPLES=ON
    cmake --build "$build" --target transfer --parallel "$(nproc)"
}

build_program
mkdir -p "$work"
cd "$work"
"$build/examples/transfer/transfer" "$@"
