#!/bin/sh
# The binary interface: what libknn.so shows, what it asks of others, and how its structs are laid out, against checked-in lists.
# Does not know whether a change is allowed: docs/abi.md does.
#
#     sh abi_test.sh exported|imported SOURCE libknn.so
#     sh abi_test.sh layout SOURCE PROGRAM
set -eu

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# same LIST: what stands in $scratch/got is what LIST holds.
same() {
    if ! diff -u "$1" "$scratch/got"; then
        echo "the binary interface differs from $1; where docs/abi.md allows that, that file must follow" >&2
        exit 1
    fi
}

case $1 in
exported)
    nm -D --defined-only "$3" | awk '{print $NF}' | LC_ALL=C sort >"$scratch/got"
    same "$2/tests/abi/exported.txt"
    cat "$2"/include/knn/*.h | sed -n 's/^KNN_API.*[ *]\(knn_[a-z0-9_]*\)(.*/\1/p' | LC_ALL=C sort >"$scratch/got"
    same "$2/tests/abi/exported.txt"
    ;;
imported)
    banned='exit|_exit|_Exit|quick_exit|abort|__assert_fail|raise|kill|signal|sigaction|setlocale|getenv|secure_getenv|setenv|putenv|unsetenv'
    banned="$banned|printf|__printf_chk|vprintf|__vprintf_chk|puts|putchar|perror|stdout|stderr|stdin|system|popen|fork|rand|srand|sprintf|strcpy|strcat|gets"
    if nm -D --undefined-only "$3" | sed 's/@.*//' | awk '{print $NF}' | grep -x -E "$banned"; then
        echo "a library must not use these" >&2
        exit 1
    fi
    ;;
layout)
    "$3" >"$scratch/got"
    test "$(grep -c '^knn_[a-z0-9_]* ' "$scratch/got")" -eq "$(cat "$2"/include/knn/*.h | grep -c '^typedef struct knn_[a-z0-9_]* {')"
    same "$2/tests/abi/offsets.txt"
    ;;
esac
