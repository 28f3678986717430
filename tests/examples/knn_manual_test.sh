#!/bin/sh
# The manual and docs/knn.md know every verb that knn has; the manual knows every option, and none else.
#
#     sh knn_manual_test.sh SOURCE KNN
set -eu
source=$1 knn=$2
manual=$(sed 's/\\-/-/g; s/\\f[A-Z]//g' "$source/examples/knn/knn.1")
status=0

verbs=$("$knn" --help | sed -n 's/^  knn \([a-z]*\) .*/\1/p')
test "$(echo "$verbs" | wc -l)" -eq 6
options=$(for verb in $verbs; do "$knn" "$verb" --help; done | sed -n 's/^  \(--[a-z-]*\) .*/\1/p' | LC_ALL=C sort -u)
for verb in $verbs; do
    for text in "$manual" "$(cat "$source/docs/knn.md")"; do
        case $text in
        *"$verb"*) ;;
        *)
            echo "the verb $verb is not documented" >&2
            status=1
            ;;
        esac
    done
done
echo "$manual" | sed -n '/^.SH OPTIONS/,/^.SH EXIT/p' | grep -o -e '--[a-z][a-z-]*' | LC_ALL=C sort -u >"${TMPDIR:-/tmp}/knn-manual.$$"
echo "$options" | diff - "${TMPDIR:-/tmp}/knn-manual.$$" || status=1
rm -f "${TMPDIR:-/tmp}/knn-manual.$$"
exit $status
