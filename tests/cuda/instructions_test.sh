#!/bin/sh
# That instructions.c knows the codes of instructions, for each compute capability: the kernels of instructions.cu have what their names say.
#
#     sh instructions_test.sh PTXAS INSTRUCTIONS (FILE CAPABILITY)...         instructions.cu as .ptx files
set -u

ptxas=$1 instructions=$2
shift 2
cubin=$(mktemp) || exit 1
trap 'rm -f "$cubin"' EXIT

# A line "LDG32_STG32 LDG32=1 STG32=1" for each kernel.
compare() {
    awk -v capability="$1" '
        {
            split("", found)
            wrong = NF < 2
            names = split($1, expected, "_")
            for (i = 2; i <= NF; i++) { sub(/=.*/, "", $i); found[$i] = 1 }
            for (i = 1; i <= names; i++) wrong = wrong || !(expected[i] in found)
            if (wrong || names != NF - 1) { print "sm_" capability ": " $0; failed = 1 }
        }
        END { exit failed || NR < 13 }'
}

failed=0
while [ $# -ge 2 ]; do
    "$ptxas" -arch="sm_$2" "$1" -o "$cubin" && "$instructions" "$cubin" | compare "$2" || failed=1
    shift 2
done
exit $failed
