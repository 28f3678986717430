# shellcheck shell=sh
# For the tests of examples/catdog/run.sh: a clone that holds nothing but the script, and what the tests ask of it.
# Expects the repository's root in $source. Sets $scratch, $clone and $stubs; the folder goes away when the test ends.

set -u
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
clone="$scratch/a clone"
stubs=$scratch/stubs
mkdir -p "$clone/examples/catdog" "$clone/cmake" "$stubs"
: "${source:?the root of the repository}"
cp "$source/examples/catdog/run.sh" "$clone/examples/catdog"
cp "$source/cmake/packages.sh" "$clone/cmake"
failures=0

# stub NAME: a command that comes before the real one; its script is standard input.
stub() {
    { echo '#!/bin/sh'; cat; } >"$stubs/$1"
    chmod +x "$stubs/$1"
}

# check WHAT COMMAND...: the command must succeed.
check() {
    what=$1
    shift
    if "$@"; then
        echo "passed: $what"
    else
        echo "FAILED: $what: $*"
        failures=$((failures + 1))
    fi
}

# equal EXPECTED GOT
equal() {
    test "$1" = "$2" || { echo "expected: $1"; echo "got:      $2"; false; }
}

finish() {
    test "$failures" -eq 0
    exit
}
