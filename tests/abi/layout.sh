#!/bin/sh
# Writes a C program that prints the layout of all public structs.
#
#     sh layout.sh SOURCE CC PROGRAM.c
set -eu
# One declaration a line: the preprocessed headers as one line, cut behind each typedef.
"$2" -E -P -std=c11 -I "$1/include" -include knn/extend.h -x c /dev/null | tr -s '\n\t ' ' ' |
    sed 's/typedef \(struct\|enum\) knn_/\n&/g; s/} \(knn_[a-z0-9_]*\);/} \1;\n/g' |
    awk -f "$1/tests/abi/layout.awk" >"$3"
