#!/bin/sh
# The programs for a GPU carry what they need besides the C library; where no GPU is to be seen they are skipped, or fail if one is required.
#
#     sh carried_test.sh FOLDER PROGRAM...
set -eu
folder=$1
shift
for program in "$@"; do
    if env -u LD_LIBRARY_PATH ldd "$folder/$program" | grep '=>' |
        grep -v -e "=> $folder/" -e '^[[:space:]]*lib\(c\|m\|dl\|pthread\|rt\|resolv\)\.so'; then
        echo "$program needs more than it carries" >&2
        exit 1
    fi
    for required in 0 1; do
        status=0
        CUDA_VISIBLE_DEVICES='' KNN_REQUIRE_GPU=$required "$folder/$program" test cuda >said 2>&1 || status=$?
        if [ $status -ne $((required == 1 ? 1 : 77)) ] || [ "$(wc -l <said)" -ne 1 ]; then
            echo "$program without a GPU, KNN_REQUIRE_GPU=$required: status $status" >&2
            cat said >&2
            exit 1
        fi
    done
done
