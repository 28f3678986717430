#!/bin/sh
# What becomes of the kernels' PTX: no division of 64 bits, which a GPU calls a subroutine for; no more registers, shared memory and stack, as
# ptxas assigns them, than budget.txt allows. Runs nothing.
#
#     sh static.sh PTXAS BUDGET (FOLDER CAPABILITY)...        folders of .ptx files
set -u

ptxas=$1 budget=$2
shift 2

# Of ptxas's report a line "registers shared stack kernel" for each kernel.
usage() {
    awk '
        /^refused/
        /Compiling entry function/ { split($0, word, "\047"); kernel = word[2] }
        /Function properties for/  { mine = $NF == kernel }
        /bytes stack frame/ && mine { stack = $1 }
        / Used [0-9]+ registers/ {
            registers = shared = 0
            for (i = 1; i < NF; i++) {
                if ($(i + 1) ~ /^registers/) registers = $i
                if ($(i + 1) == "bytes" && $(i + 2) ~ /^smem/) shared = $i
            }
            print registers, shared, stack, kernel
        }'
}

# Such lines of all capabilities against the budget; what is not in it, or more, is printed as a line for it.
compare() {
    awk '
        /^refused/ { print; failed = 1 }
        /^#/ || NF != 4 { next }
        NR == FNR { for (i = 1; i <= 3; i++) most[$4, i] = $i + 0; known[$4] = 1; next }
        { for (i = 1; i <= 3; i++) if ($i + 0 > used[$4, i] + 0) used[$4, i] = $i + 0; seen[$4] = 1 }
        END {
            for (kernel in seen) {
                bad = !(kernel in known)
                for (i = 1; i <= 3; i++) bad = bad || used[kernel, i] > most[kernel, i]
                if (bad) printf "not in the budget: %3d %6d %4d %s\n", used[kernel, 1], used[kernel, 2], used[kernel, 3], kernel
                failed = failed || bad
            }
            for (kernel in known)
                if (!(kernel in seen)) { print "in the budget, but no kernel: " kernel; failed = 1 }
            exit failed
        }' "$budget" -
}

# all_usage (FOLDER CAPABILITY)...
all_usage() {
    while [ $# -ge 2 ]; do
        for file in "$1"/*.ptx; do
            "$ptxas" -arch="sm_$2" -v "$file" -o /dev/null 2>&1 || echo "refused: $file"
        done | usage
        shift 2
    done
}

failed=0
all_usage "$@" | compare || failed=1
while [ $# -ge 2 ]; do
    grep -nE '(div|rem)\.[us]64' "$1"/*.ptx && failed=1
    shift 2
done
exit $failed
