#!/bin/sh
# Every shell script parses, and shellcheck, where there is one, has nothing to say about it.
#
#     sh scripts_test.sh SOURCE
set -eu
cd "$1"
scripts=$(find cmake examples tests .ci -name '*.sh' -o -path '.ci/run')
for script in $scripts; do
    sh -n "$script"
done
if command -v shellcheck >/dev/null; then
    # shellcheck disable=SC2086  # a list
    shellcheck -x $scripts
fi
