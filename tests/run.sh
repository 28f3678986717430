#!/bin/sh
# Builds everything with warnings as errors, runs every test, and ends with a line "N passed, M failed, K skipped".
# Leaves all it makes in the clone's build/tests*. Exit status 0 where nothing failed.
#
#     sh tests/run.sh            KNN_TEST_DATA, where set, is a folder with photographs for the tests that want some
set -u

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../cmake/packages.sh
. "$root/cmake/packages.sh"
# shellcheck disable=SC2086,SC2154  # a list, from packages.sh
install_missing $build_packages g++ check libopenblas0-pthread libopenblas0-openmp || exit 1

passed=0 failed=0 skipped=0 failures=
# Several programs share the cores here: threads that wait for work must not keep one busy.
export OMP_WAIT_POLICY=passive
unset LD_LIBRARY_PATH OMP_NUM_THREADS CFLAGS CXXFLAGS LDFLAGS

# step NAME COMMAND...: one more that passed or failed.
step() {
    name=$1
    shift
    printf '\n==== %s\n' "$name"
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        failures="$failures
    $name"
        return 1
    fi
}

# build FOLDER ARGUMENT...: configures and builds with warnings as errors.
build() {
    folder=$root/build/$1
    shift
    if [ ! -f "$folder/CMakeCache.txt" ] && command -v ninja >/dev/null; then
        set -- -G Ninja "$@"
    fi
    cmake -S "$root" -B "$folder" -DKNN_WERROR=ON "$@" >"$folder.log" 2>&1 && cmake --build "$folder" --parallel "$(nproc)" >>"$folder.log" 2>&1
    status=$?
    if [ $status -ne 0 ]; then
        tail -n 100 "$folder.log"
    fi
    return $status
}

# attribute NAME FILE: of the root element of ctest's report.
attribute() {
    tr '\n' ' ' <"$2" | sed -n "s/.*<testsuite[^>]*[[:space:]]$1=\"\\([0-9]*\\)\".*/\\1/p"
}

# run NAME FOLDER ARGUMENT...: runs FOLDER's tests and counts them.
run() {
    name=$1 folder=$root/build/$2 report=$root/build/$2.xml
    shift 2
    printf '\n==== %s\n' "$name"
    rm -f "$report"
    (cd "$folder" && ctest -j "$(nproc)" --output-on-failure --output-junit "$report" "$@")
    status=$?
    all=$(attribute tests "$report")
    bad=$(attribute failures "$report")
    left=$(attribute skipped "$report")
    if [ -z "$all" ] || [ "$all" -eq 0 ] || { [ $status -ne 0 ] && [ "$bad" -eq 0 ]; }; then
        all=$((${all:-0} + 1)) bad=$((${bad:-0} + 1)) left=${left:-0}       # ctest itself failed
    fi
    passed=$((passed + all - bad - left)) failed=$((failed + bad)) skipped=$((skipped + left))
    if [ "$bad" -gt 0 ]; then
        failures="$failures
    $name: $bad"
    fi
}

blas_of() {
    ldd "$root/build/tests/lib/libknn.so" | sed -n 's/.*libopenblas.* => \([^ ]*\).*/\1/p' | xargs readlink -f
}

# The same programs with the other flavour of OpenBLAS, which Debian's alternatives could give them any day.
other_blas() {
    usual=$(blas_of) ran=0
    for folder in /usr/lib/*/openblas-pthread /usr/lib/*/openblas-openmp; do
        LD_LIBRARY_PATH=$folder
        export LD_LIBRARY_PATH
        if [ -d "$folder" ] && [ "$(blas_of)" != "$usual" ]; then
            run "tests with ${folder##*/}" tests -L '^(backend|plan|model|training)$'
            ran=1
        fi
        unset LD_LIBRARY_PATH
    done
    step "there was another OpenBLAS to run with" test $ran -eq 1
}

mkdir -p "$root/build"

# Compiling the CUDA kernels for every kind of GPU takes long: these run on all (8.0 on 8.x, the PTX of 9.0 on newer ones); the next build's on one.
if step "build" build tests -DCMAKE_BUILD_TYPE=Release "-DKNN_CUDA_ARCHITECTURES=75-real;80-real;90"; then
    run "tests" tests
    other_blas
fi

if step "build with sanitizers" build tests-asan -DCMAKE_BUILD_TYPE=RelWithDebInfo -DKNN_SANITIZE=address,undefined \
    -DKNN_CUDA_ARCHITECTURES=75-real; then
    run "tests with sanitizers" tests-asan
fi

if command -v clang >/dev/null; then
    step "build with clang" build tests-clang -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Release -DKNN_CUDA=OFF
else
    skipped=$((skipped + 1))
fi

if [ -n "$failures" ]; then
    printf '\nfailed:%s\n' "$failures"
fi
printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
test "$failed" -eq 0
