#!/bin/sh
# What becomes of the kernels' PTX: no division of 64 bits, which a GPU calls a subroutine for; no more registers, shared memory and stack, as
# ptxas assigns them, than budget.txt allows; and such instructions as it says. Runs nothing.
#
#     sh static.sh PTXAS INSTRUCTIONS BUDGET (FOLDER CAPABILITY)...       folders of .ptx files; INSTRUCTIONS: the program of instructions.c
set -u

ptxas=$1 instructions=$2 budget=$3
shift 3
made=$(mktemp -d) || exit 1
trap 'rm -rf "$made"' EXIT

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
        /^#/ || NF < 4 { next }
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

# Lines "kernel LDG128=2 FFMA=64.." of one capability against the budget's marks.
judge() {
    awk -v capability="$1" '
        function complain(what) { printf "sm_%s: %s: %s\n", capability, kernel, what; failed = 1 }
        function marked(mark) { return index(marks[kernel], " " mark " ") > 0 }
        function any(pattern,   i) { for (i = 2; i <= NF; i++) if ($i ~ "^(" pattern ")[0-9]*=") return 1; return 0 }
        /^#/ || NF == 0 { next }
        NR == FNR { marks[$4] = " "; for (i = 5; i <= NF; i++) marks[$4] = marks[$4] $i " "; next }
        !($1 in marks) { next }
        {
            kernel = $1
            if (marked("four") && !(any("LDG128") && any("STG128")))  complain("no loads and stores of 128 bits")
            if (marked("ffma") && !any("FFMA"))                       complain("no FFMA")
            if (capability >= 80 && any("HMMA") != marked("hmma"))    complain("tensor cores, or marked so without need")
            if (any("LDL|STL") && !marked("local"))                   complain("local memory")
            if (any("CALL") != marked("calls"))                       complain("calls, or marked so without need")
            if (any("LDS|STS") && !any("BAR"))                        complain("shared memory, but no barrier")
        }
        END { exit failed }' "$budget" -
}

# Such lines of all capabilities: who is marked for local memory has some on one of them.
judge_together() {
    awk '
        /^#/ || NF == 0 { next }
        NR == FNR { for (i = 5; i <= NF; i++) if ($i == "local") marked[$4] = 1; next }
        { for (i = 2; i <= NF; i++) if ($i ~ /^(LDL|STL)[0-9]*=/) uses[$1] = 1 }
        END { for (kernel in marked) if (!(kernel in uses)) { print kernel ": marked for local memory without need"; failed = 1 }; exit failed }
    ' "$budget" -
}

# compile FOLDER CAPABILITY: to cubins; what ptxas says.
compile() {
    for file in "$1"/*.ptx; do
        "$ptxas" -arch="sm_$2" -v "$file" -o "$made/$(basename "$file" .ptx).$2" 2>&1 || echo "refused: $file"
    done
}

# all_usage (FOLDER CAPABILITY)...
all_usage() {
    while [ $# -ge 2 ]; do
        compile "$1" "$2" | usage
        shift 2
    done
}

failed=0
all_usage "$@" | compare || failed=1
"$instructions" "$made"/* | judge_together || failed=1
while [ $# -ge 2 ]; do
    "$instructions" "$made"/*."$2" | judge "$2" || failed=1
    grep -nE '(div|rem)\.[us]64' "$1"/*.ptx && failed=1
    shift 2
done
exit $failed
