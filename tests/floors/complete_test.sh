#!/bin/sh
# Nothing is forgotten: every source of the library is compiled, and every test program is known to ctest.
#
#     sh complete_test.sh SOURCE BUILD CTEST
set -eu
source=$1
status=0

missing() {
    echo "$*" >&2
    status=1
}

for file in $(cd "$source/lib" && find . -name '*.c' -o -name '*.cu' | sed 's|^\./||'); do
    grep -q -w -F "$file" "$source/lib/CMakeLists.txt" || missing "lib/$file is not in lib/CMakeLists.txt"
done
known=$("$3" --test-dir "$2" -N)
for file in "$source"/tests/*/*_test.c; do
    name=$(basename "$file" .c)
    case $known in
    *": $name
"*) ;;
    *) missing "ctest does not know $name" ;;
    esac
done
exit $status
